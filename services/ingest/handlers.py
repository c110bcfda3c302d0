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
from services.ingest.batch import Dead, Examiner, Outcome
from services.ingest.decide import Entry, Reuse
from services.ingest.metrics import DoorMetrics
from services.runtime.clock import Clock
from services.runtime.kafka.dead_letters import DeadLetter
from services.runtime.kafka.producer import Outgoing

log = structlog.get_logger()

Records = Sequence[ConsumerRecord]


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
        await self.quarantine.put([_letter(dead) for dead in outcome.dead if dead.why.harmless], among=())
        await self.quarantine.put([_letter(dead) for dead in outcome.dead if not dead.why.harmless], among=records)

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


def _outgoing(message: Message) -> Outgoing:
    return Outgoing(message.key, message.value, message.headers)


def _letter(dead: Dead) -> DeadLetter:
    return DeadLetter(dead.record, dead.why.reason, dead.why.detail, dead.why.source)
