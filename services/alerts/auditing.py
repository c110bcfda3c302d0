"""The auditor: holds what was decided, what was queued and what was sent against one another, and names each promise
to a recipient that was broken.

It looks at what is at rest only. What still has a turn to take (a transition to be relayed, a group to be flushed, a
mail to be sent) may keep its promise yet. It reads and never mends: what it finds is a fault of ours, or a database
that was restored or edited.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple, Protocol

from services.alerts.alert import Alert
from services.alerts.grouping import Group, GroupKey
from services.alerts.ports import FINAL, RowState

PAGE = 200
"""Groups, or alerts, that are looked at together."""


class Promise(StrEnum):
    """What was promised and not kept."""

    BEGINNING = "beginning_not_told"
    """An alert is open, and somebody of its audience was told nothing."""
    END = "end_not_told"
    """Somebody was told that it fired, it is over, and they were not told."""
    UNDECIDED = "mail_without_decision"
    """A mail that no group decided, or that speaks of an episode that never was."""
    UNQUEUED = "decision_without_mail"
    """A group decided a mail that is not there."""
    UNDELIVERED = "mail_given_up"
    """A mail that the relay refused for good, or that was tried for too long."""


class Broken(NamedTuple):
    """A broken promise: to whom, about which alert (if it is about one), by which number of the group's mails."""

    promise: Promise
    group: str
    person: str
    alert: str | None = None
    episode: int | None = None
    seq: int | None = None


class Said(NamedTuple):
    """What a mail said of an alert: that the episode fires, or that it has ended."""

    alert: str
    episode: int
    ended: bool


class Entry(NamedTuple):
    """A mail in the queue, whatever became of it."""

    group: str
    seq: int
    person: str
    state: RowState
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """A group, whether all its decided mails are queued, and its mails in their order; None: no such group."""

    group: Group | None
    settled: bool
    mails: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Filed:
    """An alert, and whether all its transitions are relayed."""

    alert: Alert
    settled: bool


class Books(Protocol):
    """What the auditor reads."""

    async def accounts(self, after: str, limit: int) -> tuple[list[Account], str | None]:
        """The groups whose ids follow `after`, and mails of no group among them; the last id, None at the end."""
        ...

    async def account(self, groups: Collection[str]) -> dict[str, Account]:
        """The accounts of these groups, those that do not exist included."""
        ...

    async def alerts(self, ids: Collection[str]) -> dict[str, Filed]:
        """Those that exist."""
        ...

    async def firing(self, after: str, limit: int) -> list[Filed]:
        """Alerts with an open episode in the order of their ids, from `after` on."""
        ...


async def audit(books: Books) -> list[Broken]:
    """Every broken promise, in a stable order.

    The service may be at work meanwhile, and the parts are read one after the other; so what seems broken is looked at
    a second time, and counts if it still is.
    """
    suspects = await _first_look(books)
    groups = await books.account({one.group for one in suspects})
    named = {one.alert for one in suspects if one.alert is not None}
    alerts = await books.alerts(named | _spoken_of(groups.values()))
    still = {found for id, account in groups.items() for found in of_account(id, account, alerts)}
    for filed in alerts.values():
        still |= {*of_alert(filed, {id: account.group for id, account in groups.items()})}
    return sorted(still & suspects, key=lambda one: (one.promise, one.group, one.alert or "", one.seq or 0))


def of_account(id: str, account: Account, alerts: Mapping[str, Filed]) -> Iterator[Broken]:
    """What was not kept towards the recipient of one group; `alerts` holds all that its mails speak of."""
    mails, group = account.mails, account.group
    decided = group.seq if group is not None else 0
    for mail in mails:
        if mail.seq > decided or any(_never_was(said, alerts) for said in mail.said):
            yield Broken(Promise.UNDECIDED, id, mail.person, seq=mail.seq)
        if mail.state is RowState.DEAD:
            yield Broken(Promise.UNDELIVERED, id, mail.person, seq=mail.seq)
    if group is None or not account.settled:
        return
    there = {mail.seq for mail in mails}
    for seq in range(1, decided + 1):
        if seq not in there:
            yield Broken(Promise.UNQUEUED, id, group.key.person, seq=seq)
    if _waits(group) or any(mail.state not in FINAL for mail in mails):
        return
    for alert, episode in _left_open(mails).items():
        filed = alerts.get(alert)
        if filed is None or (filed.settled and not _is_open(filed.alert, episode)):
            yield Broken(Promise.END, id, group.key.person, alert, episode)


def of_alert(filed: Filed, groups: Mapping[str, Group | None]) -> Iterator[Broken]:
    """Whom an open alert should have told and did not; `groups` holds those of its recipients, as far as they exist."""
    alert = filed.alert
    if alert.open is None or not filed.settled:
        return
    for who in alert.open.told.recipients:
        id = group_of(alert, who.person)
        group = groups.get(id)
        if group is None or (not _waits(group) and group.told.get(alert.key.alert_id) != alert.episode):
            yield Broken(Promise.BEGINNING, id, who.person, alert.key.alert_id, alert.episode)


def counted(broken: Iterable[Broken]) -> dict[Promise, int]:
    """How many of each promise, those of which none was broken included."""
    found = Counter(one.promise for one in broken)
    return {promise: found[promise] for promise in Promise}


def by_group(mails: Iterable[Entry]) -> dict[str, tuple[Entry, ...]]:
    """Group → its mails, in their order."""
    ordered = sorted(mails, key=lambda mail: (mail.group, mail.seq))
    return {group: (*own,) for group, own in groupby(ordered, key=lambda mail: mail.group)}


def group_of(alert: Alert, person: str) -> str:
    """The id of the group in which a person hears of the alert."""
    key = alert.key
    return GroupKey(key.province, key.kpi, key.period, person).group_id


async def _first_look(books: Books) -> set[Broken]:
    found: set[Broken] = set()
    after: str | None = ""
    while after is not None:
        accounts, after = await books.accounts(after, PAGE)
        alerts = await books.alerts(_spoken_of(accounts))
        for account in accounts:
            found |= {*of_account(_id_of(account), account, alerts)}
    last = ""
    while page := await books.firing(last, PAGE):
        last = page[-1].alert.key.alert_id
        wanted = {group_of(filed.alert, who) for filed in page for who in _audience(filed.alert)}
        groups = {id: account.group for id, account in (await books.account(wanted)).items()}
        for filed in page:
            found |= {*of_alert(filed, groups)}
    return found


def _spoken_of(accounts: Iterable[Account]) -> set[str]:
    return {said.alert for account in accounts for mail in account.mails for said in mail.said}


def _id_of(account: Account) -> str:
    return account.group.key.group_id if account.group is not None else account.mails[0].group


def _audience(alert: Alert) -> Sequence[str]:
    return [who.person for who in alert.open.told.recipients] if alert.open is not None else []


def _waits(group: Group) -> bool:
    return group.next_flush_at is not None or group.flush_by is not None


def _never_was(said: Said, alerts: Mapping[str, Filed]) -> bool:
    filed = alerts.get(said.alert)
    return filed is None or said.episode > filed.alert.episode


def _is_open(alert: Alert, episode: int) -> bool:
    return alert.open is not None and alert.episode == episode


def _left_open(mails: Sequence[Entry]) -> dict[str, int]:
    """Alert → the latest episode that its recipient knows to fire and of whose end no mail spoke.

    A mail that was given up is named as such, and of its content nothing more is asked. One that was cancelled said
    nothing.
    """
    known: dict[str, int] = {}
    for mail in mails:
        for said in mail.said:
            if mail.state is RowState.CANCELLED or (mail.state is RowState.DEAD and not said.ended):
                continue
            if said.ended:
                known.pop(said.alert, None)
            else:
                known[said.alert] = said.episode
    return known
