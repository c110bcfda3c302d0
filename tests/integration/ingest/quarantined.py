"""A quarantine seen from outside: the commands, the ledger, the metrics, and records that nobody can read."""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pymongo import MongoClient

from contracts import envelope
from deploy.embedded.stack import Stack
from deploy.embedded.system import ROOT, System
from tests.unit.ingest.door import EDOC, NOON, PORTAL, TOPIC, Record, an_event, figure

CLOCK = {"TIENDO_CLOCK": f"from:{NOON.isoformat()}", "TIENDO_START_TIMEOUT_S": "30"}
PARTITIONS = 12
DLQ = TOPIC + ".dlq"


def dlq(stack: Stack, *arguments: str, code: int = 0) -> str:
    """`tiendo dlq …`; what it prints."""
    return ended(command(stack, *arguments), code)


def ended(how: dict[str, Any], code: int = 0) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        **how, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def command(stack: Stack, *arguments: str) -> dict[str, Any]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TIENDO_")}
    return {
        "args": [sys.executable, "-m", "services.cli", "dlq", *arguments],
        "env": {**bare, **stack.environment(), **CLOCK, "COLUMNS": "200"},
        "cwd": ROOT,
    }


def listed(stack: Stack, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in dlq(stack, "list", "--json", *arguments).splitlines()]


def accepted(stack: Stack) -> list[str]:
    """The ids in the ledger."""
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        return [one["source_id"] for one in client["tiendo_ingest"]["ledger"].find({}, {"source_id": 1})]


async def until_accepted(stack: Stack, count: int, within_s: float = 30.0) -> list[str]:
    found: list[str] = []
    try:
        async with asyncio.timeout(within_s):
            while len(found) < count:
                await asyncio.sleep(0.05)
                found = await asyncio.to_thread(accepted, stack)
    except TimeoutError:
        pytest.fail(f"only {len(found)} of {count} were accepted")
    return found


def metric(system: System, name: str) -> float:
    with urllib.request.urlopen(system.url("ingest", "/metrics"), timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + " ", name + "{")))


def rubbish(id: str, source: str = EDOC, partition: int = 0) -> Record:
    record = an_event(id=id, source=source, partition=partition)
    record.value = b"{broken"
    return record


def portal(id: str, partition: int = 0, **more: str) -> Record:
    content = figure("terminals", org_unit="24611", value=3, **more)
    return an_event(content, id=id, source=PORTAL, partition=partition)


def by_id(records: Sequence[ConsumerRecord]) -> dict[str, list[ConsumerRecord]]:
    found: dict[str, list[ConsumerRecord]] = {}
    for record in records:
        found.setdefault(envelope.header(record.headers, "ce_id") or "", []).append(record)
    return found


class Seen:
    """When each observation came out, by the id of its event."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}


@asynccontextmanager
async def watching(stack: Stack) -> AsyncIterator[Seen]:
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=20)
    await consumer.start()
    consumer.assign([TopicPartition("observations.v1", number) for number in range(PARTITIONS)])
    seen = Seen()

    async def watch() -> None:
        while True:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                for record in records:
                    seen.at.setdefault(orjson.loads(record.value)["source_id"], time.monotonic())

    watched = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watched.cancel()
        await consumer.stop()


def unready(system: System) -> str:
    """Why ingest is not ready; empty if it is, or does not answer yet."""
    try:
        with urllib.request.urlopen(system.url("ingest", "/readyz"), timeout=10):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read().decode())
    except OSError:
        return ""


async def until(holds: Callable[[], Any], within_s: float = 40.0) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not await asyncio.to_thread(holds):  # noqa: ASYNC110 - it happens in other processes
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail("it never came true")
