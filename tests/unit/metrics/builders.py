"""A small province with good defaults, and observations of it: a test says only what it is about."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.catalog import (
    Baseline,
    CalendarSpec,
    CatalogObject,
    Kpi,
    KpiKind,
    OrgUnit,
    Parent,
    Province,
    Target,
)
from contracts.observations import ObservationRecorded, observation_id
from contracts.statistics import Flag
from services.runtime.catalog import Catalog

PROVINCE = Province(id="p", name_vi="Tỉnh thử", time_zone="Asia/Ho_Chi_Minh")
CALENDAR = CalendarSpec(id="administrative", name_vi="Hành chính", month_starts_on=15)
CIVIL = CalendarSpec(id="civil", name_vi="Dương lịch", month_starts_on=1)

VERSION = "1-000000000000"
SOURCE = "urn:test:system"


def day(text: str) -> date:
    return date.fromisoformat(text)


def unit(id: str, level: str, parent: str | None = None, **more: Any) -> OrgUnit:
    parents = (Parent(unit=parent),) if parent is not None else ()
    return OrgUnit(id=id, name=id, level=level, parents=more.pop("parents", parents), **more)


UNITS = (
    unit("p", "province"),
    unit("p.a", "district", "p"),
    unit("p.b", "district", "p"),
    unit("p.a.1", "commune", "p.a"),
    unit("p.a.2", "commune", "p.a"),
    unit("p.b.1", "commune", "p.b"),
    unit("p.b.2", "commune", "p.b"),
)
"""A province of two districts with two communes each."""


def a_kpi(id: str = "k", kind: KpiKind = "ratio", **more: Any) -> Kpi:
    given: dict[str, Any] = {
        "id": id,
        "kind": kind,
        "name_vi": id,
        "name_en": id,
        "unit_of_measure": "percent",
        "decimals": 2,
        "levels": ("commune", "district", "province"),
        "modes": ("absolute", "increment") if kind in ("ratio", "flow") else ("absolute",),
        "pillar": "x",
        **more,
    }
    return Kpi(**given)


def a_target(
    unit: str | None = "p.a.1", value: float | str | None = 92, baseline: float | str | None = 80, **more: Any
) -> Target:
    """A target of KPI `k` for 2023; a linear plan from 15 December 2022 to 14 December 2023."""
    on = more.pop("baseline_on", None)
    given: dict[str, Any] = {
        "id": f"t.{more.get('level') or unit}.{more.get('period', '2023')}",
        "kpi": "k",
        "unit": unit,
        "value": None if value is None else Decimal(str(value)),
        "baseline": None if baseline is None else Baseline(value=Decimal(str(baseline)), on=on),
        "period": "2023",
        **more,
    }
    return Target(**given)


def a_catalog(
    *objects: CatalogObject, units: Sequence[OrgUnit] = UNITS, number: int = 1, version: str | None = None
) -> Catalog:
    """The province with these KPIs and targets; with the KPI `k`, a ratio, if none is given."""
    kpis = () if any(isinstance(item, Kpi) for item in objects) else (a_kpi(),)
    everything = (PROVINCE, CALENDAR, CIVIL, *units, *kpis, *objects)
    return Catalog.of(everything, number, version or f"{number}-000000000000")


_serial = itertools.count()


def an_observation(
    org_unit: str = "p.a.1",
    as_of: str = "2023-09-30",
    numerator: float | str | None = None,
    denominator: float | str | None = None,
    *,
    value: float | str | None = None,
    source: str = SOURCE,
    source_id: str | None = None,
    offset: int | None = None,
    reported_at: datetime | None = None,
    flags: Sequence[str] = (),
    **more: Any,
) -> ObservationRecorded:
    """A figure of KPI `k`. Each one has an id and raw offset of its own, and is reported a second after the last."""
    serial = next(_serial)
    identity = source_id or f"e{serial}"
    given: dict[str, Any] = {
        "province": "p",
        "kpi": "k",
        "org_unit": org_unit,
        "as_of": as_of,
        "period": as_of[:4],
        "observation_id": observation_id(source, identity),
        "source": source,
        "source_id": identity,
        "publisher": "system",
        "raw": {"log": "log", "topic": "statistics.reported.v1", "partition": 0, "offset": serial},
        "reported_at": reported_at or datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=serial),
        "received_at": datetime(2023, 1, 1, tzinfo=UTC),
        "catalog_version": VERSION,
        "flags": [Flag(code=code, message_vi=code, message_en=code) for code in flags],
        **more,
    }
    if offset is not None:
        given["raw"]["offset"] = offset
    for name, number in (("numerator", numerator), ("denominator", denominator), ("value", value)):
        if number is not None:
            given[name] = str(number)
    return ObservationRecorded.model_validate(given)


def an_increment(
    org_unit: str = "p.a.1",
    as_of: str = "2023-09-30",
    numerator: float | str | None = None,
    denominator: float | str | None = None,
    **more: Any,
) -> ObservationRecorded:
    """Something to add."""
    return an_observation(org_unit, as_of, numerator, denominator, mode="increment", **more)


def local(text: str, at: str = "12:00:00") -> datetime:
    """A moment of a day in the province's time zone."""
    return datetime.fromisoformat(f"{text}T{at}+07:00")
