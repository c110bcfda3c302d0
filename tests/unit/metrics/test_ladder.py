"""What stood at the end of each unit of time, for a whole tree: columns, with their numbers written out."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from contracts.catalog import Kpi, OrgUnit
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.figures import ACTUAL, Figure, Increments
from services.metrics.ladder import Ladder
from services.metrics.series import Series
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, day, unit

FIRST = day("2022-12-15").toordinal()
"""The first day of the administrative year 2023: day 0 here."""

Told = list[tuple[int, Fraction | int | None]]


def shares(figures: Mapping[int, tuple[int, int | None]]) -> Series:
    """Numerator and denominator by day."""
    series = Series()
    for after, (n, d) in figures.items():
        scaled = None if d is None else d * SCALE
        series.take(FIRST + after, Figure(1, ACTUAL, 0, b"", "s", n=n * SCALE, d=scaled))
    return series


def a_ladder(
    units: dict[str, Series], ends: list[int], kpi: Kpi | None = None, tree: Sequence[OrgUnit] = UNITS
) -> Ladder:
    definition = Definition(a_catalog(kpi or a_kpi(), units=tree), "k")
    at = [FIRST + end for end in ends]
    return Ladder(definition, units, FIRST, at, at[-1], definition.shape(FIRST))


def told(ladder: Ladder, unit: str) -> Told:
    return [(on - FIRST if on else 0, None if value is None else Fraction(*value)) for on, value in ladder.told(unit)]


def test_a_direct_figure_stands_at_each_end_until_its_parts_are_newer_and_complete() -> None:
    units = {
        "p.a.1": shares({5: (40, 100), 35: (60, 100)}),
        "p.a.2": shares({40: (10, 50)}),
        "p.a": shares({10: (30, 60)}),
    }
    ladder = a_ladder(units, [3, 7, 20, 36, 50])
    assert told(ladder, "p.a.1") == [(0, None), (5, 40), (5, 40), (35, 60), (35, 60)]
    assert told(ladder, "p.a.2") == [(0, None)] * 4 + [(40, 20)]
    assert told(ladder, "p.a") == [(0, None), (5, 40), (10, 50), (10, 50), (40, Fraction(7000, 150))]
    assert told(ladder, "p") == [(0, None), (5, 40), (10, 50), (10, 50), (40, Fraction(7000, 150))]
    assert (told(ladder, "p.b"), told(ladder, "p.b.1")) == ([], [])


def test_parts_of_the_same_day_do_not_replace_a_direct_figure() -> None:
    units = {"p.a.1": shares({10: (1, 4)}), "p.a.2": shares({10: (2, 4)}), "p.a": shares({10: (3, 4)})}
    assert told(a_ladder(units, [20]), "p.a") == [(10, 75)]
    units["p.a.2"] = shares({11: (2, 4)})
    assert told(a_ladder(units, [20]), "p.a") == [(11, Fraction(300, 8))]


def test_the_only_part_is_all_parts() -> None:
    tree = (unit("p", "province"), unit("p.a", "district", "p"), unit("p.a.1", "commune", "p.a"))
    units = {"p.a": shares({10: (3, 4)}), "p.a.1": shares({20: (1, 4)})}
    assert told(a_ladder(units, [15, 30], tree=tree), "p.a") == [(10, 75), (20, 25)]


def test_a_direct_figure_goes_on_up_in_the_place_of_its_parts() -> None:
    """30 of 60 for the first district, which its communes do not know better, and 10 of 40 in the other."""
    units = {"p.a": shares({10: (30, 60)}), "p.a.1": shares({20: (1, 60)}), "p.b.1": shares({15: (10, 40)})}
    assert told(a_ladder(units, [30]), "p") == [(15, 40)]


def test_a_direct_figure_stands_for_all_that_are_due_below_it() -> None:
    """The province's own figure gives way when both districts are covered, one by its own and one by its communes."""
    units = {
        "p": shares({1: (1, 1)}),
        "p.a": shares({10: (30, 60)}),
        "p.b.1": shares({12: (5, 20)}),
        "p.b.2": shares({30: (5, 20)}),
    }
    assert told(a_ladder(units, [20, 30]), "p") == [(1, 100), (30, 40)]


def test_a_direct_figure_that_cannot_be_added_up_leaves_its_parts_to_the_unit_above() -> None:
    published = Series()
    published.take(FIRST + 10, Figure(1, ACTUAL, 0, b"", "s", v=33 * SCALE))
    units = {"p.a": published, "p.a.1": shares({5: (1, 4)})}
    ladder = a_ladder(units, [3, 7, 20])
    assert told(ladder, "p.a") == [(0, None), (5, 25), (10, 33)]
    assert told(ladder, "p") == [(0, None), (5, 25), (5, 25)]


def test_a_direct_figure_without_a_value_hides_no_sum() -> None:
    units = {"p.a": shares({10: (3, None)}), "p.a.1": shares({5: (1, 4)})}
    assert told(a_ladder(units, [20]), "p.a") == [(5, 25)]
    assert told(a_ladder({"p.a": shares({10: (3, None)})}, [5, 20]), "p.a") == [(0, None), (10, None)]


def test_a_part_that_is_no_part_of_a_sum_is_left_out() -> None:
    units = {"p.a.1": shares({5: (1, 4), 8: (7, None)}), "p.a.2": shares({6: (3, 4)})}
    ladder = a_ladder(units, [5, 6, 9])
    assert told(ladder, "p.a.1") == [(5, 25), (5, 25), (8, None)]
    assert told(ladder, "p.a") == [(5, 25), (6, 50), (6, 75)]


def test_what_changed_is_made_anew_with_all_above_it() -> None:
    units = {"p.a.1": shares({5: (1, 4)}), "p.b.1": shares({6: (3, 4)})}
    ladder = a_ladder(units, [9])
    assert [told(ladder, unit) for unit in ("p", "p.a", "p.b")] == [[(6, 50)], [(5, 25)], [(6, 75)]]
    units["p.a.1"].take(FIRST + 7, Figure(1, ACTUAL, 0, b"", "s", n=2 * SCALE, d=4 * SCALE))
    ladder.drop(["p.a.1"])
    assert [told(ladder, unit) for unit in ("p", "p.a", "p.b", "p.a.1")] == [
        [(7, Fraction(500, 8))], [(7, 50)], [(6, 75)], [(7, 50)],
    ]  # fmt: skip


def test_increments_add_up_where_they_count() -> None:
    def sold(n: int) -> Increments:
        return Increments(None, None, n * SCALE, 1, (b"",), 0)

    one, other = Series(), Series()
    one.take(FIRST + 3, Figure(1, ACTUAL, 0, b"", "s", v=10 * SCALE))
    one.add(FIRST + 5, sold(2))
    other.add(FIRST + 6, sold(1))
    flow = a_kpi(kind="flow", unit_of_measure="product")
    assert told(a_ladder({"p.a.1": one, "p.a.2": other}, [2, 4, 5, 8], flow), "p.a") == [
        (0, None),
        (3, 10),
        (5, 12),
        (6, 13),
    ]
    stock = a_kpi(kind="stock", unit_of_measure="machine")
    assert told(a_ladder({"p.a.1": one, "p.a.2": other}, [4, 5, 8], stock), "p.a") == [(3, 10)] * 3


def test_a_mean_is_that_of_the_readings_by_then() -> None:
    series = Series()
    for after, speed in ((3, 10), (5, 20), (9, 60)):
        more = {"weight": "2"}
        series.take(FIRST + after, Figure(1, ACTUAL, 0, b"", "s", v=speed * SCALE, more=more))
    kpi = a_kpi(kind="level", unit_of_measure="Mbps", within_period="mean")
    ladder = a_ladder({"p.a.1": series}, [4, 6, 9], kpi)
    assert told(ladder, "p.a.1") == told(ladder, "p.a") == [(3, 10), (5, 15), (9, 30)]
