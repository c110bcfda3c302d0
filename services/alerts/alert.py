"""What is known of one alert: plain, frozen values that `decide` turns into the next.

Condition, data, handling and escalation are axes of their own: one never has to remember another's former value.
"""

# Nothing sets STALE yet. It is in the shape in which alerts are stored, so that what will set it finds old documents
# readable.

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple

from contracts.alerts import AlertTransition, CloseReason, Severity, alert_id
from contracts.base import AsOf
from contracts.catalog import Audience
from contracts.progress import ProgressJudged, Status


class Condition(StrEnum):
    """Whether the rule's condition holds. PENDING and RECOVERING are for rules with a `for` or `keep_firing`."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class DataState(StrEnum):
    """Whether there is something to judge by."""

    OK = "ok"
    STALE = "stale"
    ERROR = "error"


class Key(NamedTuple):
    """The identity of an alert. Names, owners, values and thresholds are not part of it."""

    province: str
    rule: str
    kpi: str
    org_unit: str
    period: str

    @property
    def alert_id(self) -> str:
        """The id on the wire and in the store."""
        return alert_id(*self)


@dataclass(frozen=True, slots=True)
class Handling:
    """Who has taken it up, until when, and what they wrote."""

    state: Literal["unacked", "acked"] = "unacked"
    by: str | None = None
    """The id of a person in the catalog."""
    until: datetime | None = None
    note: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """An account that somebody asked for, and what was answered. People are ids of the catalog."""

    by: str
    at: datetime
    due: datetime
    question: str | None
    of: tuple[str, ...]
    """Who is to answer."""
    given_by: str | None = None
    given_at: datetime | None = None
    answer: str | None = None
    reminded: bool = False
    """Whether it was told that the time is over."""


@dataclass(frozen=True, slots=True)
class Waived:
    """Closed by hand until then, whatever figures come."""

    until: datetime
    record: ProgressJudged | None
    """The newest since, if it is in breach: by it the alert opens again."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """How far it has climbed. `step` counts the steps that were reached."""

    policy: str | None = None
    step: int = 0
    running_since: datetime | None = None
    """Since when time counts; None while it stands still."""
    worked: timedelta = timedelta(0)
    passed: timedelta = timedelta(0)
    """What had counted before: working time, and all time."""
    due_at: datetime | None = None
    """When the next step is reached; None while time stands still, and after the last."""
    repeats: int = 0
    """How often everybody was told again since the latest news."""
    quiet_from: timedelta = timedelta(0)
    """The working time at which somebody was last told something."""
    repeat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ahead:
    """The next step: when it is reached, and who is told then."""

    at: datetime
    audience: tuple[Audience, ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told, and as what. `person` is the id in the catalog; the address is looked up again before sending."""

    person: str
    name: str
    email: str
    role: str
    unit: str
    language: str = "vi"


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told, and whose figure it is."""

    recipients: tuple[Recipient, ...] = ()
    owner: str | None = None

    def joined(self, later: "Told") -> "Told":
        """Those of both; what `later` says of a person holds."""
        people = {who.person: who for who in (*self.recipients, *later.recipients)}
        return Told(tuple(people.values()), later.owner or self.owner)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of the record that was accepted, and what it said."""

    version: int
    as_of: AsOf | None
    value: float | None
    planned: float | None
    pace: float | None
    status: Status
    verdict: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of firing. Gaps are shortfalls: positive, in the KPI's unit."""

    opened_at: datetime
    since: AsOf | None
    """The date of the first figure in breach."""
    readings: int
    """How many dates in breach there were, one after the other."""
    told_shortfall: float | None
    """The shortfall that recipients were last told of."""
    worst_shortfall: float | None
    record: ProgressJudged
    """The newest record of the episode."""
    told: Told = Told()
    """Everybody who was told of it, or is about to be."""
    told_at: tuple[tuple[str, datetime], ...] = ()
    """Person, and when it was first decided to tell them. No mapping: ids have dots, and would be names of fields."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken run of figures of one verdict that has not held long enough to act yet."""

    began_at: datetime
    """Business time of its first record."""
    dates: tuple[AsOf, ...]
    """Different dates of its figures, in order."""
    record: ProgressJudged
    """The newest."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `rev` is the store's: what this value was read at."""

    key: Key
    rev: int = 0
    condition: Condition = Condition.INACTIVE
    data: DataState = DataState.OK
    handling: Handling = Handling()
    asked: Asked | None = None
    """Of the open episode."""
    waived: Waived | None = None
    """While no episode is open."""
    escalation: Escalation = Escalation()
    severity: Severity | None = None
    episode: int = 0
    seq: int = 0
    head: Head | None = None
    open: Episode | None = None
    close_reason: CloseReason | None = None
    waiting: Stretch | None = None
    """While PENDING the figures in breach, while RECOVERING those that are clear."""
    closes_at: datetime | None = None
    """Period end and reporting grace, as the newest record has them; an older document has it in `next_due_at` only."""
    next_due_at: datetime | None = None
    commands: tuple[str, ...] = ()
    """Ids of the latest commands that were taken; one that comes again changes nothing."""


@dataclass(frozen=True, slots=True)
class Transition:
    """An effect: what goes out on `alerts.v1`, and what the groups of its recipients need to know beside it."""

    wire: AlertTransition
    told: Told
    since: AsOf | None
    readings: int
    shortfall: float | None
    worst_shortfall: float | None
    wait_s: float
    """Seconds of business time that the group may wait for more of its like."""
    told_at: tuple[tuple[str, datetime], ...] = ()
    """As of the episode."""
    meant_for: tuple[str, ...] = ()
    """Escalated, reminded: who is told because of it; the others learn nothing new."""
    hurried: bool = False
    """Escalated before its time, because the pace that is needed is out of reach."""
    ahead: Ahead | None = None
    """The next step, as far as it can be foretold."""
    handling: Handling = Handling()
    asked: Asked | None = None
