"""Damped Holt: a smoothed level and a smoothed trend that fades out the further one looks.

Gardner and McKenzie (1985), in Wright's form for points at uneven distances: one step is the median distance. Of five
settings the one speaks whose forecasts from point to point have been best until then.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from services.metrics.landing.method import Forecaster, Outlook
from services.metrics.landing.track import Track

SETTINGS = ((0.4, 0.1, 0.98), (0.9, 0.1, 0.98), (0.4, 0.3, 0.95), (0.9, 0.3, 0.95), (0.9, 0.5, 0.85))
"""Smoothing of level and of trend, and damping, for one step."""


class DampedHolt:
    """The method."""

    name = "damped_holt"

    def on(self, track: Track) -> Forecaster | None:
        return _OnTrack(track) if len(track.days) > 2 else None


@dataclass(frozen=True, slots=True)
class _State:
    """After a point: level, change a step, and the sum of the absolute errors from point to point so far."""

    level: float
    trend: float
    error: float


class _OnTrack:
    def __init__(self, track: Track) -> None:
        self._days = track.days
        self._step = float(median(b - a for a, b in pairwise(track.days)))
        self._states = [_run(track, self._step, *setting) for setting in SETTINGS]

    def after(self, known: int) -> Outlook | None:
        if known < 3:
            return None
        best = min(range(len(SETTINGS)), key=lambda n: self._states[n][known - 1].error)
        state, damping = self._states[best][known - 1], SETTINGS[best][2]
        last, step = self._days[known - 1], self._step
        return lambda day: state.level + state.trend * fading(damping, (day - last) / step)


def fading(damping: float, steps: float) -> float:
    """φ + φ² + … over so many steps, also between whole ones."""
    return damping * (1 - math.pow(damping, steps)) / (1 - damping)


def _run(track: Track, step: float, alpha: float, beta: float, damping: float) -> list[_State]:
    days, values = track.days, track.values
    level, error = values[0], 0.0
    trend = (values[1] - values[0]) * step / (days[1] - days[0])
    states = [_State(level, trend, error)]
    for i in range(1, len(days)):
        gap = (days[i] - days[i - 1]) / step
        expected = level + trend * fading(damping, gap)
        if i > 1:
            error += abs(values[i] - expected)
        a, b = 1 - (1 - alpha) ** gap, 1 - (1 - beta) ** gap
        before, level = level, expected + a * (values[i] - expected)
        trend = (1 - b) * trend * damping**gap + b * (level - before) / gap
        states.append(_State(level, trend, error))
    return states
