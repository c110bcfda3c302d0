"""`tiendo rules backtest`: what the rules of a catalog would have done with all that was reported, beside those in
force."""

import asyncio
import dataclasses
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from deploy.embedded import running
from services.alerts.tally import Happened, Tally, tally
from services.cli.addresses import address
from services.cli.backtesting import Crew, Reported, Tried, in_order, with_rules_of
from services.cli.business_day import business_day
from services.cli.catalogs_at_hand import in_force, of_folder
from services.cli.quietly import quiet
from services.cli.settings import HERE, Data, of_the_system
from services.gateway.settings import Settings
from services.metrics.kinds import kind_of
from services.metrics.rebuilding.archive import Archive, Away, connected
from services.metrics.rebuilding.reach import Stretch, reach_of, stretches
from services.runtime import settings
from services.runtime.catalog import Catalog
from services.runtime.catalog.problems import Words, did_you_mean
from services.runtime.errors import StartError

PAGE = 2_000
WIDTH = 150
SHOWN = 15
"""Recipients that are named; `--json` has all."""

console = Console(soft_wrap=True, highlight=False)
errors = Console(soft_wrap=True, highlight=False, stderr=True)


class Numbers(NamedTuple):
    """What was tried, and what came of it: under the rules of the folder, and under those they are held against."""

    first: datetime
    last: datetime
    kpis: int
    figures: int
    made_from_others: tuple[str, ...]
    removed_before: datetime | None
    tried: Tally
    before: Tally | None


def backtest(
    catalog: Annotated[Path, typer.Option(metavar="DIR", help="Thư mục có quy tắc cần thử · Folder with the rules.")],
    against: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="So với thư mục này; mặc định: đang dùng · Default: the rules in force."),
    ] = None,
    kpi: Annotated[list[str] | None, typer.Option(help="Chỉ tiêu; mặc định: tất cả · KPIs; default: all.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Đếm từ ngày · Count from this day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Đến hết ngày; mặc định: hôm nay · Last day.")
    ] = None,
    ingest: Annotated[
        str | None, typer.Option(metavar="URL", help="Cổng nội bộ của ingest · Internal HTTP port of ingest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON · Print JSON and nothing else.")] = False,
    data: Data = HERE,
) -> None:
    """Thử quy tắc với số liệu đã báo cáo: bao nhiêu đợt cảnh báo, ai nhận bao nhiêu thư, so với quy tắc đang dùng.

    Try rules on all that was reported: episodes, how long they were, how early they warned, and mails a week for each
    recipient, against the rules in force. Nothing is sent, and nothing is written.
    """
    read = of_the_system(data)
    content = of_folder(catalog)
    other = of_folder(against) if against is not None else in_force(content.province.id, read)
    until = _midnight_after(asyncio.run(business_day(read, content.zone, last.date() if last else None)).day, content)
    catalogs = [content, *([with_rules_of(content, other)] if other is not None else [])]
    url = address(ingest or _address(data), "--ingest")
    try:
        with quiet():
            found = asyncio.run(_asked(url, catalogs, _reported(content, kpi), first and first.date(), until))
    except Away as error:
        raise StartError(f"{error}.") from None
    if as_json:
        typer.echo(orjson.dumps(_plain(found), option=orjson.OPT_INDENT_2).decode())
    else:
        _say(found, content)


async def _asked(
    url: str, catalogs: Sequence[Catalog], kpis: Sequence[str], first: date | None, until: datetime
) -> Numbers:
    async with Crew(catalogs, until) as crew, connected(url) as archive:
        return await numbers(crew, archive, catalogs, kpis, first, until)


async def numbers(
    crew: Crew, archive: Archive, catalogs: Sequence[Catalog], kpis: Sequence[str], first: date | None, until: datetime
) -> Numbers:
    """Read what was reported, try the rules on it, and count. Raises `Away`."""
    content = catalogs[0]
    every, figures, removed = [Happened() for _ in catalogs], 0, None
    earliest: datetime | None = None
    derived = [kpi for kpi in kpis if kind_of(content.kpis[kpi], content.kpis).derived]
    room = asyncio.Semaphore(crew.size + 1)  # no more is read ahead than is tried next

    async def one(kpi: str) -> tuple[Tried, datetime | None, datetime | None]:
        async with room:
            reported, gone = await ledger(archive, f"{content.province.id}/{kpi}")
            return await crew.tries(kpi, reported), reported[0].at if reported else None, gone

    found = await asyncio.gather(*(one(kpi) for kpi in kpis if kpi not in derived))
    for came, begun, gone in found:
        removed = removed or gone
        figures += came.figures
        earliest = min((at for at in (earliest, begun) if at is not None), default=None)
        for happened, outcome in zip(every, came.outcomes, strict=True):
            happened.adds(outcome)
    begins = earliest or until
    if first is not None:
        begins = max(begins, datetime.combine(first, time(), content.zone).astimezone(UTC))
    cadence = {kpi.id: _DAYS.get(kpi.cadence, 31) * timedelta(days=1) for kpi in content.kpis.values()}
    tallies = [tally(one, begins, until, cadence) for one in every]
    before = tallies[1] if len(tallies) > 1 else None
    many = len(kpis) - len(derived)
    return Numbers(begins, until, many, figures, tuple(derived), removed, tallies[0], before)


async def ledger(archive: Archive, key: str) -> tuple[list[Reported], datetime | None]:
    """All that was ever reported of a KPI, in order; and before when the ledger was cut, if it was. Raises `Away`."""
    extent = await archive.extent(key)
    partitions = []
    for stretch in stretches({}, reach_of(extent)):
        partitions.append([content async for content in _stretch(archive, key, stretch)])
    return in_order(partitions), extent.removed_before


async def _stretch(archive: Archive, key: str, stretch: Stretch) -> Any:
    at: int | None = stretch.start
    while at is not None and at < stretch.until:
        page = await archive.page(key, stretch._replace(start=at), PAGE)
        for content in page.items:
            yield content
        at = page.next


def _reported(catalog: Catalog, named: Sequence[str] | None) -> list[str]:
    for kpi in named or ():
        if kpi not in catalog.kpis:
            wrong = Words(f"không có chỉ tiêu “{kpi}”", f"there is no KPI “{kpi}”")
            raise StartError(str(wrong.then(did_you_mean(kpi, catalog.kpis))))
    return list(named) if named else sorted(catalog.kpis)


def _midnight_after(day: date, catalog: Catalog) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), catalog.zone).astimezone(UTC)


def _address(data: Path) -> str:
    here = running.facts(data / "up") or {}
    return here.get("ingest") or settings.load(Settings, os.environ).gateway.ingest_url


_DAYS: Mapping[str, int] = {"day": 1, "week": 7, "month": 31, "quarter": 92, "half": 184, "year": 366}


def _say(found: Numbers, catalog: Catalog) -> None:
    first, last = (at.astimezone(catalog.zone).date() for at in (found.first, found.last - timedelta(seconds=1)))
    console.print(
        str(
            Words(
                f"Từ {first:%d/%m/%Y} đến {last:%d/%m/%Y}: {found.kpis} chỉ tiêu, {found.figures} số liệu",
                f"from {first} to {last}: {found.kpis} KPIs, {found.figures} figures",
            )
        )
    )
    if found.made_from_others:
        named = ", ".join(found.made_from_others)
        console.print(
            str(
                Words(
                    f"Không thử được, vì tính từ chỉ tiêu khác: {named}", f"not tried, since made from others: {named}"
                )
            )
        )
    if found.removed_before is not None:
        cut = found.removed_before.astimezone(catalog.zone).date()
        console.print(
            str(Words(f"Sổ cái chỉ còn từ {cut:%d/%m/%Y}", f"the ledger was cut; it begins on {cut}")), style="yellow"
        )
    tables = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    tables.print(_table(_rows(found), "Quy tắc · Rules", found.before is not None))
    tables.print(_table(_recipients(found), "Thư mỗi tuần · Mails a week", found.before is not None))
    if found.tried.noisiest:
        console.print(
            Text(
                "Nhiều đợt nhất · Most episodes: "
                + ", ".join(f"{unit} ({many})" for unit, many in found.tried.noisiest)
            )
        )


_Row = tuple[str, float | None, float | None]


def _rows(found: Numbers) -> list[_Row]:
    new, old = found.tried, found.before

    def row(name: str, words: Words) -> _Row:
        return str(words), getattr(new, name), getattr(old, name) if old is not None else None

    return [
        row("episodes", Words("đợt cảnh báo", "episodes")),
        row("still_open", Words("trong đó còn mở", "of these still open")),
        row("median_days", Words("số ngày mỗi đợt (trung vị)", "days of an episode (median)")),
        row("flaps", Words("chập chờn: vừa hết lại chậm", "flaps: back at once")),
        row("warned", Words("không đạt, đã báo trước hạn", "missed, warned before")),
        row("unwarned", Words("không đạt, không báo trước", "missed without a warning")),
        row("lead_days", Words("báo trước bao nhiêu ngày (trung vị)", "days of warning (median)")),
        row("met_after_all", Words("có cảnh báo nhưng vẫn đạt", "warned of, yet met")),
        row("mails", Words("thư", "mails")),
    ]


def _recipients(found: Numbers) -> list[_Row]:
    new = {person: float(one.a_week) for person, one in found.tried.recipients.items()}
    old = {person: float(one.a_week) for person, one in (found.before.recipients if found.before else {}).items()}
    people = sorted({*new, *old}, key=lambda one: (-max(new.get(one, 0), old.get(one, 0)), one))
    shown: list[_Row] = [
        (one, new.get(one, 0.0), old.get(one, 0.0) if found.before is not None else None) for one in people[:SHOWN]
    ]
    if len(people) > SHOWN:
        more = len(people) - SHOWN
        shown.append((str(Words(f"… và {more} người khác", f"and {more} more")), None, None))
    return shown


def _table(rows: Iterable[_Row], title: str, compares: bool) -> Table:
    columns = [Column(""), Column("thử\ntried", justify="right")]
    if compares:
        columns += [Column("so với\nagainst", justify="right"), Column("chênh\nchange", justify="right")]
    table = Table(*columns, title=title, title_justify="left")
    for name, new, old in rows:
        cells = [_number(new)]
        if compares:
            both = new is not None and old is not None
            cells += [_number(old), _number((new or 0) - (old or 0), signed=True) if both else "–"]
        table.add_row(name, *cells)
    return table


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    sign = "+" if signed and value > 0 else ""
    return f"{sign}{value}" if isinstance(value, int) else f"{sign}{value:.2f}".replace(".", ",")


def _plain(found: Numbers) -> dict[str, Any]:
    return {name: _json(value) for name, value in found._asdict().items()}


def _json(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: _json(one) for name, one in value.items()}
    if isinstance(value, Fraction):
        return round(float(value), 3)
    return value
