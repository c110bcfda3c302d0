"""What a method would have said on earlier days, and by how much it would have been wrong.

From each earlier day (a rolling origin, at least three points known) it forecasts as far ahead as the real forecast has
to look, or to the last figure where the series ends before that. An error over a shorter stretch is scaled up with the
power 0.8 of the distance: between a wandering figure, whose errors grow with its square root, and a mistaken slope,
whose errors grow with the distance itself, and nearer to the latter. It weighs less, as does one made on little
history.

An outlook may lie beyond what can be. What is said is held within it, and by that the method's skill is told. How far
its outlook strays is measured unheld, for the spread lies around an outlook that is not held either: who foresaw 140
where 97 came was wrong by 43, not by the 3 that are left below 100. Only where the figure did come to stand at the
limit, nothing can be seen of the rest, and the outlook did not stray.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

from services.metrics.landing.method import Forecaster
from services.metrics.landing.track import Track

GROWTH = 0.8
FEWEST_KNOWN = 3
MOST_ORIGINS = 24
"""Of a longer series, so many origins, evenly spread over all but its first fifth, are tried."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One forecast of the past. Days are ordinals; `error` is truth − forecast as it would have been said, `scaled` how
    far the truth lay from the outlook, at the real distance.

    `still`: the part of its weight that says “it had not moved at all by then”.
    """

    made: int
    seen: int
    error: float
    scaled: float
    weight: float
    still: float

    @property
    def ahead(self) -> int:
        """Days from the forecast to the truth."""
        return self.seen - self.made


@dataclass(frozen=True, slots=True)
class Backtest:
    """All trials of one method, in order of time."""

    trials: tuple[Trial, ...]

    @property
    def loss(self) -> float:
        """By how much it strayed at the real distance, as a weighted mean: what methods are chosen by."""
        return sum(t.weight * abs(t.scaled) for t in self.trials) / sum(t.weight for t in self.trials)


def backtest(track: Track, forecaster: Forecaster, ahead: int, possible: Callable[[float, float], float]) -> Backtest:
    """Try the method, `ahead` days at a time. `possible(value, now)` holds a value within what can be once `now`
    stands."""
    days, values = track.days, track.values
    trials = []
    for known in _origins(len(days)):
        outlook = forecaster.after(known)
        if outlook is None:
            continue
        made, now = days[known - 1], values[known - 1]
        at = _nearest(days, made + ahead, known)
        part = min(1.0, (days[at] - made) / ahead)
        expected = outlook(days[at])
        error = values[at] - possible(expected, now)
        strayed = values[at] - expected if error else 0.0
        weight = part * (made - days[0]) / track.span
        still = weight * part if values[at] == now else 0.0
        trials.append(Trial(made, days[at], error, strayed / part**GROWTH, weight, still))
    return Backtest(tuple(trials))


def independent(trials: Sequence[Trial]) -> float:
    """How many trials they are worth, at least one: overlapping stretches of one series say nearly the same, and so do
    few heavy ones beside many light ones (Kish's effective size)."""
    weights = [t.weight for t in trials]
    total = sum(weights)
    kish = total**2 / sum(weight**2 for weight in weights)
    ahead = sum(t.ahead * t.weight for t in trials) / total
    return max(1.0, min(kish, (trials[-1].seen - trials[0].made) / ahead))


def widening(trials: Sequence[Trial]) -> float:
    """By how much errors are widened: √(1 + 1 ÷ twice the number of independent trials): 1.22 for a single
    one."""
    return sqrt(1 + 1 / (2 * independent(trials)))


def _origins(points: int) -> Sequence[int]:
    """How many points are known at each origin, rising."""
    first, last = max(FEWEST_KNOWN, points // 5), points - 1
    if last - first < MOST_ORIGINS:
        return range(first, last + 1)
    return [first + (last - first) * n // (MOST_ORIGINS - 1) for n in range(MOST_ORIGINS)]


def _nearest(days: Sequence[int], day: int, first: int) -> int:
    """Which point, from `first` on, lies nearest to the day; the earlier of two as near."""
    after = min(bisect_left(days, day, first), len(days) - 1)
    if after > first and day - days[after - 1] <= days[after] - day:
        return after - 1
    return after
