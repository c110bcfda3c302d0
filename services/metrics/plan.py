"""Plan curves: what should be reached by a day. Each is a small type; adding one touches this file only.

Days are ordinals, numbers scaled. Outside its dates a plan is clamped to its first and last value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from contracts.catalog import LinearPlan, MilestonesPlan, SeasonalPlan, StepPlan
from services.metrics.exact import SCALE, Quotient, scaled

AnyPlan = LinearPlan | MilestonesPlan | SeasonalPlan | StepPlan


class Curve(Protocol):
    """From the baseline on its day to the target on the deadline."""

    def planned(self, day: int) -> Quotient | None:
        """What should be reached by the end of the day; None where this curve is not computed."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline through dated points, one of them at least; a straight line where there are two."""

    points: tuple[tuple[int, int], ...]

    def planned(self, day: int) -> Quotient | None:
        before, value = self.points[0]
        if day <= before and len(self.points) > 1:
            return value, SCALE
        for after, following in self.points[1:]:
            if day < after:
                span = after - before
                return value * span + (following - value) * (day - before), SCALE * span
            before, value = after, following
        return value, SCALE


@dataclass(frozen=True, slots=True)
class NotComputed:
    """A curve that the catalog accepts and nobody computes yet."""

    def planned(self, day: int) -> Quotient | None:
        return None


def _linear(plan: AnyPlan, start: tuple[int, int], end: tuple[int, int]) -> Curve:
    return Line(_in_order((start, end)))


def _milestones(plan: AnyPlan, start: tuple[int, int], end: tuple[int, int]) -> Curve:
    assert isinstance(plan, MilestonesPlan)
    dated = [(point.on.toordinal(), scaled(point.value)) for point in plan.points]
    between = [point for point in dated if start[0] < point[0] < end[0]]
    return Line(_in_order((start, *sorted(between), end)))


def _not_computed(plan: AnyPlan, start: tuple[int, int], end: tuple[int, int]) -> Curve:
    return NotComputed()


def _in_order(points: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """A baseline on or after the deadline leaves the target alone to plan with."""
    return points if points[0][0] < points[-1][0] else points[-1:]


_CURVES: dict[str, Callable[[AnyPlan, tuple[int, int], tuple[int, int]], Curve]] = {
    "linear": _linear,
    "milestones": _milestones,
    "seasonal": _not_computed,
    "step": _not_computed,
}


def curve_of(plan: AnyPlan | None, start: tuple[int, int], end: tuple[int, int]) -> Curve:
    """The curve that a target declares, linear by default. `start` and `end`: day and value of baseline and target."""
    declared = plan if plan is not None else LinearPlan()
    return _CURVES[declared.curve](declared, start, end)
