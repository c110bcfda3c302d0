"""What stands for a unit in a record's period: value, date, completeness, discrepancy, and the observations behind it.

A record's period may span several accounting periods, or lie within one. Whatever is asked can be asked as of a former
day, too: the answer is then what stands when figures of later days are left out.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from itertools import filterfalse
from typing import Any

from services.metrics.contributions import Part
from services.metrics.days import Window, local_day
from services.metrics.definition import Definition, Shape
from services.metrics.doubts import PARTS_DISAGREE, SOURCES_DISAGREE, Doubt, of_series
from services.metrics.exact import SCALE, Quotient, nearest, on_the_wire
from services.metrics.figures import Figure, first_ids
from services.metrics.history import History
from services.metrics.kinds.coverage import members_of
from services.metrics.rollup import Node, Table
from services.metrics.series import Own, Series
from services.metrics.standing import stands
from services.metrics.tables import Tables
from services.metrics.timeliness import Timeliness

OVER_NATURAL_RANGE = "over_natural_range"

_KEPT = 2_000
"""Answers about doubts that are kept: those of a long batch."""


@dataclass(slots=True)
class Reading:
    """What is judged and shown. Numbers scaled, days ordinals; `ids` are of the unit's own standing figures.

    `parts`: what the units directly below add to `n` and `d`; none where a figure stands that was reported directly.
    `report_due`: the day on which timeliness changes by itself.
    """

    as_of: int | None = None
    value: Quotient | None = None
    why: str = "no_figure"
    n: int | None = None
    d: int | None = None
    direct: bool = False
    newer_parts: bool = False
    own: tuple[Own, ...] = ()
    parts: tuple[Part, ...] = ()
    completeness: dict[str, Any] | None = None
    timeliness: dict[str, Any] | None = None
    report_due: int | None = None
    discrepancy: dict[str, float] | None = None
    flags: tuple[str, ...] = ()
    reported_at: int = 0
    zone: Any = UTC

    def reported_on(self) -> int:
        """The local date on which the latest figure behind it was reported."""
        return local_day(self.reported_at, self.zone)

    @property
    def preliminary(self) -> bool:
        """Whether the figure that stands is a preliminary one."""
        return self.direct and any(own.preliminary for own in self.own)

    def inputs(self) -> tuple[list[str], int]:
        """The ids of the observations behind the unit's own figure, sorted, twenty at most, and how many there are."""
        ids: tuple[bytes, ...] = ()
        if len(self.own) == 1:
            return [one.hex() for one in self.own[0].ids], self.own[0].count
        for own in self.own:
            ids = first_ids(ids, own.ids)
        return [one.hex() for one in ids], sum(own.count for own in self.own)


class Readings:
    """Answers for one KPI, from its series. What is derived is kept, and dropped where a figure moves."""

    def __init__(self, definition: Definition, units: dict[str, Series]) -> None:
        self.definition = definition
        self._units = units
        self._zone = definition.catalog.zone
        self._doubts: dict[tuple[str, int], list[Doubt]] = {}
        self._tables = Tables(definition, units)
        self.history = History(self._tables, units)
        self.timeliness = Timeliness(definition, units)

    def moved(self, days: Mapping[str, Collection[int]]) -> None:
        """Figures of these units and days changed."""
        self._doubts.clear()
        self.history.moved(self._tables.moved(days))
        self.timeliness.moved(days)

    def read(self, unit: str, window: Window, until: int, today: int, *, former: bool = False) -> Reading:
        """What stands for the unit at the end of `until`; where nothing does, as the tree is `today`.

        `former`: leave nothing behind for the next question.
        """
        if self.definition.stands_by_itself(unit, window):
            return self._read_alone(unit, window, min(until, window.last), keep=not former)
        tables, told = self._tables.of(unit, window, min(until, window.last), today, former)
        shape = tables[-1].moment.shape
        reading = Reading(zone=self._zone)
        if told:
            self._fill(reading, unit, told)
            if self.definition.kind.counts_units:
                rolled_up = not reading.direct and reading.n is not None
                reading.n, reading.d = (reading.n, SCALE * len(shape.expected(unit))) if rolled_up else (None, None)
        if not shape.is_leaf(unit):
            reading.completeness = self._completeness(unit, window, tables, shape)
            if not self.definition.kind.derived:
                before = until if former else min(window.last, self.definition.lifetime(unit)[1])
                reading.timeliness = self.timeliness.of(shape.expected(unit), window, before, today)
                reading.report_due = self.timeliness.turn(window, today)
            if told and not reading.direct and reading.value is not None:
                reading.parts = self._parts(reading, unit, tables, told)
                self._name_left_out(reading.completeness, unit, tables, told)
        if self.definition.kind.rosters and told:
            last = next(table for table in reversed(tables) if table.node(unit) is told[-1])
            self._name_missing_members(reading, unit, last, shape)
        return reading

    def told(self, unit: str, window: Window, until: int, today: int, *, former: bool = False) -> list[Node]:
        """What the unit has in each accounting period of the record that has anything."""
        return self._tables.of(unit, window, min(until, window.last), today, former)[1]

    def lowest(self, unit: str, window: Window, until: int, today: int) -> tuple[Part, ...]:
        """What the lowest units below add to `n` and `d`: those that report, or in their place one above them whose own
        figure goes on up, of several periods in all of them if it does in one."""
        tables, told = self._tables.of(unit, window, min(until, window.last), today, False)
        summed = self._summed(told)
        made_of = [table for table in tables if any(table.node(unit) is node for node in summed)]
        return tuple(_lowest(unit, made_of)) if made_of else ()

    def latest_after(self, unit: str, window: Window, day: int) -> int | None:
        """The latest day of the period after `day` with a standing figure of the unit or of a reporting one below."""
        shape = self.definition.shape(window.last)
        asked = (unit, *(() if shape.is_leaf(unit) else shape.expected(unit)))
        counted = self.definition.kind.increments
        days = [self._units[one].stands_after(day, window.last, counted) for one in asked if one in self._units]
        return max((found for found in days if found is not None), default=None)

    def doubts(self, unit: str, day: int, figure: Figure) -> list[Doubt]:
        """What the series raises about the figure that stands on the day. A batch asks for its records and again for
        its publishers."""
        found = self._doubts.get((unit, day))
        if found is None:
            if len(self._doubts) > _KEPT:
                self._doubts.clear()
            found = self._doubts[unit, day] = of_series(self.definition, self._units[unit], day, figure)
        return found

    def held(self, unit: str, window: Window, until: int) -> Iterator[Quotient]:
        """The values of the unit's own absolute readings, in order."""
        series, kind = self._units.get(unit), self.definition.kind
        if series is None or not self.definition.may_report(unit):
            return
        for day, figure in series.standing_days(window.first, min(window.last, until)):
            own = Own(day, figure)
            parts = kind.parts(own, self.definition.roster(unit, day))
            value = kind.value(*parts) if parts is not None else kind.alone(own)
            if value is not None:
                yield value

    # what stands

    def _read_alone(self, unit: str, window: Window, until: int, *, keep: bool) -> Reading:
        """The same for a reporting unit whose figures need no tree."""
        reading, series, kind = Reading(zone=self._zone), self._units.get(unit), self.definition.kind
        if series is None:
            return reading
        _, ended = self.definition.lifetime(unit)
        own = series.own(window.first, min(until, ended), kind.increments, keep=keep)
        if own is None:
            return reading
        parts = kind.parts(own, None)
        reading.as_of, reading.own, reading.direct, reading.reported_at = own.day, (own,), True, own.reported_at
        reading.n, reading.d = parts if parts is not None else (own.n, own.d)
        reading.value = kind.value(*parts) if parts is not None else kind.alone(own)
        if reading.value is None:
            reading.why = kind.why_no_value(own, parts)
        self._flag(reading, unit, certain=False)
        return reading

    def _fill(self, reading: Reading, unit: str, told: list[Node]) -> None:
        standing = stands(self.definition, told)
        reading.as_of, reading.value, reading.why = standing.as_of, standing.value, standing.why
        reading.n, reading.d, reading.reported_at = standing.n, standing.d, standing.reported_at
        reading.own = tuple(node.own for node in told if node.own is not None)
        if not self.definition.sums_periods:
            reading.own = reading.own[-1:] if told[-1].own is not None else ()
        reading.direct = told[-1].direct
        reading.newer_parts = told[-1].own_value is not None and not told[-1].direct
        reading.discrepancy, certain = self._discrepancy(told)
        self._flag(reading, unit, certain=certain)

    def _flag(self, reading: Reading, unit: str, *, certain: bool) -> None:
        """`certain`: the two sides of a discrepancy are comparable, so that it is a contradiction."""
        flags: set[str] = set()
        if reading.direct:
            for own in reading.own:
                if own.figure is not None and not self.definition.kind.derived:
                    flags.update(own.figure.flags)
                    flags.update([doubt.code for doubt in self.doubts(unit, own.base, own.figure)])
                if own.disagree:
                    flags.add(SOURCES_DISAGREE)
        if reading.discrepancy is not None and certain:
            flags.add(PARTS_DISAGREE)
        if reading.n is not None and self._unnatural(reading):
            flags.add(OVER_NATURAL_RANGE)
        reading.flags = tuple(sorted(flags))

    def _parts(self, reading: Reading, unit: str, tables: list[Table], told: list[Node]) -> tuple[Part, ...]:
        summed = self._summed(told)
        if any(node.direct for node in summed):
            return ()
        if len(tables) == 1:
            children, node = tables[0].moment.shape.children(unit), tables[0].node
            return tuple([(child, part.n, part.d) for child, part in zip(children, map(node, children), strict=True)])
        sums: dict[str, tuple[int, int]] = {}
        for table in tables:
            if any(table.node(unit) is node for node in summed):
                for child in table.moment.shape.children(unit):
                    part, (n, d) = table.node(child), sums.get(child, (0, 0))
                    sums[child] = n + part.n, d + part.d
        return tuple((child, n, d) for child, (n, d) in sums.items())

    def _summed(self, told: list[Node]) -> list[Node]:
        """What the value is the sum of: of several periods those that have one, else the last."""
        if len(told) > 1 and self.definition.sums_periods:
            return [node for node in told if node.day is not None and node.value is not None]
        return told[-1:]

    def _discrepancy(self, told: list[Node]) -> tuple[dict[str, float] | None, bool]:
        """The direct figure beside the sum of its parts, where they differ; and whether the two are comparable."""
        both = [node for node in told if node.own_value is not None and node.parts_value is not None]
        if not both:
            return None, False
        if len(told) > 1 and self.definition.sums_periods:
            reported = _total([node.own_value or node.parts_value for node in told])
            parts = _total([node.parts_value or node.own_value for node in told])
        else:
            if both[-1] is not told[-1]:
                return None, False
            reported, parts = both[-1].own_value, both[-1].parts_value
        if reported is None or parts is None or reported[0] * parts[1] == parts[0] * reported[1]:
            return None, False
        return {"reported": nearest(reported), "parts": nearest(parts)}, all(node.comparable for node in both)

    def _unnatural(self, reading: Reading) -> bool:
        """Whether a sum of increments lies outside what can occur at all."""
        definition = self.definition
        if "increment" not in definition.kpi.modes:
            return False
        if (reading.n or 0) < 0 or (reading.d or 0) < 0 or reading.value is None:
            return (reading.n or 0) < (definition.low or 0) or (reading.d or 0) < 0
        p, q = reading.value
        high = definition.kind.highest if definition.high is None else definition.high
        return p * SCALE < (definition.low or 0) * q or (high is not None and p * SCALE > high * q)

    # who is missing

    def _completeness(self, unit: str, window: Window, tables: list[Table], shape: Shape) -> dict[str, Any]:
        expected = missing = shape.expected_in_order(unit)
        for table in tables:
            if table.first >= window.first:
                reported = table.reported()
                missing = list(filterfalse(reported.__contains__, missing))
            else:  # the record's period begins within an accounting period
                nodes = [(one, table.node(one).own) for one in missing]
                missing = [one for one, own in nodes if own is None or own.day < window.first]
        return {
            "expected": len(expected),
            "reported": len(expected) - len(missing),
            "missing": missing,
            "missing_members": [],
        }

    def _name_left_out(self, completeness: dict[str, Any], unit: str, tables: list[Table], told: list[Node]) -> None:
        """The units that reported what cannot be added up, where the value is the sum of the others."""
        summed = told if self.definition.sums_periods else told[-1:]
        found: set[str] = set()
        for table in tables:
            left_out = table.left_out(unit)
            if left_out and not table.node(unit).direct and any(table.node(unit) is node for node in summed):
                found |= left_out
        if found and (left_out := found.difference(completeness["missing"])):
            completeness["left_out"] = sorted(left_out)

    def _name_missing_members(self, reading: Reading, unit: str, table: Table, shape: Shape) -> None:
        """The members of named rosters that are not done, of the figures that stand."""
        node = table.node(unit)
        asked = (unit,) if node.direct else shape.expected(unit)
        standing = [(one, table.node(one).own) for one in asked]
        missing: set[str] = set()
        named = False
        for one, own in standing:
            done = members_of(own) if own is not None else None
            roster = self.definition.roster(one, own.day) if own is not None else None
            if done is not None and roster is not None and roster.members is not None:
                named = True
                missing |= roster.members - done
        if not named:
            return
        if reading.completeness is None:
            reading.completeness = {"expected": 1, "reported": 1, "missing": []}
        reading.completeness["missing_members"] = sorted(missing)


def shown(number: int | None) -> int | float | None:
    """A numerator or denominator on the wire."""
    return None if number is None else on_the_wire(number)


def _total(values: list[Quotient | None]) -> Quotient | None:
    p, q = 0, 1
    for value in values:
        if value is None:
            continue
        p, q = p * value[1] + value[0] * q, q * value[1]
    return p, q


def _lowest(unit: str, tables: list[Table]) -> Iterator[Part]:
    shape = tables[0].moment.shape
    for child in shape.children(unit):
        nodes = [table.node(child) for table in tables]
        if not shape.children(child) or any(node.direct and node.in_parts for node in nodes):
            yield child, sum(node.n for node in nodes), sum(node.d for node in nodes)
        else:
            yield from _lowest(child, tables)
