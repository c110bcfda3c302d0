"""The series as the methods see it: in order of time, thinned, with the point that it started from."""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite

from services.metrics.landing.asked import Asked, Earlier, Point

MOST = 60
"""Points that the methods look at. Of a longer series, the last one of each equal stretch of time."""

LARGEST = 1e15


def is_number(value: float) -> bool:
    """Whether it can be computed with: finite, and not so large that a double cannot count in ones any more."""
    return isfinite(value) and abs(value) <= LARGEST


@dataclass(frozen=True, slots=True)
class Track:
    """Days (ordinals, rising) and values. `reported`: how many figures it came from, the starting point not counted."""

    days: tuple[int, ...]
    values: tuple[float, ...]
    first: int
    reported: int
    cumulative: bool
    earlier: tuple["Track", ...] = ()

    @property
    def span(self) -> int:
        """Days from the first point to the last."""
        return self.days[-1] - self.days[0]


def track_of(asked: Asked, deadline: int) -> Track | None:
    """The track of the figures up to the deadline, numbers all of them; None where a day has two values."""
    points = _in_order(point for point in asked.points if point[0] <= deadline)
    if points is None:
        return None
    reported = len(points) if asked.reported is None else asked.reported
    points = thinned(points)
    start = asked.baseline if asked.baseline is not None else (asked.first - 1, 0.0) if asked.cumulative else None
    if start is not None and points and start[0] < points[0][0]:
        points.insert(0, start)
    return Track(
        tuple(day for day, _ in points),
        tuple(value for _, value in points),
        asked.first,
        reported,
        asked.cumulative,
        tuple(_formers(asked, deadline)),
    )


def _formers(asked: Asked, deadline: int) -> Iterator[Track]:
    """The periods right before this one, the latest first, as far back as none is missing or fell silent before the day
    that the deadline is of this one. Silence is not standing still, and what lies beyond a gap is no neighbour."""
    first = asked.first
    for period in sorted(asked.earlier, key=lambda one: -one.first):
        former = _former(period, asked.cumulative)
        if former is None or period.last + 1 != first or period.until < same_day(deadline, asked.first, period.first):
            return
        yield former
        first = period.first


def same_day(day: int, first: int, former: int) -> int:
    """Which day of a former period is what `day` is of the one that begins on `first`: the same of the month, the last
    being the last, where both periods begin on the same of a month; otherwise as many days after the beginning."""
    here, there, now = (date.fromordinal(one) for one in (first, former, day))
    if here.day != there.day:
        return former + day - first
    year, month = divmod(12 * (now.year + there.year - here.year) + now.month + there.month - here.month - 1, 12)
    longest = monthrange(year, month + 1)[1]
    last = now.day == monthrange(now.year, now.month)[1]
    return date(year, month + 1, longest if last else min(now.day, longest)).toordinal()


def _former(period: Earlier, cumulative: bool) -> Track | None:
    """An earlier period. One that cannot be used is left out: it is help, not evidence."""
    points = _in_order(period.points) if all(is_number(value) for _, value in period.points) else None
    if not points or len(points) < 2:
        return None
    return Track(
        tuple(day for day, _ in points),
        tuple(value for _, value in points),
        period.first,
        len(points),
        cumulative,
    )


def _in_order(points: Iterable[Point]) -> list[Point] | None:
    found: dict[int, float] = {}
    for day, value in points:
        if found.get(day, value) != value:
            return None
        found[day] = float(value)
    return sorted(found.items())


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most `MOST` of them."""
    if len(points) <= MOST:
        return list(points)
    first, last = points[0][0], points[-1][0]
    kept: dict[int, Point] = {}
    for point in points:
        kept[(point[0] - first) * (MOST - 1) // (last - first)] = point
    return list(kept.values())
