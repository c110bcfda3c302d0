"""Time is data. The *business clock* says when a figure is due, stale or in the future, and dates mails.

Leases, retries, back-off and timeouts use real time and never this clock.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from services.runtime.errors import StartError

log = logging.getLogger(__name__)

EXTENSION = "businesstime"
"""The CloudEvents extension by which services pass the business time on, where it is not the system's."""


class Clock(Protocol):
    """What the edges ask for the time; pure code is given `now`."""

    def now(self) -> datetime:
        """The business time, in UTC."""
        ...

    def observe(self, moment: datetime | None) -> None:
        """An event of that moment was consumed."""
        ...

    def stamp(self) -> Mapping[str, str]:
        """Extensions for events that leave: empty where the business clock is the system's."""
        ...


class SystemClock:
    """Business time is the system's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def observe(self, moment: datetime | None) -> None:
        """Events do not move the system's time."""

    def stamp(self) -> Mapping[str, str]:
        return {}


LARGEST_STEP = timedelta(days=731)
"""A moment that is further ahead than this is a mistake, or malice."""


class DataClock:
    """Time starts at an instant and moves on with the data: the highest event time consumed so far.

    It cannot be turned back, so a moment far ahead of it is not believed, unless the system's time is as far: what was
    on the topics in between may be gone.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def observe(self, moment: datetime | None) -> None:
        if moment is None or moment <= self._now:
            return
        if moment - LARGEST_STEP > max(self._now, datetime.now(UTC)):
            log.warning("moment %s not believed: the business time is %s", moment, self._now)
        else:
            self._now = moment.astimezone(UTC)

    def stamp(self) -> Mapping[str, str]:
        return {EXTENSION: self._now.isoformat().replace("+00:00", "Z")}


def from_setting(text: str) -> Clock:
    """The clock that `TIENDO_CLOCK` asks for: `system` or `from:<instant with offset>`."""
    if text == "system":
        return SystemClock()
    word, _, instant = text.partition(":")
    try:
        start = datetime.fromisoformat(instant) if word == "from" else None
        clock = None if start is None or start.tzinfo is None else DataClock(start)
    except (ValueError, OverflowError):
        clock = None
    if clock is None:
        raise StartError(
            f"TIENDO_CLOCK is {text!r}; write `system`, or `from:` and an instant with offset "
            f"(from:2023-01-01T00:00:00+07:00)."
        )
    return clock
