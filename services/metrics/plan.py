"""Plan curves: what should be reached by a day. Which values a target plans when is the catalog's to say.

Here they are made ready for judging: days are ordinals, numbers integers over one scale. Outside its dates a plan is
clamped to its first and last value.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import lcm
from typing import Protocol

from contracts.catalog import Kpi, LinearPlan, StepPlan, Target
from services.metrics.exact import SCALE, Quotient
from services.runtime.catalog import Calendar
from services.runtime.catalog.plans import declared_plan, plan_of

Dated = tuple[int, int]
"""A day, and what is planned on it."""


class Curve(Protocol):
    """From the baseline on its day to the target on the deadline."""

    def planned(self, day: int) -> Quotient:
        """What should be reached by the end of the day."""
        ...

    def around(self, day: int) -> tuple[tuple[int, Quotient], tuple[int, Quotient]] | None:
        """The two points between which the day's value lies on a straight line; None where it stays as it is."""
        ...

    def ahead(self, value: Quotient, as_of: int, sign: int) -> tuple[int, Dated] | None:
        """The next step after `as_of` that the value does not reach, its value scaled, after the day from which that
        is a risk. `sign`: −1 where lower is better. None for a curve without steps."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline through dated points, one of them at least; a straight line where there are two."""

    points: tuple[Dated, ...]
    scale: int = SCALE

    def planned(self, day: int) -> Quotient:
        before, value = self.points[0]
        if day <= before and len(self.points) > 1:
            return value, self.scale
        for after, following in self.points[1:]:
            if day < after:
                span = after - before
                return value * span + (following - value) * (day - before), self.scale * span
            before, value = after, following
        return value, self.scale

    def around(self, day: int) -> tuple[tuple[int, Quotient], tuple[int, Quotient]] | None:
        for (before, value), (after, following) in pairwise(self.points):
            if before < day < after:
                return (before, (value, self.scale)), (after, (following, self.scale))
        return None

    def ahead(self, value: Quotient, as_of: int, sign: int) -> tuple[int, Dated] | None:
        return None


@dataclass(frozen=True, slots=True)
class Stairs:
    """Dated points, scaled, each of which holds until the next."""

    points: tuple[Dated, ...]
    warn_before: int

    def planned(self, day: int) -> Quotient:
        following = bisect_right(self.points, day, key=lambda point: point[0])
        return self.points[max(following - 1, 0)][1], SCALE

    def around(self, day: int) -> tuple[tuple[int, Quotient], tuple[int, Quotient]] | None:
        return None

    def ahead(self, value: Quotient, as_of: int, sign: int) -> tuple[int, Dated] | None:
        p, q = value
        for day, wanted in self.points:
            if day > as_of and sign * p * SCALE < sign * wanted * q:
                return day - self.warn_before, (day, wanted)
        return None


def curve_of(target: Target, kpi: Kpi, calendar: Calendar, start: Dated, end: Dated) -> Curve:
    """The curve of a target to reach. `start` and `end`: day and scaled value of baseline and target."""
    if start[0] >= end[0]:  # a baseline on or after the deadline leaves the target alone to plan with
        return Line((end,))
    declared = declared_plan(target, kpi)
    if isinstance(declared, LinearPlan):
        return Line((start, end))
    plan = plan_of(target, kpi, calendar, from_zero=True)  # without a declared baseline `start` is from 0
    assert plan is not None  # no band, and a baseline to start from
    scale = lcm(SCALE, *(value.denominator for _, value in plan.points))
    points = tuple((day.toordinal(), int(value * scale)) for day, value in plan.points)
    if isinstance(declared, StepPlan):
        return Stairs(points, declared.warn_before // timedelta(days=1))
    return Line(points, scale)
