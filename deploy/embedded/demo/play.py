"""Playing the year: figures go in as publishers send them, week by week, while the clock moves on with them."""

import asyncio
import itertools
import time
from datetime import datetime
from pathlib import Path

from deploy.embedded.demo import facts, gauges, simulation
from deploy.embedded.demo.publishing import Publisher, publisher
from deploy.embedded.demo.show import Show
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog.catalog import Catalog

CLOCK = "from:2023-01-01T00:00:00+07:00"
FACTS_AT = datetime.fromisoformat("2023-01-03T09:00:00+07:00")
SEED = 2023
TROUBLED_DISTRICT = "dak-nong.huyen-dak-glong"

SETTLE_S = 60.0
_POLL_S = 0.04


class DidNotSettle(Exception):
    """The services did not get through what was sent in time; the message says who stands where."""


class Player:
    """Sends the demonstration's events to one system and waits for them to come out at the other end."""

    def __init__(self, stack: Stack, system: System, catalog: Catalog, show: Show) -> None:
        self._stack = stack
        self._system = system
        self._catalog = catalog
        self._show = show

    async def play(self, facts_file: Path, weeks: int | None = None) -> int:
        """Send the published figures, then the simulated year (or its first weeks). The number of events sent."""
        async with publisher(self._stack.bootstrap) as sender:
            await sender.send(facts.published_figures(facts_file, self._catalog, FACTS_AT))
            await self._settled(sender, "published figures of 2021–2022")
            year = simulation.year(self._catalog, TROUBLED_DISTRICT, SEED)
            for week in itertools.islice(year, weeks):
                # Friday's figures first, and Saturday's count when they are through: it moves the clock past the
                # waiting time of Friday's alerts, as the next day would.
                for events in (week.figures, [week.pulse]):
                    await sender.send(events)
                    await self._settled(sender, f"simulated week to {week.day:%d/%m/%Y}")
            return sender.sent

    async def mails_out(self) -> None:
        """Return when no mail is under way any more: none came for a moment, and alerts owes none."""
        deadline, before, still = time.monotonic() + SETTLE_S, -1, 0
        while still < 10 and time.monotonic() < deadline:
            now = await gauges.read(self._system, ["alerts"])
            count = mails(self._stack.mail_folder)
            owed = now.total("alerts", "tiendo_notifications_queued")
            still = still + 1 if count == before and owed == 0 else 0
            before = count
            await asyncio.sleep(0.1)

    async def _settled(self, sender: Publisher, when: str) -> None:
        deadline = time.monotonic() + SETTLE_S
        while True:
            now = await gauges.read(self._system)
            self._show.update(when, now, mails(self._stack.mail_folder))
            if now.settled(sender.sent):
                return
            self._stack.supervisor.check()
            if halted := now.halted():
                log = self._system.child(halted).log
                raise DidNotSettle(f"{halted} stopped at a record that it cannot handle; {log} says why")
            if time.monotonic() > deadline:
                raise DidNotSettle(f"after {SETTLE_S:g} s not everything sent had been handled ({when})")
            await asyncio.sleep(_POLL_S)


def mails(folder: Path) -> int:
    """How many mails the sink has taken."""
    return sum(1 for _ in folder.glob("*.eml"))
