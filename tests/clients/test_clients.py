"""Every client of `docs/publishing` sends the same figure: each leaves the same event on the log; it counts once."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from contracts import envelope
from contracts.envelope import Event
from contracts.topics import OBSERVATIONS, STATISTICS_REPORTED
from deploy.embedded import lifecycle
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog.loader import load_folder
from tests.hosts import eventually
from tests.stacks import a_stack

CLIENTS = Path(__file__).parents[2] / "docs" / "publishing"
SECONDS = 240
SENT = Event(
    id="2023-12-14/dak-lao",
    source="urn:tiendo:source:dak-nong:edoc",
    type="vn.tiendo.statistic.reported.v1",
    data={
        "province": "dak-nong",
        "kpi": "edoc-signed-share",
        "org_unit": "dak-nong.dak-mil.xa-dak-lao",
        "as_of": "2023-12-14",
        "numerator": 913,
        "denominator": 1000,
    },
    time=datetime(2023, 12, 14, 9, tzinfo=UTC),
)


@dataclass(slots=True)
class Door:
    """Gateway and ingest, with nothing on the log; `sends` counts what was sent through them."""

    stack: Stack
    system: System
    sends: int = 0

    def run(self, command: Sequence[str], folder: Path) -> None:
        """A client as its publisher runs it."""
        environment = {
            **os.environ,
            "TIENDO_KAFKA": self.stack.bootstrap,
            "TIENDO_HTTP": self.system.url("gateway", ""),
        }
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.sends += 1

    def counted(self, name: str) -> int:
        """A counter of ingest."""
        with urllib.request.urlopen(self.system.url("ingest", "/metrics"), timeout=5) as answer:
            found = re.search(rf"(?m)^tiendo_ingest_{name}_total (\S+)", answer.read().decode())
        return int(float(found[1])) if found else 0

    async def on(self, topic: str, count: int) -> list[ConsumerRecord]:
        """What lies on a topic, in the order of writing, once there are so many."""
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.stack.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        found: list[ConsumerRecord] = []
        try:
            async with asyncio.timeout(20):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found += records
        finally:
            await consumer.stop()
        return sorted(found, key=lambda record: record.timestamp)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    catalog = load_folder(lifecycle.CATALOG).items
    now = datetime(2024, 1, 2, tzinfo=UTC)
    with a_stack(tmp_path_factory.mktemp("clients"), "dak-nong", catalog, now) as stack:
        clock = {"TIENDO_CLOCK": f"from:{now.isoformat()}"}
        system = System(stack, clock, names=["ingest", "gateway"])
        system.start()
        yield Door(stack, system)


async def assert_it_came_as_all_others(door: Door) -> None:
    *_, record = await door.on(STATISTICS_REPORTED.name, door.sends)
    event = envelope.read(record.headers, record.value)
    assert event == SENT
    await eventually(lambda: door.counted("accepted") + door.counted("duplicates") == door.sends)
    assert door.counted("accepted") == 1
    assert len(await door.on(OBSERVATIONS.name, 1)) == 1


def needed(program: str) -> str:
    """The program's path; the test is skipped where this machine has none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def prepared(name: str, tmp_path: Path, *command: str) -> Path:
    """A copy of a client's folder with its packages fetched; the test is skipped where no registry gives them."""
    folder = tmp_path / name
    shutil.copytree(CLIENTS / name, folder)
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        done = False
    if not done:
        pytest.skip(f"the packages of docs/publishing/{name} could not be fetched")
    return folder


async def test_curl(door: Door) -> None:
    needed("curl")
    door.run(["sh", "curl.sh"], CLIENTS)
    await assert_it_came_as_all_others(door)


@pytest.mark.parametrize("way", ["kafka", "http"])
async def test_python_with_the_official_sdk(door: Door, way: str) -> None:
    door.run([sys.executable, f"python_{way}.py"], CLIENTS)
    await assert_it_came_as_all_others(door)


@pytest.mark.real_kafka
async def test_kcat(door: Door) -> None:
    needed("kcat")
    door.run(["sh", "kcat.sh"], CLIENTS)
    await assert_it_came_as_all_others(door)


@pytest.mark.slow
async def test_java_with_the_official_sdk(door: Door, tmp_path: Path) -> None:
    maven = needed("mvn")
    folder = prepared("java", tmp_path, maven, "-q", "-B", "compile", "exec:help")
    door.run([maven, "-q", "-B", "compile", "exec:java"], folder)
    await assert_it_came_as_all_others(door)


@pytest.mark.slow
async def test_go_with_the_official_sdk(door: Door, tmp_path: Path) -> None:
    go = needed("go")
    folder = prepared("go", tmp_path, go, "mod", "download")
    door.run([go, "run", "-mod=readonly", "."], folder)
    await assert_it_came_as_all_others(door)


@pytest.mark.slow
async def test_javascript_with_the_official_sdk(door: Door, tmp_path: Path) -> None:
    node, npm = needed("node"), needed("npm")
    folder = prepared("javascript", tmp_path, npm, "ci", "--prefer-offline", "--no-audit", "--no-fund")
    door.run([node, "send-figure.js"], folder)
    await assert_it_came_as_all_others(door)
