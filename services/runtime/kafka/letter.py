"""A dead letter as it is written and read: the publisher's record whole, and what is said about it in headers.

All that we say stands in headers `dlq_*`. A publisher's own headers of such names are kept under `dlq_kept_`, so
nothing that it wrote is lost or taken for ours. A record that is sent again carries one header more, `dlq_replayed`, by
which its next dead letter, if there is one, knows how many there were.

Only what no topic takes even compressed (a bomb) is cut, and says so; the original can be read at its coordinates as
long as its topic keeps it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from aiokafka.codec import zstd_encode

from contracts import envelope
from services.runtime.kafka.place import Place
from services.runtime.kafka.producer import LARGEST_PLAIN_BYTES, LARGEST_PRESSED_BYTES, Verbatim

OURS_PREFIX = "dlq_"
KEPT_PREFIX = "dlq_kept_"
REPLAYED = "dlq_replayed"

_MARK = re.compile(rb"([1-9]\d{0,3})/([^/]{1,200})/(\d{1,10})/(\d{1,19})")
_OWN_HEADERS_BYTES = 8_192

Headers = list[tuple[str, bytes | None]]


class Record(Protocol):
    """What is asked of a Kafka record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said about a record that is quarantined. `source` and `id` are the event's, where they could be read."""

    reason: str
    detail: str
    handler: str
    log: str
    at: datetime
    source: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it lies (`place`), what was found, and the record as its publisher sent it."""

    place: Place
    finding: Finding
    origin: Place
    attempts: int
    """How often the record was quarantined, this time included."""

    cut: str | None
    """What was cut, if the record was larger than any topic takes."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def write(record: Record, found: Finding) -> Verbatim:
    """The record as it goes into the quarantine."""
    attempts = _replayed(record.headers) + 1
    about = {
        "dlq_reason": found.reason,
        "dlq_detail": found.detail[:500],
        "dlq_handler": found.handler,
        "dlq_log": found.log,
        "dlq_topic": record.topic,
        "dlq_partition": str(record.partition),
        "dlq_offset": str(record.offset),
        "dlq_timestamp": str(record.timestamp),
        "dlq_at": found.at.isoformat(),
        "dlq_attempts": str(attempts),
    }
    for name, text in (("dlq_source", found.source), ("dlq_id", found.id)):
        if text is not None:
            about[name] = text[:1_024]
    if record.key is None:
        about["dlq_key"] = "null"
    if record.value is None:
        about["dlq_value"] = "null"
    kept = _kept(record.headers)
    key, value = record.key or b"", record.value or b""
    if not fits(key, value, kept):
        about["dlq_cut"] = f"key {len(key)}, value {len(value)}, headers {_size(kept)} bytes: see the original"
        kept = [(name, text) for name, text in kept if name.startswith("ce_") and len(text or b"") < 4_096][:32]
        key, value = key[:4_096], value[: LARGEST_PLAIN_BYTES - _OWN_HEADERS_BYTES - _size(kept) - 4_096]
    added: Headers = [(name, text.encode("utf-8", "backslashreplace")) for name, text in about.items()]
    return Verbatim(key=key, value=value, headers=[*kept, *added])


def fits(key: bytes, value: bytes, headers: Headers) -> bool:
    """Whether a quarantine takes the record whole, compressed if need be."""
    room, size = LARGEST_PLAIN_BYTES - _OWN_HEADERS_BYTES, len(key) + len(value) + _size(headers)
    if size <= room:
        return True
    if size > LARGEST_PRESSED_BYTES:
        return False
    whole = b"".join((key, value, *(text or b"" for _, text in headers)))
    return len(zstd_encode(whole)) + sum(len(name) + 10 for name, _ in headers) <= room


def read(record: Record, log: str) -> Letter:
    """A record of a quarantine whose log is `log`. What an older release did not say is empty."""
    said = {name: (text or b"").decode("utf-8", "replace") for name, text in record.headers if _is_ours(name)}
    finding = Finding(
        reason=said.get("dlq_reason", ""),
        detail=said.get("dlq_detail", ""),
        handler=said.get("dlq_handler", ""),
        log=said.get("dlq_log", ""),
        at=_moment(said.get("dlq_at", ""), record.timestamp),
        source=said.get("dlq_source") or envelope.header(record.headers, "ce_source"),
        id=said.get("dlq_id") or envelope.header(record.headers, "ce_id"),
    )
    topic = said.get("dlq_topic") or record.topic.removesuffix(".dlq")
    origin = Place(finding.log, topic, _number(said, "dlq_partition"), _number(said, "dlq_offset"))
    return Letter(
        place=Place(log, record.topic, record.partition, record.offset),
        finding=finding,
        origin=origin,
        attempts=max(1, _number(said, "dlq_attempts")),
        cut=said.get("dlq_cut"),
        key=None if "dlq_key" in said else record.key,
        value=None if "dlq_value" in said else record.value,
        headers=[(name.removeprefix(KEPT_PREFIX), text) for name, text in record.headers if not _is_ours(name)],
    )


def again(letter: Letter, original: Record | None = None) -> Verbatim:
    """The record as its publisher sent it, to its partition, with the one header that says where it comes from.

    `original`: the record itself, where the letter was cut.
    """
    place = letter.place
    mark = REPLAYED, f"{letter.attempts}/{place.log}/{place.partition}/{place.offset}".encode()
    if original is None:
        return Verbatim(letter.key, letter.value, [*letter.headers, mark], letter.origin.partition)
    theirs = [header for header in original.headers if not _is_mark(*header)]
    return Verbatim(original.key, original.value, [*theirs, mark], original.partition)


def _kept(headers: Sequence[tuple[str, bytes | None]]) -> Headers:
    """The publisher's headers, none of which can be taken for ours."""
    theirs = [header for header in headers if not _is_mark(*header)]
    return [(KEPT_PREFIX + name if name.startswith(OURS_PREFIX) else name, text) for name, text in theirs]


def _is_ours(name: str) -> bool:
    return name.startswith(OURS_PREFIX) and not name.startswith(KEPT_PREFIX)


def _is_mark(name: str, text: bytes | None) -> bool:
    return name == REPLAYED and _MARK.fullmatch(text or b"") is not None


def _replayed(headers: Sequence[tuple[str, bytes | None]]) -> int:
    """How often the record had been quarantined before it was sent again; 0 for one that just came."""
    for name, text in reversed(headers):
        found = _MARK.fullmatch(text or b"") if name == REPLAYED else None
        if found is not None:
            return int(found[1])
    return 0


def _number(said: dict[str, str], name: str) -> int:
    text = said.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _moment(text: str, milliseconds: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(max(0, milliseconds) / 1000, UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _size(headers: Headers) -> int:
    return sum(len(name.encode()) + len(text or b"") + 10 for name, text in headers)
