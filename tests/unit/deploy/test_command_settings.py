"""Commands find the system of `tiendo up`, unless they are told of another."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded import running
from services.cli import settings

FACTS = {"dashboard": "http://127.0.0.1:8080/", "kafka": "127.0.0.1:40001", "mongo": "mongodb://127.0.0.1:40002/"}


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data folder of a system that runs."""
    for name in [name for name in os.environ if name.startswith("TIENDO_")]:
        monkeypatch.delenv(name)
    with running.holding(tmp_path / "up") as tell:
        tell(FACTS)
        yield tmp_path


def told(data: Path) -> tuple[str, str]:
    read = settings.of_system(data)
    return read.kafka.bootstrap, read.mongo.uri.get_secret_value()


def test_without_settings_it_is_the_system_of_this_machine(up: Path) -> None:
    assert told(up) == ("127.0.0.1:40001", "mongodb://127.0.0.1:40002/")


def test_what_is_set_goes_before_it(up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIENDO_MONGO_URI", "mongodb://db.example:27017/?replicaSet=rs0")
    assert told(up) == ("127.0.0.1:40001", "mongodb://db.example:27017/?replicaSet=rs0")


def test_where_none_runs_the_defaults_hold(up: Path, tmp_path: Path) -> None:
    assert told(tmp_path / "elsewhere") == (
        "127.0.0.1:9092",
        "mongodb://127.0.0.1:27017/?replicaSet=rs0",
    )
