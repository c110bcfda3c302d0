"""What the owners of the data answer when they are asked how a figure came about: explanation, history, inputs, origin.

Not on a topic: metrics and ingest say it on their internal HTTP port, and the gateway passes it on under `/api/v1`.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from contracts.base import Id, Instant, WireModel
from contracts.observations import ObservationRecorded
from contracts.progress import (
    Closed,
    Completeness,
    Contribution,
    Contributions,
    Discrepancy,
    Held,
    Landing,
    Needed,
    Reason,
    Score,
    Status,
    TargetJudged,
    Timeliness,
    Trust,
)
from contracts.statistics import Flag


class Judged(WireModel):
    """A record as it is judged now, or was on a former day. Fields as in `progress.judged`."""

    as_of: date | None
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    unit_of_measure: str
    target: TargetJudged | None = None
    planned: float | None = None
    gap: float | None = None
    pace: float | None = None
    completion: float | None = None
    needed: Needed | None = None
    landing: Landing | None = None
    status: Status
    reasons: tuple[Reason, ...] = ()
    completeness: Completeness | None = None
    timeliness: Timeliness | None = None
    contributions: Contributions | None = None
    discrepancy: Discrepancy | None = None
    held: Held | None = None
    score: Score | None = None
    flags: tuple[str, ...] = ()
    trust: Trust | None = None
    inputs_count: int = 0


class Step(WireModel):
    """A line of the calculation in words: what was computed, with its numbers."""

    code: str
    text_vi: str
    text_en: str


class FigureBehind(WireModel):
    """What one unit said for one day, as far as it is in the record."""

    org_unit: Id
    as_of: date
    how: Literal["absolute", "increments"] = Field(description="One figure, or the sum of a day's increments.")
    numerator: float | None = None
    denominator: float | None = None
    value: float | None = None
    reported_at: Instant
    preliminary: bool = False
    rank: int | None = None
    of: int | None = Field(None, description="The size of the field.")
    done: bool | None = None
    done_on: date | None = None
    members: tuple[str, ...] | None = Field(None, description="Who is done, where they are named.")
    weight: float | None = None
    flags: tuple[str, ...] = ()
    events: int = Field(1, description="How many observations it is made of.")
    observations: tuple[str, ...] = Field(
        description="Their ids; of a sum of increments the first twenty, under `/inputs` all."
    )


class ChildFigure(WireModel):
    """A unit directly below, as it is judged for the same period."""

    org_unit: Id
    status: Status
    as_of: date | None
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    planned: float | None = None
    gap: float | None = None
    goal: float | None = Field(None, description="Its own target; of a band the edge nearer to the value.")
    in_sum: bool = Field(description="Whether its figure is part of the one explained.")
    brings: float | None = Field(
        None, description="What it brings to the gap of the record explained; null where that is not split."
    )
    share: float | None = Field(None, description="The same as a part of the whole gap; negative where it makes up.")


class LowestUnit(Contribution):
    """One of the lowest units, and what it brings to the gap."""

    value: float | None = Field(description="What it has in the record explained; null where it has no figure in it.")


class LowestSplit(WireModel):
    """The gap split over the lowest units below: those that report, or in their place one above them whose own figure
    is in the sum. What they bring adds up to the gap exactly."""

    level: Id | None = Field(description="Their level; null where they are of several.")
    count: int = Field(description="How many they are.")
    units: tuple[LowestUnit, ...] = Field(
        (), description="All of them, whoever widens the gap most first; empty where it cannot be split."
    )
    widen: int = Field(0, description="How many of them widen the gap.")
    narrow: int = Field(0, description="How many of them make up for a part of it.")
    most: int = Field(0, description="The first so many of them widen it by 80 % of what all that widen it do.")
    most_share: float = Field(0.0, description="By which part of that they do, 0 to 1.")
    why_not: Reason | None = Field(None, description="Why it cannot be split.")
    text_vi: str
    text_en: str


class Bound(WireModel):
    """The value at the next report from which on the status is at least this one; around a band, from where to where it
    is this one."""

    status: Status
    comparator: Literal[">=", "<="]
    value: float = Field(
        description="The first value that does, in the KPI's declared decimals, of a share at least two."
    )
    up_to: float | None = Field(None, description="Around a band: the last value that does.")
    numerator: float | None = Field(None, description="The same as a numerator, if the denominator stays as it is.")
    numerator_up_to: float | None = Field(None, description="Around a band: the last numerator that does.")
    text_vi: str
    text_en: str


class ByItself(WireModel):
    """What becomes of the record on a later day if no figure comes."""

    on: date
    status: Status
    text_vi: str
    text_en: str


class SourceBehind(WireModel):
    """What one KPI brought to a derived figure: a dividend, a divisor, or points."""

    kpi: Id
    role: Literal["now", "earlier", "item"]
    period: str = Field(description="The period of its record, whose explanation says more.")
    as_of: date | None
    value: float | None
    unit_of_measure: str
    rule: Literal["ratio", "steps", "half", "best_peer"] | None = Field(None, description="Of an item.")
    against: float | None = Field(
        None, description="What the item is held against: its goal, the best of the level, the step that it reached."
    )
    points: float | None = None
    maximum: float | None = None


class WouldChange(WireModel):
    """What would change the status."""

    next_report: date | None = Field(description="The end of the next reporting cycle; null when the time is up.")
    bounds: tuple[Bound, ...] = ()
    by_itself: ByItself | None = None


class HistoryPoint(WireModel):
    """What stands at one `as_of`, and how that was judged on that day."""

    as_of: date
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    planned: float | None = None
    gap: float | None = None
    pace: float | None = None
    goal: float | None = Field(None, description="That target; of a band the edge nearer to the value.")
    status: Status
    target: str | None = Field(None, description="Id of the target that judged.")
    target_version: int | None = None


class TargetVersion(WireModel):
    """A version of the target, and the last figure that it judged: which stays as it was judged."""

    target: TargetJudged
    valid_from: date | None = None
    valid_to: date | None = Field(None, description="First day on which it no longer holds.")
    last: HistoryPoint | None = Field(None, description="As it was judged then; null where it judged no figure yet.")


class LandingIssued(WireModel):
    """A forecast that went out, and what came of it once that is known."""

    as_of: date = Field(description="The latest figure that it knew.")
    value: float
    low: float
    high: float
    p_meet: float
    held: bool | None = Field(None, description="Whether what came lies between `low` and `high`.")
    brier: float | None = Field(
        None, description="(p_meet − 1 or 0)²: 0 for certainty that came true, 1 for the worst."
    )
    target: TargetJudged | None = Field(None, description="The target that it was made for, as it was then.")
    not_scored: Step | None = Field(None, description="Why it is not held against what came, although that is known.")


class Landings(WireModel):
    """The forecasts issued: of each target that they were made for the last one of each natural unit of time.

    What came is known once there is a figure of the deadline, or the time for late figures is over. A forecast is held
    against it by its own target, and only if it came after the figures that the forecast was made from.
    """

    deadline: date = Field(description="Of the target that judges, as are `came` and `met`.")
    issued: tuple[LandingIssued, ...]
    came: float | None = Field(None, description="What stood at the deadline.")
    came_as_of: date | None = Field(None, description="Of which day: the deadline, or before it if no figure is of it.")
    met: bool | None = None
    scored: int = Field(0, description="How many of those issued are held against what came.")
    intervals_held: int | None = None
    mean_absolute_error: float | None = None
    brier: float | None = Field(None, description="Mean over all that are scored.")


class Explanation(WireModel):
    """Why a record says what it says."""

    province: Id
    kpi: Id
    org_unit: Id
    period: str
    first: date
    last: date
    version: int = Field(description="The version that was published last; 0 if none was.")
    published: bool = Field(description="False where a new judgement has not gone out yet.")
    judged_on: date = Field(description="Today, by the business clock.")
    catalog_version: str
    kind: str
    on_track_pace: float
    at_risk_pace: float
    judged: Judged
    closed: Closed | None = Field(None, description="Beside a later correction: what stood when the period was closed.")
    targets: tuple[TargetVersion, ...] = Field((), description="All versions of the target, the first to hold first.")
    formula: tuple[Step, ...]
    doubts: tuple[Flag, ...] = Field((), description="What other figures make doubtful, with the numbers that do.")
    made_of: Literal["own", "parts", "sources", "nothing"]
    figures: tuple[FigureBehind, ...] = Field(description="The latest of them; all are under `/inputs`.")
    figures_count: int
    observations_count: int
    forecasts: tuple[FigureBehind, ...] = Field(
        (), description="What the unit sent as a forecast for days of the period; it never counts as a figure."
    )
    sources: tuple[SourceBehind, ...] = Field((), description="Of a derived KPI: what it was made from.")
    children: tuple[ChildFigure, ...] = ()
    lowest: LowestSplit | None = Field(
        None,
        description="Who makes the gap at the bottom of the tree; null of a record that is not short, or has no parts.",
    )
    would_change: WouldChange
    landings: Landings | None = Field(
        None, description="Which landings went out, and what came of them; null if none did."
    )


class UnsureDay(WireModel):
    """A unit and day of which it cannot be told what was known then."""

    org_unit: Id
    as_of: date


class SaidThen(WireModel):
    """What was known and said at the end of a former day: of the figures reported by then, by the targets and
    definitions in force then."""

    on: date
    catalog_version: str | None = Field(
        None, description="The catalog that brought what was in force then; null where that is not known."
    )
    judged: Judged
    certain: bool = Field(
        description="False where something that counted then was replaced, or what was in force then is not known."
    )
    doubts: tuple[Step, ...] = ()
    incomplete: tuple[UnsureDay, ...] = Field((), description="What is not certain, unit by unit and day by day.")
    incomplete_count: int = Field(0, description="How many these are; at most 1,000 are named.")


class PlanOfVersion(WireModel):
    """The plan of one version of the target, over the days on which it held."""

    target: str = Field(description="Id of the target.")
    target_version: int
    first: date
    last: date
    goal: float | None = Field(None, description="What was to be reached or held by then; null for a band.")
    points: tuple[tuple[date, float], ...] = Field((), description="The plan by day: its corners.")


class History(WireModel):
    """A record by `as_of`, from the figures as they stand now (corrected ones included)."""

    province: Id
    kpi: Id
    org_unit: Id
    period: str
    first: date
    last: date
    unit_of_measure: str
    catalog_version: str
    points: tuple[HistoryPoint, ...]
    earlier: int = Field(description="Points before the first one shown.")
    plan: tuple[tuple[date, float], ...] = Field((), description="The plan by day: its corners.")
    plans: tuple[PlanOfVersion, ...] = Field(
        (), description="The plan of each version of the target where it held, the first to hold first."
    )
    said: SaidThen | None = Field(None, description="With `on`: what was said on that day.")


class Inputs(WireModel):
    """The figures that are in a record, the latest first, with the ids of their observations."""

    province: Id
    kpi: Id
    org_unit: Id
    period: str
    figures_count: int
    observations_count: int
    items: tuple[FigureBehind, ...]
    next: int | None = Field(description="Where the next page begins; null on the last.")


class Origins(WireModel):
    """Observations as the ledger has them, whole; those that it does not know are missing."""

    items: tuple[ObservationRecorded, ...]


class OriginsPage(Origins):
    """Some of the observations about certain units and days, in the order of their ids."""

    next: str | None = Field(description="The id behind which the next page begins; null on the last.")


class Rules(WireModel):
    """The rules that an accepted figure of a kind of KPI has passed at the door."""

    absolute: tuple[Step, ...]
    increment: tuple[Step, ...]


class ExplanationWithOrigins(Explanation):
    """The explanation, and where its figures came from."""

    origins: tuple[ObservationRecorded, ...] = Field(description="The observations behind `figures`, from the ledger.")
    rules: tuple[Step, ...] = Field((), description="The rules that they have passed at the door.")
