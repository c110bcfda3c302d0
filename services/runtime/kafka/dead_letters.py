"""The quarantine of one topic, from the side of whoever fills it: `<topic>.dlq`, and the fuse in front of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from contracts.topics import Topic
from services.runtime.errors import Blown
from services.runtime.kafka import letter
from services.runtime.kafka.fuse import Fuse
from services.runtime.kafka.letter import Finding
from services.runtime.kafka.producer import BatchProducer
from services.runtime.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be processed, and why. `log` is the identity of the log in which it lies; `source` and `id`
    are the event's, where they could be read."""

    record: ConsumerRecord
    log: str
    reason: str
    detail: str
    source: str | None = None
    id: str | None = None


class DeadLetterQueue:
    """The quarantine of one topic."""

    def __init__(self, of: Topic, handler: str, producer: BatchProducer, telemetry: Telemetry) -> None:
        self._topic = of.dlq
        self._handler = handler
        self._producer = producer
        self._telemetry = telemetry
        self._fuse = Fuse()

    @property
    def allowance(self) -> int:
        """So many dead letters more are not counted."""
        return self._fuse.allowance

    def weigh(self, blames: Sequence[str | None], dealt_with: Sequence[int] = ()) -> Fuse:
        """The fuse after these verdicts, to be given to `put`. Raises `Blown` if it does not hold.

        `blames`, in the order of the records: None for what is fine, else the source of a dead letter, or `OURS`, or
        `UNREADABLE`. `dealt_with`: the indexes, ascending, of those with which their source is dealt with by itself.
        """
        fuse, first = self._fuse, 0
        for index in (*dealt_with, None):
            fuse = fuse.counting(blames[first:index])
            why = fuse.blown()
            if why is not None:
                raise Blown(f"the fuse of {self._topic} blew: {why}")
            if index is not None:
                fuse, first = fuse.without(blames[index]), index + 1
        return fuse

    async def put(self, letters: Sequence[DeadLetter], weighed: Fuse) -> None:
        """Quarantine `letters`; the fuse is then `weighed`, unless it was renewed meanwhile. Raises `Transient` if the
        broker is away."""
        now = datetime.now(UTC)
        await self._producer.publish(
            self._topic, [letter.write(one.record, self._finding(one, now)) for one in letters]
        )
        if weighed.renewals == self._fuse.renewals:
            self._fuse = weighed
        for one in letters:
            self._telemetry.dead_letters.labels(self._topic, one.reason).inc()

    def renew(self, allowance: int) -> None:
        """A new fuse, which lets `allowance` dead letters pass before it counts."""
        self._fuse = Fuse(allowance=allowance, renewals=self._fuse.renewals + 1)

    def _finding(self, one: DeadLetter, now: datetime) -> Finding:
        return Finding(one.reason, one.detail, self._handler, one.log, now, one.source, one.id)
