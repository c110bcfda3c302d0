"""The org tree: dated, of any depth, asked on a day.

Between two dates on which something changes, the tree stands still. For each such stretch one snapshot is made when it
is first asked for; all further questions about its days are look-ups.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from contracts.catalog import OrgUnit


class OrgTree:
    """All units of a catalog, whenever they existed. Tuples of ids are sorted, so that every process sees one order."""

    def __init__(self, units: Iterable[OrgUnit]) -> None:
        self._units = {unit.id: unit for unit in sorted(units, key=lambda unit: unit.id)}
        self._named: dict[str, list[OrgUnit]] = defaultdict(list)
        for unit in self._units.values():
            for name in dict.fromkeys((unit.id, *unit.external_ids)):
                self._named[name].append(unit)
        self._changes = sorted({day for unit in self._units.values() for day in _turning_points(unit)})
        self._snapshots: dict[int, _Snapshot] = {}

    def __iter__(self) -> Iterator[OrgUnit]:
        return iter(self._units.values())

    def __len__(self) -> int:
        return len(self._units)

    def get(self, unit_id: str) -> OrgUnit | None:
        """The unit of that id, whether or not it exists today."""
        return self._units.get(unit_id)

    def resolve(self, ref: str, on: date) -> OrgUnit | None:
        """The unit that the id or external id means on that day; an id beats an external id that looks like it."""
        valid = [unit for unit in self._named.get(ref, ()) if unit.valid_on(on)]
        return next((unit for unit in valid if unit.id == ref), valid[0] if valid else None)

    def named(self, ref: str) -> tuple[OrgUnit, ...]:
        """All units that the id or external id ever meant."""
        return tuple(self._named.get(ref, ()))

    def parent(self, unit_id: str, on: date) -> str | None:
        """The unit above on that day; None at the top, and for a unit that does not exist then."""
        return self._on(on).parents.get(unit_id)

    def ancestors(self, unit_id: str, on: date) -> tuple[str, ...]:
        """The units above on that day, nearest first."""
        return self._on(on).ancestors.get(unit_id, ())

    def children(self, unit_id: str, on: date) -> tuple[str, ...]:
        """The units directly below on that day."""
        return self._on(on).children.get(unit_id, ())

    def descendants(self, unit_id: str, on: date, level: str | None = None) -> tuple[str, ...]:
        """All units below on that day, at any depth; with `level`, only those of it."""
        return self._on(on).descendants(unit_id, level)

    def roots(self, on: date) -> tuple[str, ...]:
        """The units that have none above them on that day."""
        return self._on(on).roots

    def of_level(self, level: str, on: date) -> tuple[str, ...]:
        """All units of a level on that day."""
        return self._on(on).levels.get(level, ())

    @property
    def turning_points(self) -> tuple[date, ...]:
        """The days on which something changes, in order."""
        return tuple(self._changes)

    def stretch(self, day: date) -> int:
        """The number of the stretch of days around this one on which nothing changes: the same number, the same
        tree."""
        return bisect_right(self._changes, day)

    def _on(self, day: date) -> "_Snapshot":
        stretch = self.stretch(day)
        snapshot = self._snapshots.get(stretch)
        if snapshot is None:
            snapshot = self._snapshots[stretch] = _Snapshot(self._units, day)
        return snapshot


class _Snapshot:
    """The tree as it stands on a day. Units caught in a cycle are neither roots nor below any."""

    def __init__(self, units: dict[str, OrgUnit], day: date) -> None:
        self._units = units
        present = [unit for unit in units.values() if unit.valid_on(day)]
        ids = {unit.id for unit in present}
        self.parents: dict[str, str] = {}
        self.levels: dict[str, tuple[str, ...]] = {}
        children: dict[str, list[str]] = defaultdict(list)
        levels: dict[str, list[str]] = defaultdict(list)
        for unit in present:
            levels[unit.level].append(unit.id)
            above = next((parent.unit for parent in unit.parents if parent.valid_on(day)), None)
            if above in ids:
                self.parents[unit.id] = above
                children[above].append(unit.id)
        self.levels = {level: tuple(members) for level, members in levels.items()}
        self.children = {unit_id: tuple(below) for unit_id, below in children.items()}
        self.roots = tuple(unit.id for unit in present if unit.id not in self.parents)
        self.ancestors: dict[str, tuple[str, ...]] = {}
        self._below: dict[str, tuple[str, ...]] = {}
        self._below_of_level: dict[tuple[str, str], tuple[str, ...]] = {}
        self._walk()

    def descendants(self, unit_id: str, level: str | None) -> tuple[str, ...]:
        below = self._below.get(unit_id, ())
        if level is None or not below:
            return below
        found = self._below_of_level.get((unit_id, level))
        if found is None:
            found = tuple(other for other in below if self._units[other].level == level)
            self._below_of_level[unit_id, level] = found
        return found

    def _walk(self) -> None:
        """Fill ancestors from the top down, then descendants from the bottom up."""
        order = list(self.roots)
        for unit_id in order:  # grows while it is walked: breadth first
            above = self.parents.get(unit_id)
            self.ancestors[unit_id] = () if above is None else (above, *self.ancestors[above])
            order.extend(self.children.get(unit_id, ()))
        for unit_id in reversed(order):
            below = self.children.get(unit_id, ())
            self._below[unit_id] = tuple(sorted([*below, *(far for near in below for far in self._below[near])]))


def _turning_points(unit: OrgUnit) -> Iterator[date]:
    for dated in (unit, *unit.parents):
        if dated.valid_from is not None:
            yield dated.valid_from
        if dated.valid_to is not None:
            yield dated.valid_to
