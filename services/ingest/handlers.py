"""One batch of what publishers say: read, check, claim, publish; one round trip to each store for all of it.

Order is everything here:

1. Read and examine every record once; nothing is written. The records of sources that are parked, or are parked by what
   was read, are set aside; and the fuse says whether there is too much that cannot be read.
2. Claim the identities of those that passed in the ledger, durably. What stood there already decides about repeats.
3. Publish observations in the order of the records: new ones, and those of redelivered records again. A crash after 2
   leaves claimed entries unpublished; their records come again, and the ledger says which observation they are.
4. Publish rejections, park sources and tell their publishers, publish dead letters. Only then does the batch count as
   done, and the offset moves.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import structlog
from aiokafka import ConsumerRecord

from contracts.topics import OBSERVATIONS, STATISTICS_REJECTED
from services.ingest import answers, batch, parking
from services.ingest.answers import Message
from services.ingest.batch import Dead, Examiner, Outcome, Read, ToRefuse
from services.ingest.decide import Entry, Reuse
from services.ingest.lot import Lot
from services.ingest.metrics import DoorMetrics
from services.ingest.normalise import text
from services.ingest.parking import ParkedSource, Reading, Walked
from services.runtime.clock import Clock
from services.runtime.kafka.dead_letters import DeadLetter
from services.runtime.kafka.fuse import OURS, UNREADABLE, Fuse

log = structlog.get_logger()

Records = Sequence[ConsumerRecord]

_TOLD = 5
"""Refusals that a batch's line in the log shows; all of them stand in `statistics.rejected.v1`."""


class LedgerStore(Protocol):
    """What the handler needs of `store.Ledger`."""

    async def claim(self, entries: Sequence[Entry]) -> Mapping[str, Entry]: ...

    async def standing(self, ids: Sequence[str]) -> Mapping[str, Entry]: ...

    async def keep(self, reuses: Sequence[Reuse]) -> None: ...


class Publisher(Protocol):
    """What the handler needs of `BatchProducer`."""

    async def publish(self, topic: str, records: Sequence[Message]) -> None: ...


class Quarantine(Protocol):
    """What the handler needs of `DeadLetterQueue`."""

    @property
    def allowance(self) -> int: ...

    def weigh(self, blames: Sequence[str | None], dealt_with: Sequence[int] = ()) -> Fuse: ...

    async def put(self, letters: Sequence[DeadLetter], weighed: Fuse) -> None: ...


_AHEAD = 40
"""Records that are examined in one go while the batch before them is being written: a millisecond. What is written goes
out by pieces, one after each go."""


class Ahead(NamedTuple):
    """Records that were examined before it was their turn."""

    records: Records
    read: Sequence[Read]


@dataclass(slots=True)
class Door:
    """Handles batches. Between them it holds only how sources fare, and what it found in the next one; whatever must be
    remembered is in the database."""

    examiner: Examiner
    ledger: LedgerStore
    publisher: Publisher
    quarantine: Quarantine
    lot: Lot
    clock: Clock
    metrics: DoorMetrics
    ahead: Ahead | None = None

    async def look_ahead(self, records: Records) -> None:
        """Examine these already, while the stores are busy with those before them.

        Not where the business clock moves with the data: by when it is their turn, it will be later. Nor where a log is
        new here, since to meet it may name it for all.
        """
        if self.examiner.moving or not all(record.topic in self.examiner.logs for record in records):
            return
        now, read = self.clock.now(), list[Read]()
        for first in range(0, len(records), _AHEAD):
            read += self.examiner.examine(records[first : first + _AHEAD], now)
            await asyncio.sleep(0)  # whoever writes and publishes goes first
        self.ahead = Ahead(records, read)

    async def handle(self, records: Records) -> None:
        """Handling the same records again publishes the same observations again, and claims nothing twice."""
        now = self.clock.now()
        await self.examiner.logs.meet({record.topic for record in records})
        await self.lot.look()
        read = self._read(records, now)
        _confess(read)
        walked = self._walk(read)
        weighed = self.quarantine.weigh(*self._blames(read, walked))
        examined = batch.set_aside(read, walked.aside)
        claimed = batch.claims(examined)
        standing = dict(claimed)
        standing.update(await self.ledger.claim(list(claimed.values())))
        standing.update(await self.ledger.standing(batch.asked_for(examined, claimed)))
        outcome = batch.settle(examined, standing, now, stamped=self.examiner.moving)
        await self.ledger.keep(outcome.reuses)
        await self._publish(outcome, now)
        await self._park([_to_park(one, read[one.at], now) for one in walked.parked])
        await self.quarantine.put(_letters(outcome), weighed)
        self.lot.troubles = walked.troubles
        self.clock.observe(outcome.moved_to)
        self.metrics.count(outcome.tally)
        self._say(outcome, records)

    async def forget(self) -> None:
        """What is held in memory is never ahead of what is stored."""
        self.ahead = None

    def _read(self, records: Records, now: datetime) -> Sequence[Read]:
        ahead, self.ahead = self.ahead, None
        if ahead is not None and ahead.records is records:
            return ahead.read
        return self.examiner.examine(records, now)

    def _walk(self, read: Sequence[Read]) -> Walked:
        """Which records are set aside, and which sources are to be parked."""
        lot = self.lot
        if not lot.parked and not lot.troubles and not any(isinstance(one, Dead) for one in read):
            return parking.CALM
        return parking.walk(self._readings(read), lot.parked, lot.troubles)

    def _readings(self, read: Sequence[Read]) -> Iterator[tuple[str | None, Reading]]:
        """Of each record its source, if it is known, and how it was to read. What an operator wants quarantined without
        being counted by the fuse does not park its source either."""
        allowance = self.quarantine.allowance
        for one in read:
            source, reading = self._known(one), batch.reading_of(one)
            if allowance and isinstance(one, Dead) and source not in self.lot.parked and self._blame(one) is not None:
                allowance -= 1
                reading = Reading.NEITHER
            yield source, reading

    def _known(self, one: Read) -> str | None:
        """The source, if a publisher is registered under it. Sources are nobody's proof: invented names are neither
        parked nor counted by the fuse."""
        source = batch.source_of(one)
        return source if source is not None and self.examiner.desks.registered(source) else None

    def _blames(self, read: Sequence[Read], walked: Walked) -> tuple[list[str | None], list[int]]:
        """What the fuse is to count, and where in it a source was parked. What is not ours (other events, tombstones)
        is kept like all that cannot be read, but does not stop the door."""
        if walked is parking.CALM:
            return [None] * len(read), []
        blames: list[str | None] = []
        dealt_with, parked = [], {one.at for one in walked.parked}
        for index, one in enumerate(read):
            blame = self._blame(one) if isinstance(one, Dead) else None
            if index in walked.aside or (isinstance(one, Dead) and blame is None):
                continue
            if index in parked:
                dealt_with.append(len(blames))
            blames.append(blame)
        return blames, dealt_with

    def _blame(self, dead: Dead) -> str | None:
        if dead.why.error is not None:
            return OURS
        if batch.reading_of(dead) is Reading.NEITHER:
            return None
        return UNREADABLE if dead.why.source is None else self._known(dead)

    async def _publish(self, outcome: Outcome, now: datetime) -> None:
        await self.publisher.publish(OBSERVATIONS.name, outcome.observations)
        rejections = [
            answers.rejection_message(refusal, raw, now, stamped=outcome.stamped, seed=seed)
            for raw, refusal, seed in outcome.refusals
        ]
        await self.publisher.publish(STATISTICS_REJECTED.name, rejections)

    async def _park(self, sources: Sequence[ParkedSource]) -> None:
        """Park them for all processes, and tell whoever has not been told."""
        await self.lot.park(sources)
        for one in sources:
            log.warning(
                "source_parked",
                source=one.source,
                cause=one.cause,
                unreadable=one.unreadable,
                last=f"{one.raw.topic}/{one.raw.partition}/{one.raw.offset}",
                remedy="its events are kept in the quarantine; see `tiendo dlq parked`",
            )
        untold = self.lot.untold()
        messages = [answers.parked_message(one, stamped=self.examiner.moving) for one in untold]
        await self.publisher.publish(STATISTICS_REJECTED.name, messages)
        await self.lot.told(untold)

    def _say(self, outcome: Outcome, records: Records) -> None:
        tally = outcome.tally
        tell = log.info if tally.rejected or tally.identity_reused else log.debug
        tell(
            "batch",
            records=len(records),
            accepted=tally.accepted,
            redelivered=tally.redelivered,
            duplicates=tally.duplicates,
            identity_reused=tally.identity_reused,
            parked=tally.parked,
            quarantined=tally.quarantined,
            rejected=dict(tally.rejected),
            flagged=dict(tally.flagged),
        )
        if outcome.refusals:
            log.info(
                "refused",
                figures=len(outcome.refusals),
                first=[_told(one) for one in outcome.refusals[:_TOLD]],
                all=f"topic {STATISTICS_REJECTED.name}",
            )


def _letters(outcome: Outcome) -> list[DeadLetter]:
    return [_letter(dead) for dead in outcome.dead] + [_letter_aside(one) for one in outcome.aside]


def _letter(dead: Dead) -> DeadLetter:
    return DeadLetter(dead.record, dead.raw.log, dead.why.reason, dead.why.detail, dead.why.source, dead.why.id)


def _letter_aside(one: Read) -> DeadLetter:
    if isinstance(one, Dead):
        why = one.why
        return DeadLetter(one.record, one.raw.log, parking.REASON, f"{why.reason}: {why.detail}", why.source, why.id)
    event, log_id = one.event, batch.raw_of(one).log
    return DeadLetter(one.record, log_id, parking.REASON, "its source is parked", event.source, event.id)


def _to_park(one: parking.Parked, by: Read, now: datetime) -> ParkedSource:
    value = (by.record.value or b"")[: answers.MAX_ORIGINAL]
    return ParkedSource(one.source, one.cause.value, one.unreadable, batch.raw_of(by), value, datetime.now(UTC), now)


def _told(one: ToRefuse) -> dict[str, str | None]:
    """A refusal for the log, in which what a publisher wrote must neither be long nor move a terminal's cursor."""
    refusal, first = one.refusal, one.refusal.problems[0]
    more = len(refusal.problems) - 1
    why = text(first.message_en)[:300] + (f" (and {more} more)" if more else "")
    return {"code": first.code, "source": refusal.source[:120], "id": refusal.id and refusal.id[:120], "why": why}


def _confess(examined: Sequence[Read]) -> None:
    """Say where we stumbled: once for a batch, since what is wrong with us is seldom wrong once."""
    ours = [one for one in examined if isinstance(one, Dead) and one.why.error is not None]
    if ours:
        log.error(
            "stumbled",
            records=len(ours),
            first=f"{ours[0].raw.topic}/{ours[0].raw.partition}/{ours[0].raw.offset}",
            why=ours[0].why.detail,
            remedy="the records are kept in the quarantine; report the fault, with this trace",
            exc_info=ours[0].why.error,
        )
