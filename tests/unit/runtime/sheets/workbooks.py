"""Spreadsheets for tests: sound ones by XlsxWriter, hostile ones by hand."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from services.runtime.sheets import reading
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Format, Found, MarkedLater, RowFound

HEADINGS = ("Tỉnh", "Chỉ tiêu", "Đơn vị", "Ngày số liệu", "Tử số", "Mẫu số")
LINE = ("dak-nong", "signed-share", "24611", "30/09/2023", "913", "1000")
FIGURE = {
    "province": "dak-nong",
    "kpi": "signed-share",
    "org_unit": "24611",
    "as_of": "2023-09-30",
    "numerator": "913",
    "denominator": "1000",
}
LIMITS = Limits()


def a_csv(*lines: Sequence[str], headings: Sequence[str] = HEADINGS, by: str = ",", encoding: str = "utf-8") -> bytes:
    """A CSV of these lines; of one sound line if there are none."""
    return "\r\n".join(by.join(line) for line in (headings, *(lines or (LINE,)))).encode(encoding)


def an_xlsx(
    *lines: Sequence[Any],
    headings: Sequence[str] = HEADINGS,
    name: str = "Số liệu",
    then: Callable[[xlsxwriter.Workbook, Worksheet], object] | None = None,
    **options: Any,
) -> bytes:
    """A workbook with one sheet of these lines; `then` may do more to it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, **options}) as book:
        sheet = book.add_worksheet(name)
        for number, line in enumerate((headings, *(lines or (LINE,)))):
            sheet.write_row(number, 0, line)
        if then is not None:
            then(book, sheet)
    return out.getvalue()


def repacked(body: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """The archive with other parts in place of these, or without them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        parts = {name: old.read(name) for name in old.namelist()}
        for name, content in {**parts, **changes}.items():
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def filled_in(body: bytes, cells: Mapping[str, str | int | float], sheet: str = "xl/worksheets/sheet1.xml") -> bytes:
    """The workbook with these values written into empty cells that it has already, such as G9."""
    text = part_of(body, sheet).decode()
    for name, value in cells.items():
        empty = re.compile(rf'<c r="{name}"( s="[0-9]+")/>')
        written = (
            f'<c r="{name}"\\1 t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            if isinstance(value, str)
            else f'<c r="{name}"\\1><v>{value}</v></c>'
        )
        text, times = empty.subn(written, text)
        assert times == 1, name
    return repacked(body, {sheet: text.encode()})


def part_of(body: bytes, name: str) -> bytes:
    """A part of the archive."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read(name)


def everything(body: bytes, format: Format, limits: Limits = LIMITS, **asked: Any) -> list[Found]:
    """All that is found in a file."""
    return list(reading.read(body, Asked(format, **asked), limits))


def rows(body: bytes, format: Format, **asked: Any) -> list[RowFound]:
    """The rows, with what later ones say of them."""
    found = everything(body, format, **asked)
    later = [one for one in found if isinstance(one, MarkedLater)]
    return [
        one._replace(id=None, figure=None, marks=[*one.marks, *(it.mark for it in mine)]) if mine else one
        for one in found
        if isinstance(one, RowFound)
        for mine in [[it for it in later if it.number == one.number]]
    ]


def figures(body: bytes, format: Format, **asked: Any) -> list[dict[str, Any] | None]:
    """The figures of the rows."""
    return [row.figure for row in rows(body, format, **asked)]


def codes(body: bytes, format: Format, **asked: Any) -> list[list[str]]:
    """The codes of what is marked in each row."""
    return [[mark.code for mark in row.marks] for row in rows(body, format, **asked)]
