"""Edges of the arithmetic, each with its numbers: one figure, a corrected past, a closed period, leap days, two
calendars, units that are missing, bounds that are just met."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from contracts.catalog import CalendarSpec, Holiday, Roster, Target
from contracts.observations import ObservationRecorded
from services.runtime.catalog import Catalog
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_increment, an_observation, day, local, unit
from tests.unit.metrics.engine import Engine, differences, run

STOCK = a_kpi(kind="stock", calendar="civil", cadence="month", unit_of_measure="machine")
FLOW = a_kpi(kind="flow", calendar="civil", cadence="month", unit_of_measure="product")
TARGET = a_target("p.a.1", 100, 0)
"""100 machines by 31 December 2023 from none on 1 January: 50 on 2 July, 182 of 364 days later."""


def judged(catalog: Catalog, now: str, *figures: ObservationRecorded) -> Engine:
    """The engine, agreed with the model."""

    async def work() -> Engine:
        engine = Engine(catalog, local(now))
        await engine.take(*figures)
        await engine.tick()
        assert differences(engine, figures) == []
        return engine

    return asyncio.run(work())


# one figure


def test_a_single_observation_has_a_pace_from_its_baseline() -> None:
    """45 machines in 182 days of 30.4375 to a month."""
    needed = (
        judged(a_catalog(STOCK, TARGET), "2023-07-02", an_observation(as_of="2023-07-02", value=45)).record().needed
    )
    assert needed is not None
    assert needed.so_far == pytest.approx(45 / (182 / 30.4375))
    assert needed.best == needed.so_far
    assert needed.amount == pytest.approx(55 / (182 / 30.4375))


def test_a_single_observation_without_a_baseline_has_neither_a_pace_so_far_nor_a_best_one() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, None))
    engine = judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value=45))
    needed = engine.record().needed
    assert needed is not None
    assert (needed.so_far, needed.best) == (None, None)
    assert engine.codes() == ["pace_below_at_risk", "no_baseline", "one_figure"]


def test_two_observations_have_a_best_pace_even_without_a_baseline() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, None))
    figures = [an_observation(as_of="2023-05-31", value=15), an_observation(as_of="2023-07-02", value=45)]
    needed = judged(catalog, "2023-07-02", *figures).record().needed
    assert needed is not None
    assert needed.so_far is None
    assert needed.best == pytest.approx(30 / (32 / 30.4375))


# before the baseline


@pytest.mark.parametrize(
    ("value", "status", "completion"), [(45, "on_track", 0.0625), (40, "on_track", 0.0), (39, "moving_away", -0.0125)]
)
def test_an_observation_before_the_baseline_date_is_held_against_the_baseline(
    value: int, status: str, completion: float
) -> None:
    """The plan goes from 40 on 31 March to 120; on 28 February it is at 40 still."""
    catalog = a_catalog(STOCK, a_target("p.a.1", 120, 40, baseline_on=day("2023-03-31")))
    engine = judged(catalog, "2023-03-01", an_observation(as_of="2023-02-28", value=value))
    record = engine.record()
    assert (record.planned, record.gap, record.pace) == (40, value - 40, None)
    assert (record.status, record.completion) == (status, completion)
    assert record.needed is not None
    assert record.needed.so_far is None
    assert {"plan_at_baseline", "not_under_way"} <= set(engine.codes())


def test_observations_before_the_baseline_date_count_in_the_best_pace_only() -> None:
    figures = [an_observation(as_of="2023-01-31", value=10), an_observation(as_of="2023-05-31", value=60)]
    catalog = a_catalog(STOCK, a_target("p.a.1", 120, 40, baseline_on=day("2023-03-31")))
    needed = judged(catalog, "2023-06-01", *figures).record().needed
    assert needed is not None
    assert needed.so_far == pytest.approx(20 / (61 / 30.4375))
    assert needed.best == pytest.approx(50 / (120 / 30.4375))


# a past that is corrected


def test_a_correction_that_lowers_the_figure_at_the_head_is_judged_anew() -> None:
    engine = judged(a_catalog(STOCK, TARGET), "2023-07-03", an_observation(as_of="2023-07-02", value=50))
    assert engine.record().status == "on_track"
    asyncio.run(engine.take(an_observation(as_of="2023-07-02", value=39, revision=2)))
    record = engine.record()
    assert (record.value, record.gap, record.pace) == (39, -11, 0.78)
    assert (record.previous_status, record.status, record.flags) == ("on_track", "behind", ())


def test_a_correction_that_lowers_a_former_value_leaves_the_head_and_moves_the_best_pace() -> None:
    """30 machines by 31 May, corrected to 5: then June was the best month, with 40 in 32 days instead of 15."""
    may = an_observation(as_of="2023-05-31", value=30)
    june = an_observation(as_of="2023-07-02", value=45)
    engine = judged(a_catalog(STOCK, TARGET), "2023-07-03", may, june)
    before = engine.record()
    assert before.needed is not None
    assert before.needed.best == pytest.approx(15 / (32 / 30.4375))
    asyncio.run(engine.take(an_observation(as_of="2023-05-31", value=5, revision=2)))
    after = engine.record()
    assert after.needed is not None
    assert after.needed.best == pytest.approx(40 / (32 / 30.4375))
    assert (after.value, after.status, after.needed.so_far) == (45, "at_risk", before.needed.so_far)


def test_a_correction_of_a_former_figure_lowers_no_running_total_that_restarted_after_it() -> None:
    """20 sold by 31 May, 4 more on 10 June; a report of 30 on 30 June says all of it."""
    figures = [
        an_observation(as_of="2023-05-31", value=20),
        an_increment(as_of="2023-06-10", value=4),
        an_observation(as_of="2023-06-30", value=30),
        an_increment(as_of="2023-07-02", value=15),
    ]
    engine = judged(a_catalog(FLOW, TARGET), "2023-07-03", *figures)
    assert engine.record().value == 45
    asyncio.run(engine.take(an_observation(as_of="2023-05-31", value=2, revision=2)))
    assert engine.record().value == 45
    asyncio.run(engine.take(an_observation(as_of="2023-06-30", retracts=True, revision=2)))
    assert engine.record().value == 2 + 4 + 15


# a period that is closed


def test_an_observation_for_a_closed_period_moves_that_record_and_not_the_present_one() -> None:
    catalog = a_catalog(STOCK, TARGET, a_target("p.a.1", 200, 100, period="2024"))
    figures = [an_observation(as_of="2023-12-15", value=90), an_observation(as_of="2024-02-29", value=120)]
    engine = judged(catalog, "2024-03-01", *figures)
    assert (engine.record().status, engine.record(period="2024").value) == ("missed", 120)
    asyncio.run(engine.take(an_observation(as_of="2023-12-31", value=95, reported_at=local("2024-03-01"))))
    assert (engine.record().value, engine.record().status) == (95, "missed")
    assert (engine.record(period="2024").value, engine.record(period="2024").version) == (120, 1)


def test_a_figure_of_a_closed_period_that_no_longer_meets_the_target_is_missed_after_all() -> None:
    engine = judged(a_catalog(STOCK, TARGET), "2024-03-01", an_observation(as_of="2023-12-15", value=100))
    assert engine.record().status == "achieved"
    asyncio.run(engine.take(an_observation(as_of="2023-12-15", value=99, revision=2)))
    assert (engine.record().previous_status, engine.record().status) == ("achieved", "missed")


def test_a_figure_in_a_period_without_a_target_has_a_record_of_that_period() -> None:
    catalog = a_catalog(STOCK, TARGET)
    engine = judged(catalog, "2023-07-02", an_observation(as_of="2022-11-30", value=7))
    assert (engine.record(period="2022").status, engine.record(period="2022").value) == ("no_target", 7)
    assert (engine.record().status, engine.record().value) == ("unknown", None)


# the calendar


def test_the_leap_day_is_a_day_of_the_plan() -> None:
    """2024 has 366 days, so 365 from 1 January to 31 December; 29 February is 59 days on."""
    catalog = a_catalog(STOCK, a_target("p.a.1", 365, 0, period="2024"))
    assert (
        judged(catalog, "2024-03-01", an_observation(as_of="2024-02-29", value=59)).record(period="2024").planned == 59
    )
    assert (
        judged(catalog, "2024-03-01", an_observation(as_of="2024-03-01", value=59)).record(period="2024").planned == 60
    )


def test_a_plan_may_begin_on_a_leap_day() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 306, 0, period="2024", baseline_on=day("2024-02-29")))
    record = judged(catalog, "2024-04-01", an_observation(as_of="2024-03-31", value=31)).record(period="2024")
    assert (record.planned, record.pace, record.status) == (31, 1, "on_track")


def test_two_months_after_the_last_of_december_is_the_leap_day() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0, period="2023-2024"))
    figure = an_observation(as_of="2023-12-31", value=50)
    assert judged(catalog, "2024-02-29", figure).record(period="2023-2024").status == "on_track"
    assert judged(catalog, "2024-03-01", figure).record(period="2023-2024").status == "unknown"


def test_one_day_apart_and_in_two_administrative_years_but_one_civil_year() -> None:
    """14 December 2023 ends the administrative year 2023, 15 December begins 2024."""
    official = a_kpi("official", "stock", calendar="administrative", cadence="month")
    statistical = a_kpi("statistical", "stock", calendar="civil", cadence="month")
    targets = [
        a_target("p.a.1", 100, 0, kpi=kpi.id, period=year)
        for kpi in (official, statistical)
        for year in ("2023", "2024")
    ]
    figures = [
        an_observation(as_of=as_of, value=value, kpi=kpi.id)
        for kpi in (official, statistical)
        for as_of, value in (("2023-12-14", 90), ("2023-12-15", 10))
    ]
    engine = judged(a_catalog(official, statistical, *_distinct(targets)), "2023-12-15", *figures)
    values = {key: engine.latest()[key].value for key in engine.latest() if key[1] == "p.a.1"}
    assert values == {
        ("official", "p.a.1", "2023"): 90,
        ("official", "p.a.1", "2024"): 10,
        ("statistical", "p.a.1", "2023"): 10,
    }


def _distinct(targets: Sequence[Target]) -> list[Target]:
    return [target.model_copy(update={"id": f"{target.kpi}.{target.period}"}) for target in targets]


def test_grace_is_calendar_days_while_reporting_deadlines_are_working_days_over_tet() -> None:
    """Of the week to 4 February 2024 five working days are 5, 6, 7, 15 and 16 February: Tết was from the 8th to the
    14th. The 15 days of grace after 31 January end on 15 February whatever is celebrated."""
    tet = Holiday(first=day("2024-02-08"), last=day("2024-02-14"), name_vi="Tết Nguyên đán")
    calendar = CalendarSpec(id="tet", name_vi="Có Tết", month_starts_on=1, holidays=(tet,))
    weekly = a_kpi(kind="stock", calendar="tet", cadence="week", unit_of_measure="machine")
    catalog = a_catalog(calendar, weekly, a_target("p.a.1", 100, 0, period="2024-01"))
    last_week = an_observation("p.a.1", "2024-02-04", value=50)
    assert _late(catalog, "2024-02-16", last_week) == ("p.a.1", "p.a.2")  # of the week before, still
    assert _late(catalog, "2024-02-17", last_week) == ("p.a.2",)
    january = an_observation("p.a.1", "2024-01-28", value=50)
    assert judged(catalog, "2024-02-14", january).record(period="2024-01").status == "behind"
    assert judged(catalog, "2024-02-15", january).record(period="2024-01").status == "missed"


def _late(catalog: Catalog, now: str, *figures: ObservationRecorded) -> tuple[str, ...] | None:
    """Who is late in the district for the month of February."""
    timely = judged(catalog, now, *figures).record("p.a", "2024").timeliness
    return None if timely is None else timely.late


# what is missing


def test_a_missing_unit_never_shrinks_the_denominator_of_a_roster() -> None:
    """10 of 10 signed in the commune that reports: 10 of 20 are done in the district, not all of them."""
    coverage = a_kpi(
        kind="coverage", levels=("commune",), rosters=(Roster(unit="p.a.1", size=10), Roster(unit="p.a.2", size=10))
    )
    engine = judged(a_catalog(coverage), "2023-10-01", an_observation(numerator=10))
    record = engine.record("p.a")
    assert (record.numerator, record.denominator, record.value) == (10, 20, 50)


def test_a_missing_unit_of_a_ratio_is_named_and_lowers_the_trust() -> None:
    """A ratio has no roster: the silent commune's documents are known to nobody, so the sum says whose are in it."""
    record = judged(a_catalog(), "2023-10-01", an_observation(numerator=90, denominator=100)).record("p.a")
    assert (record.value, record.denominator, record.trust) == (90, 100, "C")
    assert record.completeness is not None
    assert (record.completeness.expected, record.completeness.missing) == (2, ("p.a.2",))


def test_a_direct_figure_of_a_district_still_names_its_silent_communes_and_keeps_its_own_inputs() -> None:
    direct = an_observation("p.a", "2023-07-02", value=50)
    engine = judged(a_catalog(STOCK), "2023-07-03", direct, an_observation("p.a.1", "2023-07-02", value=20))
    record = engine.record("p.a")
    assert record.completeness is not None
    assert (record.value, record.completeness.missing) == (50, ("p.a.2",))
    assert record.inputs == (direct.observation_id,)


def test_inputs_stay_those_of_the_direct_figure_when_newer_parts_overtake_it() -> None:
    direct = an_observation("p.a", "2023-07-02", value=50)
    parts = [an_observation(one, "2023-07-10", value=20) for one in ("p.a.1", "p.a.2")]
    record = judged(a_catalog(STOCK), "2023-07-11", direct, *parts).record("p.a")
    assert (record.value, record.inputs) == (40, (direct.observation_id,))


# bounds and lines


def test_the_line_to_hold_is_at_risk_by_the_bound_of_its_kpi() -> None:
    strict = STOCK.model_copy(update={"on_track_pace": Decimal("0.99")})
    catalog = a_catalog(strict, a_target("p.a.1", 100, None, intent="keep"))
    assert judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value=99)).record().status == "at_risk"
    assert judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value=98)).record().status == "behind"


def test_a_bound_is_met_exactly_where_doubles_would_fall_short_of_it() -> None:
    """Of 2.2, half is planned at half time, and 1.045 is a pace of exactly 0.95."""
    assert 1.045 / 1.1 < 0.95
    catalog = a_catalog(STOCK.model_copy(update={"decimals": 3}), a_target("p.a.1", "2.2", 0))
    record = judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value="1.045")).record()
    assert (record.planned, record.pace, record.status) == (1.1, 0.95, "on_track")


def test_a_band_to_keep_has_no_completion_where_it_began_inside() -> None:
    """From 30 inside 20 to 40 there is no way to go, so 50 is no progress of 200 %."""
    catalog = a_catalog(STOCK, a_target("p.a.1", None, 30, comparator="band", low=20, high=40, intent="keep"))
    engine = judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value=50))
    assert (engine.record().completion, engine.record().gap, engine.record().status) == (None, 10, "behind")
    assert "baseline_past_target" in engine.codes()


@pytest.mark.parametrize("baseline", [20, 40])
def test_a_baseline_on_the_edge_of_a_band_is_inside(baseline: int) -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", None, baseline, comparator="band", low=20, high=40))
    engine = judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value=30))
    assert (engine.record().status, "baseline_past_target" in engine.codes()) == ("on_track", True)


def test_a_band_from_outside_completes_towards_its_nearer_edge_and_may_move_away() -> None:
    """From 60 down to 20 to 40: at 50 half the way is done, at 70 it has become longer."""
    catalog = a_catalog(STOCK, a_target("p.a.1", None, 60, comparator="band", low=20, high=40))
    half = judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value=50)).record()
    assert (half.completion, half.pace, half.gap, half.status) == (0.5, 0.8, 10, "at_risk")
    away = judged(catalog, "2023-07-02", an_observation(as_of="2023-07-02", value=70)).record()
    assert (away.completion, away.status) == (-0.5, "moving_away")


def test_a_daily_kpi_is_stale_after_its_own_days_and_a_weekly_one_after_two_weeks() -> None:
    for cadence, fresh, stale in (("day", "2023-07-06", "2023-07-07"), ("week", "2023-07-16", "2023-07-17")):
        kpi = STOCK.model_copy(update={"cadence": cadence})
        figure = an_observation(as_of="2023-07-02", value=50)
        assert judged(a_catalog(kpi, TARGET), fresh, figure).record().status == "on_track", cadence
        assert judged(a_catalog(kpi, TARGET), stale, figure).record().status == "unknown", cadence


def test_how_long_before_a_step_and_after_a_deadline_is_each_targets_own() -> None:
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0, grace_days=3))
    figure = an_observation(as_of="2023-12-20", value=90)
    assert judged(catalog, "2024-01-02", figure).record().status == "at_risk"
    assert judged(catalog, "2024-01-03", figure).record().status == "missed"
    assert run(a_catalog(STOCK, a_target("p.a.1", 100, 0)), local("2024-01-03"), [figure]).record().status == "at_risk"


def test_what_is_missed_does_not_come_up_again_by_time_alone() -> None:
    engine = judged(a_catalog(STOCK, TARGET), "2024-01-20", an_observation(as_of="2023-12-20", value=90))
    said = len(engine.topic.progress())
    asyncio.run(engine.tick(local("2024-12-31")))
    assert len(engine.topic.progress()) == said


def test_time_stops_for_a_unit_that_is_no_more() -> None:
    """Abolished on 1 July with 40 of 45 planned: it neither grows stale nor misses what it could not wait for."""
    units = (
        unit("p", "province"),
        unit("p.old", "commune", "p", valid_to=day("2023-07-01")),
        unit("p.new", "commune", "p", valid_from=day("2023-07-01")),
    )
    catalog = a_catalog(STOCK, a_target("p.old", 100, 0), units=units)
    figure = an_observation("p.old", "2023-06-15", value=40)
    assert judged(catalog, "2023-06-30", figure).codes("p.old") == ["pace_below_on_track"]
    for now in ("2023-07-01", "2023-10-01", "2024-06-01"):
        engine = judged(catalog, now, figure)
        assert (engine.record("p.old").status, engine.record("p.old").pace) == ("at_risk", 40 / (100 * 165 / 364))
        assert engine.codes("p.old") == ["pace_below_on_track", "unit_ended"]
    corrected = an_observation("p.old", "2023-06-15", value=100, revision=2)
    assert judged(catalog, "2024-06-01", figure, corrected).record("p.old").status == "achieved"


def test_a_unit_that_lived_to_see_its_deadline_may_miss_it_after_its_end() -> None:
    """The deadline is 31 December, the last day of the commune; the grace ends on 15 January."""
    units = (unit("p", "province"), unit("p.old", "commune", "p", valid_to=day("2024-01-01")))
    catalog = a_catalog(STOCK, a_target("p.old", 100, 0), units=units)
    figure = an_observation("p.old", "2023-12-31", value=96)
    assert judged(catalog, "2024-01-14", figure).record("p.old").status == "on_track"
    engine = judged(catalog, "2024-01-15", figure)
    assert (engine.record("p.old").status, "unit_ended" in engine.codes("p.old")) == ("missed", False)


def test_the_end_of_a_unit_is_said_on_its_day_and_nothing_is_due_after_it() -> None:
    units = (unit("p", "province"), unit("p.old", "commune", "p", valid_to=day("2023-07-01")))
    catalog = a_catalog(STOCK, a_target("p.old", 100, 0), units=units)
    engine = judged(catalog, "2023-06-30", an_observation("p.old", "2023-06-15", value=40))
    assert engine.record("p.old").version == 1
    asyncio.run(engine.tick(local("2023-07-01")))
    assert "unit_ended" in engine.codes("p.old")
    asyncio.run(engine.tick(local("2024-06-01")))
    assert engine.record("p.old").version == 2
