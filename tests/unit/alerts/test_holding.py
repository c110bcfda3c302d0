"""`pending_for` and `keep_firing_for`: how long a verdict must hold before it acts."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.alerts import CloseReason
from contracts.catalog import Hold, Rule
from contracts.progress import Status
from services.alerts.alert import Condition, DataState
from services.alerts.decide import Decision, Row, Tick, decide
from services.alerts.documents import of_alert, to_alert
from tests.unit.alerts.builders import CLOSES, Story, a_record, a_rule, told

DAY = timedelta(days=1)

THREE = Hold(observations=3)
TWO_WEEKS = Hold(data_span=timedelta(days=14))
SIX_HOURS = Hold(settle=timedelta(hours=6))


def slow_to_fire(hold: Hold) -> Story:
    return Story(a_rule(pending_for=hold))


def slow_to_clear(hold: Hold) -> Story:
    return Story(a_rule(keep_firing_for=hold))


def tick(story: Story, at: datetime, rule: Rule | None = None) -> Decision:
    """A timer of the story's alert, looked at then."""
    story.now = at
    decision = decide(story.alert, rule or story.rule, Tick(), at, told)
    story.alert = decision.alert
    story.decisions.append(decision)
    return decision


# by dates


def test_c2_c3_the_third_figure_in_breach_opens_the_episode_that_began_with_the_first() -> None:
    story = slow_to_fire(THREE).sees(0.88, 0.87)
    assert (story.last.row, story.alert.condition, story.types) == (Row.C2, Condition.PENDING, [])
    story.sees(0.86)
    assert (story.last.row, story.types) == (Row.C3, ["opened"])
    episode = story.alert.open
    assert episode is not None
    assert (episode.since, episode.readings, episode.opened_at) == (date(2023, 9, 4), 3, story.now)
    assert story.last.effects[0].readings == 3


def test_c4_one_clear_figure_among_them_and_it_starts_anew_without_a_word() -> None:
    story = slow_to_fire(THREE).sees(0.88, 0.88, 0.97)
    assert (story.last.row, story.alert.condition, story.alert.waiting) == (Row.C4, Condition.INACTIVE, None)
    assert story.sees(0.88, 0.88).types == []
    assert story.sees(0.88).types == ["opened"]


def test_c4_the_band_ends_the_wait_too() -> None:
    assert slow_to_fire(Hold(observations=2)).sees(0.88, 0.92, 0.88).types == []


def test_corrections_of_one_date_are_one_figure() -> None:
    story = slow_to_fire(Hold(observations=2)).sees(0.88, 0.87, 0.86, as_of=date(2023, 9, 4))
    assert story.types == []
    assert story.sees(0.86, as_of=date(2023, 9, 5)).types == ["opened"]


def test_a_withdrawn_figure_no_longer_counts() -> None:
    story = slow_to_fire(THREE).sees(0.88, 0.88)
    story.sees(0.88, as_of=date(2023, 9, 4))  # the second figure was withdrawn: the first stands again
    story.sees(0.88, as_of=date(2023, 9, 7))
    assert story.types == []
    assert story.sees(0.88, as_of=date(2023, 9, 8)).types == ["opened"]


def test_a_record_that_says_nothing_neither_counts_nor_interrupts() -> None:
    story = slow_to_fire(Hold(observations=2)).sees(0.88, None)
    assert (story.alert.condition, story.data()) == (Condition.PENDING, DataState.ERROR)
    assert story.sees(0.88).types == ["opened"]


def test_c6_c7_c8_an_episode_stays_one_until_it_was_clear_twice_in_a_row() -> None:
    story = slow_to_clear(Hold(observations=2)).sees(0.70, 0.97)
    assert (story.last.row, story.alert.condition) == (Row.C6, Condition.RECOVERING)
    story.sees(0.88)
    assert (story.last.row, story.alert.condition) == (Row.C7, Condition.FIRING)
    story.sees(0.97, 0.98)
    assert story.last.row is Row.C8
    assert story.types == ["opened", "closed"]
    assert story.last.effects[0].wire.close_reason is CloseReason.RECOVERED
    assert story.last.effects[0].wire.episode == 1


def test_c7_while_recovering_a_breach_fires_at_once_however_long_a_first_one_must_hold() -> None:
    story = Story(a_rule(pending_for=THREE, keep_firing_for=THREE)).sees(0.88, 0.88, 0.88, 0.97, 0.97, 0.88)
    assert (story.last.row, story.alert.condition, story.types) == (Row.C7, Condition.FIRING, ["opened"])


def test_c7_that_it_got_worse_meanwhile_is_told() -> None:
    story = slow_to_clear(Hold(observations=2)).sees(0.88, 0.97, 0.45)
    assert story.last.row is Row.C9_SEVERITY
    assert story.types == ["opened", "worsened"]


def test_the_band_is_no_recovery() -> None:
    assert slow_to_clear(Hold(observations=2)).sees(0.88, 0.97, 0.92, 0.97).types == ["opened"]


def test_a_target_of_a_running_total_that_is_met_needs_no_second_figure() -> None:
    story = slow_to_clear(THREE).sees(0.88)
    story.decides(a_record(1.2, version=9, status=Status.ACHIEVED), cumulative=True)
    assert story.last.row is Row.C11


def test_a_correction_after_which_it_was_never_behind_closes_it_at_once() -> None:
    story = slow_to_clear(THREE).sees(0.88, as_of=date(2023, 9, 4)).sees(0.97, as_of=date(2023, 9, 4))
    assert story.last.row is Row.C5_CORRECTED
    assert story.types == ["opened", "closed"]


# by the time between the dates


def test_two_weeks_behind_are_counted_between_the_dates_of_the_figures() -> None:
    story = slow_to_fire(TWO_WEEKS)
    story.sees(0.88, as_of=date(2023, 9, 1)).sees(0.88, as_of=date(2023, 9, 14))
    assert (story.types, story.alert.next_due_at) == ([], CLOSES)
    assert story.sees(0.88, as_of=date(2023, 9, 15)).types == ["opened"]


# by the clock


def test_c3_what_settled_opens_on_a_tick_and_the_late_one_says_the_same() -> None:
    story = slow_to_fire(SIX_HOURS).sees(0.88)
    due = story.now + timedelta(hours=6)
    assert story.alert.next_due_at == due
    assert tick(story, due - timedelta(seconds=1)).row is Row.NOT_DUE
    assert tick(story, due).row is Row.C3
    assert tick(story, due).row is Row.NOT_DUE
    assert story.types == ["opened"]
    assert story.alert.next_due_at == CLOSES
    assert story.last.effects == ()


def test_a_correction_before_it_settled_leaves_no_trace() -> None:
    story = slow_to_fire(SIX_HOURS).sees(0.20)
    story.now += timedelta(hours=1)
    story.decides(a_record(0.99, version=2))
    assert (story.last.row, story.alert.next_due_at) == (Row.C4, None)
    assert tick(story, story.now + DAY).row is Row.NOT_DUE
    assert story.types == []


def test_silence_settles_nothing() -> None:
    story = slow_to_fire(Hold(settle=timedelta(days=3))).sees(0.88).sees(None)
    assert story.alert.next_due_at == CLOSES
    assert tick(story, story.now + timedelta(days=9)).row is Row.NOT_DUE
    assert story.sees(0.88).types == ["opened"]


def test_c8_a_settled_recovery_closes_on_a_tick_with_the_clear_figure() -> None:
    story = slow_to_clear(SIX_HOURS).sees(0.88, 0.97)
    assert story.alert.next_due_at == story.now + timedelta(hours=6)
    closed = tick(story, story.now + timedelta(hours=6))
    assert (closed.row, story.types) == (Row.C8, ["opened", "closed"])
    progress = closed.effects[0].wire.progress
    assert progress is not None
    assert progress.pace == 0.97


# ends


@pytest.mark.parametrize("hold", [THREE, TWO_WEEKS, SIX_HOURS])
def test_what_waits_at_the_end_of_the_period_ends_in_silence(hold: Hold) -> None:
    story = slow_to_fire(hold).sees(0.88)
    assert tick(story, CLOSES).row is Row.C18_LATE
    assert (story.types, story.alert.condition, story.alert.next_due_at) == ([], Condition.INACTIVE, None)


def test_an_episode_on_its_way_back_ends_with_the_period_and_its_newest_figure() -> None:
    story = slow_to_clear(THREE).sees(0.88)
    story.decides(a_record(1.2, version=2, status=Status.ACHIEVED, as_of=date(2023, 12, 14)))
    assert story.last.row is Row.C6
    assert tick(story, CLOSES).row is Row.C18_MET


def test_a_target_that_is_withdrawn_ends_the_wait() -> None:
    story = slow_to_fire(THREE).sees(0.88).sees(0.88, target=None, status=Status.NO_TARGET)
    assert (story.last.row, story.alert.waiting, story.types) == (Row.WITHDRAWN, None, [])


def test_a_rule_that_is_gone_ends_the_wait() -> None:
    story = slow_to_fire(SIX_HOURS).sees(0.88)
    decision = decide(story.alert, None, Tick(), story.now + DAY)
    assert (decision.row, decision.effects, decision.alert.waiting) == (Row.C17, (), None)


def test_a_rule_that_is_made_slower_does_not_take_back_an_episode_that_was_told() -> None:
    story = Story().sees(0.88)
    story.rule = a_rule(pending_for=THREE)
    story.sees(0.88)
    assert (story.alert.condition, story.types) == (Condition.FIRING, ["opened"])


def test_a_rule_that_counts_otherwise_than_when_the_timer_was_set_is_asked_anew() -> None:
    story = slow_to_fire(SIX_HOURS).sees(0.88)
    decision = tick(story, story.now + DAY, a_rule(pending_for=THREE))
    assert (decision.row, decision.alert.next_due_at) == (Row.NOT_DUE, CLOSES)


# stores


def test_what_waits_survives_a_restart() -> None:
    story = slow_to_fire(THREE).sees(0.88, 0.88)
    stored = of_alert(story.alert)
    story.alert = to_alert({**stored, "_id": story.alert.key.alert_id, "rev": 2})
    assert story.sees(0.88).types == ["opened"]


def test_an_alert_stored_before_there_were_holds_closes_when_it_should() -> None:
    story = Story().sees(0.88)
    stored = of_alert(story.alert)
    for field in ("waiting", "closes_at"):
        del stored["state"][field]
    story.alert = to_alert({**stored, "_id": story.alert.key.alert_id, "rev": 2})
    assert story.alert.next_due_at == CLOSES
    assert tick(story, CLOSES - DAY).alert.next_due_at == CLOSES
    assert tick(story, CLOSES).row is Row.C18_MISSED


holds = st.one_of(
    st.builds(Hold, observations=st.integers(1, 4)),
    st.builds(Hold, data_span=st.integers(1, 4).map(timedelta)),
    st.builds(Hold, settle=st.integers(1, 90).map(lambda hours: timedelta(hours=hours))),
)
paces = st.one_of(st.none(), st.sampled_from([0.2, 0.7, 0.88, 0.92, 0.95, 1.0]))


@given(holds, holds, st.lists(st.tuples(paces, st.booleans()), max_size=25))
def test_however_long_it_must_hold_each_episode_ends_before_the_next_and_ticks_add_nothing_when_doubled(
    pending: Hold, keep: Hold, history: list[tuple[float | None, bool]]
) -> None:
    story = Story(a_rule(pending_for=pending, keep_firing_for=keep))
    for pace, looked_at in history:
        story.sees(pace)
        if looked_at and story.alert.next_due_at is not None and story.alert.next_due_at < CLOSES:
            at = max(story.now, story.alert.next_due_at)
            assert tick(story, at).row in (Row.C3, Row.C8)
            assert tick(story, at).row is Row.NOT_DUE
            story.now = at
        assert (story.alert.open is not None) == (story.alert.condition in (Condition.FIRING, Condition.RECOVERING))
        waits = story.alert.condition in (Condition.PENDING, Condition.RECOVERING)
        assert (story.alert.waiting is not None) == waits
    tick(story, CLOSES)
    assert (story.alert.open, story.alert.waiting, story.alert.next_due_at) == (None, None, None)
    ends = [kind for kind in story.types if kind != "worsened"]
    assert ends == ["opened", "closed"] * (len(ends) // 2)
