"""Templates over HTTP: whose rows they have, what their cells take, and that they come back as figures."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from contracts.catalog import KpiKind, Limits
from services.gateway.documents import Place
from services.gateway.routes.imports import XLSX
from services.gateway.routes.templates import TemplateQuery, wanted_of
from services.gateway.templates import DERIVED, Wanted, template
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.loader import load_folder
from services.runtime.sheets import columns
from services.runtime.sheets.cells import letters
from services.runtime.sheets.reading import SaysNothing, SheetFound, SheetPassedOver
from services.runtime.sheets.template import Number, OneOf, written
from services.runtime.sheets.workbook import tables
from tests.unit.gateway.records import a_document
from tests.unit.gateway.test_imports import Province
from tests.unit.gateway.test_routes import Gateway
from tests.unit.ingest.door import CATALOG, KPIS, UNITS, a_kpi
from tests.unit.runtime.sheets.workbooks import LIMITS, everything, figures, filled_in, part_of

LAM_DONG = Catalog.of(
    load_folder(Path(__file__).parents[3] / "deploy" / "catalogs" / "lam-dong").items, 1, "1-0123456789ab"
)
TODAY = date(2023, 9, 30)
REPORTED = [kpi for kpi in KPIS if kpi.kind not in DERIVED]
FIGURES: dict[KpiKind, dict[str, str | int | float]] = {
    "ratio": {"numerator": 913, "denominator": 1000},
    "coverage": {"numerator": 1},
    "flow": {"value": 41},
    "stock": {"value": 41},
    "level": {"value": 41, "weight": 2},
    "rate": {"value": 41.5},
    "rank": {"rank": 12, "of": 63},
    "milestone": {"done": "không"},
}
COMMUNE = "dak-nong.xa-a"


async def get(address: str, **given: Any) -> Response:
    async with Gateway(**{"catalogs": {"dak-nong": CATALOG}, **given}).client() as client:
        return await client.get(f"/api/v1/templates/{address}")


def places(body: bytes) -> tuple[int, dict[str, str]]:
    """The row of the headings (from 1), and the letters of each field's column."""
    found = next(one for one in everything(body, "xlsx") if isinstance(one, SheetFound))
    return found.header_row, {field: letters(column) for column, field in found.fields.items()}


def cells(body: bytes, sheet: int = 0) -> list[list[Any]]:
    return [cells for _, cells in list(tables(body, LIMITS))[sheet].rows]


def units(body: bytes) -> list[str]:
    header, fields = places(body)
    column = ord(fields["org_unit"]) - ord("A")
    return [str(line[column]) for number, line in next(tables(body, LIMITS)).rows if number > header]


def fill(body: bytes, **values: str | int | float) -> bytes:
    """Write into the first unit's row."""
    header, fields = places(body)
    return filled_in(body, {f"{fields[field]}{header + 1}": value for field, value in values.items()})


def wanted(kpi: str, catalog: Catalog = CATALOG, today: date = TODAY, **asked: Any) -> Wanted:
    return wanted_of(catalog, kpi, TemplateQuery.model_validate(asked), today)


@pytest.mark.parametrize("kpi", REPORTED, ids=lambda kpi: kpi.id)
def test_an_untouched_template_reports_nothing_and_names_no_column_as_unread(kpi: Any) -> None:
    records = [a_document(kpi=kpi.id, org_unit=unit.id, numerator=9.0, denominator=10.0) for unit in UNITS]
    asked = wanted(kpi.id, as_of="2023-09-30")
    found = everything(written(template(asked, records)), "xlsx")
    (table,) = [one for one in found if isinstance(one, SheetFound)]
    assert table.unread == []
    assert len([one for one in found if isinstance(one, SaysNothing)]) == len(asked.units)
    assert len([one for one in found if isinstance(one, SheetPassedOver)]) == 1
    assert len(found) == len(asked.units) + 2


@pytest.mark.parametrize("kpi", REPORTED, ids=lambda kpi: kpi.id)
async def test_a_template_of_every_kind_comes_back_as_a_figure_that_ingest_takes(kpi: Any) -> None:
    unit = "dak-nong" if kpi.rosters or "commune" not in kpi.levels else COMMUNE
    asked = wanted(kpi.id, as_of="2023-09-30", org_unit=unit)
    body = fill(written(template(asked, [])), **FIGURES[kpi.kind], status="sơ bộ", note="=1+1")
    answer = await Province().tried(body, XLSX)
    assert (answer.rows, answer.sound, answer.wrong) == (1, 1, 0), answer.listed


async def test_an_untouched_template_is_answered_with_no_figures() -> None:
    province = Province()
    answer = await get("signed-share.xlsx?as_of=2023-09-30")
    applied = await province.post(answer.content, media=XLSX)
    assert (applied.status_code, applied.json()["code"]) == (422, "no_figures")
    assert not province.gateway.broker.published


async def test_a_filled_template_says_what_was_meant() -> None:
    body = (await get("signed-share.xlsx?as_of=2023-09-30")).content
    (figure,) = figures(fill(body, numerator=913, denominator=1000, revision=2, status="dự báo"), "xlsx")
    assert figure == {
        "province": "dak-nong",
        "kpi": "signed-share",
        "org_unit": COMMUNE,
        "as_of": "2023-09-30",
        "numerator": "913",
        "denominator": "1000",
        "revision": 2,
        "status": "forecast",
    }


async def test_the_last_known_figures_stand_beside_and_a_rolled_up_one_is_nobodys_own() -> None:
    gateway = Gateway(catalogs={"dak-nong": CATALOG})
    above = {"expected": 2, "reported": 1, "missing": ["dak-nong.xa-b"]}
    given = {"kpi": "signed-share", "numerator": 84.0, "denominator": 100.0, "value": 84.0}
    await gateway.model.put_progress(
        [
            a_document(Place("commune", ()), **given, org_unit=COMMUNE, as_of=date(2023, 8, 31)),
            a_document(Place("district", ()), **given, org_unit="dak-nong.dak-mil", completeness=above),
        ]
    )
    async with gateway.client() as client:
        body = (await client.get("/api/v1/templates/signed-share.xlsx?as_of=2023-09-30")).content
    header = next(at for at, line in enumerate(cells(body)) if columns.LAST["value"] in line)
    rows = {line[0]: line[2:6] for line in cells(body)[header + 1 :]}
    assert rows[COMMUNE] == [Decimal(84), Decimal(100), Decimal(84), date(2023, 8, 31)]
    assert rows["dak-nong.xa-b"] == rows["dak-nong.dak-mil"] == [None] * 4


async def test_until_a_period_has_a_figure_that_of_the_period_before_is_the_last_known() -> None:
    gateway = Gateway(catalogs={"dak-nong": CATALOG})
    told = (
        ("2022", COMMUNE, 70.0),
        ("2023", COMMUNE, 84.0),
        ("2022", "dak-nong.xa-b", 60.0),
        ("2021", "dak-nong", 5.0),
    )
    await gateway.model.put_progress(
        [
            a_document(Place("commune", ()), kpi="signed-share", period=period, org_unit=unit, value=value)
            for period, unit, value in told
        ]
    )
    async with gateway.client() as client:
        body = (await client.get("/api/v1/templates/signed-share.xlsx?as_of=2023-09-30")).content
    rows = {line[0]: line[4] for line in cells(body) if len(line) > 4}
    assert (rows[COMMUNE], rows["dak-nong.xa-b"], rows["dak-nong"]) == (Decimal(84), Decimal(60), None)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("2023-08-30", [Decimal(70), date(2022, 12, 31)]),
        ("2023-08-31", [Decimal(84), date(2023, 8, 31)]),
        ("2023-09-30", [Decimal(84), date(2023, 8, 31)]),
    ],
)
async def test_a_figure_of_a_later_day_than_the_templates_own_is_not_the_last_known(
    asked: str, shown: list[Any]
) -> None:
    gateway = Gateway(catalogs={"dak-nong": CATALOG})
    await gateway.model.put_progress(
        [
            a_document(
                Place("commune", ()), kpi="signed-share", period=period, org_unit=COMMUNE, value=value, as_of=day
            )
            for period, value, day in (("2022", 70.0, "2022-12-31"), ("2023", 84.0, "2023-08-31"))
        ]
    )
    async with gateway.client() as client:
        body = (await client.get(f"/api/v1/templates/signed-share.xlsx?as_of={asked}")).content
    (row,) = [line for line in cells(body) if line[0] == COMMUNE]
    assert row[4:6] == shown


async def test_it_has_the_units_of_its_day_before_and_after_the_reform() -> None:
    catalogs = {"lam-dong": LAM_DONG}
    kpi = next(
        one.id for one in LAM_DONG.kpis.values() if "district" in one.levels and one.kind not in {*DERIVED, "coverage"}
    )
    before = units((await get(f"{kpi}.xlsx?as_of=2025-06-30", catalogs=catalogs)).content)
    after = units((await get(f"{kpi}.xlsx?as_of=2025-07-01", catalogs=catalogs)).content)
    for day, listed in ((date(2025, 6, 30), before), (date(2025, 7, 1), after)):
        there = [one.id for one in LAM_DONG.units if one.valid_on(day) and one.level in LAM_DONG.kpis[kpi].levels]
        assert sorted(listed) == sorted(there)
    levels = [{LAM_DONG.units.get(one).level for one in listed} for listed in (before, after)]  # type: ignore[union-attr]
    assert "district" in levels[0]
    assert "district" not in levels[1]


async def test_units_are_narrowed_to_those_below_one_or_to_one() -> None:
    below = (await get("signed-share.xlsx?as_of=2023-09-30&under=dak-nong.dak-mil")).content
    one = (await get("signed-share.xlsx?as_of=2023-09-30&org_unit=dak-nong.xa-b")).content
    assert units(below) == [COMMUNE, "dak-nong.xa-b"]
    assert units(one) == ["dak-nong.xa-b"]


@pytest.mark.parametrize(("day", "unit"), [("2025-06-30", COMMUNE), ("2025-07-01", "dak-nong.xa-moi")])
async def test_a_national_code_is_the_unit_that_had_it_on_that_day(day: str, unit: str) -> None:
    assert units((await get(f"signed-share.xlsx?as_of={day}&org_unit=24611")).content) == [unit]


async def test_it_says_in_both_languages_what_is_asked_and_by_when() -> None:
    answer = await get("signed-share.xlsx?period=2023-08")
    assert answer.headers["content-type"] == XLSX
    assert 'filename="signed-share-2023-' in answer.headers["content-disposition"]
    said = [str(cell) for line in cells(answer.content) for cell in line if cell is not None]
    assert any(one.startswith("Tính bằng %. Số liệu kỳ 2023 (") and "Hạn báo cáo" in one for one in said)
    assert any(one.startswith("Measured in %. Figures of period 2023 (") and "due by" in one for one in said)
    assert {"Mã đơn vị / Unit code", "Tử số / Numerator", "Ngày số liệu / Date"} <= set(said)


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("unheard-of.xlsx", 404, "not_found"),
        ("signed-share.xlsx?under=nowhere", 404, "not_found"),
        ("signed-share.xlsx?org_unit=dak-nong.xa-moi&as_of=2023-09-30", 404, "not_found"),
        ("growth-of-revenue.xlsx", 400, "derived_kpi"),
        ("signed-share.xlsx?period=2023-13", 400, "bad_parameter"),
        ("signed-share.xlsx?period=2021-2025", 400, "bad_parameter"),
        ("signed-share.xlsx?period=2022&as_of=2023-09-30", 400, "bad_parameter"),
        ("signed-share.xlsx?as_of=9999-12-31", 400, "bad_parameter"),
        ("signed-share.xlsx?period=0001", 400, "bad_parameter"),
        ("signed-share.xlsx?colour=red", 400, "bad_parameter"),
    ],
)
async def test_what_cannot_be_had_is_answered_in_words(address: str, status: int, code: str) -> None:
    answer = await get(address)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_without_a_day_it_asks_for_what_is_due_now_and_a_running_period_up_to_today() -> None:
    calendar = CATALOG.calendar_of("signed-share")
    month = calendar.period("month", TODAY)
    assert wanted("signed-share").as_of == date.fromordinal(month.first.toordinal() - 1)
    assert wanted("signed-share", today=month.last).as_of == month.last
    assert wanted("signed-share", period="2023").as_of == TODAY
    assert wanted("signed-share", period="2023-02").as_of == calendar.parse("2023-02").last


def test_only_the_cells_to_fill_in_are_unlocked_and_the_sheet_is_protected_without_a_password() -> None:
    body = written(template(wanted("signed-share", as_of="2023-09-30"), []))
    sheet, styles = part_of(body, "xl/worksheets/sheet1.xml").decode(), part_of(body, "xl/styles.xml").decode()
    (protection,) = re.findall(r"<sheetProtection[^>]*>", sheet)
    assert 'sheet="1"' in protection
    assert "password" not in protection
    looks = re.findall(r"<xf [^>]*?(?:/>|>.*?</xf>)", styles.split("<cellXfs")[1].split("</cellXfs>")[0])
    unlocked = {str(at) for at, look in enumerate(looks) if 'locked="0"' in look}
    header, fields = places(body)
    open_cells = {
        name for name, style in re.findall(rf'<c r="([A-Z]+){header + 1}" s="([0-9]+)"', sheet) if style in unlocked
    }
    asked = ("as_of", "numerator", "denominator", "value", "status", "revision", "note")
    assert open_cells == {fields[field] for field in asked}
    assert f'topLeftCell="C{header + 1}"' in sheet


def test_every_column_checks_what_is_written_into_it() -> None:
    asked = template(wanted("share-gain", as_of="2023-09-30"), [])
    sheet = part_of(written(asked), "xl/worksheets/sheet1.xml").decode()
    assert len(re.findall(r"<dataValidation ", sheet)) == len(asked.inputs)
    assert "<formula1>AND(ISNUMBER(" in sheet
    assert ",2)=" in sheet
    assert "&gt;=-100" in sheet
    assert '<formula1>"thực hiện,sơ bộ,dự báo"</formula1>' in sheet
    milestone = part_of(written(template(wanted("open-data"), [])), "xl/worksheets/sheet1.xml").decode()
    assert '<formula1>"có,không"</formula1>' in milestone


@pytest.mark.parametrize("catalog", [CATALOG, LAM_DONG], ids=["dak-nong", "lam-dong"])
def test_no_message_is_too_long_for_a_spreadsheet_and_no_column_goes_unchecked(catalog: Catalog) -> None:
    for kpi in catalog.kpis.values():
        if kpi.kind in DERIVED:
            continue
        made = template(wanted(kpi.id, catalog, date(2025, 6, 30)), [])
        sheet = part_of(written(made), "xl/worksheets/sheet1.xml").decode()
        assert len(re.findall(r"<dataValidation ", sheet)) == len(made.inputs), kpi.id


def test_an_increment_may_be_negative_and_has_its_drop_down() -> None:
    made = {one.field: one for one in template(wanted("digitised-share"), []).inputs}
    assert made["mode"].allowed == OneOf(("cộng thêm", "tại thời điểm"))
    assert made["mode"].start == "cộng thêm"
    assert made["numerator"].allowed == Number(None, None, 0)
    assert "mode" not in {one.field for one in template(wanted("signed-share"), []).inputs}


def test_a_coverage_names_its_members_where_a_roster_does() -> None:
    made = template(wanted("plans", org_unit="dak-nong"), [])
    assert [one.field for one in made.inputs][1:3] == ["numerator", "members"]
    assert ("so-tttt", "") in made.guide
    counted = template(wanted("assessed", org_unit="dak-nong"), [])
    assert "members" not in {one.field for one in counted.inputs}
    without = template(wanted("assessed", org_unit=COMMUNE, as_of="2023-09-30"), [])
    assert "denominator" in {one.field for one in without.inputs}


def test_nothing_that_a_catalog_says_runs_as_a_formula() -> None:
    kpi = a_kpi("signed", "ratio", limits=Limits(high=Decimal(100))).model_copy(
        update={"name_vi": '=HYPERLINK("http://example.vn")', "definition_vi": "=1+1"}
    )
    named = [unit.model_copy(update={"name": "=cmd|' /C calc'!A0"}) for unit in UNITS]
    catalog = Catalog.of([CATALOG.province, *(one.spec for one in CATALOG.calendars.values()), *named, kpi], 1, "1-a")
    body = written(template(wanted("signed", catalog, as_of="2023-09-30"), []))
    for sheet in ("sheet1", "sheet2"):
        assert "<f>" not in part_of(body, f"xl/worksheets/{sheet}.xml").decode()
        assert "<hyperlink" not in part_of(body, f"xl/worksheets/{sheet}.xml").decode()


def test_the_same_template_is_the_same_bytes() -> None:
    made = template(wanted("signed-share", as_of="2023-09-14"), [])
    body = written(made)
    assert body == written(made)
    about = part_of(body, "docProps/core.xml").decode()
    assert re.findall(r"(created|modified)[^>]*>([^<]*)", about)[::2] == [
        ("created", "2023-09-14T00:00:00Z"),
        ("modified", "2023-09-14T00:00:00Z"),
    ]


async def test_the_page_leads_to_the_template_that_was_chosen() -> None:
    async with Gateway(catalogs={"dak-nong": CATALOG}).client() as client:
        page = (await client.get("/imports?lang=en")).text
        led = await client.get("/imports/template?of=dak-nong/signed-share&period=2023-08&under=")
        found = await client.get(led.headers["location"])
    assert 'value="dak-nong/signed-share"' in page
    assert "Download the template" in page
    assert led.headers["location"] == "/api/v1/templates/signed-share.xlsx?province=dak-nong&period=2023-08"
    assert (led.status_code, found.status_code) == (303, 200)


async def test_the_page_leads_nowhere_else() -> None:
    async with Gateway(catalogs={"dak-nong": CATALOG}).client() as client:
        led = await client.get("/imports/template?of=x/..%2F..%2F%2Fexample.vn%0d%0aset-cookie:a")
    assert led.headers["location"].startswith("/api/v1/templates/..%2F")
    assert "set-cookie" not in led.headers
