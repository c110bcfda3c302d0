"""What a recipient is told, and when: one group for each recipient, KPI and period.

A group knows which alerts it holds (`members`) and which of them its recipient was told of (`told`). `needs_update`
says with a named reason whether a mail is due; `flush` gives the mail's content and the group after it. Pure.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from contracts.alerts import CloseReason, Remark, Severity, TransitionType
from contracts.progress import ProgressJudged
from services.alerts.alert import Ahead, Asked, Handling, Recipient, Transition
from services.alerts.decide import Row
from services.alerts.rules import SEVERITIES, day_of

GOOD_ENDS = frozenset({CloseReason.RECOVERED, CloseReason.TARGET_MET, CloseReason.PERIOD_CLOSED_MET})
"""Ends that are good news."""


class Reason(StrEnum):
    """Why a mail is sent, or that none is due."""

    NONE = "NONE"
    FIRST = "FIRST"
    NEW_IN_GROUP = "NEW_IN_GROUP"
    ESCALATED = "ESCALATED"
    WORSENED = "WORSENED"
    RESOLVED_SOME = "RESOLVED_SOME"
    ALL_RESOLVED = "ALL_RESOLVED"
    CLOSED_OTHER = "CLOSED_OTHER"
    REPEAT = "REPEAT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    ACCOUNT_ASKED = "ACCOUNT_ASKED"
    ACCOUNT_GIVEN = "ACCOUNT_GIVEN"


ENDINGS = frozenset({Reason.RESOLVED_SOME, Reason.ALL_RESOLVED, Reason.CLOSED_OTHER})
"""Mails that make sense only to who was told the beginning."""


class News(StrEnum):
    """What a mail says of one alert."""

    NEW = "new"
    AGAIN = "again"
    ESCALATED = "escalated"
    WORSE = "worse"
    STILL = "still"
    ENDED = "ended"


class GroupKey(NamedTuple):
    """The identity of a group."""

    province: str
    kpi: str
    period: str
    person: str
    channel: str = "email"

    @property
    def group_id(self) -> str:
        """32 hex digits."""
        return hashlib.sha256("|".join(self).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Informed:
    """Who was told, as what, and when it was decided."""

    name: str
    role: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """An alert as its latest transition left it, with the numbers of that moment."""

    alert_id: str
    episode: int
    severity: Severity
    rule: str
    org_unit: str
    opened_at: datetime
    at: datetime
    since: date | None
    readings: int
    shortfall: float | None
    worst_shortfall: float | None
    owner: str | None
    record: ProgressJudged
    also_told: tuple[str, ...] = ()
    """Names of the others who were told."""
    worsened: bool = False
    """Whether it got worse since its recipient was last told."""
    close_reason: CloseReason | None = None
    remark: Remark | None = None
    """Where it was closed by hand: by whom, and why."""
    waived_until: datetime | None = None
    """Where it was: before when it does not open again."""
    corrected: bool = False
    """Whether it ended because the figure that it opened with was corrected."""
    planned_before: float | None = None
    """Where it ended because the plan was revised: what the same figure was held against before."""
    escalated: bool = False
    """Whether its recipient is told because it climbed, and not from its beginning."""
    hurried: bool = False
    """Whether it climbed before its time."""
    before: tuple[Informed, ...] = ()
    """Who was told before the latest transition, beside its recipient."""
    ahead: Ahead | None = None
    """The next step of its climb."""
    handling: Handling | None = None
    """Who is at it, if anybody."""
    reminded: bool = False
    """Whether its recipient is to be told again what they know."""
    overdue: bool = False
    """Whether that is because the time for which somebody took it up is over."""
    acknowledged: bool = False
    """Whether its recipient is to be told that somebody else took it up."""
    asked: Asked | None = None
    """What account was asked for, and given."""
    asking: bool = False
    """Whether its recipient is to be told that an account is asked for, or is overdue."""
    answered: bool = False
    """Whether its recipient is to be told what account was given."""

    @property
    def at_once(self) -> tuple[str, ...]:
        """Names of the others who are told together with its recipient."""
        if self.overdue:
            return ()
        before = {who.name for who in self.before} if self.escalated else set()
        return tuple(name for name in self.also_told if name not in before)

    @property
    def firing(self) -> bool:
        """Whether its episode is open."""
        return self.close_reason is None


@dataclass(frozen=True, slots=True)
class Group:
    """What one recipient is to know, and knows, of one KPI in one period."""

    key: GroupKey
    recipient: Recipient
    rev: int = 0
    members: Mapping[str, Member] = field(default_factory=dict)
    applied: Mapping[str, int] = field(default_factory=dict)
    """Alert → `seq` of the last transition taken in; never forgotten, so that a repeat changes nothing."""
    told: Mapping[str, int] = field(default_factory=dict)
    """Alert → the episode whose beginning the recipient was told and whose end not yet."""
    seq: int = 0
    thread: int = 0
    core: str = ""
    """The part of the subject that stays the same through a thread."""
    root: str | None = None
    last: str | None = None
    """Message-IDs of the thread's first and latest mail."""
    last_row: str | None = None
    """The notification before the next: mails of a group go out in order."""
    next_flush_at: datetime | None = None
    """Business time at which the wait for more of its like is over."""
    flush_by: datetime | None = None
    """Real time at which it is over as well: business time may stand still when the data that moves it ends."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a mail says of one alert."""

    news: News
    member: Member


@dataclass(frozen=True, slots=True)
class Mail:
    """A decided mail: everything that it will say, frozen. `seq` numbers the mails of a group."""

    group: GroupKey
    seq: int
    recipient: Recipient
    reason: Reason
    at: datetime
    lines: tuple[Line, ...]
    thread: int
    core: str
    message_id: str
    root: str | None
    last: str | None
    after: str | None

    @property
    def row_id(self) -> str:
        """The deduplication key."""
        return row_id(self.group.group_id, self.seq)

    @property
    def province(self) -> str:
        """Whose catalog names what it is about."""
        return self.group.province

    @property
    def origin(self) -> str:
        """What it was decided from, in the store."""
        return self.group.group_id

    @property
    def thread_id(self) -> str:
        """The stretch of a group's mails that belong together."""
        return f"{self.group.group_id}#{self.thread}"

    @property
    def addressee(self) -> str:
        """Who gets it, for the log."""
        return self.recipient.person

    @property
    def channel(self) -> str:
        """By which it goes."""
        return self.group.channel

    @property
    def ends(self) -> bool:
        """Whether it makes sense only to who was told the beginning."""
        return self.reason in ENDINGS

    @property
    def at_least_once(self) -> bool:
        """Sent again when the relay may or may not have taken it."""
        return True

    @property
    def severity(self) -> Severity:
        """The worst of those that still fire; of all, where none does."""
        firing = [line.member.severity for line in self.lines if line.member.firing]
        return max(firing or [line.member.severity for line in self.lines], key=SEVERITIES.index)


def row_id(group_id: str, seq: int) -> str:
    """sha256 of group and number: the id of the notification, and the source of its Message-ID."""
    return hashlib.sha256(f"{group_id}|{seq}".encode()).hexdigest()


def keys_of(transition: Transition) -> dict[str, tuple[GroupKey, Recipient]]:
    """Group id → key and recipient, for everybody whom the transition concerns."""
    wire = transition.wire
    found = {}
    for who in transition.told.recipients:
        key = GroupKey(wire.province, wire.kpi, wire.period, who.person)
        found[key.group_id] = (key, who)
    return found


def take_in(group: Group, transition: Transition, real_now: datetime | None = None) -> Group:
    """The group after a transition; unchanged if it was taken in before.

    `real_now`: when the wait begins in real time; without it only business time ends the wait.
    """
    wire = transition.wire
    if wire.seq <= group.applied.get(wire.alert_id, 0):
        return group
    wait = timedelta(seconds=transition.wait_s)
    before = group.members.get(wire.alert_id)
    member = _member(transition, group.recipient, before)
    return replace(
        group,
        members={**group.members, wire.alert_id: member},
        applied={**group.applied, wire.alert_id: wire.seq},
        next_flush_at=_earlier(group.next_flush_at, wire.at + wait),
        flush_by=_earlier(group.flush_by, real_now + wait if real_now is not None else None),
    )


def needs_update(group: Group) -> Reason:
    """Whether the recipient must be told something, and why. In this order:

    1. nothing told and nothing firing: NONE, since an alert that came and went between two flushes is nobody's news
    2. an open episode that was not told: FIRST, or NEW_IN_GROUP beside others that were; ESCALATED where all of them
       are told because they climbed
    3. a told one that got worse: WORSENED
    4. told, but none firing any more: ALL_RESOLVED, or CLOSED_OTHER where an end is no good news
    5. some of the told ones ended: RESOLVED_SOME, or CLOSED_OTHER
    6. the recipient is to be reminded of one that still fires: REPEAT
    7. an account is asked for, or overdue, or was given by somebody else: ACCOUNT_ASKED, ACCOUNT_GIVEN
    8. somebody else took one up that still fires: ACKNOWLEDGED
    """
    firing = {alert: member.episode for alert, member in group.members.items() if member.firing}
    if not firing and not group.told:
        return Reason.NONE
    untold = [group.members[alert] for alert, episode in firing.items() if group.told.get(alert) != episode]
    if untold and all(member.escalated for member in untold):
        return Reason.ESCALATED
    if untold:
        return Reason.NEW_IN_GROUP if group.told else Reason.FIRST
    if any(group.members[alert].worsened for alert in firing):
        return Reason.WORSENED
    ended = [group.members[alert] for alert in group.told if alert not in firing]
    if not ended:
        if any(group.members[alert].reminded for alert in firing):
            return Reason.REPEAT
        if any(group.members[alert].asking for alert in firing):
            return Reason.ACCOUNT_ASKED
        if any(group.members[alert].answered for alert in firing):
            return Reason.ACCOUNT_GIVEN
        return Reason.ACKNOWLEDGED if any(group.members[alert].acknowledged for alert in firing) else Reason.NONE
    if any(member.close_reason not in GOOD_ENDS for member in ended):
        return Reason.CLOSED_OTHER
    return Reason.RESOLVED_SOME if firing else Reason.ALL_RESOLVED


def begins_thread(group: Group) -> bool:
    """Whether the mail that is due is the first of a thread: its recipient knows of nothing that is open."""
    return not group.told and needs_update(group) in (Reason.FIRST, Reason.ESCALATED)


def lines_of(group: Group) -> tuple[Line, ...]:
    """What a mail says now: ended ones that were told, and all that fire; the news first, the worst of each first."""
    lines = []
    for alert, member in group.members.items():
        told = group.told.get(alert)
        if member.firing:
            lines.append(Line(_news(told, member), member))
        elif told is not None:
            lines.append(Line(News.ENDED, member))
    order = tuple(News)
    return tuple(
        sorted(
            lines,
            key=lambda line: (
                order.index(line.news),
                -SEVERITIES.index(line.member.severity),
                -(line.member.shortfall or 0.0),
                line.member.org_unit,
            ),
        )
    )


def flush(group: Group, now: datetime, host: str, core: str) -> tuple[Group, Mail | None]:
    """The group after its flush, and the mail that is due.

    `host` ends the Message-ID; `core` is the subject of a thread that begins.
    """
    reason = needs_update(group)
    quiet = replace(group, next_flush_at=None, flush_by=None)
    if reason is Reason.NONE:
        return replace(quiet, members={a: m for a, m in group.members.items() if m.firing}), None
    first = begins_thread(group)
    seq = group.seq + 1
    row = row_id(group.key.group_id, seq)
    mail = Mail(
        group=group.key,
        seq=seq,
        recipient=group.recipient,
        reason=reason,
        at=now,
        lines=lines_of(group),
        thread=group.thread + first,
        core=core if first else group.core,
        message_id=f"<{row[:32]}@{host}>",
        root=None if first else group.root,
        last=None if first else group.last,
        after=group.last_row,
    )
    firing = {alert: member for alert, member in group.members.items() if member.firing}
    after = replace(
        quiet,
        members={alert: _told(member) for alert, member in firing.items()},
        told={alert: member.episode for alert, member in firing.items()},
        seq=seq,
        thread=mail.thread,
        core=mail.core,
        root=mail.root or mail.message_id,
        last=mail.message_id,
        last_row=row,
    )
    return after, mail


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _news(told: int | None, member: Member) -> News:
    if told != member.episode and member.escalated:
        return News.ESCALATED
    if told is None:
        return News.NEW
    if told != member.episode:
        return News.AGAIN
    return News.WORSE if member.worsened else News.STILL


def _member(transition: Transition, recipient: Recipient, before: Member | None) -> Member:
    wire = transition.wire
    assert wire.progress is not None
    assert wire.opened_at is not None
    known = before if before is not None and before.episode == wire.episode else None
    worse = wire.type is TransitionType.WORSENED or (known is not None and known.worsened)
    named = recipient.person in transition.meant_for
    climbed = wire.type is TransitionType.ESCALATED and named
    handling, asked = transition.handling if transition.handling.state == "acked" else None, transition.asked
    open_question = asked is not None and asked.given_at is None
    asking = wire.type is TransitionType.ACCOUNT_ASKED and asked is not None and asked.by != recipient.person
    asking = asking or (wire.reason == Row.H6 and named) or (known is not None and known.asking)
    given = wire.type is TransitionType.ACCOUNT_GIVEN or (known is not None and known.answered)
    taken_up = wire.type is TransitionType.ACKNOWLEDGED or (known is not None and known.acknowledged)
    return Member(
        alert_id=wire.alert_id,
        episode=wire.episode,
        severity=wire.severity,
        rule=wire.rule,
        org_unit=wire.org_unit,
        opened_at=wire.opened_at,
        at=wire.at,
        since=day_of(transition.since),
        readings=transition.readings,
        shortfall=transition.shortfall,
        worst_shortfall=transition.worst_shortfall,
        owner=wire.owner,
        record=wire.progress,
        also_told=tuple(who.name for who in transition.told.recipients if who.person != recipient.person),
        worsened=worse,
        close_reason=wire.close_reason,
        remark=wire.remark if wire.type is TransitionType.CLOSED else None,
        waived_until=wire.waived_until,
        corrected=wire.reason == Row.C5_CORRECTED,
        planned_before=wire.planned_before,
        escalated=climbed or (known is not None and known.escalated),
        hurried=transition.hurried if climbed else known is not None and known.hurried,
        before=_before(transition, recipient),
        ahead=transition.ahead,
        handling=handling,
        acknowledged=taken_up and handling is not None and handling.by != recipient.person,
        overdue=wire.reason == Row.H2 or (known is not None and known.overdue),
        asked=asked,
        asking=asking and open_question,
        answered=given and asked is not None and not open_question and asked.given_by != recipient.person,
        reminded=(wire.type is TransitionType.REMINDED and wire.reason != Row.H6 and named)
        or (known is not None and known.reminded),
    )


def _told(member: Member) -> Member:
    """Once its recipient was told: nothing of it is news."""
    known = replace(member, worsened=False, escalated=False, hurried=False)
    return replace(known, reminded=False, overdue=False, acknowledged=False, asking=False, answered=False)


def _before(transition: Transition, recipient: Recipient) -> tuple[Informed, ...]:
    told_at = dict(transition.told_at)
    known = [(told_at[who.person], who) for who in transition.told.recipients if who.person in told_at]
    return tuple(
        Informed(who.name, who.role, at)
        for at, who in known
        if at < transition.wire.at and who.person != recipient.person
    )
