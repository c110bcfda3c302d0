"""Publishing in batches, in order and without gaps.

aiokafka's `create_batch`/`send_batch` costs a seventh of `send` a record. In exchange the partition is chosen here,
with the murmur2 that every Kafka client uses. To one partition one batch is under way at a time, and the next goes
out only after the last was acknowledged: consumers keep watermarks of what they folded, and a batch that overtook a
lost one would make them skip the lost one for good.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2

from services.runtime.errors import Transient, Unprocessable
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry

log = structlog.get_logger()

MAX_BATCH_BYTES = 900_000
"""Below the broker's default `max.message.bytes` (1 MiB), which applies to a whole batch."""

LARGEST_PLAIN_BYTES = 1_900_000
"""A longer record than a batch may have travels alone, to topics that take it: quarantines take 2 MiB."""

LARGEST_PRESSED_BYTES = 32 * 2**20
"""The same of a producer that compresses; how much is left of it then is known only afterwards."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to publish; `value` None is a tombstone."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A record as somebody else wrote it, to be published again. `partition`: where to, if that exists; without one the
    key decides."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    partition: int | None = None


class AnyRecord(Protocol):
    """A record to publish: `Outgoing`, `Verbatim`, or whatever a service has that looks like one."""

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


@lru_cache(maxsize=200_000)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner gives to this key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class BatchProducer:
    """Publishes lists of records. `publish` returns when all are acknowledged by all in-sync replicas, or raises."""

    def __init__(self, settings: KafkaSettings, telemetry: Telemetry, *, compress: bool = False) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._compression = "zstd" if compress else None
        self._largest = LARGEST_PRESSED_BYTES if compress else LARGEST_PLAIN_BYTES
        self._producer: AIOKafkaProducer | None = None
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self) -> None:
        """Connect. The broker must answer."""
        self._producer = self._make()
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect; what was not acknowledged stays with its caller, who has not committed."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _abandon(producer)

    async def publish(self, topic: str, records: Sequence[AnyRecord]) -> None:
        """Publish in the given order within each partition.

        Raises `Transient` when not all were acknowledged (some may have been: the caller publishes the same again),
        and `Unprocessable` for a record that no broker takes.
        """
        if not records:
            return
        async with self._turns[topic]:
            producer = await self._current()
            try:
                partitions = await self._by_partition(producer, topic, records)
                await _all([self._in_order(producer, topic, number, mine) for number, mine in partitions.items()])
            except (KafkaError, TimeoutError, OSError) as error:
                await self._renew(producer)
                raise Transient(f"publishing to {topic} failed: {type(error).__name__} {error}") from error
        self._telemetry.published.labels(topic).inc(len(records))

    async def _by_partition(
        self, producer: AIOKafkaProducer, topic: str, records: Sequence[AnyRecord]
    ) -> dict[int, list[AnyRecord]]:
        async with asyncio.timeout(self._settings.request_timeout_ms / 1000):
            count = len(await producer.partitions_for(topic))
        shares: dict[int, list[AnyRecord]] = {}
        for record in records:
            named = record.partition if isinstance(record, Verbatim) else None
            at = named if named is not None and named < count else partition_of(record.key or b"", count)
            shares.setdefault(at, []).append(record)
        return shares

    async def _in_order(self, producer: AIOKafkaProducer, topic: str, partition: int, records: list[AnyRecord]) -> None:
        batch = producer.create_batch()
        for record in records:
            if len(record.value or b"") > self._largest:
                raise Unprocessable(
                    f"a record of {len(record.value or b'')} bytes for {topic} is larger than a batch may be"
                )
            while batch.append(key=record.key, value=record.value, timestamp=None, headers=record.headers) is None:
                await self._acknowledged(producer, batch, topic, partition)
                batch = producer.create_batch()
        await self._acknowledged(producer, batch, topic, partition)

    async def _acknowledged(self, producer: AIOKafkaProducer, batch: object, topic: str, partition: int) -> None:
        # An idempotent producer never gives a batch up by itself, so the time is bounded here.
        try:
            async with asyncio.timeout(2 * self._settings.request_timeout_ms / 1000):
                await (await producer.send_batch(batch, topic, partition=partition))
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise Unprocessable(
                f"the broker refuses a batch for {topic}: {error}; raise its max.message.bytes"
            ) from error

    def _make(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self._settings.connection(),
            acks="all",
            enable_idempotence=self._settings.enable_idempotence,
            max_batch_size=MAX_BATCH_BYTES,
            compression_type=self._compression,
            linger_ms=0,
        )

    async def _current(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = self._make()
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                await _abandon(producer)
                raise Transient(f"the broker does not answer: {type(error).__name__} {error}") from error
            self._producer = producer
        return self._producer

    async def _renew(self, broken: AIOKafkaProducer) -> None:
        """After a failure a fresh producer: an idempotent one may be stuck on its sequence numbers for good (aiokafka
        #1017).

        A batch that the old one still delivers late is a repeat of what the new one sends first, never a gap.
        """
        if self._producer is broken:
            self._producer = None
        await _abandon(broken)


async def _abandon(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except (KafkaError, TimeoutError, OSError) as error:
        log.warning("producer_abandoned", error=str(error) or type(error).__name__)


async def _all(sends: list[object]) -> None:
    """Await all, then raise the first failure: none may still be writing when the caller starts again."""
    for outcome in await asyncio.gather(*sends, return_exceptions=True):  # type: ignore[call-overload]
        if isinstance(outcome, BaseException):
            raise outcome
