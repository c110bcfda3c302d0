"""Which target applies to a unit, and which of its versions judges a figure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from contracts.catalog import Kpi, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.periods import Period
from services.runtime.catalog.tree import OrgTree


class Targets:
    """All targets of a catalog. A unit's own target beats the one of its level, for each period apart."""

    def __init__(
        self, targets: Iterable[Target], kpis: Mapping[str, Kpi], units: OrgTree, calendars: Mapping[str, Calendar]
    ) -> None:
        self._all = tuple(sorted(targets, key=lambda target: (target.id, target.version)))
        self._kpis, self._units, self._calendars = kpis, units, calendars
        self._own: dict[tuple[str, str], list[Target]] = defaultdict(list)
        self._of_level: dict[tuple[str, str], list[Target]] = defaultdict(list)
        self._of_kpi: dict[str, list[Target]] = defaultdict(list)
        for target in self._all:
            self._of_kpi[target.kpi].append(target)
            if target.unit is not None:
                self._own[target.kpi, target.unit].append(target)
            elif target.level is not None:
                self._of_level[target.kpi, target.level].append(target)
        self._periods: dict[tuple[str, str], tuple[Period, ...]] = {}

    def __iter__(self) -> Iterator[Target]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def of_kpi(self, kpi_id: str) -> Sequence[Target]:
        """All targets of the KPI, every version, by id."""
        return self._of_kpi.get(kpi_id, ())

    def of_unit(self, kpi_id: str, unit_id: str) -> tuple[Target, ...]:
        """The targets that apply to the unit, every version: its own, and its level's for the other periods."""
        own = self._own.get((kpi_id, unit_id), [])
        settled = {target.period for target in own}
        return (*own, *(target for target in self._level_targets(kpi_id, unit_id) if target.period not in settled))

    def periods(self, kpi_id: str, unit_id: str) -> tuple[Period, ...]:
        """The periods for which the unit has a target, in order of time."""
        found = self._periods.get((kpi_id, unit_id))
        if found is None:
            parse = self._calendars[self._kpis[kpi_id].calendar].parse if kpi_id in self._kpis else None
            names = {target.period for target in self.of_unit(kpi_id, unit_id)}
            found = tuple(sorted(parse(name) for name in names)) if parse else ()
            self._periods[kpi_id, unit_id] = found
        return found

    def versions(self, kpi_id: str, unit_id: str, period_id: str) -> tuple[Target, ...]:
        """All that judges or judged the unit in the period, in the order in which it came to be valid. Its level's
        targets are among them only if they are valid before its own."""
        turns = {date.min}
        for target in (*self._own.get((kpi_id, unit_id), ()), *self._level_targets(kpi_id, unit_id)):
            if target.period == period_id:
                turns.update(day for day in (target.valid_from, target.valid_to) if day is not None)
        judged = (self.judging(kpi_id, unit_id, period_id, day) for day in sorted(turns))
        return tuple(dict.fromkeys(target for target in judged if target is not None))

    def judging(self, kpi_id: str, unit_id: str, period_id: str, as_of: date) -> Target | None:
        """The target, in the version valid at `as_of`. Where the unit's own is not valid then, its level's judges."""
        for candidates in (self._own.get((kpi_id, unit_id), ()), self._level_targets(kpi_id, unit_id)):
            valid = [target for target in candidates if target.period == period_id and target.valid_on(as_of)]
            if valid:
                return max(valid, key=lambda target: target.version)
        return None

    def judging_below(self, kpi_id: str, unit_id: str, period_id: str, on: date) -> tuple[Target, ...]:
        """The targets of the nearest units below that have one, one for each unit, as the tree is on that day."""
        found: list[Target] = []
        for child in self._units.children(unit_id, on):
            own = self.judging(kpi_id, child, period_id, on)
            if own is not None:
                found.append(own)
            elif self._units.descendants(child, on):  # none in a cycle, where looking further would never end
                found.extend(self.judging_below(kpi_id, child, period_id, on))
        return tuple(found)

    def _level_targets(self, kpi_id: str, unit_id: str) -> list[Target]:
        unit = self._units.get(unit_id)
        return self._of_level.get((kpi_id, unit.level), []) if unit is not None else []
