"""A version of a target, with everything worked out that no figure can change."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from contracts.catalog import Kpi, Target
from services.metrics.days import Window, iso
from services.metrics.exact import SCALE, Quotient, on_the_wire, scaled
from services.metrics.plan import Curve, curve_of
from services.runtime.catalog import Calendar


@dataclass(frozen=True, slots=True)
class Obligation:
    """What is to be reached, or held, and by when. Days are ordinals, numbers scaled.

    `sign` is −1 where lower is better, 0 for a band. `keeps`: judged as a line to hold, because it is meant so or
    because the baseline already stands at the target or past it. `why_keeps` is then the code of the reason, and
    `no_way` that of why no way leads from the baseline to the target: empty where one does, or nobody knows.
    `missed_on`: the first day on which it counts as missed. `wire`: the target as a record shows it.
    `mark`: tells versions of a target apart, by all that is in `wire`.
    """

    sign: int
    goal: int
    low: int
    high: int
    baseline: int | None
    baseline_on: int
    deadline: int
    missed_on: int
    keeps: bool
    why_keeps: str
    no_way: str
    curve: Curve | None
    wire: dict[str, Any]
    mark: bytes

    def met(self, value: Quotient) -> bool:
        """Whether the value meets the target."""
        p, q = value
        if self.sign > 0:
            return p * SCALE >= self.goal * q
        if self.sign < 0:
            return p * SCALE <= self.goal * q
        return self.low * q <= p * SCALE <= self.high * q

    def planned(self, day: int) -> Quotient | None:
        """What should be reached by the end of the day: of a line to hold the line itself; None where it is unknown."""
        if self.keeps:
            return (self.goal, SCALE) if self.sign else None
        return self.curve.planned(day) if self.curve is not None else None

    def aim(self, value: Quotient) -> int:
        """What the value is measured against: the target, or the nearer edge of a band (the lower of two as near)."""
        if self.sign:
            return self.goal
        p, q = value
        return self.low if 2 * p * SCALE <= (self.low + self.high) * q else self.high


def obligation_of(target: Target, window: Window, kpi: Kpi, calendar: Calendar, *, from_zero: bool) -> Obligation:
    """Work a target out. `from_zero`: without a baseline the plan of this kind of KPI starts at 0."""
    sign = {">=": 1, "<=": -1, "band": 0}[target.comparator]
    goal, low, high = (0 if number is None else scaled(number) for number in (target.value, target.low, target.high))
    deadline = target.deadline.toordinal() if target.deadline else window.last
    baseline, baseline_on = None, window.first
    if target.baseline is not None:
        baseline = scaled(target.baseline.value)
        baseline_on = target.baseline.on.toordinal() if target.baseline.on else window.first
    elif from_zero:
        baseline = 0
    no_way = "" if baseline is None else _no_way(sign, goal, low, high, baseline)
    why = "line_to_hold" if target.intent == "keep" else no_way
    curve = None
    if baseline is not None and not why and sign:
        curve = curve_of(target, kpi, calendar, (baseline_on, baseline), (deadline, goal))
    wire = {
        "id": target.id,
        "value": None if target.value is None else on_the_wire(goal),
        "low": None if target.low is None else on_the_wire(low),
        "high": None if target.high is None else on_the_wire(high),
        "comparator": target.comparator,
        "intent": target.intent,
        "deadline": iso(deadline),
        "baseline": None if baseline is None else on_the_wire(baseline),
        "baseline_on": None if baseline is None else iso(baseline_on),
        "version": target.version,
        "simulated": target.simulated,
    }
    return Obligation(
        sign=sign,
        goal=goal,
        low=low,
        high=high,
        baseline=baseline,
        baseline_on=baseline_on,
        deadline=deadline,
        missed_on=deadline + target.grace_days,
        keeps=bool(why),
        why_keeps=why,
        no_way=no_way,
        curve=curve,
        wire=wire,
        mark=blake2b(orjson.dumps(wire), digest_size=8).digest(),
    )


def _no_way(sign: int, goal: int, low: int, high: int, baseline: int) -> str:
    if sign == 0:
        return "baseline_past_target" if low <= baseline <= high else ""
    if baseline == goal:
        return "baseline_at_target"
    return "baseline_past_target" if sign * (baseline - goal) > 0 else ""
