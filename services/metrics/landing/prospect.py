"""What may stand at the deadline: a forecast, the spread around it, what cannot be, and that it may not move at all."""

from dataclasses import dataclass
from math import inf

from services.metrics.landing.spread import Spread

PRECISION = 1e-5
"""Of a value read off the distribution, as a part of the reach of its spread."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """`expected` is what the method says, perhaps more than can be; `now` what stands today. Nothing lies outside `low`
    and `high`: what the spread puts beyond one stands at it."""

    expected: float
    now: float
    low: float
    high: float
    spread: Spread

    def below(self, value: float) -> float:
        """Probability of less than `value`."""
        if value <= self.low:
            return 0.0
        return 1.0 if value > self.high else self._smooth(value, self.now < value)

    def up_to(self, value: float) -> float:
        """Probability of `value` or less."""
        if value < self.low:
            return 0.0
        return 1.0 if value >= self.high else self._smooth(value, self.now <= value)

    def within(self, low: float, high: float) -> float:
        """Probability of a value between, both ends included."""
        above = 1.0 if high == inf else self.up_to(high)
        return max(0.0, above - (0.0 if low == -inf else self.below(low)))

    def value_at(self, share: float) -> float:
        """The value that so much of the probability lies below or at."""
        if self.below(self.now) < share <= self.up_to(self.now):
            return self.now
        found = self._searched(share)
        return min(found, self.now) if share <= self.below(self.now) else found

    def _searched(self, share: float) -> float:
        left = max(self.low, min(self.now, self.expected - self.spread.reach))
        right = min(self.high, max(self.now, self.expected + self.spread.reach))
        if self.up_to(left) >= share:
            return left
        enough = self.spread.reach * PRECISION
        while right - left > enough:
            middle = (left + right) / 2
            if not left < middle < right:
                break
            if self.up_to(middle) < share:
                left = middle
            else:
                right = middle
        return right

    def _smooth(self, value: float, over: bool) -> float:
        still = self.spread.still
        return min(1.0, (1 - still) * self.spread.below(value - self.expected) + (still if over else 0.0))
