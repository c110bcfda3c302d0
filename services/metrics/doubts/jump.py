"""`jump`: a step far beyond those that the series usually makes; 71, 71, 71, 71, 7.

Robust: medians, so that one former outlier neither hides the next nor makes the return from it look like one. Figures
far from the one before *and* from the median are in doubt. A truthful big change passes with this flag, once.
"""

from itertools import pairwise
from math import isqrt

from services.metrics.days import iso
from services.metrics.doubts.doubt import Doubt, doubted, shown
from services.metrics.doubts.look import Look, Nature
from services.metrics.doubts.median import median
from services.metrics.exact import SCALE

CODE = "jump"

AT_LEAST = 3
"""Figures before it: fewer say nothing about what is usual."""

STEPS = 8
"""So many times the median step, by the day, is still usual."""

OF_LEVEL = 30
"""Percent of the usual level by which a figure may move whatever it did before, so that a constant series has room."""

SLACK = SCALE // 1000
"""So little is no step: rounding inside must not decide."""

_SCATTER = 250 * SCALE * isqrt(SCALE)

POINTS = 20
"""The same for a share, in points; more of a small denominator, where one case moves many."""


def doubt(look: Look) -> Doubt | None:
    """The figure against the one before and against the median of the last few."""
    now, before = look.now, look.before
    step, floor = abs(now.number - before.number), _floor(look, before.number)
    if step <= floor or not look.has(AT_LEAST):
        return None
    past = look.past
    usual = median([point.number for point in past])
    off = min(step, abs(now.number - usual))
    floor = max(floor, _floor(look, usual))
    if off <= floor:
        return None
    paces = [abs(later.number - earlier.number) // (later.day - earlier.day) for later, earlier in pairwise(past)]
    if off <= STEPS * median(paces) * (now.day - before.day) + floor:
        return None
    return doubted(
        CODE,
        "Nhảy từ {before} (ngày {before_on}) đến {now}; trước đó thường khoảng {usual}.",
        "It jumped from {before} ({before_on}) to {now}; about {usual} was usual.",
        before=shown(before.number),
        before_on=iso(before.day),
        now=shown(now.number),
        usual=shown(usual),
    )


def _floor(look: Look, level: int) -> int:
    """How far from a level a figure may be in any case. Counts and shares scatter by the root of what is counted: five
    times that."""
    if look.nature is Nature.SHARE:
        d = look.now.figure.d
        scatter = _SCATTER // isqrt(d) if d else 0
        return max(POINTS * SCALE, scatter) + SLACK
    room = abs(level) * OF_LEVEL // 100
    if look.nature is Nature.MEASURE:
        return room + SLACK
    return max(room, 5 * isqrt(abs(level) * SCALE)) + SLACK
