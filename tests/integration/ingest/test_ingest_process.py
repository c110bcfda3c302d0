"""Ingest as a process on a real broker and database: what comes out, and what kill -9 cannot change."""

import asyncio
import random
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from httpx2 import AsyncClient
from pymongo import AsyncMongoClient

from contracts import envelope
from contracts.doors import ExaminedEvents
from contracts.rebuilds import LedgerExtent
from contracts.topics import TOPICS, own_topic
from deploy.embedded.errors import NotAvailable
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.ingest.archive import EXTENT
from services.ingest.decide import Entry
from services.ingest.handlers import Door
from services.ingest.lot import Lot
from services.ingest.metrics import DoorMetrics
from services.ingest.store import Ledger
from services.runtime.clock import DataClock
from services.runtime.errors import Transient
from services.runtime.kafka.topics import make_topics
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.integration.ingest.topics import read, send
from tests.stacks import a_stack, ended
from tests.unit.ingest.door import (
    EDOC,
    NOON,
    OBJECTS,
    PORTAL,
    TOPIC,
    TYPE,
    FakeBroker,
    FakeParkings,
    an_event,
    an_examiner,
    data,
    figure,
)

CLOCK = {"TIENDO_CLOCK": f"from:{NOON.isoformat()}", "TIENDO_START_TIMEOUT_S": "30"}
PARTITIONS = 12
CODECS = ("gzip", "lz4", "snappy", "zstd")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("ingest"), "dak-nong", OBJECTS, NOON) as running:
        yield running


@pytest.fixture
def system(stack: Stack, unique: Callable[[str], str]) -> Iterator[System]:
    """Ingest, not yet started, with a database of its own."""
    soon = {"TIENDO_KAFKA_METADATA_MAX_AGE_MS": "1000"}
    ingest = System(stack, {**CLOCK, **soon, "TIENDO_MONGO_DATABASE": _database(unique)}, names=["ingest"])
    yield ingest
    ingest.child("ingest").stop()


def _database(unique: Callable[[str], str]) -> str:
    return unique("t").replace("-", "_")


def mine(records: Sequence[ConsumerRecord], mark: str) -> list[dict[str, Any]]:
    """The payloads that speak of events of this test."""
    payloads = [orjson.loads(record.value) for record in records]
    return [payload for payload in payloads if str(payload.get("source_id") or payload.get("id")).startswith(mark)]


async def test_figures_come_out_recorded_refused_or_quarantined(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark = unique("flow")
    system.start()
    rubbish = an_event(id=f"{mark}-rubbish")
    rubbish.value = b"{broken"
    foreign, tombstone = an_event(id=f"{mark}-foreign", type="com.example.other"), an_event(id=f"{mark}-tombstone")
    tombstone.value = None
    await send(
        stack,
        [
            an_event(id=f"{mark}-1"),
            rubbish,
            foreign,
            tombstone,
            an_event(data(numerator=1013), id=f"{mark}-2"),
            an_event(id=f"{mark}-1"),
            an_event(data(numerator=5), id=f"{mark}-1"),
            an_event(id=f"{mark}-3"),
        ],
    )
    records = await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= 2)
    assert [payload["source_id"] for payload in mine(records, mark)] == [f"{mark}-1", f"{mark}-3"]
    refused = await read(stack, "statistics.rejected.v1", lambda found: len(mine(found, mark)) >= 5)
    assert sorted(payload["problems"][0]["code"] for payload in mine(refused, mark)) == [
        "bad_json",
        "identity_reused",
        "not_cloudevent",
        "numerator_above_denominator",
        "schema",
    ]
    letters = await read(stack, "statistics.reported.v1.dlq", lambda found: len(found) >= 3)
    assert b"{broken" in [letter.value for letter in letters]
    assert system.child("ingest").stop() == 0


async def test_asking_what_would_become_of_events_writes_nothing(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark = unique("asked")
    system.start()
    await send(stack, [an_event(id=f"{mark}-known")])
    await read(stack, "observations.v1", lambda found: len(mine(found, mark)) == 1)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri, tz_aware=True)
    async with client, AsyncClient(base_url=system.url("ingest", ""), trust_env=False) as http:
        database = client[f"{_database(unique)}_ingest"]
        before = [await database[name].find({}).to_list(None) for name in ("ledger", "reuses", "meta")]
        ends = await _ends(stack)
        asked = [
            {"specversion": "1.0", "id": f"{mark}-{name}", "source": EDOC, "type": TYPE, "data": content}
            for name, content in (
                ("new", data()),
                ("known", data()),
                ("known", data(numerator=5)),
                ("odd", data(kpi="x")),
            )
        ]
        answer = await http.post("/internal/v1/examined", json=[*asked, {"id": "no event"}])
        said = ExaminedEvents.model_validate_json(answer.content).items
        assert [one.standing for one in said] == ["new", "same", "taken", "new", "new"]
        assert [bool(one.problems) for one in said] == [False, False, True, True, True]
        assert [await database[name].find({}).to_list(None) for name in ("ledger", "reuses", "meta")] == before
        assert await _ends(stack) == ends


async def _ends(stack: Stack) -> dict[TopicPartition, int]:
    """Where every partition of every topic ends."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap)
    await consumer.start()
    try:
        metadata = await consumer._client.fetch_all_metadata()
        every = [
            TopicPartition(topic, number)
            for topic in await consumer.topics()
            for number in metadata.partitions_for_topic(topic)
        ]
        return dict(await consumer.end_offsets(every))
    finally:
        await consumer.stop()


async def test_a_record_larger_than_a_topic_takes_is_kept_whole_as_it_came_compressed_and_stops_nobody(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark = unique("bomb")
    bomb = an_event(id=f"{mark}-1")
    bomb.value = b"[" * 5_000_000
    system.start()
    await send(stack, [bomb, an_event(id=f"{mark}-2")], compression_type="gzip")
    await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= 1)
    letters = await read(
        stack, "statistics.reported.v1.dlq", lambda found: any(_ce_id(r) == f"{mark}-1" for r in found)
    )
    (letter,) = [letter for letter in letters if _ce_id(letter) == f"{mark}-1"]
    assert letter.value == bomb.value
    assert envelope.header(letter.headers, "dlq_cut") is None


async def test_the_longest_message_that_a_broker_takes_fits_into_the_quarantine(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark = unique("long")
    long = an_event(id=f"{mark}-1")
    long.value = b"[" * 1_047_000
    system.start()
    await send(stack, [long, an_event(id=f"{mark}-2")])
    await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= 1)
    letters = await read(stack, "statistics.reported.v1.dlq", lambda found: any(r.value == long.value for r in found))
    assert [_ce_id(letter) for letter in letters if letter.value == long.value] == [f"{mark}-1"]
    (refused,) = mine(await read(stack, "statistics.rejected.v1", lambda found: len(mine(found, mark)) >= 1), mark)
    assert refused["problems"][0]["code"] == "too_large"


async def test_batches_are_read_in_every_compression_that_kafka_knows(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark = unique("packed")
    system.start()
    for codec in CODECS:
        await send(stack, [an_event(id=f"{mark}-{codec}-{n}") for n in range(50)], compression_type=codec)
    wanted = {f"{mark}-{codec}-{n}" for codec in CODECS for n in range(50)}
    found = await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= len(wanted))
    assert sorted(payload["source_id"] for payload in mine(found, mark)) == sorted(wanted)


@pytest.mark.parametrize("seed", [1])
async def test_kill_minus_nine_loses_and_doubles_nothing(
    stack: Stack, system: System, unique: Callable[[str], str], seed: int
) -> None:
    mark, chance = unique(f"kill{seed}"), random.Random(seed)
    events = [
        an_event(
            data(numerator=n % 900, org_unit=f"dak-nong.xa-{'ab'[n % 2]}"), id=f"{mark}-{n}", partition=n % PARTITIONS
        )
        for n in range(4_000)
    ]
    repeated = [event for event in events if chance.random() < 0.05]
    system.start()

    async def publish() -> None:
        for first in range(0, len(events), 200):
            await send(stack, [*events[first : first + 200], *repeated[first // 20 : first // 20 + 10]])
            await asyncio.sleep(0.1)

    publishing = asyncio.create_task(publish())
    for _ in range(5):
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        await asyncio.to_thread(system.child("ingest").kill)
        system.launch("ingest")
        await asyncio.to_thread(system.wait_ready)
    await publishing
    await asyncio.to_thread(system.wait_ready)
    records = await read(
        stack, "observations.v1", lambda found: len({p["source_id"] for p in mine(found, mark)}) == len(events)
    )
    by_id: dict[str, set[bytes]] = {}
    order: dict[tuple[int, str], list[int]] = {}
    for record in records:
        payload = orjson.loads(record.value)
        if not payload["source_id"].startswith(mark):
            continue
        copies = by_id.setdefault(payload["source_id"], set())
        if not copies:
            order.setdefault((payload["raw"]["partition"], payload["kpi"]), []).append(payload["raw"]["offset"])
        copies.add(record.value)
    assert {len(copies) for copies in by_id.values()} == {1}, "an observation was published with two contents"
    assert all(offsets == sorted(offsets) for offsets in order.values()), "the order of a raw partition was lost"


async def test_a_publishers_own_topic_is_read_as_soon_as_it_is_there_and_is_its_alone(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark, topic = unique("own"), own_topic("dak-nong", "portal")
    system.start()
    await send(stack, [an_event(id=f"{mark}-0")])
    await make_topics(KafkaSettings(bootstrap=stack.bootstrap), [topic])
    figures = figure("terminals", org_unit="24611", value=3)
    own, foreign = an_event(figures, id=f"{mark}-1", source=PORTAL), an_event(id=f"{mark}-2")
    again = an_event(figures, id=f"{mark}-1", source=PORTAL)
    rubbish = an_event(id=f"{mark}-3")
    rubbish.value = b"{broken on its own topic"
    for record in (own, foreign, rubbish):
        record.topic = topic.name
    await send(stack, [own, foreign, rubbish, again])
    seen = await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= 2)
    by_id = {payload["source_id"]: payload for payload in mine(seen, mark)}
    assert by_id.keys() == {f"{mark}-0", f"{mark}-1"}
    refused = await read(stack, "statistics.rejected.v1", lambda found: len(mine(found, mark)) >= 2)
    told = {one["id"]: (one["source"], one["problems"][0]["code"], one["raw"]) for one in mine(refused, mark)}
    raws = [told[f"{mark}-2"][2], told[f"{mark}-3"][2]]
    assert {one: said[:2] for one, said in told.items()} == {
        f"{mark}-2": (PORTAL, "not_your_figure"),
        f"{mark}-3": (PORTAL, "bad_json"),
    }
    assert [(raw["topic"], raw["offset"]) for raw in raws] == [(topic.name, 1), (topic.name, 2)]
    letters = await read(
        stack, "statistics.reported.v1.dlq", lambda found: any(one.value == rubbish.value for one in found)
    )
    (letter,) = [one for one in letters if one.value == rubbish.value]
    assert envelope.header(letter.headers, "dlq_topic") == topic.name
    assert envelope.header(letter.headers, "dlq_source") == PORTAL
    # What metrics would ask when it computes anew: all of it is settled, whichever of the two topics it came over.
    for one in by_id.values():
        assert raws[0]["log"] != stack.log_id
        await settled(system, f"{one['province']}/{one['kpi']}", one["raw"])


async def settled(system: System, key: str, raw: Mapping[str, Any]) -> None:
    """Return once ingest says that everything of the log of these coordinates is in its ledger and published."""
    async with asyncio.timeout(20), AsyncClient() as client:
        while True:
            answer = await client.get(system.url("ingest", EXTENT), params={"key": key})
            parts = {(part.log, part.partition): part for part in LedgerExtent.model_validate_json(answer.text).parts}
            part = parts[raw["log"], raw["partition"]]
            assert part.committed is not None
            if part.settled:
                return
            await asyncio.sleep(0.05)


async def test_what_was_claimed_before_a_crash_is_published_after_it(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark = unique("crash")
    await send(stack, [an_event(id=f"{mark}-{n}") for n in range(3)])
    raw = await read(stack, TOPIC, lambda found: sum(_ce_id(record).startswith(mark) for record in found) == 3)
    records = [record for record in raw if _ce_id(record).startswith(mark)]
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri, tz_aware=True)
    async with client:
        ledger = Ledger(client[f"{_database(unique)}_ingest"])
        examiner = an_examiner(moving=True, log=stack.log_id)
        broken = FakeBroker(fails=1)
        lot = Lot(FakeParkings())
        door = Door(examiner, ledger, broken, broken, lot, DataClock(NOON), DoorMetrics(Telemetry()))
        with pytest.raises(Transient):
            await door.handle(records)
        claimed = await _entries(ledger, records, examiner)
        assert len(claimed) == 3
    system.start()
    seen = await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= 3)
    published = {orjson.loads(r.value)["observation_id"]: r.value for r in seen if mine([r], mark)}
    assert published == {entry.observation_id: entry.payload for entry in claimed}


async def _entries(ledger: Ledger, records: Sequence[Any], examiner: Any) -> list[Entry]:
    ids = [one.entry.observation_id for one in examiner.examine(records, NOON)]
    return list((await ledger.standing(ids)).values())


def _ce_id(record: ConsumerRecord) -> str:
    return envelope.header(record.headers, "ce_id") or ""


async def test_a_clock_that_moves_with_the_data_goes_on_after_a_restart(
    stack: Stack, system: System, unique: Callable[[str], str]
) -> None:
    mark = unique("clock")
    later = datetime(2024, 9, 1, 5, tzinfo=UTC)
    latest = datetime(2025, 6, 1, 5, tzinfo=UTC)  # more than the lead ahead of the clock's start
    system.start()
    await send(stack, [an_event(data(as_of="2024-09-01"), id=f"{mark}-1", time=later)])
    await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= 1)
    await asyncio.to_thread(system.child("ingest").kill)
    system.launch("ingest")
    await asyncio.to_thread(system.wait_ready)
    await send(stack, [an_event(data(as_of="2025-06-01"), id=f"{mark}-2", time=latest)])
    await read(stack, "observations.v1", lambda found: len(mine(found, mark)) >= 2)


def the_sentence(environment: Mapping[str, str]) -> str:
    """What is said by a start that fails as it should: exit code 2, no traceback."""
    code, said = ended("ingest", environment)
    assert code == 2, said
    assert "Traceback" not in said
    return said.splitlines()[-1]


def test_a_broker_that_is_down_is_named(stack: Stack) -> None:
    with _a_free_port() as port:
        sentence = the_sentence({**stack.environment(), "TIENDO_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}"})
    assert "TIENDO_KAFKA_BOOTSTRAP" in sentence


def test_a_database_that_is_down_is_named(stack: Stack) -> None:
    with _a_free_port() as port:
        sentence = the_sentence(
            {**stack.environment(), "TIENDO_MONGO_URI": f"mongodb://127.0.0.1:{port}/?replicaSet=rs0"}
        )
    assert "TIENDO_MONGO_URI" in sentence


def test_a_taken_port_is_named(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sentence = the_sentence({**stack.environment(), "TIENDO_HTTP_PORT": str(taken.getsockname()[1])})
    assert "TIENDO_HTTP_PORT" in sentence


def test_a_wrong_setting_is_named() -> None:
    assert "TIENDO_INGEST_MAX_EVENT_BYTES" in the_sentence({"TIENDO_INGEST_MAX_EVENT_BYTES": "many"})


def test_without_a_catalog_it_does_not_consume_and_says_how_to_apply_one(tmp_path: Path) -> None:
    try:
        with Stack.started(tmp_path, broker="tansu") as empty:
            asyncio.run(make_topics(KafkaSettings(bootstrap=empty.bootstrap), TOPICS))
            sentence = the_sentence(empty.environment())
    except NotAvailable as error:
        pytest.skip(str(error))
    assert "tiendo catalog apply" in sentence


class _a_free_port:
    """A port at which nobody answers."""

    def __enter__(self) -> int:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._socket.close()
