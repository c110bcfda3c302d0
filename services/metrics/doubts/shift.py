"""`scale_shift`: the usual figure in another unit; 0.853 where 85.3 is usual, đồng where triệu đồng are."""

from services.metrics.doubts.doubt import Doubt, doubted, shown
from services.metrics.doubts.look import Look, Nature
from services.metrics.doubts.median import median

CODE = "scale_shift"

FACTORS = (100, 1_000, 1_000_000)
"""Percent for a share, thousands, millions. Ten is too near to what may happen."""

AT_LEAST = 2
"""Figures before it, none of them further than a factor of two from their median: else nothing is usual."""


def doubt(look: Look) -> Doubt | None:
    """The figure is one of the factors away from the median of those before, give or take a quarter."""
    low, high = sorted((look.before.number, look.now.number))
    if low <= 0 or high < 10 * low or not look.has(AT_LEAST):
        return None
    numbers = [point.number for point in look.past]
    usual, now = median(numbers), look.now.number
    if any(number * 2 < usual or number > usual * 2 for number in numbers):
        return None
    small, large = sorted((usual, now))
    for factor in FACTORS:
        if 4 * factor * small <= 5 * large and 4 * large <= 5 * factor * small:
            if look.nature is Nature.COUNT and now < usual and now % 10**9 == 0:
                return None  # a whole number of things: one left of a hundred is a fall, not another unit
            return doubted(
                CODE,
                "{now} trong khi thường là khoảng {usual}: có thể nhầm đơn vị ({factor} lần).",
                "{now} where about {usual} is usual: perhaps another unit ({factor} times).",
                now=shown(now),
                usual=shown(usual),
                factor=str(factor),
            )
    return None
