"""Taking an alert up: it stops the climb for a time, and nothing else."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.alerts import Severity
from services.alerts.acknowledging import LASTS, Acknowledge
from services.alerts.alert import Handling
from services.alerts.decide import Decision, Row
from tests.unit.alerts.builders import NOW, OWNER, TOLD
from tests.unit.alerts.climb import DAY, Climb


def takes_up(
    climb: Climb, command_id: str = "c1", *, by: str = OWNER.person, until: datetime | None = None
) -> Decision:
    return climb.takes(Acknowledge(command_id, by, "đang xử lý", until, climb.now))


def test_it_is_told_on_the_wire_and_stops_the_climb() -> None:
    climb = Climb().sees()
    decision = takes_up(climb, until=NOW + 30 * DAY)
    assert decision.row is Row.H1
    (effect,) = decision.effects
    assert (effect.wire.type, effect.wire.handling) == ("acknowledged", "acked")
    assert effect.handling == Handling("acked", OWNER.person, NOW + 30 * DAY, "đang xử lý", NOW)
    assert climb.alert.next_due_at == NOW + 30 * DAY
    assert climb.after(20).climbed == []


def test_the_same_command_again_changes_nothing() -> None:
    climb = Climb().sees()
    takes_up(climb)
    before = climb.alert
    again = takes_up(climb)
    assert (again.alert, again.row, again.effects) == (before, Row.H_AGAIN, ())


def test_without_an_end_it_ends_by_severity() -> None:
    for pace, severity in ((0.85, Severity.WATCH), (0.7, Severity.BEHIND), (0.4, Severity.CRITICAL)):
        climb = Climb().sees(pace)
        takes_up(climb)
        assert climb.alert.handling.until == NOW + LASTS[severity]
    assert LASTS[Severity.BEHIND] == 7 * DAY


def test_it_hides_neither_that_it_got_worse_nor_that_it_is_over() -> None:
    climb = Climb().sees(0.7)
    takes_up(climb)
    climb.sees(0.4, days=1)
    assert [effect.wire.type for effect in climb.decisions[-1].effects] == ["worsened"]
    assert climb.decisions[-1].effects[0].wire.handling == "acked"
    climb.sees(1.0, days=1)
    assert [(effect.wire.type, effect.wire.handling) for effect in climb.decisions[-1].effects] == [("closed", "acked")]


def test_when_its_end_passes_who_took_it_up_is_reminded_and_the_climb_goes_on_where_it_stood() -> None:
    climb = Climb().sees().after(2)
    takes_up(climb)
    climb.after(7)
    (effect,) = climb.decisions[-1].effects
    assert (effect.wire.type, effect.wire.reason) == ("reminded", "h2_acknowledgement_ended")
    assert (effect.wire.handling, effect.meant_for) == ("unacked", (OWNER.person,))
    assert climb.climbed == []
    assert climb.alert.next_due_at == climb.now + DAY
    assert climb.after(0).decisions[-1].effects == ()
    assert climb.after(1).climbed == [("chief",)]


def test_of_one_who_gets_no_mail_of_it_everybody_who_does_is_reminded() -> None:
    climb = Climb().sees()
    takes_up(climb, by="somebody.else")
    assert climb.after(7).decisions[-1].effects[0].meant_for == tuple(who.person for who in TOLD.recipients)


def test_a_new_episode_is_taken_up_by_nobody() -> None:
    climb = Climb().sees()
    takes_up(climb)
    climb.sees(1.0, days=1).sees(0.7, days=1)
    assert climb.alert.handling == Handling()
    assert climb.decisions[-1].effects[0].wire.handling == "unacked"
    assert takes_up(climb).row is Row.H_AGAIN


def test_what_is_not_open_or_would_be_over_at_once_is_refused_by_name() -> None:
    climb = Climb().sees(1.0)
    assert takes_up(climb).row is Row.H_NOT_OPEN
    climb.sees(0.7)
    assert takes_up(climb, "c2", until=climb.now).row is Row.H_ENDED
    assert climb.alert.handling == Handling()


def test_back_behind_within_the_same_episode_it_is_still_taken_up() -> None:
    climb = Climb(keep_firing_for={"observations": 2}).sees()
    takes_up(climb)
    climb.sees(0.97, days=1).sees(0.7, days=1)
    assert climb.alert.handling.state == "acked"


def test_a_second_one_takes_the_place_of_the_first() -> None:
    climb = Climb().sees()
    takes_up(climb)
    takes_up(climb, "c2", by="manager.tan-phu", until=NOW + 2 * DAY)
    assert (climb.alert.handling.by, climb.alert.handling.until) == ("manager.tan-phu", NOW + 2 * DAY)


moves = st.one_of(
    st.tuples(st.just("tick"), st.integers(0, 6)),
    st.tuples(st.just("acknowledge"), st.integers(0, 6)),
    st.tuples(st.sampled_from([None, 0.4, 0.7, 0.92, 1.0]), st.integers(0, 3)),
)


@given(st.lists(moves, max_size=20))
def test_whatever_happens_no_timer_stays_due_and_each_command_is_taken_once(
    history: list[tuple[object, int]],
) -> None:
    climb = Climb()
    for number, (what, days) in enumerate(history):
        if what == "tick":
            climb.after(days)
        elif what == "acknowledge":
            climb.takes(Acknowledge(f"c{number // 2}", OWNER.person, None, climb.now + timedelta(days=days), climb.now))
        else:
            climb.sees(what, days)  # type: ignore[arg-type]
        due = climb.alert.next_due_at
        assert due is None or due > climb.now or climb.now > NOW + 110 * DAY
        assert climb.alert.open is not None or climb.alert.handling == Handling()
    effects = [effect for decision in climb.decisions for effect in decision.effects]
    assert [effect.wire.seq for effect in effects] == list(range(1, len(effects) + 1))
    kinds = [effect.wire.type for effect in effects]
    assert kinds.count("reminded") <= kinds.count("acknowledged")  # type: ignore[arg-type]
