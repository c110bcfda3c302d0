"""Targets that are legal and odd: easier than the one before, or such that those below do not make the one above."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from contracts.catalog import Kpi, KpiKind, PeriodKind, Target
from services.runtime.catalog.checks.context import Context, overlap
from services.runtime.catalog.periods import Period, parse_name
from services.runtime.catalog.problems import NOTHING, Located, Problem, Words
from services.runtime.catalog.targets import Targets

ADDITIVE: frozenset[KpiKind] = frozenset({"flow", "stock", "milestone"})
"""What a unit has is the sum of what those below have."""

BETWEEN: frozenset[KpiKind] = frozenset({"ratio", "coverage", "rate", "level", "growth"})
"""What a unit has lies between the least and the most of what those below have."""

_ONE_DAY = timedelta(days=1)


def check_ambition(context: Context) -> Iterator[Problem]:
    """Warnings only. Targets that cannot be understood are said elsewhere and left out here."""
    readable = [(target, located) for target, located in context.targets if _period_of(target, context) is not None]
    yield from _check_easier(readable, context)
    yield from _check_cascade(readable, context)


def _period_of(target: Target, context: Context) -> Period | None:
    kpi = context.kpis.get(target.kpi)
    calendar = context.calendars.get(kpi.calendar) if kpi is not None else None
    if calendar is None or not _has_value(target):
        return None
    try:
        return calendar.parse(target.period)
    except ValueError:
        return None


def _has_value(target: Target) -> bool:
    if target.comparator == "band":
        return target.low is not None and target.high is not None
    return target.value is not None


# --- easier than before


def _check_easier(targets: Sequence[tuple[Target, Located]], context: Context) -> Iterator[Problem]:
    """Against the version before, and against the last version of the period before."""
    series: dict[tuple[str, str | None, str | None, str], list[Target]] = defaultdict(list)
    for target, _ in targets:
        series[target.kpi, target.unit, target.level, target.period].append(target)
    for versions in series.values():
        versions.sort(key=lambda target: (target.valid_from or date.min, target.version))
    for target, located in targets:
        versions = series[target.kpi, target.unit, target.level, target.period]
        place = versions.index(target)
        # Of two that are valid at once one is refused already.
        earlier = [before for before in versions[:place] if not overlap(before, target)] or series.get(
            (target.kpi, target.unit, target.level, _period_before(target, context)), []
        )
        if earlier and _easier(target, earlier[-1]):
            before = earlier[-1]
            same = before.period == target.period
            when = Words(
                f"phiên bản {before.version}" if same else f"kỳ {before.period}",
                f"version {before.version}" if same else before.period,
            )
            goals = Words(
                f": {_goal(target, 'đến')} sau {_goal(before, 'đến')}",
                f": {_goal(target, 'to')} after {_goal(before, 'to')}",
            )
            easier = Words(f"nhẹ hơn {when.vi}", f"easier than {when.en}").then(goals)
            remedy = Words("; hãy kiểm tra có đúng ý không", "; look whether that is meant")
            yield located.warning(easier.then(remedy), "value")


def _period_before(target: Target, context: Context) -> str:
    """The name of the period before, of the same kind; empty for a span of years, which has none."""
    kind = parse_name(target.period).kind
    if kind == "span":
        return ""
    calendar = context.calendars[context.kpis[target.kpi].calendar]
    kinds: dict[str, PeriodKind] = {
        "year": "year", "half": "half", "quarter": "quarter", "month": "month", "week": "week", "day": "day",
    }  # fmt: skip
    return calendar.period(kinds[kind], calendar.parse(target.period).first - _ONE_DAY).id


def _easier(target: Target, before: Target) -> bool:
    if target.comparator != before.comparator:
        return False
    if target.value is not None and before.value is not None:
        return target.value < before.value if target.comparator == ">=" else target.value > before.value
    if None in (target.low, target.high, before.low, before.high):
        return False
    assert target.low is not None
    assert target.high is not None
    assert before.low is not None
    assert before.high is not None
    wider = target.low <= before.low and before.high <= target.high
    return wider and (target.low, target.high) != (before.low, before.high)


def _goal(target: Target, to: str) -> str:
    return f"{target.low} {to} {target.high}" if target.comparator == "band" else str(target.value)


# --- the cascade


def _check_cascade(targets: Sequence[tuple[Target, Located]], context: Context) -> Iterator[Problem]:
    """Whether those below, each meeting its target, make the one above meet its own."""
    every = Targets((target for target, _ in targets), context.kpis, context.tree, context.calendars)
    for target, located in targets:
        kpi, period = context.kpis[target.kpi], _period_of(target, context)
        if period is None or target.value is None or kpi.kind not in ADDITIVE | BETWEEN:
            continue
        said = [
            Words(f"các mục tiêu bên dưới “{unit_id}” {sentence.vi}", f"the targets below “{unit_id}” {sentence.en}")
            for unit_id, day in _judged(target, period, context)
            if every.judging(kpi.id, unit_id, target.period, day) is target
            and (sentence := _shortfall(target.value, kpi, every.judging_below(kpi.id, unit_id, target.period, day)))
        ]
        if said:
            many = len(said) - 1
            more = Words(f" (và {many} đơn vị khác cũng vậy)", f" (and so for {many} more)") if many else NOTHING
            own = Words(f", mục tiêu của chính đơn vị là {target.value}", f", its own is {target.value}")
            remedy = Words("; hãy kiểm tra các mục tiêu này", "; look whether one of them is meant otherwise")
            yield located.warning(said[0].then(own).then(more).then(remedy), "value")


def _judged(target: Target, period: Period, context: Context) -> Iterator[tuple[str, date]]:
    """The units that a target is for, each with the last day of the period on which it exists."""
    if target.unit is not None:
        units = [context.units[target.unit]] if target.unit in context.units else []
    else:
        units = [unit for unit in context.units.values() if unit.level == target.level]
    for unit in units:
        day = min(period.last, unit.valid_to - _ONE_DAY) if unit.valid_to else period.last
        if unit.valid_on(day) and day >= period.first:
            yield unit.id, day


def _shortfall(value: Decimal, kpi: Kpi, below: Sequence[Target]) -> Words | None:
    """What the targets below come to, where that is not enough."""
    values = [target.value for target in below if target.value is not None]
    many = len(values)
    if not values:
        return None
    if kpi.kind in ADDITIVE:
        total = sum(values)
        return Words(f"({many}) cộng lại là {total}", f"({many}) add up to {total}") if total != value else None
    if kpi.direction == "increase" and (most := max(values)) < value:
        return Words(f"({many}) cao nhất là {most}", f"({many}) are {most} at most")
    if kpi.direction == "decrease" and (least := min(values)) > value:
        return Words(f"({many}) thấp nhất là {least}", f"({many}) are {least} at least")
    return None
