"""Sums of the units below: kept up part by part, and when a direct figure stands before them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.exact import Quotient
from services.metrics.figures import ACTUAL, Figure
from services.metrics.rollup import Node, Sums, direct_stands
from services.metrics.series import Own


def a_part(n: int, d: int, day: int | None, covered: int = 1, seen: int | None = None, reported_at: int = 0) -> Node:
    node = Node()
    node.n, node.d, node.day, node.covered = n, d, day, covered
    node.seen = day if seen is None else seen
    node.reported_at = 0 if node.seen is None else reported_at
    return node


def told(sums: Sums) -> tuple[int, int, int, int | None, int | None, int]:
    return sums.n, sums.d, sums.covered, sums.day, sums.seen, sums.reported_at


SILENT = Node()


def test_parts_add_up_and_are_as_late_as_the_latest() -> None:
    parts = [a_part(1, 10, 5, reported_at=70), a_part(2, 20, 9, 3, reported_at=60), a_part(4, 40, 7, seen=8), SILENT]
    assert told(Sums(parts)) == (7, 70, 5, 9, 9, 70)
    assert told(Sums([SILENT])) == told(Sums()) == (0, 0, 0, None, None, 0)
    assert told(Sums([a_part(0, 0, None, 0, seen=4, reported_at=9)])) == (0, 0, 0, None, 4, 9)
    assert told(Sums([a_part(0, 6, None, 0)])) == (0, 6, 0, None, None, 0)  # a silent one keeps its roster


def test_a_part_takes_the_place_of_what_it_was() -> None:
    old, other = a_part(1, 10, 5, reported_at=70), a_part(2, 20, 9, reported_at=80)
    sums = Sums([old, other])
    assert sums.replace(old, a_part(3, 30, 8, 2, reported_at=75))
    assert told(sums) == (5, 50, 3, 9, 9, 80)
    assert sums.replace(other, a_part(2, 20, 9, reported_at=80))
    assert sums.replace(other, a_part(0, 1, 12, reported_at=90))
    assert told(sums) == (3, 31, 3, 12, 12, 90)


@pytest.mark.parametrize(
    ("new", "kept"),
    [
        (a_part(1, 1, 9, seen=9, reported_at=80), True),
        (a_part(1, 1, 10, seen=10, reported_at=81), True),
        (a_part(1, 1, 8, seen=9, reported_at=80), False),
        (a_part(1, 1, None, seen=9, reported_at=80), False),
        (a_part(1, 1, 9, seen=8, reported_at=80), False),
        (a_part(1, 1, 9, seen=9, reported_at=79), False),
        (SILENT, False),
    ],
)
def test_who_was_the_latest_and_is_no_more_leaves_it_to_be_told_from_all(new: Node, kept: bool) -> None:
    latest = a_part(2, 20, 9, reported_at=80)
    sums = Sums([a_part(1, 10, 5, reported_at=70), latest])
    before = told(sums)
    assert sums.replace(latest, new) is kept
    if not kept:
        assert told(sums) == before


PARTS = st.builds(
    a_part,
    st.integers(-5, 5), st.integers(0, 5), st.one_of(st.none(), st.integers(1, 9)), st.integers(0, 3),
    st.one_of(st.none(), st.integers(1, 9)), st.integers(0, 9),
)  # fmt: skip


@given(st.lists(PARTS, min_size=1, max_size=4), PARTS)
def test_sums_that_were_kept_up_are_those_of_all_parts(parts: list[Node], new: Node) -> None:
    for at, old in enumerate(parts):
        sums = Sums(parts)
        if sums.replace(old, new):
            assert told(sums) == told(Sums([*parts[:at], new, *parts[at + 1 :]]))


VALUE: Quotient = (1, 1)


@pytest.mark.parametrize(
    ("own_value", "value", "complete", "day", "stands"),
    [
        (VALUE, VALUE, True, 6, False),
        (VALUE, VALUE, True, 5, True),
        (VALUE, VALUE, True, None, True),
        (VALUE, VALUE, False, 6, True),
        (VALUE, None, True, 6, True),
        (None, VALUE, False, 4, False),
        (None, None, True, 6, True),
        (None, None, False, None, True),
    ],
)
def test_a_direct_figure_stands_until_the_parts_are_newer_and_complete(
    own_value: Quotient | None, value: Quotient | None, complete: bool, day: int | None, stands: bool
) -> None:
    own = Own(5, Figure(1, ACTUAL, 0, b"", "s", v=1))
    assert direct_stands(own, own_value, value, complete=complete, day=day) is stands
