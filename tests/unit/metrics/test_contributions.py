"""The shortfall split over the units below, adding up to the whole exactly."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.observations import ObservationRecorded
from services.metrics.contributions import Brought, of_amount, of_quotient, shown
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.reading import Reading
from services.metrics.shortfall import split
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, day, local, unit
from tests.unit.metrics.engine import run, unexplained

NOW = local("2023-12-14")
NUMBERS = st.integers(0, 10**6)
PLANNED = st.tuples(st.integers(-(10**12), 10**12), st.integers(1, 10**12))


@given(st.lists(st.tuples(NUMBERS, NUMBERS.filter(bool)), min_size=1, max_size=20), PLANNED)
def test_what_the_units_bring_to_a_share_adds_up_to_the_gap(
    pairs: list[tuple[int, int]], line: tuple[int, int]
) -> None:
    parts = [(str(at), n * SCALE, d * SCALE) for at, (n, d) in enumerate(pairs)]
    value = Fraction(100 * sum(n for n, _ in pairs), sum(d for _, d in pairs))
    gaps, under = of_quotient(parts, line, (100, 1))
    assert Fraction(sum(gaps.values()), under) == value - Fraction(*line)
    per_thousand = of_quotient(parts, line, (1_000 * SCALE, SCALE))
    assert Fraction(sum(per_thousand.gaps.values()), per_thousand.under) == 10 * value - Fraction(*line)


@given(st.lists(st.tuples(NUMBERS, NUMBERS.filter(bool)), min_size=1, max_size=20), PLANNED)
def test_what_the_units_bring_to_an_amount_adds_up_to_the_gap(
    pairs: list[tuple[int, int]], line: tuple[int, int]
) -> None:
    parts = [(str(at), n * SCALE, 0) for at, (n, _) in enumerate(pairs)]
    plans = {str(at): (plan, 1) for at, (_, plan) in enumerate(pairs)}
    brought = of_amount(parts, line, plans)
    assert brought is not None
    assert Fraction(sum(brought.gaps.values()), brought.under) == sum(n for n, _ in pairs) - Fraction(*line)


def test_the_record_names_the_five_that_lack_most_and_the_rest_together() -> None:
    found = shown(Brought({f"u{at}": -at * 7 for at in range(8)}, 7))
    assert found is not None
    assert [one["org_unit"] for one in found["top"]] == ["u7", "u6", "u5", "u4", "u3"]
    assert (found["units"], found["rest_gap"], found["rest_share"]) == (8, -3.0, 3 / 28)


def test_of_those_that_bring_the_same_the_first_by_name_comes_first_and_what_brings_most_leads() -> None:
    short = shown(Brought({"c": -4, "a": -4, "b": 2, "d": -10}, 2))
    assert short is not None
    assert [(one["org_unit"], one["gap"], one["share"]) for one in short["top"]] == [
        ("d", -5, 10 / 16), ("a", -2, 4 / 16), ("c", -2, 4 / 16), ("b", 1, -2 / 16),
    ]  # fmt: skip
    assert (short["units"], short["rest_gap"], short["rest_share"]) == (4, 0, 0)
    above = shown(Brought({"c": 4, "a": -3}, 1))
    assert above is not None
    assert [(one["org_unit"], one["gap"], one["share"]) for one in above["top"]] == [("c", 4, 4), ("a", -3, -3)]
    assert shown(Brought({"a": 3, "b": -3}, 1)) is None


def test_who_brings_nothing_has_a_share_of_nothing_without_a_sign() -> None:
    found = shown(Brought({"a": -4, "b": 0}, 2))
    assert found is not None
    said = [*(one["share"] for one in found["top"]), found["rest_share"]]
    assert [str(one) for one in said] == ["1.0", "0.0", "0.0"]


def test_of_six_that_lack_something_the_last_is_the_rest() -> None:
    found = shown(Brought({f"u{at}": -10 - at for at in range(6)}, 5))
    assert found is not None
    assert (len(found["top"]), found["units"], found["rest_gap"], found["rest_share"]) == (5, 6, -2, 10 / 75)


def test_an_amount_is_not_split_where_plans_do_not_say_how() -> None:
    """Plans of 1/2 and 1/3 are three and two parts of five."""
    parts = [("a", 7 * SCALE, 0), ("b", 3 * SCALE, 0)]
    assert of_amount(parts, (20, 1), {"a": (1, 1)}) is None
    assert of_amount(parts, (20, 1), {"a": (0, 1), "b": (0, 1)}) is None
    assert of_amount(parts, (20, 1), {"a": (3, 1), "b": (-1, 1)}) is None
    brought = of_amount(parts, (20, 1), {"a": (1, 2), "b": (1, 3), "c": (9, 1)})
    assert brought is not None
    assert {one: Fraction(gap, brought.under) for one, gap in brought.gaps.items()} == {"a": 7 - 12, "b": 3 - 8}
    none = of_amount(parts, (20, 1), {"a": (1, 1), "b": (0, 1)})
    assert none is not None
    assert {one: Fraction(gap, none.under) for one, gap in none.gaps.items()} == {"a": 7 - 20, "b": 3}


def test_a_share_is_split_by_the_denominators() -> None:
    """80 of 100 and 270 of 300 with 95 % planned: 15 points of a quarter, and 5 of three quarters."""
    gaps, under = of_quotient([("a", 80, 100), ("b", 270, 300)], (95, 1), (100, 1))
    assert {one: Fraction(gap, under) for one, gap in gaps.items()} == {
        "a": Fraction(-15, 4), "b": Fraction(-15, 4),
    }  # fmt: skip
    assert of_quotient([("a", 1, 2)], (3, 7), (5, 11)) == ({"a": 5 * 7 * 1 - 3 * 11 * 2}, 7 * 11 * 2)


def gaps_of(brought: Brought | None) -> dict[str, Fraction]:
    assert brought is not None
    return {unit: Fraction(gap, brought.under) for unit, gap in brought.gaps.items()}


def test_only_a_value_that_is_made_of_its_parts_is_split() -> None:
    ratio = Definition(a_catalog(), "k")
    window, parts = ratio.window("2023"), (("p.a", 1, 4), ("p.b", 2, 4))
    brought = split(ratio, window, Reading(value=(300, 8), parts=parts), (40, 1))
    assert brought is not None
    assert {one: Fraction(gap, brought.under) for one, gap in brought.gaps.items()} == {
        "p.a": Fraction(-60, 8),
        "p.b": 5,
    }
    assert split(ratio, window, Reading(value=(301, 8), parts=parts), (40, 1)) is None
    assert split(ratio, window, Reading(value=None, parts=parts), (40, 1)) is None
    assert split(ratio, window, Reading(value=(300, 8)), (40, 1)) is None


def test_an_amount_is_split_by_the_plans_of_its_day() -> None:
    """On 15 June 2023, half way, 100 from 0 are to be 50, and 100 from 50 are to be 75: two and three parts of five."""
    targets = [a_target("p.a", 100, 0), a_target("p.b", 100, 50)]
    stock = Definition(a_catalog(a_kpi(kind="stock"), *targets), "k")
    window, parts = stock.window("2023"), (("p.a", 30 * SCALE, 0), ("p.b", 20 * SCALE, 0))
    half = day("2023-06-15").toordinal()
    reading = Reading(as_of=half, value=(50 * SCALE, SCALE), parts=parts)
    assert gaps_of(split(stock, window, reading, (100, 1))) == {"p.a": 30 - 40, "p.b": 20 - 60}
    assert split(stock, window, Reading(as_of=half, value=(51 * SCALE, SCALE), parts=parts), (100, 1)) is None
    undated = split(stock, window, Reading(value=(50 * SCALE, SCALE), parts=parts), (100, 1))
    assert gaps_of(undated) == {"p.a": 30 - 50, "p.b": 20 - 50}


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
    unsplit = run(a_catalog(kpi, whole, a), NOW, figures)
    assert unsplit.record("p").contributions is None
    assert "not_split" in unsplit.codes("p")
    engine = run(a_catalog(kpi, whole, a, b), NOW, figures)
    found = engine.record("p").contributions
    assert found is not None
    assert "not_split" not in engine.codes("p")
    assert [(one.org_unit, one.gap, one.share) for one in found.top] == [("p.b", -90.0, 0.9), ("p.a", -10.0, 0.1)]


def test_only_a_record_that_is_short_and_made_of_its_parts_says_that_it_is_not_split() -> None:
    """The commonest case is a count with a target for the province alone. 30 of 100 are short, 120 are not."""
    kpi, target = a_kpi("k", "stock", cadence="year"), a_target("p", 100, 0)

    def said(*figures: ObservationRecorded) -> bool:
        engine = run(a_catalog(kpi, target), NOW, figures)
        assert engine.record("p").contributions is None
        return "not_split" in engine.codes("p")

    assert said(an_observation("p.a.1", "2023-12-14", value=30))
    assert not said(an_observation("p.a.1", "2023-12-14", value=120))
    assert not said(an_observation("p", "2023-12-14", value=30))
    behind = run(a_catalog(kpi, target), NOW, [an_observation("p.a.1", "2023-12-14", value=30)])
    assert "not_split" not in behind.codes("p.a")  # it has no target, so it is short of nothing
    assert unexplained(behind.record("p")) == []


def test_five_of_71_communes_make_up_80_percent_of_the_gap() -> None:
    """71 communes of 100 cases each are to do 90 %: 66 do 89 and bring 66 points, five do 37.2 and bring 264."""
    units = (unit("p", "province"), *(unit(f"p.{at:02d}", "commune", "p") for at in range(71)))
    done = [37.2 if at < 5 else 89 for at in range(71)]
    figures = [an_observation(f"p.{at:02d}", numerator=n * 10, denominator=1000) for at, n in enumerate(done)]
    record = run(a_catalog(a_target("p", 90, 90), units=units), NOW, figures).record("p")
    assert record.contributions is not None
    assert [one.org_unit for one in record.contributions.top] == [f"p.{at:02d}" for at in range(5)]
    assert sum(one.share for one in record.contributions.top) == pytest.approx(0.8)
    assert record.contributions.rest_share == pytest.approx(0.2)


def test_a_weighted_mean_is_split_by_the_weights() -> None:
    """(10·3 + 40·1) / 4 = 17.5 of 40: the first lacks 30 with three quarters of the weight."""
    kpi = a_kpi("k", "level", levels=("commune",), unit_of_measure="Mbps")
    figures = [an_observation("p.a.1", value=10, weight="3"), an_observation("p.a.2", value=40, weight="1")]
    record = run(a_catalog(kpi, a_target("p.a", 40, 40)), NOW, figures).record("p.a")
    assert (record.value, record.gap) == (17.5, -22.5)
    assert record.contributions is not None
    assert [(one.org_unit, one.gap) for one in record.contributions.top] == [("p.a.1", -22.5), ("p.a.2", 0.0)]


def test_a_rate_is_split_whatever_its_base() -> None:
    """3 and 5 among 4,000 inhabitants are 2 per 1,000 where 4 are to be kept; the second of 1,000 has 5."""
    kpi = a_kpi("k", "rate", levels=("commune",), rate_base=Decimal(1000), unit_of_measure="per_1000")
    figures = [
        an_observation("p.a.1", numerator=3, denominator=3000),
        an_observation("p.a.2", numerator=5, denominator=1000),
    ]
    record = run(a_catalog(kpi, a_target("p.a", 4, None, intent="keep")), NOW, figures).record("p.a")
    assert (record.value, record.gap) == (2, -2)
    assert record.contributions is not None
    assert [(one.org_unit, one.gap) for one in record.contributions.top] == [("p.a.1", -2.25), ("p.a.2", 0.25)]


def test_what_lies_outside_a_band_is_split_on_either_side() -> None:
    """50 and 90 of 100 make 70 %, 10 points above the band: the second brings 15, the first takes 5 back."""
    figures = [
        an_observation("p.a.1", numerator=50, denominator=100),
        an_observation("p.a.2", numerator=90, denominator=100),
    ]
    band = a_target("p.a", None, None, comparator="band", low=40, high=60, intent="keep")
    record = run(a_catalog(band), NOW, figures).record("p.a")
    assert (record.value, record.gap) == (70, 10)
    assert record.contributions is not None
    assert [(one.org_unit, one.gap) for one in record.contributions.top] == [("p.a.2", 15.0), ("p.a.1", -5.0)]
    inside = a_target("p.a", None, None, comparator="band", low=40, high=80, intent="keep")
    assert run(a_catalog(inside), NOW, figures).record("p.a").contributions is None


def test_where_lower_is_better_those_above_the_plan_bring_the_gap() -> None:
    kpi = a_kpi("k", "stock", direction="decrease", levels=("commune",))
    figures = [an_observation("p.a.1", "2023-12-14", value=30), an_observation("p.a.2", "2023-12-14", value=5)]
    targets = [a_target(unit, 10, 50, comparator="<=") for unit in ("p.a.1", "p.a.2")]
    record = run(a_catalog(kpi, a_target("p.a", 20, 100, comparator="<="), *targets), NOW, figures).record("p.a")
    assert record.gap == 15
    assert record.contributions is not None
    assert [(one.org_unit, one.gap) for one in record.contributions.top] == [("p.a.1", 20.0), ("p.a.2", -5.0)]
