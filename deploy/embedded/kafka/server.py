"""Formats a log folder, starts one Kafka node that is broker and controller, and waits until it serves."""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.errors import NotAvailable
from deploy.embedded.kafka import jars
from deploy.embedded.ports import LOOPBACK, claimed, free_port
from deploy.embedded.processes import Child, Command, Supervisor
from deploy.embedded.wire import kafka_serves

NAME = "kafka"
READY_SECONDS = 90.0
HEAP = "-Xmx512m"
LOG4J = Path(__file__).with_name("log4j2.properties")


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker that serves at `bootstrap` (host:port); `log_id` (32 hex digits) stays while its data stay."""

    bootstrap: str
    log_id: str
    child: Child


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may in: users with passwords (SCRAM-SHA-512), of whom only `admin` may do anything before there are rules."""

    users: Mapping[str, str]
    admin: str


def start(supervisor: Supervisor, folder: Path, port: int | None = None, guard: Guard | None = None) -> Kafka:
    """Starts it over the data in `folder` (made if missing) on `port` (default: a free one). Raises `NotAvailable`.

    Without a `guard` everybody may do everything.
    """
    program, reason = jars.java(), jars.why_not()
    if program is None or reason is not None:
        raise NotAvailable(jars.WHAT, reason or "")
    port = claimed(port, "--broker-port")
    folder.mkdir(parents=True, exist_ok=True)
    java = [program, HEAP, f"-Dlog4j2.configurationFile={LOG4J}", "-cp", f"{jars.fetched()}/*"]
    properties = folder / "server.properties"
    controller_port = free_port()
    settings = _settings(port, controller_port, folder / "log")
    asked = port
    if guard is not None:
        asked = free_port()
        settings.update(_guarding(guard, port, controller_port, asked))
    properties.touch(mode=0o600)
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    log_id = _formatted(java, folder, properties, guard)
    child = supervisor.start(Command(NAME, [*java, "kafka.Kafka", str(properties)], grace=30.0))
    supervisor.wait_until(child, lambda: kafka_serves(LOOPBACK, asked), READY_SECONDS)
    return Kafka(f"{LOOPBACK}:{port}", log_id, child)


def _formatted(java: list[str], folder: Path, properties: Path, guard: Guard | None) -> str:
    """Formats the log folder once; the id it was given is kept beside it."""
    kept = folder / "log-id"
    if kept.is_file():
        return kept.read_text().strip()
    log = uuid.uuid4()
    cluster = base64.urlsafe_b64encode(log.bytes).decode().rstrip("=")
    command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", f"--config={properties}"]
    for name, password in guard.users.items() if guard is not None else ():
        command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
    done = subprocess.run([*command, "--ignore-formatted"], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NotAvailable(jars.WHAT, f"its data folder {folder} could not be formatted ({' '.join(reason)}).")
    kept.write_text(log.hex)
    return log.hex


def _settings(port: int, controller_port: int, log: Path) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(log),
        "auto.create.topics.enable": "false",
        # One node, and nobody else to wait for.
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Tests of dead consumers would otherwise wait at least six seconds.
        "group.min.session.timeout.ms": "1000",
        "log.cleaner.dedupe.buffer.size": "16777216",
    }


def _guarding(guard: Guard, port: int, controller_port: int, inside: int) -> dict[str, str]:
    """Clients sign in at `port`. `inside`, and between broker and controller, nobody does, so that a bare socket can
    ask whether the broker serves: it is as safe as the machine is, and no more.
    """
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    addresses = {"CLIENTS": port, "INSIDE": inside}
    listeners = [f"{name}://{LOOPBACK}:{at}" for name, at in addresses.items()]
    return {
        "listeners": ",".join([*listeners, f"CONTROLLER://{LOOPBACK}:{controller_port}"]),
        "advertised.listeners": ",".join(listeners),
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INSIDE",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.clients.scram-sha-512.sasl.jaas.config": login,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{guard.admin};User:ANONYMOUS",
    }
