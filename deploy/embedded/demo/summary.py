"""What came of it: read from the public API and the mail folder, as anybody could, and shown in the terminal."""

import email
import email.policy
import json
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from deploy.embedded.system import System
from services.runtime.catalog.catalog import Catalog

PERIOD = "2023"
WORST = 5
SHOWN_KPI = "document-digitisation"
FORECAST = "Dự báo: "

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """The year's outcome."""

    records: Sequence[Json]
    alerts: Sequence[Json]
    mails: Sequence[EmailMessage]
    folder: Path


def read(system: System, folder: Path) -> Result:
    """Everything that the summary shows."""
    files = sorted(folder.glob("*.eml"))
    return Result(
        records=list(_pages(system, "progress", {"period": PERIOD})),
        alerts=list(_pages(system, "alerts", {})),
        mails=[email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files],
        folder=folder,
    )


def show(
    console: Console, result: Result, catalog: Catalog, sent: int, times: Sequence[tuple[str, float]], whole: float
) -> None:
    """Print the summary."""
    console.print()
    console.print(_statuses(result.records))
    console.print(_worst(result.records, catalog))
    opened = sum(alert.get("episode", 0) for alert in result.alerts)
    still = sum(1 for alert in result.alerts if alert["status"] == "open")
    console.print(
        f"[bold]Alerts[/]: {opened:,} opened, {opened - still:,} closed, {still:,} still open", highlight=False
    )
    letters = [mail for mail in result.mails if "X-KPI-Publisher" in mail]
    alerts = [mail for mail in result.mails if "X-KPI-Publisher" not in mail]
    console.print(f"[bold]Mails[/]: {len(alerts):,} in {result.folder} ({_kinds(alerts)})", highlight=False)
    console.print(f"[bold]Letters to publishers[/]: {len(letters):,} beside them ({_kinds(letters)})", highlight=False)
    _one_mail(console, result.mails)
    console.print(_times(times, sent, whole))


def _kinds(mails: Sequence[EmailMessage]) -> str:
    """How many there are of each kind."""
    kinds = Counter(mail.get("X-KPI-Reason", "other") for mail in mails)
    return ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())


def _pages(system: System, path: str, filters: dict[str, str]) -> Iterator[Json]:
    cursor: str | None = None
    while True:
        query = urlencode({**filters, "limit": "200", **({"cursor": cursor} if cursor else {})})
        with urllib.request.urlopen(system.url("gateway", f"/api/v1/{path}?{query}"), timeout=10) as answer:
            page: Json = json.load(answer)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _statuses(records: Sequence[Json]) -> Table:
    table = Table(title="Figures of 2023 by status", title_justify="left", min_width=32)
    table.add_column("status")
    table.add_column("records", justify="right")
    for status, count in Counter(record["status"] for record in records).most_common():
        table.add_row(status, f"{count:,}")
    return table


def _worst(records: Sequence[Json], catalog: Catalog) -> Table:
    """The largest shortfalls, as a share of the way from baseline to target: units differ."""
    table = Table(title=f"The {WORST} worst gaps", title_justify="left")
    for column in ("KPI", "unit", "value", "planned", "gap", "pace", "forecast", "chance"):
        table.add_column(column, justify="left" if column in ("KPI", "unit") else "right")
    for record in sorted(filter(_has_gap, records), key=_shortfall, reverse=True)[:WORST]:
        unit = catalog.units.get(record["org_unit"])
        numbers = (record["value"], record["planned"], record["gap"], record["pace"])
        table.add_row(
            catalog.kpis[record["kpi"]].short_name,
            unit.name if unit is not None else record["org_unit"],
            *("–" if n is None else f"{n:,.2f}" for n in numbers),
            *_landing(record),
        )
    return table


def _landing(record: Json) -> tuple[str, str]:
    """Where it will stand at the deadline, and the chance that the target is met."""
    landing = record.get("landing")
    return ("–", "–") if landing is None else (f"{landing['value']:,.2f}", f"{landing['p_meet']:.0%}")


def _has_gap(record: Json) -> bool:
    target = record.get("target") or {}
    return record.get("gap") is not None and target.get("value") is not None and target.get("baseline") is not None


def _shortfall(record: Json) -> float:
    way = record["target"]["value"] - record["target"]["baseline"]
    return float(-record["gap"] / way) if way else 0.0


def _one_mail(console: Console, mails: Sequence[EmailMessage]) -> None:
    opening = [mail for mail in mails if mail.get("X-KPI-Reason") == "FIRST"]
    some = [mail for mail in opening if SHOWN_KPI in mail.get("X-KPI", "")] or opening
    if not some:
        return
    # One of later in the year, when there are figures enough for a forecast.
    shown = next((mail for mail in some if FORECAST in _text(mail)), some[0])
    lines = [f"{name}: {_header(shown, name)}" for name in ("From", "To", "Date", "Subject", "Message-ID")]
    console.rule("one of the mails")
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    console.print()
    console.print(_text(shown), highlight=False, markup=False, soft_wrap=True)
    console.rule()


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _header(mail: EmailMessage, name: str) -> str:
    """A header in plain words. Python's own reading puts spaces into names that were folded."""
    raw = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    return str(make_header(decode_header(raw)))


def _times(times: Sequence[tuple[str, float]], sent: int, whole: float) -> Table:
    table = Table(title=f"{sent:,} events sent", title_justify="left")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for what, seconds in times:
        table.add_row(what, f"{seconds:.1f}")
    table.add_row("in all", f"{whole:.1f}", style="bold")
    return table
