"""Which figures have come: the day of the newest that stands, by KPI, reporting unit and period, off the progress
records that pass by.

Only what somebody is expected to report; and written only where it changed. It falls when a figure is withdrawn: the
record of its period then has an earlier day, or none.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from contracts.progress import ProgressJudged
from services.alerts.ports import Catalogs, Sighting, Sightings
from services.alerts.rules import day_of
from services.runtime.catalog import Catalog

MOST_KNOWN = 50_000
"""Records of which it is remembered what is kept; beyond that some is written again."""


class Record(NamedTuple):
    """What a progress record is about."""

    province: str
    kpi: str
    unit: str
    period: str


class Lookout:
    """Looks at every progress record, and keeps what is new."""

    def __init__(self, sightings: Sightings, catalogs: Catalogs) -> None:
        self._sightings = sightings
        self._catalogs = catalogs
        self._known: dict[Record, date | None] = {}
        """What is kept."""

    async def see(self, records: Iterable[ProgressJudged]) -> None:
        """Return when what is new is kept durably."""
        changed = self._changed(records)
        if changed:
            await self._sightings.keep(list(changed.values()))
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known.update({about: one.as_of for about, one in changed.items()})

    def forget(self) -> None:
        """Keep everything anew: what was thought to be kept may not be."""
        self._known.clear()

    def _changed(self, records: Iterable[ProgressJudged]) -> dict[Record, Sighting]:
        newest: dict[Record, ProgressJudged] = {}
        for record in records:
            about = Record(record.province, record.kpi, record.org_unit, record.period)
            if about not in newest or newest[about].version < record.version:
                newest[about] = record
        return {
            about: Sighting(*about, day_of(record.as_of), record.version)
            for about, record in newest.items()
            if (about not in self._known or self._known[about] != day_of(record.as_of)) and self._reports(record)
        }

    def _reports(self, record: ProgressJudged) -> bool:
        """Whether the unit is one from which figures of the KPI are due."""
        catalog: Catalog | None = self._catalogs.of(record.province)
        kpi = catalog.kpis.get(record.kpi) if catalog is not None else None
        unit = catalog.units.get(record.org_unit) if catalog is not None else None
        return kpi is not None and unit is not None and not kpi.sources and unit.level == kpi.levels[0]
