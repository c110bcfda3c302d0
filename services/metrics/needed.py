"""The pace that would still meet the target, beside the pace so far and the best ever reached.

All three are changes of the value by natural unit of time, in the KPI's own unit and with its sign: a figure that has
to fall needs a negative amount. A month is 365.25/12 days.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from contracts.catalog import PeriodKind
from services.metrics.exact import SCALE, Quotient
from services.metrics.obligation import Obligation
from services.metrics.reasons import Reason, because

Per = Literal["day", "week", "month", "quarter", "year"]

DAYS: dict[Per, Quotient] = {
    "day": (1, 1),
    "week": (7, 1),
    "month": (487, 16),
    "quarter": (1461, 16),
    "year": (1461, 4),
}
"""Days of a natural unit."""

_ORDER: tuple[Per, ...] = ("day", "week", "month", "quarter", "year")
_LONG, _MIDDLE = 190, 45

Reached = tuple[int, Quotient]
"""A day and the value that stood at its end."""


def natural_unit(cadence: PeriodKind, days: int) -> Per:
    """The unit in which a pace is told: months for periods of a year or more, weeks for a half or a quarter, days for a
    month or less; never a shorter one than the cadence."""
    by_length: Per = "month" if days > _LONG else "week" if days > _MIDDLE else "day"
    by_cadence: Per = "quarter" if cadence == "half" else cadence
    return max(by_length, by_cadence, key=_ORDER.index)


def needed(value: Quotient, by: Obligation, as_of: int, per: Per, best: float | None) -> dict[str, Any] | None:
    """What a record shows; None where no time is left. `best` as `best_pace` gives it."""
    left = by.deadline - as_of
    if left <= 0:
        return None
    p, q = value
    unit, under = DAYS[per]
    amount = ((by.aim(value) * q - p * SCALE) * unit) / (SCALE * q * under * left)
    return {"amount": amount, "per": per, "so_far": _so_far((as_of, value), by, per), "best": best}


def _so_far(now: Reached, by: Obligation, per: Per) -> float | None:
    """The change in one unit of time since the baseline, on average; None without one, and where none has begun."""
    as_of, (p, q) = now
    if by.baseline is None or as_of <= by.baseline_on:
        return None
    unit, under = DAYS[per]
    return ((p * SCALE - by.baseline * q) * unit) / (SCALE * q * under * (as_of - by.baseline_on))


def why_not_beside(by: Obligation, as_of: int, best: float | None) -> Reason | None:
    """Why there is no pace so far or no best one beside the pace that is needed. That there is no baseline to have come
    from is said already."""
    if by.baseline is not None and as_of <= by.baseline_on:
        return because("not_under_way")
    return because("one_figure") if best is None else None


def best_pace(reached: Sequence[Reached], by: Obligation, per: Per) -> float | None:
    """The best change in one unit of time, between what stood at the ends of natural units; never short of the average
    since the baseline.

    `reached` in order of time, the baseline not in it. A step that took less than three quarters of a unit counts as
    one unit's, so that one good day is not taken for a month of them; a longer one (February, four weeks) as the days
    that it took. None with fewer than two points.
    """
    unit, under = DAYS[per]
    points = list(reached)
    if by.baseline is not None and points and points[0][0] > by.baseline_on:
        points.insert(0, (by.baseline_on, (by.baseline, SCALE)))
    rates = [
        (v[0] * u[1] - u[0] * v[1]) * unit / (u[1] * v[1] * (gone if 4 * gone >= 3 * unit else unit))
        for (a, u), (b, v) in pairwise(points)
        for gone in ((b - a) * under,)
    ]
    so_far = _so_far(points[-1], by, per) if points else None
    if so_far is not None:
        rates.append(so_far)
    if not rates:
        return None
    return min(rates) if _falls(by) else max(rates)


def _falls(by: Obligation) -> bool:
    """Whether progress means a falling value."""
    if by.sign:
        return by.sign < 0
    return by.baseline is not None and by.baseline > by.high
