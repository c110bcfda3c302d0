"""The file given back: every problem where it is, every cell as it was, and nothing in it that could run."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from services.runtime.sheets import child, marked
from services.runtime.sheets.cells import Mark, Marks
from services.runtime.sheets.columns import PROBLEMS
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Format
from tests.unit.runtime.sheets.workbooks import (
    FIGURE,
    HEADINGS,
    LIMITS,
    LINE,
    a_csv,
    an_xlsx,
    figures,
    part_of,
    repacked,
)

WRONG = Mark(4, "numerator", "negative", "Số âm.", "It is negative.")
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


def test_a_workbook_comes_back_with_red_cells_comments_and_a_last_column() -> None:
    back = given_back(an_xlsx(LINE, LINE), "xlsx", {(0, 3): [WRONG]})
    values = values_of(back)
    assert values[0] == [*HEADINGS, PROBLEMS]
    assert values[1] == [*LINE, ""]
    assert values[2] == [*LINE, "[Tử số] Số âm.\n[Tử số] It is negative."]
    assert "Số âm." in part_of(back, "xl/comments1.xml").decode()
    assert "FFC7CE" in part_of(back, "xl/styles.xml").decode()


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_mended_file_is_read_and_its_old_problems_are_replaced(format: Format) -> None:
    body = a_csv() if format == "csv" else an_xlsx()
    once = given_back(body, format, {(0, 2): [WRONG]})
    assert figures(once, format) == [FIGURE]
    twice = given_back(once, format, {(0, 2): [WHOLE]})
    lines = cells_of(twice) if format == "csv" else values_of(twice)
    assert lines[0].count(PROBLEMS) == 1
    assert lines[1][-1] == "Đã có.\nIt is taken."


def test_numbers_days_and_percentages_stay_what_they_are() -> None:
    def fill(book: xlsxwriter.Workbook, sheet: Any) -> None:
        sheet.write_datetime("D2", datetime(2023, 9, 30), book.add_format({"num_format": "dd/mm/yyyy"}))  # noqa: DTZ001
        sheet.write_number("E2", 0.913, book.add_format({"num_format": "0.0%"}))

    body = an_xlsx(LINE[:3], headings=(*HEADINGS[:4], "Giá trị"), then=fill)
    assert figures(given_back(body, "xlsx", {(0, 2): [WHOLE]}), "xlsx") == figures(body, "xlsx")
    assert figures(body, "xlsx")[0] is not None


@pytest.mark.parametrize(
    ("names", "back"),
    [
        (
            ["Số liệu của Văn phòng Uỷ ban nhân dân tỉnh", "Số liệu của Văn phòng Uỷ ban nhân dân huyện"],
            ["Số liệu của Văn phòng Uỷ ban nh", "Số liệu của Văn phòng Uỷ ba (2)"],
        ),
        (["Tháng 9", "THÁNG 9", "tháng 9"], ["Tháng 9", "THÁNG 9 (2)", "tháng 9 (3)"]),
        (["'9/2023'", "😀" * 16], ["9_2023", "😀" * 15]),
    ],
    ids=["long", "case", "signs"],
)
def test_names_of_sheets_that_no_program_takes_come_back_shortened_and_apart(names: list[str], back: list[str]) -> None:
    body = an_xlsx(
        name="sheet 0", then=lambda book, _: [book.add_worksheet(f"sheet {n}") for n in range(1, len(names))]
    )
    workbook = part_of(body, "xl/workbook.xml").decode()
    for number, name in enumerate(names):
        workbook = workbook.replace(f'"sheet {number}"', f'"{name}"')
    returned = given_back(repacked(body, {"xl/workbook.xml": workbook.encode()}), "xlsx", {(0, 2): [WRONG]})
    assert CalamineWorkbook.from_object(io.BytesIO(returned)).sheet_names == back
    assert values_of(returned)[1][-1].startswith("[Tử số] Số âm.")


def test_every_sheet_comes_back_and_marks_are_in_their_own() -> None:
    def more(book: xlsxwriter.Workbook, _: Any) -> None:
        book.add_worksheet("Hướng dẫn").write(0, 0, "Điền")
        second = book.add_worksheet("Tháng 10")
        second.write_row(0, 0, HEADINGS)
        second.write_row(1, 0, LINE)

    back = given_back(an_xlsx(then=more), "xlsx", {(1, 2): [WHOLE]})
    assert CalamineWorkbook.from_object(io.BytesIO(back)).sheet_names == ["Số liệu", "Hướng dẫn", "Tháng 10"]
    assert [values_of(back, at)[-1][-1] for at in range(3)] == ["", "Điền", "Đã có.\nIt is taken."]


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
    values = values_of(await child.mark(an_xlsx(), Asked("xlsx"), Limits(), {(0, 2): [WRONG]}))
    assert values[1][-1] == "[Tử số] Số âm.\n[Tử số] It is negative."


def test_amounts_come_back_with_all_their_digits() -> None:
    (line,) = [one for one in values_of(given_back(an_xlsx((*LINE[:4], 123456789012.34, 1)), "xlsx", {}))][1:]
    assert Decimal(str(line[4])) == Decimal("123456789012.34")
