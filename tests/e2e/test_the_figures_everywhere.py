"""The demonstration's figures, three times: recomputed from its events, on the page, in the mails. They must agree."""

import email
import email.policy
import itertools
import re
from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from rich.console import Console

from contracts.alerts import alert_id
from deploy.embedded import lifecycle
from deploy.embedded.demo import facts, play, simulation
from deploy.embedded.demo.events import Said
from deploy.embedded.demo.show import Show
from services.alerts.figures import number
from tests.model import ModelRecord
from tests.provinces import Province, a_province
from tests.recomputing import Key, accepted, recomputed, settled

WEEKS = 22
KPI = "document-digitisation"
DATES_OF_MAILS = 3


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    with a_province(tmp_path_factory.mktemp("everywhere")) as running:
        yield running


@pytest.fixture(scope="module")
async def province(started: Province) -> Province:
    """The demonstration, played to the end of May."""
    with Show(Console(quiet=True)) as show:
        player = play.Player(started.stack, started.system, started.catalog, show)
        await player.play(lifecycle.CATALOG / "facts.csv", WEEKS)
        await player.mails_out()
    return started


@pytest.fixture(scope="module")
def events(province: Province) -> list[Said]:
    """What was sent: all of it is accepted."""
    published = facts.published_figures(lifecycle.CATALOG / "facts.csv", province.catalog, play.FACTS_AT)
    year = simulation.year(province.catalog, play.TROUBLED_DISTRICT, play.SEED)
    rounds = itertools.islice(year, WEEKS)
    return [*published, *(said for one in rounds for said in (*one.figures, one.pulse))]


@pytest.fixture(scope="module")
def expected(province: Province, events: list[Said]) -> dict[Key, ModelRecord]:
    return dict(recomputed(province, events, {one.observation_id: one.flags for one in accepted(province.stack)}))


def test_the_api_shows_what_the_events_add_up_to(province: Province, expected: dict[Key, ModelRecord]) -> None:
    assert settled(province.system, expected) == []


@pytest.fixture(scope="module")
async def page(province: Province, chromium: Path) -> Any:
    async with async_playwright() as playing:
        browser = await playing.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        opened = await browser.new_page()
        await opened.goto(province.system.url("gateway", f"/?kpi={KPI}&period=2023"), wait_until="domcontentloaded")
        yield opened
        await browser.close()


@pytest.mark.browser
async def test_the_page_shows_the_same_figures_and_statuses(
    page: Page, province: Province, expected: dict[Key, ModelRecord]
) -> None:
    def of(kpi: str, unit: str) -> tuple[str, float | None]:
        record = expected[kpi, unit, "2023"]
        return record.status, None if record.value is None else record.value.numerator / record.value.denominator

    on = simulation.FIRST_FRIDAY
    units = [*province.catalog.units.of_level("district", on), *province.catalog.units.of_level("commune", on)]
    shown_units = {unit: await _row(page, f"unit-{unit}") for unit in units}
    assert shown_units == {unit: of(KPI, unit) for unit in units}
    for simulated in simulation.KPIS:
        assert await _row(page, f"kpi-{simulated.kpi}") == of(simulated.kpi, "dak-nong")


async def _row(page: Page, element: str) -> tuple[str, float | None]:
    row = page.locator(f"[id='{element}']")
    value = await row.get_attribute("data-value")
    return str(await row.get_attribute("data-status")), float(value) if value else None


def test_the_mails_say_the_figures_of_their_day(province: Province, events: list[Said]) -> None:
    # Of communes, whose figure of a day is one event: a mail about a district says what was in when it was decided.
    communes = province.catalog.units.of_level("commune", simulation.FIRST_FRIDAY)
    units = {alert_id("dak-nong", "behind-plan", KPI, unit, "2023"): unit for unit in communes}
    said: dict[date, list[tuple[str, str]]] = {}
    for file in sorted(province.stack.mail_folder.glob("*.eml")):
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        if mail["X-KPI"] == f"dak-nong/{KPI}/2023" and (unit := units.get(mail["X-KPI-Alert"])):
            body = mail.get_body(("plain",))
            assert body is not None
            found = re.search(r"Đến ngày (\d\d/\d\d/\d{4}): đạt ([\d.,]+) %", body.get_content().replace("\u00a0", " "))
            assert found, body.get_content()
            said.setdefault(datetime.strptime(found[1], "%d/%m/%Y").date(), []).append((unit, found[2]))  # noqa: DTZ007
    assert said
    for day in sorted(said)[:: max(1, len(said) // DATES_OF_MAILS)]:
        then = recomputed(province, [event for event in events if event.at.date() <= day])
        for unit, figure in said[day]:
            value = then[KPI, unit, "2023"].value
            assert isinstance(value, Fraction)
            decimals = len(figure.partition(",")[2])  # as many as make value, plan and gap agree, and one at least
            assert decimals >= 1
            assert number(value.numerator / value.denominator, decimals, "vi") == figure, (day, unit)
