"""XLSX: values by calamine, and beside them how the cells look, since an error or a stale formula must not pass as a
figure. Run where a crash harms nobody: in the process of `__main__.py`."""

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from services.runtime.sheets import archive, looks
from services.runtime.sheets.cells import Cell, Percent, Table, Unusable
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.looks import Looks, Workbook

_EXACT_BELOW = 1e15
"""Beyond fifteen digits a spreadsheet has already lost some."""

_ERROR = Unusable(
    "#",
    "cell_error",
    "Ô báo lỗi (như #DIV/0!, #N/A): sửa công thức hoặc ghi số.",
    "The cell holds an error (such as #DIV/0! or #N/A): mend the formula, or write the figure.",
)
_UNCALCULATED = Unusable(
    "=…",
    "formula",
    "Công thức chưa được tính: mở bằng Excel và lưu lại, hoặc dán giá trị.",
    "The formula was not calculated: open the file in Excel and save it, or paste the value.",
)
_TOO_LONG = Unusable(
    "…",
    "not_exact",
    "Số có hơn 15 chữ số nên bảng tính không giữ đủ: định dạng ô là Văn bản rồi ghi lại.",
    "The number has more than 15 digits, which no spreadsheet keeps: format the cell as text and write it again.",
)
_A_TIME = Unusable(
    "…",
    "not_a_date",
    "Ô chứa giờ, không phải ngày hay số.",
    "The cell holds a time of day, and neither day nor number.",
)


def tables(body: bytes, limits: Limits) -> Iterator[Table]:
    """The visible sheets, in their order. Raises `SheetRefused`, also while they are read."""
    parts = archive.opened(body, limits)
    book = looks.workbook(parts)
    try:
        with CalamineWorkbook.from_object(io.BytesIO(body)) as values:
            for sheet in values.sheets_metadata:
                if sheet.visible is SheetVisibleEnum.Visible and sheet.typ is SheetTypeEnum.WorkSheet:
                    yield _table(parts, book, values, sheet.name, limits)
    except CalamineError:
        raise archive.broken() from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of the reader's own language; it has no better base
            raise archive.broken() from None
        raise


def _table(parts: zipfile.ZipFile, book: Workbook, values: CalamineWorkbook, name: str, limits: Limits) -> Table:
    seen = looks.looks(parts, book.parts.get(name, ""), book, limits)
    sheet = values.get_sheet_by_name(name)
    merged = [
        (first_row + 1, first_column, last_row + 1, last_column)
        for (first_row, first_column), (last_row, last_column) in sheet.merged_cell_ranges or ()
    ]
    return Table(name, _rows(sheet, seen), frozenset(seen.hidden), merged)


def _rows(sheet: CalamineSheet, seen: Looks) -> Iterator[tuple[int, list[Cell]]]:
    odd: dict[int, list[tuple[int, Unusable]]] = {}
    for places, what in ((seen.errors, _ERROR), (seen.uncalculated, _UNCALCULATED)):
        for row, column in places:
            odd.setdefault(row, []).append((column, what))
    number = 0
    for number, values in enumerate(_values(sheet), 1):
        cells = [_cell(value, number, column, seen) for column, value in enumerate(values)]
        yield from _row(number, cells, odd)
    for behind in sorted(row for row in odd if row > number):
        yield from _row(behind, [], odd)


def _values(sheet: CalamineSheet) -> Iterator[list[Any]]:
    """The rows from the first of the sheet on, each from the first column on."""
    if sheet.start is not None:
        before = [""] * sheet.start[1]
        for values in sheet.iter_rows():
            yield before + values


def _row(
    number: int, cells: list[Cell], odd: Mapping[int, list[tuple[int, Unusable]]]
) -> Iterator[tuple[int, list[Cell]]]:
    """The row, with errors and old formulas where the values say nothing of them."""
    for column, what in odd.get(number, ()):
        cells += [None] * (column + 1 - len(cells))
        cells[column] = what
    while cells and cells[-1] is None:
        cells.pop()
    if cells:
        yield number, cells


def _cell(value: Any, row: int, column: int, seen: Looks) -> Cell:
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool | datetime | date):
        return value
    if isinstance(value, time | timedelta):
        return _A_TIME
    if not math.isfinite(value) or abs(value) >= _EXACT_BELOW:
        return _TOO_LONG
    # Fifteen digits, as the program shows them: 0.1 + 0.2 is 0.3, and 91.299999999999997 was typed as 91.3.
    number = Decimal(f"{value:.15g}")
    return Percent(number * 100) if (row, column) in seen.percent else number
