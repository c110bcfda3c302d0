"""How figures, days and problems are put into words for a publisher: Vietnamese first, English beside."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.statistics import Problem, RejectionCode
from services.runtime.sameness import plain

_LONGEST = 200

Problems = tuple[Problem, ...]

NONE: Problems = ()


def problem(code: RejectionCode, field: str | None, vi: str, en: str, value: Any = None) -> Problem:
    """One reason for a refusal. The value that stood there is shortened to what a reader needs to find it."""
    return Problem(code=code.value, field=field, message_vi=vi, message_en=en, value=shown(value))


def shown(value: Any) -> Any:
    """A JSON value small enough to be quoted in a rejection; numbers with a fraction as decimal strings."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**53) < value < 2**53:
        return value
    if isinstance(value, date):
        return value.isoformat()
    try:
        text = value if isinstance(value, str) else str(value)
    except RecursionError:  # lists in lists in lists …
        return "…"
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def vi(number: Decimal | int) -> str:
    """As it is written in Vietnamese: 1.013,5."""
    return en(number).translate(_SWAP)


def en(number: Decimal | int) -> str:
    """As it is written in English: 1,013.5."""
    whole, point, rest = plain(Decimal(number)).partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.lstrip("-") != "0" else f"{whole}{point}{rest}"


def day_vi(day: date) -> str:
    """30/9/2023."""
    return f"{day.day}/{day.month}/{day.year}"


def listed(words: Iterable[str]) -> str:
    """Some words, and that there are more where there are."""
    some = list(words)
    return ", ".join(some[:12]) + (" …" if len(some) > 12 else "")


_SWAP = str.maketrans(",.", ".,")
