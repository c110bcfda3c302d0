"""Metrics as a process on a real broker and database: what comes out, and what kill -9 cannot change."""

import asyncio
import itertools
import random
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts import envelope
from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from contracts.topics import OBSERVATIONS, PROGRESS
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog import Catalog, stream
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.integration.metrics.replicas import until_looked_at
from tests.model import recompute
from tests.stacks import a_stack
from tests.unit.metrics.builders import CALENDAR, CIVIL, PROVINCE, UNITS, a_kpi, a_target, an_increment, local
from tests.unit.metrics.engine import plain, published, record_of

START = local("2023-10-10")
KPIS = [a_kpi(f"k{number}") for number in range(6)]
TARGETS = [a_target("p.a.1", kpi=kpi.id, id=f"{kpi.id}.commune") for kpi in KPIS]
OBJECTS = (PROVINCE, CALENDAR, CIVIL, *UNITS, *KPIS, *TARGETS)
LEAVES = ("p.a.1", "p.a.2", "p.b.1", "p.b.2")
DEADLINE_S = 60


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("metrics"), "p", OBJECTS, START) as running:
        yield running


@pytest.fixture
def system(stack: Stack) -> Iterator[System]:
    metrics = System(stack, {"TIENDO_CLOCK": f"from:{START.isoformat()}"}, names=["metrics"])
    metrics.launch("metrics")
    metrics.wait_ready()
    yield metrics
    metrics.child("metrics").stop()


def catalog() -> Catalog:
    return Catalog.of(OBJECTS, 1, "1-000000000000")


def settings_of(stack: Stack) -> KafkaSettings:
    return KafkaSettings(bootstrap=stack.bootstrap, enable_idempotence=stack.broker == "kafka")


async def send(stack: Stack, observations: Sequence[ObservationRecorded], *, at_once: int = 50) -> None:
    """As ingest sends them: batch by batch, in order."""
    producer = BatchProducer(settings_of(stack), Telemetry())
    await producer.start()
    for first in range(0, len(observations), at_once):
        records = [record_of(one) for one in observations[first : first + at_once]]
        headers = envelope.write(
            id="x",
            source="urn:tiendo:ingest",
            type="vn.tiendo.observation.recorded.v1",
            time=START,
            extensions={"businesstime": START.isoformat()},
        )
        await producer.publish(
            OBSERVATIONS.name, [Outgoing(record.key, record.value, list(headers)) for record in records]
        )
        await asyncio.sleep(0.01)
    await producer.stop()


Key = tuple[str, str, str]
Latest = dict[Key, ProgressJudged]


async def until(stack: Stack, enough: Callable[[Latest], bool]) -> list[ConsumerRecord]:
    """Everything on the progress topic, once the latest of each record is as wanted."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    await consumer.start()
    consumer.assign([TopicPartition(PROGRESS.name, number) for number in range(PROGRESS.partitions)])
    found: list[ConsumerRecord] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not enough(latest(found)):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
    except TimeoutError:
        pytest.fail(f"not as wanted after {len(found)} records")
    finally:
        await consumer.stop()
    return found


def latest(records: Sequence[ConsumerRecord]) -> Latest:
    found: Latest = {}
    for one in _said(records):
        key = _key(one)
        if key not in found or one.version >= found[key].version:
            found[key] = one
    return found


def _said(records: Sequence[ConsumerRecord]) -> list[ProgressJudged]:
    return [ProgressJudged.model_validate_json(record.value) for record in records]


def _key(one: ProgressJudged) -> Key:
    return one.kpi, one.org_unit, one.period


def increments(count: int, seed: int) -> list[ObservationRecorded]:
    """Day by day, over all KPIs and communes; raw offsets rise within each of three raw partitions."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        day = date(2023, 1, 1) + timedelta(days=number * 270 // count)
        one = an_increment(
            chance.choice(LEAVES), day.isoformat(), chance.randint(-2, 9), 10, kpi=chance.choice(KPIS).id
        )
        raw = one.raw.model_copy(update={"partition": number % 3, "offset": number // 3})
        found.append(one.model_copy(update={"raw": raw}))
    return found


async def test_records_exist_from_the_first_moment_and_the_service_says_that_it_is_ready(
    stack: Stack, system: System
) -> None:
    await until(stack, lambda found: len(found) >= len(TARGETS))
    with urllib.request.urlopen(system.url("metrics", "/metrics"), timeout=5) as answer:  # noqa: ASYNC210
        assert b"tiendo_metrics_folded_total" in answer.read()


async def test_kill_9_in_the_middle_of_a_stream_of_increments_changes_no_figure(stack: Stack, system: System) -> None:
    stream_of = increments(6_000, seed=11)
    chance = random.Random(12)
    sending = asyncio.create_task(send(stack, stream_of))
    for _ in range(5):
        await asyncio.sleep(chance.uniform(0.3, 1.2))
        await asyncio.to_thread(system.child("metrics").kill)
        system.launch("metrics")
    await sending
    expected = recompute(catalog(), stream_of, START)
    counts = {key: record.numerator for key, record in expected.items()}
    records = await until(
        stack, lambda found: all(key in found and found[key].numerator == count for key, count in counts.items())
    )
    found = latest(records)
    assert {key: published(found[key]) for key in expected} == {key: plain(record) for key, record in expected.items()}
    _versions_never_fall_and_never_mean_two_things(records)
    _every_date_became_a_head(records, stream_of)


def _versions_never_fall_and_never_mean_two_things(records: Sequence[ConsumerRecord]) -> None:
    """A version that was published again is the same judgement."""
    dates: dict[tuple[bytes, int], object] = {}
    for record in records:
        one = ProgressJudged.model_validate_json(record.value)
        assert dates.setdefault((record.key, one.version), one.as_of) == one.as_of


def _every_date_became_a_head(records: Sequence[ConsumerRecord], observations: Sequence[ObservationRecorded]) -> None:
    """Days arrive in order, so each became the head of the province's record once."""
    seen: dict[str, set[str]] = {}
    for record in records:
        one = ProgressJudged.model_validate_json(record.value)
        if one.org_unit == "p":
            seen.setdefault(one.kpi, set()).add(str(one.as_of))
    for kpi in KPIS:
        wanted = {str(one.as_of) for one in observations if one.kpi == kpi.id}
        assert wanted <= seen[kpi.id]


async def test_a_catalog_that_changed_while_the_service_was_away_is_named_in_what_it_touches(
    stack: Stack, system: System
) -> None:
    figures = [at_the_end("p.a.1", "2023-10-01", kpi=kpi.id) for kpi in KPIS]
    await send(stack, figures)
    await until_looked_at(stack, [f"p/{kpi.id}" for kpi in KPIS])
    before = latest(await until(stack, lambda found: all(_counts(found, one) for one in figures)))
    await asyncio.to_thread(system.child("metrics").stop)
    other = TARGETS[0].model_copy(update={"value": Decimal(1)})
    note = KPIS[5].model_copy(update={"note": "Ghi chú"})
    early = a_target("p.b.1", 50, 10, kpi="k1", id="early", deadline=date(2023, 6, 30))
    objects = [other if one is TARGETS[0] else note if one is KPIS[5] else one for one in OBJECTS]
    applied = await stream.apply(settings_of(stack).connection(), "p", [*objects, early], now=START)
    system.launch("metrics")
    key, last = ("k0", "p.a.1", "2023"), at_the_end("p.a.1", "2023-10-02", kpi="k5")
    records = await until(stack, lambda found: key in found and found[key].catalog_version == applied.version)
    first = next(one for one in _said(records) if _key(one) == key and one.catalog_version == applied.version)
    assert first.status != before[key].status
    assert [applied.version in one.text_vi for one in first.reasons if one.code == "catalog_changed"] == [True]
    await send(stack, [last])
    records = await until(stack, lambda found: _counts(found, last))
    mine = [one for one in _said(records) if one.kpi == "k5" and one.version > before[_key(one)].version]
    assert mine, "the figure made a version"
    assert {reason.code for one in mine for reason in one.reasons}.isdisjoint({"catalog_changed"}), "the note made none"


async def test_a_closed_judgement_stands_beside_a_later_correction_also_after_kill_9(
    stack: Stack, system: System
) -> None:
    """The target of the test before was closed on 15 July 2023."""
    key = "k1", "p.b.1", "2023"
    await until(stack, lambda found: key in found and found[key].target is not None)
    late = at_the_end("p.b.1", "2023-06-29", kpi="k1").model_copy(update={"reported_at": local("2023-09-01")})
    await send(stack, [late])
    first = latest(await until(stack, lambda found: key in found and found[key].closed is not None))[key]
    await asyncio.to_thread(system.child("metrics").kill)
    system.launch("metrics")
    again = at_the_end("p.b.1", "2023-06-30", kpi="k1").model_copy(update={"reported_at": local("2023-09-02")})
    await send(stack, [again])
    found = latest(await until(stack, lambda found: _version(found, key) > first.version))[key]
    assert found.closed == first.closed
    assert found.closed is not None
    assert (str(found.closed.closed_on), found.closed.as_of != found.as_of) == ("2023-07-15", True)
    assert "later_correction" in [one.code for one in found.reasons]


_offsets = itertools.count(1_000_000)


def at_the_end(org_unit: str, day: str, *, kpi: str) -> ObservationRecorded:
    """One more increment, behind all others of its raw partition."""
    one = an_increment(org_unit, day, 5, 10, kpi=kpi)
    return one.model_copy(update={"raw": one.raw.model_copy(update={"partition": 0, "offset": next(_offsets)})})


def _version(found: Latest, key: Key) -> int:
    return found[key].version if key in found else 0


def _counts(found: Latest, one: ObservationRecorded) -> bool:
    record = found.get((one.kpi, one.org_unit, "2023"))
    return record is not None and record.as_of == one.as_of
