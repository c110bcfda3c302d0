"""How much working time lies between two moments, and when so much of it will have passed. Pure.

It is counted on the clocks of the wall: a day on which they are put on or back is as long as any other.
"""

from bisect import bisect_left
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
        self._years: dict[int, tuple[date, ...]] = {}
        self._day = sum((end - start for start, end in self._spans), timedelta(0))

    def worth(self, after: timedelta) -> timedelta:
        """The working time of so many working days, and hours of them."""
        days = timedelta(days=after.days)
        return self._day * after.days + (after - days)

    def passed(self, since: datetime, until: datetime) -> timedelta:
        """The working time between two moments; nothing where the second is the earlier one."""
        first, last = self._local(since), self._local(until)
        if last <= first:
            return timedelta(0)
        if first.date() == last.date():
            return self._within(first, last)
        between = self._days_between(first.date() + _DAY, last.date())
        begun = self._within(first, _midnight(first.date() + _DAY))
        return begun + between * self._day + self._within(_midnight(last.date()), last)

    def reached(self, since: datetime, left: timedelta) -> datetime:
        """The moment, in UTC, at which so much working time has passed: the earliest of them."""
        if left <= timedelta(0):
            return since
        first = self._local(since)
        farthest = first.date() + _FARTHEST
        rest = self._within(first, _midnight(first.date() + _DAY))
        if left > rest:
            whole = -((rest - left) // self._day) - 1  # days that pass entirely
            day = self._working_day(first.date() + _DAY, whole)
            first, left = _midnight(min(day, farthest)), left - rest - whole * self._day
        if first.date() >= farthest:
            return self._instant(_midnight(farthest))
        for start, end in self._worked(first.date()):
            begin = max(start, first)
            if end - begin >= left:
                return self._instant(begin + left)
            left -= max(timedelta(0), end - begin)
        raise AssertionError("a working day holds less than it is long")

    def _within(self, first: datetime, last: datetime) -> timedelta:
        """The working time between two local times of one day, the second of which may be its end."""
        spans = (min(end, last) - max(start, first) for start, end in self._worked(first.date()))
        return sum((max(timedelta(0), span) for span in spans), timedelta(0))

    def _days_between(self, first: date, last: date) -> int:
        """Working days from one day on and before another."""
        if self._calendar is None:
            return (last - first).days
        years = range(first.year, last.year + 1)
        return sum(bisect_left(self._year(year), last) - bisect_left(self._year(year), first) for year in years)

    def _working_day(self, first: date, skipped: int) -> date:
        """The working day from `first` on with so many before it; one beyond all steps where there is none."""
        if self._calendar is None:
            return first + skipped * _DAY
        for year in range(first.year, first.year + _FARTHEST.days // 365 + 2):
            days = self._year(year)
            at = bisect_left(days, first) + skipped
            if at < len(days):
                return days[at]
            skipped = at - len(days)
        return first + _FARTHEST

    def _year(self, year: int) -> tuple[date, ...]:
        """The working days of a year, found once."""
        assert self._calendar is not None
        if year not in self._years:
            day, days = date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days
            every = (day + number * _DAY for number in range(days))
            self._years[year] = tuple(one for one in every if self._calendar.is_working_day(one))
        return self._years[year]

    def _worked(self, day: date) -> list[tuple[datetime, datetime]]:
        if self._calendar is not None and not self._calendar.is_working_day(day):
            return []
        midnight = _midnight(day)
        return [(midnight + start, midnight + end) for start, end in self._spans]

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _instant(self, local: datetime) -> datetime:
        return instant_of(local.date(), local.time(), self._zone).astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


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
