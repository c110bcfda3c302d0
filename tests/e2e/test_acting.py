"""People act on an alert: alerts and the gateway as processes, real mails, and the page in a browser."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect
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
        self._keys: dict[str, str] = {}

    async def sees(self, pace: float) -> None:
        """A figure that is so far along."""
        self.version += 1
        await self.publish([(a_record(pace, version=self.version), NOW + self.version * HOUR)])

    @property
    def alert(self) -> str:
        """The alert's id."""
        return alert_id("dak-nong", "behind", "edoc-signed-share", UNIT, "2023")

    async def key(self, person: str) -> str:
        """The key of that person, as `tiendo keys` makes it."""
        if person in self._keys:
            return self._keys[person]
        now = datetime.now(UTC)
        made = keys.make(
            province="dak-nong", person=person, name="", scopes=keys.PEOPLES_SCOPES, now=now, lasts=timedelta(days=1)
        )
        settings = MongoSettings(uri=SecretStr(self.stack.mongo_uri), database=self.database)
        async with AsyncMongoClient[dict[str, Any]](self.stack.mongo_uri, tz_aware=True) as client:
            await KeyStore(client, settings).add(made.key, now)
        self._keys[person] = made.text
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
    await until(lambda: office.reasons("chu-tich@tan-phu.example") == ["FIRST", "ACKNOWLEDGED", "WORSENED"])
    assert office.reasons("van-phong@tan-phu.example") == ["FIRST", "WORSENED"]  # who took it up knows
    worse = next(mail for to, mail, _ in office.mails() if mail["X-KPI-Reason"] == "WORSENED")
    text = worse.get_body(("plain",))
    assert text is not None
    assert NOTE in " ".join(text.get_content().split())
    assert "Văn phòng UBND xã" in text.get_content()


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1200])
async def test_on_the_page_that_the_mail_leads_to_somebody_takes_it_up(
    office: Office, browser: Browser, width: int, tmp_path: Path
) -> None:
    await office.stands("acked")
    mail = next(mail for to, mail, _ in office.mails() if to == "chu-tich@tan-phu.example")
    text = mail.get_body(("plain",))
    assert text is not None
    address = office.system.url("gateway", f"/alerts/{office.alert}")
    assert address in text.get_content()

    context = await browser.new_context(viewport={"width": width, "height": 900})
    page, troubles = await context.new_page(), list[str]()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if "Security Policy" in said.text else None)
    before = await office.asks()
    await page.goto(address)
    await expect(page.locator("#happened-title")).to_have_text("Diễn biến")
    await expect(page.locator("#why")).to_contain_text("Văn phòng UBND xã")
    assert "@" not in await page.locator("main").inner_text()  # anybody may read the page
    await expect(page.locator("#timeline")).to_contain_text(NOTE)
    await page.screenshot(path=tmp_path / f"before-{width}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await office.asks() == before

    await page.locator("#note").fill(f"Sẽ họp giao ban <b>{width}</b>")
    await page.locator("#until").fill("2023-09-25")
    await page.locator("#key").fill(await office.key(STRANGER))
    await page.get_by_role("button", name="Nhận xử lý").click()
    await expect(page.locator("#said")).to_contain_text("Bạn không có chức vụ ở đơn vị này")
    assert await office.asks() == before

    await page.locator("#key").fill(await office.key(MANAGER))
    await page.get_by_role("button", name="Nhận xử lý").click()
    await expect(page.locator("#said")).to_contain_text("Đã ghi nhận")
    await expect(page.locator("#handling")).to_contain_text(f"Sẽ họp giao ban <b>{width}</b>")
    await expect(page.locator("#handling")).to_contain_text("Chủ tịch UBND xã đang xử lý, đến hết 25/09/2023")
    await page.locator("#note").fill(f"Ý kiến {width}")
    await page.get_by_role("button", name="Chỉ ghi ý kiến").click()
    await expect(page.locator("#timeline")).to_contain_text(f"Ý kiến {width}")
    await page.screenshot(path=tmp_path / f"after-{width}.png", full_page=True)
    _, said = await office.asks()
    assert (said["taken_up"]["by"], said["taken_up"]["until"]) == (MANAGER, "2023-09-25T17:00:00Z")
    await page.reload()
    assert await page.locator("#key").input_value() != ""  # kept for the tab
    assert await office.key(MANAGER) not in page.url + await page.content()
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("#happened-title")).to_have_text("What happened")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.screenshot(path=tmp_path / f"english-{width}.png", full_page=True)
    await context.close()
    assert not troubles


@pytest.mark.browser
async def test_a_page_of_elsewhere_does_nothing_in_somebodys_name(office: Office, browser: Browser) -> None:
    before = await office.stands("acked")
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(office.system.url("gateway", f"/alerts/{office.alert}"))
    await page.evaluate("key => sessionStorage.setItem('tiendo_person_key', key)", await office.key(OWNER))

    target = office.system.url("gateway", f"/api/v1/alerts/{office.alert}/acknowledge")
    evil = await context.new_page()
    answers: list[int] = []
    evil.on("response", lambda answer: answers.append(answer.status) if answer.url == target else None)
    form = (
        f"<form method='post' enctype='text/plain' action='{target}'><input name='{{\"note\":\"x' value='\"}}'></form>"
    )
    await evil.route("http://evil.internal/", lambda route: route.fulfill(body=form, content_type="text/html"))
    await evil.goto("http://evil.internal/")
    await evil.evaluate(
        """target => Promise.allSettled([
            fetch(target, {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}'}),
            fetch(target, {method: 'POST', credentials: 'include', body: '{}',
                           headers: {'content-type': 'application/json', 'authorization': 'Bearer x'}}),
        ])""",
        target,
    )
    async with evil.expect_navigation():
        await evil.evaluate("document.forms[0].submit()")
    assert answers
    assert set(answers) <= {401, 405}
    await context.close()
    assert (await office.asks())[1] == before


@pytest.mark.browser
async def test_an_account_is_asked_for_and_given_on_the_page(office: Office, browser: Browser, tmp_path: Path) -> None:
    await office.stands("acked")
    page = await browser.new_page(viewport={"width": 360, "height": 900})
    await page.goto(office.system.url("gateway", f"/alerts/{office.alert}"))
    await page.locator("#note").fill("Vì sao chậm hai tháng liền?")
    await page.locator("#until").fill("2023-09-15")
    await page.locator("#key").fill(await office.key("manager.huyen-a"))
    await page.get_by_role("button", name="Đề nghị giải trình").click()
    await expect(page.locator("#handling")).to_contain_text("Chủ tịch UBND huyện đề nghị giải trình đến hết 15/09/2023")
    await until(lambda: "ACCOUNT_ASKED" in office.reasons("van-phong@tan-phu.example"))
    await page.locator("#note").fill("Thiếu chữ ký số cho ba thôn.")
    await page.locator("#key").fill(await office.key(OWNER))
    await page.get_by_role("button", name="Giải trình", exact=True).click()
    await expect(page.locator("#handling")).to_contain_text("Văn phòng UBND xã giải trình")
    await page.screenshot(path=tmp_path / "account-360.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await until(lambda: office.reasons("chu-tich@huyen-a.example") == ["FIRST", "ACCOUNT_GIVEN"])
    await page.close()


@pytest.mark.browser
async def test_who_heads_the_unit_closes_it_on_the_page_once_they_are_sure(
    office: Office, browser: Browser, tmp_path: Path
) -> None:
    before = await office.stands("acked")
    page = await browser.new_page(viewport={"width": 360, "height": 900})
    await page.goto(office.system.url("gateway", f"/alerts/{office.alert}"))
    await page.locator("#note").fill("Số nguồn sai, đã yêu cầu sửa")
    await page.locator("#key").fill(await office.key(MANAGER))
    page.once("dialog", lambda dialog: dialog.dismiss())
    await page.get_by_role("button", name="Đóng cảnh báo").click()
    assert (await office.asks())[1] == before

    page.once("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Đóng cảnh báo").click()
    await expect(page.locator("#timeline")).to_contain_text("Chủ tịch UBND xã đóng cảnh báo")
    await expect(page.locator("#head")).to_contain_text("Có người đóng cảnh báo")
    await expect(page.locator("#act")).to_have_count(0)
    await page.screenshot(path=tmp_path / "closed-360.png", full_page=True)
    await until(lambda: office.reasons("van-phong@tan-phu.example")[-1:] == ["CLOSED_OTHER"])
    await page.close()
