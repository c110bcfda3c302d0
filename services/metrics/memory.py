"""The KPIs held in memory: loaded together when first touched, the least recently used dropped, forgotten at once."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from services.metrics.definition import Definition
from services.metrics.documents import state_of
from services.metrics.state import KpiState, chunks_for
from services.metrics.store import Store
from services.runtime.catalog import Catalog

KPIS_AT_ONCE = 64
"""KPIs that have to be loaded and are worked on at once: a batch may touch all those of a country."""

Wanted = Iterable[tuple[str, Definition | None]]


class Memory:
    """States by `province/kpi`, with at most `limit` figures and records in all of them beside those in use. Whoever
    holds one is its `writer`."""

    def __init__(self, store: Store, limit: int, writer: str) -> None:
        self._store = store
        self._limit = limit
        self._writer = writer
        self._states: OrderedDict[str, KpiState] = OrderedDict()
        self.forgotten = 0
        """How often everything was dropped."""
        self.dropped: set[str] = set()
        """KPIs that were dropped to make room while records of them awaited a forecast."""
        self.settled: set[str] = set()
        """Derived KPIs of which nobody is just making figures: of the others records may be ahead of the figures."""

    def __len__(self) -> int:
        return len(self._states)

    def shares(self, wanted: Wanted) -> Iterator[dict[str, Definition | None]]:
        """The KPIs of a batch in shares that may be held at once, in their order."""
        share: dict[str, Definition | None] = {}
        loading = 0
        for key, definition in wanted:
            if key not in self._states:
                if loading == KPIS_AT_ONCE:
                    yield share
                    share, loading = {}, 0
                loading += 1
            share[key] = definition
        if share:
            yield share

    async def hold(self, wanted: Wanted) -> dict[str, KpiState]:
        """The states of these KPIs, from memory or from the store, in one query a collection."""
        definitions = dict(wanted)
        missing = [key for key in definitions if key not in self._states]
        if missing:
            stored = await self._store.take(missing, self._writer)
            new = {key: _chunks(definitions[key]) for key in missing if key not in stored}
            if new:
                await self._store.create(new)
                stored |= await self._store.take(list(new), self._writer)
            for key in missing:
                self._states[key] = state_of(key, stored[key])
        for key in definitions:
            self._states.move_to_end(key)
        size = sum(state.size for state in self._states.values())
        while size > self._limit and len(self._states) > len(definitions):
            key, state = self._states.popitem(last=False)
            size -= state.size
            if _awaits(state):
                self.dropped.add(key)
        return {key: self._states[key] for key in definitions}

    def replace(self, state: KpiState) -> None:
        """From now on this is the KPI's state."""
        self._states[state.key] = state

    def reread(self, key: str) -> None:
        """Whoever holds this KPI next shall see what is stored."""
        state = self._states.pop(key, None)
        if state is not None and _awaits(state):
            self.dropped.add(key)

    def forget(self) -> None:
        """Drop everything: it may be ahead of what is stored, or somebody else may write now."""
        self._states.clear()
        self.dropped.clear()
        self.settled.clear()
        self.forgotten += 1

    def awaiting(self) -> list[str]:
        """The KPIs held with records that await a forecast."""
        return [key for key, state in self._states.items() if _awaits(state)]


class Definitions:
    """KPIs of the catalogs in force, worked out once a catalog. `keeps_replaced`: whoever judges by them says when all
    is judged anew, by taking what was replaced away."""

    def __init__(self, *, keeps_replaced: bool = False) -> None:
        self._known: dict[str, Definition] = {}
        self._keeps_replaced = keeps_replaced
        self.replaced: dict[str, Definition] = {}
        """By KPI the definition before, while records may still be judged by it."""

    def of(self, key: str, catalog: Catalog) -> Definition | None:
        """The KPI under this catalog; None if it does not know the KPI."""
        found = self._known.get(key)
        if found is None or found.catalog is not catalog:
            kpi = key.split("/", 1)[1]
            if kpi not in catalog.kpis:
                self._known.pop(key, None)
                return None
            if found is not None and self._keeps_replaced:
                self.replaced.setdefault(key, found)
            found = self._known[key] = Definition(catalog, kpi)
        return found


def _awaits(state: KpiState) -> bool:
    return any(bucket.awaiting for bucket in state.judgement_buckets.values())


def _chunks(definition: Definition | None) -> int:
    """As many chunks as suit the units that may report and those above them."""
    if definition is None:
        return 1
    levels = set(definition.kpi.levels)
    return chunks_for(sum(unit.level in levels for unit in definition.catalog.units))
