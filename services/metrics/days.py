"""Days as ordinals: what sums and comparisons are made with inside, and how they look outside."""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple


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
