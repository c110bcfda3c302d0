"""The file given back: every problem where it is, every cell as it was, and nothing in it that could run."""

import csv
import io
import re
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from services.runtime.sheets import child, marked
from services.runtime.sheets.cells import Mark, Marks
from services.runtime.sheets.columns import PROBLEMS
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Format, SheetPassedOver
from tests.unit.runtime.sheets.workbooks import (
    FIGURE,
    HEADINGS,
    LIMITS,
    LINE,
    a_csv,
    an_xlsx,
    everything,
    figures,
    part_of,
    repacked,
)

WRONG = Mark(4, "numerator", "negative", "Số âm.", "It is negative.")
DOUBT = Mark(None, None, "leap", "Tăng vọt.", "It leaps.", doubt=True)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
WHOLE = Mark(None, None, "taken", "Đã có.", "It is taken.")
NOTED = (*HEADINGS, "Ghi chú")


def given_back(body: bytes, format: Format, marks: Marks) -> bytes:
    return marked.marked(body, Asked(format), LIMITS, marks)


def cells_of(csv_body: bytes, by: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_body.decode("utf-8-sig"), newline=""), delimiter=by))


def values_of(body: bytes, sheet: int = 0) -> list[list[Any]]:
    return CalamineWorkbook.from_object(io.BytesIO(body)).get_sheet_by_index(sheet).to_python(skip_empty_area=False)


def test_a_csv_comes_back_with_its_problems_in_a_last_column() -> None:
    body = "Tiêu đề\r\n\r\n".encode() + a_csv(LINE, LINE, by=";")
    lines = cells_of(given_back(body, "csv", {(0, 5): [WRONG, WHOLE]}), ";")
    assert lines[:4] == [["Tiêu đề"], [], [*HEADINGS, PROBLEMS], [*LINE]]
    assert lines[4] == [*LINE, "[Tử số] Số âm. Đã có.\n[Tử số] It is negative. It is taken."]


def test_a_csv_says_what_is_doubtful_and_accepted_all_the_same() -> None:
    doubtful = given_back(a_csv(LINE), "csv", {(0, 2): [DOUBT]})
    assert cells_of(doubtful)[1][-1] == "Nghi vấn, vẫn nhận: Tăng vọt.\nDoubtful, accepted: It leaps."


def listed(body: bytes) -> list[list[Any]]:
    """The lines of the sheet that lists what was found."""
    book = CalamineWorkbook.from_object(io.BytesIO(body))
    assert book.sheet_names[-1] == "Kết quả kiểm tra - Check"
    return values_of(body, len(book.sheet_names) - 1)[5:]


def formats(body: bytes, part: str = "xl/worksheets/sheet1.xml") -> list[tuple[str, str, str]]:
    """The conditional formats of a sheet: cells, formula, colour; those that win first."""
    styles = ElementTree.fromstring(part_of(body, "xl/styles.xml"))
    dxfs = [[one.get("rgb", "") for one in dxf.iter(f"{MAIN}bgColor")] for dxf in styles.iter(f"{MAIN}dxf")]
    (declared,) = styles.iter(f"{MAIN}dxfs")
    assert declared.get("count") == str(len(dxfs))
    found = [
        (int(rule.get("priority", 0)), one.get("sqref", ""), rule.findtext(f"{MAIN}formula", ""), rule.get("dxfId"))
        for one in ElementTree.fromstring(part_of(body, part)).iter(f"{MAIN}conditionalFormatting")
        for rule in one.iter(f"{MAIN}cfRule")
    ]
    assert len({priority for priority, *_ in found}) == len(found)
    return [(sqref, formula, "".join(dxfs[int(dxf or 0)])) for _, sqref, formula, dxf in sorted(found)]


def test_a_workbook_comes_back_with_its_wrong_cells_red_its_doubtful_rows_yellow_and_all_of_it_listed() -> None:
    back = given_back(an_xlsx(LINE, LINE, LINE), "xlsx", {(0, 3): [WRONG], (0, 4): [DOUBT]})
    assert values_of(back) == values_of(an_xlsx(LINE, LINE, LINE))
    assert formats(back) == [
        ("E3", 'LEN("tiendo:wrong")>0', "FFFFC7CE"),
        ("A4 B4 C4 D4 E4 F4", 'LEN("tiendo:doubtful")>0', "FFFFEB9C"),
    ]
    assert listed(back) == [
        ["Số liệu", 3, "E3", "Sai / Wrong", "[Tử số] Số âm.", "[Tử số] It is negative."],
        ["Số liệu", 4, "", "Nghi vấn, vẫn nhận / Doubtful, accepted", "Tăng vọt.", "It leaps."],
    ]
    links = ElementTree.fromstring(part_of(back, "xl/worksheets/sheet2.xml")).iter(f"{MAIN}hyperlink")
    assert [(link.get("ref"), link.get("location")) for link in links] == [
        ("C6", "'Số liệu'!E3"),
        ("B7", "'Số liệu'!A4"),
    ]


def of_a_user(book: xlsxwriter.Workbook, sheet: Any) -> None:
    """What people have in their files."""
    unlocked = book.add_format({"locked": False, "num_format": "0.0%", "bg_color": "#112233"})
    sheet.write("E3", 913, unlocked)
    sheet.write_formula("F3", "=500+500", None, 1000)
    sheet.data_validation("E2:E9", {"validate": "list", "source": [1, 2]})
    sheet.conditional_format("A1:F9", {"type": "cell", "criteria": ">", "value": 5, "format": book.add_format()})
    sheet.merge_range("H1:J1", "Ghép")
    sheet.write_comment("A2", "Của tôi")
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "='Số liệu'!$E$2:$E$3"})
    sheet.insert_chart("K1", chart)
    sheet.autofilter("A1:F3")
    sheet.protect("", {"format_columns": True})
    sheet.set_column("C:C", 40)
    book.define_name("Tổng", "='Số liệu'!$E$2")


def test_everything_else_in_the_users_file_stays_as_it_was() -> None:
    body = an_xlsx(LINE, LINE, then=of_a_user)
    back = given_back(body, "xlsx", {(0, 3): [WRONG]})
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(io.BytesIO(back)) as new:
        assert new.testzip() is None
        assert [*new.namelist()][:-1] == old.namelist()
        changed = {name for name in old.namelist() if old.read(name) != new.read(name)}
        assert changed == {
            "[Content_Types].xml",
            "xl/workbook.xml",
            "xl/_rels/workbook.xml.rels",
            "xl/styles.xml",
            "xl/worksheets/sheet1.xml",
        }
        was, sheet = (one.read("xl/worksheets/sheet1.xml").decode() for one in (old, new))
    inserted = sheet.index("<conditionalFormatting"), sheet.index("</conditionalFormatting>") + 24
    assert sheet[: inserted[0]] + sheet[inserted[1] :].replace('priority="2"', 'priority="1"') == was
    assert [cells for cells, _, _ in formats(back)] == ["E3", "A1:F9"]
    for kept in (
        "<sheetProtection",
        "<dataValidation ",
        "<f>500+500</f>",
        "<mergeCell ",
        "<autoFilter",
        "<legacyDrawing",
    ):
        assert kept in sheet


def test_the_parts_of_the_workbook_name_the_new_sheet_once_and_well() -> None:
    back = given_back(an_xlsx(then=of_a_user), "xlsx", {(0, 2): [WRONG]})
    types = ElementTree.fromstring(part_of(back, "[Content_Types].xml"))
    named = [one.get("PartName") for one in types if (one.get("ContentType") or "").endswith("worksheet+xml")]
    assert named == ["/xl/worksheets/sheet1.xml", "/xl/worksheets/sheet2.xml"]
    related = ElementTree.fromstring(part_of(back, "xl/_rels/workbook.xml.rels"))
    targets = {one.get("Id"): one.get("Target") for one in related}
    assert len(targets) == len([*related])
    sheets = [*ElementTree.fromstring(part_of(back, "xl/workbook.xml")).iter(f"{MAIN}sheet")]
    assert [targets[one.get(f"{RELATED}id")] for one in sheets] == ["worksheets/sheet1.xml", "worksheets/sheet2.xml"]
    assert len({one.get("sheetId") for one in sheets}) == 2


def test_when_it_comes_back_mended_colours_and_list_are_made_anew() -> None:
    once = given_back(an_xlsx(LINE, LINE, then=of_a_user), "xlsx", {(0, 2): [WRONG], (0, 3): [WRONG]})
    assert everything(once, "xlsx")[-1] == SheetPassedOver("Kết quả kiểm tra - Check")
    for named in ({}, {"province": "a", "kpi": "b", "org_unit": "c", "as_of": "2023-09-30"}):
        assert figures(once, "xlsx", given=named) == figures(an_xlsx(LINE, LINE, then=of_a_user), "xlsx", given=named)
    twice = given_back(once, "xlsx", {(0, 3): [DOUBT]})
    assert [cells for cells, _, _ in formats(twice)] == ["A3 B3 C3 D3 E3 F3", "A1:F9"]
    assert [line[4] for line in listed(twice)] == ["Tăng vọt."]
    assert CalamineWorkbook.from_object(io.BytesIO(twice)).sheet_names == ["Số liệu", "Kết quả kiểm tra - Check"]
    clean = given_back(twice, "xlsx", {})
    assert (len(formats(clean)), listed(clean)) == (1, [])


def prefixed(xml: bytes) -> bytes:
    """The part as other programs write it: every element with a prefix."""
    text = re.sub(rb"<(/?)(?=[A-Za-z])", rb"<\1x:", xml)
    return text.replace(b"xmlns=", b"xmlns:x=", 1)


def test_a_workbook_whose_elements_have_prefixes_is_marked_like_any_other() -> None:
    body = an_xlsx(LINE, LINE)
    parts = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml", "xl/styles.xml")
    names = (*parts, "xl/worksheets/sheet1.xml")
    back = given_back(
        repacked(body, {name: prefixed(part_of(body, name)) for name in names}), "xlsx", {(0, 3): [WRONG]}
    )
    assert [cells for cells, _, colour in formats(back) if colour] == ["E3"]
    assert listed(back)[0][2] == "E3"


@pytest.mark.parametrize("dxfs", [b"", b'<dxfs count="1"><dxf><font><i/></font></dxf></dxfs>'], ids=["none", "one"])
def test_our_formats_come_behind_those_of_the_styles(dxfs: bytes) -> None:
    body = an_xlsx(LINE, LINE)
    styles = part_of(body, "xl/styles.xml").replace(b'<dxfs count="0"/>', dxfs)
    back = given_back(repacked(body, {"xl/styles.xml": styles}), "xlsx", {(0, 3): [WRONG]})
    assert [colour for _, _, colour in formats(back)] == ["FFFFC7CE"]
    children = [one.tag for one in ElementTree.fromstring(part_of(back, "xl/styles.xml"))]
    assert children.index(f"{MAIN}cellStyles") + 1 == children.index(f"{MAIN}dxfs")


def test_a_workbook_without_styles_comes_back_with_the_list_alone() -> None:
    body = an_xlsx(LINE, LINE)
    relations = re.sub(rb"<Relationship [^>]*styles.xml\"/>", b"", part_of(body, "xl/_rels/workbook.xml.rels"))
    types = re.sub(rb"<Override [^>]*styles.xml\"[^>]*/>", b"", part_of(body, "[Content_Types].xml"))
    body = repacked(
        body, {"xl/styles.xml": None, "xl/_rels/workbook.xml.rels": relations, "[Content_Types].xml": types}
    )
    back = given_back(body, "xlsx", {(0, 3): [WRONG]})
    assert listed(back)[0][2] == "E3"
    assert b"dxfId" not in part_of(back, "xl/worksheets/sheet1.xml") + part_of(back, "xl/worksheets/sheet2.xml")
    assert [line[2] for line in listed(given_back(back, "xlsx", {(0, 2): [WRONG]}))] == ["E2"]


def test_a_sheet_of_the_users_with_the_name_of_our_list_is_left_alone() -> None:
    body = an_xlsx(then=lambda book, _: book.add_worksheet("Kết quả kiểm tra - Check").write(0, 0, "Của tôi"))
    back = given_back(body, "xlsx", {(0, 2): [WRONG]})
    names = CalamineWorkbook.from_object(io.BytesIO(back)).sheet_names
    assert names == ["Số liệu", "Kết quả kiểm tra - Check", "Kết quả kiểm tra - Check (2)"]
    assert values_of(back, 1) == [["Của tôi"]]


def test_many_wrong_cells_are_coloured_in_ranges_that_programs_take() -> None:
    marks: Marks = {(0, row): [WRONG if row % 2 else WRONG._replace(column=5)] for row in range(2, 1_002)}
    found = formats(given_back(an_xlsx(*[LINE] * 1_001), "xlsx", marks))
    assert [len(cells.split()) for cells, _, _ in found] == [100] * 10
    below = formats(given_back(an_xlsx(*[LINE] * 9), "xlsx", {(0, row): [WRONG] for row in range(2, 9)}))
    assert [cells for cells, _, _ in below] == ["E2:E8"]


@pytest.mark.parametrize(
    "text", ["=1+1", "<&'\"]]>", "\x00\x0b\ufffe", "a" * 40_000], ids=["formula", "xml", "control", "long"]
)
def test_whatever_a_sentence_repeats_stays_text_in_the_list(text: str) -> None:
    (line,) = listed(given_back(an_xlsx(), "xlsx", {(0, 2): [WHOLE._replace(vi=text)]}))
    assert line[4] in (text, "\ufffd" * 3, text[:32_000])


def test_a_mended_csv_is_read_and_its_old_problems_are_replaced() -> None:
    once = given_back(a_csv(), "csv", {(0, 2): [WRONG]})
    assert figures(once, "csv") == [FIGURE]
    lines = cells_of(given_back(once, "csv", {(0, 2): [WHOLE]}))
    assert lines[0].count(PROBLEMS) == 1
    assert lines[1][-1] == "Đã có.\nIt is taken."


def test_numbers_days_and_percentages_stay_what_they_are() -> None:
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_datetime("D2", datetime(2023, 9, 30), book.add_format({"num_format": "dd/mm/yyyy"}))  # noqa: DTZ001
        sheet.write_number("E2", 0.913, book.add_format({"num_format": "0.0%"}))

    body = an_xlsx(LINE[:3], headings=(*HEADINGS[:4], "Giá trị"), then=fill)
    assert figures(given_back(body, "xlsx", {(0, 2): [WHOLE]}), "xlsx") == figures(body, "xlsx")
    assert figures(body, "xlsx")[0] is not None


def test_every_sheet_comes_back_and_marks_are_in_their_own() -> None:
    def more(book: xlsxwriter.Workbook, _: Any) -> None:
        book.add_worksheet("Hướng dẫn").write(0, 0, "Điền")
        second = book.add_worksheet("Tháng 10")
        second.write_row(0, 0, HEADINGS)
        second.write_row(1, 0, LINE)

    back = given_back(an_xlsx(then=more), "xlsx", {(1, 2): [WHOLE]})
    assert CalamineWorkbook.from_object(io.BytesIO(back)).sheet_names[:3] == ["Số liệu", "Hướng dẫn", "Tháng 10"]
    assert [line[0] for line in listed(back)] == ["Tháng 10"]
    assert [len(formats(back, f"xl/worksheets/sheet{number}.xml")) for number in (1, 2, 3)] == [0, 0, 1]


HOSTILE = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "＠x",
    '=HYPERLINK("http://x")',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_a_formula_comes_back_as_text(text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    (_, line) = cells_of(given_back(a_csv((*LINE, quoted), headings=NOTED), "csv", {}))
    assert line[6] == f"'{text.strip()}"
    back = given_back(an_xlsx((*LINE, text), headings=NOTED), "xlsx", {})
    assert b"<f>" not in part_of(back, "xl/worksheets/sheet1.xml")
    assert figures(back, "xlsx") == figures(an_xlsx((*LINE, text), headings=NOTED), "xlsx")


@pytest.mark.parametrize("text", ["-5", "+5", "-1.234,5", "-91,3%", "−5"])
def test_negative_numbers_stay_numbers(text: str) -> None:
    assert marked.guarded(text) == text


@given(st.text(max_size=12))
def test_no_cell_that_is_given_back_can_begin_a_formula(text: str) -> None:
    safe = marked.guarded(text)
    assert safe[:1] not in set("=@\t\r＝＠＋－") or safe == ""
    assert safe[:1] not in ("+", "-") or all(one in "0123456789., \u00a0\u202f%" for one in safe[1:])


def test_a_link_comes_back_as_text() -> None:
    back = given_back(an_xlsx((*LINE, "http://x.example"), headings=NOTED, strings_to_urls=False), "xlsx", {})
    assert b"hyperlink" not in part_of(back, "xl/worksheets/sheet1.xml")


async def test_the_process_marks_what_this_one_would() -> None:
    body = a_csv(LINE, LINE)
    marks = {(0, 3): [WRONG]}
    assert await child.mark(body, Asked("csv"), Limits(), marks) == given_back(body, "csv", marks)
    values = values_of(await child.mark(an_xlsx(), Asked("xlsx"), Limits(), {(0, 2): [WRONG]}), 1)
    assert values[-1][2:5] == ["E2", "Sai / Wrong", "[Tử số] Số âm."]


def test_amounts_come_back_with_all_their_digits() -> None:
    (line,) = [one for one in values_of(given_back(an_xlsx((*LINE[:4], 123456789012.34, 1)), "xlsx", {}))][1:]
    assert Decimal(str(line[4])) == Decimal("123456789012.34")
