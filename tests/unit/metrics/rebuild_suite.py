"""What holds when a KPI is computed anew, over the fake store and over MongoDB alike."""

import asyncio
from abc import ABC, abstractmethod
from typing import Any

import pytest

from contracts.catalog import GrowthSpec
from contracts.observations import ObservationRecorded
from contracts.rebuilds import Stage
from services.metrics.rebuilding.store import Orders
from services.metrics.store import Store
from services.runtime.errors import Fenced
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_increment, an_observation
from tests.unit.metrics.engine import differences
from tests.unit.metrics.rebuilds import Rebuilding, entry_of, figures_of, records_of, spread

CATALOG = a_catalog(a_target(), a_target("p", 92, 80))


def events() -> list[ObservationRecorded]:
    """Every way in which a figure can come about, in no good order."""
    return spread(
        [
            an_increment("p.a.1", "2023-08-01", 9, 10),
            an_observation("p.a.2", "2023-08-31", 80, 100),
            an_increment("p.a.1", "2023-08-02", 8, 10),
            an_observation("p.a.2", "2023-08-31", 81, 100, revision=2),
            an_observation("p.a.2", "2023-08-31", 79, 100, source="urn:other"),
            an_observation("p.b.1", "2023-09-15", 50, 90),
            an_increment("p.a.1", "2023-08-01", -1, 0),
            an_observation("p.b.1", "2023-09-15", retracts=True),
            an_observation("p.b.2", "2023-09-01", 70, 90, status="preliminary"),
            an_observation("p.b.2", "2023-12-31", 95, 100, status="forecast"),
            an_observation("p.b", "2023-09-01", "33.5", 90, flags=["late"]),
            an_increment("p.b.1", "2023-09-20", "0.5", 2),
        ]
    )


class RebuildSuite(ABC):
    """Subclass it with fixtures `store` and `orders`."""

    async def test_all_is_as_it_was_byte_for_byte_and_nothing_is_said(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.accept(*events())
            await province.deliver(7)
            await province.deliver()
            await province.engine.tick()
            figures, records = await figures_of(store), await records_of(store)
            said = len(province.engine.topic.records)
            done = await province.rebuild()
            assert done.stage is Stage.DONE
            assert (done.read, done.entries) == (12, 12)
            report = done.report
            assert report is not None
            assert (report.generation, report.figures_changed, report.records_changed) == (1, 0, 0)
            assert (report.figures_same, report.records_same) == (8, len(records))
            assert await figures_of(store) == figures
            assert await records_of(store) == records
            assert len(province.engine.topic.records) == said
            assert differences(province.engine, province.stream.published) == []

    async def test_the_process_goes_on_with_the_new_generation_and_so_does_the_next(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            first = events()
            await province.take(*first)
            await province.rebuild()
            more = spread([an_increment("p.a.1", "2023-09-22", 1, 1) for _ in range(4)], start=len(first))
            await province.take(*more[:2])
            province.restart()
            await province.take(*more[2:])
            await province.engine.tick()
            assert differences(province.engine, province.stream.published) == []
            again = await province.rebuild()
            assert again.report is not None
            assert (again.report.generation, again.report.figures_changed) == (2, 0)

    async def test_what_is_delivered_meanwhile_is_neither_lost_nor_counted_twice(
        self, store: Store, orders: Orders
    ) -> None:
        first = events()
        later = spread([an_increment("p.a.1", f"2023-09-{day:02}", 1, 1) for day in range(1, 31)], start=len(first))
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*first)

            async def two_more() -> None:
                """Accepted, but only one of them delivered: the other is on its way when all is put in force."""
                if not province.stream.turn.locked() and later:
                    await province.accept(later.pop(0), *([later.pop(0)] if later else []))
                    await province.deliver(1)

            province.archive.on_page = two_more
            province.stream.on_asked = lambda: province.deliver(1)
            done = await province.rebuild()
            assert done.report is not None
            assert (done.report.figures_changed, done.report.records_changed) == (0, 0)
            assert done.read > len(first)
            assert province.stream.delivered < len(province.stream.published)
            await province.deliver()
            await province.take(*later)
            await province.engine.tick()
            assert differences(province.engine, province.stream.published) == []
            alone = await without_a_rebuild(province)
            assert await figures_of(store) == await figures_of(alone.engine.kept)
            assert judged(await records_of(store)) == judged(await records_of(alone.engine.kept))

    async def test_readers_see_the_old_one_until_the_new_one_is_whole(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events())
            figures, records = await figures_of(store), await records_of(store)
            seen = []

            async def look() -> None:
                seen.append((await figures_of(store), await records_of(store)))

            province.archive.on_page = look
            await province.rebuild()
            assert seen
            assert all(one == (figures, records) for one in seen)

    # damage

    async def test_a_lost_document_of_figures_comes_back_and_what_changed_is_told(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events())
            await province.engine.tick()
            figures = await figures_of(store)
            await self.drop(store, "figures", "p/k/2023-08/0")
            province.restart()
            done = await province.rebuild()
            assert done.report is not None
            assert [(one.org_unit, one.as_of, one.change) for one in done.report.figures] == [
                ("p.a.1", "2023-08-01", "added"),
                ("p.a.1", "2023-08-02", "added"),
                ("p.a.2", "2023-08-31", "added"),
            ]
            assert await figures_of(store) == figures
            assert differences(province.engine, province.stream.published) == []

    async def test_a_figure_that_was_altered_behind_the_back_of_the_process_is_told(
        self, store: Store, orders: Orders
    ) -> None:
        """The process still has the right one in memory; whoever reads the store sees the wrong one."""
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events())
            await province.engine.tick()
            figures = await figures_of(store)
            (figure,) = figures["2023-09/0"]["units"]["p%2Eb%2E2"]["01"]["a"]
            await self.alter(store, "p/k/2023-09/0", {"units.p%2Eb%2E2.01.a": [{**figure, "n": 9}]})
            done = await province.rebuild()
            assert done.report is not None
            assert [(one.org_unit, one.as_of, one.change) for one in done.report.figures] == [
                ("p.b.2", "2023-09-01", "altered")
            ]
            assert done.report.records_changed == 0
            assert await figures_of(store) == figures
            assert differences(province.engine, province.stream.published) == []

    async def test_an_altered_figure_is_put_right_and_what_it_made_say_otherwise_says_so_again(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            first = events()
            await province.take(*first)
            await province.engine.tick()
            (figure,) = (await figures_of(store))["2023-09/0"]["units"]["p%2Eb%2E2"]["01"]["a"]
            await self.alter(store, "p/k/2023-09/0", {"units.p%2Eb%2E2.01.a": [{**figure, "n": 9}]})
            province.restart()
            await province.take(*spread([an_increment("p.b.2", "2023-09-20", 1, 0)], start=len(first)))
            assert province.engine.record("p.b.2").numerator == 10
            versions = _versions(province)
            done = await province.rebuild()
            assert done.report is not None
            assert [(one.org_unit, one.as_of, one.change) for one in done.report.figures] == [
                ("p.b.2", "2023-09-01", "altered")
            ]
            told = {one.org_unit: (one.before and one.before.value, one.after.value) for one in done.report.records}
            assert told["p.b.2"] == (100 * 10 / 90, 100 * 71 / 90)
            assert all(version >= versions[key] for key, version in _versions(province).items())
            assert {key[1] for key, version in _versions(province).items() if version > versions[key]} == told.keys()
            assert differences(province.engine, province.stream.published) == []

    async def test_a_repaired_figure_of_the_past_moves_the_forecast_of_a_judgement_that_stays(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            values = (10, 52, 53, 54, 55, 56, 57, 58, 59)  # the best pace is that of the first month, whatever follows
            months = [an_observation("p.a.1", f"2023-{at:02}-15", value, 100) for at, value in enumerate(values, 1)]
            await province.take(*spread(months))
            await province.engine.tick()
            await province.engine.forecast()
            landing = province.engine.record("p.a.1").landing
            assert landing is not None
            (figure,) = (await figures_of(store))["2023-04/0"]["units"]["p%2Ea%2E1"]["15"]["a"]
            await self.alter(store, "p/k/2023-04/0", {"units.p%2Ea%2E1.15.a": [{**figure, "n": 45}]})
            province.restart()
            await province.take(*spread([an_observation("p.a.1", "2023-03-15", 53, 100, revision=2)], start=20))
            await province.engine.forecast()
            assert province.engine.record("p.a.1").landing != landing
            done = await province.rebuild()
            assert done.report is not None
            assert (done.report.figures_changed, done.report.records_changed) == (1, 0)
            await province.engine.forecast()
            again = province.engine.record("p.a.1").landing
            fresh = await without_a_rebuild(province)
            await fresh.engine.forecast()
            assert again == fresh.engine.record("p.a.1").landing
            assert differences(province.engine, province.stream.published) == []

    async def test_versions_do_not_fall_where_the_records_were_lost(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            for one in events():
                await province.take(one)
            await province.engine.tick()
            versions = _versions(province)
            assert max(versions.values()) > 3
            await self.drop(store, "judgements", "p/k/2023/0")
            province.restart()
            # An event makes the record anew, and readers do not believe its low version.
            await province.take(*spread([an_increment("p.a.1", "2023-09-22", 1, 1)], start=99))
            assert differences(province.engine, province.stream.published) != []
            done = await province.rebuild()
            assert done.report is not None
            assert done.report.records_changed == len(versions)
            assert all(version > versions[key] for key, version in _versions(province).items())
            assert differences(province.engine, province.stream.published) == []

    async def test_a_province_that_was_lost_whole_comes_back(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.accept(*events())
            province.stream.delivered = len(province.stream.published)  # to somebody whose database is no more
            done = await province.rebuild()
            assert done.report is not None
            assert done.report.records_same == 0
            assert {one.org_unit for one in done.report.records if one.before is None} >= {"p.a.2", "p.b", "p.b.1"}
            assert differences(province.engine, province.stream.published) == []

    async def test_what_a_lost_log_held_counts_and_is_reported(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            lost = spread([an_increment("p.a.1", "2023-08-01", 5, 5)], log="the log before")
            await province.accept(*lost)
            province.stream.published.clear()  # the broker forgot it before metrics had seen it
            province.committed.clear()
            first = events()
            await province.take(*first)
            await province.engine.tick()
            done = await province.rebuild()
            assert done.report is not None
            assert [(one.org_unit, one.as_of) for one in done.report.figures] == [("p.a.1", "2023-08-01")]
            named = {one.org_unit: one for one in done.report.records}
            before = named["p.a.1"].before
            assert before is not None
            assert named["p.a.1"].after.version == before.version + 1
            assert (before.value, named["p.a.1"].after.value) == (80, 84)
            assert differences(province.engine, [*lost, *first]) == []

    # crashes

    async def test_whoever_dies_before_the_switch_leaves_nothing_and_the_next_begins_again(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events())
            figures, records = await figures_of(store), await records_of(store)
            await province.ask()

            pages = 0

            async def died() -> None:
                nonlocal pages
                pages += 1
                if pages == 2:
                    raise Fenced("as good as dead")

            province.archive.on_page = died
            await province.rebuilder.look()
            assert (await province.said()).stage is Stage.READING
            assert (await figures_of(store), await records_of(store)) == (figures, records)
            province.archive.on_page = None
            province.restart()
            await province.rebuilder.look()
            done = await province.said()
            assert done.report is not None
            assert (done.stage, done.report.generation, done.read) == (Stage.DONE, 2, 12)
            assert (await figures_of(store), await records_of(store)) == (figures, records)
            assert await self.generations(store) == {"p/k#2"}

    async def test_whoever_dies_after_the_switch_has_said_what_changed_all_the_same(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.accept(*spread([an_increment("p.a.1", "2023-08-01", 5, 5)], log="before"))
            province.stream.published.clear()
            province.committed.clear()
            await province.take(*events())
            await province.engine.tick()
            said = len(province.engine.topic.records)
            province.engine.topic.fail = True
            stopped = await province.rebuild()
            assert stopped.stage is Stage.SWITCHING
            assert stopped.report is not None
            assert stopped.report.records_changed
            assert len(province.engine.topic.records) == said
            await province.rebuilder.look()
            done = await province.said()
            assert (done.stage, done.report) == (Stage.DONE, stopped.report)
            news = province.engine.topic.progress()[said:]
            assert {(one.org_unit, one.period) for one in news} == {("p.a.1", "2023"), ("p.a", "2023"), ("p", "2023")}
            assert await self.generations(store) == {"p/k#1"}
            said = len(province.engine.topic.records)
            province.restart()
            await province.engine.tick()
            assert len(province.engine.topic.records) == said

    async def test_a_successor_that_took_over_is_not_robbed_of_what_it_folded(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            first = events()
            await province.take(*first)
            heir = province.engine.restarted()
            more = spread([an_increment("p.a.1", "2023-09-22", 1, 1)], start=len(first))

            async def taken_over() -> None:
                province.archive.on_page = None
                await province.ledger.claim([entry_of(one) for one in more])
                await heir.take(*more)

            province.archive.on_page = taken_over
            interrupted = await province.rebuild()
            assert not interrupted.stage.over
            assert await store.in_force("p/k") == 0
            assert heir.record("p.a.1").numerator == 17

    async def test_a_zombie_of_the_old_generation_is_fenced(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            first = events()
            await province.take(*first)
            zombie = province.engine
            province.restart()
            await province.rebuild()
            said = len(zombie.topic.records)
            more = spread([an_increment("p.a.1", "2023-08-02", 1, 1)], start=len(first))
            with pytest.raises(Fenced):
                await zombie.take(*more)
            assert len(zombie.topic.records) == said
            await province.take(*more)
            await province.engine.tick()
            assert differences(province.engine, province.stream.published) == []

    # waiting

    async def test_it_waits_for_ingest_to_vouch_and_for_the_stream_to_catch_up(
        self, store: Store, orders: Orders
    ) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.accept(*events(), commit=False)
            await province.ask()
            rebuilding = asyncio.create_task(province.rebuilder.look())
            await _waits_for(province, "ingest has committed 0 offsets of partition 0")
            province.commit()
            await _waits_for(province, "12 observations of partition")
            await province.deliver(5)
            await _waits_for(province, "7 observations of partition")
            await province.deliver()
            await rebuilding
            done = await province.said()
            assert (done.stage, done.waits_for) == (Stage.DONE, None)
            await province.engine.tick()
            assert differences(province.engine, province.stream.published) == []

    async def test_while_ingest_is_away_it_waits(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events())
            asked = 0

            async def sometimes() -> None:
                nonlocal asked
                asked += 1
                province.archive.away = asked % 3

            province.archive.on_page = sometimes
            province.archive.away = 2
            done = await province.rebuild()
            assert (done.stage, done.waits_for, done.read) == (Stage.DONE, None, 12)

    # refusals

    async def test_a_ledger_that_has_forgotten_what_is_folded_is_no_source(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            first = events()
            await province.take(*first)
            figures = await figures_of(store)
            for gone in (first[0], first[3], first[9]):
                del province.ledger.entries[gone.observation_id]
            province.ledger.removed = province.engine.clock.moment
            refused = await province.rebuild()
            assert refused.stage is Stage.REFUSED
            assert refused.why is not None
            assert "before 2023-10-10" in refused.why
            assert (
                "of 3 units and days would be lost (p.a.1 2023-08-01, p.a.2 2023-08-31, p.b.2 2023-12-31)"
                in refused.why
            )
            assert await figures_of(store) == figures
            assert await self.generations(store) == {"p/k"}

    async def test_a_ledger_that_has_forgotten_only_what_is_beaten_will_do(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            first = events()
            await province.take(*first)
            del province.ledger.entries[first[1].observation_id]  # revision 1 of what has a revision 2
            province.ledger.removed = province.engine.clock.moment
            assert (await province.rebuild()).stage is Stage.DONE

    async def test_a_kpi_that_left_the_catalog_is_refused_in_a_sentence(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events())
            refused = await province.rebuild("unheard-of")
            assert (refused.stage, refused.why) == (Stage.REFUSED, "the catalog does not know this KPI any more")

    async def test_a_kpi_that_has_come_to_be_derived_keeps_what_was_derived(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events(), an_observation("p.a.1", value=3, kpi="source"))
            grown = a_kpi("k", "growth", growth=GrowthSpec(of="source"))
            province.engine.catalogs.switch(a_catalog(a_kpi("source", "stock"), grown, number=2))
            refused = await province.rebuild()
            assert refused.stage is Stage.REFUSED
            assert refused.why == "the catalog makes this KPI from others now: no figures are reported of it"
            assert (await store.load(["p/k"]))["p/k"].generation == 0

    async def test_a_new_catalog_in_between_lets_it_begin_again(self, store: Store, orders: Orders) -> None:
        async with Rebuilding(CATALOG, store, orders) as province:
            await province.take(*events())

            async def switched() -> None:
                province.archive.on_page = None
                province.engine.catalogs.switch(
                    a_catalog(a_target(value=80, baseline=70), a_target("p", 92, 80), number=2)
                )

            province.archive.on_page = switched
            assert (await province.rebuild()).stage is not Stage.DONE
            await province.engine.tick()
            await province.rebuilder.look()
            assert (await province.said()).stage is Stage.DONE
            assert province.engine.record("p.a.1").status == "achieved"
            await province.engine.tick()
            assert differences(province.engine, province.stream.published) == []

    # what a database offers to damage it with

    @abstractmethod
    async def drop(self, store: Store, collection: str, id: str) -> None: ...

    @abstractmethod
    async def alter(self, store: Store, id: str, sets: dict[str, object]) -> None: ...

    @abstractmethod
    async def generations(self, store: Store) -> set[str]: ...


async def without_a_rebuild(province: Rebuilding) -> Rebuilding:
    """What came of the same events where nothing was computed anew."""
    alone = Rebuilding(CATALOG)
    async with alone:
        for one in province.stream.published:
            await alone.take(one)
        await alone.engine.tick()
    return alone


async def _waits_for(province: Rebuilding, why: str) -> None:
    async with asyncio.timeout(10):
        while why not in ((await province.said()).waits_for or ""):  # noqa: ASYNC110 - what is waited for is a word
            await asyncio.sleep(0.001)


def judged(records: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """What the records say, whatever their versions."""
    return {name: (cell["h"], cell["s"], cell.get("a"), cell.get("u")) for name, cell in records.items()}


def _versions(province: Rebuilding) -> dict[tuple[str, str, str], int]:
    return {key: record.version for key, record in province.engine.latest().items()}
