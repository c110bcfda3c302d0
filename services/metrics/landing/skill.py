"""How good forecasts of a record have been: by the backtest on its series, or as they were issued and then came out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from services.metrics.landing.backtest import Trial
from services.metrics.landing.spread import Spread

COVERAGE = 0.8
"""The share of outcomes that intervals are meant to hold: from the tenth to the ninetieth percentile."""

FEWEST_BEFORE = 3
"""Trials whose outcome must have been known before an interval of the past can be said to have been tested."""


@dataclass(frozen=True, slots=True)
class Skill:
    """`mean_absolute_error` in the KPI's unit over `days_ahead` on average; `intervals_held` of `intervals_tested`."""

    forecasts: int
    days_ahead: float
    mean_absolute_error: float
    intervals_held: int
    intervals_tested: int

    def as_document(self) -> dict[str, Any]:
        """To be stored and shown."""
        return asdict(self)


def skill_of(trials: Sequence[Trial], finest: float) -> Skill:
    """By the backtest. Each interval is made from what was known on its day: from the trials seen by then."""
    held = tested = 0
    for trial in trials:
        before = [one for one in trials if one.seen <= trial.made]
        if len(before) < FEWEST_BEFORE:
            continue
        spread = Spread(before, finest)
        tested += 1
        held += trial.still > 0 or (1 - COVERAGE) / 2 <= spread.below(trial.scaled) <= (1 + COVERAGE) / 2
    return Skill(
        len(trials),
        fmean(t.ahead for t in trials),
        fmean(abs(t.error) for t in trials),
        held,
        tested,
    )
