"""Servers for a whole run, names for one test, and the lines at the end that say what the run was worth."""

import os
import secrets
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

from deploy.embedded.mail import MailSink
from tests import servers
from tests.servers import KafkaServer, MongoServer

Server = TypeVar("Server")

# Set where a missing server means a broken machine: then it is an error and not a skip.
REQUIRED = "TIENDO_TEST_REQUIRE_SERVERS"
CHROMIUM = "TIENDO_TEST_CHROMIUM"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
REAL_KAFKA_REASON = "needs Apache Kafka: `make test-kafka`"

_ran_on = pytest.StashKey[dict[str, str]]()

settings.register_profile("everyday", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", parent=settings.get_profile("everyday"), max_examples=2_000)
settings.register_profile(  # a mutant that is noticed needs no smallest example
    "mutation",
    parent=settings.get_profile("everyday"),
    max_examples=15,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)


def pytest_configure(config: pytest.Config) -> None:
    """Chooses how hard property tests try (`make test-deep` tries harder), unless `--hypothesis-profile` does."""
    config.stash[_ran_on] = {}
    # A shell ignores Ctrl-C for what it runs in the background, and our children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--hypothesis-profile", default=None) is None:
        settings.load_profile("deep" if os.environ.get("TIENDO_TEST_DEEP") else "everyday")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips, counted, what only Apache Kafka can prove, unless the run is made on it."""
    if servers.wanted_broker() == "kafka":
        return
    for item in items:
        if item.get_closest_marker("real_kafka"):
            item.add_marker(pytest.mark.skip(reason=REAL_KAFKA_REASON))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where several workers share the run, has each say to the first process on which servers it ran."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["ran_on"] = session.config.stash[_ran_on]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hears it from a worker; one that died says nothing."""
    node.config.stash[_ran_on].update(getattr(node, "workeroutput", {}).get("ran_on", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says in one line on which broker and database the run was made, and what was skipped for which reason."""
    used = config.stash[_ran_on]
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    skipped = "; ".join(f"{count} × {reason}" for reason, count in reasons.most_common()) or "nothing"
    broker, database = (used.get(what, "none needed") for what in ("broker", "database"))
    terminalreporter.write_line(f"broker: {broker} · database: {database} · skipped: {skipped}")


@pytest.fixture(scope="session")
def kafka_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """The broker of this run, and what suits it."""
    for server in _running(servers.kafka_server(tmp_path_factory.mktemp("broker"))):
        request.config.stash[_ran_on]["broker"] = server.description
        yield server


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_server: KafkaServer) -> str:
    """host:port of the broker of this run."""
    return kafka_server.bootstrap


@pytest.fixture(scope="session")
def mongo_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """The replica set of this run."""
    for server in _running(servers.mongo_server(tmp_path_factory.mktemp("database"))):
        request.config.stash[_ran_on]["database"] = server.description
        yield server


@pytest.fixture(scope="session")
def mongo_uri(mongo_server: MongoServer) -> str:
    """Connection string of the replica set of this run."""
    return mongo_server.uri


@pytest.fixture(scope="session")
def smtp_sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailSink]:
    """A mail server for the whole run; tell your mails from others' by their recipients (see `unique`)."""
    with servers.smtp_sink(tmp_path_factory.mktemp("mail")) as sink:
        yield sink


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes a name this test's own, the same each time within it: for topics, groups, databases, addresses."""
    token = secrets.token_hex(4)
    return lambda name: f"{name}-{token}"


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser's program; skips where there is none."""
    named = os.environ.get(CHROMIUM)
    for candidate in (named,) if named else BROWSERS:
        if found := shutil.which(candidate):
            return Path(found)
    pytest.skip(f"no Chromium was found; install it or name it in {CHROMIUM}")


def _running(server: AbstractContextManager[Server]) -> Iterator[Server]:
    try:
        with server as running:
            yield running
    except servers.Missing as missing:
        reason = str(missing)
    else:
        return
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason} ({REQUIRED} is set)", pytrace=False)
    pytest.skip(reason)


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")
