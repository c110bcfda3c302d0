"""What stands in a spreadsheet before anybody asks what it means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

MOST_SHOWN = 200
"""Characters of a cell that an answer repeats."""

HEADER_WITHIN = 30
"""Rows in which the headings of a table are looked for."""


class SheetRefused(Exception):
    """The file as a whole cannot be read; the sentences say why and what to do."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code, self.vi, self.en = code, vi, en


class Percent(NamedTuple):
    """A number that is shown with a percent sign: 91.3 where the cell shows 91.3 %."""

    shown: Decimal


class Mark(NamedTuple):
    """What is wrong with a cell, or doubtful; or with its row where `column` (from 0) is None."""

    column: int | None
    field: str | None
    code: str
    vi: str
    en: str
    doubt: bool = False
    """Whether the row is accepted all the same."""


AND_MORE = Mark(
    None,
    None,
    "and_more",
    "Dòng này cũng sai; sửa các dòng trên rồi kiểm tra lại để xem chi tiết.",
    "This row is wrong, too; mend those above and check again to see why.",
)
"""Of a row that is wrong in a file with so many wrong ones that nobody reads them all."""

Marks = Mapping[tuple[int, int], Sequence[Mark]]
"""By table (from 0) and number of the row."""


class Unusable(NamedTuple):
    """A cell whose content is no value: an error, a formula that nobody calculated."""

    shown: str
    code: str
    vi: str
    en: str


Cell = None | str | bool | Decimal | date | datetime | Percent | Unusable


@dataclass(slots=True)
class Table:
    """A sheet: its rows that hold something, each with its number (from 1)."""

    name: str
    rows: Iterator[tuple[int, list[Cell]]]
    hidden: frozenset[int] = frozenset()
    """Numbers of rows that are hidden, by a filter or by hand."""
    merged: Sequence[tuple[int, int, int, int]] = field(default=())
    """First row, first column, last row, last column; rows from 1, columns from 0."""


def letters(column: int) -> str:
    """The name of a column (from 0): A, B, … Z, AA."""
    name = ""
    while column >= 0:
        column, rest = divmod(column, 26)
        name = chr(ord("A") + rest) + name
        column -= 1
    return name


def blank(cell: Cell) -> bool:
    """Whether the cell is empty, or holds spaces only."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def as_shown(cell: Cell) -> str:
    """The cell as a person reads it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, Percent):
        return f"{cell.shown:f}%"
    if isinstance(cell, Unusable):
        return cell.shown
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return cell if isinstance(cell, str) else cell.isoformat()
