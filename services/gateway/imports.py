"""A spreadsheet on its way in: rows that were read, what ingest says of them, and the answer made of both. Pure.

Of a large file only so much is kept and told as somebody can look at; what is left out is counted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel, Field

from contracts import envelope
from contracts.doors import Examined, Standing, event_ref
from contracts.observations import observation_id
from contracts.statistics import Flag
from contracts.topics import STATISTICS_REPORTED
from services.gateway.problems import MAX_ERRORS, ErrorItem
from services.runtime.kafka.producer import Outgoing
from services.runtime.sheets.cells import AND_MORE, Mark, Marks, letters
from services.runtime.sheets.child import Row, Sheets
from services.runtime.sheets.columns import HEADINGS
from services.runtime.sheets.reading import SheetFound

TYPE = next(iter(STATISTICS_REPORTED.payloads))

LISTED = 1_000
"""Rows that an answer lists."""

FIRST = 200
"""Rows that it lists although nothing is wrong with them, so that one sees what was understood."""

RECEIPTS = 10_000
"""Receipts in one answer. An id follows from the content, so those left out can be asked for all the same."""

MARKED = 10_000
"""Rows whose problems are kept, for the list and for the marked file."""

AT_ONCE = 2_000
"""Events that are published together."""

OUTRANKED, REPLACES, REMARK_STAYS = "another_figure_stands", "replaces_another_figure", "remark_stays"
"""Codes of what is told of a figure in a dry run: it changes nothing, takes the place of another, or was accepted with
another note before; see ingest's examining."""

_UNSAID = frozenset({"source", "mode", "status"})
"""What a row that does not write it says all the same."""

_OF_THE_SAME = frozenset({OUTRANKED, REMARK_STAYS})

State = Literal["sound", "flagged", "same", "wrong"]
Holds = Literal["until_the_broker_stops", "durably", "not_published"]


class CellProblem(BaseModel):
    """What is wrong with a cell, or with its row where `column` is null."""

    column: str | None = Field(description="A, B …")
    field: str | None = Field(description="The field of the event that the column is read as.")
    code: str
    message_vi: str
    message_en: str


class ImportedRow(BaseModel):
    """A row of the file, and what is to become of it."""

    sheet: str
    row: int = Field(description="Its number in the sheet, from 1.")
    state: State = Field(description="`same`: this figure was accepted before, and counts once.")
    cells: list[str] = Field(description="As they were read, long ones cut.")
    id: str | None = Field(description="The id of its event, made of its content.")
    problems: list[CellProblem]
    flags: list[Flag] = Field(description="Doubts with which it is accepted.")


class ImportedColumn(BaseModel):
    """A column that was understood."""

    column: str
    field: str
    heading: str = Field(description="Its name in the documentation, Vietnamese.")


class ImportedTable(BaseModel):
    """A sheet with figures."""

    sheet: str
    header_row: int
    columns: list[ImportedColumn]
    unread: list[str] = Field(description="Headings that are not understood; these columns are passed over.")


class ImportReceipt(BaseModel):
    """One figure that was written to the log."""

    sheet: str
    row: int
    id: str
    observation_id: str
    link: str = Field(description="What became of it.")


class ImportAnswer(BaseModel):
    """What is in a spreadsheet and what became, or would become, of it."""

    dry_run: bool
    source: str
    holds: Holds
    message_vi: str
    message_en: str
    rows: int = Field(description="Rows with a figure.")
    sound: int
    flagged: int = Field(description="Of the sound ones: accepted with a doubt.")
    same: int = Field(description="Of the sound ones: accepted before.")
    outranked: int = Field(description="Of the sound ones: they change nothing, since another figure stands.")
    replacing: int = Field(description="Of the sound ones: they take the place of another figure of their revision.")
    remarks_stay: int = Field(description="Of `same`: their note or evidence is another now and is not taken.")
    wrong: int
    empty_rows: int = Field(description="Rows without any figure, which were passed over.")
    tables: list[ImportedTable]
    passed_over: list[str] = Field(description="Sheets in which no headings were found.")
    listed: list[ImportedRow] = Field(description="The first rows, and those with problems or doubts, up to 1,000.")
    not_listed: int
    receipts: list[ImportReceipt] = Field(description="Of what was published, up to 10,000.")
    receipts_left_out: int


class Counts(NamedTuple):
    """Rows by what is to become of them; `flagged` and `same` are sound, too."""

    rows: int
    sound: int
    flagged: int
    same: int
    outranked: int
    replacing: int
    remarks_stay: int
    wrong: int


class Verdict(NamedTuple):
    """What ingest says of a row."""

    standing: Standing
    marks: tuple[Mark, ...]
    flags: tuple[Flag, ...]


SAME_SOURCE = Mark(None, None, "source", "Nguồn gửi: như đã nêu ở dòng trên.", "The source: as said of a row above.")
"""In place of a sentence about the source of the file that was told of a row before."""

_NEW = Verdict("new", (), ())
_SAME = Verdict("same", (), ())
_WRONG = Verdict("new", (AND_MORE,), ())


class Import:
    """The rows of a file under the source that reports them, all at one moment."""

    def __init__(self, sheets: Sheets, source: str, at: datetime) -> None:
        self.sheets, self.source, self.at = sheets, source, at
        self._verdicts = [_NEW] * len(sheets.rows)
        self._readable = [index for index, row in enumerate(sheets.rows) if row.figure or row.rest]
        self._of_source: set[str] = set()
        self._kept = 0

    def events(self) -> Iterator[bytes]:
        """The events of the rows, in structured mode; of a row that is wrong by itself what could be read."""
        about = {"specversion": "1.0", "source": self.source, "type": TYPE, "time": envelope.instant(self.at)}
        for index in self._readable:
            row = self.sheets.rows[index]
            id = row.id or f"unread/{row.sheet}/{row.number}"
            yield orjson.dumps({**about, "id": id})[:-1] + b',"data":' + (row.figure or row.rest or b"null") + b"}"

    def judge(self, said: Sequence[Examined], start: int) -> None:
        """Take in what ingest says of these events, which begin at number `start`."""
        for one, index in zip(said, self._readable[start:], strict=False):
            row = self.sheets.rows[index]
            if row.figure is None:
                read = orjson.loads(row.rest or b"{}")
                theirs = tuple(found for found in one.problems if found.field in read or found.field in _UNSAID)
                one = one.model_copy(update={"problems": theirs, "flags": (), "standing": "new"})
            if one.problems:
                self._verdicts[index] = self._refused(self.sheets.rows[index], one)
            elif one.standing == "same":
                flags = tuple(flag for flag in one.flags if flag.code in _OF_THE_SAME)
                self._verdicts[index] = Verdict("same", (), flags) if flags else _SAME
            elif one.flags:
                self._verdicts[index] = Verdict("new", (), one.flags)

    def _refused(self, row: Row, said: Examined) -> Verdict:
        """Its problems, each at the cell that it is about."""
        self._kept += 1
        if self._kept > MARKED:
            return _WRONG
        columns = {name: column for column, name in self.sheets.tables[row.sheet].fields.items()}
        marks = []
        for found in said.problems:
            if found.field == "source":  # of a file all rows have the one source
                if found.message_en in self._of_source:
                    marks.append(SAME_SOURCE)
                    continue
                self._of_source.add(found.message_en)
            name = (found.field or "").split(".")[0]
            known = name if name in HEADINGS else None
            marks.append(Mark(columns.get(name), known, found.code, found.message_vi, found.message_en))
        return Verdict(said.standing, tuple(marks), ())

    def rows(self) -> Iterator[tuple[Row, State, tuple[Mark, ...], tuple[Flag, ...]]]:
        """Every row with what is to become of it."""
        for row, verdict in zip(self.sheets.rows, self._verdicts, strict=True):
            marks = (*row.marks, *verdict.marks)
            state: State = "sound"
            if marks or row.figure is None:
                state = "wrong"
            elif verdict.standing == "same":
                state = "same"
            elif verdict.flags:
                state = "flagged"
            yield row, state, marks, verdict.flags

    def marks(self) -> Marks:
        """What is wrong, and in sound rows what is doubtful, for the marked file."""
        marked: dict[tuple[int, int], tuple[Mark, ...]] = {}
        doubtful = 0
        for row, _, marks, flags in self.rows():
            if not marks and flags and doubtful < MARKED:
                doubtful += 1
                marks = tuple(Mark(None, None, one.code, one.message_vi, one.message_en, doubt=True) for one in flags)
            if marks:
                marked[row.sheet, row.number] = marks
        return marked

    def errors(self) -> list[ErrorItem]:
        """The first of what is wrong, for an answer that refuses the file."""
        found: list[ErrorItem] = []
        for row, _, marks, _ in self.rows():
            for mark in marks:
                found.append(
                    ErrorItem(
                        code=mark.code,
                        message_vi=mark.vi,
                        message_en=mark.en,
                        sheet=self.sheets.tables[row.sheet].name,
                        row=row.number,
                        column=None if mark.column is None else letters(mark.column),
                    )
                )
            if len(found) >= MAX_ERRORS:
                break
        return found

    def outgoing(self) -> Iterator[list[Outgoing]]:
        """The events of the sound rows as records, some at a time."""
        parcel: list[Outgoing] = []
        for row, state, _, _ in self.rows():
            if state == "wrong" or row.figure is None or row.id is None:
                continue
            figure = orjson.loads(row.figure)
            key = f"{figure['province']}/{figure['kpi']}/{figure['org_unit']}"
            headers = envelope.write(id=row.id, source=self.source, type=TYPE, time=self.at)
            parcel.append(Outgoing(key.encode(), row.figure, headers))
            if len(parcel) == AT_ONCE:
                yield parcel
                parcel = []
        if parcel:
            yield parcel

    def counts(self) -> Counts:
        """How many rows there are of each state."""
        tally = Counter[State]()
        codes = Counter[str]()
        for _, state, _, flags in self.rows():
            tally[state] += 1
            if flags:
                codes.update({flag.code for flag in flags})
        rows, wrong = tally.total(), tally["wrong"]
        told = codes[OUTRANKED], codes[REPLACES], codes[REMARK_STAYS]
        return Counts(rows, rows - wrong, tally["flagged"], tally["same"], *told, wrong)

    def answer(self, *, dry_run: bool, holds: Holds, vi: str, en: str) -> bytes:
        """The answer as JSON; an `ImportAnswer`."""
        tables = self.sheets.tables
        listed, receipts = self._listed(), [] if dry_run else self._receipts()
        counts = self.counts()
        return orjson.dumps(
            {
                "dry_run": dry_run,
                "source": self.source,
                "holds": holds,
                "message_vi": vi,
                "message_en": en,
                **counts._asdict(),
                "empty_rows": self.sheets.empty_rows,
                "tables": [_table(table) for table in tables],
                "passed_over": self.sheets.passed_over,
                "listed": listed,
                "not_listed": counts.rows - len(listed),
                "receipts": receipts,
                "receipts_left_out": 0 if dry_run else counts.sound - len(receipts),
            }
        )

    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number, (row, state, marks, flags) in enumerate(self.rows()):
            if len(found) >= LISTED:
                break
            if number >= FIRST and not (marks or flags):
                continue
            found.append(
                {
                    "sheet": self.sheets.tables[row.sheet].name,
                    "row": row.number,
                    "state": state,
                    "cells": orjson.Fragment(row.shown),
                    "id": row.id,
                    "problems": [_problem(mark) for mark in marks],
                    "flags": [flag.model_dump(mode="json") for flag in flags],
                }
            )
        return found

    def _receipts(self) -> list[dict[str, Any]]:
        sound = ((row, row.id) for row, state, _, _ in self.rows() if state != "wrong" and row.id is not None)
        return [
            {
                "sheet": self.sheets.tables[row.sheet].name,
                "row": row.number,
                "id": id,
                "observation_id": observation_id(self.source, id),
                "link": f"/api/v1/events/{event_ref(self.source, id)}",
            }
            for row, id in islice(sound, RECEIPTS)
        ]


def _table(table: SheetFound) -> dict[str, Any]:
    columns = [
        {"column": letters(at), "field": name, "heading": HEADINGS[name][0]}
        for at, name in sorted(table.fields.items())
    ]
    return {"sheet": table.name, "header_row": table.header_row, "columns": columns, "unread": table.unread}


def _problem(mark: Mark) -> dict[str, Any]:
    column = None if mark.column is None else letters(mark.column)
    return {"column": column, "field": mark.field, "code": mark.code, "message_vi": mark.vi, "message_en": mark.en}
