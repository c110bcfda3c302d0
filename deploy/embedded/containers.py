"""Broker and database as containers, for platforms without the wheels where a Docker engine answers.

The `docker run` client is the supervised child; it passes SIGTERM on to the container. A container outlives a client
that is killed with -9, so each has a name made from its data folder, and the next start there removes what is left of
it.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import uuid
from pathlib import Path

from deploy.embedded import database
from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.processes import Child, Command, Supervisor
from deploy.embedded.wire import kafka_serves

KAFKA_IMAGE = "apache/kafka:4.1.1"
MONGO_IMAGE = "mongo:8"
ENGINE_SECONDS = 3.0
READY_SECONDS = 300.0  # the image may have to be pulled first
CONTROLLER_PORT = 9093


def why_not() -> str | None:
    """None if a Docker engine answers within three seconds, otherwise a sentence that says why not."""
    docker = shutil.which("docker")
    if docker is None:
        return "Docker could run it instead, but was not found."
    try:
        command = [docker, "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(command, capture_output=True, timeout=ENGINE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        answered = False
    else:
        answered = done.returncode == 0
    return None if answered else "Docker could run it instead and is installed, but no engine answers."


def kafka(supervisor: Supervisor, folder: Path, port: int | None = None) -> tuple[str, str]:
    """Starts Apache Kafka, whose log ends with the container; gives (bootstrap, log id) once it serves."""
    port = claimed(port, "--broker-port")
    log = uuid.uuid4()
    settings = _kafka_settings(port, base64.urlsafe_b64encode(log.bytes).decode().rstrip("="))
    options = [part for name, value in settings.items() for part in ("--env", f"{name}={value}")]
    child = _run(supervisor, "kafka", folder, port, [*options, KAFKA_IMAGE])
    supervisor.wait_until(child, lambda: kafka_serves(LOOPBACK, port), READY_SECONDS)
    return f"{LOOPBACK}:{port}", log.hex


def mongo(supervisor: Supervisor, folder: Path, port: int | None = None) -> str:
    """Starts MongoDB as a replica set of one over the data in `folder`; gives the connection string of the primary."""
    port = claimed(port, "--mongo-port")
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--volume", f"{folder.resolve()}:/data/db", "--user", f"{os.getuid()}:{os.getgid()}", MONGO_IMAGE]
    options += ["mongod", "--replSet", database.REPLICA_SET, "--port", str(port), "--bind_ip_all"]
    child = _run(supervisor, "mongo", folder, port, options)
    supervisor.wait_until(child, lambda: database.make_primary(port), READY_SECONDS)
    return database.uri(port)


def _run(supervisor: Supervisor, kind: str, folder: Path, port: int, arguments: list[str]) -> Child:
    name = f"tiendo-{kind}-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:10]}"
    subprocess.run(["docker", "rm", "--force", name], capture_output=True, timeout=60, check=False)
    # The same port inside and outside: both servers tell their clients the address that they know themselves by.
    command = ["docker", "run", "--rm", "--name", name, "--publish", f"{LOOPBACK}:{port}:{port}", *arguments]
    return supervisor.start(Command(kind, command, grace=30.0))


def _kafka_settings(port: int, cluster_id: str) -> dict[str, str]:
    # As soon as one of these is set the image takes none of its defaults.
    return {
        "CLUSTER_ID": cluster_id,
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@localhost:{CONTROLLER_PORT}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:{CONTROLLER_PORT}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{LOOPBACK}:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    }
