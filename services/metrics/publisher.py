"""Progress records and doubts on their way out: envelope, order, counts."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from contracts import envelope
from contracts.topics import PROGRESS, STATISTICS_DOUBTED
from services.metrics.doubting import Doubted
from services.metrics.progress import Emission
from services.metrics.telemetry import Meters
from services.runtime.clock import Clock
from services.runtime.kafka.producer import Outgoing

SOURCE = "urn:tiendo:metrics"
TYPE = next(iter(PROGRESS.payloads))
DOUBTED = next(iter(STATISTICS_DOUBTED.payloads))


class Producer(Protocol):
    """The part of the batch producer that is used here."""

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Publish in the given order within each partition, or raise."""
        ...


class Publisher:
    """Publishes judgements as CloudEvents on `progress.v1`; the id of a version is `<key>@<version>`."""

    def __init__(self, producer: Producer, clock: Clock, meters: Meters) -> None:
        self._producer = producer
        self._clock = clock
        self._meters = meters

    async def publish(self, said: Sequence[Emission], traceparent: str | None = None) -> None:
        """Publish all, in order; return when they are acknowledged."""
        if not said:
            return
        with self._meters.stage("encode"):
            records = self._records(said, traceparent)
        with self._meters.stage("publish"):
            await self._producer.publish(PROGRESS.name, records)
        for status, count in Counter(emission.status for emission in said).items():
            self._meters.judged.labels(status).inc(count)

    async def doubt(self, doubted: Sequence[Doubted], traceparent: str | None = None) -> None:
        """Tell publishers what is doubted; the id of an event is that of its observation and flags, so that a repeat
        is known as one."""
        if not doubted:
            return
        now = self._clock.now()
        extensions = dict(self._clock.stamp())
        if traceparent is not None:
            extensions["traceparent"] = traceparent
        doubted_at = envelope.instant(now)
        records = []
        for one in doubted:
            headers = envelope.write(
                id=one.event_id, source=SOURCE, type=DOUBTED, time=now, subject=one.source, extensions=extensions
            )
            records.append(Outgoing(key=one.source.encode(), value=one.value(doubted_at), headers=headers))
        with self._meters.stage("publish"):
            await self._producer.publish(STATISTICS_DOUBTED.name, records)
        for code, count in Counter(doubt.code for one in doubted for doubt in one.doubts).items():
            self._meters.doubted.labels(code).inc(count)

    def _records(self, said: Sequence[Emission], traceparent: str | None) -> list[Outgoing]:
        now = self._clock.now()
        extensions = dict(self._clock.stamp())
        if traceparent is not None:
            extensions["traceparent"] = traceparent
        shared = envelope.write(id="", source=SOURCE, type=TYPE, time=now, extensions=extensions)
        shared = [header for header in shared if header[0] != "ce_id"]
        judged_at = envelope.instant(now)
        records = []
        for emission in said:
            key = emission.key.encode()
            headers = [("ce_id", b"%s@%d" % (key, emission.version)), ("ce_subject", key), *shared]
            records.append(Outgoing(key=key, value=emission.value(judged_at), headers=headers))
        return records
