"""What the stages need of their surroundings. The store implements these on MongoDB, the tests in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from services.alerts.alert import Alert, Transition
from services.alerts.digest import Correspondence, Digest, PublisherKey
from services.alerts.grouping import Group, Mail
from services.alerts.notes import Note
from services.runtime.catalog import Catalog


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert to be written if it is still at the `rev` that it was read at, and what goes into its outbox."""

    alert: Alert
    effects: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """Transitions of one alert that were decided and are not relayed yet, in order."""

    alert_id: str
    transitions: tuple[Transition, ...]


class Alerts(Protocol):
    """The alert documents, each with its outbox."""

    async def load(self, ids: Collection[str]) -> dict[str, Alert]:
        """Those that exist, in one round trip."""
        ...

    async def save(self, changes: Sequence[AlertChange]) -> bool:
        """Write all in one round trip; False if some were overtaken (the others are written): read and decide again."""
        ...

    async def due(self, now: datetime, provinces: Collection[str], limit: int) -> list[Alert]:
        """Those of these provinces with a timer at or before `now`, the longest overdue first."""
        ...

    async def watching(self, province: str, after: str, limit: int) -> list[Alert]:
        """A province's alerts that are open or may become so, in the order of their ids, from `after` on."""
        ...

    async def next_due(self) -> datetime | None:
        """The earliest timer of all."""
        ...

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Pending]:
        """What is to be relayed of these alerts; with None, what anybody left lying for some seconds."""
        ...

    async def relayed(self, done: Mapping[str, int]) -> None:
        """Alert → the last `seq` that has been relayed."""
        ...


class Times(Protocol):
    """The business time that was reached, for a clock that moves on with the data: a restart must not turn it back."""

    async def reached(self) -> datetime | None:
        """The latest that was kept."""
        ...

    async def keep(self, moment: datetime) -> None:
        """Keep it, unless a later one is kept already."""
        ...


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A group to be written if it is still at its `rev`, and the mail that was decided."""

    group: Group
    mail: Mail | None = None


class Groups(Protocol):
    """The groups, each with its outbox of decided mails."""

    async def load(self, ids: Collection[str]) -> dict[str, Group]:
        """Those that exist, in one round trip."""
        ...

    async def save(self, changes: Sequence[GroupChange]) -> bool:
        """Write all in one round trip; False if some were overtaken."""
        ...

    async def due(self, now: datetime, real_now: datetime, limit: int) -> list[Group]:
        """Those whose wait is over by business time `now` or by real time, the longest overdue first."""
        ...

    async def next_due(self) -> datetime | None:
        """The earliest flush of all, in business time."""
        ...

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Mail]:
        """Decided mails of these groups that are not queued yet, in order; None: left lying for some seconds."""
        ...

    async def relayed(self, done: Mapping[str, int]) -> None:
        """Group → the last `seq` whose mail is queued."""
        ...


Queued = Mail | Digest
"""What the queue takes: a group's mail, or a letter to a publisher."""


class RowState(StrEnum):
    """Where a notification stands. `unknown`: the relay may have taken it, and it will be sent again under its id.
    `unconfirmed`: the same, of one that is not sent again."""

    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED_RETRY = "failed_retry"
    DEAD = "dead"
    CANCELLED = "cancelled"
    UNCONFIRMED = "unconfirmed"


FINAL = frozenset({RowState.SENT, RowState.DEAD, RowState.CANCELLED, RowState.UNCONFIRMED})
"""States after which the next mail of the group may go out."""


@dataclass(frozen=True, slots=True)
class Row:
    """A leased notification. `fence` proves the lease; `raw` is there from the first attempt on."""

    mail: Queued
    fence: int
    attempts: int
    resends: int
    queued_at: datetime
    raw: bytes | None
    before: RowState | None
    """What became of the group's mail before this one."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A notification as people look at it. Times are real time."""

    row: str
    recipient: str
    """Whom it is for: a person's or a publisher's id."""
    reason: str
    state: RowState
    queued_at: datetime
    attempts: int
    said: str | None
    """What the relay, or we, said of it last."""


class Queue(Protocol):
    """Where decided mails go."""

    async def put(self, mails: Sequence[Queued], now: datetime) -> None:
        """Queue; one that is there already stays as it is."""
        ...


class Mails(Queue, Protocol):
    """The queue of notifications. All times here are real time. Changes need the lease; False means it was lost."""

    async def lease(self, owner: str, now: datetime, until: datetime, limit: int) -> list[Row]:
        """Take up to `limit` rows whose predecessor in the group is finished, the oldest first."""
        ...

    async def freeze(self, row: Row, raw: bytes) -> bool:
        """Keep the bytes: from now on every attempt sends exactly these."""
        ...

    async def renew(self, row: Row, until: datetime) -> bool:
        """Hold the lease longer."""
        ...

    async def finish(self, row: Row, state: RowState, now: datetime, code: int | None, text: str) -> bool:
        """Any of the states after which nothing more happens to it."""
        ...

    async def later(self, row: Row, state: RowState, not_before: datetime, code: int | None, text: str) -> bool:
        """Back into the queue: `failed_retry` counts an attempt, `unknown` a resend, `queued` nothing."""
        ...

    async def was_told(self, row: Row) -> bool:
        """Whether an earlier mail of the row's thread reached its recipient, or may have."""
        ...

    async def came_and_went(self, row: Row) -> bool:
        """Whether the row's thread has ended well before any mail of it was tried."""
        ...

    async def listed(self, states: Collection[RowState], limit: int) -> list[Listed]:
        """Notifications in these states, the latest first."""
        ...

    async def requeue(self, rows: Collection[str] | None, now: datetime) -> int:
        """Dead ones (None: all) go back as they are, with the ends that were cancelled for their sake; how many.

        Letters do not: what a dead one said, the next one says.
        """
        ...

    async def states(self, rows: Collection[str]) -> dict[str, RowState]:
        """Where these notifications stand; nothing of those that are not queued."""
        ...

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many mails wait, and since when the oldest does."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A note, and the publisher that it is for. Of a refusal that can be mended: the identity of the observation that
    its event would have been, and its cell (KPI, unit and day)."""

    whose: PublisherKey
    note: Note
    identity: str | None = None
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A refusal that is to be told unless it was mended since `at`."""

    note: str
    whose: PublisherKey
    at: datetime
    identity: str | None
    cell: str | None


class Notes(Protocol):
    """What publishers are to be told, note by note, until it is in their correspondence."""

    async def put(self, notes: Sequence[Kept]) -> None:
        """Keep those that are not there yet, durably."""
        ...

    async def whose(self, upto: datetime) -> frozenset[PublisherKey]:
        """The publishers for which there are notes of that time or before."""
        ...

    async def first(self, whose: PublisherKey, upto: datetime, limit: int) -> list[Note]:
        """The earliest of a publisher's notes that are not folded, in the order in which they were said."""
        ...

    async def any_refused(self) -> bool:
        """Whether there is any refusal, of whichever publisher, that is not folded and can be mended."""
        ...

    async def refused(self, identities: Collection[str], cells: Collection[str]) -> list[Waiting]:
        """Those refusals that have one of these identities or cells."""
        ...

    async def folded(self, ids: Collection[str], forget_at: datetime) -> None:
        """They are in the correspondence, or need not be. From `forget_at` (real time) on nobody need know them any
        more."""
        ...


@dataclass(frozen=True, slots=True)
class CorrespondenceChange:
    """A correspondence to be written if it is still at its `rev`, and the letter that was decided."""

    owed: Correspondence
    digest: Digest | None = None


class Correspondences(Protocol):
    """What each publisher was told and is to be told, each with its outbox of decided letters."""

    async def load(self, keys: Collection[PublisherKey]) -> dict[PublisherKey, Correspondence]:
        """Those that exist, in one round trip."""
        ...

    async def save(self, change: CorrespondenceChange) -> bool:
        """False if it was overtaken."""
        ...

    async def pending(self, keys: Collection[PublisherKey] | None) -> list[Digest]:
        """Decided letters to these publishers that are not queued yet; None: left lying for some seconds."""
        ...

    async def relayed(self, done: Collection[Digest]) -> None:
        """These letters are queued."""
        ...


class Sighting(NamedTuple):
    """What a version of a progress record says: the day of the newest figure that stands. None where none does."""

    province: str
    kpi: str
    unit: str
    period: str
    as_of: date | None
    version: int


class Sightings(Protocol):
    """The day of the newest figure that stands, by KPI and unit."""

    async def keep(self, seen: Sequence[Sighting]) -> None:
        """Keep each durably unless a later version of its record, or the same, is kept."""
        ...

    async def newest(self, province: str) -> Mapping[str, Mapping[str, date]]:
        """KPI → unit → the latest day of all periods."""
        ...


class Catalogs(Protocol):
    """The catalogs in force."""

    def of(self, province: str) -> Catalog | None:
        """The catalog of a province, if there is one."""
        ...

    def provinces(self) -> Collection[str]:
        """Those that have a catalog."""
        ...

    async def at_least(self, province: str, number: int) -> Catalog:
        """The catalog, once it has this number. Raises `Transient` if it does not come."""
        ...
