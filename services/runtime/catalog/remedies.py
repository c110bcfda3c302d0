"""What somebody meant who wrote a number, a day or an id as people write them, and how it is written in a catalog."""

import re
import unicodedata
from datetime import date
from decimal import Decimal

_OF_ONE = frozenset({"fire", "clear", "on_track_pace", "at_risk_pace", "weight"})
"""Fields that are shares of 1 where people say percent."""

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([., ])\d{3})(?:\1\d{3})*")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})")
_HOUR = re.compile(r"(\d{1,2})\s*(?:[hg:]\s*(\d{2})?)", re.IGNORECASE)
_SPAN = re.compile(r"(\d+)\s*(?:d|days?|ngày)?", re.IGNORECASE)


def number_of(text: str, field: str) -> str | None:
    """`92,5`, `92%`, `1.200.000` as a number; None where that is not clear."""
    plain = text.strip().replace("\u00a0", " ")
    percent = plain.endswith("%")
    plain = plain.removesuffix("%").strip()
    grouped = _GROUPED.fullmatch(plain)
    if grouped is not None and (plain.count(grouped[1]) > 1 or grouped[1] == " "):
        plain = plain.replace(grouped[1], "")
    elif re.fullmatch(r"[+-]?\d+,\d+", plain):
        plain = plain.replace(",", ".")
    if not re.fullmatch(r"[+-]?\d+(?:\.\d+)?", plain):
        return None
    if percent and field in _OF_ONE:
        return format((Decimal(plain) / 100).normalize(), "f")
    return plain


def day_of(text: str) -> str | None:
    """`15/12/2022` as a day; None where it is none."""
    for pattern, order in ((_DAY_FIRST, (3, 2, 1)), (_YEAR_FIRST, (1, 2, 3))):
        found = pattern.fullmatch(text.strip())
        if found is not None:
            try:
                return date(*(int(found[part]) for part in order)).isoformat()
            except ValueError:
                return None
    return None


def looks_like_a_day(text: str) -> bool:
    """Whether it has the parts of a day, though there may be no such day."""
    return bool(_DAY_FIRST.fullmatch(text.strip()) or _YEAR_FIRST.fullmatch(text.strip()))


def hour_of(text: str) -> str | None:
    """`7h30` as a time of day; None where it is none."""
    found = _HOUR.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        return None
    return f"{int(found[1]):02}:{found[2] or '00'}"


def span_of(text: str) -> str | None:
    """`30 ngày` as a span of days; None where it is none."""
    found = _SPAN.fullmatch(text.strip())
    return f"P{found[1]}D" if found else None


def id_of(text: str) -> str | None:
    """The id that looks most like the text; None where nothing is left of it."""
    bare = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(sign for sign in bare if not unicodedata.combining(sign)).lower()
    found = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("._-")[:80]
    return found or None


def period_of(text: str) -> str | None:
    """`12/2023`, `Quý 3/2023`, `2023-9` as the name of a period; None where that is not clear."""
    plain = text.strip().casefold()
    if found := re.fullmatch(r"(?:tháng\s*)?(\d{1,2})[/.-](\d{4})", plain):
        month, year = int(found[1]), found[2]
    elif found := re.fullmatch(r"(\d{4})[/.-](\d{1,2})", plain):
        year, month = found[1], int(found[2])
    else:
        return _part_of(plain)
    return f"{year}-{month:02}" if 1 <= month <= 12 else None


def _part_of(plain: str) -> str | None:
    if found := re.fullmatch(r"(?:quý\s*|q)([1-4])[\s/.-]*(\d{4})", plain):
        return f"{found[2]}-Q{found[1]}"
    if found := re.fullmatch(r"(\d{4})[\s/.-]*(?:quý\s*|q)([1-4])", plain):
        return f"{found[1]}-Q{found[2]}"
    if found := re.fullmatch(r"năm\s*(\d{4})", plain):
        return found[1]
    return None
