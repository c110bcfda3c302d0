"""What is told of an alert that climbs: to whom, in which thread, and in which words."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from email.message import EmailMessage

import pytest
from structlog.testing import capture_logs

from contracts.catalog import Audience, CalendarSpec, EscalationPolicy, EscalationStep, Holiday, Person, Post
from contracts.progress import Needed
from services.alerts import climbing_phrases
from services.alerts.acknowledging import Acknowledge
from services.alerts.decide import Row
from services.runtime.catalog import Calendar, Catalog
from tests.unit.alerts.builders import NOW, PEOPLE, a_catalog, a_record, a_rule
from tests.unit.alerts.service import Service, World

DAY = timedelta(days=1)
LEAD = Person(
    id="lead", name="Phó Chủ tịch tỉnh", email="lead@tinh.example", posts=(Post(role="province-lead", unit="dak-nong"),)
)


OF_COMMUNE = ("van-phong@tan-phu.example", "chu-tich@tan-phu.example")


def climbing(*people: Person, **policy: object) -> Catalog:
    steps = (
        EscalationStep(after=3 * DAY, audience=(Audience(role="manager", of="parent"),)),
        EscalationStep(after=7 * DAY, audience=(Audience(role="province-lead", of="province"),)),
    )
    policies = (EscalationPolicy.model_validate({"id": "up", "name_vi": "Báo cấp trên", "steps": steps, **policy}),)
    rule = a_rule(policy="up", policies=policies, group_wait=timedelta(0))
    return a_catalog(rules=[rule], people=people or (*PEOPLE, LEAD))


async def played(world: World, days: int, **record: object) -> list[tuple[str, EmailMessage]]:
    """The mails of one alert that stays open so long."""
    service = Service(world)
    await service.sees(a_record(0.7, version=1, **record), at=NOW)
    await service.until(NOW + timedelta(minutes=1))
    for day in range(1, days + 1):
        await service.until(NOW + day * DAY)
    return world.wire.taken


def reasons(mails: list[tuple[str, EmailMessage]]) -> list[tuple[str, str]]:
    return [(to, str(mail["X-KPI-Reason"])) for to, mail in mails]


def words(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def test_each_level_is_told_when_its_step_is_reached_and_nobody_else() -> None:
    mails = asyncio.run(played(World(climbing()), 20))
    assert sorted(reasons(mails[:2])) == [("chu-tich@tan-phu.example", "FIRST"), ("van-phong@tan-phu.example", "FIRST")]
    assert reasons(mails[2:]) == [("chu-tich@huyen-a.example", "ESCALATED"), ("lead@tinh.example", "ESCALATED")]


def test_the_first_mail_says_who_is_told_next_and_when() -> None:
    mails = asyncio.run(played(World(climbing()), 1))
    # Monday, 4 September 2023, 8:00 at home; without working hours a day is the whole of it.
    assert "Bước tiếp theo: nếu đến 07/09/2023 08:00 vẫn chậm, hệ thống sẽ báo lãnh đạo (Huyện Đắk Glong)" in words(
        mails[0][1]
    )
    assert "Next step: if it is still behind at 7 September 2023 08:00, head (Huyện Đắk Glong) will be told" in words(
        mails[0][1]
    )


def test_the_mail_of_a_step_says_who_was_told_before_and_when() -> None:
    mails = asyncio.run(played(World(climbing()), 20))
    to_lead = mails[3][1]
    said = words(to_lead)
    assert "vẫn chậm so với kế hoạch sau khi đã báo đơn vị" in said
    assert "Văn phòng UBND xã (đầu mối phụ trách), lúc 04/09/2023 08:00" in said
    assert "Chủ tịch UBND huyện (lãnh đạo), lúc 07/09/2023 08:00" in said
    assert "Bước tiếp theo" not in said
    assert "cũng nhận thư này" not in said
    assert "Cùng nhận thư" not in said
    assert str(to_lead["Subject"]).startswith("[KPI] Vẫn chậm, thiếu 24,0 điểm %: ")
    assert to_lead["In-Reply-To"] is None


def test_everybody_who_was_told_is_told_how_it_ends_in_their_thread() -> None:
    async def run() -> list[tuple[str, EmailMessage]]:
        world = World(climbing())
        await played(world, 20)
        service = Service(world, start=NOW + 20 * DAY)
        await service.sees(a_record(1.0, version=2), at=NOW + 21 * DAY)
        await service.until(NOW + 22 * DAY)
        return world.wire.taken

    mails = asyncio.run(run())
    assert [reason for _, reason in reasons(mails[4:])] == ["ALL_RESOLVED"] * 4
    first = {to: mail["Message-ID"] for to, mail in mails[:4]}
    assert {to: mail["In-Reply-To"] for to, mail in mails[4:]} == first


def test_what_comes_after_the_mail_of_a_step_is_told_as_to_everybody() -> None:
    async def run() -> list[tuple[str, EmailMessage]]:
        world = World(climbing())
        await played(world, 4)
        service = Service(world, start=NOW + 4 * DAY)
        await service.sees(a_record(0.45, version=2), at=NOW + 5 * DAY)
        await service.until(NOW + 6 * DAY)
        return world.wire.taken

    mails = asyncio.run(run())[3:]
    assert [reason for _, reason in reasons(mails)] == ["WORSENED"] * 3
    said = words(dict(mails)["chu-tich@huyen-a.example"])
    assert "Đã báo trước" not in said
    assert "Phụ trách: Văn phòng UBND xã (cũng nhận thư này)" in said


def test_a_vacant_post_is_named_and_the_next_level_told_at_once() -> None:
    world = World(climbing(*PEOPLE[:2], LEAD))
    with capture_logs() as logs:
        mails = asyncio.run(played(world, 3))
    assert reasons(mails[2:]) == [("lead@tinh.example", "ESCALATED")]
    (gap,) = (log for log in logs if log["event"] == "org_gap")
    assert (gap["role"], gap["org_unit"]) == ("manager", "huyen-a")


def test_a_pace_out_of_reach_is_told_at_once_and_says_why() -> None:
    needed = Needed(amount=9.0, per="month", so_far=2.0, best=4.0)
    mails = dict(asyncio.run(played(World(climbing(skip_to=1)), 1, needed=needed)))
    said = words(mails["chu-tich@huyen-a.example"])
    assert "chậm so với kế hoạch và khó kịp thời hạn" in said
    assert "Báo sớm vì: nhịp độ cần đạt cao hơn nhiều so với mức cao nhất từng đạt" in said
    assert str(mails["chu-tich@huyen-a.example"]["Subject"]).startswith("[KPI] Chậm tiến độ")
    assert "lead@tinh.example" not in mails


@pytest.mark.parametrize("workers", [1, 3])
def test_several_workers_tell_each_level_once(workers: int) -> None:
    async def run() -> list[tuple[str, EmailMessage]]:
        world = World(climbing())
        services = [Service(world) for _ in range(workers)]
        await services[0].sees(a_record(0.7), at=NOW)
        for day in range(1, 15):
            for service in services:
                await service.until(NOW + day * DAY)
        return world.wire.taken

    told = [to for to, _ in asyncio.run(run())]
    assert len(told) == len(set(told)) == 4


def test_a_holiday_does_not_count() -> None:
    holiday = Holiday(first=date(2023, 9, 4), last=date(2023, 9, 5), name_vi="Quốc khánh")
    spec = CalendarSpec(id="administrative", name_vi="Lịch hành chính", month_starts_on=15, holidays=(holiday,))
    catalog = climbing()
    catalog = replace(catalog, calendars={"administrative": Calendar(spec)})
    mails = asyncio.run(played(World(catalog), 1))
    # Three working days: 6, 7 and 8 September, to the end of the last.
    assert "nếu đến 09/09/2023 00:00 vẫn chậm" in words(mails[0][1])


def test_a_reminder_goes_to_everybody_in_their_thread_and_says_that_it_is_one() -> None:
    mails = asyncio.run(played(World(climbing(repeats=(DAY, 5 * DAY))), 3))
    assert sorted(reasons(mails[2:4])) == [(to, "REPEAT") for to in sorted(OF_COMMUNE)]
    assert reasons(mails[4:]) == [("chu-tich@huyen-a.example", "ESCALATED")]
    said = words(mails[2][1])
    assert "“Tỷ lệ văn bản điện tử được ký số” của Xã Tân Phú vẫn chậm so với kế hoạch: thiếu 24,0 điểm %." in said
    assert "nhắc lại vì vẫn chậm" in said
    assert mails[2][1]["In-Reply-To"] in {mail["Message-ID"] for _, mail in mails[:2]}


def test_who_took_it_up_is_in_the_mails_and_is_reminded_when_the_time_is_over() -> None:
    async def run() -> list[tuple[str, EmailMessage]]:
        world = World(climbing())
        await played(world, 2)
        service = Service(world, start=NOW + 2 * DAY)
        command = Acknowledge("c1", "manager.tan-phu", "đã giao Văn phòng", None, NOW + 2 * DAY)
        (alert_id,) = world.alerts.documents
        decider = service.decider
        decisions = [await decider.command(alert_id, command, NOW + 2 * DAY) for _ in range(2)]
        assert [one.row for one in decisions if one is not None] == [Row.H1, Row.H_AGAIN]
        assert await decider.command("0" * 32, command, NOW + 2 * DAY) is None
        await service.sees(a_record(0.45, version=2), at=NOW + 3 * DAY)
        for day in range(4, 12):
            await service.until(NOW + day * DAY)
        return world.wire.taken

    mails = asyncio.run(run())[2:]
    assert sorted(reasons(mails[:2])) == [(to, "WORSENED") for to in sorted(OF_COMMUNE)]
    said = words(mails[0][1])
    assert "Đã tiếp nhận: Chủ tịch UBND xã, lúc 06/09/2023 08:00, xử lý đến 13/09/2023 08:00: đã giao Văn phòng" in said
    assert "Bước tiếp theo" not in said
    assert reasons(mails[2:]) == [("chu-tich@tan-phu.example", "REPEAT"), ("chu-tich@huyen-a.example", "ESCALATED")]
    said = words(mails[2][1])
    assert "vẫn chậm so với kế hoạch, đã quá thời hạn tiếp nhận xử lý" in said
    assert "Bước tiếp theo: nếu đến 14/09/2023 08:00 vẫn chậm" in said
    assert mails[2][1]["In-Reply-To"] is not None


def test_both_languages_say_the_same_things() -> None:
    assert climbing_phrases.VI.keys() == climbing_phrases.EN.keys()


async def taken_up(until: datetime | None = None, by: str = "manager.tan-phu") -> list[tuple[str, EmailMessage]]:
    """The mails after somebody took it up on the second day, and nothing else happened for a while."""
    world = World(climbing())
    await played(world, 2)
    before = len(world.wire.taken)
    service = Service(world, start=NOW + 2 * DAY)
    (alert_id,) = world.alerts.documents
    command = Acknowledge("c1", by, "đã giao Văn phòng", until, service.clock.now())
    assert await service.stages.command(alert_id, command) is not None
    await service.until(NOW + 2 * DAY + timedelta(hours=1))
    return world.wire.taken[before:]


def test_everybody_else_hears_who_took_it_up_and_what_they_wrote() -> None:
    mails = asyncio.run(taken_up())
    assert reasons(mails) == [("van-phong@tan-phu.example", "ACKNOWLEDGED")]
    said = words(mails[0][1])
    assert "của Xã Tân Phú đang chậm (thiếu 24,0 điểm %), nay đã có người nhận xử lý." in said
    assert "Đã tiếp nhận: Chủ tịch UBND xã, lúc 06/09/2023 08:00, xử lý đến 13/09/2023 08:00: đã giao Văn phòng" in said
    assert "Không phải làm gì thêm" in said
    assert "Bước tiếp theo" not in said
    assert mails[0][1]["In-Reply-To"] is not None
    assert "Đã có người nhận xử lý" in str(mails[0][1]["Subject"])
    by_another = asyncio.run(taken_up(by="manager.huyen-a"))
    assert sorted(reasons(by_another)) == [(to, "ACKNOWLEDGED") for to in sorted(OF_COMMUNE)]


def test_of_what_is_over_before_the_mail_goes_only_who_took_it_up_is_reminded() -> None:
    mails = asyncio.run(taken_up(until=NOW + 2 * DAY + timedelta(minutes=1)))
    assert reasons(mails) == [("chu-tich@tan-phu.example", "REPEAT")]
