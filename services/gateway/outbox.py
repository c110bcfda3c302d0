"""Publishing for many callers at once: whoever comes while a publish is under way goes out with the next one.

An answer of “accepted” is given only after the broker has acknowledged, so what waits here is nobody's yet: when the
process dies, its callers get no answer and send again, and the same events are the same events.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from services.runtime.kafka.producer import Outgoing


class Overloaded(Exception):
    """Too much waits for the broker already."""


class Publisher(Protocol):
    """`BatchProducer`, as far as it is needed here."""

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None: ...


class Outbox:
    """Group commit to one topic."""

    def __init__(self, producer: Publisher, topic: str, max_waiting_bytes: int) -> None:
        self._producer = producer
        self._topic = topic
        self._limit = max_waiting_bytes
        self._waiting: list[tuple[Sequence[Outgoing], asyncio.Future[None]]] = []
        self._bytes = 0
        self._work = asyncio.Event()

    async def submit(self, records: Sequence[Outgoing]) -> None:
        """Return when all are acknowledged. Raises `Overloaded`, or what publishing raised: then all may be sent again."""
        size = sum(len(record.value or b"") for record in records)
        if self._bytes and self._bytes + size > self._limit:
            raise Overloaded
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((records, done))
        self._bytes += size
        self._work.set()
        try:
            await done
        finally:
            self._bytes -= size

    async def drain(self) -> None:
        """Return when nothing waits any more."""
        while self._bytes:
            await asyncio.sleep(0.02)

    async def run(self) -> None:
        """Publish what waits, for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            taken, self._waiting = self._waiting, []
            if not taken:
                continue
            try:
                await self._producer.publish(self._topic, [record for records, _ in taken for record in records])
            except asyncio.CancelledError:
                _settle(taken, ConnectionError("the service is being stopped"))
                raise
            except Exception as error:
                _settle(taken, error)
            else:
                _settle(taken, None)


def _settle(taken: Sequence[tuple[object, "asyncio.Future[None]"]], error: Exception | None) -> None:
    for _, done in taken:
        if done.done():
            continue  # its caller has gone away
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
