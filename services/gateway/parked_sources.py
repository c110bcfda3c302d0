"""Which sources are parked, as ingest said last: told beside a receipt, for which nobody waits."""

import asyncio
from collections.abc import Iterable, Mapping

from contracts.doors import ParkedNote
from services.gateway.owners import Owners
from services.gateway.problems import Problem

EVERY_S = 5.0


class ParkedSources:
    """Asked every few seconds. While ingest is away, what it said before is as good as any."""

    def __init__(self) -> None:
        self._notes: Mapping[str, ParkedNote] = {}

    def among(self, sources: Iterable[str]) -> list[ParkedNote]:
        """Those of these that are parked, each once."""
        if not self._notes:
            return []
        return [self._notes[one] for one in dict.fromkeys(sources) if one in self._notes]

    async def ask(self, owners: Owners) -> None:
        """Ask once."""
        try:
            said = await owners.parked()
        except Problem:
            return
        self._notes = {one.source: one for one in said.items}

    async def follow(self, owners: Owners) -> None:
        """Ask again and again, for ever."""
        while True:
            await self.ask(owners)
            await asyncio.sleep(EVERY_S)
