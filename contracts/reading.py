"""How a figure, the line it is held against and the gap between them are read: one rule for mails and pages.

What is read adds up: the gap is the difference of the two numbers as they are shown, and both have as many decimals as
show that they differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

from contracts.catalog import Level
from contracts.progress import Contribution, Contributions

MOST_DECIMALS = 6

WIDE = Context(prec=400)
"""In which figures are rounded and subtracted: every double fits, with more decimals than any sentence has."""

MOST_OF_THE_GAP = 0.8
"""The part of the gap that is most of it."""

MOST_PULLED = 3
"""How many of those that lack most are named where shares would mislead."""

Side = Literal["short", "ahead", "over", "under", "off", "on"]

GAPS: dict[Side, tuple[str, str]] = {
    "short": ("thiếu {gap}", "{gap} short"),
    "ahead": ("vượt {gap}", "{gap} ahead"),
    "over": ("cao hơn {gap}", "{gap} too high"),
    "under": ("thấp hơn {gap}", "{gap} below"),
    "off": ("lệch {gap}", "{gap} off"),
    "on": ("đúng kế hoạch", "on plan"),
}
"""On which side of its line a figure is, in Vietnamese and English. Lower is better: `over` is bad, `under` is good."""

LACKS: dict[Side, tuple[str, str]] = {
    "short": ("thiếu {gap} so với mục tiêu", "{gap} short of the target"),
    "over": ("cao hơn mục tiêu {gap}", "{gap} above the target"),
    "off": ("lệch {gap} so với mục tiêu", "{gap} off the target"),
}
"""What a missed target lacks."""

SPLIT = (
    "{named}/{units} đơn vị trực thuộc chiếm {share} % phần thiếu: {names}",
    "{named} of {units} units below make up {share}% of the gap: {names}",
)
"""Who lacks most of what is missing."""

PULLED = (
    "kéo xuống nhiều nhất: {pulled}; các đơn vị còn lại bù {rest}",
    "pulled down most by {pulled}; the others make up {rest}",
)
"""The same where others are so far ahead that shares of what is missing would mislead."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A value, its line and value − line, rounded alike."""

    value: Decimal
    line: Decimal
    gap: Decimal
    decimals: int


def level_words(level: Level, count: int = 2) -> tuple[str, str]:
    """A short word for so many units of the level, in Vietnamese and English: “xã” for “Xã, phường, thị trấn”,
    “communes”."""
    vi = level.name_vi.split(",")[0].strip().lower()
    en = level.name_en.lower()
    return vi, (en if count == 1 else _plural(en)) or vi


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s" if word else ""


def decimals_of(unit_of_measure: str, declared: int) -> int:
    """How many decimals a figure is shown with: percentages with one at least, others with those that are declared."""
    return max(declared, 1) if unit_of_measure == "percent" else declared


def rounded(value: float, decimals: int) -> Decimal:
    """The number that is shown: halves away from zero, and no zero with a sign.

    It is the shortest decimal that names the double that is rounded: 5.25 is 5.3 as on paper, not what its binary
    neighbour would be.
    """
    read = in_decimals(Decimal(repr(float(value))), decimals)
    return read or abs(read)


def in_decimals(exact: Decimal, decimals: int) -> Decimal:
    """The number with so many decimals, halves away from zero, however large it is."""
    return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, WIDE)


def telling_decimals(values: Sequence[float], least: int) -> int:
    """The fewest decimals, from `least` on, with which none of these reads as 0, or as the first, and is not."""
    for decimals in range(least, MOST_DECIMALS + 1):
        shown = [rounded(value, decimals) for value in values]
        if all(
            (read or not value) and (read != shown[0] or value == values[0])
            for read, value in zip(shown, values, strict=True)
        ):
            return decimals
    return least


def shown(value: float, line: float, least: int) -> Shown:
    """Both with as many decimals as show that they differ, from `least` on; the gap is what is left between them."""
    decimals = telling_decimals((value, line), least)
    read, held = rounded(value, decimals), rounded(line, decimals)
    return Shown(read, held, WIDE.subtract(read, held), decimals)


def side_of(gap: float | Decimal, comparator: str) -> Side:
    """On which side a figure is whose gap (value − line) this is."""
    if not gap:
        return "on"
    if comparator == "band":
        return "off"
    if comparator == "<=":
        return "over" if gap > 0 else "under"
    return "ahead" if gap > 0 else "short"


def most_of(split: Contributions | None) -> tuple[tuple[str, ...], float]:
    """The units that make up most of the gap, as few as do, and their share of it (0 to 1).

    Nobody where others are so far ahead that shares of the gap would mislead: then see `pulled_down`.
    """
    names: list[str] = []
    share = 0.0
    for one in split.top if split is not None and shares_tell(split) else ():
        if one.share <= 0 or share >= MOST_OF_THE_GAP:
            break
        names.append(one.org_unit)
        share += one.share
    return tuple(names), share


def shares_tell(split: Contributions) -> bool:
    """Whether shares of the gap say who lacks what: not where those that are short lack more than the whole gap."""
    return sum(one.share for one in split.top if one.share > 0) <= 1


def pulled_down(split: Contributions | None) -> tuple[tuple[Contribution, ...], float]:
    """Where shares of the gap would mislead: those that lack most, and the gap that all others together make up."""
    if split is None or shares_tell(split):
        return (), 0.0
    named = tuple(one for one in split.top if one.share > 0)[:MOST_PULLED]
    whole = sum(one.gap for one in split.top) + split.rest_gap
    return named, whole - sum(one.gap for one in named)
