"""Sample mails of every kind, for previews: made-up figures through the very functions that make the real mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from contracts.catalog import Audience, EscalationPolicy, EscalationStep, Kpi, Rule
from contracts.progress import Needed, ProgressJudged, Status, TargetJudged
from services.alerts.acknowledging import Acknowledge
from services.alerts.alert import Alert, Key, Recipient, Told
from services.alerts.compose import core_of
from services.alerts.decide import Happened, Observation, decide
from services.alerts.escalating import Ways
from services.alerts.grouping import Group, Mail, flush, keys_of, lines_of, take_in
from services.alerts.slots import days_of
from services.alerts.working_clock import WorkingClock
from services.runtime.catalog import Catalog, Period
from services.runtime.errors import StartError

_PLANNED, _TARGET = 80.0, 92.0

SCENES: dict[str, tuple[tuple[float | None, ...], ...]] = {
    "opened": ((0.77,),),
    "opened-critical": ((0.31,),),
    "opened-several": ((0.77,), (0.48,), (0.85,)),
    "more-units": ((0.77, 0.77), (None, 0.6)),
    "worsened": ((0.88, 0.47),),
    "escalated": ((0.77, 0.74),),
    "reminded": ((0.77, 0.74),),
    "taken-up": ((0.77, 0.77),),
    "recovered": ((0.77, 0.97),),
    "recovered-some": ((0.77, 0.97), (0.48, 0.48)),
    "period-missed": ((0.77, 0.78),),
}
"""Kind of mail → for each unit the paces of its reports, one after the other; the last flush makes the mail."""


_PARENT = (Audience(role="manager", of="parent"),)
_UPWARDS = {
    "escalated": EscalationPolicy(
        id="sample", name_vi="Báo cấp trên", steps=(EscalationStep(after=timedelta(days=3), audience=_PARENT),)
    ),
    "reminded": EscalationPolicy(
        id="sample",
        name_vi="Báo cấp trên",
        steps=(EscalationStep(after=timedelta(days=20), audience=_PARENT),),
        repeats=(timedelta(days=5),),
    ),
}
"""The policies of the scenes in which an alert climbs."""

_NOTE = "Đã giao bộ phận chuyên môn rà soát, báo cáo lại trong tuần."


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the samples play: one KPI in one period, some units, and who reads the mail."""

    catalog: Catalog
    rule: Rule
    kpi: Kpi
    period: Period
    units: tuple[str, ...]
    recipient: Recipient


def stage_for(catalog: Catalog, kpi_id: str | None, unit_id: str | None) -> Stage:
    """The stage in this catalog. Raises `StartError` for a KPI or unit that it does not have, or if it has no rule."""
    kpi = catalog.kpis.get(kpi_id) if kpi_id is not None else _a_kpi(catalog)
    if kpi is None:
        raise StartError(f"The catalog has no KPI {kpi_id}; `tiendo catalog show` lists them.")
    if not catalog.rules:
        raise StartError("The catalog has no alert rule: write one in rules.yaml.")
    wanted = [unit for unit in catalog.units if unit_id in (None, unit.id) and unit.level == kpi.levels[0]]
    if not wanted:
        raise StartError(f"The catalog has no unit {unit_id} that reports {kpi.id} (level {kpi.levels[0]}).")
    siblings = [unit for unit in catalog.units if unit.level == wanted[0].level and unit.id != wanted[0].id]
    units = (wanted[0].id, *(unit.id for unit in siblings[:2]))
    targets = catalog.targets.periods(kpi.id, units[0])
    period = targets[0] if targets else catalog.calendar_of(kpi.id).period("year", datetime.now(UTC).date())
    holders = catalog.people.holding("manager", units[0], period.last)
    who = (
        Recipient(holders[0].id, holders[0].name, holders[0].email, "manager", units[0], holders[0].language)
        if holders
        else Recipient("sample", "Lãnh đạo đơn vị", "lanh-dao@tiendo.example", "manager", units[0])
    )
    return Stage(catalog, catalog.rules[0], kpi, period, units, who)


def sample(stage: Stage, kind: str, host: str) -> Mail:
    """The mail of this kind: the last that its scene gives."""
    scene, above = SCENES[kind], _above(stage)
    policy = _UPWARDS.get(kind)
    update = {"policy": policy.id, "policies": (policy,)} if policy is not None else {}
    rule = stage.rule.model_copy(update=update)
    reader = above if kind == "escalated" else stage.recipient
    ways = Ways(WorkingClock(days_of(stage.catalog), stage.catalog.zone), lambda _: Told((above,)))
    alerts = {unit: Alert(_key(stage, unit)) for unit in stage.units}
    group: Group | None = None
    mail: Mail | None = None
    for step in range(len(scene[0])):
        now = _noon(stage, step, over=kind == "period-missed" and step > 0)
        for unit, paces in zip(stage.units, scene, strict=False):
            pace = paces[step]
            if pace is None:
                continue
            happened: Happened = _observed(stage, _record(stage, unit, pace, step, now))
            if kind == "taken-up" and step:
                happened = Acknowledge("sample", above.person, _NOTE, None, now)
            decision = decide(alerts[unit], rule, happened, now, lambda: _told(stage), ways)
            alerts[unit] = decision.alert
            for effect in decision.effects:
                for key, who in keys_of(effect).values():
                    if who.person == reader.person:
                        group = take_in(group or Group(key, who), effect)
        if group is not None and (lines := lines_of(group)):
            group, decided = flush(group, now, host, core_of(lines, stage.kpi, stage.catalog))
            mail = decided or mail
    assert mail is not None  # every scene ends in one
    return mail


def _a_kpi(catalog: Catalog) -> Kpi | None:
    """A percentage that is reported below the province, or whatever there is."""
    kpis: Sequence[Kpi] = tuple(catalog.kpis.values())
    shares = [kpi for kpi in kpis if kpi.unit_of_measure == "percent" and kpi.direction == "increase"]
    return next((kpi for kpi in shares if len(kpi.levels) > 1), next(iter(shares or kpis), None))


def _key(stage: Stage, unit: str) -> Key:
    return Key(stage.catalog.province.id, stage.rule.id, stage.kpi.id, unit, stage.period.id)


def _above(stage: Stage) -> Recipient:
    """Who heads the unit above, or would if they were not told below."""
    unit = stage.catalog.units.parent(stage.units[0], stage.period.last) or stage.units[0]
    below = {who.person for who in _told(stage).recipients}
    for who in stage.catalog.people.holding("manager", unit, stage.period.last):
        if who.id not in below:
            return Recipient(who.id, who.name, who.email, "manager", unit, who.language)
    return Recipient("sample-above", "Lãnh đạo cấp trên", "cap-tren@tiendo.example", "manager", unit)


def _told(stage: Stage) -> Told:
    holders = stage.catalog.people.holding("owner", stage.units[0], stage.period.last)
    owners = [Recipient(one.id, one.name, one.email, "owner", stage.units[0]) for one in holders]
    return Told((stage.recipient, *owners), owners[0].name if owners else None)


def _noon(stage: Stage, step: int, *, over: bool) -> datetime:
    late = stage.period.last + timedelta(days=15)
    day = (
        late
        if over
        else stage.period.first + (stage.period.last - stage.period.first) * 0.7 + timedelta(days=14 * step)
    )
    return datetime.combine(day, time(5), UTC)


def _observed(stage: Stage, record: ProgressJudged) -> Observation:
    over = datetime.combine(stage.period.last + timedelta(days=1), time(), UTC)
    return Observation(record, over, over + timedelta(days=14), cumulative=False)


def _record(stage: Stage, unit: str, pace: float, step: int, now: datetime) -> ProgressJudged:
    as_of = min(now.date() - timedelta(days=4), stage.period.last)
    at_deadline = as_of == stage.period.last
    planned = _TARGET if at_deadline else _PLANNED
    value = planned * pace
    return ProgressJudged(
        province=stage.catalog.province.id,
        kpi=stage.kpi.id,
        org_unit=unit,
        period=stage.period.id,
        as_of=as_of,
        value=value,
        unit_of_measure=stage.kpi.unit_of_measure,
        target=TargetJudged(
            id="sample", value=_TARGET, comparator=">=", deadline=stage.period.last, baseline=0.0, simulated=True
        ),
        planned=planned,
        gap=value - planned,
        pace=pace,
        needed=None
        if at_deadline
        else Needed(amount=(_TARGET - value) / 3, per="month", so_far=value / 9, best=value / 7),
        status=Status.BEHIND if pace < 0.95 else Status.ON_TRACK,
        version=step + 1,
        catalog_version=stage.catalog.version or "1-000000000000",
        judged_at=now,
    )
