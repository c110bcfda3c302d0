"""Two replicas of metrics on a real broker and database: one owns what is reported, the other what is made from it, and
is killed again and again."""

import asyncio
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from contracts.catalog import GrowthSpec, ScoreItem
from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from contracts.topics import OBSERVATIONS
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog import Catalog
from services.runtime.kafka.producer import partition_of
from tests.integration.metrics.test_metrics_process import DEADLINE_S, LEAVES, START, latest, send, until
from tests.model import recompute
from tests.stacks import a_stack
from tests.unit.metrics.builders import (
    CALENDAR,
    CIVIL,
    PROVINCE,
    UNITS,
    a_kpi,
    a_target,
    an_increment,
    an_observation,
)
from tests.unit.metrics.engine import plain, published

SOURCES = ("sales", "signed-share")
DERIVED = ("growth", "grades")
OBJECTS = (
    PROVINCE,
    CALENDAR,
    CIVIL,
    *UNITS,
    a_kpi("sales", "flow", unit_of_measure="vnd"),
    a_kpi("signed-share", "ratio"),
    a_kpi("growth", "growth", growth=GrowthSpec(of="sales"), unit_of_measure="times"),
    a_kpi(
        "grades",
        "composite",
        levels=("commune",),
        unit_of_measure="point",
        composite=tuple(
            ScoreItem.model_validate(item)
            for item in ({"kpi": "sales", "maximum": 40, "rule": "best_peer"}, {"kpi": "signed-share", "maximum": 60})
        ),
    ),
    a_target("p", "1.2", None, kpi="growth"),
    a_target(None, 70, None, kpi="grades", level="commune"),
)
COUNT = 300
ENVIRONMENT = {"TIENDO_CLOCK": f"from:{START.isoformat()}", "TIENDO_KAFKA_SESSION_TIMEOUT_MS": "6000"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("deriving"), "p", OBJECTS, START) as running:
        yield running


@pytest.fixture
def replicas(stack: Stack) -> Iterator[list[System]]:
    both = [System(stack, ENVIRONMENT, names=["metrics"]) for _ in range(2)]
    for one in both:
        one.launch("metrics")
    for one in both:
        one.wait_ready()
    yield both
    for one in both:
        one.child("metrics").stop()


def writers(stack: Stack, kpi: str) -> set[int]:
    """The processes that wrote figures of the KPI last."""
    client: MongoClient[dict[str, Any]] = MongoClient(stack.mongo_uri)
    with client:
        found = client["tiendo_metrics"]["figures"].find({"kpi": f"p/{kpi}"}, {"writer": 1})
        return {int(document["writer"].split(":")[1]) for document in found}


def runs_in(system: System, pid: int) -> bool:
    """Whether the process is this replica."""
    above = psutil.Process(system.child("metrics").pid)
    return pid in {above.pid, *(child.pid for child in above.children(recursive=True))}


def told(seed: int) -> list[ObservationRecorded]:
    """Two years of sales, by increments, and a year of shares; day by day, over all communes."""
    chance = random.Random(seed)
    found = [an_observation(unit, "2022-12-01", value=chance.randint(50, 90), kpi="sales") for unit in LEAVES]
    for number in range(COUNT):
        day, unit = date(2023, 1, 1) + timedelta(days=number * 270 // COUNT), chance.choice(LEAVES)
        if number % 4:
            found.append(an_increment(unit, day.isoformat(), value=chance.randint(0, 2), kpi="sales"))
        else:
            d = chance.randint(1, 90)
            found.append(an_observation(unit, day.isoformat(), chance.randint(0, d), d, kpi="signed-share"))
    return [
        one.model_copy(update={"raw": one.raw.model_copy(update={"partition": 0, "offset": offset})})
        for offset, one in enumerate(found)
    ]


def test_sources_and_what_is_made_from_them_are_of_different_members_however_two_share_the_topic() -> None:
    """By halves or in turn: whichever way a consumer group divides the partitions."""
    count = OBSERVATIONS.partitions
    places = {kpi: partition_of(f"p/{kpi}".encode(), count) for kpi in (*SOURCES, *DERIVED)}
    assert [(places[kpi] < count // 2, places[kpi] % 2) for kpi in SOURCES] == [(True, 1), (True, 1)]
    assert [(places[kpi] < count // 2, places[kpi] % 2) for kpi in DERIVED] == [(False, 0), (False, 0)]


async def test_kill_9_of_the_replica_that_derives_changes_no_figure(stack: Stack, replicas: list[System]) -> None:
    stream = told(seed=7)
    await send(stack, stream[:60])
    await _written_by(stack, replicas)
    assert writers(stack, "growth").isdisjoint(writers(stack, "sales") | writers(stack, "signed-share"))
    chance = random.Random(8)
    for at in range(60, len(stream), 90):
        await send(stack, stream[at : at + 45])
        await asyncio.sleep(chance.uniform(0, 1.5))
        deriving = await _written_by(stack, replicas)
        await asyncio.to_thread(deriving.child("metrics").kill)
        deriving.launch("metrics")
        await asyncio.to_thread(deriving.wait_ready)
        await send(stack, stream[at + 45 : at + 90])  # so that whoever derives now has something to write
        await _written_by(stack, replicas)
    expected = {
        key: record
        for key, record in recompute(Catalog.of(OBJECTS, 1, "1-000000000000"), stream, START).items()
        if key[0] in DERIVED
    }
    wanted = {key: plain(record) for key, record in expected.items()}
    records = await until(
        stack, lambda found: all(key in found and published(found[key]) == wanted[key] for key in wanted)
    )
    assert {key for key in latest(records) if key[0] in DERIVED} == set(wanted)
    meanings: dict[tuple[bytes, int], object] = {}
    for record in records:
        one = ProgressJudged.model_validate_json(record.value)
        assert meanings.setdefault((record.key, one.version), one.as_of) == one.as_of


async def _written_by(stack: Stack, replicas: list[System]) -> System:
    """Wait for a replica that runs to have written what is derived; which one did."""
    for _ in range(int(DEADLINE_S / 0.2)):
        found = [one for one in replicas if any(runs_in(one, pid) for pid in writers(stack, "growth"))]
        if found and writers(stack, "grades"):
            return found[0]
        await asyncio.sleep(0.2)
    pytest.fail("nobody derives")
