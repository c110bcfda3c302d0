"""Doubts that one event shows; the numbers are published ones, with their fact ids."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.ingest.door import data, figure, flag_codes, flags


@pytest.mark.parametrize(
    ("fact", "numerator", "denominator", "value", "found"),
    [
        ("dn-002-033", 17, 19, 89.4, ["truncated"]),
        ("dn-002-037", 120, 423, 28.3, ["truncated"]),
        ("dn-002-045", 28514, 31181, 91.53, ["parts_contradict_value"]),
        ("dn-002-081", 3, 9, 30, ["parts_contradict_value"]),
        ("dn-002-082", 238, 386, 65, ["parts_contradict_value"]),
        ("dn-001-007", 13, 19, 68.42, []),
        ("dn-001-008", 9, 19, 47.37, []),
        ("rounded", 17, 19, 89.5, []),
        ("rounded to whole percent", 17, 19, 89, []),
        ("rounded up for looks", 17, 19, 90, ["parts_contradict_value"]),
        ("whole", 71, 71, 100, []),
        ("a float's trailing zero", 1, 3, "33.0", []),
        ("a float in full", 17, 19, 89.47368421052632, []),
        ("nothing of nothing", 0, 0, 0, []),
        ("half to even", 1, 8, 12.5, []),
        ("half to even, whole", 1, 8, 12, []),
        ("half up, whole", 1, 8, 13, []),
    ],
)
def test_a_published_share_beside_its_parts(
    fact: str, numerator: int, denominator: int, value: Any, found: list[str]
) -> None:
    share = figure("ahead-of-plan", numerator=numerator, denominator=denominator, value=value, evidence=fact)
    assert flag_codes(share) == found


def test_a_contradiction_names_both_numbers() -> None:
    (flag,) = flags(figure("ahead-of-plan", numerator=3, denominator=9, value=30))
    assert flag.message_vi == "Công bố 30, nhưng tính từ tử số và mẫu số là 33,3."
    assert flag.evidence == {"value": "30", "from_parts": "33.3", "numerator": "3", "denominator": "9"}


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.integers(0, 6))
def test_a_share_that_is_rounded_is_never_doubted(numerator: int, denominator: int, decimals: int) -> None:
    assume(numerator <= denominator)
    unit = Decimal(1).scaleb(-decimals)
    value = (Decimal(100) * numerator / denominator).quantize(unit, ROUND_HALF_UP)
    assert flag_codes(figure("ahead-of-plan", numerator=numerator, denominator=denominator, value=str(value))) == []


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_a_share_that_was_computed_in_floats_is_never_doubted(numerator: int, denominator: int) -> None:
    assume(numerator <= denominator)
    value = repr(100 * numerator / denominator)
    assert flag_codes(figure("ahead-of-plan", numerator=numerator, denominator=denominator, value=value)) == []


@given(st.integers(0, 1_000), st.integers(1, 1_000), st.decimals(0, 100, places=1))
def test_a_share_that_is_off_by_more_than_its_last_place_is_always_doubted(
    numerator: int, denominator: int, value: Decimal
) -> None:
    assume(numerator <= denominator)
    assume(abs(Decimal(100) * numerator / denominator - value) >= 1)
    found = flag_codes(figure("ahead-of-plan", numerator=numerator, denominator=denominator, value=str(value)))
    assert found == ["parts_contradict_value"]


def test_a_coverage_is_held_against_its_roster() -> None:
    assert flag_codes(figure("assessed", numerator=20, value=74.1)) == []
    assert flag_codes(figure("assessed", numerator=20, value=74)) == []
    assert flag_codes(figure("assessed", numerator=20, value=80)) == ["parts_contradict_value"]
    assert flag_codes(figure("fibre", members=["24611"], value=51)) == ["parts_contradict_value"]


def test_percent_where_points_are_meant_is_taken_as_points() -> None:
    assert flag_codes(figure("share-gain", value=0.25, unit_of_measure="percent")) == ["points_not_percent"]
    assert flag_codes(figure("share-gain", value=0.25, unit_of_measure="percentage_point")) == []


def test_more_telephones_than_people_are_possible_and_nothing_to_doubt() -> None:
    assert flag_codes(figure("phones", value=106.6)) == []
    assert flag_codes(figure("phones", numerator=1500, denominator=1000)) == []
    assert flag_codes(figure("phones", value=75.12)) == []


def test_more_than_the_whole_plan_is_possible_and_worth_a_look() -> None:
    assert flag_codes(figure("ahead-of-plan", numerator=30, denominator=20)) == ["over_natural_range"]


def test_an_increment_beyond_what_the_sum_may_reach_is_kept_and_flagged() -> None:
    assert flag_codes(figure("capped", value=101, mode="increment")) == ["over_natural_range"]
    assert flag_codes(figure("capped", value=100, mode="increment")) == []


def test_a_figure_after_the_deadline_of_its_target_is_late() -> None:
    (flag,) = flags(figure("terminals", value=300))
    assert (flag.code, flag.evidence) == ("late", {"target": "terminals-2023", "deadline": "2023-06-30"})
    assert flag_codes(figure("terminals", value=200, as_of="2023-06-30")) == []


def test_a_target_that_was_met_before_it_began_asks_for_nothing() -> None:
    met = figure("signed-share", value=95, as_of="2022-10-31")
    (flag,) = flags(met)
    assert (flag.code, flag.evidence["target"]) == ("target_already_met", "signed-2023")
    assert flag_codes({**met, "value": 91.9}) == []
    assert flag_codes({**met, "as_of": "2021-10-31"}) == []
    assert flag_codes({**met, "as_of": "2023-01-31"}) == []


def test_a_part_without_its_whole_is_no_share() -> None:
    (flag,) = flags(figure("ahead-of-plan", numerator=1030))
    assert (flag.code, flag.evidence) == ("no_denominator", {"numerator": "1030"})
    assert flag.message_vi.startswith("Có tử số 1.030 nhưng không có mẫu số")
    assert flag_codes(figure("ahead-of-plan", numerator=17, value=89.5)) == []
    assert flag_codes(figure("ahead-of-plan", value=89.5)) == []
    assert flag_codes(figure("ahead-of-plan", numerator=0, denominator=0)) == []
    assert flag_codes(figure("ahead-of-plan", numerator=17, status="forecast")) == ["no_denominator"]
    assert flag_codes(figure("ahead-of-plan", numerator=17, retracts=True, revision=2)) == []


def test_a_count_of_which_no_roster_says_of_how_many_is_no_coverage() -> None:
    commune = {"org_unit": "dak-nong.xa-a"}
    assert flag_codes(figure("assessed", numerator=20)) == []
    assert flag_codes(figure("assessed", numerator=20, denominator=27, **commune)) == []
    assert flag_codes(figure("assessed", numerator=20, **commune)) == ["no_denominator"]
    assert flag_codes(figure("assessed", numerator=20, value=74.1, **commune)) == ["no_denominator"]
    (named,) = flags(figure("plans", members=["so-tttt"], **commune))
    assert (named.code, named.evidence) == ("no_denominator", {"numerator": "1"})


def test_a_retraction_is_not_doubted() -> None:
    assert flag_codes(data(numerator=3, denominator=9, value=30, retracts=True, revision=2)) == []
