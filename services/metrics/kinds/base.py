"""What a kind of KPI fixes: its measure, its roll-up, its missing-value rule and its zero rule.

Every kind that rolls up does so by two sums, `n` and `d`; what they mean is the kind's. Adding a kind is writing one
file and naming it in `kinds/__init__.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from contracts.catalog import Kpi
from services.metrics.exact import SCALE, Quotient
from services.metrics.series import Own

Parts = tuple[int, int]
"""What a unit adds to the sums of those above it: n and d, scaled."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Of how many, or of whom: `members` where they are known by name."""

    size: int
    members: frozenset[str] | None = None


class Kind(Protocol):
    """A small type; `of` makes the one that serves a KPI."""

    name: str
    derived: bool
    """Whether figures are made from other KPIs, so that nobody reports them and nobody is late."""
    derived_above: bool
    """Whether they are made for the units above its levels, too."""
    ranked: bool
    """Whether units of one level are ranked among themselves."""
    sums_periods: bool
    """Whether a target that spans several accounting periods adds their figures up, instead of taking the last."""
    increments: bool
    """Whether increments count."""
    shows_parts: bool
    """Whether numerator and denominator stand on the record."""
    from_zero: bool
    """Whether a plan without a baseline starts at 0."""
    rosters: bool
    """Whether it is counted against rosters."""
    averages: bool
    """Whether the mean of the readings in an accounting period stands, instead of the last one."""
    counts_units: bool
    """Whether a rolled-up record shows how many of the units due."""
    lowest: int | None
    """The value below which there is nothing, scaled, where the KPI sets no limit; None where it may be negative."""
    highest: int | None
    """The value above which there is nothing, scaled, where the kind itself sets one."""
    carries: bool
    """Whether a figure still stands in the later accounting periods of a longer target."""
    grows_stale: bool
    """Whether a figure says less the older it is."""
    foretells: bool
    """Whether the course of its figures says where they will stand."""
    begins_anew: bool
    """Whether a figure is of its accounting period alone: those of another one say nothing of where it will stand."""

    @classmethod
    def of(cls, kpi: Kpi, kpis: Mapping[str, Kpi]) -> "Kind":
        """The kind as this KPI declares it, among all KPIs of the catalog."""
        ...

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        """The measure: what the unit's figure adds to sums; None if it can be part of none."""
        ...

    def silent(self, roster: Roster | None) -> Parts | None:
        """The missing-value rule: what a unit adds that has reported nothing; None for nothing."""
        ...

    def value(self, n: int, d: int) -> Quotient | None:
        """The value of sums, or of one figure's parts; None by the zero rule."""
        ...

    def alone(self, own: Own) -> Quotient | None:
        """The value of a figure that has no parts, judged where it stands; None if it has none either."""
        ...

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        """The code of the reason why there is no value."""
        ...


class Base:
    """What most kinds have in common."""

    derived = False
    derived_above = False
    ranked = False
    sums_periods = False
    increments = False
    shows_parts = False
    from_zero = False
    rosters = False
    averages = False
    counts_units = False
    lowest: int | None = 0
    highest: int | None = None
    carries = False
    grows_stale = True
    foretells = True
    begins_anew = False

    @classmethod
    def of(cls, kpi: Kpi, kpis: Mapping[str, Kpi]) -> Self:
        return cls()

    def silent(self, roster: Roster | None) -> Parts | None:
        return None

    def alone(self, own: Own) -> Quotient | None:
        return None


class Amount(Base):
    """A number that adds up: `n` is the amount, `d` is not used."""

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        return None if own.v is None else (own.v, 0)

    def value(self, n: int, d: int) -> Quotient | None:
        return n, SCALE

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        return "no_value"


class Share(Base):
    """A percentage: 100·Σn / Σd, and no value over a sum of nothing."""

    shows_parts = True
    highest: int | None = 100 * SCALE

    def value(self, n: int, d: int) -> Quotient | None:
        return (100 * n, d) if d > 0 else None
