"""The errors of the past as a distribution of the next one: smoothed, widened when they are few, nothing assumed.

Each error counts as much on the other side: few errors of one series tell how far off a method is, not reliably to
which side, and so the middle of the distribution is what the method says. Around each lies a logistic bump, so that no
value is said to be impossible because it has not happened yet.
"""

from collections.abc import Sequence
from math import exp, pow, sqrt

from services.metrics.landing.backtest import Trial, independent, widening

BUMP = 0.25
"""Width of the bump of a single error, as a part of the root mean square of all. It shrinks with the fifth root of
their number, as in Silverman's rule."""

FARTHEST = 300.0
"""Errors farther out than so many bumps are drawn in, lest an exponential overflow."""


class Spread:
    """How far the truth may lie from the forecast."""

    __slots__ = ("_bump", "_places", "reach", "still")

    def __init__(self, trials: Sequence[Trial], finest: float) -> None:
        """`trials`: at least one, in order of time. `finest`: the least width of a bump."""
        count, wider = independent(trials), widening(trials)
        total = sum(t.weight for t in trials)
        self.still = sum(t.still for t in trials) / (total * (1 + 1 / count))
        """Probability that it does not move at all; one trial more counted as if it had moved."""
        moved = [(t.scaled * wider, (t.weight - t.still) / total) for t in trials if t.weight > t.still]
        weight = sum(share for _, share in moved)
        size = sqrt(sum(share * error**2 for error, share in moved) / weight) if weight > 0 else 0.0
        self._bump = max(finest, BUMP * size / pow(count, 0.2))
        if not moved:
            moved, weight = [(0.0, 1.0)], 1.0
        self.reach = max(abs(error) for error, _ in moved) + 20 * self._bump
        """Practically everything lies within so far on either side."""
        self._places = [
            (exp(max(-FARTHEST, min(FARTHEST, side * error / self._bump))), share / weight / 2)
            for error, share in moved
            for side in (1, -1)
        ]

    def below(self, error: float) -> float:
        """Probability that the next error is smaller than this, given that the figure moves."""
        far = exp(max(-FARTHEST, min(FARTHEST, -error / self._bump)))
        return sum(share / (1 + place * far) for place, share in self._places)
