"""What ingest tells of its ledger: how far it reaches for a KPI, and its entries in the order of their coordinates."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from contracts.rebuilds import LedgerExtent, LedgerPage
from services.ingest import archive
from services.ingest.decide import Entry
from services.ingest.logs import LogPartition
from services.ingest.normalise import Raw
from tests.unit.ingest.door import LOG, NOON, TOPIC, FakeLedger

KEY = "dak-nong/kpi"


def entry(offset: int, partition: int = 0, log: str = LOG) -> Entry:
    payload = b'{"source_id":"%d"}' % offset
    return Entry(
        f"{log}-{partition}-{offset}", "urn:x", "e", Raw(log, TOPIC, partition, offset), b"", KEY, payload, NOON, "1-a"
    )


async def a_ledger(*entries: Entry) -> FakeLedger:
    ledger = FakeLedger()
    await ledger.claim(entries)
    return ledger


async def asked(ledger: FakeLedger, path: str, committed: Mapping[int, int] | Exception, **params: Any) -> Response:
    async def stands(partitions: Sequence[LogPartition]) -> Mapping[LogPartition, int]:
        if isinstance(committed, Exception):
            raise committed
        return {(log, number): committed.get(number, 0) for log, number in partitions if log == LOG}

    app = Starlette(routes=archive.routes(ledger, stands))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        return await client.get(path, params=params)


async def extent(ledger: FakeLedger, committed: Mapping[int, int]) -> LedgerExtent:
    answer = await asked(ledger, archive.EXTENT, committed, key=KEY)
    return LedgerExtent.model_validate_json(answer.content)


async def test_a_part_is_settled_once_ingest_has_committed_beyond_its_last_entry() -> None:
    ledger = await a_ledger(entry(3), entry(7), entry(4, 1))
    told = await extent(ledger, {0: 7, 1: 5})
    assert [(part.partition, part.end, part.entries, part.settled) for part in told.parts] == [
        (0, 8, 2, False),
        (1, 5, 1, True),
    ]
    assert all(part.settled for part in (await extent(ledger, {0: 8, 1: 5})).parts)


async def test_of_a_log_that_is_no_more_everything_is_settled() -> None:
    ledger = await a_ledger(entry(3), entry(900, log="0ld"))
    parts = {part.log: part for part in (await extent(ledger, {})).parts}
    assert (parts["0ld"].committed, parts["0ld"].settled) == (None, True)
    assert (parts[LOG].committed, parts[LOG].settled) == (0, False)


async def test_it_says_since_when_entries_may_be_missing() -> None:
    ledger = await a_ledger()
    assert (await extent(ledger, {})).removed_before is None
    ledger.removed = datetime(2022, 1, 1, tzinfo=UTC)
    assert (await extent(ledger, {})).removed_before == ledger.removed


async def test_pages_follow_one_another_until_one_is_empty() -> None:
    ledger = await a_ledger(*[entry(offset) for offset in (9, 2, 5, 11)])
    found, start = [], 0
    while True:
        answer = await asked(ledger, archive.PAGE, {}, key=KEY, log=LOG, partition=0, start=start, until=11, limit=2)
        page = LedgerPage.model_validate_json(answer.content)
        found += [item["source_id"] for item in page.items]
        if page.next is None:
            break
        start = page.next
    assert found == ["2", "5", "9"]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 5_001}, {"start": "-1"}, {"until": "x"}, {"partition": ""}])
async def test_what_is_no_number_is_refused(wrong: dict[str, Any]) -> None:
    params = {"key": KEY, "log": LOG, "partition": 0, "start": 0, "until": 9, "limit": 5, **wrong}
    assert (await asked(await a_ledger(), archive.PAGE, {}, **params)).status_code == 400


async def test_without_the_broker_nothing_is_vouched_for() -> None:
    answer = await asked(await a_ledger(entry(1)), archive.EXTENT, KafkaConnectionError(), key=KEY)
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_away")
