"""When a source is parked: its publisher keeps sending what cannot be read, so its events go to the quarantine at once
and cost the others nothing, until somebody has looked. Pure.

Counted are only sources in trouble: from the first record that could not be read until a window of readable ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import NamedTuple

from services.ingest.normalise import Raw

IN_A_ROW = 50
WINDOW = 1_000
SHARE = 0.10


class Reading(Enum):
    """How a record of a source was to read."""

    READABLE = "readable"
    UNREADABLE = "unreadable"
    NEITHER = "neither"
    """Not counted: a tombstone, another's event, a fault of ours."""


class Cause(StrEnum):
    """Why a source is parked."""

    ROW = "row"
    """So many unreadable records in a row."""

    SHARE = "share"
    """So many of its latest records were unreadable."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is remembered of a source that sent something unreadable: how many records since, in the numbering of these
    the unreadable ones, and how many of them were the last in a row."""

    seen: int = 0
    unreadable: tuple[int, ...] = ()
    row: int = 0

    def after(self, reading: Reading) -> "Trouble":
        """With one record more."""
        if reading is Reading.NEITHER:
            return self
        seen, oldest = self.seen + 1, self.seen + 1 - WINDOW
        recent = self.unreadable
        if recent and recent[0] <= oldest:
            recent = tuple(number for number in recent if number > oldest)
        if reading is Reading.UNREADABLE:
            return Trouble(seen, (*recent, seen), self.row + 1)
        return replace(self, seen=seen, unreadable=recent, row=0)

    @property
    def over(self) -> bool:
        """Whether a whole window was readable."""
        return not self.unreadable

    def why_park(self) -> Cause | None:
        """Why the source is to be parked now, or None."""
        if self.row >= IN_A_ROW:
            return Cause.ROW
        return Cause.SHARE if len(self.unreadable) > SHARE * WINDOW else None


class Parked(NamedTuple):
    """A source that is parked by the record of this index."""

    source: str
    at: int
    cause: Cause
    unreadable: int
    """How many records: in a row, or of the latest `WINDOW`."""


class ParkedSource(NamedTuple):
    """A source as it stands parked. `raw` and `value` are those of the record that parked it, the value cut to what a
    refusal repeats.

    `since` is real time, `at` business time. `told`: the refusal that says so was published.
    """

    source: str
    cause: str
    unreadable: int
    raw: Raw
    value: bytes
    since: datetime
    at: datetime
    told: bool = False


class Walked(NamedTuple):
    """What the records of a batch lead to."""

    aside: frozenset[int]
    """The indexes of the records whose source was parked when they came."""

    parked: tuple[Parked, ...]
    troubles: dict[str, Trouble]


REASON = "parked"
"""The reason of what is quarantined because its source is parked."""

CALM = Walked(frozenset(), (), {})
"""No source is in trouble."""


def walk(
    records: Iterable[tuple[str | None, Reading]], parked: frozenset[str], troubles: Mapping[str, Trouble]
) -> Walked:
    """Go through a batch in the order of its records: source, if a publisher is registered under it, and reading."""
    standing, found = set(parked), dict(troubles)
    aside, newly = [], []
    for index, (source, reading) in enumerate(records):
        if source is None:
            continue
        if source in standing:
            aside.append(index)
            found.pop(source, None)
            continue
        if source not in found and reading is not Reading.UNREADABLE:
            continue
        trouble = found[source] = found.get(source, Trouble()).after(reading)
        cause = trouble.why_park()
        if cause is not None:
            count = trouble.row if cause is Cause.ROW else len(trouble.unreadable)
            newly.append(Parked(source, index, cause, count))
            standing.add(source)
        if cause is not None or trouble.over:
            del found[source]
    return Walked(frozenset(aside), tuple(newly), found)
