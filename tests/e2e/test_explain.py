"""How a figure came about, asked of real processes: answers agree with what is published, and the page shows them."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, expect
from rich.console import Console

from deploy.embedded import lifecycle
from deploy.embedded.demo import play
from deploy.embedded.demo.show import Show
from deploy.embedded.errors import NotAvailable
from tests.provinces import Province, a_province

WEEKS = 12
KPI, ROOT = "document-digitisation", "dak-nong"
SAME = ("value", "numerator", "denominator", "planned", "gap", "pace", "status", "reasons", "as_of", "needed", "flags")

OVERLAPPING = """() => {
    const texts = [...document.querySelectorAll(".chart .scale")].filter(one => one.getClientRects().length);
    const boxes = texts.map(one => [one.textContent, one.getBoundingClientRect()]);
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const few = boxes.length < 5 || boxes[0][1].height < 9 ? ["too few or too small"] : [];
    const below = (a, at) => boxes.slice(at + 1).filter(([, b]) => meet(a, b));
    return [...few, ...boxes.flatMap(([one, a], at) => below(a, at).map(([other]) => [one, other]))];
}"""
"""The labels of the picture that lie upon one another, as they are seen."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    try:
        with a_province(tmp_path_factory.mktemp("explain")) as running:
            yield running
    except NotAvailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
async def province(started: Province) -> Province:
    """The demonstration, played to the middle of March."""
    with Show(Console(quiet=True)) as show:
        player = play.Player(started.stack, started.system, started.catalog, show)
        await player.play(lifecycle.CATALOG / "facts.csv", WEEKS)
    return started


def asked(province: Province, path: str, **query: Any) -> tuple[int, Any]:
    address = province.system.url("gateway", path + (f"?{urlencode(query)}" if query else ""))
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def of(record: dict[str, Any]) -> str:
    return f"/api/v1/progress/{record['kpi']}/{record['org_unit']}/{record['period']}"


def records(province: Province) -> list[dict[str, Any]]:
    """The province's own records, and those of one KPI at every level."""
    found: dict[str, dict[str, Any]] = {}
    for query in ({"org_unit": ROOT}, {"kpi": KPI}):
        page = asked(province, "/api/v1/progress", limit=1000, **query)[1]
        found |= {of(one): one for one in page["items"]}
    return list(found.values())


async def test_every_explanation_says_what_is_published(province: Province) -> None:
    checked = 0
    for record in records(province):
        status, said = asked(province, f"{of(record)}/explain")
        assert status == 200, said
        if said["version"] != record["version"]:  # a forecast came meanwhile
            record = asked(province, of(record))[1]
        assert (said["version"], said["published"]) == (record["version"], True), of(record)
        assert {name: said["judged"][name] for name in SAME} == {name: record[name] for name in SAME}
        assert {one["observation_id"] for one in said["origins"]} == {
            one for figure in said["figures"] for one in figure["observations"]
        }
        checked += record["value"] is not None
    assert checked > 80


async def test_the_figures_in_a_sum_are_the_sum_whatever_page_they_are_on(province: Province) -> None:
    record = asked(province, f"/api/v1/progress/{KPI}/{ROOT}/2023")[1]
    figures: list[dict[str, Any]] = []
    origins: dict[str, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = asked(province, f"{of(record)}/inputs", **query)[1]
        figures += page["items"]
        origins |= {one["observation_id"]: one for one in page["origins"]}
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(figures) == page["figures_count"]
    assert sum(one["numerator"] for one in figures) == record["numerator"]
    assert sum(one["denominator"] for one in figures) == record["denominator"]
    places = {(one["raw"]["partition"], one["raw"]["offset"]) for one in origins.values()}
    assert len(places) == len(origins) > 0


async def test_history_ends_with_what_is_published(province: Province) -> None:
    record = asked(province, f"/api/v1/progress/{KPI}/{ROOT}/2023")[1]
    began = time.monotonic()
    said = asked(province, f"{of(record)}/history", on="2023-02-15")[1]
    took = time.monotonic() - began
    last = said["points"][-1]
    assert {name: last[name] for name in ("as_of", "value", "planned", "status")} == {
        name: record[name] for name in ("as_of", "value", "planned", "status")
    }
    before = [point for point in said["points"] if point["as_of"] <= said["said"]["judged"]["as_of"]]
    assert said["said"]["on"] == "2023-02-15"
    assert said["said"]["judged"]["value"] <= last["value"]
    assert len(before) < len(said["points"])
    assert took < 5


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1440])
async def test_the_page_is_reached_from_the_dashboard_and_shows_all_of_it(
    province: Province, browser: Browser, width: int, tmp_path: Path
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 900})
    page = await context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    await page.goto(province.system.url("gateway", f"/?kpi={KPI}&period=2023"))
    await page.locator(".about .why").click()
    record = asked(province, f"/api/v1/progress/{KPI}/{ROOT}/2023")[1]
    await expect(page.locator(".verdict")).to_have_attribute("data-status", record["status"])
    await expect(page.locator(".verdict")).to_have_attribute("data-value", repr(record["value"]))
    assert await page.locator(".chart .point").count() > 5
    assert await page.locator("#children tbody tr").count() == 8
    assert await page.locator("#origins tbody tr").count() > 10
    assert await page.locator("#bounds tr").count() >= 1
    assert await page.locator("#lowest-units tbody tr").count() == 71
    assert await page.evaluate(OVERLAPPING) == []
    await page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.locator("#on").fill("2023-02-15")
    await page.locator(".choose button").click()
    await expect(page.locator("#former")).to_contain_text("15/02/2023")
    await page.screenshot(path=tmp_path / "vi.png", full_page=True)
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("#how-title")).to_have_text("How it is computed")
    await page.screenshot(path=tmp_path / "explain.png", full_page=True)
    await context.close()
    assert not troubles


async def test_without_metrics_the_gateway_says_so_and_recovers_with_it(province: Province) -> None:
    path = f"/api/v1/progress/{KPI}/{ROOT}/2023"
    province.system.child("metrics").kill()
    for question in ("explain", "history", "inputs"):
        status, problem = asked(province, f"{path}/{question}")
        assert (status, problem["code"]) == (503, "unavailable")
        assert "metrics" in problem["detail_en"]
    assert asked(province, path)[0] == 200
    province.system.launch("metrics")
    province.system.wait_ready()
    assert asked(province, f"{path}/explain")[0] == 200
