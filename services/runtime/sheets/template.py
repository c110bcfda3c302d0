"""A spreadsheet to be filled in: a row for each unit, cells to write in, and the last known figures beside them.

What is known already stands in columns that are not read back, so that an untouched template reports nothing. The sheet
is protected without a password: against slips, not against people.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.runtime.sheets.cells import letters
from services.runtime.sheets.columns import HEADINGS, LAST

SHEET, GUIDE = "Số liệu", "Hướng dẫn - Guide"


class OneOf(NamedTuple):
    """A drop-down of these words."""

    words: tuple[str, ...]


class Number(NamedTuple):
    """A number within these limits, with at most so many decimals; None: as many as one likes."""

    low: Decimal | None = None
    high: Decimal | None = None
    decimals: int | None = None


class Between(NamedTuple):
    """A day, both ends included."""

    first: date
    last: date


Allowed = OneOf | Number | Between | None
"""What a cell takes; None: any text."""


class Input(NamedTuple):
    """A column to be filled in: what it takes, what it begins with, and what to say where a cell is chosen."""

    field: str
    allowed: Allowed
    vi: str
    en: str
    start: str | date | None = None


class Last(NamedTuple):
    """The last known figure of a unit: its numbers, by field, and their day."""

    numbers: Mapping[str, float]
    as_of: date | None


class Row(NamedTuple):
    """A unit that reports."""

    org_unit: str
    name: str
    last: Last | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """Of one KPI and day. `title` and `guide` are in Vietnamese, each line with its English below or beside it."""

    province: str
    kpi: str
    as_of: date
    title: Sequence[tuple[str, str]]
    guide: Sequence[tuple[str, str]]
    inputs: Sequence[Input]
    last: Sequence[str]
    """Which numbers of the last figures are shown: of numerator, denominator, value."""
    rows: Sequence[Row]


_INPUT = {"locked": False, "bg_color": "#fff9e0", "border": 1, "border_color": "#d5cba3"}
_KNOWN = {"font_color": "#55606b", "border": 1, "border_color": "#d9dde1"}
_DAY = {"num_format": "dd/mm/yyyy", "align": "right"}
_LOOKS: Mapping[str, Mapping[str, Any]] = {
    "title": {"bold": True, "font_size": 14},
    "vi": {"bold": False},
    "en": {"italic": True, "font_color": "#55606b"},
    "guide": {"text_wrap": True, "valign": "top"},
    "guide_en": {"text_wrap": True, "valign": "top", "italic": True, "font_color": "#55606b"},
    "heading": {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#e9edf1"},
    "known": _KNOWN,
    "known_number": {**_KNOWN, "num_format": "General"},
    "known_day": {**_KNOWN, **_DAY},
    "input": _INPUT,
    "input_text": {**_INPUT, "num_format": "@"},
    "input_day": {**_INPUT, **_DAY},
}
_PAGE_A4 = 9
_WIDTHS = {"org_unit": 34, "name": 30, "members": 34, "note": 30, "kpi": 24, "province": 12}
_WIDTH = 14
_ALLOWED_TO_ALL = {"format_columns": True, "format_rows": True, "select_locked_cells": True}
_UNLIKE = ("Giá trị không nhận được", "Ghi {vi}.\nWrite {en}.")


def written(template: Template) -> bytes:
    """The template as XLSX: the same bytes for the same content."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": template.kpi, "created": datetime.combine(template.as_of, time())})
        looks = {name: book.add_format({**look}) for name, look in _LOOKS.items()}
        _figures(book.add_worksheet(SHEET), template, looks)
        _guide(book.add_worksheet(GUIDE), template, looks)
    return out.getvalue()


def heading(field: str) -> str:
    """A column's heading in both languages: “Tử số / Numerator”."""
    names = HEADINGS[field]
    return f"{names[0]} / {names[-1]}"


def _figures(page: Worksheet, template: Template, looks: Mapping[str, Format]) -> None:
    top = _title(page, template, looks) + 1
    columns = [
        ("org_unit", heading("org_unit")),
        ("name", "Tên đơn vị / Unit name"),
        *((f"last_{name}", LAST[name]) for name in (*template.last, "as_of")),
        *((one.field, heading(one.field)) for one in template.inputs),
        ("kpi", heading("kpi")),
        ("province", heading("province")),
    ]
    for column, (name, said) in enumerate(columns):
        page.set_column(column, column, _WIDTHS.get(name, _WIDTH))
        page.write_string(top, column, said, looks["heading"])
    for number, row in enumerate(template.rows, top + 1):
        page.write_string(number, 0, row.org_unit, looks["known"])
        page.write_string(number, 1, row.name, looks["known"])
        _last(page, number, template.last, row.last, looks)
        for column, one in enumerate(template.inputs, first := 3 + len(template.last)):
            _input(page, number, column, one, looks)
        page.write_string(number, first + len(template.inputs), template.kpi, looks["known"])
        page.write_string(number, first + len(template.inputs) + 1, template.province, looks["known"])
    if template.rows:
        for column, one in enumerate(template.inputs, 3 + len(template.last)):
            options = {**_validation(one, f"{letters(column)}{top + 2}"), **_told(one)}
            page.data_validation(top + 1, column, top + len(template.rows), column, options)
    page.freeze_panes(top + 1, 2)
    page.protect("", _ALLOWED_TO_ALL)
    page.set_landscape()
    page.set_paper(_PAGE_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(top)


def _title(page: Worksheet, template: Template, looks: Mapping[str, Format]) -> int:
    """Write the title's lines; how many there are."""
    for at, (vi, en) in enumerate(template.title):
        page.write_string(2 * at, 0, vi, looks["vi" if at else "title"])
        page.write_string(2 * at + 1, 0, en, looks["en"])
    return 2 * len(template.title)


def _last(page: Worksheet, row: int, names: Sequence[str], last: Last | None, looks: Mapping[str, Format]) -> None:
    for column, name in enumerate(names, 2):
        if last is not None and name in last.numbers:
            page.write_number(row, column, last.numbers[name], looks["known_number"])
        else:
            page.write_blank(row, column, None, looks["known"])
    if last is not None and last.as_of is not None:
        page.write_datetime(row, 2 + len(names), last.as_of, looks["known_day"])
    else:
        page.write_blank(row, 2 + len(names), None, looks["known"])


def _input(page: Worksheet, row: int, column: int, one: Input, looks: Mapping[str, Format]) -> None:
    look = looks["input_day" if isinstance(one.allowed, Between) else "input" if one.allowed else "input_text"]
    match one.start:
        case None:
            page.write_blank(row, column, None, look)
        case date():
            page.write_datetime(row, column, one.start, look)
        case str():
            page.write_string(row, column, one.start, look)


def _validation(one: Input, cell: str) -> dict[str, Any]:
    match one.allowed:
        case None:
            return {"validate": "any"}
        case OneOf(words):
            return {"validate": "list", "source": list(words)}
        case Between(first, last):
            return {"validate": "date", "criteria": "between", "minimum": first, "maximum": last}
        case Number():
            return {"validate": "custom", "value": _formula(one.allowed, cell)}


def _formula(number: Number, cell: str) -> str:
    """What holds for a cell that takes such a number. A cell that shows a percent sign holds a hundredth."""
    asked = [f"ISNUMBER({cell})"]
    if number.decimals is not None:
        asked.append(f"ROUND({cell},{number.decimals})={cell}")
    if number.low is not None:
        asked.append(f"{cell}>={number.low:f}")
    if number.high is not None:
        asked.append(f"{cell}<={number.high:f}")
    return f"=AND({','.join(asked)})"


def _told(one: Input) -> dict[str, Any]:
    """What is said of a column where one of its cells is chosen, and where a value is not taken."""
    title, message = _UNLIKE
    return {
        "input_title": HEADINGS[one.field][0],
        "input_message": f"{one.vi}\n{one.en}",
        "error_title": title,
        "error_message": message.format(vi=one.vi, en=one.en),
    }


def _guide(page: Worksheet, template: Template, looks: Mapping[str, Format]) -> None:
    page.set_column(0, 1, 75)
    for at, (vi, en) in enumerate(template.guide):
        page.write_string(at, 0, vi, looks["guide"])
        page.write_string(at, 1, en, looks["guide_en"])
    page.protect("", _ALLOWED_TO_ALL)
