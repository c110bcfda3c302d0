"""The whole page: headline, tiles, table, detail, alerts."""

from dataclasses import dataclass

from contracts.progress import Status
from services.gateway.views import svg
from services.gateway.views.alarms import SHOWN, AlertRow, alert_rows
from services.gateway.views.below import Detail, detail
from services.gateway.views.figures import Teller, later
from services.gateway.views.headline import Headline, headline
from services.gateway.views.kpis import KpiRow, count_by_status, heads, row
from services.gateway.views.links import Links
from services.gateway.views.numbers import Numbers
from services.gateway.views.reading import Choice, Ground, Reading, day_of_figure
from services.gateway.views.statuses import LATE, URGENCY, Badge, badge
from services.gateway.views.words import Words


@dataclass(frozen=True, slots=True)
class Tile:
    """How many KPIs have a status."""

    badge: Badge
    count: int
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Option:
    """A choice in a list."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the template places. `empty` where there is no figure yet."""

    province: str
    data_day: str
    now: str
    now_machine: str
    catalog_version: str
    periods: list[Option]
    headline: Headline
    tiles: list[Tile]
    strip: str
    rows: list[KpiRow]
    folded: list[KpiRow]
    """Those without any figure: one line that can be opened, unless they were asked for."""
    detail: Detail | None
    alerts: list[AlertRow]
    alerts_open: int
    alerts_more: int
    alerts_href: str
    owner: str
    """Who answers for all that is shown; empty if these are several."""
    untargeted: int
    untargeted_href: str
    empty: bool
    kpis: int
    units: int
    simulated: bool


def wanted(choice: Choice, ground: Ground, reading: Reading) -> tuple[str, str] | None:
    """The KPI and period of which the detail is to be read, if one was chosen."""
    for head in heads(reading.upper, ground, choice.period):
        if head.kpi.id == choice.kpi:
            return head.kpi.id, head.record.period
    return None


def board(choice: Choice, ground: Ground, reading: Reading) -> Board:
    """Put the page together."""
    words = Words(choice.language)
    teller = Teller(words, Numbers(words))
    links = Links(choice)
    found = heads(reading.upper, ground, choice.period)
    rows = sorted(
        (row(head, ground, reading.counts, teller, links, choice.kpi) for head in found),
        key=_order,
    )
    counts = count_by_status(found)
    shown = [one for one in rows if _is_shown(one, choice)]
    folded = [one for one in shown if one.silent and not one.chosen and choice.status is None]
    opened = next((head for head in found if head.kpi.id == choice.kpi), None)
    alerts = reading.alerts if choice.all_alerts else reading.alerts[:SHOWN]
    local = ground.now.astimezone(ground.catalog.zone)
    day = None
    for head in found:
        day = later(day, day_of_figure(head.record))
    return Board(
        province=words.either(ground.catalog.province.name_vi, ground.catalog.province.name_en),
        data_day=teller.numbers.day(day) if day else "",
        now=teller.numbers.moment(local),
        now_machine=local.isoformat(),
        catalog_version=ground.catalog.version,
        periods=_periods(choice, ground, reading, words),
        headline=headline(counts, rows, 0 if choice.period else reading.alerts_open, words, links),
        tiles=_tiles(counts, choice, words, links),
        strip=_strip(counts, words),
        rows=[one for one in shown if one not in folded],
        folded=folded,
        detail=detail(opened, reading.chosen, ground, teller, links) if opened is not None else None,
        alerts=alert_rows(alerts, ground, teller, links),
        alerts_open=reading.alerts_open,
        alerts_more=max(reading.alerts_open - len(alerts), 0),
        alerts_href=links.board(anchor="alerts", alerts="all"),
        owner=shown[0].owner if len({one.owner for one in shown}) == 1 else "",
        untargeted=counts[Status.NO_TARGET] if choice.status is None else 0,
        untargeted_href=links.board(status=Status.NO_TARGET.value, kpi=None, unit=None),
        empty=not found,
        kpis=len(ground.catalog.kpis),
        units=sum(1 for unit in ground.catalog.units if unit.valid_on(ground.day)),
        simulated=any(one.simulated for one in shown),
    )


def _order(one: KpiRow) -> tuple[bool, bool, tuple[int, float], str]:
    """Late or at risk, then what is well itself but has late units below, then the rest; in each the worst first."""
    itself = one.said.badge.code in {*LATE, Status.AT_RISK}
    below = one.below is not None and one.below.late > 0
    return not itself, not (itself or below), one.said.badness, one.name


def _is_shown(one: KpiRow, choice: Choice) -> bool:
    """What has no target cannot be late: it is shown where it is asked for."""
    if choice.status is not None:
        return one.said.badge.code == choice.status.value
    return one.said.badge.code != Status.NO_TARGET.value or one.chosen


def _tiles(counts: dict[Status, int], choice: Choice, words: Words, links: Links) -> list[Tile]:
    return [
        Tile(
            badge(status, words),
            number,
            links.board(status=None if choice.status is status else status.value, kpi=None, unit=None),
            choice.status is status,
        )
        for status, number in counts.items()
    ]


def _strip(counts: dict[Status, int], words: Words) -> str:
    label = ", ".join(f"{badge(status, words).word} {number}" for status, number in counts.items() if number)
    return svg.status_strip(
        [svg.Share(status.value, counts[status]) for status in URGENCY if status is not Status.NO_TARGET], label
    )


def _periods(choice: Choice, ground: Ground, reading: Reading, words: Words) -> list[Option]:
    """The periods of which the top has records, latest first."""
    names = {document["period"] for document in reading.upper if document["org_unit"] in ground.roots}
    if choice.period:
        names.add(choice.period)
    current = Option("", words("Kỳ hiện nay"), choice.period is None)
    return [current, *(Option(name, name, choice.period == name) for name in sorted(names, reverse=True))]
