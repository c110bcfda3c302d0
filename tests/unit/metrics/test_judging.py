"""The judgement, with its numbers written out: every rule and every trap."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from string import Formatter
from typing import Any

import pytest

from contracts.catalog import Kpi, MilestonesPlan, OrgUnit, PlanPoint
from services.metrics.reasons import TEXTS, because
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, day, local, unit
from tests.unit.metrics.engine import Engine, differences, run

STOCK = a_kpi(kind="stock", calendar="civil", cadence="month", unit_of_measure="machine")
"""Counted at a moment; the civil year 2023 has 365 days, a plan from 1 January to 31 December 364."""


def judged(
    figure: float | None, as_of: str = "2023-07-02", *, now: str | None = None, kpi: Kpi = STOCK, **target: Any
) -> Engine:
    """The record of one figure, by default half way: 2 July is 182 of 364 days after 1 January."""
    given: dict[str, Any] = {"value": 100, "baseline": 0, **target}
    batch = [] if figure is None else [an_observation(as_of=as_of, value=figure)]
    catalog = a_catalog(kpi, a_target("p.a.1", **given))

    async def work() -> Engine:
        engine = Engine(catalog, local(now or as_of))
        await engine.take(*batch)
        await engine.tick()
        assert differences(engine, batch) == []
        return engine

    return asyncio.run(work())


def test_a_linear_plan_is_half_way_at_half_time() -> None:
    record = judged(45).record()
    assert (record.planned, record.gap, record.pace, record.completion) == (50, -5, 0.9, 0.45)
    assert record.status == "at_risk"


@pytest.mark.parametrize(
    ("value", "status"),
    [(47.5, "on_track"), (47.49, "at_risk"), (40, "at_risk"), (39.99, "behind"), (0, "behind"), (-1, "moving_away")],
)
def test_bounds_on_pace_are_inclusive(value: float, status: str) -> None:
    assert judged(value).record().status == status


def test_bounds_can_be_set_for_each_kpi() -> None:
    strict = STOCK.model_copy(update={"on_track_pace": Decimal("1"), "at_risk_pace": Decimal("0.9")})
    assert judged(49, kpi=strict).record().status == "at_risk"
    assert judged(44, kpi=strict).record().status == "behind"


def test_one_of_71_after_the_first_of_five_years_is_behind() -> None:
    """A compound growth rate would call it on track."""
    engine = judged(1, "2021-12-31", value=71, baseline=0, period="2021-2025")
    record = engine.record(period="2021-2025")
    assert record.planned == 71 * 364 / 1825
    assert record.status == "behind"


def test_an_exactly_linear_decrease_is_on_track() -> None:
    """A compound growth rate would call it too slow."""
    record = judged(75, value=50, baseline=100, comparator="<=").record()
    assert (record.planned, record.gap, record.pace, record.completion) == (75, 0, 1, 0.5)
    assert record.status == "on_track"


def test_lower_is_better_is_handled_once() -> None:
    record = judged(80, value=50, baseline=100, comparator="<=").record()
    assert (record.gap, record.pace, record.completion, record.status) == (5, 0.8, 0.4, "at_risk")
    assert judged(101, value=50, baseline=100, comparator="<=").record().status == "moving_away"
    assert judged(50, value=50, baseline=100, comparator="<=").record().status == "achieved"


def test_over_achievement_is_not_capped() -> None:
    record = judged(250).record()
    assert (record.completion, record.pace, record.status) == (2.5, 5, "achieved")
    assert record.needed is None
    assert "nothing_needed" in [reason.code for reason in record.reasons]


def test_the_target_met_is_achieved_whatever_the_trend() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0))
    falling = [an_observation(as_of="2023-06-30", value=500), an_observation(as_of="2023-07-02", value=100)]
    assert run(catalog, local("2023-07-02"), falling).record().status == "achieved"


def test_past_the_target_and_back_is_judged_anew() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0))
    engine = run(
        catalog,
        local("2023-07-02"),
        [an_observation(as_of="2023-06-01", value=120)],
        [an_observation(as_of="2023-07-02", value=45)],
    )
    assert engine.record().status == "at_risk"
    assert engine.record().previous_status == "achieved"


# the edges of a plan


def test_on_the_first_day_the_plan_is_at_the_baseline_and_there_is_no_pace() -> None:
    engine = judged(0, "2023-01-01")
    record = engine.record()
    assert (record.planned, record.pace, record.completion, record.status) == (0, None, 0, "on_track")
    assert engine.codes() == ["plan_at_baseline", "not_under_way"]
    assert judged(-1, "2023-01-01").record().status == "moving_away"


def test_before_the_baseline_date_the_plan_is_at_the_baseline() -> None:
    engine = judged(5, "2023-02-01", baseline_on=day("2023-03-31"))
    assert (engine.record().planned, engine.record().status) == (0, "on_track")


def test_a_baseline_on_or_after_the_deadline_leaves_the_target_to_plan_with() -> None:
    engine = judged(5, baseline_on=day("2023-12-31"))
    assert (engine.record().planned, engine.record().status) == (100, "behind")


def test_target_equal_to_baseline_is_judged_as_a_line_to_hold() -> None:
    engine = judged(100, baseline=100)
    record = engine.record()
    assert (record.planned, record.gap, record.completion, record.status) == (100, 0, None, "on_track")
    assert "baseline_at_target" in engine.codes()
    assert judged(95, baseline=100).record().status == "at_risk"
    assert judged(94, baseline=100).record().status == "behind"
    assert judged(100, baseline=100, as_of="2023-12-20", now="2024-01-01").record().status == "achieved"


def test_a_baseline_past_the_target_is_judged_as_a_line_to_hold() -> None:
    engine = judged(110, baseline=120)
    assert (engine.record().status, engine.record().completion) == ("on_track", None)
    assert "baseline_past_target" in engine.codes()


def test_without_a_baseline_pace_is_value_against_target() -> None:
    engine = judged(90, baseline=None)
    record = engine.record()
    assert (record.planned, record.gap, record.pace, record.completion) == (None, None, 0.9, None)
    assert record.status == "at_risk"
    assert engine.codes() == ["pace_below_on_track", "no_baseline", "one_figure"]


def test_without_a_baseline_and_lower_is_better_pace_is_target_against_value() -> None:
    assert judged(125, baseline=None, comparator="<=").record().pace == 0.8


def test_a_pace_that_would_divide_by_nothing_is_null_with_a_reason() -> None:
    engine = judged(-5, value=0, baseline=None)
    assert (engine.record().pace, engine.record().status) == (None, "behind")
    assert "pace_not_defined" in engine.codes()


def test_a_flow_without_a_baseline_starts_from_zero() -> None:
    flow = a_kpi(kind="flow", calendar="civil")
    record = judged(45, kpi=flow, baseline=None).record()
    assert record.target is not None
    assert (record.target.baseline, record.planned, record.pace) == (0, 50, 0.9)


def test_milestones_are_interpolated_between_their_dates() -> None:
    plan = MilestonesPlan(curve="milestones", points=(PlanPoint(on=day("2023-04-02"), value=Decimal(80)),))
    assert judged(79, "2023-04-02", plan=plan).record().planned == 80
    assert judged(79, "2023-02-15", plan=plan).record().planned == 80 * 45 / 91
    assert judged(79, "2023-12-31", plan=plan).record().planned == 100


def test_a_baseline_is_named_where_nothing_has_moved_yet_or_has_moved_away() -> None:
    early = [judged(45, "2023-01-01", baseline=40), judged(0, "2023-01-01")]
    reasons = [*early, judged(39, baseline=40), judged(-1)]
    assert [engine.record().reasons[0].text_en for engine in reasons] == [
        "By this day the plan is still at the baseline 40, so there is no pace.",
        "By this day the plan is still at the baseline 0, so there is no pace.",
        "Further from the target than at the start: 39, baseline 40.",
        "Further from the target than at the start: −1, baseline 0.",
    ]


@pytest.mark.parametrize("baseline", [40, 0])
def test_a_target_that_is_met_at_once_names_the_baseline_too(baseline: int) -> None:
    engine = judged(100, "2023-01-01", baseline=baseline)
    assert engine.codes() == ["target_met", "plan_at_baseline", "nothing_needed"]
    said = f"By this day the plan is still at the baseline {baseline}, so there is no pace."
    assert engine.record().reasons[1].text_en == said


@pytest.mark.parametrize(("intent", "code"), [("keep", "line_not_held"), ("reach", "target_not_met")])
def test_below_nothing_there_is_no_pace_towards_it(intent: str, code: str) -> None:
    engine = judged(-1, value=0, baseline=None, intent=intent)
    assert (engine.record().pace, engine.record().status, engine.codes()[0]) == (None, "behind", code)


def test_a_way_down_to_nothing_has_a_pace_of_nothing_until_it_is_gone() -> None:
    """Without a baseline the target is divided by the value: 0 ÷ 5."""
    record = judged(5, value=0, baseline=None, comparator="<=").record()
    assert (record.pace, record.status) == (0, "behind")
    assert judged(0, value=0, baseline=None, comparator="<=").record().status == "achieved"


# what is missing


def test_no_figure_is_unknown_and_never_green_or_zero() -> None:
    engine = judged(None, now="2023-07-02", as_of="2023-07-02")
    record = engine.record()
    assert (record.status, record.value, record.planned, record.gap, record.pace) == ("unknown", None, None, None, None)
    assert engine.codes() == ["no_figure"]


def test_a_district_of_which_nobody_has_reported_is_unknown() -> None:
    engine = run(a_catalog(a_target("p.a"), a_target("p.b")), local("2023-10-01"), [an_observation("p.b.1", value=90)])
    asyncio.run(engine.tick())
    assert (engine.record("p.a").status, engine.codes("p.a")) == ("unknown", ["no_figure"])


def test_a_zero_denominator_gives_no_value_and_a_reason() -> None:
    engine = run(a_catalog(a_target()), local("2023-10-01"), [an_observation(numerator=0, denominator=0)])
    record = engine.record()
    assert (record.value, record.numerator, record.denominator, record.status) == (None, 0, 0, "unknown")
    assert engine.codes() == ["zero_denominator"]


def test_a_missing_denominator_gives_no_value_and_a_reason() -> None:
    engine = run(a_catalog(a_target()), local("2023-10-01"), [an_observation(numerator=7)])
    assert (engine.record().value, engine.record().numerator) == (None, 7)
    assert engine.codes() == ["no_denominator"]


def test_a_percentage_without_parts_is_judged_where_it_stands_and_not_rolled_up() -> None:
    catalog = a_catalog(a_target(), a_target("p.a"))
    engine = run(catalog, local("2023-10-01"), [an_observation(value=91.3)])
    assert (engine.record().value, engine.record().status) == (91.3, "on_track")
    assert (engine.record().numerator, engine.record().denominator) == (None, None)
    assert (engine.record("p.a").value, engine.record("p.a").status) == (None, "unknown")
    assert engine.codes("p.a") == ["parts_not_usable"]
    completeness = engine.record("p.a").completeness
    assert completeness is not None
    assert completeness.reported == 1


def test_without_a_target_there_is_still_a_record() -> None:
    engine = run(a_catalog(), local("2023-10-01"), [an_observation(numerator=913, denominator=1000)])
    assert (engine.record().status, engine.record().value, engine.record().target) == ("no_target", 91.3, None)
    assert engine.codes() == ["no_target"]


# time


def test_missed_from_deadline_and_grace_on_in_local_days() -> None:
    """The deadline is 31 December 2023, the grace 15 days: the local date of now counts."""
    assert judged(45, "2023-12-20", now="2024-01-14").record().status == "behind"
    assert judged(45, "2023-12-20", now="2024-01-15").record().status == "missed"


def test_missed_also_when_nothing_was_ever_reported() -> None:
    engine = judged(None, now="2024-01-15", as_of="2023-01-01")
    assert (engine.record().status, engine.codes()) == ("missed", ["no_figure_by_deadline"])


@pytest.mark.parametrize(
    ("reported", "codes"),
    [
        ("2023-12-28", ["deadline_passed", "zero_denominator"]),
        ("2023-12-29", ["deadline_passed", "zero_denominator", "later_correction"]),
        ("2024-02-01", ["deadline_passed", "zero_denominator", "later_correction"]),
    ],
)
def test_missed_also_when_the_last_figure_has_no_value(reported: str, codes: list[str]) -> None:
    """The deadline is 14 December 2023, the grace 15 days."""
    nothing = an_observation(as_of="2023-12-10", numerator=0, denominator=0, reported_at=local(reported))
    engine = run(a_catalog(a_target()), local("2024-02-01"), [nothing])
    assert (engine.record().status, engine.codes()) == ("missed", codes)
    assert engine.record().reasons[0].text_vi == (
        "Đã quá hạn 14/12/2023 và thời gian chờ số liệu mà chưa đạt: –, mục tiêu ≥ 92."
    )


def test_time_alone_misses_a_target_that_has_a_figure_without_a_value() -> None:
    engine = run(a_catalog(a_target()), local("2023-12-20"), [an_observation(numerator=0, denominator=0)])
    assert engine.record().status == "unknown"
    asyncio.run(engine.tick(local("2023-12-28")))
    assert engine.record().status == "unknown"
    asyncio.run(engine.tick(local("2023-12-29")))
    assert engine.record().status == "missed"


def test_time_alone_makes_a_figure_stale_that_has_no_target() -> None:
    """Two months after 31 July, and not while its month goes on."""
    engine = run(a_catalog(STOCK), local("2023-08-01"), [an_observation(as_of="2023-07-31", value=5)])
    asyncio.run(engine.tick(local("2023-09-30")))
    assert engine.codes() == ["no_target"]
    asyncio.run(engine.tick(local("2023-10-01")))
    assert engine.codes() == ["no_target", "stale"]


def test_a_late_figure_that_meets_the_target_turns_missed_to_achieved_as_a_later_correction() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0))
    late = an_observation(as_of="2023-12-31", value=100, reported_at=local("2024-02-01"))
    engine = run(catalog, local("2024-02-01"), [an_observation(as_of="2023-12-01", value=90)], [late])
    assert (engine.record().previous_status, engine.record().status) == ("missed", "achieved")
    assert "later_correction" in engine.codes()


@pytest.mark.parametrize(("reported", "later"), [("2024-01-14", False), ("2024-01-15", True)])
def test_a_correction_is_later_from_the_day_on_which_the_target_is_missed(reported: str, later: bool) -> None:
    figure = an_observation(as_of="2023-12-31", value=90, reported_at=local(reported))
    engine = run(a_catalog(STOCK, a_target("p.a.1", 100, 0)), local("2024-02-01"), [figure])
    assert (engine.record().status, "later_correction" in engine.codes()) == ("missed", later)


def test_a_target_is_judged_on_figures_up_to_its_deadline_and_later_ones_are_shown_as_late() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0, deadline=day("2023-06-30")))
    both = [an_observation(as_of="2023-06-15", value=90), an_observation(as_of="2023-07-10", value=100)]
    engine = run(catalog, local("2023-07-20"), both)
    assert (engine.record().value, str(engine.record().as_of), engine.record().status) == (90, "2023-06-15", "missed")
    assert "late_figures" in engine.codes()


def test_a_late_figure_that_was_withdrawn_is_shown_as_late_no_longer() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0, deadline=day("2023-06-30")))
    both = [an_observation(as_of="2023-06-15", value=90), an_observation(as_of="2023-07-10", value=100)]
    withdrawal = an_observation(as_of="2023-07-10", retracts=True)
    engine = run(catalog, local("2023-07-20"), both, [withdrawal])
    assert "late_figures" not in engine.codes()
    assert differences(engine, [*both, withdrawal]) == []


def test_stale_is_unknown_whatever_the_value() -> None:
    """Two cadences after 2 July is 2 September; on the 3rd it is too old."""
    assert judged(49, now="2023-09-02").record().status == "on_track"
    engine = judged(49, now="2023-09-03")
    assert (engine.record().status, engine.record().value) == ("unknown", 49)
    assert engine.codes()[0] == "stale"


def test_stale_takes_at_least_four_days_and_can_be_declared() -> None:
    daily = STOCK.model_copy(update={"cadence": "day"})
    assert judged(49, now="2023-07-06", kpi=daily).record().status == "on_track"
    assert judged(49, now="2023-07-07", kpi=daily).record().status == "unknown"
    declared = STOCK.model_copy(update={"stale_after": timedelta(days=10)})
    assert judged(49, now="2023-07-12", kpi=declared).record().status == "on_track"
    assert judged(49, now="2023-07-13", kpi=declared).record().status == "unknown"


def test_in_a_closed_period_age_stops_at_its_last_day() -> None:
    assert judged(45, "2023-11-15", now="2024-01-14").record().status == "behind"


def test_a_stale_figure_past_the_deadline_is_missed_and_not_unknown() -> None:
    assert judged(49, now="2024-01-15").record().status == "missed"


def test_what_was_achieved_stays_achieved_when_it_grows_stale() -> None:
    assert judged(100, now="2023-12-01").record().status == "achieved"


def test_without_a_target_a_stale_figure_stays_no_target_with_a_reason() -> None:
    engine = run(a_catalog(STOCK), local("2023-12-01"), [an_observation(as_of="2023-07-02", value=1)])
    assert (engine.record().status, engine.codes()) == ("no_target", ["no_target", "stale"])


# lines to hold


def test_a_held_line_is_on_track_until_the_deadline_then_achieved() -> None:
    keep: dict[str, Any] = {"intent": "keep", "baseline": None}
    assert judged(100, "2023-12-20", now="2023-12-31", **keep).record().status == "on_track"
    assert judged(100, "2023-12-20", now="2024-01-01", **keep).record().status == "achieved"


def test_a_line_not_held_is_at_risk_near_it_and_else_behind_and_never_moving_away() -> None:
    keep: dict[str, Any] = {"intent": "keep", "baseline": 50}
    assert judged(95, **keep).record().status == "at_risk"
    assert judged(94, **keep).record().status == "behind"
    assert judged(10, **keep).record().status == "behind"
    assert judged(10, "2023-12-20", now="2024-01-15", **keep).record().status == "missed"


def test_a_line_whose_last_reading_is_stale_at_the_deadline_is_unknown() -> None:
    engine = judged(100, now="2024-03-01", intent="keep", baseline=None)
    assert (engine.record().status, engine.codes()[0]) == ("unknown", "stale_at_deadline")


def test_held_counts_the_units_own_readings() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, None, intent="keep"))
    readings = [
        an_observation(as_of=f"2023-0{month}-15", value=value) for month, value in ((1, 90), (2, 100), (3, 120))
    ]
    record = run(catalog, local("2023-03-20"), readings).record()
    assert record.held is not None
    assert (record.held.readings, record.held.kept) == (3, 2)
    assert (record.planned, record.gap) == (100, 20)


def test_held_is_said_even_where_the_last_reading_has_no_value() -> None:
    catalog = a_catalog(a_target(intent="keep", baseline=None))
    readings = [
        an_observation(as_of="2023-08-31", numerator=95, denominator=100),
        an_observation(as_of="2023-09-30", numerator=0, denominator=0),
    ]
    record = run(catalog, local("2023-10-01"), readings).record()
    assert (record.value, record.status) == (None, "unknown")
    assert record.held is not None
    assert (record.held.readings, record.held.kept) == (1, 1)


def test_the_first_place_holds_the_fifth_five_times() -> None:
    place = a_kpi(kind="rank", unit_of_measure="rank", direction="decrease")
    catalog = a_catalog(place, a_target("p.a.1", 5, None, comparator="<=", intent="keep"))
    record = run(catalog, local("2023-10-02"), [an_observation(rank=1, of=63)]).record()
    assert (record.pace, record.gap, record.status) == (5, -4, "on_track")


@pytest.mark.parametrize(
    ("now", "intent", "code"),
    [
        ("2023-12-31", "keep", "stale"),
        ("2024-01-01", "keep", "stale_at_deadline"),
        ("2023-12-31", "reach", "stale"),
        ("2024-01-01", "reach", "stale"),
    ],
)
def test_only_a_line_to_hold_is_stale_at_its_deadline(now: str, intent: str, code: str) -> None:
    engine = judged(100 if intent == "keep" else 45, now=now, intent=intent)
    assert (engine.record().status, engine.codes()[0]) == ("unknown", code)


# bands


@pytest.mark.parametrize(
    ("value", "pace", "planned", "gap", "status"),
    [
        (30, 1, 20, 10, "achieved"),
        (19, 0.95, 20, -1, "on_track"),
        (50, 0.8, 40, 10, "at_risk"),
        (15, 0.75, 20, -5, "behind"),
    ],
)
def test_a_band_is_judged_by_its_nearer_edge(value: int, pace: float, planned: int, gap: int, status: str) -> None:
    record = judged(value, value=None, baseline=None, comparator="band", low=20, high=40).record()
    assert (record.pace, record.planned, record.gap, record.status) == (pace, planned, gap, status)


# needed


def test_needed_is_told_by_month_against_the_pace_so_far_and_the_best_month() -> None:
    """92 % by 14 December 2023, 75 days after 30 September; a month is 30.4375 days."""
    engine = run(
        a_catalog(a_target()),
        local("2023-10-01"),
        [
            an_observation(as_of="2023-03-10", numerator=820, denominator=1000),
            an_observation(as_of="2023-04-10", numerator=880, denominator=1000),
            an_observation(as_of="2023-09-30", numerator=913, denominator=1000),
        ],
    )
    needed = engine.record().needed
    assert needed is not None
    assert needed.per == "month"
    assert needed.amount == pytest.approx(0.7 / (75 / 30.4375))
    assert needed.so_far == pytest.approx(11.3 / (289 / 30.4375))
    assert needed.best == pytest.approx(6 / (31 / 30.4375))


def test_one_good_day_is_not_taken_for_a_month_of_them() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 1000, None))
    days = [an_observation(as_of="2023-01-31", value=10), an_observation(as_of="2023-02-01", value=30)]
    needed = run(catalog, local("2023-02-02"), days).record().needed
    assert needed is not None
    assert needed.best == 20


def test_a_figure_that_has_to_fall_needs_a_negative_amount() -> None:
    needed = judged(80, value=50, baseline=100, comparator="<=").record().needed
    assert needed is not None
    assert needed.amount == pytest.approx(-30 / (182 / 30.4375))
    assert needed.so_far == pytest.approx(-20 / (182 / 30.4375))


def test_after_the_deadline_no_pace_is_needed_any_more() -> None:
    engine = judged(45, "2023-12-31", now="2024-01-05")
    assert engine.record().needed is None
    assert "no_time_left" in engine.codes()


# targets


def test_a_unit_of_a_level_is_judged_by_its_levels_target_and_its_own_beats_it() -> None:
    of_level = a_target(None, 50, 0, level="commune", id="communes")
    catalog = a_catalog(STOCK, of_level, a_target("p.a.2", 80, 0))
    engine = run(
        catalog, local("2023-07-02"), [an_observation(one, "2023-07-02", value=25) for one in ("p.a.1", "p.a.2")]
    )
    targets = [engine.record(one).target for one in ("p.a.1", "p.a.2")]
    assert [target.value for target in targets if target is not None] == [50, 80]


def test_the_version_valid_at_as_of_judges_and_the_one_valid_now_says_missed() -> None:
    old = a_target("p.a.1", 60, 0, deadline=day("2023-09-30"), valid_to=day("2023-07-01"), grace_days=0)
    new = a_target("p.a.1", 100, 0, valid_from=day("2023-07-01"), version=2)
    catalog = a_catalog(STOCK, old, new)
    engine = run(catalog, local("2023-10-15"), [an_observation(as_of="2023-06-30", value=50)])
    record = engine.record()
    assert record.target is not None
    assert (record.target.version, record.target.value, record.status) == (1, 60, "unknown")  # stale, not missed yet


def test_one_figure_moves_the_record_of_the_year_and_that_of_five_years() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0), a_target("p.a.1", 500, 0, period="2021-2025"))
    engine = run(catalog, local("2023-07-02"), [an_observation(as_of="2023-07-02", value=45)])
    assert {period for _, unit_id, period in engine.latest() if unit_id == "p.a.1"} == {"2023", "2021-2025"}


# reasons


def test_every_reason_has_a_text_in_both_languages() -> None:
    for code, texts in TEXTS.items():
        names = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
        reason = because(code, **dict.fromkeys(names, "1.5"))
        assert reason["code"] == code
        assert reason["text_vi"] != reason["text_en"]
        assert not {"{", "}"} & {*reason["text_vi"], *reason["text_en"]}


def test_vietnamese_sentences_write_a_decimal_comma() -> None:
    reason = because("target_met", value="91.3", goal="≥ 90")
    assert (reason["text_vi"], reason["text_en"]) == (
        "Đạt mục tiêu: 91,3, mục tiêu ≥ 90.",
        "The target is met: 91.3, target ≥ 90.",
    )


def test_a_value_just_below_the_target_does_not_read_like_the_target() -> None:
    engine = judged(99.999996, kpi=STOCK.model_copy(update={"decimals": 6}), baseline=None)
    texts = [reason.text_en for reason in engine.record().reasons]
    assert engine.record().status == "on_track"
    assert all("100," not in text for text in texts)


def test_a_unit_that_did_not_exist_in_the_period_has_no_record() -> None:
    units = (unit("p", "province"), unit("p.old", "commune", "p", valid_to=day("2022-01-01")))
    catalog = a_catalog(STOCK, a_target(None, 100, 0, level="commune"), units=units)
    engine = Engine(catalog, local("2023-07-02"))
    asyncio.run(engine.tick())
    assert engine.latest() == {}


def test_a_running_total_of_a_unit_that_began_within_the_period_says_what_is_not_in_it() -> None:
    """What its predecessors counted in the first half of the year is theirs; a share or a count lacks nothing."""
    merged = unit("p", "province", valid_from=day("2023-07-01"))
    said = [an_observation("p", "2023-09-30", value=7)]
    flow, stock = a_kpi(kind="flow", levels=("province",)), a_kpi(kind="stock", levels=("province",))

    def codes(kpi: Kpi, province: OrgUnit) -> list[str]:
        return run(a_catalog(kpi, a_target("p", 100, 0), units=(province,)), local("2023-10-01"), said).codes("p")

    assert "unit_begun" in codes(flow, merged)
    assert "unit_begun" not in codes(stock, merged)
    assert "unit_begun" not in codes(flow, unit("p", "province"))
    assert "unit_begun" not in codes(flow, unit("p", "province", valid_from=day("2022-12-01")))
