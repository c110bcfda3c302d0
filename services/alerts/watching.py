"""What the catalog says of a progress record: which rules watch it, and when its period is over. Pure, and cached."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from contracts.catalog import EscalationStep, Rule
from contracts.progress import ProgressJudged
from services.alerts.alert import Alert
from services.alerts.audience import Found, Gap, concerned, find, standing
from services.alerts.decide import Observation, Reconsidered
from services.alerts.rules import day_of
from services.alerts.slots import days_of
from services.alerts.working_clock import WorkingClock
from services.runtime.catalog import Catalog

_CUMULATIVE = frozenset({"flow", "milestone"})
"""Kinds whose figures only rise within a period: a target that is met stays met."""

_ONE_DAY = timedelta(days=1)


class Watch:
    """One version of a catalog, asked about records."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in catalog.rules if rule.enabled}
        self.gaps_named: set[Gap] = set()
        """Vacant posts that were met and said already."""
        self.clock = WorkingClock(days_of(catalog), catalog.zone)
        self._of: dict[tuple[str, str], tuple[Rule, ...]] = {}
        self._ends: dict[tuple[str, str, str, date | None], tuple[datetime, datetime] | None] = {}

    def rules_for(self, record: ProgressJudged) -> tuple[Rule, ...]:
        """The enabled rules that watch this KPI at this unit's level."""
        return self._watching(record.kpi, record.org_unit)

    def _watching(self, kpi_id: str, org_unit: str) -> tuple[Rule, ...]:
        unit = self.catalog.units.get(org_unit)
        level = unit.level if unit is not None else ""
        found = self._of.get((kpi_id, level))
        if found is None:
            kpi = self.catalog.kpis.get(kpi_id)
            found = tuple(
                rule
                for rule in self.rules.values()
                if kpi is not None and rule.selector.selects(kpi) and (not rule.levels or level in rule.levels)
            )
            self._of[kpi_id, level] = found
        return found

    def observation(self, record: ProgressJudged) -> Observation | None:
        """The record with the ends of its period; None for a KPI or period that the catalog does not know."""
        ends = self._ends_of(record)
        if ends is None:
            return None
        return Observation(record, *ends, cumulative=self.catalog.kpis[record.kpi].kind in _CUMULATIVE)

    def reconsidered(self, alert: Alert) -> tuple[Rule | None, Reconsidered]:
        """What this version says of an alert that is there: its rule, and whether that still watches it."""
        key, rule = alert.key, self.rules.get(alert.key.rule)
        watched = rule is not None and rule in self._watching(key.kpi, key.org_unit)
        return rule, Reconsidered(watched, self.catalog.units.get(key.org_unit) is not None)

    def audience(self, rule: Rule, record: ProgressJudged, on: date) -> Found:
        """Who is to be told of this record now."""
        return find(self.catalog, rule, record.org_unit, self._owner_role(record, on), on)

    def concerned(self, record: ProgressJudged, asker: str, on: date) -> Found:
        """Who answers for this record now, and who asks them for an account."""
        return concerned(self.catalog, record.org_unit, self._owner_role(record, on), asker, on)

    def standing(self, step: EscalationStep, unit: str, on: date) -> Found:
        """Who is on a step of an alert on this unit now."""
        return standing(self.catalog, step, unit, on)

    def _owner_role(self, record: ProgressJudged, on: date) -> str:
        target = self.catalog.targets.judging(record.kpi, record.org_unit, record.period, day_of(record.as_of) or on)
        return target.owner_role if target is not None else "owner"

    def _ends_of(self, record: ProgressJudged) -> tuple[datetime, datetime] | None:
        deadline = record.target.deadline if record.target is not None else None
        key = (record.kpi, record.org_unit, record.period, deadline)
        if key not in self._ends:
            self._ends[key] = self._computed_ends(record, deadline)
        return self._ends[key]

    def _computed_ends(self, record: ProgressJudged, deadline: date | None) -> tuple[datetime, datetime] | None:
        catalog = self.catalog
        if record.kpi not in catalog.kpis:
            return None
        try:
            period = catalog.calendar_of(record.kpi).parse(record.period)
        except (KeyError, ValueError):
            return None
        judged_on = day_of(record.as_of) or period.first
        target = catalog.targets.judging(record.kpi, record.org_unit, record.period, judged_on)
        grace = target.grace_days if target is not None else catalog.province.defaults.grace_days
        last = max(period.last, deadline or period.last)
        # As `missed` does: from the local day that is so many days after the last one.
        closes = max(last + _ONE_DAY, last + timedelta(days=grace))
        return self._midnight(period.last + _ONE_DAY), self._midnight(closes)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.catalog.zone).astimezone(UTC)
