"""The targets of one KPI as the flags ask for them: when each begins, and which end before their period does."""

from datetime import date
from typing import NamedTuple

from contracts.catalog import Target
from services.runtime.catalog import Calendar, Catalog, Period


class Dated(NamedTuple):
    """A target with the day on which it begins to run and the days of its period."""

    start: date
    period: Period
    target: Target


class TargetBook:
    """Answers are kept for each unit, since there are few units and many figures."""

    def __init__(self, catalog: Catalog, kpi_id: str, calendar: Calendar) -> None:
        self._catalog, self._kpi_id, self._calendar = catalog, kpi_id, calendar
        self._to_reach: dict[str, tuple[Dated, ...]] = {}
        self._ending_early: dict[str, tuple[Dated, ...]] = {}

    def to_reach(self, unit_id: str) -> tuple[Dated, ...]:
        """What somebody set the unit to reach. Natural targets (the whole roster) and lines to be kept are none."""
        found = self._to_reach.get(unit_id)
        if found is None:
            found = tuple(
                dated for dated in self._of(unit_id) if dated.target.intent == "reach" and not dated.target.natural
            )
            self._to_reach[unit_id] = found
        return found

    def passed(self, unit_id: str, day: date) -> Target | None:
        """A target valid on the day, in whose period the day lies, though after its deadline."""
        early = self._ending_early.get(unit_id)
        if early is None:
            early = tuple(d for d in self._of(unit_id) if d.target.deadline and d.target.deadline < d.period.last)
            self._ending_early[unit_id] = early
        for dated in early:
            deadline = dated.target.deadline
            if deadline is not None and deadline < day and dated.period.contains(day) and dated.target.valid_on(day):
                return dated.target
        return None

    def _of(self, unit_id: str) -> list[Dated]:
        found = []
        for target in self._catalog.targets.of_unit(self._kpi_id, unit_id):
            period = self._calendar.parse(target.period)
            start = target.baseline.on if target.baseline and target.baseline.on else period.first
            if target.valid_on(start):
                found.append(Dated(start, period, target))
        return found
