"""The statuses once more, read off the rules one after the other, in fractions."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from contracts.catalog import Kpi, LinearPlan, MilestonesPlan, SeasonalPlan, StepPlan, Target
from services.runtime.catalog import Calendar, Period

if TYPE_CHECKING:
    from tests.model.recompute import ModelRecord


def stale_from(kpi: Kpi, calendar: Calendar, as_of: date) -> date:
    """The first day on which a figure of `as_of` is stale."""
    if kpi.kind == "milestone":
        return date.max
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
    from_zero: bool = False

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
        return Fraction(0) if self.from_zero else None

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

    def planned(self, as_of: date) -> Fraction:
        """The plan by day, of a target to reach that has a baseline."""
        assert self.by is not None
        assert self.baseline is not None
        points = self.points()
        if self.baseline_on >= self.deadline:
            return self.goal
        if isinstance(self.plan, StepPlan):
            return max([points[0], *(point for point in points if point[0] <= as_of)])[1]
        if as_of <= points[0][0]:
            return points[0][1]
        if as_of >= points[-1][0]:
            return points[-1][1]
        (a, u), (b, v) = next((p, q) for p, q in pairwise(points) if p[0] <= as_of < q[0])
        return u + (v - u) * Fraction((as_of - a).days, (b - a).days)

    @property
    def plan(self) -> LinearPlan | MilestonesPlan | SeasonalPlan | StepPlan:
        assert self.by is not None
        return self.by.plan or (StepPlan(curve="step") if self.kpi.kind == "milestone" else LinearPlan())

    def points(self) -> list[tuple[date, Fraction]]:
        """The dated values of the plan, baseline and target among them."""
        assert self.baseline is not None
        plan = self.plan
        dated: list[tuple[date, Fraction]] = []
        if isinstance(plan, MilestonesPlan | StepPlan):
            dated = [(p.on, Fraction(p.value)) for p in plan.points]
        elif isinstance(plan, SeasonalPlan):
            for at in range(12):
                month = self.calendar.parse(f"{self.period.id}-{at + 1:02d}")
                share = sum((Fraction(one) for one in plan.shares[: at + 1]), Fraction(0)) / 100
                dated.append((month.last, self.baseline + (self.goal - self.baseline) * share))
        between = [point for point in dated if self.baseline_on < point[0] < self.deadline]
        return [(self.baseline_on, self.baseline), *sorted(between), (self.deadline, self.goal)]

    def a_step_is_near(self, value: Fraction, as_of: date) -> bool:
        """Whether the time has come to warn of a step after `as_of` that the value does not reach."""
        if not isinstance(self.plan, StepPlan) or self.baseline_on >= self.deadline:
            return False
        return any(
            self.today >= day - self.plan.warn_before
            for day, step in self.points()
            if day > as_of and (value > step if self.lower_is_better else value < step)
        )

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
    if by is None:
        record.status = "no_target"
        if record.value is not None and record.as_of is not None:
            aged = min(verdict.today, verdict.period.last)
            if aged >= stale_from(verdict.kpi, verdict.calendar, record.as_of):
                record.codes.append("stale")
        return
    missed = verdict.today >= verdict.missed_on
    value, as_of = record.value, record.as_of
    if value is None or as_of is None:
        record.status = "missed" if missed else "unknown"
        record.codes.append("no_figure_by_deadline" if missed and as_of is None else "")
        _mark_a_later_correction(record, verdict, reported_on, missed)
        return
    _measure(record, verdict, value, as_of)
    record.status = _status(record, verdict, value, as_of, missed)
    if record.status == "unknown":
        record.codes.append("stale")
    _mark_a_later_correction(record, verdict, reported_on, missed)


def _mark_a_later_correction(record: "ModelRecord", verdict: Verdict, reported_on: date | None, missed: bool) -> None:
    if missed and reported_on is not None and reported_on >= verdict.missed_on:
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
    by_plan = not keeps and verdict.band is None and verdict.baseline is not None
    if record.pace is None and not by_plan:
        return "behind"
    if keeps:
        return "at_risk" if record.pace is not None and record.pace >= on_track else "behind"
    if record.pace is None or record.pace >= on_track:
        return "at_risk" if by_plan and verdict.a_step_is_near(value, as_of) else "on_track"
    return "at_risk" if record.pace >= at_risk else "behind"
