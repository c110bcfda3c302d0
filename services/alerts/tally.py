"""What rules did over a stretch of time, in numbers: episodes, how long they were, how often they came back at once,
how long before a miss they warned, and how many mails each recipient got. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import NamedTuple

from contracts.alerts import AlertTransition, CloseReason, TransitionType
from contracts.progress import ProgressJudged, Status

FLAP = timedelta(days=3)
"""An episode that begins so soon after the recovery of the one before it, or within three reporting periods, is the
same trouble told twice."""


class Cell(NamedTuple):
    """What a rule watches: one record."""

    kpi: str
    org_unit: str
    period: str


@dataclass(frozen=True, slots=True)
class EpisodeTold:
    """One stretch of firing, as it was told."""

    alert_id: str
    number: int
    rule: str
    cell: Cell
    opened_at: datetime
    closed_at: datetime | None = None
    why: CloseReason | None = None


class MailTold(NamedTuple):
    """A mail that was decided."""

    at: datetime
    person: str
    kpi: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a period came out for a unit, and by when the target was due."""

    met: bool
    deadline: date


@dataclass(slots=True)
class Happened:
    """Everything that was decided under one set of rules."""

    episodes: list[EpisodeTold] = field(default_factory=list)
    mails: list[MailTold] = field(default_factory=list)
    ended: dict[Cell, Ended] = field(default_factory=dict)

    def adds(self, other: "Happened") -> None:
        """What happened elsewhere, too."""
        self.episodes += other.episodes
        self.mails += other.mails
        self.ended |= other.ended

    def saw(self, records: Iterable[ProgressJudged]) -> None:
        """Remember how periods come out."""
        for record in records:
            if record.status in (Status.ACHIEVED, Status.MISSED) and record.target is not None:
                cell = Cell(record.kpi, record.org_unit, record.period)
                self.ended[cell] = Ended(record.status is Status.ACHIEVED, record.target.deadline)


@dataclass(frozen=True, slots=True)
class Weekly:
    """Mails of one recipient."""

    mails: int
    a_week: Fraction
    worst_week: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers. Medians are None where there is nothing to take them of."""

    episodes: int
    still_open: int
    median_days: float | None
    flaps: int
    warned: int
    """Missed targets of which an episode had told before the deadline."""
    unwarned: int
    lead_days: float | None
    """Median of the days from the first episode to the deadline that was missed."""
    met_after_all: int
    """Records that had an episode and met their target."""
    mails: int
    recipients: Mapping[str, Weekly]
    noisiest: Sequence[tuple[str, int]]
    """Units with the most episodes."""


NOISIEST = 5


def told_episodes(transitions: Iterable[AlertTransition]) -> list[EpisodeTold]:
    """The episodes of these transitions, in the order in which they were opened."""
    opened: dict[tuple[str, int], EpisodeTold] = {}
    for wire in transitions:
        key = wire.alert_id, wire.episode
        if wire.type is TransitionType.OPENED:
            cell = Cell(wire.kpi, wire.org_unit, wire.period)
            opened[key] = EpisodeTold(*key, wire.rule, cell, wire.at)
        elif wire.type is TransitionType.CLOSED and key in opened:
            one = opened[key]
            opened[key] = EpisodeTold(*key, one.rule, one.cell, one.opened_at, wire.at, wire.close_reason)
    return sorted(opened.values(), key=lambda one: (one.opened_at, one.alert_id))


def tally(happened: Happened, first: datetime, last: datetime, cadence: Mapping[str, timedelta]) -> Tally:
    """The numbers of what began, was sent or fell due from `first` to `last`. `cadence`: how often figures of a KPI are
    due."""
    episodes = [one for one in happened.episodes if first <= one.opened_at <= last]
    over = [one.closed_at - one.opened_at for one in episodes if one.closed_at is not None]
    leads, unwarned, met = _outcomes(happened, first.date(), last.date())
    mails = [mail for mail in happened.mails if first <= mail.at <= last]
    return Tally(
        episodes=len(episodes),
        still_open=sum(one.closed_at is None for one in episodes),
        median_days=median(span / timedelta(days=1) for span in over) if over else None,
        flaps=_flaps(happened.episodes, episodes, cadence),
        warned=len(leads),
        unwarned=unwarned,
        lead_days=float(median(leads)) if leads else None,
        met_after_all=met,
        mails=len(mails),
        recipients=_weekly(mails, first, last),
        noisiest=Counter(one.cell.org_unit for one in episodes).most_common(NOISIEST),
    )


def _flaps(every: Sequence[EpisodeTold], counted: Sequence[EpisodeTold], cadence: Mapping[str, timedelta]) -> int:
    by_number = {(one.alert_id, one.number): one for one in every}
    flaps = 0
    for one in counted:
        before = by_number.get((one.alert_id, one.number - 1))
        if before is None or before.closed_at is None or before.why is not CloseReason.RECOVERED:
            continue
        soon = max(FLAP, 3 * cadence.get(one.cell.kpi, FLAP))
        flaps += one.opened_at - before.closed_at <= soon
    return flaps


def _outcomes(happened: Happened, first: date, last: date) -> tuple[list[int], int, int]:
    """Days of warning before each miss, misses without any, and records that met their target after an episode."""
    began: dict[Cell, date] = {}
    for one in happened.episodes:
        began.setdefault(one.cell, one.opened_at.date())
    due = {cell: end for cell, end in happened.ended.items() if first <= end.deadline <= last}
    warned = {cell: (end.deadline - began[cell]).days for cell, end in due.items() if not end.met and cell in began}
    leads = [days for days in warned.values() if days >= 0]
    missed = sum(not end.met for end in due.values())
    return leads, missed - len(leads), sum(end.met and cell in began for cell, end in due.items())


def _weekly(mails: Sequence[MailTold], first: datetime, last: datetime) -> dict[str, Weekly]:
    weeks = max(Fraction(1), Fraction((last - first).total_seconds()) / Fraction(timedelta(weeks=1).total_seconds()))
    by_week: dict[str, Counter[int]] = defaultdict(Counter)
    for mail in mails:
        by_week[mail.person][(mail.at - first) // timedelta(weeks=1)] += 1
    counted = {person: sum(found.values()) for person, found in by_week.items()}
    order = sorted(by_week, key=lambda person: (-counted[person], person))
    return {person: Weekly(counted[person], counted[person] / weeks, max(by_week[person].values())) for person in order}
