"""Work beside the stream: in small turns, so that figures never wait long, and again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from services.metrics.handlers import Workshop
from services.runtime.errors import Fenced, in_short
from services.runtime.kafka.delivery import passes_by_itself
from services.runtime.kafka.producer import partition_of

log = structlog.get_logger()


class Turns(Protocol):
    """The part of a delivery that is used here."""

    assignments: int

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions that are ours."""
        ...

    @property
    def partitions(self) -> int | None: ...

    @property
    def turn(self) -> asyncio.Lock: ...

    def lag(self) -> int: ...

    async def caught_up(self) -> bool: ...


class Moved(Exception):
    """The assignment changed meanwhile: begin again."""


def owned(delivery: Turns, key: str) -> bool:
    """Whether the KPI's partition is assigned here."""
    count = delivery.partitions
    return bool(count) and partition_of(key.encode(), count or 1) in delivery.assigned


async def keep_looking(
    look: Callable[[], Awaitable[None]], every_s: float, workshop: Workshop, delivery: Turns, trouble: str
) -> None:
    """Look again and again. Errors that pass are waited out; others end the task, which health notices."""
    while True:
        try:
            await look()
        except Moved:
            pass
        except Exception as error:
            if not isinstance(error, Fenced) and not passes_by_itself(error):
                raise
            log.warning(trouble, why=in_short(error))
            async with delivery.turn:
                workshop.memory.forget()
        await asyncio.sleep(every_s)
