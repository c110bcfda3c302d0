"""`tiendo demo | up | down`: the whole system on a bare machine, with nothing but Python."""

import sys
from pathlib import Path
from typing import Annotated

import typer

DATA = Path(".tiendo")

DataFolder = Annotated[Path, typer.Option("--data", help="Where data, mails and logs are kept.")]
Broker = Annotated[
    str, typer.Option("--broker", help="`tansu` (embedded, in memory) or `kafka` (needs Java 17 and Maven).")
]


def demo(
    weeks: Annotated[int | None, typer.Option(help="Play only the first weeks of the year.")] = None,
    broker: Broker = "tansu",
    data: DataFolder = DATA,
) -> None:
    """Start everything, play a year of a province through it, show what came of it, and end."""
    from deploy.embedded import lifecycle

    sys.exit(lifecycle.demo(data / "demo", lifecycle.broker_kind(broker), weeks))


def up(
    broker: Broker = "tansu",
    port: Annotated[int, typer.Option(help="Of the dashboard.")] = 8080,
    clock: Annotated[
        str, typer.Option(help="`demo` (starts in 2023 and moves on with the data) or `system`.")
    ] = "demo",
    empty: Annotated[
        bool, typer.Option("--empty", help="Do not play the demonstration's year at the first start.")
    ] = False,
    data: DataFolder = DATA,
) -> None:
    """Start everything and stay until Ctrl-C or `tiendo down`; what was accepted is kept."""
    from deploy.embedded import lifecycle

    sys.exit(lifecycle.up(data / "up", lifecycle.broker_kind(broker), port=port, clock=clock, empty=empty))


def down(data: DataFolder = DATA) -> None:
    """End what `tiendo up` started: what is under way is finished first."""
    from deploy.embedded import running

    typer.echo("ended" if running.end(data / "up", seconds=90) else "nothing is running")
