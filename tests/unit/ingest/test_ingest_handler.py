"""The door as a whole, on fakes: what goes where, in which order, and what crashes and repeats cannot change."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from contracts import envelope
from contracts.envelope import Event
from contracts.observations import observation_id
from contracts.statistics import Problem, StatisticRejected, StatisticReported
from contracts.topics import STATISTICS_REPORTED
from services.ingest.desk import Desks, Passed
from services.runtime.clock import SystemClock
from services.runtime.errors import Transient
from services.runtime.kafka.dead_letters import DeadLetterQueue
from services.runtime.kafka.fuse import OURS, UNREADABLE
from services.runtime.kafka.producer import AnyRecord, BatchProducer
from tests.unit.ingest.door import CATALOG, EDOC, LOG, NOON, PORTAL, Record, World, an_event, an_examiner, data, figure

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def bad(value: bytes | None, offset: int = 0, source: str = EDOC) -> Record:
    record = an_event(offset=offset, source=source)
    record.value = value
    return record


def ce(message: AnyRecord, name: str) -> str | None:
    return envelope.header(message.headers, f"ce_{name}")


async def test_an_accepted_figure_becomes_an_observation_under_province_and_kpi() -> None:
    world = World()
    await world.handle(an_event(extensions={"traceparent": TRACE}))
    (message,) = world.broker.on("observations.v1")
    assert message.key == b"dak-nong/signed-share"
    assert ce(message, "id") == observation_id(EDOC, "e-1")
    assert ce(message, "type") == "vn.tiendo.observation.recorded.v1"
    assert ce(message, "traceparent") == TRACE
    assert ce(message, "businesstime") == "2023-09-30T05:00:00Z"
    assert world.count("ingest_accepted") == 1


async def test_an_event_without_trace_gets_one_that_a_redelivery_has_too() -> None:
    world = World()
    await world.handle(an_event(extensions={"traceparent": "not a trace"}))
    await world.handle(an_event(extensions={"traceparent": "not a trace"}))
    first, second = (ce(message, "traceparent") for message in world.broker.on("observations.v1"))
    assert first == second
    assert first is not None
    assert first.startswith(f"00-{observation_id(EDOC, 'e-1')}-")


async def test_a_refused_figure_goes_back_to_its_source_with_reasons_and_original() -> None:
    world = World()
    await world.handle(an_event(data(numerator=1013, note="x"), offset=7, partition=2))
    (message,) = world.broker.on("statistics.rejected.v1")
    rejection = StatisticRejected.model_validate_json(message.value or b"")
    assert (message.key, ce(message, "id")) == (EDOC.encode(), f"{LOG}/2/7")
    assert (rejection.source, rejection.id, rejection.reported_at) == (EDOC, "e-1", NOON)
    assert [problem.code for problem in rejection.problems] == ["numerator_above_denominator"]
    assert rejection.original == data(numerator=1013, note="x")
    assert world.broker.on("observations.v1") == []
    assert world.ledger.entries == {}
    assert world.count("ingest_rejected", code="numerator_above_denominator") == 1


async def test_numbers_of_a_refused_figure_go_back_as_they_were_written() -> None:
    world = World()
    record = bad(b'{"kpi": "k", "value": 91.30, "n": 123456789, "t": "\xc4\x91"}')
    await world.handle(record)
    (message,) = world.broker.on("statistics.rejected.v1")
    assert b'"value":91.30' in (message.value or b"")


DEEP = b'{"t": ' + b"[" * 400 + b"]" * 400 + b"}"


@pytest.mark.parametrize("text", [b'{"n": 123456789012345678901234567890}', b'{"t": "\\ud800"}', DEEP])
async def test_any_json_can_go_back(text: bytes) -> None:
    world = World()
    await world.handle(bad(text))
    (rejection,) = world.broker.rejections()
    assert rejection["original"]


async def test_bytes_that_cannot_be_read_are_quarantined_and_their_source_is_told() -> None:
    world = World()
    await world.handle(bad(b"{broken", offset=3), an_event(offset=4))
    (letter,) = world.broker.letters
    assert (letter.record.offset, letter.reason, letter.source) == (3, "bad_json", EDOC)
    (rejection,) = world.broker.rejections()
    assert rejection["problems"][0]["code"] == "bad_json"
    assert base64.b64decode(rejection["original"]) == b"{broken"
    assert len(world.broker.observations()) == 1


async def test_bytes_without_a_readable_source_are_only_quarantined() -> None:
    world = World()
    await world.handle(Record(b"{}", []))
    assert [letter.source for letter in world.broker.letters] == [None]
    assert world.broker.rejections() == []


class Stumbling(Desks):
    """Has a fault that a certain note brings to light."""

    def examine(self, event: Event, figure: StatisticReported, *moments: datetime) -> Passed | tuple[Problem, ...]:
        if figure.note == "stumble":
            raise ZeroDivisionError("of ours")
        return super().examine(event, figure, *moments)


def a_stumbling_world() -> World:
    usual = an_examiner(moving=True, lead=timedelta(days=400))
    return World(examiner=replace(usual, desks=Stumbling({"dak-nong": CATALOG}, timedelta(days=400))))


async def test_a_batch_that_was_not_unpacked_is_quarantined_as_it_came_and_stops_nobody() -> None:
    why = b"the batch of the offsets 0 to 4 was not unpacked: it is larger"
    for value in (b"packed", b"packed" * 100_000):
        world = World()
        await world.handle(Record(value, [("tiendo_packed", why)], offset=4), an_event(offset=5))
        (letter,) = world.broker.letters
        assert (letter.record.value, letter.reason, letter.detail) == (value, "not_unpacked", why.decode())
        assert len(world.broker.observations()) == 1


async def test_a_fault_of_ours_costs_one_record_and_not_the_batch() -> None:
    world = a_stumbling_world()
    bad_ones = [an_event(data(note="stumble"), id=f"s-{n}", offset=n) for n in range(2)]
    with capture_logs() as said:
        await world.handle(*bad_ones, an_event(offset=9))
    assert len(world.broker.observations()) == 1
    assert [(x.reason, x.detail) for x in world.broker.letters] == [("internal", "ZeroDivisionError: of ours")] * 2
    assert world.broker.blames == [OURS, OURS, None]
    assert world.broker.rejections() == [], "nobody is told that it was their fault"
    (line,) = [line for line in said if line["event"] == "stumbled"]
    assert (line["records"], type(line["exc_info"])) == (2, ZeroDivisionError)


async def test_invented_sources_are_not_blamed_for_what_cannot_be_read_and_all_without_one_are_as_one() -> None:
    world = World()
    await world.handle(bad(b"{", 1), bad(b"{", 2, "urn:example:invented"), Record(b"{}", [], 3))
    assert world.broker.blames == [EDOC, UNREADABLE]


async def test_broken_records_under_invented_sources_stop_nobody() -> None:
    world = World()
    queue = DeadLetterQueue(STATISTICS_REPORTED, "ingest", cast(BatchProducer, world.broker), world.telemetry)
    world.door = replace(world.door, quarantine=queue)
    rubbish = [bad(b"{", n, f"urn:example:invented:{n % 3}") for n in range(60)]
    await world.handle(*rubbish, an_event(offset=60))
    assert len(world.broker.observations()) == 1
    assert len(world.broker.on(STATISTICS_REPORTED.dlq)) == 60


async def test_the_log_says_why_figures_were_refused_in_one_short_line() -> None:
    world = World()
    odd = an_event(data(org_unit="\x1b[31mnowhere"), id="odd", offset=0)
    many = [an_event(data(numerator=1013), id=f"r-{n}", offset=n) for n in range(1, 20)]
    with capture_logs() as said:
        await world.handle(odd, *many)
    (line,) = [line for line in said if line["event"] == "refused"]
    assert (line["figures"], len(line["first"])) == (20, 5)
    assert "\x1b" not in line["first"][0]["why"]
    assert line["first"][1] == {
        "code": "numerator_above_denominator",
        "source": EDOC,
        "id": "r-1",
        "why": "The numerator 1,013 is above the denominator 1,000: check both figures.",
    }


async def test_a_batch_without_refusals_says_nothing_of_them() -> None:
    with capture_logs() as said:
        await World().handle(an_event())
    assert "refused" not in [line["event"] for line in said]


async def test_tombstones_and_foreign_events_do_not_count_as_poison() -> None:
    world = World()
    await world.handle(bad(None, 1), an_event(type="com.example.other", offset=2), bad(b"{", 3), an_event(offset=4))
    assert [letter.reason for letter in world.broker.letters] == ["tombstone", "foreign_type", "bad_json"]
    assert world.broker.blames == [EDOC, None]


async def test_the_same_record_again_publishes_the_same_bytes_again() -> None:
    world = World()
    await world.handle(an_event())
    world.clock.observe(NOON + timedelta(days=3))
    await world.handle(an_event())
    first, second = world.broker.on("observations.v1")
    assert first == second
    assert (world.count("ingest_accepted"), world.count("ingest_redelivered")) == (1, 1)


async def test_the_publishers_duplicate_is_dropped_and_counted() -> None:
    world = World()
    await world.handle(an_event(offset=1))
    await world.handle(an_event(offset=2))
    assert len(world.broker.observations()) == 1
    assert world.broker.rejections() == []
    assert world.count("ingest_duplicates") == 1


async def test_another_content_under_a_taken_identity_is_kept_as_evidence_and_reported_back() -> None:
    world = World()
    await world.handle(an_event(offset=1))
    await world.handle(an_event(data(numerator=914), offset=2))
    assert [seen["numerator"] for seen in world.broker.observations()] == ["913"]
    (rejection,) = world.broker.rejections()
    assert [problem["code"] for problem in rejection["problems"]] == ["identity_reused"]
    assert [reuse.raw.offset for reuse in world.ledger.reuses.values()] == [2]
    assert world.count("ingest_identity_reused") == 1


async def test_repeats_within_one_batch_are_told_apart_too() -> None:
    world = World()
    await world.handle(an_event(offset=1), an_event(offset=2), an_event(data(numerator=914), offset=3))
    assert [seen["raw"]["offset"] for seen in world.broker.observations()] == [1]
    assert (world.count("ingest_duplicates"), world.count("ingest_identity_reused")) == (1, 1)


async def test_a_refused_event_may_be_mended_and_sent_again_under_its_id() -> None:
    world = World()
    await world.handle(an_event(data(numerator=1013), offset=1), an_event(data(numerator=913), offset=2))
    assert [seen["raw"]["offset"] for seen in world.broker.observations()] == [2]
    assert [r["problems"][0]["code"] for r in world.broker.rejections()] == ["numerator_above_denominator"]


async def test_a_refusal_read_again_after_the_mended_event_was_accepted_is_the_same_refusal() -> None:
    world = World()
    batch = (an_event(data(numerator=1013), offset=1), an_event(data(numerator=913), offset=2))
    await world.handle(*batch)
    await world.handle(*batch)
    first, second = world.broker.on("statistics.rejected.v1")
    assert first.value == second.value
    assert world.ledger.reuses == {}


async def test_an_accepted_event_read_again_under_a_catalog_that_refuses_it_stays_accepted() -> None:
    world = World()
    event = an_event(figure("terminals", org_unit="24611", value=3), source=PORTAL)
    await world.handle(event)
    emptied = World(ledger=world.ledger, broker=world.broker, examiner=an_examiner(catalogs={}, moving=True))
    await emptied.handle(event)
    first, second = world.broker.on("observations.v1")
    assert first.value == second.value
    assert world.broker.rejections() == []


async def test_a_crash_between_ledger_and_broker_leads_to_publication_when_the_record_comes_again() -> None:
    world = World()
    world.broker.fails = 1
    batch = (an_event(id="a", offset=1), an_event(data(numerator=1013), id="b", offset=2), an_event(id="c", offset=3))
    with pytest.raises(Transient):
        await world.handle(*batch)
    assert len(world.ledger.entries) == 2
    assert world.broker.published == []
    await world.handle(*batch)
    assert [seen["raw"]["offset"] for seen in world.broker.observations()] == [1, 3]
    assert len(world.broker.rejections()) == 1


async def test_a_failure_moves_neither_clock_nor_counters() -> None:
    world = World()
    world.broker.fails = 1
    with pytest.raises(Transient):
        await world.handle(an_event(time=NOON + timedelta(days=1)))
    assert (world.clock.now(), world.count("ingest_accepted")) == (NOON, 0)


async def test_a_batch_is_one_trip_to_the_ledger_and_one_publication_a_topic() -> None:
    world = World()
    await world.handle(*(an_event(id=f"e-{n}", offset=n) for n in range(500)))
    assert world.ledger.trips == 1
    assert len(world.broker.observations()) == 500


async def test_the_business_clock_follows_what_was_accepted() -> None:
    world = World()
    later = NOON + timedelta(days=30)
    refused = an_event(data(kpi="nothing"), id="r", time=later + timedelta(days=60), offset=1)
    accepted = an_event(data(as_of="2023-10-30"), id="a", time=later, offset=2)
    await world.handle(refused, accepted)
    assert world.clock.now() == later
    (message,) = world.broker.on("observations.v1")
    assert ce(message, "businesstime") == envelope.instant(later)


async def test_with_the_systems_clock_no_business_time_is_passed_on() -> None:
    now = datetime.now(UTC)
    world = World(clock=SystemClock(), examiner=an_examiner())
    await world.handle(an_event(data(as_of=now.date().isoformat()), time=now))
    messages = world.broker.on("observations.v1") + world.broker.on("statistics.rejected.v1")
    assert [ce(message, "businesstime") for message in messages] == [None]


def a_stream(size: int, partitions: int) -> list[Record]:
    """Figures, duplicates, reuses, refusals and rubbish, under ids that come back."""
    shapes: list[Any] = [data(numerator=n % 9) for n in range(6)] + [data(numerator=1013), data(kpi="nothing")]
    records = []
    for n in range(size):
        content = shapes[(n * 7) % len(shapes)]
        record = an_event(content, id=f"e-{(n * 5) % 11}", offset=n // partitions, partition=n % partitions)
        if n % 13 == 5:
            record.value = b"{"
        records.append(record)
    return records


@pytest.mark.parametrize("partitions", [1, 2])
@given(plan=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2), st.booleans()), min_size=1, max_size=12))
async def test_batches_crashes_and_redeliveries_do_not_change_what_is_observed(
    partitions: int, plan: list[tuple[int, int, bool]]
) -> None:
    """Each step: so many records, so many crashes before it succeeds, and whether its commit is lost afterwards."""
    records = a_stream(40, partitions)
    calm = World()
    await calm.handle(*records)
    rough, position, step = World(), 0, 0
    while position < len(records):
        size, crashes, lost = plan[step % len(plan)] if step < 3 * len(plan) else (12, 0, False)
        step += 1
        batch = records[position : position + size]
        for _ in range(crashes):
            rough.broker.fails = 1
            try:
                await rough.handle(*batch)
            except Transient:
                continue
        rough.broker.fails = 0
        await rough.handle(*batch)
        position += 0 if lost else len(batch)
    expected, seen = calm.broker.on("observations.v1"), rough.broker.on("observations.v1")
    assert set(_values(seen)) == set(_values(expected))
    assert list(dict.fromkeys(_values(seen))) == _values(expected)
    assert {e.observation_id: e.payload for e in rough.ledger.entries.values()} == {
        e.observation_id: e.payload for e in calm.ledger.entries.values()
    }
    if partitions == 1:  # over several, a refusal that is read again may find its identity taken meanwhile
        assert _rejected(rough) == _rejected(calm)


def _values(messages: list[AnyRecord]) -> list[bytes]:
    return [message.value or b"" for message in messages]


def _rejected(world: World) -> dict[str | None, list[str]]:
    return {
        ce(message, "id"): [problem["code"] for problem in orjson.loads(message.value or b"")["problems"]]
        for message in world.broker.on("statistics.rejected.v1")
    }
