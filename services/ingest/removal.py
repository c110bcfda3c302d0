"""Removing from the ledger what is older than the settings say, beside the stream."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from pymongo.errors import PyMongoError

from services.runtime.errors import in_short

log = structlog.get_logger()


class Removable(Protocol):
    """The ledger as far as it forgets."""

    async def remove(self, before: datetime) -> int: ...


async def keep(ledger: Removable, days: int, every_s: float) -> None:
    """Look again and again; a database that is away is asked again the next time. `days` are of real time."""
    while True:
        try:
            removed = await ledger.remove(datetime.now(UTC) - timedelta(days=days))
        except PyMongoError as error:
            log.warning("ledger_not_cleared", why=in_short(error))
        else:
            if removed:
                log.info("ledger_cleared", entries=removed, older_than_days=days)
        await asyncio.sleep(every_s)
