"""The publishers' side: events go to `statistics.reported.v1` as any client of Kafka would send them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from contracts.topics import STATISTICS_REPORTED
from deploy.embedded.demo.events import Said


class Publisher:
    """Sends events and counts them; `send` returns when the broker has them all."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self.sent = 0

    async def send(self, events: Iterable[Said]) -> None:
        """Publish in the given order within each key."""
        acknowledged = [
            await self._producer.send(STATISTICS_REPORTED.name, event.value, key=event.key, headers=event.headers)
            for event in events
        ]
        for future in acknowledged:
            await future
        self.sent += len(acknowledged)


@asynccontextmanager
async def publisher(bootstrap: str) -> AsyncIterator[Publisher]:
    """A connected publisher."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        yield Publisher(producer)
    finally:
        await producer.stop()
