"""A calendar: which days a period's name stands for, and which days are worked."""

from calendar import monthrange
from datetime import date, timedelta

from contracts.catalog import CalendarSpec, PeriodKind
from services.runtime.catalog.periods import Period, PeriodName, parse_name

_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
_MARK = {"quarter": "Q", "half": "H"}
_ONE_DAY = timedelta(days=1)


class Calendar:
    """Computes with one `CalendarSpec`. Answers are cached, since there are few periods and many figures."""

    def __init__(self, spec: CalendarSpec) -> None:
        self.spec = spec
        self.id = spec.id
        self._starts_on = spec.month_starts_on
        self._weekdays = frozenset(spec.working_weekdays)
        self._extra = frozenset(spec.extra_working_days)
        self._holidays = frozenset(
            holiday.first + timedelta(days=offset)
            for holiday in spec.holidays
            for offset in range((holiday.last - holiday.first).days + 1)
        )
        self._by_name: dict[str, Period] = {}
        self._by_day: dict[tuple[str, date], Period] = {}

    def period(self, kind: PeriodKind, day: date) -> Period:
        """The period of that kind that contains the day. Weeks are those of ISO 8601 in every calendar."""
        found = self._by_day.get((kind, day))
        if found is None:
            found = self._by_day[kind, day] = self.parse(self._name(kind, day))
        return found

    def parse(self, period_id: str) -> Period:
        """The period of that name. Raises ValueError with a sentence if there is none."""
        found = self._by_name.get(period_id)
        if found is None:
            first, last = self._bounds(period_id, parse_name(period_id))
            found = self._by_name[period_id] = Period(period_id, first, last)
        return found

    def split(self, period: Period, kind: PeriodKind) -> tuple[Period, ...]:
        """The periods of that kind that begin inside the period, in order: the years of `2021-2025`, say."""
        parts = []
        part = self.period(kind, period.first)
        while part.first <= period.last:
            if part.first >= period.first:
                parts.append(part)
            part = self.period(kind, part.last + _ONE_DAY)
        return tuple(parts)

    def shift(self, day: date, kind: PeriodKind, count: int) -> date:
        """The day so many periods later: by civil months, 31 January + 1 month being the last of February."""
        if kind in ("day", "week"):
            return day + timedelta(days=count * (7 if kind == "week" else 1))
        year, month = _month_after(day.year, day.month, count * _MONTHS[kind])
        return date(year, month, min(day.day, monthrange(year, month)[1]))

    def is_working_day(self, day: date) -> bool:
        """Whether the day is worked. A working day declared in exchange for a holiday counts even at a weekend."""
        return day in self._extra or (day.isoweekday() in self._weekdays and day not in self._holidays)

    def add_working_days(self, day: date, count: int) -> date:
        """The `count`-th working day after the day (before it, if negative); 0 is the day or the next one worked."""
        step = -_ONE_DAY if count < 0 else _ONE_DAY
        left = abs(count)
        if left == 0:
            while not self.is_working_day(day):
                day += step
        while left:
            day += step
            left -= self.is_working_day(day)
        return day

    def _name(self, kind: PeriodKind, day: date) -> str:
        if kind == "day":
            return day.isoformat()
        if kind == "week":
            iso = day.isocalendar()
            return f"{iso.year:04}-W{iso.week:02}"
        year, month = day.year, day.month
        if self._starts_on > 1 and day.day >= self._starts_on:
            year, month = _month_after(year, month, 1)
        if kind == "year":
            return f"{year:04}"
        if kind == "month":
            return f"{year:04}-{month:02}"
        return f"{year:04}-{_MARK[kind]}{(month - 1) // _MONTHS[kind] + 1}"

    def _bounds(self, period_id: str, name: PeriodName) -> tuple[date, date]:
        try:
            return self._bounds_of(name)
        except ValueError:
            raise ValueError(f"“{period_id}” does not exist in the calendar") from None

    def _bounds_of(self, name: PeriodName) -> tuple[date, date]:
        match name:
            case PeriodName("day", year, month, day):
                return date(year, month, day), date(year, month, day)
            case PeriodName("week", year, week):
                return date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7)
            case PeriodName("span", first, last):
                if last <= first:
                    raise ValueError(last)
                return self._month_start(first, 1), self._month_start(last, 13) - _ONE_DAY
            case PeriodName("year", year):
                return self._month_start(year, 1), self._month_start(year, 13) - _ONE_DAY
        length = _MONTHS[name.kind]
        if not 1 <= name.part * length <= 12:
            raise ValueError(name.part)
        month = (name.part - 1) * length + 1
        return self._month_start(name.year, month), self._month_start(name.year, month + length) - _ONE_DAY

    def _month_start(self, year: int, month: int) -> date:
        """The first day of a month of this calendar; months beyond December count on into the next year."""
        year, month = _month_after(year, month, 0 if self._starts_on == 1 else -1)
        return date(year, month, self._starts_on)


def _month_after(year: int, month: int, count: int) -> tuple[int, int]:
    months = year * 12 + month - 1 + count
    return months // 12, months % 12 + 1
