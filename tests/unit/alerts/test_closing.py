"""Closing an alert by hand: it is told with the reason, and over until the figure changes."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from contracts.alerts import Remark
from services.alerts.alert import Condition, Handling
from services.alerts.closing import Close
from services.alerts.decide import Decision, Reconsidered, Row, Tick, decide
from tests.unit.alerts.builders import MANAGER, NOW, TOLD, a_record
from tests.unit.alerts.climb import DAY, Climb
from tests.unit.alerts.service import Service, World
from tests.unit.alerts.test_acknowledging import takes_up
from tests.unit.alerts.test_climbing import OF_COMMUNE, climbing, played, reasons, words

NOTE = "số liệu nguồn sai, đã yêu cầu sửa"


def closes(climb: Climb, command_id: str = "close") -> Decision:
    return climb.takes(Close(command_id, MANAGER.person, NOTE, climb.now))


def test_it_is_told_with_who_and_why_and_nothing_is_left_of_the_climb() -> None:
    climb = Climb().sees()
    takes_up(climb)
    decision = closes(climb)
    assert decision.row is Row.C16
    (effect,) = decision.effects
    assert (effect.wire.type, effect.wire.close_reason) == ("closed", "manual")
    assert effect.wire.remark == Remark(by=MANAGER.person, note=NOTE)
    assert (climb.alert.condition, climb.alert.open, climb.alert.handling) == (Condition.INACTIVE, None, Handling())
    assert climb.alert.next_due_at is None
    assert climb.after(20).climbed == []


def test_the_same_again_and_what_is_over_are_said_by_name() -> None:
    climb = Climb().sees()
    closes(climb)
    assert (closes(climb).row, closes(climb).effects) == (Row.H_AGAIN, ())
    assert (closes(climb, "another").row, closes(climb, "another").effects) == (Row.H_NOT_OPEN, ())


def test_the_same_figure_judged_again_leaves_it_closed_and_another_opens_it_anew() -> None:
    climb = Climb().sees(0.7)
    day = climb.now.date()
    closes(climb)
    climb.sees(0.7, as_of=day).sees(0.7, as_of=day, days=1)
    assert [one.row for one in climb.decisions[-2:]] == [Row.C16_SAME] * 2
    assert climb.alert.open is None
    climb.sees(0.69, as_of=day)
    assert (climb.alert.condition, climb.alert.episode) == (Condition.FIRING, 2)


def test_a_figure_of_another_day_opens_it_anew_also_with_the_same_value() -> None:
    climb = Climb().sees(0.7)
    closes(climb)
    climb.sees(0.7, days=1)
    assert (climb.decisions[-1].row, climb.alert.episode) == (Row.C1, 2)


def test_who_closes_while_it_is_getting_better_closes_it_too() -> None:
    climb = Climb(keep_firing_for={"observations": 3}).sees(0.7).sees(0.97, days=1)
    assert climb.alert.condition is Condition.RECOVERING
    assert closes(climb).row is Row.C16
    assert climb.alert.waiting is None


def waives(climb: Climb, days: float, command_id: str = "waive") -> Decision:
    return climb.takes(Close(command_id, MANAGER.person, NOTE, climb.now, climb.now + days * DAY))


def test_until_its_day_no_figure_opens_what_was_waived_and_then_what_is_behind_opens_by_itself() -> None:
    climb = Climb().sees(0.7)
    (told,) = waives(climb, 10).effects
    assert (told.wire.waived_until, told.wire.close_reason) == (NOW + 10 * DAY, "manual")
    assert climb.alert.next_due_at == NOW + 10 * DAY
    climb.sees(0.6, days=3).sees(0.4, days=3)
    assert [one.row for one in climb.decisions[-2:]] == [Row.C16_WAIVED] * 2
    assert climb.after(3.9).decisions[-1].effects == ()
    (told,) = climb.after(0.1).decisions[-1].effects
    assert (told.wire.type, told.wire.reason, told.wire.severity) == ("opened", "c16_waiver_ended", "critical")
    assert told.wire.progress is not None
    assert told.wire.progress.pace == 0.4
    assert (climb.alert.episode, climb.alert.waived) == (2, None)


def test_what_is_back_on_plan_when_its_waiver_ends_stays_closed() -> None:
    climb = Climb().sees(0.7)
    waives(climb, 5)
    climb.sees(1.0, days=2)
    assert climb.after(3).decisions[-1].effects == ()
    assert (climb.alert.waived, climb.alert.next_due_at) == (None, None)
    climb.sees(0.7, days=1)
    assert climb.alert.open is not None


def test_the_figure_that_comes_when_the_waiver_is_over_decides_and_the_same_one_opens_too() -> None:
    for pace, opens in ((1.0, False), (0.6, True), (0.7, True)):
        climb = Climb().sees(0.7)
        day = climb.now.date()
        waives(climb, 5)
        climb.sees(pace, as_of=day, days=6)
        assert (climb.alert.open is not None) is opens
        assert climb.alert.waived is None


def test_a_waiver_ends_ahead_or_is_none() -> None:
    climb = Climb().sees(0.7)
    assert waives(climb, 0).row is Row.H_ENDED
    assert climb.alert.open is not None


def test_what_is_gone_while_it_is_waived_never_opens() -> None:
    climb = Climb().sees(0.7)
    waives(climb, 5)
    decision = decide(climb.alert, None, Tick(), NOW + 6 * DAY, lambda: TOLD)
    assert (decision.alert.waived, decision.effects, decision.row) == (None, (), Row.C17)
    climb.takes(Reconsidered(watched=False, there=True))
    assert (climb.alert.waived, climb.alert.next_due_at) == (None, None)
    climb = Climb().sees(0.7)
    waives(climb, 300)
    climb.after(200)  # the period is over
    assert (climb.alert.waived, climb.alert.open, climb.alert.next_due_at) == (None, None, None)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.integers(0, 6)),
        st.tuples(st.just("see"), st.sampled_from([0.4, 0.7, 0.97, 1.0])),
        st.tuples(st.just("waive"), st.integers(0, 6)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=20,
)


@given(moves)
def test_whatever_happens_no_timer_stays_due_and_nothing_opens_while_it_is_waived(
    steps: list[tuple[str, float]],
) -> None:
    climb = Climb(pending_for={"observations": 2}, keep_firing_for={"observations": 2})
    for number, (what, value) in enumerate(steps):
        before = climb.alert
        if what == "tick":
            climb.after(value)
        elif what == "see":
            climb.sees(value, days=0.5)
        elif what == "waive":
            waives(climb, value, f"w{number}")
        else:
            closes(climb, f"c{number}")
        climb.after(0)
        assert climb.alert.next_due_at is None or climb.alert.next_due_at > climb.now
        assert climb.alert.waived is None or climb.alert.open is None
        if before.waived is not None and climb.now < before.waived.until:
            assert climb.alert.open is None


def test_everybody_who_was_told_reads_who_closed_it_and_why() -> None:
    async def run() -> list[tuple[str, EmailMessage]]:
        world = World(climbing())
        await played(world, 2)
        before = len(world.wire.taken)
        service = Service(world, start=NOW + 2 * DAY)
        (alert_id,) = world.alerts.documents
        await service.stages.command(alert_id, Close("c", "manager.huyen-a", NOTE, service.clock.now()))
        await service.until(NOW + 2 * DAY + DAY)
        await service.sees(a_record(0.7, version=5), at=NOW + 3 * DAY)
        await service.until(NOW + 4 * DAY)
        return world.wire.taken[before:]

    mails = asyncio.run(run())
    assert sorted(reasons(mails)) == [(to, "CLOSED_OTHER") for to in sorted(OF_COMMUNE)]
    said = words(mails[0][1])
    assert "Cảnh báo về chỉ tiêu “Tỷ lệ văn bản điện tử được ký số” của Xã Tân Phú đã được đóng." in said
    assert f"Đóng bởi: Chủ tịch UBND huyện: {NOTE}" in said
    assert "Số liệu mới mà vẫn chậm thì cảnh báo mở lại." in said
    assert "Đã đóng cảnh báo" in str(mails[0][1]["Subject"])


def test_who_waived_it_until_when_is_read_too_and_it_opens_again_with_a_mail() -> None:
    async def run() -> list[tuple[str, EmailMessage]]:
        world = World(climbing())
        await played(world, 2)
        before = len(world.wire.taken)
        service = Service(world, start=NOW + 2 * DAY)
        (alert_id,) = world.alerts.documents
        until = NOW + 5 * DAY
        await service.stages.command(alert_id, Close("c", "manager.huyen-a", NOTE, service.clock.now(), until))
        for hours in (1, 24, 48, 71, 73, 74):
            await service.until(NOW + 2 * DAY + timedelta(hours=hours))
        return world.wire.taken[before:]

    mails = asyncio.run(run())
    ended, again = mails[:2], mails[2:]
    assert sorted(reasons(ended)) == [(to, "CLOSED_OTHER") for to in sorted(OF_COMMUNE)]
    assert "Cảnh báo không mở lại trước 09/09/2023 08:00" in words(ended[0][1])
    assert sorted(reasons(again)) == [(to, "FIRST") for to in sorted(OF_COMMUNE)]
