"""The figures of one accounting period, each carried from the units of its own day onto those of the asked one.

Reforms are passed one by one. Where figures of several eras come to one unit, those of its own era beat what is carried
to it, and later ones beat earlier ones; increments add to what was there before, since they count from the unit's first
day only. Who is silent beats nobody who reported: the places of the silent come, like figures, from the era that stands
there. So a unit has the places of itself or of its predecessors, never of both and never of some of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import reduce

from services.metrics.definition import Definition
from services.metrics.views.stood import Era, Stood, era_of
from services.runtime.catalog.carrying import carry, put_together
from services.runtime.catalog.portable import (
    ANOTHER_LEVEL,
    NEWER_FIGURE,
    OF_FORMER_UNITS,
    AnyFigure,
    Bare,
    Reason,
)

_WHOLE = Fraction(1)
_NOTHING, _SILENT, _REPORTED = range(3)


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
    definition: Definition, eras: Sequence[Era], on: int, due: int, expecting: Collection[str] | None = None
) -> Placed:
    """Put figures on the units of the day `on`. Where nobody reported, the units of the day `due` should have.
    `expecting`: of whom to say whose figures belong into theirs; of all reporting units by default."""
    placing = _Placing(definition, on, expecting)
    standing = placing.place(eras or [Era(due, {})])
    placed = Placed(left=placing.left)
    for unit, one in standing.items():
        if one.brought:
            placed.brought[unit] = one.brought
        placed.expected[unit] = one.expected
    return placed


def left_alone(definition: Definition, eras: Sequence[Era], on: int) -> Placed:
    """Leave figures on their own units, as far as these are there on the day `on`; the silent are those of the last
    era."""
    placed, day = Placed(), date.fromordinal(on)
    silent = {unit: one for era in eras[-1:] for unit, one in era.figures.items() if not one.reported}
    standing = {unit: one for era in eras for unit, one in era.figures.items() if one.stands}
    for unit, one in (silent | standing).items():
        if _exists(definition, unit, day):
            placed.brought[unit] = [Bring(unit, one)]
        else:
            placed.left.append(Left(Bring(unit, one), OF_FORMER_UNITS))
    placed.expected = {unit: (unit,) for unit in definition.shape(on).leaves}
    return placed


@dataclass(slots=True)
class _Standing:
    """What is on one unit, as of `day`, and of a reporting unit whose figures belong there."""

    day: int
    brought: list[Bring] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """How strong it is where eras meet."""
        return max(
            (_REPORTED if one.stood.reported else _SILENT for one in self.brought if one.share), default=_NOTHING
        )

    @property
    def adds(self) -> bool:
        """Whether it is increments only."""
        return self.rank == _REPORTED and all(
            one.stood.adds and not isinstance(one.brings, Bare) for one in self.brought
        )


_Layer = dict[str, _Standing]
"""By unit of one day."""


class _Placing:
    """Carries era by era onto the units of the day `on`; what is lost on the way is in `left`."""

    def __init__(self, definition: Definition, on: int, expecting: Collection[str] | None) -> None:
        self.left: list[Left] = []
        self._definition, self._on = definition, on
        self._expecting = expecting

    def place(self, eras: Sequence[Era]) -> _Layer:
        """The era of the asked day first, then later ones, the latest first, then those before it."""
        asked = era_of(self._definition, self._on)
        before = [era for era in eras if era_of(self._definition, era.day) < asked]
        after = eras[len(before) :]
        counts = next((era for era in after if era_of(self._definition, era.day) == asked), eras[-1])
        after = sorted(after, key=lambda era: (era is not counts, -era.day))
        layers = [self._carried(self._own(era), self._on, tell=era is counts) for era in after]
        layers.append(self._carried(self._followed(before), self._on, tell=not after))
        return reduce(self._over, layers)

    def _followed(self, eras: Sequence[Era]) -> _Layer:
        """Several eras on the units of the last one: each on its own units first, and so from reform to reform."""
        standing: _Layer = {}
        for era in eras:
            standing = self._over(self._own(era), self._carried(standing, era.day, tell=False))
        return standing

    def _own(self, era: Era) -> _Layer:
        """What the units of an era have themselves."""
        layer = {unit: _Standing(one.day, [Bring(unit, one)]) for unit, one in era.figures.items()}
        for unit in self._due(era.day):
            layer.setdefault(unit, _Standing(era.day)).expected = (unit,)
        return layer

    def _due(self, day: int) -> Collection[str]:
        """The reporting units of a day, as far as anybody asks for them."""
        shape = self._definition.shape(day)
        if self._expecting is None:
            return shape.leaves
        lineage, since, on = self._definition.catalog.lineage, date.fromordinal(day), date.fromordinal(self._on)
        origins = (one for unit in self._expecting for one in lineage.origins(unit, since, on))
        return [one for one in origins if shape.is_leaf(one)]

    def _carried(self, layer: _Layer, on: int, *, tell: bool) -> _Layer:
        """A layer on the units of another day. `tell`: the places of its silent are in the total, so that it is told
        where one is lost."""
        found: defaultdict[str, _Standing] = defaultdict(lambda: _Standing(on))
        stretches: defaultdict[int, _Layer] = defaultdict(dict)
        for unit, one in sorted(layer.items()):
            stretches[self._definition.stretch(one.day)][unit] = one
        for standing in stretches.values():
            since = next(iter(standing.values())).day
            self._expect(found, standing, since, on)
            self._bring(found, standing, since, on, tell)
        return dict(found)

    def _expect(self, found: _Layer, standing: _Layer, since: int, on: int) -> None:
        lineage, shape = self._definition.catalog.lineage, self._definition.shape(on)
        for unit, one in standing.items():
            if one.expected:
                for share in lineage.onto(unit, date.fromordinal(since), date.fromordinal(on)):
                    if share.weight and shape.is_leaf(share.unit):
                        found[share.unit].expected += one.expected

    def _bring(self, found: _Layer, standing: _Layer, since: int, on: int, tell: bool) -> None:
        figures: dict[str, AnyFigure] = {}
        for unit, one in standing.items():
            if one.brought and self._of_another_level(unit, one, since, on):
                self._leave(one.brought, ANOTHER_LEVEL, tell=tell)
            elif one.brought:
                figures[unit] = _together(one.brought)
        units, lineage = self._definition.catalog.units, self._definition.catalog.lineage
        carried = carry(figures, units, lineage, since=date.fromordinal(since), on=date.fromordinal(on))
        for unit, left in carried.left.items():
            self._leave(standing[unit].brought, left.reason, tell=tell)
        for unit in carried.figures.keys() - carried.contributions.keys():
            found[unit].brought += standing[unit].brought
        for unit, contributions in carried.contributions.items():
            found[unit].brought += [
                replace(one, share=one.share * part.share, estimated=one.estimated or part.estimated)
                for part in contributions
                for one in standing[part.unit].brought
            ]

    def _of_another_level(self, unit: str, one: _Standing, since: int, on: int) -> bool:
        """Whether figures are due from the unit and not from who follows it, or the other way round."""
        day, shape = date.fromordinal(on), self._definition.shape(on)
        onto = self._definition.catalog.lineage.onto(unit, date.fromordinal(since), day)
        heirs = [share.unit for share in onto if share.weight and _exists(self._definition, share.unit, day)]
        return any(shape.is_leaf(heir) != one.brought[0].stood.leaf for heir in heirs)

    def _over(self, upper: _Layer, lower: _Layer) -> _Layer:
        """Two layers on the units of one day. `upper` is used up."""
        for unit, below in lower.items():
            above = upper.get(unit)
            if above is None or above.rank < below.rank:
                upper[unit] = below
            elif above.adds:
                above.brought += below.brought
                above.expected = below.expected if below.rank else above.expected
            else:
                self._leave(below.brought, NEWER_FIGURE, tell=False)
        return upper

    def _leave(self, brought: Iterable[Bring], reason: Reason, *, tell: bool) -> None:
        self.left += [Left(one, reason) for one in brought if one.stood.stands or (tell and not one.stood.reported)]


def _together(brought: Sequence[Bring]) -> AnyFigure:
    figures = [one.brings for one in brought]
    added = [one for one in figures if not isinstance(one, Bare)]
    return put_together(added) if len(added) == len(figures) else next(one for one in figures if isinstance(one, Bare))


def _exists(definition: Definition, unit: str, on: date) -> bool:
    known = definition.catalog.units.get(unit)
    return known is not None and known.valid_on(on)
