"""Publishers bound to their sources by the broker: Apache Kafka with SCRAM and access rules, of which each service has
the least that it needs."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from httpx2 import AsyncClient

from contracts.catalog import CatalogObject, Publisher
from contracts.topics import own_topic
from deploy.embedded import database, kafka, mail
from deploy.embedded.errors import NotAvailable
from deploy.embedded.kafka import Guard, Kafka
from deploy.embedded.processes import Supervisor
from deploy.embedded.stack import KAFKA_TIMES, Stack
from deploy.embedded.system import ROOT, System
from services.runtime.catalog import stream
from services.runtime.settings import KafkaSettings
from tests.unit.ingest.door import EDOC, NOON, OBJECTS, PORTAL, TYPE, Record, an_event, data, figure

pytestmark = pytest.mark.slow

SERVICES = ("ingest", "metrics", "alerts", "gateway")
PRINCIPALS = {"edoc": "van-phong", "portal": "so-y-te"}
USERS = {name: f"secret-of-{name}" for name in ("admin", *PRINCIPALS.values(), *(f"tiendo-{one}" for one in SERVICES))}
OWN = {id: own_topic("dak-nong", id).name for id in PRINCIPALS}
FOR_ALL, REJECTED, PROGRESS = "statistics.reported.v1", "statistics.rejected.v1", "progress.v1"


def with_principals() -> list[CatalogObject]:
    return [
        one.model_copy(update={"principal": PRINCIPALS[one.id]}) if isinstance(one, Publisher) else one
        for one in OBJECTS
    ]


def signed_in(bootstrap: str, user: str) -> dict[str, str]:
    """The settings of a client in production."""
    return {
        "TIENDO_PROFILE": "production",
        "TIENDO_KAFKA_LOG_ID": "",
        "TIENDO_KAFKA_BOOTSTRAP": bootstrap,
        "TIENDO_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "TIENDO_KAFKA_SASL_USERNAME": user,
        "TIENDO_KAFKA_SASL_PASSWORD": USERS[user],
    }


@dataclass(frozen=True, slots=True)
class Guarded:
    """The servers, and the command as the broker's administrator runs it."""

    broker: Kafka
    stack: Stack

    def options(self, user: str) -> dict[str, Any]:
        """An aiokafka client's."""
        return {
            "bootstrap_servers": self.broker.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": user,
            "sasl_plain_password": USERS[user],
        }

    def environment(self, user: str) -> dict[str, str]:
        return {**self.stack.environment(), **signed_in(self.broker.bootstrap, user)}

    def tiendo(self, *arguments: str, code: int = 0, user: str = "admin") -> str:
        """What the command prints, on both streams."""
        bare = {name: value for name, value in os.environ.items() if not name.startswith("TIENDO_")}
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            env={**bare, **self.environment(user)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    async def send(self, user: str, topic: str, record: Record) -> None:
        producer = AIOKafkaProducer(**self.options(user), acks="all", enable_idempotence=True)
        try:
            await producer.start()
            await producer.send_and_wait(topic, record.value, headers=list(record.headers))
        finally:
            await producer.stop()

    @asynccontextmanager
    async def reading(self, user: str, topic: str, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(topic, **self.options(user), group_id=group, auto_offset_reset="earliest")
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()

    async def first(self, user: str, topic: str, id: str, group: str | None = None) -> dict[str, Any]:
        """The first payload on a topic that speaks of this event."""
        async with asyncio.timeout(60), self.reading(user, topic, group) as consumer:
            async for record in consumer:
                payload: dict[str, Any] = orjson.loads(record.value)
                if id in (payload.get("source_id"), payload.get("id")):
                    return payload
        raise AssertionError("the topic ended")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Broker with users and no rules yet; topics and catalog are made by its administrator."""
    if (reason := kafka.why_not()) is not None:
        pytest.skip(f"Apache Kafka cannot run from its jars: {reason}")
    folder = tmp_path_factory.mktemp("guarded")
    try:
        with Supervisor(folder / "logs") as supervisor:
            broker = kafka.start(supervisor, folder / "kafka", guard=Guard(USERS, "admin"))
            mongo = database.start(supervisor, folder / "mongo")
            sink = mail.start(supervisor, folder / "mail")
            stack = Stack(
                "kafka", broker.bootstrap, broker.log_id, mongo.uri, sink.host, sink.port, sink.folder, supervisor
            )
            world = Guarded(broker, stack)
            world.tiendo("topics")
            admin = KafkaSettings.model_validate(
                {
                    "bootstrap": broker.bootstrap,
                    "security_protocol": "SASL_PLAINTEXT",
                    "sasl_username": "admin",
                    "sasl_password": USERS["admin"],
                }
            )
            asyncio.run(stream.apply(admin.connection(), "dak-nong", with_principals(), now=NOON))
            yield world
    except NotAvailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def ruled(guarded: Guarded) -> Guarded:
    """With the publishers' topics and the rules."""
    guarded.tiendo("topics")
    guarded.tiendo("acl", "--apply")
    return guarded


@pytest.fixture(scope="module")
def running(ruled: Guarded) -> Iterator[Mapping[str, System]]:
    """Each service with its own principal; the address of each is known to the others."""
    clock = {"TIENDO_CLOCK": f"from:{NOON.isoformat()}", "TIENDO_START_TIMEOUT_S": "30"}
    times = {f"TIENDO_KAFKA_{name}": value for name, value in KAFKA_TIMES.items()}
    systems: dict[str, System] = {}
    for service in SERVICES:
        settings = {**clock, **times, **signed_in(ruled.broker.bootstrap, f"tiendo-{service}")}
        for asked in {"metrics": ("ingest",), "gateway": ("ingest", "metrics")}.get(service, ()):
            settings[f"TIENDO_{service.upper()}_{asked.upper()}_URL"] = systems[asked].url(asked, "")
        systems[service] = System(ruled.stack, settings, names=[service])
        systems[service].launch(service)
    for system in systems.values():
        system.wait_ready(90)
    yield systems
    for service, system in systems.items():
        system.child(service).stop()


def test_the_rules_are_said_before_they_are_made_and_made_once(guarded: Guarded) -> None:
    said = guarded.tiendo("acl", code=1)
    assert f"--allow-principal User:so-y-te --operation Write --topic {OWN['portal']}" in said
    assert "should not be there" not in said
    assert guarded.tiendo("topics") == f"made {', '.join(OWN.values())}\n"
    assert guarded.tiendo("acl", "--apply").count("--add") == said.count("--add") > 20
    assert guarded.tiendo("acl") == "the rules are as they should be\n"
    assert guarded.tiendo("acl", "--apply") == "the rules are as they should be\n"


async def test_what_a_publisher_writes_to_its_own_topic_goes_all_the_way(
    ruled: Guarded, running: Mapping[str, System]
) -> None:
    terminals = an_event(figure("terminals", org_unit="24611", value=3), id="own-1", source=PORTAL)
    await ruled.send("so-y-te", OWN["portal"], terminals)
    seen = await ruled.first("admin", "observations.v1", "own-1")
    assert (seen["source"], seen["raw"]["topic"]) == (PORTAL, OWN["portal"])
    async with asyncio.timeout(60), ruled.reading("admin", PROGRESS) as consumer:
        async for record in consumer:
            if json.loads(record.value)["kpi"] == "terminals":
                break


@pytest.mark.parametrize("topic", [OWN["edoc"], FOR_ALL, "observations.v1", "catalog.v1", FOR_ALL + ".dlq"])
async def test_it_may_write_to_no_other_topic(ruled: Guarded, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await ruled.send("so-y-te", topic, an_event(id="not-there"))


@pytest.mark.parametrize("topic", [*OWN.values(), FOR_ALL, "observations.v1", FOR_ALL + ".dlq"])
async def test_it_may_not_read_what_publishers_say(ruled: Guarded, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        async with asyncio.timeout(20), ruled.reading("so-y-te", topic) as consumer:
            await consumer.getone()


async def test_another_publishers_source_on_its_topic_is_refused_and_it_reads_why(
    ruled: Guarded, running: Mapping[str, System]
) -> None:
    await ruled.send("so-y-te", OWN["portal"], an_event(id="stolen", source=EDOC))
    told = await ruled.first("so-y-te", REJECTED, "stolen", group="so-y-te")
    assert (told["source"], [one["code"] for one in told["problems"]]) == (PORTAL, ["not_your_figure"])
    await ruled.send("van-phong", OWN["edoc"], an_event(data(numerator=7), id="stolen", source=EDOC))
    seen = await ruled.first("admin", "observations.v1", "stolen")
    assert (seen["source"], seen["raw"]["topic"]) == (EDOC, OWN["edoc"])


def test_a_file_goes_where_its_publisher_may_write(ruled: Guarded, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps({"type": TYPE, "source": EDOC, "id": "sent-1", "specversion": "1.0", "data": data()}))
    said = ruled.tiendo("send", str(file), code=2, user="van-phong")
    assert "does not let van-phong write to statistics.reported.v1: name your own topic with --topic" in said
    assert "1 events" in ruled.tiendo("send", str(file), "--topic", OWN["edoc"], user="van-phong")


async def test_what_comes_over_http_is_the_gateways_to_write(ruled: Guarded, running: Mapping[str, System]) -> None:
    key = ruled.tiendo("keys", "create", "edoc").split()[0]
    event = {"specversion": "1.0", "type": TYPE, "source": EDOC, "id": "http-1", "time": NOON.isoformat()}
    headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"}
    async with AsyncClient(base_url=running["gateway"].url("gateway"), headers=headers, trust_env=False) as client:
        answer = await client.post("/api/v1/statistics", json={**event, "data": data()})
        assert answer.status_code == 202, answer.text
        seen = await ruled.first("admin", "observations.v1", "http-1")
        assert seen["raw"]["topic"] == FOR_ALL
        async with asyncio.timeout(30):
            while True:
                fate = await client.get("/api/v1/events", params={"source": EDOC, "id": "http-1"})
                if fate.status_code == 200 and fate.json()["state"] == "accepted":
                    break
                await asyncio.sleep(0.1)


async def test_what_was_quarantined_goes_back_to_its_publishers_topic(
    ruled: Guarded, running: Mapping[str, System]
) -> None:
    rubbish = an_event(id="rubbish", source=PORTAL)
    rubbish.value = b"{broken"
    await ruled.send("so-y-te", OWN["portal"], rubbish)
    for attempts in (1, 2):
        async with asyncio.timeout(30), ruled.reading("admin", FOR_ALL + ".dlq") as consumer:
            async for record in consumer:
                about = {name: (text or b"").decode() for name, text in record.headers}
                if about["dlq_topic"] == OWN["portal"] and about["dlq_attempts"] == str(attempts):
                    break
        assert record.value == rubbish.value
        if attempts == 1:
            assert "1 replayed" in await asyncio.to_thread(ruled.tiendo, "dlq", "replay")


async def test_figures_are_computed_anew_over_all_topics(ruled: Guarded, running: Mapping[str, System]) -> None:
    for topic, id in ((OWN["portal"], "anew-1"), (FOR_ALL, "anew-2")):
        terminals = an_event(figure("terminals", org_unit="24612", value=5), id=id, source=PORTAL)
        await ruled.send("so-y-te" if topic != FOR_ALL else "tiendo-gateway", topic, terminals)
        await ruled.first("admin", "observations.v1", id)
    anew = ("rebuild", "dak-nong", "--kpi", "terminals", "--metrics", running["metrics"].url("metrics", ""))
    said = await asyncio.to_thread(ruled.tiendo, *anew)
    assert "terminals" in said


async def test_it_may_not_be_a_member_of_others_groups(ruled: Guarded) -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        async with asyncio.timeout(20), ruled.reading("so-y-te", REJECTED, "tiendo.ingest") as consumer:
            await consumer.getone()


def test_what_should_not_be_there_is_said_and_removed_only_when_told(ruled: Guarded) -> None:
    without = [one for one in with_principals() if not (isinstance(one, Publisher) and one.id == "portal")]
    admin = {"security_protocol": "SASL_PLAINTEXT", "sasl_username": "admin", "sasl_password": USERS["admin"]}
    settings = KafkaSettings.model_validate({"bootstrap": ruled.broker.bootstrap, **admin})
    asyncio.run(stream.apply(settings.connection(), "dak-nong", without, now=NOON))
    said = ruled.tiendo("acl", code=1)
    assert f"--remove --force --allow-principal User:so-y-te --operation Write --topic {OWN['portal']}" in said
    assert "--add" not in said
    ruled.tiendo("acl", "--apply", code=1)
    ruled.tiendo("acl", "--apply", "--remove")
    with pytest.raises(ClusterAuthorizationFailedError):  # who may write nowhere does not even become a producer
        asyncio.run(ruled.send("so-y-te", OWN["portal"], an_event(id="too-late")))
