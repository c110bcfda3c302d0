"""Computing anew over the fakes; what also holds on MongoDB is in the suite."""

import pytest

from services.metrics.rebuilding.store import Orders
from services.metrics.store import Store
from tests.unit.metrics.fakes import FakeStore
from tests.unit.metrics.rebuild_suite import RebuildSuite
from tests.unit.metrics.rebuilds import FakeOrders


class TestOverFakes(RebuildSuite):
    @pytest.fixture
    def store(self) -> Store:
        return FakeStore()

    @pytest.fixture
    def orders(self) -> Orders:
        return FakeOrders()

    async def drop(self, store: Store, collection: str, id: str) -> None:
        assert isinstance(store, FakeStore)
        del getattr(store, collection)[id]

    async def alter(self, store: Store, id: str, sets: dict[str, object]) -> None:
        assert isinstance(store, FakeStore)
        for path, value in sets.items():
            at, (*above, last) = store.figures[id], path.split(".")
            for step in above:
                at = at[step]
            at[last] = value

    async def generations(self, store: Store) -> set[str]:
        assert isinstance(store, FakeStore)
        return {one["kpi"] for one in (*store.figures.values(), *store.judgements.values())}
