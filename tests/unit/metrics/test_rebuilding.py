"""Computing anew over the fakes; what also holds on MongoDB is in the suite."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.observations import ObservationRecorded
from services.metrics.rebuilding.store import Orders
from services.metrics.store import Store
from services.runtime.errors import Fenced
from tests.unit.metrics.builders import an_increment, an_observation
from tests.unit.metrics.engine import differences
from tests.unit.metrics.fakes import FakeStore
from tests.unit.metrics.rebuild_suite import CATALOG, RebuildSuite, judged, without_a_rebuild
from tests.unit.metrics.rebuilds import FakeOrders, Rebuilding, figures_of, records_of, spread


class TestOverFakes(RebuildSuite):
    @pytest.fixture
    def store(self) -> Store:
        return FakeStore()

    @pytest.fixture
    def orders(self) -> Orders:
        return FakeOrders()

    async def drop(self, store: Store, collection: str, id: str) -> None:
        assert isinstance(store, FakeStore)
        del {"figures": store.stored_figures, "judgements": store.judgements}[collection][id]

    async def alter(self, store: Store, id: str, sets: dict[str, object]) -> None:
        assert isinstance(store, FakeStore)
        for path, value in sets.items():
            at, (*above, last) = store.stored_figures[id], path.split(".")
            for step in above:
                at = at[step]
            at[last] = value

    async def generations(self, store: Store) -> set[str]:
        assert isinstance(store, FakeStore)
        return {one["kpi"] for one in (*store.stored_figures.values(), *store.judgements.values())}


SAID = st.tuples(
    st.sampled_from(["p.a.1", "p.a.2", "p.b.1", "p.b"]),
    st.integers(0, 60),
    st.sampled_from(["increment", "increment", "figure", "retraction", "forecast"]),
    st.integers(0, 90),
    st.integers(1, 3),
)


def observed(said: Sequence[tuple[str, int, str, int, int]]) -> list[ObservationRecorded]:
    """As ingest records it, over three partitions."""
    found = []
    for unit, days, kind, number, revision in said:
        day = (date(2023, 8, 1) + timedelta(days=days)).isoformat()
        if kind == "increment":
            found.append(an_increment(unit, day, number, 90))
        elif kind == "retraction":
            found.append(an_observation(unit, day, retracts=True, revision=revision))
        else:
            status = "forecast" if kind == "forecast" else "actual"
            found.append(an_observation(unit, day, number, 90, revision=revision, status=status))
    return spread(found)


@settings(max_examples=100)
@given(
    said=st.lists(SAID, min_size=3, max_size=40),
    first=st.floats(0, 1),
    pace=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20),
    deaths=st.sets(st.integers(1, 12), max_size=3),
    restarts=st.booleans(),
)
def test_whatever_comes_and_dies_meanwhile_nothing_changes(
    said: Sequence[tuple[str, int, str, int, int]],
    first: float,
    pace: list[tuple[int, int]],
    deaths: set[int],
    restarts: bool,
) -> None:
    """Events are accepted and delivered at any pace while the ledger is read, which at times fails and begins again."""

    async def work() -> None:
        events, pages = observed(said), 0
        now, left = events[: int(first * len(events))], events[int(first * len(events)) :]
        steps = iter(pace)
        async with Rebuilding(CATALOG, FakeStore(), FakeOrders()) as province:

            async def page() -> None:
                nonlocal pages
                pages += 1
                if pages in deaths:
                    raise Fenced("as good as dead")
                accepted, delivered = next(steps, (0, 0))
                if not province.stream.turn.locked():
                    await province.accept(*left[:accepted])
                    del left[:accepted]
                    await province.deliver(delivered)

            await province.take(*now)
            await province.ask()
            province.archive.on_page = page
            province.stream.on_asked = lambda: province.deliver(1)
            while not (done := await province.said()).stage.over:
                await province.rebuilder.look()
                if restarts:
                    province.restart()
            assert done.report is not None
            assert (done.report.figures_changed, done.report.records_changed) == (0, 0)
            await province.deliver()
            await province.take(*left)
            await province.engine.tick()
            assert differences(province.engine, events) == []
            alone = await without_a_rebuild(province)
            kept, other = province.engine.kept, alone.engine.kept
            assert await figures_of(kept) == await figures_of(other)
            assert judged(await records_of(kept)) == judged(await records_of(other))

    asyncio.run(work())
