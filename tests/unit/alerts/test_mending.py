"""What accepted figures bring into a letter, and take out: their flags, and what had been refused of them."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord

from contracts.observations import observation_id
from services.alerts.digest import PublisherKey
from services.alerts.measures import Measures
from services.alerts.mending import kept
from services.alerts.notes import Note, NoteKind
from services.alerts.observed import ObservationHandler
from services.runtime.telemetry import Telemetry
from tests.unit.alerts.fakes import FakeCatalogs
from tests.unit.alerts.letters import DAY, KEY, MINUTE, SLOT, SOURCE, a_note
from tests.unit.alerts.test_digesting import COMMUNES, Worker, World

SAID = SLOT - 60 * MINUTE
LATER = SAID + MINUTE


def an_observation(event: str = "event-1", at: datetime = LATER, **fields: object) -> Any:
    """A record of `observations.v1`, as ingest writes it."""
    given: dict[str, object] = {
        "observation_id": observation_id(SOURCE, event),
        "province": "dak-nong",
        "kpi": "edoc-signed-share",
        "org_unit": COMMUNES[0],
        "as_of": "2023-08-31",
        "publisher": "edoc",
        "source": SOURCE,
        "source_id": event,
        "received_at": at.isoformat(),
        "flags": [],
        **fields,
    }
    return ConsumerRecord("observations.v1", 0, 7, 0, 0, b"k", orjson.dumps(given), None, 1, 1, ())


def other_cell(event: str, **fields: object) -> Any:
    """An event that was accepted under that id, but about another day."""
    return an_observation(event, as_of="2023-07-31", **fields)  # type: ignore[arg-type]


def handler(world: World, waits: list[bool] | None = None) -> ObservationHandler:
    read = iter(waits or [])

    async def refusals_read() -> bool:
        return next(read, True)

    catalogs = FakeCatalogs(world.catalog)
    return ObservationHandler(world.notes, catalogs, timedelta(days=30), Measures(Telemetry()), refusals_read)


async def told(world: World, *notes: Note) -> None:
    await world.notes.put([kept(KEY, note, world.catalog) for note in notes])


async def still_told(*notes: Note, after: Any) -> set[str]:
    """The notes of these that a letter tells of after that was accepted."""
    world = World()
    await told(world, *notes)
    await handler(world).handle([after])
    return {id for id, one in world.notes.documents.items() if one["note"]}


@pytest.mark.parametrize(
    ("note", "accepted", "mended"),
    [
        pytest.param(a_note(1), an_observation("event-1"), True, id="the same event"),
        pytest.param(a_note(1), other_cell("event-1"), True, id="the same event about another day"),
        pytest.param(a_note(1), other_cell("event-1", at=SAID), True, id="the same event within one moment"),
        pytest.param(a_note(1), other_cell("event-1", at=SAID - MINUTE), False, id="the event, before it was refused"),
        pytest.param(a_note(1), an_observation("event-2"), True, id="another event about the cell"),
        pytest.param(a_note(1, as_of="2023-08-30T20:00:00Z"), an_observation("e"), True, id="the local day"),
        pytest.param(a_note(1), an_observation("event-2", at=SAID), False, id="another event of one moment"),
        pytest.param(a_note(1), an_observation("event-2", publisher="other"), False, id="another's figure"),
        pytest.param(a_note(1), an_observation("event-2", org_unit=COMMUNES[1]), False, id="another unit"),
        pytest.param(a_note(1), an_observation("event-2", status="forecast"), False, id="a forecast"),
        pytest.param(a_note(1), other_cell("event-2"), False, id="another day"),
        pytest.param(a_note(1, kpi=None), an_observation("event-2"), False, id="what was not readable"),
        pytest.param(
            a_note(1, NoteKind.REFUSED, "identity_reused"), other_cell("event-1"), False, id="an id that is taken"
        ),
        pytest.param(
            a_note(1, NoteKind.REFUSED, "identity_reused"), an_observation("event-2"), True, id="sent under a new id"
        ),
        pytest.param(a_note(1, NoteKind.DOUBTED), an_observation("event-1"), False, id="a doubt"),
    ],
)
async def test_a_refusal_is_mended_by_what_is_accepted_since(note: Note, accepted: Any, mended: bool) -> None:
    assert (await still_told(note, after=accepted) == set()) is mended


async def test_a_letter_tells_only_what_is_still_refused_and_none_goes_out_where_all_was_mended() -> None:
    world = World()
    worker = Worker(world)
    await told(world, a_note(1), a_note(2, org_unit=COMMUNES[1]))
    await handler(world).handle([an_observation("event-1")])
    assert await worker.at(SLOT) == 1
    (text,) = world.texts()
    assert "Bị từ chối (1)" in text
    assert "event-2" in text
    assert "event-1" not in text
    await told(world, a_note(3, at=SLOT + MINUTE))
    await handler(world).handle([an_observation("event-3", at=SLOT + 2 * MINUTE)])
    assert await worker.at(SLOT + DAY) == 0


async def test_what_is_delivered_again_neither_opens_nor_closes_anything_anew() -> None:
    world = World()
    await told(world, a_note(1))
    await handler(world).handle([an_observation("event-1")])
    await told(world, a_note(1))
    assert await Worker(world).at(SLOT) == 0
    later = a_note(5, event="event-1", at=LATER + MINUTE)
    await told(world, later)
    await handler(world).handle([an_observation("event-1")])
    assert await Worker(world).at(SLOT) == 1


async def test_refusals_that_lay_on_the_broker_are_read_before_what_mended_them() -> None:
    world = World()
    one = handler(world, waits=[False] * 3)
    handling = asyncio.create_task(one.handle([an_observation("event-1")]))
    await asyncio.sleep(0.05)
    await told(world, a_note(1))
    await handling
    assert await Worker(world).at(SLOT) == 0


async def test_a_broken_observation_holds_up_nobody() -> None:
    world = World()
    await told(world, a_note(1))
    odds: list[dict[str, Any]] = [{"received_at": "soon"}, {"as_of": 7}, {"province": []}]
    broken = [an_observation("event-1", **odd) for odd in odds]
    await handler(world).handle([*broken, an_observation("event-1")])
    assert not await world.notes.any_refused()


CUT = {
    "code": "truncated",
    "message_vi": "Công bố 89,4, nhưng 89,47 làm tròn là 89,5: số đã bị cắt bớt thay vì làm tròn.",
    "message_en": "Published as 89.4, but 89.47 rounds to 89.5: it was cut off, not rounded.",
    "evidence": {"value": "89.4", "from_parts": "89.47"},
}


async def test_what_the_event_alone_makes_doubtful_is_in_the_letter_once_however_often_it_is_read() -> None:
    world = World()
    worker = Worker(world)
    flagged = an_observation("event-1", flags=[CUT])
    await handler(world).handle([an_observation("event-2"), flagged])
    await handler(world).handle([flagged])
    assert await worker.at(SLOT) == 1
    (text,) = world.texts()
    for line in ("Cần kiểm tra lại (1)", "Bị cắt bớt chữ số thay vì làm tròn: 1", "Mã sự kiện: event-1"):
        assert line in text
    assert "Xã Tân Phú, số liệu đến ngày 31/08/2023" in text
    assert text.count(CUT["message_vi"]) == text.count(CUT["message_en"]) == 1  # type: ignore[arg-type]
    assert "event-2" not in text
    await handler(world).handle([flagged])
    assert await worker.at(SLOT + DAY) == 0


async def test_flags_and_doubts_about_one_figure_are_one_line() -> None:
    world = World()
    await handler(world).handle([an_observation("event-1", flags=[CUT])])
    await told(world, a_note(1, NoteKind.DOUBTED, event="event-1"))
    assert await Worker(world).at(SLOT) == 1
    (text,) = world.texts()
    assert "Cần kiểm tra lại (1)" in text
    assert text.count("Mã sự kiện: event-1") == 1


async def test_a_flagged_figure_mends_what_was_refused_before_it_and_is_told_itself() -> None:
    world = World()
    await told(world, a_note(1))
    await handler(world).handle([an_observation("event-1", flags=[CUT])])
    assert [one["note"]["kind"] for one in world.notes.documents.values() if one["note"]] == ["doubted"]


async def test_flags_on_events_of_a_source_that_no_publisher_has_are_mailed_to_nobody() -> None:
    world = World()
    await handler(world).handle([an_observation("event-1", source="urn:stranger", flags=[CUT])])
    assert world.notes.documents == {}


async def test_broken_flags_hold_up_nobody() -> None:
    world = World()
    broken: list[Any] = [[{}], 7, "x", [{**CUT, "code": None}], None]
    records = [an_observation(f"odd-{number}", flags=flags) for number, flags in enumerate(broken)]
    await handler(world).handle([*records, an_observation("event-1", flags=[CUT])])
    assert [one["note"]["event"] for one in world.notes.documents.values()] == ["event-1"]


def test_what_would_mend_a_refusal_is_known_by_the_catalog_of_its_publisher() -> None:
    catalog = World().catalog
    found = kept(PublisherKey("dak-nong", "edoc"), a_note(1), catalog)
    assert found.identity == observation_id(SOURCE, "event-1")
    assert found.cell == f"dak-nong/edoc-signed-share/{COMMUNES[0]}/2023-08-31"
    odds: list[dict[str, Any]] = [{"org_unit": "nowhere"}, {"as_of": "31/08/2023"}, {"kpi": "none"}, {"as_of": None}]
    for odd in odds:
        assert kept(KEY, a_note(1, **odd), catalog).cell is None
