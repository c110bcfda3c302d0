"""Spreadsheets through real processes: nothing left by a dry run, the same file twice, bounded memory, and the page."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from httpx2 import AsyncClient
from playwright.async_api import Page, async_playwright, expect
from pymongo import AsyncMongoClient

from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.gateway.imports import ImportAnswer
from services.gateway.routes.imports import CSV, XLSX
from tests.stacks import a_stack
from tests.unit.ingest.door import EDOC, NOON, OBJECTS
from tests.unit.runtime.sheets.workbooks import HEADINGS, LINE, a_csv, an_xlsx, figures, repacked

NOTED = (*HEADINGS, "Ghi chú")
MEGABYTE = 1_048_576


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with a_stack(tmp_path_factory.mktemp("imports"), "dak-nong", OBJECTS, NOON) as running:
        yield running


@pytest.fixture(scope="module")
def system(stack: Stack) -> System:
    clock = {"TIENDO_CLOCK": f"from:{NOON.isoformat()}", "TIENDO_GATEWAY_IMPORT_TIMEOUT_MS": "120000"}
    running = System(stack, clock, names=["ingest", "gateway"])
    running.start()
    return running


def a_figure(day: int, numerator: object = 913, unit: str = "24611") -> tuple[str, ...]:
    """A line of that day of September."""
    return (*LINE[:2], unit, f"{day:02}/09/2023", str(numerator), "1000")


async def posted(system: System, body: bytes, media: str = CSV, accept: str = "*/*", **asked: str) -> Any:
    async with AsyncClient(base_url=system.url("gateway", ""), timeout=150, trust_env=False) as client:
        headers = {"content-type": media, "accept": accept}
        return await client.post("/api/v1/imports", params={"source": EDOC, **asked}, content=body, headers=headers)


async def said(system: System, body: bytes, media: str = CSV, **asked: str) -> ImportAnswer:
    answer = await posted(system, body, media, **asked)
    assert answer.status_code in (200, 202), answer.text
    return ImportAnswer.model_validate_json(answer.content)


async def entries(stack: Stack) -> int:
    """How many figures stand in the ledger."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(stack.mongo_uri)
    async with client:
        names = [name for name in await client.list_database_names() if name.endswith("_ingest")]
        return sum([await client[name]["ledger"].count_documents({}) for name in names])


async def until_same(system: System, body: bytes, media: str = CSV) -> ImportAnswer:
    """What a dry run says once ingest has accepted all of it."""
    deadline = time.monotonic() + 30
    while (answer := await said(system, body, media, dry_run="true")).same < answer.rows:
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.1)
    return answer


async def test_a_file_is_tried_sent_and_sent_again_in_another_format_and_counts_once(
    stack: Stack, system: System
) -> None:
    lines = [a_figure(day, unit=unit) for day in (1, 2) for unit in ("24611", "24612")]
    before = await entries(stack)
    for _ in range(2):
        tried = await said(system, a_csv(*lines, by=";"), dry_run="true")
        assert (tried.sound, tried.same, tried.wrong) == (4, 0, 0)
    assert await entries(stack) == before, "trying leaves nothing"
    sent = await said(system, a_csv(*lines))
    assert len(sent.receipts) == 4
    await until_same(system, a_csv(*lines))
    again = await said(system, an_xlsx(*lines), XLSX)
    assert [one.observation_id for one in again.receipts] == [one.observation_id for one in sent.receipts]
    assert (await until_same(system, an_xlsx(*lines), XLSX)).same == 4
    assert await entries(stack) == before + 4


async def test_a_hostile_file_is_refused_and_the_service_goes_on(system: System) -> None:
    bomb = repacked(an_xlsx(), {"xl/x.xml": b" " * 30 * MEGABYTE})
    began = time.monotonic()
    refused = await posted(system, bomb, XLSX)
    print(f"a bomb of {len(bomb)} bytes refused in {(time.monotonic() - began) * 1e3:.0f} ms")  # noqa: T201
    assert (refused.status_code, refused.json()["code"]) == (422, "bomb")
    corners = an_xlsx(then=lambda _, sheet: sheet.write(99_999, 99, 1))
    assert (await posted(system, corners, XLSX)).status_code == 422
    assert (await said(system, a_csv(a_figure(3)), dry_run="true")).sound == 1


@pytest.mark.slow
@pytest.mark.parametrize("media", [CSV, XLSX])
async def test_five_megabytes_take_bounded_memory_in_the_gateway_and_its_reader(system: System, media: str) -> None:
    """The goal is 150 MB and 10 s; the bound leaves room for other machines."""
    note = "x" * (20 if media == CSV else 4)
    lines = [(*a_figure(1, unit=f"24611-{number}"), f"{note}{number:x}") for number in range(60_000)]
    body = a_csv(*lines, headings=NOTED) if media == CSV else an_xlsx(*lines, headings=NOTED)
    gateway = psutil.Process(system.child("gateway").pid)
    await said(system, a_csv(a_figure(4)), dry_run="true")
    before, most, done = gateway.memory_info().rss, 0, asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not done.is_set():
            readers = [one.memory_info().rss for one in gateway.children() if one.is_running()]
            most = max(most, gateway.memory_info().rss - before + sum(readers))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    answer = await said(system, body, media, dry_run="true")
    took = time.monotonic() - began
    done.set()
    await watching
    print(f"{media}: {len(body) / MEGABYTE:.1f} MB, {answer.rows} rows, {most / MEGABYTE:.0f} MB, {took:.1f} s")  # noqa: T201
    assert (answer.rows, answer.wrong) == (60_000, 60_000)
    assert most < 300 * MEGABYTE


async def _pressed(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).press("Enter")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_page_shows_what_is_wrong_gives_it_back_marked_and_sends_what_is_sound(
    system: System, chromium: Path, width: int, tmp_path: Path
) -> None:
    day = 10 + width % 7
    file = tmp_path / "tháng 9.csv"
    file.write_bytes(a_csv(a_figure(day), a_figure(day, "1.234", "24612"), a_figure(day + 1, 1013)))
    async with async_playwright() as playing:
        browser = await playing.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": width, "height": 900})
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        await page.goto(system.url("gateway", "/imports"))
        await page.get_by_label("Tệp số liệu").set_input_files(file)
        await page.get_by_label("Nguồn gửi").select_option(EDOC)
        await _pressed(page, "Kiểm tra tệp")
        await expect(page.locator("#said")).to_contain_text("1 dòng đúng")
        await expect(page.locator(".rows tbody tr")).to_have_count(3)
        assert await page.locator(".rows td.wrong").all_inner_texts() == ["1.234", "1013"]
        await expect(page.locator(".rows .remarks").nth(1)).to_contain_text("E: “1.234” đọc được hai cách")
        await expect(page.get_by_role("button", name="Gửi số liệu")).to_be_hidden()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.screenshot(path=tmp_path / "tried.png", full_page=True)
        async with page.expect_download() as downloading:
            await _pressed(page, "Tải tệp có đánh dấu lỗi")
        download = await downloading.value
        assert download.suggested_filename == "tháng 9 (lỗi).csv"
        marked = Path(await download.path()).read_bytes()  # noqa: ASYNC240 - a small file of this test's own
        assert "đọc được hai cách" in marked.decode()
        assert len(figures(marked, "csv")) == 3
        await _pressed(page, "Chỉ gửi các dòng đúng")
        await expect(page.locator("#said")).to_contain_text("Đã gửi 1 số liệu")
        await expect(page.locator("#receipts tbody tr")).to_have_count(1)
        await page.screenshot(path=tmp_path / "sent.png", full_page=True)
        await until_same(system, a_csv(a_figure(day)))
        (receipt,) = (await said(system, a_csv(a_figure(day)))).receipts
        await expect(page.locator("#receipts a")).to_have_attribute("href", receipt.link.removeprefix("/api/v1"))
        await browser.close()
    assert not troubles


@pytest.mark.browser
async def test_the_page_speaks_english_and_says_when_a_file_cannot_be_read(
    system: System, chromium: Path, tmp_path: Path
) -> None:
    file = tmp_path / "figures.csv"
    file.write_bytes(b"1,2\n3,4\n")
    async with async_playwright() as playing:
        browser = await playing.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        await page.goto(system.url("gateway", "/imports?lang=en"))
        await page.get_by_label("File").set_input_files(file)
        await page.get_by_label("Reporting source").select_option(EDOC)
        await page.get_by_role("button", name="Check the file").click()
        await expect(page.locator("#said.wrong")).to_contain_text("No row of headings was found")
        await browser.close()
