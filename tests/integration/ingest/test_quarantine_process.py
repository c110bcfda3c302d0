"""The quarantine with real processes: who waits for whom when records cannot be read, and what comes back of them."""

import asyncio
import json
import random
import resource
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from pymongo import MongoClient

from contracts import envelope
from deploy.embedded import running
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.ingest.app import GROUP
from services.runtime.catalog import stream
from services.runtime.kafka.letter import REPLAYED
from services.runtime.kafka.offsets import committed
from services.runtime.settings import KafkaSettings
from tests.integration.ingest.quarantined import (
    CLOCK,
    DLQ,
    PARTITIONS,
    accepted,
    by_id,
    command,
    dlq,
    ended,
    listed,
    metric,
    portal,
    rubbish,
    unready,
    until,
    until_accepted,
    watching,
)
from tests.integration.ingest.topics import read, send
from tests.stacks import a_stack
from tests.unit.ingest.door import EDOC, NOON, OBJECTS, PORTAL, TOPIC, a_kpi, an_event, data, figure

BOTH = [TopicPartition(TOPIC, number) for number in (0, 1)]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """One for each test: what lies in a quarantine is there for all."""
    with a_stack(tmp_path, "dak-nong", OBJECTS, NOON) as running:
        yield running


@pytest.fixture
def system(stack: Stack) -> Iterator[System]:
    """Ingest, started."""
    ingest = System(stack, CLOCK, names=["ingest"])
    ingest.start()
    yield ingest
    ingest.child("ingest").stop()


async def test_the_commands_find_the_system_that_runs_over_a_data_folder(
    stack: Stack, system: System, tmp_path: Path
) -> None:
    await send(stack, [rubbish("bad")])
    await read(stack, DLQ, lambda records: len(records) >= 1)
    bare = {name: value for name, value in command(stack)["env"].items() if not name.startswith("TIENDO_")}
    with running.holding(tmp_path / "data" / "up") as tell:
        tell({"ingest": system.url("ingest", ""), **stack.environment()})
        for arguments, says in (
            (["list"], "bad_json"),
            (["show", "0"], "{broken"),
            (["resume"], "nothing was stopped"),
        ):
            how = {**command(stack, *arguments, "--data", str(tmp_path / "data")), "env": bare}
            assert says in await asyncio.to_thread(ended, how)


async def test_a_publisher_of_which_nothing_can_be_read_is_parked_and_the_others_do_not_wait(
    stack: Stack, system: System
) -> None:
    sent: dict[str, float] = {}
    async with watching(stack) as seen:
        for round_ in range(20):
            bad = [rubbish(f"bad-{round_}-{n}", partition=n % PARTITIONS) for n in range(400)]
            good = [portal(f"good-{round_}-{n}", partition=n % PARTITIONS) for n in range(20)]
            at = time.monotonic()
            await send(stack, [*bad[:200], *good, *bad[200:]])
            sent.update((one.headers[1][1].decode(), at) for one in good if one.headers[1][1] is not None)
        await until_accepted(stack, 400)
        async with asyncio.timeout(30):
            while len(seen.at) < 400:  # noqa: ASYNC110 - they are read by another task
                await asyncio.sleep(0.05)
    slowest = max(seen.at[id] - at for id, at in sent.items())
    assert slowest <= 5
    assert metric(system, "tiendo_parked_sources") == 1
    assert metric(system, "tiendo_halted_partitions") == 0
    letters = by_id(await read(stack, DLQ, lambda records: len(by_id(records)) >= 8_000))
    assert sorted(letters) == sorted(f"bad-{round_}-{n}" for round_ in range(20) for n in range(400))
    reasons = [envelope.header(copies[0].headers, "dlq_reason") for copies in letters.values()]
    assert reasons.count("bad_json") == 50
    assert reasons.count("parked") == 7_950
    refused = [orjson.loads(r.value) for r in await read(stack, "statistics.rejected.v1", lambda r: len(r) >= 51)]
    told = [one for one in refused if one["problems"][0]["code"] == "source_parked"]
    assert [(one["source"], one["id"]) for one in told] == [(EDOC, None)]
    said = dlq(stack, "parked")
    assert f"{EDOC}  since " in said
    assert "50 unreadable in a row" in said
    # A restart changes nothing; unparking does.
    await asyncio.to_thread(system.child("ingest").kill)
    system.launch("ingest")
    await asyncio.to_thread(system.wait_ready)
    await send(stack, [an_event(id="still-parked"), portal("other")])
    await until_accepted(stack, 401)
    assert [one["id"] for one in listed(stack, "--reason", "parked", "--limit", "99999")][-1] == "still-parked"
    dlq(stack, "unpark", EDOC)
    assert "no source is parked" in dlq(stack, "parked")
    dlq(stack, "unpark", EDOC, code=1)
    await asyncio.sleep(2.5)
    await send(stack, [an_event(data(numerator=1), id="unparked")])
    assert "unparked" in await until_accepted(stack, 402)
    refused = [orjson.loads(r.value) for r in await read(stack, "statistics.rejected.v1", lambda r: len(r) >= 52)]
    assert [one["source"] for one in refused if one["problems"][0]["code"] == "source_unparked"] == [EDOC]


def memory_of(pid: int) -> int:
    """The bytes of address space that a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


@pytest.mark.slow
async def test_a_compressed_bomb_is_quarantined_by_an_ingest_whose_memory_is_limited(
    stack: Stack, system: System
) -> None:
    await send(stack, [portal("before")])
    await until_accepted(stack, 1)
    pid = system.child("ingest").pid
    limit = memory_of(pid) + 200 * 2**20
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.bootstrap,
        acks="all",
        compression_type="zstd",
        max_batch_size=2**31 - 1,
        max_request_size=2**31 - 1,
    )
    await producer.start()
    batch = producer.create_batch()
    batch.append(key=b"x", value=bytes(350 * 2**20), timestamp=None, headers=list(portal("bomb").headers))
    await (await producer.send_batch(batch, TOPIC, partition=0))
    await producer.stop()
    await send(stack, [portal("behind", partition=0)])
    assert "behind" in await until_accepted(stack, 2)
    assert system.child("ingest").pid == pid
    assert system.child("ingest").exit_code() is None
    (found,) = await read(stack, DLQ, lambda records: len(records) >= 1)
    assert envelope.header(found.headers, "dlq_reason") == "not_unpacked"
    assert 0 < len(found.value) < 100_000
    assert metric(system, "tiendo_batches_not_unpacked_total") == 1
    assert "not_unpacked" in dlq(stack, "list")


async def test_the_fuse_stops_before_several_bad_publishers_and_goes_on_when_it_is_told_to(
    stack: Stack, system: System
) -> None:
    before = [portal(f"before-{n}", partition=n % PARTITIONS) for n in range(PARTITIONS)]
    await send(stack, before)
    await until_accepted(stack, PARTITIONS)
    pid = system.child("ingest").pid
    bad = [rubbish(f"bad-{n}", (EDOC, PORTAL)[n // 2 % 2], partition=n % 2) for n in range(240)]
    await send(stack, bad)
    await send(stack, [portal(f"behind-{n}", partition=n) for n in range(2)])
    await until(lambda: metric(system, "tiendo_halted_partitions") == 2)
    why = unready(system)
    assert "the fuse stopped statistics.reported.v1/0, statistics.reported.v1/1;" in why
    assert "tiendo dlq resume" in why
    kafka = KafkaSettings(bootstrap=stack.bootstrap)
    assert await committed(kafka, GROUP, BOTH) == dict.fromkeys(BOTH, 1)
    # The other partitions go on, with figures of the same sources too.
    await send(stack, [an_event(data(numerator=n), id=f"meanwhile-{n}", partition=2 + n % 10) for n in range(100)])
    await until_accepted(stack, PARTITIONS + 100)
    assert listed(stack) == []
    # Told to go on although nothing was mended, it stops again.
    url = system.url("ingest", "")
    assert "statistics.reported.v1/0, statistics.reported.v1/1 go on" in dlq(stack, "resume", "--ingest", url)
    await until(lambda: metric(system, "tiendo_halted_partitions") == 2)
    assert await committed(kafka, GROUP, BOTH) == dict.fromkeys(BOTH, 1)
    dlq(stack, "resume", "--quarantine", "240", "--ingest", url)
    await until_accepted(stack, PARTITIONS + 102)
    await until(lambda: unready(system) == "")
    assert system.child("ingest").pid == pid, "nothing was restarted"
    assert sorted(one["id"] for one in listed(stack)) == sorted(f"bad-{n}" for n in range(240))
    assert "nothing was stopped" in dlq(stack, "resume", "--ingest", url)


@pytest.mark.slow
async def test_everything_comes_back_from_the_quarantine_once_the_cause_is_mended(stack: Stack) -> None:
    """As if the limit of a record had been set too low: all of one source is quarantined, then parked."""
    small = System(stack, {**CLOCK, "TIENDO_INGEST_MAX_EVENT_BYTES": "2048"}, names=["ingest"])
    small.start()
    headers = [("dlq_reason", b"mine"), ("dlq_kept_x", b"\xff"), ("none", None), ("dlq_replayed", b"no mark")]
    events = [
        an_event(data(numerator=n, note="x" * 1_990), id=f"large-{n}", partition=n % PARTITIONS) for n in range(300)
    ]
    for n, event in enumerate(events):
        event.headers = [*event.headers, *headers]
        event.key = None if n % 3 else b"key-%d" % n
    events[7].value = json.dumps(data(numerator=7, note="x" * 1_990, padding=" " * 200_000)).encode()
    await send(stack, events[:60])
    await until(lambda: metric(small, "tiendo_dead_letters_total") == 60)
    await send(stack, events[60:])
    await until(lambda: metric(small, "tiendo_dead_letters_total") == 300)
    assert accepted(stack) == []
    reasons = [one["reason"] for one in listed(stack)]
    assert (reasons.count("too_large"), reasons.count("parked")) == (50, 250)
    small.child("ingest").stop()
    first = await read(stack, TOPIC, lambda records: len(records) >= 300)

    mended = System(stack, CLOCK, names=["ingest"])
    mended.start()
    try:
        dlq(stack, "unpark", EDOC)
        await asyncio.sleep(2.5)
        dry = dlq(stack, "replay", "--dry-run")
        assert "300 would be replayed" in dry
        assert f"250 × parked, {EDOC}" in dry
        assert "10 replayed" in dlq(stack, "replay", "--limit", "10", "--reason", "too_large")
        assert "1 dropped" in dlq(stack, "drop", str(listed(stack)[0]["offset"]))
        said = dlq(stack, "replay")
        assert "289 replayed" in said
        assert "10 left alone: already replayed" in said
        assert "Replayed records come after everything sent since." in said
        (dropped,) = listed(stack, "--state", "dropped")
        dlq(stack, "replay", str(dropped["offset"]))
        assert sorted(await until_accepted(stack, 300)) == sorted(f"large-{n}" for n in range(300))
        assert "0 replayed" in dlq(stack, "replay")
        assert listed(stack) == []
        both = by_id(await read(stack, TOPIC, lambda records: len(records) >= 600))
        for record in first:
            id = envelope.header(record.headers, "ce_id") or ""
            _, again = both[id]
            assert (again.key, again.value, again.partition) == (record.key, record.value, record.partition)
            assert list(again.headers[:-1]) == list(record.headers)
            assert again.headers[-1][0] == REPLAYED
        assert metric(mended, "tiendo_ingest_duplicates_total") == 0
    finally:
        mended.child("ingest").stop()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3])
async def test_a_replay_that_is_killed_again_and_again_loses_and_doubles_nothing(stack: Stack, seed: int) -> None:
    small = System(stack, {**CLOCK, "TIENDO_INGEST_MAX_EVENT_BYTES": "1024"}, names=["ingest"])
    small.start()
    total, chance = 4_000, random.Random(seed)
    events = [
        an_event(data(numerator=n % 900, note="x" * 900), id=f"large-{n}", partition=n % PARTITIONS)
        for n in range(total)
    ]
    await send(stack, events)
    await until(lambda: metric(small, "tiendo_dead_letters_total") == total)
    small.child("ingest").stop()
    mended = System(stack, CLOCK, names=["ingest"])
    mended.start()
    try:
        dlq(stack, "unpark", EDOC)
        await asyncio.sleep(2.5)
        kills = [await asyncio.to_thread(killed_in_the_middle, stack, chance.uniform(0.0, 0.4)) for _ in range(6)]
        assert sum(kills) > 0
        dlq(stack, "replay")
        assert sorted(await until_accepted(stack, total)) == sorted(f"large-{n}" for n in range(total))
        records = await read(stack, "observations.v1", lambda found: len({r.value for r in found}) >= total)
        assert len({record.value for record in records}) == total
        assert listed(stack) == []
        sent_twice = metric(mended, "tiendo_ingest_duplicates_total")
        assert sent_twice <= 500 * sum(kills), "a chunk is sent again only if its replay died before it was marked"
    finally:
        mended.child("ingest").stop()


async def test_figures_that_were_only_early_are_replayed_once_the_catalog_has_them(
    stack: Stack, system: System
) -> None:
    later = figure("later", value=3)
    await send(
        stack,
        [
            an_event(later, id="early-1"),
            an_event(figure("later", value=4), id="early-2", partition=5),
            an_event(figure("later", value=-4, unit_of_measure="percent"), id="wrong-too"),
            an_event(figure("never", value=1), id="still-unknown"),
            an_event(later, id="mended"),
            an_event(data(numerator=1013), id="only-wrong"),
        ],
    )
    await read(stack, "statistics.rejected.v1", lambda found: len(found) >= 6)
    await send(stack, [an_event(data(numerator=5), id="mended")])
    await until_accepted(stack, 1)
    assert "0 would be replayed" in dlq(stack, "replay", "--refused", "--dry-run")
    await stream.apply(
        KafkaSettings(bootstrap=stack.bootstrap).connection(),
        "dak-nong",
        [*OBJECTS, a_kpi("later", "stock", unit_of_measure="machine")],
        now=datetime.now(UTC),
    )
    dry = dlq(stack, "replay", "--refused", "--dry-run")
    assert "3 would be replayed" in dry
    said = dlq(stack, "replay", "--refused")
    assert f"3 × unknown_kpi, {EDOC}" in said
    assert "1 left alone: accepted meanwhile" in said
    assert "1 left alone: would be refused again: unknown_kpi" in said
    assert sorted(await until_accepted(stack, 3)) == ["early-1", "early-2", "mended"]
    refused = await read(stack, "statistics.rejected.v1", lambda found: len(found) >= 7)
    wrong = [one["problems"] for one in map(orjson.loads, (r.value for r in refused)) if one["id"] == "wrong-too"]
    assert [{problem["code"] for problem in problems} for problems in wrong] == [
        {"unknown_kpi"},
        {"negative", "unit_of_measure"},
    ]
    again = dlq(stack, "replay", "--refused")
    assert "0 replayed" in again
    assert metric(system, "tiendo_ingest_identity_reused_total") == 0


def killed_in_the_middle(stack: Stack, after_s: float) -> bool:
    """Start a replay and kill it so long after it has marked something; whether it was still at it."""
    before = marked(stack)
    replaying = subprocess.Popen(**command(stack, "replay"), stdout=subprocess.DEVNULL)
    while replaying.poll() is None and marked(stack) == before:
        time.sleep(0.01)
    time.sleep(after_s)
    alive = replaying.poll() is None
    replaying.kill()
    replaying.wait()
    return alive


def marked(stack: Stack) -> int:
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        return client["tiendo_platform"]["quarantine"].estimated_document_count()
