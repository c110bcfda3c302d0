"""Letters to publishers with real processes: refused at the door, doubted by metrics, read in the mailbox."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import pytest
from pymongo import MongoClient

from contracts import envelope
from contracts.doors import event_ref
from contracts.topics import STATISTICS_REPORTED
from deploy.embedded.ports import claimed
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.stacks import a_stack
from tests.unit.alerts.fakes import parsed
from tests.unit.alerts.letters import DAY, MINUTE, PUBLISHER, SLOT, SOURCE, objects

HOUR = 60 * MINUTE
FRIDAY, MONDAY, TUESDAY = SLOT - 3 * DAY + HOUR, SLOT + HOUR, SLOT + DAY + HOUR
"""An hour after the letters of the day."""
COMMUNES = ("huyen-a.xa-tan-phu", "huyen-a.xa-quang-hoa", "huyen-a.xa-dak-rmang")
CLOCK = {"TIENDO_CLOCK": f"from:{FRIDAY.isoformat()}", "TIENDO_START_TIMEOUT_S": "30"}
QUICK = {
    **CLOCK,
    "TIENDO_ALERTS_POLL_S": "0.2",
    "TIENDO_ALERTS_LEASE_S": "2",
    "TIENDO_MAIL_LINK": "https://kpi.example",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The way of a figure as far as alerts, which the tests start themselves."""
    with a_stack(tmp_path_factory.mktemp("letters"), "dak-nong", objects(), FRIDAY) as running:
        System(running, CLOCK, names=["ingest", "metrics"]).start()
        yield running


def said(id: str, at: datetime, unit: str, as_of: str, numerator: int, **published: float) -> Outgoing:
    """An event, as its publisher sends it: of 1,000."""
    data = {"province": "dak-nong", "kpi": "edoc-signed-share", "org_unit": unit, "as_of": as_of}
    value = json.dumps({**data, "numerator": numerator, "denominator": 1_000, **published}).encode()
    headers = envelope.write(id=id, source=SOURCE, type="vn.tiendo.statistic.reported.v1", time=at, subject=unit)
    return Outgoing(f"dak-nong/edoc-signed-share/{unit}".encode(), value, headers)


def publish(stack: Stack, *events: Outgoing) -> None:
    async def send() -> None:
        producer = BatchProducer(
            KafkaSettings(bootstrap=stack.bootstrap, enable_idempotence=stack.broker == "kafka"), Telemetry()
        )
        await producer.start()
        try:
            await producer.publish(STATISTICS_REPORTED.name, events)
        finally:
            await producer.stop()

    asyncio.run(send())


def letters(stack: Stack) -> list[EmailMessage]:
    """What came to the publisher's contact, in the order of arrival."""
    mails = [parsed(file.read_bytes()) for file in sorted(stack.mail_folder.glob("*.eml"))]
    return [mail for mail in mails if str(mail["Delivered-To"]) == PUBLISHER.contact]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def until(holds: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def came(stack: Stack, count: int) -> list[EmailMessage]:
    """The letters, once there are so many."""
    until(lambda: len(letters(stack)) >= count)
    return letters(stack)


def noted(stack: Stack, database: str, *events: str, letter: int = 1_000) -> None:
    """Wait until alerts knows what became of these events, or so many letters came: then one has told of it already."""
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        notes = client[f"{database}_alerts"]["notes"]
        until(
            lambda: (
                set(events) <= {one["note"]["event"] for one in notes.find({"open": True})}
                or len(letters(stack)) >= letter
            )
        )


def mended(stack: Stack, database: str, event: str) -> None:
    """Wait until no letter would tell of this event."""
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        notes = client[f"{database}_alerts"]["notes"]
        until(lambda: not notes.count_documents({"open": True, "note.event": event}))


def test_what_was_refused_and_doubted_comes_as_one_letter_whoever_of_three_workers_writes_it(stack: Stack) -> None:
    workers = [System(stack, QUICK, names=["alerts"]) for _ in range(3)]
    for worker in workers:
        worker.launch("alerts")
    for worker in workers:
        worker.wait_ready()
    months = [("06", 507), ("07", 508), ("08", 507)]
    publish(
        stack,
        *(
            said(f"before-{unit}-{month}", FRIDAY, unit, f"2023-{month}-10", n)
            for month, n in months
            for unit in COMMUNES
        ),
        *(said(f"september-{unit}", FRIDAY, unit, "2023-09-10", 508) for unit in COMMUNES[:2]),
        said("too-much", FRIDAY + HOUR, COMMUNES[0], "2023-09-11", 1_013),
        said("to-mend", FRIDAY + HOUR, COMMUNES[1], "2023-09-11", 1_013),
        said("nowhere", FRIDAY + HOUR, "24611", "2023-09-11", 500),
        said("jumped", FRIDAY + HOUR, COMMUNES[2], "2023-09-10", 20),
    )
    publish(stack, said("cut-off", FRIDAY + HOUR, COMMUNES[1], "2023-09-12", 507, value=50))
    noted(stack, "tiendo", "too-much", "nowhere", "jumped", "to-mend", "cut-off")
    publish(stack, said("mended", FRIDAY + 2 * HOUR, COMMUNES[1], "2023-09-11", 509))
    mended(stack, "tiendo", "to-mend")
    assert letters(stack) == []
    publish(stack, said("monday", MONDAY, COMMUNES[0], "2023-09-12", 508))
    (mail,) = came(stack, 1)
    assert str(mail["Subject"]) == "[KPI] 2 lần bị từ chối, 2 số liệu cần kiểm tra: Hệ thống quản lý văn…"
    assert (mail["X-KPI-Reason"], mail["X-KPI-Publisher"]) == ("DIGEST", "dak-nong/edoc")
    assert mail["List-Unsubscribe"] is not None
    text = text_of(mail)
    for line in (
        "Tử số lớn hơn mẫu số: 1",
        "Tỷ lệ văn bản điện tử được ký số, Xã Tân Phú, số liệu đến ngày 11/09/2023",
        "Không có đơn vị này: 1",
        "Thay đổi đột ngột: 1",
        "Bị cắt bớt chữ số thay vì làm tròn: 1",
    ):
        assert line in text
    assert re.findall(r"phản hồi trước hết ngày (.*?):", text) == ["21/09/2023"]
    for event in ("too-much", "nowhere", "jumped", "cut-off"):
        assert f"https://kpi.example/events/{event_ref(SOURCE, event)}" in text
    assert "to-mend" not in text
    # One event is refused, on Tuesday or (where ingest takes both at once) still on Monday: it is told once.
    publish(stack, said("tuesday", TUESDAY, COMMUNES[0], "2023-09-13", 509))
    publish(stack, said("again", TUESDAY + HOUR, COMMUNES[0], "2023-09-14", 1_001))
    noted(stack, "tiendo", "again", letter=2)
    publish(stack, said("wednesday", TUESDAY + DAY, COMMUNES[0], "2023-09-15", 510))
    second = came(stack, 2)[1]
    assert "Bị từ chối (1)" in text_of(second)
    assert all(event not in text_of(second) for event in ("too-much", "cut-off"))
    assert second["Message-ID"] != mail["Message-ID"]
    for worker in workers:
        alerts = worker.child("alerts")
        assert alerts.stop() == 0, alerts.explanation()
    assert len(letters(stack)) == 2


@pytest.mark.slow
def test_a_worker_that_is_killed_before_its_letter_was_sent_loses_nothing(stack: Stack) -> None:
    own = {"TIENDO_MONGO_DATABASE": "killed", "TIENDO_MAIL_HOST": "killed.example"}
    before = len(letters(stack))
    doomed = System(stack, {**QUICK, **own, "TIENDO_SMTP_PORT": str(claimed(None, ""))}, names=["alerts"])
    doomed.start()
    publish(stack, said("lost", TUESDAY + 5 * DAY, COMMUNES[1], "2023-09-14", 1_001))
    noted(stack, "killed", "lost")
    publish(stack, said("later", TUESDAY + 7 * DAY, COMMUNES[0], "2023-09-16", 510))
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        rows = client["killed_alerts"]["notifications"]
        until(lambda: rows.count_documents({"mail.kind": "digest"}))
        doomed.child("alerts").kill()
        System(stack, {**QUICK, **own}, names=["alerts"]).start()
        until(lambda: rows.count_documents({"mail.gathered.first.event": "lost", "state": "sent"}))
    after = letters(stack)[before:]
    assert len([mail for mail in after if "Mã sự kiện: lost" in text_of(mail)]) == 1
    assert len({str(mail["Message-ID"]) for mail in after}) == len(after)
