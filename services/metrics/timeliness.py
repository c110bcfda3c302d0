"""Who reported by the legal deadline: of the last cadence period whose deadline has passed, figure by figure.

A figure is due from each reporting unit for each cadence period, so many working days after its end. It is on time by
when it was first reported, not by when it arrived here, and a later correction does not make it late.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.series import Series
from services.runtime.catalog.deadlines import due_by

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Due(NamedTuple):
    """A cadence period and the last day on which its figures may be reported."""

    first: int
    last: int
    deadline: int


class Timeliness:
    """Answers for one KPI. Who was late for a period is kept, and asked again of units that move."""

    def __init__(self, definition: Definition, units: Mapping[str, Series]) -> None:
        self._definition = definition
        self._units = units
        self._answers: dict[tuple[Due, frozenset[str]], dict[str, Any]] = {}
        self._late: dict[Due, dict[str, bool]] = {}
        self._found: dict[tuple[Window, int, int], Due | None] = {}
        self._passed: dict[Window, tuple[int, list[Due]]] = {}
        self._ends: dict[int, int] = {}
        self._turns: dict[tuple[Window, int], int | None] = {}

    def moved(self, days: Mapping[str, Collection[int]]) -> None:
        """Figures of these units and days changed."""
        moved = sorted((day, unit) for unit, mine in days.items() for day in mine)
        for due, late in self._late.items():
            of_period = moved[bisect_left(moved, (due.first, "")) : bisect_left(moved, (due.last + 1, ""))]
            for _, unit in of_period:
                if unit in late and late[unit] != (now := self._is_late(unit, due)):
                    late[unit] = now
                    self._answers.clear()

    def of(self, leaves: frozenset[str], window: Window, until: int, today: int) -> dict[str, Any] | None:
        """How it stands with these reporting units; None while no deadline in the period has passed.

        `until`: figures of later days are left out, and so are the periods that end later.
        """
        due = self._due(window, until, today)
        if due is None:
            return None
        answer = self._answers.get((due, leaves))
        if answer is None:
            answer = self._answers[due, leaves] = self._answer(due, leaves)
        return answer

    def _answer(self, due: Due, leaves: frozenset[str]) -> dict[str, Any]:
        known = self._late.setdefault(due, {})
        if not self._definition.fixed_tree:
            leaves = frozenset(leaf for leaf in leaves if self._existed(leaf, due.last))
        late = []
        for leaf in leaves:
            is_late = known.get(leaf)
            if is_late is None:
                is_late = known[leaf] = self._is_late(leaf, due)
            if is_late:
                late.append(leaf)
        return {"due": len(leaves), "on_time": len(leaves) - len(late), "late": sorted(late)}

    def turn(self, window: Window, today: int) -> int | None:
        """The next day on which another cadence period of the window is due."""
        key = window, today
        if key not in self._turns:
            if len(self._turns) > _KEPT:
                self._turns.clear()
            coming = (due.deadline + 1 for due in self._cadences(window, today) if due.deadline >= today)
            self._turns[key] = next(coming, None)
        return self._turns[key]

    def _due(self, window: Window, until: int, today: int) -> Due | None:
        key = window, until, today
        if key not in self._found:
            if len(self._found) > _KEPT:
                self._found.clear()
                self._late.clear()
                self._answers.clear()
            passed = [due for due in self._passed_by(window, today) if due.last <= until]
            self._found[key] = passed[-1] if passed else None
        return self._found[key]

    def _passed_by(self, window: Window, today: int) -> list[Due]:
        """The cadence periods of the window whose deadline has passed."""
        on, passed = self._passed.get(window, (0, []))
        if on != today:
            if len(self._passed) > _KEPT:
                self._passed.clear()
            passed = [due for due in self._cadences(window, today) if due.deadline < today]
            self._passed[window] = today, passed
        return passed

    def _cadences(self, window: Window, today: int) -> Iterator[Due]:
        """The cadence periods that end in the window, until the first that is not yet due."""
        definition = self._definition
        calendar, kpi = definition.calendar, definition.kpi
        day = window.first
        while day <= window.last:
            period = calendar.period(kpi.cadence, date.fromordinal(day))
            first, last = period.first.toordinal(), period.last.toordinal()
            day = last + 1
            if last > window.last:
                return
            by = due_by(kpi, calendar, period)
            if by is None:
                continue
            due = Due(first, last, by.toordinal())
            yield due
            if due.deadline >= today:
                return

    def _existed(self, leaf: str, day: int) -> bool:
        born, ended = self._definition.lifetime(leaf)
        return born <= day <= ended

    def _is_late(self, leaf: str, due: Due) -> bool:
        series = self._units.get(leaf)
        if series is None:
            return True
        since = series.first_reported(due.first, due.last, self._definition.kind.increments)
        return since is None or since >= self._end_of(due.deadline)

    def _end_of(self, day: int) -> int:
        """The first microsecond after the day, as `reported_at` counts."""
        found = self._ends.get(day)
        if found is None:
            midnight = datetime.combine(date.fromordinal(day + 1), time(), self._definition.catalog.zone)
            found = self._ends[day] = (midnight - _EPOCH) // _MICROSECOND
        return found


_KEPT = 2_000
"""Answers that are kept: many windows and days of a long batch, and no more."""
