"""Reading a spreadsheet in a process of its own, from the side of the service that asks."""

import asyncio
import os
import shutil
import struct
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import starmap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import structlog

from services.runtime.sheets.archive import declared
from services.runtime.sheets.cells import Mark, Marks, SheetRefused
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, SheetFound
from services.runtime.sheets.serving import failed, too_complex

log = structlog.get_logger()

_ROOT = Path(__file__).parents[3]
_LINE = 16 * 1024 * 1024
"""Bytes of the longest answer line: a hundred cells of some thousand characters."""

_SCRATCH = "tiendo-sheet-"
_AT_ONCE = 100
"""Rows that are taken in without pause."""


@dataclass(slots=True)
class Row:
    """A row of a table. `figure` are the bytes of the event's data, None where the row alone shows that it is wrong."""

    sheet: int
    number: int
    id: str | None
    figure: bytes | None
    shown: str
    """The cells as a JSON array of texts."""
    marks: tuple[Mark, ...] = ()
    rest: bytes | None = None
    """Of a row with marks: the fields that were read, as data of an event."""


@dataclass(slots=True)
class Sheets:
    """What a file holds."""

    tables: list[SheetFound] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    empty_rows: int = 0

    def row(self, sheet: int, number: int) -> Row:
        """The row of that number in a table (from 0)."""
        return self.rows[bisect_left(self.rows, (sheet, number), key=lambda row: (row.sheet, row.number))]


async def read(body: bytes, asked: Asked, limits: Limits) -> Sheets:
    """Read a file in another process. Raises `SheetRefused`."""
    sheets, said, known = Sheets(), 0, dict[Mark, Mark]()
    async with _asked("read", body, asked, limits) as answer:
        async for line in answer:
            said += len(line)
            if said > limits.answer_bytes:
                raise too_complex(limits)
            _take(sheets, orjson.loads(line), known)
            if len(sheets.rows) % _AT_ONCE == 0:
                await asyncio.sleep(0)  # lines that are there are read without a pause
    return sheets


async def mark(body: bytes, asked: Asked, limits: Limits, marks: Marks) -> bytes:
    """The file with its problems marked, made in another process. Raises `SheetRefused`."""
    told = [(table, number, [tuple(one) for one in found]) for (table, number), found in marks.items()]
    async with _asked("mark", body, asked, limits, marks=told) as answer:
        async for line in answer:
            what, *rest = orjson.loads(line)
            if what != "file":
                raise _refusal(what, rest)
            if rest[0] > limits.answer_bytes:
                raise too_complex(limits)
            return await answer.readexactly(rest[0])
    raise _refusal("nothing", ())


def sweep(limits: Limits) -> None:
    """Remove what a process that was killed left behind: no reading is as old as that."""
    late = time.time() - 2 * limits.seconds
    for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            if left.stat().st_mtime < late:
                shutil.rmtree(left)


@asynccontextmanager
async def _asked(
    what: str, body: bytes, asked: Asked, limits: Limits, **more: Any
) -> AsyncIterator[asyncio.StreamReader]:
    """A process that was asked, for as long as its answer is read. It has ended well at the end, or `SheetRefused`."""
    if asked.format == "xlsx":
        declared(body, limits)
    scratch = TemporaryDirectory(prefix=_SCRATCH)  # ours to remove: the process may be killed
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __package__,
        str(os.getpid()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LINE,
        env={"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "TMPDIR": scratch.name},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(limits.seconds):
            await _tell(process, {"do": what, "asked": asdict(asked), "limits": asdict(limits), **more}, body)
            yield process.stdout
            await process.wait()
    except (TimeoutError, ValueError, EOFError):
        raise too_complex(limits) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        scratch.cleanup()
    code = process.returncode or 0
    if code < 0:  # by a signal: what is written in other languages ends so where memory is short
        log.warning("sheet_process_killed", signal=-code)
        raise too_complex(limits)
    if code:
        raise _refusal("exit", [code])


async def _tell(process: asyncio.subprocess.Process, request: Mapping[str, Any], body: bytes) -> None:
    assert process.stdin is not None
    said = orjson.dumps(request)
    with suppress(ConnectionError):  # it has died; its exit code says so
        process.stdin.write(struct.pack(">I", len(said)) + said)
        process.stdin.write(body)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


def _take(sheets: Sheets, line: list[Any], known: dict[Mark, Mark]) -> None:
    """`known`: the marks so far. Most rows that are wrong are so in the same way."""
    what, *rest = line
    if what == "row":
        number, shown, id, figure, marks, some = rest
        data, read = (None if one is None else one.encode() for one in (figure, some))
        kept = tuple(known.setdefault(mark, mark) for mark in starmap(Mark, marks))
        sheets.rows.append(Row(len(sheets.tables) - 1, number, id, data, shown, kept, read))
    elif what == "later":
        sheet, number, mark = rest
        row = sheets.row(sheet, number)
        row.marks += (Mark(*mark),)
        row.id = row.figure = None
    elif what == "table":
        name, header, fields, unread = rest
        sheets.tables.append(SheetFound(name, header, {int(at): field for at, field in fields.items()}, unread))
    elif what == "passed_over":
        sheets.passed_over += rest
    elif what == "nothing":
        sheets.empty_rows += 1
    else:
        raise _refusal(what, rest)


def _refusal(what: str, rest: Sequence[Any]) -> SheetRefused:
    """What the process said of the file; anything but a refusal is a fault of ours."""
    if what == "refused":
        return SheetRefused(*rest)
    log.error("sheet_process_failed", said=what, why=[*rest])
    return failed()
