"""The four services together: memory when idle, and the time from acceptance to the read model."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer
from pymongo import AsyncMongoClient

from contracts.topics import STATISTICS_REPORTED
from deploy.embedded import lifecycle
from deploy.embedded.demo import play, simulation
from deploy.embedded.demo.events import Said
from deploy.embedded.stack import Stack
from deploy.embedded.system import SERVICES, System
from services.runtime.catalog.catalog import Catalog
from tests.servers import wanted_broker

RATE = 1_000
"""Events a second, evenly spaced."""
SECONDS = 20
WARM_UP_S = 3
PER_TICK = 20
START = datetime.fromisoformat("2023-06-09T08:00:00+07:00")


def run() -> Mapping[str, Mapping[str, Any]]:
    """Both figures, from one system that is started for them."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        catalog = lifecycle.prepare(stack)
        system = System(stack, {"TIENDO_CLOCK": play.CLOCK})
        system.start()
        time.sleep(5)  # until the first judgements are out and nothing is left to do
        idle = sum(psutil.Process(system.child(name).pid).memory_info().rss for name in SERVICES) / 1e6
        seconds = sorted(asyncio.run(_times(stack, catalog)))
    p50, p99 = statistics.median(seconds), seconds[int(len(seconds) * 0.99)]
    return {
        "idle_memory_mb": {
            "value": round(idle),
            "unit": "MB (RSS, four services)",
            "goal": "≤ 400",
            "compared_with": None,
        },
        "visible_p50_ms": {
            "value": round(p50 * 1000),
            "unit": "ms",
            "goal": "≤ 300",
            "compared_with": f"{RATE} events/s",
        },
        "visible_p99_ms": {
            "value": round(p99 * 1000),
            "unit": "ms",
            "goal": "≤ 1000",
            "compared_with": f"{RATE} events/s",
        },
    }


async def _times(stack: Stack, catalog: Catalog) -> list[float]:
    """Seconds from the broker's acknowledgement of an event to the first record on the page that includes it.

    Each event is a figure of one commune that counts one more than its last. A record that shows a later count shows
    the earlier ones too: updates of one cell collapse.
    """
    communes = sorted(catalog.units.of_level("commune", simulation.FIRST_FRIDAY))
    accepted: dict[tuple[str, int], float] = {}
    shown: dict[str, int] = dict.fromkeys(communes, 0)
    seconds: list[float] = []
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri)
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, acks="all", linger_ms=0)
    await producer.start()
    changes = await client["tiendo_gateway"]["progress"].watch(full_document="updateLookup")
    total = RATE * SECONDS
    sending = asyncio.create_task(_send(producer, communes, accepted, total))
    try:
        async with asyncio.timeout(SECONDS + 60):
            while sum(shown.values()) < total:
                change = await changes.try_next()
                if change is None:
                    await asyncio.sleep(0.002)
                    continue
                now, record = time.monotonic(), change["fullDocument"]["record"]
                unit, count = record["org_unit"], round(record["numerator"] or 0)
                if record["kpi"] == "edoc-signed-share" and unit in shown:
                    seconds += [
                        now - accepted[unit, n] for n in range(shown[unit] + 1, count + 1) if n > WARM_UP_S * RATE / 71
                    ]
                    shown[unit] = max(shown[unit], count)
    finally:
        await sending
        await changes.close()
        await producer.stop()
        await client.close()
    return seconds


async def _send(
    producer: AIOKafkaProducer, communes: list[str], accepted: dict[tuple[str, int], float], total: int
) -> None:
    began = time.monotonic()
    for first in range(0, total, PER_TICK):
        await asyncio.sleep(max(0.0, began + first / RATE - time.monotonic()))
        said = [
            (number, _figure(communes[number % len(communes)], number)) for number in range(first, first + PER_TICK)
        ]
        futures = [
            await producer.send(STATISTICS_REPORTED.name, event.value, key=event.key, headers=event.headers)
            for _, event in said
        ]
        for future in futures:
            await future
        now = time.monotonic()
        accepted.update({(communes[n % len(communes)], n // len(communes) + 1): now for n, _ in said})


def _figure(commune: str, number: int) -> Said:
    at = START + timedelta(milliseconds=number)
    count = number // 71 + 1
    data = {
        "province": "dak-nong",
        "kpi": "edoc-signed-share",
        "org_unit": commune,
        "as_of": "2023-06-09",
        "numerator": count,
        "denominator": 1000,
    }
    return Said("urn:tiendo:source:dak-nong:edoc", f"bench-{number}", at, data)
