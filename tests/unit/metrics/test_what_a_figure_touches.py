"""Which records a figure gives and touches when the tree and the targets are changed around it."""

from collections.abc import Sequence
from datetime import date

from contracts.catalog import CatalogObject, OrgUnit, Parent
from services.metrics.definition import Definition
from services.metrics.figures import ACTUAL, Figure
from services.metrics.given import given_by_figures
from services.metrics.series import Series
from services.metrics.state import KpiState
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_observation, day, local
from tests.unit.metrics.engine import Engine, differences

NOW = local("2023-10-10")


def moved(unit: str, to: str, on: date) -> tuple[OrgUnit, ...]:
    """The province, with a unit below another one from a day on."""
    return tuple(
        one.model_copy(
            update={"parents": (one.parents[0].model_copy(update={"valid_to": on}), Parent(unit=to, valid_from=on))}
        )
        if one.id == unit
        else one
        for one in UNITS
    )


async def test_a_late_figure_from_before_a_move_counts_at_once_for_the_unit_above_since_then() -> None:
    engine = Engine(a_catalog(units=moved("p.b.1", "p.a", day("2023-06-01"))), NOW)
    await engine.tick()
    july = an_observation("p.a.1", "2023-07-31", 10, 20)
    may = an_observation("p.b.1", "2023-05-31", 30, 40)
    await engine.take(july)
    assert (engine.record("p.a").numerator, engine.record("p.a").denominator) == (10, 20)
    await engine.take(may)
    assert (engine.record("p.a").numerator, engine.record("p.a").denominator) == (40, 60)
    assert differences(engine, [july, may]) == []


async def test_a_unit_that_became_a_parent_back_in_time_gets_a_record_from_the_figures_below_it() -> None:
    engine = Engine(a_catalog(), NOW)
    figure = an_observation("p.b.1", "2023-05-31", 30, 40)
    await engine.take(figure)
    await engine.tick()
    assert ("k", "p.a", "2023") not in engine.latest()
    engine.catalogs.switch(a_catalog(units=moved("p.b.1", "p.a", day("2023-03-01")), number=2))
    await engine.tick()
    assert engine.record("p.a").numerator == 30


async def test_figures_of_a_unit_whose_target_is_dropped_give_records_of_their_accounting_periods() -> None:
    kpi = a_kpi(kind="flow")
    span = a_target("p", 1000, None, period="2021-2025")
    engine = Engine(a_catalog(kpi, span), NOW)
    former, other = (an_observation(as_of=day, value=7) for day in ("2022-06-30", "2023-06-30"))
    await engine.take(former)
    await engine.tick()
    assert {period for _, unit, period in engine.latest() if unit == "p"} == {"2021-2025"}
    engine.catalogs.switch(a_catalog(kpi, number=2))
    await engine.tick()
    assert {period for _, unit, period in engine.latest() if unit == "p"} == {"2021-2025", "2022"}
    await engine.take(other)
    assert {period for _, unit, period in engine.latest() if unit == "p"} == {"2021-2025", "2022", "2023"}
    assert engine.record("p", "2021-2025").value == 14


async def test_a_later_figure_that_does_not_become_the_head_makes_no_version_however_often_it_is_delivered() -> None:
    """The district's own figure stands until both communes are newer."""
    engine = Engine(a_catalog(), NOW)
    batch = an_observation("p.a", "2023-09-15", 50, 100), an_observation("p.a.1", "2023-09-30", 9, 10)
    await engine.take(batch[0])
    await engine.take(*batch)
    said = {record.key: record.value for record in engine.topic.records}
    for _ in range(3):
        engine = engine.restarted()
        await engine.take(*batch)
    assert {record.key: record.value for record in engine.topic.records} == said
    assert engine.record("p.a").version == 2


async def test_a_closed_period_of_the_unit_above_since_then_keeps_what_it_said_beside_the_late_figure() -> None:
    catalog = a_catalog(a_target("p.a", 92, 80), units=moved("p.b.1", "p.a", day("2023-06-01")))
    engine = Engine(catalog, local("2023-12-20"))
    await engine.take(an_observation("p.a.1", "2023-12-10", 10, 20, reported_at=local("2023-12-11")))
    await engine.tick(local("2024-01-05"))
    await engine.take(an_observation("p.b.1", "2023-05-31", 30, 40, reported_at=local("2024-01-05")))
    assert (engine.record("p.a").numerator, engine.record("p.a").denominator) == (40, 60)
    closed = engine.record("p.a").closed
    assert closed is not None
    assert (closed.status, closed.value) == ("missed", 50)


def given(series: dict[str, Series], *targets: CatalogObject, only: set[str] | None = None) -> set[tuple[str, str]]:
    """Unit and period of the records that there are because of figures."""
    definition = Definition(a_catalog(*targets), "k")
    state = KpiState("p/k", 1)
    state.units.update(series)
    return {(unit, window.id) for unit, window in given_by_figures(state, definition, only)}


def figures(*days: str, forecasts: Sequence[str] = ()) -> Series:
    series, figure = Series(), Figure(1, ACTUAL, 0, b"", "s", n=1, d=2)
    for on in days:
        series.take(day(on).toordinal(), figure)
    for on in forecasts:
        series.take_forecast(day(on).toordinal(), figure)
    return series


def test_a_figure_gives_a_record_of_its_period_to_its_unit_and_all_above() -> None:
    one = {"p.a.1": figures("2022-06-30", "2023-01-31", "2023-09-30")}
    assert given(one) == {(unit, period) for unit in ("p", "p.a", "p.a.1") for period in ("2022", "2023")}
    assert given(one, only={"p.a", "p.b"}) == {("p.a", "2022"), ("p.a", "2023")}
    assert given(one, only=set()) == set()
    assert given({"p.nobody": figures("2023-01-31")}) == set()


def test_forecasts_give_no_record_and_hide_no_figure_after_them() -> None:
    both = figures("2023-05-31", forecasts=["2022-01-31", "2022-02-28", "2023-01-31", "2023-08-31"])
    assert given({"p.a.1": both}, only={"p.a.1"}) == {("p.a.1", "2023")}
    assert given({"p.a.1": figures(forecasts=["2023-01-31"])}) == set()


def test_a_figure_gives_a_record_of_each_target_whose_period_it_lies_in() -> None:
    """The administrative quarters end on 14 March and 14 June, and the year on 14 December."""
    first, second = (a_target("p.a", id=f"q{at}", period=f"2023-Q{at}") for at in (1, 2))
    years = a_target("p.a", id="years", period="2021-2025")
    plain = {("p", "2023"), ("p.a.1", "2023")}
    assert given({"p.a.1": figures("2023-03-14")}, first, second, years) == {
        *plain, ("p.a", "2023-Q1"), ("p.a", "2021-2025"),
    }  # fmt: skip
    assert given({"p.a.1": figures("2023-03-14", "2023-03-15")}, first, second) == {
        *plain, ("p.a", "2023-Q1"), ("p.a", "2023-Q2"),
    }  # fmt: skip
    outside = {*plain, ("p.a", "2023-Q2"), ("p.a", "2023")}  # where no target is, the accounting period has a record
    assert given({"p.a.1": figures("2023-03-10", "2023-03-15")}, second) == outside
    assert given({"p.a.1": figures("2023-06-14", "2023-06-15")}, second) == outside
    assert given({"p.b.1": figures("2023-03-15")}, second) == {("p", "2023"), ("p.b", "2023"), ("p.b.1", "2023")}
