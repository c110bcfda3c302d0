"""What the ledger says to an event: new, the same record again, the publisher's duplicate, or another content.

Pure. An identity `(source, id)` belongs to the first event that was accepted under it; a refused one claims nothing.
"""

from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

import orjson

from services.ingest.normalise import Raw


class Entry(NamedTuple):
    """One accepted event. `payload` are the bytes of its observation as they were published, `key` their key; `subject`
    is the unit and day that it is about, empty in entries of older releases."""

    observation_id: str
    source: str
    source_id: str
    raw: Raw
    digest: bytes
    key: str
    payload: bytes
    received_at: datetime
    catalog_version: str
    subject: str = ""


class Reuse(NamedTuple):
    """Another content under an identity that was taken."""

    observation_id: str
    source: str
    source_id: str
    raw: Raw
    value: bytes
    seen_at: datetime


class Standing(Enum):
    """How an event stands to the entry under its identity."""

    REDELIVERED = "redelivered"
    """The very record: the observation is published again, since a crash may have come before the first time."""

    DUPLICATE = "duplicate"
    """The publisher sent the same content twice: dropped and counted."""

    REUSED = "reused"
    """Another content under a taken identity: kept as evidence, counted, reported back, never applied."""


def stands(entry: Entry, raw: Raw, digest: bytes, sound: Entry | None = None) -> Standing:
    """How the event at `raw`, with data of this digest, stands to the entry under its identity. `sound`: as it would be
    entered, if it passed the checks."""
    if entry.raw == raw:
        return Standing.REDELIVERED
    same = entry.digest == digest or (sound is not None and same_figure(entry, sound))
    return Standing.DUPLICATE if same else Standing.REUSED


def same_figure(entry: Entry, other: Entry) -> bool:
    """Whether two rows of spreadsheets under one id say the same figure. That id is made of the figure alone: with
    another note it is no other event, and the note that came first stays."""
    return other.source_id.startswith(ROW) and _figure(entry) == _figure(other)


def remarks(entry: Entry) -> dict[str, str]:
    """Note and evidence."""
    said = orjson.loads(entry.payload)
    return {name: said[name] for name in REMARKS if name in said}


def _figure(entry: Entry) -> dict[str, Any]:
    said: dict[str, Any] = orjson.loads(entry.payload)
    return {name: value for name, value in said.items() if name not in _BESIDE}


ROW = "import-"
"""How the id of a spreadsheet's row begins, and of a JSON line that had none."""

REMARKS = ("note", "evidence")

_BESIDE = frozenset({*REMARKS, "raw", "reported_at", "received_at", "catalog_version", "publisher", "flags"})
"""What an observation says beside its figure."""


def was_free(entry: Entry | None, raw: Raw) -> bool:
    """Whether the identity was still free when the record at `raw` was first read.

    An event that was refused, then mended and accepted under its id, is refused for the same reasons when it is read
    again, and not for having come under an identity that was taken only afterwards.
    """
    return entry is None or (entry.raw[:3] == raw[:3] and raw.offset < entry.raw.offset)
