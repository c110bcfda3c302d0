"""Consuming in batches, with the one delivery policy of the project.

FastStream wires the consumer; the acknowledgement is ours, because each of its policies either commits what failed or
repeats it at once and for ever. Here a batch is handled, then committed partition by partition:

1. A handler gets the records of one fetch and returns when all their effects are durable.
2. `Transient`, or an error known to pass: the same batch again with back-off, as long as it takes.
3. `Fenced`: somebody newer wrote. Forget, go back to the committed offset, read again.
4. Anything else: a few tries, then each partition by itself; the one that fails is stopped by the fuse with its offset
   unmoved, the others go on. `/readyz`, a gauge and the log say so. It goes on when it is told to (`resume`).

A handler that fails is told to forget what it holds in memory, since that may be ahead of what is stored.

One batch is handled at a time. A handler may look ahead at the next fetch while it waits for the stores; what it finds
there must leave no trace, since the fetch is dropped where the batch before it did not come through.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import KafkaAckableMessage
from pymongo.errors import PyMongoError

from services.runtime import mongo
from services.runtime.errors import Blown, Fenced, Transient, in_short
from services.runtime.health import Health
from services.runtime.kafka.positions import Positions
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry

log = structlog.get_logger()

Record = ConsumerRecord
Records = Sequence[ConsumerRecord]

TRIES = 4
"""Tries of a batch that fails for no known reason before its partitions are handled one by one."""

PARTITION_BYTES = 4 * 2**20
"""Of one partition in one fetch: a full batch, also where all that lags is in one partition. By default a megabyte."""

_BACKOFF_S = (0.1, 15.0)
_COMMIT_S = 10.0

_PARTITION_OF = attrgetter("topic", "partition")


class Handler(Protocol):
    """What a service does with a batch."""

    async def handle(self, records: Records) -> None:
        """Do the work and return when it is durable. Handling the same records twice must equal handling them once."""
        ...

    async def forget(self) -> None:
        """Drop whatever is held in memory: it may be ahead of what is stored, or another process may write now."""
        ...


LookAhead = Callable[[Records], Awaitable[None]]
"""Work out what handling these records will need, and change nothing. They may never be handled."""


class Delivery:
    """One consumer of one topic in one consumer group. `remedy`: what to do once the cause of a stop is mended.

    `pattern`: a regular expression; all topics that it matches are consumed beside `topic`, new ones as soon as
    `metadata_max_age_ms` shows them. What is counted and told is counted under `topic`.

    `look_ahead` is given the next fetch while a batch is being handled, unless that was done before it came.
    """

    def __init__(
        self,
        *,
        topic: str,
        group: str,
        handler: Handler,
        settings: KafkaSettings,
        telemetry: Telemetry,
        health: Health,
        remedy: str = "restart the service",
        pattern: str | None = None,
        look_ahead: LookAhead | None = None,
    ) -> None:
        self.topic = topic
        self.group = group
        self._handler = handler
        self._settings = settings
        self._telemetry = telemetry
        self._health = health
        self._remedy = remedy
        self._pattern = pattern
        self._look_ahead = look_ahead
        self._underway: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._turn = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None
        self._subscriber: Any = None
        self._halted: set[TopicPartition] = set()
        self._positions = Positions()
        self.held: frozenset[TopicPartition] = frozenset()
        """What is assigned here."""
        self.assignments = 0
        """Rises with each rebalance; whoever works beside the batches (ticks) compares it to know that it was moved."""
        health.check(f"consumer of {topic}", self._why_not_ready)
        telemetry.lag.labels(topic).set_function(self.lag)

    @property
    def turn(self) -> asyncio.Lock:
        """Held while a batch is handled. Work beside the batches (ticks) takes it, so that there is one writer."""
        return self._turn

    @property
    def partitions(self) -> int | None:
        """How many partitions `topic` has, or None before the consumer has seen it."""
        consumer = self._subscriber.consumer if self._subscriber is not None else None
        known = consumer.partitions_for_topic(self.topic) if consumer is not None else None
        return len(known) if known else None

    @property
    def assigned(self) -> frozenset[int]:
        """The partitions of `topic` that are assigned here."""
        return frozenset(at.partition for at in self.held if at.topic == self.topic)

    async def handled(self, partition: int) -> int:
        """The offset before which every record of an assigned partition of `topic` was handled, here or by a
        predecessor."""
        return await self._positions.handled(TopicPartition(self.topic, partition), self._subscriber.consumer)

    async def end(self, partition: int) -> int:
        """The offset after the last record of an assigned partition of `topic` on the broker."""
        return await self._positions.end(TopicPartition(self.topic, partition), self._subscriber.consumer)

    def attach(self, broker: KafkaBroker) -> None:
        """Declare the subscriber. It starts with the broker."""
        subscriber = broker.subscriber(
            *(() if self._pattern else (self.topic,)),
            pattern=self._pattern,
            group_id=self.group,
            batch=True,
            max_records=self._settings.max_records,
            batch_timeout_ms=self._settings.fetch_max_wait_ms,
            fetch_max_wait_ms=self._settings.fetch_max_wait_ms,
            max_partition_fetch_bytes=PARTITION_BYTES,
            session_timeout_ms=self._settings.session_timeout_ms,
            heartbeat_interval_ms=self._settings.heartbeat_interval_ms,
            rebalance_timeout_ms=self._settings.rebalance_timeout_ms,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            parser=_untouched,
            decoder=_nothing,
            listener=_Listener(self),
        )

        self._subscriber = subscriber

        @subscriber
        async def receive(message: KafkaMessage) -> None:
            # FastStream parses a batch as a whole, and one odd header loses it; so the records pass through as they
            # came.
            self._consumer = subscriber.consumer
            if self._look_ahead is None:
                await self.deliver(message.raw_message)
            else:
                await self._take(message.raw_message, self._look_ahead)

    def stop(self) -> None:
        """Take no new tries: a batch in hand is finished if it can be, else left uncommitted."""
        self._stopping.set()

    async def finished(self, within_s: float) -> None:
        """Wait for the batch in hand, after `stop`."""
        if self._underway is not None:
            await asyncio.wait((self._underway,), timeout=within_s)

    def say_nothing_on_leaving(self) -> None:
        """Let the broker find out by the session time-out that this member is gone."""
        consumer = self._subscriber.consumer if self._subscriber is not None else None
        coordinator = getattr(consumer, "_coordinator", None)
        if coordinator is not None:
            coordinator._maybe_leave_group = _leave_silently  # aiokafka has no setting for it

    async def _take(self, records: Records, look_ahead: LookAhead) -> None:
        """Look at these while the batch before them is handled, and return when it is their turn."""
        generation, before = self.assignments, self._underway
        if before is not None and not before.done():
            with contextlib.suppress(Exception):  # whatever is wrong shows again when they are handled
                await look_ahead(records)
            await before
        if self._stopping.is_set() or generation != self.assignments:
            return  # they come again, here or elsewhere
        if following := await self._following(records):
            self._underway = asyncio.create_task(self._deliver_alone(following, generation))

    async def _deliver_alone(self, records: Records, generation: int) -> None:
        """As `deliver`, where nobody waits for an error."""
        try:
            await self.deliver(records, generation)
        except Exception as error:
            log.exception("delivery_stumbled", topic=self.topic, why=f"{type(error).__name__}: {error}")
            self._go_back(records)
            await self._pause(_BACKOFF_S[1])

    async def _following(self, records: Records) -> Records:
        """These, without those of partitions that went back meanwhile: they come again, after what precedes them."""
        gone = set()
        for at, mine in _by_partition(records).items():
            try:
                position = await self._subscriber.consumer.position(at)
            except IllegalStateError:  # somebody else's now
                position = -1
            if position <= mine[0].offset:
                gone.add(at)
        return [record for record in records if _where(record) not in gone] if gone else records

    async def deliver(self, records: Records, generation: int | None = None) -> None:
        """Handle one batch under the policy above, and commit it. `generation`: the assignment by which it was read."""
        async with self._turn:
            if generation not in (None, self.assignments):
                return
            self._positions.began(_by_partition(records))
            self._telemetry.oldest.labels(self.topic).set(
                max(0.0, time.time() - min(r.timestamp for r in records) / 1000)
            )
            failure = await self._settle(records)
            shares = _by_partition(records)
            if failure is not None and len(shares) > 1:
                # One partition may be to blame: each gets the same policy by itself, and the others go on.
                for at, mine in shares.items():
                    if (alone := await self._settle(mine)) is not None:
                        self._halt(at, mine, alone)
            elif failure is not None:
                self._halt(_where(records[0]), records, failure)
            self._telemetry.oldest.labels(self.topic).set(0)

    async def _settle(self, records: Records) -> BaseException | None:
        """Handle and commit, trying again as long as that may help; the error if it cannot.

        Also None if the service stops, the partition moved, or somebody newer wrote: then these records will be read
        again, here or elsewhere.
        """
        tries, generation, started = 0, self.assignments, time.monotonic()
        try:
            while not self._stopping.is_set() and generation == self.assignments:
                try:
                    await self._handler.handle(records)
                except Fenced as fence:
                    self._telemetry.fenced.labels(self.topic).inc()
                    log.info("fenced", topic=self.topic, why=in_short(fence), **_span(records))
                    await self._handler.forget()
                    await self._pause(0.5)
                    break
                except Exception as error:
                    await self._handler.forget()
                    tries += 1
                    if isinstance(error, Blown) or (not passes_by_itself(error) and tries >= TRIES):
                        return error
                    self._trouble(records, error, tries)
                    await self._pause(backoff(tries))
                else:
                    if tries:
                        log.info("batch_recovered", topic=self.topic, tries=tries, **_span(records))
                    if generation == self.assignments:
                        await self._commit(records)
                    self._measure(records, started)
                    return None
        finally:
            self._health.recovered(self.topic)
        self._go_back(records)
        return None

    def _halt(self, at: TopicPartition, records: Records, error: BaseException) -> None:
        self._halted.add(at)
        self._telemetry.halted.labels(self.topic).set(len(self._halted))
        self._go_back(records)
        if self._consumer is not None:
            with contextlib.suppress(IllegalStateError):  # the partition is somebody else's now
                self._consumer.pause(at)
        log.error(
            "partition_halted",
            topic=at.topic,
            partition=at.partition,
            offset=records[0].offset,
            why=in_short(error),
            remedy=f"nothing was skipped; mend the cause, then {self._remedy}",
            exc_info=error,
        )

    def resume(self) -> list[TopicPartition]:
        """Go on with the partitions that the fuse stopped, from where they were stopped; which ones these are."""
        halted = sorted(self._halted)
        self._halted.clear()
        self._telemetry.halted.labels(self.topic).set(0)
        for at in halted:
            if self._consumer is not None:
                with contextlib.suppress(IllegalStateError):  # the partition is somebody else's now
                    self._consumer.resume(at)
        if halted:
            log.info("partitions_resumed", topic=self.topic, partitions=[_name(at) for at in halted])
        return halted

    def _go_back(self, records: Records) -> None:
        """Read these again: the position has moved past them already."""
        self._positions.look_again()
        if self._consumer is None:
            return
        for at, mine in _by_partition(records).items():
            with contextlib.suppress(IllegalStateError):  # the partition is somebody else's now
                self._consumer.seek(at, mine[0].offset)

    async def _commit(self, records: Records) -> None:
        """Commit what was handled. A failure is no loss: the next commit covers it, or the same records come again."""
        if self._consumer is None:
            return
        offsets = {at: mine[-1].offset + 1 for at, mine in _by_partition(records).items()}
        try:
            async with asyncio.timeout(_COMMIT_S):
                await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("partition_moved_before_commit", topic=self.topic, why=in_short(error), **_span(records))
            await self._handler.forget()
        except (KafkaError, TimeoutError) as error:
            log.warning("commit_failed", topic=self.topic, why=in_short(error), **_span(records))

    def _measure(self, records: Records, started: float) -> None:
        self._telemetry.consumed.labels(self.topic).inc(len(records))
        self._telemetry.batch_seconds.labels(self.topic).observe(time.monotonic() - started)
        self._positions.finished(_by_partition(records))

    def lag(self) -> int:
        """Records on the broker that are not handled yet, of the partitions assigned here, as far as they are known."""
        return 0 if self._consumer is None else self._positions.lag(self.held, self._consumer)

    async def caught_up(self) -> bool:
        """Whether all that lay on the topic when its partitions were assigned has been handled: who speaks beside the
        batches must not overtake one that a crash left unsaid. Raises KafkaError."""
        generation = self.assignments
        consumer = self._subscriber.consumer if self._subscriber is not None else None
        if consumer is None or not self.held:
            return False
        await self._positions.find(self.held, consumer)
        return generation == self.assignments and not self._halted and self._positions.reached

    def _trouble(self, records: Records, error: BaseException, tries: int) -> None:
        self._telemetry.retries.labels(self.topic).inc()
        self._health.trouble(self.topic, in_short(error))
        if tries == 1 or tries % 20 == 0:
            known = passes_by_itself(error)
            log.warning(
                "batch_failed",
                topic=self.topic,
                tries=tries,
                why=in_short(error),
                exc_info=None if known else error,
                **_span(records),
            )

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless the service is asked to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _why_not_ready(self) -> str | None:
        if self._halted:
            stopped = ", ".join(_name(at) for at in sorted(self._halted))
            return f"the fuse stopped {stopped}; the log says why. Mend the cause, then {self._remedy}"
        return None if self.assignments else f"no partition of {self.topic} was assigned yet"

    async def revoked(self) -> None:
        """Before a rebalance: let the batch in hand finish, so that nobody handles it again; then forget."""
        self.held = frozenset()
        try:
            async with asyncio.timeout(self._settings.rebalance_timeout_ms / 2000), self._turn:
                await self._moved(frozenset())
        except TimeoutError:
            log.warning(
                "rebalance_did_not_wait", topic=self.topic, why="the batch in hand takes too long; it will be fenced"
            )
            await self._moved(frozenset())

    async def taken(self, partitions: Iterable[TopicPartition]) -> None:
        """After a rebalance."""
        await self._moved(frozenset(partitions))

    async def _moved(self, partitions: frozenset[TopicPartition]) -> None:
        self.held = partitions
        self.assignments += 1
        self._halted.clear()
        self._positions.forget()
        self._telemetry.halted.labels(self.topic).set(0)
        await self._handler.forget()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._delivery.revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._delivery.taken(assigned)


async def _untouched(records: Any) -> KafkaMessage:
    first, last = records[0], records[-1]
    return KafkaAckableMessage(
        raw_message=records,
        body=None,
        headers={},
        consumer=None,
        correlation_id="",
        message_id=f"{first.topic}:{first.partition}:{first.offset}-{last.partition}:{last.offset}",
    )


async def _nothing(message: Any) -> None:
    return None


async def _leave_silently() -> None:
    """In place of a LeaveGroup request."""


def passes_by_itself(error: BaseException) -> bool:
    """Whether trying again without changing anything may succeed."""
    if isinstance(error, Transient | TimeoutError | ConnectionError):
        return True
    if isinstance(error, PyMongoError):
        return mongo.is_transient(error)
    return isinstance(error, KafkaError) and bool(error.retriable)


def backoff(tries: int) -> float:
    """Seconds to wait after so many failures."""
    low, high = _BACKOFF_S
    return min(high, low * 2.0 ** min(tries, 20)) * random.uniform(0.8, 1.2)


def _by_partition(records: Records) -> dict[TopicPartition, list[ConsumerRecord]]:
    shares: dict[TopicPartition, list[ConsumerRecord]] = {}
    for (topic, partition), mine in groupby(records, _PARTITION_OF):  # a fetch brings them partition by partition
        shares.setdefault(TopicPartition(topic, partition), []).extend(mine)
    return shares


def _where(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def _name(at: TopicPartition) -> str:
    return f"{at.topic}/{at.partition}"


def _span(records: Records) -> dict[str, Any]:
    return {"records": len(records), "first": f"{_name(_where(records[0]))}:{records[0].offset}"}
