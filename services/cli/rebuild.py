"""`tiendo rebuild`: have figures computed anew from the ledger, follow it, and say what changed.

The work is metrics', and goes on through restarts whether or not anybody follows.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from httpx2 import Client, ConnectError, HTTPError, HTTPStatusError, Response
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from contracts.rebuilds import KpiRebuild, Rebuild, RebuildAsked, RebuildReport, RecordChanged, RecordSaid, Stage
from deploy.embedded import running
from services.cli.addresses import address
from services.cli.following import Bars, Lines, Show, Silence
from services.cli.settings import HERE, Data
from services.gateway.settings import Settings
from services.runtime import settings
from services.runtime.errors import StartError

PATH = "/internal/v1/rebuilds"
EVERY_S = 0.3
NAMED = 10
"""Changes of a KPI that are printed; `--json` has more of them."""


def rebuild(
    province: Annotated[str, typer.Argument(help="Id of the province.", show_default=False)],
    kpi: Annotated[
        list[str] | None, typer.Option(help="Id of a KPI; may be given again. Default: all.", show_default=False)
    ] = None,
    follow: Annotated[
        str | None, typer.Option(metavar="ID", help="Follow one that was asked for before.", show_default=False)
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Internal HTTP port of metrics. Default: that of `tiendo up`, else TIENDO_GATEWAY_METRICS_URL.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON, and nothing else.")] = False,
    patience: Annotated[float, typer.Option(help="Seconds that metrics may be away before this ends.")] = 60.0,
    data: Data = HERE,
) -> None:
    """Compute figures anew from the ledger of accepted events, and say what changed.

    Until all of a KPI is computed, readers keep the figures that are there, and events are taken as always.

    Exit code 0: all is done. 1: something was refused, or metrics went away. 2: it could not be asked for.
    """
    console = Console(soft_wrap=True, highlight=False)
    url = address(metrics or _address(data), "--metrics")
    with Client(base_url=url, timeout=10, trust_env=False) as client:
        ask = partial(_found, client, follow) if follow else _asking(client, province, kpi or ())
        asked = _first(url, patience, ask)
        if not as_json:
            console.print(f"rebuild {asked.command_id} of {asked.province}: {_many(len(asked.kpis), 'KPI')}")
        show: Show = Silence() if as_json else Bars(console) if console.is_terminal else Lines(console)
        done = _followed(client, asked, show, patience)
    if as_json:
        sys.stdout.write(done.model_dump_json(indent=2) + "\n")
    else:
        for one in done.kpis:
            for line in _told(one):
                console.print(line)
    if any(one.stage is Stage.REFUSED for one in done.kpis):
        raise typer.Exit(1)


# asking


def _address(data: Path) -> str:
    """Where metrics answers: of the system on this machine, or as the settings of the gateway say."""
    here = running.facts(data / "up") or {}
    return here.get("metrics") or settings.load(Settings, os.environ).gateway.metrics_url


def _asking(client: Client, province: str, kpis: Sequence[str]) -> Callable[[], Response]:
    try:
        asked = RebuildAsked(command_id=uuid4().hex, province=province, kpis=tuple(kpis))
    except ValidationError as error:
        raise StartError(f"{error.errors()[0]['input']!r} is no id of a province or KPI.") from None
    body = asked.model_dump_json()
    return partial(client.post, PATH, content=body, headers={"content-type": "application/json"})


def _found(client: Client, command_id: str) -> Response:
    return client.get(f"{PATH}/{command_id}")


def _first(url: str, patience_s: float, ask: Callable[[], Response]) -> Rebuild:
    """The first answer. Whoever was reached and died while answering is asked again: it is the same command."""
    began, reached = time.monotonic(), False
    while True:
        try:
            answer = ask()
            if answer.status_code in (200, 202):
                return Rebuild.model_validate_json(answer.content)
            why = _reason(answer)
            if why is not None:
                raise StartError(f"metrics refuses: {why}.")
            answer.raise_for_status()
        except (HTTPError, ValidationError) as error:
            reached = reached or not isinstance(error, ConnectError | HTTPStatusError)
            if not reached or time.monotonic() - began > patience_s:
                why = (str(error) or type(error).__name__).splitlines()[0]
                raise StartError(
                    f"metrics does not answer at {url} ({why}): start it, or name its internal port with --metrics."
                ) from None
            time.sleep(EVERY_S)


def _reason(answer: Response) -> str | None:
    """Why metrics refuses; None if it is not metrics that answers, or not yet."""
    try:
        return str(answer.json()["why"])
    except (ValueError, KeyError, TypeError):
        return None


# following


def _followed(client: Client, asked: Rebuild, show: Show, patience_s: float) -> Rebuild:
    """Return once all is over; a metrics that restarts meanwhile is waited for."""
    now, heard = asked, time.monotonic()
    again = f"To look again: tiendo rebuild {asked.province} --follow {asked.command_id}"
    with show:
        try:
            while not now.over:
                show.show(now)
                time.sleep(EVERY_S)
                try:
                    answer = _found(client, asked.command_id)
                    answer.raise_for_status()
                    now, heard = Rebuild.model_validate_json(answer.content), time.monotonic()
                except (HTTPError, ValidationError):
                    if time.monotonic() - heard > patience_s:
                        _end(f"metrics did not answer for {patience_s:g} s; it goes on when it is back. {again}", 1)
        except KeyboardInterrupt:
            _end(f"metrics goes on with it. {again}", 130)
        show.show(now)
    return now


def _end(sentence: str, code: int) -> None:
    sys.stderr.write(f"tiendo: {sentence}\n")
    raise typer.Exit(code)


# what came of it


def _told(one: KpiRebuild) -> list[Text]:
    if one.report is None or one.stage is Stage.REFUSED:
        return [Text(f"{one.kpi}: refused: {one.why}", style="red")]
    report = one.report
    if not (report.figures_changed or report.records_changed):
        same = f"{_many(report.figures_same, 'figure')} and {_many(report.records_same, 'record')}"
        return [Text(f"{one.kpi}: nothing changed ({same}, {_many(one.read, 'event')})", style="green")]
    changed = f"{_many(report.figures_changed, 'figure')} and {_many(report.records_changed, 'record')} changed"
    same = f"{report.figures_same} and {report.records_same} did not, {_many(one.read, 'event')}"
    return [Text(f"{one.kpi}: {changed} ({same})", style="yellow"), *_changes(report)]


def _changes(report: RebuildReport) -> list[Text]:
    lines = [f"    {one.change} {one.org_unit} {one.as_of}" for one in report.figures[:NAMED]]
    lines += _rest(report.figures_changed, len(lines))
    records = [f"    {one.org_unit} {one.period}: {_words(one)}" for one in report.records[:NAMED]]
    return [Text(line) for line in (*lines, *records, *_rest(report.records_changed, len(records)))]


def _rest(all_of_them: int, told: int) -> list[str]:
    return [f"    and {all_of_them - told} more"] if all_of_them > told else []


def _words(one: RecordChanged) -> str:
    before = "nothing" if one.before is None else _said(one.before)
    return f"{before} → {_said(one.after)}"


def _said(one: RecordSaid) -> str:
    value = "no value" if one.value is None else f"{one.value:.6g}"
    return f"{value} {one.status or 'lost'} (version {one.version})"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
