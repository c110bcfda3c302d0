"""Replicas of metrics over one broker and database, what is sent to them, and what they said."""

import asyncio
import os
import re
import signal
import urllib.request
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient

from contracts import envelope
from contracts.catalog import Kpi
from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from contracts.topics import OBSERVATIONS, PROGRESS
from deploy.embedded.processes import Child
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.metrics.app import GROUP
from services.runtime.kafka.producer import BatchProducer, Outgoing, partition_of
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.model import recompute
from tests.unit.metrics.engine import Engine, different, record_of
from tests.unit.metrics.long_series import NOW, LongSeries, catalog

PARTITIONS = tuple(TopicPartition(OBSERVATIONS.name, number) for number in range(OBSERVATIONS.partitions))
DEADLINE_S = 90.0

Key = tuple[str, str, str]


class Replicas:
    """Processes of one consumer group, by number."""

    def __init__(self, stack: Stack, **environment: str) -> None:
        self._stack = stack
        self._environment = {"TIENDO_CLOCK": f"from:{NOW.isoformat()}", **environment}
        self._systems: dict[int, System] = {}
        self._running: set[int] = set()

    def start(self, number: int = 0) -> None:
        """Start one that does not run, without waiting for it."""
        system = self._systems.get(number)
        if system is None:
            system = self._systems[number] = System(self._stack, self._environment, names=["metrics"])
        system.launch("metrics")
        self._running.add(number)

    def child(self, number: int = 0) -> Child:
        return self._systems[number].child("metrics")

    def kill(self, number: int = 0) -> None:
        """As `kill -9` does."""
        self._running.discard(number)
        self.child(number).kill()

    async def stop(self, *numbers: int) -> None:
        """Gracefully; all that run if none is named."""
        for number in numbers or sorted(self._running):
            self._running.discard(number)
            await asyncio.to_thread(self.child(number).stop)

    def pause(self, number: int) -> None:
        """Time stands still for the process, as in a long pause of its machine."""
        os.kill(self.child(number).pid, signal.SIGSTOP)

    def wake(self, number: int) -> None:
        os.kill(self.child(number).pid, signal.SIGCONT)

    async def ready(self, number: int = 0) -> None:
        await asyncio.to_thread(self._systems[number].wait_ready)

    async def counted(self, metric: str, number: int = 0) -> float:
        """The sum of a metric of one process over its labels."""
        text = await asyncio.to_thread(self._metrics, number)
        return sum(float(found) for found in re.findall(rf"^{metric}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))

    def _metrics(self, number: int) -> str:
        with urllib.request.urlopen(self._systems[number].url("metrics", "/metrics"), timeout=10) as answer:
            return str(answer.read().decode())


class Ingest(LongSeries):
    """Sends figures as ingest does: batch by batch."""

    def __init__(self, stack: Stack, seed: int) -> None:
        super().__init__(seed)
        self._stack = stack
        self.sent: list[ObservationRecorded] = []
        self.ends: dict[TopicPartition, int] = {}
        """Where the partitions of `observations.v1` end."""

    async def send(self, observations: Sequence[ObservationRecorded], *, every_s: float = 0.0) -> None:
        """Fifty at a time."""
        self.sent += observations
        async with self._producer() as producer:
            for first in range(0, len(observations), 50):
                await self._publish(producer, [_out(one) for one in observations[first : first + 50]])
                await asyncio.sleep(every_s)

    async def send_garbage(self, kpi: Kpi) -> None:
        """A record that no release of metrics can read, on the partition of this KPI."""
        async with self._producer() as producer:
            record = _out(self.figure(kpi, date(2023, 5, 1)))
            await self._publish(producer, [Outgoing(record.key, b"{", record.headers)])

    async def _publish(self, producer: BatchProducer, records: Sequence[Outgoing]) -> None:
        await producer.publish(OBSERVATIONS.name, records)
        for record in records:
            at = TopicPartition(OBSERVATIONS.name, partition_of(record.key or b"", OBSERVATIONS.partitions))
            self.ends[at] = self.ends.get(at, 0) + 1

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[BatchProducer]:
        made = BatchProducer(settings(self._stack), Telemetry())
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


class Progress:
    """Everything on `progress.v1`, read from its beginning."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.records: list[ConsumerRecord] = []
        self.latest: dict[Key, ProgressJudged] = {}
        self.bytes: dict[Key, bytes] = {}
        """The latest as they were published first."""

    @staticmethod
    @asynccontextmanager
    async def of(stack: Stack) -> AsyncIterator["Progress"]:
        """Open while the block lasts."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20
        )
        await consumer.start()
        consumer.assign([TopicPartition(PROGRESS.name, number) for number in range(PROGRESS.partitions)])
        try:
            yield Progress(consumer)
        finally:
            await consumer.stop()

    async def until(self, enough: Callable[[], object]) -> None:
        """Read on until the condition holds."""
        async with asyncio.timeout(DEADLINE_S):
            while not enough():
                await self.read()

    async def read(self) -> int:
        """What has come meanwhile; how many records."""
        before = len(self.records)
        for records in (await self._consumer.getmany(timeout_ms=200)).values():
            for record in records:
                self._take(record)
        return len(self.records) - before

    def _take(self, record: ConsumerRecord) -> None:
        self.records.append(record)
        one = ProgressJudged.model_validate_json(record.value)
        key = one.kpi, one.org_unit, one.period
        if key not in self.latest or one.version > self.latest[key].version:
            self.bytes[key] = record.value
        if key not in self.latest or one.version >= self.latest[key].version:
            self.latest[key] = one

    async def until_it_equals_the_model(self, sent: Sequence[ObservationRecorded]) -> None:
        """Every field of every record; at the deadline, the test fails with the differences."""
        expected = recompute(catalog(), sent, NOW)
        try:
            await self.until(lambda: not different(expected, self.latest))
        except TimeoutError:
            pytest.fail("\n".join(different(expected, self.latest)[:20]))


def settings(stack: Stack) -> KafkaSettings:
    return KafkaSettings(bootstrap=stack.bootstrap, enable_idempotence=stack.broker == "kafka")


async def set_offsets(stack: Stack, offsets: Mapping[TopicPartition, int]) -> None:
    """Set where the group goes on: as its only member, since not every broker lets somebody else do it."""
    consumer = AIOKafkaConsumer(
        OBSERVATIONS.name,
        bootstrap_servers=stack.bootstrap,
        group_id=GROUP,
        enable_auto_commit=False,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(DEADLINE_S):
            while consumer.assignment() != set(PARTITIONS):  # noqa: ASYNC110 - it happens in a task of the consumer
                await asyncio.sleep(0.1)
        await consumer.commit(dict(offsets))
    finally:
        await consumer.stop()


async def until_committed(stack: Stack, ends: Mapping[TopicPartition, int]) -> None:
    """Return when the group has committed up to these offsets; fail at the deadline."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    behind: dict[int, tuple[int, int]] = {}
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = await admin.list_consumer_group_offsets(GROUP, partitions=list(ends))
                done = {at: found[at].offset if at in found else 0 for at in ends}
                behind = {at.partition: (done[at], end) for at, end in ends.items() if done[at] < end}
                if not behind:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"committed and end, by partition: {behind}")
    finally:
        await admin.close()


async def until_all_is_said(stack: Stack) -> None:
    """Return when no record is owed or awaits a forecast."""
    async with asyncio.timeout(DEADLINE_S):
        while any(one["awaits"] or one.get("owed") for one in _documents(stack, "judgements")):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def until_looked_at(stack: Stack, keys: Collection[str]) -> None:
    """Return when all records of these KPIs have been judged by the catalog."""
    async with asyncio.timeout(DEADLINE_S):
        while not {one["_id"] for one in _documents(stack, "kpis") if "judged" in one}.issuperset(keys):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def figures_stored(stack: Stack) -> dict[str, Any]:
    """The documents with figures and watermarks, without what tells who wrote them how often."""
    return {document["_id"]: _told(document) for document in _documents(stack, "figures")}


def judgements_stored(stack: Stack) -> dict[str, Any]:
    """The same of judgements."""
    return {document["_id"]: _told(document) for document in _documents(stack, "judgements")}


async def figures_folded(sent: Sequence[ObservationRecorded]) -> dict[str, Any]:
    """What one process in peace would have stored."""
    engine = Engine(catalog(), NOW)
    await engine.take(*sent)
    return {name: _told(document) for name, document in engine.store.stored_figures.items()}


def _documents(stack: Stack, collection: str) -> Iterator[dict[str, Any]]:
    with MongoClient[dict[str, Any]](stack.mongo_uri, tz_aware=True) as client:
        yield from client["tiendo_metrics"][collection].find()


def _told(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("_id", "rev", "writer")}


def _out(observation: ObservationRecorded) -> Outgoing:
    record = record_of(observation)
    headers = envelope.write(
        id=f"{observation.source}/{observation.source_id}",
        source="urn:tiendo:ingest",
        type="vn.tiendo.observation.recorded.v1",
        time=NOW,
        extensions={"businesstime": NOW.isoformat()},
    )
    return Outgoing(record.key, record.value, list(headers))


def content_of(value: bytes) -> dict[str, Any]:
    """A record without the moment at which it was judged."""
    content: dict[str, Any] = orjson.loads(value)
    del content["judged_at"]
    return content
