"""Exact numbers, documents and plans, piece by piece."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.documents import escaped, plain
from services.metrics.exact import SCALE, loaded, nearest, on_the_wire, scaled, stored
from services.metrics.needed import natural_unit
from services.metrics.plan import Line
from services.metrics.reasons import words

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20)


@given(DECIMALS)
def test_decimals_are_scaled_without_loss(number: Decimal) -> None:
    for text in (format(number, "f"), number):
        assert Fraction(scaled(text), SCALE) == Fraction(number)


@given(st.integers(-(10**30), 10**30))
def test_numbers_come_back_from_a_document_as_they_were(number: int) -> None:
    assert loaded(stored(number)) == number


@pytest.mark.parametrize(("text", "number"), [("-0.5", -0.5), ("0", 0), ("007", 7), ("1E+2", 100), ("12.50", 12.5)])
def test_numbers_are_read_however_they_are_written(text: str, number: float) -> None:
    assert scaled(text) == number * SCALE


@pytest.mark.parametrize("text", ["", "x", "0.0000000001", "NaN", "Infinity", "1,5"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        scaled(text)


@pytest.mark.parametrize("text", ["1e999999999", "-1e-999999999", "0e-999999999", "1e401"])
def test_a_number_that_nobody_could_write_out_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an exponent that no figure has"):
        scaled(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1_500_000_000),
        ("0.000000001", 1),
        ("-0.000000001", -1),
        ("1.0000000000", 1_000_000_000),
        ("1.00000000000", 1_000_000_000),
        ("25E-10", None),
        ("250E-11", None),
        ("2500E-12", None),
        ("1E-9", 1),
        ("30E-10", 3),
        ("0E-12", 0),
        ("1E+3", 1_000_000_000_000),
        (Decimal("-2.50"), -2_500_000_000),
    ],
)
def test_nine_decimals_are_counted_however_a_number_is_written(text: str | Decimal, number: int | None) -> None:
    if number is not None:
        assert scaled(text) == number
        return
    with pytest.raises(ValueError, match=f"'{text}' has more than 9 decimals"):
        scaled(text)


def test_a_refusal_names_the_number() -> None:
    for text, why in (("1.2.3", "'1.2.3' is no number"), ("-Infinity", "'-Infinity' is not finite")):
        with pytest.raises(ValueError, match=why):
            scaled(text)


@pytest.mark.parametrize(
    ("number", "document"),
    [
        (0, 0),
        (1, "0.000000001"),
        (-1, "-0.000000001"),
        (100_000_000, "0.1"),
        (-500_000_000, "-0.5"),
        (10_250_000_000, "10.25"),
        ((2**63 - 1) * SCALE, 2**63 - 1),
        (2**63 * SCALE, "9223372036854775808"),
        (-(2**63) * SCALE, -(2**63)),
        (-(2**63 + 1) * SCALE, "-9223372036854775809"),
        (10**20 * SCALE, "1" + "0" * 20),
    ],
)
def test_a_number_is_stored_as_short_as_it_can_be(number: int, document: int | str) -> None:
    assert stored(number) == document
    assert loaded(document) == number


def test_whole_numbers_go_out_as_integers() -> None:
    assert (type(on_the_wire(0)), type(on_the_wire(-3 * SCALE)), type(on_the_wire(SCALE + 1))) == (int, int, float)


def test_whole_numbers_are_stored_as_such_and_huge_ones_as_text() -> None:
    assert stored(913 * SCALE) == 913
    assert stored(scaled("-12.05")) == "-12.05"
    assert stored(10**30 * SCALE) == "1" + "0" * 30
    assert (on_the_wire(913 * SCALE), on_the_wire(scaled("0.1"))) == (913, 0.1)


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**12))
def test_a_number_leaves_as_the_nearest_double(p: int, q: int) -> None:
    assert nearest((p, q)) == float(Fraction(p, q))


@given(st.text(max_size=30))
def test_any_name_can_be_a_field(name: str) -> None:
    assert plain(escaped(name)) == name
    assert not {".", "$"} & set(escaped(name))


@given(
    st.lists(st.tuples(st.integers(1, 1000), st.integers(-100, 100)), min_size=1, max_size=5, unique_by=lambda p: p[0]),
    st.integers(-10, 1010),
)
def test_a_polyline_goes_through_its_points_and_no_further(points: list[tuple[int, int]], day: int) -> None:
    points = sorted(points)
    reached = Line(tuple((on, value * SCALE) for on, value in points)).planned(day)
    assert reached is not None
    planned = Fraction(*reached)
    values = [value for _, value in points]
    assert min(values) <= planned <= max(values)
    if day in dict(points):
        assert planned == dict(points)[day]


@pytest.mark.parametrize(
    ("cadence", "days", "unit"),
    [
        ("day", 365, "month"),
        ("week", 92, "week"),
        ("month", 1826, "month"),
        ("quarter", 365, "quarter"),
        ("half", 365, "quarter"),
        ("year", 1826, "year"),
        ("day", 31, "day"),
        ("day", 45, "day"),
        ("day", 46, "week"),
        ("day", 190, "week"),
        ("day", 191, "month"),
    ],
)
def test_a_pace_is_told_in_a_unit_that_suits_the_period_and_the_cadence(cadence: str, days: int, unit: str) -> None:
    assert natural_unit(cadence, days) == unit  # type: ignore[arg-type]


def test_words_are_rounded_and_never_read_as_a_shorter_number_that_they_are_not() -> None:
    pairs = (2, 3), (-2, 3), (20, 28), (9199996, 100000), (920000001, 10**7), (5, 1), (9130, 100), (-1, 10**5)
    assert [words(pair) for pair in (*pairs, (-1, 10**10), (10**11 + 1, 10**11))] == [
        *("0.6667", "-0.6667", "0.7143", "91.99996", "92.0000001", "5", "91.3", "-0.00001"),
        *("0", "1"),
    ]  # fmt: skip
