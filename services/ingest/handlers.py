"""One batch of `statistics.reported.v1`: read, check, claim, publish; one round trip to each store for all of it.

Order is everything here:

1. Read and examine every record once; nothing is written.
2. Claim the identities of those that passed in the ledger, durably. What stood there already decides about repeats.
3. Publish observations in the order of the records: new ones, and those of redelivered records again. A crash after 2
   leaves claimed entries unpublished; their records come again, and the ledger says which observation they are.
4. Publish rejections, then dead letters. Only then does the batch count as done, and the offset moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from aiokafka import ConsumerRecord

from contracts.topics import OBSERVATIONS, STATISTICS_REJECTED
from services.ingest import answers, batch
from services.ingest.answers import Message
from services.ingest.batch import Dead, Examined, Examiner, Outcome, ToRefuse
from services.ingest.decide import Entry, Reuse
from services.ingest.metrics import DoorMetrics
from services.ingest.normalise import text
from services.runtime.clock import Clock
from services.runtime.kafka.dead_letters import OURS, DeadLetter
from services.runtime.kafka.producer import Outgoing

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

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None: ...


class Quarantine(Protocol):
    """What the handler needs of `DeadLetterQueue`."""

    async def put(self, letters: Sequence[DeadLetter], among: Records) -> None: ...


@dataclass(frozen=True, slots=True)
class Door:
    """Handles batches. Holds nothing between them: whatever must be remembered is in the ledger."""

    examiner: Examiner
    ledger: LedgerStore
    publisher: Publisher
    quarantine: Quarantine
    clock: Clock
    metrics: DoorMetrics

    async def handle(self, records: Records) -> None:
        """Handling the same records again publishes the same observations again, and claims nothing twice."""
        now = self.clock.now()
        examined = self.examiner.examine(records, now)
        _confess(examined)
        claimed = batch.claims(examined)
        standing = dict(claimed)
        standing.update(await self.ledger.claim(list(claimed.values())))
        standing.update(await self.ledger.standing(batch.asked_for(examined, claimed)))
        outcome = batch.settle(examined, standing, now, stamped=self.examiner.moving)
        await self.ledger.keep(outcome.reuses)
        await self._publish(outcome, records, now)
        self.clock.observe(outcome.moved_to)
        self.metrics.count(outcome.tally)
        self._say(outcome, records)

    async def forget(self) -> None:
        """Nothing is held in memory."""

    async def _publish(self, outcome: Outcome, records: Records, now: datetime) -> None:
        await self.publisher.publish(OBSERVATIONS.name, [_outgoing(message) for message in outcome.observations])
        rejections = [
            answers.rejection_message(refusal, raw, now, stamped=outcome.stamped, seed=seed)
            for raw, refusal, seed in outcome.refusals
        ]
        await self.publisher.publish(STATISTICS_REJECTED.name, [_outgoing(message) for message in rejections])
        # What is not ours (other events, tombstones) is kept like all that cannot be read, but does not stop the door.
        await self.quarantine.put([self._letter(dead) for dead in outcome.dead if dead.why.harmless], among=())
        await self.quarantine.put([self._letter(dead) for dead in outcome.dead if not dead.why.harmless], among=records)

    def _letter(self, dead: Dead) -> DeadLetter:
        """Sources are nobody's proof: one that no catalog registers is kept, and not counted by the fuse."""
        why, source = dead.why, dead.why.source
        blame = source if source is not None and self.examiner.desks.registered(source) else None
        if why.error is not None:
            blame = OURS
        return DeadLetter(dead.record, why.reason, why.detail, source, blame)

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


def _outgoing(message: Message) -> Outgoing:
    return Outgoing(message.key, message.value, message.headers)


def _told(one: ToRefuse) -> dict[str, str | None]:
    """A refusal for the log, in which what a publisher wrote must neither be long nor move a terminal's cursor."""
    refusal, first = one.refusal, one.refusal.problems[0]
    more = len(refusal.problems) - 1
    why = text(first.message_en)[:300] + (f" (and {more} more)" if more else "")
    return {"code": first.code, "source": refusal.source[:120], "id": refusal.id and refusal.id[:120], "why": why}


def _confess(examined: Sequence[Examined]) -> None:
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
