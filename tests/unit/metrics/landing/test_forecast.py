"""Forecasts of small series with the numbers written out, and why there sometimes is none."""

from calendar import monthrange
from dataclasses import replace
from datetime import date
from math import inf, nan
from typing import Any

import pytest

from contracts.progress import Landing as OnTheWire
from services.metrics.landing.asked import Asked, Earlier, Goal, Point
from services.metrics.landing.backtest import Trial, backtest
from services.metrics.landing.explain import Sentence, explain, explain_skill
from services.metrics.landing.forecast import Landing, land
from services.metrics.landing.no_landing import NoLanding
from services.metrics.landing.run_rate import RunRate
from services.metrics.landing.seasonal_naive import SeasonalNaive
from services.metrics.landing.track import Track, same_day, track_of

JAN_1 = 738_521
"""1 January 2023, as an ordinal."""

DEADLINE = JAN_1 + 347
"""14 December 2023."""

DEADLINE_DAY = date.fromordinal(DEADLINE)

PERCENT = Sentence("%", "%")


def monthly(*values: float) -> list[Point]:
    return [(JAN_1 + 30 * n, value) for n, value in enumerate(values)]


def asked(values: list[Point], target: float = 90.0, **more: Any) -> Asked:
    named: dict[str, Any] = {"kind": "ratio", "first": JAN_1, "low": 0.0, "high": 100.0, **more}
    return Asked(points=values, goal=Goal(">=", DEADLINE, value=target), **named)


def on_the_wire(found: Landing) -> OnTheWire:
    return OnTheWire.model_validate(found.as_document())


def a_year(points: list[Point], year: int = 2022, until: int | None = None) -> Earlier:
    """A former year, that speaks to its end unless said otherwise."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    return Earlier(first, last, points, last if until is None else until)


def landing(question: Asked) -> Landing:
    found = land(question)
    assert isinstance(found, Landing), found
    return found


def code(question: Asked) -> str:
    found = land(question)
    assert isinstance(found, NoLanding), found
    return found.code


CLIMB = monthly(60, 62, 64, 66, 68, 70, 72, 74, 76)


def test_a_straight_climb_lands_on_its_line() -> None:
    found = landing(asked(CLIMB))
    assert found.method == "run_rate"
    assert found.value == pytest.approx(60 + 2 * 347 / 30, abs=0.1)
    assert found.high - found.low < 1
    assert found.p_meet < 0.1
    assert (found.points, found.as_of) == (9, JAN_1 + 240)


def test_a_climb_that_levels_off_is_left_to_the_damped_trend() -> None:
    found = landing(asked(monthly(40, 50, 57, 62, 66, 69, 71, 72.5, 73.5), target=85))
    assert found.method == "damped_holt"
    assert 74 < found.value < 79
    assert found.p_meet < 0.3


def test_a_year_that_follows_the_last_one_is_forecast_from_its_shape() -> None:
    shape = [0.0, 1, 2, 4, 8, 20, 40, 60, 75, 85, 95, 100]
    before = a_year([(JAN_1 - 365 + 30 * n, 10 * share) for n, share in enumerate(shape)])
    now = monthly(*(12 * share for share in shape[:7]))
    found = landing(asked(now, target=1100.0, kind="flow", high=None, cumulative=True, earlier=[before]))
    assert found.method == "seasonal_naive"
    assert found.value == pytest.approx(1200, rel=0.05)
    assert found.p_meet > 0.6


def month_ends(year: int, values: list[float]) -> list[Point]:
    return [(date(year, at, monthrange(year, at)[1]).toordinal(), value) for at, value in enumerate(values, 1)]


SEASON: list[float] = [1, 2, 4, 8, 20, 40, 60, 75, 85, 90, 95, 100]


def track_with(*earlier: Earlier) -> Track:
    """Of 2023, up to June, with a deadline at the end of the year."""
    question = asked(month_ends(2023, SEASON[:6]), earlier=earlier)
    track = track_of(question, date(2023, 12, 31).toordinal())
    assert track is not None
    return track


def test_of_earlier_periods_only_an_unbroken_row_of_neighbours_is_followed() -> None:
    one, two, three = (a_year(month_ends(year, SEASON), year) for year in (2022, 2021, 2020))
    firsts = [[then.first for then in track_with(*row).earlier] for row in ([three, one, two], [one, three], [two])]
    assert firsts == [[one.first, two.first, three.first], [one.first], []]


def test_an_earlier_period_that_fell_silent_before_the_day_of_the_deadline_did_not_stand_still() -> None:
    until = date(2022, 7, 30).toordinal()
    silent = a_year(month_ends(2022, SEASON[:6]), until=until)
    before = a_year(month_ends(2021, SEASON), 2021)
    assert track_with(silent, before).earlier == ()
    assert SeasonalNaive().on(track_with(silent)) is None
    the_day = date(2022, 12, 31).toordinal()
    assert len(track_with(replace(silent, until=the_day)).earlier) == 1
    assert track_with(replace(silent, until=the_day - 1)).earlier == ()


@pytest.mark.parametrize(
    ("day", "first", "former", "then"),
    [
        ("2026-06-30", "2026-01-01", "2024-01-01", "2024-06-30"),
        ("2025-03-01", "2025-01-01", "2024-01-01", "2024-03-01"),
        ("2025-02-28", "2025-01-01", "2024-01-01", "2024-02-29"),
        ("2024-02-29", "2024-01-01", "2023-01-01", "2023-02-28"),
        ("2025-02-03", "2024-12-15", "2023-12-15", "2024-02-03"),
        ("2023-05-30", "2023-04-01", "2023-01-01", "2023-02-28"),
        ("2023-06-30", "2023-04-01", "2023-01-01", "2023-03-31"),
        ("2023-03-15", "2023-03-01", "2023-02-01", "2023-02-15"),
        ("2023-01-12", "2023-01-09", "2023-01-02", "2023-01-05"),
    ],
)
def test_days_of_two_periods_are_matched_by_their_dates(day: str, first: str, former: str, then: str) -> None:
    said, begins, began = (date.fromisoformat(one).toordinal() for one in (day, first, former))
    assert date.fromordinal(same_day(said, begins, began)).isoformat() == then


def test_a_leap_year_before_is_followed_to_the_same_value() -> None:
    def year(number: int) -> list[Point]:
        return month_ends(number, [40, 50, 55, 65, 70, 78, 79, 80, 85, 90, 91, 95])

    question = replace(
        asked(year(2025)[:6], first=date(2025, 1, 1).toordinal(), earlier=[a_year(year(2024), 2024)]),
        goal=Goal(">=", date(2025, 12, 31).toordinal(), value=90.0),
    )
    track = track_of(question, date(2025, 12, 31).toordinal())
    assert track is not None
    forecaster = SeasonalNaive().on(track)
    assert forecaster is not None
    for known in range(1, 7):
        outlook = forecaster.after(known)
        assert outlook is not None
        assert [outlook(day) for day, _ in year(2025)[known:]] == [value for _, value in year(2025)[known:]]


def test_a_figure_that_never_moved_is_expected_to_stay_within_a_narrow_interval() -> None:
    found = landing(asked(monthly(*[71] * 8), target=72))
    assert found.value == pytest.approx(71)
    assert 70.5 < found.low <= found.value <= found.high < 71.5
    assert 0 < found.p_meet < 0.1


def test_a_line_that_was_held_without_moving_is_likely_to_be_held() -> None:
    found = landing(asked(monthly(*[71] * 8), target=71))
    assert 0.6 < found.p_meet < 1


def test_a_running_total_does_not_fall() -> None:
    found = landing(
        asked(monthly(0, 300, 310, 320, 320, 320, 320), target=321, kind="flow", high=None, cumulative=True)
    )
    assert found.low >= 320


def test_a_running_total_past_its_target_meets_it_for_certain() -> None:
    question = asked(monthly(10, 20, 30, 40, 50, 60, 70), target=65, kind="flow", high=None, cumulative=True)
    assert landing(question).p_meet == 1.0


def test_a_share_on_its_way_to_all_there_is_will_likely_be_all_there_is() -> None:
    found = landing(asked(monthly(40, 50, 60, 70, 80, 90), target=100))
    assert (found.value, found.low, found.high) == (100, 100, 100)
    assert found.p_meet == pytest.approx(6.5 / 7)  # all six and half of one more
    gone = landing(replace(asked(monthly(60, 50, 40, 30, 20, 10)), goal=Goal("<=", DEADLINE, value=0)))
    assert (gone.value, gone.low, gone.high) == (0, 0, 0)
    assert gone.p_meet == pytest.approx(6.5 / 7)


def test_a_share_that_will_just_miss_its_limit_is_not_said_to_meet_it() -> None:
    found = landing(asked(monthly(40, 45, 50, 55, 60, 65, 70), target=100))
    assert found.value == pytest.approx(40 + 5 * 347 / 30, abs=0.1)
    assert found.p_meet < 0.1


def test_an_outlook_beyond_the_limit_strays_by_all_of_it_unless_the_figure_came_to_stand_there() -> None:
    def trials(*values: float) -> tuple[Trial, ...]:
        track = track_of(asked(monthly(*values)), DEADLINE)
        assert track is not None
        return backtest(track, RunRate().on(track), 30, lambda value, _: min(100.0, value)).trials

    short, there = trials(60, 75, 90, 97), trials(60, 75, 90, 100)
    assert [(one.error, one.scaled) for one in short] == [(-3, -8)]
    assert [(one.error, one.scaled) for one in there] == [(0, 0)]


def test_a_target_beyond_what_can_be_is_met_with_certainty_by_nobody() -> None:
    assert landing(asked(CLIMB, target=101)).p_meet == 0.0


def test_a_falling_figure_is_judged_by_its_own_comparator() -> None:
    falling = asked(monthly(40, 38, 36, 34, 32, 30, 28, 26, 24))
    assert landing(replace(falling, goal=Goal("<=", DEADLINE, value=20))).p_meet > 0.9
    assert landing(replace(falling, goal=Goal("<=", DEADLINE, value=10))).p_meet < 0.1


def test_a_band_is_met_between_its_edges() -> None:
    inside = replace(asked(CLIMB), goal=Goal("band", DEADLINE, low=80, high=86))
    above = replace(asked(CLIMB), goal=Goal("band", DEADLINE, low=60, high=70))
    assert landing(inside).p_meet > 0.8
    assert landing(above).p_meet < 0.2


def test_the_baseline_is_a_point_to_start_from_but_not_a_figure_of_the_period() -> None:
    five = monthly(60, 62, 64, 66, 68)
    assert code(asked(five, baseline=(JAN_1 - 30, 58.0))) == "forecast_too_few_points"
    assert landing(asked(CLIMB, baseline=(JAN_1 - 30, 58.0))).points == 9


def test_a_long_daily_series_is_thinned_and_says_how_many_figures_it_had() -> None:
    found = landing(asked([(JAN_1 + n, 50 + n / 10) for n in range(300)]))
    assert found.points == 300
    assert found.value == pytest.approx(84.7, abs=0.5)


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (replace(asked(CLIMB), goal=None), "forecast_no_target"),
        (asked(CLIMB, kind="rank"), "forecast_not_for_kind"),
        (asked(CLIMB, kind="milestone", high=1.0), "forecast_not_for_kind"),
        (asked([]), "forecast_too_few_points"),
        (asked(CLIMB[:5]), "forecast_too_few_points"),
        (asked([(JAN_1 + n, 60.0 + n) for n in range(20)]), "forecast_too_far"),
        (asked([*CLIMB, (DEADLINE, 91.0)]), "forecast_deadline_reached"),
        (asked([*CLIMB, (DEADLINE + 1, 91.0)]), "forecast_deadline_reached"),
        (asked([*CLIMB, (CLIMB[0][0], 61.0)]), "forecast_two_values_a_day"),
        (asked([*CLIMB[:-1], (CLIMB[-1][0], nan)]), "forecast_not_a_number"),
        (asked([*CLIMB[:-1], (CLIMB[-1][0], inf)]), "forecast_not_a_number"),
        (asked([*CLIMB[:-1], (CLIMB[-1][0], 1e200)]), "forecast_not_a_number"),
        (asked(CLIMB, target=nan), "forecast_not_a_number"),
        (asked(CLIMB, baseline=(JAN_1 - 1, nan)), "forecast_not_a_number"),
        (asked(CLIMB, high=nan), "forecast_not_a_number"),
    ],
)
def test_there_is_no_forecast_and_the_reason_has_a_name(question: Asked, why: str) -> None:
    assert code(question) == why


def test_a_refusal_says_why_in_both_languages() -> None:
    found = land(asked(CLIMB[:5]))
    assert isinstance(found, NoLanding)
    assert found.as_document() == {
        "code": "forecast_too_few_points",
        "text_vi": "Chưa đủ số liệu để dự báo: cần ít nhất 6 lần báo cáo trong kỳ.",
        "text_en": "There are too few figures for a forecast: it needs at least 6 in the period.",
    }


def test_a_refusal_reads_the_same_as_long_as_its_reason_is_the_same() -> None:
    assert land(asked(CLIMB[:3])) == land(asked(CLIMB[:5]))


@pytest.mark.parametrize("with_a_value", [0, 1, 5])
def test_figures_without_a_value_however_many_are_none_to_forecast_from(with_a_value: int) -> None:
    assert code(asked(CLIMB[:with_a_value], reported=61)) == "forecast_too_few_points"


def test_milestones_of_many_units_are_counted_and_can_be_forecast() -> None:
    counts = monthly(1, 3, 5, 7, 9, 11, 13)
    assert landing(asked(counts, target=20, kind="milestone", high=71.0, decimals=0)).value == pytest.approx(24, abs=1)


def test_earlier_periods_that_cannot_be_used_are_left_out() -> None:
    useless = [a_year([(JAN_1 - 300, nan), (JAN_1 - 200, 3.0)]), a_year([], 2021)]
    assert landing(asked(CLIMB, earlier=useless)) == landing(asked(CLIMB))


def test_a_forecast_is_explained_in_one_sentence() -> None:
    found = replace(landing(asked(CLIMB)), value=94.1, low=92.2, high=95.0, p_meet=0.9)
    assert explain(on_the_wire(found), DEADLINE_DAY, 1, PERCENT) == (
        "Theo đà hiện nay sẽ đạt 94,1 % vào 14/12/2023 (khoảng 92,2–95,0), khả năng đạt mục tiêu 90 %.",
        "At this rate it will stand at 94.1% on 2023-12-14 (between 92.2 and 95.0); "
        "the chance of meeting the target is 90%.",
    )


@pytest.mark.parametrize(
    ("p_meet", "vi", "en"),
    [(0.001, "dưới 1 %", "below 1%"), (0.999, "trên 99 %", "above 99%"), (1.0, "100 %", "100%"), (0.0, "0 %", "0%")],
)
def test_a_chance_that_is_not_certain_never_reads_as_if_it_were(p_meet: float, vi: str, en: str) -> None:
    said = explain(on_the_wire(replace(landing(asked(CLIMB)), p_meet=p_meet)), DEADLINE_DAY, 1, PERCENT)
    assert said.vi.endswith(f"mục tiêu {vi}.")
    assert said.en.endswith(f"target is {en}.")


def test_large_numbers_are_grouped_as_each_language_does() -> None:
    found = replace(landing(asked(CLIMB)), value=12345.6, low=-0.04, high=-1234.5)
    said = explain(on_the_wire(found), DEADLINE_DAY, 1, Sentence("máy", "machines"))
    assert "12.345,6 máy" in said.vi
    assert "(khoảng 0,0–−1.234,5)" in said.vi
    assert "12,345.6 machines" in said.en


def test_how_good_such_forecasts_have_been_is_said_too() -> None:
    found = landing(asked(CLIMB))
    assert found.skill.forecasts == 6
    assert found.skill.mean_absolute_error == pytest.approx(0, abs=1e-9)
    skill = on_the_wire(found).skill
    assert skill is not None
    said = explain_skill(found.method, skill, 1, PERCENT)
    assert said.vi.startswith("Cách tính: nhịp gần đây. Thử lại trên chính chuỗi số liệu này 6 lần, trước ")
    assert "0,0 điểm %" in said.vi
    assert "0.0 percentage points on average" in said.en


def test_a_record_carries_the_forecast_with_its_skill() -> None:
    document = landing(asked(CLIMB)).as_document()
    assert list(document) == ["value", "low", "high", "p_meet", "method", "points", "as_of", "skill"]
    assert document["as_of"] == "2023-08-29"
    assert set(document["skill"]) == {
        "forecasts", "days_ahead", "mean_absolute_error", "intervals_held", "intervals_tested",
    }  # fmt: skip
