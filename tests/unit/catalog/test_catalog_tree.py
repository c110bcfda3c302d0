"""The dated org tree: who is below whom on a day."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import OrgUnit, Parent
from services.runtime.catalog.tree import OrgTree

REFORM = date(2025, 7, 1)
BEFORE, AFTER = REFORM - timedelta(days=1), REFORM


def a_unit(
    unit_id: str,
    level: str,
    *parents: Parent | str,
    since: date | None = None,
    until: date | None = None,
    code: str = "",
) -> OrgUnit:
    dated = tuple(parent if isinstance(parent, Parent) else Parent(unit=parent) for parent in parents)
    codes = (code,) if code else ()
    return OrgUnit(
        id=unit_id, name=unit_id, level=level, parents=dated, valid_from=since, valid_to=until, external_ids=codes
    )


REFORMED = OrgTree(
    [
        a_unit("dak-nong", "province", until=REFORM, code="67"),
        a_unit("dak-nong.huyen-dak-mil", "district", "dak-nong", until=REFORM, code="663"),
        a_unit("dak-nong.xa-a", "commune", "dak-nong.huyen-dak-mil", until=REFORM, code="24611"),
        a_unit("dak-nong.xa-b", "commune", "dak-nong.huyen-dak-mil", until=REFORM),
        a_unit("lam-dong", "province", code="68"),
        a_unit("lam-dong.xa-a", "commune", "lam-dong", since=REFORM, code="24611"),
    ]
)


def test_a_code_means_another_unit_after_the_reform() -> None:
    old, new = REFORMED.resolve("24611", BEFORE), REFORMED.resolve("24611", AFTER)
    assert old is not None
    assert new is not None
    assert (old.id, new.id) == ("dak-nong.xa-a", "lam-dong.xa-a")


def test_a_unit_that_no_longer_exists_is_named_but_not_resolved() -> None:
    assert REFORMED.resolve("dak-nong.xa-b", AFTER) is None
    assert [unit.id for unit in REFORMED.named("dak-nong.xa-b")] == ["dak-nong.xa-b"]
    assert REFORMED.named("nowhere") == ()


def test_districts_are_gone_after_the_reform() -> None:
    assert REFORMED.of_level("district", BEFORE) == ("dak-nong.huyen-dak-mil",)
    assert REFORMED.of_level("district", AFTER) == ()
    assert REFORMED.roots(BEFORE) == ("dak-nong", "lam-dong")
    assert REFORMED.roots(AFTER) == ("lam-dong",)


def test_ancestors_come_nearest_first_and_descendants_by_level() -> None:
    assert REFORMED.ancestors("dak-nong.xa-a", BEFORE) == ("dak-nong.huyen-dak-mil", "dak-nong")
    assert REFORMED.descendants("dak-nong", BEFORE, level="commune") == ("dak-nong.xa-a", "dak-nong.xa-b")
    assert len(REFORMED.descendants("dak-nong", BEFORE)) == 3
    assert REFORMED.descendants("lam-dong", AFTER) == ("lam-dong.xa-a",)
    assert REFORMED.ancestors("dak-nong.xa-a", AFTER) == ()


def test_a_commune_that_changes_its_district_hangs_from_one_at_a_time() -> None:
    move = date(2023, 7, 1)
    tree = OrgTree(
        [
            a_unit("north", "district"),
            a_unit("south", "district"),
            a_unit("xa", "commune", Parent(unit="north", valid_to=move), Parent(unit="south", valid_from=move)),
        ]
    )
    assert tree.parent("xa", move - timedelta(days=1)) == "north"
    assert tree.parent("xa", move) == "south"
    assert tree.children("north", move) == ()


def test_a_cycle_does_not_hang_and_hangs_from_nothing() -> None:
    tree = OrgTree([a_unit("a", "commune", "b"), a_unit("b", "commune", "a"), a_unit("c", "province")])
    assert tree.roots(BEFORE) == ("c",)
    assert tree.ancestors("a", BEFORE) == ()
    assert tree.descendants("a", BEFORE) == ()


@st.composite
def forests(draw: st.DrawFn) -> OrgTree:
    """Units whose parents have a lower number, with random validity."""
    units = []
    for number in range(draw(st.integers(1, 25))):
        since = draw(st.none() | st.dates(date(2020, 1, 1), date(2022, 1, 1)))
        until = draw(st.none() | st.dates(date(2023, 1, 1), date(2025, 1, 1)))
        above = [f"u{draw(st.integers(0, number - 1)):02}"] if number and draw(st.booleans()) else []
        units.append(a_unit(f"u{number:02}", draw(st.sampled_from("abc")), *above, since=since, until=until))
    return OrgTree(units)


@given(forests(), st.dates(date(2019, 1, 1), date(2026, 1, 1)))
def test_descendants_are_exactly_those_whose_ancestors_include_the_unit(tree: OrgTree, day: date) -> None:
    present = [unit.id for unit in tree if unit.valid_on(day)]
    for unit_id in present:
        below = {other for other in present if unit_id in tree.ancestors(other, day)}
        assert set(tree.descendants(unit_id, day)) == below
        by_level = [other for level in "abc" for other in tree.descendants(unit_id, day, level)]
        assert sorted(by_level) == sorted(below)


@given(forests(), st.dates(date(2019, 1, 1), date(2026, 1, 1)))
def test_the_roots_and_what_is_below_them_are_all_units_of_the_day(tree: OrgTree, day: date) -> None:
    roots = tree.roots(day)
    reached = [*roots, *(unit for root in roots for unit in tree.descendants(root, day))]
    assert sorted(reached) == sorted(unit.id for unit in tree if unit.valid_on(day))
    assert len(reached) == len(set(reached))
