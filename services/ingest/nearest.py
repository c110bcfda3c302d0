"""Which known names look like one that nobody knows, for “did you mean …?”.

Names are compared by their trigrams, of which rare ones weigh more (Dice's coefficient, weighted): what nearly all
names share says nothing, nor is it looked at, so that a question costs little however many names there are, and
thousands of unknown names hold nobody up.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from math import log2

from contracts.catalog import OrgUnit

_COMMON = 48
"""A trigram of more forms than these says nothing."""

_LIKE = 0.5
"""From here on two names look alike; 1 is the same."""

_MOST = 3
_REMEMBERED = 4_096
_LONGEST = 80


class Nearest:
    """Names to be looked among. Each may be written in several forms."""

    def __init__(self, forms: Iterable[tuple[str, str]]) -> None:
        """`forms`: how a name may be written, and the name."""
        self._names: list[str] = []
        holders: defaultdict[str, list[int]] = defaultdict(list)
        sets: list[set[str]] = []
        for form, name in forms:
            sets.append(_trigrams(form))
            for trigram in sets[-1]:
                holders[trigram].append(len(self._names))
            self._names.append(name)
        self._unseen = log2(1 + len(sets))
        self._weights = {
            trigram: log2(1 + len(sets) / len(those)) if len(those) <= _COMMON else 0.0
            for trigram, those in holders.items()
        }
        self._holders = {trigram: those for trigram, those in holders.items() if len(those) <= _COMMON}
        self._whole = [sum(self._weights[trigram] for trigram in found) for found in sets]
        self.like = lru_cache(_REMEMBERED)(self._like)

    def _like(self, word: str) -> tuple[str, ...]:
        """Those that look most like it, the likest first; often none."""
        trigrams = _trigrams(word)
        shared: defaultdict[int, float] = defaultdict(float)
        whole = 0.0
        for trigram in trigrams:
            weight = self._weights.get(trigram, self._unseen)
            whole += weight
            for at in self._holders.get(trigram, ()):
                shared[at] += weight
        likeness = {at: 2 * weight / (whole + self._whole[at]) for at, weight in shared.items()}
        near = sorted((at for at in likeness if likeness[at] >= _LIKE), key=lambda at: (-likeness[at], self._names[at]))
        return tuple(dict.fromkeys(self._names[at] for at in near))[:_MOST]


def of_units(units: Iterable[OrgUnit]) -> Nearest:
    """Units by their id, the last step of it, and their names. Not by national codes: their neighbours are others."""
    return Nearest(
        (form, unit.id)
        for unit in units
        for form in {unit.id, unit.id.rpartition(".")[2], _plain(unit.name), _plain(unit.short_name)} - {""}
    )


def asked(near: Iterable[str]) -> tuple[str, str]:
    """“did you mean …?” as the end of a sentence, in both languages; a colon where nothing is near."""
    names = [f"“{name}”" for name in near]
    if not names:
        return ":", ":"
    return f", có phải {' hoặc '.join(names)}?", f", did you mean {' or '.join(names)}?"


def _trigrams(word: str) -> set[str]:
    padded = f"  {_plain(word)} "
    return {padded[at : at + 3] for at in range(len(padded) - 2)}


_BETWEEN = re.compile(r"[^a-z0-9.]+")


def _plain(text: str) -> str:
    """As ids are written: lower case without accents."""
    bare = unicodedata.normalize("NFD", text[:_LONGEST].lower()).replace("đ", "d")
    letters = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return _BETWEEN.sub("-", letters).strip("-")
