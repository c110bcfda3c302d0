"""People act on an alert: alerts and the gateway as processes, real mails, and the page in a browser."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from contracts.alerts import alert_id
from contracts.catalog import Person, Post
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.gateway import keys
from services.gateway.key_store import KeyStore
from services.runtime.settings import MongoSettings
from tests.integration.alerts.test_process import QUICK, World, until
from tests.stacks import a_stack
from tests.unit.alerts.builders import BASE, NOW, PEOPLE, a_record, a_rule

HOUR = timedelta(hours=1)
UNIT = "huyen-a.xa-tan-phu"
OWNER, MANAGER, STRANGER = "owner.tan-phu", "manager.tan-phu", "manager.quang-hoa"
SIBLING = Person(
    id=STRANGER,
    name="Chủ tịch xã bên",
    email="ben@a.example",
    posts=(Post(role="manager", unit="huyen-a.xa-quang-hoa"),),
)
OBJECTS = (*BASE, *PEOPLE, SIBLING, a_rule(group_wait=timedelta(0)))
NOTE = "Đã đôn đốc các thôn, gửi bổ sung trong tuần."


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("acting"), "dak-nong", OBJECTS, NOW) as running:
        yield running


class Office(World):
    """A province whose alerts people act on; each test has a period, and so alerts, of its own."""

    def __init__(self, stack: Stack, name: str) -> None:
        super().__init__(stack, name)
        self.system = System(
            stack,
            {**QUICK, "TIENDO_MONGO_DATABASE": self.database, "TIENDO_MAIL_HOST": self.host},
            names=["alerts", "gateway"],
        )
        self.system.start()
        self.version = 0

    async def sees(self, pace: float) -> None:
        """A figure that is so far along."""
        self.version += 1
        await self.publish([(a_record(pace, version=self.version), NOW + self.version * HOUR)])

    @property
    def alert(self) -> str:
        """The alert's id."""
        return alert_id("dak-nong", "behind", "edoc-signed-share", UNIT, "2023")

    async def key(self, person: str) -> str:
        """A key of that person, as `tiendo keys` makes it."""
        now = datetime.now(UTC)
        made = keys.make(
            province="dak-nong", person=person, name="", scopes=keys.PEOPLES_SCOPES, now=now, lasts=timedelta(days=1)
        )
        settings = MongoSettings(uri=SecretStr(self.stack.mongo_uri), database=self.database)
        async with AsyncMongoClient[dict[str, Any]](self.stack.mongo_uri, tz_aware=True) as client:
            await KeyStore(client, settings).add(made.key, now)
        return made.text

    async def asks(self, path: str = "", key: str | None = None, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer about the alert; with a body it is a POST."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        url = self.system.url("gateway", f"/api/v1/alerts/{self.alert}{path}")
        request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
        return await asyncio.to_thread(_answered, request)

    async def stands(self, handling: str) -> Any:
        """What the gateway says of the alert once it is handled so."""

        async def is_so() -> bool:
            status, said = await self.asks()
            return status == 200 and said["handling"] == handling

        await until(is_so)
        return (await self.asks())[1]


def _answered(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    made = Office(stack, "t-office")
    yield made
    for name in ("alerts", "gateway"):
        made.system.child(name).stop()


async def test_what_the_owner_writes_is_read_in_the_next_mail_whatever_is_killed_meanwhile(office: Office) -> None:
    await office.sees(0.7)
    await office.stands("unacked")
    owner = await office.key(OWNER)
    command = {"command_id": "first", "note": NOTE, "until": "2023-09-20"}
    assert (await office.asks("/acknowledge", await office.key(STRANGER), command))[1]["code"] == "not_your_unit"
    assert (await office.asks("/acknowledge", None, command))[1]["code"] == "no_key"

    status, said = await office.asks("/acknowledge", owner, command)
    assert (status, said["repeated"], said["taken_up"]["by"]) == (200, False, OWNER)
    office.system.child("alerts").kill()
    assert (await office.asks("/acknowledge", owner, command))[0] == 503
    office.system.launch("alerts")
    office.system.wait_ready()
    again = await office.asks("/acknowledge", owner, command)
    assert again == (200, {**said, "repeated": True})

    found = await office.stands("acked")
    assert found["taken_up"] == said["taken_up"]
    assert [one["type"] for one in found["transitions"]] == ["opened", "acknowledged"]
    await office.sees(0.4)
    await until(lambda: office.reasons("chu-tich@tan-phu.example") == ["FIRST", "WORSENED"])
    worse = next(mail for to, mail, _ in office.mails() if mail["X-KPI-Reason"] == "WORSENED")
    text = worse.get_body(("plain",))
    assert text is not None
    assert NOTE in " ".join(text.get_content().split())
    assert "Văn phòng UBND xã" in text.get_content()
