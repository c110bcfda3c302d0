"""The catalog on Kafka: `apply` writes a version to `catalog.v1`, `CatalogFollower` reads it and follows it live.

No consumer group: everybody reads the whole topic, which is small, from its beginning. The one module of this package
that knows Kafka.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from contracts import envelope
from contracts.catalog import CatalogObject, Manifest, OrgUnit
from contracts.topics import CATALOG
from services.runtime.catalog import codec
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.codec import CatalogAssembler, CatalogRecord, CatalogUnreadable
from services.runtime.catalog.tenancy import refuse_claimed
from services.runtime.ending import end
from services.runtime.errors import Transient
from services.runtime.kafka import unpacking

log = structlog.get_logger()

SOURCE = "urn:tiendo:operator"
"""The CloudEvents source of what an operator applies."""

_POLL_MS = 200
_PAUSE_S = 1.0

OnSwitch = Callable[[Catalog], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an `apply` did. Nothing changed: both counts are 0 and `version` is the one that stood already."""

    version: str
    written: int
    removed: int


async def read(
    client_options: Mapping[str, Any], *, topic: str = CATALOG.name, timeout_s: float = 20.0
) -> dict[str, CatalogAssembler]:
    """What the topic holds now, by province. Raises `Transient` if the broker or the topic does not answer in time."""
    assemblers: dict[str, CatalogAssembler] = {}
    try:
        async with asyncio.timeout(timeout_s), _consumer(client_options, topic) as consumer:
            async for key, value, _ in _records(consumer, topic, until_caught_up=True):
                if not key:
                    continue
                province = key.split("/", 1)[0]
                # What an older or newer release wrote may be unreadable; its digests are still known.
                with contextlib.suppress(CatalogUnreadable):
                    assemblers.setdefault(province, CatalogAssembler(province)).feed(key, value)
    except (TimeoutError, KafkaError, OSError) as error:
        why = str(error) or f"no answer within {timeout_s:g} s"
        raise Transient(f"the topic {topic} cannot be read: {why}") from error
    return assemblers


async def apply(
    client_options: Mapping[str, Any],
    province: str,
    objects: Iterable[CatalogObject],
    *,
    now: datetime,
    floor: int = 0,
    topic: str = CATALOG.name,
    timeout_s: float = 30.0,
) -> Applied:
    """Make the topic hold exactly these objects: those that changed, then, acknowledged after them, the manifest.

    The version's number will be above `floor` too (for a broker that has forgotten its log). Interrupted at any point
    it can be run again; readers keep the version they have until the manifest. Raises `Transient`, and `UnitsClaimed`
    if another catalog on the topic has one of the units.
    """
    objects = tuple(objects)
    found = await read(client_options, topic=topic, timeout_s=timeout_s)
    refuse_claimed(
        province,
        (item.id for item in objects if isinstance(item, OrgUnit)),
        {other: assembler.unit_ids for other, assembler in found.items()},
    )
    held = found.get(province) or CatalogAssembler(province)
    records = codec.changes(province, objects, held.held, held.manifest, floor)
    if not records:
        assert held.manifest is not None  # nothing to change means that a manifest says so
        return Applied(held.manifest.version, 0, 0)
    *changed, last = records
    version = Manifest.model_validate_json(last.value or b"").version
    try:
        async with asyncio.timeout(timeout_s), _producer(client_options) as producer:
            await _send(producer, topic, changed, version, now)
            await _send(producer, topic, [last], version, now)
    except (TimeoutError, KafkaError, OSError) as error:
        why = str(error) or f"no answer within {timeout_s:g} s"
        raise Transient(f"the topic {topic} does not take the catalog: {why}; apply it again") from error
    removed = sum(record.value is None for record in changed)
    return Applied(version, len(changed) - removed, removed)


class CatalogFollower:
    """Follows `catalog.v1` for as long as a service runs.

    While it catches up it says nothing; then `on_switch` is awaited with the catalog of each province, and again with
    every later version, in order. What cannot be read leaves the version before in force.
    """

    def __init__(
        self,
        client_options: Mapping[str, Any],
        on_switch: OnSwitch | None = None,
        *,
        topic: str = CATALOG.name,
    ) -> None:
        self._options = client_options
        self._on_switch = on_switch
        self._topic = topic
        self._assemblers: dict[str, CatalogAssembler] = {}
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.catalogs: dict[str, Catalog] = {}
        """The catalog in force, by province; empty until it has caught up."""
        self.caught_up = False

    @property
    def why_not(self) -> str:
        """In words, why there is no catalog yet; empty if there is one."""
        if self.catalogs:
            return ""
        if not self.caught_up:
            return f"the topic {self._topic} has not been read to its end"
        for province, assembler in self._assemblers.items():
            if assembler.manifest is not None and assembler.missing:
                return f"{assembler.missing} objects of the catalog of {province} are missing; apply it again"
            if assembler.refusal:
                return f"the catalog of {province} cannot be used: {assembler.refusal}; mend it and apply it again"
        return f"the topic {self._topic} holds no catalog; run `tiendo catalog apply FOLDER`"

    async def start(self) -> None:
        """Begin to read, in a task of its own. Raises KafkaError or OSError if the broker does not answer."""
        stack = contextlib.AsyncExitStack()
        consumer = await stack.enter_async_context(_consumer(self._options, self._topic))
        self._task = asyncio.create_task(self._run(consumer, stack), name="catalog-follower")

    async def stop(self) -> None:
        """End reading and close the connection. What ended the reading before is `wait`'s to say."""
        task, self._task = self._task, None
        if task is not None:
            await end((task,))

    async def wait(self) -> None:
        """Wait for the reading to end, which it does only by failing: supervise this."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def end(self) -> None:
        """Wait until the topic was read to its end, whether or not it holds a catalog."""
        await self._until(lambda: self.caught_up)

    async def first(self) -> Catalog:
        """Wait until the topic was read to its end and holds a complete catalog; the first one, by province id."""
        await self._until(lambda: self.caught_up and bool(self.catalogs))
        return self.catalogs[min(self.catalogs)]

    async def at_least(self, province: str, number: int) -> Catalog:
        """Wait until the province's catalog has this number or a higher one."""
        await self._until(lambda: province in self.catalogs and self.catalogs[province].number >= number)
        return self.catalogs[province]

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait for something to hold; raise what ended the reading, if that comes first."""
        if self._task is None:
            raise RuntimeError("start() comes first")
        waiter = asyncio.create_task(self._wait_for(holds))
        try:
            await asyncio.wait({waiter, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not holds():
                self._task.result()
                raise asyncio.CancelledError
        finally:
            waiter.cancel()

    async def _wait_for(self, holds: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(holds)

    async def _run(self, consumer: AIOKafkaConsumer, stack: contextlib.AsyncExitStack) -> None:
        async with stack:
            async for key, value, caught_up in _records(consumer, self._topic):
                if key:
                    self._feed(key, value)
                if caught_up:
                    self.caught_up = True
                    await self._switch()

    def _feed(self, key: str, value: bytes | None) -> None:
        province = key.split("/", 1)[0]
        assembler = self._assemblers.setdefault(province, CatalogAssembler(province))
        try:
            assembler.feed(key, value)
        except CatalogUnreadable as error:
            log.error("catalog_unreadable", province=province, key=error.key, why=error.why)

    async def _switch(self) -> None:
        for province, assembler in self._assemblers.items():
            catalog = assembler.catalog
            if catalog is None or self.catalogs.get(province) is catalog:
                continue
            self.catalogs[province] = catalog
            log.info("catalog_switched", province=province, catalog_version=catalog.version)
            if self._on_switch is not None:
                await self._on_switch(catalog)
        async with self._changed:
            self._changed.notify_all()


@contextlib.asynccontextmanager
async def _consumer(client_options: Mapping[str, Any], topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    unpacking.install()
    consumer = AIOKafkaConsumer(
        **client_options, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    consumer.assign([TopicPartition(topic, 0)])
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


@contextlib.asynccontextmanager
async def _producer(client_options: Mapping[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    """Not idempotent: a record written twice by a retry is the same object twice."""
    producer = AIOKafkaProducer(**client_options, acks="all", enable_idempotence=False, linger_ms=5)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def _records(
    consumer: AIOKafkaConsumer, topic: str, *, until_caught_up: bool = False
) -> AsyncIterator[tuple[str, bytes | None, bool]]:
    """Key, value, and whether the end is reached with this record; an empty key stands for “the end, nothing new”.

    The end is the high watermark that comes with a fetch: the embedded broker answers wrongly when asked for offsets.
    """
    partition = TopicPartition(topic, 0)
    at_end = False
    while True:
        try:
            fetched = (await consumer.getmany(partition, timeout_ms=_POLL_MS)).get(partition, [])
        except (KafkaError, OSError) as error:
            if until_caught_up:
                raise
            log.warning("catalog_fetch_failed", why=str(error) or type(error).__name__)
            await asyncio.sleep(_PAUSE_S)
            continue
        end = consumer.highwater(partition)
        for message in fetched:
            at_end = end is not None and message.offset + 1 >= end
            yield (message.key or b"").decode(errors="replace"), message.value, at_end
        if not fetched and not at_end and end is not None and await consumer.position(partition) >= end:
            at_end = True
            yield "", None, True
        if until_caught_up and at_end:
            return


async def _send(
    producer: AIOKafkaProducer, topic: str, records: Iterable[CatalogRecord], version: str, now: datetime
) -> None:
    """Send and wait until all are acknowledged."""
    pending = []
    for record in records:
        headers = envelope.write(
            id=f"{record.key}@{version}", source=SOURCE, type=record.ce_type, time=now, subject=record.key
        )
        pending.append(
            await producer.send(topic, value=record.value, key=record.key.encode(), partition=0, headers=headers)
        )
    await asyncio.gather(*pending)
