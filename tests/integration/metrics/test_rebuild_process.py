"""`tiendo rebuild` on running services: events flow, processes are killed, state is damaged, the broker forgets."""

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pymongo import MongoClient
from pymongo.database import Database

from contracts.catalog import Publisher
from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from contracts.rebuilds import Rebuild
from contracts.topics import PROGRESS
from deploy.embedded.demo.events import Said
from deploy.embedded.demo.publishing import publisher
from deploy.embedded.stack import Stack
from deploy.embedded.system import ROOT, System
from services.metrics.documents import name_of
from services.runtime.catalog import Catalog
from tests.hosts import eventually
from tests.model import recompute
from tests.stacks import a_stack
from tests.unit.metrics.builders import CALENDAR, CIVIL, PROVINCE, SOURCE, UNITS, a_kpi, a_target, local
from tests.unit.metrics.engine import plain, published

START = local("2023-10-10")
KPIS = [a_kpi(f"k{number}") for number in range(4)]
TARGETS = [a_target("p.a.1", kpi=kpi.id, id=f"{kpi.id}.commune") for kpi in KPIS]
PUBLISHERS = [
    Publisher(id=f"p{n}", name_vi="x", sources=(f"{SOURCE}:{n}",), kpis=("*",), units=("*",), contact="x@example.vn")
    for n in range(2)
]
OBJECTS = (PROVINCE, CALENDAR, CIVIL, *UNITS, *KPIS, *TARGETS, *PUBLISHERS)
LEAVES = ("p.a.1", "p.a.2", "p.b.1", "p.b.2")
DEADLINE_S = 90


def catalog() -> Catalog:
    return Catalog.of(OBJECTS, 1, "1-000000000000")


class Services:
    """Ingest, and replicas of metrics that share its database."""

    def __init__(self, stack: Stack, database: str, replicas: int) -> None:
        self.stack, self.database = stack, database
        own = {"TIENDO_CLOCK": f"from:{START.isoformat()}", "TIENDO_MONGO_DATABASE": database}
        self.ingest = System(stack, own, names=["ingest"])
        own["TIENDO_METRICS_INGEST_URL"] = self.ingest.url("ingest", "")
        self.metrics = [System(stack, own, names=["metrics"]) for _ in range(replicas)]

    def start(self) -> None:
        for system in (self.ingest, *self.metrics):
            system.start()

    def stop(self) -> None:
        for system, name in ((self.ingest, "ingest"), *((one, "metrics") for one in self.metrics)):
            system.child(name).stop()

    @contextmanager
    def stored(self, service: str) -> Iterator[Database[dict[str, Any]]]:
        """The database of a service."""
        client: MongoClient[dict[str, Any]] = MongoClient(self.stack.mongo_uri, tz_aware=True)
        with client:
            yield client[f"{self.database}_{service}"]

    def observations(self) -> list[ObservationRecorded]:
        """What the ledger holds."""
        with self.stored("ingest") as ingest:
            found = ingest["ledger"].find({}, {"payload": 1})
            return [ObservationRecorded.model_validate_json(entry["payload"]) for entry in found]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Servers of its own: the topics' names are fixed, and other tests have theirs."""
    with a_stack(tmp_path_factory.mktemp("rebuild"), "p", OBJECTS, START) as running:
        yield running


@pytest.fixture(scope="module")
def services(stack: Stack) -> Iterator[Services]:
    made = Services(stack, "rebuilds", 2)
    made.start()
    yield made
    made.stop()


def events(count: int, seed: int) -> list[Said]:
    """Day by day: increments, figures, revisions and retractions of them, over all KPIs, communes and two systems."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        day = (date(2023, 1, 1) + timedelta(days=number * 270 // count)).isoformat()
        data: dict[str, Any] = {"province": "p", "kpi": chance.choice(KPIS).id, "org_unit": chance.choice(LEAVES)}
        data |= {"as_of": day, "unit_of_measure": "percent"}
        kind = chance.random()
        if kind < 0.6:
            data |= {"mode": "increment", "numerator": chance.randint(0, 9), "denominator": 10}
        elif kind < 0.65:
            data |= {"mode": "absolute", "retracts": True, "revision": chance.randint(2, 4)}
        else:
            data |= {"mode": "absolute", "numerator": chance.randint(0, 90), "denominator": 90}
            data["revision"] = chance.randint(1, 3)
        at = local(day) + timedelta(seconds=number)
        found.append(Said(f"{SOURCE}:{chance.randrange(2)}", f"s{seed}-{number}", at, data))
    return found


async def send(stack: Stack, said: Sequence[Said], pause_s: float = 0.0) -> None:
    async with publisher(stack.bootstrap) as sender:
        for first in range(0, len(said), 50):
            await sender.send(said[first : first + 50])
            await asyncio.sleep(pause_s)


async def tiendo(services: Services, *arguments: str, replica: int = 0) -> tuple[int, str, str]:
    """Exit code, output, and what was said on standard error."""
    url = services.metrics[replica].url("metrics", "")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "rebuild", "--metrics", url, *arguments),
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("TIENDO_")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), said.decode()


async def rebuilt(services: Services, *arguments: str, replica: int = 0) -> Rebuild:
    code, out, said = await tiendo(services, "p", "--json", *arguments, replica=replica)
    assert code == 0, said
    return Rebuild.model_validate_json(out)


def changes(rebuild: Rebuild) -> dict[str, tuple[int, int]]:
    """By KPI how many figures and records changed."""
    reports = {one.kpi: one.report for one in rebuild.kpis}
    return {
        kpi: (report.figures_changed, report.records_changed) for kpi, report in reports.items() if report is not None
    }


async def said(stack: Stack, enough: Callable[[list[ConsumerRecord]], bool]) -> list[ConsumerRecord]:
    """Everything on the progress topic, once that is enough."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    await consumer.start()
    consumer.assign([TopicPartition(PROGRESS.name, number) for number in range(PROGRESS.partitions)])
    found: list[ConsumerRecord] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not enough(found):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
    except TimeoutError:
        pytest.fail(f"not as wanted after {len(found)} records")
    finally:
        await consumer.stop()
    return found


def latest(records: Sequence[ConsumerRecord]) -> dict[tuple[str, str, str], ProgressJudged]:
    found: dict[tuple[str, str, str], ProgressJudged] = {}
    for record in records:
        one = ProgressJudged.model_validate_json(record.value)
        key = one.kpi, one.org_unit, one.period
        if key not in found or one.version >= found[key].version:
            found[key] = one
    return found


async def accepted(services: Services, count: int) -> None:
    """Return once the ledger holds so many."""
    await eventually(lambda: len(services.observations()) >= count, DEADLINE_S)


async def as_the_model_says(services: Services, count: int) -> list[ConsumerRecord]:
    """All that was published, once its latest is what a plain recomputation from the ledger says."""
    await accepted(services, count)
    expected = {key: plain(one) for key, one in recompute(catalog(), services.observations(), START).items()}

    def equal(records: list[ConsumerRecord]) -> bool:
        found = latest(records)
        return found.keys() >= expected.keys() and all(published(found[key]) == expected[key] for key in expected)

    return await said(services.stack, equal)


def in_force(stored: Database[dict[str, Any]]) -> dict[str, str]:
    """By KPI what its documents in force say that they belong to."""
    return {kpi["_id"]: name_of(kpi["_id"], kpi.get("generation", 0)) for kpi in stored["kpis"].find()}


def documents(services: Services) -> dict[str, Any]:
    """Figures and digests of records as they are stored, without what belongs to a generation or a writer."""
    found: dict[str, Any] = {}
    with services.stored("metrics") as stored:
        for key, name in in_force(stored).items():
            for one in stored["figures"].find({"kpi": name}):
                found[f"{key}/{one['month']}/{one['chunk']}"] = one["units"], one.get("folded")
            for one in stored["judgements"].find({"kpi": name}):
                said = {unit: (cell["v"], cell["h"], cell["s"]) for unit, cell in one["units"].items()}
                found[f"{key}/{one['period']}/{one['chunk']}"] = said
    return found


def is_asked(services: Services, commands: int) -> bool:
    """Whether so many rebuilds were asked for."""
    with services.stored("metrics") as stored:
        return len(stored["rebuilds"].distinct("command")) == commands


async def test_while_events_flow_and_processes_die_nothing_is_lost_or_counted_twice(services: Services) -> None:
    flowing = events(4_000, seed=5)
    chance = random.Random(6)
    sending = asyncio.create_task(send(services.stack, flowing, pause_s=0.15))
    for turn in range(5):
        await asyncio.to_thread(services.metrics[turn % 2].wait_ready, 60)
        rebuilding = asyncio.create_task(rebuilt(services, replica=turn % 2))
        await eventually(partial(is_asked, services, turn + 1))
        await asyncio.sleep(chance.uniform(0, 1.0))
        victim = services.metrics[chance.randrange(2)]
        await asyncio.to_thread(victim.child("metrics").kill)
        await asyncio.sleep(chance.uniform(0, 0.5))
        victim.launch("metrics")
        done = await rebuilding
        assert set(changes(done).values()) == {(0, 0)}
    await sending
    records = await as_the_model_says(services, len(flowing))
    assert len(services.observations()) == len(flowing)
    versions: dict[tuple[bytes, int], Any] = {}
    for record in records:
        one = ProgressJudged.model_validate_json(record.value)
        assert versions.setdefault((record.key, one.version), one.as_of) == one.as_of
    before = documents(services)
    done = await rebuilt(services)
    assert set(changes(done).values()) == {(0, 0)}
    assert documents(services) == before


async def test_a_damaged_database_is_put_right_and_the_command_says_what_changed(services: Services) -> None:
    before, versions = documents(services), latest(await as_the_model_says(services, 1))
    for system in services.metrics:
        await asyncio.to_thread(system.child("metrics").kill)
    with services.stored("metrics") as stored:
        name = in_force(stored)["p/k1"]
        assert stored["figures"].delete_many({"kpi": name, "month": "2023-03"}).deleted_count
        assert stored["judgements"].delete_many({"kpi": name}).deleted_count
    for system in services.metrics:
        system.launch("metrics")
        await asyncio.to_thread(system.wait_ready, 60)
    code, out, err = await tiendo(services, "p", "--kpi", "k1")
    assert (code, err) == (0, "")
    assert "k1: done" in out
    assert "    added p.a.1 2023-03-0" in out
    assert "p.a.1 2023: nothing → " in out
    after = documents(services)
    assert {name: one for name, one in after.items() if "/2023-" in name} == {
        name: one for name, one in before.items() if "/2023-" in name
    }
    news = latest(await as_the_model_says(services, 1))
    assert all(news[key].version > old.version for key, old in versions.items() if key[0] == "k1")
    assert all(news[key].version == old.version for key, old in versions.items() if key[0] != "k1")


# the command


async def test_the_command_shows_its_steps_and_what_came_of_it(services: Services) -> None:
    code, out, err = await tiendo(services, "p", "--kpi", "k2", "--kpi", "k0")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("rebuild ")
    assert lines[0].endswith(" of p: 2 KPIs")
    assert [line.split(" (")[0] for line in lines[-2:]] == ["k0: nothing changed", "k2: nothing changed"]
    command = lines[0].split()[1]
    assert (await rebuilt(services, "--follow", command)).command_id == command


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["nowhere"], "metrics refuses: there is no catalog of nowhere; there is: p."),
        (["p", "--kpi", "k1", "--kpi", "k9"], "metrics refuses: the catalog of p has no KPI k9."),
        (["p", "--follow", "0" * 32], "metrics refuses: nobody asked for a rebuild under this id."),
        (["p", "--kpi", "Ô"], "'Ô' is no id of a province or KPI."),
        (["p", "--metrics", "http://127.0.0.1:9"], "metrics does not answer at http://127.0.0.1:9"),
    ],
)
async def test_what_cannot_be_asked_for_is_told_in_a_sentence(
    services: Services, asked: list[str], sentence: str
) -> None:
    code, out, err = await tiendo(services, *asked)
    assert (code, out) == (2, "")
    assert err.startswith(f"tiendo: {sentence}")
    assert len(err.splitlines()) == 1


async def test_without_ingest_it_waits_and_without_metrics_for_a_while(services: Services) -> None:
    await asyncio.to_thread(services.ingest.child("ingest").kill)
    waiting = asyncio.create_task(tiendo(services, "p", "--kpi", "k3"))
    await asyncio.sleep(3)
    services.ingest.launch("ingest")
    code, out, _ = await waiting
    assert code == 0
    assert "k3: reads the ledger; waits: ingest does not answer at" in out
    for system in services.metrics:
        await asyncio.to_thread(system.child("metrics").kill)
    services.metrics[0].launch("metrics")
    await asyncio.to_thread(services.metrics[0].wait_ready, 60)
    await asyncio.to_thread(services.ingest.child("ingest").kill)
    leaving = asyncio.create_task(tiendo(services, "p", "--kpi", "k3", "--patience", "1"))
    await asyncio.sleep(3)
    await asyncio.to_thread(services.metrics[0].child("metrics").kill)
    code, out, err = await leaving
    assert code == 1
    assert "it goes on when it is back. To look again: tiendo rebuild p --follow" in err
    for system in (services.ingest, *services.metrics):
        system.launch("ingest" if system is services.ingest else "metrics")
    for system in (services.ingest, *services.metrics):
        await asyncio.to_thread(system.wait_ready, 60)
    again = await rebuilt(services, "--follow", err.split()[-1])
    assert set(changes(again).values()) == {(0, 0)}


async def test_a_ledger_that_no_longer_reaches_back_is_refused_with_exit_code_1(services: Services) -> None:
    before = documents(services)
    with services.stored("ingest") as stored:
        ledger, meta = stored["ledger"], stored["meta"]
        taken = list(ledger.find({"key": "p/k0"}).limit(1_000))
        ledger.delete_many({"_id": {"$in": [entry["_id"] for entry in taken]}})
        meta.insert_one({"_id": "removal", "before": START})
        code, out, _ = await tiendo(services, "p", "--kpi", "k0", "--json")
        refused = json.loads(out)["kpis"][0]
        ledger.insert_many(taken)
        meta.delete_one({"_id": "removal"})
    assert (code, refused["stage"]) == (1, "refused")
    assert refused["why"].startswith("the ledger has forgotten what came before 2023-10-10, and figures of ")
    assert documents(services) == before
    assert set(changes(await rebuilt(services, "--kpi", "k0")).values()) == {(0, 0)}


# a log that was made anew


def test_what_a_broker_forgot_before_metrics_had_read_it_is_brought_back(tmp_path: Path) -> None:
    read, forgotten, later = events(300, seed=21), events(100, seed=22), events(300, seed=23)
    with a_stack(tmp_path, "p", OBJECTS, START) as stack:
        services = Services(stack, "forgetful", 1)
        services.start()
        asyncio.run(send(stack, read))
        asyncio.run(as_the_model_says(services, len(read)))
        services.metrics[0].child("metrics").kill()
        asyncio.run(send(stack, forgotten))
        asyncio.run(accepted(services, len(read + forgotten)))
        services.stop()
    with a_stack(tmp_path, "p", OBJECTS, START) as stack:
        services = Services(stack, "forgetful", 1)
        services.start()
        asyncio.run(send(stack, later))
        asyncio.run(accepted(services, len(read + forgotten + later)))
        brought = changes(asyncio.run(rebuilt(services)))
        if stack.broker == "tansu":  # the other one does not forget
            assert all(figures for figures, _ in brought.values())
            assert any(records for _, records in brought.values())
        asyncio.run(as_the_model_says(services, len(read + forgotten + later)))
        assert set(changes(asyncio.run(rebuilt(services))).values()) == {(0, 0)}
        services.stop()
