"""The history of a record as a picture: what was reached by each `as_of`, beside the plan and the target.

    90 ┤                        ┄┄┄┄┄┄┄┄┄ target
       │              ╱┄┄ plan
       │        ●━━━━●
       └──┬─────┬─────┬──

Like the gap bars it has attributes and classes only, no styles. Each point has the shape of its status, and a title for
whoever points at it; a table beside the picture says the same. On a phone another drawing stands in its place, upright
and with fewer dates, so that all of it is seen and read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from math import floor, log10

_LINES = 5
_MONTHS_APART = (1, 2, 3, 6, 12, 24)
_TICKS = 13
_DIGIT = 6.4
"""How wide a character of the scale is at most, in user units."""


@dataclass(frozen=True, slots=True)
class Size:
    """A drawing's frame in user units; `name` is its class. `ticks`: how many dates fit beside one another."""

    name: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    shape: float
    ticks: int
    titled: bool


WIDE = Size("wide", 880, 280, 64, 18, 18, 30, 11, _TICKS, titled=True)
NARROW = Size("narrow", 360, 240, 34, 24, 14, 30, 9, 5, titled=False)


@dataclass(frozen=True, slots=True)
class Point:
    """One reading: `label` is what a title says of it."""

    day: date
    value: float
    status: str
    label: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A stretch of the plan: what was planned by day, and the target that it led to; where nothing else held."""

    first: date
    last: date
    points: Sequence[tuple[date, float]]
    goal: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn."""

    first: date
    last: date
    points: Sequence[Point]
    plans: Sequence[Plan]
    today: date


def chart(picture: Picture, label: str, texts: Sequence[str], size: Size = WIDE) -> str:
    """The picture; empty where there is nothing to draw. `texts`: the numbers beside `lines_of`, from below."""
    frame = _Frame(picture, size, max(map(len, texts), default=0))
    if not frame.values:
        return ""
    shapes = "".join((*_grid(frame, texts), *_plan(frame), *_series(frame)))
    view = f'class="chart {size.name}" viewBox="0 0 {size.width} {size.height}"'
    return f'<svg {view} role="img" aria-label="{escape(label)}">{shapes}</svg>'


def lines_of(picture: Picture) -> list[float]:
    """The values at which lines are drawn, round numbers, from below."""
    return _Frame(picture).lines


class _Frame:
    """Where days and values lie."""

    def __init__(self, picture: Picture, size: Size = WIDE, longest: int = 0) -> None:
        """`longest`: of how many characters the longest number beside a line is."""
        self.picture, self.size = picture, size
        self.left, self.right = max(size.left, 10 + _DIGIT * longest), size.width - size.right
        self.floor = size.height - size.bottom
        self.values = [point.value for point in picture.points]
        self.values += [value for plan in picture.plans for _, value in plan.points]
        self.values += [plan.goal for plan in picture.plans if plan.goal is not None]
        low, high = (min(self.values), max(self.values)) if self.values else (0.0, 1.0)
        self.step = _round_step((high - low or abs(high) or 1.0) / (_LINES - 1))
        start = floor(low / self.step)
        self.lines = [start * self.step]
        while self.lines[-1] < high:
            self.lines.append((start + len(self.lines)) * self.step)
        if len(self.lines) == 1:
            self.lines.append((start + 1) * self.step)

    def x(self, day: date) -> float:
        span = max((self.picture.last - self.picture.first).days, 1)
        share = min(max((day - self.picture.first).days / span, 0), 1)
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        low, high = self.lines[0], self.lines[-1]
        return round(self.floor - (value - low) / (high - low) * (self.floor - self.size.top), 1)


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5 × 10ⁿ."""
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def months(first: date, last: date, most: int = _TICKS) -> list[date]:
    """Firsts of months between, not more than fit beside one another."""
    found: list[date] = []
    day = first.replace(day=1)
    while day <= last:
        if day >= first:
            found.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    for apart in _MONTHS_APART:
        chosen = [one for one in found if (one.year * 12 + one.month - 1) % apart == 0]
        if len(chosen) <= most:
            return chosen
    return [one for one in found if one.month == 1][:most]


def _grid(frame: _Frame, texts: Sequence[str]) -> Iterator[str]:
    for value, text in zip(frame.lines, texts, strict=True):
        y = frame.y(value)
        yield _line("rule", frame.left, y, frame.right, y)
        yield f'<text class="scale" x="{frame.left - 8}" y="{y + 4}" text-anchor="end">{escape(text)}</text>'
    for day in months(frame.picture.first, frame.picture.last, frame.size.ticks):
        x = frame.x(day)
        yield _line("tick", x, frame.floor, x, frame.floor + 5)
        yield f'<text class="scale" x="{x}" y="{frame.size.height - 9}" text-anchor="middle">{day:%m/%Y}</text>'
    if frame.picture.first <= frame.picture.today <= frame.picture.last:
        x = frame.x(frame.picture.today)
        yield _line("today", x, frame.size.top, x, frame.floor)


def _plan(frame: _Frame) -> Iterator[str]:
    plans = frame.picture.plans
    for plan in plans:
        if plan.goal is not None:  # to the edge where no other version follows
            y, last = frame.y(plan.goal), frame.picture.last if plan is plans[-1] else plan.last
            yield _line("goal", frame.x(plan.first), y, frame.x(last), y)
        corners = " ".join(f"{frame.x(day)},{frame.y(value)}" for day, value in plan.points)
        if corners:
            yield f'<polyline class="plan" points="{corners}"/>'


def _series(frame: _Frame) -> Iterator[str]:
    points = frame.picture.points
    if not points:
        return
    corners = " ".join(f"{frame.x(point.day)},{frame.y(point.value)}" for point in points)
    yield f'<polyline class="series" points="{corners}"/>'
    size = frame.size.shape
    for point in points:
        x, y, status = frame.x(point.day) - size / 2, frame.y(point.value) - size / 2, escape(point.status)
        title = f"<title>{escape(point.label)}</title>" if frame.size.titled else ""
        yield (
            f'<g class="point is-{status}">{title}'
            f'<use href="#is-{status}" x="{x:.1f}" y="{y:.1f}" width="{size}" height="{size}"/></g>'
        )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
