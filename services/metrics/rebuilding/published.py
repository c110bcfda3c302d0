"""The highest version of each record that ever went out: read from `progress.v1`, which keeps the last of each.

What is stored may have been lost or damaged; readers hold on to the highest version that they have seen.
"""

from collections.abc import Mapping
from typing import Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from contracts.topics import PROGRESS
from services.runtime.settings import KafkaSettings


class Versions(Protocol):
    """What was published."""

    async def of(self, province: str) -> Mapping[str, int]:
        """By key of a record of the province its highest version."""
        ...


class PublishedVersions:
    """Reads the topic from its beginning to what is its end when it begins, as no member of any group."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    async def of(self, province: str) -> Mapping[str, int]:
        found: dict[str, int] = {}
        prefix = f"{province}/".encode()
        consumer = AIOKafkaConsumer(PROGRESS.name, **self._settings.connection(), auto_offset_reset="earliest")
        await consumer.start()
        try:
            ends = await consumer.end_offsets(consumer.assignment())
            # The end that comes with a fetch is right also where a broker counts its last batch as one record (Tansu).
            while [
                at for at, end in ends.items() if await consumer.position(at) < max(end, consumer.highwater(at) or 0)
            ]:
                for records in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                    for record in records:
                        if record.key is not None and record.key.startswith(prefix):
                            key = record.key.decode()
                            found[key] = max(found.get(key, 0), _version(record))
        finally:
            await consumer.stop()
        return found


def _version(record: ConsumerRecord) -> int:
    """From the event's id, which is `<key>@<version>`."""
    identity = next((value for name, value in record.headers if name == "ce_id"), b"")
    _, _, version = identity.rpartition(b"@")
    return int(version) if version.isdigit() else 0
