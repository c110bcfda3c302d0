"""An alert climbs: each step once, in order, when it is due, and to nobody who was told before."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Audience, EscalationPolicy, EscalationStep, Threshold
from contracts.progress import Needed
from services.alerts.acknowledging import Acknowledge
from services.alerts.decide import Reconsidered, Row
from tests.unit.alerts.builders import NOW, TOLD, a_record, a_rule
from tests.unit.alerts.climb import CHIEF, DAY, LEAD, Climb, a_policy


def test_each_step_is_told_once_and_in_order() -> None:
    climb = Climb().sees().after(2)
    assert climb.climbed == []
    assert climb.alert.next_due_at == NOW + 3 * DAY
    climb.after(1).after(0)
    assert climb.climbed == [("chief",)]
    assert climb.decisions[-2].row is Row.E1
    climb.after(4).after(1).after(30)
    assert climb.climbed == [("chief",), ("lead",)]
    assert [effect.wire.reason for effect in climb.decisions[-3].effects] == ["e1_step_reached"]


def test_a_rule_without_a_policy_does_not_climb() -> None:
    climb = Climb()
    climb.rule = a_rule()
    assert climb.sees().after(60).climbed == []


def test_time_counts_by_the_working_clock() -> None:
    policy = EscalationPolicy(
        id="p", name_vi="x", steps=(EscalationStep(after=DAY, audience=(Audience(role="chief"),)),)
    )
    climb = Climb(policy)
    climb.now = datetime(2023, 9, 8, 9, 50, tzinfo=UTC)  # Friday, 16:50 at home
    climb.sees().after(2)
    assert climb.climbed == []
    assert climb.alert.escalation.due_at == datetime(2023, 9, 11, 9, 50, tzinfo=UTC)
    assert climb.after(1).climbed == [("chief",)]


def test_a_late_tick_tells_every_step_that_was_missed_in_order() -> None:
    climb = Climb().sees().after(40)
    assert climb.climbed == [("chief",), ("lead",)]
    assert [effect.wire.seq for effect in climb.decisions[-1].effects] == [2, 3]


def test_who_is_on_a_step_is_looked_up_when_it_is_reached() -> None:
    climb = Climb().sees()
    climb.people["chief"] = (replace(CHIEF, person="successor", email="other@x.example"),)
    assert climb.after(3).climbed == [("successor",)]


def test_a_vacant_post_is_passed_over_for_the_next_step_at_once() -> None:
    climb = Climb().sees()
    del climb.people["chief"]
    assert climb.after(3).climbed == [("lead",)]
    assert climb.after(30).climbed == [("lead",)]


def test_who_was_told_already_is_not_told_again() -> None:
    climb = Climb(a_policy("standard", (3, "manager"), (7, "lead"))).sees().after(3)
    assert climb.climbed == []
    assert climb.alert.escalation.step == 1
    assert climb.after(4).climbed == [("lead",)]
    same_address = replace(CHIEF, person="acting", email=LEAD.email.upper())
    climb = Climb(a_policy("standard", (3, "lead"), (7, "chief"))).sees()
    climb.people["chief"] = (same_address,)
    assert climb.after(9).climbed == [("lead",)]


def test_a_graver_severity_climbs_by_its_own_policy_with_the_time_that_has_passed() -> None:
    ladder = (
        Threshold(severity="watch", fire=Decimal("0.90"), clear=Decimal("0.95")),
        Threshold(severity="critical", fire=Decimal("0.50"), clear=Decimal("0.60"), policy="fast"),
    )
    climb = Climb(a_policy(), a_policy("fast", (1, "chief"), (2, "lead")), ladder=ladder)
    climb.sees().after(1.5)
    assert climb.climbed == []
    climb.sees(0.4)
    assert climb.climbed == [("chief",)]
    assert [effect.wire.type for effect in climb.decisions[-1].effects] == ["worsened", "escalated"]
    assert climb.alert.escalation.policy == "fast"
    assert climb.after(0.5).climbed == [("chief",), ("lead",)]
    assert climb.sees(0.8).after(30).climbed == [("chief",), ("lead",)]


def test_another_policy_begins_at_its_first_step_and_tells_nobody_twice() -> None:
    climb = Climb().sees().after(3)
    other = a_policy("other", (1, "chief"), (5, "lead"))
    climb.rule = a_rule(policy="other", policies=(other,))
    climb.takes(Reconsidered(watched=True, there=True))
    assert climb.climbed == [("chief",)]
    assert (climb.alert.escalation.policy, climb.alert.escalation.step) == ("other", 1)
    assert climb.alert.next_due_at == NOW + 5 * DAY


def test_an_edited_policy_keeps_its_step_and_counts_anew_when_the_next_is_due() -> None:
    climb = Climb().sees().after(3)
    climb.rule = a_rule(policy="standard", policies=(a_policy("standard", (3, "chief"), (5, "lead")),))
    climb.takes(Reconsidered(watched=True, there=True))
    assert climb.alert.next_due_at == NOW + 5 * DAY
    before = climb.alert
    assert climb.takes(Reconsidered(watched=True, there=True)).alert is before


def test_time_stands_still_while_there_is_nothing_to_judge_by() -> None:
    climb = Climb().sees().sees(None, days=2).after(30)
    assert climb.climbed == []
    assert climb.alert.escalation.passed == 2 * DAY
    climb.sees(0.7)
    assert climb.alert.escalation.due_at == climb.now + DAY
    assert climb.after(1).climbed == [("chief",)]


def test_while_it_may_be_over_nobody_new_is_told() -> None:
    climb = Climb(keep_firing_for={"observations": 2}).sees().sees(0.97, days=2).after(5)
    assert climb.climbed == []
    assert climb.sees(0.7, days=1).climbed == [("chief",), ("lead",)]


def test_a_pace_out_of_reach_climbs_at_once_as_far_as_the_policy_says() -> None:
    climb = Climb(a_policy(skip_to=1))
    climb.sees(needed=Needed(amount=8.0, per="month", so_far=2.0, best=4.0))
    assert climb.climbed == []
    climb.sees(needed=Needed(amount=8.1, per="month", so_far=2.0, best=4.0))
    assert climb.climbed == [("chief",)]
    assert climb.decisions[-1].row is Row.E2
    assert climb.decisions[-1].effects[0].hurried
    assert climb.after(7).climbed == [("chief",), ("lead",)]


def test_out_of_reach_is_told_by_the_way_that_is_better() -> None:
    falling = a_record(target=a_record().target.model_copy(update={"comparator": "<="}))  # type: ignore[union-attr]
    climb = Climb(a_policy(skip_to=2))
    for needed, told in (
        (Needed(amount=-1.0, per="month", so_far=None, best=None), 0),
        (Needed(amount=1.0, per="month", so_far=None, best=-9.0), 0),
        (Needed(amount=-8.0, per="month", so_far=None, best=-4.0), 0),
        (Needed(amount=-8.1, per="month", so_far=None, best=1.0), 2),
    ):
        climb.sees(needed=needed, target=falling.target)
        assert len(climb.climbed) == told


def test_a_new_episode_climbs_from_the_ground() -> None:
    climb = Climb().sees().after(7).sees(1.0, days=1)
    assert climb.alert.escalation.policy is None
    assert climb.decisions[-1].effects[0].told.recipients[-1] == LEAD
    climb.sees(0.7, days=1).after(2)
    assert len(climb.climbed) == 2
    assert climb.after(1).climbed[2:] == [("chief",)]


def test_what_opens_foretells_the_next_step_and_a_step_knows_who_was_told_when() -> None:
    climb = Climb().sees()
    (opened,) = climb.decisions[-1].effects
    assert opened.ahead is not None
    assert (opened.ahead.at, opened.ahead.audience[0].role) == (NOW + 3 * DAY, "chief")
    (escalated,) = climb.after(3).decisions[-1].effects
    assert dict(escalated.told_at) == {
        **dict.fromkeys((who.person for who in TOLD.recipients), NOW),
        "chief": climb.now,
    }
    assert escalated.ahead is not None
    assert escalated.ahead.at == NOW + 7 * DAY


def test_an_alert_of_an_older_release_counts_from_its_beginning() -> None:
    climb = Climb()
    rule, climb.rule = climb.rule, a_rule()
    climb.sees()
    assert climb.alert.open is not None
    climb.alert = replace(climb.alert, open=replace(climb.alert.open, told_at=()))
    climb.rule, climb.now = rule, NOW + DAY
    climb.takes(Reconsidered(watched=True, there=True))
    assert climb.alert.next_due_at == NOW + 3 * DAY
    assert climb.alert.open is not None
    assert {at for _, at in climb.alert.open.told_at} == {NOW}


def test_everybody_is_told_again_at_longer_and_longer_pauses() -> None:
    # From Monday, 4 September 2023, 8:00; without working hours a working day is the whole of it.
    climb = Climb(a_policy("standard", (60, "lead"), repeats=(DAY, 3 * DAY, 7 * DAY))).sees()
    for _ in range(30):
        climb.after(1)
    assert [(at - NOW).days for at in climb.reminded] == [1, 4, 15, 24]
    (effect,) = climb.decisions[1].effects
    assert (effect.wire.type, effect.meant_for) == ("reminded", tuple(who.person for who in TOLD.recipients))


def test_news_begins_the_pauses_anew_and_a_step_puts_them_off() -> None:
    climb = Climb(a_policy("standard", (2, "chief"), repeats=(DAY, 3 * DAY))).sees().after(1).after(1)
    assert climb.climbed == [("chief",)]
    assert climb.reminded == [NOW + DAY]
    climb.sees(0.4, days=0.5)  # Wednesday evening
    assert climb.alert.escalation.repeat_at == climb.now + DAY
    assert climb.after(30).reminded == [NOW + DAY, climb.now]


def test_what_was_taken_up_or_may_be_over_or_cannot_be_judged_is_not_told_again() -> None:
    policy = a_policy("standard", (60, "lead"), repeats=(DAY,))
    taken = Climb(policy).sees()
    taken.takes(Acknowledge("c1", TOLD.recipients[0].person, None, NOW + 20 * DAY, NOW))
    recovering = Climb(policy, keep_firing_for={"observations": 2}).sees().sees(0.97)
    unknown = Climb(policy).sees().sees(None)
    for climb in (taken, recovering, unknown):
        assert climb.after(15).reminded == []


moves = st.one_of(
    st.tuples(st.just("tick"), st.integers(0, 10)),
    st.tuples(st.sampled_from([None, 0.4, 0.7, 0.92, 1.0]), st.integers(0, 5)),
)


@given(st.lists(moves, max_size=25), st.booleans())
def test_nobody_is_told_twice_of_one_episode_and_no_timer_stays_due(
    history: list[tuple[object, int]], vacant: bool
) -> None:
    ladder = (
        Threshold(severity="watch", fire=Decimal("0.90"), clear=Decimal("0.95")),
        Threshold(severity="critical", fire=Decimal("0.50"), clear=Decimal("0.60"), policy="fast"),
    )
    climb = Climb(a_policy(repeats=(DAY, 2 * DAY)), a_policy("fast", (1, "chief"), (2, "lead")), ladder=ladder)
    if vacant:
        del climb.people["chief"]
    for what, days in history:
        if what == "tick":
            climb.after(days)
        else:
            climb.sees(what, days)  # type: ignore[arg-type]
        due = climb.alert.next_due_at
        if climb.now < datetime(2023, 12, 28, 17, tzinfo=UTC):
            assert due is None or due > climb.now
    told: dict[int, list[str]] = {}
    for decision in climb.decisions:
        for effect in decision.effects:
            if effect.wire.type == "escalated":
                told.setdefault(effect.wire.episode, []).extend(effect.meant_for)
            assert set(effect.meant_for) <= {who.person for who in effect.told.recipients}
    for people in told.values():
        assert len(people) == len(set(people))
        assert people == sorted(people)  # chief before lead
