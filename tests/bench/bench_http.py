"""`POST statistics` of a gateway as a process: keys checked, on the log before the answer.

Publishers are processes of their own, which write HTTP by hand: a client library would take more of the machine than
the gateway does. Each has keys of its own and sends the next request when the last was answered.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
from pymongo import AsyncMongoClient

from contracts.catalog import Publisher
from deploy.embedded import lifecycle
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.gateway import intake, keys
from services.gateway.key_store import KeyStore
from services.gateway.keys import Scope
from services.runtime.settings import MongoSettings
from tests.servers import wanted_broker

FIGURES = ("http_batch_events_s", "http_single_events_s")
BATCH = 500
BATCHING = 4
"""Clients that send batches."""
SINGLE = 50
"""Clients that send single events."""
WARM_S = 3.0
MEASURED_S = 15.0
DAY = date(2023, 9, 30)
LIMITS = {"TIENDO_GATEWAY_REQUESTS_PER_MINUTE": "1000000", "TIENDO_GATEWAY_EVENTS_PER_MINUTE": "10000000"}

Figures = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Client:
    """One who sends: its key, and a source and KPI of its publisher."""

    number: int
    key: str
    source: str
    kpi: str


@dataclass(frozen=True)
class Load:
    """What is sent: to the gateway on this port, so many events a request, about these units."""

    port: int
    batch: int
    clients: Sequence[Client]
    units: Sequence[str]


@dataclass(frozen=True)
class Sent:
    """What came of a load: events a second, and the milliseconds of each request."""

    events_s: float
    ms: Sequence[float]

    def said(self) -> str:
        """Median and 99th percentile."""
        hundredths = quantiles(self.ms, n=100)
        return f"p50 {hundredths[49]:.0f} ms, p99 {hundredths[98]:.0f} ms"


def run() -> Figures:
    """Events a second, and the time that 99 of 100 requests take at most."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        catalog = lifecycle.prepare(stack)
        system = System(stack, LIMITS, names=["gateway"])
        system.start()
        port = int(system.url("gateway", "").rpartition(":")[2])
        units = sorted(catalog.units.of_level("commune", DAY))
        clients = asyncio.run(_clients(stack.mongo_uri, list(catalog.publishers)))
        process = psutil.Process(system.child("gateway").pid)
        batches = _measured(Load(port, BATCH, clients[:BATCHING], units), process)
        singles = _measured(Load(port, 1, clients, units), process)
        broker = stack.broker
    return {
        "http_batch_events_s": {
            "value": round(batches[0].events_s),
            "unit": "events/s",
            "goal": "≥ 10,000, p99 ≤ 500 ms",
            "compared_with": f"{BATCHING} clients, {BATCH} events a request: {_said(*batches)}; {broker}",
        },
        "http_single_events_s": {
            "value": round(singles[0].events_s),
            "unit": "events/s",
            "goal": "≥ 800, p99 ≤ 100 ms",
            "compared_with": f"{SINGLE} clients: {_said(*singles)}; {broker}",
        },
    }


def _said(sent: Sent, cpu_us: float) -> str:
    return f"{sent.said()}, {cpu_us:.0f} µs CPU of the gateway an event"


async def _clients(mongo_uri: str, publishers: Sequence[Publisher]) -> list[Client]:
    """`SINGLE` clients, each with a key of a publisher of its own as far as there are so many."""
    now = datetime.now(UTC)
    made = []
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        store = KeyStore(client, MongoSettings())
        for publisher in [one for one in publishers if "*" not in one.kpis][:SINGLE]:
            one = keys.make(
                province="dak-nong",
                publisher=publisher.id,
                name="bench",
                scopes=[Scope.STATISTICS_WRITE],
                now=now,
                lasts=timedelta(days=1),
            )
            await store.add(one.key, now)
            made.append((one.text, publisher.sources[0], publisher.kpis[0]))
    return [Client(number, *made[number % len(made)]) for number in range(SINGLE)]


def _measured(load: Load, gateway: psutil.Process) -> tuple[Sent, float]:
    """What came of it, and µs of the gateway's CPU an event."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as elsewhere:
        elsewhere.submit(_send, load, WARM_S).result()
        before = sum(gateway.cpu_times()[:2])
        sent = elsewhere.submit(_send, load, MEASURED_S).result()
        used = sum(gateway.cpu_times()[:2]) - before
    return sent, used / (len(sent.ms) * load.batch) * 1e6


def _send(load: Load, seconds: float) -> Sent:
    """Send for so long, in this process."""
    return asyncio.run(_all(load, seconds))


async def _all(load: Load, seconds: float) -> Sent:
    ms: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_one(load, client, began + seconds, ms) for client in load.clients))
    return Sent(len(ms) * load.batch / (time.perf_counter() - began), ms)


async def _one(load: Load, client: Client, until: float, ms: list[float]) -> None:
    """One client on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    media = "application/cloudevents-batch+json" if load.batch > 1 else "application/cloudevents+json"
    run = f"{client.number}-{time.time_ns():x}"
    sent = 0
    try:
        while time.perf_counter() < until:
            body = b",".join(
                _event(client, f"{run}-{sent + n}", load.units[n % len(load.units)]) for n in range(load.batch)
            )
            if load.batch > 1:
                body = b"[" + body + b"]"
            head = (
                f"POST /api/v1/statistics HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {client.key}\r\n"
                f"content-type: {media}\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            began = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            told = await reader.readexactly(int(length.split(b":")[1]))
            if not answer.startswith(b"HTTP/1.1 202"):
                raise AssertionError((answer, told[:1_000]))
            ms.append((time.perf_counter() - began) * 1_000)
            sent += load.batch
    finally:
        writer.close()


def _event(client: Client, event_id: str, unit: str) -> bytes:
    return (
        f'{{"specversion":"1.0","id":"{event_id}","source":"{client.source}","type":"{intake.TYPE}",'
        f'"time":"2023-09-30T16:00:00+07:00","data":{{"province":"dak-nong","kpi":"{client.kpi}","org_unit":"{unit}",'
        f'"as_of":"2023-09-30","numerator":913,"denominator":1000,"unit_of_measure":"percent"}}}}'
    ).encode()
