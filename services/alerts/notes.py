"""What a publisher is to be told about its events: refused, doubted, or its source parked or read again. Pure.

Each is one note. Whatever their number, what is gathered of them stays small: the latter ones are only counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class NoteKind(StrEnum):
    """What happened."""

    PARKED = "parked"
    UNPARKED = "unparked"
    """The end of it, of which only those are told who were told the beginning."""
    REFUSED = "refused"
    DOUBTED = "doubted"


MOST: Mapping[NoteKind, int] = {
    NoteKind.PARKED: 5,
    NoteKind.UNPARKED: 5,
    NoteKind.REFUSED: 20,
    NoteKind.DOUBTED: 10,
}
"""How many of each are kept to be told one by one."""

MOST_OF_A_CODE = 8
"""How many of one code, so that a flood of one leaves room for the others."""

MOST_SENTENCES = 2
LONGEST_SENTENCE = 400


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is the matter, in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Note:
    """One answer of the system to one event. `id` is the answer's own, so that a redelivery is the same note."""

    id: str
    kind: NoteKind
    at: datetime
    """The business time at which it was said."""
    source: str
    event: str | None
    """The event's id, where it was readable."""
    codes: tuple[str, ...]
    """It is counted under the first."""
    said: tuple[Sentence, ...]
    more: int = 0
    """Sentences that were left out."""
    kpi: str | None = None
    org_unit: str | None = None
    as_of: str | None = None
    times: int = 1
    """How often the same event was turned away for the same reasons."""
    ends: str | None = None
    """The note that no longer holds since this one was said."""

    def repeats(self, other: "Note") -> bool:
        """Whether both are about one event, for the same reasons."""
        about = (self.kind, self.source, self.event, self.codes)
        return self.event is not None and about == (other.kind, other.source, other.event, other.codes)

    def adds_to(self, other: "Note") -> bool:
        """Whether both doubt one figure: the event alone raises some doubts, other figures the others."""
        doubted = self.kind is other.kind is NoteKind.DOUBTED
        return doubted and self.event is not None and (self.source, self.event) == (other.source, other.event)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Notes counted by kind and code, the first of them with all that they say. `again`: some were in a letter that may
    not have arrived."""

    counts: Mapping[NoteKind, Mapping[str, int]] = field(default_factory=dict)
    first: tuple[Note, ...] = ()
    again: bool = False

    def total(self, kind: NoteKind) -> int:
        """How many notes of this kind there are."""
        return sum(self.counts.get(kind, {}).values())

    def of(self, kind: NoteKind) -> tuple[Note, ...]:
        """Those of this kind that are told one by one."""
        return tuple(note for note in self.first if note.kind is kind)

    def __bool__(self) -> bool:
        return bool(self.counts)


NOTHING = Gathered()


def gather(before: Gathered, notes: Iterable[Note]) -> Gathered:
    """What is to be told with these notes more."""
    counts = {kind: dict(of) for kind, of in before.counts.items()}
    first = list(before.first)
    # What was said at one moment: the ends after what they end, as their ids are sorted.
    for note in sorted(notes, key=lambda note: (note.at, note.id)):
        if _ended(first, counts, note) and not before.again:
            continue  # nobody was told the beginning
        if _keep(first, note):
            of_kind = counts.setdefault(note.kind, {})
            of_kind[note.codes[0]] = of_kind.get(note.codes[0], 0) + note.times
    return replace(before, counts=counts, first=tuple(first))


def joined(former: Gathered, later: Gathered) -> Gathered:
    """What was told before, and is to be told again, together with what came since."""
    if not former:
        return later
    counts = {kind: dict(of) for kind, of in former.counts.items()}
    for kind, of in later.counts.items():
        mine = counts.setdefault(kind, {})
        for code, count in of.items():
            mine[code] = mine.get(code, 0) + count
    first = list(former.first)
    for note in later.first:
        _ended(first, counts, note)
        if not _keep(first, note):
            _discount(counts, note)
    return Gathered(counts, tuple(first), again=True)


def _ended(first: list[Note], counts: dict[NoteKind, dict[str, int]], by: Note) -> bool:
    """Take out what no longer holds since this was said; whether there was such a note."""
    ended = next((note for note in first if note.id == by.ends), None)
    if ended is None:
        return False
    first.remove(ended)
    _discount(counts, ended)
    return True


def _discount(counts: dict[NoteKind, dict[str, int]], note: Note) -> None:
    """Count the note no more."""
    of_kind = counts[note.kind]
    of_kind[note.codes[0]] -= note.times
    if not of_kind[note.codes[0]]:
        del of_kind[note.codes[0]]
    if not of_kind:
        del counts[note.kind]


def _keep(first: list[Note], note: Note) -> bool:
    """Keep the note, unless it is said already or there are enough of its like; whether it counts by itself."""
    for index, known in enumerate(first):
        if note.repeats(known):
            first[index] = replace(known, times=known.times + note.times, at=max(known.at, note.at))
            return True
        if note.adds_to(known):
            first[index] = _together(known, note)
            return False
    alike = [known for known in first if known.kind is note.kind]
    of_code = sum(known.codes[0] == note.codes[0] for known in alike)
    if len(alike) < MOST[note.kind] and of_code < MOST_OF_A_CODE:
        first.append(note)
    return True


def _together(known: Note, note: Note) -> Note:
    """One note of all that is doubted about a figure, each doubt once."""
    said = tuple(dict.fromkeys((*known.said, *note.said)))
    kept = said[: 2 * MOST_SENTENCES]
    return replace(
        known,
        codes=tuple(dict.fromkeys((*known.codes, *note.codes))),
        said=kept,
        more=known.more + note.more + len(said) - len(kept),
        at=max(known.at, note.at),
    )


def sentences(said: Sequence[tuple[str, str]]) -> tuple[tuple[Sentence, ...], int]:
    """The first few of these sentences, each of bearable length, and how many were left out."""
    kept = tuple(Sentence(_cut(vi), _cut(en)) for vi, en in said[:MOST_SENTENCES])
    return kept, len(said) - len(kept)


def plain(text: str) -> str:
    """The text on one line, without what is not to be seen: a publisher's own words stand in these letters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _cut(text: str) -> str:
    text = plain(text[: 2 * LONGEST_SENTENCE])
    return text if len(text) <= LONGEST_SENTENCE else text[: LONGEST_SENTENCE - 1].rstrip() + "…"
