"""Looking into a quarantine on a real broker: all of it, parts of it, and what comes back of what was cut."""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient

from services.runtime.errors import Transient
from services.runtime.kafka import letter
from services.runtime.kafka.letter import Finding
from services.runtime.kafka.logs import Extent, LogReader, reader
from services.runtime.kafka.place import Place
from services.runtime.kafka.producer import LARGEST_PRESSED_BYTES, BatchProducer, Outgoing, Verbatim
from services.runtime.kafka.quarantine import Fate, Lying, Marks, Quarantine, Wanted
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.hosts import kafka_settings
from tests.servers import KafkaServer

PARTITIONS = 3
LOG, DLQ_LOG = "log", "dlq-log"
DAY = datetime(2026, 3, 1, tzinfo=UTC)


async def _log_of(topic: str) -> str:
    return LOG


@dataclass(frozen=True, slots=True)
class World:
    """A topic and its quarantine."""

    topic: str
    settings: KafkaSettings
    producer: BatchProducer
    reader: LogReader
    originals: LogReader
    marks: Marks

    @property
    def quarantine(self) -> Quarantine:
        return Quarantine(self.topic, DLQ_LOG, _log_of, self.reader, self.marks)

    async def whole(self, topic: str) -> list[ConsumerRecord]:
        return [record async for record in self.reader.whole(topic, Extent())]

    async def quarantined(self, records: Sequence[ConsumerRecord], source: str = "urn:a", reason: str = "bad") -> None:
        """Each a day after the one before."""
        letters = [
            letter.write(one, Finding(reason, "why", "test", LOG, DAY + timedelta(days=n), source))
            for n, one in enumerate(records)
        ]
        await self.producer.publish(self.topic + ".dlq", letters)

    async def lying(self, wanted: Wanted | None = None, limit: int | None = None) -> list[Lying]:
        chunks = self.quarantine.letters(wanted or Wanted(), Extent(), limit)
        return [one async for chunk in chunks for one in chunk]


@pytest.fixture
async def world(kafka_server: KafkaServer, mongo_uri: str, unique: Callable[[str], str]) -> AsyncIterator[World]:
    topic, settings = unique("reported"), kafka_settings(kafka_server)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)
    await admin.start()
    two_mebibytes = {"max.message.bytes": str(2 * 2**20)}
    await admin.create_topics(
        [NewTopic(topic, PARTITIONS, 1), NewTopic(topic + ".dlq", 1, 1, topic_configs=two_mebibytes)]
    )
    await admin.close()
    producer = BatchProducer(settings, Telemetry(), compress=True)
    await producer.start()
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri, tz_aware=True)
    async with client, reader(settings) as reading, reader(settings) as originals:
        marks = Marks(client[unique("platform")])
        await marks.prepare()
        yield World(topic, settings, producer, reading, originals, marks)
        await client.drop_database(unique("platform"))
    await producer.stop()


async def published(world: World, values: Sequence[bytes | None], partition: int | None = 0) -> None:
    await world.producer.publish(world.topic, [Verbatim(None, value, [], partition) for value in values])


async def test_a_topic_is_read_to_where_it_ended_and_what_is_written_meanwhile_is_left(world: World) -> None:
    for partition in range(PARTITIONS - 1):
        await published(world, [b"%d-%d" % (partition, n) for n in range(1_000)], partition)
    extent, seen = Extent(), []
    async for record in world.reader.whole(world.topic, extent):
        seen.append(record.value)
        if len(seen) == 1:
            await published(world, [b"late"] * 10)
    assert sorted(seen) == sorted(b"%d-%d" % (partition, n) for partition in (0, 1) for n in range(1_000))
    assert (extent.read, extent.total) == (2_000, 2_000)
    assert len(await world.whole(world.topic)) == 2_010


async def test_an_empty_topic_has_nothing_to_read(world: World) -> None:
    assert await world.whole(world.topic) == []


async def test_records_are_found_at_their_offsets_and_those_that_are_not_there_do_not_come(world: World) -> None:
    await published(world, [b"%d" % n for n in range(5_000)])
    await published(world, [b"other"], 1)
    wanted = {0: [4_999, 3, 2_500, 2_501, 5_000, 9_999], 1: [0, 1], 2: [0], 7: [0]}
    found = [
        (record.partition, record.offset, record.value) async for record in world.originals.at(world.topic, wanted)
    ]
    assert found == [(0, 3, b"3"), (0, 2_500, b"2500"), (0, 2_501, b"2501"), (0, 4_999, b"4999"), (1, 0, b"other")]


async def test_a_topic_that_is_not_there_is_said(world: World) -> None:
    with pytest.raises(Transient, match="tiendo topics"):
        await world.whole(world.topic + ".not-there")


async def test_without_a_broker_reading_is_transient() -> None:
    with pytest.raises(Transient, match="does not answer"):
        async with reader(KafkaSettings(bootstrap="127.0.0.1:1", request_timeout_ms=1_000)):
            pass


async def test_letters_are_chosen_by_source_reason_moment_and_offset(world: World) -> None:
    await published(world, [b"%d" % n for n in range(4)])
    records = await world.whole(world.topic)
    await world.quarantined(records)
    await world.quarantined(records[:2], "urn:b", "worse")

    async def offsets(**wanted: Any) -> list[int]:
        return [one.letter.place.offset for one in await world.lying(Wanted(**wanted))]

    assert await offsets() == [0, 1, 2, 3, 4, 5]
    assert await offsets(sources=frozenset({"urn:b"})) == [4, 5]
    assert await offsets(reasons=frozenset({"bad", "other"})) == [0, 1, 2, 3]
    assert await offsets(since=DAY + timedelta(days=1), until=DAY + timedelta(days=3)) == [1, 2, 5]
    assert await offsets(offsets=frozenset({5, 0, 99})) == [0, 5]


async def test_what_was_dropped_or_replayed_is_marked_and_does_not_count_for_a_limit(world: World) -> None:
    await published(world, [b"%d" % n for n in range(4)])
    await world.quarantined(await world.whole(world.topic))
    first = [one.letter for one in await world.lying()]
    await world.quarantine.drop(first[:1])
    sent = await world.quarantine.replay(first[1:2], world.producer, world.originals)
    assert [one.place.offset for one in sent.done] == [1]
    limited = await world.lying(limit=1)
    assert [one.mark and one.mark.fate for one in limited] == [Fate.DROPPED, Fate.REPLAYED, None]
    assert [record.value for record in await world.whole(world.topic)] == [b"0", b"1", b"2", b"3", b"1"]


async def test_of_what_was_cut_the_original_is_sent_again_as_long_as_it_is_kept(world: World) -> None:
    small = b"as it was"
    await published(world, [b"before", small], 2)
    (_, record) = [one for one in await world.whole(world.topic)]
    bomb = ConsumerRecord(world.topic, 2, 1, 1, 0, b"k", random.Random(1).randbytes(2_000_000), None, 1, 1, ())
    gone = ConsumerRecord(world.topic, 2, 77, 1, 0, b"k", bomb.value, None, 1, 1, ())
    await world.quarantined([bomb, gone, record])
    letters = [one.letter for one in await world.lying()]
    assert [one.cut is not None for one in letters] == [True, True, False]
    sent = await world.quarantine.replay(letters, world.producer, world.originals)
    assert [one.place.offset for one in sent.done] == [0, 2]
    assert [one.place.offset for one in sent.gone] == [1]
    assert [one.value for one in await world.whole(world.topic)] == [b"before", small, small, small]
    assert await world.marks.of([Place(DLQ_LOG, world.topic + ".dlq", 0, 1)]) == {}


async def test_a_cut_letter_that_was_written_twice_is_replayed_both_times_and_lies_there_no_more(world: World) -> None:
    await published(world, [b"as it was"])
    bomb = ConsumerRecord(world.topic, 0, 0, 1, 0, b"k", random.Random(1).randbytes(2_000_000), None, 1, 1, ())
    await world.quarantined([bomb])
    await world.quarantined([bomb])
    sent = await world.quarantine.replay([one.letter for one in await world.lying()], world.producer, world.originals)
    assert ([one.place.offset for one in sent.done], sent.gone) == ([0, 1], [])
    assert [one.mark and one.mark.fate for one in await world.lying()] == [Fate.REPLAYED, Fate.REPLAYED]


async def test_a_letter_of_another_log_is_not_replaced_by_what_lies_at_its_offset_now(world: World) -> None:
    await published(world, [b"somebody else's"])
    large = random.Random(1).randbytes(2_000_000)
    bomb = ConsumerRecord(world.topic, 0, 0, 1, 0, b"k", large, None, 1, 1, ())
    await world.producer.publish(
        world.topic + ".dlq", [letter.write(bomb, Finding("bad", "", "test", "former-log", DAY))]
    )
    sent = await world.quarantine.replay([one.letter for one in await world.lying()], world.producer, world.originals)
    assert (len(sent.done), len(sent.gone)) == (0, 1)


async def test_each_letter_goes_back_to_the_topic_that_it_came_from_as_long_as_there_is_one(
    world: World, kafka_server: KafkaServer
) -> None:
    own = world.topic + ".from.p.a"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(own, PARTITIONS, 1)])
    await admin.close()
    await published(world, [b"for all"], 1)
    await world.producer.publish(own, [Verbatim(None, b"its own", [], 2)])
    gone = ConsumerRecord(world.topic + ".from.p.gone", 0, 0, 1, 0, b"k", b"late", None, 1, 1, ())
    await world.quarantined([*await world.whole(own), *await world.whole(world.topic), gone])
    letters = [one.letter for one in await world.lying()]
    sent = await world.quarantine.replay(letters, world.producer, world.originals)
    assert [one.value for one in sent.gone] == [b"late"]
    assert [(one.partition, one.value) for one in await world.whole(own)] == [(2, b"its own")] * 2
    assert [(one.partition, one.value) for one in await world.whole(world.topic)] == [(1, b"for all")] * 2


async def test_what_the_broker_does_not_take_holds_up_nothing_else(world: World) -> None:
    await published(world, [b"a", b"b", b"c"])
    await world.quarantined(await world.whole(world.topic))
    letters = [one.letter for one in await world.lying()]
    letters[1] = letter.read(_with(letters[1], b"[" * (LARGEST_PRESSED_BYTES + 1)), DLQ_LOG)
    sent = await world.quarantine.replay(letters, world.producer, world.originals)
    assert [one.place.offset for one in sent.done] == [0, 2]
    assert [one.place.offset for one in sent.refused] == [1]


def _with(one: letter.Letter, value: bytes) -> ConsumerRecord:
    headers = tuple(one.headers)
    return ConsumerRecord(one.place.topic, 0, one.place.offset, 1, 0, b"k", value, None, 1, 1, headers)


async def test_a_record_with_neither_key_nor_value_is_published(world: World) -> None:
    await world.producer.publish(world.topic, [Verbatim(None, None, [("a", None)], 99), Outgoing(b"k", b"v")])
    found = await world.whole(world.topic)
    assert sorted((record.key, record.value, list(record.headers)) for record in found if record.key is None) == [
        (None, None, [("a", None)])
    ]
