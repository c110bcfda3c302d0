"""Letters to publishers, slot by slot: notes go into the correspondence of their publisher, and when its slot has come
and there is anything to say, a letter is decided and queued.

Several workers may do this side by side: whoever writes a correspondence first has decided, the others find it written.
A note is folded in once, since the ids of those that were folded last stand in the same document until they are marked.
Nothing is decided while this worker has not read what lay on the broker, nor while the last letter to the same
publisher is on its way.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from contracts.catalog import Publisher
from services.alerts.digest import Correspondence, Digest, PublisherKey, settled, take_in, write
from services.alerts.measures import Measures
from services.alerts.ports import (
    FINAL,
    Catalogs,
    CorrespondenceChange,
    Correspondences,
    Mails,
    Notes,
    RowState,
    Sightings,
)
from services.alerts.reminding import NEVER, Awaited, Newest, Watched, awaited, questions
from services.alerts.slots import days_of, latest_slot, spread_of
from services.runtime.catalog import Calendar, Catalog

BATCH = 500
"""Notes that are folded in at once."""

_MINUTE_S = 60
"""Slots begin with a minute."""


@dataclass(frozen=True, slots=True)
class Terms:
    """`reply_days`: working days that a publisher has to answer a doubt. `notes_for`: how long a note is known after it
    was folded in, should its answer be delivered again. `host` ends Message-IDs."""

    reply_days: int
    notes_for: timedelta
    host: str
    watched: Watched


@dataclass(frozen=True, slots=True)
class Slot:
    """A publisher, and the last moment at which it was to be written to."""

    catalog: Catalog
    days: Calendar
    publisher: Publisher
    at: datetime

    @property
    def key(self) -> PublisherKey:
        """Whose it is."""
        return PublisherKey(self.catalog.province.id, self.publisher.id)

    @property
    def today(self) -> date:
        """The local day."""
        return self.at.astimezone(self.catalog.zone).date()


class Digester:
    """Decides letters to publishers, and queues them."""

    def __init__(
        self,
        notes: Notes,
        correspondences: Correspondences,
        sightings: Sightings,
        mails: Mails,
        catalogs: Catalogs,
        terms: Terms,
        measures: Measures,
        caught_up: Callable[[], Awaitable[bool]],
    ) -> None:
        self._notes = notes
        self._correspondences = correspondences
        self._sightings = sightings
        self._mails = mails
        self._catalogs = catalogs
        self._terms = terms
        self._measures = measures
        self._caught_up = caught_up
        self._looked: dict[PublisherKey, datetime] = {}
        """Publisher → the last slot of which nothing more is to be told."""
        self._latest: tuple[object, list[Slot]] = (None, [])

    async def round(self, now: datetime) -> int:
        """Write to every publisher whose slot has come; how many letters were decided."""
        slots = [slot for slot in self._slots(now) if self._looked.get(slot.key) != slot.at]
        if not slots or not await self._caught_up():
            return 0
        decided = 0
        stored = await self._correspondences.load([slot.key for slot in slots])
        noted = await self._notes.whose(max(slot.at for slot in slots))
        newest: dict[str, Mapping[str, Newest]] = {}
        for slot in slots:
            owed = await self._open(slot, stored.get(slot.key) or Correspondence(slot.key))
            if owed is None:
                continue
            if slot.key.province not in newest:
                newest[slot.key.province] = await self._sightings.newest(slot.key.province)
            decided += await self._one(slot, owed, newest[slot.key.province], noted=slot.key in noted, now=now)
        return decided

    async def sweep(self) -> int:
        """Queue decided letters that somebody left lying."""
        left = await self._correspondences.pending(None)
        await self._queue(left)
        return len(left)

    def _slots(self, now: datetime) -> list[Slot]:
        """The last slot of each publisher."""
        catalogs = [catalog for one in self._catalogs.provinces() if (catalog := self._catalogs.of(one)) is not None]
        until = (now.timestamp() // _MINUTE_S, [(catalog.province.id, catalog.version) for catalog in catalogs])
        if self._latest[0] != until:
            self._latest = until, [slot for catalog in catalogs for slot in _slots_of(catalog, now)]
        return self._latest[1]

    async def _open(self, slot: Slot, owed: Correspondence) -> Correspondence | None:
        """What is owed in this slot; None if its letter is decided, or while the last one is on its way."""
        if owed.slot is not None and owed.slot >= slot.at:
            self._looked[slot.key] = slot.at
            return None
        if owed.on_its_way is None:
            return owed
        arrived = await self._arrived(owed, owed.on_its_way)
        return None if arrived is None else settled(owed, arrived)

    async def _one(
        self, slot: Slot, owed: Correspondence, newest: Mapping[str, Newest], *, noted: bool, now: datetime
    ) -> bool:
        """Whether a letter was decided here. Where another worker was quicker, the next round looks again."""
        folded = await self._fold(owed, slot.at) if noted else owed
        if folded is None:
            return False
        after, digest = write(
            folded,
            slot.publisher,
            self._awaited(slot, folded, newest),
            slot.at,
            now,
            slot.today,
            slot.days.add_working_days(slot.today, self._terms.reply_days),
            self._terms.host,
        )
        if digest is not None:
            if not await self._correspondences.save(CorrespondenceChange(after, digest)):
                return self._overtaken()
            self._measures.flushed.labels(digest.reason.value).inc()
            await self._queue(await self._correspondences.pending([slot.key]))
        self._looked[slot.key] = slot.at
        return digest is not None

    async def _arrived(self, owed: Correspondence, row: str) -> bool | None:
        """What became of the last letter; None while it is on its way."""
        state = (await self._mails.states([row])).get(row)
        if state is None:
            left = await self._correspondences.pending([owed.key])
            await self._queue(left)
            return None if left else True  # neither owed nor queued: rows that old may have been removed
        return state is RowState.SENT if state in FINAL else None

    async def _fold(self, owed: Correspondence, upto: datetime) -> Correspondence | None:
        """With all notes up to that time; None if another worker is at it."""
        while True:
            if owed.folded:
                await self._notes.folded(owed.folded, datetime.now(UTC) + self._terms.notes_for)
            notes = await self._notes.first(owed.key, upto, BATCH)
            if not notes:
                return owed
            owed = take_in(owed, notes)
            if not await self._correspondences.save(CorrespondenceChange(owed)):
                self._overtaken()
                return None
            owed = owed.saved()

    def _awaited(self, slot: Slot, owed: Correspondence, newest: Mapping[str, Newest]) -> tuple[Awaited, ...]:
        """The figures of which the publisher is reminded in this slot."""
        asked = questions(slot.catalog, slot.publisher, owed.reminded, slot.today, self._terms.watched)
        found = (
            awaited(one, slot.catalog, slot.publisher, owed.reminded.get(one.kpi, NEVER), newest.get(one.kpi, {}))
            for one in asked
        )
        return tuple(one for one in found if one is not None)

    async def _queue(self, digests: Collection[Digest]) -> None:
        """From the outboxes into the queue, then out of the outboxes."""
        if digests:
            await self._mails.put(list(digests), datetime.now(UTC))
            await self._correspondences.relayed(digests)

    def _overtaken(self) -> bool:
        self._measures.conflicts.labels("correspondences").inc()
        return False


def _slots_of(catalog: Catalog, now: datetime) -> list[Slot]:
    days, zone = days_of(catalog), catalog.zone
    if days is None:
        return []
    found = []
    for publisher in catalog.publishers:
        spread = spread_of(PublisherKey(catalog.province.id, publisher.id).id)
        at = latest_slot(now, publisher.digest_hours, days, zone, spread)
        if at is not None and publisher.valid_on(at.astimezone(zone).date()):
            found.append(Slot(catalog, days, publisher, at))
    return found
