"""Keys in MongoDB: what is kept, two seats a publisher, and the last use once a minute."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from pydantic import SecretStr

from services.gateway.key_store import KeyStore
from services.gateway.keyring import Keyring
from services.gateway.keys import Scope, Standing, TooManyKeys
from services.runtime import mongo
from services.runtime.mongo import Client
from services.runtime.settings import MongoSettings
from services.runtime.waiting import Waiting
from tests.servers import MongoServer
from tests.unit.gateway.fake_keys import a_key, a_persons_key

NOW = datetime(2026, 1, 15, 8, tzinfo=UTC)
DAY = timedelta(days=1)


class Kept(NamedTuple):
    """A store, and the database below it."""

    store: KeyStore
    client: Client
    database: str

    async def documents(self) -> list[dict[str, Any]]:
        return await self.client[self.database]["keys"].find().to_list()


@pytest.fixture
async def kept(mongo_server: MongoServer, unique: Callable[[str], str]) -> AsyncIterator[Kept]:
    settings = MongoSettings(uri=SecretStr(mongo_server.uri), database=unique("t").replace("-", "_"))
    async with mongo.connect(settings, Waiting(10, asyncio.Event())) as client:
        store = KeyStore(client, settings)
        await store.prepare()
        await store.prepare()  # every process does
        yield Kept(store, client, f"{settings.database}_gateway")
        await client.drop_database(f"{settings.database}_gateway")


async def test_a_key_is_read_as_it_was_written(kept: Kept) -> None:
    made = a_key("edoc", Scope.EVENTS_READ, Scope.STATISTICS_WRITE, now=NOW)
    added = await kept.store.add(made.key, NOW)
    found = await kept.store.find(made.key.id)
    assert found == added
    assert found is not None
    assert (found.digest, found.scopes, found.seat) == (made.key.digest, made.key.scopes, 1)
    assert await kept.store.find("0" * 12) is None


async def test_the_database_holds_the_digest_and_not_the_secret(kept: Kept) -> None:
    made = a_key("edoc", now=NOW)
    await kept.store.add(made.key, NOW)
    (document,) = await kept.documents()
    assert made.text.split("_", 2)[2] not in str(document)
    assert sorted(document) == [
        "_id", "created", "digest", "expires", "name", "province", "publisher", "scopes", "seat",
    ]  # fmt: skip


async def test_a_third_key_of_a_publisher_is_refused_until_one_has_ended(kept: Kept) -> None:
    first, second = a_key("edoc", now=NOW).key, a_key("edoc", now=NOW).key
    await kept.store.add(first, NOW)
    await kept.store.add(second, NOW)
    with pytest.raises(TooManyKeys) as refused:
        await kept.store.add(a_key("edoc", now=NOW).key, NOW)
    assert {one.id for one in refused.value.keys} == {first.id, second.id}
    await kept.store.add(a_key("another", now=NOW).key, NOW)
    await kept.store.add(a_key("edoc", province="lam-dong", now=NOW).key, NOW)

    await kept.store.revoke(first.id, NOW)
    assert (await kept.store.add(a_key("edoc", now=NOW).key, NOW)).seat == 1
    await kept.store.retire(second.id, NOW + DAY)
    with pytest.raises(TooManyKeys):
        await kept.store.add(a_key("edoc", now=NOW).key, NOW)
    assert (await kept.store.add(a_key("edoc", now=NOW + DAY).key, NOW + DAY)).seat == 2


async def test_of_many_who_make_keys_at_once_two_succeed(kept: Kept) -> None:
    attempts = [kept.store.add(a_key("edoc", now=NOW).key, NOW) for _ in range(12)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert all(isinstance(one, TooManyKeys) for one in refused)
    assert len(refused) == 10
    valid = [key for key in await kept.store.of() if key.standing(NOW) is Standing.VALID]
    assert sorted(key.seat or 0 for key in valid) == [1, 2]


async def test_people_have_two_keys_each_beside_those_of_publishers(kept: Kept) -> None:
    for who in ("manager.a", "manager.b"):
        seats = [(await kept.store.add(a_persons_key(who, now=NOW).key, NOW)).seat for _ in range(2)]
        assert seats == [1, 2]
    await kept.store.add(a_key("edoc", now=NOW).key, NOW)
    with pytest.raises(TooManyKeys):
        await kept.store.add(a_persons_key("manager.a", now=NOW).key, NOW)
    (first, second) = await kept.store.of(person="manager.a")
    assert await kept.store.find(first.id) == first
    assert (first.person, first.publisher, first.holder) == ("manager.a", None, "manager.a")
    await kept.store.revoke(first.id, NOW)
    await kept.store.retire(second.id, NOW + DAY)
    later = [(await kept.store.add(a_persons_key("manager.a", now=NOW + DAY).key, NOW + DAY)).seat for _ in range(2)]
    assert later == [1, 2]
    assert [key.holder for key in await kept.store.of(publisher="edoc")] == ["edoc"]


async def test_the_first_revocation_stands_and_an_end_only_comes_nearer(kept: Kept) -> None:
    key = a_key("edoc", now=NOW).key
    await kept.store.add(key, NOW)
    await kept.store.retire(key.id, NOW + 2 * DAY)
    await kept.store.retire(key.id, NOW + 9 * DAY)
    await kept.store.revoke(key.id, NOW + DAY)
    again = await kept.store.revoke(key.id, NOW + 3 * DAY)
    assert again is not None
    assert (again.expires, again.revoked, again.seat) == (NOW + 2 * DAY, NOW + DAY, None)
    assert await kept.store.revoke("0" * 12, NOW) is None


async def test_keys_are_listed_by_province_publisher_and_age(kept: Kept) -> None:
    ages = [("lam-dong", "b", 0), ("dak-nong", "b", 2), ("dak-nong", "b", 1), ("dak-nong", "a", 3)]
    for province, publisher, days in ages:
        await kept.store.add(a_key(publisher, province=province, now=NOW + days * DAY).key, NOW)
    found = [(key.province, key.publisher, (key.created - NOW).days) for key in await kept.store.of()]
    assert found == [("dak-nong", "a", 3), ("dak-nong", "b", 1), ("dak-nong", "b", 2), ("lam-dong", "b", 0)]
    assert [key.publisher for key in await kept.store.of("dak-nong", "a")] == ["a"]


async def test_the_last_use_is_written_once_a_minute_whichever_process_saw_it(kept: Kept) -> None:
    key = a_key("edoc", now=NOW).key
    await kept.store.add(key, NOW)
    seen = []
    for seconds in (0, 30, 59, 60, 61, 30, 120):
        await kept.store.used(key.id, NOW + timedelta(seconds=seconds))
        found = await kept.store.find(key.id)
        assert found is not None
        assert found.last_used is not None
        seen.append((found.last_used - NOW).total_seconds())
    assert seen == [0, 0, 0, 60, 60, 60, 120]


async def test_a_scope_of_a_newer_release_gives_no_right_and_does_no_harm(kept: Kept) -> None:
    key = a_key("edoc", Scope.EVENTS_READ, now=NOW).key
    await kept.store.add(key, NOW)
    await kept.client[kept.database]["keys"].update_one({"_id": key.id}, {"$push": {"scopes": "alerts:write"}})
    found = await kept.store.find(key.id)
    assert found is not None
    assert found.scopes == {Scope.EVENTS_READ}


async def test_a_use_that_the_keyring_saw_is_in_the_database_soon(kept: Kept) -> None:
    key = a_key("edoc").key
    await kept.store.add(key, datetime.now(UTC))
    ring, now = Keyring(kept.store, 5.0), datetime.now(UTC).replace(microsecond=0)
    found = await ring.find(key.id)
    assert found is not None
    ring.used(found, now)
    async with asyncio.timeout(5):
        while (await kept.store.find(key.id) or key).last_used != now:  # noqa: ASYNC110 - another task writes it
            await asyncio.sleep(0.02)
