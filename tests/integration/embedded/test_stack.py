import smtplib
import socket
import time
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient

from deploy.embedded import broker, database
from deploy.embedded.errors import ChildExited, NotAvailable, PortTaken
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.stack import Stack, Way, first_possible
from deploy.embedded.system import System
from deploy.embedded.wheels import wheel_file
from deploy.embedded.wire import kafka_serves

runs_here = pytest.mark.skipif(
    broker.why_not() is not None or database.why_not() is not None,
    reason="the wheels of the embedded profile are missing",
)


def own_children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@runs_here
def test_everything_comes_up_at_once_and_nothing_stays(tmp_path: Path) -> None:
    before = own_children()
    started = time.monotonic()
    with Stack.started(tmp_path) as stack:
        assert time.monotonic() - started < 30
        host, _, port = stack.bootstrap.partition(":")
        assert kafka_serves(host, int(port))
        with MongoClient[dict[str, object]](stack.mongo_uri) as client:
            assert client.admin.command("hello")["isWritablePrimary"]
        with smtplib.SMTP(stack.smtp_host, stack.smtp_port) as relay:
            assert relay.noop()[0] == 250
    assert own_children() <= before


@runs_here
def test_the_services_learn_where_everything_is_from_the_environment(tmp_path: Path) -> None:
    with Stack.started(tmp_path) as stack:
        environment = stack.environment()
    assert environment["TIENDO_PROFILE"] == "embedded"
    assert environment["TIENDO_KAFKA_BOOTSTRAP"] == stack.bootstrap
    assert environment["TIENDO_KAFKA_ENABLE_IDEMPOTENCE"] == "false"
    assert environment["TIENDO_MONGO_URI"] == stack.mongo_uri
    assert environment["TIENDO_SMTP_TLS"] == "none"


@runs_here
def test_a_broker_without_memory_has_a_new_log_each_time(tmp_path: Path) -> None:
    ids = set()
    for _ in range(2):
        with Stack.started(tmp_path) as stack:
            ids.add(stack.log_id)
    assert len(ids) == 2


@runs_here
@pytest.mark.parametrize("option", ["broker_port", "mongo_port", "smtp_port"])
def test_nothing_stays_when_one_of_them_cannot_start(tmp_path: Path, option: str) -> None:
    before = own_children()
    with socket.create_server((LOOPBACK, 0)) as somebody:
        taken = {option: somebody.getsockname()[1]}
        with pytest.raises(PortTaken), Stack.started(tmp_path, **taken):
            pytest.fail("it must not come up")
    assert own_children() <= before


@runs_here
def test_a_service_that_does_not_come_up_is_named(tmp_path: Path) -> None:
    with (
        Stack.started(tmp_path) as stack,
        pytest.raises(ChildExited, match=r"weather ended by itself.*\n.*No module named"),
    ):
        System(stack, names=["weather"]).start()


def test_the_first_way_that_is_open_is_taken() -> None:
    closed, open_way = Way("Tansu", lambda: "its wheel is missing."), Way("Kafka", lambda: None)
    assert first_possible([closed, open_way]) is open_way


def test_one_sentence_says_why_no_way_is_open() -> None:
    ways = [Way("The broker", lambda: "its wheel is missing."), Way("Kafka", lambda: "No Docker engine answers.")]
    with pytest.raises(NotAvailable) as caught:
        first_possible(ways)
    assert str(caught.value) == "The broker cannot be started here: its wheel is missing. No Docker engine answers."


def test_a_wheel_that_is_not_installed_has_no_files() -> None:
    assert wheel_file("no_such_wheel_anywhere", "bin/server") is None
