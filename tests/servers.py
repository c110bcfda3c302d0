"""The broker, database and mail server that the tests run against, the best that this machine offers.

Each function is a context manager that gives a running server and raises `Missing` with a sentence where there is none.
Subprocesses or containers, started synchronously: nothing here belongs to an event loop.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from deploy.embedded import broker, containers, database, kafka, mail
from deploy.embedded.database import make_primary
from deploy.embedded.errors import NotAvailable
from deploy.embedded.mail import MailSink
from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.processes import Supervisor
from deploy.embedded.stack import KAFKA_TIMES, TANSU_TIMES, BrokerKind

# Chosen by make: which broker the run is to be made on, and servers that run already.
BROKER = "TIENDO_TEST_BROKER"
KAFKA = "TIENDO_TEST_KAFKA"
MONGO = "TIENDO_TEST_MONGO"

KAFKA_IMAGE = "confluentinc/cp-kafka:7.9.0"  # testcontainers' start script is written for this family of images


class Missing(Exception):
    """This machine has no such server; the message says why, and what would bring it."""


@dataclass(frozen=True, slots=True)
class KafkaServer:
    """A broker at `bootstrap` (host:port). `description` is for the run's last lines."""

    bootstrap: str
    kind: BrokerKind
    description: str

    @property
    def idempotence(self) -> bool:
        """Whether it serves idempotent producers and transactions."""
        return self.kind == "kafka"

    @property
    def times(self) -> dict[str, int]:
        """Session time-out, heartbeat interval and longest wait of a fetch (ms) that suit this broker."""
        times = TANSU_TIMES if self.kind == "tansu" else KAFKA_TIMES
        return {name.lower(): int(value) for name, value in times.items()}


@dataclass(frozen=True, slots=True)
class MongoServer:
    """A replica set at `uri`."""

    uri: str
    description: str


def wanted_broker() -> BrokerKind:
    """Which kind of broker this run is to be made on: Apache Kafka only where that was asked for."""
    wanted = os.environ.get(BROKER) or ("kafka" if os.environ.get(KAFKA) else "tansu")
    if wanted not in ("tansu", "kafka"):
        raise ValueError(f"{BROKER} is {wanted!r}; it may be tansu or kafka.")
    return cast("Literal['tansu', 'kafka']", wanted)


@contextlib.contextmanager
def kafka_server(folder: Path) -> Iterator[KafkaServer]:
    """A running broker of the wanted kind; logs and data in `folder`."""
    wanted = wanted_broker()
    if given := os.environ.get(KAFKA):
        yield KafkaServer(given, wanted, f"{wanted} at {given} ({KAFKA})")
    elif wanted == "tansu":
        with Supervisor(folder) as supervisor, _missing_if_not_available():
            bootstrap = broker.start(supervisor).bootstrap
            yield KafkaServer(bootstrap, "tansu", "Tansu (embedded, in memory)")
    elif (no_jars := kafka.why_not()) is None:
        with Supervisor(folder) as supervisor, _missing_if_not_available():
            bootstrap = kafka.start(supervisor, folder / "kafka").bootstrap
            yield KafkaServer(bootstrap, "kafka", f"Apache Kafka {kafka.KAFKA_VERSION} (jars)")
    else:
        _need_engine(f"Apache Kafka cannot run from its jars: {no_jars}")
        from testcontainers.community.kafka import KafkaContainer

        with KafkaContainer(KAFKA_IMAGE).with_kraft() as container:
            yield KafkaServer(container.get_bootstrap_server(), "kafka", f"{KAFKA_IMAGE} (container)")


@contextlib.contextmanager
def mongo_server(folder: Path) -> Iterator[MongoServer]:
    """A running replica set; logs and data in `folder`."""
    if given := os.environ.get(MONGO):
        yield MongoServer(given, f"MongoDB at {urlsplit(given).hostname} ({MONGO})")
    elif (no_wheel := database.why_not()) is None:
        with Supervisor(folder) as supervisor, _missing_if_not_available():
            server = database.start(supervisor, folder / "mongo")
            yield MongoServer(server.uri, "mongod 6.0 (embedded)")
    else:
        _need_engine(f"mongod cannot run from its wheel: {no_wheel}")
        with _mongo_container() as port:
            yield MongoServer(database.uri(port), f"{containers.MONGO_IMAGE} (container)")


@contextlib.contextmanager
def smtp_sink(folder: Path) -> Iterator[MailSink]:
    """A mail server that keeps every mail in `folder`/mail."""
    with Supervisor(folder) as supervisor:
        yield mail.start(supervisor, folder / "mail")


@contextlib.contextmanager
def _mongo_container() -> Iterator[int]:
    # testcontainers' own MongoDbContainer always makes a root user, with which a replica set needs a key file.
    from testcontainers.core.container import DockerContainer

    port = claimed(None, "")
    command = f"--replSet {database.REPLICA_SET} --port {port} --bind_ip_all"
    with DockerContainer(containers.MONGO_IMAGE).with_bind_ports(port, port).with_command(command) as container:
        wait_until_primary(port)
        yield int(container.get_exposed_port(port))


def wait_until_primary(port: int, seconds: float = 60.0) -> None:
    """For a server that no supervisor watches; raises `Missing` if it does not come up."""
    from time import monotonic, sleep

    deadline = monotonic() + seconds
    while not make_primary(port):
        if monotonic() > deadline:
            raise Missing(f"MongoDB on {LOOPBACK}:{port} did not become primary within {seconds:g} s.")
        sleep(0.2)


def _need_engine(reason: str) -> None:
    if (no_engine := containers.why_not()) is not None:
        raise Missing(f"{reason} {no_engine}")


@contextlib.contextmanager
def _missing_if_not_available() -> Iterator[None]:
    try:
        yield
    except NotAvailable as error:
        raise Missing(str(error)) from error
