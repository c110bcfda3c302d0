"""The state machine: what happened to an alert, and what follows. Pure, total and deterministic.

Rows carry the numbers of the transition table. Those that need the data axis are not here yet; the axis they work on
is, so that they can be added without changing what is stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contracts.alerts import AlertTransition, CloseReason, Remark, TransitionType
from contracts.catalog import EscalationPolicy, Rule
from contracts.progress import ProgressJudged, Status
from services.alerts.accounting import Ask, GiveAccount, asked
from services.alerts.accounting import told_of as account_told
from services.alerts.accounting import waits_until as account_due
from services.alerts.acknowledging import Acknowledge, ended, remembered, reminded, taken_up, told_of
from services.alerts.alert import (
    Ahead,
    Alert,
    Condition,
    DataState,
    Episode,
    Escalation,
    Handling,
    Head,
    Stretch,
    Told,
    Transition,
    Waived,
)
from services.alerts.closing import Close, stays_closed
from services.alerts.commenting import Comment
from services.alerts.escalating import (
    NO_WAYS,
    Ways,
    ahead,
    dated,
    followed,
    heard,
    joined,
    newcomers,
    policy_of,
    reached,
    repeats_at,
    stepped,
    waits_until,
)
from services.alerts.holding import begun, held, longer, not_after, settled_at
from services.alerts.rules import Judgement, Verdict, Why, judge, line_of, severity_of, shortfall, worse


class Row(StrEnum):
    """The row of the transition table that applied, with its reason; the reason on the wire."""

    C1 = "c1_fell_behind"
    C2 = "c2_behind_not_long_enough"
    C3 = "c3_stayed_behind"
    C4 = "c4_behind_not_for_long"
    C5 = "c5_back_on_plan"
    C5_CORRECTED = "c5_was_never_behind"
    C6 = "c6_clear_not_long_enough"
    C7 = "c7_behind_again"
    C8 = "c8_stayed_clear"
    C9_SEVERITY = "c9_severity_rose"
    C9_GAP = "c9_gap_grew"
    C10 = "c10_severity_fell"
    C11 = "c11_target_met"
    C16 = "c16_closed_by_hand"
    C16_SAME = "c16_same_figure_as_when_closed"
    C16_WAIVED = "c16_waived_until_later"
    C16_OVER = "c16_waiver_ended"
    C17 = "c17_rule_gone"
    C17_ELSEWHERE = "c17_rule_watches_others"
    C17_CHANGED = "c17_rule_changed"
    C17_NO_UNIT = "c17_unit_gone"
    C18_MET = "c18_period_ended_target_met"
    C18_MISSED = "c18_period_ended_target_missed"
    C18_LATE = "c18_period_had_ended"
    WITHDRAWN = "target_withdrawn"
    REVISED = "target_revised"
    E1 = "e1_step_reached"
    E2 = "e2_pace_out_of_reach"
    R1 = "r1_told_again"
    H1 = "h1_acknowledged"
    H2 = "h2_acknowledgement_ended"
    H3 = "h3_commented"
    H4 = "h4_account_asked"
    H5 = "h5_account_given"
    H6 = "h6_account_overdue"
    H_NOT_ASKED = "h_no_account_asked"
    H_NOT_OPEN = "h_nothing_to_act_on"
    H_ENDED = "h_end_has_passed"
    H_AGAIN = "h_command_taken_before"
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
class Reconsidered:
    """The catalog changed: what it says of the alert's rule and unit now. Doing it twice changes nothing."""

    watched: bool
    """Whether the rule still selects this KPI at this unit."""
    there: bool
    """Whether the catalog still has the unit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The alert as it is now, the row that made it so, and what is to be told."""

    alert: Alert
    row: Row
    effects: tuple[Transition, ...] = ()


Command = Acknowledge | Comment | Close | Ask | GiveAccount
Happened = Observation | Tick | Reconsidered | Command
Audience = Callable[[], Told]
"""Looks up who is to be told; asked only when there is something to tell."""


def decide(
    alert: Alert,
    rule: Rule | None,
    happened: Happened,
    now: datetime,
    audience: Audience = Told,
    ways: Ways = NO_WAYS,
) -> Decision:
    """The next state of an alert. `rule` None: it was deleted or disabled. `audience` is asked at most once, `ways`
    only while an episode is open."""
    if isinstance(happened, Tick):
        return _timed(_climb(alert, _tick(alert, rule, now, audience), rule, now, ways), rule)
    if isinstance(happened, Reconsidered):
        return _timed(_climb(alert, _reconsider(alert, rule, happened, now), rule, now, ways, anew=True), rule)
    if not isinstance(happened, Observation):
        return _timed(_climb(alert, _commanded(alert, rule, happened, now, audience), rule, now, ways), rule)
    if alert.head is not None and happened.record.version <= alert.head.version:
        return Decision(alert, Row.C19)
    if rule is None:
        return Decision(alert, Row.C20)
    observed = _observe(replace(alert, closes_at=happened.closes_at), rule, happened, now, audience)
    return _timed(_climb(alert, observed, rule, now, ways), rule)


def _climb(
    former: Alert, decision: Decision, rule: Rule | None, now: datetime, ways: Ways, *, anew: bool = False
) -> Decision:
    """What time adds to a decision: an acknowledgement that ended, steps that are reached, and repeats."""
    alert = decision.alert
    if alert.open is None or rule is None:
        bare = alert.escalation.policy is None and alert.handling.state == "unacked" and alert.asked is None
        if alert.open is not None or bare:
            return decision
        return replace(decision, alert=replace(alert, escalation=Escalation(), handling=Handling(), asked=None))
    over = ended(alert.handling, now)
    if over:
        alert = replace(alert, handling=Handling())
    policy = policy_of(rule, alert.severity)
    episode, climb = dated(former, alert, now), followed(alert, policy, now, ways.clock, anew=anew)
    if episode is not alert.open or climb != alert.escalation:
        alert = replace(alert, open=episode, escalation=climb)
    course = _Course(alert, rule, now, decision.row, list(decision.effects))
    if over and alert.condition is Condition.FIRING:
        course.tells(TransitionType.REMINDED, Row.H2, reminded(former.handling, episode.told))
    _overdue(course)
    if policy is not None:
        _steps(course, policy, ways)
        _repeat(course, policy, ways)
    if course.alert is decision.alert and not course.effects:
        return decision
    return course.decision(ahead(course.alert, policy))


@dataclass(slots=True)
class _Course:
    """An open alert while time is added to a decision on it."""

    alert: Alert
    rule: Rule
    now: datetime
    row: Row
    effects: list[Transition]

    @property
    def episode(self) -> Episode:
        """The open one."""
        assert self.alert.open is not None
        return self.alert.open

    def tells(self, kind: TransitionType, row: Row, meant_for: tuple[str, ...], *, hurried: bool = False) -> None:
        """One more effect."""
        told = _tell(self.alert, self.rule, self.episode, kind, row, self.now)
        self.effects += (replace(one, meant_for=meant_for, hurried=hurried) for one in told.effects)
        self.alert, self.row = told.alert, row if self.row in _QUIET else self.row

    def decision(self, foretold: Ahead | None) -> Decision:
        """The whole, each effect with what the mails say of the climb."""
        told_at, handling = self.episode.told_at, self.alert.handling
        asked = self.alert.asked
        effects = (
            replace(one, told_at=told_at, ahead=foretold, handling=handling, asked=asked) for one in self.effects
        )
        return Decision(self.alert, self.row, tuple(effects))


def _overdue(course: _Course) -> None:
    """Who asked and who is to answer are told once that the time for an answer is over."""
    due, one = account_due(course.alert), course.alert.asked
    if one is not None and due is not None and due <= course.now:
        course.alert = replace(course.alert, asked=replace(one, reminded=True))
        course.tells(TransitionType.REMINDED, Row.H6, (*one.of, one.by))


def _steps(course: _Course, policy: EscalationPolicy, ways: Ways) -> None:
    """The steps that are reached, each once and in order. One without anybody on it is passed over for the next at
    once."""
    vacant = False
    while (step := reached(course.alert, policy, course.now, at_once=vacant)) is not None:
        found = ways.standing(step.step)
        vacant = not found.recipients
        episode, new = course.episode, newcomers(course.episode.told, found)
        climb = stepped(course.alert.escalation, policy, ways.clock)
        course.alert = replace(course.alert, escalation=climb, open=joined(episode, new, course.now))
        if new:
            cause = Row.E2 if step.hurried else Row.E1
            meant_for = tuple(who.person for who in new)
            course.tells(TransitionType.ESCALATED, cause, meant_for, hurried=step.hurried)


def _repeat(course: _Course, policy: EscalationPolicy, ways: Ways) -> None:
    """Everybody again where it was quiet for long; any mail begins the quiet anew."""
    at, mailed = repeats_at(course.alert), [one for one in course.effects if one.wire.type not in _UNMAILED]
    if not mailed and at is not None and at <= course.now:
        everybody = tuple(who.person for who in course.episode.told.recipients)
        course.tells(TransitionType.REMINDED, Row.R1, everybody)
        mailed = course.effects
    if mailed and policy.repeats:
        times = _repeats(course.alert, course.effects)
        climb = heard(course.alert.escalation, policy, course.now, ways.clock, repeats=times)
        course.alert = replace(course.alert, escalation=climb)


def _repeats(alert: Alert, effects: Sequence[Transition]) -> int:
    """How often everybody was told again: news begins the count anew."""
    if any(effect.wire.type in (TransitionType.OPENED, TransitionType.WORSENED) for effect in effects):
        return 0
    return alert.escalation.repeats + any(effect.wire.reason == Row.R1 for effect in effects)


def _commanded(alert: Alert, rule: Rule | None, command: Command, now: datetime, audience: Audience) -> Decision:
    """What somebody does about what is open: nobody was told of anything else, or it is over. A command is taken once;
    one that is refused may come again."""
    episode = alert.open
    if command.command_id in alert.commands:
        return Decision(alert, Row.H_AGAIN)
    if episode is None or alert.severity is None or rule is None:
        return Decision(alert, Row.H_NOT_OPEN)
    taken = replace(alert, commands=remembered(alert.commands, command.command_id))
    match command:
        case Acknowledge():
            done = _acknowledge(taken, rule, episode, taken_up(command, alert.severity), now)
        case Ask():
            done = _ask(taken, rule, episode, command, now, audience())
        case GiveAccount():
            done = _give(taken, rule, episode, command, now)
        case Comment():
            done = _remarked(_tell(taken, rule, episode, TransitionType.COMMENTED, Row.H3, now), command)
        case Close():
            done = _close_by_hand(taken, rule, episode, command, now)
    return done if isinstance(done, Decision) else Decision(alert, done)


def _acknowledge(alert: Alert, rule: Rule, episode: Episode, handling: Handling, now: datetime) -> Decision | Row:
    """Somebody takes it up."""
    if ended(handling, now):
        return Row.H_ENDED
    return _tell(replace(alert, handling=handling), rule, episode, TransitionType.ACKNOWLEDGED, Row.H1, now)


def _ask(alert: Alert, rule: Rule, episode: Episode, command: Ask, now: datetime, concerned: Told) -> Decision | Row:
    """Somebody asks for an account. They and who is to answer hear of the alert from now on, if they did not before."""
    if command.due <= now:
        return Row.H_ENDED
    episode = joined(episode, newcomers(episode.told, concerned), now)
    one = asked(command, tuple(who.person for who in concerned.recipients if who.person != command.by))
    return _tell(replace(alert, open=episode, asked=one), rule, episode, TransitionType.ACCOUNT_ASKED, Row.H4, now)


def _give(alert: Alert, rule: Rule, episode: Episode, command: GiveAccount, now: datetime) -> Decision | Row:
    """Somebody gives the account that was asked for."""
    if alert.asked is None or alert.asked.given_at is not None:
        return Row.H_NOT_ASKED
    one = replace(alert.asked, given_by=command.by, given_at=command.at, answer=command.note)
    return _tell(replace(alert, asked=one), rule, episode, TransitionType.ACCOUNT_GIVEN, Row.H5, now)


def _close_by_hand(alert: Alert, rule: Rule, episode: Episode, command: Close, now: datetime) -> Decision | Row:
    """Somebody ends what is open."""
    if command.until is not None and command.until <= now:
        return Row.H_ENDED
    behind = episode.record if alert.condition is Condition.FIRING else None
    waived = Waived(command.until, behind) if command.until is not None else None
    record = _newest(episode, alert.waiting)
    return _remarked(_close(replace(alert, waived=waived), rule, record, CloseReason.MANUAL, Row.C16, now), command)


def _remarked(decision: Decision, command: Comment | Close) -> Decision:
    """The decision, told with what somebody wrote."""
    told: dict[str, object] = {"remark": Remark(by=command.by, note=command.note)}
    if isinstance(command, Close):
        told["waived_until"] = command.until
    said = (replace(one, wire=one.wire.model_copy(update=told)) for one in decision.effects)
    return replace(decision, effects=tuple(said))


_UNMAILED = frozenset({TransitionType.COMMENTED})
"""Nobody gets a mail of it, so it keeps nobody from being told again."""

_QUIET = frozenset({Row.NOT_DUE, Row.C20})
"""Rows that say nothing which a step that was reached would hide."""


def _observe(alert: Alert, rule: Rule, seen: Observation, now: datetime, audience: Audience) -> Decision:
    record = seen.record
    judgement = judge(rule, record, period_over=now >= seen.period_over_at)
    as_closed = stays_closed(alert, record)
    alert = replace(alert, head=_head(record, judgement), data=DataState.ERROR if judgement.error else DataState.OK)
    if now >= seen.closes_at:
        return _period_ended(alert, rule, record, now)
    if alert.waived is not None and now >= alert.waived.until:
        alert = replace(alert, waived=None)
    if judgement.why is Why.NO_TARGET:
        if alert.open is None:
            return _not_open(alert, Row.WITHDRAWN if alert.waiting is not None else Row.C20)
        return _close(alert, rule, record, CloseReason.TARGET_WITHDRAWN, Row.WITHDRAWN, now)
    if judgement.verdict is Verdict.NONE:
        return Decision(alert, Row.C20)
    if alert.waived is not None:
        behind = record if judgement.verdict is Verdict.BREACH else None
        return Decision(replace(alert, waived=replace(alert.waived, record=behind)), Row.C16_WAIVED)
    if alert.open is None:
        if judgement.verdict is Verdict.BREACH and as_closed:
            return Decision(alert, Row.C16_SAME)
        if judgement.verdict is Verdict.BREACH:
            return _behind(alert, rule, record, now, audience)
        return _not_open(alert, Row.C4 if alert.condition is Condition.PENDING else Row.C20)
    if judgement.verdict is Verdict.CLEAR:
        if _only_revised(alert, record):
            return _close(alert, rule, record, CloseReason.TARGET_REVISED, Row.REVISED, now)
        if judgement.why is Why.ACHIEVED and seen.cumulative:
            return _close(alert, rule, record, CloseReason.TARGET_MET, Row.C11, now)
        return _clear(alert, rule, record, now)
    return _still_behind(alert, rule, record, now, audience)


def _not_open(alert: Alert, row: Row) -> Decision:
    """No episode, and nothing that might become one."""
    return Decision(replace(alert, condition=Condition.INACTIVE, waiting=None, waived=None), row)


def _behind(alert: Alert, rule: Rule, record: ProgressJudged, now: datetime, audience: Audience) -> Decision:
    """In breach, while no episode is open."""
    first = alert.waiting is None
    stretch = begun(record, now) if alert.waiting is None else longer(alert.waiting, record)
    if held(rule.pending_for, stretch, now):
        return _open(alert, rule, stretch, Row.C1 if first else Row.C3, now, audience())
    return Decision(replace(alert, condition=Condition.PENDING, waiting=stretch), Row.C2)


def _clear(alert: Alert, rule: Rule, record: ProgressJudged, now: datetime) -> Decision:
    """Clear, while an episode is open."""
    episode, first = alert.open, alert.waiting is None
    assert episode is not None
    if _corrected(episode, record):
        return _close(alert, rule, record, CloseReason.RECOVERED, Row.C5_CORRECTED, now)
    stretch = begun(record, now) if alert.waiting is None else longer(alert.waiting, record)
    if held(rule.keep_firing_for, stretch, now):
        return _close(alert, rule, record, CloseReason.RECOVERED, Row.C5 if first else Row.C8, now)
    return Decision(replace(alert, condition=Condition.RECOVERING, waiting=stretch), Row.C6)


def _corrected(episode: Episode, record: ProgressJudged) -> bool:
    """Whether the figure that it opened with was changed or withdrawn: it was never behind."""
    same = (record.as_of, record.value) == (episode.record.as_of, episode.record.value)
    return not same and not_after(record.as_of, episode.since)


def _only_revised(alert: Alert, record: ProgressJudged) -> bool:
    """Whether it is clear only because the same figure is held against another plan: no performance ends it."""
    if alert.open is None or alert.condition is not Condition.FIRING:
        return False
    former = alert.open.record
    return (record.as_of, record.value) == (former.as_of, former.value) and _promise(record) != _promise(former)


def _promise(record: ProgressJudged) -> tuple[object, ...]:
    """What a figure is held against."""
    target = record.target
    return (record.planned, *((target.value, target.comparator, target.baseline) if target is not None else ()))


def _open(alert: Alert, rule: Rule, stretch: Stretch, row: Row, now: datetime, told: Told) -> Decision:
    record, short = stretch.record, shortfall(stretch.record)
    episode = Episode(
        opened_at=now,
        since=stretch.dates[0] if stretch.dates else None,
        readings=max(1, len(stretch.dates)),
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
        waiting=None,
    )
    return _tell(opened, rule, episode, TransitionType.OPENED, row, now)


def _still_behind(alert: Alert, rule: Rule, record: ProgressJudged, now: datetime, audience: Audience) -> Decision:
    """In breach, or in the band: while an episode is open the band counts as breach."""
    before, again = alert.open, alert.condition is Condition.RECOVERING
    assert before is not None
    alert = replace(alert, condition=Condition.FIRING, waiting=None)
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
        row = Row.C7 if again else Row.C10 if severity is not alert.severity else Row.C20
        return Decision(replace(alert, severity=severity, open=episode), row)
    episode = replace(episode, told_shortfall=short, told=before.told.joined(audience()))
    row = Row.C9_SEVERITY if rose else Row.C9_GAP
    return _tell(replace(alert, severity=severity, open=episode), rule, episode, TransitionType.WORSENED, row, now)


def _period_ended(alert: Alert, rule: Rule, record: ProgressJudged, now: datetime) -> Decision:
    if alert.open is None:
        return _not_open(alert, Row.C18_LATE)
    if record.status is Status.ACHIEVED:
        return _close(alert, rule, record, CloseReason.PERIOD_CLOSED_MET, Row.C18_MET, now)
    return _close(alert, rule, record, CloseReason.PERIOD_CLOSED_MISSED, Row.C18_MISSED, now)


def _tick(alert: Alert, rule: Rule | None, now: datetime, audience: Audience) -> Decision:
    stretch = alert.waiting
    if alert.open is None and stretch is None:
        return _waived(alert, alert.waived, rule, now, audience) if alert.waived else Decision(alert, Row.NOT_DUE)
    if rule is None:
        if alert.open is None:
            return _not_open(alert, Row.C17)
        return _close(alert, rule, _newest(alert.open, stretch), CloseReason.RULE_DISABLED, Row.C17, now)
    closes_at = _closes_at(alert)
    if closes_at is not None and now >= closes_at:
        if alert.open is None:
            return _not_open(alert, Row.C18_LATE)
        return _period_ended(alert, rule, _newest(alert.open, stretch), now)
    if stretch is None or not _settled(alert, rule, stretch, now):
        return Decision(alert, Row.NOT_DUE)
    if alert.open is None:
        return _open(alert, rule, stretch, Row.C3, now, audience())
    return _close(alert, rule, stretch.record, CloseReason.RECOVERED, Row.C8, now)


def _waived(alert: Alert, waived: Waived, rule: Rule | None, now: datetime, audience: Audience) -> Decision:
    """What is still behind when its waiver ends opens again."""
    closes_at = _closes_at(alert)
    if rule is None or (closes_at is not None and now >= closes_at):
        return _not_open(alert, Row.C17 if rule is None else Row.C18_LATE)
    if now < waived.until:
        return Decision(alert, Row.NOT_DUE)
    if waived.record is None or judge(rule, waived.record, period_over=True).verdict is not Verdict.BREACH:
        return _not_open(alert, Row.C16_OVER)
    again = replace(alert, waived=None)
    return _open(again, rule, begun(waived.record, now), Row.C16_OVER, now, audience())


def _reconsider(alert: Alert, rule: Rule | None, catalog: Reconsidered, now: datetime) -> Decision:
    """What a rule no longer says is over. What it says from now on begins with the next figure."""
    gone = _gone(rule, catalog)
    if alert.open is None:
        none = alert.waiting is None and alert.waived is None
        return Decision(alert, Row.NOT_DUE) if gone is None or none else _not_open(alert, gone[0])
    record = _newest(alert.open, alert.waiting)
    if gone is not None:
        return _close(alert, rule, record, gone[1], gone[0], now)
    assert rule is not None
    if alert.condition is Condition.FIRING and judge(rule, record, period_over=True).verdict is Verdict.CLEAR:
        return _close(alert, rule, record, CloseReason.RULE_CHANGED, Row.C17_CHANGED, now)
    if alert.severity in {rung.severity for rung in rule.ladder}:
        return Decision(alert, Row.NOT_DUE)
    return Decision(replace(alert, severity=severity_of(rule.ladder, _pace(record), None)), Row.C20)


def _gone(rule: Rule | None, catalog: Reconsidered) -> tuple[Row, CloseReason] | None:
    if not catalog.there:
        return Row.C17_NO_UNIT, CloseReason.ORG_UNIT_RETIRED
    if rule is None:
        return Row.C17, CloseReason.RULE_DISABLED
    return None if catalog.watched else (Row.C17_ELSEWHERE, CloseReason.RULE_IDENTITY_CHANGED)


def _newest(episode: Episode, stretch: Stretch | None) -> ProgressJudged:
    """While it is RECOVERING the newest record is a clear one."""
    return stretch.record if stretch is not None else episode.record


def _settled(alert: Alert, rule: Rule, stretch: Stretch, now: datetime) -> bool:
    at = _settles_at(alert, rule, stretch)
    return at is not None and now >= at


def _settles_at(alert: Alert, rule: Rule, stretch: Stretch) -> datetime | None:
    """Silence settles nothing: while there is nothing to judge by, the timer waits for the next figure."""
    if alert.head is None or alert.head.verdict == Verdict.NONE.value:
        return None
    return settled_at(rule.pending_for if alert.open is None else rule.keep_firing_for, stretch)


def _closes_at(alert: Alert) -> datetime | None:
    return alert.closes_at if alert.closes_at is not None else alert.next_due_at


def _timed(decision: Decision, rule: Rule | None) -> Decision:
    """With the moment at which time alone will change something."""
    alert = decision.alert
    due = None
    if rule is not None and (alert.open is not None or alert.waiting is not None or alert.waived is not None):
        settles_at = _settles_at(alert, rule, alert.waiting) if alert.waiting is not None else None
        account = account_due(alert) if alert.open is not None else None
        climb = (waits_until(alert), repeats_at(alert), alert.handling.until)
        waived = alert.waived.until if alert.waived is not None else None
        moments = (_closes_at(alert), settles_at, account, waived, *climb)
        due = min((one for one in moments if one is not None), default=None)
    return decision if due == alert.next_due_at else replace(decision, alert=replace(alert, next_due_at=due))


def _close(
    alert: Alert, rule: Rule | None, record: ProgressJudged, reason: CloseReason, row: Row, now: datetime
) -> Decision:
    episode = alert.open
    assert episode is not None
    closed = replace(alert, condition=Condition.INACTIVE, open=None, close_reason=reason, waiting=None)
    worst = _larger(episode.worst_shortfall, shortfall(record))
    before = line_of(episode.record) if row is Row.REVISED else None
    episode = replace(episode, record=record, worst_shortfall=worst)
    return _tell(closed, rule, episode, TransitionType.CLOSED, row, now, before)


def _tell(
    alert: Alert,
    rule: Rule | None,
    episode: Episode,
    kind: TransitionType,
    row: Row,
    now: datetime,
    planned_before: float | None = None,
) -> Decision:
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
        taken_up=told_of(alert.handling),
        account=account_told(alert.asked),
        owner=episode.told.owner,
        opened_at=episode.opened_at,
        at=now,
        progress=record,
        contributions=record.contributions.top if record.contributions is not None else (),
        planned_before=planned_before,
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
