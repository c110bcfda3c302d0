"""Which day it is to the services: by the day decides `tiendo catalog` which periods are closed."""

import asyncio
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pymongo.errors import PyMongoError

from services.cli.settings import CommandSettings
from services.metrics.store import MongoStore
from services.runtime import clock, mongo
from services.runtime.clock import SystemClock
from services.runtime.errors import StartError, Transient
from services.runtime.waiting import Waiting

PATIENCE_S = 5.0


class BusinessDay(NamedTuple):
    """A day, and how it came to be the one."""

    day: date
    vi: str
    en: str

    def __str__(self) -> str:
        return f"tính theo ngày {self.day:%d/%m/%Y}, {self.vi} · as of {self.day}, {self.en}"


async def business_day(read: CommandSettings, zone: ZoneInfo, as_of: date | None) -> BusinessDay:
    """The day that was given, else that of the services' clock. Raises `StartError` where it cannot be known."""
    if as_of is not None:
        return BusinessDay(as_of, "do --as-of cho biết", "as --as-of says")
    if isinstance(clock.from_setting(read.clock), SystemClock):
        return day_of(read.clock, None, zone)
    return day_of(read.clock, await _reached(read), zone)


def day_of(setting: str, reached: datetime | None, zone: ZoneInfo) -> BusinessDay:
    """The day by the clock of the setting. `reached`: how far the data have moved it, as metrics noted."""
    time = clock.from_setting(setting)
    if isinstance(time, SystemClock):
        return BusinessDay(time.now().astimezone(zone).date(), "theo đồng hồ hệ thống", "by the system's clock")
    time.observe(reached)
    return BusinessDay(
        time.now().astimezone(zone).date(),
        "theo đồng hồ dữ liệu (TIENDO_CLOCK)",
        "by the clock that moves with the data (TIENDO_CLOCK)",
    )


async def _reached(read: CommandSettings) -> datetime | None:
    try:
        async with mongo.connect(read.mongo, Waiting(PATIENCE_S, asyncio.Event())) as client:
            return await MongoStore(client, f"{read.mongo.database}_metrics").business_time()
    except (PyMongoError, Transient, StartError) as error:
        raise StartError(
            f"The clock moves with the data (TIENDO_CLOCK), and the database that knows how far does not answer "
            f"({type(error).__name__}): start it, mend TIENDO_MONGO_URI, or name the day with --as-of."
        ) from None
