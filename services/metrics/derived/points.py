"""The points that one KPI brings to a score, by the rule of the item. Exact: quotients in, a quotient out."""

from contracts.catalog import ScoreItem, ScoreStep
from services.metrics.exact import SCALE, Quotient, scaled
from services.metrics.judge import against_target
from services.metrics.obligation import Obligation

NONE: Quotient = (0, 1)
WHOLE: Quotient = (1, 1)
HALF: Quotient = (1, 2)


def points(item: ScoreItem, value: Quotient, share: Quotient | None) -> Quotient | None:
    """The points of a value. `share`: how much of what can be had it is, from 0 to 1 (of its goal, or of the best peer,
    as the rule has it); None where there is nothing to hold it against, and then only steps bring points."""
    if item.rule == "steps":
        step = step_reached(item, value)
        return NONE if step is None else (scaled(step.points), SCALE)
    if share is None:
        return None
    p, q = share
    if item.rule == "half" and 0 < p < q:
        p, q = HALF
    return scaled(item.maximum) * p, SCALE * q


def step_reached(item: ScoreItem, value: Quotient) -> ScoreStep | None:
    """The highest step of the table that the value reaches."""
    p, q = value
    reached = [step for step in item.steps if scaled(step.at_least) * q <= p * SCALE]
    return reached[-1] if reached else None


def of_goal(value: Quotient, by: Obligation | None, high: int | None) -> Quotient | None:
    """How much of its goal the value is: of the target, the other way round where lower is better; where there is
    none, of the `high` one (scaled). None where there is neither."""
    if by is not None:
        return WHOLE if by.met(value) else clamped(against_target(value, by) or NONE)
    p, q = value
    return clamped((p * SCALE, q * high)) if high is not None and high > 0 else None


def of_best(value: Quotient, best: Quotient, *, rises: bool) -> Quotient:
    """How much of the best value the value is; the other way round where lower is better."""
    (p, q), (top, over) = value, best
    if p * over == top * q:
        return WHOLE if top > 0 or not rises else NONE
    if not rises:
        (p, q), (top, over) = best, value
    return clamped((p * over, q * top)) if top > 0 else NONE


def clamped(share: Quotient) -> Quotient:
    """The share between 0 and 1."""
    p, q = share
    return NONE if p <= 0 else WHOLE if p >= q else share
