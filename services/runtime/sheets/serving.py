"""The process that reads a spreadsheet, from its own side: a request in, a line for each thing found out."""

import struct
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from services.runtime.sheets import reading
from services.runtime.sheets.cells import Mark, Marks, SheetRefused
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import (
    Asked,
    Found,
    MarkedLater,
    RowFound,
    SaysNothing,
    SheetFound,
    SheetPassedOver,
)

FAILED = "internal"


def received(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """A request and the file."""
    (length,) = struct.unpack(">I", stream.read(4))
    return orjson.loads(stream.read(length)), stream.read()


def limits_of(request: Mapping[str, Any]) -> Limits:
    """Within which the request is to be served."""
    return Limits(**request["limits"])


def serve(request: Mapping[str, Any], body: bytes, out: IO[bytes]) -> None:
    """Answer one request: `read`, or `mark` with what is wrong."""
    limits, asked = limits_of(request), Asked(**request["asked"])
    try:
        if request["do"] == "mark":
            from services.runtime.sheets import marked  # takes longer to load than many a file to read

            file = marked.marked(body, asked, limits, _marks(request["marks"]))
            _write(out, [["file", len(file)]])
            out.write(file)
        else:
            _write(out, (_line(found) for found in reading.read(body, asked, limits)))
        out.flush()
    except SheetRefused as refused:
        _refuse(out, refused)
    except MemoryError:
        _refuse(out, too_complex(limits))
    except Exception as error:
        _write(out, [["failed", type(error).__name__, _way(error)]])


def _marks(told: Iterable[tuple[int, int, list[list[Any]]]]) -> Marks:
    return {(table, number): [Mark(*mark) for mark in found] for table, number, found in told}


def _refuse(out: IO[bytes], refused: SheetRefused) -> None:
    _write(out, [["refused", refused.code, refused.vi, refused.en]])


def _way(error: Exception) -> str:
    """Through which lines the error came. Its words are left out: they may hold what strangers wrote."""
    return " > ".join(
        f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
    )


def _line(found: Found) -> list[Any]:
    match found:
        case RowFound(number, shown, id, figure, marks, rest):
            data, some = (None if one is None else orjson.dumps(one).decode() for one in (figure, rest))
            return ["row", number, orjson.dumps(shown).decode(), id, data, [tuple(mark) for mark in marks], some]
        case SaysNothing():
            return ["nothing"]
        case MarkedLater(sheet, number, mark):
            return ["later", sheet, number, tuple(mark)]
        case SheetFound(name, header, fields, unread):
            return ["table", name, header, {str(at): field for at, field in fields.items()}, unread]
        case SheetPassedOver(name):
            return ["passed_over", name]


def _write(out: IO[bytes], lines: Iterable[list[Any]]) -> None:
    for line in lines:
        out.write(orjson.dumps(line) + b"\n")
    out.flush()


def too_complex(limits: Limits) -> SheetRefused:
    """The file took more time or memory than a table of figures does."""
    return SheetRefused(
        "too_complex",
        f"Tệp không đọc được trong {limits.seconds:.0f} giây và bộ nhớ cho phép: sao chép bảng số liệu sang tệp mới, "
        "hoặc chia nhỏ.",
        f"The file cannot be read within {limits.seconds:.0f} seconds and the memory allowed: copy the table into a "
        "new file, or split it.",
    )


def failed() -> SheetRefused:
    """We stumbled over the file."""
    return SheetRefused(
        FAILED,
        "Hệ thống gặp lỗi khi xử lý tệp này, nhật ký ghi rõ nguyên nhân: hãy báo người vận hành; có thể thử chép bảng "
        "số liệu sang tệp mới.",
        "The system stumbled over this file, and the log says why: tell its operator; copying the table into a new "
        "file may help.",
    )
