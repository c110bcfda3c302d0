"""What interrupts a stream: every target changes, and the process is killed. How long does an event wait?"""

import asyncio
import tempfile
import time
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer

from contracts.topics import PROGRESS
from deploy.embedded.stack import Stack
from services.runtime.kafka.producer import BatchProducer
from services.runtime.telemetry import Telemetry
from tests.bench.metrics_load import COMMUNES, KPIS, filled, live_day, monthly, outgoing, prepared, settings_of
from tests.bench.metrics_service import Figures, Service, figure
from tests.servers import wanted_broker

FIGURES = ("rejudge_wait_s", "restart_s")
RECORDS = KPIS * (COMMUNES + 1)
"""Of 400,000: they are judged in turns, so that the wait is that of a turn, whatever their number."""
EVERY_S = 0.05


def run() -> Figures:
    """The longest wait of an event while all records are judged again; the first figure after a kill."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        filled(stack, monthly, RECORDS, prepared(stack))
        service = Service(stack)
        service.ready()
        service.settled()
        waits, took = asyncio.run(_rejudge(stack))
        for process in service.processes:
            process.kill()
            process.wait()
        seconds = asyncio.run(_restart(stack, service))
        said = f"{RECORDS:,} records, judged again within {took:.1f} s, {len(waits)} events; {stack.broker}"
    return {
        "rejudge_wait_s": figure(round(max(waits), 2), "s", "≤ 2", said),
        "restart_s": figure(round(seconds, 2), "s", "≤ 5", f"kill -9, then launched over {RECORDS:,} records"),
    }


class Probe:
    """Sends figures of live cells, and sees when their progress is out."""

    def __init__(self, producer: BatchProducer, consumer: AIOKafkaConsumer, version: str) -> None:
        self._load = live_day()
        self._producer, self._consumer, self._version = producer, consumer, version
        self.number = 10_000_000
        self.sent: dict[str, float] = {}
        self.waits: list[float] = []
        self.rejudged = 0

    async def send(self) -> None:
        """One figure."""
        record = outgoing(self.number, next(self._load), self._version)
        self.number += 1
        self.sent[orjson.loads(record.value or b"")["observation_id"]] = time.monotonic()
        await self._producer.publish("observations.v1", [record])

    async def look(self, seconds: float) -> None:
        """Read progress for so long."""
        fetched = await self._consumer.getmany(timeout_ms=int(seconds * 1000))
        now = time.monotonic()
        for records in fetched.values():
            self.rejudged += len(records)
            for record in records:
                for identity in orjson.loads(record.value)["inputs"]:
                    if identity in self.sent:
                        self.waits.append(now - self.sent.pop(identity))

    async def close(self) -> None:
        """Disconnect."""
        await self._consumer.stop()
        await self._producer.stop()


async def _probe(stack: Stack, version: str) -> Probe:
    settings = settings_of(stack)
    producer = BatchProducer(settings, Telemetry())
    await producer.start()
    consumer = AIOKafkaConsumer(PROGRESS.name, bootstrap_servers=stack.bootstrap, auto_offset_reset="latest")
    await consumer.start()
    await consumer.seek_to_end()
    await consumer.getmany(timeout_ms=100)
    return Probe(producer, consumer, version)


async def _rejudge(stack: Stack) -> tuple[list[float], float]:
    """Waits of the events until all records are judged again, and how long that took."""
    version = await asyncio.to_thread(prepared, stack, target=93)
    probe = await _probe(stack, version)
    began = time.monotonic()
    try:
        async with asyncio.timeout(180):
            while probe.rejudged < RECORDS or probe.sent:
                if probe.rejudged < RECORDS:
                    await probe.send()
                await probe.look(EVERY_S)
    finally:
        await probe.close()
    return probe.waits, time.monotonic() - began


async def _restart(stack: Stack, service: Service) -> float:
    """Seconds from the launch until a figure that waited is out."""
    probe = await _probe(stack, await asyncio.to_thread(prepared, stack, target=93))
    try:
        await probe.send()
        began = time.monotonic()
        service.systems[0].launch("metrics")
        async with asyncio.timeout(60):
            while probe.sent:
                await probe.look(EVERY_S)
    finally:
        await probe.close()
    return time.monotonic() - began
