"""The stages with a memory for a database and a clock that is told what time it is: what would have been decided.

Decisions, groups and flushes are those of the service, line by line; nothing is published, and nothing is sent. Time
goes from one thing that falls due to the next, so that each happens at its very moment.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from contracts.progress import ProgressJudged
from services.alerts.alert import Alert, Condition, Transition
from services.alerts.deciding import Arrived, Decider
from services.alerts.flushing import Flusher
from services.alerts.grouping import Group, Mail
from services.alerts.measures import Measures
from services.alerts.ports import AlertChange, Alerts, Catalogs, GroupChange, Groups, Pending, Queue, Queued
from services.alerts.relaying import Relay
from services.runtime.catalog import Catalog
from services.runtime.clock import DataClock
from services.runtime.kafka.producer import Outgoing
from services.runtime.telemetry import Telemetry

_HOST = "rehearsal.invalid"


class Rehearsal:
    """One province under one catalog, from `start` on. `mails` and `transitions`: everything decided, in order."""

    def __init__(self, catalog: Catalog, start: datetime) -> None:
        self.mails: list[Mail] = []
        self.transitions: list[Transition] = []
        self._alerts, self._groups = _Alerts(self.transitions), _Groups()
        self._clock = DataClock(start)
        measures, catalogs = Measures(Telemetry()), _One(catalog)
        self._decider = Decider(self._alerts, catalogs, measures)
        self._relay = Relay(self._alerts, self._groups, _Nowhere(), self._clock, measures)
        self._flusher = Flusher(self._groups, _Kept(self.mails), catalogs, _HOST, measures)

    @property
    def alerts(self) -> list[Alert]:
        """Those that are not INACTIVE, in the order of their keys."""
        return [alert for alert in self.known if alert.condition is not Condition.INACTIVE]

    @property
    def known(self) -> list[Alert]:
        """Everything that was ever judged, in the order of their keys."""
        return sorted(self._alerts.kept.values(), key=lambda alert: alert.key)

    @property
    def groups(self) -> list[Group]:
        """All of them."""
        return list(self._groups.kept.values())

    async def sees(self, records: Iterable[ProgressJudged], at: datetime) -> None:
        """Records that come at one moment; before it, everything that falls due until then."""
        await self.until(at)
        todo = [Arrived(record) for record in records]
        while todo:
            observed = await self._decider.observe(todo, at, None)
            await self._relay.relay(observed.ids)
            todo = todo[observed.taken :]

    async def until(self, moment: datetime) -> None:
        """Let time pass."""
        while (due := self._due()) is not None and due <= moment:
            now = max(due, self._clock.now())
            self._clock.observe(now)
            await self._relay.relay(await self._decider.tick(now))
            await self._flusher.flush(now)
        self._clock.observe(moment)

    def _due(self) -> datetime | None:
        both = (self._alerts.timers.first(), self._groups.timers.first())
        return min((one for one in both if one is not None), default=None)


class _Timers:
    """What falls due when. An entry of the heap is void once its owner is due at another time."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._due: dict[str, datetime | None] = {}

    def set(self, one: str, at: datetime | None) -> None:
        if self._due.get(one) != at:
            self._due[one] = at
            if at is not None:
                heapq.heappush(self._heap, (at, one))

    def first(self) -> datetime | None:
        while self._heap and self._due[self._heap[0][1]] != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def until(self, now: datetime, limit: int) -> list[str]:
        found: dict[str, datetime] = {}
        while len(found) < limit and (at := self.first()) is not None and at <= now:
            found[self._heap[0][1]] = at
            heapq.heappop(self._heap)
        for one, at in found.items():
            heapq.heappush(self._heap, (at, one))
        return list(found)


class _Alerts(Alerts):
    """Alerts by id, their outboxes, and all that they ever had to tell."""

    def __init__(self, told: list[Transition]) -> None:
        self.kept: dict[str, Alert] = {}
        self.timers = _Timers()
        self._told = told
        self._outbox: dict[str, list[Transition]] = defaultdict(list)

    async def load(self, ids: Collection[str]) -> dict[str, Alert]:
        return {one: self.kept[one] for one in ids if one in self.kept}

    async def save(self, changes: Sequence[AlertChange]) -> bool:
        for change in changes:
            one = change.alert.key.alert_id
            self.kept[one] = change.alert
            self.timers.set(one, change.alert.next_due_at)
            if change.effects:
                self._outbox[one].extend(change.effects)
                self._told.extend(change.effects)
        return True

    async def due(self, now: datetime, provinces: Collection[str], limit: int) -> list[Alert]:
        return [self.kept[one] for one in self.timers.until(now, limit)]

    async def watching(self, province: str, after: str, limit: int) -> list[Alert]:
        there = sorted(one for one, alert in self.kept.items() if one > after and alert.next_due_at is not None)
        return [self.kept[one] for one in there[:limit]]

    async def next_due(self) -> datetime | None:
        return self.timers.first()

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Pending]:
        wanted = self._outbox if ids is None else [one for one in ids if one in self._outbox]
        return [Pending(one, tuple(self._outbox[one])) for one in wanted]

    async def relayed(self, done: Mapping[str, int]) -> None:
        for one in done:
            del self._outbox[one]


class _Groups(Groups):
    """Groups by id, each with its outbox."""

    def __init__(self) -> None:
        self.timers = _Timers()
        self.kept: dict[str, Group] = {}
        self._outbox: dict[str, list[Mail]] = defaultdict(list)

    async def load(self, ids: Collection[str]) -> dict[str, Group]:
        return {one: self.kept[one] for one in ids if one in self.kept}

    async def save(self, changes: Sequence[GroupChange]) -> bool:
        for change in changes:
            one = change.group.key.group_id
            self.kept[one] = change.group
            self.timers.set(one, change.group.next_flush_at)
            if change.mail is not None:
                self._outbox[one].append(change.mail)
        return True

    async def due(self, now: datetime, real_now: datetime, limit: int) -> list[Group]:
        return [self.kept[one] for one in self.timers.until(now, limit)]

    async def next_due(self) -> datetime | None:
        return self.timers.first()

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Mail]:
        wanted = self._outbox if ids is None else [one for one in ids if one in self._outbox]
        return [mail for one in wanted for mail in self._outbox[one]]

    async def relayed(self, done: Mapping[str, int]) -> None:
        for one in done:
            del self._outbox[one]


class _Kept(Queue):
    """The queue: nobody empties it."""

    def __init__(self, mails: list[Mail]) -> None:
        self._mails = mails

    async def put(self, mails: Sequence[Queued], now: datetime) -> None:
        self._mails.extend(mail for mail in mails if isinstance(mail, Mail))


class _Nowhere:
    """Publishes nothing."""

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Done."""


class _One(Catalogs):
    """The one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def of(self, province: str) -> Catalog | None:
        return self._catalog if province == self._catalog.province.id else None

    def provinces(self) -> Collection[str]:
        return (self._catalog.province.id,)

    async def at_least(self, province: str, number: int) -> Catalog:
        return self._catalog
