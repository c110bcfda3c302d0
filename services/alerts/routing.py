"""Whom a rule would tell, and why: what `find` answers for one unit and day, with the reasons to it. Pure.

It asks by way of a record without a figure, so that rules and people are found as they are for a real one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from contracts.alerts import Severity
from contracts.catalog import EscalationPolicy, EscalationStep, Rule, Threshold
from contracts.progress import ProgressJudged, Status
from services.alerts.alert import Recipient, Told
from services.alerts.audience import Gap
from services.alerts.escalating import newcomers, policy_of
from services.alerts.watching import Watch
from services.runtime.catalog import Catalog
from services.runtime.catalog.problems import Words

_OF = {
    "unit": Words("của chính đơn vị", "of the unit itself"),
    "parent": Words("của đơn vị cấp trên trực tiếp", "of the unit above"),
    "province": Words("của tỉnh", "of the province"),
}


@dataclass(frozen=True, slots=True)
class Way:
    """One who would be told, and by which entry of the audience."""

    who: Recipient
    why: Words


@dataclass(frozen=True, slots=True)
class Later:
    """A step of the policy by which the alert climbs: who is told as well if it still fires so long after its opening,
    and posts that nobody holds."""

    step: EscalationStep
    who: tuple[Recipient, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Where the alerts of one rule go. `rung` None: the rule has no such severity, and tells nobody of it."""

    rule: Rule
    rung: Threshold | None
    ways: tuple[Way, ...] = ()
    gaps: tuple[Gap, ...] = ()
    later: tuple[Later, ...] = ()


def routes(catalog: Catalog, kpi: str, unit: str, severity: Severity, on: date) -> tuple[Route, ...]:
    """The route of every enabled rule that watches the KPI at the unit. KPI and unit must be of the catalog."""
    watch = Watch(catalog)
    asked = _asked(catalog, kpi, unit, on)
    found = []
    for rule in watch.rules_for(asked):
        rung = next((one for one in rule.ladder if Severity(one.severity) is severity), None)
        if rung is None:
            found.append(Route(rule, None))
            continue
        audience = watch.audience(rule, asked, on)
        ways = tuple(Way(who, _why(catalog, rule, who, unit, on)) for who in audience.told.recipients)
        later = tuple(_later(watch, policy_of(rule, severity), audience.told, unit, on))
        found.append(Route(rule, rung, ways, audience.gaps, later))
    return tuple(found)


def _later(watch: Watch, policy: EscalationPolicy | None, told: Told, unit: str, on: date) -> Iterator[Later]:
    """The steps in order; whoever was told before is not told again."""
    for step in policy.steps if policy is not None else ():
        found = watch.standing(step, unit, on)
        new = newcomers(told, found.told)
        told = told.joined(Told(new))
        yield Later(step, new, found.gaps)


def _asked(catalog: Catalog, kpi: str, unit: str, on: date) -> ProgressJudged:
    with_target = (period for period in catalog.targets.periods(kpi, unit) if period.contains(on))
    period = next(with_target, None) or catalog.calendar_of(kpi).period("year", on)
    return ProgressJudged(
        province=catalog.province.id,
        kpi=kpi,
        org_unit=unit,
        period=period.id,
        as_of=on,
        value=None,
        unit_of_measure=catalog.kpis[kpi].unit_of_measure,
        status=Status.UNKNOWN,
        version=1,
        catalog_version=catalog.version,
        judged_at=datetime.combine(on, time.min, UTC),
    )


def _why(catalog: Catalog, rule: Rule, who: Recipient, unit: str, on: date) -> Words:
    """The first entry that means the recipient's post. Where none does, every post that is named is vacant."""
    above = catalog.units.ancestors(unit, on)
    units = {"unit": unit, "parent": catalog.units.parent(unit, on), "province": above[-1] if above else unit}
    for number, entry in enumerate(rule.audience, 1):
        if (entry.role, units[entry.of]) == (who.role, who.unit):
            vi, en = _OF[entry.of]
            return Words(f"dòng {number} của audience: {who.role} {vi}", f"audience entry {number}: {who.role} {en}")
    return Words(
        "mọi chức vụ được nêu đều trống, nên báo lên đơn vị cấp trên",
        "every post that is named is vacant, so the units above are told",
    )
