"""Days as ordinals: what sums and comparisons are made with inside, and how they look outside."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """A period by its name and its first and last day, both included, as ordinals."""

    id: str
    first: int
    last: int


@lru_cache(maxsize=50_000)
def iso(day: int) -> str:
    """`YYYY-MM-DD`."""
    return date.fromordinal(day).isoformat()


@lru_cache(maxsize=50_000)
def day_of(text: str) -> int:
    """The ordinal of `YYYY-MM-DD`. Raises ValueError."""
    return date.fromisoformat(text).toordinal()


def in_vietnam(text: str) -> str:
    """`YYYY-MM-DD` as people in Vietnam write the day; anything else as it is."""
    day = _DAY.fullmatch(text)
    return text if day is None else f"{day[3]}/{day[2]}/{day[1]}"


_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def local_day(microseconds: int, zone: ZoneInfo) -> int:
    """The local date of a moment, given in microseconds since 1970."""
    return (_EPOCH + timedelta(microseconds=microseconds)).astimezone(zone).toordinal()
