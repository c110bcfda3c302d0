"""What a progress record means under a rule: breach, band, clear, or nothing to judge by; and how severe it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from math import isfinite

from contracts.alerts import Severity
from contracts.base import AsOf
from contracts.catalog import Rule, Threshold
from contracts.progress import ProgressJudged, Status

SEVERITIES = (Severity.WATCH, Severity.BEHIND, Severity.CRITICAL)
"""Mildest first."""


class Verdict(StrEnum):
    """What one record says under a rule."""

    BREACH = "breach"
    BAND = "band"
    CLEAR = "clear"
    NONE = "none"


class Why(StrEnum):
    """Why a verdict is what it is."""

    PACE_BELOW = "pace_below_fire"
    PACE_BETWEEN = "pace_between_fire_and_clear"
    PACE_ABOVE = "pace_at_or_above_clear"
    ACHIEVED = "target_met"
    NO_TARGET = "no_target"
    NO_PACE = "no_pace"
    NOT_FINITE = "pace_not_finite"
    UNKNOWN = "figure_unknown_or_stale"
    INCOMPLETE = "too_few_parts_reported"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reason. `error` marks what is neither breach nor clear because there is nothing to judge by."""

    verdict: Verdict
    why: Why

    @property
    def error(self) -> bool:
        """Whether the data, and not the performance, is the matter."""
        return self.why in (Why.NO_PACE, Why.NOT_FINITE, Why.UNKNOWN)


def judge(rule: Rule, record: ProgressJudged, period_over: bool) -> Judgement:
    """The verdict of one record. Pace is judged at the record's own `as_of`, so `now` plays no part.

    `period_over`: the last day of the period has passed, so that silent parts are no longer awaited.
    """
    if record.status is Status.NO_TARGET or record.target is None:
        return Judgement(Verdict.NONE, Why.NO_TARGET)
    if not period_over and not _complete_enough(rule, record):
        return Judgement(Verdict.NONE, Why.INCOMPLETE)
    if record.status is Status.ACHIEVED:
        return Judgement(Verdict.CLEAR, Why.ACHIEVED)
    if record.status is Status.UNKNOWN:
        return Judgement(Verdict.NONE, Why.UNKNOWN)
    if record.pace is None:
        return Judgement(Verdict.NONE, Why.NO_PACE)
    if not isfinite(record.pace):
        return Judgement(Verdict.NONE, Why.NOT_FINITE)
    if any(record.pace < float(threshold.fire) for threshold in rule.ladder):
        return Judgement(Verdict.BREACH, Why.PACE_BELOW)
    if any(record.pace < clears_at(threshold) for threshold in rule.ladder):
        return Judgement(Verdict.BAND, Why.PACE_BETWEEN)
    return Judgement(Verdict.CLEAR, Why.PACE_ABOVE)


def severity_of(ladder: Sequence[Threshold], pace: float, before: Severity | None) -> Severity:
    """The worst rung whose threshold is undercut; the rung of `before` is left only when its own `clear` is reached."""

    def holds(rung: Threshold) -> bool:
        reached = before is not None and not worse(rung.severity, before)
        return pace < (clears_at(rung) if reached else float(rung.fire))

    held = [Severity(rung.severity) for rung in ladder if holds(rung)]
    return max(held, key=SEVERITIES.index, default=Severity(ladder[0].severity))


def worse(one: Severity | str, other: Severity | str) -> bool:
    """Whether `one` is more severe than `other`."""
    return SEVERITIES.index(Severity(one)) > SEVERITIES.index(Severity(other))


def clears_at(threshold: Threshold) -> float:
    """From which pace on a rung is left."""
    return float(threshold.clear if threshold.clear is not None else threshold.fire)


def shortfall(record: ProgressJudged) -> float | None:
    """By how much the figure is short of the plan (of the target, where there is no plan): positive is bad."""
    if record.value is None or record.target is None:
        return None
    if record.target.comparator == "band":
        return abs(record.gap) if record.gap is not None else None
    line = line_of(record)
    if line is None:
        return None
    return line - record.value if record.target.comparator == ">=" else record.value - line


def line_of(record: ProgressJudged) -> float | None:
    """What the figure is held against: the plan of its day, or the target where there is no plan."""
    if record.planned is not None or record.target is None:
        return record.planned
    return record.target.value


def day_of(as_of: AsOf | None) -> date | None:
    """The day of an `as_of` that may be an instant."""
    return as_of.date() if isinstance(as_of, datetime) else as_of


def _complete_enough(rule: Rule, record: ProgressJudged) -> bool:
    """Only rolled-up records have a completeness."""
    parts = record.completeness
    return parts is None or parts.expected == 0 or parts.reported >= parts.expected * rule.min_completeness
