"""What one figure is to each kind: a value of its own, a part of a sum, or a reason why it is neither."""

from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import GrowthSpec, Kpi, KpiKind, Limits
from services.metrics.exact import SCALE
from services.metrics.figures import ACTUAL, Figure
from services.metrics.kinds import KINDS, Kind
from services.metrics.kinds.base import Roster
from services.metrics.series import Own
from tests.unit.metrics.builders import a_kpi


def a_kind(name: KpiKind, **more: Any) -> Kind:
    return KINDS[name].of(a_kpi(kind=name, **more), {})


def own(n: int | None = None, d: int | None = None, v: int | None = None, **more: Any) -> Own:
    """A figure that stands, its numbers not scaled."""
    n, d, v = (None if number is None else number * SCALE for number in (n, d, v))
    return Own(1, Figure(1, ACTUAL, 1, b"1", "s", n=n, d=d, v=v, more=more or None))


SUMMED = Own(1, None)
"""Increments without a figure among them."""


@pytest.mark.parametrize("name", ["ratio", "rate"])
def test_a_published_share_stands_alone_unless_its_parts_are_known(name: KpiKind) -> None:
    kind = a_kind(name)
    assert kind.alone(own(v=40)) == (40 * SCALE, SCALE)
    assert kind.alone(own(n=2, v=40)) == (40 * SCALE, SCALE)
    assert kind.alone(own(d=5, v=40)) == (40 * SCALE, SCALE)
    assert kind.alone(own(n=2, d=5, v=40)) is None
    assert kind.alone(own(n=2)) is None
    assert kind.parts(own(n=2, d=5, v=41), None) == (2 * SCALE, 5 * SCALE)


def test_what_has_no_value_brings_none() -> None:
    assert a_kind("stock").parts(own(), None) is None
    assert a_kind("stock").parts(own(v=3), None) == (3 * SCALE, 0)
    assert a_kind("level").alone(own()) is None
    assert a_kind("level").parts(own(v=3), None) is None
    assert a_kind("level").parts(own(v=3, weight="2"), None) == (6 * SCALE * SCALE, 2 * SCALE * SCALE)
    assert (a_kind("level").value(5, 0), a_kind("level").value(5, 1)) == (None, (5, 1))
    assert a_kind("growth").alone(own(n=1)) is None
    assert a_kind("growth").alone(own(d=1)) is None


@pytest.mark.parametrize("remark", [own(), own(note="x"), SUMMED], ids=["bare", "with a remark", "summed"])
def test_a_rank_a_milestone_and_names_are_not_seen_where_there_are_none(remark: Own) -> None:
    assert a_kind("rank").alone(remark) is None
    assert a_kind("milestone").parts(remark, None) is None
    assert a_kind("coverage").parts(remark, Roster(2, frozenset("ab"))) is None
    assert a_kind("level").parts(remark, None) is None


def test_a_milestone_is_one_of_the_units_or_none() -> None:
    kind = a_kind("milestone")
    assert (kind.parts(own(done=True), None), kind.parts(own(done=False), None)) == ((SCALE, 0), (0, 0))


def test_only_members_of_the_roster_are_covered() -> None:
    """Of communes a and x only a is on the roster of a and b; a roster that is a number believes all that is named."""
    kind, named = a_kind("coverage"), own(members=["a", "x"])
    assert kind.parts(named, Roster(2, frozenset("ab"))) == (SCALE, 2 * SCALE)
    assert kind.parts(named, Roster(3)) == (2 * SCALE, 3 * SCALE)
    assert kind.parts(named, None) is None
    assert kind.parts(own(d=4, members=["a", "x"]), None) == (2 * SCALE, 4 * SCALE)
    assert kind.parts(own(n=1, d=4), Roster(5)) == (SCALE, 5 * SCALE)


@pytest.mark.parametrize(
    ("name", "of_a_figure", "of_none"),
    [
        ("stock", "no_value", "no_value"),
        ("flow", "no_value", "no_value"),
        ("milestone", "no_value", "no_value"),
        ("level", "no_value", "parts_not_usable"),
        ("ratio", "no_denominator", "parts_not_usable"),
        ("rate", "no_denominator", "parts_not_usable"),
        ("coverage", "no_roster", "parts_not_usable"),
        ("rank", "no_value", "not_rolled_up"),
        ("growth", "not_rolled_up", "not_rolled_up"),
    ],
)
def test_each_kind_says_why_there_is_no_value(name: KpiKind, of_a_figure: str, of_none: str) -> None:
    kind = a_kind(name)
    assert (kind.why_no_value(own(), None), kind.why_no_value(None, None)) == (of_a_figure, of_none)


@pytest.mark.parametrize("name", ["ratio", "rate", "coverage"])
def test_parts_of_nothing_are_a_zero_denominator(name: KpiKind) -> None:
    kind = a_kind(name)
    assert (kind.value(0, 0), kind.why_no_value(own(n=0, d=0), (0, 0))) == (None, "zero_denominator")
    assert kind.value(1, 1) is not None


@pytest.mark.parametrize(("low", "lowest"), [(None, 0), (0, 0), ("0.5", 0), (-5, None)])
def test_a_growth_may_be_negative_only_where_its_source_may(low: Any, lowest: int | None) -> None:
    source = a_kpi("source", "stock", natural_limits=Limits(low=None if low is None else Decimal(low)))
    kpi: Kpi = a_kpi(kind="growth", growth=GrowthSpec(of="source"))
    assert KINDS["growth"].of(kpi, {"source": source}).lowest == lowest
    assert KINDS["growth"].of(kpi, {}).lowest == 0
