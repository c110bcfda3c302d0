"""Publishing for many callers at once: whoever comes while a publish is under way goes out with the next one.

An answer of “accepted” is given only after the broker has acknowledged, so what waits here is nobody's yet: when the
process dies, its callers get no answer and send again, and the same events are the same events.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from services.runtime.kafka.producer import Outgoing

log = structlog.get_logger()


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
        self._waiting: list[_Parcel] = []
        self._unsettled: set[asyncio.Future[None]] = set()
        self._bytes = 0
        self._work = asyncio.Event()

    async def submit(self, records: Sequence[Outgoing]) -> None:
        """Return when all are acknowledged.

        Raises `Overloaded`, or what publishing raised; then all may be sent again.
        """
        size = sum(len(record.value or b"") for record in records)
        if self._bytes and self._bytes + size > self._limit:
            raise Overloaded
        parcel = _Parcel(records, asyncio.get_running_loop().create_future())
        self._waiting.append(parcel)
        self._unsettled.add(parcel.done)
        self._bytes += size
        self._work.set()
        try:
            await parcel.done
        finally:
            self._unsettled.discard(parcel.done)
            self._bytes -= size

    async def drain(self) -> None:
        """Return when nothing that was there is under way any more."""
        if self._unsettled:
            await asyncio.wait(set(self._unsettled))

    async def run(self) -> None:
        """Publish what waits, for ever."""
        taken: list[_Parcel] = []
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                taken, self._waiting = self._waiting, []
                await self._publish(taken)
        finally:
            for parcel in (*taken, *self._waiting):
                parcel.settle(ConnectionError("the service is being stopped"))

    async def _publish(self, taken: Sequence["_Parcel"]) -> None:
        records = [record for parcel in taken for record in parcel.records]
        failure: Exception | None = None
        try:
            await self._producer.publish(self._topic, records)
        except Exception as error:
            failure = error
            log.warning("publish_failed", topic=self._topic, records=len(records), why=str(error)[:200])
        for parcel in taken:
            parcel.settle(failure)


class _Parcel:
    """The records of one caller, and the promise that it waits for."""

    def __init__(self, records: Sequence[Outgoing], done: "asyncio.Future[None]") -> None:
        self.records, self.done = records, done

    def settle(self, failure: Exception | None) -> None:
        if self.done.done():
            return  # its caller has gone away, or was told already
        if failure is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(failure)
