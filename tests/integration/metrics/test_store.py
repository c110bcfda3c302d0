"""The store on MongoDB: the same suite as the fake, and whole batches over it."""

from collections.abc import AsyncIterator, Callable

import pytest
from pymongo import AsyncMongoClient

from services.metrics.store import MongoStore, Store
from services.runtime.errors import Fenced
from services.runtime.mongo import Client
from tests.unit.metrics.builders import a_catalog, a_target, an_increment, an_observation, local
from tests.unit.metrics.engine import Engine, differences
from tests.unit.metrics.store_suite import StoreSuite

NOW = local("2023-10-10")


@pytest.fixture
async def client(mongo_uri: str) -> AsyncIterator[Client]:
    connected: Client = AsyncMongoClient(mongo_uri, tz_aware=True)
    async with connected:
        yield connected


@pytest.fixture
async def store(client: Client, unique: Callable[[str], str]) -> AsyncIterator[Store]:
    name = unique("metrics").replace("-", "_")
    made = MongoStore(client, name)
    await made.prepare()
    yield made
    await client.drop_database(name)


class TestMongoStore(StoreSuite):
    pass


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
