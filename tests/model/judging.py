"""The statuses once more, read off the rules one after the other, in fractions."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from contracts.catalog import Kpi, LinearPlan, MilestonesPlan, Target
from services.runtime.catalog import Calendar, Period

if TYPE_CHECKING:
    from tests.model.recompute import ModelRecord


def stale_from(kpi: Kpi, calendar: Calendar, as_of: date) -> date:
    """The first day on which a figure of `as_of` is stale."""
    if kpi.stale_after is not None:
        return as_of + timedelta(days=kpi.stale_after.days + 1)
    two = calendar.shift(as_of, kpi.cadence, 2)
    return max(two, as_of + timedelta(days=4)) + timedelta(days=1)


@dataclass
class Verdict:
    """A target and all that its judgement asks for."""

    kpi: Kpi
    calendar: Calendar
    by: Target | None
    now_valid: Target | None
    period: Period
    today: date

    @property
    def deadline(self) -> date:
        return (self.by.deadline if self.by else None) or self.period.last

    @property
    def missed_on(self) -> date:
        assert self.now_valid is not None
        return (self.now_valid.deadline or self.period.last) + timedelta(days=self.now_valid.grace_days)

    @property
    def goal(self) -> Fraction:
        assert self.by is not None
        return Fraction(self.by.value if self.by.value is not None else 0)

    @property
    def band(self) -> tuple[Fraction, Fraction] | None:
        assert self.by is not None
        if self.by.comparator != "band":
            return None
        return Fraction(self.by.low or 0), Fraction(self.by.high or 0)

    @property
    def baseline(self) -> Fraction | None:
        assert self.by is not None
        if self.by.baseline is not None:
            return Fraction(self.by.baseline.value)
        return Fraction(0) if self.kpi.kind == "flow" else None

    @property
    def baseline_on(self) -> date:
        assert self.by is not None
        return (self.by.baseline.on if self.by.baseline else None) or self.period.first

    @property
    def lower_is_better(self) -> bool:
        assert self.by is not None
        return self.by.comparator == "<="

    @property
    def baseline_is_there(self) -> bool:
        if self.baseline is None:
            return False
        if self.band is not None:
            return self.band[0] <= self.baseline <= self.band[1]
        return self.baseline <= self.goal if self.lower_is_better else self.baseline >= self.goal

    @property
    def keeps(self) -> bool:
        assert self.by is not None
        return self.by.intent == "keep" or self.baseline_is_there

    def met(self, value: Fraction) -> bool:
        if self.band is not None:
            return self.band[0] <= value <= self.band[1]
        return value <= self.goal if self.lower_is_better else value >= self.goal

    def aim(self, value: Fraction) -> Fraction:
        if self.band is None:
            return self.goal
        low, high = self.band
        return low if abs(value - low) <= abs(value - high) else high

    def falls(self) -> bool:
        if self.band is not None:
            return self.baseline is not None and self.baseline > self.band[1]
        return self.lower_is_better

    def planned(self, as_of: date) -> Fraction | None:
        """The plan by day, of a target to reach that has a baseline."""
        assert self.by is not None
        assert self.baseline is not None
        plan = self.by.plan or LinearPlan()
        points = [(self.baseline_on, self.baseline), (self.deadline, self.goal)]
        if isinstance(plan, MilestonesPlan):
            between = [(p.on, Fraction(p.value)) for p in plan.points if self.baseline_on < p.on < self.deadline]
            points = [points[0], *sorted(between), points[1]]
        elif not isinstance(plan, LinearPlan):
            return None
        if self.baseline_on >= self.deadline:
            return self.goal
        if as_of <= points[0][0]:
            return points[0][1]
        if as_of >= points[-1][0]:
            return points[-1][1]
        (a, u), (b, v) = next((p, q) for p, q in pairwise(points) if p[0] <= as_of < q[0])
        return u + (v - u) * Fraction((as_of - a).days, (b - a).days)

    def against_target(self, value: Fraction) -> Fraction | None:
        if self.band is not None:
            low, high = self.band
            if low <= value <= high:
                return Fraction(1)
            if value < low:
                return value / low if low > 0 else None
            return high / value if value > 0 and high >= 0 else None
        if self.lower_is_better:
            return self.goal / value if value > 0 and self.goal >= 0 else None
        return value / self.goal if self.goal > 0 else None


def judge(record: "ModelRecord", verdict: Verdict, reported_on: date | None) -> None:
    """Fill in status, planned, gap, pace, completion and target."""
    by = verdict.by
    record.target = None if by is None else (by.id, by.version)
    if verdict.kpi.kind not in ("ratio", "coverage", "flow", "stock"):
        record.status = "no_target" if by is None else "unknown"
        record.codes.append("kind_not_computed")
        return
    if by is None:
        record.status = "no_target"
        return
    missed = verdict.today >= verdict.missed_on
    value, as_of = record.value, record.as_of
    if value is None or as_of is None:
        record.status = "missed" if missed else "unknown"
        record.codes.append("no_figure_by_deadline" if missed and as_of is None else "")
        return
    _measure(record, verdict, value, as_of)
    record.status = _status(record, verdict, value, as_of, missed)
    if record.status == "achieved" and missed and reported_on is not None and reported_on >= verdict.missed_on:
        record.codes.append("later_correction")


def _measure(record: "ModelRecord", verdict: Verdict, value: Fraction, as_of: date) -> None:
    aim = verdict.aim(value)
    by_plan = verdict.baseline is not None and not verdict.keeps and verdict.band is None
    if verdict.keeps or verdict.band is not None:
        record.planned = aim
    elif by_plan:
        record.planned = verdict.planned(as_of)
    if record.planned is not None:
        record.gap = value - record.planned
    baseline = verdict.baseline
    if baseline is not None and not verdict.baseline_is_there and aim != baseline:
        record.completion = (value - baseline) / (aim - baseline)
    if not by_plan:
        record.pace = verdict.against_target(value)
    elif record.planned is not None and baseline is not None and record.planned != baseline:
        record.pace = (value - baseline) / (record.planned - baseline)


def _status(record: "ModelRecord", verdict: Verdict, value: Fraction, as_of: date, missed: bool) -> str:
    met, keeps = verdict.met(value), verdict.keeps
    if met and not keeps:
        return "achieved"
    if missed and not met:
        return "missed"
    assert verdict.now_valid is not None
    deadline = verdict.now_valid.deadline or verdict.period.last
    aged = min(verdict.today, verdict.period.last, deadline)
    if aged >= stale_from(verdict.kpi, verdict.calendar, as_of):
        return "unknown"
    if keeps and met:
        return "achieved" if verdict.today > deadline else "on_track"
    if not keeps and record.completion is not None and record.completion < 0:
        return "moving_away"
    on_track, at_risk = Fraction(verdict.kpi.on_track_pace), Fraction(verdict.kpi.at_risk_pace)
    if record.pace is None:
        if verdict.keeps or verdict.band is not None or verdict.baseline is None:
            return "behind"
        return "unknown" if record.planned is None else "on_track"
    if keeps:
        return "at_risk" if record.pace >= on_track else "behind"
    if record.pace >= on_track:
        return "on_track"
    return "at_risk" if record.pace >= at_risk else "behind"
