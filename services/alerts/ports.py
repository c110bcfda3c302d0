"""What the stages need of their surroundings. The store implements these on MongoDB, the tests in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.alerts.alert import Alert, Transition
from services.alerts.grouping import Group, Mail
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


class RowState(StrEnum):
    """Where a notification stands. `unknown`: the relay may have taken it, and it will be sent again under its id."""

    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED_RETRY = "failed_retry"
    DEAD = "dead"
    CANCELLED = "cancelled"


FINAL = frozenset({RowState.SENT, RowState.DEAD, RowState.CANCELLED})
"""States after which the next mail of the group may go out."""


@dataclass(frozen=True, slots=True)
class Row:
    """A leased notification. `fence` proves the lease; `raw` is there from the first attempt on."""

    mail: Mail
    fence: int
    attempts: int
    resends: int
    queued_at: datetime
    raw: bytes | None
    before: RowState | None
    """What became of the group's mail before this one."""


class Mails(Protocol):
    """The queue of notifications. All times here are real time. Changes need the lease; False means it was lost."""

    async def put(self, mails: Sequence[Mail], now: datetime) -> None:
        """Queue; one that is there already stays as it is."""
        ...

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
        """Sent, dead or cancelled."""
        ...

    async def later(self, row: Row, state: RowState, not_before: datetime, code: int | None, text: str) -> bool:
        """Back into the queue: `failed_retry` counts an attempt, `unknown` a resend, `queued` nothing."""
        ...

    async def was_told(self, row: Row) -> bool:
        """Whether an earlier mail of the row's thread reached its recipient, or may have."""
        ...

    async def waiting(self) -> tuple[int, datetime | None]:
        """How many mails wait, and since when the oldest does."""
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
