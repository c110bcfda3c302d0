"""What a forecast is asked from: the figures of one record, and the target with its deadline."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from contracts.catalog import Comparator, KpiKind

Point = tuple[int, float]
"""A day as an ordinal, and the value that stood at its end."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What has to stand at the end of the deadline (an ordinal). `low` and `high` are a band's, `value` the others'."""

    comparator: Comparator
    deadline: int
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def edges(self) -> tuple[float, float]:
        """The values that meet it, both ends included. Raises ValueError where the number is missing."""
        low, high = {
            ">=": (self.value, inf),
            "<=": (-inf, self.value),
            "band": (self.low, self.high),
        }[self.comparator]
        if low is None or high is None:
            raise ValueError(f"A target {self.comparator} needs its number.")
        return low, high


@dataclass(frozen=True, slots=True)
class Earlier:
    """The same figure in an earlier period: its first and last day, and its points. `until`: the last day that they
    speak for; the figure after that is missing."""

    first: int
    last: int
    points: Sequence[Point]
    until: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One record. `first` is the first day of its period; a day has one value.

    `low` and `high` are the natural limits of a value, None where there is none. `cumulative`: the figure cannot fall
    within the period. `decimals`: how finely it is reported. `earlier`: former periods, for their shape of the year.
    `reported`: how many figures there were, where `points` are those of them that a track would keep.
    """

    kind: KpiKind
    points: Sequence[Point]
    goal: Goal | None
    first: int
    baseline: Point | None = None
    earlier: Sequence[Earlier] = ()
    low: float | None = None
    high: float | None = None
    cumulative: bool = False
    decimals: int = 1
    reported: int | None = None
