"""A target's plan as dated values: every curve, the defaults, and what has no plan."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from contracts.catalog import CalendarSpec, Kpi, KpiKind, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.plans import PlanLine, plan_of

CALENDAR = Calendar(CalendarSpec(id="calendar", name_vi="Dương lịch"))
ADMINISTRATIVE = Calendar(CalendarSpec(id="administrative", name_vi="Hành chính", month_starts_on=15))


def a_kpi(kind: KpiKind = "ratio") -> Kpi:
    return Kpi(id="k", kind=kind, name_vi="K", name_en="K", unit_of_measure="percent", levels=("province",), pillar="p")


def a_plan(kind: KpiKind = "ratio", calendar: Calendar = CALENDAR, **fields: Any) -> PlanLine | None:
    target = {"id": "t", "kpi": "k", "unit": "u", "value": 100, "period": "2023", "baseline": {"value": 20}, **fields}
    return plan_of(Target.model_validate(target), a_kpi(kind), calendar, from_zero=kind in ("flow", "milestone"))


def planned(plan: PlanLine | None, *days: date) -> list[Fraction]:
    assert plan is not None
    return [plan.on(day) for day in days]


def test_a_line_runs_from_the_first_day_to_the_deadline_and_is_clamped_outside() -> None:
    plan = a_plan(deadline="2023-12-27")  # 360 days after 1 January
    days = date(2022, 1, 1), date(2023, 1, 1), date(2023, 4, 1), date(2023, 12, 27), date(2024, 6, 1)
    assert planned(plan, *days) == [20, 20, 40, 100, 100]


def test_the_period_of_an_administrative_plan_begins_in_december() -> None:
    plan = a_plan(calendar=ADMINISTRATIVE)
    assert plan is not None
    assert plan.points == ((date(2022, 12, 15), Fraction(20)), (date(2023, 12, 14), Fraction(100)))


def test_a_plan_may_go_down() -> None:
    plan = a_plan(comparator="<=", value=0, baseline={"value": 60, "on": "2023-06-01"}, deadline="2023-06-07")
    assert planned(plan, date(2023, 6, 1), date(2023, 6, 3), date(2023, 6, 7)) == [60, 40, 0]


def test_milestones_are_joined_and_steps_hold() -> None:
    points = [{"on": "2023-01-11", "value": 30}, {"on": "2023-01-31", "value": 70}]
    between = date(2023, 1, 1), date(2023, 1, 6), date(2023, 1, 11), date(2023, 1, 21), date(2023, 1, 31)
    assert planned(a_plan(plan={"curve": "milestones", "points": points}), *between) == [20, 25, 30, 50, 70]
    stepwise = a_plan(plan={"curve": "step", "points": points})
    assert planned(stepwise, *between, date(2023, 12, 30), date(2023, 12, 31)) == [20, 20, 30, 30, 70, 70, 100]


def test_seasonal_shares_are_reached_at_the_end_of_each_month_and_are_linear_within_it() -> None:
    plan = a_plan(plan={"curve": "seasonal", "shares": [0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 50]})
    days = date(2023, 2, 28), date(2023, 3, 31), date(2023, 11, 30), date(2023, 12, 31)
    assert planned(plan, *days) == [20, 60, 60, 100]
    assert planned(plan, date(2023, 3, 1)) == [20 + Fraction(40, 31)]


def test_flows_and_milestones_begin_at_nothing_and_a_milestone_is_a_step() -> None:
    assert planned(a_plan("flow", baseline=None), date(2023, 1, 1)) == [0]
    done = a_plan("milestone", baseline=None, value=1)
    assert planned(done, date(2023, 12, 30), date(2023, 12, 31)) == [0, 1]


@pytest.mark.parametrize(
    "fields", [{"intent": "keep"}, {"baseline": {"value": 100}}, {"baseline": {"value": 120}}], ids=str
)
def test_a_line_to_keep_is_planned_as_itself(fields: dict[str, Any]) -> None:
    assert planned(a_plan(**fields), date(2023, 1, 1), date(2023, 12, 31)) == [100, 100]


@pytest.mark.parametrize(
    "fields",
    [
        {"intent": "keep"},
        {"baseline": {"value": 100}},
        {"baseline": {"value": 100}, "comparator": "<="},
        {"baseline": {"value": 20, "on": "2023-12-31"}},
    ],
    ids=["to keep", "reached", "as low as it is to be", "a baseline on the deadline"],
)
def test_where_there_is_no_way_to_go_only_the_target_is_planned(fields: dict[str, Any]) -> None:
    plan = a_plan(**fields)
    assert plan is not None
    assert plan.points == ((date(2023, 12, 31), Fraction(100)),)


@pytest.mark.parametrize("curve", ["milestones", "step"])
def test_what_is_planned_on_the_days_of_baseline_and_deadline_is_baseline_and_target(curve: str) -> None:
    points = [{"on": on, "value": 50} for on in ("2022-12-31", "2023-01-01", "2023-06-30", "2023-12-31", "2024-01-01")]
    plan = a_plan(plan={"curve": curve, "points": points})
    assert plan is not None
    assert plan.points == (
        (date(2023, 1, 1), Fraction(20)),
        (date(2023, 6, 30), Fraction(50)),
        (date(2023, 12, 31), Fraction(100)),
    )


def test_from_an_unknown_baseline_and_for_a_band_there_is_no_plan() -> None:
    assert a_plan(baseline=None) is None
    assert a_plan(comparator="band", value=None, low=1, high=2) is None
