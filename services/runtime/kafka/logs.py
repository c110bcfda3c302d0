"""Reading what lies on a topic, from outside every consumer group: all of it, or the records at given offsets."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.runtime.errors import Transient
from services.runtime.kafka import unpacking
from services.runtime.settings import KafkaSettings

_POLL_MS = 200
_SILENCE_S = 20.0
_NEAR = 2_000
"""So many offsets are read over rather than asked for anew."""


@dataclass(slots=True)
class Extent:
    """How much there is to read, as far as it is known, and how much of it was read."""

    total: int = 0
    read: int = 0


class LogReader:
    """Raises `Transient` if a topic is not there or nothing comes of it, and `KafkaError`."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer = consumer
        self._admin = admin

    async def topics(self) -> frozenset[str]:
        """All that are there, as far as whoever asks may know of them."""
        return frozenset(await self._admin.list_topics())

    async def whole(self, topic: str, extent: Extent) -> AsyncIterator[ConsumerRecord]:
        """Every record that lies on the topic now, in order within each partition. What is written meanwhile is left.

        The end is the high watermark of the first fetch: the embedded broker answers wrongly when asked for offsets.
        """
        open_ = await self._assign(topic)
        begins = await self._consumer.beginning_offsets(list(open_))
        ends: dict[TopicPartition, int] = {}
        heard = time.monotonic()
        while open_:
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
            for at in open_ - ends.keys():
                end = self._consumer.highwater(at)
                if end is not None:
                    ends[at] = end
                    extent.total += max(0, end - begins[at])
            for at, records in fetched.items():
                for record in records:
                    if record.offset < ends[at]:
                        extent.read += 1
                        yield record
            for at in list(open_):
                if at in ends and await self._consumer.position(at) >= ends[at]:
                    open_.discard(at)
                    self._consumer.pause(at)
            heard = _listening(heard, bool(fetched) or not open_, topic)

    async def at(self, topic: str, offsets: Mapping[int, Iterable[int]]) -> AsyncIterator[ConsumerRecord]:
        """The records at these offsets, by partition. Those that the topic does not keep any more do not come."""
        there = {at.partition for at in await self._assign(topic)}
        for partition in sorted(there & offsets.keys()):
            at = TopicPartition(topic, partition)
            self._consumer.assign([at])
            async for record in self._some(at, sorted(set(offsets[partition]))):
                yield record

    async def _some(self, at: TopicPartition, wanted: list[int]) -> AsyncIterator[ConsumerRecord]:
        heard = time.monotonic()
        position = None
        while wanted:
            if position is None or not 0 <= wanted[0] - position <= _NEAR:
                self._consumer.seek(at, wanted[0])
            records = (await self._consumer.getmany(at, timeout_ms=_POLL_MS)).get(at, [])
            for record in records:
                while wanted and wanted[0] < record.offset:
                    del wanted[0]  # gone
                if wanted and wanted[0] == record.offset:
                    del wanted[0]
                    yield record
            end = self._consumer.highwater(at)
            if end is not None:
                wanted = [offset for offset in wanted if offset < end]
            position = records[-1].offset + 1 if records else position
            heard = _listening(heard, bool(records) or not wanted, at.topic)

    async def _assign(self, topic: str) -> set[TopicPartition]:
        if topic not in await self._admin.list_topics():
            raise Transient(f"the broker has no topic {topic}; `tiendo topics` makes it")
        (told,) = await self._admin.describe_topics([topic])
        found = {TopicPartition(topic, one["partition"]) for one in told["partitions"]}
        self._consumer.assign(list(found))
        return found


@asynccontextmanager
async def reader(settings: KafkaSettings) -> AsyncIterator[LogReader]:
    """A reader that is connected. Within it, a broker that does not answer is `Transient`."""
    unpacking.install()
    admin = AIOKafkaAdminClient(**settings.connection())
    consumer = AIOKafkaConsumer(
        **settings.connection(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    try:
        await admin.start()
        await consumer.start()
        yield LogReader(consumer, admin)
    except (KafkaError, OSError) as error:
        raise Transient(f"the Kafka broker does not answer ({str(error) or type(error).__name__})") from error
    finally:
        await consumer.stop()
        await admin.close()


def _listening(heard: float, progress: bool, topic: str) -> float:
    """When something was heard last. Raises `Transient` after a long silence."""
    now = time.monotonic()
    if progress:
        return now
    if now - heard > _SILENCE_S:
        raise Transient(f"nothing of {topic} could be read for {_SILENCE_S:g} s")
    return heard
