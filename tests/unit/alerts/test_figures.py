"""Numbers as people read them: no rounding may turn a figure into its opposite."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerts.figures import amount, difference, number, standing
from tests.unit.alerts.builders import KPI

PRODUCTS = KPI.model_copy(update={"unit_of_measure": "product", "decimals": 0})
FIGURES = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 4))


@pytest.mark.parametrize(
    ("value", "said"),
    [(89.74, "89,7"), (89.96, "89,96"), (90.0, "90"), (90.04, "90,04"), (91.2, "91"), (0.004, "0,004"), (0.0, "0")],
)
def test_a_number_beside_a_bound_never_reads_as_the_bound(value: float, said: str) -> None:
    assert number(value, 0, "vi", unlike=(90.0,)) == said


@given(FIGURES, FIGURES)
def test_value_line_and_gap_add_up_as_they_are_read(value: float, line: float) -> None:
    shown = standing(value, line, KPI, "en")
    read = [Decimal(re.sub(r"[^0-9.−]", "", text).replace("−", "-")) for text in (shown.value, shown.line, shown.gap)]
    assert abs(read[1] - read[0]) == read[2]
    assert (read[2] == 0) == (value == line)


@pytest.mark.parametrize(
    ("value", "line", "said"),
    [
        (48.35, 49.34, ("48,4 %", "49,3 %", "0,9 điểm %")),
        (61.6, 80.0, ("61,6 %", "80,0 %", "18,4 điểm %")),
        (87.36, 87.44, ("87,36 %", "87,44 %", "0,08 điểm %")),
        (0.004, 1.0, ("0,004 %", "1,000 %", "0,996 điểm %")),
    ],
)
def test_a_gap_is_what_its_figures_leave(value: float, line: float, said: tuple[str, str, str]) -> None:
    shown = standing(value, line, KPI, "vi")
    assert (shown.value, shown.line, shown.gap) == said


def test_one_of_a_thing_is_singular_in_english() -> None:
    assert difference(1, PRODUCTS, "en") == "1 product"
    assert difference(1.4, PRODUCTS, "en", signed=True) == "+1 product"
    assert amount(1, PRODUCTS.model_copy(update={"unit_of_measure": "person"}), "en") == "1 person"
    assert difference(2, PRODUCTS, "en") == "2 products"
    assert difference(1, KPI, "en") == "1.0 percentage points"
    assert difference(1, PRODUCTS, "vi") == "1 sản phẩm"


def test_a_rank_has_no_unit_and_its_difference_has() -> None:
    rank = PRODUCTS.model_copy(update={"unit_of_measure": "rank"})
    assert (amount(25, rank, "vi"), difference(5, rank, "vi")) == ("25", "5 bậc")
    assert (amount(25, rank, "en"), difference(1, rank, "en")) == ("25", "1 place")


@pytest.mark.parametrize(
    ("value", "said"),
    [(1e28, "10.000.000.000.000.000.000.000.000.000"), (-9.99e29, "−999.000.000.000.000.000.000.000.000.000")],
)
def test_figures_of_thirty_digits_are_written_and_leave_their_gap(value: float, said: str) -> None:
    assert number(value, 0, "vi") == said
    shown = standing(value, 1.5, KPI, "vi")
    assert shown.value == f"{said},0 %"
    assert shown.gap.startswith(said.lstrip("−"))
