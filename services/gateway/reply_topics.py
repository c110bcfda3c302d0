"""What the gateway hears of answers to publishers: `statistics.rejected.v1`, `statistics.doubted.v1`, the quarantine.

A record that is not what the contract says is left out, counted and logged, and holds up nobody: no figure depends on
these notes, and the topic keeps it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from aiokafka import ConsumerRecord
from prometheus_client import Counter

from contracts import envelope
from contracts.base import RawCoordinates
from contracts.envelope import Event, NotAnEvent
from contracts.observations import observation_id
from contracts.statistics import MAX_EVENT_BYTES, RejectionCode, StatisticDoubted, StatisticRejected
from contracts.topics import STATISTICS_DOUBTED, STATISTICS_REJECTED, STATISTICS_REPORTED
from services.gateway.documents import SCHEMA, Document
from services.gateway.handlers import instant_of
from services.runtime.clock import EXTENSION, Clock

log = structlog.get_logger()

Put = Callable[[Sequence[Document]], Awaitable[None]]
Reader = Callable[[ConsumerRecord], Document | None]

REFUSED, QUARANTINED = "refused", "quarantined"

_MOST_PROBLEMS = 50
_LONGEST = 2_048
_LONGEST_ID = 400
_LONGEST_SOURCE = 1_024
"""Quarantines cut what is as long or longer."""
_LONGEST_WORD = 80


class ReplyTopic:
    """Follows one of the topics: one document a record, one bulk write a batch.

    `clock`: moved on by the records; none where the headers are a publisher's own, who must not set our clock.
    """

    def __init__(self, read: Reader, put: Put, clock: Clock | None, unreadable: Counter) -> None:
        self._read, self._put, self._clock, self._unreadable = read, put, clock, unreadable

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        documents: dict[str, Document] = {}
        odd: list[str] = []
        kept_at = datetime.now(UTC)
        for record in records:
            if self._clock is not None:
                self._clock.observe(instant_of(envelope.header(record.headers, f"ce_{EXTENSION}")))
            try:
                document = self._read(record)
            except (ValueError, TypeError, ArithmeticError, OSError, RecursionError) as error:
                odd.append(f"{record.topic}/{record.partition}/{record.offset}: {str(error)[:200]}")
                continue
            if document is not None and not (document["_id"].isascii() and len(document["_id"]) <= _LONGEST_ID):
                odd.append(f"{record.topic}/{record.partition}/{record.offset}: no id of ours looks like that")
            elif document is not None:
                documents.setdefault(document["_id"], {**document, "schema": SCHEMA, "kept_at": kept_at})
        if documents:
            await self._put(list(documents.values()))
        if odd:
            self._unreadable.inc(len(odd))
            log.warning("reply_unreadable", records=len(odd), first=odd[0], remedy="left out; the topic keeps them")

    async def forget(self) -> None:
        """Nothing is held in memory."""


def refusal(record: ConsumerRecord) -> Document | None:
    """A record of `statistics.rejected.v1`; None for what turns no event away. Raises an error for what is none."""
    event = envelope.read(record.headers, record.value)
    if event.type not in STATISTICS_REJECTED.payloads:
        return None
    told = StatisticRejected.model_validate(event.data)
    if told.problems[0].code == RejectionCode.SOURCE_UNPARKED:
        return None
    problems = told.problems[:_MOST_PROBLEMS]
    return {
        "_id": event.id,
        **_whose(told.source, told.id),
        **_when(record, event.time),
        "how": REFUSED,
        "place": _place(event.id, told.raw),
        "codes": sorted({_text(one.code) for one in problems}),
        "about": _about(told.original),
        "first": [_text(problems[0].message_vi), _text(problems[0].message_en)],
        "said": orjson.dumps([one.model_dump(mode="json") for one in problems]),
    }


def doubt(record: ConsumerRecord) -> Document | None:
    """A record of `statistics.doubted.v1`. Raises like `refusal`."""
    event = envelope.read(record.headers, record.value)
    if event.type not in STATISTICS_DOUBTED.payloads:
        return None
    told = StatisticDoubted.model_validate(event.data)
    return {
        "_id": event.id,
        **_whose(told.source, told.id),
        **_when(record, event.time),
        "codes": [_text(one.code) for one in told.flags],
        "first": [_text(told.flags[0].message_vi), _text(told.flags[0].message_en)],
        "said": orjson.dumps([one.model_dump(mode="json") for one in told.flags]),
    }


def dead_letter(record: ConsumerRecord) -> Document | None:
    """A record of the quarantine; None where nobody can tell whose it is. Raises like `refusal`."""
    about = {name: envelope.header(record.headers, f"dlq_{name}") for name in _ABOUT_DEAD_LETTERS}
    topic, partition, offset, since, reason = (about[name] for name in _ABOUT_DEAD_LETTERS[:5])
    if topic is None or partition is None or offset is None or reason is None:
        raise ValueError("a dead letter without its coordinates or reason")
    # What was too long to be parsed at the door is not parsed here either; its headers name it in binary mode.
    value = record.value if record.value is None or len(record.value) <= MAX_EVENT_BYTES else b"{}"
    event: Event | NotAnEvent
    try:
        event = envelope.read(record.headers, value)
    except NotAnEvent as error:
        event = error
    told = about["source"]  # the one that answers for it, which need not be the one that stands in it
    source = told if told is not None and len(told) < _LONGEST_SOURCE else event.source
    if source is None:
        return None
    place = f"{topic}/{partition}/{offset}"
    return {
        "_id": f"{place}@{since}",
        **_whose(source, event.id),
        **_when(record, instant_of(about["at"])),
        "how": QUARANTINED,
        "place": place,
        "reason": _text(reason),
        "detail": _text(about["detail"] or ""),
        "codes": [_text(reason)],
        "about": _about(event.data if isinstance(event, Event) else None),
        "first": None,
        "said": b"[]",
    }


_ABOUT_DEAD_LETTERS = ("topic", "partition", "offset", "timestamp", "reason", "detail", "at", "source")


def _whose(source: str, id: str | None) -> Document:
    """Raises ValueError for text that no JSON of ours holds."""
    identity = None if id is None else observation_id(source, id)
    source.encode()
    return {"source": source, "source_id": id, "identity": identity}


def _when(record: ConsumerRecord, told_at: datetime | None) -> Document:
    at = datetime.fromtimestamp(max(record.timestamp or 0, 0) / 1000, UTC)
    return {"at": at, "told_at": told_at or at}


def _place(id: str, raw: RawCoordinates | None) -> str | None:
    """Where the original stands. Older releases said it in the id of a rejection only: `log/partition/offset`."""
    if raw is not None:
        return f"{raw.topic}/{raw.partition}/{raw.offset}"
    _, *where = id.rsplit("/", 2)
    return "/".join((STATISTICS_REPORTED.name, *where)) if all(one.isdecimal() for one in where) and where else None


def _about(data: Any) -> dict[str, str]:
    """What the event was about, as far as its publisher's own words were short ones."""
    if not isinstance(data, dict):
        return {}
    words = ((name, data.get(name)) for name in ("kpi", "org_unit", "as_of"))
    return {name: _text(word) for name, word in words if isinstance(word, str) and len(word) <= _LONGEST_WORD}


def _text(text: str) -> str:
    return text[:_LONGEST].encode(errors="replace").decode()
