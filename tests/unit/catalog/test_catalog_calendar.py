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


@pytest.mark.parametrize(
    ("day", "count", "worked"),
    [
        ("2023-09-09", 0, "2023-09-09"),
        ("2023-09-10", 0, "2023-09-11"),
        ("2023-09-08", 1, "2023-09-09"),
        ("2023-09-09", 1, "2023-09-11"),
        ("2023-09-11", -1, "2023-09-09"),
        ("2023-09-11", -2, "2023-09-08"),
        ("2023-09-05", -1, "2023-08-31"),
        ("2023-08-31", 5, "2023-09-09"),
    ],
)
def test_working_days_are_counted_forth_and_back(day: str, count: int, worked: str) -> None:
    """1 to 4 September 2023 are holidays, Saturday 9 is worked for it."""
    assert ADMINISTRATIVE.add_working_days(date.fromisoformat(day), count) == date.fromisoformat(worked)


@pytest.mark.parametrize(
    ("day", "kind", "count", "later"),
    [
        ("2023-12-31", "day", 1, "2024-01-01"),
        ("2023-12-31", "week", -1, "2023-12-24"),
        ("2023-12-31", "month", 2, "2024-02-29"),
        ("2023-12-15", "month", 1, "2024-01-15"),
        ("2023-01-15", "month", -1, "2022-12-15"),
        ("2023-08-31", "half", 1, "2024-02-29"),
        ("2023-08-31", "year", 2, "2025-08-31"),
    ],
)
def test_days_are_shifted_by_civil_periods(day: str, kind: str, count: int, later: str) -> None:
    assert ADMINISTRATIVE.shift(date.fromisoformat(day), kind, count) == date.fromisoformat(later)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "names"),
    [
        ("2023-06-14", ["2023", "2023-H1", "2023-Q2", "2023-06", "2023-W24", "2023-06-14"]),
        ("2023-06-15", ["2023", "2023-H2", "2023-Q3", "2023-07", "2023-W24", "2023-06-15"]),
        ("2023-12-15", ["2024", "2024-H1", "2024-Q1", "2024-01", "2023-W50", "2023-12-15"]),
        ("2021-01-03", ["2021", "2021-H1", "2021-Q1", "2021-01", "2020-W53", "2021-01-03"]),
    ],
)
def test_a_day_has_a_period_of_each_kind(day: str, names: list[str]) -> None:
    found = [ADMINISTRATIVE.period(kind, date.fromisoformat(day)).id for kind in KINDS]  # type: ignore[arg-type]
    assert found == names


def test_a_civil_month_begins_on_its_first_day() -> None:
    assert [CIVIL.period("month", date(2023, 7, day)).id for day in (1, 14, 15, 31)] == ["2023-07"] * 4


def test_a_period_that_begins_on_the_last_day_is_a_part() -> None:
    days = CIVIL.split(CIVIL.parse("2023-02"), "day")
    assert (days[0].id, days[-1].id, len(days)) == ("2023-02-01", "2023-02-28", 28)
    assert [part.id for part in CIVIL.split(CIVIL.parse("2023-02-28"), "day")] == ["2023-02-28"]


def test_a_span_is_of_two_years_at_least() -> None:
    assert CIVIL.parse("2022-2023").days == 730
    with pytest.raises(ValueError, match="does not exist"):
        CIVIL.parse("2023-2023")


def test_only_periods_that_begin_inside_are_parts() -> None:
    """The administrative year 2023 begins on 15 December 2022, a Thursday; its first whole week on the 19th."""
    weeks = ADMINISTRATIVE.split(ADMINISTRATIVE.parse("2023"), "week")
    assert (weeks[0].first, weeks[-1].first, len(weeks)) == (date(2022, 12, 19), date(2023, 12, 11), 52)


def test_a_refusal_names_the_period() -> None:
    for name in ("2023-13", "2023-02-30", "2025-2021", "2023-W54"):
        with pytest.raises(ValueError, match=rf"^“{name}” does not exist in the calendar$"):
            ADMINISTRATIVE.parse(name)
    with pytest.raises(ValueError, match=r"^“2023-H3” is not a period; write 2023, 2023-H1"):
        ADMINISTRATIVE.parse("2023-H3")


def test_periods_are_ordered_by_time_and_of_two_that_begin_together_the_shorter_is_first() -> None:
    names = ["2023-01-01", "2023-01", "2023-Q1", "2023-H1", "2023", "2023-2024", "2023-01-02"]
    assert [period.id for period in sorted(CIVIL.parse(name) for name in reversed(names))] == names
    year = CIVIL.parse("2023")
    around = date(2022, 12, 31), date(2023, 1, 1), date(2023, 12, 31), date(2024, 1, 1)
    assert [year.contains(day) for day in around] == [False, True, True, False]
    assert (year.days, CIVIL.parse("2023-01-01").days) == (365, 1)


@given(DAYS, st.integers(1, 30))
def test_going_forth_and_back_the_same_number_of_working_days_returns_to_a_working_day(day: date, count: int) -> None:
    start = CIVIL.add_working_days(day, 0)
    assert CIVIL.add_working_days(CIVIL.add_working_days(start, count), -count) == start
