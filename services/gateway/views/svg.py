"""Gap bars: how far a figure has come on the way from baseline to target, and where it should be by now.

    zero line ┃▇▇▇▇▇▇▇▇▇▇▒▒▒▒▒┃            ┆  target
              baseline       value  plan (heavy mark)

Positions are shares of the way: 0 is the baseline, 1 the target, whatever the direction and unit. Nothing is capped in
silence: what lies beyond the frame ends in an arrow. Only attributes, no styles: colours come from the page's classes,
and shape says the same as colour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 240, 20
LOW, HIGH = -0.05, 1.12
"""The frame, in shares of the way."""

_FILL_TOP, _FILL_HEIGHT = 6, 8
_ARROW = 7


@dataclass(frozen=True, slots=True)
class Way:
    """Shares of the way: the figure and the plan; None where there is none."""

    value: float | None
    planned: float | None


def way_of(value: float | None, planned: float | None, baseline: float | None, target: float | None) -> Way | None:
    """Figures as shares of the way from baseline to target.

    Without a baseline, or with one that equals the target, the way begins at nothing (0). None where there is no way.
    """
    start = baseline if baseline is not None and baseline != target else 0.0
    if target is None or target == start:
        return None
    length = target - start
    return Way(*(None if figure is None else (figure - start) / length for figure in (value, planned)))


def gap_bar(way: Way | None, status: str, label: str) -> str:
    """The picture. `status` becomes a class, `label` what a screen reader says."""
    shapes = "".join(_shapes(way)) if way is not None else _nothing()
    return (
        f'<svg class="bar is-{escape(status)}" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{shapes}</svg>'
    )


def x_of(share: float) -> float:
    """Where a share of the way lies in the frame, in user units; beyond the frame, its edge."""
    inside = min(max(share, LOW), HIGH)
    return round((inside - LOW) / (HIGH - LOW) * WIDTH, 1)


def _shapes(way: Way) -> Iterator[str]:
    zero, goal = x_of(0), x_of(1)
    if way.value is None:
        yield _nothing()
        yield from _marks(way, zero, goal)
        return
    yield _rect("track", zero, goal)
    yield _rect("fill", *sorted((zero, x_of(way.value))))
    if way.planned is not None and way.planned > way.value:
        yield _rect("short", x_of(way.value), x_of(way.planned))
    yield from _marks(way, zero, goal)
    yield from _beyond("fill", way.value)


def _marks(way: Way, zero: float, goal: float) -> Iterator[str]:
    yield _line("zero", zero, 3, HEIGHT - 3)
    yield _line("goal", goal, 3, HEIGHT - 3)
    if way.planned is not None:
        yield _line("plan", x_of(way.planned), 0, HEIGHT)
        yield from _beyond("plan", way.planned)


def _beyond(kind: str, share: float) -> Iterator[str]:
    """An arrow at the edge for what lies outside the frame."""
    if LOW <= share <= HIGH:
        return
    tip, base = (WIDTH, WIDTH - _ARROW) if share > HIGH else (0, _ARROW)
    middle, half = HEIGHT / 2, _FILL_HEIGHT
    yield f'<path class="beyond {kind}" d="M{base} {middle - half}L{tip} {middle}L{base} {middle + half}z"/>'


def _nothing() -> str:
    return f'<line class="nothing" x1="{x_of(0)}" x2="{x_of(1)}" y1="{HEIGHT / 2}" y2="{HEIGHT / 2}"/>'


def _rect(kind: str, left: float, right: float) -> str:
    return f'<rect class="{kind}" x="{left}" y="{_FILL_TOP}" width="{round(right - left, 1)}" height="{_FILL_HEIGHT}"/>'


def _line(kind: str, x: float, top: float, bottom: float) -> str:
    return f'<line class="{kind}" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>'


@dataclass(frozen=True, slots=True)
class Share:
    """One part of the strip of statuses."""

    status: str
    count: int


def status_strip(shares: list[Share], label: str) -> str:
    """How the KPIs spread over the statuses, as one strip. The tiles beside it say the same in words."""
    total = sum(share.count for share in shares)
    if not total:
        return ""
    parts, left = [], 0.0
    for share in shares:
        width = share.count / total * 1000
        if share.count:
            at = f'x="{left:.1f}" y="0" width="{max(width - 3, 1):.1f}" height="10"'
            parts.append(f'<rect class="is-{escape(share.status)}" {at}/>')
        left += width
    frame = 'class="strip" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"'
    return f'<svg {frame} aria-label="{escape(label)}">{"".join(parts)}</svg>'
