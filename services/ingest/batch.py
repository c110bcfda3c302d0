"""The decisions about one batch, without a store or a broker: what each record is, and what becomes of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import localcontext
from typing import NamedTuple, Protocol

from contracts.envelope import Event, Headers
from contracts.observations import observation_id
from contracts.statistics import Flag, Problem
from contracts.topics import STATISTICS_REPORTED
from services.ingest import answers, contract, decide
from services.ingest.answers import Message, Refusal
from services.ingest.binding import Binding
from services.ingest.contract import Malformed, Unreadable
from services.ingest.decide import Entry, Reuse, Standing
from services.ingest.desk import Desks, Passed
from services.ingest.logs import Logs
from services.ingest.normalise import Raw, observe
from services.ingest.numbers import WIDE
from services.ingest.parking import Reading
from services.ingest.tally import Tally
from services.runtime.sameness import digest_of

_FOR_ALL = STATISTICS_REPORTED.name


class Record(Protocol):
    """What is asked of a Kafka record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes | None
    headers: Headers


class Sound(NamedTuple):
    """An event that passed every check: it claims its identity."""

    record: Record
    event: Event
    entry: Entry
    flags: tuple[Flag, ...]
    message: Message


class Unsound(NamedTuple):
    """An event with problems. It may yet be the redelivery of one that was accepted under another catalog."""

    record: Record
    event: Event
    raw: Raw
    identity: str
    digest: bytes
    reported_at: datetime
    problems: tuple[Problem, ...]
    stray: bool = False
    """It came over the topic of a publisher whose source it is not; `event` names that one's, `identity` is as told."""


class Dead(NamedTuple):
    """A record for the quarantine."""

    record: Record
    raw: Raw
    why: Unreadable
    reported_at: datetime


Read = Sound | Unsound | Dead


class Aside(NamedTuple):
    """A record whose source is parked: for the quarantine, unless its event was accepted before."""

    one: Read


Examined = Read | Aside


@dataclass(frozen=True, slots=True)
class Examiner:
    """Reads records and holds them against the catalogs.

    `moving`: the business clock moves with the data, so each sound event moves the `now` of those behind it.
    """

    desks: Desks
    logs: Logs
    max_bytes: int
    moving: bool

    def examine(self, records: Iterable[Record], now: datetime) -> list[Read]:
        """Each record once, in order. Whatever goes wrong with one is its own dead letter, and concerns no other.

        The logs of their topics were met before.
        """
        found: list[Read] = []
        with localcontext(WIDE):
            for record in records:
                try:
                    one = self._one(record, now)
                except Exception as error:
                    one = Dead(record, self._raw(record), contract.failed(error), now)
                if self.moving and isinstance(one, Sound):
                    now = one.entry.received_at
                found.append(one)
        return found

    def _raw(self, record: Record) -> Raw:
        return Raw(self.logs[record.topic], record.topic, record.partition, record.offset)

    def _one(self, record: Record, now: datetime) -> Read:
        raw = self._raw(record)
        reading = contract.read(record.headers, record.value, self.max_bytes)
        bound = None if record.topic == _FOR_ALL else self.desks.bound(record.topic)
        if isinstance(reading, Unreadable):
            if bound is not None:
                reading = replace(reading, source=bound.answering(reading.source))
            return Dead(record, raw, reading, reading.time or contract.moment(record.timestamp, now))
        event = reading.event
        reported_at = event.time or contract.moment(record.timestamp, now)
        digest = digest_of(event.data, record.value or b"")
        if bound is not None and event.source not in bound.sources:
            return self._stray(record, event, raw, digest, reported_at, bound)
        if isinstance(reading, Malformed):
            problems = (*reading.problems, *self._beside(reading, bound, reported_at, now))
            return self._unsound(record, event, raw, digest, reported_at, problems)
        elsewhere = None if bound is None else bound.elsewhere(reading.figure.province)
        if elsewhere is not None:
            return self._unsound(record, event, raw, digest, reported_at, (elsewhere,))
        then = max(now, event.time) if self.moving and event.time is not None else now
        verdict = self.desks.examine(event, reading.figure, reported_at, now, then)
        if not isinstance(verdict, Passed):
            return self._unsound(record, event, raw, digest, reported_at, verdict)
        identity, key, payload, subject = observe(event, verdict, raw, reported_at, then)
        version = verdict.case.catalog.version
        entry = Entry(identity, event.source, event.id, raw, digest, key, payload, then, version, subject)
        message = answers.observation_message(
            entry, stamped=self.moving, traceparent=event.extensions.get("traceparent")
        )
        return Sound(record, event, entry, verdict.flags, message)

    def _beside(
        self, reading: Malformed, bound: Binding | None, reported_at: datetime, now: datetime
    ) -> tuple[Problem, ...]:
        """What is wrong with the rest of a figure that breaks the contract, so that all can be mended at once."""
        rest = reading.rest(reported_at.date())
        if rest is None or (bound is not None and bound.elsewhere(rest.figure.province) is not None):
            return ()
        verdict = self.desks.examine(reading.event, rest.figure, reported_at, now, now)
        return () if isinstance(verdict, Passed) else rest.theirs(verdict)

    def _unsound(
        self,
        record: Record,
        event: Event,
        raw: Raw,
        digest: bytes,
        reported_at: datetime,
        problems: tuple[Problem, ...],
    ) -> Unsound:
        identity = observation_id(event.source, event.id)
        return Unsound(record, event, raw, identity, digest, reported_at, problems)

    def _stray(
        self, record: Record, event: Event, raw: Raw, digest: bytes, reported_at: datetime, bound: Binding
    ) -> Unsound:
        identity, problems = observation_id(event.source, event.id), (bound.not_theirs(event.source),)
        told = event._replace(source=bound.answers)
        return Unsound(record, told, raw, identity, digest, reported_at, problems, stray=True)


def source_of(one: Read) -> str | None:
    """The source of a record, where it can be read."""
    return one.why.source if isinstance(one, Dead) else one.event.source


def raw_of(one: Read) -> Raw:
    """The coordinates of a record."""
    return one.entry.raw if isinstance(one, Sound) else one.raw


def reading_of(one: Read) -> Reading:
    """How the record was to read."""
    if not isinstance(one, Dead):
        return Reading.READABLE
    return Reading.NEITHER if one.why.harmless or one.why.error is not None else Reading.UNREADABLE


def set_aside(examined: Sequence[Read], indexes: Collection[int]) -> Sequence[Examined]:
    """The batch with the records of these indexes set aside."""
    if not indexes:
        return examined
    return [Aside(one) if index in indexes else one for index, one in enumerate(examined)]


def claims(examined: Sequence[Examined]) -> dict[str, Entry]:
    """The entries to be written: for each identity the first sound event under it."""
    first: dict[str, Entry] = {}
    for one in examined:
        if isinstance(one, Sound):
            first.setdefault(one.entry.observation_id, one.entry)
    return first


def asked_for(examined: Sequence[Examined], claimed: Mapping[str, Entry]) -> list[str]:
    """Identities of unsound events, and of those set aside, that nobody in the batch claims: what stands there must be
    looked up."""
    asked = (_asked_for(one) for one in examined if not isinstance(one, Sound))
    return list(dict.fromkeys(identity for identity in asked if identity is not None and identity not in claimed))


def _asked_for(one: Examined) -> str | None:
    if isinstance(one, Aside):
        one = one.one
    if isinstance(one, Dead):
        return None
    return one.entry.observation_id if isinstance(one, Sound) else one.identity


class ToRefuse(NamedTuple):
    """A rejection on its way; `identity` gives it a trace where the event brings none."""

    raw: Raw
    refusal: Refusal
    identity: str


@dataclass(slots=True)
class Outcome:
    """What is to be done about a batch, in the order of its records. `moved_to` is the latest event time accepted.

    `stamped`: messages carry the business time.
    """

    stamped: bool
    observations: list[Message] = field(default_factory=list)
    refusals: list[ToRefuse] = field(default_factory=list)
    reuses: list[Reuse] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    aside: list[Read] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    moved_to: datetime | None = None

    def publish(self, message: Message, event: Event) -> None:
        """The event stands accepted: its observation goes out, and the clock may move to it."""
        self.observations.append(message)
        if event.time is not None and (self.moved_to is None or event.time > self.moved_to):
            self.moved_to = event.time

    def refuse(
        self, record: Record, event: Event, raw: Raw, reported_at: datetime, problems: tuple[Problem, ...]
    ) -> None:
        """The event is not taken, and its publisher is told."""
        refusal = Refusal(
            event.source,
            event.id,
            reported_at,
            problems,
            event.data,
            record.value or b"",
            event.extensions.get("traceparent"),
        )
        self.refusals.append(ToRefuse(raw, refusal, observation_id(event.source, event.id)))
        self.tally.refuse(problem.code for problem in problems)


def settle(examined: Sequence[Examined], standing: Mapping[str, Entry], now: datetime, *, stamped: bool) -> Outcome:
    """What becomes of each record, given the entries that stand in the ledger now, those just claimed included."""
    outcome = Outcome(stamped)
    for one in examined:
        if isinstance(one, Sound):
            _settle_sound(outcome, one, standing[one.entry.observation_id], now)
        elif isinstance(one, Unsound):
            _settle_unsound(outcome, one, standing.get(one.identity), now)
        elif isinstance(one, Aside):
            _settle_aside(outcome, one.one, standing.get(_asked_for(one) or ""), now)
        else:
            _settle_dead(outcome, one)
    return outcome


def _settle_sound(outcome: Outcome, one: Sound, entry: Entry, now: datetime) -> None:
    if entry is one.entry:
        outcome.tally.accepted += 1
        if one.flags:
            outcome.tally.flagged.update(flag.code for flag in one.flags)
        outcome.publish(one.message, one.event)
        return
    reported_at = one.event.time or contract.moment(one.record.timestamp, now)
    unsound = Unsound(one.record, one.event, one.entry.raw, entry.observation_id, one.entry.digest, reported_at, ())
    _repeat(outcome, unsound, entry, now, one.entry)


def _settle_unsound(outcome: Outcome, one: Unsound, entry: Entry | None, now: datetime) -> None:
    if entry is not None and _is_taken(entry, one):
        _repeat(outcome, one, entry, now)
    else:
        outcome.refuse(one.record, one.event, one.raw, one.reported_at, one.problems)


def _is_taken(entry: Entry, one: Unsound) -> bool:
    """Whether the entry under its identity says what becomes of it. To a stray event it is another's, unless the very
    record was accepted when its source was still its publisher's."""
    if one.stray:
        return entry.raw == one.raw
    return not decide.was_free(entry, one.raw)


def _settle_aside(outcome: Outcome, one: Read, entry: Entry | None, now: datetime) -> None:
    """What was accepted before its source was parked stays accepted; everything else waits in the quarantine."""
    if isinstance(one, Sound) and entry is not None:
        _settle_sound(outcome, one, entry, now)
    elif isinstance(one, Unsound) and entry is not None and _is_taken(entry, one):
        _repeat(outcome, one, entry, now)
    else:
        outcome.aside.append(one)
        outcome.tally.parked += 1


def _repeat(outcome: Outcome, one: Unsound, entry: Entry, now: datetime, sound: Entry | None = None) -> None:
    """An event under an identity that is taken. `sound`: as it would be entered, had it been free."""
    standing = decide.stands(entry, one.raw, one.digest, sound)
    if standing is Standing.REDELIVERED:
        outcome.tally.redelivered += 1
        trace = one.event.extensions.get("traceparent")
        outcome.publish(answers.observation_message(entry, stamped=outcome.stamped, traceparent=trace), one.event)
    elif standing is Standing.DUPLICATE:
        outcome.tally.duplicates += 1
    else:
        event = one.event
        outcome.tally.identity_reused += 1
        outcome.reuses.append(
            Reuse(entry.observation_id, event.source, event.id, one.raw, one.record.value or b"", now)
        )
        problems = (answers.identity_reused(entry, event.id), *one.problems)
        outcome.refuse(one.record, event, one.raw, one.reported_at, problems)


def _settle_dead(outcome: Outcome, one: Dead) -> None:
    """Quarantined; and where the source is readable, its publisher is told."""
    outcome.dead.append(one)
    outcome.tally.quarantined += 1
    if one.why.error is None:
        outcome.tally.refuse(problem.code for problem in one.why.problems)
    if one.why.source is not None:
        refusal = Refusal(
            one.why.source, one.why.id, one.reported_at, one.why.problems, None, one.record.value or b"", None
        )
        seed = observation_id(one.why.source, f"{one.raw.log}/{one.raw.partition}/{one.raw.offset}")
        outcome.refusals.append(ToRefuse(one.raw, refusal, seed))
