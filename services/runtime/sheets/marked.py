"""A spreadsheet given back with its problems marked in it: a CSV with a last column that says what is wrong; an XLSX as
it was, with coloured cells (`in_place.py`) and a sheet that lists what is wrong, and what is doubtful.

Nothing that we write into it can run where it is opened: texts stay texts, whatever they begin with.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from services.runtime.sheets import archive, columns, in_place, reading
from services.runtime.sheets.cells import Cell, Mark, Marks, as_shown
from services.runtime.sheets.decoding import decoded
from services.runtime.sheets.delimited import GUARDED, separator
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Heading, Sheet

_LONGEST = 32_000
"""Characters that an XLSX cell takes, rounded down."""
_PLAIN_NUMBER = re.compile(r"[+\-−]?[0-9][0-9.,\u00a0\u202f ]*%?")

_LIST = "Kết quả kiểm tra - Check"
_HEADINGS = ("Trang tính / Sheet", "Dòng / Row", "Ô / Cell", "Mức / Severity", "Nội dung", "In English")
_SEVERITIES = {in_place.WRONG: "Sai / Wrong", in_place.DOUBTFUL: "Nghi vấn, vẫn nhận / Doubtful, accepted"}


def marked(body: bytes, asked: Asked, limits: Limits, marks: Marks) -> bytes:
    """The file with these marks. Raises `SheetRefused`."""
    return _csv(body, asked, limits, marks) if asked.format == "csv" else _xlsx(body, asked, limits, marks)


def guarded(text: str) -> str:
    """The text as a CSV cell that no program takes for a formula; numbers, negative ones too, stay what they are."""
    return f"'{text}" if text[:1] and text[0] in GUARDED and not _PLAIN_NUMBER.fullmatch(text) else text


def sentences(marks: Sequence[Mark]) -> str:
    """What is wrong or doubtful in a row, Vietnamese before English."""
    vi = " ".join(("Nghi vấn, vẫn nhận: " if mark.doubt else "") + _placed(mark, mark.vi) for mark in marks)
    en = " ".join(("Doubtful, accepted: " if mark.doubt else "") + _placed(mark, mark.en) for mark in marks)
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
    tables = [
        (sheet.table.name, sheet.heading) for sheet in reading.sheets(body, asked, limits) if sheet.heading is not None
    ]
    lines = [line for at, (name, heading) in enumerate(tables) for line in _listed(name, heading, at, marks)]
    colours: dict[str, dict[str, list[in_place.Cell]]] = {}
    for line, heading in ((line, heading) for name, heading in tables for line in lines if line.sheet == name):
        of_sheet = colours.setdefault(line.sheet, {in_place.WRONG: [], in_place.DOUBTFUL: []})
        columns_of = heading.fields if line.column is None else (line.column,)
        of_sheet[line.look] += ((line.row, column) for column in columns_of)
    out = io.BytesIO()
    told = in_place.Told(_LIST, _above(lines), _HEADINGS, _SEVERITIES, lines)
    in_place.marked(archive.declared(body, limits), colours, told, out)
    return out.getvalue()


def _listed(name: str, heading: Heading, table: int, marks: Marks) -> Iterator[in_place.Line]:
    """What is to be said of the rows of a table, in their order."""
    first = min(heading.fields, default=0)
    for (of, row), found in sorted(marks.items(), key=lambda one: one[0]):
        for mark in found if of == table else ():
            look = in_place.DOUBTFUL if mark.doubt else in_place.WRONG
            vi, en = _placed(mark, mark.vi), _placed(mark, mark.en)
            yield in_place.Line(name, row, mark.column, first, look, vi, en)


def _above(lines: Sequence[in_place.Line]) -> list[str]:
    """How many rows there are of each kind, and what to do."""
    wrong, doubtful = (
        len({(line.sheet, line.row) for line in lines if line.look == look})
        for look in (in_place.WRONG, in_place.DOUBTFUL)
    )
    return [
        f"{wrong} dòng sai (đỏ), {doubtful} dòng có điểm nghi vấn nhưng vẫn được nhận (vàng). Sửa ngay trong các trang "
        "số liệu, lưu lại rồi kiểm tra lại tệp này; trang này không được đọc.",
        f"{wrong} rows are wrong (red), {doubtful} are doubtful and accepted all the same (yellow). Mend them in the "
        "sheets of figures, save, and check this file again; this sheet is not read.",
    ]
