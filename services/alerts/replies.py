"""Messages in: what went back to publishers (`statistics.rejected.v1`, `statistics.doubted.v1`) becomes notes.

An answer that is not what the contract says is left out, counted and logged, and holds up nobody: the topic keeps it,
and the publisher reads it there. So is one whose source no publisher has: nobody's contact would be its reader. The
business clock is not moved here; figures do that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import ConsumerRecord

from contracts import envelope
from contracts.base import RawCoordinates
from contracts.catalog import Publisher
from contracts.envelope import Event
from contracts.statistics import Flag, RejectionCode, StatisticDoubted, StatisticRejected
from contracts.topics import STATISTICS_DOUBTED, STATISTICS_REJECTED
from services.alerts import mending
from services.alerts.digest import PublisherKey
from services.alerts.measures import Measures
from services.alerts.notes import Note, NoteKind, plain, sentences
from services.alerts.ports import Catalogs, Notes

log = structlog.get_logger()

_KINDS: Mapping[str, NoteKind] = {
    RejectionCode.SOURCE_PARKED: NoteKind.PARKED,
    RejectionCode.SOURCE_UNPARKED: NoteKind.UNPARKED,
}

LONGEST_ID, LONGEST_WORD = 400, 80
"""Of an answer's id, and of what a publisher calls a KPI, unit or day."""


class ReplyHandler:
    """Handles batches of both topics. Twice equals once: a note has the id of its answer."""

    def __init__(
        self, read: Callable[[ConsumerRecord], Note | None], notes: Notes, catalogs: Catalogs, measures: Measures
    ):
        self._read, self._notes, self._catalogs, self._measures = read, notes, catalogs, measures

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Return when every note is durable."""
        await keep(self._read_all(records), self._notes, self._catalogs, self._measures)

    async def forget(self) -> None:
        """Nothing is held in memory."""

    def _read_all(self, records: Iterable[ConsumerRecord]) -> Iterator[Note]:
        odd: list[str] = []
        for record in records:
            try:
                note = self._read(record)
            except (ValueError, TypeError, ArithmeticError, OSError, RecursionError) as error:
                odd.append(f"{record.topic}/{record.partition}/{record.offset}: {str(error)[:200]}")
                continue
            if note is not None:
                yield note
        if odd:
            self._measures.odd_replies.inc(len(odd))
            log.warning("reply_unreadable", records=len(odd), first=odd[0], remedy="left out; the topic keeps them")


async def keep(said: Iterable[Note], notes: Notes, catalogs: Catalogs, measures: Measures) -> None:
    """Return when the notes are durable, each for the publisher whose source it is about."""
    kept = []
    for note in said:
        found = publisher_of(note.source, catalogs)
        if found is None:
            measures.strangers.inc()
        elif found[1].digest_hours:  # without hours nobody is ever written to
            kept.append(mending.kept(found[0], note, catalogs.of(found[0].province)))
    if kept:
        await notes.put(kept)


def publisher_of(source: str, catalogs: Catalogs) -> tuple[PublisherKey, Publisher] | None:
    """Whose source it is, in whichever province."""
    for province in sorted(catalogs.provinces()):
        catalog = catalogs.of(province)
        publisher = catalog.publishers.by_source(source) if catalog is not None else None
        if publisher is not None:
            return PublisherKey(province, publisher.id), publisher
    return None


def refusal(record: ConsumerRecord) -> Note | None:
    """A record of `statistics.rejected.v1`; None for another kind of event. Raises an error for what is none."""
    event = envelope.read(record.headers, record.value)
    if event.type not in STATISTICS_REJECTED.payloads:
        return None
    told = StatisticRejected.model_validate(event.data)
    codes = tuple(dict.fromkeys(_text(problem.code) for problem in told.problems))
    said, more = sentences([(problem.message_vi, problem.message_en) for problem in told.problems])
    return Note(
        id=_id(event),
        kind=_KINDS.get(codes[0], NoteKind.REFUSED),
        at=_at(record, event),
        source=told.source,
        event=_event(told.id),
        codes=codes[:10],
        said=said,
        more=more,
        kpi=_word(told.original, "kpi"),
        org_unit=_word(told.original, "org_unit"),
        as_of=_word(told.original, "as_of"),
        ends=_parked(told.raw) if codes[0] == RejectionCode.SOURCE_UNPARKED else None,
    )


def doubt(record: ConsumerRecord) -> Note | None:
    """A record of `statistics.doubted.v1`. None and errors as of `refusal`."""
    event = envelope.read(record.headers, record.value)
    if event.type not in STATISTICS_DOUBTED.payloads:
        return None
    told = StatisticDoubted.model_validate(event.data)
    cell = told.kpi, told.org_unit, told.as_of.isoformat()
    return of_flags(_id(event), _at(record, event), (told.source, told.id), told.flags, cell)


def of_flags(id: str, at: datetime, about: tuple[str, str], flags: Sequence[Flag], cell: tuple[str, str, str]) -> Note:
    """The note of doubts about an accepted figure, whoever raised them. `about`: the event's source and id; `cell`: its
    KPI, unit and `as_of`."""
    said, more = sentences([(flag.message_vi, flag.message_en) for flag in flags])
    source, event = about
    kpi, org_unit, as_of = cell
    return Note(
        id=id,
        kind=NoteKind.DOUBTED,
        at=at,
        source=source,
        event=_event(event),
        codes=tuple(dict.fromkeys(_text(flag.code) for flag in flags))[:10],
        said=said,
        more=more,
        kpi=kpi,
        org_unit=org_unit,
        as_of=as_of,
    )


def _parked(raw: RawCoordinates | None) -> str | None:
    """The id of the answer that told of the source when it was parked by this record."""
    return f"parked/{raw.log}/{raw.partition}/{raw.offset}" if raw is not None else None


def _id(event: Event) -> str:
    """Raises ValueError for one that no answer of ours has."""
    if not event.id.isascii() or len(event.id) > LONGEST_ID:
        raise ValueError("no id of ours looks like that")
    return event.id


def _at(record: ConsumerRecord, event: Event) -> datetime:
    """The business time at which it was said."""
    return event.time or datetime.fromtimestamp(max(record.timestamp or 0, 0) / 1000, UTC)


def _event(id: str | None) -> str | None:
    """The event's id, unless no link could name it."""
    try:
        return id if id is not None and id.encode() else None
    except UnicodeEncodeError:
        return None


def _word(original: Any, name: str) -> str | None:
    """What the event was about, as far as its publisher's own words were short ones."""
    word = original.get(name) if isinstance(original, dict) else None
    return _text(word) if isinstance(word, str) and 0 < len(word) <= LONGEST_WORD else None


def _text(text: str) -> str:
    return plain(text[: 4 * LONGEST_WORD])[:LONGEST_WORD] or "–"
