"""Doubts that need other figures: accepted, shown and told to the publisher, never refused.

Each doubt looks at the figure that stands on a day and at those that stood on the days before, in the order of `as_of`:
so the order of arrival cannot matter. A figure that comes late changes the doubts of the next few at most.
"""

from services.metrics.definition import Definition
from services.metrics.doubts import fell, jump, parts, repeated, shift, sources
from services.metrics.doubts.doubt import Doubt
from services.metrics.doubts.look import LOOK_BACK, look
from services.metrics.figures import Figure
from services.metrics.series import Series

__all__ = [
    "LOOK_BACK",
    "PARTS_DISAGREE",
    "SOURCES_DISAGREE",
    "Doubt",
    "among_parts",
    "among_sources",
    "of_series",
]

SOURCES_DISAGREE, PARTS_DISAGREE = sources.CODE, parts.CODE
among_sources, among_parts = sources.doubt, parts.doubt


def of_series(definition: Definition, series: Series, day: int, figure: Figure) -> list[Doubt]:
    """What the series before it raises about the figure that stands on the day."""
    seen = look(definition, series, day, figure)
    if seen is None:
        return []
    shifted = shift.doubt(seen)
    found = (fell.doubt(seen), repeated.doubt(seen), shifted or jump.doubt(seen))
    return [one for one in found if one is not None]
