"""How far a figure can be relied on: a grade lower for each thing that stands on its record against it."""

import asyncio

import pytest

from contracts.progress import ProgressJudged
from services.metrics.trust import Against, against
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, local, unit
from tests.unit.metrics.engine import run

STOCK = a_kpi(kind="stock", calendar="civil", cadence="month", unit_of_measure="machine")
TEN = (unit("p", "province"), *(unit(f"p.{at}", "commune", "p") for at in range(10)))
"""A province of ten communes."""


def a_sum_of(reporting: int) -> ProgressJudged:
    """The province's record once so many of its ten communes have reported."""
    catalog = a_catalog(STOCK, units=TEN)
    figures = [an_observation(f"p.{at}", "2023-07-02", value=20) for at in range(reporting)]
    return run(catalog, local("2023-07-03"), figures).record("p")


def test_a_figure_with_nothing_against_it_is_an_a() -> None:
    engine = run(a_catalog(STOCK), local("2023-07-03"), [an_observation(as_of="2023-07-02", value=20)])
    assert engine.record().trust == "A"


def test_each_flag_costs_a_grade_and_d_is_the_last() -> None:
    flags = ("late", "over_natural_range", "truncated", "points_not_percent")
    grades = []
    for count in range(5):
        figure = an_observation(as_of="2023-07-02", value=20, flags=flags[:count])
        grades.append(run(a_catalog(STOCK), local("2023-07-03"), [figure]).record().trust)
    assert grades == ["A", "B", "C", "D", "D"]


def test_a_preliminary_figure_costs_a_grade_until_the_actual_one_comes() -> None:
    preliminary = an_observation(as_of="2023-07-02", value=20, status="preliminary")
    engine = run(a_catalog(STOCK), local("2023-07-03"), [preliminary])
    assert engine.record().trust == "B"
    asyncio.run(engine.take(an_observation(as_of="2023-07-02", value=20)))
    assert engine.record().trust == "A"


def test_a_stale_figure_costs_a_grade_when_the_day_comes() -> None:
    """Two months after 2 July is 2 September."""
    catalog = a_catalog(STOCK, a_target("p.a.1", 100, 0))
    engine = run(catalog, local("2023-09-02"), [an_observation(as_of="2023-07-02", value=50)])
    assert engine.record().trust == "A"
    asyncio.run(engine.tick(local("2023-09-03")))
    assert (engine.record().status, engine.record().trust) == ("unknown", "B")


@pytest.mark.parametrize(("reporting", "grade"), [(10, "A"), (9, "B"), (6, "B"), (5, "C"), (1, "C")])
def test_a_sum_loses_a_grade_for_missing_units_and_another_if_half_are_missing(reporting: int, grade: str) -> None:
    record = a_sum_of(reporting)
    assert (record.value, record.trust) == (20 * reporting, grade)


def test_a_figure_reported_directly_lacks_nobody() -> None:
    engine = run(a_catalog(STOCK), local("2023-07-03"), [an_observation("p.a", "2023-07-02", value=50)])
    completeness = engine.record("p.a").completeness
    assert completeness is not None
    assert completeness.missing == ("p.a.1", "p.a.2")
    assert engine.record("p.a").trust == "A"


def test_without_a_value_there_is_nothing_to_trust() -> None:
    catalog = a_catalog(a_target())
    engine = run(catalog, local("2023-10-01"), [an_observation(numerator=0, denominator=0)])
    assert (engine.record().value, engine.record().trust) == (None, None)


@pytest.mark.parametrize(
    ("codes", "preliminary", "stale"),
    [
        ([], False, False),
        (["target_met"], False, False),
        (["preliminary"], True, False),
        (["stale"], False, True),
        (["stale_at_deadline", "preliminary"], True, True),
        (["preliminary", "stale", "nothing_needed"], True, True),
    ],
)
def test_what_is_held_against_a_figure_is_read_off_its_reasons(
    codes: list[str], preliminary: bool, stale: bool
) -> None:
    reasons = [{"code": code} for code in codes]
    found = against(["late", "jump"], reasons, None, direct=False)
    assert found == Against(2, preliminary, stale, 0, 0)
    assert isinstance(found.preliminary, bool)
    assert isinstance(found.stale, bool)


def test_units_are_missing_in_a_sum_and_not_in_what_was_reported_directly() -> None:
    completeness = {"expected": 5, "reported": 2}
    assert against([], [], completeness, direct=False) == Against(0, False, False, 3, 5)
    assert against([], [], completeness, direct=True) == Against(0, False, False, 0, 0)


def test_units_left_out_of_a_sum_count_like_missing_ones_and_together_with_them() -> None:
    completeness = {"expected": 5, "reported": 4, "left_out": ["p.1", "p.2"]}
    found = against([], [], completeness, direct=False)
    assert found == Against(0, False, False, 1, 5, left_out=2)
    assert (found.grade, found._replace(left_out=1).grade, found._replace(left_out=0).grade) == ("C", "B", "B")
    assert against([], [], completeness, direct=True) == Against(0, False, False, 0, 0)


def test_faults_of_different_kinds_add_up() -> None:
    assert Against(flags=1, preliminary=True, stale=False, missing=0, expected=0).grade == "C"
    assert Against(flags=0, preliminary=False, stale=True, missing=1, expected=3).grade == "C"
    assert Against(flags=0, preliminary=False, stale=True, missing=2, expected=3).grade == "D"
