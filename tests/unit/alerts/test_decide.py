"""Every row of the transition table that is in force, as a sentence."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from contracts.alerts import CloseReason, Severity
from contracts.catalog import Hold, Threshold
from contracts.progress import Landing, Status
from services.alerts.alert import Condition, DataState
from services.alerts.decide import Row, Tick, decide
from services.alerts.rules import Verdict, Why, judge, severity_of
from tests.unit.alerts.builders import CLOSES, NOW, PERIOD_OVER, Story, a_record, a_rule, parts, seen


def test_c1_a_breach_opens_one_episode_and_tells_it_once() -> None:
    story = Story().sees(1.0, 0.88)
    assert story.last.row is Row.C1
    assert story.alert.condition is Condition.FIRING
    assert story.alert.episode == 1
    assert story.types == ["opened"]


def test_what_is_told_carries_everything_the_dashboard_needs() -> None:
    story = Story().sees(0.77)
    wire = story.last.effects[0].wire
    assert wire.seq == 1
    assert wire.owner == "Văn phòng UBND xã"
    assert wire.opened_at == story.now == wire.at
    assert wire.severity is Severity.BEHIND
    assert wire.reason == "c1_fell_behind"
    assert wire.close_reason is None
    assert wire.progress == a_record(0.77, version=1, as_of=wire.progress.as_of if wire.progress else None)


def test_c5_a_clear_figure_closes_the_episode_as_recovered() -> None:
    story = Story().sees(0.88, 0.95)
    assert story.last.row is Row.C5
    assert story.alert.condition is Condition.INACTIVE
    assert story.alert.close_reason is CloseReason.RECOVERED
    assert story.types == ["opened", "closed"]


def test_the_band_is_clear_before_an_episode_and_breach_within_one() -> None:
    story = Story().sees(0.92)
    assert story.types == []
    story.sees(0.88, 0.92, 0.94)
    assert story.types == ["opened"]
    story.sees(0.95, 0.92)
    assert story.types == ["opened", "closed"]


def test_without_a_clearing_threshold_the_firing_one_clears() -> None:
    story = Story(a_rule(ladder=(Threshold(severity="behind", fire=Decimal("0.9")),)))
    assert story.sees(0.899, 0.9).types == ["opened", "closed"]


def test_a_pace_on_the_threshold_is_no_breach() -> None:
    assert Story().sees(0.9).types == []
    assert Story().sees(0.8999).types == ["opened"]


def test_c9_a_rising_severity_is_told_within_the_same_episode() -> None:
    story = Story().sees(0.88, 0.79, 0.49)
    assert story.types == ["opened", "worsened", "worsened"]
    assert story.alert.episode == 1
    assert story.alert.severity is Severity.CRITICAL
    assert story.last.row is Row.C9_SEVERITY


def test_c9_a_growing_gap_is_told_when_it_grew_by_a_whole_step_since_the_last_telling() -> None:
    story = Story(a_rule(worsen_step=Decimal(3)))
    story.sees(0.88)  # 9.6 points short
    story.sees(0.86)  # 11.2
    assert story.types == ["opened"]
    story.sees(0.84)  # 12.8: 3.2 more than was told
    assert story.last.row is Row.C9_GAP
    story.sees(0.82)  # 14.4: 1.6 more than was told
    assert story.types == ["opened", "worsened"]


def test_c10_a_falling_severity_is_not_told_and_waits_for_its_own_clearing_threshold() -> None:
    story = Story().sees(0.49, 0.55)
    assert story.severity() is Severity.CRITICAL
    story.sees(0.60)
    assert story.last.row is Row.C10
    assert story.severity() is Severity.BEHIND
    assert story.types == ["opened"]


def test_c11_a_running_total_that_meets_its_target_is_done_for_good() -> None:
    story = Story().sees(0.88)
    story.decides(a_record(0.93, version=9, status=Status.ACHIEVED), cumulative=True)
    assert story.last.row is Row.C11
    assert story.alert.close_reason is CloseReason.TARGET_MET


def test_a_ratio_that_meets_its_target_has_recovered_for_now() -> None:
    story = Story().sees(0.88).sees(0.93, status=Status.ACHIEVED)
    assert story.last.row is Row.C5


def test_c18_the_end_of_the_period_closes_the_episode_on_a_tick() -> None:
    story = Story().sees(0.88)
    early = decide(story.alert, story.rule, Tick(), CLOSES - timedelta(seconds=1))
    assert early.row is Row.NOT_DUE
    assert early.alert is story.alert
    missed = decide(story.alert, story.rule, Tick(), CLOSES)
    assert missed.row is Row.C18_MISSED
    assert missed.effects[0].wire.close_reason is CloseReason.PERIOD_CLOSED_MISSED
    assert missed.effects[0].wire.progress is not None
    again = decide(missed.alert, story.rule, Tick(), CLOSES)
    assert (again.row, again.effects) == (Row.NOT_DUE, ())


def test_c18_an_episode_whose_last_figure_meets_the_target_ends_as_met() -> None:
    story = Story().sees(0.88)
    story.now = CLOSES
    story.decides(a_record(1.2, version=9, status=Status.ACHIEVED))
    assert story.last.row is Row.C18_MET


def test_c18_nothing_opens_once_the_period_is_closed() -> None:
    story = Story()
    story.now = CLOSES
    story.decides(a_record(0.2))
    assert story.last.row is Row.C18_LATE
    assert story.types == []
    assert story.alert.head is not None


def test_c19_a_version_that_is_not_newer_changes_nothing() -> None:
    story = Story().sees(1.0, 0.88)
    for version in (1, 2):
        before = story.alert
        decision = decide(before, story.rule, seen(a_record(0.1, version=version)), story.now)
        assert decision.row is Row.C19
        assert decision.alert is before


def test_c20_without_a_transition_head_and_value_are_still_written() -> None:
    story = Story().sees(1.0)
    assert story.last.row is Row.C20
    assert story.value() == 80.0
    story.sees(0.97)
    assert story.value() == pytest.approx(77.6)
    assert story.alert.head is not None
    assert story.alert.head.version == 2


def test_a_new_breach_after_the_end_is_a_new_episode() -> None:
    story = Story().sees(0.88, 0.97, 0.7)
    assert story.types == ["opened", "closed", "opened"]
    assert story.alert.episode == 2
    assert story.alert.seq == 3


def test_an_early_commune_raises_no_alarm_for_the_province() -> None:
    story = Story().sees(0.2, completeness=parts(55, 71))
    assert story.types == []
    story.sees(0.2, completeness=parts(57, 71))
    assert story.types == ["opened"]


def test_an_incomplete_figure_does_not_end_an_episode_either() -> None:
    story = Story().sees(0.2, 1.0, completeness=parts(71, 71))
    assert story.types == ["opened", "closed"]
    story = Story().sees(0.2, completeness=parts(71, 71)).sees(1.0, completeness=parts(3, 71))
    assert story.types == ["opened"]


def test_after_the_last_day_of_the_period_silent_parts_are_no_longer_awaited() -> None:
    story = Story()
    story.now = PERIOD_OVER
    story.decides(a_record(0.2, completeness=parts(3, 71)))
    assert story.types == ["opened"]


@pytest.mark.parametrize(
    ("fields", "why", "data"),
    [
        ({"pace": None}, Why.NO_PACE, DataState.ERROR),
        ({"pace": None, "target": None, "status": Status.NO_TARGET}, Why.NO_TARGET, DataState.OK),
        ({"pace": 0.5, "status": Status.UNKNOWN}, Why.UNKNOWN, DataState.ERROR),
        ({"pace": float("nan")}, Why.NOT_FINITE, DataState.ERROR),
        ({"pace": float("-inf")}, Why.NOT_FINITE, DataState.ERROR),
    ],
)
def test_nothing_to_judge_by_is_neither_breach_nor_clear(fields: dict[str, object], why: Why, data: DataState) -> None:
    record = a_record(**{"value": 10.0, **fields})  # type: ignore[arg-type]
    judgement = judge(a_rule(), record, period_over=False)
    assert (judgement.verdict, judgement.why) == (Verdict.NONE, why)
    story = Story()
    story.decides(record)
    assert story.types == []
    assert story.alert.data is data


def test_a_figure_that_turns_unknown_leaves_the_episode_open() -> None:
    story = Story().sees(0.5).sees(None)
    assert story.alert.condition is Condition.FIRING
    assert story.data() is DataState.ERROR
    story.sees(0.96)
    assert story.types == ["opened", "closed"]
    assert story.data() is DataState.OK


def test_a_withdrawn_target_ends_the_episode_and_says_so() -> None:
    story = Story().sees(0.5).sees(None, target=None, status=Status.NO_TARGET)
    assert story.alert.close_reason is CloseReason.TARGET_WITHDRAWN


def test_a_lowered_plan_ends_the_episode_as_revised_and_not_as_recovered() -> None:
    story = Story(a_rule(keep_firing_for=Hold(observations=3))).sees(0.77, as_of=date(2023, 9, 4))
    story.decides(a_record(version=2, as_of=date(2023, 9, 4), value=61.6, planned=60.0, pace=61.6 / 60))
    assert (story.last.row, story.alert.close_reason) == (Row.REVISED, CloseReason.TARGET_REVISED)
    assert story.last.effects[0].wire.planned_before == 80.0


def test_a_target_that_is_lowered_to_what_was_reached_is_no_target_met() -> None:
    story = Story().sees(0.77, as_of=date(2023, 9, 4))
    lower = a_record(0.77, version=2, as_of=date(2023, 9, 4), planned=50.0, status=Status.ACHIEVED)
    story.decides(lower, cumulative=True)
    assert story.last.row is Row.REVISED


def test_a_plan_that_is_revised_and_leaves_it_behind_ends_nothing() -> None:
    story = Story().sees(0.77, as_of=date(2023, 9, 4))
    story.decides(a_record(version=2, as_of=date(2023, 9, 4), value=61.6, planned=79.0, pace=61.6 / 79))
    assert (story.last.row, story.types) == (Row.C20, ["opened"])


def test_a_rule_that_is_gone_ends_the_episode_when_its_timer_is_next_looked_at() -> None:
    story = Story().sees(0.5)
    gone = decide(story.alert, None, Tick(), NOW + timedelta(days=30))
    assert gone.alert.close_reason is CloseReason.RULE_DISABLED


def test_a_pace_without_a_plan_is_judged_too() -> None:
    story = Story().sees(0.7, planned=None, gap=None)
    assert story.types == ["opened"]
    assert story.last.effects[0].shortfall == pytest.approx(92 - 56)


def test_lower_is_better_is_short_in_the_other_direction() -> None:
    target = a_record().target
    assert target is not None
    lower = target.model_copy(update={"comparator": "<=", "value": 5.0})
    story = Story().sees(0.7, target=lower, value=9.0, planned=6.5, gap=2.5)
    assert story.last.effects[0].shortfall == 2.5


def test_readings_count_dates_and_not_corrections_of_one_date() -> None:
    story = Story().sees(0.88)
    day = story.now.date() - timedelta(days=1)
    story.sees(0.87, as_of=day)
    story.sees(0.86, as_of=date(2023, 9, 30))
    assert story.alert.open is not None
    assert story.alert.open.readings == 2


def test_severity_is_the_worst_rung_undercut() -> None:
    ladder = a_rule().ladder
    assert severity_of(ladder, 0.89, None) is Severity.WATCH
    assert severity_of(ladder, 0.79, None) is Severity.BEHIND
    assert severity_of(ladder, 0.1, None) is Severity.CRITICAL
    assert severity_of(ladder, 0.84, Severity.BEHIND) is Severity.BEHIND
    assert severity_of(ladder, 0.84, Severity.WATCH) is Severity.WATCH
    assert severity_of(ladder, 0.94, Severity.CRITICAL) is Severity.WATCH


LANDING = Landing(value=70.0, low=60.0, high=80.0, p_meet=0.02, method="run_rate", points=9)


@pytest.mark.parametrize("pace", [0.45, 0.7, 0.92, 1.0])
@pytest.mark.parametrize("before", [0.7, 1.0])
def test_a_version_that_only_brings_a_forecast_is_no_news(before: float, pace: float) -> None:
    story = Story().sees(before, pace)
    then, decided = story.alert, len(story.decisions)
    for landing in (LANDING, LANDING.model_copy(update={"p_meet": 0.98, "value": 95.0})):
        story.version += 1
        as_of = then.head.as_of if then.head is not None else None
        story.decides(a_record(pace, version=story.version, as_of=as_of, landing=landing))
    assert [one.effects for one in story.decisions[decided:]] == [(), ()]
    now = story.alert
    assert (now.condition, now.severity, now.episode, now.seq) == (
        then.condition,
        then.severity,
        then.episode,
        then.seq,
    )
    assert (now.open is None) == (then.open is None)
    if now.open is not None and then.open is not None:
        assert (now.open.readings, now.open.since) == (then.open.readings, then.open.since)
        assert now.open.record.landing is not None  # what is told next knows the forecast
