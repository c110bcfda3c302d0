"""Which definitions of a KPI (itself, its targets, the units, the calendars) were in force when.

An edition is kept whenever another catalog changes what the KPI's judgements rest on: from the moment, by the business
clock, at which its owner took note of the catalog. So a closed judgement and a former day can be told by what was in
force then, also where a file was changed in place.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from services.metrics.definition import Definition
from services.metrics.documents import Document
from services.metrics.store import Store
from services.metrics.then import Known
from services.runtime.catalog import Catalog
from services.runtime.catalog.extracts import Extracts, Part, restored
from services.runtime.catalog.rejudging import MAKING

AT_ONCE = 64
"""KPIs whose editions are written together."""


class Edition(NamedTuple):
    """What was in force from `since` on. `marks`: of the catalog whose version is `catalog`; `parts`: where it is."""

    since: datetime
    catalog: str
    marks: Mapping[str, str]
    parts: tuple[str, ...]


class Annals:
    """The editions of the KPIs that this process writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, list[Edition]] = {}
        self._extracts: Extracts | None = None
        self._of: Catalog | None = None

    def forget(self) -> None:
        """Somebody else may have kept editions meanwhile."""
        self._known.clear()

    async def note(self, catalog: Catalog, marks: Mapping[str, Mapping[str, str]], now: datetime) -> None:
        """Keep what is in force from `now` on of the KPIs whose `marks` (by `province/kpi`) are not the last ones kept.
        Raises `Fenced`."""
        await self._read(marks)
        changed = [key for key, mine in marks.items() if not self._known[key] or self._known[key][-1].marks != mine]
        for start in range(0, len(changed), AT_ONCE):
            await self._keep(catalog, {key: marks[key] for key in changed[start : start + AT_ONCE]}, now)

    async def _read(self, keys: Iterable[str]) -> None:
        unread = [key for key in keys if key not in self._known]
        if unread:
            found = await self._store.editions(unread)
            for key in unread:  # unless somebody else read it, and added to it, meanwhile
                self._known.setdefault(key, [edition_of(one) for one in found.get(key, ())])

    async def _keep(self, catalog: Catalog, marks: Mapping[str, Mapping[str, str]], now: datetime) -> None:
        await self._read(marks)
        known = {key: self._known[key] for key in marks}  # somebody may forget them meanwhile
        new: dict[str, Edition] = {}
        parts: dict[str, Part] = {}
        for key, mine in marks.items():
            mine_parts = self._extracted(catalog).of(key.split("/", 1)[1])
            parts |= {part.digest: part for part in mine_parts}
            since = max(now, known[key][-1].since) if known[key] else now
            new[key] = Edition(since, catalog.version, dict(mine), tuple(part.digest for part in mine_parts))
            await asyncio.sleep(0)  # to pack thousands of targets takes a while
        editions = {key: (len(known[key]), edition._asdict()) for key, edition in new.items()}
        try:
            await self._store.keep_editions(editions, parts.values())
        except BaseException:
            self.forget()
            raise
        for key, edition in new.items():
            known[key].append(edition)

    async def judged_by(self, key: str, marks: Mapping[str, str]) -> Definition | None:
        """The KPI as it was defined in the last edition with these marks; None where that is not kept."""
        await self._read([key])
        editions = (one for one in reversed(self._known[key]) if one.marks == marks)
        edition = next(editions, None)
        return None if edition is None else await definition_of(self._store, key, edition)

    def _extracted(self, catalog: Catalog) -> Extracts:
        if self._extracts is None or self._of is not catalog:
            self._extracts, self._of = Extracts(catalog), catalog
        return self._extracts


async def known_on(store: Store, key: str, present: Definition, day: date) -> Known:
    """The definition by which the KPI was judged at the end of the day, or the nearest one that is known."""
    editions = [edition_of(one) for one in (await store.editions([key])).get(key, ())]
    if not editions:
        return Known(present, None)
    then = [one for one in editions if one.since.astimezone(present.catalog.zone).date() <= day]
    edition = then[-1] if then else editions[0]
    definition = present
    if edition.catalog != present.catalog.version:
        definition = await definition_of(store, key, edition)
    if not then:
        return Known(definition, None, edition.since)
    last = editions[-1].marks
    otherwise = definition.kind.derived and any(edition.marks.get(one) != last.get(one) for one in MAKING)
    return Known(definition, edition.catalog, edition.since, otherwise)


async def definition_of(store: Store, key: str, edition: Edition) -> Definition:
    """The KPI as the edition has it."""
    contents = await store.parts(edition.parts)
    return await asyncio.to_thread(_restored, key, contents, edition.catalog)


def edition_of(document: Document) -> Edition:
    """As it is stored."""
    return Edition(document["since"], document["catalog"], document["marks"], tuple(document["parts"]))


def _restored(key: str, contents: Iterable[bytes], version: str) -> Definition:
    return Definition(restored(contents, version), key.split("/", 1)[1])
