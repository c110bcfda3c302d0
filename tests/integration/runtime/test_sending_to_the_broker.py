"""What `tiendo send` knows of the broker that it sends to."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.topics import STATISTICS_REPORTED
from services.cli.destinations import Broker, Patience
from services.runtime import mongo
from services.runtime.kafka.topics import LogIds
from services.runtime.settings import MongoSettings
from services.runtime.waiting import Waiting


def log_of(folder: Path) -> str | None:
    with Broker(folder, STATISTICS_REPORTED.name, Patience(5, print)) as broker:
        return broker.log


def test_topics_that_were_made_anew_are_another_log_and_an_unknown_one_is_none(
    kafka_bootstrap: str,
    mongo_uri: str,
    unique: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIENDO_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.delenv("TIENDO_MONGO_URI", raising=False)
    assert log_of(tmp_path) is None
    monkeypatch.setenv("TIENDO_MONGO_URI", mongo_uri)
    monkeypatch.setenv("TIENDO_MONGO_DATABASE", unique("send").replace("-", "_"))
    first = log_of(tmp_path)
    assert first is not None
    assert log_of(tmp_path) == first
    renewed(mongo_uri, unique("send").replace("-", "_"))
    assert log_of(tmp_path) not in (None, first)


def renewed(uri: str, database: str) -> None:
    """The topics are made anew."""

    async def renew() -> None:
        settings = MongoSettings.model_validate({"uri": uri, "database": database})
        async with mongo.connect(settings, Waiting(5, asyncio.Event())) as client:
            await LogIds(client, settings, None).renew([STATISTICS_REPORTED.name])

    asyncio.run(renew())
