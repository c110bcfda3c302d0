"""What a record had reached at the end of each natural unit of time: the past that the best pace is read off."""

from collections.abc import Mapping

from services.metrics.days import Window
from services.metrics.exact import Quotient
from services.metrics.ladder import Ladder, Told
from services.metrics.needed import Per, Reached
from services.metrics.series import Series
from services.metrics.standing import stands
from services.metrics.tables import Tables

_NONE: dict[Per, Ladder] = {}


class History:
    """The past of the records of one KPI; what is worked out is kept until a figure of those days moves."""

    def __init__(self, tables: Tables, units: dict[str, Series]) -> None:
        self.definition = tables.definition
        self._tables = tables
        self._units = units
        self._ladders: dict[int, dict[Per, Ladder]] = {}
        self._reached: dict[tuple[str, str], list[tuple[int, int | None, Quotient | None]]] = {}

    def moved(self, by_period: Mapping[int, Mapping[str, int]]) -> None:
        """Figures changed: by accounting period, the units and the first day of each."""
        definition, latest = self.definition, self._tables.latest
        assert latest is not None
        days = (day for units in by_period.values() for day in units.values())
        if not definition.fixed_tree and any(definition.stretch(day) != definition.stretch(latest) for day in days):
            self._reached.clear()
        for first, units in by_period.items():
            ladders = self._ladders.get(first, _NONE)
            for per, ladder in list(ladders.items()):
                if definition.end_of_unit(per, ladder.until) < min(latest, definition.accounting(first).last):
                    del ladders[per]  # another unit of time is over
                else:
                    ladder.drop([unit for unit, day in units.items() if ladder.ends and day <= ladder.ends[-1]])

    def moved_record(self, unit: str, window: Window, day: int) -> None:
        """A figure of that day changed the record: what it had reached by the end of that day is no longer sure."""
        reached = self._reached.get((unit, window.id))
        if reached:
            while reached and reached[-1][0] >= day:
                reached.pop()

    def reached(self, unit: str, window: Window, now: Reached, per: Per) -> list[Reached]:
        """What stood at the end of each natural unit of time in which something was reported, and what stands `now`."""
        points, before = [], window.first - 1
        for reached_on, value in self._told_by(unit, window, now[0], per):
            if value is not None and reached_on > before:
                points.append((reached_on, value))
                before = reached_on
        if now[0] > before:
            points.append(now)
        return points

    def _told_by(self, unit: str, window: Window, until: int, per: Per) -> list[Told]:
        """What stood at the end of each natural unit before `until`."""
        definition = self.definition
        if definition.stands_by_itself(unit, window):
            return self._told_alone(unit, window, until, per)
        changes = not definition.fixed_tree and definition.stretch(window.first) != definition.stretch(until)
        parts = self._tables.parts_of(window, until)
        if (
            changes
            or definition.kind.rosters
            or definition.kind.carries
            or len(parts) > 1
            or parts[0].first != window.first
        ):
            return self._told_one_by_one(unit, window, until, per)
        ladder = self._ladder(parts[0], per)
        return [told for end, told in zip(ladder.ends, ladder.told(unit), strict=False) if end < until]

    def _told_alone(self, unit: str, window: Window, until: int, per: Per) -> list[Told]:
        """The same for a reporting unit whose figures need no tree: of the units of time in which it reported."""
        series, kind = self._units[unit], self.definition.kind
        ends: list[int] = []
        for day in series.days_between(window.first, until):
            end = self.definition.end_of_unit(per, day)
            if end < until and (not ends or end > ends[-1]):
                ends.append(end)
        found: list[Told] = []
        for own in series.stood(window.first, ends, kind.increments):
            if own is not None:
                parts = kind.parts(own, None)
                found.append((own.day, kind.value(*parts) if parts is not None else kind.alone(own)))
        return found

    def _ladder(self, part: Window, per: Per) -> Ladder:
        ladders = self._ladders.setdefault(part.first, {})
        found = ladders.get(per)
        if found is None:
            latest = min(self._tables.latest or part.first, part.last)
            ends, day = [], part.first
            while (end := self.definition.end_of_unit(per, day)) < latest:
                ends.append(end)
                day = end + 1
            shape = self.definition.shape(part.first)
            found = ladders[per] = Ladder(self.definition, self._units, part.first, ends, latest, shape)
        return found

    def _told_one_by_one(self, unit: str, window: Window, until: int, per: Per) -> list[Told]:
        """The same where trees or rosters change or several periods are added up: asked for each end, and kept."""
        held = self._reached.setdefault((unit, window.id), [])
        day = held[-1][0] + 1 if held else window.first
        while (end := self.definition.end_of_unit(per, day)) < until:
            _, told = self._tables.of(unit, window, end, end, True)
            standing = stands(self.definition, told) if told else None
            held.append((end, standing.as_of, standing.value) if standing is not None else (end, None, None))
            day = end + 1
        return [(reached_on or 0, value) for end, reached_on, value in held if end < until]
