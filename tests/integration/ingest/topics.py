"""What publishers send, and what lies on a topic."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from deploy.embedded.stack import Stack
from tests.unit.ingest.door import Record


async def send(stack: Stack, records: Sequence[Record], **options: Any) -> None:
    """Publish to the topics that they name, in order within each partition."""
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.bootstrap,
        acks="all",
        linger_ms=2,
        max_request_size=9_000_000,
        max_batch_size=6_000_000,
        **options,
    )
    await producer.start()
    try:
        for record in records:
            await producer.send(
                record.topic, record.value, key=_key(record), partition=record.partition, headers=list(record.headers)
            )
        await producer.flush()
    finally:
        await producer.stop()


async def read(stack: Stack, topic: str, enough: Callable[[list[ConsumerRecord]], bool]) -> list[ConsumerRecord]:
    """Everything on a topic, once that is enough (30 s at most)."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    await consumer.start()
    found: list[ConsumerRecord] = []
    try:
        partitions = await consumer._client.fetch_all_metadata()
        consumer.assign([TopicPartition(topic, number) for number in partitions.partitions_for_topic(topic)])
        async with asyncio.timeout(30):
            while not enough(found):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
    except TimeoutError:
        pytest.fail(f"only {len(found)} records on {topic}")
    finally:
        await consumer.stop()
    return found


def _key(record: Record) -> bytes | None:
    """This client takes no record that has neither key nor value."""
    return b"any" if record.key is None and record.value is None else record.key
