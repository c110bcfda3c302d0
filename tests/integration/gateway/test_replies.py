"""One suite for what went back to publishers, run against the fake of the unit tests and against MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from services.gateway.documents import SCHEMA, Document
from services.gateway.replies import MOST_OF_A_PAGE, MOST_OF_AN_EVENT, Position, Replies
from services.runtime import mongo
from services.runtime.mongo import Client
from services.runtime.settings import MongoSettings
from services.runtime.waiting import Waiting
from tests.servers import MongoServer
from tests.unit.gateway.fake_replies import FakeReplies

AT = datetime(2023, 10, 1, tzinfo=UTC)
KEPT = timedelta(days=30)
AnyReplies = FakeReplies | Replies


@asynccontextmanager
async def connected(server: MongoServer, name: str) -> AsyncIterator[tuple[Replies, Client, str]]:
    settings = MongoSettings(uri=SecretStr(server.uri), database=name.replace("-", "_"))
    async with mongo.connect(settings, Waiting(10, asyncio.Event())) as client:
        database = f"{settings.database}_gateway"
        yield Replies(client, settings), client, database
        await client.drop_database(database)


@pytest.fixture(params=["in memory", "mongodb"])
async def replies(request: pytest.FixtureRequest, unique: Callable[[str], str]) -> AsyncIterator[AnyReplies]:
    if request.param == "in memory":
        yield FakeReplies()
        return
    async with connected(request.getfixturevalue("mongo_server"), unique("r")) as (real, _, _):
        await real.prepare(KEPT)
        yield real


def a_reply(id: str, second: int = 0, **changes: Any) -> Document:
    given = {"source": "urn:a", "source_id": "e", "identity": "i", "how": "refused", "codes": ["schema"]}
    stamps = {"schema": SCHEMA, "at": AT + timedelta(seconds=second), "kept_at": datetime.now(UTC)}
    return {"_id": id, **given, **stamps, "said": b"[]", **changes}


def ids(documents: list[Document]) -> list[str]:
    return [one["_id"] for one in documents]


async def test_what_is_heard_again_adds_and_changes_nothing(replies: AnyReplies) -> None:
    await replies.put_refusals([a_reply("1"), a_reply("2", 1)])
    await replies.put_refusals([a_reply("2", 9, said=b"other"), a_reply("3", 2)])
    await replies.put_doubts([a_reply("d")])
    await replies.put_doubts([a_reply("d", 5)])
    refusals, doubts = await replies.of_event("i")
    assert ids(refusals) == ["3", "2", "1"]
    assert (refusals[1]["said"], refusals[1]["at"]) == (b"[]", AT + timedelta(seconds=1))
    assert [one["at"] for one in doubts] == [AT]


async def test_of_an_event_that_is_sent_wrong_again_and_again_the_latest_are_told(replies: AnyReplies) -> None:
    await replies.put_refusals([a_reply(f"{n:03}", n) for n in range(MOST_OF_AN_EVENT + 5)])
    refusals, _ = await replies.of_event("i")
    assert ids(refusals) == [f"{n:03}" for n in range(MOST_OF_AN_EVENT + 4, 4, -1)]


async def test_several_events_are_asked_for_together_without_what_was_said(replies: AnyReplies) -> None:
    await replies.put_refusals([a_reply("1", identity="x"), a_reply("2", 1, identity="y"), a_reply("3", 2)])
    await replies.put_doubts([a_reply("4", identity="y"), a_reply("5", identity=None)])
    refusals, doubts = await replies.of_events(["x", "y"])
    assert (ids(refusals), ids(doubts)) == (["2", "1"], ["4"])
    assert all("said" not in one for one in (*refusals, *doubts))


async def test_refusals_of_some_sources_come_page_by_page_the_latest_first(replies: AnyReplies) -> None:
    await replies.put_refusals([a_reply(f"{n}", n // 3, source=f"urn:{'ab'[n % 2]}") for n in range(9)])
    await replies.put_refusals([a_reply("other", 50, source="urn:c")])
    whole = await replies.refused(["urn:a", "urn:b"], None, None, 100)
    assert ids(whole) == list("876543210")
    pages: list[str] = []
    before: Position | None = None
    while page := await replies.refused(["urn:a", "urn:b"], None, before, 2):
        pages += ids(page)
        before = page[-1]["at"], page[-1]["_id"]
    assert pages == ids(whole)
    assert ids(await replies.refused(["urn:a"], AT + timedelta(seconds=1), None, 100)) == ["8", "6", "4"]
    assert await replies.refused([], None, None, 100) == []


async def test_of_what_is_sent_wrong_without_end_no_more_is_read_than_is_told(
    mongo_server: MongoServer, unique: Callable[[str], str]
) -> None:
    async with connected(mongo_server, unique("r")) as (replies, client, database):
        await replies.prepare(KEPT)
        await replies.put_refusals([a_reply(f"{n:05}", n) for n in range(MOST_OF_A_PAGE + 500)])
        await replies.put_refusals([a_reply("other", -1, identity="j")])
        refusals, _ = await replies.of_events(["i", "j"])
        assert ids(refusals) == [f"{n:05}" for n in range(MOST_OF_A_PAGE + 499, 499, -1)]
        wanted = client[database]["refusals"].find({"identity": {"$in": ["i", "j"]}})
        told = await wanted.sort([("at", -1), ("_id", -1)]).limit(100).explain()
        assert told["executionStats"]["totalDocsExamined"] == 100


@pytest.mark.parametrize("days", [30, 400])
async def test_they_are_forgotten_after_the_days_of_the_settings_also_when_these_change(
    mongo_server: MongoServer, unique: Callable[[str], str], days: int
) -> None:
    async with connected(mongo_server, unique("r")) as (replies, client, database):
        await replies.prepare(timedelta(days=90))
        await replies.prepare(timedelta(days=days))
        await replies.prepare(timedelta(days=days))
        for name in ("refusals", "doubts"):
            indexes = await client[database][name].index_information()
            assert indexes["kept_at_1"]["expireAfterSeconds"] == days * 86_400


async def test_the_list_is_read_off_the_index(mongo_server: MongoServer, unique: Callable[[str], str]) -> None:
    async with connected(mongo_server, unique("r")) as (replies, client, database):
        await replies.prepare(KEPT)
        await replies.put_refusals([a_reply(f"{n:04}", n, source=f"urn:{n % 7}") for n in range(700)])
        wanted = {"source": {"$in": ["urn:1", "urn:2"]}, "at": {"$lte": AT + timedelta(seconds=500)}}
        told = await client[database]["refusals"].find(wanted).sort([("at", -1), ("_id", -1)]).limit(20).explain()
        assert told["executionStats"]["totalDocsExamined"] == told["executionStats"]["nReturned"] == 20
