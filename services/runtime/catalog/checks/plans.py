"""The dates of a target, and the plan between them."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from contracts.catalog import Kpi, MilestonesPlan, PlanPoint, SeasonalPlan, StepPlan, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.checks.context import Context
from services.runtime.catalog.periods import Period
from services.runtime.catalog.problems import Located, Problem


def check_dates(target: Target, kpi: Kpi, located: Located, context: Context) -> Iterator[Problem]:
    """Period, deadline, baseline and plan of one target, in the calendar of its KPI."""
    calendar = context.calendars.get(kpi.calendar)
    if calendar is None:
        return
    try:
        period = calendar.parse(target.period)
    except ValueError as error:
        yield located.problem(str(error), "period")
        return
    if target.deadline is not None and not period.contains(target.deadline):
        yield located.problem(
            f"the deadline {target.deadline} is outside the period {target.period} of the calendar “{kpi.calendar}”; "
            f"write a day from {period.first} to {period.last}",
            "deadline",
        )
    deadline = target.deadline or period.last
    if target.baseline is not None and target.baseline.on is not None and target.baseline.on >= deadline:
        yield located.problem(
            f"the baseline's day {target.baseline.on} is not before the deadline {deadline}; write an earlier one",
            "baseline",
            "on",
        )
    unit = context.units.get(target.unit or "")
    if unit is not None and not unit.valid_on(period.first) and not unit.valid_on(deadline):
        yield located.problem(f"“{unit.id}” does not exist in {target.period}; name the unit of that time", "unit")
    plan = target.plan
    if isinstance(plan, MilestonesPlan | StepPlan):
        start = (target.baseline.on if target.baseline else None) or period.first
        yield from _check_points(plan.points, start, deadline, located)
        yield from _check_values(plan.points, target, kpi, deadline, located)
    if isinstance(plan, SeasonalPlan):
        yield from _check_shares(plan, period, deadline, calendar, located)


def _check_points(points: Sequence[PlanPoint], start: date, deadline: date, located: Located) -> Iterator[Problem]:
    days = [point.on for point in points]
    if days != sorted(set(days)):
        yield located.problem("the plan's dates must rise; sort them and write each day once", "plan", "points")
    for number, day in enumerate(days):
        if day > deadline:
            yield located.problem(
                f"{day} is after the deadline {deadline}; write an earlier day", "plan", "points", number
            )
        if day < start:
            yield located.problem(
                f"{day} is before the plan begins with the baseline on {start}; write a later day, or an earlier day "
                "for the baseline",
                "plan",
                "points",
                number,
            )


def _check_values(
    points: Sequence[PlanPoint], target: Target, kpi: Kpi, deadline: date, located: Located
) -> Iterator[Problem]:
    limits = kpi.natural_limits
    for number, point in enumerate(points):
        if (limits.low is not None and point.value < limits.low) or (
            limits.high is not None and point.value > limits.high
        ):
            yield located.problem(
                f"{point.value} is outside the natural limits of “{kpi.id}” ({limits.low} to {limits.high}); "
                "correct one of them",
                "plan",
                "points",
                number,
            )
        if point.on == deadline and target.value is not None and point.value != target.value:
            yield located.problem(
                f"the plan ends with {point.value} on the deadline, the target is {target.value}; write the target's "
                "value, or leave the point out",
                "plan",
                "points",
                number,
            )
    if target.comparator == "band" or target.value is None:
        return
    sign = 1 if target.comparator == ">=" else -1
    in_order = sorted(points, key=lambda point: point.on)
    values = [sign * value for value in (*(point.value for point in in_order), target.value)]
    if target.baseline is not None:
        values.insert(0, sign * target.baseline.value)
    if any(after < before for before, after in pairwise(values)):
        yield located.warning(
            "the plan goes back on its way from the baseline to the target; look whether the values are in order",
            "plan",
            "points",
        )


def _check_shares(
    plan: SeasonalPlan, period: Period, deadline: date, calendar: Calendar, located: Located
) -> Iterator[Problem]:
    if sum(plan.shares) != 100:
        yield located.problem(f"the monthly shares add up to {sum(plan.shares)}; they must make 100", "plan", "shares")
    if len(period.id) != 4:
        yield located.problem('a seasonal plan is for one year; write “period: "2023"”', "period")
        return
    for month, share in zip(calendar.split(period, "month"), plan.shares, strict=False):
        if month.first > deadline and share:
            yield located.problem(
                f"{month.id} has a share of {share} and begins after the deadline {deadline}; write 0 for it",
                "plan",
                "shares",
            )
