"""What the figures before it raise about a standing figure, in plain fractions."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import sqrt
from statistics import median

from contracts.catalog import Kpi
from services.runtime.catalog import Calendar
from tests.model.standing import Own

SLACK = 0.001


def doubts(kpi: Kpi, calendar: Calendar, standing: Sequence[Own], day: date) -> set[str]:
    """The codes raised by the eight standing figures before that of the day."""
    if kpi.kind not in ("flow", "stock", "coverage", "ratio", "level", "rate"):
        return set()
    now = next(own for own in standing if own.day == day)
    began = calendar.period(kpi.period, day).first
    before = [own for own in standing if own.day < day and (kpi.kind != "flow" or own.day >= began)][-8:]
    value = _value(kpi, now)
    past = [(own, known) for own in before if (known := _value(kpi, own)) is not None]
    if value is None or not past:
        return set()
    found = set()
    last, before_it = past[-1]
    if value < before_it and _only_grows(kpi, last.day >= began):
        found.add("cumulative_fell")
    if _repeats(kpi, calendar, now, [own for own, _ in past]):
        found.add("repeated_figure")
    if _shifts(kpi, value, [number for _, number in past]):
        found.add("scale_shift")
    elif _jumps(kpi, now, value, past):
        found.add("jump")
    return found


def _value(kpi: Kpi, own: Own) -> Fraction | None:
    if kpi.kind == "coverage":
        return own.n if own.members is None else Fraction(len(own.members))
    if own.n is not None and own.d is not None:
        return Fraction(kpi.rate_base or 100) * own.n / own.d if own.d > 0 else None
    return own.v


def _only_grows(kpi: Kpi, same_period: bool) -> bool:
    if kpi.may_fall is not None:
        return not kpi.may_fall
    return kpi.kind == "flow" or (kpi.kind == "coverage" and kpi.direction == "increase" and same_period)


def _repeats(kpi: Kpi, calendar: Calendar, now: Own, past: list[Own]) -> bool:
    since = None
    for own in reversed(past):
        if own.content != now.content:
            break
        since = own.day
    if since is None or kpi.kind == "coverage":
        return False
    digits = sum(len(str(int(abs(number) * 10**9)).strip("0")) for number in (now.n, now.d, now.v) if number)
    worked, day = 0, since
    while day < now.day:
        day += timedelta(days=1)
        worked += calendar.is_working_day(day)
    return digits >= (6 if kpi.kind == "stock" else 5) and worked >= 5


def _shifts(kpi: Kpi, value: Fraction, past: list[Fraction]) -> bool:
    if len(past) < 2 or min(value, past[-1]) <= 0 or max(value, past[-1]) < 10 * min(value, past[-1]):
        return False
    usual = []
    if min(past) * 2 >= median(past) and max(past) <= 2 * median(past):
        usual.append(median(past))
    two = sorted(past[-2:])
    if two[1] <= 2 * two[0] and all(number * 2 < value or number > 2 * value for number in past):
        usual.append(past[-1])
    for level in usual:
        ratio = max(level, value) / min(level, value)
        if any(Fraction(4, 5) * factor <= ratio <= Fraction(5, 4) * factor for factor in (100, 1000, 10**6)):
            return not (kpi.kind in ("stock", "coverage") and value < level and value.denominator == 1)
    return False


def _jumps(kpi: Kpi, now: Own, value: Fraction, past: list[tuple[Own, Fraction]]) -> bool:
    if len(past) < 3:
        return False
    usual = median(number for _, number in past)
    last, before = past[-1]
    off = min(abs(value - before), abs(value - usual))
    paces = [abs(b - a) / (second.day - first.day).days for (first, a), (second, b) in pairwise(past)]
    room = 8 * median(paces) * (now.day - last.day).days
    if kpi.kind == "ratio":
        floor = max(20.0, 250 / sqrt(now.d) if now.d else 0.0)
    else:
        level = max(abs(usual), abs(before))
        floor = 0.3 * float(level)
        if kpi.kind not in ("level", "rate"):
            floor = max(floor, 5 * sqrt(level))
    return float(off - room) > floor + SLACK
