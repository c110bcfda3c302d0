"""The plan of a target as dated values: whatever its curve, a line through points or a staircase, in exact fractions.

The defaults of the catalog are filled in here: a baseline of 0 for what starts from nothing, the period's days for
those that a target does not name, a step at the deadline for milestones. Judging by the plan is not done here.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import accumulate

from contracts.catalog import Kpi, LinearPlan, MilestonesPlan, Plan, SeasonalPlan, StepPlan, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.periods import Period

Point = tuple[date, Fraction]


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What is planned, from the baseline on its day to the target on the deadline; clamped outside of them.

    `holds`: a value stands until the day of the next, instead of a straight line between them.
    """

    points: tuple[Point, ...]
    holds: bool = False

    def on(self, day: date) -> Fraction:
        """What is to be reached by the end of the day."""
        following = bisect_right(self.points, day, key=lambda point: point[0])
        if following == 0:
            return self.points[0][1]
        before, value = self.points[following - 1]
        if self.holds or following == len(self.points):
            return value
        after, goal = self.points[following]
        return value + (goal - value) * Fraction((day - before).days, (after - before).days)


def plan_of(target: Target, kpi: Kpi, calendar: Calendar, *, from_zero: bool) -> PlanLine | None:
    """The plan of a target. None where there is none: to `reach` something from an unknown baseline, or a band.

    `from_zero`: without a declared baseline it starts at 0.

    A line to keep is planned as itself, and so is a target that its baseline has reached or passed already.
    """
    if target.value is None or target.comparator == "band":
        return None
    period = calendar.parse(target.period)
    goal = (target.deadline or period.last, Fraction(target.value))
    if target.intent == "keep":
        return PlanLine((goal,))
    start = _baseline(target, period, from_zero=from_zero)
    if start is None:
        return None
    already = start[1] >= goal[1] if target.comparator == ">=" else start[1] <= goal[1]
    if already or start[0] >= goal[0]:
        return PlanLine((goal,))
    match declared_plan(target, kpi):
        case MilestonesPlan(points=points):
            return PlanLine(_through(start, ((point.on, Fraction(point.value)) for point in points), goal))
        case StepPlan(points=points):
            return PlanLine(_through(start, ((point.on, Fraction(point.value)) for point in points), goal), holds=True)
        case SeasonalPlan(shares=shares):
            months = calendar.split(period, "month")
            way = (goal[1] - start[1]) / 100
            reached = (start[1] + way * Fraction(share) for share in accumulate(shares))
            return PlanLine(_through(start, zip((month.last for month in months), reached, strict=False), goal))
        case _:
            return PlanLine((start, goal))


def declared_plan(target: Target, kpi: Kpi) -> Plan:
    """The curve that a target declares: by default a straight line, and one step at the deadline for a milestone."""
    if target.plan is not None:
        return target.plan
    return StepPlan(curve="step") if kpi.kind == "milestone" else LinearPlan()


def _baseline(target: Target, period: Period, *, from_zero: bool) -> Point | None:
    if target.baseline is not None:
        return target.baseline.on or period.first, Fraction(target.baseline.value)
    return (period.first, Fraction(0)) if from_zero else None


def _through(start: Point, between: Iterable[Point], goal: Point) -> tuple[Point, ...]:
    """The points in order; what does not lie between baseline and deadline is left out."""
    return (start, *sorted(point for point in between if start[0] < point[0] < goal[0]), goal)
