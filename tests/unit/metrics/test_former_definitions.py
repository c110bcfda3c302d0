"""What was said on a former day, and when a period was closed, stays as it was, whatever catalogs follow."""

import asyncio
import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.explanations import SaidThen
from services.metrics.asking import Asker
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.figures import Day, Figure
from services.metrics.judging import Judging
from services.metrics.state import KpiState
from services.runtime.catalog.extracts import Extracts, restored
from services.runtime.errors import Fenced
from tests.model import recompute
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_observation, day, local, unit
from tests.unit.metrics.engine import Engine, differences
from tests.unit.metrics.test_against_the_model import CATALOG, FLOW, RATIO, events
from tests.unit.metrics.test_derived_against_the_model import REFORMED

BEFORE = a_catalog(a_target(value=80, baseline=40))
EASIER = a_catalog(a_target(value=55, baseline=40), number=2)
VERSION_2 = a_target(value=70, baseline=40, version=2, valid_from=day("2023-07-01"))
IN_VERSIONS = a_catalog(a_target(value=80, baseline=40, valid_to=day("2023-07-01")), VERSION_2, number=3)


def figure(as_of: str, numerator: int, reported: str, **more: Any) -> Any:
    return an_observation("p.a.1", as_of, numerator, 100, reported_at=local(reported), **more)


IN_JUNE, IN_DECEMBER = figure("2023-06-15", 58, "2023-06-17"), figure("2023-12-08", 60, "2023-12-09")


async def lived(catalog: Any = BEFORE) -> Engine:
    """A year in which two figures came in time."""
    engine = Engine(catalog, local("2022-12-20"))
    for now, *figures in (("2022-12-20",), ("2023-06-17", IN_JUNE), ("2023-12-09", IN_DECEMBER), ("2024-01-02",)):
        engine.clock.moment = local(now)
        await engine.take(*figures)
        await engine.tick()
    return engine


async def switch(engine: Engine, catalog: Any, now: str = "2024-01-05") -> None:
    engine.catalogs.switch(catalog)
    await engine.tick(local(now))


async def said(engine: Engine, on: str) -> SaidThen:
    asker = Asker(engine.kept, lambda: engine.catalogs.catalogs, engine.clock.now)
    found = (await asker.history("k", "p.a.1", "2023", date.fromisoformat(on))).said
    assert found is not None
    return found


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("catalog", [EASIER, IN_VERSIONS])
async def test_a_later_catalog_does_not_rewrite_what_was_said_on_a_former_day(catalog: Any, restarted: bool) -> None:
    engine = await lived()
    engine = engine.restarted() if restarted else engine
    before = [await said(engine, on) for on in ("2023-06-20", "2023-10-31", "2023-12-31")]
    assert [(one.judged.status, one.certain) for one in before] == [
        ("at_risk", True),
        ("unknown", True),
        ("missed", True),
    ]
    await switch(engine, catalog)
    after = [await said(engine, on) for on in ("2023-06-20", "2023-10-31", "2023-12-31")]
    assert after == before
    assert {one.catalog_version for one in after} == {BEFORE.version}
    assert [one.judged.target.value for one in after if one.judged.target] == [80, 80, 80]
    now = await said(engine, "2024-01-05")
    assert (now.judged.target and now.judged.target.value, now.certain) == ({2: 55, 3: 70}[catalog.number], True)
    assert now.catalog_version == catalog.version


async def test_of_days_before_anything_was_kept_it_is_said_that_nobody_knows() -> None:
    engine = Engine(EASIER, local("2024-01-05"))
    await engine.take(IN_JUNE, IN_DECEMBER)
    unknown = await said(engine, "2023-12-31")
    assert (unknown.certain, unknown.catalog_version, unknown.doubts[0].code) == (False, None, "definitions_unknown")
    await engine.tick()
    older = await said(engine, "2023-12-31")
    assert (older.certain, older.catalog_version) == (False, None)
    assert older.doubts[0].text_vi == (
        "Không chắc chắn: mục tiêu và định nghĩa chỉ tiêu chỉ được lưu từ ngày 05/01/2024; "
        "kết quả này tính theo bản cũ nhất còn lưu."
    )
    await engine.tick(local("2024-01-06"))
    assert (await said(engine, "2024-01-05")).doubts == ()


async def test_a_catalog_is_in_force_at_the_end_of_the_day_on_which_it_came() -> None:
    engine = await lived()
    await switch(engine, EASIER, "2024-01-05")
    await engine.tick(local("2024-01-09"))
    found = [(await said(engine, on)).judged.target for on in ("2024-01-04", "2024-01-05", "2024-01-06")]
    assert [target.value for target in found if target is not None] == [80, 55, 55]


async def test_the_units_of_a_former_day_are_those_of_the_catalog_then() -> None:
    """A unit that was written into another district as if it had always been there was not there then."""
    engine = Engine(a_catalog(a_target("p.a", 80, 40)), local("2023-06-17"))
    await engine.take(IN_JUNE)
    await engine.tick()
    moved = (*UNITS[:3], unit("p.a.1", "commune", "p.b"), *UNITS[4:])
    engine.catalogs.switch(a_catalog(a_target("p.a", 80, 40), units=moved, number=2))
    await engine.tick(local("2023-07-01"))
    asker = Asker(engine.kept, lambda: engine.catalogs.catalogs, engine.clock.now)
    values = []
    for on in ("2023-06-20", "2023-07-01"):
        found = (await asker.history("k", "p.a", "2023", day(on))).said
        assert found is not None
        values.append(found.judged.value)
    assert values == [58, None]


async def test_a_catalog_that_only_words_otherwise_keeps_no_edition() -> None:
    engine = await lived()
    await switch(engine, a_catalog(a_kpi(note="Ghi chú"), a_target(value=80, baseline=40, note="Ghi chú"), number=2))
    assert [one["catalog"] for one in (await engine.kept.editions(["p/k"]))["p/k"]] == [BEFORE.version]
    await switch(engine, EASIER, "2024-01-06")
    await switch(engine, a_catalog(a_target(value=80, baseline=40), number=4), "2024-01-07")
    versions = [one["catalog"] for one in (await engine.kept.editions(["p/k"]))["p/k"]]
    assert versions == [BEFORE.version, EASIER.version, "4-000000000000"]
    assert len(engine.store.kept_parts) == 3  # the units once, and the KPI with each of two targets


async def test_a_process_that_lost_the_kpi_keeps_no_edition_behind_its_heirs() -> None:
    engine = await lived()
    heir = engine.restarted()
    await switch(heir, EASIER)
    engine.catalogs.switch(IN_VERSIONS)
    with pytest.raises(Fenced):
        await engine.tick(local("2024-01-05"))


async def test_a_former_day_says_why_it_has_no_forecast() -> None:
    engine = await lived()
    assert [one.code for one in (await said(engine, "2023-06-20")).judged.reasons][-1] == "forecast_of_former_day"
    assert not [one for one in (await said(engine, "2023-12-31")).judged.reasons if one.code.startswith("forecast_")]


def closed(engine: Engine, org_unit: str = "p.a.1") -> tuple[Any, ...] | None:
    """What stands beside a record: status, value, target, its catalog, the closing, and why it stands there."""
    found = engine.record(org_unit).closed
    if found is None:
        return None
    goal = None if found.target is None else found.target.value
    return found.status, found.value, goal, found.catalog_version, str(found.closed_on), found.why


MISSED = ("missed", 60, 80, BEFORE.version, "2023-12-29", "catalog")


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("catalog", [EASIER, IN_VERSIONS])
async def test_a_catalog_after_the_closing_leaves_the_closed_judgement_beside_it(catalog: Any, restarted: bool) -> None:
    engine = await lived()
    engine = engine.restarted() if restarted else engine
    assert (engine.record().status, closed(engine)) == ("missed", None)
    version = engine.record().version
    await switch(engine, catalog)
    now = {2: "achieved", 3: "missed"}[catalog.number]
    assert (engine.record().status, closed(engine)) == (now, MISSED)
    assert engine.record().closed.version == version  # type: ignore[union-attr]
    assert engine.codes()[-2:] == ["closed_judged_again", "catalog_changed"]
    assert "later_correction" not in engine.codes()


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_figure_before_the_first_look_leaves_the_closed_judgement_beside_it_as_well(restarted: bool) -> None:
    """A batch may come before anybody judged by the catalog that is in force now."""
    engine = await lived()
    engine = engine.restarted() if restarted else engine
    engine.catalogs.switch(IN_VERSIONS)
    engine.clock.moment = local("2024-01-05")
    await engine.take(figure("2023-12-13", 61, "2024-01-05"))
    assert closed(engine) == (*MISSED[:-1], "both")
    await engine.tick()
    assert closed(engine) == (*MISSED[:-1], "both")


async def test_who_takes_a_kpi_over_asks_by_what_it_was_judged_last() -> None:
    """Not by what it was judged when the process had it before."""
    former_owner = Engine(BEFORE, local("2023-12-20"))
    await former_owner.take(IN_DECEMBER)
    await former_owner.tick()
    owner = former_owner.restarted()
    await switch(owner, EASIER, "2023-12-28")
    await owner.tick(local("2024-01-02"))
    await former_owner.handler.forget()
    former_owner.catalogs.switch(IN_VERSIONS)
    former_owner.clock.moment = local("2024-01-05")
    await former_owner.take(figure("2023-12-13", 61, "2024-01-05"))
    assert closed(former_owner) == ("achieved", 60, 55, EASIER.version, "2023-12-29", "both")


async def test_what_is_applied_before_the_closing_changes_nothing_that_was_closed() -> None:
    engine = Engine(BEFORE, local("2023-12-20"))
    await engine.take(IN_DECEMBER)
    await engine.tick()
    await switch(engine, EASIER, "2023-12-28")
    assert (engine.record().status, closed(engine)) == ("achieved", None)


async def test_the_closed_judgement_stays_that_of_the_closing_whatever_follows() -> None:
    engine = await lived()
    await switch(engine, EASIER)
    await switch(engine, a_catalog(a_target(value=58, baseline=40), number=3), "2024-01-06")
    assert closed(engine) == MISSED
    engine.clock.moment = local("2024-01-07")
    await engine.take(figure("2023-12-08", 57, "2024-01-07", revision=2))
    assert (engine.record().status, closed(engine)) == ("missed", (*MISSED[:5], "both"))
    assert {"later_correction", "closed_judged_again"} <= set(engine.codes())
    await engine.take(figure("2023-12-08", 60, "2024-01-08", revision=3))
    await switch(engine, a_catalog(a_target(value=80, baseline=40), number=4), "2024-01-08")
    assert (engine.record().status, closed(engine)) == ("missed", None)  # again what it was


async def test_a_catalog_that_takes_the_target_away_or_opens_the_period_again_leaves_the_closed_judgement() -> None:
    engine = await lived()
    await switch(engine, a_catalog(number=2))
    assert (engine.record().status, closed(engine)) == ("no_target", MISSED)
    engine = await lived()
    await switch(engine, a_catalog(a_target(value=80, baseline=40, grace_days=90), number=2))
    assert (engine.record().status, closed(engine)) == ("behind", MISSED)


async def test_a_later_figure_that_comes_before_the_new_catalog_is_judged_does_not_hide_the_old_one() -> None:
    engine = await lived()
    engine.catalogs.switch(EASIER)
    engine.clock.moment = local("2024-01-05")
    await engine.take(figure("2023-12-08", 57, "2024-01-05", revision=2))
    await engine.tick()
    assert (engine.record().status, closed(engine)) == ("achieved", (*MISSED[:5], "both"))


@pytest.mark.parametrize("half", ["judgements", "publish"])
async def test_a_crash_does_not_lose_what_was_closed(half: str) -> None:
    engine = await lived()
    with engine.failing(half):
        await switch(engine, EASIER)
    again = engine.restarted()
    await again.tick()
    assert (again.record().status, closed(again)) == ("achieved", MISSED)


def test_judging_by_what_was_kept_of_a_catalog_equals_judging_by_the_catalog() -> None:
    chance = random.Random(7)
    for catalog in (CATALOG, REFORMED):
        extracts = Extracts(catalog)
        for kpi in catalog.kpis.values():
            state = KpiState(f"{catalog.province.id}/{kpi.id}", 1)
            for one in catalog.units:
                for month in (2, 6, 11):
                    numbers = {"n": chance.randrange(9), "d": 9, "v": chance.randrange(99)}
                    scaled = {name: number * SCALE for name, number in numbers.items()}
                    seen = Figure(1, 1, 0, chance.randbytes(16), "urn:one", **scaled)  # type: ignore[arg-type]
                    state.series(one.id).put(date(2023, month, 10).toordinal(), Day((seen,)))
            again = Definition(restored([part.content for part in extracts.of(kpi.id)], catalog.version), kpi.id)
            whole = Definition(catalog, kpi.id)
            for unit_id, window in {*whole.bound_units(), *((one.id, whole.window("2023")) for one in catalog.units)}:
                today = date(2023, 12, 20).toordinal()
                assert again.window(window.id) == window
                judged = [Judging(state, by, today).judge(unit_id, window, None)[1:] for by in (whole, again)]
                assert judged[0] == judged[1]


NAMED = st.sampled_from([40, 60, 80, 92])


@given(events((RATIO, FLOW)), NAMED, NAMED, st.booleans())
def test_what_was_closed_is_the_recomputation_by_the_catalog_of_that_day(
    found: list[Any], was: int, now: int, restarted: bool
) -> None:
    targets = [one for one in CATALOG.targets if one.kpi not in ("ratio", "flow")]
    first = [a_target(one, was, 20, kpi=kpi, id=f"{kpi}.{one}") for kpi in ("ratio", "flow") for one in ("p", "p.a.1")]
    later = [one.model_copy(update={"value": Decimal(now)}) for one in first]
    others = [*CATALOG.kpis.values(), *targets]
    catalogs = [a_catalog(*others, *first), a_catalog(*others, *later, number=2)]
    in_time = [one for one in found if one.reported_at < local("2023-12-28")]
    engine = asyncio.run(_switched(catalogs, in_time, restarted))
    moment = engine.clock.moment
    before, after = (recompute(catalog, in_time, moment) for catalog in catalogs)
    assert differences(engine, in_time) == []
    for one in first:
        key = one.kpi, one.unit or "", one.period
        told = [(r.status, r.value, r.as_of, r.pace) for r in (before[key], after[key])]
        kept = engine.latest()[key].closed
        assert (kept is None) == (told[0] == told[1])
        if kept is not None:
            status, value, as_of, pace = told[0]
            assert (kept.status, kept.as_of) == (status, as_of)
            assert (kept.value, kept.pace) == (value and float(value), pace and float(pace))
            assert kept.target is not None
            assert kept.target.value == was


async def _switched(catalogs: Any, found: list[Any], restarted: bool) -> Engine:
    engine = Engine(catalogs[0], local("2023-12-29"))
    await engine.tick()
    await engine.take(*found)
    await engine.tick()
    engine = engine.restarted() if restarted else engine
    engine.catalogs.switch(catalogs[1])
    await engine.tick(local("2024-01-05"))
    return engine
