"""From records to mails: grouping, order, repeats, several workers, refusals."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.alerts import AlertTransition
from contracts.progress import Landing, ProgressJudged
from services.alerts.deciding import Arrived
from services.alerts.ports import RowState
from services.alerts.settings import MailSettings
from services.alerts.smtp import Answer, Fate
from services.runtime.errors import Transient
from tests.unit.alerts.builders import CLOSES, NOW, PEOPLE, a_catalog, a_record, a_rule
from tests.unit.alerts.service import Service, World

MINUTE = timedelta(minutes=1)
TAN_PHU, QUANG_HOA, DAK_RMANG = "huyen-a.xa-tan-phu", "huyen-a.xa-quang-hoa", "huyen-a.xa-dak-rmang"
OWNER, MANAGER, DISTRICT = "van-phong@tan-phu.example", "chu-tich@tan-phu.example", "chu-tich@huyen-a.example"


def at_once() -> World:
    """A world whose rule does not wait."""
    return World(a_catalog(rules=[a_rule(group_wait=timedelta(0))]))


async def test_owner_and_manager_each_get_one_mail_of_their_own() -> None:
    service = Service()
    await service.sees(a_record(0.7), at=NOW)
    await service.sends()
    assert service.world.wire.taken == []
    await service.until(NOW + 10 * MINUTE)
    assert sorted(to for to, _ in service.world.wire.taken) == [MANAGER, OWNER]
    assert service.world.wire.reasons() == ["FIRST", "FIRST"]


async def test_a_wait_is_over_when_real_time_says_so_though_business_time_stands_still() -> None:
    service = Service()
    await service.sees(a_record(0.7), at=NOW)
    await service.stages.relay_fresh()
    assert await service.flusher.flush(NOW) == 0
    assert await service.flusher.flush(NOW, real_now=datetime.now(UTC) + 10 * MINUTE) == 2
    await service.sends()
    assert [mail["Date"].datetime for _, mail in service.world.wire.taken] == [NOW, NOW]


async def test_the_last_mails_leave_though_no_further_record_comes() -> None:
    service = Service(World(a_catalog(rules=[a_rule(group_wait=timedelta(seconds=0.2))])))
    loops = [asyncio.create_task(service.stages.relay_loop()), asyncio.create_task(service.stages.flush_loop())]
    try:
        await service.sees(a_record(0.7), at=NOW)
        async with asyncio.timeout(20):
            await service.queued.wait()
    finally:
        for loop in loops:
            loop.cancel()
    assert len(service.world.mails.documents) == 2
    assert service.clock.now() == NOW


async def test_a_bad_week_of_many_communes_is_one_mail() -> None:
    service = Service()
    for number, unit in enumerate((QUANG_HOA, DAK_RMANG)):
        await service.sees(a_record(0.5 + number / 10, org_unit=unit), at=NOW + number * 4 * MINUTE)
    await service.until(NOW + 10 * MINUTE)
    mails = [mail for to, mail in service.world.wire.taken if to == DISTRICT]
    assert len(mails) == 1
    text = mails[0].get_body(("plain",))
    assert text is not None
    assert "2 đơn vị đang chậm" in text.get_content()
    assert "Xã Quảng Hoà" in text.get_content()
    assert "Xã Đắk R'Măng" in text.get_content()


async def test_the_end_comes_in_the_same_thread() -> None:
    service = Service(at_once())
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    await service.sees(a_record(0.97, version=2, as_of=date(2023, 9, 1)), at=NOW + 2 * MINUTE)
    await service.until(NOW + 3 * MINUTE)
    first, last = [mail for to, mail in service.world.wire.taken if to == MANAGER]
    assert service.world.wire.reasons(MANAGER) == ["FIRST", "ALL_RESOLVED"]
    assert last["In-Reply-To"] == first["Message-ID"]
    assert first["Message-ID"] in last["References"]
    assert first["Subject"].split(": ", 1)[1] == last["Subject"].split(": ", 1)[1]
    assert last["Subject"].startswith("[KPI] Đã trở lại gần kế hoạch: ")


async def test_what_comes_and_goes_between_two_flushes_is_nobodys_news() -> None:
    service = Service()
    await service.sees(a_record(0.7), at=NOW)
    await service.sees(a_record(0.97, version=2), at=NOW + 5 * MINUTE)
    await service.until(NOW + 20 * MINUTE)
    assert service.world.wire.taken == []
    assert [json.loads(one.value or b"")["type"] for one in service.world.producer.published] == ["opened", "closed"]


async def test_a_second_opening_after_the_end_starts_a_thread_of_its_own() -> None:
    service = Service(at_once())
    for step, pace in enumerate((0.7, 0.97, 0.7)):
        await service.sees(a_record(pace, version=step + 1), at=NOW + 2 * step * MINUTE)
        await service.until(NOW + (2 * step + 1) * MINUTE)
    mails = [mail for to, mail in service.world.wire.taken if to == OWNER]
    assert service.world.wire.reasons(OWNER) == ["FIRST", "ALL_RESOLVED", "FIRST"]
    assert mails[2]["References"] is None
    assert len({mail["Message-ID"] for mail in mails}) == 3


async def test_new_ones_worse_ones_and_recovered_ones_are_told_by_name() -> None:
    service = Service(at_once())

    async def step(minute: int, *records: ProgressJudged) -> None:
        await service.sees(*records, at=NOW + minute * MINUTE)
        await service.until(NOW + (minute + 1) * MINUTE)

    await step(0, a_record(0.85, org_unit=QUANG_HOA))
    await step(2, a_record(0.86, org_unit=DAK_RMANG))
    await step(4, a_record(0.45, org_unit=DAK_RMANG, version=2))
    await step(6, a_record(0.99, org_unit=QUANG_HOA, version=2))
    await step(8, a_record(0.99, org_unit=DAK_RMANG, version=3))
    assert service.world.wire.reasons(DISTRICT) == [
        "FIRST",
        "NEW_IN_GROUP",
        "WORSENED",
        "RESOLVED_SOME",
        "ALL_RESOLVED",
    ]


async def test_the_end_of_the_period_is_told_to_those_who_were_told_the_beginning() -> None:
    service = Service(at_once())
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    await service.until(CLOSES)
    assert service.world.wire.reasons(MANAGER) == ["FIRST", "CLOSED_OTHER"]
    last = [mail for to, mail in service.world.wire.taken if to == MANAGER][-1]
    assert last["Subject"].startswith("[KPI] Hết kỳ, chưa đạt: ")


async def test_a_batch_that_spans_months_tells_each_thing_when_it_fell_due() -> None:
    service = Service()
    week = timedelta(days=7)
    batch = [Arrived(a_record(0.7), NOW), Arrived(a_record(0.97, version=2), NOW + week)]
    batch.append(Arrived(a_record(0.6, version=3), NOW + 2 * week))
    await service.takes(batch)
    await service.until(NOW + 3 * week)
    assert service.world.wire.reasons(MANAGER) == ["FIRST", "ALL_RESOLVED", "FIRST"]
    dates = [mail["Date"].datetime for to, mail in service.world.wire.taken if to == MANAGER]
    assert dates == [NOW + 10 * MINUTE, NOW + week + 10 * MINUTE, NOW + 2 * week + 10 * MINUTE]


async def test_a_batch_handled_again_adds_nothing() -> None:
    service = Service(at_once())
    batch = [Arrived(a_record(0.7), NOW), Arrived(a_record(0.97, version=2), NOW + MINUTE)]
    await service.takes(batch)
    await service.until(NOW + 5 * MINUTE)
    rows, published = len(service.world.mails.documents), len(service.world.producer.published)
    again = Service(service.world)
    await again.takes(batch)
    await again.until(NOW + 6 * MINUTE)
    assert (len(service.world.mails.documents), len(service.world.producer.published)) == (rows, published)


async def test_a_worker_that_was_overtaken_reads_and_decides_again() -> None:
    world = at_once()
    one, other = Service(world), Service(world)
    overtaking = [a_record(0.7)]

    def overtake() -> None:
        if overtaking:
            record = overtaking.pop()
            coroutine = other.sees(record, at=NOW)
            with pytest.raises(StopIteration):  # the fakes never wait
                coroutine.send(None)

    world.alerts.before_save = overtake
    await one.sees(a_record(0.7), at=NOW)
    await one.until(NOW + MINUTE)
    await other.until(NOW + MINUTE)
    assert world.wire.reasons(MANAGER) == ["FIRST"]


async def test_a_relayed_transition_that_is_relayed_again_changes_no_group() -> None:
    service = Service(at_once())
    await service.sees(a_record(0.7), at=NOW)
    service.world.producer.failures = 1
    with pytest.raises(Transient):
        await service.stages.relay_fresh()
    await service.flusher.flush(NOW)
    await service.until(NOW + MINUTE)
    assert service.world.wire.reasons(MANAGER) == ["FIRST"]
    assert len(service.world.producer.published) == 1


async def test_what_is_published_can_be_read_and_is_numbered() -> None:
    service = Service(at_once())
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    (record,) = service.world.producer.published
    wire = AlertTransition.model_validate_json(record.value or b"")
    headers = dict(record.headers)
    assert record.key == wire.alert_id.encode()
    assert headers["ce_id"] == f"{wire.alert_id}@1".encode()
    assert headers["ce_type"] == b"vn.tiendo.alert.opened.v1"
    assert "ce_businesstime" in headers


async def test_a_refusal_for_now_is_tried_again_with_the_same_bytes() -> None:
    world = World(a_catalog(rules=[a_rule(group_wait=timedelta(0), audience=({"role": "manager"},))]))
    world.wire.script = [Answer(Fate.LATER, 451, "greylisted")]
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    assert len(world.wire.tries) == 2
    assert world.wire.tries[0] == world.wire.tries[1]
    assert world.wire.reasons() == ["FIRST"]


async def test_a_refused_recipient_concerns_nobody_else_and_is_not_told_the_end() -> None:
    world = at_once()
    world.wire.script = [Answer(Fate.REFUSED, 550, "no such user")]
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    await service.sees(a_record(0.97, version=2), at=NOW + 2 * MINUTE)
    await service.until(NOW + 3 * MINUTE)
    assert world.wire.reasons() == ["FIRST", "ALL_RESOLVED"]
    states = sorted(str(one["state"]) for one in world.mails.documents.values())
    assert states == ["cancelled", "dead", "sent", "sent"]


@pytest.mark.parametrize(
    ("waited_minutes", "paces", "told"),
    [
        (9, (0.7, 0.97), ["FIRST", "ALL_RESOLVED"]),
        (11, (0.7, 0.97), []),
        (11, (0.7, 0.4, 0.97), []),
        (11, (0.7, 0.4), ["FIRST", "WORSENED"]),
    ],
)
async def test_what_ended_well_while_its_mails_could_not_leave_is_nobodys_news(
    waited_minutes: int, paces: tuple[float, ...], told: list[str]
) -> None:
    world = at_once()
    service = Service(world)
    service.breaker.away("connection refused")
    for version, pace in enumerate(paces, start=1):
        at = NOW + 2 * version * MINUTE
        await service.sees(a_record(pace, version=version), at=at)
        await service.until(at + MINUTE)
    assert world.wire.tries == []
    for one in world.mails.documents.values():
        one["queued_at"] -= timedelta(minutes=waited_minutes)
    service.breaker.there()
    await service.sends()
    assert list(dict.fromkeys(world.wire.reasons())) == told
    unsent = {str(one["state"]) for one in world.mails.documents.values()} - {"sent"}
    assert unsent == (set() if told else {"cancelled"})


async def test_while_the_relay_is_away_the_queue_waits_and_no_attempt_counts() -> None:
    world = at_once()
    world.wire.script = [Answer(Fate.AWAY, None, "connection refused")]
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    assert len(world.wire.tries) == 1
    assert [(one["state"], one["attempts"]) for one in world.mails.documents.values()] == [("queued", 0)] * 2
    assert service.breaker.pause() > 0
    service.breaker.there()
    await service.sends()
    assert world.wire.reasons() == ["FIRST", "FIRST"]


async def test_a_mail_that_the_relay_may_have_taken_comes_again_under_its_id() -> None:
    world = World(a_catalog(rules=[a_rule(group_wait=timedelta(0), audience=({"role": "manager"},))]))
    world.wire.script = [Answer(Fate.UNSURE, None, "dropped after DATA")]
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    assert len({mail["Message-ID"] for _, mail in world.wire.taken}) == 1
    assert len(world.wire.taken) == 2
    assert world.wire.tries[0] == world.wire.tries[1]


async def test_the_end_never_overtakes_the_beginning() -> None:
    world = World(a_catalog(rules=[a_rule(group_wait=timedelta(0), audience=({"role": "manager"},))]))
    world.wire.script = [Answer(Fate.LATER, 451, "later")] * 2
    service = Service(world, retry_s=3600.0)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    await service.sees(a_record(0.97, version=2), at=NOW + 2 * MINUTE)
    await service.until(NOW + 3 * MINUTE)
    assert len(world.wire.tries) == 1
    states = sorted(str(one["state"]) for one in world.mails.documents.values())
    assert states == [RowState.FAILED_RETRY, RowState.QUEUED]


async def test_in_pilot_mode_all_mail_goes_to_one_address_and_says_for_whom_it_was_meant() -> None:
    world = at_once()
    world.mail = MailSettings(pilot_to="thu-nghiem@so-tttt.example")
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    assert [to for to, _ in world.wire.taken] == ["thu-nghiem@so-tttt.example"] * 2
    mail = next(mail for _, mail in world.wire.taken if mail["X-KPI-Pilot-For"] == MANAGER)
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().startswith(f"CHẠY THỬ: thư này lẽ ra gửi cho Chủ tịch UBND xã <{MANAGER}>.")
    assert mail["Subject"].startswith("[CHẠY THỬ] ")
    assert MANAGER not in mail["To"]


async def test_a_vacant_post_is_skipped_and_counted_and_the_others_are_told() -> None:
    world = World(a_catalog(rules=[a_rule(group_wait=timedelta(0))], people=PEOPLE[1:]))
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    assert [to for to, _ in world.wire.taken] == [MANAGER]
    assert service.measures.org_gaps.labels("owner")._value.get() == 1


async def test_the_contact_is_whom_an_answer_reaches() -> None:
    service = Service(at_once())
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    wanted = {MANAGER: f"Văn phòng UBND xã ({OWNER})", OWNER: "Tiến Độ (tiendo@tiendo.example)"}
    for to, mail in service.world.wire.taken:
        body = mail.get_body(("plain",))
        assert body is not None
        assert f"liên hệ: {wanted[to]}." in body.get_content()


async def test_an_address_that_changed_is_used_at_once() -> None:
    world = at_once()
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    moved = [person.model_copy(update={"email": f"moi-{person.email}"}) for person in PEOPLE]
    later = Service(replace(world, catalog=a_catalog(people=moved)))
    await service.stages.relay_fresh()
    await later.until(NOW + MINUTE)
    assert sorted(to for to, _ in world.wire.taken) == [f"moi-{MANAGER}", f"moi-{OWNER}"]


async def test_a_unit_without_target_leaves_no_trace() -> None:
    service = Service()
    await service.sees(a_record(None, target=None), at=NOW)
    assert service.world.alerts.documents == {}


async def test_a_forecast_that_comes_after_the_figure_sends_no_mail_and_is_in_the_next_one() -> None:
    service = Service(at_once())
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    landing = Landing(value=70.0, low=60.0, high=80.0, p_meet=0.02, method="run_rate", points=9)
    await service.sees(a_record(0.7, version=2, landing=landing), at=NOW + 2 * MINUTE)
    await service.until(NOW + 60 * MINUTE)
    assert service.world.wire.reasons(MANAGER) == ["FIRST"]
    await service.sees(a_record(0.45, version=3, landing=landing), at=NOW + 61 * MINUTE)
    await service.until(NOW + 120 * MINUTE)
    first, worse = [mail.get_body(("plain",)) for to, mail in service.world.wire.taken if to == MANAGER]
    assert first is not None
    assert worse is not None
    assert "Dự báo" not in first.get_content()
    assert "Dự báo: theo đà hiện nay, 70,0 %" in worse.get_content()
