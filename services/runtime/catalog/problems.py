"""What is wrong with a catalog, where, and what to write instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, NamedTuple

from contracts.catalog import CatalogObject

Path = tuple[str | int, ...]


class Words(NamedTuple):
    """A sentence, or a piece of one, in both languages."""

    vi: str
    en: str

    def __str__(self) -> str:
        return f"{self.vi} · {self.en}"

    def then(self, more: "Words") -> "Words":
        """With more behind it."""
        return Words(self.vi + more.vi, self.en + more.en)


NOTHING = Words("", "")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `file` is relative to the catalog's folder; line 0 means the file as a whole."""

    file: str
    line: int
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {'warning: ' if self.severity == 'warning' else ''}{self.message}"


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """A catalog object, and where each of its fields is written."""

    item: CatalogObject
    file: str
    line: int
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, *path: str | int) -> int:
        """The line of a field; of the nearest thing around it, where the field itself is not written."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return self.line

    def problem(self, message: Words, *path: str | int) -> Problem:
        """An error at a field."""
        return Problem(self.file, self.line_of(*path), str(message))

    def warning(self, message: Words, *path: str | int) -> Problem:
        """A warning at a field."""
        return Problem(self.file, self.line_of(*path), str(message), "warning")


def did_you_mean(word: str, known: Iterable[str], otherwise: Words = NOTHING) -> Words:
    """“; write X instead”, if something known looks like the word; else a short list of what is known; else the
    remedy given."""
    choices = sorted(set(known))
    close = get_close_matches(word, choices, n=1, cutoff=0.6)
    if close:
        return Words(f"; hãy viết “{close[0]}”", f"; write “{close[0]}” instead")
    if 0 < len(choices) <= 12:
        some = ", ".join(choices)
        return Words(f"; hãy viết một trong: {some}", f"; write one of {some} instead")
    return otherwise
