"""The course of a record: the value that stood at the end of each day on which its figures moved.

Of a long course only those days are looked at that a forecast looks at. Where the tree stays as it is, and one
accounting period is all, the units are summed by columns; else each day is asked for, in order of time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from services.metrics.days import Window
from services.metrics.definition import Definition, Shape
from services.metrics.exact import Quotient, nearest
from services.metrics.ladder import Ladder, Told
from services.metrics.landing.asked import Point
from services.metrics.landing.track import MOST, thinned
from services.metrics.series import Series
from services.metrics.standing import stands
from services.metrics.tables import Tables


class Course(NamedTuple):
    """Points in order of time, and on how many days there were figures, those included that are left out."""

    points: list[Point]
    reported: int


class Courses:
    """The courses of one KPI's records, as its series stand now."""

    def __init__(self, definition: Definition, units: Mapping[str, Series]) -> None:
        self._definition = definition
        self._units = dict(units)
        self._tables = Tables(definition, self._units)
        self._ladders: dict[int, Ladder] = {}
        first = (series.order[0] for series in self._units.values() if series.order)
        self.first = min(first, default=None)
        """The day of the earliest figure of all."""

    def of(self, asked: Sequence[tuple[str, Window, int]]) -> list[Course]:
        """The courses of these units in these periods, each up to a day."""
        found: dict[int, Course] = {}
        slow: list[tuple[int, str, Window, list[int], int]] = []
        for at, (unit, window, until) in enumerate(asked):
            days = self._days(unit, window, until)
            if not self._steady(window, until):
                slow.append((at, unit, window, _few(days), len(days)))
            elif self._definition.kind.derived or self._definition.shape(window.first).is_leaf(unit):
                found[at] = _course(self._own(unit, window, _few(days)), until, len(days))
            else:
                found[at] = _course(self._summed(unit, window), until, len(days))
        found.update(self._day_by_day(slow))
        return [found[at] for at in range(len(asked))]

    def _days(self, unit: str, window: Window, until: int) -> list[int]:
        """The days on which the unit, or one that was below it on that day, has a figure."""
        definition, last = self._definition, min(until, window.last)
        if definition.kind.derived:
            mine = self._units.get(unit)
            return [] if mine is None else [day for day, _ in mine.standing_days(window.first, last)]
        days: set[int] = set()
        if definition.fixed_tree or definition.stretch(window.first) == definition.stretch(last):
            shape = definition.shape(last)
            for one in (unit, *(() if shape.is_leaf(unit) else self._below(unit, shape))):
                if (series := self._units.get(one)) is not None:
                    days.update(_between(series, window.first, last))
            return sorted(days)
        for other, series in self._units.items():
            for day in _between(series, window.first, last):
                if day not in days and (other == unit or unit in definition.shape(day).ancestors(other)):
                    days.add(day)
        return sorted(days)

    def _below(self, unit: str, shape: Shape) -> Iterator[str]:
        """All units below that may have figures, at whatever level."""
        for child in shape.children(unit):
            yield child
            yield from self._below(child, shape)

    def _steady(self, window: Window, until: int) -> bool:
        definition = self._definition
        changes = not definition.fixed_tree and definition.stretch(window.first) != definition.stretch(until)
        if changes or definition.kind.rosters or definition.kind.carries:
            return False
        parts = self._tables.parts_of(window, until)
        return len(parts) == 1 and parts[0].first == window.first

    def _own(self, unit: str, window: Window, days: list[int]) -> list[Told]:
        """Of a unit that reports for itself."""
        kind, series = self._definition.kind, self._units.get(unit)
        if series is None:
            return []
        if kind.averages:
            owns = [series.average(window.first, day) for day in days]
        else:
            owns = series.stood(window.first, days, kind.increments)
        told: list[Told] = []
        for own in owns:
            if own is not None:
                parts = kind.parts(own, None)
                told.append((own.day, kind.value(*parts) if parts is not None else kind.alone(own)))
        return told

    def _summed(self, unit: str, window: Window) -> list[Told]:
        """Of a unit whose parts are summed: at ends that all units of the period have in common."""
        ladder = self._ladders.get(window.first)
        if ladder is None:
            days: set[int] = set()
            for series in self._units.values():
                days.update(_between(series, window.first, window.last))
            shape = self._definition.shape(window.first)
            ends = _few(sorted(days))
            ladder = Ladder(self._definition, self._units, window.first, ends, window.last, shape)
            self._ladders[window.first] = ladder
        return ladder.told(unit)

    def _day_by_day(self, asked: Sequence[tuple[int, str, Window, list[int], int]]) -> dict[int, Course]:
        """Day by day over all records, so that the tree is swept once and not once a record."""
        steps = sorted({(day, at) for at, _, _, days, _ in asked for day in days})
        records = {at: (unit, window) for at, unit, window, _, _ in asked}
        told: dict[int, list[Told]] = {at: [] for at in records}
        for day, at in steps:
            unit, window = records[at]
            _, nodes = self._tables.of(unit, window, day, day, True)
            if nodes:
                standing = stands(self._definition, nodes)
                told[at].append((standing.as_of or 0, standing.value))
        return {at: _course(told[at], window.last, days) for at, _, window, _, days in asked}


def _between(series: Series, first: int, last: int) -> list[int]:
    return series.order[bisect_left(series.order, first) : bisect_right(series.order, last)]


def _few(days: Sequence[int]) -> list[int]:
    return [day for day, _ in thinned([(day, 0.0) for day in days])]


def _course(told: Iterable[Told], until: int, days: int) -> Course:
    """One point a day. Where the same date is told of several days, the first is the one that it is of."""
    found: dict[int, Quotient | None] = {}
    for day, value in told:
        if day <= until:
            found.setdefault(day, value)
    points = [(day, nearest(value)) for day, value in sorted(found.items()) if value is not None]
    return Course(points, len(points) if days <= MOST else days)
