"""Run rate: it goes on from today's level as fast as it has lately.

The speed is the median of the speeds over half of the recent stretch each (Theil and Sen's slope, of distant pairs
only, so that a figure which moves in rare jumps is not said to stand still). The level is the median of the last three
points, each carried forward to the last day; of a running total, which has no error of measurement, its last value.
"""

from statistics import median

from services.metrics.landing.method import Forecaster, Outlook
from services.metrics.landing.track import Track

LATELY = 0.6
"""Part of the points known that counts as lately."""

FEWEST = 4


class RunRate:
    """The method."""

    name = "run_rate"

    def on(self, track: Track) -> Forecaster:
        return _OnTrack(track)


class _OnTrack:
    def __init__(self, track: Track) -> None:
        self._track = track

    def after(self, known: int) -> Outlook | None:
        if known < 2:
            return None
        days, values = self._track.days, self._track.values
        first = max(0, known - max(FEWEST, round(known * LATELY)))
        half = (known - first) // 2
        slope = median((values[i + half] - values[i]) / (days[i + half] - days[i]) for i in range(first, known - half))
        last = days[known - 1]
        if self._track.cumulative:
            level = values[known - 1]
        else:
            level = median(values[i] + slope * (last - days[i]) for i in range(max(first, known - 3), known))
        return lambda day: level + slope * (day - last)
