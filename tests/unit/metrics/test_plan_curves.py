"""Seasons and steps, with their numbers written out: what is planned when, and when a step that is near is a risk."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import PlanPoint, SeasonalPlan, StepPlan
from contracts.observations import ObservationRecorded
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.obligation import obligation_of
from services.metrics.plan import Line, Stairs
from services.runtime.catalog import Catalog
from services.runtime.catalog.check import check_folder
from services.runtime.catalog.plans import plan_of
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, day, local
from tests.unit.metrics.engine import Engine, differences

CATALOGS = Path(__file__).parents[3] / "deploy" / "catalogs"

COUNT = a_kpi(kind="stock", calendar="civil", cadence="year")
"""Counted at a moment of the civil year 2023."""

HALVES = SeasonalPlan(curve="seasonal", shares=tuple(Decimal(one) for one in (0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 50)))
"""Half of the change in March, half in December."""

STEPS = StepPlan(
    curve="step",
    points=(PlanPoint(on=day("2023-03-31"), value=Decimal(40)), PlanPoint(on=day("2023-09-30"), value=Decimal(70))),
)


def judged(figure: float | str, as_of: str, *, now: str | None = None, **target: Any) -> Engine:
    """The record of one figure, by default on its own day."""
    given: dict[str, Any] = {"value": 100, "baseline": 0, **target}

    async def work() -> Engine:
        engine = Engine(a_catalog(COUNT, a_target("p.a.1", **given)), local(now or as_of))
        batch = [an_observation(as_of=as_of, value=figure)]
        await engine.take(*batch)
        await engine.tick()
        assert differences(engine, batch) == []
        return engine

    return asyncio.run(work())


# seasons


@pytest.mark.parametrize(
    ("as_of", "planned"),
    [
        ("2023-01-01", 20),
        ("2023-02-28", 20),
        ("2023-03-01", 20 + 40 / 31),
        ("2023-03-31", 60),
        ("2023-08-15", 60),
        ("2023-11-30", 60),
        ("2023-12-31", 100),
    ],
)
def test_a_seasonal_plan_moves_with_the_months_share_linear_within_the_month(as_of: str, planned: float) -> None:
    assert judged(50, as_of, plan=HALVES, baseline=20).record().planned == planned


def test_a_seasonal_plan_is_judged_by_pace_like_a_line() -> None:
    record = judged(56, "2023-08-15", plan=HALVES, baseline=20).record()
    assert (record.gap, record.pace, record.completion, record.status) == (-4, 0.9, 0.45, "at_risk")
    assert judged(58, "2023-08-15", plan=HALVES, baseline=20).record().status == "on_track"


def test_in_a_season_in_which_nothing_is_due_the_baseline_is_on_track() -> None:
    engine = judged(20, "2023-02-10", plan=HALVES, baseline=20)
    assert (engine.record().pace, engine.record().status) == (None, "on_track")
    assert engine.codes() == ["plan_at_baseline"]


def test_a_seasonal_plan_may_go_down() -> None:
    record = judged(70, "2023-08-15", plan=HALVES, value=40, baseline=100, comparator="<=").record()
    assert (record.planned, record.gap, record.pace, record.status) == (70, 0, 1, "on_track")


def test_shares_with_decimals_are_planned_exactly() -> None:
    """A twelfth of the change cannot be written as a decimal; what is written is planned to the last digit."""
    shares = (*[Decimal("8.333333333")] * 11, Decimal("8.333333337"))
    plan = SeasonalPlan(curve="seasonal", shares=shares)
    assert judged(3, "2023-01-31", plan=plan, value=30, baseline=0).record().planned == 2.4999999999
    assert judged("24.999999999", "2023-10-31", plan=plan, value=30).record().pace == 1


def test_the_months_of_a_seasonal_plan_are_those_of_the_kpis_calendar() -> None:
    """The administrative March ends on 14 March."""
    catalog = a_catalog(a_kpi(kind="stock"), a_target("p.a.1", 100, 20, plan=HALVES))
    engine = Engine(catalog, local("2023-03-20"))
    asyncio.run(engine.take(an_observation(as_of="2023-03-14", value=60)))
    assert (engine.record().planned, engine.record().status) == (60, "on_track")


# steps


@pytest.mark.parametrize(
    ("as_of", "planned"),
    [("2023-01-01", 0), ("2023-03-30", 0), ("2023-03-31", 40), ("2023-09-29", 40), ("2023-09-30", 70),
     ("2023-12-30", 70), ("2023-12-31", 100)],
)  # fmt: skip
def test_a_step_holds_until_the_next_and_the_last_is_the_target_at_the_deadline(as_of: str, planned: float) -> None:
    assert judged(5, as_of, plan=STEPS).record().planned == planned


def test_a_step_plan_without_points_is_one_step_at_the_deadline() -> None:
    record = judged(5, "2023-10-01", plan=StepPlan(curve="step")).record()
    assert (record.planned, record.pace, record.status) == (0, None, "on_track")


@pytest.mark.parametrize(("now", "status"), [("2023-02-28", "on_track"), ("2023-03-01", "at_risk")])
def test_before_a_step_not_yet_reached_it_is_on_track_and_at_risk_from_30_days_before(now: str, status: str) -> None:
    """The step is due on 31 March; the figure is of 15 January, and only the clock moves."""
    engine = judged(10, "2023-01-15", now=now, plan=STEPS)
    assert engine.record().status == status
    assert ("step_ahead" in engine.codes()) == (status == "at_risk")


def test_how_long_before_a_step_it_is_a_risk_can_be_declared() -> None:
    plan = STEPS.model_copy(update={"warn_before": timedelta(days=10)})
    assert judged(10, "2023-01-15", now="2023-03-20", plan=plan).record().status == "on_track"
    assert judged(10, "2023-01-15", now="2023-03-21", plan=plan).record().status == "at_risk"


def test_a_step_reached_early_is_no_risk() -> None:
    engine = judged(40, "2023-01-15", now="2023-03-30", plan=STEPS)
    assert (engine.record().status, engine.codes()[0]) == ("on_track", "plan_at_baseline")
    assert judged("39.99", "2023-01-15", now="2023-03-30", plan=STEPS).record().status == "at_risk"


def test_after_a_step_the_next_one_is_looked_at() -> None:
    """40 of 40 since March; 70 are due on 30 September, which is near from 31 August on."""
    assert judged(40, "2023-04-15", now="2023-08-30", plan=STEPS).record().status == "on_track"
    engine = judged(40, "2023-04-15", now="2023-08-31", plan=STEPS)
    record = engine.record()
    assert (record.pace, record.status) == (1, "at_risk")
    assert engine.codes() == ["step_ahead"]
    assert record.reasons[0].text_en == "The step of the plan to 70, due on 2023-09-30, is near and not reached: 40."
    assert record.reasons[0].text_vi == "Mốc kế hoạch 70 (hạn 30/09/2023) đã gần mà chưa đạt: 40."


def test_the_plan_moves_on_only_with_data_so_a_step_that_has_passed_meanwhile_stays_a_risk() -> None:
    record = judged(10, "2023-01-15", now="2023-05-01", plan=STEPS).record()
    assert (record.planned, record.status) == (0, "at_risk")
    assert judged(10, "2023-03-31", now="2023-05-01", plan=STEPS).record().status == "behind"


def test_a_former_step_not_reached_is_worse_than_the_next_one_being_near() -> None:
    assert judged(30, "2023-09-20", plan=STEPS).record().status == "behind"
    assert judged(35, "2023-09-20", plan=STEPS).record().status == "at_risk"


def test_a_value_below_the_baseline_moves_away_before_any_step() -> None:
    assert judged(-1, "2023-01-15", plan=STEPS).record().status == "moving_away"


def test_steps_may_go_down() -> None:
    down = StepPlan(curve="step", points=(PlanPoint(on=day("2023-06-30"), value=Decimal(60)),))
    given: dict[str, Any] = {"plan": down, "value": 20, "baseline": 100, "comparator": "<="}
    assert judged(100, "2023-03-01", **given).record().status == "on_track"
    assert judged(61, "2023-06-01", **given).record().status == "at_risk"
    assert judged(60, "2023-06-01", **given).record().status == "on_track"
    assert judged(60, "2023-06-30", **given).record().pace == 1


def test_the_day_on_which_a_step_is_near_is_the_next_on_which_time_alone_changes_the_record() -> None:
    async def work() -> None:
        engine = Engine(a_catalog(COUNT, a_target("p.a.1", 100, 0, plan=STEPS)), local("2023-01-20"))
        await engine.take(an_observation(as_of="2023-01-15", value=10))
        await engine.tick()
        key = "p/k"
        assert await engine.store.due([key], "2023-02-28") == {}
        assert set(await engine.store.due([key], "2023-03-01")) == {key}
        await engine.tick(local("2023-02-28"))
        before = engine.record()
        await engine.tick(local("2023-03-01"))
        after = engine.record()
        assert (before.status, after.status, after.previous_status) == ("on_track", "at_risk", "on_track")
        assert after.version == before.version + 1

    asyncio.run(work())


@pytest.mark.parametrize("province", ["dak-nong", "lam-dong"])
def test_every_target_of_the_catalogs_is_judged_along_the_plan_that_the_catalog_declares(province: str) -> None:
    catalog = Catalog.of(check_folder(CATALOGS / province).folder.items)
    curves = set()
    for target in catalog.targets:
        definition = Definition(catalog, target.kpi)
        window = definition.window(target.period)
        by = obligation_of(target, window, definition.kpi, definition.calendar, from_zero=definition.kind.from_zero)
        if by.curve is None:
            continue
        plan = plan_of(target, definition.kpi, definition.calendar, from_zero=definition.kind.from_zero)
        assert plan is not None
        curves.add(type(by.curve))
        for on in range(window.first - 3, window.last + 3):
            assert Fraction(*by.curve.planned(on)) == plan.on(date.fromordinal(on)), (target.id, on)
    assert curves


def test_milestones_and_linear_plans_know_no_warning() -> None:
    """A line that is near its end is judged by its pace alone."""
    end = date(2023, 12, 30).isoformat()
    assert judged(99, end).record().status == "on_track"


def test_a_line_is_at_a_point_or_between_two() -> None:
    line = Line(((10, 0), (20, 5 * SCALE), (30, 9 * SCALE)))
    assert [line.around(on) for on in (9, 10, 20, 30, 31)] == [None] * 5
    assert line.around(11) == ((10, (0, SCALE)), (20, (5 * SCALE, SCALE)))
    assert line.around(29) == ((20, (5 * SCALE, SCALE)), (30, (9 * SCALE, SCALE)))


def test_the_step_of_the_day_is_no_step_ahead() -> None:
    stairs = Stairs(((10, 0), (20, 5 * SCALE), (30, 9 * SCALE)), warn_before=3)
    assert stairs.ahead((4, 1), 19, 1) == (17, (20, 5 * SCALE))
    assert stairs.ahead((4, 1), 20, 1) == (27, (30, 9 * SCALE))
    assert stairs.ahead((9, 1), 20, 1) is None
    assert stairs.ahead((4, 1), 30, 1) is None


def test_a_new_figure_ends_the_warning() -> None:
    async def work() -> None:
        engine = Engine(a_catalog(COUNT, a_target("p.a.1", 100, 0, plan=STEPS)), local("2023-03-20"))
        figures: list[ObservationRecorded] = [an_observation(as_of="2023-01-15", value=10)]
        await engine.take(*figures)
        assert engine.record().status == "at_risk"
        figures.append(an_observation(as_of="2023-03-18", value=41))
        await engine.take(figures[-1])
        await engine.tick()
        assert engine.record().status == "on_track"
        assert differences(engine, figures) == []

    asyncio.run(work())
