"""Which records another version of the catalog may judge otherwise, and why: from both versions, KPI by KPI.

Safe before it is exact: whatever is named may turn out to be judged as before, and what is not named is. Where the
former catalog is not at hand any more, `marks` of it tell which KPIs are touched, each then as a whole.

What people are only told (names, legal bases, notes) touches nothing, and neither do rules, people, publishers and
successions: a record is read by the tree as it was on its day.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from contracts.catalog import CalendarSpec, CatalogObject, Kpi, OrgUnit, Target
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.tree import OrgTree

DEFINITION, BOUNDS, SOURCES = "definition", "bounds", "sources"
CALENDAR, WORKING_DAYS, TREE = "calendar", "working_days", "tree"
TARGET, TARGETS_BELOW = "target", "targets_below"

REASONS = (TARGET, TARGETS_BELOW, BOUNDS, DEFINITION, SOURCES, TREE, CALENDAR, WORKING_DAYS)
"""Why a record may be judged otherwise; in this order where there are several reasons. `sources`: the KPIs that this
one is derived from."""

MAKING = (DEFINITION, SOURCES, TREE, CALENDAR)
"""What of a catalog may make other figures of a derived KPI; the rest is judged by."""

_BOUNDS = frozenset({"on_track_pace", "at_risk_pace"})
_WORKING_DAYS = frozenset({"working_weekdays", "holidays", "extra_working_days"})
_TOLD_ONLY: Mapping[type[CatalogObject], frozenset[str]] = {
    Kpi: frozenset(
        {
            "name_vi", "name_en", "short_name", "short_name_en", "pillar", "source_system", "definition_vi",
            "definition_en", "legal_basis", "simulated", "facts", "note",
        }
    ),
    Target: frozenset({"owner_role", "legal_basis", "natural", "facts", "note"}),
    CalendarSpec: frozenset({"name_vi", "name_en", "working_hours"}),
    OrgUnit: frozenset({"name", "name_en", "short_name", "external_ids", "latitude", "longitude"}),
}  # fmt: skip
"""What no judgement reads. A field that is not named here counts, so that a new one is not forgotten."""

_EVERY_DAY = frozenset({date.min})
"""Stands for: the days of the week that are worked have changed."""


@dataclass(frozen=True, slots=True)
class Touched:
    """What of one KPI may be judged otherwise. `everything`: the reasons that touch all its records."""

    everything: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    """Units all of whose records are touched, by a change of the tree."""
    targets: frozenset[tuple[str, str]] = frozenset()
    """Units and periods whose target is another one."""
    above: frozenset[tuple[str, str]] = frozenset()
    """Units and periods for which a unit directly below has another target."""
    days: "_Days | None" = None

    def __bool__(self) -> bool:
        return bool(self.everything or self.units or self.targets or self.above or self.days)

    def and_all(self, reasons: frozenset[str]) -> "Touched":
        """The same, and all its records for these reasons."""
        return replace(self, everything=self.everything | reasons) if reasons else self

    def why(self, unit: str, period: str) -> tuple[str, ...]:
        """Why the record may be judged otherwise; nothing if it is judged as before."""
        found = set(self.everything)
        if (unit, period) in self.targets:
            found.add(TARGET)
        if (unit, period) in self.above:
            found.add(TARGETS_BELOW)
        if unit in self.units:
            found.add(TREE)
        if self.days is not None and self.days.touch(unit, period):
            found.add(WORKING_DAYS)
        return tuple(reason for reason in REASONS if reason in found) if found else ()


NOTHING, NEW = Touched(), Touched(frozenset({DEFINITION}))


class Comparison:
    """Two versions of one province's catalog, compared. The tree is compared once for all KPIs."""

    def __init__(self, before: Catalog, after: Catalog) -> None:
        self._before, self._after = before, after
        self._zone_changed = before.province.time_zone != after.province.time_zone
        self._moved = frozenset(_changed(_by_id(before.units), _by_id(after.units)))
        self._known: dict[str, Touched] = {}

    def of(self, kpi_id: str) -> Touched:
        """What of the KPI may be judged otherwise. A KPI that either version does not have is all new."""
        found = self._known.get(kpi_id)
        if found is None:
            self._known[kpi_id] = NOTHING  # a KPI that were derived from itself would end here
            found = self._known[kpi_id] = self._of(kpi_id)
        return found

    def _of(self, kpi_id: str) -> Touched:
        before, after = self._before.kpis.get(kpi_id), self._after.kpis.get(kpi_id)
        if before is None or after is None:
            return NEW
        everything = set(_definition_changes(before, after))
        was, now = self._before.calendar_of(kpi_id), self._after.calendar_of(kpi_id)
        if self._zone_changed or _rest(was.spec, _WORKING_DAYS) != _rest(now.spec, _WORKING_DAYS):
            everything.add(CALENDAR)
        if any(self.of(source) for source in _sources(after)):
            everything.add(SOURCES)
        targets = frozenset(self._targets(kpi_id))
        return Touched(
            frozenset(everything),
            self._units(after),
            targets,
            frozenset((above, period) for unit, period in targets for above in self._directly_above(unit)),
            self._days(after, was, now),
        )

    # the tree

    def _units(self, kpi: Kpi) -> frozenset[str]:
        """The units that changed, and those that are or were above one that matters to the KPI."""
        if not self._moved:
            return frozenset()
        levels = {*kpi.levels, *(roster.level for roster in kpi.rosters if roster.level is not None)}
        found = set(self._moved)
        for tree in (self._before.units, self._after.units):
            parents = {unit.id: {parent.unit for parent in unit.parents} for unit in tree}
            matter = _with_all_above((unit.id for unit in tree if unit.level in levels), parents)
            found |= _with_all_above(self._moved & matter, parents)
        return frozenset(found)

    def _directly_above(self, unit: str) -> Iterator[str]:
        for tree in (self._before.units, self._after.units):
            known = tree.get(unit)
            if known is not None:
                yield from (parent.unit for parent in known.parents)

    # targets

    def _targets(self, kpi_id: str) -> Iterator[tuple[str, str]]:
        """The units and periods that are judged by another target, or by other versions of it."""
        was = {target.object_id: target for target in self._before.targets.of_kpi(kpi_id)}
        now = {target.object_id: target for target in self._after.targets.of_kpi(kpi_id)}
        changed = [side[name] for name in _changed(was, now) for side in (was, now) if name in side]
        asked = {(unit, target.period) for target in changed for unit in self._bound_by(target)}
        for unit, period in asked:
            if self._versions(self._before, kpi_id, unit, period) != self._versions(self._after, kpi_id, unit, period):
                yield unit, period

    def _bound_by(self, target: Target) -> Iterator[str]:
        if target.unit is not None:
            yield target.unit
        for tree in (self._before.units, self._after.units):
            yield from (unit.id for unit in tree if unit.level == target.level)

    def _versions(self, catalog: Catalog, kpi_id: str, unit: str, period: str) -> list[dict[str, Any]]:
        return [judged_by(target) for target in catalog.targets.versions(kpi_id, unit, period)]

    # working days

    def _days(self, kpi: Kpi, was: Calendar, now: Calendar) -> "_Days | None":
        """Working days say by when figures are due, which only records of the units above show."""
        changed = _changed_days(was, now)
        if not changed:
            return None
        below = frozenset(
            unit.id
            for unit in self._after.units
            if unit.level == kpi.levels[0] and unit.valid_from is None and unit.valid_to is None
        )
        return _Days(changed, below, (was, now), kpi.report_within_working_days)


@dataclass(frozen=True, slots=True)
class _Days:
    """Days that are worked in one version of a calendar and free in the other."""

    changed: frozenset[date]
    below: frozenset[str]
    """Units that have nobody below them to wait for."""
    calendars: tuple[Calendar, Calendar]
    within: int
    _periods: dict[str, bool] = field(default_factory=dict)

    def touch(self, unit: str, period: str) -> bool:
        return unit not in self.below and self._count_in(period)

    def years(self) -> set[str]:
        """The years in which figures may fall due on another day; of a change of every day any year will do."""
        calendar = self.calendars[1]
        days = {date(2020, 7, 1)} if self.changed is _EVERY_DAY else self.changed
        return {calendar.period("year", day - timedelta(days=back)).id for day in days for back in (0, 60)}

    def _count_in(self, name: str) -> bool:
        """Whether one of the days lies between the period's first and the last on which a figure of it is due."""
        found = self._periods.get(name)
        if found is None:
            period = self.calendars[1].parse(name)
            due = max(calendar.add_working_days(period.last, self.within) for calendar in self.calendars)
            among = self.changed is _EVERY_DAY or any(period.first <= day <= due for day in self.changed)
            found = self._periods[name] = among
        return found


def _changed_days(was: Calendar, now: Calendar) -> frozenset[date]:
    if was.spec.working_weekdays != now.spec.working_weekdays:
        return _EVERY_DAY
    named = {day for calendar in (was, now) for day in _named_days(calendar.spec)}
    return frozenset(day for day in named if was.is_working_day(day) != now.is_working_day(day))


def _named_days(spec: CalendarSpec) -> Iterator[date]:
    yield from spec.extra_working_days
    for holiday in spec.holidays:
        for offset in range((holiday.last - holiday.first).days + 1):
            yield holiday.first + timedelta(days=offset)


# what is left of a catalog that is not at hand any more


class Marks:
    """Short digests of all that the judgements of each KPI rest on; equal where it is equal."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tree = _digest(_rest(unit) for unit in catalog.units)
        self._known: dict[str, dict[str, str]] = {}

    def of(self, kpi_id: str) -> dict[str, str]:
        """The digest for each reason; empty for a KPI that the catalog does not have."""
        found = self._known.get(kpi_id)
        if found is None:
            self._known[kpi_id] = {}
            found = self._known[kpi_id] = self._of(kpi_id)
        return found

    def _of(self, kpi_id: str) -> dict[str, str]:
        catalog, kpi = self._catalog, self._catalog.kpis.get(kpi_id)
        if kpi is None:
            return {}
        spec = catalog.calendar_of(kpi_id).spec
        bounds, days = kpi.model_dump(include=set(_BOUNDS)), spec.model_dump(include=set(_WORKING_DAYS))
        return {
            DEFINITION: _digest([_rest(kpi, _BOUNDS)]),
            BOUNDS: _digest([bounds]),
            CALENDAR: _digest([catalog.province.time_zone, _rest(spec, _WORKING_DAYS)]),
            WORKING_DAYS: _digest([days]),
            TREE: self._tree,
            TARGET: _digest(judged_by(target) for target in catalog.targets.of_kpi(kpi_id)),
            SOURCES: _digest([self.of(source) for source in _sources(kpi)]),
        }


def touched_by_marks(before: Mapping[str, str], after: Mapping[str, str]) -> Touched:
    """What of a KPI may be judged otherwise, as far as its marks tell: nothing, or everything."""
    return Touched(frozenset(reason for reason in after if before.get(reason) != after[reason]))


# what counts


def _definition_changes(before: Kpi, after: Kpi) -> Iterator[str]:
    if (before.on_track_pace, before.at_risk_pace) != (after.on_track_pace, after.at_risk_pace):
        yield BOUNDS
    if _rest(before, _BOUNDS) != _rest(after, _BOUNDS):
        yield DEFINITION


def _sources(kpi: Kpi) -> tuple[str, ...]:
    """The KPIs that this one is derived from."""
    growth = () if kpi.growth is None else (kpi.growth.of,)
    return (*growth, *(item.kpi for item in kpi.composite))


def _rest(item: CatalogObject, apart: Collection[str] = ()) -> dict[str, Any]:
    """What judgements read of it, but for some fields."""
    return item.model_dump(exclude={*_TOLD_ONLY[type(item)], *apart})


def judged_by(target: Target) -> dict[str, Any]:
    """What judgements read of a target."""
    content = _rest(target)
    if content["baseline"] is not None:
        del content["baseline"]["simulated"]
    return content


def _changed(before: Mapping[str, CatalogObject], after: Mapping[str, CatalogObject]) -> Iterator[str]:
    """The ids of what is added, removed, or different to a judgement."""
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if was is None or now is None or (was != now and _rest(was) != _rest(now)):
            yield name


def _by_id(units: OrgTree) -> dict[str, OrgUnit]:
    return {unit.id: unit for unit in units}


def _with_all_above(units: Iterable[str], parents: Mapping[str, Collection[str]]) -> set[str]:
    """The units and all that are above them on any day."""
    found: set[str] = set()
    ahead = list(units)
    while ahead:
        unit = ahead.pop()
        if unit not in found:
            found.add(unit)
            ahead.extend(parents.get(unit, ()))
    return found


def _digest(contents: Iterable[Any]) -> str:
    found = hashlib.blake2b(digest_size=6)
    for content in contents:
        found.update(repr(content).encode() + b"\n")
    return found.hexdigest()
