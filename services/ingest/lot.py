"""The lot: which sources are parked, as this process knows it. Asked of the database every few seconds and kept."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from services.ingest.parking import ParkedSource, Trouble

LOOK_EVERY_S = 2.0

OTHERS_TELL = timedelta(seconds=10)
"""After so long another process tells a publisher, if the one that parked its source did not come to it."""


class ParkingStore(Protocol):
    """What the lot needs of `parked.Parkings`."""

    async def standing(self) -> list[ParkedSource]: ...

    async def park(self, one: ParkedSource) -> ParkedSource: ...

    async def told(self, sources: Iterable[str]) -> None: ...


class Lot:
    """Raises whatever the store raises, and then knows what it knew before."""

    def __init__(
        self,
        store: ParkingStore,
        on_change: Callable[[int], None] = lambda _: None,
        *,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._store = store
        self._on_change = on_change
        self._every_s = every_s
        self._looked: float | None = None
        self._standing: dict[str, ParkedSource] = {}
        self._mine: set[str] = set()
        self.troubles: Mapping[str, Trouble] = {}
        """The sources that are in trouble and not parked, as far as this process reads them."""

    @property
    def parked(self) -> frozenset[str]:
        """The sources that are parked."""
        return frozenset(self._standing)

    def of(self, source: str | None) -> ParkedSource | None:
        """How the source stands parked, if it does."""
        return self._standing.get(source) if source is not None else None

    async def look(self) -> None:
        """Ask again, if the last time was some seconds ago."""
        if self._looked is None or time.monotonic() - self._looked >= self._every_s:
            self._know({one.source: one for one in await self._store.standing()})
            self._looked = time.monotonic()

    async def park(self, sources: Sequence[ParkedSource]) -> None:
        """Park these, for all processes."""
        for one in sources:
            stands = await self._store.park(one)
            if stands.raw == one.raw:
                self._mine.add(one.source)
            self._know({**self._standing, one.source: stands})

    def untold(self) -> list[ParkedSource]:
        """Those whose publishers are to be told by us."""
        late = datetime.now(UTC) - OTHERS_TELL
        return [
            one for one in self._standing.values() if not one.told and (one.source in self._mine or one.since < late)
        ]

    async def told(self, sources: Sequence[ParkedSource]) -> None:
        """Their publishers were told."""
        if sources:
            await self._store.told([one.source for one in sources])
            told = {one.source: one._replace(told=True) for one in sources}
            self._know({**self._standing, **told})

    def _know(self, standing: dict[str, ParkedSource]) -> None:
        self._standing = standing
        self._mine &= standing.keys()
        self._on_change(len(standing))
