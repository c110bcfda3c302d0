"""Instants within sentences: wires say them in UTC, people read them by the clocks of their province."""

import re
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

_INSTANT = re.compile(
    r"(?<![\w:-])\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)(?![\w-]|:\d)"
)


def told_locally(text: str, zone: ZoneInfo, written: Callable[[datetime], str]) -> str:
    """The sentence with every instant in it as `written` has it, in that time zone. What is no instant stays."""

    def local(found: re.Match[str]) -> str:
        try:
            return written(datetime.fromisoformat(found[0].upper()).astimezone(zone))
        except (ValueError, OverflowError):
            return found[0]

    return _INSTANT.sub(local, text)


def day_written(text: str, zone: ZoneInfo) -> date | None:
    """The day that somebody wrote down, or the local day of an instant; None for what is neither."""
    try:
        if len(text) == len("2023-09-30"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return moment.astimezone(zone).date() if moment.tzinfo is not None else moment.date()
    except (ValueError, OverflowError):
        return None
