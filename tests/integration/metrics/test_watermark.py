"""Decision 2's trap, on a real broker: batches sent side by side, of which the first fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import RequestTimedOutError

from contracts.observations import ObservationRecorded
from services.runtime.errors import Transient
from services.runtime.kafka.producer import AnyRecord, BatchProducer, Outgoing
from services.runtime.telemetry import Telemetry
from tests.hosts import kafka_settings
from tests.servers import KafkaServer
from tests.unit.metrics.builders import a_catalog, an_increment, local
from tests.unit.metrics.engine import Engine, record_of

NOW = local("2023-10-10")


class FailsOnce(BatchProducer):
    """A producer whose first batch is lost on the way, as it is when a connection breaks."""

    failed = False

    async def _in_order(self, producer: Any, topic: str, partition: int, records: list[AnyRecord]) -> None:
        if not self.failed:
            self.failed = True
            raise RequestTimedOutError
        await super()._in_order(producer, topic, partition, records)


@pytest.fixture
async def topic(kafka_server: KafkaServer, unique: Callable[[str], str]) -> str:
    name = unique("observations")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    return name


@pytest.fixture
async def producer(kafka_server: KafkaServer) -> AsyncIterator[FailsOnce]:
    made = FailsOnce(kafka_settings(kafka_server), Telemetry())
    await made.start()
    yield made
    await made.stop()


def ten(first: int) -> list[ObservationRecorded]:
    """Ten increments of 1, in the order of the raw log."""
    return [an_increment(numerator=1, denominator=1, offset=first + at) for at in range(10)]


def outgoing(batch: Sequence[ObservationRecorded]) -> list[Outgoing]:
    records = [record_of(one) for one in batch]
    return [Outgoing(record.key, record.value, list(record.headers)) for record in records]


async def told(server: KafkaServer, topic: str, count: int) -> Engine:
    """An engine that was delivered the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=server.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    found: list[ConsumerRecord] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                found += records
    await consumer.stop()
    engine = Engine(a_catalog(), NOW)
    for first in range(0, len(found), 7):
        await engine.handler.handle(found[first : first + 7])
    return engine


async def test_one_batch_at_a_time_loses_nothing(kafka_server: KafkaServer, topic: str, producer: FailsOnce) -> None:
    """As the delivery does it: after a failure from the committed offset on, the next batch only after the last."""
    batches = [ten(0), ten(10)]
    done = 0
    while done < len(batches):
        try:
            await producer.publish(topic, outgoing(batches[done]))
        except Transient:
            continue
        done += 1
    assert (await told(kafka_server, topic, 20)).record().numerator == 20


async def test_side_by_side_the_second_arrives_without_the_first_and_the_watermark_swallows_it(
    kafka_server: KafkaServer, topic: str, producer: FailsOnce
) -> None:
    """What must never be done, and why: this test fails when it would be harmless."""
    first, second = ten(0), ten(10)
    outcomes = await asyncio.gather(
        producer.publish(topic, outgoing(first)), producer.publish(topic, outgoing(second)), return_exceptions=True
    )
    assert isinstance(outcomes[0], Transient)
    assert outcomes[1] is None
    await producer.publish(topic, outgoing(first))
    assert (await told(kafka_server, topic, 20)).record().numerator == 10
