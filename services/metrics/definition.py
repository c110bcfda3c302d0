"""One KPI under one version of the catalog: all that folding and judging ask again and again, worked out once.

Also of a KPI that the catalog does not know (any more): its figures are kept, and it has no records.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property

from contracts.catalog import Kpi, PeriodKind, Target
from services.metrics import needed
from services.metrics.days import Window
from services.metrics.exact import scaled
from services.metrics.judge import Norms
from services.metrics.kinds import Kind, Roster, kind_of
from services.metrics.obligation import Obligation, obligation_of
from services.runtime.catalog import Catalog, Period

GRACE: int = Target.model_fields["grace_days"].default
"""Days from the end of a period without a target until it is closed."""

_AT_LEAST_FRESH = 4


class Shape:
    """The tree of one KPI as it stands between two days on which it changes. Reporting units are its leaves."""

    def __init__(self, catalog: Catalog, kpi: Kpi, day: int) -> None:
        self._tree, self._day = catalog.units, date.fromordinal(day)
        self.leaves = frozenset(self._tree.of_level(kpi.levels[0], self._day))
        """The reporting units."""
        self._relevant: set[str] = set()
        for level in kpi.levels:
            for unit in self._tree.of_level(level, self._day):
                self._relevant.add(unit)
                self._relevant.update(self._tree.ancestors(unit, self._day))
        self._above: dict[str, tuple[str, ...]] = {}
        self._children: dict[str, tuple[str, ...]] = {}
        self._expected: dict[str, frozenset[str]] = {}
        self._in_order: dict[str, list[str]] = {}

    def is_leaf(self, unit: str) -> bool:
        """Whether figures are due from it: a unit of the KPI's first level."""
        return unit in self.leaves

    def is_part(self, unit: str) -> bool:
        """Whether the unit reports or has somebody below who does: then it adds to the unit above."""
        return unit in self._relevant

    def ancestors(self, unit: str) -> tuple[str, ...]:
        """The units above, nearest first."""
        found = self._above.get(unit)
        if found is None:
            found = self._above[unit] = self._tree.ancestors(unit, self._day)
        return found

    def children(self, unit: str) -> tuple[str, ...]:
        """The units directly below that report or have somebody below who does; none of a leaf."""
        found = self._children.get(unit)
        if found is None:
            found = ()
            if unit not in self.leaves:
                below = self._tree.children(unit, self._day)
                found = tuple(child for child in below if child in self._relevant)
            self._children[unit] = found
        return found

    def expected(self, unit: str) -> frozenset[str]:
        """The reporting units below, at any depth."""
        found = self._expected.get(unit)
        if found is None:
            found = self._expected[unit] = frozenset(self._tree.descendants(unit, self._day)) & self.leaves
        return found

    def expected_in_order(self, unit: str) -> list[str]:
        """The same, sorted."""
        found = self._in_order.get(unit)
        if found is None:
            found = self._in_order[unit] = sorted(self.expected(unit))
        return found


class Definition:
    """What is asked about one KPI. Days are ordinals; answers are cached for the life of the catalog's version."""

    def __init__(self, catalog: Catalog, kpi_id: str) -> None:
        self.catalog = catalog
        self.kpi_id = kpi_id
        self.kpi: Kpi = catalog.kpis[kpi_id]
        self.kind: Kind = kind_of(self.kpi, catalog.kpis)
        self.calendar = catalog.calendar_of(kpi_id)
        self.sums_periods = self.kind.sums_periods or (self.kind.increments and "increment" in self.kpi.modes)
        self.norms = Norms(scaled(self.kpi.on_track_pace), scaled(self.kpi.at_risk_pace), self.fresh_until)
        limits = self.kpi.natural_limits
        self.low = None if limits.low is None else scaled(limits.low)
        self.high = None if limits.high is None else scaled(limits.high)
        self.goal = self._goal()
        self.levels = self._levels()
        self.fixed_tree = catalog.units.stretch(date.min) == catalog.units.stretch(date.max)
        """Whether the tree never changes: then nobody needs to ask how it stood when."""
        kind = self.kind
        self._own_figures_suffice = self.fixed_tree and not (
            kind.rosters or kind.averages or kind.counts_units or kind.carries or kind.derived
        )
        self._by_themselves: dict[Window, frozenset[str]] = {}
        self._stretches: dict[int, int] = {}
        self._natural: dict[Window, needed.Per] = {}
        self._fresh: dict[int, int] = {}
        self._accounting: dict[int, Window] = {}
        self._shapes: dict[int, Shape] = {}
        self._shape_on: dict[int, Shape] = {}
        self._above_later: dict[tuple[str, int], tuple[tuple[int, str], ...]] = {}
        self._lifetimes: dict[str, tuple[int, int]] = {}
        self._windows: dict[str, tuple[Window, ...]] = {}
        self._parsed: dict[str, Window] = {}
        self._units: dict[tuple[str, int], int] = {}
        self._obligations: dict[tuple[str, str], Obligation] = {}
        self._only: dict[tuple[str, str], Obligation | None] = {}
        self._rosters: dict[tuple[str, int, int], Roster | None] = {}
        turns = {d for roster in self.kpi.rosters for d in (roster.valid_from, roster.valid_to) if d is not None}
        self._roster_turns = sorted(day.toordinal() for day in turns)

    # periods

    def accounting(self, day: int) -> Window:
        """The accounting period that contains the day."""
        found = self._accounting.get(day)
        if found is None:
            period = self.calendar.period(self.kpi.period, date.fromordinal(day))
            found = self._accounting[day] = self.window(period.id)
        return found

    def accounting_in(self, window: Window, until: int) -> Iterator[Window]:
        """The accounting periods that overlap the window up to a day, in order."""
        day = window.first
        while day <= min(window.last, until):
            part = self.accounting(day)
            yield part
            day = part.last + 1

    def window(self, period_id: str) -> Window:
        """The period of that name in the KPI's calendar. Raises ValueError."""
        found = self._parsed.get(period_id)
        if found is None:
            found = self._parsed[period_id] = _window(self.calendar.parse(period_id))
        return found

    def end_of_unit(self, per: PeriodKind, day: int) -> int:
        """The last day of the natural unit of time that contains the day."""
        found = self._units.get((per, day))
        if found is None:
            found = self.calendar.period(per, date.fromordinal(day)).last.toordinal()
            self._units[per, day] = found
        return found

    def natural_unit(self, window: Window) -> needed.Per:
        """In which unit of time a pace over this period is told."""
        found = self._natural.get(window)
        if found is None:
            found = self._natural[window] = needed.natural_unit(self.kpi.cadence, window.last - window.first + 1)
        return found

    def fresh_until(self, as_of: int) -> int:
        """The last day on which a figure of `as_of` is not stale: two cadences later by default, at least 4 days."""
        found = self._fresh.get(as_of)
        if found is None:
            if not self.kind.grows_stale:
                found = date.max.toordinal()
            elif self.kpi.stale_after is not None:
                found = as_of + self.kpi.stale_after // timedelta(days=1)
            else:
                two = self.calendar.shift(date.fromordinal(as_of), self.kpi.cadence, 2)
                found = max(two.toordinal(), as_of + _AT_LEAST_FRESH)
            self._fresh[as_of] = found
        return found

    def speaks_until(self, as_of: int) -> int:
        """The last day of which a figure of `as_of` still says what stands, where none follows: one cadence later, at
        least 4 days."""
        one = self.calendar.shift(date.fromordinal(as_of), self.kpi.cadence, 1)
        return max(one.toordinal(), as_of + _AT_LEAST_FRESH)

    # the tree

    def shape(self, day: int) -> Shape:
        """The tree as it stands on that day."""
        found = self._shape_on.get(day)
        if found is None:
            stretch = self.stretch(day)
            found = self._shapes.get(stretch)
            if found is None:
                found = self._shapes[stretch] = Shape(self.catalog, self.kpi, day)
            self._shape_on[day] = found
        return found

    def stretch(self, day: int) -> int:
        """Days with the same number see the same tree."""
        found = self._stretches.get(day)
        if found is None:
            found = self._stretches[day] = self.catalog.units.stretch(date.fromordinal(day))
        return found

    def above_later(self, unit: str, day: int) -> tuple[tuple[int, str], ...]:
        """The units that are not above this one on the day and come to be, with the first day on which they are."""
        if self.fixed_tree:
            return ()
        key = unit, self.stretch(day)
        found = self._above_later.get(key)
        if found is None:
            above, later = set(self.shape(day).ancestors(unit)), []
            for turn in self.catalog.units.turning_points:
                if turn.toordinal() > day:
                    new = [one for one in self.shape(turn.toordinal()).ancestors(unit) if one not in above]
                    above.update(new)
                    later += [(turn.toordinal(), one) for one in new]
            found = self._above_later[key] = tuple(later)
        return found

    def tree_turns_after(self, day: int, last: int) -> int | None:
        """The first day after this one, until `last`, on which the tree changes."""
        if self.stretch(day) == self.stretch(last) or day >= last:
            return None
        low, high = day, last
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.stretch(middle) == self.stretch(day) else (low, middle)
        return high

    def turns_below_after(self, unit: str, day: int, last: int) -> int | None:
        """The first day after this one, until `last`, on which others report below the unit than on the day before."""
        turn = self.tree_turns_after(day, last)
        while turn is not None and self._below(unit, turn) == self._below(unit, turn - 1):
            turn = self.tree_turns_after(turn, last)
        return turn

    def _below(self, unit: str, day: int) -> tuple[bool, frozenset[str]]:
        shape = self.shape(day)
        return shape.is_leaf(unit), shape.expected(unit)

    def lifetime(self, unit: str) -> tuple[int, int]:
        """The first and last day on which the unit exists, as far back and ahead as need be."""
        found = self._lifetimes.get(unit)
        if found is None:
            known = self.catalog.units.get(unit)
            first = known.valid_from.toordinal() if known and known.valid_from else 1
            last = known.valid_to.toordinal() - 1 if known and known.valid_to else date.max.toordinal()
            found = self._lifetimes[unit] = first, last
        return found

    def may_report(self, unit: str) -> bool:
        """Whether the unit is of a level at which this KPI has figures of its own, reported or derived."""
        known = self.catalog.units.get(unit)
        return known is not None and known.level in self.levels

    def _goal(self) -> int | None:
        """Where there is no target: the highest value that can occur, scaled, of a KPI that is to increase."""
        high = self.kind.highest if self.high is None else self.high
        return high if self.kpi.direction == "increase" else None

    def _levels(self) -> frozenset[str]:
        """The levels whose units have figures of their own."""
        found, units = set(self.kpi.levels), self.catalog.units
        while self.kind.derived_above:
            parents = (units.get(parent.unit) for unit in units if unit.level in found for parent in unit.parents)
            above = {parent.level for parent in parents if parent is not None}
            if above <= found:
                break
            found |= above
        return frozenset(found)

    def stands_by_itself(self, unit: str, window: Window) -> bool:
        """Whether the record needs no tree, roster or other period: a reporting unit's own figures, as most are."""
        found = self._by_themselves.get(window)
        if found is None:
            part = self.accounting(window.first)
            alone = self._own_figures_suffice and part.first == window.first and window.last <= part.last
            found = self.shape(window.first).leaves if alone else frozenset()
            self._by_themselves[window] = found
        return unit in found

    # targets

    def windows(self, unit: str) -> tuple[Window, ...]:
        """The periods for which the unit has a target."""
        found = self._windows.get(unit)
        if found is None:
            found = tuple(_window(period) for period in self.catalog.targets.periods(self.kpi_id, unit))
            self._windows[unit] = found
        return found

    def is_bound(self, unit: str, day: int) -> bool:
        """Whether a target of the unit has a period that contains the day."""
        return any(window.first <= day <= window.last for window in self.windows(unit))

    def windows_on(self, unit: str, day: int) -> list[Window]:
        """The periods in which a figure of the day gives the unit a record: those of its targets, or else the
        accounting period."""
        bound = [window for window in self.windows(unit) if window.first <= day <= window.last]
        return bound or [self.accounting(day)]

    def judging(self, unit: str, window: Window, day: int) -> Obligation | None:
        """The version of the unit's target for the period that is valid on the day."""
        key = unit, window.id
        found = self._only.get(key)
        if found is not None or key in self._only:
            return found
        versions = self._versions(unit, window)
        always = len(versions) == 1 and versions[0].valid_from is None and versions[0].valid_to is None
        if not versions or always:
            found = self._only[key] = self.obligation(versions[0], window) if versions else None
            return found
        target = self.catalog.targets.judging(self.kpi_id, unit, window.id, date.fromordinal(day))
        return None if target is None else self.obligation(target, window)

    @cached_property
    def first_closing(self) -> int | None:
        """The first day on which a target of the KPI is closed: deadline and grace have passed."""
        return min(self._closings, default=None)

    @cached_property
    def least_grace(self) -> int:
        """The shortest time, in days, from the deadline of a target until it is closed; of a KPI that has one."""
        return min(target.grace_days for target in self.catalog.targets.of_kpi(self.kpi_id))

    def closes_on(self, unit: str, window: Window, day: int) -> int:
        """The first day on which the record is closed: of a period without target, as if one were due on its last
        day. `day`: whose version of the target says so."""
        verdict = self.judging(unit, window, day)
        return window.last + GRACE if verdict is None else verdict.missed_on

    @property
    def _closings(self) -> Iterator[int]:
        for target in self.catalog.targets.of_kpi(self.kpi_id):
            deadline = target.deadline or self.calendar.parse(target.period).last
            yield deadline.toordinal() + target.grace_days

    def turns(self, unit: str, window: Window) -> list[int]:
        """The days on which another version of the target becomes the valid one."""
        if (unit, window.id) in self._only:
            return []
        ends = [day for target in self._versions(unit, window) for day in (target.valid_from, target.valid_to)]
        return sorted(day.toordinal() for day in ends if day is not None)

    def begins(self, unit: str, window: Window) -> int | None:
        """The first day on which the unit has to do with its target: the period's, the target's, the unit's own."""
        versions = self._versions(unit, window)
        if not versions:
            return None
        starts = [target.valid_from.toordinal() if target.valid_from else window.first for target in versions]
        born, ended = self.lifetime(unit)
        first = max(window.first, min(starts), born)
        return first if first <= min(window.last, ended) else None

    def bound_units(self) -> Iterator[tuple[str, Window]]:
        """Every unit and period with a target."""
        for unit in self.catalog.units:
            for window in self.windows(unit.id):
                yield unit.id, window

    def _versions(self, unit: str, window: Window) -> list[Target]:
        targets = self.catalog.targets.of_unit(self.kpi_id, unit)
        return [target for target in targets if target.period == window.id]

    def obligation(self, target: Target, window: Window) -> Obligation:
        """The target, worked out for its period."""
        key = target.object_id, window.id
        found = self._obligations.get(key)
        if found is None:
            found = obligation_of(target, window, self.kpi, self.calendar, from_zero=self.kind.from_zero)
            self._obligations[key] = found
        return found

    # rosters

    def roster(self, unit: str, day: int) -> Roster | None:
        """The roster of the unit on that day."""
        if not self.kind.rosters:
            return None
        key = unit, self.stretch(day), self.roster_stretch(day)
        if key not in self._rosters:
            self._rosters[key] = self._roster(unit, date.fromordinal(day))
        return self._rosters[key]

    def roster_stretch(self, day: int) -> int:
        """Days with the same number see the same rosters, as long as they see the same tree."""
        return bisect_right(self._roster_turns, day)

    def _roster(self, unit: str, on: date) -> Roster | None:
        declared = next((r for r in self.kpi.rosters if r.unit == unit and r.valid_on(on)), None)
        if declared is None:
            return None
        if declared.level is not None:
            members = self.catalog.units.descendants(unit, on, declared.level)
            return Roster(len(members), frozenset(members))
        if declared.members:
            return Roster(len(declared.members), frozenset(declared.members))
        return Roster(declared.size or 0)


def _window(period: Period) -> Window:
    return Window(period.id, period.first.toordinal(), period.last.toordinal())
