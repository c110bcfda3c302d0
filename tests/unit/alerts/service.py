"""The stages wired to fakes: records in, mails out, time by the records or by hand."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.progress import ProgressJudged
from services.alerts.deciding import Arrived, Decider
from services.alerts.flushing import Flusher
from services.alerts.freezing import Letters
from services.alerts.measures import Measures
from services.alerts.relaying import Relay
from services.alerts.render import Renderer
from services.alerts.sending import Breaker, Patience, Sender
from services.alerts.settings import MailSettings, SmtpSettings
from services.alerts.stages import Stages
from services.runtime.catalog import Catalog
from services.runtime.clock import DataClock
from services.runtime.telemetry import Telemetry
from tests.unit.alerts.builders import NOW, a_catalog, a_record
from tests.unit.alerts.fakes import FakeAlerts, FakeCatalogs, FakeGroups, FakeMails, FakeProducer, FakeTimes, FakeWire

RENDERER = Renderer()


@dataclass
class World:
    """What several workers share."""

    catalog: Catalog = field(default_factory=a_catalog)
    alerts: FakeAlerts = field(default_factory=FakeAlerts)
    groups: FakeGroups = field(default_factory=FakeGroups)
    mails: FakeMails = field(default_factory=FakeMails)
    times: FakeTimes = field(default_factory=FakeTimes)
    producer: FakeProducer = field(default_factory=FakeProducer)
    wire: FakeWire = field(default_factory=FakeWire)
    mail: MailSettings = field(default_factory=MailSettings)


class Service:
    """One worker. Make it inside a running loop."""

    def __init__(self, world: World | None = None, *, retry_s: float = 0.0, start: datetime = NOW) -> None:
        self.world = world = world or World()
        self.clock = DataClock(start)
        self.measures = Measures(Telemetry())
        self.queued = asyncio.Event()
        self.breaker = Breaker(0.05, self.measures)
        catalogs = FakeCatalogs(world.catalog)
        self.flusher = Flusher(world.groups, world.mails, catalogs, world.mail.host, self.measures)
        self.decider = Decider(world.alerts, catalogs, self.measures)
        self.stages = Stages(
            self.decider,
            Relay(world.alerts, world.groups, world.producer, self.clock, self.measures),
            self.flusher,
            world.alerts,
            world.groups,
            world.times,
            self.clock,
            1.0,
            self.queued.set,
        )
        self.sender = Sender(
            "worker",
            world.mails,
            Letters(catalogs, RENDERER, SmtpSettings(), world.mail),
            world.wire,
            self.breaker,
            Patience(30.0, retry_s, timedelta(hours=72)),
            self.measures,
            lambda: None,
        )

    async def sees(self, *records: ProgressJudged, at: datetime | None = None) -> None:
        """Records that come together."""
        await self.takes([Arrived(record, at) for record in records])

    async def takes(self, batch: Sequence[Arrived]) -> None:
        """A batch with its business times."""
        await self.stages.take(list(batch))

    async def until(self, moment: datetime) -> None:
        """Let business time pass and send what falls due."""
        await self.stages.take([Arrived(a_record(None, target=None, org_unit="dak-nong"), moment)])
        await self.stages.relay_fresh()
        await self.flusher.flush(self.clock.now())
        await self.sends()

    async def sends(self) -> None:
        """Empty the queue, as far as it can be."""
        while await self.sender.send_some():
            continue
