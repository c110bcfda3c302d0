"""Publishing for many callers at once: whoever comes while a publish is under way goes out with the next one.

An answer of “accepted” is given only after the broker has acknowledged, so what waits here is nobody's yet: when the
process dies, its callers get no answer and send again, and the same events are the same events.

A long parcel goes out in several turns, and whoever comes meanwhile goes with the next.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import structlog

from services.runtime.kafka.producer import Outgoing

log = structlog.get_logger()

AT_ONCE = 4_000
"""Records in one turn."""

SHARE = 1_000
"""Records of one parcel in one turn."""


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
        self._waiting: deque[_Parcel] = deque()
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
        going: list[_Parcel] = []
        try:
            while True:
                await self._work.wait()
                going, records = self._turn()
                await self._publish(going, records)
                if not self._waiting:
                    self._work.clear()
        finally:
            for parcel in (*going, *self._waiting):
                parcel.settle(ConnectionError("the service is being stopped"))

    def _turn(self) -> tuple[list["_Parcel"], list[Outgoing]]:
        """The parcels that go out next, and their records; what is left of them goes behind those that wait."""
        going: list[_Parcel] = []
        records: list[Outgoing] = []
        while self._waiting and len(records) < AT_ONCE:
            parcel = self._waiting.popleft()
            if not parcel.done.done():  # else its caller has gone away
                records += parcel.share(min(SHARE, AT_ONCE - len(records)))
                going.append(parcel)
        self._waiting += [parcel for parcel in going if parcel.rest]
        return going, records

    async def _publish(self, going: Sequence["_Parcel"], records: Sequence[Outgoing]) -> None:
        failure: Exception | None = None
        try:
            await self._producer.publish(self._topic, records)
        except Exception as error:
            failure = error
            log.warning("publish_failed", topic=self._topic, records=len(records), why=str(error)[:200])
        for parcel in going:
            if failure is not None or not parcel.rest:
                parcel.settle(failure)


class _Parcel:
    """The records of one caller, and the promise that it waits for."""

    def __init__(self, records: Sequence[Outgoing], done: "asyncio.Future[None]") -> None:
        self.done = done
        self._records = records
        self._gone = 0

    @property
    def rest(self) -> int:
        """Records that have not gone out yet."""
        return len(self._records) - self._gone

    def share(self, most: int) -> Sequence[Outgoing]:
        """The next records to go out."""
        share = self._records[self._gone : self._gone + most]
        self._gone += len(share)
        return share

    def settle(self, failure: Exception | None) -> None:
        if self.done.done():
            return  # its caller has gone away, or was told already
        if failure is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(failure)
