"""Figures on the units of another day, over HTTP and as a page: Đắk Nông's communes before and after the reform."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient

from contracts.observations import ObservationRecorded
from services.gateway.documents import Place
from services.gateway.owners import Owners
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.loader import load_folder
from tests.unit.gateway.owning import Away, ingest_with, metrics_with, owners
from tests.unit.gateway.records import a_document
from tests.unit.gateway.test_routes import Gateway, filled
from tests.unit.metrics.builders import an_observation

LAM_DONG = Path(__file__).parents[3] / "deploy" / "catalogs" / "lam-dong"
CATALOG = Catalog.of(load_folder(LAM_DONG).items, 1, "1-0123456789ab")
KPI = "edoc-signed-share"
EVE = date(2025, 6, 30)
COMMUNES = CATALOG.units.of_level("commune", EVE)
NOW = datetime(2026, 1, 5, 3, tzinfo=UTC)
API, PAGE = f"/api/v1/views/lam-dong/{KPI}/2024", f"/view?province=lam-dong&kpi={KPI}&period=2024"


def figure(number: int, unit: str, **more: Any) -> ObservationRecorded:
    return an_observation(unit, "2024-12-14", 10 + number, 90 + number, province="lam-dong", kpi=KPI, **more)


FIGURES = [figure(number, unit) for number, unit in enumerate(COMMUNES)]


async def of(*figures: ObservationRecorded) -> Gateway:
    asked = owners(await metrics_with(CATALOG, NOW, figures), ingest_with(figures))
    return a_gateway(asked)


def a_gateway(asked: Owners) -> Gateway:
    return Gateway(catalogs={"lam-dong": CATALOG}, owners=asked)


async def view(client: AsyncClient, asked: str) -> dict[str, Any]:
    answer = await client.get(API, params={"view": asked})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_same_total_stands_on_71_communes_and_on_28() -> None:
    async with (await of(*FIGURES)).client() as client:
        was, now, then = [await view(client, asked) for asked in ("as_it_was", "as_it_is_now", "2025-06-30")]
    assert [_levels(one) for one in (was, now, then)] == [
        {"province": 1, "district": 8, "commune": 71},
        {"province": 1, "commune": 28},
        {"province": 1, "district": 8, "commune": 71},
    ]
    total = {"numerator": sum(range(10, 81)), "denominator": sum(range(90, 161))}
    for one in (was, now, then):
        assert one["not_carried"] == []
        assert {name: one["units"][0][name] for name in total} == total
        assert one["before"] == one["after"]
        communes = [unit for unit in one["units"] if unit["level"] == "commune"]
        assert {name: sum(unit[name] for unit in communes) for name in total} == total


def _levels(seen: dict[str, Any]) -> dict[str, int]:
    levels = [unit["level"] for unit in seen["units"]]
    return {level: levels.count(level) for level in levels}


async def test_an_answer_has_an_etag_and_a_view_that_is_none_is_refused_in_words() -> None:
    async with (await of(*FIGURES[:1])).client() as client:
        first = await client.get(API)
        again = await client.get(API, headers={"if-none-match": first.headers["etag"]})
        odd = await client.get(API, params={"view": "yesterday"})
    assert (first.json()["view"], again.status_code, again.content) == ("as_it_was", 304, b"")
    assert (odd.status_code, odd.json()["code"]) == (400, "bad_parameter")
    assert "as_it_is_now" in odd.json()["detail"]


@pytest.mark.parametrize("path", ["nowhere/k/2024", "lam-dong/no-such/2024", f"lam-dong/{KPI}/2024-13"])
async def test_what_the_catalog_does_not_know_is_not_found(path: str) -> None:
    async with (await of()).client() as client:
        answer = await client.get(f"/api/v1/views/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "KPI or period" in answer.json()["detail_en"]


async def test_when_metrics_is_away_the_route_and_the_page_say_so() -> None:
    async with a_gateway(owners(Away(), Away())).client() as client:
        answers = [await client.get(API), await client.get(PAGE)]
    assert [one.status_code for one in answers] == [503, 503]
    assert "Dịch vụ metrics" in answers[1].text


async def test_the_page_names_what_each_commune_of_today_is_made_of() -> None:
    gateway = await of(*FIGURES)
    await gateway.model.put_progress(
        [a_document(Place("commune", ()), province="lam-dong", kpi=KPI, org_unit=COMMUNES[0], period="2024")]
    )
    async with gateway.client() as client:
        page = (await client.get(f"{PAGE}&view=as_it_is_now")).text
        english = (await client.get(f"{PAGE}&view=as_it_is_now&lang=en")).text
    row = page.split('id="unit-lam-dong.phuong-bac-gia-nghia"')[1].split("</tr>")[0]
    for name in ("Phường Nghĩa Đức", "Phường Nghĩa Thành", "Phường Quảng Thành", "Xã Đắk Ha"):
        assert name in row
    assert page.count("/explain?") == 1  # of the one commune that has a record of the period
    assert "không đổi" in page
    assert "cộng từ dưới lên, 28/28 đơn vị có đủ số liệu" in page
    assert 'aria-current="true">Theo đơn vị hiện nay' in page
    assert "judges nothing" in english
    assert "By the units of today" in english


async def test_the_page_says_what_could_not_be_carried_and_who_is_missing() -> None:
    bare = an_observation(COMMUNES[0], "2024-12-14", value=91, province="lam-dong", kpi=KPI)
    async with (await of(bare, *FIGURES[1:60])).client() as client:
        page = (await client.get(f"{PAGE}&view=as_it_is_now")).text
    left = page.split('id="left"')[1].split("</table>")[0]
    assert "chỉ có giá trị, không có tử số và mẫu số" in left
    assert "20/28 đơn vị có đủ số liệu" in page


async def test_the_page_for_a_day_keeps_the_day_in_its_form() -> None:
    async with (await of(*FIGURES)).client() as client:
        page = (await client.get(f"{PAGE}&view=2025-07-01")).text
        odd = await client.get(f"{PAGE}&view=sometime")
        nothing = await client.get("/view?province=lam-dong")
    assert 'name="view" value="2025-07-01"' in page
    assert "Đơn vị của ngày 01/07/2025." in page
    assert (odd.status_code, 'aria-current="true">Như đã báo cáo' in odd.text) == (200, True)
    assert (nothing.status_code, "Thiếu tỉnh" in nothing.text) == (404, True)


SCORE = "commune-dx-score"
BAC_GIA_NGHIA = "lam-dong.phuong-bac-gia-nghia"


def of_four(kpi: str, numbers: list[tuple[int, int]]) -> list[ObservationRecorded]:
    """Shares of the four communes that are the ward of Bắc Gia Nghĩa today, in the order of their names."""
    four = sorted(one.from_unit for one in CATALOG.successions if one.to_unit == BAC_GIA_NGHIA)
    return [
        an_observation(unit, "2024-12-14", n, d, province="lam-dong", kpi=kpi)
        for unit, (n, d) in zip(four, numbers, strict=True)
    ]


async def test_the_score_of_a_merged_ward_is_made_from_what_its_four_predecessors_had_together() -> None:
    """100 of 200 signed documents bring 20 of 40 points, 90 of 120 files 30 of 40; without a speed it is not ranked."""
    signed = of_four(KPI, [(40, 50), (10, 50), (50, 50), (0, 50)])
    online = of_four("online-files-share", [(30, 30), (20, 30), (30, 30), (10, 30)])
    asked = owners(await metrics_with(CATALOG, NOW, [*signed, *online], derive=True), ingest_with([]))
    async with a_gateway(asked).client() as client:
        answer = await client.get(f"/api/v1/views/lam-dong/{SCORE}/2024", params={"view": "as_it_is_now"})
        address = f"/view?province=lam-dong&kpi={SCORE}&period=2024&view=as_it_is_now"
        page, english = (await client.get(address)).text, (await client.get(f"{address}&lang=en")).text
    found = next(unit for unit in answer.json()["units"] if unit["org_unit"] == BAC_GIA_NGHIA)
    assert (found["value"], found["made_of"], found["rank"], found["of"]) == (50, "derived", None, 0)
    assert [(one["kpi"], one["value"], one["points"]) for one in found["made_from"]] == [
        (KPI, 50, 20),
        ("online-files-share", 75, 30),
        ("broadband-speed-individual", None, None),
    ]
    row = page.split(f'id="unit-{BAC_GIA_NGHIA}"')[1].split("</tr>")[0]
    assert "Văn bản điện tử ký số, 2024: 50,0\u202f%, 20/40 điểm" in row
    assert "Chưa chấm được điểm: Tốc độ băng rộng cá nhân; đơn vị chưa được xếp hạng." in row
    assert f"/view?province=lam-dong&amp;kpi={KPI}&amp;period=2024&amp;view=as_it_is_now" in row
    assert "30 of 40 points" in english


async def test_the_growth_of_a_province_that_is_new_is_that_of_its_communes_before_it_was() -> None:
    """In 2023 each of the 71 communes had 100 transactions, in 2024 each had 150; two of 2023 are not known, which are
    in the same one of the 28 of today."""
    told = [
        an_observation(unit, day, value=value, province="lam-dong", kpi="ecommerce-transactions")
        for units, day, value in ((COMMUNES[2:], "2023-12-31", 100), (COMMUNES, "2024-12-31", 150))
        for unit in units
    ]
    asked = owners(await metrics_with(CATALOG, NOW, told), ingest_with([]))
    growth = "ecommerce-transactions-growth"
    async with a_gateway(asked).client() as client:
        answer = await client.get(f"/api/v1/views/lam-dong/{growth}/2024", params={"view": "2025-07-01"})
        page = (await client.get(f"/view?province=lam-dong&kpi={growth}&period=2024&view=2025-07-01")).text
    (province,) = answer.json()["units"]
    assert (province["org_unit"], province["value"]) == ("lam-dong", 71 * 150 / (69 * 100))
    assert (province["expected"], len(province["missing"])) == (28, 1)
    assert "Giao dịch trên sàn TMĐT, kỳ 2023: mới có đủ số liệu của 27/28 đơn vị." in page
    assert "Giao dịch trên sàn TMĐT, 2024: 10.650" in page


async def test_the_page_of_a_score_names_the_figures_of_its_items_that_stayed_behind() -> None:
    bare = [
        one.model_copy(update={"numerator": None, "denominator": None, "value": 91})
        for one in of_four(KPI, [(1, 1)] * 4)
    ]
    asked = owners(await metrics_with(CATALOG, NOW, bare), ingest_with([]))
    async with a_gateway(asked).client() as client:
        page = (await client.get(f"/view?province=lam-dong&kpi={SCORE}&period=2024&view=as_it_is_now")).text
    row = page.split(f'id="unit-{BAC_GIA_NGHIA}"')[1].split("</tr>")[0]
    assert (
        "Văn bản điện tử ký số: số liệu của 4 đơn vị không chuyển sang được, "
        "vì chỉ có giá trị, không có tử số và mẫu số." in row
    )
    left = page.split('id="left"')[1].split("</table>")[0]
    assert (left.count("<small>Văn bản điện tử ký số</small>"), left.count("91,0\u202f%")) == (4, 4)


@pytest.mark.parametrize(
    ("kpi", "source"),
    [("ecommerce-transactions-growth", "ecommerce-transactions"), ("commune-dx-score", "online-files-share")],
)
async def test_a_derived_figure_leads_to_those_that_it_derives_from(kpi: str, source: str) -> None:
    async with (await of()).client() as client:
        page = (await client.get(f"/view?province=lam-dong&kpi={kpi}&period=2024&view=as_it_is_now")).text
    assert "Tính từ các chỉ tiêu" in page
    assert f"/view?province=lam-dong&amp;kpi={source}&amp;period=2024&amp;view=as_it_is_now" in page


async def test_pages_link_to_it_where_units_followed_others_and_nowhere_else() -> None:
    async with (await of(*FIGURES)).client() as client:
        explained = (await client.get(f"/explain?kpi={KPI}&unit={COMMUNES[0]}&period=2021-2025")).text
    async with (await filled()).client() as client:
        board = (await client.get(f"/?kpi={KPI}")).text
    assert f"/view?province=lam-dong&amp;kpi={KPI}&amp;period=2021-2025&amp;view=as_it_is_now" in explained
    assert "/view?" not in board
