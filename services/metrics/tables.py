"""Which tables answer a question about a record: of which accounting periods, by which tree and rosters.

Tables of the present last, and forget what moves. A table of former days serves questions in order of time.
"""

from collections.abc import Collection, Mapping
from datetime import date

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.rollup import Moment, Node, Table
from services.metrics.series import Series

_NONE: dict[tuple[int, int, int], Table] = {}


class Tables:
    """The tables of one KPI."""

    def __init__(self, definition: Definition, units: dict[str, Series]) -> None:
        self.definition = definition
        self._units = units
        self._tables: dict[int, dict[tuple[int, int, int], Table]] = {}
        self._former: dict[tuple[int, int, int], Table] = {}
        self._always: dict[tuple[Window, int], list[Table]] = {}
        self._by_day: dict[int, set[str]] | None = None
        days = (series.latest(1, date.max.toordinal()) for series in units.values())
        self.latest = max((day for day in days if day is not None), default=None)
        """The day of the latest figure of all."""

    def moved(self, days: Mapping[str, Collection[int]]) -> dict[int, dict[str, int]]:
        """Figures of these units and days changed: by accounting period, the units and the first day of each."""
        latest = max(day for mine in days.values() for day in mine)
        if self.latest is None or latest > self.latest:
            self.latest = latest
        self._former.clear()
        by_day = self._by_day
        by_period: dict[int, dict[str, int]] = {}
        for unit, mine in days.items():
            for day in mine:
                earliest = by_period.setdefault(self.definition.accounting(day).first, {})
                earliest[unit] = min(day, earliest.get(unit, day))
                if by_day is not None:
                    by_day.setdefault(day, set()).add(unit)
        for first, units in by_period.items():
            begun = list(self._tables.values()) if self.definition.kind.carries else [self._tables.get(first, _NONE)]
            for tables in begun:
                for table in tables.values():
                    table.drop(units)
        return by_period

    def of(self, unit: str, window: Window, until: int, today: int, former: bool) -> tuple[list[Table], list[Node]]:
        """The tables of the record's accounting periods, by the tree and the rosters of the record's own `as_of`, and
        what they tell of the unit."""
        if not former and (known := self._always.get((window, until))) is not None:
            return known, told_by(unit, window, known)
        definition = self.definition
        born, ended = definition.lifetime(unit)
        until, first = min(until, ended), max(window.first, born)
        on = min(until, first if self.latest is None else max(self.latest, first))
        lone = former and definition.shape(on).is_leaf(unit)
        tables = self._on(window, until, on, former, lone=lone)
        told = told_by(unit, window, tables)
        changes = not definition.fixed_tree and definition.stretch(window.first) != definition.stretch(until)
        if not changes and not definition.kind.rosters:
            if definition.fixed_tree and ended >= until and not former:
                self._always[window, until] = tables
            return tables, told
        as_of = max((node.as_of or 0 for node in told), default=None)
        if changes and (as_of is None or definition.stretch(as_of) != definition.stretch(on)):
            as_of = self._last_told(unit, window, on)
            if as_of is None:
                on = min(until, max(today, first))
                return self._on(window, on, on, True), []
            until, on, former = as_of, as_of, True
            tables = self._on(window, until, on, former)
            told = told_by(unit, window, tables)
            as_of = max((node.as_of or 0 for node in told), default=None)
        if as_of is not None and definition.roster_stretch(as_of) != definition.roster_stretch(on):
            tables = self._on(window, until, on, former, rosters=as_of)
        return tables, told_by(unit, window, tables)

    def parts_of(self, window: Window, until: int) -> list[Window]:
        first = self.definition.accounting(window.first)
        if until <= first.last:
            return [first]
        if self.definition.kind.carries:
            return [Window(window.id, first.first, window.last)]
        return list(self.definition.accounting_in(window, until))

    def _on(
        self, window: Window, until: int, on: int, former: bool, *, lone: bool = False, rosters: int | None = None
    ) -> list[Table]:
        """`on`: the day of the tree, and of the rosters unless these are of a day of their own. `lone`: nothing but one
        unit's own figures will be asked for."""
        table = self._lone if lone else self._swept if former else self._lasting
        by = on if rosters is None else rosters
        return [table(part, until, on, by) for part in self.parts_of(window, until)]

    def _lone(self, part: Window, until: int, on: int, rosters: int) -> Table:
        moment = Moment(self.definition.shape(on), rosters)
        return Table(self.definition, self._units, part, min(part.last, until), moment, keep=False)

    def _lasting(self, part: Window, until: int, on: int, rosters: int) -> Table:
        """The lasting table of one accounting period."""
        definition, limit = self.definition, min(part.last, until)
        key = limit, 0 if definition.fixed_tree else definition.stretch(on), definition.roster_stretch(rosters)
        tables = self._tables.setdefault(part.first, {})
        table = tables.get(key)
        if table is None:
            moment = Moment(definition.shape(on), rosters)
            table = tables[key] = Table(definition, self._units, part, limit, moment, keep=True)
        return table

    def _swept(self, part: Window, until: int, on: int, rosters: int) -> Table:
        """A table for questions about former days. It moves on with them, as long as they come in order of time."""
        definition, limit = self.definition, min(part.last, until)
        key = part.first, definition.stretch(on), definition.roster_stretch(rosters)
        table = self._former.get(key)
        if table is None or table.limit > limit:
            moment = Moment(definition.shape(on), rosters)
            later = self._after(part, limit, on, rosters)
            table = self._former[key] = Table(definition, self._units, part, limit, moment, keep=False, later=later)
        elif table.limit < limit:
            days = range(table.limit + 1, limit + 1)
            table.advance(limit, {unit for day in days for unit in self._reporters().get(day, ())})
        return table

    def _after(self, part: Window, limit: int, on: int, rosters: int) -> Table | None:
        """The lasting table of the same tree and rosters that stands on the latest day, if not before this one; none of
        means, which move with each reading."""
        definition = self.definition
        if definition.kind.averages:
            return None
        wanted = 0 if definition.fixed_tree else definition.stretch(on), definition.roster_stretch(rosters)
        held = self._tables.get(part.first, _NONE).items()
        later = [table for (until, *same), table in held if until >= limit and tuple(same) == wanted]
        return max(later, key=lambda table: table.limit, default=None)

    def _reporters(self) -> dict[int, set[str]]:
        """The units by the days on which they reported."""
        found = self._by_day
        if found is None:
            found = self._by_day = {}
            for unit, series in self._units.items():
                for day in series.order:
                    found.setdefault(day, set()).add(unit)
        return found

    def _last_told(self, unit: str, window: Window, until: int) -> int | None:
        """The latest day on which the unit, or one that was below it on that day, has a standing figure."""
        latest: int | None = None
        for other, series in self._units.items():
            for day in reversed(series.order):
                if day < window.first or (latest is not None and day <= latest):
                    break
                content = series.days[day]
                if day > until or (content.increments is None and content.stands is None):
                    continue
                if other == unit or unit in self.definition.shape(day).ancestors(other):
                    latest = day
                    break
        return latest


def told_by(unit: str, window: Window, tables: list[Table]) -> list[Node]:
    """What the unit has in each accounting period that has anything of the record's period."""
    nodes = [table.node(unit) for table in tables]
    return [node for node in nodes if node.as_of is not None and node.as_of >= window.first]
