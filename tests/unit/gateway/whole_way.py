"""The way of a figure from the door to the read model, in memory: ingest, metrics and the gateway over their fakes."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from aiokafka import ConsumerRecord
from httpx2 import ASGITransport
from starlette.applications import Starlette

from contracts.observations import ObservationRecorded
from contracts.topics import OBSERVATIONS, PROGRESS, STATISTICS_DOUBTED, STATISTICS_REJECTED, STATISTICS_REPORTED
from services.gateway import reply_topics
from services.gateway.handlers import ProgressHandler
from services.gateway.places import TreePlaces
from services.gateway.reply_topics import ReplyTopic
from services.ingest import internal as of_ingest
from services.ingest.handlers import Door
from services.ingest.lot import Lot
from services.ingest.metrics import DoorMetrics
from services.runtime.clock import DataClock
from services.runtime.kafka.dead_letters import DeadLetterQueue
from services.runtime.kafka.producer import AnyRecord, BatchProducer
from services.runtime.telemetry import Telemetry
from tests.unit.gateway.fake_replies import FakeReplies
from tests.unit.gateway.owning import metrics_of, owners
from tests.unit.gateway.records import consumed
from tests.unit.gateway.test_routes import Gateway
from tests.unit.ingest.door import CATALOG, NOON, FakeBroker, FakeLedger, FakeParkings, Record, an_examiner
from tests.unit.metrics.engine import Engine

SAID = datetime(2023, 10, 1, tzinfo=UTC)
"""The real time at which the first answer goes back; each other a second later."""


@dataclass(slots=True)
class WholeWay:
    """Everything; `send` brings records all the way through."""

    profile: str = "embedded"
    ledger: FakeLedger = field(default_factory=FakeLedger)
    broker: FakeBroker = field(default_factory=FakeBroker)
    telemetry: Telemetry = field(default_factory=Telemetry)
    engine: Engine = field(default_factory=lambda: Engine(CATALOG, NOON))
    clock: DataClock = field(default_factory=lambda: DataClock(NOON))
    door: Door = field(init=False)
    gateway: Gateway = field(init=False)
    heard: list[tuple[str, AnyRecord]] = field(default_factory=list)
    serial: Any = field(default_factory=itertools.count)
    listeners: dict[str, ReplyTopic] = field(init=False)
    """The gateway's consumers of answers to publishers, by topic."""

    def __post_init__(self) -> None:
        producer = cast("BatchProducer", self.broker)
        quarantine = DeadLetterQueue(STATISTICS_REPORTED, "ingest", producer, self.telemetry)
        clock, lot = self.clock, Lot(FakeParkings())
        self.door = Door(an_examiner(), self.ledger, self.broker, quarantine, lot, clock, DoorMetrics(self.telemetry))
        ingest = ASGITransport(app=Starlette(routes=of_ingest.routes(self.ledger)))
        self.gateway = Gateway(
            self.profile, catalogs={"dak-nong": CATALOG}, owners=owners(metrics_of(self.engine), ingest)
        )
        odd = self.telemetry.counter("odd", "Answers that were left out.")
        readers = {
            STATISTICS_REJECTED.name: (reply_topics.refusal, self.replies.put_refusals, clock),
            STATISTICS_DOUBTED.name: (reply_topics.doubt, self.replies.put_doubts, clock),
            STATISTICS_REPORTED.dlq: (reply_topics.dead_letter, self.replies.put_refusals, None),
        }
        self.listeners = {topic: ReplyTopic(read, put, clock, odd) for topic, (read, put, clock) in readers.items()}

    @property
    def replies(self) -> FakeReplies:
        """What the gateway keeps."""
        return self.gateway.replies

    async def send(self, *records: Record, folded: bool = True) -> None:
        """One batch to the door. Not `folded`: metrics has not come to it yet."""
        before = len(self.broker.published)
        await self.door.handle(records)
        said = self.broker.published[before:]
        await self.hear(said)
        if folded:
            await self.fold([one for topic, one in said if topic == OBSERVATIONS.name])

    async def fold(self, observations: Sequence[AnyRecord]) -> None:
        """Metrics takes these, and what it says goes to the gateway."""
        doubted, judged = len(self.engine.topic.doubts), len(self.engine.topic.records)
        taken = [ObservationRecorded.model_validate_json(one.value or b"") for one in observations]
        await self.engine.take(*taken, offset=next(self.serial))
        await self.hear([(STATISTICS_DOUBTED.name, one) for one in self.engine.topic.doubts[doubted:]])
        places = TreePlaces(lambda: {"dak-nong": CATALOG}, lambda: NOON)
        records = [self._consumed(PROGRESS.name, one) for one in self.engine.topic.records[judged:]]
        await ProgressHandler(self.gateway.model, places, DataClock(NOON)).handle(records)

    async def hear(self, said: Sequence[tuple[str, AnyRecord]]) -> None:
        """The gateway hears these answers, each at a time of its own."""
        for topic, one in said:
            if topic in self.listeners:
                self.heard.append((topic, one))
                await self.listeners[topic].handle([self._consumed(topic, one)])

    def unreadable(self) -> float:
        """How many answers were left out."""
        return self.telemetry.registry.get_sample_value("tiendo_odd_total") or 0.0

    def _consumed(self, topic: str, outgoing: AnyRecord) -> ConsumerRecord:
        offset = next(self.serial)
        at = SAID + timedelta(seconds=offset)
        return consumed(topic, outgoing, offset, int(at.timestamp() * 1000))
