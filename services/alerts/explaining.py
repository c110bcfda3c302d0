"""Why an alert is as it is, in words: its state on every axis, the rule, the figures, what would clear it, who was told
of it and who was not, and what comes next. Pure; it says what is stored, and decides nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.catalog import EscalationPolicy, EscalationStep, Rule
from services.alerts.accounting import waits_until as account_due
from services.alerts.alert import Alert, Asked, Condition, DataState
from services.alerts.escalating import policy_of, repeats_at, waits_until
from services.alerts.figures import Language
from services.alerts.grouping import Group, Mail
from services.alerts.holding import settled_at
from services.alerts.phrases import TABLES, role, say
from services.alerts.ports import RowState
from services.alerts.standing_told import clearing_told, figures_told, rule_told
from services.alerts.teller import STATES, Teller, both
from services.alerts.watching import Watch
from services.runtime.catalog import Catalog
from services.runtime.catalog.problems import Words


@dataclass(frozen=True, slots=True)
class Notice:
    """A decided mail and what became of it. `at`: real time of its end, if it has come to one."""

    mail: Mail
    state: RowState
    at: datetime | None = None
    said: str | None = None
    """What the relay, or we, said of it last."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything that is stored of one alert."""

    alert: Alert
    groups: Sequence[Group] = ()
    """Those that took in anything of it."""
    notices: Sequence[Notice] = ()
    """Those that speak of it."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What is said under one title."""

    title: Words
    lines: tuple[Words, ...]


def explained(found: Remembered, catalog: Catalog, *, discreet: bool = False) -> tuple[Chapter, ...]:
    """The alert under the catalog of now; nothing is said twice, and no chapter is empty. `discreet`: see `Teller`."""
    alert, teller, watch = found.alert, Teller(catalog, found.alert.key.kpi, discreet=discreet), Watch(catalog)
    rule = watch.rules.get(alert.key.rule)
    policy = policy_of(rule, alert.severity) if rule is not None else None
    chapters = (
        (Words("Tình trạng", "State"), _state(alert, rule, policy, teller)),
        (Words("Quy tắc", "Rule"), rule_told(rule, alert, teller)),
        (Words("Số liệu", "Figures"), figures_told(alert, teller)),
        (Words("Khi nào kết thúc", "What would clear it"), clearing_told(rule, alert, teller)),
        (Words("Đã báo cho ai", "Who was told"), _told(found.notices, teller)),
        (Words("Chưa báo cho ai, vì sao", "Who was not, and why"), _not_told(found, rule, policy, watch, teller)),
        (Words("Tiếp theo", "What comes next"), _coming(found, rule, policy, teller)),
    )
    return tuple(Chapter(title, lines) for title, said in chapters if (lines := tuple(said)))


def _state(alert: Alert, rule: Rule | None, policy: EscalationPolicy | None, teller: Teller) -> Iterator[Words]:
    yield _CONDITIONS[alert.condition].then(_episode(alert, teller))
    yield Words("số liệu: ", "data: ").then(_DATA.get(alert.data, Words(alert.data, alert.data)))
    yield _handling(alert, teller)
    if alert.asked is not None:
        yield _asked(alert.asked, teller)
    if rule is None:
        return
    if policy is None:
        yield Words("không báo lên cấp trên: quy tắc không có quy trình", "it does not climb: its rule has no policy")
        return
    climb, steps = alert.escalation, len(policy.steps)
    still = alert.open is not None and climb.running_since is None
    yield Words(
        f"báo cấp trên: đã qua {climb.step}/{steps} bước của “{policy.name_vi}”",
        f"escalation: {climb.step} of {steps} steps of “{policy.name_en or policy.name_vi}” are reached",
    ).then(Words("; thời gian đang không tính", "; time stands still") if still else Words("", ""))


def _episode(alert: Alert, teller: Teller) -> Words:
    number, episode, reason = alert.episode, alert.open, alert.close_reason
    if episode is not None:
        level = both(lambda language: say(language, f"severity_{alert.severity}").lower())
        return Words(
            f": mức “{level.vi}”, đợt {number}, từ {teller.moment(episode.opened_at, 'vi')}",
            f": “{level.en}”, episode {number}, since {teller.moment(episode.opened_at, 'en')}",
        )
    if reason is None:
        return Words("", "")
    end = both(lambda language: TABLES[language].get(f"end_{reason}", say(language, "end_other")))
    return Words(f": đợt {number} đã kết thúc, {end.vi}", f": episode {number} is over, {end.en}")


def _handling(alert: Alert, teller: Teller) -> Words:
    handling = alert.handling
    by, at, until = handling.by, handling.at, handling.until
    if by is None or at is None or until is None:
        return Words("chưa ai tiếp nhận", "nobody has taken it up")
    person = teller.catalog.people.get(by)

    def said(language: Language) -> str:
        moments = {"at": teller.moment(at, language), "until": teller.moment(until, language)}
        acked = say(language, "acked", name=person.name if person is not None else by, **moments)
        text = say(language, "acked_note", acked=acked, note=handling.note) if handling.note else acked
        return f"{say(language, 'l_acked').lower()}: {text}"

    return both(said)


def _asked(asked: Asked, teller: Teller) -> Words:
    """The account itself stands on the page of the alert."""
    given_at = asked.given_at
    if given_at is None:
        return both(
            lambda language: (
                f"{say(language, 'l_asked').lower()}: "
                + say(language, "asked", name=teller.name(asked.by), due=teller.moment(asked.due, language))
            )
        )
    given_by = teller.name(asked.given_by or "")
    return both(
        lambda language: (
            f"{say(language, 'l_account').lower()}: "
            + say(language, "account", name=given_by, at=teller.moment(given_at, language), answer=asked.answer or "–")
        )
    )


def _told(notices: Sequence[Notice], teller: Teller) -> Iterator[Words]:
    def said(notice: Notice, language: Language) -> str:
        mail, ended = notice.mail, notice.at
        reason = f"{mail.reason} ({say(language, f'r_{mail.reason}')})"
        state = STATES[notice.state][language == "en"]
        came = f" ({teller.moment(ended, language)})" if ended is not None else ""
        why = f": {notice.said}" if notice.said and notice.state is not RowState.SENT and not teller.discreet else ""
        return (
            f"{teller.moment(mail.at, language)}: {reason} → {teller.who(mail.recipient, language)}: {state}{came}{why}"
        )

    for notice in sorted(notices, key=lambda one: (one.mail.at, one.mail.recipient.person)):
        yield Words(said(notice, "vi"), said(notice, "en"))


def _not_told(
    found: Remembered, rule: Rule | None, policy: EscalationPolicy | None, watch: Watch, teller: Teller
) -> Iterator[Words]:
    alert = found.alert
    if alert.condition is Condition.PENDING:
        yield Words("chưa báo ai: chậm chưa đủ lâu theo quy tắc", "nobody: it was not behind for long enough")
    elif alert.episode == 0:
        yield Words("chưa báo ai: chưa từng chậm theo quy tắc này", "nobody: by this rule it was never behind")
    told = {notice.mail.recipient.person for notice in found.notices}
    for group in found.groups:
        if group.recipient.person not in told:
            why, who = _silence(group, teller), group.recipient
            yield Words(f"{teller.who(who, 'vi')}: {why.vi}", f"{teller.who(who, 'en')}: {why.en}")
    if rule is None or alert.open is None:
        return
    opened = teller.day(alert.open.opened_at)
    for gap in watch.audience(rule, alert.open.record, opened).gaps:
        yield Words(
            f"{role('vi', gap.role)} ({teller.unit(gap.unit, 'vi')}): chức vụ đang khuyết",
            f"{role('en', gap.role)} ({teller.unit(gap.unit, 'en')}): nobody holds the post",
        )
    first = alert.escalation.step
    for number, step in enumerate(policy.steps[first:] if policy is not None else (), first + 1):
        whom = _posts(step, alert, teller)
        yield Words(f"{whom.vi}: chưa đến bước {number}", f"{whom.en}: step {number} is not reached yet")


def _silence(group: Group, teller: Teller) -> Words:
    due = group.next_flush_at
    if due is None:
        return Words("đã bắt đầu và kết thúc trong lúc chờ gom thư", "it came and went while mails were gathered")
    at = both(lambda language: teller.moment(due, language))
    return Words(f"đang chờ gom thư đến {at.vi}", f"mails are gathered until {at.en}")


def _posts(step: EscalationStep, alert: Alert, teller: Teller) -> Words:
    assert alert.open is not None
    on = teller.day(alert.escalation.due_at or alert.open.opened_at)
    return both(lambda language: teller.posts(step.audience, alert.key.org_unit, on, language))


def _coming(found: Remembered, rule: Rule | None, policy: EscalationPolicy | None, teller: Teller) -> Iterator[Words]:
    moments = sorted(_moments(found, rule, policy, teller))
    for at, what in moments:
        yield Words(f"{teller.moment(at, 'vi')}: {what.vi}", f"{teller.moment(at, 'en')}: {what.en}")
    if not moments:
        yield Words("xét số liệu tiếp theo", "the next figure is judged")


def _moments(
    found: Remembered, rule: Rule | None, policy: EscalationPolicy | None, teller: Teller
) -> Iterator[tuple[datetime, Words]]:
    alert = found.alert
    if rule is not None and alert.waiting is not None:
        hold = rule.pending_for if alert.open is None else rule.keep_firing_for
        if (settled := settled_at(hold, alert.waiting)) is not None:
            yield settled, _SETTLES[alert.open is None]
    if policy is not None and (due := waits_until(alert)) is not None:
        whom = _posts(policy.steps[alert.escalation.step], alert, teller)
        yield due, Words(f"nếu vẫn chậm, báo {whom.vi}", f"if it is still behind, {whom.en} is told")
    if (again := repeats_at(alert)) is not None:
        yield again, Words("nếu vẫn chậm, nhắc lại mọi người đã báo", "if it is still behind, everybody is told again")
    if alert.open is not None and alert.handling.until is not None:
        yield alert.handling.until, Words("hết hạn tiếp nhận xử lý", "the time for which it was taken up is over")
    if alert.open is not None and (due := account_due(alert)) is not None:
        yield due, Words("hết hạn giải trình", "the account that was asked for is due")
    if alert.waived is not None:
        yield alert.waived.until, Words("hết thời hạn đã đóng: nếu vẫn chậm, mở lại", "if it is behind, it opens again")
    if alert.closes_at is not None and alert.condition is not Condition.INACTIVE:
        yield alert.closes_at, Words("hết kỳ: kết thúc dù đạt hay không", "the period is over, and with it the alert")
    for group in found.groups:
        if group.next_flush_at is not None:
            name = group.recipient.name
            yield group.next_flush_at, Words(f"xét thư cho {name}", f"mails to {name} are decided")


_CONDITIONS: Mapping[Condition, Words] = {
    Condition.INACTIVE: Words("không cảnh báo (INACTIVE)", "no alert (INACTIVE)"),
    Condition.PENDING: Words("chậm nhưng chưa đủ lâu để báo (PENDING)", "behind, but not for long enough (PENDING)"),
    Condition.FIRING: Words("đang cảnh báo (FIRING)", "it fires (FIRING)"),
    Condition.RECOVERING: Words(
        "hết chậm nhưng chưa đủ lâu để kết thúc (RECOVERING)", "clear, but not for long enough (RECOVERING)"
    ),
}
_DATA: Mapping[DataState, Words] = {
    DataState.OK: Words("đánh giá được", "there is something to judge by"),
    DataState.STALE: Words("quá lâu không có số liệu mới", "no figure came for too long"),
    DataState.ERROR: Words("không đánh giá được", "there is nothing to judge by"),
}
_SETTLES = {
    True: Words("nếu vẫn chậm, bắt đầu cảnh báo", "if it is still behind, it opens"),
    False: Words("nếu vẫn hết chậm, kết thúc", "if it is still clear, it is over"),
}
