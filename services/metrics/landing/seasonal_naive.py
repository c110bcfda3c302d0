"""Seasonal naive: from here to the deadline it changes as it did in the earlier periods between the same days.

Of a running total the change is scaled to how far this period is ahead of the earlier one, within limits: early in the
year that ratio says little.
"""

from bisect import bisect_right
from statistics import fmean

from services.metrics.landing.method import Forecaster, Outlook
from services.metrics.landing.track import Track, same_day

MOST_PERIODS = 3
LEAST_SCALE, MOST_SCALE = 1 / 3, 3.0


class SeasonalNaive:
    """The method."""

    name = "seasonal_naive"

    def on(self, track: Track) -> Forecaster | None:
        return _OnTrack(track) if track.earlier else None


class _OnTrack:
    def __init__(self, track: Track) -> None:
        self._track = track

    def after(self, known: int) -> Outlook | None:
        track = self._track
        last, value = track.days[known - 1], track.values[known - 1]
        models: list[tuple[Track, float, float]] = []
        for then in track.earlier:
            stood = stood_at(then, same_day(last, track.first, then.first))
            if stood is not None and len(models) < MOST_PERIODS:
                models.append((then, stood, _scale(value, stood) if track.cumulative else 1.0))
        if not models:
            return None

        def outlook(day: int) -> float:
            changes = (
                scale * (_later(then, same_day(day, track.first, then.first)) - stood) for then, stood, scale in models
            )
            return value + fmean(changes)

        return outlook


def _scale(now: float, then: float) -> float:
    if then <= 0 or now <= 0:
        return 1.0
    return min(MOST_SCALE, max(LEAST_SCALE, now / then))


def stood_at(then: Track, day: int) -> float | None:
    """The value that stood on a day of an earlier period: between two points on a straight line, after the last one,
    for as long as it speaks, what it ended with, None before the first."""
    after = bisect_right(then.days, day)
    if after == 0:
        return None
    if after == len(then.days):
        return then.values[-1]
    before, following = then.days[after - 1], then.days[after]
    part = (day - before) / (following - before)
    return then.values[after - 1] + part * (then.values[after] - then.values[after - 1])


def _later(then: Track, day: int) -> float:
    found = stood_at(then, day)
    assert found is not None  # something stood before already
    return found
