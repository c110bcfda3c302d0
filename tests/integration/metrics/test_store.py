"""The store on MongoDB: the same suite as the fake, and whole batches over it."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence

import pytest
from pymongo import AsyncMongoClient

from services.metrics.documents import Document
from services.metrics.store import Begun, MongoStore, Store
from services.runtime.errors import Fenced
from services.runtime.mongo import Client
from tests.unit.metrics.builders import a_catalog, a_target, an_increment, an_observation, local
from tests.unit.metrics.engine import Engine, differences
from tests.unit.metrics.store_suite import StoreSuite, change

NOW = local("2023-10-10")


@pytest.fixture
async def client(mongo_uri: str) -> AsyncIterator[Client]:
    connected: Client = AsyncMongoClient(mongo_uri, tz_aware=True)
    async with connected:
        yield connected


@pytest.fixture
async def database(client: Client, unique: Callable[[str], str]) -> AsyncIterator[str]:
    name = unique("metrics").replace("-", "_")
    yield name
    await client.drop_database(name)


@pytest.fixture
async def store(client: Client, database: str) -> Store:
    made = MongoStore(client, database)
    await made.prepare()
    return made


class TestMongoStore(StoreSuite):
    pass


class Overtaken(MongoStore):
    """Another generation of `p/k` comes into force, and the one before is removed, as soon as somebody has asked which
    one is."""

    begun: Begun | None = None

    async def _noted(self, keys: Collection[str]) -> Sequence[Document]:
        noted = await super()._noted(keys)
        if self.begun is not None:
            begun, self.begun = self.begun, None
            await self.switch("p/k", begun)
            await self.remove("p/k")
        return noted


@pytest.mark.parametrize("whole", [True, False], ids=["state", "figures"])
async def test_who_reads_while_another_generation_comes_into_force_reads_that_one(
    store: Store, client: Client, database: str, *, whole: bool
) -> None:
    await store.create({"p/k": 1})
    await store.take(["p/k"], "one")
    begun = await store.begin("p/k", "one")
    await store.write([change("p/k/2023-09/0", 0), change("p/k#1/2023-09/0", 0)], [])
    reader = Overtaken(client, database)
    reader.begun = begun
    found = (await reader.load(["p/k"]))["p/k"].figures if whole else (await reader.figures(["p/k"]))["p/k"]
    assert [one["_id"] for one in found] == ["p/k#1/2023-09/0"]


async def test_state_survives_a_restart_whole(store: Store) -> None:
    stream = [
        an_increment(as_of="2023-09-01", numerator="9.5", denominator=10),
        an_increment(as_of="2023-09-08", numerator=8, denominator=10),
        an_observation("p.a.2", numerator=1, denominator=3, source="urn:one", flags=["late"]),
        an_observation("p.a.2", numerator=2, denominator=3, source="urn:two", status="preliminary"),
        an_observation("p.a.2", "2023-08-31", numerator=2, denominator=3, status="forecast"),
        an_observation("p.b", "2023-08-31", numerator=2, denominator=3, revision=3),
        an_observation("p.b", "2023-09-30", retracts=True),
    ]
    engine = Engine(a_catalog(a_target()), NOW, store)
    for one in stream:
        await engine.take(one)
        engine = engine.restarted()
    await engine.tick()
    assert differences(engine, stream) == []
    said = len(engine.topic.records)
    await engine.restarted().tick()
    assert len(engine.topic.records) == said


async def test_a_zombie_is_fenced_on_mongodb(store: Store) -> None:
    zombie = Engine(a_catalog(a_target()), NOW, store)
    await zombie.take(an_increment(as_of="2023-09-01", numerator=1, denominator=1))
    heir = zombie.restarted()
    mine = an_increment(as_of="2023-09-02", numerator=1, denominator=1)
    await heir.take(mine)
    with pytest.raises(Fenced):
        await zombie.take(mine)
    await zombie.handler.forget()
    await zombie.take(mine)
    assert zombie.record().numerator == 2
