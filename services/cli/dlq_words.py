"""What `tiendo dlq` says: for people, and as JSON for programs."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from services.cli.bars import bars
from services.runtime.kafka.letter import Letter
from services.runtime.kafka.quarantine import Lying, Mark

OPEN = "open"
"""The state of what nothing became of yet."""


def console() -> Console:
    """Where people read."""
    return Console(soft_wrap=True, highlight=False)


@contextmanager
def bar(words: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; elsewhere only the end counts."""
    with bars(Console(stderr=True), passing=True) as progress:
        task = progress.add_task(words, total=None, words="")
        yield lambda done, total: progress.update(task, completed=done, total=total)


def table(console: Console, lying: Sequence[Lying]) -> None:
    """Letters, a line each, with every source and id in full. On a terminal that is too narrow for that these stand on
    a line of their own."""
    heading, *rows = (
        ("offset", "quarantined", "reason", "source", "id", "bytes", "attempts", "state"),
        *map(_row, lying),
    )
    whole = Table(*heading, box=None)
    for row in rows:
        whole.add_row(*map(Text, row))
    width = console.measure(whole, options=console.options.update(width=_WIDEST)).maximum
    if width <= console.width or not console.is_terminal:
        console.width = max(width, console.width)
        console.print(whole)
        return
    for offset, at, reason, source, id, size, attempts, standing in rows:
        console.print(Text(f"{offset}  {at}  {reason}  {size} bytes, {attempts} attempts, {standing}"))
        console.print(Text(f"    {source}  {id}", style="dim"))


_WIDEST = 100_000
"""Columns: two attributes of the greatest length take fewer."""


def _row(one: Lying) -> tuple[str, ...]:
    letter, found = one.letter, one.letter.finding
    return (
        str(letter.place.offset),
        found.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        *(plain(cell) for cell in (found.reason, found.source or "–", found.id or "–")),
        str(len(letter.value or b"")) + (" (cut)" if letter.cut else ""),
        str(letter.attempts),
        state(one.mark),
    )


def by_reason(letters: Iterable[Letter]) -> str:
    """How many there are, for which reasons."""
    counts = Counter(one.finding.reason for one in letters)
    return f"{counts.total()}: " + ", ".join(f"{count} × {escape(reason)}" for reason, count in counts.most_common())


def told(one: Lying) -> Mapping[str, Any]:
    """A letter as JSON."""
    letter, found = one.letter, one.letter.finding
    return {
        "offset": letter.place.offset,
        "quarantined_at": found.at.isoformat(),
        "reason": found.reason,
        "detail": found.detail,
        "handler": found.handler,
        "source": found.source,
        "id": found.id,
        "attempts": letter.attempts,
        "origin": letter.origin._asdict(),
        "key": text(letter.key),
        "bytes": None if letter.value is None else len(letter.value),
        "cut": letter.cut,
        "state": state(one.mark),
        "state_since": one.mark and one.mark.at.isoformat(),
    }


def state(mark: Mark | None) -> str:
    """What became of it."""
    return OPEN if mark is None else mark.fate.value


def ordinal(number: int) -> str:
    """1: first."""
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def text(raw: bytes | None) -> str | None:
    """Bytes as text, whatever they are."""
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


def plain(text: str) -> str:
    """What a publisher wrote must not move a terminal's cursor."""
    return "".join(one if one.isprintable() or one == "\n" else "�" for one in text)


def line(told: Mapping[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
