"""The doors that a publisher may come in by, and clients that use them as real ones do: each tries again until it is
told that its figures are in, and some hang up before they hear it."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from httpx2 import AsyncClient, Response, TransportError

from deploy.embedded.demo.events import TYPE, Said
from services.gateway.routes.imports import CSV, XLSX
from tests.unit.runtime.sheets.workbooks import a_csv, an_xlsx

RETRY_S = 0.2
GIVES_UP_AFTER = 600
"""Tries of one request."""

Identity = tuple[str, str]
"""Source and id of an event."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a client was given for an event, with 202."""

    identity: Identity
    observation_id: str
    link: str


@dataclass
class Heard:
    """What all clients were told, and how often they had to ask."""

    receipts: list[Receipt] = field(default_factory=list)
    requests: int = 0
    turned_away: int = 0
    """Answers that said to come again, and connections that broke."""

    hung_up: int = 0
    """Requests whose answer the client did not wait for."""


class HttpPublisher:
    """Posts events. `hangs_up`: the share of requests whose answer is lost on the way, and which it sends again."""

    def __init__(self, client: AsyncClient, heard: Heard, chance: random.Random, hangs_up: float) -> None:
        self._client, self._heard, self._chance, self._hangs_up = client, heard, chance, hangs_up

    async def single(self, event: Said) -> None:
        """One event, in binary mode or structured."""
        if self._chance.random() < 0.5:
            attributes = {"id": event.id, "source": event.source, "type": TYPE, "time": event.at.isoformat()}
            headers = {f"ce-{name}": text for name, text in {"specversion": "1.0", **attributes}.items()}
            await self._told({**headers, "content-type": "application/json"}, event.value)
            return
        await self._told({"content-type": "application/cloudevents+json"}, json.dumps(structured(event)).encode())

    async def batch(self, events: Sequence[Said]) -> None:
        """Some at once."""
        body = json.dumps([structured(event) for event in events]).encode()
        await self._told({"content-type": "application/cloudevents-batch+json"}, body)

    async def sheet(self, source: str, media: str, body: bytes) -> list[Identity]:
        """A file of figures under this source; the identity of each row's event, in their order."""
        headers = {"content-type": media}
        answer = await self._asked(lambda: self._client.post("/api/v1/imports", params={"source": source},
                                                             headers=headers, content=body))  # fmt: skip
        given = [(source, one) for one in answer["receipts"]]
        self._keep(given)
        return [(source, one["id"]) for one in answer["receipts"]]

    async def _told(self, headers: Mapping[str, str], body: bytes) -> None:
        def post() -> Awaitable[Response]:
            return self._client.post("/api/v1/statistics", headers=dict(headers), content=body)

        if self._chance.random() < self._hangs_up:
            self._heard.hung_up += 1
            with suppress(TransportError, TimeoutError):
                await asyncio.wait_for(post(), self._chance.uniform(0.0, 0.03))
        answer = await self._asked(post)
        self._keep([(one["source"], one) for one in answer["receipts"]])

    async def _asked(self, post: Callable[[], Awaitable[Response]]) -> Any:
        """The answer that took it, however often it takes."""
        for _ in range(GIVES_UP_AFTER):
            self._heard.requests += 1
            try:
                answer = await post()
            except TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                return answer.json()
            assert answer is None or answer.status_code in (429, 503), answer.text
            self._heard.turned_away += 1
            await asyncio.sleep(RETRY_S)
        raise AssertionError(f"not taken in {GIVES_UP_AFTER} tries")

    def _keep(self, receipts: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        self._heard.receipts += [
            Receipt((source, one["id"]), one["observation_id"], one["link"]) for source, one in receipts
        ]


@asynccontextmanager
async def http_publisher(address: str, heard: Heard, chance: random.Random, hangs_up: float) -> Any:
    """A client of the gateway at that address."""
    async with AsyncClient(base_url=address, timeout=30, trust_env=False) as client:
        yield HttpPublisher(client, heard, chance, hangs_up)


def structured(event: Said) -> dict[str, Any]:
    """The event in structured mode."""
    about = {"specversion": "1.0", "id": event.id, "source": event.source, "type": TYPE}
    return {**about, "time": event.at.isoformat(), "data": dict(event.data)}


SHEET_HEADINGS = ("Tỉnh", "Chỉ tiêu", "Đơn vị", "Ngày số liệu", "Cách báo cáo", "Tử số", "Mẫu số", "Giá trị")
SHEET_FIELDS = ("province", "kpi", "org_unit", "as_of", "mode", "numerator", "denominator", "value")


class Spreadsheets:
    """An agency that types its figures into files: every other one a workbook. Each file begins with some rows of the
    one before, and is sent twice."""

    def __init__(self, overlap: int) -> None:
        self._overlap = overlap
        self._before: dict[str, Sequence[Said]] = {}
        self._number = count()
        self.rows: dict[Identity, Said] = {}
        """The figures that were sent, by the identity that their rows were given."""

        self.files = 0
        self.repeated = 0
        """Rows that were sent once more, in another file."""

    async def send(self, publisher: HttpPublisher, source: str, figures: Sequence[Said]) -> None:
        """One file, twice."""
        again = list(self._before.get(source, ()))[-self._overlap :]
        self._before[source] = figures
        rows = [*again, *figures]
        lines = [[str(one.data.get(name, "")) for name in SHEET_FIELDS] for one in rows]
        as_csv = next(self._number) % 2 == 0
        make, media = (a_csv, CSV) if as_csv else (an_xlsx, XLSX)
        body = make(*lines, headings=SHEET_HEADINGS)
        told = await publisher.sheet(source, media, body)
        assert await publisher.sheet(source, media, body) == told, "the same file is the same events"
        assert len(told) == len(rows)
        for identity, one in zip(told, rows, strict=True):
            assert self.rows.setdefault(identity, one) == one, "one identity for two figures"
        self.files += 1
        self.repeated += len(again)


async def everything_on(bootstrap: str, topic: str, idle_ms: int = 1_500) -> list[ConsumerRecord]:
    """All records of a topic, in the order of each partition."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    await consumer.start()
    found: list[ConsumerRecord] = []
    try:
        while batch := await consumer.getmany(timeout_ms=idle_ms):
            found += [record for records in batch.values() for record in records]
    finally:
        await consumer.stop()
    return found


def attributes_of(record: ConsumerRecord) -> Mapping[str, str]:
    """The attributes of the event in a record, in whichever mode it is."""
    headers = {name: (text or b"").decode() for name, text in record.headers}
    if headers["content-type"] == "application/cloudevents+json":
        whole: dict[str, str] = json.loads(record.value)
        return whole
    return {name.removeprefix("ce_"): text for name, text in headers.items()}


def identity_of(record: ConsumerRecord) -> Identity:
    """Source and id of the event in a record."""
    attributes = attributes_of(record)
    return attributes["source"], attributes["id"]


def firsts(records: Iterable[ConsumerRecord]) -> dict[Identity, ConsumerRecord]:
    """Of every identity the record that came first. All copies of one lie on one partition."""
    found: dict[Identity, ConsumerRecord] = {}
    for record in records:
        first = found.setdefault(identity_of(record), record)
        assert first.partition == record.partition
        assert first.offset <= record.offset
    return found
