"""The state machine: what happened to an alert, and what follows. Pure, total and deterministic.

Rows carry the numbers of the transition table. Those that need a `for`, a `keep_firing`, the data axis, escalation or
commands are not here yet; the axes they work on are, so that they can be added without changing what is stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contracts.alerts import AlertTransition, CloseReason, TransitionType
from contracts.catalog import Rule
from contracts.progress import ProgressJudged, Status
from services.alerts.alert import Alert, Condition, DataState, Episode, Head, Told, Transition
from services.alerts.rules import Judgement, Verdict, Why, judge, severity_of, shortfall, worse


class Row(StrEnum):
    """The row of the transition table that applied, with its reason; the reason on the wire."""

    C1 = "c1_fell_behind"
    C5 = "c5_back_on_plan"
    C9_SEVERITY = "c9_severity_rose"
    C9_GAP = "c9_gap_grew"
    C10 = "c10_severity_fell"
    C11 = "c11_target_met"
    C17 = "c17_rule_gone"
    C18_MET = "c18_period_ended_target_met"
    C18_MISSED = "c18_period_ended_target_missed"
    C18_LATE = "c18_period_had_ended"
    WITHDRAWN = "target_withdrawn"
    C19 = "c19_version_not_newer"
    C20 = "c20_no_transition"
    NOT_DUE = "tick_not_due"


@dataclass(frozen=True, slots=True)
class Observation:
    """One progress record, with what its calendar and its KPI's kind add to it."""

    record: ProgressJudged
    period_over_at: datetime
    """The first instant after the last day of the period."""
    closes_at: datetime
    """Period end and reporting grace: from here on the episode is over, however it stands."""
    cumulative: bool
    """A running total, for which a target once reached is reached for good."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A stored timer may be due. A late or doubled tick gives the same result."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The alert as it is now, the row that made it so, and what is to be told."""

    alert: Alert
    row: Row
    effects: tuple[Transition, ...] = ()


Happened = Observation | Tick
Audience = Callable[[], Told]
"""Looks up who is to be told; asked only when there is something to tell."""


def decide(alert: Alert, rule: Rule | None, happened: Happened, now: datetime, audience: Audience = Told) -> Decision:
    """The next state of an alert. `rule` None: it was deleted or disabled. `audience` is asked at most once."""
    if isinstance(happened, Tick):
        return _tick(alert, rule, now)
    if alert.head is not None and happened.record.version <= alert.head.version:
        return Decision(alert, Row.C19)
    if rule is None:
        return Decision(alert, Row.C20)
    return _observe(alert, rule, happened, now, audience)


def _observe(alert: Alert, rule: Rule, seen: Observation, now: datetime, audience: Audience) -> Decision:
    record = seen.record
    judgement = judge(rule, record, period_over=now >= seen.period_over_at)
    alert = replace(alert, head=_head(record, judgement), data=DataState.ERROR if judgement.error else DataState.OK)
    if now >= seen.closes_at:
        return _period_ended(alert, rule, record, now)
    if alert.open is None:
        if judgement.verdict is Verdict.BREACH:
            return _open(alert, rule, seen, now, audience())
        return Decision(alert, Row.C20)
    if judgement.why is Why.NO_TARGET:
        return _close(alert, rule, record, CloseReason.TARGET_WITHDRAWN, Row.WITHDRAWN, now)
    if judgement.verdict is Verdict.CLEAR:
        if judgement.why is Why.ACHIEVED and seen.cumulative:
            return _close(alert, rule, record, CloseReason.TARGET_MET, Row.C11, now)
        return _close(alert, rule, record, CloseReason.RECOVERED, Row.C5, now)
    if judgement.verdict is Verdict.NONE:
        return Decision(alert, Row.C20)
    return _still_behind(alert, rule, record, now, audience)


def _open(alert: Alert, rule: Rule, seen: Observation, now: datetime, told: Told) -> Decision:
    record, short = seen.record, shortfall(seen.record)
    episode = Episode(
        opened_at=now,
        since=record.as_of,
        readings=1,
        told_shortfall=short,
        worst_shortfall=short,
        record=record,
        told=told,
    )
    opened = replace(
        alert,
        condition=Condition.FIRING,
        episode=alert.episode + 1,
        severity=severity_of(rule.ladder, _pace(record), None),
        open=episode,
        close_reason=None,
        next_due_at=seen.closes_at,
    )
    return _tell(opened, rule, episode, TransitionType.OPENED, Row.C1, now)


def _still_behind(alert: Alert, rule: Rule, record: ProgressJudged, now: datetime, audience: Audience) -> Decision:
    """In breach, or in the band: while an episode is open the band counts as breach."""
    before = alert.open
    assert before is not None
    severity, short = severity_of(rule.ladder, _pace(record), alert.severity), shortfall(record)
    rose = alert.severity is None or worse(severity, alert.severity)
    grew = _grew(before.told_shortfall, short, rule)
    episode = replace(
        before,
        record=record,
        readings=before.readings + (record.as_of != before.record.as_of),
        worst_shortfall=_larger(before.worst_shortfall, short),
    )
    if not rose and not grew:
        fell = severity is not alert.severity
        return Decision(replace(alert, severity=severity, open=episode), Row.C10 if fell else Row.C20)
    episode = replace(episode, told_shortfall=short, told=before.told.joined(audience()))
    row = Row.C9_SEVERITY if rose else Row.C9_GAP
    return _tell(replace(alert, severity=severity, open=episode), rule, episode, TransitionType.WORSENED, row, now)


def _period_ended(alert: Alert, rule: Rule, record: ProgressJudged, now: datetime) -> Decision:
    if alert.open is None:
        return Decision(alert, Row.C18_LATE)
    if record.status is Status.ACHIEVED:
        return _close(alert, rule, record, CloseReason.PERIOD_CLOSED_MET, Row.C18_MET, now)
    return _close(alert, rule, record, CloseReason.PERIOD_CLOSED_MISSED, Row.C18_MISSED, now)


def _tick(alert: Alert, rule: Rule | None, now: datetime) -> Decision:
    if alert.open is None:
        return Decision(replace(alert, next_due_at=None), Row.NOT_DUE)
    if rule is None:
        return _close(alert, rule, alert.open.record, CloseReason.RULE_DISABLED, Row.C17, now)
    if alert.next_due_at is None or now < alert.next_due_at:
        return Decision(alert, Row.NOT_DUE)
    return _period_ended(alert, rule, alert.open.record, now)


def _close(
    alert: Alert, rule: Rule | None, record: ProgressJudged, reason: CloseReason, row: Row, now: datetime
) -> Decision:
    episode = alert.open
    assert episode is not None
    closed = replace(alert, condition=Condition.INACTIVE, open=None, close_reason=reason, next_due_at=None)
    worst = _larger(episode.worst_shortfall, shortfall(record))
    episode = replace(episode, record=record, worst_shortfall=worst)
    return _tell(closed, rule, episode, TransitionType.CLOSED, row, now)


def _tell(alert: Alert, rule: Rule | None, episode: Episode, kind: TransitionType, row: Row, now: datetime) -> Decision:
    key, record = alert.key, episode.record
    alert = replace(alert, seq=alert.seq + 1)
    assert alert.severity is not None
    wire = AlertTransition(
        alert_id=key.alert_id,
        episode=alert.episode,
        seq=alert.seq,
        type=kind,
        severity=alert.severity,
        rule=key.rule,
        province=key.province,
        kpi=key.kpi,
        org_unit=key.org_unit,
        period=key.period,
        reason=row.value,
        close_reason=alert.close_reason if kind is TransitionType.CLOSED else None,
        handling=alert.handling.state,
        owner=episode.told.owner,
        opened_at=episode.opened_at,
        at=now,
        progress=record,
        contributions=record.contributions.top if record.contributions is not None else (),
    )
    effect = Transition(
        wire=wire,
        told=episode.told,
        since=episode.since,
        readings=episode.readings,
        shortfall=shortfall(record),
        worst_shortfall=episode.worst_shortfall,
        wait_s=rule.group_wait.total_seconds() if rule is not None else 0.0,
    )
    if kind is TransitionType.CLOSED:
        alert = replace(alert, severity=None)
    return Decision(alert, row, (effect,))


def _head(record: ProgressJudged, judgement: Judgement) -> Head:
    return Head(
        version=record.version,
        as_of=record.as_of,
        value=record.value,
        planned=record.planned,
        pace=record.pace,
        status=record.status,
        verdict=judgement.verdict.value,
    )


def _pace(record: ProgressJudged) -> float:
    assert record.pace is not None  # breach and band are verdicts on a pace
    return record.pace


def _grew(told: float | None, short: float | None, rule: Rule) -> bool:
    if rule.worsen_step is None or short is None or told is None:
        return False
    return short - told >= float(rule.worsen_step)


def _larger(one: float | None, other: float | None) -> float | None:
    known = [short for short in (one, other) if short is not None]
    return max(known, default=None)
