"""A service that cannot start says why in one sentence with the remedy, and ends with exit code 2. No traceback."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contracts.topics import TOPICS
from deploy.embedded import broker, database
from deploy.embedded.ports import LOOPBACK, free_port
from deploy.embedded.processes import Command, Supervisor
from deploy.embedded.system import SERVICES
from services.runtime.kafka.topics import make_topics
from services.runtime.settings import KafkaSettings
from tests.servers import KafkaServer, MongoServer

ROOT = Path(__file__).parents[2]
PATIENCE = {"TIENDO_START_TIMEOUT_S": "3"}


def start(service: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    bare = {name: text for name, text in os.environ.items() if not name.startswith("TIENDO_")}
    return subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env={**bare, "TIENDO_HTTP_PORT": "0", **PATIENCE, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_refused(environment: Mapping[str, str], *says: str, services: Sequence[str] = SERVICES) -> None:
    """Start the services side by side; each must end with a sentence that holds all of these words."""
    with ThreadPoolExecutor(len(services)) as starting:
        endings = dict(zip(services, starting.map(lambda service: start(service, environment), services), strict=True))
    for service, ended in endings.items():
        last = (ended.stderr.strip().splitlines() or [""])[-1]
        assert ended.returncode == 2, (service, ended.stderr)
        assert "Traceback" not in ended.stderr
        assert last.startswith(f"{service} cannot start. ")
        for words in says:
            assert words in last


def reaching(kafka: KafkaServer, mongo: MongoServer) -> dict[str, str]:
    return {
        "TIENDO_PROFILE": "embedded",
        "TIENDO_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "TIENDO_KAFKA_ENABLE_IDEMPOTENCE": str(kafka.idempotence).lower(),
        "TIENDO_MONGO_URI": mongo.uri,
    }


def test_a_wrong_setting_is_named() -> None:
    assert_refused({"TIENDO_HTTP_PORT": "eighty"}, "TIENDO_HTTP_PORT")


def test_a_database_that_is_down_is_named_with_its_setting(kafka_server: KafkaServer) -> None:
    nowhere = f"mongodb://{LOOPBACK}:{free_port()}/?replicaSet=rs0"
    assert_refused({"TIENDO_KAFKA_BOOTSTRAP": kafka_server.bootstrap, "TIENDO_MONGO_URI": nowhere}, "TIENDO_MONGO_URI")


def test_a_broker_that_is_down_is_named_with_its_setting(mongo_server: MongoServer) -> None:
    nowhere = f"{LOOPBACK}:{free_port()}"
    assert_refused({"TIENDO_KAFKA_BOOTSTRAP": nowhere, "TIENDO_MONGO_URI": mongo_server.uri}, "TIENDO_KAFKA_BOOTSTRAP")


def test_a_port_that_is_taken_is_named(kafka_server: KafkaServer, mongo_server: MongoServer) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_refused({**reaching(kafka_server, mongo_server), "TIENDO_HTTP_PORT": port}, port, "TIENDO_HTTP_PORT")


def test_a_database_without_a_replica_set_is_told_how_to_become_one(kafka_server: KafkaServer, tmp_path: Path) -> None:
    port, program = free_port(), database.binary()
    assert program is not None
    (tmp_path / "data").mkdir()
    with Supervisor(tmp_path / "logs") as supervisor:
        arguments = [str(program), "--dbpath", str(tmp_path / "data"), "--port", str(port), "--bind_ip", LOOPBACK]
        supervisor.start(Command("standalone", arguments, dict(os.environ), folder=tmp_path))
        alone = {"TIENDO_KAFKA_BOOTSTRAP": kafka_server.bootstrap, "TIENDO_MONGO_URI": f"mongodb://{LOOPBACK}:{port}/"}
        assert_refused({**alone, "TIENDO_START_TIMEOUT_S": "20"}, "is no replica set", "--replSet")


async def test_topics_that_were_not_made_are_named_with_the_command_that_makes_them(
    mongo_server: MongoServer, tmp_path: Path
) -> None:
    with Supervisor(tmp_path) as supervisor:
        bare = KafkaServer(broker.start(supervisor).bootstrap, "tansu", "a broker without topics")
        await asyncio.to_thread(assert_refused, reaching(bare, mongo_server), "tiendo topics")


async def test_without_a_catalog_a_service_says_how_one_is_applied(mongo_server: MongoServer, tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        bare = KafkaServer(broker.start(supervisor).bootstrap, "tansu", "a broker without a catalog")
        await make_topics(KafkaSettings(bootstrap=bare.bootstrap), TOPICS)
        needing = ["ingest", "metrics", "alerts"]
        await asyncio.to_thread(assert_refused, reaching(bare, mongo_server), "tiendo catalog apply", services=needing)
