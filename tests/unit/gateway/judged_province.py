"""A whole province as metrics might have judged it: Đắk Nông in autumn 2023, seeded, from the catalog that is shipped.

Not a second engine: figures are drawn, and status follows from pace by the usual bounds, enough to fill a page.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from contracts import envelope
from contracts.alerts import AlertTransition, Severity, TransitionType, alert_id
from contracts.catalog import CatalogObject, Kpi
from contracts.progress import (
    Completeness,
    Needed,
    ProgressJudged,
    Reason,
    Status,
    TargetJudged,
    progress_key,
)
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.loader import load_folder
from services.runtime.kafka.producer import Outgoing

DAK_NONG = Path(__file__).parents[3] / "deploy" / "catalogs" / "dak-nong"

TODAY = date(2023, 9, 30)
NOW = datetime(2023, 10, 2, 1, 15, tzinfo=UTC)

PERIOD = "2023"
_FIRST, _LAST = date(2022, 12, 15), date(2023, 12, 14)


def dak_nong() -> Catalog:
    """The shipped catalog as version 1."""
    return Catalog.of(load_folder(DAK_NONG).items, 1, "1-0123456789ab")


def with_objects(*more: CatalogObject) -> Catalog:
    """The shipped catalog and more objects."""
    return Catalog.of([*load_folder(DAK_NONG).items, *more], 2, "2-0123456789ab")


def judged_year(catalog: Catalog, seed: int = 7) -> list[ProgressJudged]:
    """One record for every KPI with a target in 2023, and for all units below where the KPI is reported there."""
    dice = random.Random(seed)
    records: list[ProgressJudged] = []
    for kpi in sorted(catalog.kpis.values(), key=lambda one: one.id):
        if kpi.sources and not any(target.kpi == kpi.id for target in catalog.targets):
            continue
        if "commune" in kpi.levels:
            records += _tree(catalog, kpi, dice)
        else:
            records += _province_only(catalog, kpi, dice)
    return records


def _tree(catalog: Catalog, kpi: Kpi, dice: random.Random) -> list[ProgressJudged]:
    province = catalog.units.roots(TODAY)[0]
    talent = {unit: dice.gauss(0, 0.35) for unit in catalog.units.of_level("district", TODAY)}
    mean = {"document-digitisation": 0.72, "edoc-signed-share": 0.9}.get(kpi.id, 0.98)
    communes: list[ProgressJudged] = []
    for unit in catalog.units.of_level("commune", TODAY):
        above = catalog.units.parent(unit, TODAY) or ""
        pace = max(dice.gauss(mean + talent[above] * 0.5, 0.28), -0.15)
        size = dice.randrange(60, 900)
        communes.append(_record(catalog, kpi, unit, pace, size, silent=dice.random() < 0.05))
    districts = [_rolled_up(catalog, kpi, unit, communes) for unit in catalog.units.of_level("district", TODAY)]
    return [_rolled_up(catalog, kpi, province, communes), *districts, *communes]


def _province_only(catalog: Catalog, kpi: Kpi, dice: random.Random) -> list[ProgressJudged]:
    province = catalog.units.roots(TODAY)[0]
    luck = dice.random()
    pace = 1.3 if luck < 0.3 else max(dice.gauss(0.98, 0.3), -0.2)
    return [_record(catalog, kpi, province, pace, dice.randrange(20, 4000), silent=luck > 0.88)]


def _record(catalog: Catalog, kpi: Kpi, unit: str, pace: float, size: int, *, silent: bool) -> ProgressJudged:
    target = next(
        (one for one in catalog.targets.of_unit(kpi.id, unit) if one.period == PERIOD and one.value is not None), None
    )
    if target is None or target.value is None:
        value = None if silent else float(size)
        return _judged(kpi, unit, None, value, None, None, silent=silent)
    goal = float(target.value)
    base = float(target.baseline.value) if target.baseline else (0.0 if kpi.direction == "increase" else goal * 1.4)
    planned = base + (goal - base) * (TODAY - _FIRST).days / (_LAST - _FIRST).days
    value = base + (planned - base) * pace
    if kpi.unit_of_measure == "percent":
        value = round(min(value, 100) * size / 100) / size * 100
    else:
        value = float(round(value))
    judged = TargetJudged(
        id=target.id,
        value=goal,
        comparator=target.comparator,
        deadline=target.deadline or _LAST,
        baseline=base,
        baseline_on=_FIRST,
        simulated=target.simulated,
    )
    parts = size if kpi.unit_of_measure == "percent" else None
    return _judged(kpi, unit, judged, None if silent else value, planned, parts, silent=silent)


def _judged(
    kpi: Kpi,
    unit: str,
    target: TargetJudged | None,
    value: float | None,
    planned: float | None,
    parts: int | None,
    *,
    silent: bool,
    completeness: Completeness | None = None,
) -> ProgressJudged:
    pace = completion = None
    if target is not None and target.value is not None and value is not None and planned is not None:
        base = target.baseline or 0.0
        pace = (value - base) / (planned - base) if planned != base else None
        completion = (value - base) / (target.value - base) if target.value != base else None
    months = max((_LAST - TODAY).days / 30.4, 0.1)
    left = target.value - value if target is not None and target.value is not None and value is not None else 0.0
    so_far = (value - (target.baseline or 0.0)) / 9.5 if target is not None and value is not None else None
    return ProgressJudged(
        province="dak-nong",
        kpi=kpi.id,
        org_unit=unit,
        period=PERIOD,
        as_of=None if silent else TODAY,
        value=value,
        numerator=round(value * parts / 100) if value is not None and parts else None,
        denominator=parts if value is not None else None,
        unit_of_measure=kpi.unit_of_measure,
        target=target,
        planned=planned if value is not None else None,
        gap=value - planned if value is not None and planned is not None else None,
        pace=pace,
        completion=completion,
        needed=Needed(amount=left / months, per="month", so_far=so_far, best=abs(so_far or 0) * 1.6)
        if left > 0
        else None,
        status=status_of(target, value, pace, completion),
        reasons=_reasons(value, pace),
        completeness=completeness,
        version=1,
        catalog_version="1-0123456789ab",
        judged_at=NOW,
    )


def status_of(target: TargetJudged | None, value: float | None, pace: float | None, completion: float | None) -> Status:
    """By the usual bounds."""
    if target is None:
        return Status.NO_TARGET
    if value is None:
        return Status.UNKNOWN
    if completion is not None and completion >= 1:
        return Status.ACHIEVED
    if completion is not None and completion < 0:
        return Status.MOVING_AWAY
    return Status.ON_TRACK if pace is None or pace >= 0.95 else Status.AT_RISK if pace >= 0.8 else Status.BEHIND


def _reasons(value: float | None, pace: float | None) -> tuple[Reason, ...]:
    if value is None:
        return (
            Reason(
                code="no_figure",
                text_vi="Chưa có số liệu nào trong kỳ.",
                text_en="No figure in the period yet.",
            ),
        )
    if pace is None or pace >= 0.95:
        return ()
    low = "0,80" if pace < 0.8 else "0,95"
    return (
        Reason(
            code="pace_below_bound",
            text_vi=f"Nhịp {pace:.2f} thấp hơn ngưỡng {low}.".replace(".", ",", 1),
            text_en=f"Pace {pace:.2f} is below the bound of {low.replace(',', '.')}.",
        ),
    )


def _rolled_up(catalog: Catalog, kpi: Kpi, unit: str, communes: Sequence[ProgressJudged]) -> ProgressJudged:
    below = [one for one in communes if unit in catalog.units.ancestors(one.org_unit, TODAY)]
    counted = [one for one in below if one.value is not None]
    sample = counted[0].target
    assert sample is not None
    assert sample.value is not None
    missing = tuple(one.org_unit for one in below if one.value is None)
    completeness = Completeness(expected=len(below), reported=len(counted), missing=missing)
    if kpi.unit_of_measure == "percent":
        upper = sum(one.numerator or 0 for one in counted)
        lower = sum(one.denominator or 0 for one in counted)
        value, planned = 100 * upper / lower, counted[0].planned
        return _judged(kpi, unit, sample, value, planned, int(lower), silent=False, completeness=completeness)
    count = len(counted)
    scaled = sample.model_copy(update={"value": sample.value * count, "baseline": (sample.baseline or 0) * count})
    value = sum(one.value or 0 for one in counted)
    planned = sum(one.planned or 0 for one in counted)
    return _judged(kpi, unit, scaled, value, planned, None, silent=False, completeness=completeness)


def alerts_of(catalog: Catalog, records: Iterable[ProgressJudged], seed: int = 3) -> list[AlertTransition]:
    """An open alert for each record that is badly late."""
    dice = random.Random(seed)
    found = []
    for record in records:
        if record.pace is None or record.pace >= 0.72:
            continue
        severity = Severity.CRITICAL if record.pace < 0.5 else Severity.BEHIND
        opened = NOW - timedelta(days=dice.randrange(3, 80))
        found.append(
            AlertTransition(
                alert_id=alert_id("dak-nong", "behind-plan", record.kpi, record.org_unit, record.period),
                episode=1,
                seq=1,
                type=TransitionType.OPENED,
                severity=severity,
                rule="behind-plan",
                province="dak-nong",
                kpi=record.kpi,
                org_unit=record.org_unit,
                period=record.period,
                reason="first",
                owner=next(
                    (one.id for one in catalog.people.holding("owner", record.org_unit, TODAY)),
                    None,
                ),
                opened_at=opened,
                at=opened,
                progress=record,
            )
        )
    return found


def progress_record(record: ProgressJudged) -> Outgoing:
    """As metrics publishes it."""
    key = progress_key(record.province, record.kpi, record.org_unit, record.period)
    headers = envelope.write(
        id=f"{key}@{record.version}",
        source="urn:tiendo:metrics",
        type="vn.tiendo.progress.judged.v1",
        time=record.judged_at,
        subject=key,
        extensions={"businesstime": envelope.instant(record.judged_at)},
    )
    return Outgoing(key.encode(), record.model_dump_json().encode(), headers)


def alert_record(told: AlertTransition) -> Outgoing:
    """As alerts publishes it."""
    headers = envelope.write(
        id=f"{told.alert_id}@{told.seq}",
        source="urn:tiendo:alerts",
        type=f"vn.tiendo.alert.{told.type}.v1",
        time=told.at,
        subject=told.alert_id,
        extensions={"businesstime": envelope.instant(NOW)},
    )
    return Outgoing(told.alert_id.encode(), told.model_dump_json().encode(), headers)
