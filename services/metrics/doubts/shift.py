"""`scale_shift`: the usual figure in another unit; 0.853 where 85.3 is usual, đồng where triệu đồng are."""

from services.metrics.doubts.doubt import Doubt, doubted, shown
from services.metrics.doubts.look import Look, Nature
from services.metrics.doubts.median import median
from services.metrics.exact import SCALE

CODE = "scale_shift"

FACTORS = (100, 1_000, 1_000_000)
"""Percent for a share, thousands, millions. Ten is too near to what may happen."""

AT_LEAST = 2
"""Figures before it that are near to one another: else nothing is usual."""


def doubt(look: Look) -> Doubt | None:
    """The figure is one of the factors away from a usual one, give or take a quarter."""
    low, high = sorted((look.before.number, look.now.number))
    if low <= 0 or high < 10 * low or not look.has(AT_LEAST):
        return None
    now = look.now.number
    for usual in _usual(look):
        small, large = sorted((usual, now))
        for factor in FACTORS:
            if 4 * factor * small <= 5 * large and 4 * large <= 5 * factor * small:
                if look.nature is Nature.COUNT and now < usual and now % SCALE == 0:
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


def _usual(look: Look) -> list[int]:
    """What is usual: the median, where all figures are near it; and the last one, where that before it is near and
    none is near the figure in doubt. A total that grows has only the latter; a return from another unit has neither."""
    numbers = [point.number for point in look.past]
    middle, last = median(numbers), look.before.number
    found = [middle] if all(_near(number, middle) for number in numbers) else []
    if _near(numbers[1], last) and not any(_near(number, look.now.number) for number in numbers):
        found.append(last)
    return found


def _near(number: int, other: int) -> bool:
    """Not further apart than a factor of two."""
    return number * 2 >= other and number <= other * 2
