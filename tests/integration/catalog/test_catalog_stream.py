"""Applying a catalog to a broker and following it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo.errors import AutoReconnect, NetworkTimeout, OperationFailure

from contracts.catalog import CatalogObject, OrgUnit, Province
from services.runtime import opening
from services.runtime.catalog import stream
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.stream import CatalogFollower
from services.runtime.errors import Transient
from tests.hosts import a_host, kafka_settings
from tests.servers import KafkaServer

NOW = datetime(2023, 1, 2, tzinfo=UTC)


def units(*names: str, province: str = "dak-nong") -> tuple[CatalogObject, ...]:
    return (
        Province(id=province, name_vi=province),
        *(OrgUnit(id=name, name=f"Xã {name}", level="commune") for name in names),
    )


@pytest.fixture
def options(kafka_bootstrap: str) -> dict[str, Any]:
    return {"bootstrap_servers": kafka_bootstrap}


@pytest.fixture
async def topic(options: dict[str, Any], unique: Callable[[str], str]) -> AsyncIterator[str]:
    name = unique("catalog")
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    yield name
    await admin.delete_topics([name])
    await admin.close()


async def a_follower(options: dict[str, Any], topic: str, seen: list[str] | None = None) -> CatalogFollower:
    async def remember(catalog: Catalog) -> None:
        if seen is not None:
            seen.append(catalog.version)

    follower = CatalogFollower(options, remember, topic=topic)
    await follower.start()
    return follower


async def test_what_is_applied_is_what_a_follower_finds(options: dict[str, Any], topic: str) -> None:
    applied = await stream.apply(options, "dak-nong", units("a", "b"), now=NOW, topic=topic)
    assert (applied.written, applied.removed) == (3, 0)
    follower = await a_follower(options, topic)
    try:
        async with asyncio.timeout(20):
            catalog = await follower.first()
    finally:
        await follower.stop()
    assert catalog.version == applied.version
    assert [unit.id for unit in catalog.units] == ["a", "b"]
    assert follower.why_not == ""


async def test_applying_the_same_again_writes_nothing_and_changes_write_only_themselves(
    options: dict[str, Any], topic: str
) -> None:
    first = await stream.apply(options, "dak-nong", units("a", "b"), now=NOW, topic=topic)
    again = await stream.apply(options, "dak-nong", units("a", "b"), now=NOW, topic=topic)
    assert (again.version, again.written, again.removed) == (first.version, 0, 0)
    changed = await stream.apply(options, "dak-nong", units("a", "c"), now=NOW, topic=topic)
    assert (changed.written, changed.removed) == (1, 1)
    assert changed.version.startswith("2-")


async def test_a_follower_switches_live_and_starts_with_the_newest(options: dict[str, Any], topic: str) -> None:
    await stream.apply(options, "dak-nong", units("a"), now=NOW, topic=topic)
    second = await stream.apply(options, "dak-nong", units("a", "b"), now=NOW, topic=topic)
    seen: list[str] = []
    follower = await a_follower(options, topic, seen)
    try:
        async with asyncio.timeout(20):
            await follower.first()
            third = await stream.apply(options, "dak-nong", units("c"), now=NOW, topic=topic)
            catalog = await follower.at_least("dak-nong", 3)
    finally:
        await follower.stop()
    assert seen == [second.version, third.version]
    assert [unit.id for unit in catalog.units] == ["c"]


async def test_two_provinces_share_the_topic(options: dict[str, Any], topic: str) -> None:
    await stream.apply(options, "dak-nong", units("a"), now=NOW, topic=topic)
    await stream.apply(options, "lam-dong", units("z", province="lam-dong"), now=NOW, topic=topic)
    follower = await a_follower(options, topic)
    try:
        async with asyncio.timeout(20):
            await follower.first()
    finally:
        await follower.stop()
    assert sorted(follower.catalogs) == ["dak-nong", "lam-dong"]


async def test_an_empty_topic_is_said_in_words_and_followed_until_there_is_a_catalog(
    options: dict[str, Any], topic: str
) -> None:
    follower = await a_follower(options, topic)
    try:
        async with asyncio.timeout(20):
            await follower.end()
            assert "tiendo catalog apply" in follower.why_not
            applied = await stream.apply(options, "dak-nong", units("a"), now=NOW, topic=topic)
            assert (await follower.first()).version == applied.version
    finally:
        await follower.stop()


async def test_a_failing_callback_ends_the_wait_with_its_error(options: dict[str, Any], topic: str) -> None:
    async def fail(_: Catalog) -> None:
        raise LookupError("the store is gone")

    await stream.apply(options, "dak-nong", units("a"), now=NOW, topic=topic)
    follower = CatalogFollower(options, fail, topic=topic)
    await follower.start()
    async with asyncio.timeout(20):
        with pytest.raises(LookupError, match="the store is gone"):
            await follower.wait()
        with pytest.raises(LookupError, match="the store is gone"):
            await follower.at_least("dak-nong", 2)


async def test_a_switch_that_fails_because_the_database_is_away_is_tried_again_and_nothing_ends(
    kafka_server: KafkaServer, topic: str
) -> None:
    settings = kafka_settings(kafka_server)
    options = settings.connection()
    failures: list[Exception] = [AutoReconnect("away"), NetworkTimeout("slow"), OperationFailure("no cursor", 43)]
    troubles: list[dict[str, str]] = []
    switched: list[str] = []
    async with a_host() as host:

        async def switch(catalog: Catalog) -> None:
            troubles.append(await host.health.not_ready())
            if failures:
                raise failures.pop(0)
            switched.append(catalog.version)

        first = await stream.apply(options, "dak-nong", units("a"), now=NOW, topic=topic)
        follower = await opening.catalogs(host, settings, switch, topic=topic)
        async with asyncio.timeout(20):
            await follower.first()
            second = await stream.apply(options, "dak-nong", units("a", "b"), now=NOW, topic=topic)
            await follower.at_least("dak-nong", 2)
        assert switched == [first.version, second.version]
        what = "switch to the catalog of dak-nong"
        assert [one.get(what) for one in troubles] == [
            None,
            "AutoReconnect: away",
            "NetworkTimeout: slow",
            "OperationFailure: no cursor",
            None,
        ]
        assert what not in await host.health.not_ready()
        assert not host.broken


async def test_a_broker_that_is_not_there_is_said_in_a_sentence() -> None:
    with pytest.raises(Transient, match="cannot be read"):
        await stream.apply(
            {"bootstrap_servers": "127.0.0.1:1"}, "dak-nong", units("a"), now=NOW, timeout_s=5, topic="nowhere"
        )
