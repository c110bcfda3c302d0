"""The notation for series of promtool's unit tests: `1.0 0.88x3 _x2 0.96`. Exact.

`a` is one value; `axn` is it and n repeats; `a+bxn` and `a-bxn` are it and n more, each a step further; `_` and `_xn`
are one and n places without a value.
"""

import re
from collections.abc import Iterator
from fractions import Fraction

from services.runtime.catalog.problems import Words

MOST = 10_000
"""Values in one series."""

_NUMBER = r"-?\d+(?:\.\d+)?"
_PIECE = re.compile(rf"(?P<first>{_NUMBER}|_)(?:(?P<step>[+-]\d+(?:\.\d+)?)?x(?P<times>\d+))?")


class NotASeries(ValueError):
    """A piece that is none; the message says in both languages what to write."""


def series(text: str) -> list[Fraction | None]:
    """The values in order; None where there is none. Raises `NotASeries`."""
    found: list[Fraction | None] = []
    for piece in text.split():
        found.extend(_values(piece, MOST + 1 - len(found)))
        if len(found) > MOST:
            raise NotASeries(str(Words(f"dãy dài hơn {MOST} giá trị", f"the series has more than {MOST} values")))
    return found


def _values(piece: str, most: int) -> Iterator[Fraction | None]:
    match = _PIECE.fullmatch(piece)
    if match is None or (match["first"] == "_" and match["step"]):
        raise NotASeries(
            str(
                Words(
                    f"“{piece}” không phải là một đoạn của dãy; hãy viết như 0.88, 0.88x3, 1-0.05x4, _ hoặc _x2",
                    f"“{piece}” is no piece of a series; write it like 0.88, 0.88x3, 1-0.05x4, _ or _x2",
                )
            )
        )
    times = min(int(match["times"] or 0), most)
    if match["first"] == "_":
        yield from [None] * (times if match["times"] else 1)
        return
    first, step = Fraction(match["first"]), Fraction(match["step"] or 0)
    yield from (first + step * number for number in range(times + 1))
