"""What no figure brings about: a day that passes, a catalog that changes, records that begin to exist.

Beside the stream, and in small turns, so that figures never wait long. Of each KPI it is noted under which catalog and
on which day all its records were judged; what is judged already is not judged again after a restart, and of what a
catalog leaves as it was nothing is judged at all.

Nobody delivers the cause of these changes again after a crash. So what was changed here is marked as owed in the same
write, and no longer owed once it was published.
"""

import asyncio
from collections.abc import Mapping, Sequence

from services.metrics.beside import Moved, Turns, keep_looking
from services.metrics.days import day_of, iso
from services.metrics.deriver import REST, Deriver
from services.metrics.documents import Document
from services.metrics.duties import Changes, Duty, between
from services.metrics.fold import Fold
from services.metrics.handlers import Workshop
from services.metrics.ownership import Ownership
from services.metrics.replaced import Replaced
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import NOTHING

RECORDS_A_TURN = 2_000
"""Records that are judged before the stream gets its turn again."""


class Timekeeper:
    """Judges by time and catalog what is assigned here."""

    def __init__(
        self, workshop: Workshop, catalogs: Mapping[str, Catalog], delivery: Turns, *, rest: int = REST
    ) -> None:
        self._workshop = workshop
        self._catalogs = catalogs
        self._ownership = Ownership(delivery)
        self._delivery = delivery
        self._deriver = Deriver(workshop, self._ownership, rest)
        self._done: dict[str, tuple[str, int]] = {}
        self._changes: dict[str, Changes] = {}

    async def run(self, every_s: float) -> None:
        """Look again and again."""
        await keep_looking(self.look, every_s, self._workshop, self._delivery, "tick_failed")

    async def look(self) -> None:
        """Derive what its sources moved, and judge all that is not yet judged under the catalogs in force and on this
        day. Raises `Moved`."""
        if self._ownership.is_new():
            self._deriver.forget()
            self._workshop.annals.forget()
            self._done.clear()
        for province, catalog in list(self._catalogs.items()):
            await self._deriver.look(catalog)
            today = self._workshop.today(catalog.zone)
            keys = [f"{province}/{kpi}" for kpi in catalog.kpis]
            open_keys = [
                key for key in keys if self._ownership.has(key) and self._done.get(key) != (catalog.version, today)
            ]
            if open_keys:
                await self._judge(catalog, open_keys, today)

    async def _judge(self, catalog: Catalog, keys: Sequence[str], today: int) -> None:
        work = self._workshop
        judged = await work.store.judged(keys)
        due = await work.store.due(keys, iso(today))
        changes = self._changes.setdefault(catalog.province.id, Changes(catalog)).to(catalog)
        noted: dict[str, Document] = {}
        await self._note_what_is_in_force(catalog, keys, changes)
        for key in keys:
            self._ownership.still_ours()
            definition = work.definitions.of(key, catalog)
            if definition is None:
                continue
            before, documents = judged.get(key), due.get(key, [])
            since = None if before is None else day_of(before["day"])
            touched = NOTHING if before is None else changes.since(before, definition.kpi_id)
            duty = Duty(definition, today, since, touched, documents)
            if duty:
                await self._turns(key, duty, await self._replaced(duty, before))
            work.replacing.settled(key)
            await asyncio.sleep(0)
            noted[key] = {"catalog": catalog.version, "day": iso(today), "marks": changes.marks(definition.kpi_id)}
        await work.store.mark_judged(noted)
        for key in noted:  # a batch may have read what was noted before
            former = work.definitions.replaced.get(key)
            if former is not None and former.catalog.version != catalog.version:
                work.replacing.settled(key)
        changes.done()
        for key in keys:
            self._done[key] = (catalog.version, today)

    async def _note_what_is_in_force(self, catalog: Catalog, keys: Sequence[str], changes: Changes) -> None:
        """Before anything is judged by it."""
        now, marks = self._workshop.clock.now(), {}
        for key in keys:
            self._ownership.still_ours()
            marks[key] = changes.marks(key.split("/", 1)[1])
            await asyncio.sleep(0)  # to compare thousands of targets takes a while
        await self._workshop.annals.note(catalog, marks, now)

    async def _replaced(self, duty: Duty, before: Document | None) -> Replaced | None:
        """By what records were judged that a catalog touches."""
        work, definition = self._workshop, duty.definition
        key = f"{definition.catalog.province.id}/{definition.kpi_id}"
        if before is None:
            return work.replacing.of(key, definition)
        if not duty.touched:
            return None
        former = work.definitions.replaced.get(key)
        if former is None or former.catalog.version != before["catalog"]:
            former = await work.annals.judged_by(key, before.get("marks", {}))
        return Replaced(former, duty.touched, bool(between(before, definition.catalog)))

    async def _turns(self, key: str, duty: Duty, replaced: Replaced | None) -> None:
        """Judge a KPI's records, a turn at a time."""
        at, definition = 0, duty.definition
        while True:
            async with self._ownership.turn:
                self._ownership.still_ours()
                if self._workshop.definitions.of(key, definition.catalog) is not definition:
                    raise Moved
                state = (await self._workshop.hold({key: definition}))[key]
                records = duty.records(state)
                fold = Fold(state, definition, duty.today, replaced)
                said = fold.repeat([(unit, definition.window(period)) for unit, period in state.owed()])
                said += fold.again(records[at : at + RECORDS_A_TURN])
                await self._workshop.tell(state, said)
            at += RECORDS_A_TURN
            if at >= len(records):
                return
            await asyncio.sleep(0)
