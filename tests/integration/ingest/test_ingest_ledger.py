"""One suite for the ledger, run against the fake of the unit tests and against MongoDB."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from services.ingest.decide import Entry, Reuse
from services.ingest.normalise import Raw
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
def ledger(request: pytest.FixtureRequest) -> AnyLedger:
    return FakeLedger() if request.param == "fake" else Ledger(request.getfixturevalue("database"))


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


async def test_an_entry_of_a_newer_release_is_not_guessed_at(database: Any) -> None:
    ledger = Ledger(database)
    await ledger.claim([an_entry("a")])
    await database["ledger"].update_one({"_id": "a"}, {"$set": {"schema": SCHEMA + 1}})
    with pytest.raises(Unprocessable, match="newer release"):
        await ledger.standing(["a"])
