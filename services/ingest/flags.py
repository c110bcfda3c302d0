"""Doubts that the event alone shows: the figure is accepted, and the doubt is shown beside it.

A doubt that needs other figures (a sum that fell, a repeated figure, a jump) is raised by metrics. Like the checks,
each rule is a small function of a `Case`; it is asked only once every check has passed.
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from contracts.catalog import KpiKind, Target
from contracts.observations import FlagCode
from contracts.statistics import Flag
from services.ingest.case import Case
from services.ingest.checks import PERCENT, POINTS
from services.ingest.numbers import HUNDRED, per_base_of_parts, percent_of_parts
from services.ingest.roster import roster_of
from services.ingest.wording import day_vi, en, vi
from services.runtime.sameness import plain

Flags = tuple[Flag, ...]
Doubt = Callable[[Case], Flags]

_NONE: Flags = ()
_PRECISION = 6
"""Decimals up to which a published share is compared with its parts; beyond them it is a float's noise."""

_YEAR = timedelta(days=366)


def _flag(code: FlagCode, vi: str, en: str, **evidence: str) -> Flag:
    return Flag(code=code.value, message_vi=vi, message_en=en, evidence=evidence)


def parts_against(of_parts: Callable[[Case], tuple[str, Decimal] | None]) -> Doubt:
    """The published value, and what its parts give rounded to as many decimals as were published, agree.

    17 of 19 is 89.47: published as 89.5 it is right, as 89.4 truncated, as 90 contradicted by its parts.
    """

    def doubt(case: Case) -> Flags:
        figure = case.figure
        value = figure.value
        if value is None:
            return _NONE
        named = of_parts(case)
        if named is None:
            return _NONE
        exact = named[1]
        unit = _last_place(value)
        shown = value.quantize(unit, ROUND_HALF_UP)
        if shown in (exact.quantize(unit, ROUND_HALF_UP), exact.quantize(unit, ROUND_HALF_EVEN)):
            return _NONE
        right = exact.quantize(unit, ROUND_HALF_UP)
        wider = exact.quantize(max(unit / 10, Decimal("1E-6")), ROUND_HALF_UP)
        evidence = {"value": plain(value), "from_parts": plain(wider)}
        if figure.numerator is not None and figure.denominator is not None:
            evidence |= {"numerator": plain(figure.numerator), "denominator": plain(figure.denominator)}
        if shown == exact.quantize(unit, ROUND_DOWN):
            return (
                _flag(
                    FlagCode.TRUNCATED,
                    f"Công bố {vi(value)}, nhưng {vi(wider)} làm tròn là {vi(right)}: "
                    "số đã bị cắt bớt thay vì làm tròn.",
                    f"Published as {en(value)}, but {en(wider)} rounds to {en(right)}: it was cut off, not rounded.",
                    **evidence,
                ),
            )
        return (
            _flag(
                FlagCode.PARTS_CONTRADICT_VALUE,
                f"Công bố {vi(value)}, nhưng tính từ tử số và mẫu số là {vi(wider)}.",
                f"Published as {en(value)}, but its parts give {en(wider)}.",
                **evidence,
            ),
        )

    return doubt


def _last_place(value: Decimal) -> Decimal:
    """The unit of the last decimal that was published: 0.1 for 89.4, 1 for 30 and 30.0."""
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # a figure is finite
    return Decimal(1).scaleb(max(-_PRECISION, min(0, exponent)))


def percent_of_roster(case: Case) -> tuple[str, Decimal] | None:
    """A coverage as its count and roster have it."""
    figure, unit = case.figure, case.unit
    roster = roster_of(case.catalog, case.kpi, unit.id, case.day) if unit is not None else None
    size = Decimal(roster.size) if roster is not None else figure.denominator
    count = figure.numerator if figure.members is None else Decimal(len(figure.members))
    return None if count is None or not size else ("numerator", HUNDRED * count / size)


def points_not_percent(case: Case) -> Flags:
    """Percent was written where the KPI counts percentage points: 6.39 % to 6.64 % is 0.25 points, not 0.25 %."""
    given, declared = case.figure.unit_of_measure, case.kpi.unit_of_measure
    if given == declared or given not in PERCENT or declared not in POINTS:
        return _NONE
    return (
        _flag(
            FlagCode.POINTS_NOT_PERCENT,
            "Ghi là phần trăm, nhưng chỉ tiêu tính bằng điểm phần trăm; số được hiểu là điểm phần trăm.",
            "Written as percent, but the KPI counts percentage points; the figure is taken as points.",
            unit_of_measure=given,
            declared=declared,
        ),
    )


def over_range(of: Callable[[Case], Decimal | None], usual: Callable[[Case], Decimal | None]) -> Doubt:
    """Above what such a figure naturally reaches (100 % of a share, the limit of an increment's sum), though the checks
    let it pass. A rate may exceed its base: for it only a declared limit is one, and beyond that it is refused."""

    def doubt(case: Case) -> Flags:
        number, top = of(case), usual(case)
        if number is None or top is None or number <= top:
            return _NONE
        return (
            _flag(
                FlagCode.OVER_NATURAL_RANGE,
                f"{vi(round(number, 2))} vượt {vi(top)}: hãy kiểm tra lại số và đơn vị tính.",
                f"{en(round(number, 2))} is above {en(top)}: check the figure and its unit of measure.",
                value=plain(round(number, 6)),
                natural=plain(top),
            ),
        )

    return doubt


def _share(case: Case) -> Decimal | None:
    named = percent_of_parts(case)
    return named[1] if named is not None else case.figure.value


def _rate(case: Case) -> Decimal | None:
    value = case.figure.value
    named = per_base_of_parts(case) if value is None else None
    return named[1] if named is not None else value


def _increment(case: Case) -> Decimal | None:
    return case.figure.value


def share_of_nothing(case: Case) -> Flags:
    """A part of which neither its whole nor the share is said: nothing can be made of it."""
    figure = case.figure
    if figure.numerator is None or figure.denominator is not None or figure.value is not None:
        return _NONE
    return (_no_denominator(figure.numerator),)


def share_of_no_roster(case: Case) -> Flags:
    """A count of done ones, and no roster or denominator says of how many; a value beside it is only compared."""
    figure, unit = case.figure, case.unit
    if figure.denominator is not None or (
        unit is not None and roster_of(case.catalog, case.kpi, unit.id, case.day) is not None
    ):
        return _NONE
    count = figure.numerator if figure.members is None else Decimal(len(figure.members))
    return _NONE if count is None else (_no_denominator(count),)


def _no_denominator(numerator: Decimal) -> Flag:
    return _flag(
        FlagCode.NO_DENOMINATOR,
        f"Có tử số {vi(numerator)} nhưng không có mẫu số nên không tính được tỷ lệ: ghi thêm mẫu số "
        "(nếu đã gửi, gửi lại với revision cao hơn).",
        f"The numerator {en(numerator)} has no denominator, so there is no share to compute: add the denominator "
        "(if it was sent already, send it again with a higher revision).",
        numerator=plain(numerator),
    )


def late(case: Case) -> Flags:
    """Its day lies after the deadline of the unit's target: it is shown, but does not judge the target."""
    target = case.targets.passed(case.unit.id, case.day) if case.unit is not None else None
    if target is None or target.deadline is None:
        return _NONE
    return (
        _flag(
            FlagCode.LATE,
            f"Số liệu tính đến {day_vi(case.day)}, sau hạn {day_vi(target.deadline)} của mục tiêu {target.id}.",
            f"As of {case.day}, after the deadline {target.deadline} of the target {target.id}.",
            target=target.id,
            deadline=target.deadline.isoformat(),
        ),
    )


def target_already_met(of: Callable[[Case], Decimal | None]) -> Doubt:
    """The figure meets a target that had not begun by then: it asks for nothing new.

    Only targets to be reached that somebody set, beginning within a year after the figure.
    """

    def doubt(case: Case) -> Flags:
        day, unit = case.day, case.unit
        if unit is None:
            return _NONE
        coming = [dated for dated in case.targets.to_reach(unit.id) if day <= dated.start <= day + _YEAR]
        number = of(case) if coming else None
        if number is None:
            return _NONE
        return tuple(_met(target, start, number) for start, _, target in coming if _meets(number, target))

    return doubt


def _meets(number: Decimal, target: Target) -> bool:
    if target.comparator == "band":
        low, high = target.low, target.high
        return low is not None and high is not None and low <= number <= high
    if target.value is None:
        return False
    return number >= target.value if target.comparator == ">=" else number <= target.value


def _met(target: Target, start: date, value: Decimal) -> Flag:
    aim = target.value if target.value is not None else target.low or Decimal(0)
    return _flag(
        FlagCode.TARGET_ALREADY_MET,
        f"Số liệu {vi(round(value, 2))} đã đạt mục tiêu {target.comparator} {vi(aim)} của kỳ {target.period}, "
        f"bắt đầu từ {day_vi(start)}.",
        f"The figure {en(round(value, 2))} already meets the target {target.comparator} {en(aim)} of {target.period}, "
        f"which begins on {start}.",
        target=target.id,
        value=plain(round(value, 6)),
        period=target.period,
    )


def _plain_value(case: Case) -> Decimal | None:
    return case.figure.value


def _place(case: Case) -> Decimal | None:
    return None if case.figure.rank is None else Decimal(case.figure.rank)


def _covered(case: Case) -> Decimal | None:
    named = percent_of_roster(case)
    return named[1] if named is not None else None


def _hundred(case: Case) -> Decimal | None:
    return HUNDRED if case.kpi.unit_of_measure in PERCENT else None


def _highest(case: Case) -> Decimal | None:
    return case.kpi.natural_limits.high


_ABSOLUTE: dict[KpiKind, tuple[Doubt, ...]] = {
    "ratio": (
        parts_against(percent_of_parts),
        over_range(_share, _hundred),
        target_already_met(_share),
        share_of_nothing,
    ),
    "coverage": (parts_against(percent_of_roster), target_already_met(_covered), share_of_no_roster),
    "flow": (),
    "stock": (target_already_met(_plain_value),),
    "level": (target_already_met(_plain_value),),
    "rate": (parts_against(per_base_of_parts), target_already_met(_rate)),
    "rank": (target_already_met(_place),),
}
_INCREMENT: dict[KpiKind, tuple[Doubt, ...]] = {"flow": (over_range(_increment, _highest),)}


def doubts_of_absolute(kind: KpiKind) -> tuple[Doubt, ...]:
    """What may be doubted about an absolute figure of this kind."""
    return (late, points_not_percent, *_ABSOLUTE.get(kind, ()))


def doubts_of_increment(kind: KpiKind) -> tuple[Doubt, ...]:
    """What may be doubted about an increment."""
    return (late, points_not_percent, *_INCREMENT.get(kind, ()))
