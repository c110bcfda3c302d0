"""A target worked out, and the pace that would still meet it: pure, with the numbers written out."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import Kpi, Target
from services.metrics.definition import Definition
from services.metrics.exact import SCALE, Quotient, scaled
from services.metrics.judge import goal_of
from services.metrics.needed import best_pace, needed, why_not_beside
from services.metrics.obligation import Obligation, obligation_of
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, day

STOCK = a_kpi(kind="stock", calendar="civil", unit_of_measure="machine")
FIRST, LAST = day("2023-01-01").toordinal(), day("2023-12-31").toordinal()


def worked_out(target: Target, kpi: Kpi = STOCK, *, from_zero: bool = False) -> Obligation:
    definition = Definition(a_catalog(kpi), "k")
    return obligation_of(target, definition.window(target.period), kpi, definition.calendar, from_zero=from_zero)


def of(value: float | str | None = 100, baseline: float | str | None = 40, **more: Any) -> Obligation:
    return worked_out(a_target("p.a.1", value, baseline, **more))


def a_band(low: int, high: int, baseline: float | None = None) -> Obligation:
    return of(None, baseline, comparator="band", low=Decimal(low), high=Decimal(high))


def value(number: str | int) -> Quotient:
    return scaled(str(number)), SCALE


def test_a_target_is_shown_as_it_was_declared_with_what_goes_without_saying() -> None:
    assert of().wire == {
        "id": "t.p.a.1.2023", "value": 100, "low": None, "high": None, "comparator": ">=", "intent": "reach",
        "deadline": "2023-12-31", "baseline": 40, "baseline_on": "2023-01-01", "version": 1, "simulated": False,
    }  # fmt: skip
    dated = of("0.5", None, comparator="<=", intent="keep", deadline=day("2023-06-30"), version=3, simulated=True)
    assert dated.wire == {
        "id": "t.p.a.1.2023", "value": 0.5, "low": None, "high": None, "comparator": "<=", "intent": "keep",
        "deadline": "2023-06-30", "baseline": None, "baseline_on": None, "version": 3, "simulated": True,
    }  # fmt: skip
    band = a_band(20, 30)
    assert (band.wire["value"], band.wire["low"], band.wire["high"], band.wire["comparator"]) == (None, 20, 30, "band")


def test_days_are_those_of_the_period_unless_the_target_names_others() -> None:
    plain, dated = of(), of(baseline_on=day("2023-03-01"), deadline=day("2023-06-30"), grace_days=4)
    assert (plain.baseline_on, plain.deadline, plain.missed_on) == (FIRST, LAST, LAST + 15)
    assert dated.baseline_on == day("2023-03-01").toordinal()
    assert (date.fromordinal(dated.deadline), date.fromordinal(dated.missed_on)) == (
        day("2023-06-30"),
        day("2023-07-04"),
    )


def test_versions_are_told_apart_by_all_that_is_shown() -> None:
    marks = {of().mark, of(version=2).mark, of(101).mark, of(100, 41).mark, of(deadline=day("2023-12-30")).mark}
    assert len(marks) == 5
    assert of().mark == of(grace_days=3).mark
    assert len(of().mark) == 8


@pytest.mark.parametrize(
    ("target", "keeps", "why", "no_way"),
    [
        (of(), False, "", ""),
        (of(100, None), False, "", ""),
        (of(100, 100), True, "baseline_at_target", "baseline_at_target"),
        (of(100, "100.5"), True, "baseline_past_target", "baseline_past_target"),
        (of(100, 99, comparator="<="), True, "baseline_past_target", "baseline_past_target"),
        (of(100, 101, comparator="<="), False, "", ""),
        (of(100, 40, intent="keep"), True, "line_to_hold", ""),
        (of(100, 100, intent="keep"), True, "line_to_hold", "baseline_at_target"),
        (a_band(20, 30, 20), True, "baseline_past_target", "baseline_past_target"),
        (a_band(20, 30, 30), True, "baseline_past_target", "baseline_past_target"),
        (a_band(20, 30, 19), False, "", ""),
        (a_band(20, 30, 31), False, "", ""),
    ],
)
def test_a_target_without_a_way_to_it_is_a_line_to_hold(target: Obligation, keeps: bool, why: str, no_way: str) -> None:
    assert (target.keeps, target.why_keeps, target.no_way) == (keeps, why, no_way)


def test_what_is_planned_is_the_curve_or_the_line_itself() -> None:
    half = day("2023-07-02").toordinal()
    reach, held, unknown = of().planned(half), of(intent="keep").planned(half), of(100, None).planned(half)
    assert reach is not None
    assert (reach[0] / reach[1], held, unknown) == (70, (100 * SCALE, SCALE), None)
    assert (a_band(20, 30, 25).planned(half), a_band(20, 30, 10).planned(half)) == (None, None)
    flow = worked_out(a_target("p.a.1", 100, None), from_zero=True)
    assert (flow.baseline, flow.baseline_on, flow.planned(FIRST)) == (0, FIRST, (0, SCALE))


@pytest.mark.parametrize(
    ("target", "met", "not_met"),
    [
        (of(), [100, 101], ["99.999999999"]),
        (of(100, 140, comparator="<="), [100, 99], ["100.000000001"]),
        (a_band(20, 30), [20, 25, 30], ["19.999999999", "30.000000001"]),
    ],
)
def test_a_target_is_met_from_its_bound_on(target: Obligation, met: list[Any], not_met: list[Any]) -> None:
    assert [target.met(value(one)) for one in (*met, *not_met)] == [True] * len(met) + [False] * len(not_met)


def test_a_target_is_said_with_its_sign() -> None:
    said = [goal_of(one) for one in (of("92.5"), of(50, 60, comparator="<="), a_band(20, 30))]
    assert said == ["≥ 92.5", "≤ 50", "20 … 30"]


def test_the_nearer_edge_of_a_band_is_aimed_at_and_of_two_as_near_the_lower() -> None:
    aims = [a_band(20, 30).aim(value(one)) for one in (0, 24, 25, "25.000000001", 90)]
    assert aims == [20 * SCALE, 20 * SCALE, 20 * SCALE, 30 * SCALE, 30 * SCALE]
    assert of().aim(value(0)) == 100 * SCALE


# the pace


def test_a_pace_is_told_by_the_unit_of_time() -> None:
    """60 machines in 100 days, after 40 in 264 of the year: by week 4.2, and by year 146.1 after 36.5…"""
    by, on = of(200, 100), LAST - 100
    assert needed(value(140), by, on, "week", 7.0) == {
        "amount": 4.2, "per": "week", "so_far": 40 * 7 / 264, "best": 7.0,
    }  # fmt: skip
    paces = {per: needed(value(140), by, on, per, None) for per in ("day", "month", "quarter", "year")}
    amounts = {per: pace["amount"] for per, pace in paces.items() if pace is not None}
    assert amounts == {"day": 0.6, "month": 18.2625, "quarter": 54.7875, "year": 219.15}


def test_on_the_last_day_no_time_is_left() -> None:
    assert needed(value(140), of(200), LAST, "day", None) is None
    last = needed(value(140), of(200), LAST - 1, "day", None)
    assert last is not None
    assert last["amount"] == 60


def test_before_the_baseline_nothing_has_been_gone() -> None:
    by = of(200, 100, baseline_on=day("2023-03-01"))
    start = by.baseline_on
    so_far = [needed(value(140), by, on, "day", None) for on in (start - 1, start, start + 1)]
    assert [pace["so_far"] for pace in so_far if pace is not None] == [None, None, 40]
    codes = [
        why_not_beside(by, on, best) for on, best in ((start, 1.0), (start, None), (start + 1, None), (start + 1, 1.0))
    ]
    assert [None if one is None else one["code"] for one in codes] == [
        "not_under_way", "not_under_way", "one_figure", None,
    ]  # fmt: skip
    unknown = why_not_beside(of(200, None), start, None)
    assert unknown is not None
    assert unknown["code"] == "one_figure"


def test_the_best_pace_is_the_best_between_two_figures_and_begins_at_the_baseline() -> None:
    """From 40 to 47 in a week, to 68 in two weeks, to 70 in ten days: 7, 10.5 and 1.4 a week."""
    reached = [(FIRST + 7, value(47)), (FIRST + 21, value(68)), (FIRST + 31, value(70))]
    assert best_pace(reached, of(), "week") == 10.5
    assert best_pace(reached[:1], of(), "week") == 7
    assert best_pace(reached[:1], of(100, None), "week") is None
    assert best_pace(reached[:2], of(100, None), "week") == 10.5
    assert best_pace([], of(), "week") is None
    assert best_pace(reached[:1], of(baseline_on=date.fromordinal(FIRST + 7)), "week") is None
    assert best_pace(reached[:1], of(baseline_on=date.fromordinal(FIRST + 6)), "week") == 49


def test_a_step_of_much_less_than_a_unit_counts_as_one_of_a_unit() -> None:
    steps = [(FIRST + 1, value(41)), (FIRST + 8, value(48)), (FIRST + 9, value(54)), (FIRST + 16, value(60))]
    assert best_pace(steps, of(100, None), "week") == 7
    assert best_pace(steps, of(100, None), "day") == 6


def test_a_step_of_three_quarters_of_a_unit_counts_as_the_days_that_it_took() -> None:
    """28 machines in the 28 days of February, and in 23 days: one a day, 30.4375 a month. 22 days pass for a month."""
    steps = {days: [(FIRST, value(40)), (FIRST + days, value(40 + days))] for days in (22, 23, 28)}
    best = {days: best_pace(reached, of(100, None), "month") for days, reached in steps.items()}
    assert best == {22: 22, 23: 30.4375, 28: 30.4375}


def test_the_best_pace_is_never_short_of_the_average_so_far() -> None:
    """The 20 machines of 16 days are 8.75 a week, though no week had more than 7."""
    steps = [(FIRST + 1, value(41)), (FIRST + 8, value(48)), (FIRST + 9, value(54)), (FIRST + 16, value(60))]
    assert best_pace(steps, of(), "week") == 8.75
    fallen = [(FIRST + 2, value(34)), (FIRST + 9, value(30))]
    assert best_pace(fallen, of(20, 40, comparator="<="), "week") == pytest.approx(-70 / 9)


@pytest.mark.parametrize("per", ["day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize("begun", range(1, 31))
def test_of_a_series_that_rises_evenly_the_best_pace_is_the_average(per: Any, begun: int) -> None:
    """A machine a day, reported each week from some day on."""
    reached = [(FIRST + days, value(40 + days)) for days in range(begun, 300, 28)]
    made = needed(reached[-1][1], of(1000), reached[-1][0], per, best_pace(reached, of(1000), per))
    assert made is not None
    assert made["best"] == made["so_far"]


def test_where_progress_is_a_fall_the_best_pace_is_the_steepest() -> None:
    reached = [(FIRST, value(90)), (FIRST + 7, value(80)), (FIRST + 14, value(85))]
    assert best_pace(reached, of(20, None, comparator="<="), "week") == -10
    assert best_pace(reached, a_band(20, 30, 95), "week") == -10
    assert best_pace(reached, a_band(20, 95, 96), "week") == -10
    assert best_pace(reached, a_band(100, 110, 95), "week") == 5
    assert best_pace(reached, a_band(20, 30), "week") == 5
    assert best_pace(reached, of(200, None), "week") == 5
