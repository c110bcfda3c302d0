"""Alerts as a process on a real broker, database and mail server: what arrives, and what kill -9 cannot change."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pymongo import AsyncMongoClient

from contracts import envelope
from contracts.alerts import AlertTransition
from contracts.catalog import OrgUnit, Parent, Person, Post
from contracts.progress import ProgressJudged, progress_key
from contracts.topics import ALERTS, PROGRESS
from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.stack import Stack
from deploy.embedded.system import ROOT, System
from services.alerts.webhooks.store import MongoWebhooks
from tests.integration.alerts.receiver import Receiver, receiving
from tests.stacks import a_stack, ended
from tests.unit.alerts.builders import BASE, NOW, PEOPLE, Story, a_record, a_rule
from tests.unit.alerts.fakes import parsed
from tests.unit.alerts.test_webhooks import an_endpoint

COMMUNES = tuple(f"xa-{number}" for number in range(12))
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
QUICK = {
    "TIENDO_CLOCK": f"from:{NOW.isoformat()}",
    "TIENDO_START_TIMEOUT_S": "30",
    "TIENDO_ALERTS_LEASE_S": "2",
    "TIENDO_ALERTS_POLL_S": "0.2",
    "TIENDO_ALERTS_PROBE_S": "0.2",
}
OBJECTS = (
    *BASE,
    *PEOPLE,
    *(OrgUnit(id=unit, name=f"Xã {unit}", level="commune", parents=(Parent(unit="huyen-a"),)) for unit in COMMUNES),
    *(
        Person(id=f"manager.{unit}", name=f"Chủ tịch {unit}", email=f"{unit}@kpi.example", posts=(_post,))
        for unit in COMMUNES
        for _post in (Post(role="manager", unit=unit),)
    ),
    a_rule(group_wait=timedelta(0)),
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("alerts"), "dak-nong", OBJECTS, NOW) as running:
        yield running


class World:
    """One test's service: its database, its Message-IDs, and a period of its own on the shared topics."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        self.database = name.replace("-", "_")
        self.host = f"{name}.example"
        self.systems: list[System] = []

    def worker(self, **more: str) -> System:
        """A worker, not yet started."""
        own = {"TIENDO_MONGO_DATABASE": self.database, "TIENDO_MAIL_HOST": self.host}
        self.systems.append(System(self.stack, {**QUICK, **own, **more}, names=["alerts"]))
        return self.systems[-1]

    async def publish(self, records: Sequence[tuple[ProgressJudged, datetime]]) -> None:
        """Onto `progress.v1`, as metrics does."""
        producer = AIOKafkaProducer(bootstrap_servers=self.stack.bootstrap, acks="all", linger_ms=2)
        await producer.start()
        try:
            for record, moment in records:
                key = progress_key(record.province, record.kpi, record.org_unit, record.period)
                headers = envelope.write(
                    id=f"{key}@{record.version}",
                    source="urn:tiendo:metrics",
                    type="vn.tiendo.progress.judged.v1",
                    time=moment,
                    subject=key,
                    extensions={"businesstime": moment.isoformat()},
                )
                value = record.model_dump_json().encode()
                await producer.send(PROGRESS.name, value, key=key.encode(), headers=headers)
            await producer.flush()
        finally:
            await producer.stop()

    def mails(self) -> list[tuple[str, EmailMessage, bytes]]:
        """Recipient, mail and bytes of everything that arrived for this test."""
        found = []
        for file in sorted(self.stack.mail_folder.glob("*.eml")):
            raw = file.read_bytes()
            mail = parsed(raw)
            if str(mail["Message-ID"]).endswith(f"@{self.host}>"):
                content = raw.split(b"\r\n", 2)[2]  # without what the server itself put in front
                found.append((str(mail["Delivered-To"]), mail, content))
        return found

    def reasons(self, recipient: str) -> list[str]:
        """What a recipient was told, in order of arrival."""
        return [str(mail["X-KPI-Reason"]) for to, mail, _ in self.mails() if to == recipient]

    async def calls(self, receiver: Receiver) -> None:
        """Have a receiver called with everything that happens to alerts."""
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.stack.mongo_uri, tz_aware=True)
        async with client:
            await MongoWebhooks(client[f"{self.database}_alerts"]).add(an_endpoint(url=receiver.url))

    async def rows(self) -> list[dict[str, Any]]:
        """The notifications in the database."""
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.stack.mongo_uri, tz_aware=True)
        async with client:
            return await client[f"{self.database}_alerts"]["notifications"].find().to_list()

    async def settled(self, head: dict[str, int]) -> list[dict[str, Any]]:
        """Wait until the newest versions are in and every decided mail is sent; then the notifications."""
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self.stack.mongo_uri, tz_aware=True)
        async with client:
            database = client[f"{self.database}_alerts"]

            async def done() -> bool:
                alerts = await database["alerts"].find({"org_unit": {"$in": list(head)}}).to_list()
                there = {one["org_unit"]: one["state"]["head"]["version"] for one in alerts}
                idle = not any(one.get("events") for one in alerts)
                waiting = await database["groups"].count_documents(
                    {"$or": [{"outbox.0": {"$exists": True}}, {"next_flush_at": {"$ne": None}}]}
                )
                left = await database["notifications"].count_documents({"state": {"$nin": ["sent", "dead"]}})
                return there == head and idle and not waiting and not left

            await until(done)
            return await database["notifications"].find().to_list()

    async def transitions(self) -> dict[str, list[AlertTransition]]:
        """What stands on `alerts.v1` by unit, in the order of the topic."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.stack.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20
        )
        await consumer.start()
        found: dict[str, list[AlertTransition]] = {}
        try:
            metadata = await consumer._client.fetch_all_metadata()
            consumer.assign([TopicPartition(ALERTS.name, n) for n in metadata.partitions_for_topic(ALERTS.name)])
            quiet = 0
            while quiet < 10:
                batches = await consumer.getmany(timeout_ms=100)
                quiet = 0 if batches else quiet + 1
                for record in (record for batch in batches.values() for record in batch):
                    wire = AlertTransition.model_validate_json(record.value)
                    found.setdefault(f"{wire.org_unit}/{wire.period}", []).append(wire)
        finally:
            await consumer.stop()
        return found


@pytest.fixture
def world(stack: Stack, unique: Callable[[str], str]) -> Iterator[World]:
    """This test's own; its workers are stopped at the end."""
    made = World(stack, unique("t"))
    yield made
    for system in made.systems:
        system.child("alerts").stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


async def until(holds: Callable[[], Any], seconds: float = 40.0) -> None:
    """Wait for a condition, plain or awaitable."""
    async with asyncio.timeout(seconds):
        while True:
            answer = holds()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.1)


def a_history(seed: int, period: str, steps: int = 14) -> dict[str, list[ProgressJudged]]:
    """For each commune, records whose pace wanders up and down."""
    chance = random.Random(seed)
    return {
        unit: [
            a_record(
                chance.choice([0.3, 0.55, 0.7, 0.83, 0.88, 0.92, 0.97, 1.1]),
                version=version,
                org_unit=unit,
                period=period,
                as_of=(NOW + version * timedelta(days=1)).date(),
            )
            for version in range(1, steps + 1)
        ]
        for unit in COMMUNES
    }


def expected(history: dict[str, list[ProgressJudged]]) -> dict[str, list[tuple[str, int, int]]]:
    """Type, episode and number of every transition, by a plain run of the decisions."""
    told = {}
    for unit, records in history.items():
        story = Story(a_rule(group_wait=timedelta(0)))
        for record in records:
            story.decides(record)
        effects = [effect.wire for decision in story.decisions for effect in decision.effects]
        told[f"{unit}/{records[0].period}"] = [(one.type.value, one.episode, one.seq) for one in effects]
    return {key: value for key, value in told.items() if value}


def decided(transitions: dict[str, list[AlertTransition]], period: str) -> dict[str, list[tuple[str, int, int]]]:
    """The same of what was published; a repeat must be the same, and counts once."""
    told = {}
    for key, wires in transitions.items():
        if key.endswith(f"/{period}"):
            contents: dict[int, set[str]] = {}
            for wire in wires:
                contents.setdefault(wire.seq, set()).add(wire.model_dump_json())
            assert all(len(versions) == 1 for versions in contents.values()), f"{key}: one number, two contents"
            firsts = {wire.seq: wire for wire in reversed(wires)}
            told[key] = [(firsts[seq].type.value, firsts[seq].episode, seq) for seq in sorted(firsts)]
    return told


async def test_owner_and_manager_are_told_and_told_again_when_it_is_over(world: World) -> None:
    world.worker().start()
    one = a_record(0.7, version=1)
    await world.publish([(one, NOW + HOUR)])
    await until(lambda: len(world.mails()) == 2)
    await world.publish([(a_record(0.97, version=2), NOW + 24 * HOUR)])
    await until(lambda: len(world.mails()) == 4)
    assert world.reasons("chu-tich@tan-phu.example") == ["FIRST", "ALL_RESOLVED"]
    first, last = [mail for to, mail, _ in world.mails() if to == "van-phong@tan-phu.example"]
    assert last["In-Reply-To"] == first["Message-ID"]
    assert first["Date"].datetime == NOW + HOUR
    opened, closed = (await world.transitions())["huyen-a.xa-tan-phu/2023"]
    assert (opened.type, closed.type, closed.close_reason) == ("opened", "closed", "recovered")
    assert opened.progress == one
    assert world.systems[0].child("alerts").stop() == 0


async def test_kill_minus_nine_loses_no_mail_and_no_call_and_decides_nothing_twice(
    world: World, receiver: Receiver
) -> None:
    chance, period = random.Random(7), "2023-H2"
    history = a_history(7, period)
    await world.calls(receiver)
    system = world.worker(TIENDO_WEBHOOKS_NETWORKS='["127.0.0.0/8"]', TIENDO_WEBHOOKS_RETRY_S="0.2")
    system.start()

    async def publish() -> None:
        for step in range(14):
            await world.publish([(records[step], NOW + step * 24 * HOUR) for records in history.values()])
            await asyncio.sleep(0.3)

    publishing = asyncio.create_task(publish())
    for _ in range(6):
        await asyncio.sleep(chance.uniform(0.1, 1.0))
        await asyncio.to_thread(system.child("alerts").kill)
        system.launch("alerts")
        await asyncio.to_thread(system.wait_ready)
    await publishing
    rows = await world.settled(dict.fromkeys(COMMUNES, 14))
    assert decided(await world.transitions(), period) == expected(history)
    arrived: dict[str, set[bytes]] = {}
    copies: Counter[str] = Counter()
    for _, mail, raw in world.mails():
        arrived.setdefault(str(mail["Message-ID"]), set()).add(raw)
        copies[str(mail["Message-ID"])] += 1
    assert set(arrived) == {row["message_id"] for row in rows}, "a decided mail did not arrive, or an undecided one did"
    assert all(len(versions) == 1 for versions in arrived.values()), "a second copy was another mail"
    resent = {row["message_id"] for row in rows if row["resends"]}
    assert {message for message, count in copies.items() if count > 1} <= resent
    assert_told_how_it_ended(world)
    await until(lambda: called(receiver, period) == expected(history))


def called(receiver: Receiver, period: str) -> dict[str, list[tuple[str, int, int]]]:
    """What a receiver of webhooks was told, in the order of arrival; a call that came twice counts once."""
    told: dict[str, list[tuple[str, int, int]]] = {}
    firsts = {headers["webhook-id"]: body for headers, body in reversed(receiver.calls)}
    for call_id in dict.fromkeys(receiver.ids):
        wire = AlertTransition.model_validate(envelope.read_structured(firsts[call_id]).data)
        if wire.period == period:
            told.setdefault(f"{wire.org_unit}/{period}", []).append((wire.type.value, wire.episode, wire.seq))
    return told


async def test_two_workers_side_by_side_send_what_one_sends(world: World) -> None:
    period = "2023-Q4"
    history = a_history(3, period, steps=8)
    workers = [world.worker(), world.worker()]
    for worker in workers:
        worker.start()
    for step in range(8):
        await world.publish([(records[step], NOW + step * 24 * HOUR) for records in history.values()])
    rows = await world.settled(dict.fromkeys(COMMUNES, 8))
    assert decided(await world.transitions(), period) == expected(history)
    copies = Counter(str(mail["Message-ID"]) for _, mail, _ in world.mails())
    assert copies == Counter({row["message_id"]: 1 for row in rows})
    assert_told_how_it_ended(world)


async def test_mails_wait_for_a_relay_that_is_away(stack: Stack, world: World) -> None:
    port = claimed(None, "")
    system = world.worker(TIENDO_SMTP_PORT=str(port))
    system.start()
    await world.publish([(a_record(0.7, period="2023-Q3"), NOW + HOUR)])

    async def queued() -> bool:
        return len(await world.rows()) == 2

    await until(queued)
    log = system.child("alerts").log
    await until(lambda: "mail_relay_away" in log.read_text())
    assert system.is_ready("alerts")
    rows = await world.rows()
    assert {row["state"] for row in rows} <= {"queued", "leased"}, rows  # leased: being tried just now
    assert {row["attempts"] for row in rows} == {0}
    folder = stack.mail_folder.parent / "second"
    command = [sys.executable, "-m", "deploy.embedded.mail_sink", "--folder", str(folder), "--port", str(port)]
    late = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    try:
        await until(lambda: len(list(folder.glob("*.eml"))) == 2)
    finally:
        late.terminate()
        await late.wait()


def assert_told_how_it_ended(world: World) -> None:
    """By their order of arrival: nothing about the end comes to somebody who was not told the beginning."""
    threads: dict[str, list[str]] = {}
    for _, mail, _ in world.mails():
        root = str(mail["References"] or mail["Message-ID"]).split()[0]
        reason = str(mail["X-KPI-Reason"])
        if reason not in threads.setdefault(root, []):
            threads[root].append(reason)
    assert all(reasons[0] == "FIRST" for reasons in threads.values()), threads


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TIENDO_SMTP_TLS", "perhaps"),
        ("TIENDO_SMTP_SENDER", "Tiến Độ <x>"),
        ("TIENDO_MAIL_HOST", "a-host-whose-name-is-far-too-long.kpi.example"),
        ("TIENDO_MAIL_PILOT_TO", "nobody"),
        ("TIENDO_SMTP_PORT", "70000"),
    ],
)
def test_a_wrong_setting_is_named_in_a_sentence(setting: str, value: str) -> None:
    code, said = ended("alerts", {setting: value})
    assert code == 2, said
    assert "Traceback" not in said
    assert setting in said


def test_a_database_that_is_down_is_named() -> None:
    dead = f"mongodb://{LOOPBACK}:{claimed(None, '')}/?replicaSet=rs0"
    code, said = ended("alerts", {"TIENDO_MONGO_URI": dead})
    assert code == 2, said
    assert "Traceback" not in said
    assert "TIENDO_MONGO_URI" in said.splitlines()[-1]
