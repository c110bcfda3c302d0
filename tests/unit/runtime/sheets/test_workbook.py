"""XLSX as spreadsheet programs write it, and as an attacker does."""

import io
import struct
import time
import zipfile
import zlib
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.sheets import archive
from services.runtime.sheets.cells import SheetRefused
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import SheetFound, SheetPassedOver
from tests.unit.runtime.sheets.workbooks import (
    FIGURE,
    HEADINGS,
    LIMITS,
    LINE,
    a_csv,
    an_xlsx,
    codes,
    everything,
    figures,
    part_of,
    repacked,
    rows,
)

DAY = datetime(2023, 9, 30)  # noqa: DTZ001 - a sheet knows no zones
SHEET = "xl/worksheets/sheet1.xml"
VALUE = (*HEADINGS[:4], "Giá trị")
SAID = {name: FIGURE[name] for name in ("province", "kpi", "org_unit", "as_of")}


def refused(body: bytes, limits: Limits = LIMITS) -> str:
    """The code by which the file is refused."""
    with pytest.raises(SheetRefused) as found:
        everything(body, "xlsx", limits)
    assert found.value.vi != found.value.en
    return found.value.code


def changed(body: bytes, part: str, old: str, new: str) -> bytes:
    """The workbook with other words in one part."""
    content = part_of(body, part).decode()
    assert old in content
    return repacked(body, {part: content.replace(old, new).encode()})


def test_texts_and_numbers_are_one_figure() -> None:
    typed = an_xlsx(("dak-nong", "signed-share", 24611, DAY.date(), 913, 1000.0), default_date_format="dd/mm/yyyy")
    assert figures(an_xlsx(), "xlsx") == figures(typed, "xlsx") == figures(a_csv(), "csv") == [FIGURE]
    assert rows(typed, "xlsx")[0].id == rows(a_csv(), "csv")[0].id


@pytest.mark.parametrize("since_1904", [False, True])
def test_dates_are_days_in_both_calendars_of_spreadsheets(since_1904: bool) -> None:
    body = an_xlsx((*LINE[:3], DAY, *LINE[4:]), default_date_format="dd/mm/yyyy", date_1904=since_1904)
    assert figures(body, "xlsx") == [FIGURE]


def test_a_date_with_a_time_is_of_its_day() -> None:
    afternoon = DAY.replace(hour=16, minute=30)
    assert figures(an_xlsx((*LINE[:3], afternoon, *LINE[4:]), default_date_format="dd/mm/yyyy hh:mm"), "xlsx") == [
        FIGURE
    ]


def test_a_date_that_lost_its_format_is_a_number_and_marked() -> None:
    assert codes(an_xlsx((*LINE[:3], 45199, *LINE[4:])), "xlsx") == [["not_a_date"]]


def test_a_month_that_the_program_turned_into_a_date_is_the_month() -> None:
    body = an_xlsx((*LINE, date(2023, 9, 1)), headings=(*HEADINGS, "Kỳ"), default_date_format="mmm-yy")
    assert figures(body, "xlsx") == [{**FIGURE, "period": "2023-09"}]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0.1 + 0.2, "0.3"),
        (91.299999999999997, "91.3"),
        (-5, "-5"),
        (1e-7, "0.0000001"),
        (999999999999999, "999999999999999"),
    ],
)
def test_numbers_are_what_the_program_shows(number: float, said: str) -> None:
    assert figures(an_xlsx((*LINE[:4], number), headings=VALUE), "xlsx") == [{**SAID, "value": said}]


@pytest.mark.parametrize("number", ["1e15", "12345678901234567", "1e400", "NaN", "inf"])
def test_a_number_beyond_what_a_spreadsheet_keeps_is_marked(number: str) -> None:
    body = changed(an_xlsx((*LINE[:4], 913), headings=VALUE), SHEET, "<v>913</v>", f"<v>{number}</v>")
    with suppress(SheetRefused):
        assert codes(body, "xlsx") == [["not_exact"]]


@pytest.mark.parametrize("shape", ["0%", "0.0%", '0.0" %"', "#,##0.00%;[Red]-#,##0.00%"])
def test_a_percent_format_says_how_the_number_is_shown(shape: str) -> None:
    def formatted(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_number("E2", 0.913, book.add_format({"num_format": shape}))

    (figure,) = figures(an_xlsx(LINE[:4], headings=VALUE, then=formatted), "xlsx")
    shown = {**SAID, "value": "91.3", "unit_of_measure": "percent"}
    assert figure == (shown if '"' not in shape else {**SAID, "value": "0.913"})


def test_a_share_without_percent_format_stays_what_it_is() -> None:
    assert figures(an_xlsx((*LINE[:4], 0.913), headings=VALUE), "xlsx") == [{**SAID, "value": "0.913"}]


def test_a_formula_counts_as_the_program_calculated_it() -> None:
    def formula(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_formula("E2", "=900+13", None, 913)

    body = an_xlsx((*LINE[:4], "", "1000"), then=formula)
    saved = changed(body, "xl/workbook.xml", ' fullCalcOnLoad="1"', "")
    assert figures(saved, "xlsx") == [FIGURE]
    assert codes(body, "xlsx") == [["formula"]], "no program has calculated it"


def test_a_formula_without_a_result_is_marked() -> None:
    def formula(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_formula("E2", "=900+13", None, 913)

    body = changed(an_xlsx((*LINE[:4], "", "1000"), then=formula), SHEET, "<v>913</v>", "")
    assert codes(body, "xlsx") == [["formula"]]


@pytest.mark.parametrize("error", ["#DIV/0!", "#N/A", "#REF!"])
def test_an_error_in_a_cell_is_marked_and_never_read_as_empty(error: str) -> None:
    def formula(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_formula("E2", "=1/0", None, error)

    body = an_xlsx((*LINE[:4], "", "1000"), then=formula)
    assert codes(changed(body, "xl/workbook.xml", ' fullCalcOnLoad="1"', ""), "xlsx") == [["cell_error"]]


def test_merged_cells_among_the_figures_are_marked_and_above_them_do_no_harm() -> None:
    def merge(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.merge_range("C5:C6", "24611")

    def title(_: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.merge_range("A1:F1", "BÁO CÁO THÁNG 9")

    blank = ("",) * 6
    below = an_xlsx(HEADINGS, LINE, (*LINE[:2], "24612", *LINE[3:]), LINE, LINE, headings=blank, then=merge)
    assert codes(below, "xlsx") == [[], [], ["merged"], ["merged"]]
    assert figures(an_xlsx(HEADINGS, LINE, headings=blank, then=title), "xlsx") == [FIGURE]


def test_hidden_rows_are_marked_and_hidden_sheets_are_not_read() -> None:
    def hide(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.set_row(2, None, None, {"hidden": True})
        for name, way in (("ẩn", "hide"), ("rất ẩn", "very_hidden")):
            other = book.add_worksheet(name)
            other.write_row(0, 0, HEADINGS)
            other.write_row(1, 0, LINE)
            getattr(other, way)()

    other = (*LINE[:2], "24612", *LINE[3:])
    assert codes(an_xlsx(LINE, other, then=hide), "xlsx") == [[], ["hidden_row"]]


def test_every_visible_sheet_with_headings_is_read_and_others_are_named() -> None:
    def more(book: xlsxwriter.Workbook, _: Any) -> None:
        book.add_worksheet("Hướng dẫn").write(0, 0, "Điền các ô màu vàng")
        second = book.add_worksheet("Tháng 10")
        second.write_row(3, 2, HEADINGS)
        second.write_row(4, 2, (*LINE[:3], "14/10/2023", *LINE[4:]))

    found = everything(an_xlsx(then=more), "xlsx")
    assert [one.name for one in found if isinstance(one, SheetPassedOver)] == ["Hướng dẫn"]
    tables = [one for one in found if isinstance(one, SheetFound)]
    assert [(one.name, one.header_row, min(one.fields)) for one in tables] == [("Số liệu", 1, 0), ("Tháng 10", 4, 2)]
    assert [row.number for row in rows(an_xlsx(then=more), "xlsx")] == [2, 5]


def test_formats_that_reach_far_beyond_the_figures_do_no_harm() -> None:
    def paint(book: xlsxwriter.Workbook, sheet: Any) -> None:
        yellow = book.add_format({"bg_color": "yellow"})
        sheet.write_blank(1_048_575, 16_383, None, yellow)

    assert figures(an_xlsx(then=paint), "xlsx") == [FIGURE]


def test_a_figure_far_beyond_any_table_is_refused() -> None:
    def far(row: int, column: int) -> bytes:
        return an_xlsx(then=lambda _, sheet: sheet.write(row, column, 1))

    assert refused(far(1_048_575, 0)) == "too_large"
    assert refused(far(1, 16_383)) == "too_large"


def test_decomposed_vietnamese_is_composed() -> None:
    (figure,) = figures(an_xlsx((*LINE, "Đa\u0306\u0301k"), headings=(*HEADINGS, "Ghi chu\u0301")), "xlsx")
    assert figure is not None
    assert figure["note"] == "Đắk"


# --- what an attacker sends


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/macrosheets/sheet1.xml", "macros"),
        ("xl/activeX/activeX1.xml", "macros"),
        ("xl/externalLinks/externalLink1.xml", "external_links"),
        ("xl/connections.xml", "connections"),
        ("xl/queryTables/queryTable1.xml", "connections"),
        ("xl/embeddings/oleObject1.bin", "embedded"),
    ],
)
def test_macros_links_connections_and_embedded_objects_are_refused(part: str, code: str) -> None:
    assert refused(repacked(an_xlsx(), {part: b"x"})) == code


def test_macros_under_another_name_are_refused_by_their_type() -> None:
    body = changed(an_xlsx(), "[Content_Types].xml", "spreadsheetml.sheet.main", "macroEnabled.main")
    assert refused(body) == "macros"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "xl\\..\\..\\x"])
def test_parts_that_stray_are_refused(name: str) -> None:
    assert refused(repacked(an_xlsx(), {name: b"x"})) == "not_xlsx"


def test_an_old_or_encrypted_workbook_is_told_what_to_do() -> None:
    assert refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5_000) == "old_or_encrypted"
    body = bytearray(an_xlsx())
    at = body.index(b"PK\x01\x02")
    body[at + 8] |= 1
    assert refused(bytes(body)) == "encrypted"


@pytest.mark.parametrize(
    "body", [b"", b"PK", b"PK\x05\x06" + b"\0" * 18, a_csv(), b"<html>", an_xlsx()[:-40], an_xlsx()[:900]]
)
def test_what_is_no_workbook_is_refused(body: bytes) -> None:
    assert refused(body) == "not_xlsx"


@pytest.mark.parametrize(
    "entities",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/evil.dtd">',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_xml_that_declares_entities_is_refused(entities: str) -> None:
    body = an_xlsx()
    content = part_of(body, SHEET).decode().replace("<worksheet", f"{entities}<worksheet", 1)
    assert refused(repacked(body, {SHEET: content.encode()})) == "doctype"
    assert refused(repacked(body, {SHEET: content.replace('encoding="UTF-8" ', "").encode("utf-16")})) == "doctype"


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    bomb = repacked(an_xlsx(), {"xl/media/zeros.xml": b"\0" * 60_000_000})
    assert refused(bomb) == "bomb"
    began = time.process_time()
    with pytest.raises(SheetRefused):
        archive.declared(bomb, LIMITS)
    assert time.process_time() - began < 1


def test_a_dense_part_is_refused_though_the_whole_is_small() -> None:
    assert refused(repacked(an_xlsx(), {"xl/x.xml": b" " * 2_000_000})) == "bomb"


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = bytearray(repacked(an_xlsx(), {"xl/x.xml": b" " * 30_000_000}))
    at = bomb.rindex(b"PK\x01\x02", 0, bomb.rindex(b"xl/x.xml"))
    struct.pack_into("<I", bomb, at + 24, 1_000)
    assert refused(bytes(bomb)) == "not_xlsx"


def test_parts_that_share_their_bytes_are_refused() -> None:
    """Many directory entries over one packed stream unpack to far more than the file has."""
    packed = zlib.compress(b" " * 900_000, wbits=-15)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for number in range(50):
            new.writestr(f"xl/{number}.xml", b" " * 900_000, zipfile.ZIP_DEFLATED)
    body = bytearray(out.getvalue())
    first = struct.unpack_from("<I", body, body.index(b"PK\x01\x02") + 42)[0]
    at = body.index(b"PK\x01\x02")
    while (at := body.find(b"PK\x01\x02", at + 4)) > 0:
        struct.pack_into("<I", body, at + 42, first)
    start = body.index(b"PK\x01\x02")
    shrunk = bytes(body[: len(packed) + 100]) + bytes(body[start:])
    assert refused(shrunk) in ("bomb", "not_xlsx")


def test_many_parts_are_refused() -> None:
    assert refused(repacked(an_xlsx(), {f"xl/x{number}.xml": b"" for number in range(300)})) == "too_many_parts"


def test_a_part_is_refused_that_is_packed_in_a_way_nobody_uses() -> None:
    body = bytearray(an_xlsx())
    at = body.index(b"PK\x01\x02")
    struct.pack_into("<H", body, at + 10, 99)
    assert refused(bytes(body)) == "not_xlsx"


def test_a_second_directory_for_huge_archives_is_refused() -> None:
    body = an_xlsx()
    at = body.rindex(b"PK\x05\x06")
    assert refused(body[:at] + b"PK\x06\x07" + b"\0" * 16 + body[at:]) == "too_many_parts"


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"])
@pytest.mark.parametrize("content", [None, b"", b"<", b"<a>" * 50_000, b"\xff\xfe", b"<worksheet/>"])
def test_a_part_that_is_missing_or_broken_is_refused(part: str, content: bytes | None) -> None:
    body = repacked(an_xlsx(), {part: content})
    if part == "xl/styles.xml" and content is None:
        assert figures(body, "xlsx") == [FIGURE], "a workbook without styles is one"
    else:
        assert refused(body) in ("not_xlsx", "no_table")


WORKBOOK = an_xlsx(LINE, LINE)


@given(st.binary(max_size=300))
def test_any_bytes_are_no_workbook(body: bytes) -> None:
    for whole in (body, b"PK\x03\x04" + body, WORKBOOK[: len(body) * 5] + body):
        with suppress(SheetRefused):
            everything(whole, "xlsx")


@given(st.data())
def test_a_workbook_with_any_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(WORKBOOK)
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SheetRefused):
        everything(bytes(body), "xlsx")


@given(st.data())
def test_a_part_with_any_characters_changed_is_read_or_refused(data: st.DataObject) -> None:
    part = data.draw(st.sampled_from([SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml"]))
    content = bytearray(part_of(WORKBOOK, part))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"9", b"<", b'"', b"-1", b"e9", b"\xc3"])
        )
    with suppress(SheetRefused):
        everything(repacked(WORKBOOK, {part: bytes(content)}), "xlsx")
