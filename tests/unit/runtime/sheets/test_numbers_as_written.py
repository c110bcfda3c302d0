"""Numbers and days as people write them: read in one way, or refused."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.sheets import days, numbers
from services.runtime.sheets.cells import Percent
from services.runtime.sheets.numbers import NotRead


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("913", "913"),
        ("0", "0"),
        ("-5", "-5"),
        ("−5", "-5"),
        ("+5", "5"),
        ("91,3", "91.3"),
        ("91.3", "91.3"),
        ("1.234,5", "1234.5"),
        ("1,234.5", "1234.5"),
        ("1.234.567", "1234567"),
        ("1,234,567", "1234567"),
        ("12.345.678,90", "12345678.90"),
        ("1 234 567", "1234567"),
        ("1\u00a0234,5", "1234.5"),
        ("1\u202f234", "1234"),
        ("1'234", "1234"),
        ("0,913", "0.913"),
        ("0.913", "0.913"),
        ("1234,567", "1234.567"),
        ("1234.5678", "1234.5678"),
        (" 42 ", "42"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-1234567890123456789012345678,95", "-1234567890123456789012345678.95"),
        ("−1.234.567.890.123.456.789.012.345.678,95", "-1234567890123456789012345678.95"),
    ],
)
def test_a_number_that_can_be_read_in_one_way_is_read(text: str, number: str) -> None:
    assert numbers.from_text(text) == Decimal(number)


@pytest.mark.parametrize("text", ["1.234", "12,345", "123.456", "-1.234"])
def test_a_number_that_can_be_read_in_two_ways_is_refused_with_both(text: str) -> None:
    with pytest.raises(NotRead) as refused:
        numbers.from_text(text)
    assert refused.value.code == "ambiguous_number"
    assert text.lstrip("-").replace(".", "").replace(",", "") in refused.value.vi


@pytest.mark.parametrize(
    ("text", "decimals", "number"),
    [("1.234", "comma", "1234"), ("1.234", "point", "1.234"), ("1,234", "comma", "1.234"), ("1,234", "point", "1234")],
)
def test_whoever_says_the_sign_of_decimals_is_understood(text: str, decimals: Any, number: str) -> None:
    assert numbers.from_text(text, decimals) == Decimal(number)


@pytest.mark.parametrize(("text", "decimals"), [("1.234,5", "point"), ("91,3", "point"), ("91.3", "comma")])
def test_a_number_against_the_chosen_sign_is_refused(text: str, decimals: Any) -> None:
    with pytest.raises(NotRead):
        numbers.from_text(text, decimals)


@pytest.mark.parametrize(
    "text",
    ["", "-", "—", "n/a", "1.23E+16", "1e5", "12.34,5", "1,2,3", "1.2.3", "1..2", "(5)", "5 người", "1 2", "1 23",
     "١٢٣", "１２", "0x10", "1_000", "--5", "5-", "NaN", "inf", "1.234.56", "1,234,56", ".5", "5.", "1.,5"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(NotRead) as refused:
        numbers.from_text(text)
    assert refused.value.vi != refused.value.en


@pytest.mark.parametrize(("text", "shown"), [("91,3%", "91.3"), ("91.3 %", "91.3"), ("0,5%", "0.5"), ("100%", "100")])
def test_a_percent_sign_says_how_the_number_is_shown(text: str, shown: str) -> None:
    assert numbers.from_text(text) == Percent(Decimal(shown))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_what_vietnamese_and_english_programs_write_is_read_back_exactly(number: Decimal) -> None:
    english = f"{number:,.2f}"
    vietnamese = english.translate(str.maketrans(",.", ".,"))
    assert numbers.from_text(english) == numbers.from_text(vietnamese) == numbers.from_text(f"{number:.2f}") == number


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        found = numbers.from_text(text)
    except NotRead:
        return
    assert isinstance(found, Decimal | Percent)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("30/09/2023", "2023-09-30"),
        ("3/9/2023", "2023-09-03"),
        ("30-09-2023", "2023-09-30"),
        ("30.09.2023", "2023-09-30"),
        ("2023-09-30", "2023-09-30"),
        ("2023/9/30", "2023-09-30"),
        ("30/09/2023 00:00:00", "2023-09-30"),
        ("ngày 30 tháng 9 năm 2023", "2023-09-30"),
        ("2023-09-30T16:00:00+07:00", "2023-09-30T16:00:00+07:00"),
        (date(2023, 9, 30), "2023-09-30"),
        (datetime(2023, 9, 30, 16, 0), "2023-09-30"),  # noqa: DTZ001 - as a sheet has it
    ],
)
def test_days_are_read_day_before_month(cell: Any, day: str) -> None:
    assert days.day(cell) == day


@pytest.mark.parametrize(
    "cell", ["09/30/2023", "31/02/2023", "30/09/23", "hôm qua", Decimal(45199), "45199", True, "2023", "٣٠/٠٩/٢٠٢٣"]
)
def test_what_is_no_day_is_refused(cell: Any) -> None:
    with pytest.raises(NotRead) as refused:
        days.day(cell)
    assert refused.value.code == "not_a_date"


@pytest.mark.parametrize(
    ("cell", "period"),
    [
        (Decimal(2023), "2023"),
        ("2023", "2023"),
        ("Năm 2023", "2023"),
        ("2023-Q3", "2023-Q3"),
        ("Quý III/2023", "2023-Q3"),
        ("quý 3 năm 2023", "2023-Q3"),
        ("Q3 2023", "2023-Q3"),
        ("Tháng 9/2023", "2023-09"),
        ("09/2023", "2023-09"),
        ("6 tháng đầu năm 2023", "2023-H1"),
        (date(2023, 9, 1), "2023-09"),
        (date(2023, 9, 30), "2023-09-30"),
        ("2021-2025", "2021-2025"),
    ],
)
def test_periods_are_read_as_people_name_them(cell: Any, period: str) -> None:
    assert days.period(cell) == period
