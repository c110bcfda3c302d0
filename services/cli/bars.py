"""Bars that show how far something is."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def bars(console: Console, *, passing: bool = False) -> Progress:
    """Bars on this console, each with its description and, in the field `words`, what is to be said of it. `passing`:
    only on a terminal, and gone at the end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        console=console,
        disable=passing and not console.is_terminal,
        transient=passing,
    )
