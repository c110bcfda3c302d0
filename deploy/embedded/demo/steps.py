"""What was done, and how long each part of it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Steps:
    """Says each step as it begins and keeps its time, in seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.times: list[tuple[str, float]] = []

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One step."""
        self._console.print(f"[bold]▸[/] {what} …", highlight=False)
        began = time.monotonic()
        yield
        self.times.append((what, time.monotonic() - began))
