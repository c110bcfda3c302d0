"""Ingest as a process: from Kafka through all checks and the durable ledger to observations, at full speed.

The raw topic is filled first, then the service starts. Time and CPU are taken between the first figure that it has
accepted and the last, so its start is not in them. Beside it, in the same run: `insert_many` of the same documents, and
Quix Streams with its MongoDB sink, before and after, which reads the same topic and writes each figure under its
identity. What an entry of the ledger takes is read off the database that was just filled.
"""

import asyncio
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import orjson
import psutil
from pymongo import AsyncMongoClient

from contracts import envelope
from contracts.topics import STATISTICS_REPORTED
from deploy.embedded import lifecycle
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.ingest.contract import EVENT_TYPE
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.mongo import DURABLE
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.bench.metrics_service import Figures, Speed, cpu_of, cpu_of_servers, figure
from tests.bench.peers import running
from tests.servers import wanted_broker

FIGURES = ("ingest_cpu_us", "ingest_vs_insert_many", "ingest_vs_quix", "ledger_bytes_event", "ledger_cpu_us")
EVENTS = 200_000
QUIX_EVENTS = 40_000
BATCH = 4_000
KPIS = ("edoc-signed-share", "online-files-share")
START = datetime(2023, 9, 30, 2, tzinfo=UTC)
DEADLINE_S = 120.0


def run() -> Figures:
    """Events a second and CPU an event, what the bare database and a peer do, and what the ledger costs."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        catalog = lifecycle.prepare(stack)
        units = catalog.units.of_level("commune", START.date())
        sources = [(kpi, next(p.sources[0] for p in catalog.publishers if kpi in p.kpis)) for kpi in KPIS]
        asyncio.run(_fill(stack, [(*said, unit) for unit in units for said in sources]))
        quix = [running.quix(stack, "quix-1", QUIX_EVENTS, STATISTICS_REPORTED.name)]
        system = System(stack, names=["ingest"])
        process = psutil.Process(system.launch("ingest").pid)
        ours = _measure(stack, system, process)
        process.terminate()
        process.wait(20)
        quix.append(running.quix(stack, "quix-2", QUIX_EVENTS, STATISTICS_REPORTED.name))
        bare = asyncio.run(_insert_many(stack, indexes=False))
        ledger = asyncio.run(_insert_many(stack, indexes=True))
        sizes = asyncio.run(_sizes(stack))
        broker = stack.broker
    durable = f"{broker}, mongod w=majority j=true"
    around = ", ".join(f"{one.rate:,.0f}" for one in quix)
    return {
        "ingest_events_s": figure(round(ours.rate), "events/s", None, f"{EVENTS:,} events; {durable}"),
        "ingest_cpu_us": figure(
            round(ours.own_us, 1),
            "µs CPU/event",
            "≤ 40",
            f"database and broker beside it {ours.servers_us:.0f}; Quix Streams itself "
            f"{mean(one.own_us for one in quix):.0f}, its servers {mean(one.servers_us for one in quix):.0f}",
        ),
        "ingest_vs_insert_many": figure(
            round(ours.rate / bare.rate, 2),
            "×",
            "≥ 0.5",
            f"{ours.rate:,.0f}/s; insert_many of the same documents: {bare.rate:,.0f}/s, "
            f"with the indexes of the ledger {ledger.rate:,.0f}/s",
        ),
        "ingest_vs_quix": figure(
            round(ours.rate / mean(one.rate for one in quix), 2),
            "×",
            "≥ 2",
            f"{ours.rate:,.0f}/s; Quix Streams before and after, {QUIX_EVENTS:,} events each: {around}/s; {broker}",
        ),
        "ledger_cpu_us": figure(
            round(ledger.total_us, 1),
            "µs CPU/event",
            None,
            f"database {ledger.servers_us:.0f}; without indexes {bare.total_us:.0f}, database {bare.servers_us:.0f}",
        ),
        "ledger_bytes_event": figure(sum(sizes.values()), "bytes", None, _said(sizes)),
    }


def _said(sizes: Mapping[str, int]) -> str:
    days = sum(sizes.values()) * 100_000 * 400 / 1e9
    return ", ".join(f"{name} {size}" for name, size in sizes.items()) + f"; 400 days of 100,000 events: {days:.0f} GB"


async def _fill(stack: Stack, tellers: Sequence[tuple[str, str, str]]) -> None:
    settings = KafkaSettings(bootstrap=stack.bootstrap, enable_idempotence=stack.broker == "kafka")
    producer = BatchProducer(settings, Telemetry())
    await producer.start()
    try:
        for first in range(0, EVENTS, BATCH):
            await producer.publish(
                STATISTICS_REPORTED.name, [_event(n, *tellers[n % len(tellers)]) for n in range(first, first + BATCH)]
            )
    finally:
        await producer.stop()


def _event(n: int, kpi: str, source: str, unit: str) -> Outgoing:
    data = {
        "province": "dak-nong",
        "kpi": kpi,
        "org_unit": unit,
        "as_of": f"2023-{1 + n % 9:02}-{1 + n % 27:02}",
        "numerator": n % 900,
        "denominator": 900 + n % 100,
        "unit_of_measure": "percent",
    }
    headers = envelope.write(
        id=f"bench-{n}",
        source=source,
        type=EVENT_TYPE,
        time=START + timedelta(milliseconds=n),
        extensions={"traceparent": f"00-{n:032x}-{n + 1:016x}-01"},
    )
    return Outgoing(f"dak-nong/{kpi}/{unit}".encode(), orjson.dumps(data), headers)


def _measure(stack: Stack, system: System, process: psutil.Process) -> Speed:
    """From the first figure that was accepted to the last."""
    deadline = time.monotonic() + DEADLINE_S
    first: tuple[float, float, float, float] | None = None
    while time.monotonic() < deadline:
        accepted = _accepted(system)
        seen = accepted, time.monotonic(), cpu_of([process]), cpu_of_servers(stack)
        if accepted and first is None:
            first = seen
        if accepted >= EVENTS and first is not None:
            return _speed(first, seen)
        time.sleep(0.05)
    raise TimeoutError(f"ingest had not accepted {EVENTS} figures after {DEADLINE_S:g} s")


def _speed(first: tuple[float, float, float, float], last: tuple[float, float, float, float]) -> Speed:
    events, seconds, own, servers = (now - before for now, before in zip(last, first, strict=True))
    return Speed(events / seconds, own / events * 1e6, servers / events * 1e6)


def _accepted(system: System) -> float:
    try:
        with urllib.request.urlopen(system.url("ingest", "/metrics"), timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return 0.0
    line = next((line for line in text.splitlines() if line.startswith("tiendo_ingest_accepted_total")), "x 0")
    return float(line.split()[-1])


async def _insert_many(stack: Stack, *, indexes: bool) -> Speed:
    """A durable `insert_many` of what ingest wrote, with or without the indexes of its ledger."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri)
    async with client:
        ledger = client["tiendo_ingest"]["ledger"]
        target = client["bench"].get_collection(f"bare-{indexes}", write_concern=DURABLE)
        if indexes:
            for index in (await ledger.index_information()).values():
                await target.create_index(index["key"])
        documents = await ledger.find({}).to_list(None)
        began = 0.0, time.monotonic(), time.process_time(), cpu_of_servers(stack)
        for first in range(0, len(documents), BATCH):
            await target.insert_many(documents[first : first + BATCH], ordered=False)
        ended = len(documents), time.monotonic(), time.process_time(), cpu_of_servers(stack)
        return _speed(began, ended)


async def _sizes(stack: Stack) -> dict[str, int]:
    """Bytes on disk an entry of the ledger, once all is written: its document, and each index."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri)
    async with client:
        await client.admin.command("fsync")
        said = await client["tiendo_ingest"].command("collStats", "ledger")
    count = said["count"]
    indexes = {name: round(size / count) for name, size in said["indexSizes"].items()}
    return {"document": round(said["storageSize"] / count), **indexes}
