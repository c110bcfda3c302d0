"""A figure that was made and not reported."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from services.metrics.derived.source import Stood
from services.metrics.exact import Quotient, reduced
from services.metrics.figures import ACTUAL, PRELIMINARY, Figure


class Made(NamedTuple):
    """A figure, and the day for which it stands."""

    as_of: int
    figure: Figure


def figure_of(value: Quotient | None, behind: Sequence[Stood], more: dict[str, Any] | None) -> Figure:
    """The figure of a value in lowest terms, as late and as preliminary as what is behind it."""
    n, d = reduced(*value) if value is not None else (None, None)
    return Figure(
        revision=1,
        grade=PRELIMINARY if any(one.preliminary for one in behind) else ACTUAL,
        reported_at=max(one.reported_at for one in behind),
        id=b"",
        source="",
        n=n,
        d=d,
        more=more,
    )
