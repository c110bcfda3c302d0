"""Ingest as a process: from Kafka through all checks and the durable ledger to observations, at full speed.

The raw topic is filled first, then the service starts. Time and CPU are taken between the first figure that it has
accepted and the last, so its start is not in them. Beside it, in the same run: `insert_many` of the same documents.
"""

import asyncio
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
from tests.servers import wanted_broker

EVENTS = 120_000
BATCH = 4_000
KPIS = ("edoc-signed-share", "online-files-share")
START = datetime(2023, 9, 30, 2, tzinfo=UTC)
DEADLINE_S = 120.0

Figures = Mapping[str, Mapping[str, Any]]


def run() -> Figures:
    """Events a second, CPU an event, and the share of what the bare database does."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        catalog = lifecycle.prepare(stack)
        units = catalog.units.of_level("commune", START.date())
        sources = [(kpi, next(p.sources[0] for p in catalog.publishers if kpi in p.kpis)) for kpi in KPIS]
        asyncio.run(_fill(stack, [(*said, unit) for unit in units for said in sources]))
        system = System(stack, names=["ingest"])
        process = psutil.Process(system.launch("ingest").pid)
        rate, cpu_us = _measure(system, process)
        bare = asyncio.run(_insert_many(stack))
        broker = stack.broker
    durable = f"{broker}, mongod w=majority j=true"
    return {
        "ingest_events_s": {"value": round(rate), "unit": "events/s", "goal": None, "compared_with": durable},
        "ingest_cpu_us": {"value": round(cpu_us, 1), "unit": "µs CPU/event", "goal": "≤ 40", "compared_with": durable},
        "ingest_vs_insert_many": {
            "value": round(rate / bare, 2),
            "unit": "×",
            "goal": "≥ 0.5",
            "compared_with": f"insert_many of the same documents: {round(bare):,}/s",
        },
    }


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


def _measure(system: System, process: psutil.Process) -> tuple[float, float]:
    """Events a second and µs of CPU an event."""
    deadline = time.monotonic() + DEADLINE_S
    first: tuple[float, float, float] | None = None
    while time.monotonic() < deadline:
        accepted, now, cpu = _accepted(system), time.monotonic(), sum(process.cpu_times()[:2])
        if accepted and first is None:
            first = accepted, now, cpu
        if accepted >= EVENTS and first is not None:
            events = accepted - first[0]
            return events / (now - first[1]), (cpu - first[2]) / events * 1e6
        time.sleep(0.05)
    raise TimeoutError(f"ingest had not accepted {EVENTS} figures after {DEADLINE_S:g} s")


def _accepted(system: System) -> float:
    try:
        with urllib.request.urlopen(system.url("ingest", "/metrics"), timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return 0.0
    line = next((line for line in text.splitlines() if line.startswith("tiendo_ingest_accepted_total")), "x 0")
    return float(line.split()[-1])


async def _insert_many(stack: Stack) -> float:
    """Documents a second of a durable `insert_many` of what ingest wrote."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri)
    async with client:
        documents = await client["tiendo_ingest"]["ledger"].find({}).to_list(None)
        target = client["bench"].get_collection("bare", write_concern=DURABLE)
        began = time.monotonic()
        for first in range(0, len(documents), BATCH):
            await target.insert_many(documents[first : first + BATCH], ordered=False)
        return len(documents) / (time.monotonic() - began)
