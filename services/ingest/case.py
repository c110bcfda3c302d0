"""What the rules look at: one figure, and beside it what the catalog and the clock say to it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from contracts.catalog import Kpi, OrgUnit, Publisher
from contracts.statistics import StatisticReported
from services.ingest.targets import TargetBook
from services.runtime.catalog import Calendar, Catalog, Period
from services.runtime.catalog.publishers import Publishers

NUMBERS = ("numerator", "denominator", "value", "weight")
"""The fields of a figure that are exact decimals."""

_REMEMBERED = 100_000


class Rights:
    """Who may report what, remembered: there are few publishers, and each says much the same every day."""

    def __init__(self, publishers: Publishers) -> None:
        self._publishers = publishers
        self._known: dict[tuple[str, str, str, date], bool] = {}

    def may_report(self, publisher: Publisher, kpi_id: str, unit_id: str, on: date) -> bool:
        """As `Publishers.may_report`."""
        key = (publisher.id, kpi_id, unit_id, on)
        allowed = self._known.get(key)
        if allowed is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            allowed = self._known[key] = self._publishers.may_report(publisher, kpi_id, unit_id, on)
        return allowed


@dataclass(slots=True)
class Case:
    """One figure under examination. `unit` or `publisher` is None where the catalog knows none of that name.

    `day` is the local date of `as_of`, `reported_on` that of `ce_time`, `today` that of the business clock.
    """

    figure: StatisticReported
    source: str
    catalog: Catalog
    rights: Rights
    zone: ZoneInfo
    kpi: Kpi
    calendar: Calendar
    targets: TargetBook
    unit: OrgUnit | None
    publisher: Publisher | None
    day: date
    reported_on: date
    today: date
    period: Period | None = None
    """Filled in by the rule about periods."""
    quotient: Decimal | None = None
    """Of the parts, filled in by whoever asks for it first: a KPI has one base."""
    numbers: list[tuple[str, Decimal]] = field(init=False)
    """The numbers that were given, by field."""

    def __post_init__(self) -> None:
        figure = self.figure
        self.numbers = [(name, number) for name in NUMBERS if (number := getattr(figure, name)) is not None]

    def local(self, as_of: date | datetime) -> date:
        """The local date of another day or instant of the figure."""
        return local_day(as_of, self.zone)


def local_day(as_of: date | datetime, zone: ZoneInfo) -> date:
    """A plain date is itself; an instant belongs to its local date.

    An instant whose local date lies beyond the calendar (1 January of the year 1, 31 December 9999) is of its last day.
    """
    if not isinstance(as_of, datetime):
        return as_of
    try:
        return as_of.astimezone(zone).date()
    except OverflowError:
        return date.min if as_of.year == date.min.year else date.max
