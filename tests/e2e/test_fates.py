"""What became of an event, asked of real processes: through the broker, ingest, metrics and the gateway, and back."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, expect
from pydantic import SecretStr
from pymongo import AsyncMongoClient, MongoClient

from contracts import envelope
from contracts.doors import event_ref
from contracts.observations import observation_id
from contracts.topics import STATISTICS_REPORTED
from deploy.embedded import lifecycle
from deploy.embedded.demo import play
from deploy.embedded.errors import NotAvailable
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.gateway import keys
from services.gateway.key_store import KeyStore
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.settings import KafkaSettings, MongoSettings
from services.runtime.telemetry import Telemetry
from tests.provinces import Province
from tests.servers import wanted_broker

SOURCE = "urn:tiendo:source:dak-nong:edoc"
KPI, UNIT = "edoc-signed-share", "dak-nong.cu-jut.xa-ea-po"
NEIGHBOUR = "dak-nong.cu-jut.xa-dak-wil"
ABOVE = ("dak-nong.huyen-cu-jut", "dak-nong")
TYPE = "vn.tiendo.statistic.reported.v1"
A_DAY = timedelta(days=1)
ELSEWHERE = "tiendo.internal"
AT = "2023-10-02T08:00:00+07:00"


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    try:
        with Stack.started(tmp_path_factory.mktemp("fates"), broker=wanted_broker()) as stack:
            catalog = lifecycle.prepare(stack)
            system = System(stack, {"TIENDO_CLOCK": play.CLOCK}, names=["ingest", "metrics", "gateway"])
            system.start()
            yield Province(stack, system, catalog)
    except NotAvailable as error:
        pytest.skip(str(error))


def answered(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def asked(province: Province, path: str, **query: Any) -> Any:
    address = province.system.url("gateway", path + (f"?{urlencode(query)}" if query else ""))
    status, found = answered(urllib.request.Request(address))
    assert status == 200, found
    return found


def posted(province: Province, id: str, **figure: Any) -> None:
    said = {"province": "dak-nong", "kpi": KPI, "org_unit": UNIT, "as_of": "2023-09-30", **figure}
    event = {"specversion": "1.0", "id": id, "source": SOURCE, "type": TYPE, "time": AT, "data": said}
    status, receipt = answered(
        urllib.request.Request(
            province.system.url("gateway", "/api/v1/statistics"),
            json.dumps(event).encode(),
            {"content-type": "application/cloudevents+json"},
        )
    )
    assert status == 202, receipt


async def published(province: Province, *records: Outgoing) -> None:
    """Straight to the topic, as a careless publisher would."""
    kafka = KafkaSettings(bootstrap=province.stack.bootstrap, enable_idempotence=province.stack.broker == "kafka")
    producer = BatchProducer(kafka, Telemetry())
    await producer.start()
    try:
        await producer.publish(STATISTICS_REPORTED.name, records)
    finally:
        await producer.stop()


def fate(province: Province, id: str) -> Any:
    return asked(province, f"/api/v1/events/{event_ref(SOURCE, id)}")


def until(province: Province, id: str, holds: Callable[[Any], Any], seconds: float = 30) -> Any:
    """What became of the event, once that holds."""
    deadline = time.monotonic() + seconds
    while not holds(found := fate(province, id)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def in_state(state: str) -> Callable[[Any], bool]:
    return lambda found: found["state"] == state


def reached(found: Any) -> bool:
    """The records above have come through to the read model as well."""
    figure = found["figure"]
    return figure is not None and all(one["status"] for one in figure["records"]) and len(figure["records"]) == 3


def test_an_event_is_followed_from_the_receipt_to_the_province(province: Province) -> None:
    assert fate(province, "whole-way")["state"] == "unknown"
    posted(province, "whole-way", numerator=90, denominator=100)
    found = until(province, "whole-way", reached)
    assert (found["state"], found["figure"]["standing"]) == ("accepted", "stands")
    seen = found["observation"]
    assert (seen["raw"]["topic"], seen["received_at"]) == (STATISTICS_REPORTED.name, "2023-10-02T01:00:00Z")
    assert [(one["org_unit"], one["holds"]) for one in found["figure"]["records"]] == [
        (unit, True) for unit in (UNIT, *ABOVE)
    ]
    for record in found["figure"]["records"]:
        said = asked(province, record["explain"])
        assert said["version"] >= record["version"] > 0
        assert found["observation_id"] in [one["observation_id"] for one in said["origins"]]


def test_refused_then_mended_reused_and_withdrawn(province: Province) -> None:
    more = {"as_of": "2023-08-31", "numerator": 80}
    posted(province, "mended", **more, denominator=70)
    refused = until(province, "mended", in_state("refused"))
    assert [one["code"] for one in refused["turned_away"][0]["problems"]] == ["numerator_above_denominator"]
    posted(province, "mended", **more, denominator=100)
    assert until(province, "mended", in_state("refused_since"))["turned_away"] == refused["turned_away"]
    posted(province, "mended", **more, denominator=101)
    reused = until(province, "mended", in_state("identity_reused"))
    assert reused["observation"]["denominator"] == "100"
    assert [one["problems"][0]["code"] for one in reused["turned_away"]] == [
        "identity_reused",
        "numerator_above_denominator",
    ]
    posted(province, "withdrawal", as_of="2023-08-31", retracts=True, revision=2)
    withdrawn = until(province, "mended", lambda found: found["figure"]["standing"] == "retracted")
    assert withdrawn["figure"]["by"] == observation_id(SOURCE, "withdrawal")


def test_a_doubt_of_metrics_comes_back_to_the_event(province: Province) -> None:
    for month, value in (("05", 5_071), ("06", 5_072), ("07", 5_070), ("08", 400)):
        figure = {"org_unit": NEIGHBOUR, "as_of": f"2023-{month}-15", "numerator": value, "denominator": 10_000}
        posted(province, f"jump-{month}", **figure)
    found = until(province, "jump-08", lambda one: one["doubts"] and one["doubts"][0]["at"])
    assert found["state"] == "accepted_with_doubts"
    assert [(one["flag"]["code"], one["holds"]) for one in found["doubts"]] == [("jump", True)]


async def test_what_nobody_can_read_is_found_in_the_quarantine(province: Province) -> None:
    headers = [*envelope.write(id="broken", source=SOURCE, type=TYPE, time=datetime.fromisoformat(AT))]
    await published(province, Outgoing(b"x", b'{"province": "dak-nong",', headers), Outgoing(b"x", b"\xff\xff", []))
    found = until(province, "broken", lambda told: in_state("quarantined")(told) and told["turned_away"][0]["problems"])
    assert found["turned_away"][0]["reason"] == "bad_json"
    assert found["turned_away"][0]["problems"][0]["code"] == "bad_json"


def test_the_list_tells_all_of_them_and_a_killed_gateway_the_same(province: Province) -> None:
    before = asked(province, "/api/v1/events", source=SOURCE, limit=100)
    states = {line["id"]: line["state"] for line in before["items"]}
    assert {name: states[name] for name in ("whole-way", "mended", "jump-08", "broken")} == {
        "whole-way": "accepted",
        "mended": "identity_reused",
        "jump-08": "accepted_with_doubts",
        "broken": "quarantined",
    }
    with MongoClient[dict[str, Any]](province.stack.mongo_uri) as client:
        kept = {name: client["tiendo_gateway"][name].count_documents({}) for name in ("refusals", "doubts")}
        province.system.child("gateway").kill()
        province.system.launch("gateway")
        province.system.wait_ready()
        assert asked(province, "/api/v1/events", source=SOURCE, limit=100) == before
        assert {name: client["tiendo_gateway"][name].count_documents({}) for name in kept} == kept


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1440])
async def test_the_page_shows_both_histories_in_both_languages(
    province: Province, browser: Browser, width: int, tmp_path: Path
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 900})
    page = await context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    for id, steps in (("whole-way", 2), ("mended", 4), ("jump-08", 3), ("broken", 1), ("never", 0)):
        await page.goto(province.system.url("gateway", f"/events/{event_ref(SOURCE, id)}?lang=vi"))
        await expect(page.locator(".happened > li")).to_have_count(steps)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.screenshot(path=tmp_path / f"{id}-{width}.png", full_page=True)
    await page.goto(province.system.url("gateway", f"/events/{event_ref(SOURCE, 'whole-way')}"))
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("#steps-title")).to_have_text("What happened")
    await page.screenshot(path=tmp_path / f"english-{width}.png", full_page=True)
    await page.locator("#records a").first.click()
    await expect(page.locator("#how-title")).to_have_text("How it is computed")
    await context.close()
    assert not troubles


@pytest.fixture(scope="module")
async def key(province: Province) -> str:
    """A key of the publisher, as `tiendo keys` makes it."""
    now = datetime.now(UTC)
    made = keys.make(province="dak-nong", publisher="edoc", name="e2e", scopes=tuple(keys.Scope), now=now, lasts=A_DAY)
    async with AsyncMongoClient[dict[str, Any]](province.stack.mongo_uri, tz_aware=True) as client:
        await KeyStore(client, MongoSettings(uri=SecretStr(province.stack.mongo_uri))).add(made.key, now)
    return made.text


@pytest.mark.browser
async def test_the_page_asks_for_a_key_where_one_is_needed_and_shows_itself_with_it(
    province: Province, browser: Browser, key: str, tmp_path: Path
) -> None:
    page = await browser.new_page()
    port = province.system.url("gateway", "").rsplit(":", 1)[1]
    await page.goto(f"http://{ELSEWHERE}:{port}/events/{event_ref(SOURCE, 'whole-way')}?lang=en")
    await page.screenshot(path=tmp_path / "asks.png", full_page=True)
    await page.locator("#key").fill("tdk_wrong")
    await page.locator("#with-key button").click()
    await expect(page.locator(".empty h2")).to_contain_text("no such key")
    await page.locator("#key").fill(key)
    await page.locator("#with-key button").click()
    await expect(page.locator("#steps-title")).to_have_text("What happened")
    assert "tdk_" not in page.url + await page.content()
    await page.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1200])
async def test_the_list_is_read_with_a_key_and_leads_to_its_events_and_back(
    province: Province, browser: Browser, key: str, width: int, tmp_path: Path
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    port = province.system.url("gateway", "").rsplit(":", 1)[1]
    query = urlencode([("source", SOURCE), ("state", "identity_reused"), ("state", "quarantined"), ("limit", 1)])
    await page.goto(f"http://{ELSEWHERE}:{port}/events?{query}")
    await page.locator("#key").fill(key)
    await page.locator("#with-key button").click()
    row = page.locator("#events tbody tr")
    await expect(row).to_have_count(1)
    await page.screenshot(path=tmp_path / f"list-{width}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    first = await row.get_attribute("data-state")
    await page.get_by_role("link", name="Các số liệu trước đó").click()
    await expect(page.locator(f"#events tbody tr:not([data-state={first}])")).to_have_count(1)
    await page.go_back()
    await expect(page.locator(f"#events tbody tr[data-state={first}]")).to_have_count(1)
    await row.locator("a").first.click()
    await expect(page.locator("#steps-title")).to_have_text("Diễn biến")
    assert "/events/" in page.url
    await page.go_back()
    await expect(row).to_have_count(1)
    assert "tdk_" not in page.url + await page.content()
    await page.goto(f"http://{ELSEWHERE}:{port}/events?{urlencode([('source', SOURCE)])}")
    await page.locator("#key").fill(key)
    await page.locator("#with-key button").click()
    await expect(page.locator("#events")).to_be_visible()
    await page.screenshot(path=tmp_path / f"all-{width}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.close()
    assert not troubles
