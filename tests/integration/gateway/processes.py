"""A gateway as it runs in production: a process of its own, on the broker and database of the run."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.topics import TOPICS
from deploy.embedded.ports import free_port
from services.runtime.catalog import stream
from services.runtime.catalog.loader import load_folder
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.kafka.topics import make_topics
from services.runtime.telemetry import Telemetry
from tests.hosts import kafka_settings
from tests.servers import KafkaServer, MongoServer
from tests.unit.gateway.judged_province import DAK_NONG

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway process at `url`."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        return fetched(urllib.request.Request(self.url + path, headers=dict(headers or {})))

    def stop(self, seconds: float = 15) -> int:
        """Ask it to end as an operator does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def fetched(request: urllib.request.Request) -> tuple[int, Any]:
    """Status and JSON of the answer, whatever the status."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


async def until(holds: Callable[[], Any], seconds: float = 30) -> Any:
    """What the condition gives once it holds; runs it in a thread, since it may ask over HTTP."""
    async with asyncio.timeout(seconds):
        while not (found := await asyncio.to_thread(holds)):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)
        return found


def environment(kafka: KafkaServer, mongo: MongoServer, database: str, port: int) -> dict[str, str]:
    """The settings of one gateway."""
    bare = {name: text for name, text in os.environ.items() if not name.startswith("TIENDO_")}
    return {
        **bare,
        "TIENDO_PROFILE": "embedded",
        "TIENDO_CLOCK": "from:2023-01-01T00:00:00+07:00",
        "TIENDO_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "TIENDO_KAFKA_ENABLE_IDEMPOTENCE": str(kafka.idempotence).lower(),
        **{f"TIENDO_KAFKA_{name.upper()}": str(value) for name, value in kafka.times.items()},
        "TIENDO_MONGO_URI": mongo.uri,
        "TIENDO_MONGO_DATABASE": database,
        "TIENDO_HTTP_PORT": str(port),
    }


@asynccontextmanager
async def a_gateway(
    kafka: KafkaServer, mongo: MongoServer, database: str, folder: Path, **changes: str
) -> AsyncIterator[Running]:
    """Start one; kill it at the end unless it has ended."""
    port = free_port()
    log = folder / f"gateway-{port}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting takes no time; waiting is done in threads
            [sys.executable, "-m", "services.gateway"],
            env={**environment(kafka, mongo, database, port), **changes},
            cwd=ROOT,
            stderr=said,
        )
    try:
        yield Running(f"http://127.0.0.1:{port}", process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def ready(gateway: Running) -> None:
    """Wait until it says so."""
    why = ["it did not answer"]

    def is_ready() -> bool:
        assert gateway.process.poll() is None, gateway.log.read_text()
        try:
            status, why[0] = gateway.get("/readyz")
        except OSError:
            return False
        return status == 200

    try:
        await until(is_ready, 60)
    except TimeoutError:
        raise AssertionError(f"not ready: {why[0]}\n{gateway.log.read_text()}") from None


async def prepare(kafka: KafkaServer) -> None:
    """Topics and the catalog of Đắk Nông, on the broker of the run."""
    settings = kafka_settings(kafka)
    await make_topics(settings, TOPICS)
    await stream.apply(settings.connection(), "dak-nong", load_folder(DAK_NONG).items, now=datetime.now(UTC))


async def publish(kafka: KafkaServer, topic: str, records: list[Outgoing]) -> None:
    """Acknowledged when it returns."""
    producer = BatchProducer(kafka_settings(kafka), Telemetry())
    await producer.start()
    try:
        await producer.publish(topic, records)
    finally:
        await producer.stop()
