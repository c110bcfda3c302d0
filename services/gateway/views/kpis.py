"""The table of the province's KPIs: which record stands for each, and its row."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.catalog import Kpi
from contracts.progress import ProgressJudged, Status
from contracts.reading import level_words
from services.gateway.documents import Count
from services.gateway.views.figures import Said, Teller, worst
from services.gateway.views.links import Links
from services.gateway.views.reading import Ground, judged
from services.gateway.views.statuses import JUDGED, LATE, URGENCY
from services.runtime.catalog.catalog import Catalog

OTHERS_NAMED = 12
"""Missing units that are named; the rest is a number."""


@dataclass(frozen=True, slots=True)
class Below:
    """How many of the reporting units below are late."""

    late: int
    total: int
    level: str
    judged: int
    """Of how many there is a figure to judge by."""
    worst: str
    """Name of the worst unit of the level between, if any is late."""
    worst_href: str
    """The detail, narrowed to that unit."""


@dataclass(frozen=True, slots=True)
class KpiRow:
    """One KPI in the table."""

    id: str
    name: str
    full_name: str
    period: str
    said: Said
    completeness: str
    complete: bool
    silent: bool
    """There is no figure in the period, here or below."""
    below: Below | None
    owner: str
    why: str
    """Why there is no figure, or why it does not count."""
    simulated: bool
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The record that stands for a KPI, and those of the units below that have units of their own."""

    kpi: Kpi
    record: ProgressJudged
    between: list[ProgressJudged]


def heads(upper: Iterable[dict[str, object]], ground: Ground, period: str | None) -> list[Head]:
    """For each KPI the record of the topmost unit: of the asked period, else of the one in which today lies."""
    by_kpi: defaultdict[str, list[ProgressJudged]] = defaultdict(list)
    for document in upper:
        record = judged(document)
        if record.kpi in ground.catalog.kpis:
            by_kpi[record.kpi].append(record)
    found = []
    for kpi_id, records in by_kpi.items():
        own = [record for record in records if record.org_unit in ground.roots]
        head = _of_period(own, period) if period else _current(own, ground)
        if head is not None:
            between = [one for one in records if one.org_unit not in ground.roots and one.period == head.period]
            found.append(Head(ground.catalog.kpis[kpi_id], head, between))
    return found


def _of_period(records: Sequence[ProgressJudged], period: str) -> ProgressJudged | None:
    return next((record for record in records if record.period == period), None)


def _current(records: Sequence[ProgressJudged], ground: Ground) -> ProgressJudged | None:
    """The shortest period around today that has a target; else any around today; else the latest one before, else any.

    A record of this year without target and figure says less than last year's figure, but says it of today: it wins.
    """
    today = ground.now.astimezone(ground.catalog.zone).date()

    def preference(record: ProgressJudged) -> tuple[bool, bool, int, int]:
        span = ground.catalog.calendar_of(record.kpi).parse(record.period)
        around = span.contains(today)
        return not around, record.target is None, span.days if around else 0, -span.last.toordinal()

    readable = [record for record in records if _readable(ground.catalog, record)]
    return min(readable, key=preference, default=None)


def _readable(catalog: Catalog, record: ProgressJudged) -> bool:
    try:
        catalog.calendar_of(record.kpi).parse(record.period)
    except ValueError:
        return False
    return True


def row(
    head: Head, ground: Ground, counts: Sequence[Count], teller: Teller, links: Links, chosen: str | None
) -> KpiRow:
    """One KPI in words."""
    words, record, kpi = teller.words, head.record, head.kpi
    short = words.either(kpi.short_name, kpi.short_name_en)
    full = words.either(kpi.name_vi, kpi.name_en)
    completeness = record.completeness
    opened = chosen == kpi.id
    below = _below(head, ground, counts, teller, links)
    return KpiRow(
        id=kpi.id,
        name=short or full,
        full_name=full,
        period=record.period,
        said=teller.say(record, kpi, short or full),
        completeness=_completeness(record),
        complete=completeness is None or completeness.reported >= completeness.expected,
        silent=record.status is Status.UNKNOWN and record.value is None and not (below and below.judged),
        below=below,
        owner=owner_of(ground, record),
        why=_why(head, teller),
        simulated=kpi.simulated or bool(record.target and record.target.simulated),
        href=links.board(kpi=None if opened else kpi.id, unit=None),
        chosen=opened,
    )


def _completeness(record: ProgressJudged) -> str:
    found = record.completeness
    return f"{found.reported}/{found.expected}" if found is not None else ""


def _below(head: Head, ground: Ground, counts: Sequence[Count], teller: Teller, links: Links) -> Below | None:
    words = teller.words
    level = reporting_level(head.kpi, ground)
    if level is None:
        return None
    record, day = head.record, ground.last_day(head.record).isoformat()
    mine = [
        one
        for one in counts
        if (one.kpi, one.period, one.level) == (record.kpi, record.period, level)
        and (one.until is None or day < one.until)
    ]
    total = sum(one.number for one in mine)
    if not total:
        return None
    late = sum(one.number for one in mine if one.status in LATE)
    named = worst(head.between)
    unit = ground.catalog.units.get(named.org_unit) if named is not None else None
    return Below(
        late=late,
        total=total,
        level=level_word(ground, level, teller, total),
        judged=sum(one.number for one in mine if one.status in JUDGED),
        worst=ground.short_name(unit.id, words) if unit else "",
        worst_href=links.board(anchor=f"kpi-{head.kpi.id}", kpi=head.kpi.id, unit=unit.id) if unit else "",
    )


def reporting_level(kpi: Kpi, ground: Ground) -> str | None:
    """The level at which the KPI's figures are due, if that is below the top."""
    level = kpi.levels[0]
    tops = {unit.level for root in ground.roots if (unit := ground.catalog.units.get(root)) is not None}
    return None if level in tops else level


def level_word(ground: Ground, level_id: str, teller: Teller, count: int = 2) -> str:
    """A short word for so many units of a level: “xã” for “Xã, phường, thị trấn”, “communes”."""
    for level in ground.catalog.province.levels:
        if level.id == level_id:
            return teller.words.either(*level_words(level, count))
    return level_id


def owner_of(ground: Ground, record: ProgressJudged) -> str:
    """Who answers for the figure: the holders of the target's owner role at the unit. Empty if nobody does."""
    target = ground.catalog.targets.judging(record.kpi, record.org_unit, record.period, ground.day)
    role = target.owner_role if target is not None else "owner"
    return ", ".join(person.name for person in ground.catalog.people.holding(role, record.org_unit, ground.day))


def _why(head: Head, teller: Teller) -> str:
    if head.record.status is not Status.UNKNOWN and head.record.value is not None:
        return ""
    return next(iter(teller.reasons(head.record, head.kpi)), "")


def count_by_status(found: Iterable[Head]) -> dict[Status, int]:
    """How many KPIs have each status, the most urgent first."""
    counts = dict.fromkeys(URGENCY, 0)
    for head in found:
        counts[head.record.status] += 1
    return counts
