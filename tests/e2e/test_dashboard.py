"""The dashboard in a browser: what it shows, that it follows, and that it asks nobody else for anything."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from contracts.progress import ProgressJudged, Status
from contracts.topics import ALERTS, PROGRESS
from tests.integration.gateway.processes import Running, a_gateway, prepare, publish, ready, until
from tests.servers import KafkaServer, MongoServer
from tests.unit.gateway.judged_province import TODAY, alert_record, alerts_of, dak_nong, judged_year, progress_record

pytestmark = pytest.mark.browser

CATALOG = dak_nong()
RECORDS = judged_year(CATALOG)
ALERTS_OPEN = alerts_of(CATALOG, RECORDS)
KPI, PROVINCE, DISTRICT = "document-digitisation", "dak-nong", "dak-nong.huyen-cu-jut"
VERSION = 100_000


def raised(record: ProgressJudged, by: int = 0, **changes: Any) -> ProgressJudged:
    """The record above whatever other tests left on the broker of the run."""
    return record.model_copy(update={"version": VERSION + by, **changes})


def of(unit: str, kpi: str = KPI) -> ProgressJudged:
    return next(one for one in RECORDS if (one.kpi, one.org_unit) == (kpi, unit))


@pytest.fixture(scope="module")
async def gateway(
    kafka_server: KafkaServer, mongo_server: MongoServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    await prepare(kafka_server)
    folder = tmp_path_factory.mktemp("dashboard")
    async with a_gateway(kafka_server, mongo_server, f"dash_{folder.name[-6:].replace('-', '_')}", folder) as running:
        await ready(running)
        await publish(kafka_server, PROGRESS.name, [progress_record(raised(one)) for one in RECORDS])
        told = [one.model_copy(update={"seq": VERSION}) for one in ALERTS_OPEN]
        await publish(kafka_server, ALERTS.name, [alert_record(one) for one in told])
        await until(lambda: len(every(running, f"/api/v1/progress?kpi={KPI}")) == 80)
        await until(lambda: len(every(running, "/api/v1/alerts?status=open")) >= len(ALERTS_OPEN))
        yield running


def every(gateway: Running, path: str) -> list[Any]:
    return list(gateway.get(f"{path}&limit=1000")[1].get("items", []))


@asynccontextmanager
async def a_page(browser: Browser, gateway: Running, path: str = "/", **options: Any) -> AsyncIterator[Page]:
    """An open page; at the end it must have asked nobody else, and nothing may have been refused or broken."""
    context = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    page = await context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    await page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.error('policy', event.violatedDirective))"
    )
    await page.goto(gateway.url + path)
    try:
        yield page
    finally:
        await context.close()
    assert not [url for url in asked if not url.startswith(gateway.url)]
    assert not troubles


async def row_of(page: Page, row: str) -> tuple[str, float]:
    found = page.locator(f'[id="{row}"]')
    return str(await found.get_attribute("data-status")), float(await found.get_attribute("data-value") or "nan")


async def test_the_page_shows_the_figures_of_the_read_model(browser: Browser, gateway: Running) -> None:
    async with a_page(browser, gateway) as page:
        await expect(page.locator("#link .word")).to_have_text("Trực tiếp")
        shown = await page.locator("tr.kpi").count()
        for record in every(gateway, f"/api/v1/progress?org_unit={PROVINCE}&period=2023"):
            if record["target"] is None:
                continue
            status, value = await row_of(page, f"kpi-{record['kpi']}")
            assert status == record["status"]
            assert value == record["value"] or record["value"] is None
            shown -= 1
        assert shown == 0
        text = await page.locator(f"#kpi-{KPI}").inner_text()
        assert re.search(r"61,8\s%", text)
        await expect(page.locator(".alerts .count")).to_have_text(
            str(len(every(gateway, "/api/v1/alerts?status=open")))
        )


async def test_it_is_a_switch_to_english_and_remembered(browser: Browser, gateway: Running) -> None:
    async with a_page(browser, gateway) as page:
        await page.get_by_role("link", name="English").click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await expect(page.locator("#headline")).to_contain_text("behind plan")
        await page.goto(gateway.url + "/")
        await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_one_can_go_down_from_kpi_to_district_to_communes_and_send_the_link(
    browser: Browser, gateway: Running
) -> None:
    async with a_page(browser, gateway) as page:
        await page.locator(f"#kpi-{KPI} .name a").click()
        detail = page.locator(".detail")
        await expect(detail.locator(".between tbody tr")).to_have_count(8)
        await expect(detail.locator(".below tbody tr")).to_have_count(71)
        await detail.get_by_role("link", name="Huyện Cư Jút").click()
        await expect(detail.locator(".below tbody tr")).to_have_count(8)
        assert f"unit={DISTRICT}" in page.url
        for unit in CATALOG.units.children(DISTRICT, TODAY):
            status, value = await row_of(page, f"unit-{unit}")
            assert status == of(unit).status
            assert value == of(unit).value or of(unit).value is None
        shared = page.url
        await page.go_back()
        await expect(detail.locator(".below tbody tr")).to_have_count(71)
    async with a_page(browser, gateway, shared.removeprefix(gateway.url)) as page:
        await expect(page.locator(".below tbody tr")).to_have_count(8)


async def test_figures_change_without_a_reload_and_the_reader_stays_where_they_are(
    browser: Browser, gateway: Running, kafka_server: KafkaServer
) -> None:
    record = of(PROVINCE, "edoc-signed-share")
    async with a_page(browser, gateway, f"/?kpi={KPI}") as page:
        await expect(page.locator("#link .word")).to_have_text("Trực tiếp")
        await page.evaluate("window.mark = 'same page'")
        await page.locator(".below details summary").last.click()
        changed = raised(record, 1, value=71.5, gap=-18.0, pace=0.2, status=Status.BEHIND)
        await publish(kafka_server, PROGRESS.name, [progress_record(changed)])
        await expect(page.locator("#kpi-edoc-signed-share")).to_have_attribute("data-value", "71.5", timeout=10_000)
        await expect(page.locator("#kpi-edoc-signed-share")).to_have_class(re.compile("moved"))
        assert await page.evaluate("window.mark") == "same page"
        await expect(page.locator(".detail")).to_be_visible()
        await expect(page.locator(".below details").last).to_have_attribute("open", "")
        await expect(page.locator("#news")).to_contain_text("chậm so với kế hoạch")
        await publish(kafka_server, PROGRESS.name, [progress_record(raised(record, 2))])
        await expect(page.locator("#kpi-edoc-signed-share")).to_have_attribute("data-value", repr(record.value))


async def test_tiles_filter_the_table(browser: Browser, gateway: Running) -> None:
    async with a_page(browser, gateway) as page:
        await page.locator(".tile.is-behind a").click()
        await expect(page.locator(".tile.is-behind a")).to_have_attribute("aria-current", "true")
        statuses = await page.locator("tr.kpi").evaluate_all("rows => rows.map(row => row.dataset.status)")
        assert set(statuses) == {"behind"}
        await page.locator("#kpis-title").get_by_role("link", name="Bỏ lọc").click()
        await expect(page.locator(".tile.is-behind a")).not_to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("width", [360, 820, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_wider_than_the_window(browser: Browser, gateway: Running, width: int, scheme: str) -> None:
    size = {"width": width, "height": 900}
    async with a_page(browser, gateway, f"/?kpi={KPI}", viewport=size, color_scheme=scheme) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.evaluate("document.fonts.check('16px \"Be Vietnam Pro\"')")


@pytest.mark.parametrize("width", [360, 820, 1100, 1440])
async def test_no_cell_is_written_over_the_next(browser: Browser, gateway: Running, width: int) -> None:
    async with a_page(browser, gateway, viewport={"width": width, "height": 900}) as page:
        await page.locator(".folded").evaluate_all("all => all.forEach(one => one.open = true)")
        assert await page.locator("tr.kpi td.n", has_text="sản phẩm").count() > 0
        over = await page.locator("tr.kpi td").evaluate_all(WIDER_THAN_ITS_CELL)
    assert over == []


WIDER_THAN_ITS_CELL = """cells => cells.filter(cell => {
  const text = document.createRange();
  text.selectNodeContents(cell);
  const [inner, outer] = [text.getBoundingClientRect(), cell.getBoundingClientRect()];
  return inner.width > 0 && (inner.right > outer.right + 1 || inner.left < outer.left - 1);
}).map(cell => cell.innerText)"""


async def test_what_has_no_figure_is_one_line_that_opens_and_the_tile_shows_it(
    browser: Browser, gateway: Running
) -> None:
    silent = [one for one in RECORDS if one.org_unit == PROVINCE and one.status is Status.UNKNOWN and one.target]
    async with a_page(browser, gateway) as page:
        row = page.locator(f'[id="kpi-{silent[0].kpi}"]')
        await expect(row).to_be_hidden()
        await page.locator(".folded > summary").click()
        await expect(row).to_be_visible()
        await page.locator(".tile.is-unknown a").click()
        await expect(page.locator(".folded")).to_have_count(0)
        await expect(page.locator("tr.kpi")).to_have_count(len(silent))


async def test_it_can_be_read_with_a_keyboard_and_without_scripts(browser: Browser, gateway: Running) -> None:
    async with a_page(browser, gateway) as page:
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        assert await page.locator("[role=img]:not([aria-label])").count() == 0
        assert await page.locator("h1").count() == 1
    async with a_page(browser, gateway, f"/?kpi={KPI}&unit={DISTRICT}", java_script_enabled=False) as page:
        assert await page.locator(".below tbody tr").count() == 8


async def test_colour_is_never_needed(browser: Browser, gateway: Running) -> None:
    """Each status has a word and a shape of its own."""
    async with a_page(browser, gateway) as page:
        shapes = await page.locator(".tile use").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        words = await page.locator(".tile span").all_inner_texts()
    assert len(set(shapes)) == len(set(words)) == len(Status)
