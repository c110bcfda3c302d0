"""What would change a status, with its numbers written out: bounds on the next figure, and what time alone does."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.explanations import WouldChange
from services.metrics.asking import Asker
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, local
from tests.unit.metrics.engine import Engine

COUNT = a_kpi(kind="stock", unit_of_measure="machine", decimals=0)
"""Counted in whole machines."""

CASES = a_kpi(kind="stock", unit_of_measure="case", direction="decrease")
"""The fewer, the better."""


async def said(*observations: Any, now: str = "2023-10-02", kpi: Any = None, **target: Any) -> WouldChange:
    """For the first commune; by default it is to come from 80 to 92 % by 14 December 2023."""
    engine = Engine(a_catalog(*([kpi] if kpi else []), a_target(**target)), local(now))
    await engine.take(*observations)
    await engine.tick()
    return (
        await Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now).explain("k", "p.a.1", "2023")
    ).would_change


def bounds(found: WouldChange) -> list[tuple[str, str, float]]:
    return [(one.status.value, one.comparator, one.value) for one in found.bounds]


def share(percent: float, as_of: str = "2023-09-30") -> Any:
    return an_observation("p.a.1", as_of, percent, 100)


# the next report


@pytest.mark.parametrize(
    ("as_of", "now", "day"),
    [
        ("2023-01-31", "2023-10-02", "2023-10-14"),  # long silent: the administrative month that is under way
        ("2023-10-13", "2023-10-13", "2023-10-14"),  # one day of it is left
        ("2023-10-14", "2023-10-14", "2023-11-14"),  # it is done
        ("2023-12-10", "2023-12-12", "2023-12-14"),
        ("2023-12-14", "2023-12-14", None),
    ],
)
async def test_the_next_report_ends_the_cycle_that_no_figure_has_ended(as_of: str, now: str, day: str | None) -> None:
    found = (await said(share(85, as_of), now=now)).next_report
    assert (None if found is None else str(found)) == day


async def test_nothing_is_reported_after_the_deadline() -> None:
    """The period goes on until 14 December."""
    found = await said(share(85), deadline="2023-10-10")
    assert str(found.next_report) == "2023-10-10"
    assert (await said(share(85, "2023-10-10"), now="2023-10-12", deadline="2023-10-10")).next_report is None


# bounds


A_BAND: dict[str, Any] = {"value": None, "baseline": None, "comparator": "band", "low": 20, "high": 25}


def stretches(found: WouldChange) -> list[tuple[str, float, float | None]]:
    return [(one.status.value, one.value, one.up_to) for one in found.bounds]


@pytest.mark.parametrize("done", [5, 20, 22, 27, None])
async def test_a_band_has_a_bound_on_each_of_its_sides(done: int | None) -> None:
    """0.8 and 0.95 of 20 are 16 and 19; 25 is 0.95 of 26.315… and 0.8 of 31.25."""
    found = await said(*([] if done is None else [share(done)]), **A_BAND)
    assert stretches(found) == [
        ("at_risk", 16, 18.99),
        ("on_track", 19, 19.99),
        ("achieved", 20, 25),
        ("on_track", 25.01, 26.31),
        ("at_risk", 26.32, 31.25),
    ]
    assert found.bounds[2].text_vi == "Từ 20 đến 25 % vào 14/10/2023: đã đạt."
    assert found.bounds[2].text_en == "From 20 to 25 % on 2023-10-14: achieved."


async def test_below_the_baseline_of_a_band_a_value_moves_away() -> None:
    found = await said(share(27), **{**A_BAND, "baseline": 10})
    assert stretches(found)[0] == ("behind", 10, 15.99)
    fallen = await said(share(27), **{**A_BAND, "baseline": 40})
    assert stretches(fallen)[-1] == ("behind", 31.26, 40)


async def test_around_a_band_of_whole_things_bounds_are_whole() -> None:
    found = await said(an_observation(value=27), kpi=COUNT, **A_BAND)
    assert stretches(found) == [
        ("at_risk", 16, 18), ("on_track", 19, 19), ("achieved", 20, 25), ("on_track", 26, 26), ("at_risk", 27, 31),
    ]  # fmt: skip


async def test_no_bound_of_a_share_is_above_the_whole() -> None:
    found = await said(share(27), **{**A_BAND, "low": 90, "high": 100})
    assert stretches(found)[-1] == ("achieved", 90, 100)
    cut = await said(share(27), **{**A_BAND, "low": 90, "high": 98})
    assert stretches(cut)[-1] == ("on_track", 98.01, 100)


async def test_numerators_of_a_band_lie_within_it() -> None:
    """A fifth and a quarter of 101 are 20.2 and 25.25."""
    found = await said(an_observation("p.a.1", "2023-09-30", 10, 101), **A_BAND)
    assert (found.bounds[2].numerator, found.bounds[2].numerator_up_to) == (21, 25)


async def test_without_a_baseline_the_bounds_are_shares_of_the_target() -> None:
    """0.8 and 0.95 of 92 are 73.6 and 87.4."""
    assert bounds(await said(share(50), baseline=None)) == [
        ("at_risk", ">=", 73.6),
        ("on_track", ">=", 87.4),
        ("achieved", ">=", 92),
    ]


async def test_without_a_baseline_the_target_is_a_share_of_the_bounds_where_lower_is_better() -> None:
    """50 ÷ 0.8 is 62.5, and 50 ÷ 0.95 is 52.631…, so 52.64 is too much."""
    found = await said(an_observation(value=95), kpi=CASES, value=50, baseline=None, comparator="<=")
    assert bounds(found) == [("at_risk", "<=", 62.5), ("on_track", "<=", 52.63), ("achieved", "<=", 50)]
    assert found.bounds[1].text_vi == "Từ 52,63 trở xuống vào 14/10/2023: đúng tiến độ."


async def test_a_target_below_one_has_its_bounds() -> None:
    found = await said(an_observation(value="0.1"), kpi=a_kpi(kind="stock"), value="0.5", baseline=None)
    assert bounds(found) == [("at_risk", ">=", 0.4), ("on_track", ">=", 0.48), ("achieved", ">=", 0.5)]


async def test_a_line_that_is_not_held_is_nowhere_less_than_behind() -> None:
    """Below 0.95 of it a line is missed by far however far: 73.6 is no bound."""
    found = await said(share(60), intent="keep")
    assert bounds(found) == [("at_risk", ">=", 87.4), ("on_track", ">=", 92)]


async def test_what_is_counted_in_whole_numbers_has_whole_bounds_each_for_one_status() -> None:
    """On 14 October 303 of 364 days are gone: 2.5 machines of 3 are planned, and 0.8 and 0.95 of that are 2 and 2.4."""
    found = await said(an_observation(value=0), kpi=COUNT, value=3, baseline=0)
    assert bounds(found) == [("behind", ">=", 0), ("at_risk", ">=", 2), ("achieved", ">=", 3)]


async def test_the_bounds_of_a_share_are_finer_than_it_is_reported() -> None:
    found = await said(share(50), kpi=a_kpi(decimals=0), baseline=None, value=91)
    assert bounds(found) == [("at_risk", ">=", 72.8), ("on_track", ">=", 86.45), ("achieved", ">=", 91)]


@pytest.mark.parametrize(("direction", "comparator", "numerator"), [("increase", ">=", 51), ("decrease", "<=", 50)])
async def test_a_numerator_is_rounded_to_the_safe_side(direction: str, comparator: str, numerator: int) -> None:
    """Half of 101 is 50.5."""
    figure = an_observation("p.a.1", "2023-09-30", 10 if direction == "increase" else 90, 101)
    found = await said(figure, kpi=a_kpi(direction=direction), value=50, baseline=None, comparator=comparator)
    assert found.bounds[-1].numerator == numerator


# time alone


async def test_a_target_is_missed_once_the_days_for_late_figures_are_over() -> None:
    alone = (await said(share(85, "2023-12-08"), now="2023-12-10")).by_itself
    assert alone is not None
    assert (str(alone.on), alone.status.value) == ("2023-12-29", "missed")
    assert alone.text_vi == "Nếu không có số liệu mới, đến 29/12/2023 tình trạng là: không đạt."
    assert alone.text_en == "Without a new figure the status on 2023-12-29 is: missed."


async def test_days_on_which_time_changes_something_else_do_not_hide_the_day_that_changes_the_status() -> None:
    """Each month of the year somebody else below the district is late, and only in the end it is missed."""
    patient = a_kpi(stale_after=timedelta(days=400))
    engine = Engine(a_catalog(patient, a_target("p.a")), local("2023-01-20"))
    await engine.take(an_observation("p.a.1", "2023-01-14", 81, 100))
    await engine.tick()
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    alone = (await asker.explain("k", "p.a", "2023")).would_change.by_itself
    assert alone is not None
    assert (str(alone.on), alone.status.value) == ("2023-12-29", "missed")
