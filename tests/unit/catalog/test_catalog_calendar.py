"""Periods and working days, in the administrative calendar and the civil one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import CalendarSpec, Holiday
from services.runtime.catalog.calendar import Calendar

ADMINISTRATIVE = Calendar(
    CalendarSpec(
        id="administrative",
        name_vi="Lịch báo cáo hành chính",
        month_starts_on=15,
        holidays=(Holiday(first=date(2023, 9, 1), last=date(2023, 9, 4), name_vi="Quốc khánh"),),
        extra_working_days=(date(2023, 9, 9),),
    )
)
CIVIL = Calendar(CalendarSpec(id="calendar", name_vi="Lịch dương", month_starts_on=1))
DAYS = st.dates(date(1995, 1, 1), date(2060, 12, 31))
KINDS = ("year", "half", "quarter", "month", "week", "day")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2023", date(2022, 12, 15), date(2023, 12, 14)),
        ("2023-H1", date(2022, 12, 15), date(2023, 6, 14)),
        ("2023-H2", date(2023, 6, 15), date(2023, 12, 14)),
        ("2023-Q1", date(2022, 12, 15), date(2023, 3, 14)),
        ("2023-Q4", date(2023, 9, 15), date(2023, 12, 14)),
        ("2023-01", date(2022, 12, 15), date(2023, 1, 14)),
        ("2024-03", date(2024, 2, 15), date(2024, 3, 14)),
        ("2023-12", date(2023, 11, 15), date(2023, 12, 14)),
        ("2021-2025", date(2020, 12, 15), date(2025, 12, 14)),
        ("2023-W39", date(2023, 9, 25), date(2023, 10, 1)),
        ("2023-09-30", date(2023, 9, 30), date(2023, 9, 30)),
    ],
)
def test_administrative_periods_run_from_the_15th_to_the_14th(name: str, first: date, last: date) -> None:
    period = ADMINISTRATIVE.parse(name)
    assert (period.first, period.last) == (first, last)


def test_civil_periods_are_the_civil_ones() -> None:
    assert (CIVIL.parse("2023").first, CIVIL.parse("2023").last) == (date(2023, 1, 1), date(2023, 12, 31))
    assert CIVIL.parse("2024-02").last == date(2024, 2, 29)
    assert CIVIL.parse("2021-2025").last == date(2025, 12, 31)


def test_14_and_15_december_are_of_different_administrative_years_and_of_one_civil_year() -> None:
    before, after = date(2022, 12, 14), date(2022, 12, 15)
    assert [ADMINISTRATIVE.period("year", day).id for day in (before, after)] == ["2022", "2023"]
    assert CIVIL.period("year", before) == CIVIL.period("year", after)


@pytest.mark.parametrize(
    "name", ["", "23", "2023-Q5", "2023-13", "2023-00", "2023-W54", "2023-02-30", "2025-2021", "2023-H3", "2023-9"]
)
def test_what_is_no_period_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ValueError, match="“"):
        ADMINISTRATIVE.parse(name)


@given(DAYS, st.sampled_from(KINDS), st.sampled_from([ADMINISTRATIVE, CIVIL]))
def test_every_day_lies_in_the_period_that_is_named_after_it(day: date, kind: str, calendar: Calendar) -> None:
    period = calendar.period(kind, day)  # type: ignore[arg-type]
    assert period.contains(day)
    assert calendar.parse(period.id) == period


@given(DAYS, st.sampled_from(KINDS), st.sampled_from([ADMINISTRATIVE, CIVIL]))
def test_periods_of_one_kind_follow_each_other_without_a_gap(day: date, kind: str, calendar: Calendar) -> None:
    period = calendar.period(kind, day)  # type: ignore[arg-type]
    following = calendar.period(kind, period.last + timedelta(days=1))  # type: ignore[arg-type]
    assert following.first == period.last + timedelta(days=1)
    assert period < following


@given(st.integers(2000, 2050), st.sampled_from(["half", "quarter", "month"]), st.sampled_from([ADMINISTRATIVE, CIVIL]))
def test_the_parts_of_a_year_make_up_the_year(year: int, kind: str, calendar: Calendar) -> None:
    whole = calendar.parse(str(year))
    parts = calendar.split(whole, kind)  # type: ignore[arg-type]
    assert (parts[0].first, parts[-1].last) == (whole.first, whole.last)
    assert sum(part.days for part in parts) == whole.days


def test_a_span_of_years_is_split_into_its_years() -> None:
    years = ADMINISTRATIVE.split(ADMINISTRATIVE.parse("2021-2025"), "year")
    assert [year.id for year in years] == ["2021", "2022", "2023", "2024", "2025"]


def test_a_month_after_the_31st_is_the_last_day_of_a_shorter_month() -> None:
    assert CIVIL.shift(date(2024, 1, 31), "month", 1) == date(2024, 2, 29)
    assert CIVIL.shift(date(2024, 2, 29), "year", 1) == date(2025, 2, 28)
    assert CIVIL.shift(date(2024, 1, 31), "quarter", -1) == date(2023, 10, 31)
    assert CIVIL.shift(date(2024, 1, 31), "week", 2) == date(2024, 2, 14)


def test_working_days_skip_weekends_and_holidays_and_keep_days_worked_in_exchange() -> None:
    assert not ADMINISTRATIVE.is_working_day(date(2023, 9, 4))  # a Monday, holiday
    assert not ADMINISTRATIVE.is_working_day(date(2023, 9, 10))  # a Sunday
    assert ADMINISTRATIVE.is_working_day(date(2023, 9, 9))  # a Saturday, worked in exchange
    assert ADMINISTRATIVE.add_working_days(date(2023, 8, 31), 1) == date(2023, 9, 5)
    assert ADMINISTRATIVE.add_working_days(date(2023, 9, 2), 0) == date(2023, 9, 5)


@given(DAYS, st.integers(1, 30))
def test_going_forth_and_back_the_same_number_of_working_days_returns_to_a_working_day(day: date, count: int) -> None:
    start = CIVIL.add_working_days(day, 0)
    assert CIVIL.add_working_days(CIVIL.add_working_days(start, count), -count) == start
