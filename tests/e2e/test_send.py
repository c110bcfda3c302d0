"""`tiendo send` as people run it: to a gateway and to the broker, twice, and killed in the middle."""

import asyncio
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr
from pymongo import AsyncMongoClient, MongoClient

from contracts import envelope
from contracts.catalog import Publisher
from contracts.topics import STATISTICS_REPORTED, own_topic
from deploy.embedded.stack import Stack
from deploy.embedded.system import ROOT, System
from services.gateway import keys
from services.gateway.key_store import KeyStore
from services.runtime.catalog import stream
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.settings import KafkaSettings, MongoSettings
from services.runtime.telemetry import Telemetry
from tests.stacks import a_stack
from tests.unit.ingest.door import EDOC, NOON, OBJECTS
from tests.unit.runtime.sheets.workbooks import LINE, a_csv

MANY = 20_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("send"), "dak-nong", OBJECTS, NOON) as running:
        yield running


@pytest.fixture(scope="module")
def system(stack: Stack) -> System:
    settings = {"TIENDO_CLOCK": f"from:{NOON.isoformat()}", "TIENDO_KAFKA_METADATA_MAX_AGE_MS": "1000"}
    running = System(stack, settings, names=["ingest", "gateway"])
    running.start()
    return running


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "services.cli", "send", *map(str, arguments)]


def environment(stack: Stack, **more: str) -> dict[str, str]:
    return {**os.environ, **stack.environment(), "PYTHONPATH": str(ROOT), **more}


def sent(stack: Stack, *arguments: object, **more: str) -> tuple[int, str, str]:
    """Exit code, what it printed, and what it said beside that."""
    done = subprocess.run(
        command(*arguments), env=environment(stack, **more), capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def entries(stack: Stack) -> int:
    """How many figures stand in the ledger."""
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        names = [name for name in client.list_database_names() if name.endswith("_ingest")]
        return sum(client[name]["ledger"].count_documents({}) for name in names)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def a_file(folder: Path, *lines: tuple[str, ...]) -> Path:
    file = folder / "tháng 9.csv"
    file.write_bytes(a_csv(*lines))
    return file


def of_day(day: int, numerator: str = "913", unit: str = "24611") -> tuple[str, ...]:
    return (*LINE[:2], unit, f"{day:02}/09/2023", numerator, "1000")


def test_a_file_to_the_gateway_and_again_to_the_broker_counts_once(
    stack: Stack, system: System, tmp_path: Path
) -> None:
    file, gateway = a_file(tmp_path, of_day(1), of_day(2), of_day(3)), system.url("gateway")
    before = entries(stack)
    code, said, _ = sent(stack, file, "--to", gateway, "--source", EDOC, "--dry-run")
    assert (code, said.splitlines()[0]) == (0, "would be accepted: 3 (flagged: 0); accepted before: 0")
    assert entries(stack) == before
    code, said, _ = sent(stack, file, "--to", gateway, "--source", EDOC)
    assert (code, said.splitlines()[1]) == (0, "accepted: 3 (flagged: 0)")
    assert entries(stack) == before + 3
    code, said, beside = sent(stack, file, "--source", EDOC)
    assert code == 0, beside
    assert "by all replicas in sync: 3 events" in said
    with_one_more = a_file(tmp_path, of_day(1), of_day(2), of_day(3), of_day(4))
    assert sent(stack, with_one_more, "--source", EDOC)[0] == 0
    until(lambda: entries(stack) >= before + 4)
    code, said, _ = sent(stack, with_one_more, "--to", gateway, "--source", EDOC, "--dry-run")
    assert (code, said.splitlines()[0]) == (0, "would be accepted: 0 (flagged: 0); accepted before: 4")
    assert entries(stack) == before + 4
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_goes_to_the_publishers_own_topic_once_there_is_one(
    stack: Stack, system: System, tmp_path: Path
) -> None:
    own = own_topic("dak-nong", "edoc").name
    with_principal = [
        one.model_copy(update={"principal": "van-phong"}) if isinstance(one, Publisher) and one.id == "edoc" else one
        for one in OBJECTS
    ]
    settings = KafkaSettings(bootstrap=stack.bootstrap)
    asyncio.run(stream.apply(settings.connection(), "dak-nong", with_principal, now=NOON))
    topics = [sys.executable, "-m", "services.cli", "topics"]
    made = subprocess.run(topics, env=environment(stack), capture_output=True, text=True, timeout=60, check=True)
    assert made.stdout == f"made {own}\n"
    rules = [sys.executable, "-m", "services.cli", "acl"]
    told = subprocess.run(rules, env=environment(stack), capture_output=True, text=True, timeout=60, check=False)
    if stack.broker == "kafka":  # without an authorizer; the embedded broker says that there are no rules
        assert "The broker has no authorizer, so everybody may do everything" in told.stderr
    assert told.returncode == (2 if stack.broker == "kafka" else 1)
    assert f"--allow-principal User:van-phong --operation Write --topic {own}" in told.stdout
    file, before = a_file(tmp_path, of_day(5), of_day(6)), entries(stack)
    code, said, beside = sent(stack, file, "--source", EDOC, "--topic", own)
    assert code == 0, beside
    assert f"written to {own} at " in said
    until(lambda: entries(stack) == before + 2)
    code, _, beside = sent(stack, file, "--source", EDOC, "--topic", "observations.v1")
    assert (code, "--topic is statistics.reported.v1, or begins with" in beside) == (2, True)


def test_what_is_wrong_and_what_is_refused_are_named_by_row_and_the_rest_is_taken(
    stack: Stack, system: System, tmp_path: Path
) -> None:
    lines = (of_day(11), of_day(12, "1.234"), of_day(13, "1013"), of_day(14, unit="99999"))
    before = entries(stack)
    asked = a_file(tmp_path, *lines), "--to", system.url("gateway"), "--source", EDOC, "--rows", "good"
    code, said, _ = sent(stack, *asked)
    assert code == 1
    told = said.splitlines()
    assert told[0] == "wrong, not sent: 1"
    assert told[1].startswith("    row 3, column E: “1.234”")
    assert "accepted: 1 (flagged: 0)" in told
    assert "refused: 2" in told
    assert any(line.startswith("    row 4: Tử số 1.013 lớn hơn mẫu số 1.000") for line in told)
    assert any(line.startswith("    row 5: ") for line in told)
    assert entries(stack) == before + 1


@pytest.mark.parametrize("to", ["gateway", "broker"])
def test_where_rows_are_wrong_nothing_is_sent_without_a_terminal_to_ask_on(
    stack: Stack, system: System, tmp_path: Path, to: str
) -> None:
    file, before = a_file(tmp_path, of_day(15), of_day(16, "1.234")), entries(stack)
    where = ["--to", system.url("gateway")] if to == "gateway" else []
    code, said, _ = sent(stack, file, "--source", EDOC, *where)
    assert code == 1
    assert said.splitlines()[0] == "wrong, not sent: 1"
    assert "1 trên 2 dòng sai; không số liệu nào được gửi." in said
    assert "1 of 2 rows are wrong; nothing was sent." in said
    assert "--rows good" in said
    assert entries(stack) == before
    assert list(tmp_path.iterdir()) == [file]


def on_a_terminal(stack: Stack, answer: bytes, *arguments: object) -> tuple[int, str, str]:
    """The same as `sent`, with that answer to the question; what was said beside came over the terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command(*arguments), env=environment(stack), stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as running:
        os.close(theirs)
        beside = b""
        while b"[y/N]" not in beside:
            beside += os.read(ours, 4096)
        os.write(ours, answer)
        with suppress(OSError):  # the other end is closed
            while more := os.read(ours, 4096):
                beside += more
        assert running.stdout is not None
        said = running.stdout.read()
    os.close(ours)
    return running.returncode, said, beside.decode()


def test_on_a_terminal_it_asks_whether_the_sound_rows_shall_go(stack: Stack, system: System, tmp_path: Path) -> None:
    file, before = a_file(tmp_path, of_day(17), of_day(18, "1.234")), entries(stack)
    asked = file, "--to", system.url("gateway"), "--source", EDOC, "--wait", "1"
    code, said, beside = on_a_terminal(stack, b"\n", *asked)
    assert code == 1
    assert "1 trên 2 dòng sai. Chỉ gửi các dòng đúng?" in beside
    assert "nothing was sent" in said
    assert entries(stack) == before
    code, said, _ = on_a_terminal(stack, "có\n".encode(), *asked)
    assert code == 1
    assert said.count("wrong, not sent: 1") == 1
    assert ": 1 events" in said
    until(lambda: entries(stack) == before + 1)


def many(folder: Path, day: int) -> Path:
    """Figures of one day, each a correction of the one before."""
    file = folder / "events.jsonl"
    said = {"province": "dak-nong", "kpi": "signed-share", "org_unit": "24612", "as_of": f"2023-09-{day:02}"}
    lines = (
        json.dumps({**said, "numerator": at % 900, "denominator": 1000, "revision": at}) for at in range(1, MANY + 1)
    )
    file.write_text("\n".join(lines))
    return file


@pytest.mark.parametrize("to", ["gateway", pytest.param("broker", marks=pytest.mark.slow)])
def test_killed_in_the_middle_it_goes_on_where_it_was(stack: Stack, system: System, tmp_path: Path, to: str) -> None:
    file, before = many(tmp_path, 21 if to == "gateway" else 22), entries(stack)
    asked: list[object] = [file, "--source", EDOC]
    asked += ["--to", system.url("gateway"), "--wait", "60"] if to == "gateway" else []
    first = subprocess.Popen(command(*asked), env=environment(stack), stdout=subprocess.DEVNULL)
    until(lambda: bool(list(tmp_path.glob(".*.sending"))))
    first.kill()
    first.wait()
    (note,) = tmp_path.glob(".*.sending")
    acknowledged = json.loads(note.read_bytes())["acknowledged"]
    assert 0 < acknowledged < MANY
    code, said, beside = sent(stack, *asked)
    assert code == 0, said + beside
    assert f"going on after {acknowledged} events that an earlier try sent" in beside
    assert f"accepted: {MANY} " in said or to == "broker", beside
    until(lambda: entries(stack) == before + MANY)
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_sent_is_one_sentence(stack: Stack, system: System, tmp_path: Path) -> None:
    file = a_file(tmp_path, of_day(5))
    for asked, sentence in (
        ((file,), "add --source"),
        ((file, "--to", "http://127.0.0.1:9", "--source", EDOC), "No gateway answers at http://127.0.0.1:9"),
        ((file, "--to", "here"), "--to takes the address of an HTTP server"),
        ((tmp_path / "none.csv", "--source", EDOC), "cannot be read"),
        ((tmp_path / "a.pdf",), "a.pdf is none of"),
        (
            (file, "--source", EDOC, "--to", system.url("gateway"), "--key-file", tmp_path / "none"),
            "key cannot be read",
        ),
    ):
        code, said, beside = sent(stack, *asked)
        assert (code, said) == (2, ""), beside
        assert sentence in beside
        assert "Traceback" not in beside


async def test_it_speaks_with_its_key_and_for_its_own_sources(stack: Stack, system: System, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    made = keys.make(
        province="dak-nong", publisher="edoc", name="e2e", scopes=tuple(keys.Scope), now=now, lasts=timedelta(days=1)
    )
    async with AsyncMongoClient[dict[str, Any]](stack.mongo_uri, tz_aware=True) as client:
        await KeyStore(client, MongoSettings(uri=SecretStr(stack.mongo_uri))).add(made.key, now)
    (tmp_path / "key").write_text(made.text + "\n")
    asked = (a_file(tmp_path, of_day(6)), "--to", system.url("gateway"), "--source")
    code, said, beside = sent(stack, *asked, EDOC, "--key-file", tmp_path / "key")
    assert (code, said.splitlines()[1]) == (0, "accepted: 1 (flagged: 0)"), beside
    code, _, beside = sent(stack, *asked, "urn:tiendo:source:other", TIENDO_SEND_KEY=made.text)
    assert (code, "403 not_your_source" in beside) == (2, True), beside
    code, _, beside = sent(stack, *asked, EDOC, TIENDO_SEND_KEY="tdk_wrong")
    assert (code, "401 bad_key" in beside, "tdk_wrong" in beside) == (2, True, False), beside


def test_events_that_nobody_has_looked_at_yet_are_on_their_way(stack: Stack, system: System, tmp_path: Path) -> None:
    ingest = psutil.Process(system.child("ingest").pid)
    ingest.suspend()
    try:
        file = a_file(tmp_path, of_day(7), of_day(8))
        code, said, beside = sent(stack, file, "--to", system.url("gateway"), "--source", EDOC, "--wait", "2")
    finally:
        ingest.resume()
    assert code == 0, beside
    assert "accepted: 0 (flagged: 0)" in said
    assert "still on their way: 2" in said
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.slow
def test_events_of_a_parked_source_are_turned_away_in_words(stack: Stack, system: System, tmp_path: Path) -> None:
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        asyncio.run(unreadable(stack, 60))
        until(lambda: client["tiendo_ingest"]["parked"].count_documents({}) == 1)
    file = a_file(tmp_path, of_day(9))
    code, said, beside = sent(stack, file, "--to", system.url("gateway"), "--source", EDOC, "--wait", "12")
    assert code == 1, said + beside
    assert "refused: 1" in said
    assert "row 2: " in said


async def unreadable(stack: Stack, count: int) -> None:
    """Records of the source that nobody can read."""
    kafka = KafkaSettings(bootstrap=stack.bootstrap, enable_idempotence=stack.broker == "kafka")
    producer = BatchProducer(kafka, Telemetry())
    await producer.start()
    headers = envelope.write(id="broken", source=EDOC, type=next(iter(STATISTICS_REPORTED.payloads)), time=NOON)
    try:
        await producer.publish(STATISTICS_REPORTED.name, [Outgoing(b"x", b"{", headers)] * count)
    finally:
        await producer.stop()
