"""What no figure brings about: a day that passes, a catalog that changes, records that begin to exist.

Beside the stream, and in small turns, so that figures never wait long. Of each KPI it is noted under which catalog and
on which day all its records were judged; what is judged already is not judged again after a restart.

Nobody delivers the cause of these changes again after a crash. So what was changed here is marked as owed in the same
write, and no longer owed once it was published.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from services.metrics.days import Window, day_of, iso
from services.metrics.definition import Definition
from services.metrics.documents import published
from services.metrics.fold import Fold
from services.metrics.handlers import Workshop
from services.metrics.progress import Emission
from services.metrics.state import KpiState
from services.runtime.catalog import Catalog
from services.runtime.errors import Fenced
from services.runtime.kafka.delivery import passes_by_itself
from services.runtime.kafka.producer import partition_of

log = structlog.get_logger()

RECORDS_A_TURN = 2_000
"""Records that are judged before the stream gets its turn again."""

Records = list[tuple[str, Window]]


class Turns(Protocol):
    """The part of a delivery that is used here."""

    assigned: frozenset[int]
    assignments: int

    @property
    def partitions(self) -> int | None: ...

    @property
    def turn(self) -> asyncio.Lock: ...


class Moved(Exception):
    """The assignment changed meanwhile: begin again."""


class Timekeeper:
    """Judges by time and catalog what is assigned here."""

    def __init__(self, workshop: Workshop, catalogs: Mapping[str, Catalog], delivery: Turns) -> None:
        self._workshop = workshop
        self._catalogs = catalogs
        self._delivery = delivery
        self._generation = -1
        self._done: dict[str, tuple[str, int]] = {}

    async def run(self, every_s: float) -> None:
        """Look again and again. Errors that pass are waited out; others end the task, which health notices."""
        while True:
            try:
                await self.look()
            except Moved:
                continue
            except Exception as error:
                if not isinstance(error, Fenced) and not passes_by_itself(error):
                    raise
                log.warning("tick_failed", why=f"{type(error).__name__}: {error}")
                async with self._delivery.turn:
                    self._workshop.memory.forget()
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """Judge all that is not yet judged under the catalogs in force and on this day. Raises `Moved`."""
        delivery = self._delivery
        if delivery.assignments != self._generation:
            self._generation = delivery.assignments
            self._done.clear()
        for province, catalog in list(self._catalogs.items()):
            today = self._workshop.today(catalog.zone)
            keys = [f"{province}/{kpi}" for kpi in catalog.kpis]
            open_keys = [key for key in keys if self._owned(key) and self._done.get(key) != (catalog.version, today)]
            if open_keys:
                await self._judge(catalog, open_keys, today)

    def _owned(self, key: str) -> bool:
        count = self._delivery.partitions
        return bool(count) and partition_of(key.encode(), count or 1) in self._delivery.assigned

    async def _judge(self, catalog: Catalog, keys: Sequence[str], today: int) -> None:
        work = self._workshop
        judged = await work.store.judged(keys)
        due = await work.store.due(keys, iso(today))
        for key in keys:
            self._still_ours()
            definition = work.definitions.of(key, catalog)
            if definition is None:
                continue
            before = judged.get(key)
            if before is None or before["catalog"] != catalog.version:
                await self._turns(key, definition, None, today, owed=key in due)
            else:
                born = list(_born(definition, day_of(before["day"]), today))
                if born or key in due:
                    await self._turns(key, definition, (born, due.get(key, [])), today, owed=key in due)
        await work.store.mark_judged(keys, catalog.version, iso(today))
        for key in keys:
            self._done[key] = (catalog.version, today)

    async def _turns(
        self,
        key: str,
        definition: Definition,
        only: tuple[Records, list[tuple[str, int]]] | None,
        today: int,
        *,
        owed: bool,
    ) -> None:
        """Judge a KPI's records, all or only some, a turn at a time."""
        at = 0
        while True:
            async with self._delivery.turn:
                self._still_ours()
                if self._workshop.definitions.of(key, definition.catalog) is not definition:
                    raise Moved
                state = (await self._workshop.memory.hold([(key, definition)]))[key]
                records = _all(state, definition, today) if only is None else _some(state, definition, *only)
                turn = records[at : at + RECORDS_A_TURN]
                fold = Fold(state, definition, today)
                said: list[Emission] = []
                if owed and at == 0:
                    said += fold.repeat([(unit, definition.window(period)) for unit, period in state.owed()])
                said += fold.again(turn)
                try:
                    await self._out(state, said)
                except BaseException:
                    self._workshop.memory.forget()
                    raise
            at += RECORDS_A_TURN
            if at >= len(records):
                return
            await asyncio.sleep(0)

    async def _out(self, state: KpiState, said: Sequence[Emission]) -> None:
        """Write, publish, and note that it is published."""
        if not said and not state.dirty_judgements:
            return
        await self._workshop.write([state])
        await self._workshop.publisher.publish(said)
        published(state)
        await self._workshop.write([state])

    def _still_ours(self) -> None:
        if self._delivery.assignments != self._generation:
            raise Moved


def _all(state: KpiState, definition: Definition, today: int) -> Records:
    """Every record that there is or should be by today."""
    records = {(unit, definition.window(period)): None for unit, period in state.records}
    for unit, window in definition.bound_units():
        begins = definition.begins(unit, window)
        if begins is not None and begins <= today:
            records[unit, window] = None
    return sorted(records)


def _some(state: KpiState, definition: Definition, born: Records, due: list[tuple[str, int]]) -> Records:
    """The records of these documents, and those that begin to exist."""
    records = {(unit, definition.window(period)) for period, chunk in due for unit in state.by_bucket[period, chunk]}
    return sorted(records.union(born))


def _born(definition: Definition, since: int, today: int) -> Iterator[tuple[str, Window]]:
    """The records that begin to exist after one day and until another."""
    if since >= today:
        return
    for unit, window in definition.bound_units():
        begins = definition.begins(unit, window)
        if begins is not None and since < begins <= today:
            yield unit, window
