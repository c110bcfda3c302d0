"""What became of one observation: whether it stands, what stands in its place, and which records it is in."""

from typing import Any

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette

from contracts.catalog import GrowthSpec, Parent
from contracts.fates import FigureFate
from contracts.observations import ObservationRecorded
from services.metrics import internal
from services.metrics.asking import Asker
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_increment, an_observation, local, unit
from tests.unit.metrics.engine import Engine

NOW = local("2023-10-02")
OTHER = "urn:test:other"
CHAIN = ["p.a.1", "p.a", "p"]


def an_engine(*objects: Any, **more: Any) -> Engine:
    return Engine(a_catalog(a_target(), *objects, **more), NOW)


async def fate(engine: Engine, said: ObservationRecorded) -> FigureFate:
    return await Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now).fate(said)


def holding(found: FigureFate) -> list[str]:
    return [one.org_unit for one in found.records if one.holds]


async def test_a_figure_stands_and_is_in_the_records_of_its_unit_and_of_those_above() -> None:
    engine, said = an_engine(), an_observation("p.a.1", "2023-09-30", 85, 100)
    await engine.take(said, an_observation("p.b.1", "2023-09-30", 50, 100))
    found = await fate(engine, said)
    assert (found.standing, found.by) == ("stands", None)
    assert [(one.org_unit, one.period, one.holds) for one in found.records] == [(one, "2023", True) for one in CHAIN]


async def test_a_figure_of_an_earlier_day_stands_for_its_day_and_is_in_no_record_any_more() -> None:
    engine, said = an_engine(), an_observation("p.a.1", "2023-06-30", 60, 100)
    await engine.take(said, an_observation("p.a.1", "2023-09-30", 85, 100))
    found = await fate(engine, said)
    assert found.standing == "stands"
    assert [one.org_unit for one in found.records] == CHAIN
    assert holding(found) == []


async def test_a_correction_stands_in_the_place_of_what_it_corrects() -> None:
    engine, said = an_engine(), an_observation("p.a.1", "2023-09-30", 85, 100)
    mended = an_observation("p.a.1", "2023-09-30", 86, 100, revision=2)
    await engine.take(said, mended)
    found = await fate(engine, said)
    assert (found.standing, found.by, holding(found)) == ("replaced", mended.observation_id, [])
    assert (await fate(engine, mended)).standing == "stands"


async def test_a_retracted_figure_says_what_withdrew_it() -> None:
    engine, said = an_engine(), an_observation("p.a.1", "2023-09-30", 85, 100)
    withdrawal = an_observation("p.a.1", "2023-09-30", retracts=True, revision=2)
    await engine.take(said, withdrawal)
    found, other = await fate(engine, said), await fate(engine, withdrawal)
    assert (found.standing, found.by, holding(found)) == ("retracted", withdrawal.observation_id, [])
    assert (other.standing, other.by, holding(other)) == ("retracts", None, [])


async def test_of_two_sources_the_one_that_does_not_stand_is_told_so_and_that_they_disagree() -> None:
    engine = an_engine()
    said = an_observation("p.a.1", "2023-09-30", 85, 100)
    higher = an_observation("p.a.1", "2023-09-30", 70, 100, source=OTHER, revision=2)
    await engine.take(said, higher)
    found = await fate(engine, said)
    assert (found.standing, found.by) == ("outranked", higher.observation_id)
    assert [doubt.code for doubt in found.doubts] == ["sources_disagree"]
    assert (await fate(engine, higher)).standing == "stands"


async def test_a_doubt_is_told_as_long_as_other_figures_raise_it() -> None:
    engine = Engine(a_catalog(a_kpi("k", "flow")), NOW)
    fell = an_observation("p.a.1", "2023-09-30", value=436)
    await engine.take(an_observation("p.a.1", "2023-08-31", value=437), fell)
    before = await fate(engine, fell)
    await engine.take(an_observation("p.a.1", "2023-08-31", value=427, revision=2), offset=2)
    assert [doubt.code for doubt in before.doubts] == ["cumulative_fell"]
    assert (await fate(engine, fell)).doubts == ()


async def test_increments_are_added_once_their_document_has_passed_their_place() -> None:
    kpi = a_kpi(modes=("absolute", "increment"))
    engine = Engine(a_catalog(kpi, a_target()), NOW)
    said, later = (an_increment("p.a.1", "2023-09-29", n, 100) for n in (10, 20))
    await engine.take(said)
    found, not_there = await fate(engine, said), await fate(engine, later)
    assert (found.standing, holding(found)) == ("added", CHAIN)
    assert (not_there.standing, holding(not_there)) == ("not_yet", [])
    await engine.take(an_observation("p.a.1", "2023-09-30", 85, 100), offset=1)
    restarted = await fate(engine, said)
    assert (restarted.standing, holding(restarted)) == ("added", [])


async def test_what_was_accepted_and_not_folded_is_not_there_yet() -> None:
    engine = an_engine()
    said = an_observation("p.a.1", "2023-09-30", 85, 100)
    assert await fate(engine, said) == FigureFate(standing="not_yet")
    await engine.take(said)
    assert (await fate(engine, an_observation("p.a.1", "2023-09-30", 86, 100, revision=2))).standing == "not_yet"


async def test_a_forecast_is_kept_and_counts_for_nothing() -> None:
    engine = an_engine()
    said = an_observation("p.a.1", "2023-12-10", 95, 100, status="forecast")
    await engine.take(said)
    found = await fate(engine, said)
    assert (found.standing, found.records) == ("forecast", ())


async def test_a_figure_is_also_in_what_came_to_be_above_its_unit() -> None:
    moved = unit(
        "p.a.1",
        "commune",
        parents=(Parent(unit="p.a", valid_to=local("2023-10-01").date()), Parent(unit="p.b", valid_from=NOW.date())),
    )
    units = [moved if one.id == "p.a.1" else one for one in UNITS]
    engine, said = an_engine(units=units), an_observation("p.a.1", "2023-09-30", 85, 100)
    await engine.take(said, an_observation("p.b.1", "2023-10-02", 85, 100))
    found = await fate(engine, said)
    assert {one.org_unit for one in found.records} == {"p.a.1", "p.a", "p", "p.b"}


async def test_a_kpi_or_province_that_no_catalog_has_any_more_counts_no_more() -> None:
    engine, said = an_engine(), an_observation("p.a.1", "2023-09-30", 85, 100)
    await engine.take(said)
    assert (await fate(engine, an_observation(kpi="gone"))).standing == "not_counted"
    assert (await fate(engine, an_observation(province="q"))).standing == "not_counted"


async def test_what_is_derived_from_the_figures_is_named() -> None:
    growth = a_kpi("g", "growth", growth=GrowthSpec(of="k"))
    engine, said = an_engine(a_kpi(), growth), an_observation("p.a.1", "2023-09-30", 85, 100)
    await engine.take(said)
    assert (await fate(engine, said)).derived == ("g",)


async def test_over_http_one_observation_is_posted() -> None:
    engine, said = an_engine(), an_observation("p.a.1", "2023-09-30", 85, 100)
    await engine.take(said)
    app = Starlette(routes=internal.routes(Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        answer = await client.post(internal.FATE, content=said.model_dump_json(exclude_none=True))
        odd = await client.post(internal.FATE, content="{}")
    assert FigureFate.model_validate_json(answer.content) == await fate(engine, said)
    assert (odd.status_code, odd.json()["code"]) == (400, "bad_body")
