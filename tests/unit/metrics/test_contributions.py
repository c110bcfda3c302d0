"""The shortfall split over the units below, adding up to the whole exactly."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.contributions import Brought, Part, of_amount, of_share, shown
from services.metrics.exact import SCALE
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, local
from tests.unit.metrics.engine import run

NOW = local("2023-12-14")
NUMBERS = st.integers(0, 10**6)
PLANNED = st.tuples(st.integers(-(10**12), 10**12), st.integers(1, 10**12))


@given(st.lists(st.tuples(NUMBERS, NUMBERS.filter(bool)), min_size=1, max_size=20), PLANNED)
def test_what_the_units_bring_to_a_share_adds_up_to_the_gap(
    pairs: list[tuple[int, int]], line: tuple[int, int]
) -> None:
    parts = [Part(str(at), n * SCALE, d * SCALE) for at, (n, d) in enumerate(pairs)]
    value = Fraction(100 * sum(n for n, _ in pairs), sum(d for _, d in pairs))
    gaps, under = of_share(parts, line)
    assert Fraction(sum(gaps.values()), under) == value - Fraction(*line)


@given(st.lists(st.tuples(NUMBERS, NUMBERS.filter(bool)), min_size=1, max_size=20), PLANNED)
def test_what_the_units_bring_to_an_amount_adds_up_to_the_gap(
    pairs: list[tuple[int, int]], line: tuple[int, int]
) -> None:
    parts = [Part(str(at), n * SCALE, 0) for at, (n, _) in enumerate(pairs)]
    plans = {str(at): (plan, 1) for at, (_, plan) in enumerate(pairs)}
    brought = of_amount(parts, line, plans)
    assert brought is not None
    assert Fraction(sum(brought.gaps.values()), brought.under) == sum(n for n, _ in pairs) - Fraction(*line)


def test_the_record_names_the_five_that_lack_most_and_the_rest_together() -> None:
    found = shown(Brought({f"u{at}": -at * 7 for at in range(8)}, 7))
    assert found is not None
    assert [one["org_unit"] for one in found["top"]] == ["u7", "u6", "u5", "u4", "u3"]
    assert (found["units"], found["rest_gap"], found["rest_share"]) == (8, -3.0, 3 / 28)


def test_a_share_short_of_its_plan_says_which_district_lacks_what() -> None:
    engine = run(
        a_catalog(a_target("p", 90, 90)), NOW,
        [
            an_observation("p.a.1", numerator=80, denominator=100),
            an_observation("p.b.1", numerator=270, denominator=300),
        ],
    )  # fmt: skip
    record = engine.record("p")
    assert record.gap == -2.5
    assert record.contributions is not None
    top = [(one.org_unit, one.gap, one.share) for one in record.contributions.top]
    assert (record.contributions.units, top) == (2, [("p.a", -2.5, 1.0), ("p.b", 0.0, 0.0)])


def test_a_unit_that_is_ahead_or_stands_directly_splits_nothing() -> None:
    figures = [an_observation("p.a.1", numerator=95, denominator=100)]
    assert run(a_catalog(a_target("p", 90, 80)), NOW, figures).record("p").contributions is None
    direct = [an_observation("p", numerator=50, denominator=100), *figures]
    assert run(a_catalog(a_target("p", 90, 80)), NOW, direct).record("p").contributions is None


def test_an_amount_is_split_by_the_plans_of_the_units_and_not_without_them() -> None:
    kpi = a_kpi("k", "flow")
    figures = [an_observation("p.a.1", "2023-12-14", value=90), an_observation("p.b.1", "2023-12-14", value=10)]
    whole, a, b = (a_target(unit, goal, 0) for unit, goal in (("p", 200), ("p.a", 100), ("p.b", 100)))
    assert run(a_catalog(kpi, whole, a), NOW, figures).record("p").contributions is None
    found = run(a_catalog(kpi, whole, a, b), NOW, figures).record("p").contributions
    assert found is not None
    assert [(one.org_unit, one.gap, one.share) for one in found.top] == [("p.b", -90.0, 0.9), ("p.a", -10.0, 0.1)]
