"""Broker, database and mail sink together, each the best that this machine can run.

    with Stack.started(Path(".tiendo")) as stack:
        environment = {**os.environ, **stack.environment()}

Wheels first, containers where the wheels do not exist and a Docker engine answers, else one sentence. The services
are not part of it: see `system.py`.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from deploy.embedded import broker as tansu
from deploy.embedded import containers, database, kafka, mail
from deploy.embedded.errors import NotAvailable
from deploy.embedded.processes import Supervisor

BrokerKind = Literal["tansu", "kafka"]

# Tansu hands the group to a newcomer only after a multiple of the session time-out, and answers a waiting fetch after
# half of its longest wait; the defaults would make a demo of waiting. Apache Kafka does neither.
TANSU_TIMES = {"SESSION_TIMEOUT_MS": "2000", "HEARTBEAT_INTERVAL_MS": "500", "FETCH_MAX_WAIT_MS": "25"}
KAFKA_TIMES = {"SESSION_TIMEOUT_MS": "6000", "HEARTBEAT_INTERVAL_MS": "1500", "FETCH_MAX_WAIT_MS": "250"}


@dataclass(frozen=True, slots=True)
class Stack:
    """Running servers on the loopback address.

    `log_id` names the broker's log: another log has another id, also when the broker merely lost its memory, so that
    the services can tell that offsets they remember mean nothing any more. `mail_folder` holds the mails as `.eml`
    files.
    """

    broker: BrokerKind
    bootstrap: str
    log_id: str
    mongo_uri: str
    smtp_host: str
    smtp_port: int
    mail_folder: Path
    supervisor: Supervisor

    @staticmethod
    @contextlib.contextmanager
    def started(
        folder: Path,
        *,
        broker: BrokerKind = "tansu",
        broker_port: int | None = None,
        mongo_port: int | None = None,
        smtp_port: int | None = None,
    ) -> Iterator["Stack"]:
        """Starts everything at once, data and logs under `folder`, and stops it at the end, whatever happens.

        Raises `EmbeddedError`: what cannot run here, what did not come up, which port is taken. A container may stand
        in for Tansu; the `broker` of the stack tells what it really is.
        """
        log, data = first_possible(BROKERS[broker]), first_possible(DATABASES)
        with ThreadPoolExecutor(3, thread_name_prefix="start") as starting, Supervisor(folder / "logs") as supervisor:
            log_started = starting.submit(log.start, supervisor, folder / "broker", broker_port)
            data_started = starting.submit(data.start, supervisor, folder / "mongo", mongo_port)
            sink_started = starting.submit(mail.start, supervisor, folder / "mail", smtp_port)
            bootstrap, log_id = log_started.result()
            sink = sink_started.result()
            yield Stack(
                broker=log.kind,
                bootstrap=bootstrap,
                log_id=log_id,
                mongo_uri=data_started.result(),
                smtp_host=sink.host,
                smtp_port=sink.port,
                mail_folder=sink.folder,
                supervisor=supervisor,
            )

    def environment(self) -> dict[str, str]:
        """The `TIENDO_*` variables that point a service at these servers (only these; add them to your own)."""
        times = TANSU_TIMES if self.broker == "tansu" else KAFKA_TIMES
        return {
            "TIENDO_PROFILE": "embedded",
            "TIENDO_KAFKA_BOOTSTRAP": self.bootstrap,
            "TIENDO_KAFKA_LOG_ID": self.log_id,
            "TIENDO_KAFKA_ENABLE_IDEMPOTENCE": "false" if self.broker == "tansu" else "true",
            "TIENDO_KAFKA_LEAVE_GROUPS": "false" if self.broker == "tansu" else "true",
            **{f"TIENDO_KAFKA_{name}": value for name, value in times.items()},
            "TIENDO_MONGO_URI": self.mongo_uri,
            "TIENDO_SMTP_HOST": self.smtp_host,
            "TIENDO_SMTP_PORT": str(self.smtp_port),
            "TIENDO_SMTP_TLS": "none",
        }


def _tansu(supervisor: Supervisor, _folder: Path, port: int | None) -> tuple[str, str]:
    return tansu.start(supervisor, port).bootstrap, uuid.uuid4().hex


def _kafka(supervisor: Supervisor, folder: Path, port: int | None) -> tuple[str, str]:
    server = kafka.start(supervisor, folder, port)
    return server.bootstrap, server.log_id


def _mongod(supervisor: Supervisor, folder: Path, port: int | None) -> str:
    return database.start(supervisor, folder, port).uri


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a server; `why_not` gives None where it is open and a sentence where it is not."""

    what: str
    why_not: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class BrokerWay(Way):
    """`start` gives bootstrap and log id."""

    kind: BrokerKind
    start: Callable[[Supervisor, Path, int | None], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class DatabaseWay(Way):
    """`start` gives the connection string."""

    start: Callable[[Supervisor, Path, int | None], str]


_KAFKA_CONTAINER = BrokerWay("Apache Kafka", containers.why_not, "kafka", containers.kafka)
BROKERS: dict[BrokerKind, Sequence[BrokerWay]] = {
    "tansu": (BrokerWay(tansu.WHAT, tansu.why_not, "tansu", _tansu), _KAFKA_CONTAINER),
    "kafka": (BrokerWay("Apache Kafka", kafka.why_not, "kafka", _kafka), _KAFKA_CONTAINER),
}
DATABASES = (
    DatabaseWay(database.WHAT, database.why_not, _mongod),
    DatabaseWay("MongoDB", containers.why_not, containers.mongo),
)

AnyWay = TypeVar("AnyWay", bound=Way)


def first_possible(ways: Sequence[AnyWay]) -> AnyWay:
    """The first way that is open on this machine; raises `NotAvailable` with the reasons of all if none is."""
    reasons = []
    for way in ways:
        if (reason := way.why_not()) is None:
            return way
        reasons.append(reason)
    raise NotAvailable(ways[0].what, " ".join(reasons))
