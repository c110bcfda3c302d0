"""A file of figures as events to send, some at a time; how far an earlier try came; what became of them.

The same figure is the same event in whichever file it stands, so that a file may be sent as often as one likes.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, Field, ValidationError

from contracts import envelope, strict_json
from contracts.base import composed
from contracts.envelope import STRUCTURED, NotAnEvent
from contracts.statistics import MAX_EVENT_BYTES, StatisticReported
from services.gateway import intake
from services.gateway.intake import TYPE, Reported
from services.runtime.sameness import digest_of, plain
from services.runtime.sheets import identity
from services.runtime.sheets.cells import letters
from services.runtime.sheets.child import Sheets
from services.runtime.sheets.figures import Figure

AT_ONCE = 2_000
AT_ONCE_BYTES = 4_194_304
"""Half of what a gateway reads as one request."""


class Said(NamedTuple):
    """A sentence."""

    vi: str
    en: str


class Ready(NamedTuple):
    """An event to be sent, and where in the file it stands."""

    place: str
    event: Reported


class Remark(NamedTuple):
    """What is to be said of a row or line: what is wrong there, or doubtful. `within` it: a column or field."""

    place: str
    why: Said
    within: str = ""


@dataclass(slots=True)
class Contents:
    """What a file holds. `repeated`: lines that say what an earlier one said; `notes` is what was passed over."""

    ready: list[Ready] = field(default_factory=list)
    wrong: list[Remark] = field(default_factory=list)
    repeated: int = 0
    notes: list[str] = field(default_factory=list)


# reading


def of_sheets(sheets: Sheets, source: str) -> Contents:
    """The rows of a spreadsheet as events of this source."""
    contents = Contents()
    for row in sheets.rows:
        place = f"row {row.number}"
        if len(sheets.tables) > 1:
            place = f"{sheets.tables[row.sheet].name}, {place}"
        if row.figure is None or row.id is None:
            contents.wrong += (
                Remark(place, Said(mark.vi, mark.en), "" if mark.column is None else f"column {letters(mark.column)}")
                for mark in row.marks
            )
        else:
            _take_row(contents, place, source, row.id, row.figure)
    for table in sheets.tables:
        if table.unread:
            contents.notes.append(f"{table.name or 'the file'}: not read are the columns {', '.join(table.unread)}")
    contents.notes += [f"{name}: no headings of figures, passed over" for name in sheets.passed_over]
    return contents


class _Line(NamedTuple):
    """What a JSON line says: an event, with a digest of its data. `bare`: its id was made here, of the data."""

    source: str
    id: str
    digest: bytes
    event: bytes
    bare: bool


def of_lines(body: bytes, source: str | None) -> Contents:
    """JSON lines, each an event in structured mode, or the data of one, which are then of this source."""
    contents = Contents()
    first: dict[tuple[str, str], tuple[str, bytes]] = {}
    for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        line, place = line.strip(), f"line {number}"
        if not line:
            continue
        read = _read(line, source)
        if isinstance(read, Said):
            contents.wrong.append(Remark(place, read))
            continue
        earlier, digest = first.setdefault((read.source, read.id), (place, read.digest))
        if earlier == place:
            _take(contents, place, read.event)
        elif digest == read.digest:
            contents.repeated += 1
        else:
            contents.wrong.append(Remark(place, _repeated(earlier) if read.bare else _reused(earlier)))
    return contents


def _read(line: bytes, source: str | None) -> _Line | Said:
    try:
        said = strict_json.loads(line)
    except strict_json.BadJson as error:
        return Said(f"Không phải JSON: {error.vi}.", f"No JSON: {error}.")
    if not isinstance(said, dict):
        return Said("Không phải đối tượng JSON.", "No JSON object.")
    if "specversion" in said:
        return _Line(str(said.get("source")), str(said.get("id")), digest_of(_data(said), line), line, bare=False)
    if source is None:
        return _NO_SOURCE
    figure = _as_a_row(said)
    if figure is None:  # which shows on taking it
        digest = digest_of(said, line)
        id = f"import-{digest.hex()}"
        return _Line(source, id, digest, _enveloped(source, id, line), bare=True)
    id, data = identity.event_id(figure), json.dumps(figure).encode()  # orjson takes no integer beyond 64 bits
    return _Line(source, id, digest_of(figure), _enveloped(source, id, data), bare=True)


def _data(event: dict[str, Any]) -> Any:
    try:
        return envelope.from_object(event).data
    except NotAnEvent:
        return event


def names_its_sources(body: bytes) -> bool:
    """Whether the first JSON line is a whole event, which names its source itself."""
    first = next((line for line in body.split(b"\n") if line.strip()), b"")
    return b'"specversion"' in first


def _as_a_row(data: Mapping[str, Any]) -> Figure | None:
    """The figure that a row with the same content would be; None where the data break the schema."""
    try:
        figure = StatisticReported.model_validate(data)
    except ValidationError:
        return None
    said = figure.model_dump(exclude_none=True)
    return identity.in_one_writing({name: _as_in_a_row(one) for name, one in said.items()})


def _as_in_a_row(value: Any) -> Any:
    if isinstance(value, str):
        return composed(value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _enveloped(source: str, id: str, data: bytes) -> bytes:
    """Without a time: when it was said is when it comes."""
    about = orjson.dumps({"specversion": "1.0", "source": source, "type": TYPE, "id": id})
    return about[:-1] + b',"data":' + data + b"}"


def _take(contents: Contents, place: str, event: bytes) -> None:
    """What the event itself shows to be wrong need not be sent to be known."""
    reading = intake.read({"content-type": STRUCTURED}, event, 1)
    contents.ready += (Ready(place, one) for one in reading.reported)
    contents.wrong += (
        Remark(place, Said(one.message_vi, one.message_en), one.pointer[1:] if one.pointer else "")
        for one in reading.errors
    )


def _take_row(contents: Contents, place: str, source: str, id: str, figure: bytes) -> None:
    """A row was read by the schema, and has this source like all others: once that was taken, so is the row."""
    event = _enveloped(source, id, figure)
    if not contents.ready or len(event) > MAX_EVENT_BYTES:
        _take(contents, place, event)
        return
    said = orjson.loads(figure)
    key = f"{said['province']}/{said['kpi']}/{said['org_unit']}"
    contents.ready.append(Ready(place, Reported(source, id, key, event, _STRUCTURED)))


_STRUCTURED = [("content-type", STRUCTURED.encode())]

_NO_SOURCE = Said(
    "Dòng này không ghi nguồn gửi: thêm --source.", "The line does not say which source reports it: add --source."
)


def _repeated(earlier: str) -> Said:
    return Said(
        f"Cùng số liệu với {earlier}, chỉ khác ghi chú, minh chứng hoặc đơn vị tính: xóa một dòng; nếu là hai số phát "
        "sinh, cộng lại thành một.",
        f"The same figure as {earlier}; only its note, evidence or unit of measure is another: delete one; if both "
        "are to be added, write their sum in one line.",
    )


def _reused(earlier: str) -> Said:
    return Said(
        f"id đã có ở {earlier} với nội dung khác: mỗi sự kiện cần một id riêng.",
        f"Its id stands at {earlier} with other content: each event needs an id of its own.",
    )


# parts of it


def chunks(ready: Sequence[Ready], begin: int = 0, *, most: int = AT_ONCE) -> Iterator[Sequence[Ready]]:
    """From number `begin` on, as many together as one request takes, and `most` at most."""
    start, size = begin, 0
    for at in range(begin, len(ready)):
        longer = len(ready[at].event.value) + 1
        if at > start and (at - start == most or size + longer > AT_ONCE_BYTES):
            yield ready[start:at]
            start, size = at, 0
        size += longer
    if start < len(ready):
        yield ready[start:]


# how far it came


@dataclass(slots=True)
class Resume:
    """How many events of a file a destination has acknowledged, kept in a file beside it until all are.

    `turned_away`: those that a gateway did not take, by their number.
    """

    path: Path
    acknowledged: int = 0
    turned_away: dict[int, Said] = field(default_factory=dict)

    @classmethod
    def of(cls, file: Path, body: bytes, asked: Iterable[str | None], events: int) -> "Resume":
        """What an earlier try of so many events left. Another content, destination or way of reading is another try; a
        note that we did not write, or that does not fit, is none."""
        digest = hashlib.sha256(orjson.dumps([*asked]))
        digest.update(body)
        found = cls(file.with_name(f".{file.name}.{digest.hexdigest()[:16]}.sending"))
        with suppress(OSError, ValueError):
            note = _Note.model_validate_json(_ours(found.path), strict=True)
            if note.acknowledged <= events and all(0 <= at < note.acknowledged for at in note.turned_away):
                found.acknowledged = note.acknowledged
                found.turned_away = {at: Said(*why) for at, why in note.turned_away.items()}
        return found

    def forget(self) -> None:
        """Begin from the start."""
        self.acknowledged, self.turned_away = 0, {}

    def reached(self, acknowledged: int, turned_away: Mapping[int, Said]) -> bool:
        """Keep that so many are acknowledged. False where the folder takes no file."""
        self.acknowledged = acknowledged
        self.turned_away.update(turned_away)
        note = _Note(acknowledged=acknowledged, turned_away={at: (*why,) for at, why in self.turned_away.items()})
        try:
            self._fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(self._fresh, _NEW, 0o600), "wb") as file:
                file.write(note.model_dump_json().encode())
            self._fresh.replace(self.path)
        except OSError:
            return False
        return True

    def done(self) -> None:
        """There is nothing left to resume."""
        for one in (self.path, self._fresh):
            with suppress(OSError):
                one.unlink(missing_ok=True)

    @property
    def _fresh(self) -> Path:
        return self.path.with_name(self.path.name + ".new")


class _Note(BaseModel):
    acknowledged: int = Field(ge=0)
    turned_away: dict[int, tuple[str, str]]


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def _ours(path: Path) -> bytes:
    """The content of a file of our own. Raises `OSError` where others may have written it, or the name is a link."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & _OTHERS_WRITE:
            raise PermissionError(path)
        return file.read()


_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


# what became of them


@dataclass(slots=True)
class Outcome:
    """What became of the events of a file, or, in a dry run, would become of them. Those flagged are accepted too."""

    accepted: int = 0
    same: int = 0
    flagged: list[Remark] = field(default_factory=list)
    refused: list[Remark] = field(default_factory=list)
    waiting: list[Ready] = field(default_factory=list)
