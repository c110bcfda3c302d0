"""When a source is parked, and what becomes of its events then."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import envelope
from contracts.statistics import StatisticRejected
from contracts.topics import STATISTICS_REJECTED, STATISTICS_REPORTED
from services.ingest import answers, parking, unparking
from services.ingest.lot import Lot
from services.ingest.normalise import Raw
from services.ingest.parking import ParkedSource, Reading, Trouble, Walked
from services.runtime.errors import Blown, Transient
from services.runtime.kafka.dead_letters import DeadLetterQueue
from services.runtime.kafka.producer import BatchProducer
from tests.unit.ingest.door import EDOC, LOG, NOON, PORTAL, TOPIC, FakeParkings, Record, World, an_event, data, figure

GOOD, BAD, OTHER = Reading.READABLE, Reading.UNREADABLE, Reading.NEITHER


def walked(readings: Sequence[tuple[str | None, Reading]], parked: frozenset[str] = frozenset()) -> Walked:
    return parking.walk(readings, parked, {})


def test_a_source_is_parked_by_fifty_unreadable_records_in_a_row() -> None:
    assert walked([("a", BAD)] * 49).parked == ()
    one = walked([("a", BAD)] * 50 + [("a", GOOD), ("a", BAD)])
    assert one.parked == (("a", 49, "row", 50),)
    assert one.aside == {50, 51}
    assert one.troubles == {}


def test_what_others_send_in_between_neither_breaks_a_row_nor_is_set_aside() -> None:
    one = walked([("a", BAD), ("b", GOOD), (None, BAD)] * 60)
    assert one.parked == (("a", 49 * 3, "row", 50),)
    assert one.aside == set(range(50 * 3, 180, 3))


def test_a_readable_record_ends_a_row_and_what_is_not_counted_does_not() -> None:
    assert walked([*[("a", BAD)] * 49, ("a", GOOD), *[("a", BAD)] * 49]).parked == ()
    assert walked([*[("a", BAD)] * 49, ("a", OTHER), ("a", BAD)]).parked == (("a", 50, "row", 50),)


def test_a_source_is_parked_by_more_than_a_tenth_of_its_latest_thousand() -> None:
    rhythm = [("a", BAD), *[("a", GOOD)] * 9]
    assert walked(rhythm * 500).parked == ()
    assert walked([*rhythm * 99, ("a", BAD), *[("a", GOOD)] * 5, ("a", BAD)]).parked == (("a", 996, "share", 101),)


def test_a_thousand_readable_records_end_the_trouble() -> None:
    assert walked([("a", BAD), *[("a", GOOD)] * 999]).troubles.keys() == {"a"}
    assert walked([("a", BAD), *[("a", GOOD)] * 1_000]).troubles == {}


def test_sources_without_trouble_cost_nothing_to_remember() -> None:
    assert walked([("a", GOOD), ("b", OTHER), (None, BAD)]).troubles == {}


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([GOOD, BAD, BAD, OTHER])), max_size=300),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_where_batches_end_changes_nothing(readings: list[tuple[str, Reading]], cuts: list[int]) -> None:
    whole = parking.walk(readings, frozenset(), {})
    parked: frozenset[str] = frozenset()
    troubles: dict[str, Trouble] = {}
    aside: frozenset[int] = frozenset()
    by: list[tuple[str, int]] = []
    edges = sorted({0, len(readings), *(min(cut, len(readings)) for cut in cuts)})
    for first, last in pairwise(edges):
        part = parking.walk(readings[first:last], parked, troubles)
        aside |= {first + index for index in part.aside}
        by += [(one.source, first + one.at) for one in part.parked]
        parked, troubles = parked | {one.source for one in part.parked}, part.troubles
    assert (aside, by, troubles) == (whole.aside, [(one.source, one.at) for one in whole.parked], whole.troubles)


@given(st.lists(st.sampled_from([GOOD, BAD, OTHER]), max_size=2_500), st.integers(1, 12))
def test_a_source_is_parked_where_a_plain_count_says_so(some: list[Reading], times: int) -> None:
    readings = some * times
    counted = [(index, reading is BAD) for index, reading in enumerate(readings) if reading is not OTHER]
    expected = None
    for at, (index, bad) in enumerate(counted):
        latest = [was_bad for _, was_bad in counted[max(0, at - 999) : at + 1]]
        if bad and (latest[-50:] == [True] * 50 or sum(latest) > 100):
            expected = index
            break
    (one,) = walked([("a", reading) for reading in readings]).parked or (None,)
    assert (one and one.at) == expected


# the door


def rubbish(offset: int, source: str = EDOC) -> Record:
    record = an_event(id=f"r-{offset}", offset=offset, source=source)
    record.value = b"{broken"
    return record


def portal(offset: int) -> Record:
    return an_event(figure("terminals", org_unit="24611", value=3), id=f"p-{offset}", offset=offset, source=PORTAL)


async def test_one_bad_publisher_is_parked_told_once_and_stops_nobody() -> None:
    world = World()
    queue = DeadLetterQueue(STATISTICS_REPORTED, "ingest", cast(BatchProducer, world.broker), world.telemetry)
    world.door = replace(world.door, quarantine=queue)
    for first in range(0, 400, 100):
        batch = [(rubbish if n % 2 else portal)(n) for n in range(first, first + 100)]
        await world.handle(*batch)
    assert len(world.broker.observations()) == 200
    letters = world.broker.on(STATISTICS_REPORTED.dlq)
    reasons = [dict(letter.headers)["dlq_reason"] for letter in letters]
    assert (reasons.count(b"bad_json"), reasons.count(b"parked")) == (50, 150)
    told = [one for one in world.broker.rejections() if one["problems"][0]["code"] == "source_parked"]
    (rejection,) = [StatisticRejected.model_validate(one) for one in told]
    assert (rejection.source, rejection.id) == (EDOC, None)
    assert "50 bản tin liên tiếp không đọc được" in rejection.problems[0].message_vi
    assert "partition 0, offset 99" in rejection.problems[0].message_en
    assert len(world.broker.rejections()) == 51
    assert world.telemetry.registry.get_sample_value("tiendo_parked_sources") == 1


async def test_what_was_accepted_before_is_published_again_when_its_source_is_parked_since() -> None:
    world = World()
    before = [an_event(id="a", offset=1), an_event(data(numerator=1013), id="b", offset=2)]
    await world.handle(*before)
    await world.handle(*(rubbish(n) for n in range(3, 60)))
    assert world.parkings.sources.keys() == {EDOC}
    letters = len(world.broker.letters)
    await world.handle(*before, an_event(id="a", offset=70), an_event(id="new", offset=71))
    assert [seen["source_id"] for seen in world.broker.observations()] == ["a", "a"]
    assert world.count("ingest_duplicates") == 1
    assert [(one.reason, one.id) for one in world.broker.letters[letters:]] == [("parked", "b"), ("parked", "new")]
    assert world.ledger.entries.keys().isdisjoint({"new"})
    assert len(world.ledger.entries) == 1


async def test_a_source_that_is_unparked_is_read_again_and_begins_anew() -> None:
    world = World()
    await world.handle(*(rubbish(n) for n in range(60)))
    assert await world.parkings.unpark(EDOC)
    await world.handle(*(rubbish(n) for n in range(60, 109)), an_event(id="good", offset=109))
    assert world.parkings.sources == {}
    assert [seen["source_id"] for seen in world.broker.observations()] == ["good"]


async def test_whoever_was_told_that_its_source_is_parked_is_told_once_that_it_is_read_again() -> None:
    world = World()

    async def tell() -> None:
        await unparking.tell(world.parkings, world.broker, world.clock, stamped=True)

    await world.handle(*(rubbish(n) for n in range(60)))
    await tell()
    before = len(world.broker.on(STATISTICS_REJECTED.name))
    assert await world.parkings.unpark(EDOC)
    world.broker.fails = 1
    with pytest.raises(Transient):
        await tell()
    world.clock.observe(NOON + timedelta(hours=2))
    await tell()
    await tell()
    (message,) = world.broker.on(STATISTICS_REJECTED.name)[before:]
    event = envelope.read(message.headers, message.value)
    said = StatisticRejected.model_validate(event.data)
    assert [problem.code for problem in said.problems] == ["source_unparked"]
    assert (said.source, said.id, event.time) == (EDOC, None, NOON + timedelta(hours=2))
    assert said.raw is not None
    assert event.id == f"unparked/{said.raw.log}/0/49"


async def test_sources_that_nobody_registered_are_not_parked() -> None:
    world = World()
    await world.handle(*(rubbish(n, f"urn:invented:{n % 2}") for n in range(200)))
    assert world.parkings.sources == {}
    assert {letter.reason for letter in world.broker.letters} == {"bad_json"}


async def test_what_is_not_ours_parks_nobody() -> None:
    world = World()
    tombstones = [rubbish(n) for n in range(60)]
    for record in tombstones:
        record.value = None
    await world.handle(*tombstones, *(an_event(type="com.example.other", offset=n) for n in range(60, 120)))
    assert world.parkings.sources == {}


async def test_a_batch_that_fails_and_comes_again_parks_once_and_counts_nothing_twice() -> None:
    world = World()
    for _ in range(3):
        world.broker.fails = 1
        with pytest.raises(Transient):
            await world.handle(*(rubbish(n) for n in range(30)))
    await world.handle(*(rubbish(n) for n in range(30)))
    assert world.door.lot.troubles[EDOC].row == 30
    world.broker.fails = 1
    with pytest.raises(Transient):
        await world.handle(*(rubbish(n) for n in range(30, 60)))
    assert world.parkings.sources == {}
    await world.handle(*(rubbish(n) for n in range(30, 60)))
    assert world.parkings.sources[EDOC].raw.offset == 49


async def test_bad_payloads_of_two_sources_blow_the_fuse_before_anything_is_written() -> None:
    world = World()
    queue = DeadLetterQueue(STATISTICS_REPORTED, "ingest", cast(BatchProducer, world.broker), world.telemetry)
    world.door = replace(world.door, quarantine=queue)
    batch = [an_event(id="good", offset=0), *(rubbish(n, (EDOC, PORTAL)[n % 2]) for n in range(1, 61))]
    with pytest.raises(Blown, match="60 dead letters in a row, from several sources"):
        await world.handle(*batch)
    assert (world.broker.published, world.ledger.entries, world.parkings.sources) == ([], {}, {})
    queue.renew(60)
    await world.handle(*batch)
    assert len(world.broker.on(STATISTICS_REPORTED.dlq)) == 60
    assert [seen["source_id"] for seen in world.broker.observations()] == ["good"]


async def test_what_an_operator_wants_quarantined_parks_nobody_and_what_comes_after_it_counts_again() -> None:
    world = World()
    queue = DeadLetterQueue(STATISTICS_REPORTED, "ingest", cast(BatchProducer, world.broker), world.telemetry)
    world.door = replace(world.door, quarantine=queue)
    queue.renew(70)
    await world.handle(*(rubbish(n, (EDOC, "urn:invented")[n % 2]) for n in range(120)))
    await world.handle(*(rubbish(n) for n in range(120, 179)))
    assert (world.parkings.sources, queue.allowance) == ({}, 0)
    await world.handle(rubbish(179))
    assert world.parkings.sources.keys() == {EDOC}


# the lot


def a_parked_source(source: str = EDOC, since: datetime | None = None, **more: str) -> ParkedSource:
    raw = Raw(LOG, TOPIC, 3, 41)
    return ParkedSource(source, more.get("cause", "row"), 50, raw, b"{", since or datetime.now(UTC), NOON)


async def test_the_lot_asks_the_database_only_every_few_seconds() -> None:
    store = FakeParkings()
    lot = Lot(store, every_s=60)
    for _ in range(5):
        await lot.look()
    assert store.looks == 1


async def test_who_parked_a_source_tells_and_others_only_where_that_one_did_not_come_to_it() -> None:
    store = FakeParkings()
    one, other = Lot(store, every_s=0), Lot(store, every_s=0)
    await one.park([a_parked_source()])
    await other.look()
    assert (len(one.untold()), other.untold(), other.parked) == (1, [], frozenset({EDOC}))
    store.sources[EDOC] = a_parked_source(since=datetime.now(UTC) - timedelta(minutes=1))
    await other.look()
    assert len(other.untold()) == 1
    await other.told(other.untold())
    await one.look()
    assert (one.untold(), other.untold()) == ([], [])


async def test_a_source_that_another_parked_first_is_told_by_that_one() -> None:
    store = FakeParkings()
    one, other = Lot(store), Lot(store)
    first = a_parked_source()
    await one.park([first])
    await other.park([first._replace(raw=Raw(LOG, TOPIC, 9, 9))])
    assert other.untold() == []
    assert other.parked == {EDOC}


def test_what_is_said_of_a_parked_source_is_the_same_each_time_and_has_an_id_of_its_own() -> None:
    """Whoever tells it, and whenever: two processes may."""
    first, later = (a_parked_source(since=NOON + timedelta(days=days)) for days in (0, 3))
    told = answers.parked_message(first, stamped=True)
    assert told == answers.parked_message(later, stamped=True)
    headers = dict(told.headers)
    assert headers["ce_id"] == b"parked/6f1e2d3c4b5a69788796a5b4c3d2e1f0/3/41"
    assert headers["ce_time"] == headers["ce_businesstime"] == b"2023-09-30T05:00:00Z"
    assert headers["ce_traceparent"] == b"00-f12014fd58fe289e5f19cb966f21d5a7-5f19cb966f21d5a7-01"
    assert StatisticRejected.model_validate_json(told.value).reported_at == NOON
    other = answers.parked_message(first._replace(raw=Raw(LOG, TOPIC, 3, 42)), stamped=True)
    assert dict(other.headers)["ce_id"] == b"parked/6f1e2d3c4b5a69788796a5b4c3d2e1f0/3/42"


def test_the_share_is_said_in_both_languages() -> None:
    message = answers.parked_message(a_parked_source(cause="share")._replace(unreadable=101), stamped=False)
    (problem,) = StatisticRejected.model_validate_json(message.value).problems
    assert "101 trong 1.000 bản tin gần nhất không đọc được" in problem.message_vi
    assert "101 of the latest 1,000 records could not be read" in problem.message_en
