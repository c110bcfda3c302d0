"""What became of an event, asked over HTTP: from the receipt down to the figures that it is in."""

import base64
import itertools
import json
from datetime import timedelta
from typing import Any

import pytest

from contracts.doors import event_ref
from contracts.envelope import STRUCTURED
from contracts.observations import ObservationRecorded, observation_id
from contracts.topics import OBSERVATIONS, STATISTICS_REJECTED, STATISTICS_REPORTED, own_topic
from services.gateway import cursors, tracing
from services.gateway.keys import Scope
from services.gateway.problems import Problem
from services.gateway.tracing import Wanted, may_see, to_be_listed
from services.runtime.kafka.producer import AnyRecord, Outgoing, Verbatim
from tests.unit.gateway.owning import Away, ingest_with, metrics_of, owners
from tests.unit.gateway.test_routes import Gateway
from tests.unit.gateway.whole_way import WholeWay
from tests.unit.ingest.door import CATALOG, EDOC, NOON, PORTAL, Record, an_event, data
from tests.unit.metrics.builders import an_observation

_offsets = itertools.count()


def event(content: Any = None, **more: Any) -> Record:
    """The next record of the topic."""
    return an_event(content, offset=next(_offsets), **more)


async def fate(way: WholeWay, id: str = "e-1", source: str = EDOC, status: int = 200) -> Any:
    async with way.gateway.client() as client:
        answer = await client.get("/api/v1/events", params={"source": source, "id": id})
        named = await client.get(f"/api/v1/events/{event_ref(source, id)}")
    assert answer.status_code == status
    assert named.content == answer.content
    return answer.json()


async def listed(way: WholeWay, **query: Any) -> list[dict[str, Any]]:
    async with way.gateway.client() as client:
        answer = await client.get("/api/v1/events", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def codes(found: Any) -> list[list[str]]:
    """The codes of each time that the event was turned away."""
    return [[one["code"] for one in time["problems"]] for time in found["turned_away"]]


async def test_an_accepted_event_is_followed_to_the_records_that_its_figure_is_in() -> None:
    way = WholeWay()
    one = event()
    await way.send(one)
    found = await fate(way)
    assert (found["state"], found["to_do_en"], found["turned_away"]) == ("accepted", None, [])
    assert found["observation_id"] == observation_id(EDOC, "e-1")
    seen = found["observation"]
    assert (seen["raw"]["offset"], seen["catalog_version"], seen["flags"]) == (one.offset, CATALOG.version, [])
    assert seen["received_at"] == "2023-09-30T05:00:00Z"
    figure = found["figure"]
    assert figure["standing"] == "stands"
    records = [(one["org_unit"], one["period"], one["holds"], one["value"]) for one in figure["records"]]
    assert records == [(unit, "2023", True, 91.3) for unit in ("dak-nong.xa-a", "dak-nong.dak-mil", "dak-nong")]
    assert figure["records"][2]["explain"] == "/api/v1/progress/signed-share/dak-nong/2023/explain"


async def test_a_flag_of_the_event_alone_is_a_doubt_with_something_to_do() -> None:
    way = WholeWay()
    await way.send(event(data(value="91.2")))
    found = await fate(way)
    assert found["state"] == "accepted_with_doubts"
    assert [flag["code"] for flag in found["observation"]["flags"]] == ["parts_contradict_value"]
    assert "revision" in found["to_do_vi"]


async def test_a_doubt_that_others_raise_is_told_until_they_raise_it_no_more() -> None:
    way = WholeWay()
    flow = {"kpi": "revenue", "numerator": None, "denominator": None}
    await way.send(event(data(**flow, as_of="2023-08-31", value=437)))
    await way.send(event(data(**flow, as_of="2023-09-30", value=436), id="e-2"))
    (doubt,) = (await fate(way, "e-2"))["doubts"]
    assert (doubt["flag"]["code"], doubt["holds"]) == ("cumulative_fell", True)
    assert doubt["at"] is not None
    await way.send(event(data(**flow, as_of="2023-08-31", value=430, revision=2), id="e-3"))
    found = await fate(way, "e-2")
    assert [(one["flag"]["code"], one["holds"]) for one in found["doubts"]] == [("cumulative_fell", False)]
    assert (await fate(way))["figure"]["by"] == observation_id(EDOC, "e-3")


async def test_a_refused_event_names_every_problem_and_once_mended_has_both_histories() -> None:
    way = WholeWay()
    await way.send(event(data(numerator=-1, kpi="signed-share")))
    refused = await fate(way)
    assert (refused["state"], refused["observation"], refused["figure"]) == ("refused", None, None)
    about = (refused["kpi"], refused["org_unit"], refused["as_of"])
    assert about == ("signed-share", "dak-nong.xa-a", "2023-09-30")
    assert codes(refused) == [["negative"]]
    (time,) = refused["turned_away"]
    assert (time["how"], time["problems"][0]["field"]) == ("refused", "numerator")
    assert time["place"].startswith(f"{STATISTICS_REPORTED.name}/0/")
    await way.send(event())
    mended = await fate(way)
    assert (mended["state"], mended["figure"]["standing"], codes(mended)) == ("refused_since", "stands", [["negative"]])


async def test_of_a_reused_identity_it_says_what_stands_and_what_was_turned_away() -> None:
    way = WholeWay()
    await way.send(event())
    await way.send(event(data(numerator=500)))
    found = await fate(way)
    assert (found["state"], found["observation"]["numerator"]) == ("identity_reused", "913")
    assert codes(found) == [["identity_reused"]]
    await way.send(event(data(numerator=913)))  # the publisher's duplicate of what stands is nothing new
    assert await fate(way) == found


@pytest.mark.parametrize(
    ("value", "reason", "code"), [(b"{oops", "bad_json", "bad_json"), (b"{}" * 40_000, "too_large", "too_large")]
)
async def test_what_could_not_be_read_is_found_in_the_quarantine_with_reason_and_sentence(
    value: bytes, reason: str, code: str
) -> None:
    way = WholeWay()
    broken = event()
    broken.value = value
    await way.send(broken)
    found = await fate(way)
    assert found["state"] == "quarantined"
    (time,) = found["turned_away"]
    assert (time["how"], time["reason"], [one["code"] for one in time["problems"]]) == ("quarantined", reason, [code])
    assert time["place"] == f"{STATISTICS_REPORTED.name}/0/{broken.offset}"
    await way.send(event())
    assert (await fate(way))["state"] == "refused_since"


async def test_an_event_in_structured_mode_is_found_as_well() -> None:
    way = WholeWay()
    whole = {"specversion": "1.0", "id": "s-1", "source": EDOC, "type": "vn.tiendo.other.v1", "data": data()}
    await way.send(Record(json.dumps(whole).encode(), [("content-type", STRUCTURED.encode())], next(_offsets)))
    found = await fate(way, "s-1")
    assert (found["state"], found["turned_away"][0]["reason"]) == ("quarantined", "foreign_type")


def dead_letter(reason: str, id: str = "e-1", offset: int = 7) -> Outgoing:
    """What stands in the quarantine without a refusal beside it."""
    about = {"reason": reason, "topic": STATISTICS_REPORTED.name, "partition": "0", "offset": str(offset)}
    about |= {"detail": "KeyError: 'x'", "timestamp": "1696118400000", "at": "2023-10-01T00:00:00+00:00"}
    one = an_event(id=id)
    ours = [(f"dlq_{name}", text.encode()) for name, text in about.items()]
    return Outgoing(b"", one.value, [*((name, text or b"") for name, text in one.headers), *ours])


@pytest.mark.parametrize(
    ("reason", "state", "to_do"),
    [("internal", "quarantined", "Nothing need be sent again"), ("parked", "parked", "ask an operator to open")],
)
async def test_what_is_no_fault_of_the_event_need_not_be_sent_again(reason: str, state: str, to_do: str) -> None:
    way = WholeWay()
    await way.hear([(STATISTICS_REPORTED.dlq, dead_letter(reason))])
    found = await fate(way)
    assert found["state"] == state
    assert to_do in found["to_do_en"]
    (line,) = await listed(way)
    assert (line["state"], line["codes"], line["kpi"]) == (state, [reason], "signed-share")


@pytest.mark.parametrize("reason", ["internal", "parked"])
async def test_what_was_kept_through_no_fault_of_the_event_is_plainly_accepted_once_it_is_replayed(reason: str) -> None:
    way = WholeWay()
    await way.hear(
        [(STATISTICS_REPORTED.dlq, dead_letter(reason)), (STATISTICS_REPORTED.dlq, dead_letter(reason, offset=8))]
    )
    await way.send(event())
    found = await fate(way)
    assert (found["state"], found["to_do_en"], len(found["turned_away"])) == ("accepted", None, 2)
    assert [line["state"] for line in await listed(way)] == ["accepted"]
    await way.hear([(STATISTICS_REPORTED.dlq, dead_letter("bad_json", offset=9))])
    assert (await fate(way))["state"] == "refused_since"


async def test_an_event_that_nobody_saw_is_unknown_and_the_answer_says_where_to_look() -> None:
    found = await fate(WholeWay(), "never")
    assert (found["state"], found["observation"], found["turned_away"]) == ("unknown", None, [])
    assert "/readyz" in found["to_do_en"]
    assert "/readyz" in found["to_do_vi"]


async def test_what_was_accepted_and_not_folded_says_so() -> None:
    way = WholeWay()
    await way.send(event(), folded=False)
    found = await fate(way)
    assert (found["state"], found["figure"]["standing"], found["figure"]["records"]) == ("accepted", "not_yet", [])
    await way.fold(way.broker.on(OBSERVATIONS.name))
    assert (await fate(way))["figure"]["standing"] == "stands"


async def test_a_retracted_event_says_what_withdrew_it() -> None:
    way = WholeWay()
    await way.send(event())
    withdrawal = data(retracts=True, revision=2, numerator=None, denominator=None)
    await way.send(event(withdrawal, id="e-2"))
    found, other = await fate(way), await fate(way, "e-2")
    assert (found["figure"]["standing"], found["figure"]["by"]) == ("retracted", observation_id(EDOC, "e-2"))
    assert other["figure"]["standing"] == "retracts"
    assert not any(one["holds"] for one in (*found["figure"]["records"], *other["figure"]["records"]))


async def test_answers_that_come_again_add_nothing() -> None:
    way = WholeWay()
    flow = {"kpi": "revenue", "numerator": None, "denominator": None}
    await way.send(event(data(numerator=-1)))
    broken = event(id="e-2")
    broken.value = b"{"
    await way.send(broken, event(data(**flow, as_of="2023-08-31", value=437), id="e-3"))
    await way.send(event(data(**flow, value=436), id="e-4"))
    before = [await fate(way, id) for id in ("e-1", "e-2", "e-3", "e-4")], await listed(way)
    assert len(way.heard) == 4
    await way.hear(list(way.heard))
    assert ([await fate(way, id) for id in ("e-1", "e-2", "e-3", "e-4")], await listed(way)) == before


async def test_poison_among_the_answers_holds_up_nobody() -> None:
    way = WholeWay()
    poison = [
        Outgoing(b"", None, []),
        Outgoing(b"", b"\xff\xfe", []),
        Outgoing(b"", b"{}", an_event().headers),  # type: ignore[arg-type]
        Outgoing(b"", b'{"source": "x"}', [("ce_type", b"vn.tiendo.statistic.rejected.v1")]),
        Outgoing(b"", b"{" * 100_000, [("dlq_topic", b"t"), ("dlq_reason", b"r")]),
        Outgoing(b"", b'{"source":"\\ud800"}', [("content-type", STRUCTURED.encode()), *dead_letter("r").headers[-7:]]),
    ]
    await way.send(event(data(numerator=-1)))
    rejected = way.heard[0][1]
    hollow: list[AnyRecord] = [
        Verbatim(b"", value, [*rejected.headers]) for value in (b"{}", b"[]", b'{"problems": [1]}')
    ]
    for topic in way.listeners:
        await way.hear([(topic, one) for one in [*hollow, *poison]])
    assert way.unreadable() >= 20
    assert (await fate(way))["state"] == "refused"
    assert [line["id"] for line in await listed(way)] == ["e-1"]


@pytest.mark.parametrize("claimed", ["2024-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-10:00"])
async def test_a_publisher_does_not_set_the_business_clock_by_a_header(claimed: str) -> None:
    way = WholeWay()
    one = event()
    one.value = b"not json"
    one.headers = [*one.headers, ("ce_businesstime", claimed.encode())]
    await way.send(one)
    assert [topic for topic, _ in way.heard] == [STATISTICS_REJECTED.name, STATISTICS_REPORTED.dlq]
    assert way.clock.now() == NOON


# who may ask


def test_who_asks_sees_its_own_sources_and_whoever_sits_at_the_machine_all_of_them() -> None:
    catalogs = {"dak-nong": CATALOG}
    assert [may_see(frozenset({EDOC}), one) for one in (EDOC, PORTAL, "urn:of-nobody")] == [True, False, False]
    assert [may_see(None, one) for one in (EDOC, "urn:of-nobody")] == [True, True]
    assert to_be_listed(catalogs, frozenset({EDOC}), None) == {EDOC}
    assert to_be_listed(catalogs, frozenset({EDOC, PORTAL}), PORTAL) == {PORTAL}
    assert to_be_listed(catalogs, None, None) == {EDOC, PORTAL}


@pytest.mark.parametrize("state", ["accepted", "refused", "unknown"])
async def test_the_event_of_another_source_is_no_event(state: str) -> None:
    way = WholeWay()
    if state != "unknown":
        await way.send(event(data(numerator=-1) if state == "refused" else None))
    assert (await tracing.fate(way.gateway.parts, frozenset({EDOC}), EDOC, "e-1")).state == state
    with pytest.raises(Problem) as refusal:
        await tracing.fate(way.gateway.parts, frozenset({PORTAL}), EDOC, "e-1")
    assert (refusal.value.status, refusal.value.code) == (404, "not_found")


async def test_what_another_writes_under_its_name_is_no_event_of_a_publisher() -> None:
    way = WholeWay()
    rubbish = event(id="e-2")
    rubbish.value = b"{broken"
    for record in (stolen := event()), rubbish:
        record.topic = own_topic("dak-nong", "portal").name
    await way.send(event(), stolen, rubbish)
    assert ((await fate(way))["state"], (await fate(way, "e-2"))["state"]) == ("accepted", "unknown")
    for id, code in (("e-1", "not_your_figure"), ("e-2", "bad_json")):
        told = await fate(way, id, PORTAL)
        assert codes(told)[0] == [code]
    assert {one["source"] for one in await listed(way, source=EDOC)} == {EDOC}
    assert [one["id"] for one in await listed(way, source=EDOC)] == ["e-1"]


async def test_a_publisher_lists_its_own_events_only() -> None:
    way = WholeWay()
    terminals = data(kpi="terminals", org_unit="dak-nong.dak-mil", numerator=None, denominator=None, value=7)
    await way.send(event(), event(terminals, id="p-1", source=PORTAL), event(data(), id="p-2", source=PORTAL))
    lines, following = await tracing.recent(way.gateway.parts, Wanted(frozenset({PORTAL})), None, 10)
    assert (sorted((line.id or "", line.state) for line in lines), following) == (
        [("p-1", "accepted"), ("p-2", "refused")],
        None,
    )
    for before in (None, (NOON, "x")):
        assert await tracing.recent(way.gateway.parts, Wanted(frozenset()), before, 10) == ([], None)
    with pytest.raises(Problem) as refusal:
        to_be_listed({"dak-nong": CATALOG}, frozenset({PORTAL}), EDOC)
    assert refusal.value.status == 404


async def test_a_province_with_a_thousand_sources_lists_the_events_of_all_of_them() -> None:
    sources = [f"urn:tiendo:source:dak-nong:{'a-long-name-' * 8}{number}" for number in range(1_000)]
    said = [
        an_observation(numerator=number, denominator=1_000, source=one) for number, one in enumerate(sources[::100])
    ]
    asked, before = owners(Away(), ingest_with(said)), None
    seen: list[ObservationRecorded] = []
    while page := (await asked.accepted(sources, None, before, 3)).items:
        assert len(page) <= 3
        seen += [one.observation for one in page]
        before = page[-1].stored_at, page[-1].observation.observation_id
    assert seen == said[::-1]


def paths(id: str) -> list[str]:
    """Every way to ask about an event of the first source."""
    ref = event_ref(EDOC, id)
    return [f"/api/v1/events?source={EDOC}&id={id}", f"/api/v1/events/{ref}", f"/events/{ref}"]


LIST = f"/events?source={EDOC}&state=refused"
"""The page of many."""


async def test_away_from_the_machine_of_a_trial_a_key_is_asked_for() -> None:
    async with WholeWay("production").gateway.client() as client:
        for path in ("/api/v1/events", LIST, *paths("e-1")):
            assert (await client.get(path)).status_code == 401, path
        page = (await client.get(paths("e-1")[2])).text
    assert 'id="with-key"' in page
    assert "name=" not in page.split('id="with-key"')[1].split("</form>")[0]


async def test_with_its_key_a_publisher_sees_its_own_events_and_nobody_elses() -> None:
    way = WholeWay("production")
    await way.send(event())
    own, others, writing = (
        way.gateway.keys.give(*of) for of in (("edoc",), ("portal",), ("edoc", Scope.IMPORTS_WRITE))
    )
    async with way.gateway.client() as client:

        async def statuses(key: str) -> list[int]:
            headers = {"authorization": f"Bearer {key}"}
            asked = [*paths("e-1"), *paths("never"), f"/api/v1/events?source={EDOC}", LIST]
            return [(await client.get(path, headers=headers)).status_code for path in asked]

        async def lines(key: str) -> int:
            answer = await client.get("/api/v1/events", headers={"authorization": f"Bearer {key}"})
            return len(answer.json()["items"])

        assert await statuses(own) == [200] * 8
        assert await statuses(others) == [404] * 8
        assert await statuses(writing) == [403] * 8
        assert (await lines(own), await lines(others)) == (1, 0)


@pytest.mark.parametrize("ref", ["x", "dXJuOmE", "=" * 8, "a" * 5_000])
async def test_a_name_that_names_nothing_is_no_event(ref: str) -> None:
    async with Gateway().client() as client:
        answer = await client.get(f"/api/v1/events/{ref}")
        page = await client.get(f"/events/{ref}")
    assert (answer.status_code, answer.json()["code"], page.status_code) == (404, "not_found", 404)


# recent events


async def several() -> WholeWay:
    """Three accepted, one of them refused before and one used twice; two refused, one of them twice; one unreadable."""
    way = WholeWay()
    wrong = data(numerator=-1)
    await way.send(event(id="a"))
    await way.send(event(wrong, id="b"))
    await way.send(event(wrong, id="c"))
    await way.send(event(data(as_of="2023-08-31"), id="b"))
    await way.send(event(data(as_of="2023-07-31", kpi="digitised-share"), id="d"))
    await way.send(event(data(as_of="2023-07-31", numerator=1), id="d"))
    await way.send(event(data(numerator=1, denominator=0, kpi="digitised-share"), id="e"))
    await way.send(event(data(numerator=2, denominator=-1, kpi="digitised-share"), id="e"))
    broken = event(id="f")
    broken.value = b"{"
    await way.send(broken)
    return way


EVERY = {
    "a": "accepted",
    "b": "refused_since",
    "c": "refused",
    "d": "identity_reused",
    "e": "refused",
    "f": "quarantined",
}


async def test_the_list_holds_each_event_once_as_it_stands_the_latest_first() -> None:
    lines = await listed(await several())
    assert {line["id"]: line["state"] for line in lines} == EVERY
    assert len(lines) == len(EVERY)
    moments = [line["at"] for line in lines]
    assert moments == sorted(moments, reverse=True)
    told = {line["id"]: line for line in lines}
    assert (told["a"]["ref"], told["a"]["text_en"]) == (event_ref(EDOC, "a"), None)
    assert "numerator" in told["c"]["text_en"]
    assert told["e"]["codes"][0] in ("negative", "schema", "numerator_above_denominator")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
async def test_pages_of_events_follow_one_another_without_gap_or_repeat(limit: int) -> None:
    way = await several()
    seen: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    async with way.gateway.client() as client:
        while True:
            page = (await client.get("/api/v1/events", params=query)).json()
            assert len(page["items"]) <= limit
            seen += [line["id"] for line in page["items"]]
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
    assert seen == [line["id"] for line in await listed(way)]


async def test_events_are_filtered_by_state_kpi_source_and_time() -> None:
    way = await several()

    async def ids(**query: Any) -> list[str]:
        return sorted(line["id"] for line in await listed(way, **query))

    assert await ids(state="refused") == ["c", "e"]
    assert await ids(state=["quarantined", "accepted"]) == ["a", "f"]
    assert await ids(state="unknown") == []
    assert await ids(kpi="digitised-share") == ["d", "e"]
    assert await ids(kpi="digitised-share", state="refused") == ["e"]
    assert await ids(source=EDOC) == sorted(EVERY)
    assert await ids(source=PORTAL) == []
    lines = await listed(way)
    assert await ids(since=lines[2]["at"]) == sorted(line["id"] for line in lines[:3])


async def test_a_long_list_without_what_fits_ends_with_a_short_page_and_a_cursor() -> None:
    way = WholeWay()
    for first in range(0, 2_500, 500):
        days = [(NOON - timedelta(days=n % 200)).date().isoformat() for n in range(first, first + 500)]
        records = [event(data(as_of=day), id=f"n{first + n}") for n, day in enumerate(days)]
        await way.send(*records, folded=False)
    async with way.gateway.client() as client:
        first_page = (await client.get("/api/v1/events", params={"kpi": "terminals"})).json()
        query = {"kpi": "terminals", "cursor": first_page["next"]}
        last_page = (await client.get("/api/v1/events", params=query)).json()
    assert (first_page["items"], last_page) == ([], {"items": [], "next": None})
    assert first_page["next"] is not None


async def test_one_event_that_is_sent_wrong_without_end_hides_no_other() -> None:
    way = WholeWay()
    await way.send(event(data(numerator=-1), id="quiet"))
    await way.send(event(data(numerator=-1), id="loud"))
    (again,) = (one for one in way.replies.refusals.values() if one["source_id"] == "loud")
    later = [{**again, "_id": f"{n}", "at": again["at"] + timedelta(seconds=n)} for n in range(1, 1_001)]
    await way.replies.put_refusals(later)
    assert [line["id"] for line in await listed(way)] == ["loud", "quiet"]
    assert len((await fate(way, "loud"))["turned_away"]) == 20


async def test_what_had_no_readable_id_is_listed_without_a_link() -> None:
    way = WholeWay()
    nameless = event()
    nameless.headers = [(name, value) for name, value in nameless.headers if name != "ce_id"]
    await way.send(nameless)
    (line,) = await listed(way)
    assert (line["ref"], line["id"], line["state"], line["codes"]) == (None, None, "quarantined", ["not_cloudevent"])
    assert "the attribute id" in line["text_en"]


@pytest.mark.parametrize("position", [[10**30, "x"], [-(10**17), "x"], [0, "\ud800"], ["0", "x"], [0]])
async def test_a_cursor_that_somebody_made_up_is_refused_in_words(position: list[Any]) -> None:
    mark = cursors.mark_of(["events", None, None, [], [], None])
    word = json.dumps([mark, *position]).encode()
    cursor = base64.urlsafe_b64encode(word).decode().rstrip("=")
    async with Gateway().client() as client:
        answer = await client.get("/api/v1/events", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_an_instant_beyond_all_calendars_is_as_good_as_the_first_or_the_last(since: str) -> None:
    lines = await listed(await several(), since=since)
    assert len(lines) == (len(EVERY) if since.startswith("0001") else 0)


@pytest.mark.parametrize(
    "query",
    [{"id": "1"}, {"state": "lost"}, {"since": "2023-10-01"}, {"cursor": "x"}, {"source": ""}, {"who": "me"}],
)
async def test_questions_that_make_no_sense_are_refused_in_words(query: dict[str, str]) -> None:
    async with Gateway().client() as client:
        answer = await client.get("/api/v1/events", params=query)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("bad_parameter", "bad_cursor")


async def test_an_unchanged_answer_is_not_sent_again() -> None:
    way = await several()
    async with way.gateway.client() as client:
        for path in ("/api/v1/events", f"/api/v1/events/{event_ref(EDOC, 'a')}", f"/events/{event_ref(EDOC, 'a')}"):
            tag = (await client.get(path)).headers["etag"]
            assert (await client.get(path, headers={"if-none-match": tag})).status_code == 304


async def test_an_owner_that_is_away_is_named() -> None:
    way = WholeWay()
    await way.send(event())
    answers = {}
    for name, asked in (
        ("ingest", owners(metrics_of(way.engine), Away())),
        ("metrics", owners(Away(), ingest_with([]))),
    ):
        gateway = Gateway(catalogs={"dak-nong": CATALOG}, owners=asked)
        async with gateway.client() as client:
            answers[name] = await client.get("/api/v1/events", params={"source": EDOC, "id": "e-1"})
    assert (answers["ingest"].status_code, "ingest" in answers["ingest"].json()["detail_en"]) == (503, True)
    assert answers["metrics"].json()["state"] == "unknown"  # metrics is asked of accepted events only


# the page


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_the_page_tells_it_in_order_with_sentences_fields_and_links(lang: str) -> None:
    way = WholeWay()
    await way.send(event(data(numerator=-1)))
    await way.send(event(data(value="91.2", note="<b>sửa</b>")))
    async with way.gateway.client() as client:
        page = (await client.get(f"/events/{event_ref(EDOC, 'e-1')}?lang={lang}")).text
    steps = page.split('class="happened"')[1].split("</ol>")[0]
    refused, accepted = ("Bị từ chối", "vào sổ tiếp nhận") if lang == "vi" else ("Refused", "in the ledger")
    assert steps.index(refused) < steps.index(accepted)
    assert "numerator" in steps
    assert page.count('data-holds="true"') == 3
    assert "/explain?kpi=signed-share&amp;unit=dak-nong&amp;period=2023" in page
    assert "&lt;b&gt;sửa&lt;/b&gt;" in page
    assert "<b>sửa" not in page


async def test_of_one_moment_the_page_tells_first_what_was_refused_then_what_was_accepted_then_what_was_reused() -> (
    None
):
    way = WholeWay()
    for content in (data(numerator=-1), data(), data(numerator=5)):
        await way.send(event(content))
    async with way.gateway.client() as client:
        page = (await client.get(f"/events/{event_ref(EDOC, 'e-1')}?lang=en")).text
    steps = page.split('class="happened"')[1].split("</ol>")[0]
    told = [steps.index(one) for one in ("negative", "in the ledger", "another content")]
    assert told == sorted(told)


async def test_the_page_writes_days_and_moments_as_people_here_do() -> None:
    way = WholeWay()
    await way.send(event(data(as_of="2026-02-27T18:00:00Z", numerator=-1)))
    await way.send(event(data(), id="e-2"))
    await way.send(event(data(numerator=5), id="e-2"))
    async with way.gateway.client() as client:
        refused = (await client.get(f"/events/{event_ref(EDOC, 'e-1')}")).text
        reused = (await client.get(f"/events/{event_ref(EDOC, 'e-2')}")).text
    assert "đến 28/02/2026" in refused
    assert "nhận lúc 30/09/2023 12:00 và vẫn giữ nguyên" in reused


async def test_the_page_of_many_lists_what_the_letter_tells_of_each_with_its_own_page() -> None:
    way = WholeWay()
    await way.send(event(data(numerator=-1, note="<b>")))
    await way.send(event(data(numerator=-1), id="e-2"))
    await way.send(event(data(), id="e-2"))
    await way.send(event(data(as_of="2023-09-29"), id="e-3"))
    await way.send(event(data(as_of="2023-09-29", numerator=5), id="e-3"))
    await way.send(event(data(as_of="2023-09-28"), id="fine"))
    asked = f"/events?state=refused&state=identity_reused&state=refused_since&source={EDOC}"
    async with way.gateway.client() as client:
        page = (await client.get(asked)).text
        english = (await client.get(asked + "&lang=en&limit=1")).text
        none = (await client.get("/events?state=parked&lang=vi")).text
        wrong = await client.get("/events?state=nonsense")
    for id, state in (("e-1", "refused"), ("e-2", "refused_since"), ("e-3", "identity_reused")):
        row = page.split(f'data-state="{state}"')[1].split("</tr>")[0]
        assert f"/events/{event_ref(EDOC, id)}" in row
    assert page.count("<tr data-state=") == 3
    assert "fine" not in page
    assert "<td>30/09/2023</td>" in page
    assert "Các số liệu đã gửi" in page
    assert "Figures that were sent" in english
    assert "Earlier ones" in english
    assert "cursor=" in english
    assert "Không có số liệu nào như vậy." in none
    assert wrong.status_code == 400


async def test_the_page_of_what_nobody_saw_says_what_to_do() -> None:
    async with WholeWay().gateway.client() as client:
        page = await client.get(f"/events/{event_ref(EDOC, 'never')}")
    assert page.status_code == 200
    assert "Chưa thấy" in page.text
    assert "/readyz" in page.text
