"""Reading in a process of its own: whatever happens there, the service gets rows or a refusal in words."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

import orjson
import psutil
import pytest
import xlsxwriter
from structlog.testing import capture_logs
from xlsxwriter.worksheet import Worksheet

from services.runtime.sheets import child
from services.runtime.sheets.cells import Mark, SheetRefused
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Format
from tests.unit.runtime.sheets.workbooks import FIGURE, HEADINGS, LINE, a_csv, an_xlsx, part_of, repacked, rows

MEGABYTE = 1_048_576


@pytest.mark.parametrize(("format", "body"), [("csv", a_csv()), ("xlsx", an_xlsx())])
async def test_what_the_process_reads_is_what_was_there(format: Format, body: bytes) -> None:
    sheets = await child.read(body, Asked(format), Limits())
    (row,) = sheets.rows
    assert orjson.loads(row.figure or b"") == FIGURE
    assert row.id == rows(a_csv(), "csv")[0].id
    assert (row.sheet, row.number, row.marks) == (0, 2, ())
    assert (sheets.tables[0].header_row, dict(sheets.tables[0].fields)[4]) == (1, "numerator")


async def test_marks_and_what_later_rows_say_come_with_the_rows() -> None:
    other = (*LINE[:4], "914", "1000")
    empty = (*LINE[:4], "", "")
    sheets = await child.read(a_csv(LINE, empty, other, (*LINE[:4], "x", "1")), Asked("csv"), Limits())
    assert [[mark.code for mark in row.marks] for row in sheets.rows] == [
        ["contradicting_row"],
        ["contradicting_row"],
        ["not_a_number"],
    ]
    assert [row.figure for row in sheets.rows] == [None, None, None]
    assert sheets.empty_rows == 1


async def test_a_refusal_crosses_the_pipe_in_both_languages() -> None:
    with pytest.raises(SheetRefused) as refused:
        await child.read(b"1,2\n", Asked("csv"), Limits())
    assert (refused.value.code, refused.value.vi == refused.value.en) == ("no_table", False)


async def test_a_file_that_takes_too_long_is_refused_and_leaves_neither_process_nor_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # tests that run at the same time leave files, too
    before = set(psutil.Process().children())
    with pytest.raises(SheetRefused) as refused:
        await child.mark(an_xlsx(*[LINE] * 50_000), Asked("xlsx"), Limits(seconds=0.3), {})
    assert refused.value.code == "too_complex"
    assert _left_in(tmp_path) == []
    assert set(psutil.Process().children()) <= before


def _left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_process_that_stumbles_is_a_fault_of_ours_that_the_log_explains() -> None:
    nameless = cast(Mark, ("too", "short"))
    with capture_logs() as logs, pytest.raises(SheetRefused) as refused:
        await child.mark(an_xlsx(), Asked("xlsx"), Limits(), {(0, 2): [nameless]})
    assert refused.value.code == "internal"
    assert "30" not in refused.value.vi
    (said,) = logs
    assert (said["event"], said["log_level"], said["said"], said["why"][0]) == (
        "sheet_process_failed",
        "error",
        "failed",
        "TypeError",
    )
    assert re.fullmatch(r"serving\.py:\d+( > \w+\.py:\d+)*", said["why"][1].removeprefix("<string>:1 > "))


async def test_a_process_that_ends_without_a_word_is_a_fault_of_ours() -> None:
    odd = Limits(memory_bytes=cast(int, "much"))
    with capture_logs() as logs, pytest.raises(SheetRefused) as refused:
        await child.read(a_csv(), Asked("csv"), odd)
    assert (refused.value.code, logs[0]["said"]) == ("internal", "exit")


async def test_a_file_that_takes_too_much_memory_is_refused() -> None:
    """Two cells, between which a reader lays out ten million."""
    corners = an_xlsx(then=lambda _, sheet: sheet.write(99_999, 99, 1))
    with pytest.raises(SheetRefused) as refused:
        await child.read(corners, Asked("xlsx"), Limits(memory_bytes=100 * MEGABYTE))
    assert refused.value.code == "too_complex"


@pytest.mark.parametrize(
    "cell",
    [
        "1" + " " * 120_000 + "x",
        "1" * 120_000,
        "1." * 60_000,
        "x;" * 60_000,
        "(" * 120_000,
        "a/" * 60_000,
        "[" * 120_000,
    ],
    ids=["spaces", "digits", "groups", "members", "brackets", "parts", "opened"],
)
async def test_a_cell_made_to_keep_a_pattern_busy_is_a_wrong_cell(cell: str) -> None:
    headings = (*HEADINGS, "Kỳ", "Members", "Ghi chú", "Hoàn thành", cell.replace("x", "y"))
    line = (*LINE[:3], cell, cell, cell, cell, cell, cell, cell, cell)
    sheets = await child.read(a_csv(line, headings=headings, by="\t"), Asked("csv"), Limits(seconds=15))
    assert len(sheets.rows[0].marks) >= 6


async def test_a_line_of_a_million_cells_is_refused() -> None:
    with pytest.raises(SheetRefused) as refused:
        await child.read(a_csv() + b"\n" + b"x," * 2_000_000, Asked("csv"), Limits())
    assert refused.value.code == "too_large"


async def test_a_number_format_made_to_keep_a_pattern_busy_is_none() -> None:
    def formatted(book: xlsxwriter.Workbook, sheet: Worksheet) -> None:
        sheet.write_number("E2", 913, book.add_format({"num_format": "[" * 400_000}))

    sheets = await child.read(an_xlsx((*LINE[:4], "", "1000"), then=formatted), Asked("xlsx"), Limits(seconds=15))
    assert orjson.loads(sheets.rows[0].figure or b"") == FIGURE


async def test_a_bomb_is_refused_without_a_process() -> None:
    bomb = repacked(an_xlsx(), {"xl/x.xml": b" " * 20_000_000})
    with pytest.raises(SheetRefused) as refused:
        await child.read(bomb, Asked("xlsx"), Limits())
    assert refused.value.code == "bomb"


async def test_the_process_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIENDO_SMTP_PASSWORD", "secret")
    seen: list[dict[str, str]] = []

    async def watch() -> None:
        while True:
            for one in psutil.Process().children():
                with suppress(psutil.Error):
                    seen.append(one.environ())
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    await child.read(a_csv(*[LINE] * 5_000), Asked("csv"), Limits())
    watching.cancel()
    assert {"PYTHONPATH", "PYTHONUTF8", "TMPDIR"} in [set(environment) for environment in seen]


async def test_cells_that_are_merged_many_times_over_are_told_once_a_row_and_column() -> None:
    lines = [("", "", "", "", str(number), "") for number in range(3_000)]
    merge = b"<mergeCells>" + b'<mergeCell ref="A2:F3001"/>' * 40 + b"</mergeCells>"
    sheet = "xl/worksheets/sheet1.xml"
    plain = an_xlsx(*lines)
    body = repacked(plain, {sheet: part_of(plain, sheet).replace(b"</sheetData>", b"</sheetData>" + merge)})
    sheets = await child.read(body, Asked("xlsx"), Limits())
    assert len(sheets.rows) == 3_000
    assert [mark.column for mark in sheets.rows[0].marks if mark.code == "merged"] == [0, 1, 2, 3, 4, 5]
    assert max(len(row.marks) for row in sheets.rows) <= 25


async def test_of_very_many_wrong_rows_the_last_are_only_said_to_be_wrong() -> None:
    lines = [(*LINE[:3], "x", "x", "x") for _ in range(300)]
    sheets = await child.read(a_csv(*lines), Asked("csv"), Limits(marks=100))
    told = [[mark.code for mark in row.marks] for row in sheets.rows]
    assert told[0] == ["not_a_date", "not_a_number", "not_a_number"]
    assert told[34:] == [["and_more"]] * 266
    assert sheets.rows[0].marks[1].vi is sheets.rows[1].marks[1].vi


async def test_a_row_that_many_contradict_is_told_so_once() -> None:
    lines = [(*LINE[:4], str(number), "1000") for number in range(500)]
    sheets = await child.read(a_csv(*lines), Asked("csv"), Limits())
    assert [mark.code for mark in sheets.rows[0].marks] == ["contradicting_row"]
    assert len(sheets.rows) == 500


async def test_a_file_of_which_too_much_would_be_said_is_refused() -> None:
    wide = an_xlsx(*[(*LINE, *["x" * 200] * 90)] * 200)
    assert len(wide) < 100_000
    with pytest.raises(SheetRefused) as refused:
        await child.read(wide, Asked("xlsx"), Limits(answer_bytes=MEGABYTE))
    assert refused.value.code == "too_complex"


async def test_nothing_goes_on_reading_for_one_who_was_killed(tmp_path: Path) -> None:
    asking = (
        "import asyncio, sys; from services.runtime.sheets import child; from services.runtime.sheets.limits import "
        "Limits; from services.runtime.sheets.reading import Asked; "
        "asyncio.run(child.mark(sys.stdin.buffer.read(), Asked('xlsx'), Limits(), {}))"
    )
    asker = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", asking], stdin=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert asker.stdin is not None
    asker.stdin.write(an_xlsx(*[LINE] * 20_000))
    asker.stdin.close()
    readers: list[psutil.Process] = []
    while not readers:
        await asyncio.sleep(0.02)
        readers = psutil.Process(asker.pid).children()
    asker.kill()
    asker.wait()
    await asyncio.sleep(0.5)
    assert [one.status() for one in readers if one.is_running()] in ([], [psutil.STATUS_ZOMBIE])


def test_what_a_killed_process_left_is_swept_away_and_what_is_read_now_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, new = tmp_path / "tiendo-sheet-old", tmp_path / "tiendo-sheet-new"
    for one in (old, new):
        one.mkdir()
        (one / "part").write_text("x")
    os.utime(old, (time.time() - 3_600, time.time() - 3_600))
    child.sweep(Limits())
    assert [one.name for one in tmp_path.iterdir()] == ["tiendo-sheet-new"]


@pytest.mark.slow
@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_five_megabytes_take_bounded_memory(format: Format) -> None:
    """The goal is 150 MB in both processes together; half as much again is left for other machines."""
    lines = [
        (*LINE[:2], f"dak-nong.dak-mil.xa-{number}", *LINE[3:], f"{hash(str(number)):x}") for number in range(60_000)
    ]
    headings = (*HEADINGS, "Ghi chú")
    body = a_csv(*lines, headings=headings) if format == "csv" else an_xlsx(*lines, headings=headings)
    me = psutil.Process()
    before, most, done = me.memory_info().rss, 0, asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not done.is_set():
            here = me.memory_info().rss - before
            most = max(most, here + sum(one.memory_info().rss for one in me.children() if one.is_running()))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    sheets = await child.read(body, Asked(format), Limits(seconds=120))
    done.set()
    await watching
    print(f"{format}: {len(body) / MEGABYTE:.1f} MB, {len(sheets.rows)} rows, {most / MEGABYTE:.0f} MB more, "  # noqa: T201
          f"{time.monotonic() - began:.1f} s")  # fmt: skip
    assert len(sheets.rows) == 60_000
    assert most < 225 * MEGABYTE
