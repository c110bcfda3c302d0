"""The judgement of one record: pure and total, with a named reason for the status and for every null.

Statuses by precedence: achieved, missed, unknown, moving_away, behind, at_risk, on_track. The one exception is a line
to hold, which is achieved only when its deadline has come. Everything is compared in exact arithmetic; bounds are
inclusive.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from contracts.progress import Status
from services.metrics.days import iso
from services.metrics.exact import SCALE, Quotient
from services.metrics.obligation import Obligation
from services.metrics.reasons import Reason, amount, because, words

ACHIEVED, MISSED, UNKNOWN = Status.ACHIEVED.value, Status.MISSED.value, Status.UNKNOWN.value
MOVING_AWAY, BEHIND, AT_RISK = Status.MOVING_AWAY.value, Status.BEHIND.value, Status.AT_RISK.value
ON_TRACK, NO_TARGET = Status.ON_TRACK.value, Status.NO_TARGET.value


class View(Protocol):
    """What is judged: the value that stands at `as_of` (an ordinal), or the code of the reason why there is none."""

    as_of: int | None
    value: Quotient | None
    why: str

    def reported_on(self) -> int:
        """The local date on which the latest figure behind it was reported, as an ordinal."""
        ...


@dataclass(frozen=True, slots=True)
class Norms:
    """What a KPI says about judging: bounds on pace (scaled), and the last day on which a figure is not stale."""

    on_track: int
    at_risk: int
    fresh_until: Callable[[int], int]


@dataclass(slots=True)
class Judgement:
    """The status and the numbers it came from. `due`: the next day on which time alone may change it."""

    status: str
    reasons: list[Reason] = field(default_factory=list)
    planned: Quotient | None = None
    gap: Quotient | None = None
    pace: Quotient | None = None
    completion: Quotient | None = None
    open: bool = False
    """Whether a pace is needed: an unmet target to reach."""
    due: int | None = None


def judge(
    view: View, by: Obligation | None, verdict: Obligation | None, norms: Norms, today: int, last: int
) -> Judgement:
    """Judge what stands at `as_of`.

    `by` is the version of the target valid then; `verdict` the one valid now, which alone says `missed`. `last` is the
    last day of the record's period: in a closed period figures grow no older.
    """
    if by is None or verdict is None:
        return _without_target(view, norms, today, last)
    if view.value is None:
        return _without_value(view, verdict, today)
    found = _measure(view.value, by, view.as_of)
    _decide(found, view, by, verdict, norms, today, last)
    return found


def _without_target(view: View, norms: Norms, today: int, last: int) -> Judgement:
    found = Judgement(NO_TARGET, [because("no_target")])
    if view.value is None:
        found.reasons.append(because(view.why))
    elif view.as_of is not None:
        if _stale(view.as_of, norms, min(today, last)):
            found.reasons.append(because("stale", as_of=iso(view.as_of)))
        else:
            found.due = _grows_stale(view.as_of, norms, last)
    return found


def _without_value(view: View, verdict: Obligation, today: int) -> Judgement:
    if today < verdict.missed_on:
        return Judgement(UNKNOWN, [because(view.why)], due=verdict.missed_on)
    if view.as_of is None:
        return Judgement(MISSED, [because("no_figure_by_deadline", deadline=iso(verdict.deadline))])
    passed = because("deadline_passed", deadline=iso(verdict.deadline), value="–", goal=goal_of(verdict))
    later = [because("later_correction")] if view.reported_on() >= verdict.missed_on else []
    return Judgement(MISSED, [passed, because(view.why), *later])


def _measure(value: Quotient, by: Obligation, as_of: int | None) -> Judgement:
    """Planned, gap, pace and completion. The status is decided later."""
    assert as_of is not None  # a value has a date
    found = Judgement(UNKNOWN)
    p, q = value
    if by.keeps or not by.sign:
        aim = by.aim(value)
        found.planned = aim, SCALE
    elif by.curve is not None:
        found.planned = by.curve.planned(as_of)
        aim = by.goal
    else:
        aim = by.goal
    if found.planned is not None:
        pn, pd = found.planned
        found.gap = p * pd - pn * q, q * pd
    found.completion = _completion(value, by, aim)
    found.pace = _pace(value, by, found.planned)
    return found


def _completion(value: Quotient, by: Obligation, aim: int) -> Quotient | None:
    """(value − baseline) / (target − baseline), where the target lies ahead of the baseline."""
    if by.baseline is None or by.no_way:
        return None
    way = aim - by.baseline
    p, q = value
    gone = p * SCALE - by.baseline * q
    return (gone, q * way) if way > 0 else (-gone, -q * way)


def _pace(value: Quotient, by: Obligation, planned: Quotient | None) -> Quotient | None:
    if by.curve is None:
        return against_target(value, by)
    if planned is None:
        return None
    assert by.baseline is not None
    p, q = value
    gone, over = p * SCALE - by.baseline * q, q * SCALE
    wanted, under = planned[0] * SCALE - by.baseline * planned[1], planned[1] * SCALE
    if wanted == 0:
        return None
    return (gone * under, over * wanted) if wanted > 0 else (-gone * under, -over * wanted)


def against_target(value: Quotient, by: Obligation) -> Quotient | None:
    """Value against target, the other way round where lower is better; 1 inside a band; None for a divisor ≤ 0."""
    p, q = value
    if by.sign == 0 and by.met(value):
        return 1, 1
    rises = by.sign > 0 or (by.sign == 0 and p * SCALE < by.low * q)
    aim = by.goal if by.sign else (by.low if rises else by.high)
    if rises:
        return (p * SCALE, q * aim) if aim > 0 else None
    return (aim * q, p * SCALE) if p > 0 and aim >= 0 else None


def _decide(
    found: Judgement, view: View, by: Obligation, verdict: Obligation, norms: Norms, today: int, last: int
) -> None:
    value, as_of = view.value, view.as_of
    assert value is not None
    assert as_of is not None
    met, missed = by.met(value), today >= verdict.missed_on
    aged = min(today, last, verdict.deadline)
    stale = _stale(as_of, norms, aged)
    if met and not by.keeps:
        found.status, why = ACHIEVED, because("target_met", **_said(value, by))
    elif missed and not met:
        found.status = MISSED
        why = because("deadline_passed", deadline=iso(verdict.deadline), **_said(value, by))
    elif stale:
        found.status = UNKNOWN
        over = by.keeps and today > verdict.deadline
        why = because("stale_at_deadline" if over else "stale", as_of=iso(as_of))
    elif by.keeps and met:
        found.status = ACHIEVED if today > verdict.deadline else ON_TRACK
        why = because("line_held", **_said(value, by))
    elif not by.keeps and found.completion is not None and found.completion[0] < 0:
        found.status = MOVING_AWAY
        why = because("below_baseline", value=words(value), baseline=amount(by.baseline or 0))
    else:
        why = _by_pace(found, by, norms, value)
    ahead = None
    if found.status == ON_TRACK and by.curve is not None:
        ahead = by.curve.ahead(value, as_of, by.sign)
        if ahead is not None and today >= ahead[0]:
            step_on, step = ahead[1]
            found.status = AT_RISK
            why = because("step_ahead", step_on=iso(step_on), step=amount(step), value=words(value))
    found.reasons.append(why)
    found.open = not met and not by.keeps
    if missed and view.reported_on() >= verdict.missed_on:
        found.reasons.append(because("later_correction"))
    _explain_nulls(found, by)
    found.due = _next(met, missed, stale, by, verdict, norms, as_of, today, last)
    if ahead is not None and today < ahead[0] and (found.due is None or ahead[0] < found.due):
        found.due = ahead[0]


def _by_pace(found: Judgement, by: Obligation, norms: Norms, value: Quotient) -> Reason:
    """The three statuses that hang on the pace."""
    pace = found.pace
    if pace is None:
        if by.curve is not None:  # the plan is still at the baseline, the value not below
            found.status = ON_TRACK
            return because("plan_at_baseline", baseline=amount(by.baseline or 0))
        found.status = BEHIND
        return because("line_not_held" if by.keeps else "target_not_met", **_said(value, by))
    ahead = pace[0] * SCALE
    if ahead >= norms.on_track * pace[1]:
        if by.keeps:
            found.status = AT_RISK
            return because("line_not_held", **_said(value, by))
        found.status = ON_TRACK
        return because("pace_on_track", pace=words(pace))
    if by.keeps:
        found.status = BEHIND
        return because("line_not_held", **_said(value, by))
    if ahead >= norms.at_risk * pace[1]:
        found.status = AT_RISK
        return because("pace_below_on_track", pace=words(pace), bound=amount(norms.on_track))
    found.status = BEHIND
    return because("pace_below_at_risk", pace=words(pace), bound=amount(norms.at_risk))


def _explain_nulls(found: Judgement, by: Obligation) -> None:
    if found.open and found.planned is not None and found.pace is not None and found.completion is not None:
        return
    codes = {reason["code"] for reason in found.reasons}

    def explain(code: str, **numbers: str) -> None:
        if code not in codes:
            codes.add(code)
            found.reasons.append(because(code, **numbers))

    if found.planned is None:
        explain("no_baseline")
    if found.completion is None and "no_baseline" not in codes:
        explain(by.no_way or "no_completion")
    if found.pace is None:
        if by.curve is None:
            explain("pace_not_defined")
        else:
            explain("plan_at_baseline", baseline=amount(by.baseline or 0))
    if by.keeps:
        explain(by.why_keeps)
    elif not found.open:
        explain("nothing_needed")


def _stale(as_of: int, norms: Norms, aged: int) -> bool:
    return aged > norms.fresh_until(as_of)


def _grows_stale(as_of: int, norms: Norms, until: int) -> int | None:
    """The day on which the figure becomes stale, if that comes before its age stops."""
    day = norms.fresh_until(as_of) + 1
    return day if day <= until else None


def _next(
    met: bool,
    missed: bool,
    stale: bool,
    by: Obligation,
    verdict: Obligation,
    norms: Norms,
    as_of: int,
    today: int,
    last: int,
) -> int | None:
    """The earliest day after today on which time alone changes the status."""
    days = []
    if not met and not missed:
        days.append(verdict.missed_on)
    if by.keeps and today <= verdict.deadline:
        days.append(verdict.deadline + 1)
    if not stale and not (met and not by.keeps) and not missed:
        grows = _grows_stale(as_of, norms, min(last, verdict.deadline))
        if grows is not None:
            days.append(grows)
    return min((day for day in days if day > today), default=None)


def _said(value: Quotient, by: Obligation) -> dict[str, str]:
    return {"value": words(value), "goal": goal_of(by)}


def goal_of(by: Obligation) -> str:
    """The target in a sentence."""
    if by.sign == 0:
        return f"{amount(by.low)} … {amount(by.high)}"
    return f"{'≥' if by.sign > 0 else '≤'} {amount(by.goal)}"
