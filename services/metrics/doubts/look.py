"""What a doubt is computed from: a figure, and the standing figures before it, as one number each.

Increments are left out: a sum of them moves with every event, and a negative one is how they are corrected.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

from contracts.catalog import KpiKind
from services.metrics.definition import Definition
from services.metrics.exact import SCALE, scaled
from services.metrics.figures import Figure
from services.metrics.series import Series

LOOK_BACK = 8
"""Standing figures before the one in doubt: enough for a median, few enough to forget what was usual once."""


class Nature(Enum):
    """How figures of a kind move."""

    RUNNING = auto()
    """A total that starts again in each accounting period."""
    COUNT = auto()
    """A number of things at a moment, or of members done."""
    SHARE = auto()
    """A percentage, measured anew each time."""
    MEASURE = auto()
    """A measured value in the KPI's own unit."""


NATURES: Mapping[KpiKind, Nature] = MappingProxyType(
    {
        "flow": Nature.RUNNING,
        "stock": Nature.COUNT,
        "coverage": Nature.COUNT,
        "ratio": Nature.SHARE,
        "level": Nature.MEASURE,
        "rate": Nature.MEASURE,
    }
)
"""Other kinds move in steps (a rank, a milestone) or are derived: their series raise no doubts."""


Standing = list[tuple[int, Figure]]
"""Days with their standing figures, the nearest first."""


class Point(NamedTuple):
    """A standing figure of a day as one number, scaled: the count, the percentage, the value."""

    day: int
    number: int
    figure: Figure


class Look:
    """The figure in doubt and the standing ones before it, nearest first.

    `before` is the nearest. The rest is read when it is asked for, since most figures are like the one before.
    """

    __slots__ = ("_past", "_standing", "before", "definition", "nature", "now")

    def __init__(self, definition: Definition, nature: Nature, now: Point, before: Point, standing: Standing) -> None:
        self.definition = definition
        self.nature = nature
        self.now = now
        self.before = before
        self._standing = standing
        self._past: list[Point] | None = None

    def has(self, count: int) -> bool:
        """Whether so many are looked back at. Where fewer figures stand, that is known without reading them."""
        return len(self._standing) >= count and len(self.past) >= count

    @property
    def past(self) -> list[Point]:
        """All that are looked back at, `before` among them."""
        if self._past is None:
            numbers = [_number(self.definition, self.nature, figure) for _, figure in self._standing]
            self._past = [
                Point(day, number, figure)
                for (day, figure), number in zip(self._standing, numbers, strict=True)
                if number is not None
            ]
        return self._past


def look(definition: Definition, series: Series, day: int, figure: Figure) -> Look | None:
    """None where nothing stood before, or where figures of the kind cannot be compared."""
    nature = NATURES.get(definition.kpi.kind)
    if nature is None or day <= series.order[0]:
        return None
    number = _number(definition, nature, figure)
    if number is None:
        return None
    first = definition.accounting(day).first if nature is Nature.RUNNING else 1
    standing = series.standing_before(day, first, LOOK_BACK)
    for on, former in standing:
        before = _number(definition, nature, former)
        if before is not None:
            now = Point(day, number, figure)
            return Look(definition, nature, now, Point(on, before, former), standing)
    return None


def _number(definition: Definition, nature: Nature, figure: Figure) -> int | None:
    if nature is Nature.COUNT and definition.kind.rosters:
        members = figure.more.get("members") if figure.more else None
        return figure.n if members is None else len(members) * SCALE
    n, d = figure.n, figure.d
    if n is not None and d is not None:
        base = 100 * SCALE if definition.kpi.rate_base is None else scaled(definition.kpi.rate_base)
        return base * n // d if d > 0 else None
    return figure.v
