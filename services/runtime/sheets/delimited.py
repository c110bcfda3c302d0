"""CSV, with whichever of the usual separators it was written."""

import csv
import io
from collections.abc import Iterator
from itertools import islice

from services.runtime.sheets import columns
from services.runtime.sheets.cells import HEADER_WITHIN, Cell, SheetRefused, Table
from services.runtime.sheets.decoding import decoded
from services.runtime.sheets.limits import Limits

SEPARATORS = (",", ";", "\t", "|")

GUARDED = "=+-@\t\r＝＋－＠"
"""A cell that begins with one of these may run as a formula where the file is opened; we write an apostrophe before it,
and take it away when we read it back."""


def table(body: bytes, limits: Limits) -> Table:
    """The file as one sheet without a name. Raises `SheetRefused`, also while the rows are read."""
    text = decoded(body)
    return Table("", _rows(text, separator(text), limits))


def separator(text: str) -> str:
    """The one that Excel's first line names (`sep=;`), else the one by which most headings are understood."""
    first = text[:16].split("\n", 1)[0].strip().lower()
    if first.startswith("sep=") and first[4:] in SEPARATORS:
        return first[4:]
    return max(SEPARATORS, key=lambda one: _understood(text, one))


def _understood(text: str, separator: str) -> tuple[int, int]:
    head = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    best = widest = 0
    try:
        for record in islice(head, HEADER_WITHIN):
            best = max(best, len(columns.recognised(record)))
            widest = max(widest, len(record))
    except csv.Error:
        pass
    return best, widest


def _rows(text: str, separator: str, limits: Limits) -> Iterator[tuple[int, list[Cell]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise _broken(reader.line_num, error) from None
        if record is None:
            return
        number += 1
        if number == 1 and record[:1] and record[0].lower().startswith("sep="):
            continue
        if number > limits.rows:
            raise too_many_rows(limits)
        cells: list[Cell] = [_plain(text) or None for text in record]
        while cells and cells[-1] is None:
            cells.pop()
        if len(cells) > limits.columns:
            raise too_many_columns(limits)
        if cells:
            yield number, cells


def _plain(text: str) -> str:
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in GUARDED else text


def _broken(line: int, error: csv.Error) -> SheetRefused:
    if "limit" in str(error):
        vi, en = "có một ô quá dài", "a cell is too long"
    else:
        vi, en = 'dấu ngoặc kép (") mở mà không đóng, hoặc đứng giữa ô', 'a quote (") is not closed, or within a cell'
    return SheetRefused(
        "csv",
        f"Dòng {line} của tệp không đọc được: {vi}. Mở bằng Excel và lưu lại thành CSV UTF-8.",
        f"Line {line} of the file cannot be read: {en}. Open it in Excel and save it again as CSV UTF-8.",
    )


def too_many_rows(limits: Limits) -> SheetRefused:
    """More rows than are read."""
    return SheetRefused(
        "too_large",
        f"Tệp có hơn {limits.rows} dòng: hãy chia thành nhiều tệp.",
        f"The file has more than {limits.rows} rows: split it.",
    )


def too_many_columns(limits: Limits) -> SheetRefused:
    """More columns than any table of figures has."""
    return SheetRefused(
        "too_large",
        f"Bảng có hơn {limits.columns} cột: chỉ giữ các cột của mẫu.",
        f"The table has more than {limits.columns} columns: keep those of the template.",
    )
