"""What would change a status: the value at the next report from which on it is another one, and what time alone does.

Thresholds are worked out from target and plan, rounded to the KPI's decimals on the safe side, and each is put to the
judgement itself before it is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, inf

from contracts.explanations import Bound, ByItself, WouldChange
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.exact import SCALE, Quotient
from services.metrics.formula import number
from services.metrics.judge import MISSED, judge
from services.metrics.judging import Judging
from services.metrics.obligation import Obligation
from services.metrics.reading import Reading
from services.metrics.state import KpiState
from services.metrics.wording import STATUSES, step, unit_of

_TURNS = 400
"""Days on which time alone may change something that are looked at before it is said that nothing changes: as many as a
year and its grace have days."""

_OF_A_SHARE = 2
"""Decimals of a bound on a percentage, at least."""


@dataclass(slots=True)
class _Supposed:
    """A value that might be reported, on the day to which it is dated."""

    as_of: int | None
    value: Quotient | None
    why: str = ""

    def reported_on(self) -> int:
        assert self.as_of is not None
        return self.as_of


def would_change(
    state: KpiState, definition: Definition, unit: str, window: Window, today: int, found: tuple[Reading, str]
) -> WouldChange:
    """`found`: what stands now, and its status. Once the record is closed no report is due: what comes later corrects
    it."""
    reading, status = found
    verdict = definition.judging(unit, window, today)
    closed = today >= definition.closes_on(unit, window, today)
    day = None if closed else next_report(definition, window, verdict, reading.as_of, today)
    bounds: list[Bound] = []
    by = definition.judging(unit, window, day) if day is not None else None
    if day is not None and by is not None:
        bounds = list(_bounds(definition, window, by, reading, day, max(today, day)))
    return WouldChange.model_validate(
        {
            "next_report": None if day is None else iso(day),
            "bounds": bounds,
            "by_itself": _by_itself(state, definition, unit, window, today, status),
        }
    )


def next_report(
    definition: Definition, window: Window, by: Obligation | None, as_of: int | None, today: int
) -> int | None:
    """The last day of the reporting cycle that the next figure is for; None once the time is up."""
    end = window.last if by is None else min(window.last, by.deadline)
    if as_of is not None and as_of >= end:
        return None
    day = max(today, window.first, 0 if as_of is None else as_of + 1)
    return min(definition.end_of_unit(definition.kpi.cadence, day), end)


def _bounds(
    definition: Definition, window: Window, by: Obligation, reading: Reading, day: int, today: int
) -> Iterator[Bound]:
    """From the mildest status on; a threshold that the judgement does not confirm is left out."""
    seen: set[str] = set()
    decimals = definition.kpi.decimals
    if definition.kind.shows_parts and not definition.kind.counts_units:  # finer than what may be reported as one
        decimals = max(decimals, _OF_A_SHARE)
    if not by.sign:
        yield from _of_a_band(definition, window, by, reading, day, today, decimals)
        return
    for rises, threshold in _thresholds(definition, by, reading, day):
        value = _rounded(threshold, decimals, rises=rises)
        supposed = _Supposed(day, (value.numerator, value.denominator))
        status = judge(supposed, by, by, definition.norms, today, window.last).status
        beyond = value - (1 if rises else -1) * Fraction(1, 10**decimals)
        short = judge(
            _Supposed(day, (beyond.numerator, beyond.denominator)), by, by, definition.norms, today, window.last
        )
        if status in seen or status == short.status or status == MISSED:
            continue
        seen.add(status)
        vi, en = STATUSES[status]
        said = step(
            "from_value" if rises else "to_value",
            {"value": number(float(value))},
            {"unit": unit_of(definition.kpi.unit_of_measure), "day": iso(day), "vi": vi, "en": en},
        )
        yield Bound.model_validate(
            {
                "status": status,
                "comparator": ">=" if rises else "<=",
                "value": float(value),
                "numerator": _numerator(definition, reading, value, rises=rises),
                "text_vi": said.text_vi,
                "text_en": said.text_en,
            }
        )


def _of_a_band(
    definition: Definition, window: Window, by: Obligation, reading: Reading, day: int, today: int, decimals: int
) -> Iterator[Bound]:
    """The stretches on both sides of a band and the band itself, the lowest first: further out the status is what it is
    beyond any number."""
    unit = unit_of(definition.kpi.unit_of_measure)
    for low, high, status in _stretches(definition, window, by, day, today, decimals):
        vi, en = STATUSES[status]
        said = step(
            "between_values",
            {"low": number(float(low)), "high": number(float(high))},
            {"unit": unit, "day": iso(day), "vi": vi, "en": en},
        )
        yield Bound.model_validate(
            {
                "status": status,
                "comparator": ">=",
                "value": float(low),
                "up_to": float(high),
                "numerator": _numerator(definition, reading, low, rises=True),
                "numerator_up_to": _numerator(definition, reading, high, rises=False),
                "text_vi": said.text_vi,
                "text_en": said.text_en,
            }
        )


def _stretches(
    definition: Definition, window: Window, by: Obligation, day: int, today: int, decimals: int
) -> Iterator[tuple[Fraction, Fraction, str]]:
    """The first and the last value of each stretch around a band that is judged alike at both ends."""
    last, most = Fraction(1, 10**decimals), _highest(definition)

    def judged(value: Fraction) -> str:
        supposed = _Supposed(day, (value.numerator, value.denominator))
        return judge(supposed, by, by, definition.norms, today, window.last).status

    firsts = sorted({_rounded(edge, decimals, rises=True) for edge in _below_a_band(definition, by)})
    lasts = sorted({_rounded(edge, decimals, rises=False) for edge in _above_a_band(definition, by)})
    starts = [*firsts, *(edge + last for edge in lasts)]
    outside, found = judged(firsts[0] - last), list[tuple[Fraction, Fraction, str]]()
    for low, after in pairwise(starts):
        high, status = after - last, judged(low)
        if low > high or low > most or status != judged(high) or status == MISSED:
            continue
        if high > most:
            high = Fraction(most)
        if found and found[-1][1] + last == low and found[-1][2] == status:
            found[-1] = found[-1][0], high, status
        else:
            found.append((low, high, status))
    if found and found[0][2] == outside:
        del found[0]
    if found and found[-1][2] == judged(starts[-1]):
        del found[-1]
    yield from found


def _highest(definition: Definition) -> Fraction | float:
    """What a value can be at most."""
    high = definition.kind.highest if definition.high is None else definition.high
    return inf if high is None else Fraction(high, SCALE)


def _below_a_band(definition: Definition, by: Obligation) -> Iterator[Fraction]:
    """From where on a rising value is judged otherwise, up to the band."""
    low = Fraction(by.low, SCALE)
    yield low
    if by.baseline is not None and by.baseline < by.low:
        yield Fraction(by.baseline, SCALE)
    if by.low > 0:
        yield from (low * Fraction(bound, SCALE) for bound in (definition.norms.at_risk, definition.norms.on_track))


def _above_a_band(definition: Definition, by: Obligation) -> Iterator[Fraction]:
    """The same of a falling one."""
    high = Fraction(by.high, SCALE)
    yield high
    if by.baseline is not None and by.baseline > by.high:
        yield Fraction(by.baseline, SCALE)
    if by.high > 0:
        yield from (
            high / Fraction(bound, SCALE) for bound in (definition.norms.at_risk, definition.norms.on_track) if bound
        )


def _thresholds(definition: Definition, by: Obligation, reading: Reading, day: int) -> Iterator[tuple[bool, Fraction]]:
    """Whether a value has to rise to it, and the threshold; from the mildest on."""
    norms = definition.norms
    bounds = [Fraction(norms.at_risk, SCALE), Fraction(norms.on_track, SCALE)]
    rises, goal = by.sign > 0, Fraction(by.goal, SCALE)
    if by.curve is not None and by.baseline is not None:
        baseline, planned = Fraction(by.baseline, SCALE), by.curve.planned(day)
        yield rises, baseline
        if planned is not None:
            for bound in bounds:
                yield rises, baseline + bound * (Fraction(planned[0], planned[1]) - baseline)
    elif goal > 0:
        for bound in bounds:
            if bound > 0:
                yield rises, goal * bound if rises else goal / bound
    yield rises, goal


def _rounded(threshold: Fraction, decimals: int, *, rises: bool) -> Fraction:
    scale = 10**decimals
    return Fraction((ceil if rises else floor)(threshold * scale), scale)


def _numerator(definition: Definition, reading: Reading, value: Fraction, *, rises: bool) -> float | None:
    """The whole numerator that gives at least this value over the present denominator."""
    if not definition.kind.shows_parts or not reading.d:
        return None
    of_one = definition.kind.value(SCALE, reading.d)
    return None if of_one is None else float((ceil if rises else floor)(value * of_one[1] / of_one[0]))


def _by_itself(
    state: KpiState, definition: Definition, unit: str, window: Window, today: int, status: str
) -> ByItself | None:
    """The first day on which time alone makes the status another one."""
    due = Judging(state, definition, today).judge(unit, window, None).due
    for _ in range(_TURNS):
        if due is None:
            return None
        then = Judging(state, definition, due).judge(unit, window, None)
        if then.status != status:
            vi, en = STATUSES[then.status]
            said = step("by_itself", {}, {"day": iso(due), "vi": vi, "en": en})
            return ByItself.model_validate(
                {"on": iso(due), "status": then.status, "text_vi": said.text_vi, "text_en": said.text_en}
            )
        due = then.due
    return None
