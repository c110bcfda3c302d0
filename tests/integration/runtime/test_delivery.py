"""The one delivery policy, on a real broker: what is committed, what is read again, and what stops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.runtime.errors import Blown, Fenced, Transient, Unprocessable
from services.runtime.host import Host
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.delivery import TRIES, Delivery
from services.runtime.kafka.unpacking import MOST_BYTES
from tests.hosts import a_host, eventually, kafka_settings
from tests.servers import KafkaServer


class Collecting:
    """A handler that keeps the values it was given and fails as told."""

    def __init__(self, fail: Callable[[Sequence[ConsumerRecord]], None] = lambda _: None) -> None:
        self.handled: list[bytes] = []
        self.calls = 0
        self.forgotten = 0
        self.fail = fail

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        self.calls += 1
        self.fail(records)
        self.handled += [record.value for record in records]

    async def forget(self) -> None:
        self.forgotten += 1


@pytest.fixture
async def topic(kafka_server: KafkaServer, unique: Callable[[str], str]) -> str:
    name = unique("figures")
    await make(kafka_server, name)
    return name


async def make(server: KafkaServer, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.close()


async def publish(server: KafkaServer, topic: str, values: Sequence[bytes], partition: int = 0) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=server.bootstrap, acks="all")
    await producer.start()
    try:
        batch = producer.create_batch()  # one batch, since Tansu's ListOffsets is wrong only about those of several
        for value in values:
            batch.append(key=None, value=value, timestamp=None, headers=[("odd", b"\xff"), ("none", b"")])
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()


async def committed(server: KafkaServer, topic: str, partition: int = 0, group_of: str | None = None) -> int | None:
    group = "g-" + (group_of or topic)
    consumer = AIOKafkaConsumer(bootstrap_servers=server.bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        found: int | None = await consumer.committed(TopicPartition(topic, partition))
        return found
    finally:
        await consumer.stop()


class LookingAhead(Collecting):
    """One that takes its time, and looks at the next fetch meanwhile."""

    def __init__(self, fail: Callable[[Sequence[ConsumerRecord]], None] = lambda _: None) -> None:
        super().__init__(fail)
        self.go_on = asyncio.Event()
        self.seen: list[bytes] = []

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        await self.go_on.wait()
        await super().handle(records)

    async def look_ahead(self, records: Sequence[ConsumerRecord]) -> None:
        self.seen += [record.value for record in records]


@asynccontextmanager
async def consuming(
    server: KafkaServer, topic: str, handler: Collecting, pattern: str | None = None
) -> AsyncIterator[tuple[Delivery, Host]]:
    settings = kafka_settings(server, max_records=10, metadata_max_age_ms=1_000)
    async with a_host() as host:
        delivery = Delivery(
            topic=topic,
            group="g-" + topic,
            handler=handler,
            settings=settings,
            telemetry=host.telemetry,
            health=host.health,
            pattern=pattern,
            look_ahead=handler.look_ahead if isinstance(handler, LookingAhead) else None,
        )
        await consume(host, settings, delivery)
        yield delivery, host


async def test_what_was_handled_is_committed_and_does_not_come_again(kafka_server: KafkaServer, topic: str) -> None:
    await publish(kafka_server, topic, [b"a", b"b"])
    first = Collecting()
    async with consuming(kafka_server, topic, first):
        await eventually(lambda: first.handled == [b"a", b"b"])
    assert await committed(kafka_server, topic) == 2
    await publish(kafka_server, topic, [b"c"])
    second = Collecting()
    async with consuming(kafka_server, topic, second):
        await eventually(lambda: second.handled == [b"c"])


async def bomb(server: KafkaServer, topic: str, *, size: int, records: int) -> None:
    """A compressed batch of so many records of zeros."""
    producer = AIOKafkaProducer(
        bootstrap_servers=server.bootstrap,
        acks="all",
        enable_idempotence=server.idempotence,
        compression_type="zstd",
        max_batch_size=2**31 - 1,
        max_request_size=2**31 - 1,
    )
    await producer.start()
    try:
        batch = producer.create_batch()
        for _ in range(records):
            batch.append(key=None, value=bytes(size), timestamp=None)
        await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


async def test_a_compressed_bomb_comes_as_one_packed_record_and_what_is_behind_it_is_handled(
    kafka_server: KafkaServer, topic: str
) -> None:
    await publish(kafka_server, topic, [b"before"])
    await bomb(kafka_server, topic, size=MOST_BYTES // 2, records=3)
    for _ in range(3):  # more than is unpacked of one fetch
        await bomb(kafka_server, topic, size=9 * 2**20, records=2)
    await publish(kafka_server, topic, [b"behind"])
    handler = Collecting()
    async with consuming(kafka_server, topic, handler):
        await eventually(lambda: len(handler.handled) == 9)
    before, packed, *zeros, behind = handler.handled
    assert (before, behind) == (b"before", b"behind")
    assert 0 < len(packed) < 100_000
    assert [len(one) for one in zeros] == [9 * 2**20] * 6
    assert await committed(kafka_server, topic) == 11


async def test_while_the_world_is_away_the_same_batch_is_tried_again_and_nothing_is_committed(
    kafka_server: KafkaServer, topic: str
) -> None:
    away = asyncio.Event()

    def fail(_: Sequence[ConsumerRecord]) -> None:
        if not away.is_set():
            raise Transient("the database is away")

    handler = Collecting(fail)
    await publish(kafka_server, topic, [b"a"])
    async with consuming(kafka_server, topic, handler) as (_, host):
        await eventually(lambda: handler.calls > TRIES)
        assert "the database is away" in str(await host.health.not_ready())
        assert await committed(kafka_server, topic) is None
        away.set()
        await eventually(lambda: handler.handled == [b"a"])
        async with asyncio.timeout(20):
            while await host.health.not_ready():  # noqa: ASYNC110 - the batch is committed by another task
                await asyncio.sleep(0.02)
    assert await committed(kafka_server, topic) == 1
    assert handler.forgotten >= TRIES


async def test_a_record_that_cannot_be_handled_stops_its_partition_and_no_other(
    kafka_server: KafkaServer, topic: str
) -> None:
    def fail(records: Sequence[ConsumerRecord]) -> None:
        if any(record.value == b"poison" for record in records):
            raise Unprocessable("our bug")

    handler = Collecting(fail)
    async with consuming(kafka_server, topic, handler) as (_, host):
        await publish(kafka_server, topic, [b"poison", b"behind it"], partition=0)
        await publish(kafka_server, topic, [b"x", b"y"], partition=1)
        await eventually(lambda: handler.handled == [b"x", b"y"])
        await eventually(lambda: b'halted_partitions{topic="%s"} 1.0' % topic.encode() in host.telemetry.exposition())
        assert f"the fuse stopped {topic}/0;" in str(await host.health.not_ready())
        await publish(kafka_server, topic, [b"z"], partition=1)
        await eventually(lambda: handler.handled == [b"x", b"y", b"z"])
    assert await committed(kafka_server, topic, 0) in (None, 0)
    mended = Collecting()
    async with consuming(kafka_server, topic, mended):
        await eventually(lambda: mended.handled == [b"poison", b"behind it"])


async def test_a_stopped_partition_goes_on_from_where_it_was_stopped_when_it_is_told_to(
    kafka_server: KafkaServer, topic: str
) -> None:
    mended = False

    def fail(records: Sequence[ConsumerRecord]) -> None:
        if not mended and any(record.value == b"poison" for record in records):
            raise Blown("too much of it is bad")

    handler = Collecting(fail)
    async with consuming(kafka_server, topic, handler) as (delivery, host):
        await publish(kafka_server, topic, [b"poison", b"behind it"], partition=0)
        await publish(kafka_server, topic, [b"x"], partition=1)
        await eventually(lambda: b'halted_partitions{topic="%s"} 1.0' % topic.encode() in host.telemetry.exposition())
        await eventually(lambda: handler.handled == [b"x"])
        assert handler.calls <= 3, "what blows the fuse is not tried again"
        assert delivery.resume() == [TopicPartition(topic, 0)]
        await eventually(lambda: b'halted_partitions{topic="%s"} 1.0' % topic.encode() in host.telemetry.exposition())
        assert await committed(kafka_server, topic, 0) in (None, 0)
        mended = True
        assert delivery.resume() == [TopicPartition(topic, 0)]
        await eventually(lambda: handler.handled == [b"x", b"poison", b"behind it"])
        assert await host.health.not_ready() == {}
        assert delivery.resume() == []
    assert await committed(kafka_server, topic, 0) == 2


async def test_a_world_that_is_away_meanwhile_stops_no_partition_that_is_sound(
    kafka_server: KafkaServer, topic: str
) -> None:
    blips = iter([True, True])

    def fail(records: Sequence[ConsumerRecord]) -> None:
        if any(record.value == b"poison" for record in records):
            raise Unprocessable("our bug")
        if next(blips, False):
            raise Transient("the database is away")

    handler = Collecting(fail)
    await publish(kafka_server, topic, [b"poison"], partition=0)
    await publish(kafka_server, topic, [b"sound"], partition=1)
    async with consuming(kafka_server, topic, handler) as (_, host):
        await eventually(lambda: handler.handled == [b"sound"])
        await eventually(lambda: b'halted_partitions{topic="%s"} 1.0' % topic.encode() in host.telemetry.exposition())
        assert f"the fuse stopped {topic}/0;" in str(await host.health.not_ready())
    assert await committed(kafka_server, topic, 1) == 1


async def test_a_fenced_writer_forgets_and_reads_again_from_the_committed_offset(
    kafka_server: KafkaServer, topic: str
) -> None:
    fences = iter([True, False, False])

    def fail(_: Sequence[ConsumerRecord]) -> None:
        if next(fences, False):
            raise Fenced("rev 4 was expected, 5 is there")

    handler = Collecting(fail)
    await publish(kafka_server, topic, [b"a"])
    async with consuming(kafka_server, topic, handler):
        await eventually(lambda: handler.handled == [b"a"])
    assert handler.calls == 2
    assert await committed(kafka_server, topic) == 1


async def test_members_that_join_and_leave_handle_each_record_once(kafka_server: KafkaServer, topic: str) -> None:
    one, two = Collecting(), Collecting()
    total = 60

    async def load() -> None:
        for number in range(total // 2):
            await publish(kafka_server, topic, [b"p0-%d" % number], partition=0)
            await publish(kafka_server, topic, [b"p1-%d" % number], partition=1)

    async with consuming(kafka_server, topic, one):
        loading = asyncio.create_task(load())
        await eventually(lambda: len(one.handled) > 5)
        async with consuming(kafka_server, topic, two) as (second, _):
            await eventually(lambda: second.assigned)
            await loading
            await eventually(lambda: len(one.handled) + len(two.handled) >= total)
    assert sorted(one.handled + two.handled) == sorted(
        [b"p0-%d" % n for n in range(total // 2)] + [b"p1-%d" % n for n in range(total // 2)]
    )


async def test_a_stop_while_the_world_is_away_leaves_the_batch_to_the_next(
    kafka_server: KafkaServer, topic: str
) -> None:
    def fail(_: Sequence[ConsumerRecord]) -> None:
        raise Transient("away")

    await publish(kafka_server, topic, [b"a"])
    stubborn = Collecting(fail)
    async with consuming(kafka_server, topic, stubborn):
        await eventually(lambda: stubborn.calls)
    assert await committed(kafka_server, topic) is None
    handler = Collecting()
    async with consuming(kafka_server, topic, handler):
        await eventually(lambda: handler.handled == [b"a"])


async def catches_up(delivery: Delivery) -> None:
    async with asyncio.timeout(20):
        while not await delivery.caught_up():  # noqa: ASYNC110 - the batch is handled by another task
            await asyncio.sleep(0.02)


async def test_caught_up_is_who_handled_all_that_lay_there_when_the_partitions_were_assigned(
    kafka_server: KafkaServer, topic: str
) -> None:
    away = True

    def fail(_: Sequence[ConsumerRecord]) -> None:
        if away:
            raise Transient("the database is away")

    await publish(kafka_server, topic, [b"a", b"b"])
    handler = Collecting(fail)
    async with consuming(kafka_server, topic, handler) as (delivery, _):
        await eventually(lambda: handler.calls > 0)
        assert not await delivery.caught_up()
        away = False
        await eventually(lambda: handler.handled == [b"a", b"b"])
        await catches_up(delivery)
        away = True
        await publish(kafka_server, topic, [b"c", b"d"])
        calls = handler.calls
        await eventually(lambda: handler.calls > calls)
        assert await delivery.caught_up()  # what comes later is handled in its turn
    away = False
    later = Collecting(fail)
    async with consuming(kafka_server, topic, later) as (delivery, _):
        await eventually(lambda: later.handled == [b"c", b"d"])
        await catches_up(delivery)
    idle = Collecting(fail)
    async with consuming(kafka_server, topic, idle) as (delivery, _):
        await catches_up(delivery)
    assert idle.calls == 0


async def test_of_a_partition_that_another_has_taken_meanwhile_nothing_is_known(
    kafka_server: KafkaServer, topic: str
) -> None:
    await publish(kafka_server, topic, [b"a", b"b"])
    async with (
        consuming(kafka_server, topic, Collecting()) as (one, _),
        consuming(kafka_server, topic, Collecting()) as (other, _),
    ):
        await eventually(lambda: len(one.assigned) == len(other.assigned) == 1)
        one.held |= other.held  # as it was a moment ago
        assert not await one.caught_up()
        assert one.lag() == 0
        assert [await one.end(partition) > 0 for partition in (0, 1)] == [True, False]


async def test_topics_that_a_pattern_matches_are_handled_too_and_new_ones_without_a_restart(
    kafka_server: KafkaServer, topic: str
) -> None:
    await publish(kafka_server, topic, [b"a"])
    handler = Collecting()
    async with consuming(kafka_server, topic, handler, rf"{topic}(\.from\.[a-z]+)?$") as (delivery, _):
        await eventually(lambda: handler.handled == [b"a"])
        await make(kafka_server, f"{topic}.from.x")
        await make(kafka_server, f"{topic}.dlq")
        await publish(kafka_server, f"{topic}.from.x", [b"b", b"c"])
        await publish(kafka_server, f"{topic}.dlq", [b"not this"])
        await eventually(lambda: handler.handled == [b"a", b"b", b"c"])
        assert delivery.assigned == {0, 1}
        await eventually(lambda: len(delivery.held) == 4)
        await publish(kafka_server, topic, [b"d"])
        await eventually(lambda: handler.handled == [b"a", b"b", b"c", b"d"])
        await eventually(lambda: delivery.lag() == 0)
    assert await committed(kafka_server, topic) == 2
    assert await committed(kafka_server, f"{topic}.from.x", group_of=topic) == 2


async def test_what_cannot_be_handled_stops_the_partition_of_its_topic_and_not_its_namesake(
    kafka_server: KafkaServer, topic: str
) -> None:
    own, mended = f"{topic}.from.x", False

    def fail(records: Sequence[ConsumerRecord]) -> None:
        if not mended and any(record.value == b"poison" for record in records):
            raise Unprocessable("our bug")

    handler = Collecting(fail)
    await make(kafka_server, own)
    await publish(kafka_server, own, [b"poison"])
    await publish(kafka_server, topic, [b"sound"])
    async with consuming(kafka_server, topic, handler, rf"{topic}(\.from\.[a-z]+)?$") as (delivery, host):
        await eventually(lambda: b'halted_partitions{topic="%s"} 1.0' % topic.encode() in host.telemetry.exposition())
        assert f"the fuse stopped {own}/0;" in str(await host.health.not_ready())
        await publish(kafka_server, topic, [b"sound too"])
        await eventually(lambda: handler.handled == [b"sound", b"sound too"])
        mended = True
        assert delivery.resume() == [TopicPartition(own, 0)]
        await eventually(lambda: handler.handled == [b"sound", b"sound too", b"poison"])
    assert await committed(kafka_server, own, group_of=topic) == 1
    assert await committed(kafka_server, topic) == 2


async def test_members_share_a_topic_that_is_made_meanwhile_and_handle_each_record_once(
    kafka_server: KafkaServer, topic: str
) -> None:
    own, pattern = f"{topic}.from.x", rf"{topic}(\.from\.[a-z]+)?$"
    one, two = Collecting(), Collecting()
    sent = [b"%d" % number for number in range(60)]

    async def load() -> None:
        for number, value in enumerate(sent):
            await publish(
                kafka_server, own if number % 2 and number > 20 else topic, [value], partition=number // 2 % 2
            )

    async with (
        consuming(kafka_server, topic, one, pattern) as (first, _),
        consuming(kafka_server, topic, two, pattern) as (second, _),
    ):
        await eventually(lambda: len(first.held) == len(second.held) == 1)
        await make(kafka_server, own)
        await load()
        await eventually(lambda: len(one.handled) + len(two.handled) >= len(sent))
        await eventually(lambda: len(first.held) + len(second.held) == 4)
        assert first.held.isdisjoint(second.held)
    assert sorted(one.handled + two.handled) == sorted(sent)


async def test_the_next_fetch_is_looked_at_while_a_batch_is_handled_and_handled_after_it(
    kafka_server: KafkaServer, topic: str
) -> None:
    handler = LookingAhead()
    await publish(kafka_server, topic, [b"a"])
    async with consuming(kafka_server, topic, handler) as (delivery, _):
        await eventually(lambda: delivery.turn.locked())
        await publish(kafka_server, topic, [b"b", b"c"])
        await eventually(lambda: handler.seen == [b"b", b"c"])
        assert handler.handled == []
        assert await committed(kafka_server, topic) is None
        handler.go_on.set()
        await eventually(lambda: handler.handled == [b"a", b"b", b"c"])
    assert await committed(kafka_server, topic) == 3


async def test_what_was_looked_at_behind_a_batch_that_stops_its_partition_waits_with_it(
    kafka_server: KafkaServer, topic: str
) -> None:
    mended = False

    def fail(records: Sequence[ConsumerRecord]) -> None:
        if not mended and any(record.value == b"poison" for record in records):
            raise Blown("too much of it is bad")

    handler = LookingAhead(fail)
    await publish(kafka_server, topic, [b"poison"], partition=0)
    async with consuming(kafka_server, topic, handler) as (delivery, host):
        await eventually(lambda: delivery.turn.locked())
        await publish(kafka_server, topic, [b"behind it"], partition=0)
        await eventually(lambda: handler.seen == [b"behind it"])
        handler.go_on.set()
        await eventually(lambda: b'halted_partitions{topic="%s"} 1.0' % topic.encode() in host.telemetry.exposition())
        await publish(kafka_server, topic, [b"x"], partition=1)
        await eventually(lambda: handler.handled == [b"x"])
        assert await committed(kafka_server, topic) in (None, 0)
        mended = True
        assert delivery.resume() == [TopicPartition(topic, 0)]
        await eventually(lambda: handler.handled == [b"x", b"poison", b"behind it"])
    assert await committed(kafka_server, topic) == 2


async def test_a_fenced_writer_reads_again_what_it_had_looked_at(kafka_server: KafkaServer, topic: str) -> None:
    fences = iter([True])

    def fail(_: Sequence[ConsumerRecord]) -> None:
        if next(fences, False):
            raise Fenced("rev 4 was expected, 5 is there")

    handler = LookingAhead(fail)
    await publish(kafka_server, topic, [b"a"])
    async with consuming(kafka_server, topic, handler) as (delivery, _):
        await eventually(lambda: delivery.turn.locked())
        await publish(kafka_server, topic, [b"b"])
        await publish(kafka_server, topic, [b"x"], partition=1)
        await eventually(lambda: b"b" in handler.seen)
        handler.go_on.set()
        await eventually(lambda: sorted(handler.handled) == [b"a", b"b", b"x"])
        assert handler.handled.index(b"a") < handler.handled.index(b"b")
    assert await committed(kafka_server, topic) == 2


async def test_a_stop_finishes_the_batch_in_hand_and_leaves_what_was_only_looked_at(
    kafka_server: KafkaServer, topic: str
) -> None:
    handler = LookingAhead()
    await publish(kafka_server, topic, [b"a"])
    async with consuming(kafka_server, topic, handler) as (delivery, _):
        await eventually(lambda: delivery.turn.locked())
        await publish(kafka_server, topic, [b"b"])
        await eventually(lambda: handler.seen == [b"b"])
        delivery.stop()
        handler.go_on.set()
    assert handler.handled == [b"a"]
    assert await committed(kafka_server, topic) == 1


async def test_members_that_join_and_leave_look_ahead_at_nothing_they_then_lose(
    kafka_server: KafkaServer, topic: str
) -> None:
    one, two = LookingAhead(), LookingAhead()
    one.go_on.set()
    two.go_on.set()

    async def load() -> None:
        for number in range(30):
            await publish(kafka_server, topic, [b"p0-%02d" % number], partition=0)
            await publish(kafka_server, topic, [b"p1-%02d" % number], partition=1)

    async with consuming(kafka_server, topic, one):
        loading = asyncio.create_task(load())
        await eventually(lambda: len(one.handled) > 5)
        async with consuming(kafka_server, topic, two) as (second, _):
            await eventually(lambda: second.assigned)
            await loading
            await eventually(lambda: len(one.handled) + len(two.handled) >= 60)
    assert sorted(one.handled + two.handled) == sorted(b"p%d-%02d" % (p, n) for p in (0, 1) for n in range(30))
    for handler in (one, two):
        for partition in (b"p0", b"p1"):
            mine = [value for value in handler.handled if value.startswith(partition)]
            assert mine == sorted(mine)
