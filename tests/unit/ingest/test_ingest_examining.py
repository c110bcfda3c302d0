"""What would become of an event, asked without a trace."""

import json
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from contracts.doors import Examined, ExaminedEvents
from services.ingest import examining
from services.ingest.lot import Lot
from services.runtime.clock import DataClock
from tests.unit.ingest.door import (
    EDOC,
    NOON,
    PORTAL,
    TYPE,
    FakeParkings,
    Record,
    World,
    an_event,
    an_examiner,
    data,
    figure,
)
from tests.unit.ingest.remembered import Remembered


def an_asked(content: Any = None, **attributes: str) -> dict[str, Any]:
    """An event in structured mode."""
    sound = {"specversion": "1.0", "id": "e-1", "source": EDOC, "type": TYPE, "time": NOON.isoformat()}
    return {**sound, **attributes, "data": data() if content is None else content}


async def asked(world: World, body: bytes) -> Response:
    app = Starlette(routes=examining.routes(world.examiner, world.ledger, world.clock, world.questions))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        return await client.post(examining.PATH, content=body)


async def examined(world: World, *events: Any) -> tuple[Examined, ...]:
    answer = await asked(world, json.dumps(events).encode())
    return ExaminedEvents.model_validate_json(answer.content).items


async def test_each_event_gets_its_problems_or_its_flags() -> None:
    sound, flagged, unsound = await examined(
        World(),
        an_asked(),
        an_asked(data(value="91.4", numerator=913, denominator=1000), id="e-2"),
        an_asked(data(numerator=1013, org_unit="nowhere"), id="e-3"),
    )
    assert (sound.standing, sound.problems, sound.flags) == ("new", (), ())
    assert [flag.code for flag in flagged.flags] == ["parts_contradict_value"]
    assert [found.code for found in unsound.problems] == ["unknown_org_unit", "numerator_above_denominator"]


async def test_asking_leaves_no_trace_in_ledger_topics_clock_or_counters() -> None:
    world = World()
    later = NOON.replace(month=11)
    await examined(world, an_asked(time=later.isoformat()), an_asked(data(numerator=1013), id="e-2"), {"id": "broken"})
    assert (world.ledger.entries, world.ledger.reuses) == ({}, {})
    assert (world.broker.published, world.broker.letters) == ([], [])
    assert world.clock.now() == NOON
    assert world.count("ingest_accepted") == 0


async def test_what_was_accepted_before_is_the_same_and_another_content_finds_its_id_taken() -> None:
    world = World()
    await world.handle(an_event(id="e-1"))
    same, taken = await examined(world, an_asked(), an_asked(data(numerator=5)))
    assert (same.standing, same.problems) == ("same", ())
    assert (taken.standing, [found.code for found in taken.problems]) == ("taken", ["identity_reused"])
    assert same.observation_id == taken.observation_id == next(iter(world.ledger.entries))


async def test_accepted_content_stays_the_same_where_today_it_would_be_refused() -> None:
    world = World()
    await world.handle(an_event(id="e-1"))
    world.examiner = an_examiner(catalogs={})
    (same,) = await examined(world, an_asked())
    assert (same.standing, same.problems) == ("same", ())


async def test_what_nobody_can_read_is_named_and_hinders_no_other() -> None:
    broken, sound = await examined(World(), {"specversion": "0.3", "id": "e-9", "source": EDOC}, an_asked())
    assert (broken.observation_id, [found.code for found in broken.problems]) == (None, ["not_cloudevent"] * 2)
    assert sound.problems == ()


async def test_numbers_keep_their_digits_on_the_way() -> None:
    text = json.dumps([an_asked(data(numerator=None, denominator=None, value="91.30"))]).replace('"91.30"', "91.3000")
    (said,) = ExaminedEvents.model_validate_json((await asked(World(), text.encode())).content).items
    assert said.problems == ()


@pytest.mark.parametrize("body", [b"", b"{}", b"[1,", b"\xff", b"[" * 100_000, b"[" + b"1," * 1_000 + b"1]"])
async def test_what_is_no_list_of_events_or_too_long_is_refused(body: bytes) -> None:
    answer = await asked(World(), body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


async def test_without_its_database_it_says_so() -> None:
    ledger = Remembered([])
    ledger.away = True
    app = Starlette(routes=examining.routes(an_examiner(), ledger, DataClock(NOON), Lot(FakeParkings())))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        answer = await client.post(examining.PATH, content=json.dumps([an_asked()]))
    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")


async def test_of_a_parked_source_nothing_new_would_be_accepted_and_why_is_said() -> None:
    world = World()
    await world.handle(an_event(id="e-1"))
    junk = [(name, text.encode()) for name, text in (("ce_specversion", "1.0"), ("ce_source", EDOC), ("ce_id", "j"))]
    await world.handle(*[Record(b"junk", [*junk, ("ce_type", TYPE.encode())], at) for at in range(10, 70)])
    same, parked, other = await examined(world, an_asked(), an_asked(id="e-2"), an_asked(id="e-3", source=PORTAL))
    assert (same.standing, same.problems) == ("same", ())
    assert [found.code for found in parked.problems] == ["source_parked"]
    assert "mở lại nguồn" in parked.problems[0].message_vi
    assert "source_parked" not in [found.code for found in other.problems]
    app = Starlette(routes=examining.routes(world.examiner, world.ledger, world.clock, world.questions))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://x") as client:
        (note,) = (await client.get(examining.PARKED)).json()["items"]
    assert (note["source"], note["message_en"]) == (EDOC, parked.problems[0].message_en)
    await world.parkings.unpark(EDOC)
    assert (await examined(world, an_asked(id="e-2")))[0].problems == ()


async def test_a_figure_that_would_change_nothing_is_told_which_one_stands_and_what_to_write() -> None:
    """50, then 60, then 50 again, all in the first revision, while the clock of a trial stands still."""
    world = World()
    fifty, sixty = data(numerator=50, denominator=100), data(numerator=60, denominator=100)
    await world.handle(an_event(fifty, id="fifty"))
    later = an_asked(sixty, id="sixty", time=NOON.replace(hour=NOON.hour + 1).isoformat())
    (new,) = await examined(world, later)
    assert [flag.code for flag in new.flags] == ["replaces_another_figure"]
    await world.handle(an_event(sixty, id="sixty", offset=8, time=NOON.replace(hour=NOON.hour + 1)))
    again, once_more, corrected = await examined(
        world, an_asked(fifty, id="fifty"), later, an_asked({**fifty, "revision": 2}, id="third")
    )
    assert (again.standing, [flag.code for flag in again.flags]) == ("same", ["another_figure_stands"])
    assert "60/100 (lần sửa 1)" in again.flags[0].message_vi
    assert "write revision 2" in again.flags[0].message_en
    assert (once_more.flags, corrected.flags) == ((), ())


async def test_of_two_figures_of_one_moment_it_is_told_which_one_stands() -> None:
    world = World()
    await world.handle(an_event(data(numerator=50, denominator=100), id="one"))
    said = [
        one.flags for one in await examined(world, *(an_asked(data(numerator=60, denominator=100), id=f"n{number}")
                                                     for number in range(40)))
    ]  # fmt: skip
    assert {tuple(flag.code for flag in flags) for flags in said} == {
        ("another_figure_stands",), ("replaces_another_figure",)
    }  # fmt: skip


async def test_a_figure_that_takes_the_place_of_another_under_its_revision_is_told_which_one_stood() -> None:
    world = World()
    await world.handle(an_event(data(numerator=50, denominator=100), id="fifty"))
    after = NOON.replace(hour=NOON.hour + 1).isoformat()

    def asked_as(id: str, **fields: Any) -> dict[str, Any]:
        return an_asked(data(numerator=60, denominator=100, **fields), id=id, time=after)

    same_revision, corrected, preliminary, withdrawn, another_day = await examined(
        world,
        asked_as("a"),
        asked_as("b", revision=2),
        asked_as("c", status="preliminary"),
        asked_as("d", retracts=True),
        asked_as("e", as_of="2023-09-29"),
    )
    (flag,) = same_revision.flags
    assert flag.code == "replaces_another_figure"
    assert "đã có số liệu 50/100 (lần sửa 1)" in flag.message_vi
    assert flag.evidence["revision"] == "2"
    assert [one.code for one in preliminary.flags] == ["another_figure_stands"]
    assert (corrected.flags, withdrawn.flags, another_day.flags) == ((), (), ())


def a_share(value: str, **fields: Any) -> dict[str, Any]:
    return data(numerator=None, denominator=None, value=value, **fields)


async def test_a_share_written_as_a_fraction_is_told_what_was_usual() -> None:
    world = World()
    await world.handle(an_event(a_share("91.3", as_of="2023-08-31"), id="august"))
    fraction, true, small, parts, elsewhere, earlier = await examined(
        world,
        an_asked(a_share("0.9"), id="a"),
        an_asked(a_share("90.5"), id="b"),
        an_asked(a_share("9.1"), id="c"),
        an_asked(data(numerator=9, denominator=1000), id="d"),
        an_asked(a_share("0.9", org_unit="dak-nong.xa-b"), id="e"),
        an_asked(a_share("0.9", as_of="2023-07-31"), id="f"),
    )
    (flag,) = fraction.flags
    assert (flag.code, flag.evidence) == ("scale_shift", {"now": "0.9", "usual": "91.3", "factor": "100"})
    assert flag.message_vi == "0,9 trong khi trước đó là khoảng 91,3: có thể nhầm đơn vị (100 lần)."
    assert {one.flags for one in (true, small, parts, elsewhere, earlier)} == {()}


async def test_the_figure_of_the_same_day_says_what_is_usual_too() -> None:
    world = World()
    await world.handle(an_event(a_share("91.3"), id="first"))
    (corrected,) = await examined(world, an_asked(a_share("0.9", revision=2), id="second"))
    assert [flag.code for flag in corrected.flags] == ["scale_shift"]


async def test_an_amount_in_another_unit_is_told_once_two_say_what_is_usual() -> None:
    world = World()

    async def said(value: str) -> list[str]:
        (one,) = await examined(world, an_asked(figure("revenue", value=value), id="now"))
        return [flag.code for flag in one.flags]

    await world.handle(an_event(figure("revenue", value="7194", as_of="2023-07-31"), id="july"))
    assert await said("7200000000") == []
    await world.handle(an_event(figure("revenue", value="7196", as_of="2023-08-31"), id="august", offset=1))
    assert await said("7200000000") == ["scale_shift"]
    assert await said("7.2") == ["scale_shift"]
    assert await said("72") == []


ROW = "import-0a1b2c3d4e5f60718293a4b5c6d7e8f9"


async def test_a_row_with_another_note_is_the_same_event_and_says_that_the_note_stays() -> None:
    world = World()
    await world.handle(an_event(data(note="ước tính"), id=ROW))
    noted, evident, silent, same, other = await examined(
        world,
        an_asked(data(note="chính thức"), id=ROW),
        an_asked(data(note="ước tính", evidence="https://example.vn/1"), id=ROW),
        an_asked(data(), id=ROW),
        an_asked(data(note="ước tính", unit_of_measure="percent"), id=ROW),
        an_asked(data(note="ước tính", numerator=914), id=ROW),
    )
    for one in (noted, evident, silent):
        assert (one.standing, one.problems, [flag.code for flag in one.flags]) == ("same", (), ["remark_stays"])
    assert "ghi lần sửa (revision) 2" in noted.flags[0].message_vi
    assert noted.flags[0].evidence == {"note": "ước tính"}
    assert (same.standing, same.problems, same.flags) == ("same", (), ())
    assert (other.standing, [(found.code, found.field) for found in other.problems]) == (
        "taken", [("identity_reused", "revision")]
    )  # fmt: skip
    assert "ce_id" not in other.problems[0].message_vi + other.problems[0].message_en


async def test_the_note_of_an_increment_stays_and_no_revision_is_asked_for() -> None:
    world = World()
    grown = figure("revenue", value=5, mode="increment")
    await world.handle(an_event({**grown, "note": "đợt 1"}, id=ROW))
    (again,) = await examined(world, an_asked({**grown, "note": "đợt một"}, id=ROW))
    (flag,) = again.flags
    assert (flag.code, "revision" in flag.message_en) == ("remark_stays", False)
