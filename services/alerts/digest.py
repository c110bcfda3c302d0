"""Letters to publishers: what one owes to a publisher, and the letter of one slot.

A letter is decided from what was gathered and what is awaited; where there is nothing to say there is none. What a
letter said is kept until it is known to have arrived: if that is never known, the next one says it again. Pure.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, NamedTuple

from contracts.catalog import Publisher
from services.alerts.notes import NOTHING, Gathered, Note, gather, joined
from services.alerts.reminding import Awaited, Reminded, remember


class Occasion(StrEnum):
    """Why a publisher is written to."""

    DIGEST = "DIGEST"
    """Something became of its events."""
    REMINDER = "REMINDER"
    """Figures fall due, or are overdue, and nothing else."""


class PublisherKey(NamedTuple):
    """Whom the letters are for. Ids of publishers are unique within a province."""

    province: str
    publisher: str

    @property
    def id(self) -> str:
        """In the store."""
        return "/".join(self)


@dataclass(frozen=True, slots=True)
class Digest:
    """A decided letter: everything that it will say, frozen."""

    key: PublisherKey
    seq: int
    slot: datetime
    at: datetime
    today: date
    """The local day of the slot."""
    name: str
    email: str
    gathered: Gathered
    awaited: tuple[Awaited, ...]
    reply_by: date | None
    message_id: str
    kind: Literal["digest"] = "digest"

    @property
    def row_id(self) -> str:
        """The deduplication key: one letter a publisher and slot."""
        return row_id(self.key, self.slot)

    @property
    def province(self) -> str:
        """Whose catalog names what it is about."""
        return self.key.province

    @property
    def origin(self) -> str:
        """What it was decided from, in the store."""
        return self.key.id

    @property
    def thread_id(self) -> str:
        """Letters to publishers stand by themselves."""
        return self.row_id

    @property
    def after(self) -> str | None:
        """The mail that has to be done before: none, since none is decided while the last is on its way."""
        return None

    @property
    def addressee(self) -> str:
        """Who gets it, for the log."""
        return self.key.publisher

    @property
    def channel(self) -> str:
        """By which it goes."""
        return "email"

    @property
    def reason(self) -> Occasion:
        """Why it is sent."""
        return Occasion.DIGEST if self.gathered else Occasion.REMINDER

    @property
    def ends(self) -> bool:
        """Whether it makes sense only to who was told the beginning."""
        return False

    @property
    def at_least_once(self) -> bool:
        """Not sent again when the relay may have taken it: the next letter says it again."""
        return False


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What one publisher was told and is to be told. `rev` is the store's: what this value was read at."""

    key: PublisherKey
    rev: int = 0
    gathered: Gathered = NOTHING
    """To be told."""
    folded: tuple[str, ...] = ()
    """The notes that were gathered last: known by their ids until they are marked."""
    reminded: Mapping[str, Reminded] = field(default_factory=dict)
    """KPI → what the publisher was told of its figures."""
    slot: datetime | None = None
    """Of the last letter."""
    seq: int = 0
    on_its_way: str | None = None
    """The last letter's row, until it is known what became of it."""
    sent: Gathered = NOTHING
    """What that one said."""
    reminded_before: Mapping[str, Reminded] = field(default_factory=dict)
    """`reminded` before that one."""

    def saved(self) -> "Correspondence":
        """As it is read after it was written."""
        return replace(self, rev=self.rev + 1)


def row_id(key: PublisherKey, slot: datetime) -> str:
    """sha256 of publisher and slot."""
    return hashlib.sha256(f"digest|{key.id}|{slot.isoformat()}".encode()).hexdigest()


def take_in(owed: Correspondence, notes: Iterable[Note]) -> Correspondence:
    """With these notes more."""
    new = tuple(notes)
    return replace(owed, gathered=gather(owed.gathered, new), folded=tuple(note.id for note in new))


def settled(owed: Correspondence, arrived: bool) -> Correspondence:
    """Once it is known what became of the last letter: if that is not that it arrived, it is owed anew."""
    done = replace(owed, on_its_way=None, sent=NOTHING, reminded_before={})
    if arrived:
        return done
    return replace(done, gathered=joined(owed.sent, owed.gathered), reminded=owed.reminded_before)


def write(
    owed: Correspondence,
    publisher: Publisher,
    awaited: tuple[Awaited, ...],
    slot: datetime,
    now: datetime,
    today: date,
    reply_by: date | None,
    host: str,
) -> tuple[Correspondence, Digest | None]:
    """The letter of a slot, if there is anything to say, and what is owed after it. `host` ends the Message-ID."""
    if not owed.gathered and not awaited:
        return owed, None
    row = row_id(owed.key, slot)
    digest = Digest(
        key=owed.key,
        seq=owed.seq + 1,
        slot=slot,
        at=now,
        today=today,
        name=publisher.name_vi,
        email=publisher.contact,
        gathered=owed.gathered,
        awaited=awaited,
        reply_by=reply_by,
        message_id=f"<{row[:32]}@{host}>",
    )
    after = replace(
        owed,
        gathered=NOTHING,
        reminded=remember(owed.reminded, awaited, today),
        slot=slot,
        seq=digest.seq,
        on_its_way=row,
        sent=owed.gathered,
        reminded_before=owed.reminded,
    )
    return after, digest
