"""How an open alert climbs a rule's policy: which step is next, when, and who is told. Pure.

Time counts from the beginning of the episode, on two clocks at once, since steps may name either. It stands still while
there is nothing to judge by and while somebody has taken the alert up. While the figures are clear but the episode is
still open, time counts and nobody new is told.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from contracts.alerts import Severity
from contracts.catalog import EscalationPolicy, EscalationStep, Rule
from contracts.progress import ProgressJudged
from services.alerts.alert import Ahead, Alert, Condition, DataState, Episode, Escalation, Recipient, Told
from services.alerts.rules import Verdict
from services.alerts.working_clock import WorkingClock


def _nobody(_: EscalationStep) -> Told:
    return Told()


_ALL_TIME = WorkingClock(None, UTC)


@dataclass(frozen=True, slots=True)
class Ways:
    """What climbing asks the catalog: how much working time passes, and who is on a step of this alert now."""

    clock: WorkingClock = _ALL_TIME
    standing: Callable[[EscalationStep], Told] = _nobody


NO_WAYS = Ways()


@dataclass(frozen=True, slots=True)
class Reached:
    """A step that is reached. `hurried`: not by time, but because the pace that is needed is out of reach."""

    step: EscalationStep
    hurried: bool


def policy_of(rule: Rule, severity: Severity | None) -> EscalationPolicy | None:
    """By which policy an alert of this severity climbs."""
    own = next((rung.policy for rung in rule.ladder if rung.severity == severity), None)
    named = own or rule.policy
    return next((policy for policy in rule.policies if policy.id == named), None) if named is not None else None


def followed(
    alert: Alert, policy: EscalationPolicy | None, now: datetime, clock: WorkingClock, *, anew: bool = False
) -> Escalation:
    """Where the climb of an open alert stands at `now`: another policy begins at its first step, with the time that has
    passed. `anew`: the catalog changed, so that what was computed from it no longer holds."""
    before, episode = alert.escalation, alert.open
    assert episode is not None
    if policy is None:
        return Escalation() if before.policy is not None else before
    after = before
    if before.policy is None:
        after = Escalation(policy.id, running_since=episode.opened_at)
    elif before.policy != policy.id:
        after = replace(before, policy=policy.id, step=0)
    runs = _counts(alert)
    if runs and after.running_since is None:
        after = replace(after, running_since=now)
    elif not runs and after.running_since is not None:
        after = replace(
            after,
            running_since=None,
            worked=after.worked + clock.passed(after.running_since, now),
            passed=after.passed + max(timedelta(0), now - after.running_since),
        )
    return after if after is before and not anew else _timed(after, policy, clock)


def reached(alert: Alert, policy: EscalationPolicy, now: datetime, *, at_once: bool) -> Reached | None:
    """The next step, if it is reached. `at_once`: the one before it was vacant."""
    climb = alert.escalation
    if climb.step >= len(policy.steps) or waits_until(alert) is None:
        return None
    assert alert.open is not None
    assert climb.due_at is not None
    step = policy.steps[climb.step]
    if at_once or climb.due_at <= now:
        return Reached(step, hurried=False)
    if climb.step < (policy.skip_to or 0) and out_of_reach(alert.open.record, float(policy.skip_when)):
        return Reached(step, hurried=True)
    return None


def stepped(climb: Escalation, policy: EscalationPolicy, clock: WorkingClock) -> Escalation:
    """One step higher."""
    return _timed(replace(climb, step=climb.step + 1), policy, clock)


def waits_until(alert: Alert) -> datetime | None:
    """The moment at which the next step is reached if nothing changes; None where nothing but a figure moves it."""
    return alert.escalation.due_at if alert.condition is Condition.FIRING else None


def repeats_at(alert: Alert) -> datetime | None:
    """The moment at which everybody who was told is told again if nothing changes."""
    return alert.escalation.repeat_at if alert.condition is Condition.FIRING else None


def heard(
    climb: Escalation, policy: EscalationPolicy, now: datetime, clock: WorkingClock, *, repeats: int
) -> Escalation:
    """After a mail: from now on it is quiet again."""
    running = clock.passed(climb.running_since, now) if climb.running_since is not None else timedelta(0)
    return _timed(replace(climb, repeats=repeats, quiet_from=climb.worked + running), policy, clock)


def ahead(alert: Alert, policy: EscalationPolicy | None) -> Ahead | None:
    """The next step, as far as it can be foretold."""
    at = waits_until(alert)
    if policy is None or at is None:
        return None
    return Ahead(at, policy.steps[alert.escalation.step].audience)


def newcomers(told: Told, found: Told) -> tuple[Recipient, ...]:
    """Those who were not told yet, neither they nor their address."""
    people = {who.person for who in told.recipients}
    addresses = {who.email.lower() for who in told.recipients}
    return tuple(who for who in found.recipients if who.person not in people and who.email.lower() not in addresses)


def dated(former: Alert, alert: Alert, now: datetime) -> Episode:
    """The open episode, knowing of everybody when they were first told."""
    episode = alert.open
    assert episode is not None
    if len(episode.told_at) == len(episode.told.recipients):
        return episode  # nobody who was told is ever left out
    dates = dict(episode.told_at)
    new = [who.person for who in episode.told.recipients if who.person not in dates]
    if not new:
        return episode
    same = former.open is not None and former.episode == alert.episode
    known = {who.person for who in former.open.told.recipients} if same and former.open is not None else set()
    first = tuple((person, episode.opened_at if person in known else now) for person in new)
    return replace(episode, told_at=(*episode.told_at, *first))


def joined(episode: Episode, new: tuple[Recipient, ...], now: datetime) -> Episode:
    """The episode with more people who are told of it from now on."""
    told_at = (*episode.told_at, *((who.person, now) for who in new))
    return replace(episode, told=episode.told.joined(Told(new)), told_at=told_at)


def out_of_reach(record: ProgressJudged, times: float) -> bool:
    """Whether the pace that is needed is more than so many times the best that ever was."""
    needed = record.needed
    if needed is None or needed.best is None or record.target is None:
        return False
    falls = -1.0 if record.target.comparator == "<=" else 1.0
    amount, best = needed.amount * falls, needed.best * falls
    return amount > 0 and amount > times * max(0.0, best)


def _counts(alert: Alert) -> bool:
    """Whether time counts: there is something to judge by, and nobody has taken it up."""
    judged = alert.head is not None and alert.head.verdict != Verdict.NONE.value
    return judged and alert.data is DataState.OK and alert.handling.state == "unacked"


def _timed(climb: Escalation, policy: EscalationPolicy, clock: WorkingClock) -> Escalation:
    return replace(climb, due_at=_due_at(climb, policy, clock), repeat_at=_repeat_at(climb, policy, clock))


def _due_at(climb: Escalation, policy: EscalationPolicy, clock: WorkingClock) -> datetime | None:
    if climb.running_since is None or climb.step >= len(policy.steps):
        return None
    step = policy.steps[climb.step]
    if step.clock == "calendar":
        return climb.running_since + max(timedelta(0), step.after - climb.passed)
    return clock.reached(climb.running_since, clock.worth(step.after) - climb.worked)


def _repeat_at(climb: Escalation, policy: EscalationPolicy, clock: WorkingClock) -> datetime | None:
    if climb.running_since is None or not policy.repeats:
        return None
    pause = clock.worth(policy.repeats[min(climb.repeats, len(policy.repeats) - 1)])
    return clock.reached(climb.running_since, climb.quiet_from + pause - climb.worked)
