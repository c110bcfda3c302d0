"""Who follows whom, and figures carried over a reform: totals are conserved, nothing is guessed, all can be undone."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import KpiKind, OrgUnit, Succession
from services.runtime.catalog.carrying import Carried, carry, day_of
from services.runtime.catalog.portable import (
    DERIVED,
    NO_PARTS,
    NO_WEIGHT,
    RANK_STANDS_ALONE,
    Amount,
    AnyFigure,
    Bare,
    Counted,
    Weighted,
    figure_of,
)
from services.runtime.catalog.succession import Lineage, Share, shares_of
from services.runtime.catalog.tree import OrgTree

REFORM = date(2025, 7, 1)
BEFORE, AFTER = REFORM - timedelta(days=1), REFORM
HALF, SEVEN_TENTHS, THREE_TENTHS = Fraction(1, 2), Fraction(7, 10), Fraction(3, 10)


def a_unit(unit_id: str, since: date | None = None, until: date | None = None) -> OrgUnit:
    return OrgUnit(id=unit_id, name=unit_id, level="commune", valid_from=since, valid_to=until)


def old(*names: str) -> list[OrgUnit]:
    return [a_unit(name, until=REFORM) for name in names]


def new(*names: str) -> list[OrgUnit]:
    return [a_unit(name, since=REFORM) for name in names]


def follows(before: str, after: str, part: str = "whole", weight: str | None = None, on: date = REFORM) -> Succession:
    return Succession.model_validate(
        {"id": f"{before}--{after}", "from_unit": before, "to_unit": after, "part": part, "weight": weight,
         "effective": on}
    )  # fmt: skip


class Reformed:
    """Units and successions, asked for figures of one day on the units of another."""

    def __init__(self, units: list[OrgUnit], *successions: Succession) -> None:
        self.units = OrgTree(units)
        self.lineage = Lineage(successions, self.units)

    def view(self, figures: Mapping[str, AnyFigure], since: date = BEFORE, on: date = AFTER) -> Carried:
        return carry(figures, self.units, self.lineage, since=since, on=on)


def counted(numerator: int, denominator: int) -> AnyFigure:
    return figure_of("ratio", numerator=numerator, denominator=denominator)


MERGED = Reformed(old("a", "b") + new("m"), follows("a", "m"), follows("b", "m"))
"""A and B become M."""

DIVIDED = Reformed(
    old("a") + new("x", "y"), follows("a", "x", "part", "0.75"), follows("a", "y", "part-default", "0.25")
)
"""A becomes X (three quarters) and Y."""


def test_merging_40_of_50_and_10_of_50_gives_50_of_100_and_undoing_it_gives_back_both() -> None:
    figures = {"a": counted(40, 50), "b": counted(10, 50)}
    carried = MERGED.view(figures)
    assert (carried.on, carried.figures) == (AFTER, {"m": counted(50, 100)})
    assert carried.undo() == figures
    assert {part.unit: part.brings for part in carried.contributions["m"]} == figures
    assert not carried.missing
    assert not carried.left


def test_names_that_are_certain_on_one_side_are_certain_in_the_sum() -> None:
    certain = Counted(Fraction(1), Fraction(2), members=frozenset("a"), uncertain=frozenset("b"))
    other = Counted(Fraction(2), Fraction(3), members=frozenset("bc"), uncertain=frozenset("ad"))
    assert certain.plus(other) == Counted(Fraction(3), Fraction(5), frozenset("abc"), frozenset("d"))
    half = other.times(HALF)
    assert half == Counted(Fraction(1), Fraction(3, 2), frozenset(), frozenset("abcd"))
    assert other.times(Fraction(0)) == Counted(Fraction(0), Fraction(0))
    assert other.times(Fraction(1)) == other


@pytest.mark.parametrize(
    ("kind", "parts", "figure"),
    [
        ("ratio", {"value": Decimal("41.5")}, Bare(Fraction(83, 2), NO_PARTS)),
        ("rate", {"numerator": 3}, Bare(None, NO_PARTS)),
        ("ratio", {"value": 9, "numerator": 1, "denominator": 2}, Counted(Fraction(1), Fraction(2))),
        ("milestone", {"value": 1}, Counted(Fraction(1), Fraction(1))),
        ("milestone", {"value": 1, "numerator": 3, "denominator": 4}, Counted(Fraction(3), Fraction(4))),
        (
            "coverage",
            {"members": ["a", "a", "b"], "denominator": 3},
            Counted(Fraction(2), Fraction(3), frozenset("ab")),
        ),
        ("flow", {"value": 0}, Amount(Fraction(0))),
        ("stock", {"numerator": 3}, Bare(None, NO_PARTS)),
        ("level", {"value": 5, "weight": 2}, Weighted(Fraction(10), Fraction(2))),
        ("level", {"value": 5}, Bare(Fraction(5), NO_WEIGHT)),
        ("level", {"value": 5, "weight": 0}, Bare(Fraction(5), NO_WEIGHT)),
        ("level", {"numerator": 5, "weight": 1}, Bare(None, NO_WEIGHT)),
        ("rank", {"value": 3}, Bare(Fraction(3), RANK_STANDS_ALONE)),
        ("growth", {"value": Decimal("1.5")}, Bare(Fraction(3, 2), DERIVED)),
        ("composite", {"value": 0}, Bare(Fraction(0), DERIVED)),
    ],
)
def test_what_cannot_be_carried_keeps_its_value_and_says_why(
    kind: KpiKind, parts: dict[str, Any], figure: AnyFigure
) -> None:
    assert figure_of(kind, **parts) == figure


def test_as_it_was_changes_nothing() -> None:
    figures: dict[str, AnyFigure] = {"a": counted(40, 50), "b": figure_of("rank", value=3)}
    assert day_of("as_it_was", BEFORE, AFTER) == BEFORE
    assert day_of("as_it_is_now", BEFORE, AFTER) == AFTER
    assert day_of(date(2024, 1, 1), BEFORE, AFTER) == date(2024, 1, 1)
    carried = MERGED.view(figures, on=date(2023, 1, 1))
    assert carried.figures == carried.undo() == figures


def test_a_divided_unit_is_shared_out_by_the_stated_weights() -> None:
    carried = DIVIDED.view({"a": counted(41, 50)})
    assert carried.figures == {
        "x": Counted(Fraction(123, 4), Fraction(75, 2)),
        "y": Counted(Fraction(41, 4), Fraction(25, 2)),
    }
    assert not carried.estimated
    assert carried.undo() == {"a": counted(41, 50)}


def test_names_go_along_with_a_whole_unit_and_are_uncertain_in_a_divided_one() -> None:
    figure = figure_of("coverage", members=("school-1", "school-2"), denominator=3)
    whole = MERGED.view({"a": figure}).figures["m"]
    part = DIVIDED.view({"a": figure}).figures["x"]
    schools = frozenset({"school-1", "school-2"})
    assert whole == Counted(Fraction(2), Fraction(3), members=schools)
    assert part == Counted(Fraction(3, 2), Fraction(9, 4), uncertain=schools)


@pytest.mark.parametrize(
    ("successors", "shares"),
    [
        ([("x", "whole", None)], {"x": (1, False)}),
        ([("x", "part", "0.7"), ("y", "part-default", None)], {"x": (SEVEN_TENTHS, False), "y": (THREE_TENTHS, False)}),
        ([("x", "part", "0.7"), ("y", "part", None)], {"x": (SEVEN_TENTHS, False), "y": (THREE_TENTHS, False)}),
        ([("x", "part", None), ("y", "part-default", None)], {"x": (0, True), "y": (1, True)}),
        ([("x", "part", None), ("y", "part", None)], {"x": (HALF, True), "y": (HALF, True)}),
        (
            [("x", "part", "0.7"), ("y", "part", None), ("z", "part-default", None)],
            {"x": (SEVEN_TENTHS, False), "y": (0, True), "z": (THREE_TENTHS, True)},
        ),
    ],
    ids=["whole", "the rest to the default", "the rest to the only other", "nothing stated", "no default", "some"],
)
def test_what_nobody_stated_goes_to_the_default_part_and_is_marked_as_estimated(
    successors: list[tuple[str, str, str | None]], shares: dict[str, tuple[Fraction, bool]]
) -> None:
    rows = [follows("a", unit, part, weight) for unit, part, weight in successors]
    assert {s.unit: (s.weight, s.estimated) for s in shares_of("a", rows, lives_on=False)} == shares


def test_a_unit_that_gives_a_part_away_and_lives_on_keeps_what_is_left() -> None:
    stated = shares_of("a", [follows("a", "x", "part", "0.7")], lives_on=True)
    assert stated == (Share("x", SEVEN_TENTHS), Share("a", THREE_TENTHS))
    unstated = shares_of("a", [follows("a", "x", "part", "0.7"), follows("a", "y", "part")], lives_on=True)
    assert unstated == (Share("x", SEVEN_TENTHS), Share("y", Fraction(0), True), Share("a", THREE_TENTHS, True))


def test_shares_of_two_reforms_multiply_and_one_that_is_estimated_makes_the_whole_so() -> None:
    """A gives three quarters to X and the rest to Y, then X half to U; what V and Y get of X nobody stated."""
    later = date(2026, 7, 1)
    units = [
        a_unit("a", until=REFORM), a_unit("x", REFORM, later), a_unit("y", REFORM),
        a_unit("u", later), a_unit("v", later),
    ]  # fmt: skip
    rows = (
        follows("a", "x", "part", "0.75"), follows("a", "y", "part-default"),
        follows("x", "u", "part", "0.5", later), follows("x", "v", "part", None, later),
        follows("x", "y", "part", None, later),
    )  # fmt: skip
    lineage = Lineage(rows, OrgTree(units))
    quarter = Fraction(1, 4)
    assert set(lineage.onto("a", BEFORE, later)) == {
        Share("u", Fraction(3, 8)),
        Share("v", Fraction(3, 4) * quarter, True),
        Share("y", quarter + Fraction(3, 4) * quarter, True),
    }
    assert lineage.onto("v", BEFORE, later) == (Share("v", Fraction(1)),)
    estimated = (follows("a", "x", "part"), follows("a", "y", "part"), follows("x", "u", "whole", None, later))
    assert set(Lineage(estimated, OrgTree(units)).onto("a", BEFORE, later)) == {
        Share("u", HALF, True),
        Share("y", HALF, True),
    }


def test_a_figure_that_rests_on_estimated_shares_says_so() -> None:
    reform = Reformed(
        old("a", "b") + new("x", "y"), follows("a", "x", "part"), follows("a", "y", "part-default"), follows("b", "y")
    )
    carried = reform.view({"a": counted(40, 50), "b": counted(10, 50)})
    assert carried.figures == {"y": counted(50, 100)}
    assert carried.estimated == {"x", "y"}
    assert carried.undo() == {"a": counted(40, 50), "b": counted(10, 50)}


def test_a_unit_that_gave_a_part_away_keeps_the_rest_and_its_name() -> None:
    reform = Reformed([a_unit("a"), *new("x")], follows("a", "x", "part", "0.1"))
    carried = reform.view({"a": figure_of("flow", value=100)})
    assert carried.figures == {"a": Amount(Fraction(90)), "x": Amount(Fraction(10))}
    assert reform.view(carried.figures, since=AFTER, on=BEFORE).figures == {"a": Amount(Fraction(100))}


def test_a_unit_that_takes_another_in_has_both() -> None:
    reform = Reformed([a_unit("m"), *old("a")], follows("a", "m"))
    figures: dict[str, AnyFigure] = {"a": figure_of("stock", value=7), "m": figure_of("stock", value=5)}
    carried = reform.view(figures)
    assert carried.figures == {"m": Amount(Fraction(12))}
    assert carried.undo() == figures
    back = reform.view(carried.figures, since=AFTER, on=BEFORE)
    assert back.figures == {}
    assert back.left["m"].reason.code == "merged_with_others"


def test_levels_are_averaged_by_their_weights_and_never_without() -> None:
    figures = {"a": figure_of("level", value=Decimal("41.5"), weight=3), "b": figure_of("level", value=30, weight=1)}
    carried = MERGED.view(figures)
    mean = carried.figures["m"]
    assert mean == Weighted(total=Fraction("154.5"), weight=Fraction(4))
    assert isinstance(mean, Weighted)
    assert mean.value == Fraction("38.625")
    assert carried.undo() == figures


@pytest.mark.parametrize(
    ("kind", "given_parts", "why"),
    [
        ("ratio", {"value": 91}, "no_parts"),
        ("coverage", {"numerator": 7}, "no_parts"),
        ("rate", {"value": 118}, "no_parts"),
        ("level", {"value": 40}, "no_weight"),
        ("level", {"value": 40, "weight": 0}, "no_weight"),
        ("rank", {"value": 41}, "rank_stands_alone"),
        ("growth", {"value": 2}, "derived"),
        ("composite", {"value": 81}, "derived"),
    ],
)
def test_what_has_no_additive_parts_is_left_with_its_reason(
    kind: KpiKind, given_parts: dict[str, int], why: str
) -> None:
    figure = figure_of(kind, **given_parts)  # type: ignore[arg-type]
    carried = MERGED.view({"a": figure})
    assert carried.figures == {}
    assert carried.left["a"].reason.code == why
    assert carried.left["a"].reason.text_vi
    assert carried.undo() == {"a": figure}
    same = Reformed([a_unit("a")]).view({"a": figure})
    assert same.figures == {"a": figure}, "a unit that is not changed keeps every figure"


def test_a_figure_that_carries_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="neither value nor numerator"):
        figure_of("ratio", denominator=50)


def test_predecessors_without_a_figure_are_missing_by_name() -> None:
    carried = MERGED.view({"a": counted(40, 50)})
    assert carried.figures == {"m": counted(40, 50)}
    assert carried.missing == {"m": ("b",)}
    carried = MERGED.view({"a": counted(40, 50), "b": figure_of("ratio", value=20)})
    assert carried.missing == {"m": ("b",)}


def test_a_milestone_of_one_of_two_merged_units_is_one_of_two() -> None:
    carried = MERGED.view({"a": figure_of("milestone", value=1), "b": figure_of("milestone", value=0)})
    assert carried.figures == {"m": counted(1, 2)}


def test_units_that_end_or_begin_without_kin_keep_their_figures_to_themselves() -> None:
    reform = Reformed(old("district") + new("born"))
    assert reform.view({"district": counted(1, 2)}).left["district"].reason.code == "no_successor"
    assert reform.view({"born": counted(1, 2)}).left["born"].reason.code == "org_unit_not_valid_then"
    back = reform.view({"born": counted(1, 2)}, since=AFTER, on=BEFORE)
    assert back.left["born"].reason.code == "no_predecessor"
    assert reform.view({"nobody": counted(1, 2)}).left["nobody"].reason.code == "org_unit_not_valid_then"


def test_a_share_whose_heir_is_gone_leaves_the_whole_figure_where_it_stood() -> None:
    later = date(2027, 1, 1)
    reform = Reformed(
        [*old("a"), a_unit("x", REFORM), a_unit("y", REFORM, later)],
        follows("a", "x", "part", "0.5"),
        follows("a", "y", "part", "0.5"),
    )
    assert set(reform.view({"a": counted(2, 4)}).figures) == {"x", "y"}
    carried = reform.view({"a": counted(2, 4)}, on=later)
    assert carried.figures == {}
    assert carried.left["a"].reason.code == "no_successor"


def test_two_reforms_follow_each_other_and_shares_multiply() -> None:
    later = date(2027, 1, 1)
    reform = Reformed(
        [*old("a"), a_unit("x", REFORM, later), a_unit("y", REFORM, later), a_unit("z", later)],
        follows("a", "x", "part", "0.5"),
        follows("a", "y", "part", "0.5"),
        follows("x", "z", "whole", on=later),
        follows("y", "z", "whole", on=later),
    )
    figures = {"a": counted(41, 50)}
    assert set(reform.view(figures).figures) == {"x", "y"}
    carried = reform.view(figures, on=later)
    assert carried.figures == {"z": counted(41, 50)}
    assert reform.lineage.onto("a", BEFORE, later) == (Share("z", Fraction(1)),)
    assert reform.lineage.origins("z", BEFORE, later) == ("a",)
    assert reform.view(carried.figures, since=later, on=BEFORE).figures == figures
    assert reform.lineage.successors("x", later) == (Share("z", Fraction(1)),)
    assert reform.lineage.successors("x", REFORM) == ()


def test_dividing_a_unit_can_be_undone_from_the_figures_of_its_parts_alone() -> None:
    later_figures: dict[str, AnyFigure] = {"x": counted(30, 40), "y": counted(9, 10)}
    back = DIVIDED.view(later_figures, since=AFTER, on=BEFORE)
    assert back.figures == {"a": counted(39, 50)}
    assert back.undo() == later_figures
    assert DIVIDED.view({"x": counted(30, 40)}, since=AFTER, on=BEFORE).missing == {"a": ("y",)}


def test_what_a_part_got_of_a_unit_merged_elsewhere_cannot_be_given_back() -> None:
    reform = Reformed(
        old("a", "b") + new("x", "y"),
        follows("a", "x", "part", "0.5"),
        follows("a", "y", "part", "0.5"),
        follows("b", "y"),
    )
    back = reform.view({"x": counted(1, 2), "y": counted(3, 4)}, since=AFTER, on=BEFORE)
    assert back.figures == {}
    assert {left.reason.code for left in back.left.values()} == {"merged_with_others"}


@st.composite
def reforms(draw: st.DrawFn) -> Reformed:
    """Up to eight units before, as many after; each divided over up to four others, with weights or without."""
    before = [f"o{number}" for number in range(draw(st.integers(1, 8)))]
    after = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    rows = []
    for unit in before:
        heirs = draw(st.lists(st.sampled_from(after), min_size=1, max_size=4, unique=True))
        if len(heirs) == 1:
            rows.append(follows(unit, heirs[0]))
            continue
        cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(heirs) - 1, max_size=len(heirs) - 1)))
        hundredths = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
        stated = draw(st.booleans())
        for number, (heir, weight) in enumerate(zip(heirs, hundredths, strict=True)):
            part = "part" if number else "part-default"
            rows.append(follows(unit, heir, part, str(Decimal(weight) / 100) if stated else None))
    return Reformed(old(*before) + new(*after), *rows)


numbers = st.fractions(0, 10**9, max_denominator=1000)
FIGURES: dict[str, st.SearchStrategy[AnyFigure]] = {
    "counted": st.builds(Counted, numbers, numbers),
    "amount": st.builds(Amount, numbers),
    "weighted": st.builds(Weighted, numbers, st.fractions(Fraction(1, 100), 10**6)),
}


def total(figures: Mapping[str, AnyFigure]) -> dict[str, Fraction]:
    """The sum of every additive part over all units."""
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for figure in figures.values():
        for name in ("numerator", "denominator", "amount", "total", "weight"):
            sums[name] += getattr(figure, name, 0)
    return sums


@pytest.mark.parametrize("kind", FIGURES)
@given(data=st.data(), reform=reforms())
def test_a_reform_conserves_every_total_and_undoing_it_gives_back_every_figure(
    kind: str, data: st.DataObject, reform: Reformed
) -> None:
    before = [unit.id for unit in reform.units if unit.valid_on(BEFORE)]
    chosen = data.draw(st.lists(st.sampled_from(before), unique=True))
    figures = {unit: data.draw(FIGURES[kind]) for unit in chosen}
    carried = reform.view(figures)
    assert total(carried.figures) == total(figures)
    assert carried.undo() == figures
    assert all((found := reform.units.get(unit)) and found.valid_on(AFTER) for unit in carried.figures)
    silent = {name for names in carried.missing.values() for name in names}
    assert silent.isdisjoint(figures)


@given(reform=reforms(), data=st.data())
def test_what_can_be_given_back_is_given_back_exactly_from_the_later_figures_alone(
    reform: Reformed, data: st.DataObject
) -> None:
    before = [unit.id for unit in reform.units if unit.valid_on(BEFORE)]
    figures = {unit: data.draw(FIGURES["counted"]) for unit in before}
    later = reform.view(figures).figures
    back = reform.view(later, since=AFTER, on=BEFORE)
    for unit, figure in back.figures.items():
        assert figure == figures[unit]
    assert back.undo() == later


@given(reforms())
def test_the_shares_of_every_unit_add_up_to_one(reform: Reformed) -> None:
    for unit in reform.units:
        if unit.valid_on(BEFORE):
            shares = reform.lineage.onto(unit.id, BEFORE, AFTER)
            assert isinstance(shares, tuple)
            assert sum(share.weight for share in shares) == 1
