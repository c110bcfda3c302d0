"""Working time: holidays, weekends and nights do not count."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import CalendarSpec, Holiday, WorkingHours
from services.alerts.working_clock import WorkingClock
from services.runtime.catalog import Calendar

DAY = timedelta(days=1)
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
HOURS = (
    WorkingHours(start=time(7, 30), end=time(11, 30)),
    WorkingHours(start=time(13, 30), end=time(17)),
)
TET = Holiday(first=date(2026, 2, 16), last=date(2026, 2, 20), name_vi="Tết Nguyên đán")


def a_clock(zone: ZoneInfo = VIETNAM, **fields: object) -> WorkingClock:
    given_fields: dict[str, object] = {"id": "c", "name_vi": "Lịch", "working_hours": HOURS, **fields}
    return WorkingClock(Calendar(CalendarSpec.model_validate(given_fields)), zone)


def at(month: int, day: int, hour: int, minute: int = 0, zone: ZoneInfo = VIETNAM) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=zone).astimezone(UTC)


def after(clock: WorkingClock, since: datetime, span: timedelta) -> datetime:
    return clock.reached(since, clock.worth(span))


def test_one_working_day_after_friday_afternoon_is_monday_afternoon() -> None:
    assert after(a_clock(), at(9, 4, 16, 50), timedelta(days=1)) == at(9, 7, 16, 50)


def test_an_hour_after_the_last_of_the_week_is_counted_on_monday() -> None:
    assert after(a_clock(), at(9, 4, 16, 30), timedelta(hours=1)) == at(9, 7, 8)


def test_what_begins_at_night_or_on_sunday_is_counted_from_the_next_morning() -> None:
    assert after(a_clock(), at(9, 6, 3), timedelta(hours=5)) == at(9, 7, 14, 30)


def test_tet_is_not_counted_and_a_saturday_worked_in_exchange_is() -> None:
    clock = a_clock(holidays=(TET,), extra_working_days=(date(2026, 2, 28),))
    assert after(clock, at(2, 13, 9), timedelta(days=1)) == at(2, 23, 9)
    assert after(clock, at(2, 27, 9), timedelta(days=1)) == at(2, 28, 9)
    assert clock.passed(at(2, 13, 17), at(2, 23, 7)) == timedelta(0)


def test_without_hours_a_working_day_is_the_whole_of_it() -> None:
    assert after(a_clock(working_hours=()), at(9, 4, 16, 50), timedelta(days=1)) == at(9, 7, 16, 50)


def test_hours_that_overlap_count_once() -> None:
    hours = (WorkingHours(start=time(8), end=time(12)), WorkingHours(start=time(9), end=time(10)))
    assert a_clock(working_hours=hours).passed(at(9, 4, 0), at(9, 5, 0)) == timedelta(hours=4)


def test_without_a_calendar_all_time_counts() -> None:
    assert after(WorkingClock(None, VIETNAM), at(9, 4, 16, 50), timedelta(days=3)) == at(9, 7, 16, 50)


def test_a_day_on_which_the_clocks_change_is_as_long_as_any_other() -> None:
    clock = a_clock(BERLIN, working_hours=(), working_weekdays=(1, 2, 3, 4, 5, 6, 7))
    for month, day in ((3, 28), (10, 24)):
        begun = at(month, day, 9, zone=BERLIN)
        assert after(clock, begun, timedelta(days=2)) == at(month, day + 2, 9, zone=BERLIN)
        assert clock.passed(begun, at(month, day + 2, 9, zone=BERLIN)) == timedelta(days=2)


def test_a_calendar_without_a_working_day_comes_to_an_end() -> None:
    assert after(a_clock(working_weekdays=()), at(9, 4, 9), timedelta(days=1)) > at(9, 4, 9) + timedelta(days=3_600)


moments = st.one_of(st.integers(0, 40_000), st.integers(0, 1_500_000)).map(
    lambda minutes: at(1, 15, 0) + timedelta(minutes=minutes)
)


@given(moments, st.one_of(st.integers(1, 6_000), st.integers(1, 300_000)))
def test_what_is_reached_is_what_has_passed(since: datetime, minutes: int) -> None:
    clock, left = a_clock(holidays=(TET,)), timedelta(minutes=minutes)
    reached = clock.reached(since, left)
    assert clock.passed(since, reached) == left
    assert clock.passed(since, reached - timedelta(seconds=1)) < left


@given(moments, st.integers(0, 900))
def test_years_are_worth_as_much_as_their_days_one_by_one(since: datetime, days: int) -> None:
    clock = a_clock(holidays=(TET,), extra_working_days=(date(2026, 2, 28),))
    one_by_one = (clock.passed(since + day * DAY, since + (day + 1) * DAY) for day in range(days))
    assert clock.passed(since, since + days * DAY) == sum(one_by_one, timedelta(0))


@given(moments, moments, moments)
def test_time_in_two_parts_is_the_time_of_the_whole(one: datetime, two: datetime, three: datetime) -> None:
    first, middle, last = sorted((one, two, three))
    clock = a_clock(holidays=(TET,))
    assert clock.passed(first, middle) + clock.passed(middle, last) == clock.passed(first, last)
