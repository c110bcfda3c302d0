"""From answers and slots to letters in the mailbox: several workers, crashes, floods, a relay that gives no answer."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord

from contracts import envelope
from contracts.progress import ProgressJudged
from services.alerts.digest import PublisherKey
from services.alerts.digesting import BATCH, Digester, Terms
from services.alerts.freezing import Letters
from services.alerts.measures import Measures
from services.alerts.notes import Note, NoteKind
from services.alerts.ports import Kept, RowState, Sighting
from services.alerts.reminding import Watched
from services.alerts.replies import ReplyHandler, doubt, refusal
from services.alerts.sending import Breaker, Patience, Sender
from services.alerts.settings import MailSettings, SmtpSettings
from services.alerts.sightings import Lookout
from services.alerts.smtp import Answer, Fate
from services.runtime.catalog import Catalog
from services.runtime.telemetry import Telemetry
from tests.unit.alerts.builders import a_record
from tests.unit.alerts.fakes import FakeCatalogs, FakeCorrespondences, FakeMails, FakeNotes, FakeSightings, FakeWire
from tests.unit.alerts.letters import ALWAYS, DAY, KEY, MINUTE, PUBLISHER, SLOT, SOURCE, a_note, catalog
from tests.unit.alerts.service import RENDERER
from tests.unit.alerts.test_crashes import Deadly, Killed

COMMUNES = ("huyen-a.xa-tan-phu", "huyen-a.xa-quang-hoa", "huyen-a.xa-dak-rmang")
CELL = "dak-nong", "edoc-signed-share"
TUESDAY = SLOT + DAY


@dataclass
class World:
    """What several workers share. Every commune has reported September."""

    catalog: Catalog = field(default_factory=catalog)
    notes: FakeNotes = field(default_factory=FakeNotes)
    correspondences: FakeCorrespondences = field(default_factory=FakeCorrespondences)
    sightings: FakeSightings = field(
        default_factory=lambda: FakeSightings(
            {(*CELL, unit, "2023"): Sighting(*CELL, unit, "2023", date(2023, 9, 10), 1) for unit in COMMUNES}
        )
    )
    mails: FakeMails = field(default_factory=FakeMails)
    wire: FakeWire = field(default_factory=FakeWire)

    async def told(self, *notes: Note) -> None:
        """These are in."""
        await self.notes.put([Kept(KEY, note) for note in notes])

    def texts(self) -> list[str]:
        """The text of every letter that arrived."""
        bodies = [mail.get_body(("plain",)) for _, mail in self.wire.taken]
        return [str(body.get_content()) for body in bodies if body is not None]

    def states(self) -> list[str]:
        """Of the rows, in the order of the letters."""
        return [row["state"] for row in self.mails.documents.values()]


class Worker:
    """One worker. Make it inside a running loop."""

    def __init__(self, world: World, *, caught_up: bool = True, watched: Watched = ALWAYS) -> None:
        self.measures = Measures(Telemetry())
        catalogs = FakeCatalogs(world.catalog)

        async def reached() -> bool:
            return caught_up

        self.digester = Digester(
            world.notes,
            world.correspondences,
            world.sightings,
            world.mails,
            catalogs,
            Terms(3, 30 * DAY, "kpi.example", watched),
            self.measures,
            reached,
        )
        self.sender = Sender(
            "worker",
            world.mails,
            Letters(catalogs, RENDERER, SmtpSettings(), MailSettings()),
            world.wire,
            Breaker(0.05, self.measures),
            Patience(30.0, 0.0, timedelta(hours=72)),
            self.measures,
            lambda: None,
        )

    async def at(self, now: datetime) -> int:
        """A round at that time, and what it queued sent."""
        decided = await self.digester.sweep() + await self.digester.round(now)
        while await self.sender.send_some():
            continue
        return decided


async def test_what_came_before_the_slot_is_in_its_letter_and_what_comes_after_in_the_next() -> None:
    world = World()
    worker = Worker(world)
    await world.told(a_note(1), a_note(2, at=SLOT + MINUTE))
    assert await worker.at(SLOT - MINUTE) == 0
    assert await worker.at(SLOT) == 1
    assert await worker.at(SLOT + 60 * MINUTE) == 0
    assert await worker.at(TUESDAY) == 1
    first, second = world.texts()
    assert "event-1" in first
    assert "event-2" not in first
    assert "event-2" in second
    assert "event-1" not in second
    assert [to for to, _ in world.wire.taken] == [PUBLISHER.contact] * 2


async def test_with_nothing_to_say_nobody_is_written_to_and_nothing_is_stored() -> None:
    world = World()
    worker = Worker(world)
    for day in range(5):
        assert await worker.at(SLOT + day * DAY) == 0
    assert world.wire.taken == []
    assert world.correspondences.documents == {}


async def test_slots_that_were_missed_become_one_letter() -> None:
    world = World()
    await world.told(a_note(1), a_note(2, at=SLOT + DAY), a_note(3, at=SLOT + 2 * DAY))
    worker = Worker(world)
    assert await worker.at(SLOT + 3 * DAY + 5 * MINUTE) == 1
    (text,) = world.texts()
    assert "Bị từ chối (3)" in text


async def test_three_workers_side_by_side_write_one_letter() -> None:
    world = World()
    await world.told(*(a_note(number) for number in range(40)))
    workers = [Worker(world) for _ in range(3)]
    for day in range(3):
        await asyncio.gather(*(worker.at(SLOT + day * DAY) for worker in workers))
    assert len(world.wire.taken) == 1
    assert "Bị từ chối (40)" in world.texts()[0]


async def test_nothing_is_decided_before_what_lies_on_the_broker_is_read() -> None:
    world = World()
    await world.told(a_note(1))
    assert await Worker(world, caught_up=False).at(SLOT) == 0
    assert await Worker(world).at(SLOT) == 1


async def test_a_flood_is_one_small_letter_and_one_small_document() -> None:
    world = World()
    many = 4 * BATCH + 7
    await world.told(*(a_note(number, NoteKind.REFUSED, "negative") for number in range(many)))
    assert await Worker(world).at(SLOT) == 1
    assert f"Bị từ chối ({many:,})".replace(",", ".") in world.texts()[0]
    assert len(json.dumps(world.correspondences.documents, default=str)) < 100_000
    assert not any(one["note"] for one in world.notes.documents.values())


async def test_an_answer_that_is_delivered_again_says_nothing_new() -> None:
    world = World()
    worker = Worker(world)
    await world.told(a_note(1))
    await worker.at(SLOT)
    await world.told(a_note(1))
    assert await worker.at(TUESDAY) == 0


async def test_a_letter_that_the_relay_may_have_taken_is_not_sent_twice_and_the_next_one_says_it_again() -> None:
    world = World(wire=FakeWire([Answer(Fate.UNSURE, None, "dropped")]))
    worker = Worker(world)
    await world.told(a_note(1))
    await worker.at(SLOT)
    await worker.at(SLOT + 60 * MINUTE)
    assert (len(world.wire.tries), world.states()) == (1, [RowState.UNCONFIRMED])
    await worker.at(TUESDAY)
    assert world.states() == [RowState.UNCONFIRMED, RowState.SENT]
    assert "event-1" in world.texts()[1]
    assert "Thư trước có thể chưa đến nơi" in world.texts()[1]
    assert await worker.at(TUESDAY + DAY) == 0


async def test_a_contact_that_the_relay_refuses_is_told_everything_once_it_is_mended() -> None:
    world = World(wire=FakeWire([Answer(Fate.REFUSED, 550, "no such user")]))
    await world.told(a_note(1))
    await Worker(world).at(SLOT)
    assert world.states() == [RowState.DEAD]
    world.catalog = catalog(PUBLISHER.model_copy(update={"contact": "moi@dak-nong.example"}))
    await world.told(a_note(2, at=SLOT + MINUTE))
    await Worker(world).at(TUESDAY)
    assert world.wire.taken[-1][0] == "moi@dak-nong.example"
    assert "Bị từ chối (2)" in world.texts()[-1]


@pytest.mark.parametrize(("hours", "state"), [(23, RowState.FAILED_RETRY), (25, RowState.DEAD)])
async def test_a_letter_that_keeps_being_put_off_is_given_up_after_a_day(hours: int, state: RowState) -> None:
    later = Answer(Fate.LATER, 451, "try again later")
    world = World(wire=FakeWire([Answer(Fate.AWAY, None, "away"), later]))
    worker = Worker(world)
    await world.told(a_note(1))
    await worker.at(SLOT)
    for row in world.mails.documents.values():
        row["queued_at"] -= timedelta(hours=hours)
    await asyncio.sleep(0.06)
    await worker.sender.send_some()
    assert world.states() == [state]


async def test_a_letter_that_was_given_up_is_told_again_in_the_next() -> None:
    world = World(wire=FakeWire([Answer(Fate.AWAY, None, "away"), Answer(Fate.LATER, 451, "try again later")]))
    worker = Worker(world)
    await world.told(a_note(1))
    await worker.at(SLOT)
    for row in world.mails.documents.values():
        row["queued_at"] -= timedelta(hours=25)
    await asyncio.sleep(0.06)
    await worker.at(TUESDAY)
    await worker.at(TUESDAY + MINUTE)
    assert world.states() == [RowState.DEAD, RowState.SENT]
    assert "event-1" in world.texts()[0]


async def test_while_a_letter_waits_for_the_relay_no_other_is_written() -> None:
    world = World(wire=FakeWire([Answer(Fate.AWAY, None, "away")]))
    worker = Worker(world)
    await world.told(a_note(1))
    await worker.at(SLOT)
    await world.told(a_note(2, at=SLOT + MINUTE))
    assert await worker.at(TUESDAY) == 0
    for _ in range(6):
        await asyncio.sleep(0.06)
        await worker.at(TUESDAY + MINUTE)
    assert world.states() == [RowState.SENT, RowState.SENT]
    assert "event-2" in world.texts()[1]


async def test_a_publisher_without_hours_is_never_written_to() -> None:
    silent = PUBLISHER.model_copy(update={"digest_hours": ()})
    world = World(catalog(silent), sightings=FakeSightings())
    await handler(world).handle([a_reply(refusal, "log/0/1", a_rejection())])
    assert await Worker(world).at(SLOT) == 0
    assert world.notes.documents == {}


async def test_who_begins_is_reminded_of_what_falls_due_and_not_blamed_for_what_was_due_before() -> None:
    world = World(sightings=FakeSightings())
    assert await Worker(world, watched=Watched(date(2023, 9, 1), whole=False)).at(SLOT) == 0
    assert await Worker(world, watched=Watched(date(2023, 9, 1), whole=True)).at(SLOT) == 1
    assert [str(mail["X-KPI-Reason"]) for _, mail in world.wire.taken] == ["REMINDER"]
    assert "Tháng 9/2023: 3/3 đơn vị chưa có số liệu" in world.texts()[0]
    assert "Tháng 8/2023" not in world.texts()[0]


def deadly(world: World, at: int, before: bool) -> tuple[World, list[str]]:
    """The same world, through which a worker will die at its `at`-th call."""
    calls: list[str] = []

    def wrapped(inner: object) -> Any:
        return Deadly(inner, calls, at, before)

    doomed = World(
        world.catalog,
        cast(FakeNotes, wrapped(world.notes)),
        cast(FakeCorrespondences, wrapped(world.correspondences)),
        cast(FakeSightings, wrapped(world.sightings)),
        cast(FakeMails, wrapped(world.mails)),
        cast(FakeWire, wrapped(world.wire)),
    )
    return doomed, calls


async def play(world: World, sharing: World) -> None:
    """Two days with answers; those that a crash left uncommitted come again."""
    worker = Worker(world)
    for day in range(2):
        await sharing.told(*(a_note(100 * day + number, at=SLOT + day * DAY - MINUTE) for number in range(3)))
        await worker.at(SLOT + day * DAY)


async def recover(world: World) -> None:
    """Another worker, when leases have run out and what lies in outboxes is anybody's; then one more day."""
    long_ago = timedelta(minutes=5)
    for one, waiting in world.correspondences.outbox.items():
        world.correspondences.outbox[one] = [(written - long_ago, mail) for written, mail in waiting]
    for row in world.mails.documents.values():
        row["until"] = row["queued_at"] - long_ago
    await play(world, world)
    await Worker(world).at(SLOT + 2 * DAY)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_wherever_a_worker_dies_each_slot_has_one_letter_and_everything_is_told(before: bool) -> None:
    async def run(at: int) -> tuple[World, list[str]]:
        world = World()
        doomed, calls = deadly(world, at, before)
        try:
            await play(doomed, world)
        except Killed:
            await recover(world)
        return world, calls

    _, calls = asyncio.run(run(0))
    assert {"FakeCorrespondences.save", "FakeMails.put", "FakeMails.finish", "FakeWire.send"} <= set(calls)
    for at, call in enumerate(calls, start=1):
        world, _ = asyncio.run(run(at))
        where = f"killed {'before' if before else 'after'} call {at}, {call}"
        ids = [str(mail["Message-ID"]) for _, mail in world.wire.taken]
        assert len(ids) == len(set(ids)), where
        said = "".join(world.texts())
        assert all(f"event-{100 * day + number} " in said for day in range(2) for number in range(3)), where
        assert set(world.states()) <= {RowState.SENT, RowState.UNCONFIRMED}, where
        assert world.states().count(RowState.UNCONFIRMED.value) <= 1, where


# what comes in


def a_reply(read: Callable[[ConsumerRecord], Note | None], id: str, data: object, value: bytes | None = None) -> Any:
    kind = "rejected" if read is refusal else "doubted"
    headers = envelope.write(
        id=id, source="urn:tiendo:ingest", type=f"vn.tiendo.statistic.{kind}.v1", time=SLOT, subject=SOURCE
    )
    content = json.dumps(data).encode() if value is None else value
    return ConsumerRecord("t", 0, 7, 1_600_000_000_000, 0, b"k", content, None, 1, 1, tuple(headers))


def a_rejection(**fields: object) -> dict[str, object]:
    problem = {"code": "negative", "field": "numerator", "message_vi": "Số âm.", "message_en": "Negative."}
    given: dict[str, object] = {
        "source": SOURCE,
        "id": "event-1",
        "reported_at": "2023-09-18T00:00:00Z",
        "problems": [problem],
        "original": {"kpi": "edoc-signed-share", "org_unit": "24611", "as_of": "2023-08-31", "numerator": -1},
    }
    return {**given, **fields}


def test_a_rejection_becomes_a_note() -> None:
    note = refusal(a_reply(refusal, "log/0/7", a_rejection()))
    assert note is not None
    assert (note.id, note.kind, note.at, note.codes) == ("log/0/7", NoteKind.REFUSED, SLOT, ("negative",))
    assert (note.event, note.kpi, note.org_unit, note.as_of) == (
        "event-1",
        "edoc-signed-share",
        "24611",
        "2023-08-31",
    )
    assert note.said[0].vi == "Số âm."


def test_a_parked_source_is_a_note_of_its_own_kind() -> None:
    problem = {"code": "source_parked", "message_vi": "Nguồn tạm dừng.", "message_en": "Parked."}
    note = refusal(a_reply(refusal, "parked/log/0/7", a_rejection(id=None, problems=[problem], original="AAAA")))
    assert note is not None
    assert (note.kind, note.event, note.kpi) == (NoteKind.PARKED, None, None)


def test_the_end_of_it_names_the_note_that_it_ends() -> None:
    problem = {"code": "source_unparked", "message_vi": "Nguồn mở lại.", "message_en": "Unparked."}
    raw = {"log": "log", "topic": "statistics.reported.v1", "partition": 0, "offset": 7}
    said = a_rejection(id=None, problems=[problem], original="AAAA", raw=raw)
    note = refusal(a_reply(refusal, "unparked/log/0/7", said))
    assert note is not None
    assert (note.kind, note.ends, note.event) == (NoteKind.UNPARKED, "parked/log/0/7", None)


def test_a_doubt_becomes_a_note() -> None:
    flags = [{"code": "jump", "message_vi": "Thay đổi đột ngột.", "message_en": "A jump.", "evidence": {}}]
    about = {"province": "dak-nong", "kpi": "edoc-signed-share", "org_unit": COMMUNES[0], "as_of": "2023-08-31"}
    told = {"source": SOURCE, "id": "event-1", "observation_id": "a" * 32, **about, "flags": flags}
    note = doubt(a_reply(doubt, "a@jump", {**told, "doubted_at": "2023-09-18T00:00:00Z"}))
    assert note is not None
    assert (note.kind, note.codes, note.org_unit, note.as_of) == (
        NoteKind.DOUBTED,
        ("jump",),
        COMMUNES[0],
        "2023-08-31",
    )


def handler(world: World) -> ReplyHandler:
    return ReplyHandler(refusal, world.notes, FakeCatalogs(world.catalog), Measures(Telemetry()))


async def test_answers_to_nobody_we_know_and_broken_ones_hold_up_nobody() -> None:
    world = World()
    await handler(world).handle(
        [
            a_reply(refusal, "log/0/1", a_rejection()),
            a_reply(refusal, "log/0/2", None, b"\xff not JSON"),
            a_reply(refusal, "log/0/3", a_rejection(source="urn:stranger")),
            a_reply(refusal, "log/0/4", a_rejection(problems=[])),
            a_reply(refusal, "ä", a_rejection()),
            a_reply(refusal, "log/0/1", a_rejection()),
        ]
    )
    assert set(world.notes.documents) == {"log/0/1"}
    assert await world.notes.whose(SLOT) == {PublisherKey("dak-nong", "edoc")}


async def test_what_is_written_about_lone_surrogates_and_control_characters_can_be_stored() -> None:
    odd = a_rejection(id="e\ud800", original={"kpi": "k\x00\u202e", "org_unit": "", "as_of": 7})
    world = World()
    await handler(world).handle([a_reply(refusal, "log/0/1", odd)])
    (one,) = world.notes.documents.values()
    assert json.loads(json.dumps(one["note"], ensure_ascii=False).encode()) == json.loads(json.dumps(one["note"]))


# what was seen


def lookout_of(sightings: FakeSightings) -> Lookout:
    return Lookout(sightings, FakeCatalogs(catalog()))


def reported(day: int | None, version: int, unit: str = COMMUNES[0]) -> ProgressJudged:
    """A version of a unit's record, whose newest figure that stands is of that day of September."""
    as_of = date(2023, 9, day) if day is not None else None
    return a_record(0.9 if day is not None else None, org_unit=unit, as_of=as_of, version=version)


async def test_only_what_changed_is_written_and_only_of_reporting_units() -> None:
    sightings = FakeSightings()
    lookout = lookout_of(sightings)
    other = reported(9, 1, COMMUNES[1])
    await lookout.see([reported(3, 1), reported(10, 3), reported(5, 2), other, reported(9, 1, "huyen-a")])
    assert await sightings.newest("dak-nong") == {
        "edoc-signed-share": {COMMUNES[0]: date(2023, 9, 10), COMMUNES[1]: date(2023, 9, 9)}
    }
    await lookout.see([reported(10, 4), other])
    assert sightings.writes == 2
    lookout.forget()
    await lookout.see([reported(5, 2), other])
    assert (await sightings.newest("dak-nong"))["edoc-signed-share"][COMMUNES[0]] == date(2023, 9, 10)
    await lookout.see([reported(11, 5)])
    assert (await sightings.newest("dak-nong"))["edoc-signed-share"][COMMUNES[0]] == date(2023, 9, 11)


async def test_a_figure_that_was_withdrawn_is_awaited_again_and_once_it_is_sent_anew_no_more() -> None:
    overdue, after = SLOT + 7 * DAY, SLOT + 28 * DAY
    world = World()
    lookout = lookout_of(world.sightings)
    assert await Worker(world).at(overdue) == 0
    await lookout.see([reported(None, 2), reported(10, 2, COMMUNES[1])])
    assert await Worker(world).at(overdue + DAY) == 1
    (text,) = world.texts()
    assert "Quá hạn báo cáo (1)" in text
    assert "Xã Tân Phú" in text
    assert "Xã Quảng Hòa" not in text
    await lookout.see([reported(None, 2), reported(10, 3)])
    assert await Worker(world).at(after - 14 * DAY) == 0


async def test_of_what_was_withdrawn_the_figure_before_it_is_the_newest() -> None:
    world = World()
    await lookout_of(world.sightings).see([a_record(0.9, as_of=date(2023, 8, 10), version=2)])
    assert await Worker(world).at(SLOT + 8 * DAY) == 1
    assert "số liệu gần nhất: 10/08/2023" in world.texts()[0]
