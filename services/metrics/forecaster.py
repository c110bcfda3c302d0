"""Forecasts, beside the stream: of the records that moved, within seconds.

In turns: under the lock of the stream the series are read, and later the answers are written and said; the arithmetic
between the two is done a slice at a time while no batch is in hand. While the consumer lags, forecasts wait: they are
for people, who will not miss them for a while, and figures are not to wait for them.

Which records await a forecast is noted by the fold, and found again after a crash, since each forecast is kept with the
digest of the judgement that it was made for. Those of a derived KPI wait until its figures are made: after a crash its
records may be ahead of them. A new forecast is a new version of the record, and like all that nobody
delivers again it is marked as owed in the same write, until it was published.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from services.metrics.beside import Moved, Turns, keep_looking, owned
from services.metrics.definition import Definition
from services.metrics.documents import issue_changes
from services.metrics.foretelling import Answer, Question, answer, foretell, questions
from services.metrics.handlers import Workshop
from services.runtime.catalog import Catalog

RECORDS_A_TURN = 100
"""Records that are forecast before the stream gets its turn again."""

SLICE_S = 0.002
"""How long the arithmetic goes on before the event loop is others' for as long."""

FAR_BEHIND = 1_000
"""Observations waiting, beyond which forecasts wait as well."""

_PAUSE_S = 0.05

Generation = tuple[int, int]
"""Which assignment it is, and how often all in memory was forgotten: another one means that a batch may come again."""


class Forecaster:
    """Forecasts the records of the partitions that are assigned here."""

    def __init__(self, workshop: Workshop, catalogs: Mapping[str, Catalog], delivery: Turns) -> None:
        self._workshop = workshop
        self._catalogs = catalogs
        self._delivery = delivery
        self._known: tuple[Generation, frozenset[str]] | None = None
        self._stored: set[str] = set()

    async def run(self, every_s: float) -> None:
        """Look again and again."""
        await keep_looking(self.look, every_s, self._workshop, self._delivery, "forecast_failed")

    async def look(self) -> None:
        """Forecast all that awaits it. Raises `Moved`."""
        generation = self._generation()
        if not await self._delivery.caught_up():
            return
        await self._find_stored(generation)
        for key in dict.fromkeys([*self._workshop.memory.awaiting(), *sorted(self._stored)]):
            definition = self._definition(key)
            if definition is not None and definition.kind.derived and key not in self._workshop.memory.settled:
                continue
            while definition is not None and await self._turn(key, definition, generation):
                pass
            self._stored.discard(key)

    def _generation(self) -> Generation:
        return self._delivery.assignments, self._workshop.memory.forgotten

    async def _find_stored(self, generation: Generation) -> None:
        """What the store says after an assignment, for a new province, and after all in memory has been forgotten."""
        memory = self._workshop.memory
        known = generation, frozenset(self._catalogs)
        if known != self._known:
            keys = (f"{province}/{kpi}" for province, catalog in self._catalogs.items() for kpi in catalog.kpis)
            ours = [key for key in keys if owned(self._delivery, key)]
            self._stored = set(await self._workshop.store.unforetold(ours))
            self._known = known
        self._stored |= memory.dropped
        memory.dropped.clear()

    def _definition(self, key: str) -> Definition | None:
        catalog = self._catalogs.get(key.split("/", 1)[0])
        return None if catalog is None else self._workshop.definitions.of(key, catalog)

    async def _turn(self, key: str, definition: Definition, generation: Generation) -> bool:
        """Forecast some records of a KPI; whether there are more."""
        work = self._workshop
        await self._patience(generation)
        async with self._delivery.turn:
            self._still(generation, key, definition)
            state = (await work.memory.hold([(key, definition)]))[key]
            today = work.today(definition.catalog.zone)
            asked = questions(state, definition, today, RECORDS_A_TURN)
            if not asked and not any(True for _ in state.owed()):
                state.note_what_awaits()
                await work.tell(state, [])
                return False
        answers = await self._answers(asked, generation)
        async with self._delivery.turn:
            self._still(generation, key, definition)
            fold = await work.fold(key, definition)
            state = fold.state
            said = fold.repeat([(unit, definition.window(period)) for unit, period in state.owed()])
            if fold.replaces:  # what another catalog says of a record is said with its cause, and forecast after it
                said += fold.again((question.unit, question.window) for question in asked)
            told, issues = foretell(fold.judging, definition, answers)
            state.note_what_awaits()
            try:
                await work.store.keep_issued(issue_changes(state, issues))
                await work.tell(state, [*said, *told])
            except BaseException:
                work.memory.forget()
                raise
            work.meters.forecast.inc(len(answers))
            return any(True for _ in state.awaiting())

    async def _answers(self, asked: Sequence[Question], generation: Generation) -> list[Answer]:
        """The arithmetic, a slice at a time."""
        answers: list[Answer] = []
        ends = time.perf_counter() + SLICE_S
        for question in asked:
            answers.append(answer(question))
            if time.perf_counter() > ends:
                await asyncio.sleep(SLICE_S)
                await self._patience(generation)
                ends = time.perf_counter() + SLICE_S
        return answers

    async def _patience(self, generation: Generation) -> None:
        """Wait while a batch is in hand, or many observations wait. Raises `Moved`."""
        while self._delivery.turn.locked() or self._delivery.lag() > FAR_BEHIND:
            if self._generation() != generation:
                raise Moved
            await asyncio.sleep(_PAUSE_S if self._delivery.lag() > FAR_BEHIND else SLICE_S)

    def _still(self, generation: Generation, key: str, definition: Definition) -> None:
        if self._generation() != generation:
            raise Moved
        if self._workshop.definitions.of(key, definition.catalog) is not definition:
            raise Moved
