"""When letters go out: local hours, working days, and clocks that leap."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import CalendarSpec
from services.alerts.slots import WIDEST_SPREAD_MIN, instant_of, latest_slot, spread_of
from services.runtime.catalog import Calendar
from tests.unit.alerts.letters import WORKING

DAYS = Calendar(WORKING)
PLAIN = Calendar(CalendarSpec(id="plain", name_vi="Lịch"))
PLAIN_EVERY_DAY = Calendar(CalendarSpec(id="plain", name_vi="Lịch", working_weekdays=(1, 2, 3, 4, 5, 6, 7)))
VIETNAM, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")]


def local(text: str, zone: ZoneInfo = VIETNAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2023-09-18T07:00", "2023-09-18T07:00"),
        ("2023-09-18T06:59", "2023-09-15T07:00"),  # a Monday, before it is seven: Friday's
        ("2023-09-16T12:00", "2023-09-15T07:00"),  # a Saturday
        ("2023-09-05T07:00", "2023-09-05T07:00"),  # the first working day after National Day
        ("2023-09-05T06:59", "2023-08-31T07:00"),
        ("2023-01-26T20:00", "2023-01-19T07:00"),  # Tết
        ("2023-01-27T08:00", "2023-01-27T07:00"),
    ],
)
def test_the_slot_is_the_last_one_of_a_working_day(now: str, slot: str) -> None:
    assert latest_slot(local(now), (7,), DAYS, VIETNAM) == local(slot)


def test_of_several_hours_the_last_that_has_come_counts() -> None:
    assert latest_slot(local("2023-09-18T13:59"), (14, 7), DAYS, VIETNAM) == local("2023-09-18T07:00")
    assert latest_slot(local("2023-09-18T14:00"), (14, 7), DAYS, VIETNAM) == local("2023-09-18T14:00")


def test_without_hours_there_is_no_slot() -> None:
    assert latest_slot(local("2023-09-18T07:00"), (), DAYS, VIETNAM) is None


def test_a_time_that_the_clocks_leap_over_is_the_moment_of_the_leap() -> None:
    assert instant_of(date(2026, 3, 29), time(2, 30), BERLIN) == local("2026-03-29T03:00", BERLIN)
    assert instant_of(date(2026, 3, 29), time(3), BERLIN) == local("2026-03-29T03:00", BERLIN)


def test_a_time_that_comes_twice_counts_once_and_the_first_time() -> None:
    assert instant_of(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_letters_of_many_leave_over_twenty_minutes_and_those_of_one_always_in_the_same_minute() -> None:
    minutes = Counter(spread_of(f"dak-nong/publisher-{n}") // timedelta(minutes=1) for n in range(2_100))
    assert set(minutes) == set(range(-WIDEST_SPREAD_MIN, WIDEST_SPREAD_MIN + 1))
    assert max(minutes.values()) < 160
    assert spread_of("dak-nong/edoc") == spread_of("dak-nong/edoc") == timedelta(minutes=5)


def test_a_slot_is_shifted_and_has_not_come_a_second_before() -> None:
    for spread in (timedelta(minutes=-7), timedelta(minutes=7)):
        slot = local("2023-09-18T07:00") + spread
        assert latest_slot(slot, (7,), DAYS, VIETNAM, spread) == slot
        assert latest_slot(slot - timedelta(seconds=1), (7,), DAYS, VIETNAM, spread) == slot - timedelta(days=3)


def test_a_slot_at_midnight_is_not_shifted_to_the_day_before() -> None:
    early = timedelta(minutes=-7)
    assert latest_slot(local("2023-09-18T00:10"), (0,), DAYS, VIETNAM, early) == local("2023-09-18T00:07")
    assert latest_slot(local("2023-09-18T00:06"), (0,), DAYS, VIETNAM, early) == local("2023-09-15T00:07")


def test_where_the_clocks_leap_a_slot_is_shifted_from_the_leap() -> None:
    slot = latest_slot(local("2026-03-29T12:00", BERLIN), (2,), PLAIN_EVERY_DAY, BERLIN, timedelta(minutes=-5))
    assert slot == local("2026-03-29T01:55", BERLIN)


@given(
    now=st.integers(1_577_836_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    hours=st.lists(st.integers(0, 23), min_size=1, max_size=4),
    zone=st.sampled_from(ZONES),
    spread=st.integers(-WIDEST_SPREAD_MIN, WIDEST_SPREAD_MIN).map(lambda minutes: timedelta(minutes=minutes)),
)
def test_between_a_slot_and_now_there_is_no_other(
    now: datetime, hours: list[int], zone: ZoneInfo, spread: timedelta
) -> None:
    slot = latest_slot(now, hours, PLAIN, zone, spread)
    assert slot is not None
    assert slot <= now
    assert latest_slot(slot, hours, PLAIN, zone, spread) == slot
    assert PLAIN.is_working_day(slot.astimezone(zone).date())
    every = {}
    for back in range(-1, 6):
        day = (now.astimezone(zone) - timedelta(days=back)).date()
        for hour in hours:
            on_the_hour = instant_of(day, time(hour), zone)
            same_day = (on_the_hour + spread).astimezone(zone).date() == day
            if PLAIN.is_working_day(day):
                every[on_the_hour + (spread if same_day else -spread)] = on_the_hour
    assert slot == max(moment for moment in every if moment <= now)
    assert abs(slot - every[slot]) == abs(spread)


@given(day=st.dates(date(2020, 1, 1), date(2030, 1, 1)), at=st.times(), zone=st.sampled_from(ZONES))
def test_a_local_time_is_shown_at_its_moment_and_never_before_it(day: date, at: time, zone: ZoneInfo) -> None:
    at = at.replace(second=0, microsecond=0)
    moment = instant_of(day, at, zone)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    wanted = datetime.combine(day, at)
    assert shown >= wanted
    if shown > wanted:
        before = (moment - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before < wanted
