"""A file of figures as events to send, some at a time; how far an earlier try came; what became of them.

The same figure is the same event in whichever file it stands, so that a file may be sent as often as one likes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from contracts import strict_json
from contracts.envelope import STRUCTURED
from contracts.statistics import StatisticReported
from services.gateway import intake
from services.gateway.intake import TYPE, Reported
from services.runtime.sheets import identity
from services.runtime.sheets.cells import letters
from services.runtime.sheets.child import Sheets
from services.runtime.sheets.figures import plain

AT_ONCE = 500
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
    """What is to be said of a place in the file: what is wrong there, or doubtful."""

    place: str
    why: Said


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
                Remark(
                    place if mark.column is None else f"{place}, column {letters(mark.column)}", Said(mark.vi, mark.en)
                )
                for mark in row.marks
            )
        else:
            _take(contents, place, _enveloped(source, row.id, row.figure))
    for table in sheets.tables:
        if table.unread:
            contents.notes.append(f"{table.name}: not read are the columns {', '.join(table.unread)}")
    contents.notes += [f"{name}: no headings of figures, passed over" for name in sheets.passed_over]
    return contents


def of_lines(body: bytes, source: str | None) -> Contents:
    """JSON lines, each an event in structured mode, or the data of one, which are then of this source."""
    contents = Contents()
    first: dict[tuple[str, str], tuple[str, bytes]] = {}
    for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        line, place = line.strip(), f"line {number}"
        if not line:
            continue
        try:
            said = strict_json.loads(line)
        except strict_json.BadJson as error:
            contents.wrong.append(Remark(place, Said(f"Không phải JSON: {error.vi}.", f"No JSON: {error}.")))
            continue
        if not isinstance(said, dict):
            contents.wrong.append(Remark(place, Said("Không phải đối tượng JSON.", "No JSON object.")))
            continue
        whole = "specversion" in said
        if not whole and source is None:
            contents.wrong.append(Remark(place, _NO_SOURCE))
            continue
        id, data = (str(said.get("id")), said.get("data")) if whole else (event_id(said), said)
        identity = str(said.get("source")) if whole else str(source), id
        earlier = first.setdefault(identity, (place, here := _digest(data)))
        if earlier[0] == place:
            _take(contents, place, line if whole else _enveloped(identity[0], id, line))
        elif earlier[1] == here:
            contents.repeated += 1
        else:
            contents.wrong.append(Remark(place, _reused(earlier[0])))
    return contents


def names_its_sources(body: bytes) -> bool:
    """Whether the first JSON line is a whole event, which names its source itself."""
    first = next((line for line in body.split(b"\n") if line.strip()), b"")
    return b'"specversion"' in first


def event_id(data: Mapping[str, Any]) -> str:
    """The id of an event that has none: as of a row with the same content. Of data that break the schema any."""
    try:
        figure = StatisticReported.model_validate({name: one for name, one in data.items() if one is not None})
    except ValidationError:
        return f"import-{_digest(data).hex()[:32]}"
    said = figure.model_dump(exclude_none=True)
    return identity.event_id({name: _as_in_a_row(one) for name, one in said.items()})


def _as_in_a_row(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _digest(data: Any) -> bytes:
    """Of what the data say: 91.30 says what 91.3 says."""
    return hashlib.sha256(json.dumps(data, default=_number, sort_keys=True).encode()).digest()


def _number(value: Decimal) -> list[Any]:
    """One number, one writing, however many digits it has."""
    sign, digits, exponent = value.as_tuple()
    short = "".join(map(str, digits)).rstrip("0")
    return [sign, short, int(exponent) + len(digits) - len(short)]


def _enveloped(source: str, id: str, data: bytes) -> bytes:
    """Without a time: when it was said is when it comes."""
    about = orjson.dumps({"specversion": "1.0", "source": source, "type": TYPE, "id": id})
    return about[:-1] + b',"data":' + data + b"}"


def _take(contents: Contents, place: str, event: bytes) -> None:
    """What the event itself shows to be wrong need not be sent to be known."""
    reading = intake.read({"content-type": STRUCTURED}, event, 1)
    contents.ready += (Ready(place, one) for one in reading.reported)
    contents.wrong += (
        Remark(f"{place}, {one.pointer[1:]}" if one.pointer else place, Said(one.message_vi, one.message_en))
        for one in reading.errors
    )


_NO_SOURCE = Said(
    "Dòng này không ghi nguồn gửi: thêm --source.", "The line does not say which source reports it: add --source."
)


def _reused(earlier: str) -> Said:
    return Said(
        f"id đã có ở {earlier} với nội dung khác: mỗi sự kiện cần một id riêng.",
        f"Its id stands at {earlier} with other content: each event needs an id of its own.",
    )


# parts of it


def chunks(ready: Sequence[Ready], begin: int = 0) -> Iterator[Sequence[Ready]]:
    """From number `begin` on, as many together as one request takes."""
    start, size = begin, 0
    for at in range(begin, len(ready)):
        longer = len(ready[at].event.value) + 1
        if at > start and (at - start == AT_ONCE or size + longer > AT_ONCE_BYTES):
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
    def of(cls, file: Path, body: bytes, asked: Iterable[str | None]) -> "Resume":
        """What an earlier try left. Another content, destination or way of reading is another try."""
        digest = hashlib.sha256(orjson.dumps([*asked]))
        digest.update(body)
        found = cls(file.with_name(f".{file.name}.{digest.hexdigest()[:16]}.sending"))
        with suppress(OSError, ValueError, TypeError, KeyError):
            told = orjson.loads(found.path.read_bytes())
            turned_away = {int(at): Said(*why) for at, why in told["turned_away"].items()}
            found.acknowledged, found.turned_away = int(told["acknowledged"]), turned_away
        return found

    def forget(self) -> None:
        """Begin from the start."""
        self.acknowledged, self.turned_away = 0, {}

    def reached(self, acknowledged: int, turned_away: Mapping[int, Said]) -> bool:
        """Keep that so many are acknowledged. False where the folder takes no file."""
        self.acknowledged = acknowledged
        self.turned_away.update(turned_away)
        told = {"acknowledged": acknowledged, "turned_away": {str(at): [*why] for at, why in self.turned_away.items()}}
        try:
            self._fresh.write_bytes(orjson.dumps(told))
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


# what became of them


@dataclass(slots=True)
class Outcome:
    """What became of the events of a file, or, in a dry run, would become of them. Those flagged are accepted too."""

    accepted: int = 0
    same: int = 0
    flagged: list[Remark] = field(default_factory=list)
    refused: list[Remark] = field(default_factory=list)
    waiting: list[Ready] = field(default_factory=list)
