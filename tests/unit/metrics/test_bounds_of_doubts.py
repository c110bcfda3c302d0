"""Where a doubt begins, to the last digit."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import Kpi, KpiKind, Roster
from services.metrics import doubts
from services.metrics.definition import Definition
from services.metrics.doubts.doubt import Doubt
from services.metrics.doubts.median import median
from services.metrics.doubts.repeated import digits
from services.metrics.exact import SCALE, scaled
from services.metrics.figures import ACTUAL, Day, Figure
from services.metrics.series import Series
from tests.unit.metrics.builders import a_catalog, a_kpi, day

SPEED = a_kpi(kind="level", unit_of_measure="Mbps")
STOCK = a_kpi(kind="stock", unit_of_measure="procedure")
FLOW = a_kpi(kind="flow", unit_of_measure="product")
RATIO = a_kpi(kind="ratio")
RATE = a_kpi(kind="rate", unit_of_measure="per_100_inhabitants")
FIRST = day("2023-01-15").toordinal()


def a_figure(said: Any) -> Figure:
    """A value; or numerator and denominator."""
    if isinstance(said, tuple):
        return Figure(1, ACTUAL, 0, b"", "s", n=scaled(str(said[0])), d=scaled(str(said[1])))
    return Figure(1, ACTUAL, 0, b"", "s", v=scaled(str(said)))


def raised(kpi: Kpi, figures: Mapping[int, Any]) -> list[Doubt]:
    """About the last of the figures, by days after 15 January 2023."""
    series = Series()
    for after, said in figures.items():
        series.take(FIRST + after, a_figure(said))
    last = max(figures)
    definition = Definition(a_catalog(kpi), "k")
    return doubts.of_series(definition, series, FIRST + last, a_figure(figures[last]))


def codes(kpi: Kpi, *said: Any, apart: int = 1) -> list[str]:
    return [one.code for one in raised(kpi, {at * apart: one for at, one in enumerate(said)})]


@pytest.mark.parametrize(
    ("now", "factor"),
    [
        ("79.999", None), ("80", "100"), ("125", "100"), ("125.001", None),
        ("799.999", None), ("800", "1000"), ("1250", "1000"), ("1250.001", None),
        ("799999", None), ("800000", "1000000"), ("1250000", "1000000"), ("1250001", None),
        ("0.0125", "100"), ("0.008", "100"), ("0.013", None), ("0.0079", None),
        ("0.00125", "1000"), ("0.00000125", "1000000"), ("0", None), ("-100", None),
    ],
)  # fmt: skip
def test_another_unit_is_a_factor_away_give_or_take_a_quarter(now: str, factor: str | None) -> None:
    found = [one for one in raised(SPEED, {0: 1, 1: 1, 2: now}) if one.code == "scale_shift"]
    assert [one.evidence["factor"] for one in found] == ([] if factor is None else [factor])


@pytest.mark.parametrize(
    ("past", "found"),
    [((1, 1), True), ((1,), False), ((1, "0.5", 1), True), ((1, "0.49", 1), False), ((2, 1, 1), True)],
)
def test_another_unit_is_seen_only_where_the_figures_before_are_of_one_size(past: tuple[Any, ...], found: bool) -> None:
    assert ("scale_shift" in codes(SPEED, *past, 100)) == found


def test_of_figures_of_different_sizes_none_is_usual() -> None:
    assert "scale_shift" not in codes(SPEED, 1, 1, "2.01", 100)
    assert "scale_shift" not in codes(SPEED, 1, 60, 1, 1, 100)


def test_of_figures_that_grow_the_last_is_usual() -> None:
    assert "scale_shift" in codes(SPEED, 1, 4, 5, 8, 800)
    assert "scale_shift" not in codes(SPEED, 1, 3, 8, 800)


def test_a_whole_number_of_things_that_is_a_hundredth_is_a_fall_and_no_other_unit() -> None:
    assert codes(STOCK, 7194, 7200, "72.01") == ["scale_shift"]
    assert codes(STOCK, 7194, 7200, 72) == []
    assert codes(STOCK, 72, 72, 7200) == ["scale_shift"]
    assert codes(SPEED, 7194, 7200, 72) == ["scale_shift"]


def test_another_unit_is_said_with_its_numbers() -> None:
    (found,) = raised(SPEED, {0: 84, 1: 86, 2: "0.853"})
    assert found.evidence == {"now": "0.853", "usual": "85", "factor": "100"}
    assert found.message_vi == "0,853 trong khi thường là khoảng 85: có thể nhầm đơn vị (100 lần)."
    assert found.message_en == "0.853 where about 85 is usual: perhaps another unit (100 times)."


# jumps


@pytest.mark.parametrize(
    ("kpi", "past", "still", "jump"),
    [
        (SPEED, (100, 100, 100), "130.001", "130.002"),  # 30 %, and a thousandth for rounding
        (SPEED, (100, 100, 100), "69.999", "69.998"),
        (SPEED, (-100, -100, -100), "-69.999", "-69.998"),
        (RATE, (100, 100, 100), "130.001", "130.002"),
        (STOCK, (100, 100, 100), "150.001", "150.002"),  # five times the root
        (STOCK, (10000, 10000, 10000), "13000.001", "13000.002"),
        (FLOW, (100, 100, 100), "150.001", "150.002"),
        (RATIO, (50, 50, 50), "70.001", "70.002"),  # twenty points
        (SPEED, (100, 101, 102), "140.601", "140.602"),  # 8 steps of 1 beyond 30 % of 102
        (SPEED, (100, 100, 102), "140.601", "140.602"),  # a step of 0 and one of 2
        (RATIO, ((50, 100),) * 3, ("75", 100), ("75.001", 100)),  # of a hundred, 25 points
        (RATIO, ((50, 400),) * 3, ("130", 400), ("130.01", 400)),
    ],
)
def test_a_jump_goes_beyond_what_is_usual(kpi: Kpi, past: tuple[Any, ...], still: Any, jump: Any) -> None:
    assert codes(kpi, *past, still) == []
    assert codes(kpi, *past, jump) == ["jump"]


def test_steps_are_held_against_each_other_by_the_day() -> None:
    """Ten in ten days, twice: 8 times one a day in five days are 40, beyond 30 % of 120."""
    past = {0: 100, 10: 110, 20: 120}
    assert raised(SPEED, {**past, 25: "196.001"}) == []
    (found,) = raised(SPEED, {**past, 25: "196.002"})
    assert found.evidence == {"before": "120", "before_on": "2023-02-04", "now": "196.002", "usual": "110"}
    assert found.message_vi == "Nhảy từ 120 (ngày 04/02/2023) đến 196,002; trước đó thường khoảng 110."
    assert found.message_en == "It jumped from 120 (2023-02-04) to 196.002; about 110 was usual."


def test_a_return_to_what_is_usual_is_no_jump() -> None:
    assert codes(SPEED, 100, 100, 100, 500, 100) == []
    assert codes(SPEED, 100, 100, 100, 500, "250.001") == []  # by 30 % of the 500 off what is usual
    assert codes(SPEED, 100, 100, 100, 500, "250.002") == ["jump"]


def test_two_figures_say_nothing_about_what_is_usual() -> None:
    assert codes(SPEED, 100, 100, 180) == []
    assert codes(SPEED, 100, 100, 100, 180) == ["jump"]


def test_only_the_last_eight_say_what_is_usual() -> None:
    """Of four times 100 and four times 300 the median is 200, and 30 % of the figure before are 90."""
    assert codes(SPEED, *[100] * 5, *[300] * 4, 120) == []
    assert codes(SPEED, *[100] * 5, *[300] * 4, 100) == ["jump"]


# repetitions


@pytest.mark.parametrize(
    ("kpi", "few", "enough"),
    [
        (RATIO, "12.34", "12.345"),
        (RATIO, (6, 120), (612, 1200)),
        (FLOW, 1234, 12345),
        (SPEED, "0.1234", "0.12345"),
        (STOCK, 12345, 123456),
        (STOCK, 1234500, 1234560),
    ],
)
def test_a_figure_of_few_digits_may_come_again(kpi: Kpi, few: Any, enough: Any) -> None:
    assert codes(kpi, few, few, apart=30) == []
    assert codes(kpi, enough, enough, apart=30) == ["repeated_figure"]


def test_significant_digits_are_those_between_zeros() -> None:
    said = [111390, "92.8", (9128, 9870), 0, (0, 5), "-12.5", 1000, "0.05"]
    assert [digits(a_figure(one)) for one in said] == [5, 3, 7, 0, 1, 3, 1, 1]


def test_a_figure_may_rest_for_four_working_days() -> None:
    """From Monday 6 March 2023, 50 days on, the fifth working day is the Monday after."""
    assert raised(SPEED, {50: 123456, 56: 123456}) == []
    (found,) = raised(SPEED, {50: 123456, 57: 123456})
    assert found.evidence == {"value": "123456", "since": "2023-03-06"}
    assert found.message_vi == "Lặp lại đúng số liệu 123456 của ngày 06/03/2023."
    assert found.message_en == "The very figure 123456 of 2023-03-06 is repeated."


def test_a_figure_is_repeated_since_the_first_that_was_the_same() -> None:
    (found,) = raised(SPEED, {0: 123456, 30: 123457, 60: 123456, 90: 123456, 120: 123456})
    assert found.evidence["since"] == "2023-03-16"
    assert codes(RATIO, (9128, 9877), (18256, 19754), apart=30) == []  # the same share of twice as many


def test_members_of_a_roster_that_are_done_stay_done() -> None:
    kpi = a_kpi(kind="coverage", rosters=(Roster(unit="p.a.1", size=999999),))
    assert codes(kpi, (123456, 999999), (123456, 999999), apart=30) == []


# falls


@pytest.mark.parametrize(
    ("direction", "before", "found"),
    [("increase", 0, ["cumulative_fell"]), ("increase", -1, []), ("decrease", 0, []), ("band", 0, [])],
)
def test_a_coverage_falls_within_its_accounting_period_if_it_is_to_increase(
    direction: str, before: int, found: list[str]
) -> None:
    """The administrative year 2023 began on 15 December 2022, 31 days before the first day here."""
    kpi = a_kpi(kind="coverage", direction=direction, rosters=(Roster(unit="p.a.1", size=27),))
    assert [one.code for one in raised(kpi, {before - 31: (20, 27), 9: (19, 27)})] == found


def test_a_total_that_starts_again_is_held_against_its_own_period_alone() -> None:
    assert raised(FLOW, {-32: 500, -31: 12}) == []
    assert [one.code for one in raised(FLOW, {-31: 12, -30: 11})] == ["cumulative_fell"]
    assert raised(FLOW, {-32: 100, -31: 100, -30: 100, -29: 180}) == []
    assert [one.code for one in raised(FLOW, {-31: 100, -30: 100, -29: 100, -28: 180})] == ["jump"]


def test_a_fall_is_told_from_the_nearest_figure_that_says_something() -> None:
    falls = a_kpi(kind="ratio", may_fall=False)
    (found,) = raised(falls, {0: (60, 100), 1: (50, 100), 2: (0, 0), 3: (49, 100)})
    assert found.evidence == {"before": "50", "before_on": "2023-01-16", "now": "49"}
    assert raised(falls, {0: (0, 0), 1: (49, 100)}) == []
    assert raised(falls, {0: (60, 100), 1: (49, 0)}) == []


@pytest.mark.parametrize("kind", ["rank", "milestone", "growth", "composite"])
def test_what_moves_in_steps_or_is_derived_raises_no_doubt(kind: KpiKind) -> None:
    assert codes(a_kpi(kind=kind, may_fall=False), 5, 5, 5, 1) == []


def test_members_who_are_named_are_counted() -> None:
    kpi = a_kpi(kind="coverage", direction="increase", rosters=(Roster(unit="p.a.1", size=27),))
    definition, series = Definition(a_catalog(kpi), "k"), Series()
    named = [Figure(1, ACTUAL, 0, b"", "s", n=0, more={"members": list(names)}) for names in ("abc", "ab", "xyz")]
    series.take(FIRST, named[0])
    found = [doubts.of_series(definition, series, FIRST + 1, one) for one in named]
    assert [[doubt.evidence["now"] for doubt in each] for each in found] == [[], ["2"], []]


def test_a_rate_is_compared_by_its_declared_base() -> None:
    """3 of 1,000 are 3 per thousand: half a point more is 17 %, and two are 67 %."""
    kpi = a_kpi(kind="rate", unit_of_measure="per_1000", rate_base=Decimal(1000))
    past = {0: (3, 1000), 1: (3, 1000), 2: (3, 1000)}
    assert raised(kpi, {**past, 3: ("3.5", 1000)}) == []
    (found,) = raised(kpi, {**past, 3: (5, 1000)})
    assert (found.code, found.evidence["before"], found.evidence["now"]) == ("jump", "3", "5")


def test_figures_that_say_nothing_are_not_looked_back_at() -> None:
    assert codes(RATIO, (50, 100), (0, 0), (50, 100), (80, 100)) == []
    assert codes(RATIO, (50, 100), (50, 100), (0, 0), (50, 100), (80, 100)) == ["jump"]


# sources and parts


def test_the_first_source_that_says_something_else_is_named() -> None:
    mine = a_figure(5)
    others = [a_figure(5)._replace(source="a"), a_figure(6)._replace(source="b", retracts=True)]
    assert doubts.among_sources(Day((*others, mine)), mine) is None
    more = [a_figure(7)._replace(source="t", id=b"\x0a"), a_figure(8)._replace(source="u")]
    found = doubts.among_sources(Day((*others, mine, *more)), mine)
    assert found is not None
    assert (found.code, found.evidence) == ("sources_disagree", {"source": "t", "observation_id": "0a"})
    assert found.message_vi == "Nguồn khác báo cáo số liệu khác cho cùng đơn vị và ngày."
    assert found.message_en == "Another source reports a different figure for the same unit and day."


def test_parts_that_add_up_to_something_else_are_told_with_ten_digits() -> None:
    found = doubts.among_parts(100 / 3, 45.5)
    assert (found.code, found.evidence) == ("parts_disagree", {"reported": "33.33333333", "parts": "45.5"})
    assert found.message_vi == "Báo cáo 33,33333333, nhưng các đơn vị bên dưới cộng lại là 45,5."
    assert found.message_en == "Reported 33.33333333, but the units below add up to 45.5."


def test_the_median_is_the_middle_one_or_the_mean_of_two() -> None:
    assert [median(one) for one in ([5], [1, 9], [9, 1, 5], [1, 2, 3, 9], [1, 2], [-1, -2])] == [5, 5, 5, 2, 1, -2]
    assert median([SCALE, 2 * SCALE]) == 3 * SCALE // 2
