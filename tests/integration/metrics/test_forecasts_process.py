"""Forecasts of metrics as a process on a real broker and database: soon after the figures, none lost to kill -9, and
never in the way of the stream."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.observations import ObservationRecorded
from contracts.progress import Landing, ProgressJudged
from contracts.topics import PROGRESS
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from tests.integration.metrics.test_metrics_process import DEADLINE_S, send, until
from tests.stacks import a_stack
from tests.unit.metrics.builders import (
    CALENDAR,
    CIVIL,
    PROVINCE,
    a_kpi,
    a_target,
    an_increment,
    an_observation,
    local,
    unit,
)

START = local("2023-10-10")
UNITS = (unit("p", "province"), *(unit(f"p.{number}", "commune", "p") for number in range(300)))
LEVELS = ("commune", "province")
MANY = [a_kpi(f"many{number}", levels=LEVELS) for number in range(5)]
FLOWING = a_kpi("flowing", levels=LEVELS)
KILLED = a_kpi("killed", levels=LEVELS)
KPIS = (*MANY, FLOWING, KILLED)
TARGETS = [a_target(None, kpi=kpi.id, id=f"{kpi.id}.commune", level="commune") for kpi in KPIS]
OBJECTS = (PROVINCE, CALENDAR, CIVIL, *UNITS, *KPIS, *TARGETS)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("forecasts"), "p", OBJECTS, START) as running:
        yield running


@pytest.fixture
def system(stack: Stack) -> Iterator[System]:
    metrics = System(stack, {"TIENDO_CLOCK": f"from:{START.isoformat()}"}, names=["metrics"])
    metrics.launch("metrics")
    metrics.wait_ready()
    yield metrics
    metrics.child("metrics").stop()


def months(kpi: str, units: Sequence[str], last: int = 9) -> list[ObservationRecorded]:
    return [
        an_observation(one, f"2023-{month:02}-15", 80 + month, 100, kpi=kpi)
        for month in range(1, last + 1)
        for one in units
    ]


def landed(found: dict[tuple[str, str, str], ProgressJudged], kpi: str, units: Sequence[str]) -> dict[str, Landing]:
    """The landings of these units that know their latest figure."""
    records = {one: found.get((kpi, one, "2023")) for one in units}
    return {
        one: record.landing
        for one, record in records.items()
        if record is not None and record.landing is not None and str(record.landing.as_of) == "2023-09-15"
    }


async def test_a_landing_comes_within_seconds_after_the_figures(stack: Stack, system: System) -> None:
    await send(stack, months("flowing", ["p.299"]))
    began = time.monotonic()
    records = await until(stack, lambda found: "p.299" in landed(found, "flowing", ["p.299"]))
    assert time.monotonic() - began < 15
    mine = [ProgressJudged.model_validate_json(one.value) for one in records]
    versions = [one.version for one in mine if (one.kpi, one.org_unit) == ("flowing", "p.299")]
    assert versions == sorted(versions)


async def test_kill_9_at_any_moment_loses_no_forecast(stack: Stack, system: System) -> None:
    chance = random.Random(3)
    units = [one.id for one in UNITS[1:]]
    sending = asyncio.create_task(send(stack, months("killed", units), at_once=100))
    for _ in range(6):
        await asyncio.sleep(chance.uniform(0.5, 3.5))
        await asyncio.to_thread(system.child("metrics").kill)
        system.launch("metrics")
    await sending
    records = await until(stack, lambda found: len(landed(found, "killed", units)) == len(units))
    by_version: dict[tuple[str, int], tuple[object, object]] = {}
    for one in (ProgressJudged.model_validate_json(record.value) for record in records):
        if one.kpi == "killed" and one.landing is not None:
            said = one.as_of, one.value
            assert by_version.setdefault((one.org_unit, one.version), said) == said


async def test_the_stream_does_not_wait_for_forecasts_of_many_records(stack: Stack, system: System) -> None:
    units = [one.id for one in UNITS[1:]]
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap, fetch_max_wait_ms=10)
    await consumer.start()
    partitions = [TopicPartition(PROGRESS.name, number) for number in range(PROGRESS.partitions)]
    consumer.assign(partitions)
    await consumer.seek_to_end(*partitions)
    for kpi in MANY:
        await send(stack, months(kpi.id, units), at_once=500)
    waits: list[float] = []
    forecast: set[tuple[str, str]] = set()
    day = date(2023, 1, 1)
    async with asyncio.timeout(DEADLINE_S):
        while len(forecast) < len(MANY) * len(units):
            day += timedelta(days=1)
            began, said = time.monotonic(), False
            await send(stack, [an_increment("p.7", day.isoformat(), 1, 2, kpi="flowing")])
            while not said:
                for found in (await consumer.getmany(timeout_ms=50)).values():
                    for one in (ProgressJudged.model_validate_json(record.value) for record in found):
                        if one.landing is not None and one.kpi.startswith("many"):
                            forecast.add((one.kpi, one.org_unit))
                        said = said or (one.kpi, one.org_unit, one.as_of) == ("flowing", "p.7", day)
            if forecast:
                waits.append(time.monotonic() - began)
    await consumer.stop()
    assert len(waits) > 5, "events flowed while forecasts were made"
    assert sorted(waits)[len(waits) // 2] < 1
    assert max(waits) < 2, "no event waited"
