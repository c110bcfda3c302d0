"""Saying something about an alert: it is told on the wire, and changes nothing else."""

from dataclasses import replace

from contracts.alerts import Remark
from services.alerts.commenting import Comment
from services.alerts.decide import Decision, Row
from tests.unit.alerts.builders import OWNER
from tests.unit.alerts.climb import DAY, Climb, a_policy


def says(climb: Climb, command_id: str = "c1") -> Decision:
    return climb.takes(Comment(command_id, OWNER.person, "chờ số của thôn 3", climb.now))


def test_it_is_told_with_who_and_what_and_leaves_the_alert_as_it_is() -> None:
    climb = Climb().sees()
    before = climb.alert
    decision = says(climb)
    assert decision.row is Row.H3
    (effect,) = decision.effects
    assert (effect.wire.type, effect.wire.remark) == ("commented", Remark(by=OWNER.person, note="chờ số của thôn 3"))
    assert (effect.wire.handling, effect.wire.close_reason, effect.meant_for) == ("unacked", None, ())
    assert climb.alert == replace(before, seq=before.seq + 1, commands=("c1",), rev=climb.alert.rev)


def test_the_same_again_changes_nothing_and_there_is_nothing_to_say_of_what_is_over() -> None:
    climb = Climb().sees()
    says(climb)
    assert (says(climb).row, says(climb).effects) == (Row.H_AGAIN, ())
    climb.sees(1.0, days=1)
    assert (says(climb, "c2").row, says(climb, "c2").effects) == (Row.H_NOT_OPEN, ())


def test_nobody_is_kept_from_being_told_again_by_what_is_said() -> None:
    def reminded(*, talking: bool) -> list[object]:
        climb = Climb(a_policy(repeats=(DAY, 2 * DAY))).sees()
        for hour in range(12):
            climb.after(0.25)
            if talking:
                says(climb, f"c{hour}")
        return [*climb.reminded]

    assert reminded(talking=True) == reminded(talking=False)
    assert reminded(talking=True)
