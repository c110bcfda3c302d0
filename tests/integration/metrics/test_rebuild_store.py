"""Computing anew on MongoDB: the same suite as over the fakes, and what the commands are noted in."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from contracts.rebuilds import KpiRebuild, RebuildAsked, Stage
from services.metrics.rebuilding.store import MongoOrders, Orders
from services.metrics.store import MongoStore, Store
from services.runtime.mongo import Client
from tests.unit.metrics.rebuild_suite import RebuildSuite
from tests.unit.metrics.rebuilds import ASKED, FakeOrders


@pytest.fixture
async def client(mongo_uri: str) -> AsyncIterator[Client]:
    connected: Client = AsyncMongoClient(mongo_uri, tz_aware=True)
    async with connected:
        yield connected


@pytest.fixture
async def database(client: Client, unique: Callable[[str], str]) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    name = unique("metrics").replace("-", "_")
    yield client[name]
    await client.drop_database(name)


@pytest.fixture
async def store(client: Client, database: AsyncDatabase[dict[str, Any]]) -> Store:
    made = MongoStore(client, database.name)
    await made.prepare()
    return made


@pytest.fixture
async def orders(client: Client, database: AsyncDatabase[dict[str, Any]]) -> Orders:
    made = MongoOrders(client, database.name)
    await made.prepare()
    return made


class TestOverMongo(RebuildSuite):
    @pytest.fixture(autouse=True)
    def _damaging(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._database = database

    async def drop(self, store: Store, collection: str, id: str) -> None:
        assert (await self._database[collection].delete_one({"_id": id})).deleted_count == 1

    async def alter(self, store: Store, id: str, sets: dict[str, object]) -> None:
        assert (await self._database["figures"].update_one({"_id": id}, {"$set": sets})).modified_count == 1

    async def generations(self, store: Store) -> set[str]:
        names = [await self._database[name].distinct("kpi") for name in ("figures", "judgements")]
        return {name for found in names for name in found}


@pytest.fixture(params=["fake", "mongodb"])
def either(request: pytest.FixtureRequest, orders: Orders) -> Orders:
    return FakeOrders() if request.param == "fake" else orders


def asking(command_id: str = "0" * 32, *kpis: str) -> RebuildAsked:
    return RebuildAsked(command_id=command_id, province="p", kpis=kpis or ("b", "a"))


async def test_a_command_is_noted_once_and_followed_by_its_id(either: Orders) -> None:
    assert await either.find("0" * 32) is None
    await either.ask(asking(), ASKED)
    found = await either.find("0" * 32)
    assert found is not None
    assert (found.province, found.asked_at, [one.kpi for one in found.kpis]) == ("p", ASKED, ["a", "b"])
    first = (await either.open())[0]
    await either.note(first, KpiRebuild(kpi=first.kpi, stage=Stage.READING, read=7))
    await either.ask(asking(), ASKED)
    again = await either.find("0" * 32)
    assert again is not None
    assert {one.kpi: one.read for one in again.kpis} == {first.kpi: 7, {"a": "b", "b": "a"}[first.kpi]: 0}


async def test_what_is_over_is_no_longer_open(either: Orders) -> None:
    await either.ask(asking("1" * 32, "a", "b", "c"), ASKED)
    one, other, third = await either.open()
    assert one.key == f"p/{one.kpi}"
    await either.note(one, KpiRebuild(kpi=one.kpi, stage=Stage.DONE))
    await either.note(other, KpiRebuild(kpi=other.kpi, stage=Stage.REFUSED, why="because"))
    await either.note(third, KpiRebuild(kpi=third.kpi, stage=Stage.SWITCHING))
    assert [order.kpi for order in await either.open()] == [third.kpi]
    found = await either.find("1" * 32)
    assert found is not None
    assert not found.over
