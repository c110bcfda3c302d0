"""Giải trình: asked for by a day, given, overdue; told to those whom it concerns, and over with its episode."""

import asyncio
from datetime import datetime
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from services.alerts.accounting import Ask, GiveAccount
from services.alerts.decide import Decision, Row
from tests.unit.alerts.builders import MANAGER, NOW, OWNER
from tests.unit.alerts.climb import DAY, Climb
from tests.unit.alerts.service import Service, World
from tests.unit.alerts.test_climbing import climbing, played, reasons, words

QUESTION, ANSWER = "Vì sao chậm hai tháng liền?", "Thiếu chữ ký số cho ba thôn; cấp xong ngày 20."


def asks(climb: Climb, command_id: str = "ask", *, days: float = 5) -> Decision:
    return climb.takes(Ask(command_id, MANAGER.person, QUESTION, climb.now + days * DAY, climb.now))


def gives(climb: Climb, command_id: str = "give") -> Decision:
    return climb.takes(GiveAccount(command_id, OWNER.person, ANSWER, climb.now))


def test_it_is_asked_for_until_a_day_and_given() -> None:
    climb = Climb().sees()
    (told,) = asks(climb).effects
    account = told.wire.account
    assert (told.wire.type, climb.decisions[-1].row) == ("account_asked", Row.H4)
    assert account is not None
    assert (account.asked_by, account.due, account.question, account.answer) == (
        MANAGER.person, NOW + 5 * DAY, QUESTION, None,
    )  # fmt: skip
    climb.after(1)
    (told,) = gives(climb).effects
    assert (told.wire.type, climb.decisions[-1].row) == ("account_given", Row.H5)
    assert told.wire.account == account.model_copy(
        update={"given_by": OWNER.person, "given_at": climb.now, "answer": ANSWER}
    )


def test_what_cannot_be_is_refused_by_name_and_may_come_again() -> None:
    climb = Climb().sees(1.0)
    assert asks(climb).row is Row.H_NOT_OPEN
    climb.sees(0.7)
    assert gives(climb).row is Row.H_NOT_ASKED
    assert asks(climb, days=0).row is Row.H_ENDED
    assert asks(climb).row is Row.H4
    assert asks(climb).row is Row.H_AGAIN
    assert gives(climb).row is Row.H5
    assert gives(climb).row is Row.H_AGAIN
    assert gives(climb, "again").row is Row.H_NOT_ASKED


def test_when_the_day_has_passed_both_are_told_once() -> None:
    climb = Climb().sees()
    asks(climb, days=1)
    assert climb.alert.next_due_at == NOW + DAY
    (told,) = climb.after(1).decisions[-1].effects
    assert (told.wire.type, told.wire.reason) == ("reminded", "h6_account_overdue")
    assert told.meant_for == (OWNER.person, MANAGER.person)
    assert climb.after(0).decisions[-1].effects == ()
    assert gives(climb).row is Row.H5  # late, and taken


def test_it_is_over_with_its_episode() -> None:
    climb = Climb().sees()
    asks(climb)
    climb.sees(1.0, days=1)
    assert climb.alert.asked is None
    climb.sees(0.7, days=1)
    assert gives(climb).row is Row.H_NOT_ASKED


moves = st.lists(
    st.one_of(
        st.tuples(st.just("tick"), st.integers(0, 6)),
        st.tuples(st.just("see"), st.sampled_from([0.4, 0.7, 0.97, 1.0])),
        st.tuples(st.just("ask"), st.integers(0, 6)),
        st.tuples(st.just("give"), st.just(0)),
    ),
    max_size=20,
)


@given(moves)
def test_whatever_happens_no_timer_stays_due(steps: list[tuple[str, float]]) -> None:
    climb = Climb(keep_firing_for={"observations": 2})
    for number, (what, value) in enumerate(steps):
        if what == "tick":
            climb.after(value)
        elif what == "see":
            climb.sees(value, days=0.5)
        elif what == "ask":
            asks(climb, f"a{number}", days=value)
        else:
            gives(climb, f"g{number}")
        climb.after(0)
        assert climb.alert.next_due_at is None or climb.alert.next_due_at > climb.now


async def asked(*, answers: bool) -> list[tuple[str, EmailMessage]]:
    """The mails after the district asked for an account, with an answer a day later or none."""
    world = World(climbing())
    await played(world, 2)
    before = len(world.wire.taken)
    service = Service(world, start=NOW + 2 * DAY)
    (alert_id,) = world.alerts.documents

    async def until(moment: datetime) -> None:
        await service.until(moment)

    ask = Ask("a", "manager.huyen-a", QUESTION, NOW + 2 * DAY + DAY / 2, service.clock.now())
    await service.stages.command(alert_id, ask)
    await until(NOW + 2 * DAY + DAY / 8)
    if answers:
        give = GiveAccount("g", "owner.tan-phu", ANSWER, service.clock.now())
        await service.stages.command(alert_id, give)
    await until(NOW + 2 * DAY + DAY / 4)
    await until(NOW + 2 * DAY + 3 * DAY / 4)
    return world.wire.taken[before:]


def test_who_is_to_answer_gets_a_mail_and_the_others_read_the_answer() -> None:
    mails = asyncio.run(asked(answers=True))
    assert sorted(reasons(mails)) == [
        ("chu-tich@huyen-a.example", "ACCOUNT_GIVEN"),
        ("chu-tich@huyen-a.example", "FIRST"),  # who asks hears of it from now on
        ("chu-tich@tan-phu.example", "ACCOUNT_ASKED"),
        ("chu-tich@tan-phu.example", "ACCOUNT_GIVEN"),
        ("van-phong@tan-phu.example", "ACCOUNT_ASKED"),
    ]
    first = words(next(mail for to, mail in mails if to == "van-phong@tan-phu.example"))
    assert "Lãnh đạo đề nghị giải trình về chỉ tiêu “Tỷ lệ văn bản điện tử được ký số” của Xã Tân Phú" in first
    assert f"Đề nghị giải trình: Chủ tịch UBND huyện, hạn 06/09/2023 20:00: {QUESTION}" in first
    assert "Văn phòng UBND xã giải trình trên trang của cảnh báo này" in first
    last = words(mails[-1][1])
    assert f"Giải trình: Văn phòng UBND xã, lúc 06/09/2023 11:00: {ANSWER}" in last


def test_an_overdue_account_is_told_once_to_who_is_to_give_it_and_who_asked() -> None:
    mails = asyncio.run(asked(answers=False))
    owner = [mail for to, mail in mails if to == "van-phong@tan-phu.example"]
    assert [str(mail["X-KPI-Reason"]) for mail in owner] == ["ACCOUNT_ASKED"] * 2
    assert "Đã quá hạn giải trình" in words(owner[1])
    assert [to for to, _ in mails].count("chu-tich@tan-phu.example") == 1
    assert reasons(mails).count(("chu-tich@huyen-a.example", "ACCOUNT_ASKED")) == 1
