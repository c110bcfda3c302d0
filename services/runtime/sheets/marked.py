"""A spreadsheet given back with its problems marked in it: red cells, and a last column that says what is wrong.

Nothing in it can run where it is opened: texts stay texts, whatever they begin with. Formulas come back as values.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.runtime.sheets import columns, reading
from services.runtime.sheets.cells import Cell, Mark, Marks, Percent, as_shown
from services.runtime.sheets.decoding import decoded
from services.runtime.sheets.delimited import GUARDED, separator
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Sheet

_MOST_COMMENTS = 1_000
_LONGEST = 32_000
"""Characters that an XLSX cell takes, rounded down."""
_LONGEST_NAME = 31
"""Units of UTF-16 that programs take as the name of a sheet; other writers write longer ones."""
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
_PLAIN_NUMBER = re.compile(r"[+\-−]?[0-9][0-9.,\u00a0\u202f ]*%?")

_LOOKS: Mapping[str, Mapping[str, Any]] = {
    "text": {},
    "percent": {"num_format": "0.##########%"},
    "day": {"num_format": "dd/mm/yyyy"},
    "moment": {"num_format": "dd/mm/yyyy hh:mm"},
    "heading": {"bold": True, "text_wrap": True, "bottom": 1},
    "problems": {"text_wrap": True, "font_color": "#9c0006"},
}
_RED = {"bg_color": "#ffc7ce", "font_color": "#9c0006"}


def marked(body: bytes, asked: Asked, limits: Limits, marks: Marks) -> bytes:
    """The file with these marks. Raises `SheetRefused`."""
    return _csv(body, asked, limits, marks) if asked.format == "csv" else _xlsx(body, asked, limits, marks)


def guarded(text: str) -> str:
    """The text as a CSV cell that no program takes for a formula; numbers, negative ones too, stay what they are."""
    return f"'{text}" if text[:1] and text[0] in GUARDED and not _PLAIN_NUMBER.fullmatch(text) else text


def sentences(marks: Sequence[Mark]) -> str:
    """What is wrong in a row, Vietnamese before English."""
    vi = " ".join(_placed(mark, mark.vi) for mark in marks)
    en = " ".join(_placed(mark, mark.en) for mark in marks)
    return f"{vi}\n{en}"[:_LONGEST]


def _placed(mark: Mark, sentence: str) -> str:
    return sentence if mark.field is None else f"[{columns.HEADINGS[mark.field][0]}] {sentence}"


def _lines(sheet: Sheet) -> Iterator[tuple[int, list[Cell], int | None]]:
    """The rows without a column of problems that we wrote before; with the number of the headings' columns, at them."""
    header = sheet.heading.number if sheet.heading is not None else 0
    old: int | None = None
    for number, cells in sheet.rows:
        width = None
        if number == header:
            old = next((at for at, cell in enumerate(cells) if columns.ours(cell)), None)
            width = len(cells) if old is None else old
        yield number, cells if old is None else cells[:old], width


def _csv(body: bytes, asked: Asked, limits: Limits, marks: Marks) -> bytes:
    out = io.BytesIO()
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, delimiter=separator(decoded(body)))
    width, last = 0, 0
    for sheet in reading.sheets(body, asked, limits):
        for number, cells, headings in _lines(sheet):
            writer.writerows([] for _ in range(number - last - 1))
            last, width = number, headings or width
            said = columns.PROBLEMS if headings else sentences(found) if (found := marks.get((0, number))) else ""
            texts = [guarded(as_shown(cell)) for cell in cells]
            if said:
                texts += [""] * (width - len(texts))
            writer.writerow([*texts, guarded(said)] if said else texts)
    return out.getvalue()


def _xlsx(body: bytes, asked: Asked, limits: Limits, marks: Marks) -> bytes:
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        looks = {
            (name, red): book.add_format({**look, **(_RED if red else {})})
            for name, look in _LOOKS.items()
            for red in (False, True)
        }
        table = comments = 0
        names: set[str] = set()
        for sheet in reading.sheets(body, asked, limits):
            page = book.add_worksheet(_own_name(sheet.table.name, names))
            page.set_column(0, limits.columns, 18)
            comments += _copy(page, sheet, {} if sheet.heading is None else _of(marks, table), looks, comments)
            table += sheet.heading is not None
    return out.getvalue()


def _own_name(name: str, taken: set[str]) -> str:
    """The name of a sheet as far as programs take it, and of no other sheet, whatever the case. Takes it."""
    wanted, number, ending = _NOT_IN_NAMES.sub("_", name), 1, ""
    while True:
        room = 2 * (_LONGEST_NAME - len(ending))
        own = (wanted.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + ending).strip("'") or "_"
        if own.lower() not in taken:
            taken.add(own.lower())
            return own
        number += 1
        ending = f" ({number})"


def _of(marks: Marks, table: int) -> Mapping[int, Sequence[Mark]]:
    return {number: found for (of, number), found in marks.items() if of == table}


def _copy(
    page: Worksheet,
    sheet: Sheet,
    marks: Mapping[int, Sequence[Mark]],
    looks: Mapping[tuple[str, bool], Format],
    comments: int,
) -> int:
    """Write a sheet's rows; how many comments were written, no more than there is room for."""
    width = written = 0
    for number, cells, headings in _lines(sheet):
        found = marks.get(number, ())
        red = {mark.column for mark in found}
        for column, cell in enumerate([*cells, *[None] * (max((at or 0 for at in red), default=-1) + 1 - len(cells))]):
            _write(page, number - 1, column, cell, looks, red=column in red, heading=headings is not None)
        width = headings or width
        if headings:
            page.write_string(number - 1, width, columns.PROBLEMS, looks["heading", False])
            page.set_column(width, width, 60)
            page.freeze_panes(number, 0)
        elif found:
            page.write_string(number - 1, max(width, len(cells)), sentences(found), looks["problems", False])
        for mark in found:
            if mark.column is not None and comments + written < _MOST_COMMENTS:
                page.write_comment(number - 1, mark.column, f"{mark.vi}\n{mark.en}", {"x_scale": 2})
                written += 1
    return written


def _write(
    page: Worksheet,
    row: int,
    column: int,
    cell: Cell,
    looks: Mapping[tuple[str, bool], Format],
    *,
    red: bool,
    heading: bool,
) -> None:
    plain = looks["heading" if heading else "text", red]
    match cell:
        case None:
            page.write_blank(row, column, None, plain)
        case bool():
            page.write_boolean(row, column, cell, plain)
        case Decimal():
            page.write_number(row, column, float(cell), plain)
        case Percent(shown):
            page.write_number(row, column, float(shown / 100), looks["percent", red])
        case datetime():
            page.write_datetime(row, column, cell, looks["moment", red])
        case date():
            page.write_datetime(row, column, cell, looks["day", red])
        case _:
            page.write_string(row, column, as_shown(cell)[:_LONGEST], plain)
