"""How much working time lies between two moments, and when so much of it will have passed. Pure.

It is counted on the clocks of the wall: a day on which they are put on or back is as long as any other.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from services.alerts.slots import instant_of
from services.runtime.catalog import Calendar

_DAY = timedelta(days=1)
_FARTHEST = timedelta(days=3_660)
"""No step lies further off; a calendar without any working day comes to an end here."""


class WorkingClock:
    """The working hours of one calendar in one time zone; without a calendar every hour of every day is worked."""

    def __init__(self, calendar: Calendar | None, zone: tzinfo) -> None:
        self._calendar = calendar
        self._zone = zone
        self._spans = _spans(calendar)
        self._day = sum((end - start for start, end in self._spans), timedelta(0))

    def worth(self, after: timedelta) -> timedelta:
        """The working time of so many working days, and hours of them."""
        days = timedelta(days=after.days)
        return self._day * after.days + (after - days)

    def passed(self, since: datetime, until: datetime) -> timedelta:
        """The working time between two moments; nothing where the second is the earlier one."""
        first, last = self._local(since), self._local(until)
        total, day = timedelta(0), first.date()
        while day <= last.date():
            for start, end in self._worked(day):
                total += max(timedelta(0), min(end, last) - max(start, first))
            day += _DAY
        return total

    def reached(self, since: datetime, left: timedelta) -> datetime:
        """The moment, in UTC, at which so much working time has passed: the earliest of them."""
        if left <= timedelta(0):
            return since
        first = self._local(since)
        day, farthest = first.date(), first.date() + _FARTHEST
        while day < farthest:
            for start, end in self._worked(day):
                begin = max(start, first)
                if end - begin >= left:
                    return self._instant(begin + left)
                left -= max(timedelta(0), end - begin)
            day += _DAY
        return self._instant(datetime.combine(farthest, time()))

    def _worked(self, day: date) -> list[tuple[datetime, datetime]]:
        if self._calendar is not None and not self._calendar.is_working_day(day):
            return []
        midnight = datetime.combine(day, time())
        return [(midnight + start, midnight + end) for start, end in self._spans]

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _instant(self, local: datetime) -> datetime:
        return instant_of(local.date(), local.time(), self._zone).astimezone(UTC)


def _spans(calendar: Calendar | None) -> tuple[tuple[timedelta, timedelta], ...]:
    """The working hours of a day as times since midnight, in order and apart; the whole day where none are declared."""
    hours = calendar.spec.working_hours if calendar is not None else ()
    spans: list[tuple[timedelta, timedelta]] = []
    for start, end in sorted((_since_midnight(one.start), _since_midnight(one.end)) for one in hours):
        begin = max(start, spans[-1][1]) if spans else start
        if begin < end:
            spans.append((begin, end))
    return tuple(spans) or ((timedelta(0), _DAY),)


def _since_midnight(at: time) -> timedelta:
    return datetime.combine(date.min, at) - datetime.combine(date.min, time())
