"""Commands find the system of `tiendo up`, unless they are told of another."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded import running
from services.cli import settings

FACTS = {
    "dashboard": "http://127.0.0.1:8080/",
    "TIENDO_KAFKA_BOOTSTRAP": "127.0.0.1:40001",
    "TIENDO_MONGO_URI": "mongodb://127.0.0.1:40002/",
}


@pytest.fixture(autouse=True)
def _bare() -> Iterator[None]:
    """Nothing is set, and what a command sets is gone afterwards."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("TIENDO_")]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a system that runs."""
    with running.holding(tmp_path / "up") as tell:
        tell(FACTS)
        yield tmp_path


def told(data: Path) -> tuple[str, str]:
    read = settings.of_the_system(data)
    return read.kafka.bootstrap, read.mongo.uri.get_secret_value()


def test_without_settings_it_is_the_system_of_this_machine(up: Path) -> None:
    assert told(up) == ("127.0.0.1:40001", "mongodb://127.0.0.1:40002/")


def test_a_setting_goes_before_that_of_this_machine(up: Path) -> None:
    os.environ["TIENDO_MONGO_URI"] = "mongodb://db.example:27017/?replicaSet=rs0"
    assert told(up) == ("127.0.0.1:40001", "mongodb://db.example:27017/?replicaSet=rs0")


def test_whoever_names_another_broker_means_another_system(up: Path) -> None:
    os.environ["TIENDO_KAFKA_BOOTSTRAP"] = "kafka.example:9092"
    assert told(up) == ("kafka.example:9092", "mongodb://127.0.0.1:27017/?replicaSet=rs0")


def test_where_none_runs_the_defaults_hold(up: Path, tmp_path: Path) -> None:
    assert told(tmp_path / "elsewhere") == (
        "127.0.0.1:9092",
        "mongodb://127.0.0.1:27017/?replicaSet=rs0",
    )
