"""What stood in an accounting period, unit by unit, each on its own day: the figures that a view carries over.

The days between two reforms make an era. Where who is silent has a place in the total, each era in which anybody
reported has the places of its own silent: whether they count is told where eras meet.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from contracts.catalog import KpiKind
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.kinds import Parts
from services.metrics.kinds.level import weight_of
from services.metrics.series import Own, Series
from services.runtime.catalog.portable import (
    NO_PARTS,
    NO_WEIGHT,
    RANK_STANDS_ALONE,
    Amount,
    AnyFigure,
    Bare,
    Counted,
    Portable,
    Reason,
    Weighted,
)

_ALONE: dict[KpiKind, Reason] = {"level": NO_WEIGHT, "rank": RANK_STANDS_ALONE}
"""Why a figure without parts cannot be added, where that is not for want of a numerator or denominator."""


class Stood(NamedTuple):
    """What a unit has of its own. `day` is an ordinal: its units are those of the tree of that day.

    `reported`: False for a reporting unit that is silent and stays in the total. `leaf`: whether figures are due from
    it. `adds`: only increments stand, so that what its predecessors had before is not in it. `replaced`: it stood
    before a reform, and the unit has reported since; what others have of it may stand still.
    """

    figure: AnyFigure
    day: int
    leaf: bool
    reported: bool = True
    adds: bool = False
    replaced: bool = False

    @property
    def stands(self) -> bool:
        """Whether it was reported, and nothing of the unit since."""
        return self.reported and not self.replaced


class Era(NamedTuple):
    """What stood between two reforms, by unit. `day`: the latest of them, by whose tree and rosters the silent are
    told."""

    day: int
    figures: Mapping[str, Stood]


def stood(definition: Definition, units: Mapping[str, Series], part: Window, until: int) -> list[Era]:
    """The figures that stand at the end of `until` in one accounting period, era by era, where anybody reported."""
    until = min(until, part.last)
    if counts_the_silent(definition):
        return list(_with_the_silent(definition, units, part, until))
    found: defaultdict[int, dict[str, Stood]] = defaultdict(dict)
    for unit, one in _own(definition, units, part, until):
        found[era_of(definition, one.day)][unit] = one
    return [_era(figures) for _, figures in sorted(found.items())]


def era_of(definition: Definition, day: int) -> int:
    """Days with the same number lie between the same two reforms."""
    return bisect_right(definition.catalog.lineage.dates, date.fromordinal(day))


def counts_the_silent(definition: Definition) -> bool:
    """Whether who is silent has a place in the total."""
    return definition.kind.rosters or definition.kind.counts_units


def _own(definition: Definition, units: Mapping[str, Series], part: Window, until: int) -> Iterator[tuple[str, Stood]]:
    kind = definition.kind
    for unit, series in units.items():
        own = series.average(part.first, until) if kind.averages else _standing(series, definition, part.first, until)
        if own is None:
            continue
        leaf = definition.shape(own.day).is_leaf(unit)
        if leaf or definition.may_report(unit):
            yield unit, Stood(_figure(definition, unit, own), own.day, leaf, adds=own.figure is None)


def _standing(series: Series, definition: Definition, first: int, until: int) -> Own | None:
    return series.own(first, until, definition.kind.increments, keep=False)


def _figure(definition: Definition, unit: str, own: Own) -> AnyFigure:
    kind = definition.kind
    parts = kind.parts(own, definition.roster(unit, own.day))
    if parts is None:
        alone = kind.alone(own)
        why = _ALONE.get(definition.kpi.kind, NO_PARTS)
        return Bare(None if alone is None else Fraction(*alone), why)
    return _portable(definition, own, parts)


def _portable(definition: Definition, own: Own, parts: Parts) -> Portable:
    n, d = Fraction(parts[0], SCALE), Fraction(parts[1], SCALE)
    match definition.kpi.kind:
        case "flow" | "stock":
            return Amount(n)
        case "level":
            weight = Fraction(weight_of(own), SCALE)
            return Weighted(n / d * weight, weight)
        case "milestone":
            return Counted(n, Fraction(1))
        case _:
            return Counted(n, d)


def _with_the_silent(definition: Definition, units: Mapping[str, Series], part: Window, until: int) -> Iterator[Era]:
    """What stood at the end of each era, and the places of all others from whom figures were due. Of a figure above,
    which has no place of its own, only the last stands."""
    standing = {unit: one.day for unit, one in _own(definition, units, part, until)}
    reforms = [day.toordinal() - 1 for day in definition.catalog.lineage.dates]
    for last in (*(day for day in reforms if part.first <= day < until), until):
        figures = {
            unit: one._replace(replaced=one.day < standing.get(unit, 0))
            for unit, one in _own(definition, units, part, last)
            if era_of(definition, one.day) == era_of(definition, last)
        }
        if figures:
            day = max(one.day for one in figures.values())
            kept = {unit: one for unit, one in figures.items() if one.leaf or not one.replaced}
            for unit in sorted(definition.shape(day).leaves - figures.keys()):
                silent = _silent(definition, unit, day)
                if silent is not None:
                    kept[unit] = Stood(silent, day, leaf=True, reported=False)
            yield Era(day, kept)


def _era(figures: Mapping[str, Stood]) -> Era:
    return Era(max(one.day for one in figures.values()), figures)


def _silent(definition: Definition, unit: str, day: int) -> Portable | None:
    """What a reporting unit that is silent leaves in the total."""
    if definition.kind.counts_units:
        return Counted(Fraction(0), Fraction(1))
    parts = definition.kind.silent(definition.roster(unit, day))
    return None if parts is None else Counted(Fraction(parts[0], SCALE), Fraction(parts[1], SCALE))
