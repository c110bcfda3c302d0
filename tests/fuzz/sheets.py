"""Spreadsheets as targets: what the process that reads them answers, whatever the bytes are."""

import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from services.runtime.sheets import archive, serving
from services.runtime.sheets.cells import SheetRefused
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Format
from tests.fuzz.promises import in_words
from tests.unit.runtime.sheets.workbooks import an_xlsx, repacked

LIMITS = Limits(file_bytes=65_536, unpacked_bytes=1_048_576, rows=2_000, columns=50, marks=200)
SHEET = "xl/worksheets/sheet1.xml"
A_BOOK = an_xlsx()


def csv(data: bytes) -> None:
    """A file of separated values."""
    _read_and_marked(data, "csv")


def xlsx(data: bytes) -> None:
    """A workbook as it is, or a sound one with these bytes as its sheet: behind a zip's checksums little is reached."""
    _read_and_marked(data if data.startswith(b"PK") else repacked(A_BOOK, {SHEET: data}), "xlsx")


def _read_and_marked(body: bytes, format: Format) -> None:
    """Read, and given back with what is wrong in it; where it is refused, in words both times."""
    if format == "xlsx":
        try:
            archive.declared(body, LIMITS)
        except SheetRefused as refused:
            in_words(refused.vi, refused.en)
            return
    marks, table, read = [], -1, True
    for what, *rest in _answered("read", body, format):
        read &= what != "refused"
        table += what == "table"
        if what == "row":
            number, _, id, figure, found, _ = rest
            assert (id is None) == (figure is None)
            assert bool(found) or figure is not None
            marks.append((table, number, found))
    if read:
        _answered("mark", body, format, marks=marks)


def _answered(what: str, body: bytes, format: Format, **more: Any) -> list[list[Any]]:
    request: Mapping[str, Any] = {"do": what, "asked": asdict(Asked(format)), "limits": asdict(LIMITS), **more}
    out = io.BytesIO()
    serving.serve(request, body, out)
    answer = out.getvalue()
    if answer.startswith(b'["file",'):
        line, _, file = answer.partition(b"\n")
        assert orjson.loads(line) == ["file", len(file)]
        return []
    lines = [orjson.loads(line) for line in answer.splitlines()]
    for said, *rest in lines:
        assert said != "failed", rest
        if said == "refused":
            in_words(*rest[1:])
    return lines
