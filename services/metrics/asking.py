"""Questions about one record or period, answered from what is stored: any replica can, whoever owns the partition.

One question at a time, computed beside the event loop, so that a curious reader does not hold up the stream.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime

from contracts.explanations import Explanation, History, Inputs
from contracts.fates import FigureFate
from contracts.observations import ObservationRecorded
from contracts.views import PeriodView
from services.metrics.annals import known_on
from services.metrics.behind import forecasts_of
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.derived.source import Source
from services.metrics.documents import Document, escaped, issued_of, state_of
from services.metrics.explain import explain, inputs
from services.metrics.fate import NOT_COUNTED, fate_of
from services.metrics.foretold import Aim, Issued
from services.metrics.memory import Definitions
from services.metrics.observations import observation
from services.metrics.past import history
from services.metrics.state import KpiState
from services.metrics.store import Store
from services.metrics.then import Former, Known
from services.metrics.views import view, view_anew
from services.runtime.catalog import Catalog
from services.runtime.catalog.carrying import View

WAITING = 32
"""Questions that may be under way or wait at once."""

Answer = Explanation | History | Inputs | PeriodView | FigureFate


class Unknown(Exception):
    """There is no such record: `code` says which word of the question nobody knows."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


class Busy(Exception):
    """Too many questions wait already; who asked them may be gone by their turn."""


class Asker:
    """Loads the KPI anew for each question; nothing is written, and nothing is shared with the fold."""

    def __init__(
        self, store: Store, catalogs: Callable[[], Mapping[str, Catalog]], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._catalogs = catalogs
        self._now = now
        self._definitions = Definitions()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def explain(self, kpi: str, unit: str, period: str) -> Explanation:
        """Raises `Unknown`, `Busy`."""
        async with self._in_turn():
            state, definition, window, today = await self._case(kpi, unit, period)
            issued = await self._issued(state, unit, window)
            sources = await self._sources(definition)
            return await asyncio.to_thread(explain, state, definition, unit, window, today, issued, sources)

    async def history(
        self, kpi: str, unit: str, period: str, on: date | None, given: Sequence[ObservationRecorded] = ()
    ) -> History:
        """`given`: what the ledger has of days that were not certain. Raises `Unknown`, `Busy`."""
        async with self._in_turn():
            state, definition, window, today = await self._case(kpi, unit, period)
            former = None
            if on is not None:
                day = min(on.toordinal(), today)
                known = Known(definition, definition.catalog.version)
                if day < today:
                    known = await known_on(self._store, state.key, definition, date.fromordinal(day))
                former = Former(day, known)
            zone = definition.catalog.zone
            ledger = [
                observation(one.model_dump(mode="json", exclude_none=True), zone)
                for one in given
                if (one.province, one.kpi) == (state.province, state.kpi)
            ]
            return await asyncio.to_thread(history, state, definition, unit, window, today, former, ledger)

    async def inputs(self, kpi: str, unit: str, period: str, start: int, limit: int) -> Inputs:
        """Raises `Unknown`, `Busy`."""
        async with self._in_turn():
            state, definition, window, today = await self._case(kpi, unit, period)
            return await asyncio.to_thread(inputs, state, definition, unit, window, today, start, limit)

    async def view(self, province: str, kpi: str, period: str, asked: View) -> PeriodView:
        """Raises `Unknown`, `Busy`."""
        async with self._in_turn():
            catalog = self._catalogs().get(province)
            if catalog is None:
                raise Unknown("unknown_province", f"there is no catalog of {province}")
            definition, window = self._period(catalog, kpi, period)
            if definition.kind.derived and asked != "as_it_was":
                behind, stored = await self._behind(definition)
                return await asyncio.to_thread(view_anew, behind, stored, kpi, window, asked, self._today(catalog))
            state = await self._state(f"{province}/{kpi}")
            return await asyncio.to_thread(view, state, definition, window, asked, self._today(catalog))

    async def fate(self, said: ObservationRecorded) -> FigureFate:
        """What became of an observation of the ledger. Raises `Busy`."""
        async with self._in_turn():
            catalog, key = self._catalogs().get(said.province), f"{said.province}/{said.kpi}"
            definition = None if catalog is None else self._definitions.of(key, catalog)
            if catalog is None or definition is None:
                return NOT_COUNTED
            one = observation(said.model_dump(mode="json", exclude_none=True), catalog.zone)
            state = await self._state(key)
            return await asyncio.to_thread(fate_of, state, definition, one, self._today(catalog))

    async def _issued(self, state: KpiState, unit: str, window: Window) -> tuple[list[Issued], dict[bytes, Aim]]:
        document = f"{state.key}/{window.id}/{state.chunk_of(unit)}"
        return issued_of(await self._store.issued(document, escaped(unit)))

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def _sources(self, definition: Definition) -> list[Source]:
        """What a derived KPI is made from, as it is stored; empty of one that is reported."""
        catalog = definition.catalog
        keys = [f"{catalog.province.id}/{source}" for source in definition.kpi.sources]
        stored = await self._store.figures(keys) if keys else {}
        known = [(self._definitions.of(key, catalog), stored.get(key, ())) for key in keys]
        return [Source(one, documents) for one, documents in known if one is not None]

    async def _behind(self, definition: Definition) -> tuple[dict[str, Definition], dict[str, Sequence[Document]]]:
        """All that a derived KPI goes back to, and the stored figures of what is reported of it."""
        catalog, known = definition.catalog, {definition.kpi_id: definition}
        waiting = list(definition.kpi.sources)
        while waiting:
            key = f"{catalog.province.id}/{waiting.pop()}"
            found = self._definitions.of(key, catalog)
            if found is not None and found.kpi_id not in known:
                known[found.kpi_id] = found
                waiting += found.kpi.sources
        keys = {f"{catalog.province.id}/{kpi}": kpi for kpi, one in known.items() if not one.kpi.sources}
        stored = await self._store.figures(list(keys))
        return known, {kpi: stored.get(key, ()) for key, kpi in keys.items()}

    async def _case(self, kpi: str, unit: str, period: str) -> tuple[KpiState, Definition, Window, int]:
        catalog = next((one for one in self._catalogs().values() if one.units.get(unit) is not None), None)
        if catalog is None:
            raise Unknown("unknown_org_unit", f"no catalog has the unit {unit}")
        definition, window = self._period(catalog, kpi, period)
        state = await self._state(f"{catalog.province.id}/{kpi}")
        known = (unit, window.id) in state.records or window in definition.windows(unit)
        if not known and not _is_forecast(state, definition, unit, window):
            raise Unknown("no_record", f"{state.key}/{unit}/{period} has no record")
        return state, definition, window, self._today(catalog)

    def _period(self, catalog: Catalog, kpi: str, period: str) -> tuple[Definition, Window]:
        definition = self._definitions.of(f"{catalog.province.id}/{kpi}", catalog)
        if definition is None:
            raise Unknown("unknown_kpi", f"the catalog of {catalog.province.id} has no KPI {kpi}")
        try:
            return definition, definition.window(period)
        except ValueError as error:
            raise Unknown("bad_period", str(error)) from None

    async def _state(self, key: str) -> KpiState:
        stored = (await self._store.load([key])).get(key)
        return await asyncio.to_thread(state_of, key, stored) if stored is not None else KpiState(key, 1)

    def _today(self, catalog: Catalog) -> int:
        return self._now().astimezone(catalog.zone).toordinal()


def _is_forecast(state: KpiState, definition: Definition, unit: str, window: Window) -> bool:
    """Whether forecasts were reported, and nothing that would make a record: they are shown, and count for nothing."""
    days = (one.as_of.toordinal() for one in forecasts_of(state.units, unit, window))
    return any(window in definition.windows_on(unit, day) for day in days)
