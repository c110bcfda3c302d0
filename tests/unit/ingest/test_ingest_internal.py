"""The question that others ask of the ledger: where did these observations come from?"""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from pymongo.errors import AutoReconnect
from starlette.applications import Starlette

from contracts.explanations import Origins
from services.ingest import internal
from services.ingest.decide import Entry
from services.ingest.normalise import Raw
from tests.unit.metrics.builders import an_observation

KNOWN = [an_observation("p.a.1", "2023-09-30", 85, 100), an_observation("p.a.2", "2023-09-30", 86, 100)]


class FakeLedger:
    """Has what it was given; `away`: the database does not answer."""

    def __init__(self) -> None:
        self.away = False
        self.entries = {
            one.observation_id: Entry(
                one.observation_id,
                one.source,
                one.source_id,
                Raw("log", "statistics.reported.v1", 0, one.raw.offset),
                b"",
                "p/k",
                one.model_dump_json(exclude_none=True).encode(),
                datetime(2023, 10, 1, tzinfo=UTC),
                "1-000000000000",
            )
            for one in KNOWN
        }

    async def standing(self, ids: Iterable[str]) -> dict[str, Entry]:
        if self.away:
            raise AutoReconnect("away")
        return {one: self.entries[one] for one in ids if one in self.entries}


async def asked(ids: str, ledger: FakeLedger | None = None) -> Response:
    app = Starlette(routes=internal.routes(ledger or FakeLedger()))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        return await client.get(internal.PATH, params={"ids": ids})


async def test_observations_come_whole_in_the_order_asked_and_strangers_are_left_out() -> None:
    second, first = KNOWN[1].observation_id, KNOWN[0].observation_id
    answer = await asked(f"{second},{'0' * 32},{first},{second}")
    assert Origins.model_validate_json(answer.content).items == (KNOWN[1], KNOWN[0])


async def test_nothing_asked_nothing_answered() -> None:
    assert (await asked("")).json() == {"items": []}


@pytest.mark.parametrize("ids", ["xyz", "../..", ",".join("0" * 32 for _ in range(201))])
async def test_what_is_no_id_is_refused(ids: str) -> None:
    assert (await asked(ids)).status_code == 400


async def test_without_its_database_it_says_so() -> None:
    ledger = FakeLedger()
    ledger.away = True
    answer = await asked(KNOWN[0].observation_id, ledger)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
