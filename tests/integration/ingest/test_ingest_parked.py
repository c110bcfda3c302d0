"""One suite for the parked sources, run against the fake of the unit tests and against MongoDB."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from services.ingest.normalise import Raw
from services.ingest.parked import Parkings
from services.ingest.parking import ParkedSource
from tests.unit.ingest.door import LOG, NOON, TOPIC, FakeParkings

AnyParkings = FakeParkings | Parkings

SINCE = datetime(2026, 3, 1, 8, 0, 0, 123_000, tzinfo=UTC)


def parked(source: str, offset: int = 49) -> ParkedSource:
    return ParkedSource(source, "row", 50, Raw(LOG, TOPIC, 3, offset), b"{\xff", SINCE, NOON)


@pytest.fixture(params=["fake", "mongodb"])
async def parkings(
    request: pytest.FixtureRequest, mongo_uri: str, unique: Callable[[str], str]
) -> AsyncIterator[AnyParkings]:
    if request.param == "fake":
        yield FakeParkings()
        return
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    async with client:
        yield Parkings(client[unique("parked")])
        await client.drop_database(unique("parked"))


async def test_a_source_stays_parked_as_it_was_first(parkings: AnyParkings) -> None:
    assert await parkings.standing() == []
    assert await parkings.park(parked("urn:b")) == parked("urn:b")
    assert await parkings.park(parked("urn:b", offset=99)) == parked("urn:b")
    await parkings.park(parked("urn:a"))
    assert await parkings.standing() == [parked("urn:a"), parked("urn:b")]


async def test_that_a_publisher_was_told_is_remembered(parkings: AnyParkings) -> None:
    await parkings.park(parked("urn:a"))
    await parkings.park(parked("urn:b"))
    await parkings.told(["urn:a", "urn:unparked-meanwhile"])
    assert [(one.source, one.told) for one in await parkings.standing()] == [("urn:a", True), ("urn:b", False)]


async def test_a_source_is_unparked_once_and_may_be_parked_again(parkings: AnyParkings) -> None:
    await parkings.park(parked("urn:a"))
    assert await parkings.unpark("urn:a")
    assert not await parkings.unpark("urn:a")
    assert await parkings.standing() == []
    assert await parkings.park(parked("urn:a", offset=7)) == parked("urn:a", offset=7)


async def test_what_is_over_is_kept_until_it_was_told_though_the_source_is_parked_anew(parkings: AnyParkings) -> None:
    assert await parkings.unparked() == []
    for offset in (7, 99):
        await parkings.park(parked("urn:a", offset=offset))
        assert await parkings.unpark("urn:a")
    await parkings.park(parked("urn:a", offset=150))
    over = await parkings.unparked()
    assert sorted(one.raw.offset for one in over) == [7, 99]
    await parkings.told_unparked(over[:1])
    assert await parkings.unparked() == over[1:]
    await parkings.told_unparked(over)
    assert await parkings.unparked() == []
    assert [one.raw.offset for one in await parkings.standing()] == [150]
