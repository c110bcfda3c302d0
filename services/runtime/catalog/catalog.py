"""One complete version of a province's catalog, in memory and ready to be asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

from contracts.catalog import (
    CalendarSpec,
    CatalogObject,
    Kpi,
    OrgUnit,
    Person,
    Province,
    Publisher,
    Rule,
    Succession,
    Target,
)
from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.people import People
from services.runtime.catalog.publishers import Publishers
from services.runtime.catalog.succession import Lineage
from services.runtime.catalog.targets import Targets
from services.runtime.catalog.tree import OrgTree

ObjectT = TypeVar("ObjectT", bound=CatalogObject)


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Everything that a province declares, at one version. Immutable: a new version is a new object."""

    province: Province
    number: int
    version: str
    kpis: Mapping[str, Kpi]
    units: OrgTree
    calendars: Mapping[str, Calendar]
    targets: Targets
    publishers: Publishers
    people: People
    rules: tuple[Rule, ...]
    successions: tuple[Succession, ...]
    lineage: Lineage

    @property
    def zone(self) -> ZoneInfo:
        """The province's time zone, in which its days begin and end."""
        return ZoneInfo(self.province.time_zone)

    def calendar_of(self, kpi_id: str) -> Calendar:
        """The calendar by which the KPI's figures fall into periods. Raises KeyError for an unknown KPI."""
        return self.calendars[self.kpis[kpi_id].calendar]

    @classmethod
    def of(cls, objects: Iterable[CatalogObject], number: int = 0, version: str = "") -> "Catalog":
        """Put objects together, in whatever order they come. Raises ValueError unless there is exactly one province."""
        everything = tuple(objects)
        provinces = _only(everything, Province)
        if len(provinces) != 1:
            raise ValueError(f"a catalog has exactly one province, this one has {len(provinces)}")
        kpis = MappingProxyType({kpi.id: kpi for kpi in _only(everything, Kpi)})
        calendars = MappingProxyType({spec.id: Calendar(spec) for spec in _only(everything, CalendarSpec)})
        units = OrgTree(_only(everything, OrgUnit))
        return cls(
            province=provinces[0],
            number=number,
            version=version,
            kpis=kpis,
            units=units,
            calendars=calendars,
            targets=Targets(_only(everything, Target), kpis, units, calendars),
            publishers=Publishers(_only(everything, Publisher), units),
            people=People(_only(everything, Person)),
            rules=_only(everything, Rule),
            successions=_only(everything, Succession),
            lineage=Lineage(_only(everything, Succession), units),
        )


def _only(objects: tuple[CatalogObject, ...], kind: type[ObjectT]) -> tuple[ObjectT, ...]:
    """The objects of one kind, sorted by id."""
    return tuple(sorted((item for item in objects if isinstance(item, kind)), key=lambda item: item.object_id))
