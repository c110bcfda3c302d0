"""Offsets of a consumer group, asked from outside it."""

from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.runtime.settings import KafkaSettings


async def committed(settings: KafkaSettings, group: str, topic: str, partitions: Sequence[int]) -> dict[int, int]:
    """What the group has committed; partitions of which it has committed nothing are absent. Raises `KafkaError`."""
    admin = AIOKafkaAdminClient(**settings.connection())
    try:
        await admin.start()
        found = await admin.list_consumer_group_offsets(
            group, partitions=[TopicPartition(topic, number) for number in partitions]
        )
    finally:
        await admin.close()
    return {at.partition: stands.offset for at, stands in found.items() if stands.offset >= 0}
