"""One suite for the ledger, run against the fake of the unit tests and against MongoDB."""

import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pymongo import AsyncMongoClient

from services.ingest.decide import Entry, Reuse
from services.ingest.normalise import Raw
from services.ingest.settings import DoorSettings
from services.ingest.store import SCHEMA, Ledger
from services.runtime.errors import Unprocessable
from tests.unit.ingest.door import LOG, NOON, TOPIC, FakeLedger

AnyLedger = FakeLedger | Ledger


@pytest.fixture
async def client(mongo_uri: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    async with client:
        yield client


@pytest.fixture
async def database(client: AsyncMongoClient[dict[str, Any]], unique: Callable[[str], str]) -> AsyncIterator[Any]:
    name = unique("ingest")
    yield client[name]
    await client.drop_database(name)


@pytest.fixture(params=["fake", "mongodb"])
async def ledger(request: pytest.FixtureRequest, database: Any) -> AnyLedger:
    if request.param == "fake":
        return FakeLedger()
    made = Ledger(database)
    await made.prepare()
    return made


def an_entry(id: str, offset: int = 1, **changes: Any) -> Entry:
    entry = Entry(
        id,
        "urn:x",
        f"e-{id}",
        Raw(LOG, TOPIC, 3, offset),
        b"\x00digest",
        "dak-nong/kpi",
        b'{"value": "91.30"}',
        NOON,
        "1-a",
    )
    return entry._replace(**changes)


async def test_free_identities_are_claimed_and_read_back_as_they_were_written(ledger: AnyLedger) -> None:
    entries = [an_entry("a"), an_entry("b", 2)]
    assert await ledger.claim(entries) == {}
    assert await ledger.standing(["a", "b", "c"]) == {"a": entries[0], "b": entries[1]}


async def test_a_taken_identity_stays_with_its_first_owner_and_the_others_are_claimed_all_the_same(
    ledger: AnyLedger,
) -> None:
    first = an_entry("a")
    await ledger.claim([first])
    taken = await ledger.claim([an_entry("b"), an_entry("a", 9, payload=b"other"), an_entry("c")])
    assert taken == {"a": first}
    assert set(await ledger.standing(["a", "b", "c"])) == {"a", "b", "c"}


async def test_claiming_the_same_again_gives_the_same_back(ledger: AnyLedger) -> None:
    entries = [an_entry(f"e{n}", n) for n in range(1_000)]
    assert await ledger.claim(entries) == {}
    assert await ledger.claim(entries) == {entry.observation_id: entry for entry in entries}


async def test_the_figures_of_a_unit_and_day_are_found_page_by_page(ledger: AnyLedger) -> None:
    await ledger.claim([an_entry(f"{n:032x}", n, subject=f"p/k/u{n % 2}/2023-09-30") for n in range(10)])
    first = await ledger.about(["p/k/u1/2023-09-30"], "", 3)
    rest = await ledger.about(["p/k/u1/2023-09-30"], first[-1].observation_id, 3)
    assert [entry.raw.offset for entry in (*first, *rest)] == [1, 3, 5, 7, 9]
    both = await ledger.about(["p/k/u0/2023-09-30", "p/k/u1/2023-09-30"], "", 100)
    assert [entry.raw.offset for entry in both] == list(range(10))
    assert await ledger.about(["p/k/u1/2023-10-01"], "", 3) == []


async def test_the_latest_days_of_a_unit_before_a_day_are_found_for_many_at_once(ledger: AnyLedger) -> None:
    days = [f"2023-09-{day:02}" for day in range(1, 31)]
    subjects = [f"p/k/{unit}/{day}" for unit in ("u1", "u10") for day in days]
    await ledger.claim([an_entry(f"{n:032x}", n, subject=subject) for n, subject in enumerate(subjects)])
    asked = ["p/k/u1/2023-09-10", "p/k/u10/2023-12-01", "p/k/u1/2023-09-01", "p/k/u2/2023-09-10"]
    found = await ledger.before(asked, 3)
    assert [[entry.subject[4:] for entry in entries] for entries in found] == [
        ["u1/2023-09-09", "u1/2023-09-08", "u1/2023-09-07"],
        ["u10/2023-09-30", "u10/2023-09-29", "u10/2023-09-28"],
        [],
        [],
    ]
    assert await ledger.before([], 3) == []


async def test_the_entries_of_some_sources_are_told_the_latest_first_page_by_page(ledger: AnyLedger) -> None:
    for n in range(6):
        await ledger.claim(
            [an_entry(f"{n}a", 2 * n, source=f"urn:{n % 3}"), an_entry(f"{n}b", 2 * n + 1, source="urn:0")]
        )
    mine = ["urn:0", "urn:1"]
    whole = await ledger.recent(mine, None, None, 100)
    ids = [one.entry.observation_id for one in whole]
    assert sorted(ids) == sorted([*(f"{n}b" for n in range(6)), "0a", "1a", "3a", "4a"])
    order = [(one.stored_at, one.entry.observation_id) for one in whole]
    assert order == sorted(order, reverse=True)
    pages: list[str] = []
    before: tuple[datetime, str] | None = None
    while page := await ledger.recent(mine, None, before, 3):
        pages += [one.entry.observation_id for one in page]
        before = page[-1].stored_at, page[-1].entry.observation_id
    assert pages == ids
    since = whole[3].stored_at
    assert [one.entry.observation_id for one in await ledger.recent(mine, since, None, 100)] == [
        one.entry.observation_id for one in whole if one.stored_at >= since
    ]
    assert await ledger.recent(["urn:9"], None, None, 100) == []


async def test_nothing_asked_is_nothing_done(ledger: AnyLedger) -> None:
    assert await ledger.claim([]) == {}
    assert await ledger.standing([]) == {}
    await ledger.keep([])
    assert await ledger.latest() is None


async def test_the_latest_entry_says_how_late_it_is(ledger: AnyLedger) -> None:
    for n in range(3):
        await ledger.claim([an_entry(f"e{n}", n, received_at=NOON + timedelta(days=n))])
    assert await ledger.latest() == NOON + timedelta(days=2)


async def test_evidence_is_kept_once(ledger: AnyLedger) -> None:
    reuse = Reuse("a", "urn:x", "e-a", Raw(LOG, TOPIC, 3, 7), b'{"other": 1}', datetime(2023, 9, 30, tzinfo=UTC))
    await ledger.keep([reuse])
    await ledger.keep([reuse, reuse._replace(raw=Raw(LOG, TOPIC, 3, 8))])
    if isinstance(ledger, FakeLedger):
        assert len(ledger.reuses) == 2
    else:
        assert await ledger._reuses.count_documents({}) == 2


async def test_of_evidence_the_beginning_is_kept_and_what_it_was_can_be_proved(database: Any) -> None:
    ledger = Ledger(database)
    await ledger.prepare()
    whole = b'{"note": "' + b"x" * 262_000 + b'"}'
    await ledger.keep([Reuse("a", "urn:x", "e-a", Raw(LOG, TOPIC, 3, 7), whole, NOON)])
    kept = await database["reuses"].find_one({})
    assert kept["value"] == whole[:65_536]
    assert (kept["bytes"], kept["sha256"]) == (len(whole), hashlib.sha256(whole).digest())


async def test_evidence_goes_when_entries_of_its_time_go_also_that_of_older_releases(database: Any) -> None:
    now = datetime.now(UTC)
    reuse = Reuse("a", "urn:x", "e-a", Raw(LOG, TOPIC, 3, 7), b"{}", NOON)
    await database["reuses"].insert_one({"_id": "of an older release", "value": b"{}", "seen_at": NOON})
    ledger = Ledger(database)
    await ledger.prepare()
    await ledger.keep([reuse, reuse._replace(raw=Raw(LOG, TOPIC, 3, 8))])
    await database["reuses"].update_one(
        {"_id": f"{LOG}/{TOPIC}/3/7"}, {"$set": {"stored_at": now - timedelta(days=500)}}
    )
    assert await ledger.remove(now - timedelta(days=400)) == 0
    assert [one["_id"] async for one in database["reuses"].find({}, sort=[("_id", 1)])] == [
        f"{LOG}/{TOPIC}/3/8",
        "of an older release",
    ]
    await ledger.remove(datetime.now(UTC) + timedelta(seconds=1))
    assert await database["reuses"].count_documents({}) == 0


async def test_an_entry_of_a_newer_release_is_not_guessed_at(database: Any) -> None:
    ledger = Ledger(database)
    await ledger.claim([an_entry("a")])
    await database["ledger"].update_one({"_id": "a"}, {"$set": {"schema": SCHEMA + 1}})
    with pytest.raises(Unprocessable, match="newer release"):
        await ledger.standing(["a"])


def raw(partition: int, offset: int, log: str = LOG) -> Raw:
    return Raw(log, TOPIC, partition, offset)


async def test_the_entries_of_a_key_are_told_by_log_and_partition_in_the_order_of_their_offsets(
    ledger: AnyLedger,
) -> None:
    places = [raw(3, 9), raw(3, 2), raw(3, 30), raw(1, 5), raw(3, 4, "older")]
    mine = [an_entry(f"e{n}", raw=place) for n, place in enumerate(places)]
    await ledger.claim([*mine, an_entry("other", raw=raw(3, 7), key="dak-nong/other")])
    parts = await ledger.parts("dak-nong/kpi")
    assert parts == sorted([(LOG, 1, 6, 1), (LOG, 3, 31, 3), ("older", 3, 5, 1)])
    assert await ledger.parts("dak-nong/none") == []

    async def offsets(start: int, until: int, limit: int = 10) -> list[int]:
        return [entry.raw.offset for entry in await ledger.page("dak-nong/kpi", LOG, 3, start, until, limit)]

    assert await offsets(0, 31) == [2, 9, 30]
    assert await offsets(0, 31, limit=2) == [2, 9]
    assert await offsets(3, 30) == [9]
    assert await ledger.page("dak-nong/kpi", LOG, 1, 0, 99, 10) == [mine[3]]


async def test_a_page_ends_early_where_its_payloads_are_large_and_is_never_empty_for_that(database: Any) -> None:
    ledger = Ledger(database)
    await ledger.prepare()
    large = b'{"note":"' + b"x" * 3_000_000 + b'"}'
    await ledger.claim([an_entry(f"e{n}", raw=raw(0, n), payload=large) for n in range(3)])
    sizes = [len(await ledger.page("dak-nong/kpi", LOG, 0, start, 3, 100)) for start in (0, 2)]
    assert sizes == [2, 1]


async def test_the_pages_are_read_off_the_index(database: Any) -> None:
    """Nobody waits for a scan of years of events."""
    ledger = Ledger(database)
    await ledger.prepare()
    await ledger.claim([an_entry(f"e{n}", raw=raw(n % 3, n), key=f"p/k{n % 7}") for n in range(700)])
    wanted = {"key": "p/k1", "raw.log": LOG, "raw.partition": 1, "raw.offset": {"$gte": 0, "$lt": 700}}
    sort = [("key", 1), ("raw.log", 1), ("raw.partition", 1), ("raw.offset", 1)]
    told = await database["ledger"].find(wanted, sort=sort).explain()
    examined = told["executionStats"]
    assert examined["totalDocsExamined"] == examined["nReturned"] == examined["totalKeysExamined"]


async def test_what_is_older_than_it_is_kept_goes_and_it_is_remembered_that_something_went(database: Any) -> None:
    ledger = Ledger(database)
    await ledger.prepare()
    await ledger.claim([an_entry("a"), an_entry("b", 2)])
    long_ago = datetime.now(UTC) - timedelta(days=500)
    await database["ledger"].update_one({"_id": "a"}, {"$set": {"stored_at": long_ago}})
    assert await ledger.remove(long_ago) == 0
    assert await ledger.removed_before() is None
    before = datetime.now(UTC).replace(microsecond=0) - timedelta(days=400)
    assert await ledger.remove(before) == 1
    assert set(await ledger.standing(["a", "b"])) == {"b"}
    assert await ledger.removed_before() == before
    await ledger.remove(before - timedelta(days=1))
    assert await ledger.removed_before() == before


async def test_the_list_of_a_source_is_read_off_the_index_and_so_is_what_is_to_go(database: Any) -> None:
    """The index by time alone of older releases is gone: one by source serves both, and costs an event no more."""
    await database["ledger"].create_index([("stored_at", 1)])
    ledger = Ledger(database)
    await ledger.prepare()
    await ledger.prepare()
    assert "stored_at_1" not in await database["ledger"].index_information()
    await ledger.claim([an_entry(f"e{n}", n, source=f"urn:{n % 7}") for n in range(700)])
    now = datetime.now(UTC)
    wanted = {"source": {"$in": ["urn:1", "urn:2"]}, "stored_at": {"$lte": now}}
    order = [("stored_at", -1), ("_id", -1)]
    told = await database["ledger"].find(wanted, sort=order, limit=20).explain()
    assert told["executionStats"]["totalDocsExamined"] == told["executionStats"]["nReturned"] == 20
    assert await ledger.remove(now + timedelta(seconds=1)) == 700


@pytest.mark.parametrize("days", [1, 59, -1])
def test_an_identity_is_never_forgotten_while_its_event_may_still_be_delivered_again(days: int) -> None:
    with pytest.raises(ValidationError):
        DoorSettings(ledger_days=days)
    assert DoorSettings(ledger_days=60).ledger_days == 60
