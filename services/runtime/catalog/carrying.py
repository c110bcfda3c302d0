"""Figures of one day on the units of another: the views *as it was*, *as it is now* and *as on a date*.

Additive parts are added and shared out, so totals are conserved to the last digit; what has no additive parts is never
guessed but left, with a reason. Nothing is rounded: shares are fractions, and every view keeps what it was made of, so
it can be undone. Who follows whom, and with which share, is `succession`'s business; rolling up the tree and judging
are not done here.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import reduce
from typing import Literal

from services.runtime.catalog.portable import (
    MERGED_WITH_OTHERS,
    NO_PREDECESSOR,
    NO_SUCCESSOR,
    NOT_VALID_THEN,
    Amount,
    AnyFigure,
    Bare,
    Counted,
    Portable,
    Reason,
    Weighted,
)
from services.runtime.catalog.succession import Lineage
from services.runtime.catalog.tree import OrgTree

View = Literal["as_it_was", "as_it_is_now"] | date
"""On which units figures are looked at."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one unit brings to another: `share` of its `whole` figure."""

    unit: str
    share: Fraction
    whole: Portable
    estimated: bool = False

    @property
    def brings(self) -> Portable:
        """Its part of the other's figure."""
        return self.whole.times(self.share)


@dataclass(frozen=True, slots=True)
class Left:
    """A figure that could not be carried over, and why."""

    figure: AnyFigure
    reason: Reason


@dataclass(frozen=True, slots=True)
class Carried:
    """Figures on the units of a day.

    `figures`: by unit of that day. `contributions`: what each figure is made of, where a unit was changed on the way.
    `left`: by unit of the figures' own day, what was not carried. `missing`: by unit of that day, the units whose
    figures belong into its own but are not there; its figure is then one of parts only. `estimated`: units whose figure
    rests on shares that nobody stated.
    """

    on: date
    figures: Mapping[str, AnyFigure]
    contributions: Mapping[str, tuple[Contribution, ...]] = field(default_factory=dict)
    left: Mapping[str, Left] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    estimated: frozenset[str] = frozenset()

    def undo(self) -> dict[str, AnyFigure]:
        """The figures that the view was made of, on their own units, exactly."""
        back: dict[str, AnyFigure] = {unit: left.figure for unit, left in self.left.items()}
        for unit, figure in self.figures.items():
            if unit not in self.contributions:
                back[unit] = figure
        for contributions in self.contributions.values():
            back.update((contribution.unit, contribution.whole) for contribution in contributions)
        return back


def day_of(view: View, as_of: date, today: date) -> date:
    """The day whose units a view shows figures of `as_of` on."""
    if isinstance(view, date):
        return view
    return as_of if view == "as_it_was" else today


def carry(figures: Mapping[str, AnyFigure], units: OrgTree, lineage: Lineage, *, since: date, on: date) -> Carried:
    """Carry figures that stood on the day `since`, one a unit of that day, onto the units of the day `on`.

    Forward they are merged and shared out; backward they are put together where a division can be undone. Figures of
    one KPI and one period only: what stands on a successor already is another day's figure, never added here.
    """
    passages = lineage.passages(since, on)
    kept: dict[str, AnyFigure] = {}
    left: dict[str, Left] = {}
    brought: dict[str, list[Contribution]] = defaultdict(list)
    for unit_id, figure in sorted(figures.items()):
        passage = passages.get(unit_id)
        reason = _why_not(unit_id, figure, units, lineage, since, on)
        if reason is not None:
            left[unit_id] = Left(figure, reason)
        elif passage is None or isinstance(figure, Bare):
            kept[unit_id] = figure
        else:
            for share in passage:
                brought[share.unit].append(Contribution(unit_id, share.weight, figure, share.estimated))
    made = {unit: contributions for unit, contributions in brought.items() if any(each.share for each in contributions)}
    arrived = {unit_id: {each.unit for each in contributions} for unit_id, contributions in made.items()}
    missing = {
        unit_id: tuple(origin for origin in lineage.origins(unit_id, since, on) if origin not in arrived[unit_id])
        for unit_id in made
    }
    together = {unit: put_together([one.brings for one in parts if one.share]) for unit, parts in made.items()}
    return Carried(
        on=on,
        figures=dict(sorted({**kept, **together}.items())),
        contributions={unit: tuple(parts) for unit, parts in sorted(brought.items())},
        left=left,
        missing={unit_id: names for unit_id, names in sorted(missing.items()) if names},
        estimated=frozenset(unit for unit, parts in brought.items() if any(part.estimated for part in parts)),
    )


def _why_not(unit_id: str, figure: AnyFigure, units: OrgTree, lineage: Lineage, since: date, on: date) -> Reason | None:
    unit = units.get(unit_id)
    if unit is None or not unit.valid_on(since):
        return NOT_VALID_THEN
    shares = lineage.onto(unit_id, since, on)
    if not shares:
        return MERGED_WITH_OTHERS
    heirs = [units.get(share.unit) for share in shares if share.weight]
    if not all(heir is not None and heir.valid_on(on) for heir in heirs):
        return NO_SUCCESSOR if on >= since else NO_PREDECESSOR
    return figure.why if isinstance(figure, Bare) and unit_id in lineage.passages(since, on) else None


def put_together(figures: Collection[Portable]) -> Portable:
    """The sum of figures of one kind, at least one. Raises ValueError for figures of different kinds."""
    return reduce(_plus, figures)


def _plus(one: Portable, other: Portable) -> Portable:
    match one, other:
        case Counted(), Counted():
            return one.plus(other)
        case Amount(), Amount():
            return one.plus(other)
        case Weighted(), Weighted():
            return one.plus(other)
    raise ValueError("figures of different kinds cannot be put together")
