"""What the terminal shows while the demonstration runs: a live table, or now and then a line without a terminal."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from contracts.topics import ALERTS, OBSERVATIONS, PROGRESS, STATISTICS_REPORTED
from deploy.embedded.demo.gauges import Gauges

LINE_EVERY_S = 5.0


class Show:
    """Shows readings. On a terminal one table that is drawn over; elsewhere a plain line each few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=False) if console.is_terminal else None
        self._said = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def update(self, when: str, gauges: Gauges, mails: int) -> None:
        """Show this reading; `when` is the simulated day."""
        rows = _rows(gauges, mails)
        if self._live is not None:
            self._live.update(_table(when, rows))
        elif time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            self._console.print(
                f"{when}  " + "  ".join(f"{service}: {said}" for service, _, _, said in rows), highlight=False
            )


Row = tuple[str, int, int, str]


def _rows(gauges: Gauges, mails: int) -> list[Row]:
    def row(service: str, topic: str, said: str) -> Row:
        handled = gauges.total(service, "tiendo_consumed_total", topic=topic)
        lag = gauges.total(service, "tiendo_consumer_lag_records", topic=topic)
        return service, handled, lag, said

    out = {topic: gauges.total(service, "tiendo_published_total", topic=topic) for service, topic in _OUT}
    return [
        row("ingest", STATISTICS_REPORTED.name, f"{out[OBSERVATIONS.name]:,} observations"),
        row("metrics", OBSERVATIONS.name, f"{out[PROGRESS.name]:,} judgements"),
        row("alerts", PROGRESS.name, f"{out[ALERTS.name]:,} transitions, {mails:,} mails"),
        row("gateway", PROGRESS.name, "on the page"),
    ]


_OUT = (("ingest", OBSERVATIONS.name), ("metrics", PROGRESS.name), ("alerts", ALERTS.name))


def _table(when: str, rows: list[Row]) -> Table:
    table = Table(title=f"Tiến Độ · {when}", title_justify="left", expand=False)
    table.add_column("service")
    table.add_column("events", justify="right")
    table.add_column("lag", justify="right")
    table.add_column("so far")
    for service, handled, lag, said in rows:
        table.add_row(service, f"{handled:,}", f"{lag:,}", said)
    return table
