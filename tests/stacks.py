"""Servers with topics and a catalog, for tests of one service as a process; and a service that is not to start."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from contracts.catalog import CatalogObject, Publisher
from contracts.topics import TOPICS
from deploy.embedded.errors import NotAvailable
from deploy.embedded.stack import Stack
from deploy.embedded.system import ROOT
from services.alerts.audit_store import MongoBooks
from services.alerts.auditing import Promise, audit
from services.runtime.catalog import stream
from services.runtime.catalog.publishers import own_topics
from services.runtime.kafka.topics import make_topics
from services.runtime.settings import KafkaSettings
from tests.servers import wanted_broker


@contextmanager
def a_stack(folder: Path, province: str, objects: Sequence[CatalogObject], now: datetime) -> Iterator[Stack]:
    """Broker, database and mail sink of their own, since the topics' names are fixed and other tests have theirs; the
    test is skipped where this machine has none."""
    try:
        with Stack.started(folder, broker=wanted_broker()) as running:
            kafka = KafkaSettings(bootstrap=running.bootstrap)
            publishers = [one for one in objects if isinstance(one, Publisher)]
            asyncio.run(make_topics(kafka, [*TOPICS, *own_topics(province, publishers)]))
            asyncio.run(stream.apply(kafka.connection(), province, objects, now=now))
            yield running
            asyncio.run(no_promise_is_broken(running))
    except NotAvailable as error:
        pytest.skip(str(error))


async def no_promise_is_broken(stack: Stack) -> None:
    """Whatever alerts did here, in any of its databases: everybody was told what they were to be told. Mails that are
    given up are the business of the test that had them refused."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri, tz_aware=True)
    try:
        names = await client.list_database_names()
        found = {name: await audit(MongoBooks(client[name])) for name in names if name.endswith("_alerts")}
    finally:
        await client.close()
    broken = [one for each in found.values() for one in each if one.promise is not Promise.UNDELIVERED]
    assert not broken


def ended(service: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and standard error of a service that ends by itself, under these settings and no others."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TIENDO_")}
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env={**bare, "TIENDO_HTTP_PORT": "0", "TIENDO_START_TIMEOUT_S": "1", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr
