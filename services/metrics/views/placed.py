"""The figures of one accounting period, each carried from the units of its own day onto those of the asked one.

The days between two reforms make an era. Where figures of several eras come to one unit, those of its own era beat what
is carried to it, and later ones beat earlier ones; increments add to what was there before, since they count from the
unit's first day only.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from services.metrics.definition import Definition
from services.metrics.views.stood import Stood
from services.runtime.catalog.carrying import carry, put_together
from services.runtime.catalog.portable import (
    ANOTHER_LEVEL,
    NEWER_FIGURE,
    OF_FORMER_UNITS,
    PREDECESSORS_STAND,
    AnyFigure,
    Bare,
    Reason,
)

_WHOLE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Bring:
    """What one unit brings to another: a share of what stood on it."""

    unit: str
    stood: Stood
    share: Fraction = _WHOLE
    estimated: bool = False

    @property
    def brings(self) -> AnyFigure:
        """Its part of the other's figure."""
        figure = self.stood.figure
        return figure if isinstance(figure, Bare) else figure.times(self.share)


@dataclass(frozen=True, slots=True)
class Left:
    """A share of a figure that is on no unit of the asked day."""

    bring: Bring
    reason: Reason


@dataclass(slots=True)
class Placed:
    """By unit of the asked day: what it was brought, and whose figures belong into its own."""

    brought: dict[str, list[Bring]] = field(default_factory=dict)
    expected: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)

    def figure(self, unit: str) -> AnyFigure | None:
        """All that was brought to the unit, put together."""
        brought = [one for one in self.brought.get(unit, ()) if one.share]
        if not brought:
            return None
        if len(brought) == 1:
            return brought[0].brings
        return put_together([one for each in brought if not isinstance(one := each.brings, Bare)])

    def day(self, unit: str) -> int | None:
        """The latest day of what was reported and brought to the unit."""
        days = (one.stood.day for one in self.brought.get(unit, ()) if one.share and one.stood.reported)
        return max(days, default=None)

    def of(self, unit: str) -> tuple[Bring, ...]:
        """Everything that was brought to the unit."""
        return tuple(self.brought.get(unit, ()))

    def missing(self, unit: str, since: int) -> tuple[str, ...]:
        """Whose figures of `since` and later belong into the unit's and are not there."""
        there = {one.unit for one in self.of(unit) if one.stood.reported and one.stood.day >= since}
        return tuple(one for one in self.expected.get(unit, ()) if one not in there)


def place(
    definition: Definition, figures: Mapping[str, Stood], on: int, due: int, expecting: Collection[str] | None = None
) -> Placed:
    """Put figures on the units of the day `on`. Where nobody reported, the units of the day `due` should have.
    `expecting`: of whom to say whose figures belong into theirs; of all reporting units by default."""
    placed, latest = Placed(), max((one.day for one in figures.values()), default=due)
    since: dict[str, int] = {}
    for group in _by_era(definition, figures, on):
        day = max(one.day for one in group.values())
        for unit, brought in _carried(definition, group, on, placed.left).items():
            before = placed.brought.get(unit)
            if before is not None and not any(one.stood.reported and one.share for one in before):
                placed.left += [Left(one, PREDECESSORS_STAND) for one in placed.brought.pop(unit)]
            elif before is not None and not all(one.stood.adds and not isinstance(one.brings, Bare) for one in before):
                placed.left += [Left(one, NEWER_FIGURE) for one in brought]
                continue
            placed.brought.setdefault(unit, []).extend(brought)
            since[unit] = day
    for unit in definition.shape(on).leaves if expecting is None else expecting:
        placed.expected[unit] = _expected(definition, unit, since.get(unit, latest), on)
    return placed


def left_alone(definition: Definition, figures: Mapping[str, Stood], on: int) -> Placed:
    """Leave figures on their own units, as far as these are there on the day `on`."""
    placed, day = Placed(), date.fromordinal(on)
    for unit, one in figures.items():
        if _exists(definition, unit, day):
            placed.brought[unit] = [Bring(unit, one)]
        else:
            placed.left.append(Left(Bring(unit, one), OF_FORMER_UNITS))
    placed.expected = {unit: (unit,) for unit in definition.shape(on).leaves}
    return placed


def _by_era(definition: Definition, figures: Mapping[str, Stood], on: int) -> list[dict[str, Stood]]:
    """The figures era by era: that of the asked day first, then the latest first."""
    own, eras = _era(definition, on), defaultdict[int, dict[str, Stood]](dict)
    for unit, one in figures.items():
        eras[_era(definition, one.day)][unit] = one
    return [eras[era] for era in sorted(eras, key=lambda era: (era != own, -era))]


def _era(definition: Definition, day: int) -> int:
    return bisect_right(definition.catalog.lineage.dates, date.fromordinal(day))


def _carried(definition: Definition, group: dict[str, Stood], on: int, left: list[Left]) -> dict[str, list[Bring]]:
    """The figures of one era by unit of the asked day; what cannot be carried goes to `left`."""
    found: defaultdict[str, list[Bring]] = defaultdict(list)
    days: defaultdict[int, dict[str, Stood]] = defaultdict(dict)
    for unit, one in sorted(group.items()):
        if _of_another_level(definition, unit, one, on):
            left.append(Left(Bring(unit, one), ANOTHER_LEVEL))
        else:
            days[definition.stretch(one.day)][unit] = one
    for standing in days.values():
        since = date.fromordinal(next(iter(standing.values())).day)
        units, lineage = definition.catalog.units, definition.catalog.lineage
        figures = {unit: one.figure for unit, one in standing.items()}
        carried = carry(figures, units, lineage, since=since, on=date.fromordinal(on))
        left += [Left(Bring(unit, standing[unit]), one.reason) for unit, one in carried.left.items()]
        for unit in carried.figures.keys() - carried.contributions.keys():
            found[unit].append(Bring(unit, standing[unit]))
        for unit, contributions in carried.contributions.items():
            found[unit] += [Bring(one.unit, standing[one.unit], one.share, one.estimated) for one in contributions]
    return found


def _of_another_level(definition: Definition, unit: str, one: Stood, on: int) -> bool:
    """Whether figures are due from the unit and not from who follows it, or the other way round."""
    since, day = date.fromordinal(one.day), date.fromordinal(on)
    heirs = [share.unit for share in definition.catalog.lineage.onto(unit, since, day) if share.weight]
    return any(definition.shape(on).is_leaf(heir) != one.leaf for heir in heirs if _exists(definition, heir, day))


def _expected(definition: Definition, unit: str, since: int, on: int) -> tuple[str, ...]:
    """The reporting units of a day whose figures the unit has on another."""
    origins = definition.catalog.lineage.origins(unit, date.fromordinal(since), date.fromordinal(on))
    shape = definition.shape(since)
    return tuple(one for one in origins if shape.is_leaf(one))


def _exists(definition: Definition, unit: str, on: date) -> bool:
    known = definition.catalog.units.get(unit)
    return known is not None and known.valid_on(on)
