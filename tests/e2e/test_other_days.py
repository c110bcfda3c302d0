"""Đắk Nông's 71 communes through the reform of 1 July 2025, with real processes: as 71, and as 28."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright, expect
from pymongo import MongoClient

from contracts.topics import TOPICS
from deploy.embedded.errors import NotAvailable
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog import stream
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.loader import load_folder
from services.runtime.kafka.topics import make_topics
from services.runtime.settings import KafkaSettings
from tests.servers import wanted_broker

FOLDER = Path(__file__).parents[2] / "deploy" / "catalogs" / "lam-dong"
CATALOG = Catalog.of(load_folder(FOLDER).items)
REFORM = date(2025, 7, 1)
BEFORE = CATALOG.units.of_level("commune", REFORM - timedelta(days=1))
AFTER = CATALOG.units.of_level("commune", REFORM)
RATIO, STOCK, ONLINE = "edoc-signed-share", "ecommerce-products", "online-files-share"
SCORE = "commune-dx-score"
SIGNED = {unit: (40 + number, 60 + 2 * number) for number, unit in enumerate(BEFORE)}
PRODUCTS = {unit: 7 + number % 9 for number, unit in enumerate(BEFORE)}
DEADLINE_S = 60


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The province at the end of 2024, and then on a day after the reform."""
    with ExitStack() as open_:
        try:
            stack = open_.enter_context(Stack.started(tmp_path_factory.mktemp("reform"), broker=wanted_broker()))
        except NotAvailable as error:
            pytest.skip(str(error))
        kafka = KafkaSettings(bootstrap=stack.bootstrap)
        asyncio.run(make_topics(kafka, TOPICS))
        items = load_folder(FOLDER).items
        asyncio.run(stream.apply(kafka.connection(), "lam-dong", items, now=datetime.now(UTC)))
        running = System(stack, {"TIENDO_CLOCK": "from:2024-12-10T00:00:00+07:00"})
        running.start()
        noted(stack)
        signed = [{"org_unit": unit, "numerator": n, "denominator": d} for unit, (n, d) in SIGNED.items()]
        post(running, RATIO, "edoc", signed)
        post(running, STOCK, "ecommerce", [{"org_unit": unit, "value": value} for unit, value in PRODUCTS.items()])
        online = {"org_unit": AFTER[0], "numerator": 1, "denominator": 2}
        post(running, ONLINE, "public-services", [online], as_of="2025-08-31")
        mended = {**online, "numerator": 2, "revision": 2}
        post(running, ONLINE, "public-services", [mended], as_of="2025-08-31", days_later=20)
        yield running


def noted(stack: Stack) -> None:
    """Wait until it is kept what is in force: of days before that nobody could say what it was."""
    deadline = time.monotonic() + DEADLINE_S
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        while client["tiendo_metrics"]["editions"].find_one({"_id": f"lam-dong/{ONLINE}"}) is None:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def post(
    system: System,
    kpi: str,
    source: str,
    figures: list[dict[str, Any]],
    as_of: str = "2024-12-14",
    days_later: int = 1,
) -> None:
    """As a publisher sends them, so many days after."""
    events = [
        {
            "specversion": "1.0",
            "id": f"{kpi}-{number}-{days_later}",
            "source": f"urn:tiendo:source:lam-dong:{source}",
            "type": "vn.tiendo.statistic.reported.v1",
            "time": (date.fromisoformat(as_of) + timedelta(days=days_later)).isoformat() + "T08:00:00+07:00",
            "data": {"province": "lam-dong", "kpi": kpi, "as_of": as_of, **figure},
        }
        for number, figure in enumerate(figures)
    ]
    request = urllib.request.Request(
        system.url("gateway", "/api/v1/statistics"),
        data=json.dumps(events).encode(),
        headers={"content-type": "application/cloudevents-batch+json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 202


def seen(system: System, kpi: str, view: str) -> dict[str, Any]:
    """The answer, once all communes are in it and the reform is past."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        address = system.url("gateway", f"/api/v1/views/lam-dong/{kpi}/2024?view={view}")
        with urllib.request.urlopen(address, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        communes = levels(found).get("commune")
        whole = found["units"] and found["units"][0]["expected"] == communes and not found["units"][0]["missing"]
        if whole and (view != "as_it_is_now" or found["on"] >= REFORM.isoformat()):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def levels(found: dict[str, Any]) -> dict[str, int]:
    names = [unit["level"] for unit in found["units"]]
    return {level: names.count(level) for level in sorted(set(names))}


def sums(found: dict[str, Any], *names: str) -> tuple[float, ...]:
    communes = [unit for unit in found["units"] if unit["level"] == "commune"]
    return tuple(sum(unit[name] for unit in communes) for name in names)


def test_the_71_communes_are_28_now_and_the_province_has_the_same_total(system: System) -> None:
    was, now = seen(system, RATIO, "as_it_was"), seen(system, RATIO, "as_it_is_now")
    assert levels(was) == {"commune": 71, "district": 8, "province": 1}
    assert levels(now) == {"commune": 28, "province": 1}
    total = sum(n for n, _ in SIGNED.values()), sum(d for _, d in SIGNED.values())
    for found in (was, now):
        assert sums(found, "numerator", "denominator") == total
        top = found["units"][0]
        assert (top["numerator"], top["denominator"], top["value"]) == (*total, 100 * total[0] / total[1])
        assert found["not_carried"] == []
    assert (was["units"][0]["org_unit"], now["units"][0]["org_unit"]) == ("lam-dong.dak-nong", "lam-dong")


def test_amounts_add_up_too_and_a_day_shows_the_units_of_that_day(system: System) -> None:
    was, now, then = [seen(system, STOCK, view) for view in ("as_it_was", "as_it_is_now", "2025-06-30")]
    assert sums(was, "value") == sums(now, "value") == sums(then, "value") == (sum(PRODUCTS.values()),)
    assert was["units"] == then["units"]
    assert (then["on"], levels(then)) == ("2025-06-30", {"commune": 71, "district": 8, "province": 1})


def test_undoing_gives_back_what_every_commune_reported(system: System) -> None:
    now = seen(system, RATIO, "as_it_is_now")
    back = {
        one["org_unit"]: (one["whole"]["numerator"], one["whole"]["denominator"])
        for unit in now["units"]
        for one in unit["brought"]
    }
    assert back == SIGNED
    assert {one["share"] for unit in now["units"] for one in unit["brought"]} == {1}


def test_the_28_are_scored_on_what_their_predecessors_reported(system: System) -> None:
    seen(system, RATIO, "as_it_is_now")
    address = system.url("gateway", f"/api/v1/views/lam-dong/{SCORE}/2024?view=as_it_is_now")
    with urllib.request.urlopen(address, timeout=20) as answer:
        found = json.load(answer)
    had: dict[str, list[tuple[int, int]]] = {}
    for one in CATALOG.successions:
        if one.from_unit in SIGNED:
            had.setdefault(one.to_unit, []).append(SIGNED[one.from_unit])
    shares = {unit: Fraction(sum(n for n, _ in parts), sum(d for _, d in parts)) for unit, parts in had.items()}
    scores = {one["org_unit"]: one["value"] for one in found["units"] if one["level"] == "commune"}
    assert scores == {unit: float(40 * share) for unit, share in shares.items()}
    assert {one["code"] for unit in found["units"] for one in unit["reasons"]} == {"items_missing"}


def test_a_former_day_shows_the_figure_that_was_replaced_since(system: System) -> None:
    deadline = time.monotonic() + DEADLINE_S
    found: dict[str, Any] = {"points": []}
    while not found["points"] or found["points"][-1]["numerator"] != 2:
        assert time.monotonic() < deadline, found
        address = system.url("gateway", f"/api/v1/progress/{ONLINE}/{AFTER[0]}/2025/history?on=2025-09-10")
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(address, timeout=20) as answer:
            found = json.load(answer)
        time.sleep(0.2)
    assert found["said"]["certain"], found["said"]
    assert (found["said"]["judged"]["numerator"], found["said"]["judged"]["value"]) == (1, 50)


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1440])
async def test_the_page_switches_between_the_days(system: System, chromium: Path, width: int, tmp_path: Path) -> None:
    await asyncio.to_thread(seen, system, RATIO, "as_it_is_now")
    async with async_playwright() as playing:
        browser = await playing.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": width, "height": 900})
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        await page.goto(system.url("gateway", f"/?province=lam-dong&kpi={RATIO}&period=2021-2025"))
        await page.locator(".about .other-days").click()
        await page.locator("#period").select_option("2024")
        await page.locator("form:has(#period) button").click()
        await page.get_by_role("link", name="Như đã báo cáo").click()
        await expect(page.locator("#totals")).to_be_visible()
        assert await page.locator("#units tbody tr").count() == 80
        await page.get_by_role("link", name="Theo đơn vị hiện nay").click()
        await expect(page.locator("#totals")).to_have_attribute("data-same", "true")
        assert await page.locator("#units tbody tr").count() == 29
        made = page.locator("[id='unit-lam-dong.phuong-bac-gia-nghia'] .made li")
        assert await made.count() == 4
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.screenshot(path=tmp_path / "now.png", full_page=True)
        await page.locator("#on").fill("2025-06-30")
        await page.locator("form:has(#on) button").click()
        await expect(page.locator(".note").first).to_contain_text("30/06/2025")
        assert await page.locator("#units tbody tr").count() == 80
        await page.screenshot(path=tmp_path / "then.png", full_page=True)
        address = f"/view?province=lam-dong&kpi={SCORE}&period=2024&view=as_it_is_now"
        await page.goto(system.url("gateway", address))
        made = page.locator("[id='unit-lam-dong.phuong-bac-gia-nghia'] .made")
        await expect(made.locator("li")).to_have_count(3)
        await expect(made.locator("small")).to_contain_text("Chưa chấm được điểm")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.screenshot(path=tmp_path / "score.png", full_page=True)
        await browser.close()
    assert not troubles
