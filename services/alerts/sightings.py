"""Which figures have come: the day of the newest, by KPI and reporting unit, off the progress records that pass by.

Only what somebody is expected to report; and written only where it rose.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from contracts.progress import ProgressJudged
from services.alerts.ports import Catalogs, Sightings
from services.alerts.rules import day_of
from services.runtime.catalog import Catalog

Sighted = tuple[str, str, str]
"""Province, KPI and unit."""


class Lookout:
    """Looks at every progress record, and keeps what is new."""

    def __init__(self, sightings: Sightings, catalogs: Catalogs) -> None:
        self._sightings = sightings
        self._catalogs = catalogs
        self._known: dict[Sighted, date] = {}
        """What is kept at least; a later day may be kept already."""

    async def see(self, records: Iterable[ProgressJudged]) -> None:
        """Return when what is new is kept durably."""
        rose = self._rose(records)
        if rose:
            await self._sightings.rise(rose)
            self._known.update(rose)

    def forget(self) -> None:
        """Keep everything anew: what was thought to be kept may not be."""
        self._known.clear()

    def _rose(self, records: Iterable[ProgressJudged]) -> Mapping[Sighted, date]:
        rose: dict[Sighted, date] = {}
        for record in records:
            day = day_of(record.as_of)
            if day is None:
                continue
            one = (record.province, record.kpi, record.org_unit)
            known = rose.get(one) or self._known.get(one)
            if (known is None or day > known) and self._reports(record):
                rose[one] = day
        return rose

    def _reports(self, record: ProgressJudged) -> bool:
        """Whether the unit is one from which figures of the KPI are due."""
        catalog: Catalog | None = self._catalogs.of(record.province)
        kpi = catalog.kpis.get(record.kpi) if catalog is not None else None
        unit = catalog.units.get(record.org_unit) if catalog is not None else None
        return kpi is not None and unit is not None and not kpi.sources and unit.level == kpi.levels[0]
