"""What stands for a record, of one accounting period or of several."""

from services.metrics.definition import Definition
from services.metrics.exact import SCALE, Quotient
from services.metrics.figures import ACTUAL, Figure
from services.metrics.rollup import Node
from services.metrics.series import Own
from services.metrics.standing import Standing, stands
from tests.unit.metrics.builders import a_catalog, a_kpi

FLOW = Definition(a_catalog(a_kpi(kind="flow", period="quarter")), "k")
STOCK = Definition(a_catalog(a_kpi(kind="stock", period="quarter")), "k")


def a_node(
    day: int | None,
    n: int = 0,
    d: int = 0,
    *,
    as_of: int | None = None,
    value: Quotient | None = None,
    why: str = "no_figure",
    reported_at: int = 0,
) -> Node:
    """With a day: an amount and its value."""
    node = Node()
    node.n, node.d, node.day, node.in_parts = n, d, day, day is not None
    node.as_of = day if as_of is None else as_of
    node.value = (n, SCALE) if day is not None and value is None else value
    node.why, node.reported_at = why, reported_at
    return node


def test_a_flow_of_several_periods_is_their_sum() -> None:
    told = [a_node(100, 5, 1, reported_at=70), a_node(30, 7, 2, reported_at=80), a_node(None, 9), a_node(200, 2, 4)]
    assert stands(FLOW, told) == Standing(200, (14, SCALE), "no_figure", 14, 7, 80)


def test_a_period_without_a_value_is_left_out_of_the_sum_and_says_why() -> None:
    empty = a_node(300, 9)
    empty.value, empty.why = None, "no_value"
    assert stands(FLOW, [a_node(100, 5), empty]) == Standing(100, (5, SCALE), "no_value", 5, 0, 0)
    assert stands(FLOW, [a_node(None, as_of=50, why="no_value")] * 2) == Standing(50, None, "no_value", None, None, 0)


def test_of_what_is_not_added_up_the_last_period_stands() -> None:
    told = [a_node(100, 5, reported_at=70), a_node(200, 7, reported_at=60), a_node(None)]
    assert stands(STOCK, told) == Standing(200, (7, SCALE), "no_figure", 7, 0, 60)
    assert stands(STOCK, told[2:]) == Standing(None, None, "no_figure", None, None, 0)
    assert stands(FLOW, told[:1]) == Standing(100, (5, SCALE), "no_figure", 5, 0, 70)


def test_a_direct_figure_that_is_no_part_of_a_sum_shows_the_parts_that_it_has() -> None:
    node = a_node(None, as_of=9, value=(40, 1))
    node.own = Own(9, Figure(1, ACTUAL, 0, b"", "s", n=2))
    node.direct = True
    assert stands(STOCK, [node]) == Standing(9, (40, 1), "no_figure", 2, None, 0)
    node.direct = False
    assert stands(STOCK, [node]) == Standing(9, (40, 1), "no_figure", None, None, 0)
    node.direct, node.own = True, None
    assert stands(STOCK, [node]) == Standing(9, (40, 1), "no_figure", None, None, 0)
