"""Poison, with figures: what it costs the others, when the door stops before it, and that all of it comes back."""

import asyncio
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from contracts import envelope
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.ingest.app import GROUP
from services.runtime.kafka.offsets import committed
from services.runtime.settings import KafkaSettings
from tests.integration.ingest.quarantined import (
    CLOCK,
    DLQ,
    PARTITIONS,
    Seen,
    by_id,
    dlq,
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
from tests.unit.ingest.door import EDOC, NOON, OBJECTS, PORTAL, TOPIC, Record, an_event, data

A_SECOND = 1_000
"""Records, where they are sent at a steady pace."""

TOO_LOW = {**CLOCK, "TIENDO_INGEST_MAX_EVENT_BYTES": "1024"}
"""A bad deployment: a limit that sound figures exceed."""

LONG = "x" * 1_000

SIZES = [pytest.param(2_000, id="2000"), pytest.param(30_000, id="30000", marks=pytest.mark.slow)]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """One for each test: what lies in a quarantine is there for all."""
    with a_stack(tmp_path, "dak-nong", OBJECTS, NOON) as running:
        yield running


def ingest(stack: Stack, environment: dict[str, str] = CLOCK) -> System:
    """Started."""
    system = System(stack, environment, names=["ingest"])
    system.start()
    return system


def sound(id: str, number: int, partition: int | None = None, **more: str) -> Record:
    """A figure that is taken; on the partitions in turn, if it is not said on which."""
    content = data(numerator=number % 900, **more)
    return an_event(content, id=id, partition=number % PARTITIONS if partition is None else partition)


async def paced(stack: Stack, records: Sequence[Record]) -> dict[str, float]:
    """Send them at a steady pace; when each was sent, by id."""
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, acks="all", linger_ms=2)
    await producer.start()
    sent: dict[str, float] = {}
    at_once, began = A_SECOND // 20, time.monotonic()
    try:
        for first in range(0, len(records), at_once):
            await asyncio.sleep(max(0.0, began + first / A_SECOND - time.monotonic()))
            for record in records[first : first + at_once]:
                sent[envelope.header(record.headers, "ce_id") or ""] = time.monotonic()
                await producer.send(TOPIC, record.value, partition=record.partition, headers=list(record.headers))
        await producer.flush()
    finally:
        await producer.stop()
    return sent


async def latencies(seen: Seen, sent: dict[str, float]) -> list[float]:
    """Seconds until each of these was on the topic of observations, once all of them are; the shortest first."""
    async with asyncio.timeout(60):
        while not sent.keys() <= seen.at.keys():  # noqa: ASYNC110 - they are read by another task
            await asyncio.sleep(0.05)
    return sorted(seen.at[id] - at for id, at in sent.items())


def in_words(found: Sequence[float]) -> str:
    cuts = quantiles(found, n=100)
    return f"p50 {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms, slowest {found[-1] * 1e3:.0f} ms"


@pytest.mark.parametrize("total", SIZES)
async def test_one_bad_record_in_a_thousand_costs_the_others_nothing(stack: Stack, total: int) -> None:
    system = ingest(stack)
    clean = [sound(f"clean-{n}", n) for n in range(total)]
    poisoned = [
        rubbish(f"bad-{n}", (EDOC, PORTAL)[n // 1_000 % 2], partition=n % PARTITIONS)
        if n % 1_000 == 500
        else sound(f"good-{n}", n)
        for n in range(total)
    ]
    async with watching(stack) as seen:
        before = await latencies(seen, await paced(stack, clean))
        sent = await paced(stack, poisoned)
        ended = time.monotonic()
        during = await latencies(seen, {id: at for id, at in sent.items() if id.startswith("good-")})
        recovered = time.monotonic() - ended
    bad = [f"bad-{n}" for n in range(500, total, 1_000)]
    sys.stdout.write(
        f"{len(bad)} bad among {total} at {A_SECOND} a second: {in_words(during)}; without them {in_words(before)}\n"
    )
    letters = await read(stack, DLQ, lambda records: len(records) >= len(bad))
    assert sorted(by_id(letters)) == sorted(bad)
    assert len(await until_accepted(stack, 2 * total - len(bad))) == 2 * total - len(bad)
    assert (metric(system, "tiendo_halted_partitions"), metric(system, "tiendo_parked_sources")) == (0, 0)
    assert recovered <= 5
    assert during[-1] <= 5


@pytest.mark.parametrize(
    ("total", "starts"),
    [pytest.param(2_000, 1, id="2000"), pytest.param(30_000, 4, id="30000", marks=pytest.mark.slow)],
)
async def test_a_bad_deployment_quarantines_nothing_and_a_good_one_goes_on_where_it_stopped(
    stack: Stack, total: int, starts: int
) -> None:
    """Everything of two publishers is sound, and nothing of it can be read. It is restarted, as supervisors do."""
    figures = [
        sound(f"edoc-{n}", n, note=LONG) if n // PARTITIONS % 2 else portal(f"portal-{n}", n % PARTITIONS, note=LONG)
        for n in range(total)
    ]
    bad = ingest(stack, TOO_LOW)
    await send(stack, figures)
    for start in range(starts):
        if start:
            bad.child("ingest").kill()
            bad.launch("ingest")
        await until(lambda: "the fuse stopped" in unready(bad))
        await until(lambda: metric(bad, "tiendo_halted_partitions") == PARTITIONS)
        assert "partition_halted" in bad.child("ingest").log.read_text()
    kafka = KafkaSettings(bootstrap=stack.bootstrap)
    all_of_it = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    assert set((await committed(kafka, GROUP, all_of_it)).values()) <= {0}
    assert listed(stack) == []
    bad.child("ingest").stop()
    began = time.monotonic()
    good = ingest(stack)
    ready = time.monotonic()
    found = await until_accepted(stack, total, within_s=90)
    done = time.monotonic()
    assert sorted(found) == sorted(envelope.header(one.headers, "ce_id") or "" for one in figures)
    assert listed(stack) == []
    assert (metric(good, "tiendo_halted_partitions"), metric(good, "tiendo_parked_sources")) == (0, 0)
    sys.stdout.write(
        f"{total} of {total} unreadable for a bad deployment, started {starts} times: 0 quarantined, offsets unmoved; "
        f"the good one was ready in {ready - began:.1f} s and had all of them after {done - began:.1f} s\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("total", [2_000, 30_000])
async def test_a_twentieth_from_several_sources_goes_to_the_quarantine_and_a_fifth_stops_the_door(
    stack: Stack, total: int
) -> None:
    system = ingest(stack)
    one_in_20 = mixed("few", total, 20)
    began = time.monotonic()
    await send(stack, one_in_20)
    found = await until_accepted(stack, count_sound(one_in_20))
    rate = len(found) / (time.monotonic() - began)
    few = len(one_in_20) - len(found)
    await read(stack, DLQ, lambda records: len(records) >= few)
    assert metric(system, "tiendo_halted_partitions") == 0
    assert unready(system) == ""

    one_in_5 = mixed("many", total, 5)
    await send(stack, one_in_5)
    await until(lambda: metric(system, "tiendo_halted_partitions") > 0)
    await until(lambda: "the fuse stopped" in unready(system))
    quarantined = len(listed(stack)) - few
    assert quarantined <= 100, "a tenth of a thousand"
    assert metric(system, "tiendo_parked_sources") == 0
    many = len(one_in_5) - count_sound(one_in_5)
    dlq(stack, "resume", "--quarantine", str(many - quarantined), "--ingest", system.url("ingest", ""))
    found = await until_accepted(stack, count_sound(one_in_20) + count_sound(one_in_5))
    assert len(found) == len(set(found)) == count_sound(one_in_20) + count_sound(one_in_5)
    await until(lambda: unready(system) == "")
    letters = await read(stack, DLQ, lambda records: len(by_id(records)) >= few + many)
    assert len(by_id(letters)) == few + many
    sys.stdout.write(
        f"{few} bad among {total}: all quarantined, the others taken at {rate:.0f} a second; {many} bad among {total}: "
        f"stopped after {quarantined} were quarantined; told to go on, {len(found)} of {len(found)} were taken\n"
    )


def mixed(name: str, total: int, every: int) -> list[Record]:
    """One in so many cannot be read; both sources send some of either, on any partition."""
    chance = random.Random(total + every)

    def one(n: int) -> Record:
        source, partition = chance.choice((EDOC, PORTAL)), chance.randrange(PARTITIONS)
        if n % every == 0:
            return rubbish(f"{name}-bad-{n}", source, partition)
        return portal(f"{name}-{n}", partition) if source == PORTAL else sound(f"{name}-{n}", n, partition)

    return [one(n) for n in range(total)]


def count_sound(records: Sequence[Record]) -> int:
    return sum("-bad-" not in (envelope.header(record.headers, "ce_id") or "") for record in records)


@pytest.mark.slow
@pytest.mark.parametrize("total", [120, 5_000])
async def test_what_is_quarantined_is_looked_into_mended_and_comes_back_whole(stack: Stack, total: int) -> None:
    """Sent again before the cause is mended, it is quarantined once more and says so; afterwards it is taken."""
    poison = [sound(f"large-{n}", n, note=LONG) for n in range(total)]
    broken = [rubbish(f"broken-{n}", PORTAL, n % PARTITIONS) for n in range(5)]
    bad = ingest(stack, TOO_LOW)
    await send(stack, [*poison, *broken, *(portal(f"fine-{n}", n % PARTITIONS) for n in range(20))])
    await until_accepted(stack, 20)
    whole = total + len(broken)
    await until(lambda: metric(bad, "tiendo_dead_letters_total") == whole)

    raw = {(one.partition, one.offset): one for one in await read(stack, TOPIC, lambda found: len(found) >= whole + 20)}
    letters = listed(stack, "--limit", "99999")
    assert len(letters) == whole
    for letter in letters:
        origin = letter["origin"]
        assert (origin["topic"], letter["attempts"]) == (TOPIC, 1)
        assert envelope.header(raw[origin["partition"], origin["offset"]].headers, "ce_id") == letter["id"]
        assert letter["reason"] in ("too_large", "parked", "bad_json")
        assert letter["detail"]
    first = next(letter for letter in letters if letter["reason"] == "too_large")
    shown = dlq(stack, "show", str(first["offset"]))
    assert "for the first time" in shown
    assert "/".join(map(str, first["origin"].values())) in shown
    assert first["detail"][:40] in shown

    dlq(stack, "unpark", EDOC)
    await asyncio.sleep(2.5)
    dlq(stack, "replay", "--source", EDOC)
    await until(lambda: metric(bad, "tiendo_dead_letters_total") == whole + total)
    again = listed(stack, "--source", EDOC, "--limit", "99999")
    assert sorted(one["id"] for one in again) == sorted(f"large-{n}" for n in range(total))
    assert {one["attempts"] for one in again} == {2}
    assert "for the second time" in dlq(stack, "show", str(again[0]["offset"]))
    bad.child("ingest").stop()

    good = ingest(stack)
    dlq(stack, "unpark", EDOC)
    await asyncio.sleep(2.5)
    began = time.monotonic()
    said = dlq(stack, "replay", "--source", EDOC)
    replayed = time.monotonic() - began
    assert f"{total} replayed" in said
    assert "Replayed records come after everything sent since." in said
    found = await until_accepted(stack, total + 20)
    assert sorted(found) == sorted([*(f"large-{n}" for n in range(total)), *(f"fine-{n}" for n in range(20))])
    assert "5 dropped" in dlq(stack, "drop", "--reason", "bad_json")
    assert listed(stack) == []
    assert metric(good, "tiendo_ingest_duplicates_total") == 0
    sys.stdout.write(
        f"{total} quarantined twice, replayed in {replayed:.1f} s ({total / replayed:.0f} a second with the command's "
        f"start): {len(found) - 20} of {total} taken, none twice\n"
    )
