"""When letters to publishers go out: at certain local hours of working days, some minutes apart. Pure."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from services.runtime.catalog import Calendar, Catalog

LOOK_BACK = timedelta(days=60)
"""Longer than any holidays: a slot that lies further back is not looked for."""

WIDEST_SPREAD_MIN = 10

_ONE_DAY = timedelta(days=1)


def spread_of(recipient: str) -> timedelta:
    """How long before or after the hour the recipient's slots are: always the same whole minutes, so that the letters
    of all do not leave in one moment."""
    number = int.from_bytes(hashlib.sha256(recipient.encode()).digest()[:8])
    return timedelta(minutes=number % (2 * WIDEST_SPREAD_MIN + 1) - WIDEST_SPREAD_MIN)


def latest_slot(
    now: datetime, hours: Iterable[int], calendar: Calendar, zone: tzinfo, spread: timedelta = timedelta()
) -> datetime | None:
    """The last slot, in UTC, at or before `now`; None without any hours.

    A slot is one of these hours of a working day, shifted by `spread`. What it tells of ends with the shifted moment,
    so that nothing leaves before all of it was said.
    """
    in_order = sorted(set(hours), reverse=True)
    day = now.astimezone(zone).date()
    oldest = day - LOOK_BACK
    while in_order and day >= oldest:
        if calendar.is_working_day(day):
            for hour in in_order:
                slot = _shifted(day, time(hour), zone, spread)
                if slot <= now:
                    return slot
        day -= _ONE_DAY
    return None


def _shifted(day: date, at: time, zone: tzinfo, spread: timedelta) -> datetime:
    """Never on another day: before a midnight it may be none on which people work."""
    moment = instant_of(day, at, zone)
    shifted = moment + spread
    return shifted if shifted.astimezone(zone).date() == day else moment + abs(spread)


def next_at(now: datetime, at: time, zone: tzinfo) -> datetime:
    """The next moment after `now`, in UTC, at which the clocks of the zone show this time."""
    today = now.astimezone(zone).date()
    return next(moment for day in range(3) if (moment := instant_of(today + day * _ONE_DAY, at, zone)) > now)


def instant_of(day: date, at: time, zone: tzinfo) -> datetime:
    """The moment, in UTC, at which the clocks of the zone show this time: the first, where they show it twice; where
    they leap over it, the moment of the leap."""
    local = datetime.combine(day, at, zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # Read with the offset after the leap the time lies before it, and with the offset before the leap after it.
    before, after = int(local.replace(fold=1).timestamp()), int(local.timestamp())
    new = moment.astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return datetime.fromtimestamp(after, UTC)


def days_of(catalog: Catalog) -> Calendar | None:
    """The calendar by which the province's working days are told."""
    return catalog.calendars.get(catalog.province.defaults.calendar)
