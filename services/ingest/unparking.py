"""Telling publishers that their source is read again, beside the stream: `tiendo dlq unpark` writes it down, and the
process that sees it first says it. Should two see it, they say the same under one id.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog
from pymongo.errors import PyMongoError

from contracts.topics import STATISTICS_REJECTED
from services.ingest import answers
from services.ingest.answers import Message
from services.ingest.parking import ParkedSource
from services.runtime.clock import Clock
from services.runtime.errors import Transient, in_short

log = structlog.get_logger()


class Unparked(Protocol):
    """What is asked of `parked.Parkings`."""

    async def unparked(self) -> list[ParkedSource]: ...

    async def told_unparked(self, ones: Iterable[ParkedSource]) -> None: ...


class Publisher(Protocol):
    """What is asked of `BatchProducer`."""

    async def publish(self, topic: str, records: Sequence[Message]) -> None: ...


async def keep(parkings: Unparked, publisher: Publisher, clock: Clock, every_s: float, *, stamped: bool) -> None:
    """Look again and again; what cannot be said now is said the next time."""
    while True:
        try:
            await tell(parkings, publisher, clock, stamped=stamped)
        except (PyMongoError, Transient) as error:
            log.warning("unparking_not_told", why=in_short(error))
        await asyncio.sleep(every_s)


async def tell(parkings: Unparked, publisher: Publisher, clock: Clock, *, stamped: bool) -> None:
    """Tell whoever has not been told. Raises what store and broker raise."""
    over = await parkings.unparked()
    if not over:
        return
    now = clock.now()
    messages = [answers.unparked_message(one, max(now, one.at), stamped=stamped) for one in over]
    await publisher.publish(STATISTICS_REJECTED.name, messages)
    await parkings.told_unparked(over)
    log.info("source_unparked", sources=[one.source for one in over])
