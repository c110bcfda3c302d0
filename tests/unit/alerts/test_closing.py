"""Closing an alert by hand: it is told with the reason, and over until the figure changes."""

import asyncio
from email.message import EmailMessage

from contracts.alerts import Remark
from services.alerts.alert import Condition, Handling
from services.alerts.closing import Close
from services.alerts.decide import Decision, Row
from tests.unit.alerts.builders import MANAGER, NOW, a_record
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
