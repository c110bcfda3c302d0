"""From a record's figures to where they will stand at the deadline.

1. Refuse, with a reason, what cannot be forecast honestly.
2. Let each method try itself on the series, as far ahead as the deadline is.
3. Take the one with the smallest error; the plainer one of two as good.
4. Put its past errors around its outlook, and hold what comes of it within what can be: median, 10th and 90th
   percentile, and the probability that the target is met. All that lies beyond a limit stands at the limit: of a share
   on its way to 130 % by the deadline it is likely, and not an even chance, that it is 100 % by then.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

from services.metrics.days import iso
from services.metrics.landing.asked import Asked, Goal
from services.metrics.landing.backtest import Backtest, backtest
from services.metrics.landing.damped_holt import DampedHolt
from services.metrics.landing.method import Forecaster, Method
from services.metrics.landing.no_landing import FARTHEST, FEWEST_POINTS, NoLanding, no_landing
from services.metrics.landing.prospect import Prospect
from services.metrics.landing.run_rate import RunRate
from services.metrics.landing.seasonal_naive import SeasonalNaive
from services.metrics.landing.skill import COVERAGE, Skill, skill_of
from services.metrics.landing.spread import Spread
from services.metrics.landing.track import Track, is_number, track_of

METHODS: tuple[Method, ...] = (RunRate(), SeasonalNaive(), DampedHolt())
"""In order of plainness."""

BETTER = 0.75
"""A less plain method must have made at most so much of the error of the plainer one to be taken."""


@dataclass(frozen=True, slots=True)
class Landing:
    """A forecast for the end of `deadline`; days are ordinals, values in the KPI's unit.

    `value` is the middle of what is likely, so `p_meet` is above a half just where it meets the target; four outcomes
    in five are expected between `low` and `high`. `points`: figures that it is made from.
    """

    value: float
    low: float
    high: float
    p_meet: float
    method: str
    points: int
    as_of: int
    goal: Goal
    skill: Skill

    def as_document(self) -> dict[str, Any]:
        """As a record carries it (`landing` of `progress.judged`), and how good such forecasts have been."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "p_meet": self.p_meet,
            "method": self.method,
            "points": self.points,
            "as_of": iso(self.as_of),
            "skill": self.skill.as_document(),
        }


def land(asked: Asked) -> Landing | NoLanding:
    """The forecast, or why there is none. Never raises for what figures or targets can be."""
    track = _track(asked)
    if isinstance(track, NoLanding):
        return track
    assert asked.goal is not None  # without one there is no track
    return _landing(asked, asked.goal, track)


def _track(asked: Asked) -> Track | NoLanding:
    if asked.goal is None:
        return no_landing("forecast_no_target")
    if asked.kind in ("rank", "milestone") and not _counts(asked):
        return no_landing("forecast_not_for_kind")
    if not _usable(asked):
        return no_landing("forecast_not_a_number")
    deadline = asked.goal.deadline
    if any(day >= deadline for day, _ in asked.points):
        return no_landing("forecast_deadline_reached")
    track = track_of(asked, deadline)
    if track is None:
        return no_landing("forecast_two_values_a_day")
    return track if (why := _too_little(asked, track, deadline)) is None else why


def _counts(asked: Asked) -> bool:
    """A rolled-up milestone is a number of units; a single one is done or not, which no series foretells."""
    return asked.kind == "milestone" and (asked.high is None or asked.high > 1)


def _usable(asked: Asked) -> bool:
    assert asked.goal is not None
    points = list(asked.points) if asked.baseline is None else [*asked.points, asked.baseline]
    limits = [limit for limit in (asked.low, asked.high) if limit is not None]
    goal = [edge for edge in asked.goal.edges() if abs(edge) != inf]
    return all(is_number(n) for n in (*(value for _, value in points), *limits, *goal))


def _too_little(asked: Asked, track: Track, deadline: int) -> NoLanding | None:
    # Of a long course some days only are looked at, and none of these need have a value.
    if min(track.reported, len({day for day, _ in asked.points})) < FEWEST_POINTS:
        return no_landing("forecast_too_few_points")
    if deadline - track.days[-1] > FARTHEST * track.span:
        return no_landing("forecast_too_far")
    return None


def _landing(asked: Asked, goal: Goal, track: Track) -> Landing:
    limits = Limits(
        -inf if asked.low is None else asked.low, inf if asked.high is None else asked.high, asked.cumulative
    )
    finest = 0.25 * 10**-asked.decimals
    method, forecaster, past = _best(track, goal.deadline - track.days[-1], limits)
    outlook, now = forecaster.after(len(track.days)), track.values[-1]
    assert outlook is not None  # it has forecast from fewer points
    low, high = limits.after(now)
    spread = Spread(past.trials, finest)
    prospect = Prospect(outlook(goal.deadline), min(high, max(low, now)), low, high, spread)
    return Landing(
        value=prospect.value_at(0.5),
        low=prospect.value_at((1 - COVERAGE) / 2),
        high=prospect.value_at((1 + COVERAGE) / 2),
        p_meet=_p_meet(prospect, goal, track.reported),
        method=method.name,
        points=track.reported,
        as_of=track.days[-1],
        goal=goal,
        skill=skill_of(past.trials, finest),
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """What a value can be."""

    low: float
    high: float
    cumulative: bool

    def after(self, now: float) -> tuple[float, float]:
        """Least and greatest value, once `now` stands."""
        return (max(self.low, min(now, self.high)) if self.cumulative else self.low), self.high

    def hold(self, value: float, now: float) -> float:
        """The value, or the nearest that can be."""
        low, high = self.after(now)
        return min(high, max(low, value))


def _best(track: Track, ahead: int, limits: Limits) -> tuple[Method, Forecaster, Backtest]:
    best: tuple[Method, Forecaster, Backtest] | None = None
    least = inf
    for method in METHODS:
        forecaster = method.on(track)
        if forecaster is None or forecaster.after(len(track.days)) is None:
            continue
        past = backtest(track, forecaster, ahead, limits.hold)
        if past.trials and (best is None or past.loss < BETTER * least):
            best, least = (method, forecaster, past), past.loss
    assert best is not None  # run rate can always be tried
    return best


def _p_meet(prospect: Prospect, goal: Goal, points: int) -> float:
    """Certain only where nothing else can be; otherwise as if one more had come out half each way (Laplace)."""
    least, most = goal.edges()
    if least <= prospect.low and prospect.high <= most:
        return 1.0
    if most < prospect.low or prospect.high < least:
        return 0.0
    return (prospect.within(least, most) * points + 0.5) / (points + 1)
