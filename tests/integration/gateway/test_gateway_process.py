"""The gateway as a process, on a real broker and database."""

import asyncio
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from contracts.progress import Status
from contracts.topics import ALERTS, PROGRESS, STATISTICS_REPORTED
from services.gateway import intake
from tests.hosts import kafka_settings
from tests.integration.gateway.processes import ROOT, a_gateway, environment, fetched, prepare, publish, ready, until
from tests.servers import KafkaServer, MongoServer
from tests.unit.gateway.judged_province import alert_record, progress_record
from tests.unit.gateway.records import a_record, a_transition

RECORD = "/api/v1/progress/edoc-signed-share/dak-nong.cu-jut.xa-dak-wil/2023"


class Stream:
    """An open stream, read line by line in a thread."""

    def __init__(self, url: str) -> None:
        self.lines: list[str] = []
        self.ended = threading.Event()
        self._url = url
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            with urllib.request.urlopen(self._url, timeout=60) as answer:
                for line in answer:
                    self.lines.append(line.decode().strip())
        except OSError as error:
            self.lines.append(f"broken: {error}")
        self.ended.set()

    def said(self, word: str) -> bool:
        return any(word in line for line in self.lines)


async def test_what_is_judged_is_read_alerted_and_told_and_a_stop_ends_the_streams(
    kafka_server: KafkaServer, mongo_server: MongoServer, unique: Callable[[str], str], tmp_path: Path
) -> None:
    await prepare(kafka_server)
    database = unique("g").replace("-", "_")
    async with a_gateway(kafka_server, mongo_server, database, tmp_path) as gateway:
        await ready(gateway)
        stream = Stream(gateway.url + "/api/v1/stream")
        await until(lambda: stream.said("event: hello"))

        record = a_record(version=9_000)
        await publish(kafka_server, PROGRESS.name, [progress_record(record)])
        told = a_transition(progress=record, seq=9_000)
        await publish(kafka_server, ALERTS.name, [alert_record(told)])
        await until(lambda: stream.said("event: progress") and stream.said("event: alerts"))

        status, stored = gateway.get(RECORD)
        assert (status, stored["version"], stored["level"]) == (200, 9_000, "commune")
        status, alert = gateway.get(f"/api/v1/alerts/{told.alert_id}")
        assert (status, alert["status"], alert["progress"]["value"]) == (200, "open", 84.25)

        asked = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - asked < 8
        assert stream.ended.wait(2)
        assert not stream.said("broken")
    assert "Traceback" not in gateway.log.read_text()


async def test_it_goes_on_where_it_stopped_and_a_replica_hears_what_another_wrote(
    kafka_server: KafkaServer, mongo_server: MongoServer, unique: Callable[[str], str], tmp_path: Path
) -> None:
    await prepare(kafka_server)
    database = unique("g").replace("-", "_")
    async with a_gateway(kafka_server, mongo_server, database, tmp_path) as first:
        await ready(first)
        assert first.stop() == 0
    await publish(kafka_server, PROGRESS.name, [progress_record(a_record(version=9_100, status=Status.AT_RISK))])
    async with (
        a_gateway(kafka_server, mongo_server, database, tmp_path) as one,
        a_gateway(kafka_server, mongo_server, database, tmp_path) as other,
    ):
        await ready(one)
        await ready(other)
        await until(lambda: one.get(RECORD)[1].get("version") == 9_100)
        streams = [Stream(one.url + "/api/v1/stream"), Stream(other.url + "/api/v1/stream")]
        await until(lambda: all(stream.said("event: hello") for stream in streams))
        await publish(kafka_server, PROGRESS.name, [progress_record(a_record(version=9_101))])
        await until(lambda: all(stream.said("event: progress") for stream in streams))
        assert other.get(RECORD)[1]["version"] == 9_101


async def test_statistics_are_on_the_log_before_the_receipt(
    kafka_server: KafkaServer, mongo_server: MongoServer, unique: Callable[[str], str], tmp_path: Path
) -> None:
    await prepare(kafka_server)
    source = f"urn:test:{unique('source')}"
    figure = {"province": "dak-nong", "kpi": "edoc-signed-share", "org_unit": "24611", "as_of": "2023-09-30"}
    events = [
        {
            "specversion": "1.0",
            "id": str(number),
            "source": source,
            "type": intake.TYPE,
            "data": {**figure, "value": 90},
        }
        for number in range(300)
    ]
    async with a_gateway(kafka_server, mongo_server, unique("g").replace("-", "_"), tmp_path) as gateway:
        await ready(gateway)
        request = urllib.request.Request(
            gateway.url + "/api/v1/statistics",
            data=json.dumps(events).encode(),
            headers={"content-type": "application/cloudevents-batch+json"},
            method="POST",
        )
        status, answer = await asyncio.to_thread(fetched, request)
    assert (status, answer["accepted"], len(answer["receipts"])) == (202, 300, 300)
    assert await _ids_on_the_log(kafka_server, source, 300) == {str(number) for number in range(300)}


async def _ids_on_the_log(kafka: KafkaServer, source: str, count: int) -> set[str]:
    consumer = AIOKafkaConsumer(
        STATISTICS_REPORTED.name, **kafka_settings(kafka).connection(), auto_offset_reset="earliest"
    )
    await consumer.start()
    found: set[str] = set()
    try:
        async with asyncio.timeout(20):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    events = [json.loads(record.value) for record in records if source.encode() in record.value]
                    found |= {event["id"] for event in events}
    finally:
        await consumer.stop()
    return found


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("TIENDO_KAFKA_BOOTSTRAP", "127.0.0.1:1", "TIENDO_KAFKA_BOOTSTRAP"),
        ("TIENDO_MONGO_URI", "mongodb://127.0.0.1:1/?replicaSet=rs0", "TIENDO_MONGO_URI"),
        ("TIENDO_GATEWAY_PAGE_SIZE", "0", "TIENDO_GATEWAY_PAGE_SIZE"),
    ],
)
def test_a_bad_start_is_one_sentence_that_names_the_setting(
    kafka_server: KafkaServer, mongo_server: MongoServer, setting: str, value: str, named: str
) -> None:
    given = {**environment(kafka_server, mongo_server, "bad", 0), setting: value, "TIENDO_START_TIMEOUT_S": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "services.gateway"], env=given, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("gateway cannot start.")
    assert named in last
    assert "Traceback" not in ended.stderr
