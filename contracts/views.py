"""A period's figures on the units of another day: what metrics answers and the gateway passes on.

A view shows figures and judges nothing: judgements are the progress records, which stay as they were made.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from contracts.base import Id, WireModel
from contracts.explanations import SourceBehind
from contracts.progress import Reason, TargetJudged


class Amounts(WireModel):
    """A figure: the value, and the parts by which it adds up, as far as its kind has them."""

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    weight: float | None = Field(None, description="Of a measured level: what its mean is weighted by.")


class Brought(WireModel):
    """What one reporting unit brings: `share` of its whole figure."""

    org_unit: Id
    as_of: date | None = Field(description="Null: it is silent, and its place in the total stays.")
    share: float = Field(description="0 to 1.")
    estimated: bool = Field(description="Whether nobody stated that share.")
    whole: Amounts


class ViewedUnit(Amounts):
    """A unit of the asked day. After the unit above it, which is its `parent`."""

    org_unit: Id
    level: str
    parent: Id | None
    as_of: date | None
    made_of: Literal["own", "carried", "parts", "derived", "nothing"] = Field(
        description="`own`: its own figure; `carried`: `brought` from others; `parts`: the sum of the units below; "
        "`derived`: computed anew from what its sources have on these units."
    )
    brought: tuple[Brought, ...] = ()
    estimated: bool = Field(description="Whether a share that nobody stated is in it, here or below.")
    expected: int = Field(
        description="Of a reporting unit: how many units' figures belong into its own. Of one above: how many "
        "reporting units of this day are below it."
    )
    missing: tuple[str, ...] = Field(
        description="Those of them, by name, whose figures are not in it; of reporting units below, who lack any."
    )
    target: TargetJudged | None = Field(None, description="Its own target on that day, to compare with; not judged.")
    made_from: tuple[SourceBehind, ...] = Field((), description="Of a derived figure: what its sources have there.")
    rank: int | None = Field(None, description="Of a score: among the units of its level on that day, see `of`.")
    of: int | None = Field(None, description="How many units of its level are ranked: those with points of every item.")
    reasons: tuple[Reason, ...] = Field((), description="Of a derived figure: why it is null, or what is not in it.")


class NotCarried(WireModel):
    """A figure, or a share of one, that is on no unit of the asked day, and why. Of who is silent (`as_of` null), only
    a place in the total that nobody else has taken."""

    org_unit: Id
    as_of: date | None
    share: float = 1
    whole: Amounts
    reason: Reason
    kpi: Id | None = Field(None, description="Of a derived figure: the KPI that it derives from and that this is of.")


class PeriodView(WireModel):
    """The figures of a KPI and period on the units of the day `on`."""

    province: Id
    kpi: Id
    period: str
    first: date
    last: date
    view: str = Field(description="`as_it_was`, `as_it_is_now` or a date.")
    on: date = Field(description="The day whose units these are.")
    as_of: date | None = Field(description="The latest day of the figures.")
    kind: str
    unit_of_measure: str
    catalog_version: str
    before: Amounts | None = Field(
        description="All figures of reporting units, on the units that reported, and the places of the silent."
    )
    after: Amounts | None = Field(description="The same on the units of `on`: less only by what was not carried.")
    units: tuple[ViewedUnit, ...]
    not_carried: tuple[NotCarried, ...]
    reasons: tuple[Reason, ...] = Field((), description="How figures of a kind that is not carried came to be here.")
