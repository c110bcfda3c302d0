"""When derived KPIs are made anew: whenever what they are made from was written, whoever owns that.

All replicas share the database, so whoever owns a derived KPI reads the stored figures of its sources there. What was
made is a function of what is stored: a crash loses nothing, and the next look finds the same. It is noted from which
revisions a KPI was made last, so that nothing is made twice.

Records are written before the figures that they were judged on. As long as a figure is missing it will be found to be
missing, and what it changes is said again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic

from services.metrics.beside import Moved
from services.metrics.definition import Definition
from services.metrics.derived.deriving import Figures, derive, differences, in_turns
from services.metrics.derived.source import Source
from services.metrics.documents import Document, first_day
from services.metrics.fold import Fold
from services.metrics.handlers import Workshop
from services.metrics.memory import Definitions
from services.metrics.ownership import Ownership
from services.metrics.progress import key_of
from services.metrics.state import Cause
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import MAKING, Marks, touched_by_marks

FIGURES_A_TURN = 500
"""Derived figures that are judged before the stream gets its turn again."""

RECORDS_A_TURN = 2_000
"""The same of records whose rank may have changed."""

REST = 4
"""With this rest, deriving takes a fifth of the time at most."""


class Deriver:
    """Derives what is assigned here. `rest`: how many times as long as it took is waited before a KPI's next turn."""

    def __init__(self, workshop: Workshop, ownership: Ownership, rest: int) -> None:
        self._workshop = workshop
        self._ownership = ownership
        self._rest = rest
        self._definitions = Definitions()
        self._made_from: dict[str, Document] = {}
        self._documents: dict[str, tuple[Catalog, dict[str, int]]] = {}
        self._rests_until: dict[str, float] = {}
        self._marks: dict[str, tuple[Catalog, Marks]] = {}

    def forget(self) -> None:
        """Somebody else may have derived meanwhile."""
        self._made_from.clear()
        self._documents.clear()
        self._rests_until.clear()

    async def look(self, catalog: Catalog) -> None:
        """Derive what is ours and was made from something else than what is stored now; sources before what is made
        from them. Raises `Moved`."""
        for layer in layers(catalog):
            ours = [kpi for kpi in layer if self._ownership.has(_key(catalog, kpi))]
            if ours:
                await self._look_at(catalog, ours)

    async def _look_at(self, catalog: Catalog, kpis: Sequence[str]) -> None:
        store = self._workshop.store
        sources = {_key(catalog, source) for kpi in kpis for source in catalog.kpis[kpi].sources}
        revisions = await store.revisions(sources)
        unknown = [key for kpi in kpis if (key := _key(catalog, kpi)) not in self._made_from]
        if unknown:
            self._made_from |= await store.derivations(unknown)
        for kpi in kpis:
            key = _key(catalog, kpi)
            drawn = [[source, revisions.get(_key(catalog, source), "")] for source in catalog.kpis[kpi].sources]
            made_from = {"catalog": catalog.version, "marks": self._marks_of(catalog, kpi), "sources": drawn}
            if self._made_from.get(key) != made_from and self._rests_until.get(key, 0.0) <= monotonic():
                started = monotonic()
                self._workshop.memory.settled.discard(key)
                await self._derive(catalog, kpi, self._cause(key, made_from))
                await store.note_derivation(key, made_from)
                self._made_from[key] = made_from
                self._rests_until[key] = monotonic() + self._rest * (monotonic() - started)
            self._ownership.still_ours()
            if self._made_from.get(key) == made_from:
                self._workshop.memory.settled.add(key)

    async def _derive(self, catalog: Catalog, kpi: str, cause: Cause | None) -> None:
        key, work = _key(catalog, kpi), self._workshop
        before = self._documents.pop(key, None)
        sources = [_key(catalog, source) for source in catalog.kpis[kpi].sources]
        stored = await work.store.figures(sources)
        documents = {one["_id"]: one for source in sources for one in stored.get(source, ())}
        since = _since(before, catalog, documents)
        definition = work.definitions.of(key, catalog)
        assert definition is not None
        made = await asyncio.to_thread(
            _made, catalog, key, [(source, stored.get(source, ())) for source in sources], self._definitions, since
        )
        first = definition.accounting(since).first if since else 0
        await self._tell(key, definition, made, first, cause, again=before is None)
        self._documents[key] = catalog, {one: document["rev"] for one, document in documents.items()}

    def _cause(self, key: str, made_from: Document) -> Cause | None:
        """What is new in the catalog since the KPI was made last, where that may make other figures."""
        noted = self._made_from.get(key)
        if noted is None:
            return None
        new = touched_by_marks(noted.get("marks", {}), made_from["marks"]).everything
        what = tuple(reason for reason in MAKING if reason in new)
        return Cause(made_from["catalog"], what) if what else None

    def _marks_of(self, catalog: Catalog, kpi: str) -> dict[str, str]:
        known = self._marks.get(catalog.province.id)
        if known is None or known[0] is not catalog:
            known = self._marks[catalog.province.id] = catalog, Marks(catalog)
        return known[1].of(kpi)

    async def _tell(
        self, key: str, definition: Definition, made: Figures, since: int, cause: Cause | None, *, again: bool
    ) -> None:
        """Have the figures stand, a turn at a time, and say what follows. `again`: also what a look that failed may
        have left unsaid: records that are owed, and ranks that others have changed."""
        async with self._ownership.turn:
            state = (await self._workshop.memory.hold([(key, definition)]))[key]
            changes = differences(state, made, since)
        for turn in in_turns(changes, FIGURES_A_TURN):
            await self._take(key, definition, turn, cause)
        if again:
            await self._take(key, definition, {}, None)
        if (changes or again) and definition.kind.ranked:
            await self._rank(key, definition)

    async def _take(self, key: str, definition: Definition, figures: Figures, cause: Cause | None) -> None:
        async with self._ownership.turn:
            fold = await self._fold(key, definition)
            owed = list(fold.state.owed())
            said = fold.derived(figures, cause)
            told = {one.key for one in said}
            windows = ((unit, definition.window(period)) for unit, period in owed)
            said += fold.repeat([record for record in windows if key_of(definition, *record) not in told])
            await self._workshop.tell(fold.state, said, judgements_first=True)

    async def _rank(self, key: str, definition: Definition) -> None:
        """Say the records whose rank others have changed, a turn at a time."""
        at, records = 0, [("", "")]
        while at < len(records):
            async with self._ownership.turn:
                fold = await self._fold(key, definition)
                records = sorted(fold.state.records)
                turn = records[at : at + RECORDS_A_TURN]
                said = fold.again([(unit, definition.window(period)) for unit, period in turn])
                await self._workshop.tell(fold.state, said)
            at += RECORDS_A_TURN

    async def _fold(self, key: str, definition: Definition) -> Fold:
        self._ownership.still_ours()
        if self._workshop.definitions.of(key, definition.catalog) is not definition:
            raise Moved
        return await self._workshop.fold(key, definition)


def _since(before: tuple[Catalog, dict[str, int]] | None, catalog: Catalog, documents: Mapping[str, Document]) -> int:
    """The first day of which a source may say something else than when the KPI was last derived; 0: of any day.
    `before`: the catalog and the revisions that it was derived from."""
    known, revisions = before or (None, {})
    if known is not catalog or revisions.keys() - documents.keys():
        return 0
    moved = (first_day(document) for one, document in documents.items() if revisions.get(one) != document["rev"])
    return min(moved, default=0)


def layers(catalog: Catalog) -> list[list[str]]:
    """The derived KPIs, those first that are made from reported ones alone, then those made from these, and so on."""
    left = {kpi.id: set(kpi.sources) for kpi in catalog.kpis.values() if kpi.sources}
    found = []
    while left:
        layer = [kpi for kpi, sources in left.items() if not sources & left.keys()]
        if not layer:
            break  # a ring, which no checked catalog has
        found.append(layer)
        left = {kpi: sources for kpi, sources in left.items() if kpi not in layer}
    return found


def _made(
    catalog: Catalog,
    key: str,
    stored: Sequence[tuple[str, tuple[Document, ...]]],
    definitions: Definitions,
    since: int,
) -> Figures:
    """Beside the event loop: with definitions of its own, and nothing that anybody else holds."""
    definition = definitions.of(key, catalog)
    assert definition is not None
    sources = []
    for source, documents in stored:
        known = definitions.of(source, catalog)
        if known is None:
            return {}
        sources.append(Source(known, documents))
    return derive(definition, sources, since)


def _key(catalog: Catalog, kpi: str) -> str:
    return f"{catalog.province.id}/{kpi}"
