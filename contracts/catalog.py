"""The catalog on the wire: what a province declares before any figure arrives.

One model for each kind of object on `catalog.v1`, and the manifest that says which objects make up one version.
Objects are plain data here; what follows from them (who is below whom on a day, which target judges) is computed by
`services.runtime.catalog`. `valid_to` is exclusive everywhere; a missing end means “without end”.
"""

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from contracts.base import Exact, Id, Name, WireModel
from contracts.statistics import Mode

Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+$", max_length=254),
]
Principal = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9@._=,/+ -]{0,198}[A-Za-z0-9@._=,/+-])?$")
]
"""The name of a Kafka principal, without `User:`."""
SourceUri = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=500)]
Language = Literal["vi", "en"]
PeriodKind = Literal["year", "half", "quarter", "month", "week", "day"]
KpiKind = Literal[
    "ratio", "coverage", "flow", "stock", "level", "rate", "rank", "growth", "milestone", "composite"
]  # fmt: skip
Direction = Literal["increase", "decrease", "band", "none"]
Comparator = Literal[">=", "<=", "band"]
Severity = Literal["watch", "behind", "critical"]


class Dated(WireModel):
    """Something that holds from a day on (inclusive) until another (exclusive)."""

    valid_from: date | None = None
    valid_to: date | None = Field(default=None, description="First day on which it no longer holds.")

    def valid_on(self, day: date) -> bool:
        """Whether it holds on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


class CatalogObject(WireModel):
    """An object with a key of its own on `catalog.v1`: `province/<kind>/<object_id>`."""

    object_kind: ClassVar[str]

    id: Id

    @property
    def object_id(self) -> str:
        """The last part of the key; differs from `id` only where several versions of one id live side by side."""
        return self.id


class Level(WireModel):
    """A level of the org tree, with the word that people read for it."""

    id: Id
    name_vi: str
    name_en: str = ""


class Defaults(WireModel):
    """What a KPI or target takes when it says nothing itself; written into the objects when a folder is loaded."""

    calendar: Id = "administrative"
    grace_days: int = Field(default=15, ge=0, description="Calendar days between a deadline and “missed”.")
    on_track_pace: Exact = Field(default=Decimal("0.95"), description="From this pace on: on track.")
    at_risk_pace: Exact = Field(
        default=Decimal("0.80"),
        description="From this pace on: at risk; below: behind.",
    )


class Province(CatalogObject):
    """The tenant: one catalog, which may hold several province units."""

    object_kind: ClassVar[str] = "province"

    name_vi: str
    name_en: str = ""
    short_name: str = ""
    time_zone: str = "Asia/Ho_Chi_Minh"
    language: Language = "vi"
    levels: tuple[Level, ...] = Field(default=(), description="The levels of the tree, highest first.")
    defaults: Defaults = Defaults()


class Parent(Dated):
    """The unit above, for as long as it is."""

    unit: Id


class OrgUnit(CatalogObject, Dated):
    """A node of the org tree. Its parents are dated; its external ids hold as long as the unit itself."""

    object_kind: ClassVar[str] = "org_unit"

    name: str
    name_en: str = ""
    short_name: str = ""
    level: Id
    parents: tuple[Parent, ...] = ()
    external_ids: tuple[Name, ...] = ()
    latitude: Exact | None = None
    longitude: Exact | None = None


class Succession(CatalogObject):
    """Who follows whom when units merge or split. `part-default` takes what nobody assigned to another part."""

    object_kind: ClassVar[str] = "succession"

    from_unit: Id
    to_unit: Id
    part: Literal["whole", "part", "part-default"] = "whole"
    weight: Exact | None = Field(default=None, description="Share of the predecessor, 0 to 1.")
    effective: date


class Limits(WireModel):
    """The values that can occur at all; beyond them a figure is an error, not news."""

    low: Exact | None = None
    high: Exact | None = None


class Roster(Dated):
    """Of how many, or of whom, a coverage KPI of one unit is the coverage.

    Exactly one of `members` (named), `size` (a number only) and `level` (every unit of that level below) is given.
    """

    unit: Id
    members: tuple[Name, ...] = ()
    size: int | None = Field(default=None, ge=0)
    level: Id | None = None


class GrowthSpec(WireModel):
    """From which KPI a growth is derived: its value, divided by its value some accounting periods earlier."""

    of: Id
    periods_back: int = Field(default=1, ge=1)


class ScoreStep(WireModel):
    """From this value on, so many points."""

    at_least: Exact
    points: Exact


class ScoreItem(WireModel):
    """The points that one KPI brings to a composite."""

    kpi: Id
    maximum: Exact
    rule: Literal["ratio", "steps", "half", "best_peer"] = "ratio"
    steps: tuple[ScoreStep, ...] = ()


class Kpi(CatalogObject):
    """A KPI, defined once."""

    object_kind: ClassVar[str] = "kpi"

    kind: KpiKind
    name_vi: str
    name_en: str
    short_name: str = Field(default="", description="Vietnamese, for subjects and tiles.")
    short_name_en: str = ""
    unit_of_measure: Id | Annotated[str, StringConstraints(pattern=r"^\S{1,40}$")]
    decimals: int = Field(
        default=0,
        ge=0,
        le=9,
        description="Decimals that a reported amount or percentage may have.",
    )
    direction: Direction = "increase"
    natural_limits: Limits = Limits()
    period: PeriodKind = Field(default="year", description="Accounting period; a flow starts again in each.")
    cadence: PeriodKind = Field(default="month", description="How often a figure is due.")
    report_within_working_days: int = Field(
        default=5,
        ge=0,
        le=250,
        description="Working days after the end of a cadence period by which its figure is due.",
    )
    calendar: Id = "administrative"
    stale_after: timedelta | None = Field(
        default=None,
        description="Age of `as_of` that makes a figure stale; by default two cadences, at least 4 days.",
    )
    levels: tuple[Id, ...] = Field(
        min_length=1,
        description="Where figures are reported, lowest first; at the first they are due.",
    )
    modes: tuple[Mode, ...] = Field(default=("absolute",), min_length=1)
    may_fall: bool | None = Field(
        default=None,
        description="Whether a figure may be lower than the one before without a doubt (`cumulative_fell`); by default "
        "not for a flow, and not for a coverage that is to increase, within one accounting period.",
    )
    within_period: Literal["last", "mean"] = Field(default="last", description="Only for kind `level`.")
    rate_base: Exact | None = Field(default=None, description="Only for kind `rate`: per 100, per 1,000 …")
    rosters: tuple[Roster, ...] = Field(default=(), description="Only for kind `coverage`.")
    growth: GrowthSpec | None = None
    composite: tuple[ScoreItem, ...] = ()
    on_track_pace: Exact = Decimal("0.95")
    at_risk_pace: Exact = Decimal("0.80")
    pillar: Id
    source_system: Id | None = None
    definition_vi: str = ""
    definition_en: str = ""
    legal_basis: str = ""
    simulated: bool = Field(
        default=False,
        description="Its figures below the province are made up, and say so.",
    )
    facts: tuple[str, ...] = Field(default=(), description="Ids of the published figures that it rests on.")
    note: str = ""

    @property
    def sources(self) -> tuple[Id, ...]:
        """The KPIs that this one is derived from, in the order in which it names them; none of one that is reported."""
        if self.kind == "growth":
            return () if self.growth is None else (self.growth.of,)
        return tuple(item.kpi for item in self.composite) if self.kind == "composite" else ()


class Baseline(WireModel):
    """Where the plan starts. Without a date: the first day of the target's period."""

    value: Exact
    on: date | None = None
    simulated: bool = Field(default=False, description="Assumed for a demonstration; no source states it.")


class PlanPoint(WireModel):
    """What is to be reached on a day."""

    on: date
    value: Exact


class LinearPlan(WireModel):
    """A straight line from baseline to target."""

    curve: Literal["linear"] = "linear"


class MilestonesPlan(WireModel):
    """Dated values, interpolated in between."""

    curve: Literal["milestones"]
    points: tuple[PlanPoint, ...] = Field(min_length=1)


class SeasonalPlan(WireModel):
    """The share of the year's change that each month brings, in percent, adding up to 100."""

    curve: Literal["seasonal"]
    shares: tuple[Exact, ...] = Field(min_length=12, max_length=12)


class StepPlan(WireModel):
    """Dated values that hold until the next; without points, one step to the target at the deadline."""

    curve: Literal["step"]
    points: tuple[PlanPoint, ...] = ()
    warn_before: timedelta = timedelta(days=30)


Plan = Annotated[LinearPlan | MilestonesPlan | SeasonalPlan | StepPlan, Field(discriminator="curve")]


class Target(CatalogObject, Dated):
    """An obligation of one unit, or of every unit of a level. A change in mid-year is a new version beside the old.

    `value` is what `>=` and `<=` compare with; a `band` has `low` and `high` instead.
    """

    object_kind: ClassVar[str] = "target"

    kpi: Id
    unit: Id | None = None
    level: Id | None = None
    intent: Literal["reach", "keep"] = "reach"
    baseline: Baseline | None = None
    value: Exact | None = None
    comparator: Comparator = ">="
    low: Exact | None = None
    high: Exact | None = None
    period: str = Field(description="2023, 2023-H1, 2023-Q3, 2023-09, 2021-2025 …, in the KPI's calendar.")
    deadline: date | None = Field(default=None, description="By default the last day of the period.")
    plan: Plan | None = Field(
        default=None,
        description="By default linear; a step at the deadline for a milestone.",
    )
    grace_days: int = Field(default=15, ge=0)
    owner_role: Id = "owner"
    legal_basis: str = ""
    version: int = Field(default=1, ge=1)
    simulated: bool = Field(default=False, description="Set for a demonstration; no authority decided it.")
    natural: bool = Field(
        default=False,
        description="Nobody set it: the whole roster by the end of the period.",
    )
    facts: tuple[str, ...] = ()
    note: str = ""

    @property
    def object_id(self) -> str:
        """Versions of one target are objects of their own."""
        return f"{self.id}.v{self.version}"


class Holiday(WireModel):
    """Days off, both ends included."""

    first: date
    last: date
    name_vi: str
    name_en: str = ""


class WorkingHours(WireModel):
    """A stretch of a working day, local time."""

    start: time
    end: time


class CalendarSpec(CatalogObject):
    """How days fall into periods, and which of them are worked.

    With `month_starts_on` 15, a month runs from the 15th of the month before to its own 14th, and quarters, halves and
    years likewise; with 1 they are the civil ones.
    """

    object_kind: ClassVar[str] = "calendar"

    name_vi: str
    name_en: str = ""
    month_starts_on: int = Field(default=1, ge=1, le=28)
    time_zone: str = "Asia/Ho_Chi_Minh"
    working_weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        default=(1, 2, 3, 4, 5), description="ISO weekdays, Monday is 1."
    )
    working_hours: tuple[WorkingHours, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    extra_working_days: tuple[date, ...] = Field(default=(), description="Weekend days worked in exchange.")


class Post(Dated):
    """A role that someone holds at a unit."""

    role: Id
    unit: Id


class Person(CatalogObject):
    """Somebody who gets mail: a person or, better, the desk of a role."""

    object_kind: ClassVar[str] = "person"

    name: str
    email: Email
    language: Language = "vi"
    digest_hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = Field(default=(7,), description="Local hours.")
    posts: tuple[Post, ...] = ()


class Publisher(CatalogObject, Dated):
    """Who may publish which figures, and under which CloudEvents `source`.

    `kpis` and `units` are ids; `*` means all. A unit stands for itself and everything below it.
    """

    object_kind: ClassVar[str] = "publisher"

    name_vi: str
    name_en: str = ""
    system: Id | None = None
    sources: tuple[SourceUri, ...] = Field(min_length=1)
    kpis: tuple[Id | Literal["*"], ...] = Field(min_length=1)
    units: tuple[Id | Literal["*"], ...] = Field(min_length=1)
    contact: Email
    digest_hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = Field(
        default=(7,),
        description="Local hours of working days at which its contact is written to, if there is anything to say; "
        "without any, never.",
    )
    remind_days: int = Field(
        default=3, ge=0, le=60, description="Working days before a figure falls due on which the contact is reminded."
    )
    key_ids: tuple[str, ...] = Field(
        default=(), description="Names of its keys, a note for people: which keys open is said by `tiendo keys` alone."
    )
    principal: Principal | None = Field(
        default=None,
        description="Its Kafka principal, where it writes to Kafka itself: it then has a topic of its own there.",
    )
    note: str = ""


class KpiSelector(WireModel):
    """Which KPIs a rule watches: those named, those of a pillar; without either, all. `excluded` always wins."""

    kpis: tuple[Id, ...] = ()
    pillars: tuple[Id, ...] = ()
    excluded: tuple[Id, ...] = ()

    def selects(self, kpi: Kpi) -> bool:
        """Whether the rule watches this KPI."""
        if kpi.id in self.excluded:
            return False
        return not (self.kpis or self.pillars) or kpi.id in self.kpis or kpi.pillar in self.pillars


class Threshold(WireModel):
    """One rung of a rule's ladder: below `fire` it is a breach, from `clear` on it is over; between them, the band."""

    severity: Severity
    fire: Exact
    clear: Exact | None = Field(default=None, description="By default the same as `fire`.")
    policy: Id | None = Field(default=None, description="By which policy it climbs while so severe; else the rule's.")


class Hold(WireModel):
    """How long a verdict must hold before it acts, in one of three forms; by default the first figure acts."""

    observations: int = Field(default=1, ge=1, le=100, description="Figures of so many different dates in a row.")
    data_span: Annotated[timedelta, Field(gt=timedelta(0))] | None = Field(
        default=None, description="At least so long from the first such date to the latest (`P14D`)."
    )
    settle: Annotated[timedelta, Field(gt=timedelta(0))] | None = Field(
        default=None,
        description="So long by the clock, without a figure that says otherwise (`PT6H`): absorbs corrections.",
    )

    @property
    def forms(self) -> int:
        """How many of the forms are used; more than one is a mistake that a check of the catalog names."""
        return (self.observations > 1) + (self.data_span is not None) + (self.settle is not None)


class Audience(WireModel):
    """A role, and of which unit: the alert's own, the one above it, or the top of the tree."""

    role: Id
    of: Literal["unit", "parent", "province"] = "unit"


class EscalationStep(WireModel):
    """Who is told as well when an alert still fires so long after it began to. On the working clock a day is a working
    day and an hour is an hour of one, by the province's calendar."""

    after: Annotated[timedelta, Field(ge=timedelta(0))] = Field(description="From the beginning (`P3D`).")
    clock: Literal["working", "calendar"] = "working"
    audience: tuple[Audience, ...] = Field(min_length=1)


class EscalationPolicy(WireModel):
    """How an alert climbs: its steps in order."""

    id: Id
    name_vi: str
    name_en: str = ""
    steps: tuple[EscalationStep, ...] = Field(min_length=1)
    skip_to: int | None = Field(
        default=None,
        ge=1,
        description="The step (1 is the first) up to which it climbs at once where the pace that is needed is more "
        "than `skip_when` times the best that ever was.",
    )
    skip_when: Exact = Field(default=Decimal(2), gt=0)
    repeats: tuple[Annotated[timedelta, Field(gt=timedelta(0))], ...] = Field(
        default=(),
        description="Working time without news after which everybody who was told is told again; the last of them "
        "again and again. Without any, never.",
    )


class Rule(CatalogObject):
    """When to alert and whom to tell. The ladder's rungs are severities of one alert, mildest first."""

    object_kind: ClassVar[str] = "rule"

    name_vi: str
    name_en: str = ""
    measure: Literal["pace"] = "pace"
    selector: KpiSelector = KpiSelector()
    levels: tuple[Id, ...] = Field(default=(), description="Only units of these levels; without any, all.")
    ladder: tuple[Threshold, ...] = Field(min_length=1)
    min_completeness: Exact = Field(default=Decimal("0.8"), ge=0, le=1)
    worsen_step: Exact | None = Field(default=None, gt=0, description="Tell again when the gap grew by so much.")
    pending_for: Hold = Field(default=Hold(), description="How long it must be behind before an episode opens.")
    keep_firing_for: Hold = Field(default=Hold(), description="How long it must be clear before an episode closes.")
    audience: tuple[Audience, ...] = Field(min_length=1)
    policy: Id | None = Field(default=None, description="By which policy its alerts climb; without one they do not.")
    policies: tuple[EscalationPolicy, ...] = Field(default=(), description="Those of the file, for every rule of it.")
    group_wait: timedelta = timedelta(minutes=10)
    enabled: bool = True
    version: int = Field(default=1, ge=1)


class Manifest(WireModel):
    """The last record of an `apply`: which objects, byte for byte, are the catalog `version`."""

    province: Id
    number: int = Field(ge=1, description="Rises with every apply that changed something.")
    version: str = Field(description="<number>-<first 12 hex digits of the digest over all digests>")
    digests: dict[str, str] = Field(description="Record key → sha256 (hex) of the record's value.")


OBJECT_MODELS: dict[str, type[CatalogObject]] = {
    model.object_kind: model
    for model in (
        Province,
        OrgUnit,
        Succession,
        Kpi,
        Target,
        CalendarSpec,
        Person,
        Publisher,
        Rule,
    )
}
"""Every kind of object by the word that stands for it in keys and event types."""

MANIFEST_KIND = "catalog"
"""The manifest's own kind: key `province/catalog/<province>`."""
