"""The batch producer, on a real broker: the partition that every client chooses, order, and what does not fit."""

from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.runtime.errors import Transient, Unprocessable
from services.runtime.kafka.producer import BatchProducer, Outgoing, partition_of
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.hosts import kafka_settings
from tests.servers import KafkaServer

PARTITIONS = 4


@pytest.fixture
async def topic(kafka_server: KafkaServer, unique: Callable[[str], str]) -> str:
    name = unique("out")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    await admin.close()
    return name


@pytest.fixture
async def producer(kafka_server: KafkaServer) -> AsyncIterator[BatchProducer]:
    made = BatchProducer(kafka_settings(kafka_server), Telemetry())
    await made.start()
    yield made
    await made.stop()


async def read(server: KafkaServer, topic: str, count: int) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=server.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_key_goes_to_the_partition_that_any_other_client_chooses(
    kafka_server: KafkaServer, topic: str, producer: BatchProducer
) -> None:
    keys = [f"dak-nong/kpi-{number}".encode() for number in range(40)]
    other = AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap)
    await other.start()
    theirs = {key: (await other.send_and_wait(topic, b"", key=key)).partition for key in keys}
    await other.stop()
    assert {key: partition_of(key, PARTITIONS) for key in keys} == theirs


async def test_records_of_a_key_keep_their_order_over_many_requests(
    kafka_server: KafkaServer, topic: str, producer: BatchProducer
) -> None:
    padding = b"x" * 40_000
    sent = [Outgoing(b"one key", b"%04d" % number + padding, [("n", b"1")]) for number in range(100)]
    await producer.publish(topic, sent)
    assert [record.value for record in await read(kafka_server, topic, 100)] == [record.value for record in sent]


async def test_a_tombstone_is_published_as_one(kafka_server: KafkaServer, topic: str, producer: BatchProducer) -> None:
    await producer.publish(topic, [Outgoing(b"gone", None)])
    assert [(record.key, record.value) for record in await read(kafka_server, topic, 1)] == [(b"gone", None)]


async def test_a_record_that_no_broker_takes_is_named(topic: str, producer: BatchProducer) -> None:
    with pytest.raises(Unprocessable, match="2000000 bytes"):
        await producer.publish(topic, [Outgoing(b"k", b"x" * 2_000_000)])


async def test_without_a_broker_publishing_is_transient() -> None:
    nobody = BatchProducer(KafkaSettings(bootstrap="127.0.0.1:1", request_timeout_ms=1_000), Telemetry())
    with pytest.raises(Transient):
        await nobody.publish("anything", [Outgoing(b"k", b"v")])
