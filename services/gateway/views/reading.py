"""What the dashboard reads before it is put together, and what the visitor chose."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from contracts.progress import ProgressJudged, Status
from services.gateway.documents import Count, Document, as_day
from services.gateway.views.words import Language, Words
from services.runtime.catalog.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address says: all of it optional, so that a link can be shared."""

    language: Language = "vi"
    province: str | None = None
    period: str | None = None
    status: Status | None = None
    kpi: str | None = None
    unit: str | None = None
    """Only units below this one, in the detail."""
    all_alerts: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the records of the units above the lowest level, counts of all, the chosen KPI's, the alerts."""

    upper: Sequence[Document] = ()
    counts: Sequence[Count] = ()
    chosen: Sequence[Document] = ()
    alerts: Sequence[Document] = ()
    alerts_open: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """The catalog on the day for which the page is made."""

    catalog: Catalog
    now: datetime
    day: date = field(init=False)
    """Today, or the last day on which the province's units existed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", day_of_tree(self.catalog, self.now.astimezone(self.catalog.zone).date()))

    @property
    def roots(self) -> tuple[str, ...]:
        """The province's own units."""
        return self.catalog.units.roots(self.day)

    def last_day(self, record: ProgressJudged) -> date:
        """The day of whose units a record's period speaks: today, or the last one of a period that is over."""
        try:
            last = self.catalog.calendar_of(record.kpi).parse(record.period).last
        except ValueError:
            return self.day
        return min(last, self.day)

    def name(self, unit_id: str, words: Words) -> str:
        """The unit's name; its id where no catalog knows it."""
        unit = self.catalog.units.get(unit_id)
        return words.either(unit.name, unit.name_en) if unit is not None else unit_id

    def short_name(self, unit_id: str, words: Words) -> str:
        """The unit's short name, as mails write it in a list."""
        unit = self.catalog.units.get(unit_id)
        return words.either(unit.short_name or unit.name, unit.name_en) if unit is not None else unit_id

    @property
    def upper_units(self) -> tuple[str, ...]:
        """The roots, and all units that have others below them."""
        units = self.catalog.units
        below = (unit for root in self.roots for unit in units.descendants(root, self.day))
        return (*self.roots, *(unit for unit in below if units.children(unit, self.day)))


def day_of_tree(catalog: Catalog, today: date) -> date:
    """Today; if the tree has ended or not begun by then, the nearest day on which it stands."""
    if catalog.units.roots(today):
        return today
    ends = [unit.valid_to - timedelta(days=1) for unit in catalog.units if unit.valid_to is not None]
    begins = [unit.valid_from for unit in catalog.units if unit.valid_from is not None]
    past = [day for day in ends if day <= today]
    return max(past) if past else min(begins, default=today)


def judged(document: Document) -> ProgressJudged:
    """The record in a document of the read model."""
    return ProgressJudged.model_validate(document["record"])


def day_of_figure(record: ProgressJudged) -> date | None:
    """The last day that the record's figure includes."""
    text = as_day(record.as_of)
    return date.fromisoformat(text) if text is not None else None
