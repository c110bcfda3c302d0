"""What stood at the end of each natural unit of time, for a whole tree at once: the best pace ever is read off it.

The same rules as in `rollup`, by columns: one number for each unit of time, children summed column by column. A record
asks for all of its past each time that it is judged, and most of the past does not change.
"""

from collections.abc import Collection
from typing import NamedTuple

from services.metrics.definition import Definition, Shape
from services.metrics.exact import Quotient
from services.metrics.rollup import direct_stands
from services.metrics.series import Own, Series

Told = tuple[int, Quotient | None]
"""The day of what stood at the end of a unit of time, 0 for nothing, and its value."""


class _Columns(NamedTuple):
    """What a unit adds to the one above, and what stands for itself: its own figures, or none where its parts do.

    `direct` is empty for a reporting unit: its own figures are read off the series, which costs less than to hold them.
    """

    n: list[int]
    d: list[int]
    day: list[int]
    covered: list[int]
    direct: list[Own | None]


class Ladder:
    """One accounting period of one KPI under one tree, at the ends of its natural units of time."""

    def __init__(
        self, definition: Definition, units: dict[str, Series], first: int, ends: list[int], until: int, shape: Shape
    ) -> None:
        self.ends = ends
        self.until = until
        """The day of the latest figure when it was made: units of time that end later have no rung."""
        self._first = first
        self._definition, self._kind = definition, definition.kind
        self._units = units
        self._shape = shape
        self._columns: dict[str, _Columns | None] = {}
        self._told: dict[str, list[Told]] = {}

    def drop(self, units: Collection[str]) -> None:
        """The units' figures changed, on days that a rung looks back upon."""
        dropped = set(units)
        for unit in units:
            dropped.update(self._shape.ancestors(unit))
        for unit in dropped:
            self._columns.pop(unit, None)
            self._told.pop(unit, None)

    def told(self, unit: str) -> list[Told]:
        """What stood at each end."""
        if self._shape.is_leaf(unit):
            return [self._alone(own) for own in self._owns(unit)]
        found = self._told.get(unit)
        if found is None:
            columns = self._of(unit)
            found = self._told[unit] = [] if columns is None else self._values(columns)
        return found

    def _values(self, columns: _Columns) -> list[Told]:
        value = self._kind.value
        rows = zip(columns.n, columns.d, columns.day, columns.direct, strict=True)
        return [self._alone(own) if own is not None else (day, value(n, d) if day else None) for n, d, day, own in rows]

    def _alone(self, own: Own | None) -> Told:
        if own is None:
            return 0, None
        parts = self._kind.parts(own, None)
        return own.day, self._kind.value(*parts) if parts is not None else self._kind.alone(own)

    def _of(self, unit: str) -> _Columns | None:
        """The unit's columns; None for one that reported nothing."""
        if unit not in self._columns:
            self._columns[unit] = self._make(unit)
        return self._columns[unit]

    def _make(self, unit: str) -> _Columns | None:
        owns = self._owns(unit)
        if self._shape.is_leaf(unit):
            return self._leaf(owns) if owns else None
        parts = self._sum(unit)
        if not any(owns):
            return parts
        return self._settle(owns, parts, len(self._shape.expected(unit)))

    def _owns(self, unit: str) -> list[Own | None]:
        """What stood by the unit's own figures at each end; nothing of a unit that has none."""
        series = self._units.get(unit)
        if series is None or not (self._shape.is_leaf(unit) or self._definition.may_report(unit)):
            return []
        if self._kind.averages:
            return [series.average(self._first, end) for end in self.ends]
        return series.stood(self._first, self.ends, self._kind.increments)

    def _leaf(self, owns: list[Own | None]) -> _Columns:
        nothing = (0, 0, 0, 0)
        rows, before, row = [], None, nothing
        for own in owns:
            if own is not before:
                parts = None if own is None else self._kind.parts(own, None)
                row = nothing if own is None or parts is None else (*parts, own.day, 1)
                before = own
            rows.append(row)
        n, d, day, covered = map(list, zip(*rows, strict=True))
        return _Columns(n, d, day, covered, [])

    def _sum(self, unit: str) -> _Columns | None:
        below = [columns for child in self._shape.children(unit) if (columns := self._of(child)) is not None]
        if not below:
            return None
        n, d, day, covered, _ = zip(*below, strict=True)
        return _Columns(
            list(map(sum, zip(*n, strict=True))),
            list(map(sum, zip(*d, strict=True))),
            list(map(max, zip(*day, strict=True))),
            list(map(sum, zip(*covered, strict=True))),
            [None] * len(self.ends),
        )

    def _settle(self, owns: list[Own | None], parts: _Columns | None, expected: int) -> _Columns:
        """Direct or parts, end by end."""
        size = len(self.ends)
        if parts is None:
            parts = _Columns([0] * size, [0] * size, [0] * size, [0] * size, [None] * size)
        kind = self._kind
        for at, own in enumerate(owns):
            if own is None:
                continue
            n, d, day = parts.n[at], parts.d[at], parts.day[at]
            mine = kind.parts(own, None)
            own_value = kind.value(*mine) if mine is not None else kind.alone(own)
            value = kind.value(n, d) if day else None
            complete = parts.covered[at] >= expected > 0
            if direct_stands(own, own_value, value, complete=complete, day=day or None):
                parts.direct[at] = own
                if mine is not None:
                    parts.n[at], parts.d[at], parts.day[at], parts.covered[at] = *mine, own.day, expected
        return parts
