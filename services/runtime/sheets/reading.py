"""A spreadsheet read: its tables found, and each row a figure of its own or marked with what is wrong in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Literal, NamedTuple

from services.runtime.sheets import columns, delimited, figures, identity, workbook
from services.runtime.sheets.cells import (
    AND_MORE,
    HEADER_WITHIN,
    MOST_SHOWN,
    Cell,
    Mark,
    SheetRefused,
    Table,
    as_shown,
    blank,
)
from services.runtime.sheets.columns import FIGURES, HEADINGS, NEEDED
from services.runtime.sheets.decoding import legacy, legacy_told
from services.runtime.sheets.figures import Figure
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.merging import Merges
from services.runtime.sheets.numbers import DecimalSign

Format = Literal["csv", "xlsx"]

_TELLING = 3
"""Headings of which so many were understood are meant as a table, even if one that is needed is missing."""

_MOST_OF_A_ROW = 25
"""Marks of one row: one a field, and some of the row as a whole."""

_AND_NO_MORE = (AND_MORE,)

_COLUMN_NUMBER = re.compile(r"\(\d{1,2}\)(\s*=.*)?|\d{1,2}|[A-Z]")

Line = tuple[int, list[Cell]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the request says about the file."""

    format: Format
    given: Mapping[str, str] = field(default_factory=dict)
    """Fields of every row whose own cell says nothing: province, kpi, org_unit, period, as_of."""
    decimals: DecimalSign | None = None


class SheetFound(NamedTuple):
    """A table: where its headings stand, which columns (from 0) are which fields, which headings mean nothing here."""

    name: str
    header_row: int
    fields: Mapping[int, str]
    unread: Sequence[str]


class SheetPassedOver(NamedTuple):
    """A sheet without a table of figures, such as instructions."""

    name: str


class RowFound(NamedTuple):
    """A row of the table before it: a figure under its identity, or marks."""

    number: int
    shown: Sequence[str]
    id: str | None
    figure: Figure | None
    marks: Sequence[Mark]
    rest: Figure | None = None
    """Of a row with marks: the fields that were read."""


class MarkedLater(NamedTuple):
    """What a later row says of an earlier one: `sheet` counts the tables, from 0."""

    sheet: int
    number: int
    mark: Mark


class SaysNothing(NamedTuple):
    """A row without any figure: one that a template names and nobody filled in."""

    number: int


Found = SheetFound | SheetPassedOver | RowFound | MarkedLater | SaysNothing


def read(body: bytes, asked: Asked, limits: Limits) -> Iterator[Found]:
    """Everything in the file, sheet by sheet. Raises `SheetRefused`, also after some of it was given."""
    if len(body) > limits.file_bytes:
        raise SheetRefused(
            "too_large",
            f"Tệp lớn hơn {limits.file_bytes / 1_048_576:.0f} MB: hãy chia nhỏ.",
            f"The file is larger than {limits.file_bytes / 1_048_576:.0f} MB: split it.",
        )
    seen = _Seen(limits.marks)
    heads: list[Line] = []
    for sheet in sheets(body, asked, limits):
        if sheet.heading is None:
            heads += sheet.head
            yield SheetPassedOver(sheet.table.name)
            continue
        number, fields, _ = sheet.heading
        yield SheetFound(sheet.table.name, *sheet.heading)
        yield from _figures(sheet.table, sheet.rows, number, fields, asked, seen)
        seen.sheet += 1
    if not seen.sheet:
        raise _no_table(heads)


class Heading(NamedTuple):
    """The row of headings: which columns (from 0) are which fields, and the headings that mean nothing here."""

    number: int
    fields: Mapping[int, str]
    unread: Sequence[str]


class Sheet(NamedTuple):
    """A sheet with its headings, if it has any. `head` are the rows in which they were looked for."""

    table: Table
    head: Sequence[Line]
    heading: Heading | None
    rows: Iterator[Line]


def sheets(body: bytes, asked: Asked, limits: Limits) -> Iterator[Sheet]:
    """The visible sheets of a file. Raises `SheetRefused`."""
    for table in _opened(body, asked.format, limits):
        head = list(islice(table.rows, HEADER_WITHIN))
        yield Sheet(table, head, _heading(head, asked.given), chain(head, table.rows))


def _opened(body: bytes, format: Format, limits: Limits) -> Iterator[Table]:
    if format == "csv":
        yield delimited.table(body, limits)
    else:
        yield from workbook.tables(body, limits)


def _heading(head: Sequence[Line], given: Mapping[str, str]) -> Heading | None:
    """The row in which most headings are understood. Raises `SheetRefused` where one is missing or stands twice."""
    if head and as_shown(next(iter(head[0][1]), None)) == columns.CHECKED:
        return None
    number, cells, fields = max(
        ((number, cells, columns.recognised(cells)) for number, cells in head),
        key=lambda one: len(set(one[2].values())),
        default=(0, [], {}),
    )
    present = set(fields.values())
    missing = [name for name in NEEDED if name not in present and name not in given]
    reports = present & {*FIGURES, "retracts"}
    if not present or ((missing or not reports) and len(present) < _TELLING):
        return None
    if missing or not reports:
        raise _incomplete(missing, number)
    for field_name in present:
        if (times := [at for at, name in fields.items() if name == field_name])[1:]:
            raise _twice(field_name, [as_shown(cells[at]) for at in times])
    unread = [
        as_shown(cell).strip()[:80]
        for at, cell in enumerate(cells)
        if at not in fields and not blank(cell) and not columns.ignored(as_shown(cell))
    ]
    return Heading(number, fields, unread)


class _Seen:
    """What the rows so far have said, to notice who says it again: under which identity, in which table and row.

    `left`: marks that are still told in full; of rows that are wrong after that it is only told that they are.
    """

    def __init__(self, left: int) -> None:
        self.sheet = 0
        self.said: dict[bytes, tuple[str, int, int]] = {}
        self.contradicted: set[tuple[int, int]] = set()
        self.left = left

    def told(self, marks: Sequence[Mark]) -> Sequence[Mark]:
        """As much of it as is told."""
        if not self.left:
            return _AND_NO_MORE
        told = marks[: min(self.left, _MOST_OF_A_ROW)]
        self.left -= len(told)
        return told


def _figures(
    table: Table, rows: Iterator[Line], header: int, fields: Mapping[int, str], asked: Asked, seen: _Seen
) -> Iterator[Found]:
    merged = Merges(table, header, fields)
    for number, cells in rows:
        if number <= header or (number == header + 1 and _numbers_columns(cells)):
            continue
        row = figures.read(cells, fields, asked.given, asked.decimals)
        if row.figure is None and not row.marks:
            yield SaysNothing(number)
            continue
        marks = [*row.marks, *_unseen(table, number), *merged.marks(number)]
        shown = [as_shown(cell)[:MOST_SHOWN] for cell in cells]
        if row.figure is None or marks:
            told = seen.told(marks)
            rest = None if told is _AND_NO_MORE else row.rest or row.figure
            yield RowFound(number, shown, None, None, told, rest)
            continue
        figure = identity.in_one_writing(row.figure)
        id = identity.event_id(figure)
        said = seen.said.setdefault(identity.cell_of(figure), here := (id, seen.sheet, number))
        if said is here:
            yield RowFound(number, shown, id, figure, ())
        elif said[0] == id:
            yield RowFound(number, shown, None, None, seen.told([_repeats(said[2])]))
        else:
            yield RowFound(number, shown, None, None, seen.told([_contradicts(said[2])]))
            if (first := (said[1], said[2])) not in seen.contradicted:
                seen.contradicted.add(first)
                yield MarkedLater(*first, _contradicts(number))


def _repeats(first: int) -> Mark:
    return Mark(
        None,
        None,
        "repeated_row",
        f"Trùng với dòng {first}: xóa một dòng; nếu là hai số phát sinh, cộng lại thành một.",
        f"The same as row {first}: delete one; if both are to be added, write their sum in one row.",
    )


def _contradicts(other: int) -> Mark:
    return Mark(
        None,
        None,
        "contradicting_row",
        f"Dòng {other} ghi số khác cho cùng chỉ tiêu, đơn vị và ngày: giữ một dòng, hoặc ghi lần sửa (revision).",
        f"Row {other} says another figure for the same KPI, unit and day: keep one, or number the revision.",
    )


def _unseen(table: Table, number: int) -> list[Mark]:
    if number not in table.hidden:
        return []
    return [
        Mark(
            None,
            None,
            "hidden_row",
            "Dòng đang bị ẩn (hoặc bị lọc): bỏ ẩn để gửi, hoặc xóa.",
            "The row is hidden (or filtered out): show it to send it, or delete it.",
        )
    ]


def _numbers_columns(cells: Sequence[Cell]) -> bool:
    """Whether a row below the headings numbers the columns: (1), (2), (3) = (1)/(2)."""
    texts = [as_shown(cell).strip() for cell in cells if not blank(cell)]
    return any(text.startswith("(") for text in texts) and all(_COLUMN_NUMBER.fullmatch(text) for text in texts)


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"“{HEADINGS[name][0]}” ({name})" for name in names)


def _incomplete(missing: Sequence[str], row: int) -> SheetRefused:
    asked = list(missing) or list(FIGURES)
    vi, en = ("thiếu cột", "lacks the columns") if missing else ("cần một trong các cột", "needs one of the columns")
    return SheetRefused(
        "columns",
        f"Dòng tiêu đề {row} {vi}: {_named(asked)}. Thêm cột, hoặc chọn giá trị chung cho cả tệp.",
        f"The heading row {row} {en}: {_named(asked)}. Add them, or choose one value for the whole file.",
    )


def _twice(name: str, headings: Sequence[str]) -> SheetRefused:
    both = ", ".join(f"“{heading[:40]}”" for heading in headings)
    return SheetRefused(
        "columns",
        f"Có nhiều cột cùng nghĩa {_named([name])}: {both}. Chỉ giữ một cột.",
        f"Several columns mean {_named([name])}: {both}. Keep one of them.",
    )


def _no_table(heads: Sequence[Line]) -> SheetRefused:
    """No sheet has headings that are understood; perhaps because they were typed in an old font."""
    texts = (as_shown(cell) for _, cells in heads for cell in cells)
    if name := next(filter(None, map(legacy, texts)), None):
        vi, en = legacy_told(name)
        return SheetRefused("encoding", f"Không đọc được tiêu đề: {vi}", f"The headings cannot be read: {en}")
    wanted = _named([*NEEDED, "numerator", "denominator", "value"])
    return SheetRefused(
        "no_table",
        f"Không thấy dòng tiêu đề trong {HEADER_WITHIN} dòng đầu. Các cột: {wanted}.",
        f"No row of headings was found in the first {HEADER_WITHIN} rows. The columns: {wanted}.",
    )
