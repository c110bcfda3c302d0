"""Which figures a publisher is reminded of: those that fall due soon, and those that are overdue. Pure.

A figure is due from each reporting unit for each cadence period, by the KPI's own calendar; it has come once the unit
has a figure of that period or a later one. Nobody is reminded of one figure every day: once before it falls due; once
when it is overdue, and then again after a week, after two weeks more, and every four weeks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from contracts.catalog import Kpi, Publisher
from services.runtime.catalog import Calendar, Catalog, Period
from services.runtime.catalog.deadlines import due_by
from services.runtime.catalog.publishers import ALL

NAMED_UNITS = 5
"""Units that are named; the rest are counted."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(days=7), timedelta(days=28)

_ONE_DAY = timedelta(days=1)

Newest = Mapping[str, date]
"""Reporting unit → the day of the newest figure that was seen of it."""


@dataclass(frozen=True, slots=True)
class Reminded:
    """What the publisher was last told about the figures of one KPI."""

    soon: str | None = None
    """The period whose figures it was reminded of before they fell due."""
    overdue: str | None = None
    """The period whose figures it was last told are overdue."""
    on: date | None = None
    """The day on which it was told so."""
    times: int = 0
    """How often it was, one pause after the other."""


NEVER = Reminded()


@dataclass(frozen=True, slots=True)
class Watched:
    """Since when it is looked at which figures come. `whole`: it was from the first figure on."""

    since: date
    whole: bool

    def knows(self, period: Period, by: date) -> bool:
        """Whether it is known which figures of the period have come, and anybody was to be reminded of them: those
        that fell due before the system began are nobody's fault."""
        return by >= self.since and (self.whole or period.first >= self.since)


@dataclass(frozen=True, slots=True)
class Question:
    """A cadence period of a KPI whose figures a reminder may be about."""

    kpi: str
    period: Period
    by: date
    overdue: bool


@dataclass(frozen=True, slots=True)
class Awaited:
    """Figures of one KPI and cadence period that have not come. `units`: some of those that are missing."""

    kpi: str
    period: str
    last: date
    by: date
    overdue: bool
    expected: int
    missing: int
    units: tuple[str, ...]
    newest: date | None
    """The day of the newest figure of those that are missing; None where none ever came."""


def kpis_of(catalog: Catalog, publisher: Publisher, today: date) -> tuple[Kpi, ...]:
    """The KPIs that are expected of the publisher: those that name it, and with `*` those that name nobody.

    A `*` allows much and promises nothing.
    """
    reported = [kpi for kpi in catalog.kpis.values() if not kpi.sources]
    if ALL not in publisher.kpis:
        return tuple(kpi for kpi in reported if kpi.id in publisher.kpis)
    others = [other for other in catalog.publishers if other.id != publisher.id and other.valid_on(today)]
    taken = {kpi for other in others for kpi in other.kpis}
    return tuple(kpi for kpi in reported if kpi.id in publisher.kpis or kpi.id not in taken)


def units_of(catalog: Catalog, publisher: Publisher, kpi: Kpi, on: date) -> tuple[str, ...]:
    """The units from which the publisher reports the KPI on that day: those of the level at which figures are due."""
    units = catalog.units.of_level(kpi.levels[0], on)
    return tuple(unit for unit in units if catalog.publishers.may_report(publisher, kpi.id, unit, on))


def questions(
    catalog: Catalog,
    publisher: Publisher,
    reminded: Mapping[str, Reminded],
    today: date,
    watched: Watched,
) -> Iterator[Question]:
    """The periods that a letter of today may be about, by what the publisher was told before."""
    for asked in _questions(catalog, publisher, reminded, today):
        if watched.knows(asked.period, asked.by):
            yield asked


def _questions(
    catalog: Catalog, publisher: Publisher, reminded: Mapping[str, Reminded], today: date
) -> Iterator[Question]:
    for kpi in kpis_of(catalog, publisher, today):
        before = reminded.get(kpi.id, NEVER)
        passed, coming = around(kpi, catalog.calendar_of(kpi.id), today)
        if passed is not None and (before.on is None or today >= before.on + _pause(before.times)):
            yield Question(kpi.id, *passed, overdue=True)
        if coming is not None and kpi.cadence != "day" and before.soon != coming[0].id:
            period, by = coming
            if catalog.calendar_of(kpi.id).add_working_days(by, -publisher.remind_days) <= today:
                yield Question(kpi.id, period, by, overdue=False)


def around(kpi: Kpi, calendar: Calendar, today: date) -> tuple[tuple[Period, date] | None, tuple[Period, date] | None]:
    """The last cadence period whose figures are overdue, and the first whose figures are not; each with the last day on
    which they may be reported. Of one that has not begun nothing is said."""
    coming = None
    period = calendar.period(kpi.cadence, today)
    while True:
        by = due_by(kpi, calendar, period)
        if by is not None and by < today:
            return (period, by), coming
        if by is not None:
            coming = (period, by)
        if period.first.year <= 1:
            return None, coming
        period = calendar.period(kpi.cadence, period.first - _ONE_DAY)


def awaited(
    asked: Question, catalog: Catalog, publisher: Publisher, before: Reminded, newest: Newest
) -> Awaited | None:
    """Which figures have not come; None where all have, or where nothing is to be said of them again.

    `newest`: of the KPI. One of which no unit has ever reported is told once a period: before it is due, if it can be.
    """
    if asked.overdue and not newest and (before.soon is not None or before.overdue == asked.period.id):
        return None
    units = units_of(catalog, publisher, catalog.kpis[asked.kpi], asked.period.last)
    missing = [unit for unit in units if newest.get(unit, date.min) < asked.period.first]
    if not missing:
        return None
    return Awaited(
        kpi=asked.kpi,
        period=asked.period.id,
        last=asked.period.last,
        by=asked.by,
        overdue=asked.overdue,
        expected=len(units),
        missing=len(missing),
        units=tuple(missing[:NAMED_UNITS]),
        newest=max((newest[unit] for unit in missing if unit in newest), default=None),
    )


def remember(before: Mapping[str, Reminded], told: Iterable[Awaited], today: date) -> dict[str, Reminded]:
    """What the publisher has been told once the letter of today is written."""
    after = dict(before)
    for one in told:
        known = after.get(one.kpi, NEVER)
        if not one.overdue:
            after[one.kpi] = replace(known, soon=one.period)
            continue
        anew = known.on is None or (known.overdue != one.period and today > known.on + LONGEST_PAUSE)
        times = 1 if anew else known.times + 1
        after[one.kpi] = replace(known, overdue=one.period, on=today, times=times)
    return after


def figures_in(told: Sequence[Awaited]) -> int:
    """How many figures these are."""
    return sum(one.missing for one in told)


def _pause(times: int) -> timedelta:
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(max(times, 1) - 1, 5)))
