"""Offsets of a consumer group, asked from outside it."""

from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.runtime.settings import KafkaSettings


async def committed(
    settings: KafkaSettings, group: str, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """What the group has committed; partitions of which it has committed nothing are absent. Raises `KafkaError`."""
    admin = AIOKafkaAdminClient(**settings.connection())
    try:
        await admin.start()
        found = await admin.list_consumer_group_offsets(group, partitions=partitions)
    finally:
        await admin.close()
    return {at: stands.offset for at, stands in found.items() if stands.offset >= 0}
