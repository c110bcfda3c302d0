"""`progress.v1`: the judgement of one (KPI, unit, period). What cannot be computed is null with a reason, never 0."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from contracts.base import AsOf, Id, Instant, WireModel


class Status(StrEnum):
    """The statuses in their order of precedence: the first that holds is the record's."""

    ACHIEVED = "achieved"
    MISSED = "missed"
    UNKNOWN = "unknown"
    MOVING_AWAY = "moving_away"
    BEHIND = "behind"
    AT_RISK = "at_risk"
    ON_TRACK = "on_track"
    NO_TARGET = "no_target"


Comparator = Literal[">=", "<=", "band"]
Trust = Literal["A", "B", "C", "D"]


class TargetJudged(WireModel):
    """The version of the target that judged."""

    id: str
    value: float | None = Field(description="In the KPI's unit; null for a band.")
    low: float | None = Field(None, description="Lower edge of a band.")
    high: float | None = Field(None, description="Upper edge of a band.")
    comparator: Comparator
    intent: Literal["reach", "keep"] = "reach"
    deadline: date
    baseline: float | None = None
    baseline_on: date | None = None
    version: int = 1
    simulated: bool = Field(False, description="A labelled simulation, not a published obligation.")


class Needed(WireModel):
    """The pace that would still meet the target, beside the pace so far and the best ever reached."""

    amount: float = Field(description="In the KPI's unit (percentages in points) per `per`.")
    per: Literal["day", "week", "month", "quarter", "year"]
    so_far: float | None
    best: float | None


class Skill(WireModel):
    """How good such forecasts would have been so far: tried on the record's own series, as far ahead."""

    forecasts: int = Field(description="How many were tried.")
    days_ahead: float = Field(description="How far they looked ahead, on average.")
    mean_absolute_error: float = Field(description="In the KPI's unit; of percentages in points.")
    intervals_held: int = Field(description="Of the intervals tested, how many held what came.")
    intervals_tested: int


class Landing(WireModel):
    """Where the figure will stand at the deadline if it goes on like this. Four outcomes in five are expected between
    `low` and `high`."""

    value: float
    low: float
    high: float
    p_meet: Annotated[float, Field(ge=0, le=1)]
    method: str
    points: int
    as_of: AsOf | None = Field(None, description="The latest figure that it knows; it may be older than the record's.")
    skill: Skill | None = None


class Reason(WireModel):
    """Why a record has its status, or why something in it is null."""

    code: str
    text_vi: str
    text_en: str


class Completeness(WireModel):
    """How many of the reporting units below have a standing figure in the period, and by name which have not."""

    expected: int
    reported: int
    missing: tuple[str, ...] = ()
    missing_members: tuple[str, ...] = ()
    left_out: tuple[str, ...] = Field(
        (), description="Units that have reported a figure which cannot be added up, so that it is not in the value."
    )


class Timeliness(WireModel):
    """How many figures were due, how many came by the legal deadline, and whose were late."""

    due: int
    on_time: int
    late: tuple[str, ...] = ()


class Discrepancy(WireModel):
    """A figure reported above beside the one that its parts add up to."""

    reported: float
    parts: float


class Contribution(WireModel):
    """A child unit's share of the gap; with those of its siblings it adds up to the whole."""

    org_unit: Id
    gap: float
    share: float


class Contributions(WireModel):
    """The gap split over the units directly below: those that make up most of it by name, then what the rest brings."""

    units: int = Field(description="Units directly below, those named among them.")
    top: Annotated[tuple[Contribution, ...], Field(max_length=5)] = ()
    rest_gap: float
    rest_share: float


class Held(WireModel):
    """`keep` targets: own readings of the period, and how many of them held the line."""

    readings: int
    kept: int


class Closed(WireModel):
    """The judgement as it stood when the period was closed, where figures that were reported later, or a catalog that
    was applied later, changed it."""

    status: Status
    value: float | None
    as_of: AsOf | None
    pace: float | None = None
    closed_on: date = Field(description="The first day after the deadline and its grace.")
    version: int | None = Field(None, description="The version of the record that said so; null if none did.")
    target: TargetJudged | None = Field(None, description="The target by which it was judged, as it was then.")
    catalog_version: str | None = Field(None, description="The last catalog under which it stood closed like this.")
    why: Literal["later_figures", "catalog", "both"] = Field(
        "later_figures", description="What changed the judgement after the closing."
    )


class ScoredItem(WireModel):
    """What one KPI brings to a score. Without points it could not be scored: it has no value, or nothing to be held
    against."""

    kpi: Id
    maximum: float
    points: float | None
    value: float | None = Field(description="In the KPI's own unit.")


class Score(WireModel):
    """The points of a composite, and the place among the units of the same level. Equal points share a place.

    Ranked are the units of which every item is scored.
    """

    points: float | None
    maximum: float
    rank: int | None
    of: int = Field(description="How many units are ranked.")
    items: tuple[ScoredItem, ...]


class ProgressJudged(WireModel):
    """`vn.tiendo.progress.judged.v1`. Numbers are not rounded; `version` rises with each change of the record."""

    province: Id
    kpi: Id
    org_unit: Id
    period: str
    as_of: AsOf | None
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    unit_of_measure: str
    target: TargetJudged | None = None
    planned: float | None = None
    gap: float | None = Field(None, description="value − planned; whether that is good is in `status`.")
    pace: float | None = None
    completion: float | None = None
    needed: Needed | None = None
    landing: Landing | None = None
    status: Status
    previous_status: Status | None = None
    reasons: tuple[Reason, ...] = ()
    completeness: Completeness | None = None
    timeliness: Timeliness | None = None
    discrepancy: Discrepancy | None = None
    contributions: Contributions | None = Field(
        None, description="Of a rolled-up record short of its plan; where it cannot be split, `not_split` is a reason."
    )
    held: Held | None = None
    closed: Closed | None = Field(
        None, description="Beside a later correction: what the record said when its period was closed."
    )
    score: Score | None = Field(None, description="Of a composite: how its value came about, and the rank.")
    flags: tuple[str, ...] = ()
    trust: Trust | None = Field(
        None,
        description="A where nothing is held against the figure; a grade lower for each flag, for a preliminary or "
        "stale figure, for units missing in a sum or left out of it, and again if half of them are; null without a "
        "value.",
    )
    version: Annotated[int, Field(ge=1)]
    catalog_version: str
    inputs: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    inputs_count: int = 0
    judged_at: Instant


def progress_key(province: str, kpi: str, org_unit: str, period: str) -> str:
    """The record's key on `progress.v1`."""
    return f"{province}/{kpi}/{org_unit}/{period}"
