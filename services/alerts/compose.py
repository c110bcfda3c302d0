"""From a decided mail to what it says: subject, first sentence, figures, what to do, why. In both languages. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from contracts.alerts import CloseReason
from contracts.catalog import Hold, Kpi
from services.alerts import figures
from services.alerts.climbing import moment
from services.alerts.details import Fact, Table, facts_of, table_of
from services.alerts.figures import Language
from services.alerts.grouping import ENDINGS, Line, Mail, Member, News, Reason
from services.alerts.phrases import role, say
from services.alerts.rules import clears_at
from services.alerts.scene import Scene, end_of, gap_of, only_near
from services.runtime.catalog import Catalog

MAX_SUBJECT = 70
"""Visible characters."""

ROOM_FOR_CORE = 31
"""What `[KPI] Chậm tiến độ, thiếu 18,4 điểm %: ` leaves of them: beyond it a unit is called by its short name."""

_END_PREFIX = {
    CloseReason.TARGET_MET: "prefix_met",
    CloseReason.PERIOD_CLOSED_MET: "prefix_met",
    CloseReason.PERIOD_CLOSED_MISSED: "prefix_missed",
    CloseReason.TARGET_REVISED: "prefix_revised",
    CloseReason.MANUAL: "prefix_closed",
}
_PREFIX = {
    Reason.FIRST: "prefix_behind",
    Reason.NEW_IN_GROUP: "prefix_more",
    Reason.ESCALATED: "prefix_escalated",
    Reason.WORSENED: "prefix_worse",
    Reason.RESOLVED_SOME: "prefix_resolved_some",
    Reason.ALL_RESOLVED: "prefix_resolved",
    Reason.CLOSED_OTHER: "prefix_ended",
    Reason.REPEAT: "prefix_escalated",
    Reason.ACKNOWLEDGED: "prefix_acknowledged",
    Reason.ACCOUNT_ASKED: "prefix_account_asked",
    Reason.ACCOUNT_GIVEN: "prefix_account_given",
}


@dataclass(frozen=True, slots=True)
class Speech:
    """One language's part of a mail, in the order in which it is read."""

    language: Language
    name: str
    badge: str
    headline: str
    facts: tuple[Fact, ...]
    table: Table | None
    todo: str
    steps: tuple[str, ...]
    why_label: str
    why: str
    link_label: str
    footer: str
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A whole mail before it is rendered. `tone` colours it: watch, behind, critical or over."""

    template: ClassVar[str] = "mail"

    subject: str
    tone: str
    link: str | None
    parts: tuple[Speech, ...]


def core_of(lines: Sequence[Line], kpi: Kpi, catalog: Catalog) -> str:
    """The part of a thread's subject that never changes: unit (and how many others), and KPI."""
    unit = catalog.units.get(lines[0].member.org_unit)
    name = unit.name if unit is not None else lines[0].member.org_unit
    short = unit.short_name or name if unit is not None else name
    measure = kpi.short_name or kpi.name_vi
    if len(lines) > 1:
        return f"{short} {say('vi', 'subject_others', others=len(lines) - 1)} – {measure}"
    whole = f"{name} – {measure}"
    return whole if len(whole) <= ROOM_FOR_CORE else f"{short} – {measure}"


def subject(mail: Mail, kpi: Kpi, pilot: bool = False) -> str:
    """`[KPI] Chậm tiến độ, thiếu 18,4 điểm %: Xã Tân Phú – Hồ sơ đúng hạn`, cut to the length that is shown."""
    prefix = _PREFIX[mail.reason]
    ends = {line.member.close_reason for line in mail.lines if line.news is News.ENDED}
    if mail.reason in (Reason.ALL_RESOLVED, Reason.CLOSED_OTHER) and len(ends) == 1:
        prefix = _END_PREFIX.get(next(iter(ends)) or CloseReason.RECOVERED, prefix)
    if prefix == "prefix_resolved" and all(line.member.corrected for line in mail.lines if line.news is News.ENDED):
        prefix = "prefix_corrected"
    elif prefix in ("prefix_resolved", "prefix_resolved_some") and _any_near(mail.lines):
        prefix += "_near"
    elif mail.reason is Reason.ESCALATED and _all_hurried(mail.lines):
        prefix = "prefix_behind"
    words = say("vi", prefix)
    first = mail.lines[0].member
    if prefix in ("prefix_behind", "prefix_escalated", "prefix_worse") and len(mail.lines) == 1 and first.shortfall:
        words = f"{words}, {gap_of(first.shortfall, first.record, kpi, 'vi')}"
    mark = say("vi", "pilot_mark") if pilot else ""
    return shortened(f"{mark}[KPI] {words}: {mail.core}", MAX_SUBJECT)


def _any_near(lines: Sequence[Line]) -> bool:
    return any(only_near(line.member) for line in lines)


def _all_hurried(lines: Sequence[Line]) -> bool:
    return all(line.member.hurried for line in lines if line.news is News.ESCALATED)


def shortened(text: str, length: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip(" –,.:") + "…"


def compose(mail: Mail, catalog: Catalog, kpi: Kpi, link_base: str | None, pilot: bool, contact: str = "") -> Letter:
    """What the mail says, Vietnamese first, English below. `pilot`: it goes to another address than it is meant for.

    `contact`: name and address of who answers questions.
    """
    scene = Scene(catalog, mail, kpi)
    over = all(line.news is News.ENDED for line in mail.lines)
    languages: tuple[Language, ...] = ("vi", "en") if mail.recipient.language == "vi" else ("en", "vi")
    return Letter(
        subject=subject(mail, kpi, pilot),
        tone="over" if over else mail.severity.value,
        link=_link(mail, link_base),
        parts=tuple(_speech(scene, language, over, pilot, contact) for language in languages),
    )


def _speech(scene: Scene, language: Language, over: bool, pilot: bool, contact: str) -> Speech:
    mail = scene.mail
    news = _news_lines(mail)
    first = news[0].member
    rule, who = scene.rule(first), mail.recipient
    why = say(
        language,
        "why_rule",
        rule=(rule.name_en or rule.name_vi if language == "en" else rule.name_vi) if rule else first.rule,
        reason=say(language, f"r_{mail.reason}"),
        name=who.name,
        role=role(language, who.role),
        unit=scene.unit(who.unit, language),
    )
    notice = say(language, "pilot", name=who.name, email=who.email) if pilot else ""
    return Speech(
        language=language,
        name=say(language, "language"),
        badge=say(language, "severity_over" if over else f"severity_{mail.severity}"),
        headline=_headline(scene, news, language),
        facts=facts_of(scene, news[0], language),
        table=table_of(scene, language) if len(mail.lines) > 1 else None,
        todo=say(language, "todo"),
        steps=_steps(scene, news[0], over, language),
        why_label=say(language, "why"),
        why=why,
        link_label=say(language, "open"),
        footer=say(language, "footer_contact" if contact else "footer", contact=contact),
        notice=notice,
    )


def _news_lines(mail: Mail) -> tuple[Line, ...]:
    """Those lines that are the reason of the mail; never empty."""
    if mail.reason is Reason.REPEAT:
        return tuple(line for line in mail.lines if line.member.reminded) or mail.lines
    if mail.reason is Reason.ACKNOWLEDGED:
        return tuple(line for line in mail.lines if line.member.acknowledged) or mail.lines
    if mail.reason is Reason.ACCOUNT_ASKED:
        return tuple(line for line in mail.lines if line.member.asking) or mail.lines
    if mail.reason is Reason.ACCOUNT_GIVEN:
        return tuple(line for line in mail.lines if line.member.answered) or mail.lines
    wanted = {
        Reason.FIRST: (News.NEW, News.AGAIN, News.ESCALATED),
        Reason.NEW_IN_GROUP: (News.NEW, News.AGAIN, News.ESCALATED),
        Reason.ESCALATED: (News.ESCALATED,),
        Reason.WORSENED: (News.WORSE,),
    }.get(mail.reason, (News.ENDED,))
    if mail.reason is Reason.CLOSED_OTHER:
        bad = tuple(line for line in mail.lines if line.news is News.ENDED and not _good(line.member))
        return bad or mail.lines
    return tuple(line for line in mail.lines if line.news in wanted) or mail.lines


def _good(member: Member) -> bool:
    return member.close_reason in (CloseReason.RECOVERED, CloseReason.TARGET_MET, CloseReason.PERIOD_CLOSED_MET)


def _headline(scene: Scene, news: Sequence[Line], language: Language) -> str:
    mail, first = scene.mail, news[0].member
    many = len(news) > 1
    key, near = _headline_key(mail, news), ""
    if key in ("resolved", "resolved_some") and _any_near(news):
        key += "_near"
        rule = scene.rule(first)
        clear = figures.number(clears_at(rule.ladder[0]) * 100, 0, language) if rule is not None else ""
        near = say(language, "near_from", clear=clear) if clear else ""
    return say(
        language,
        key + ("_many" if many else ""),
        near=near,
        kpi=scene.kpi_name(language),
        unit=scene.unit(first.org_unit, language),
        gap=scene.gap(first.shortfall, first.record, language) or "–",
        count=len(news),
        firing=sum(line.member.firing for line in mail.lines),
        period=figures.period(mail.group.period, language),
        end=end_of(first, language),
        since=figures.day(first.since or first.at.date(), language),
        revision=scene.revision(first, language),
    )


def _headline_key(mail: Mail, news: Sequence[Line]) -> str:
    first, one = news[0], len(news) == 1
    match mail.reason:
        case Reason.FIRST | Reason.NEW_IN_GROUP if one and first.news is News.AGAIN:
            return "again"
        case Reason.NEW_IN_GROUP:
            return "more"
        case Reason.FIRST:
            if one and first.member.shortfall is None:
                return "behind_unknown"
            return "behind_critical" if one and first.member.severity == "critical" else "behind"
        case Reason.ESCALATED:
            return "escalated_hurried" if one and first.member.hurried else "escalated"
        case Reason.REPEAT:
            return "repeat_overdue" if all(line.member.overdue for line in news) else "repeat"
        case Reason.ACKNOWLEDGED:
            return "acknowledged"
        case Reason.ACCOUNT_ASKED:
            late = all(line.member.asked is not None and line.member.asked.reminded for line in news)
            return "account_overdue" if late else "account_asked"
        case Reason.ACCOUNT_GIVEN:
            return "account_given"
        case Reason.WORSENED:
            return "worse"
        case Reason.RESOLVED_SOME:
            return "resolved_some"
    if one and first.member.corrected:
        return "corrected"
    ends = {line.member.close_reason for line in news}
    if ends <= {CloseReason.TARGET_MET, CloseReason.PERIOD_CLOSED_MET}:
        return "target_met"
    if ends == {CloseReason.PERIOD_CLOSED_MISSED}:
        return "missed"
    if one and ends == {CloseReason.TARGET_REVISED}:
        return "revised"
    if ends == {CloseReason.MANUAL}:
        return "closed_by_hand"
    return "resolved" if mail.reason is Reason.ALL_RESOLVED else "ended"


def _steps(scene: Scene, first: Line, over: bool, language: Language) -> tuple[str, ...]:
    mail = scene.mail
    if over:
        waived_until = first.member.waived_until
        if waived_until is not None:
            return (say(language, "do_waived", until=moment(scene, waived_until, language)),)
        return (say(language, _AFTER.get(first.member.close_reason, "do_nothing")),)
    if mail.reason is Reason.ACKNOWLEDGED:
        return (say(language, "do_wait_for_it"),)
    if mail.reason is Reason.ACCOUNT_ASKED:
        return (say(language, "do_give_account", owner=first.member.owner or say(language, "the_owner")),)
    if mail.reason is Reason.ACCOUNT_GIVEN:
        return (say(language, "do_read_account"),)
    plan = "do_plan_owner" if mail.recipient.role == "owner" else "do_plan"
    if mail.reason in ENDINGS or first.member.record.needed is None:
        plan += "_no_rate"
    rule = scene.rule(first.member)
    steps = [
        say(language, "do_check"),
        say(language, plan, owner=first.member.owner or say(language, "the_owner")),
    ]
    if rule is not None:
        clear = figures.number(clears_at(rule.ladder[0]) * 100, 0, language)
        steps.append(say(language, "do_wait", clear=clear, kept=_kept(rule.keep_firing_for, language)))
    return tuple(steps)


_AFTER: Mapping[CloseReason | None, str] = {
    CloseReason.PERIOD_CLOSED_MISSED: "do_missed",
    CloseReason.MANUAL: "do_closed",
}
"""What is said to do after an end; else nothing."""


def _kept(hold: Hold, language: Language) -> str:
    """For how long it must stay clear, as the end of a sentence; empty where the first figure counts."""
    if hold.observations > 1:
        return say(language, "kept_readings", count=hold.observations)
    span = hold.data_span or hold.settle
    if span is None:
        return ""
    days, hours = span.days, round(span.seconds / 3600)
    return (
        say(language, "kept_days", count=days)
        if days and not hours
        else say(language, "kept_hours", count=max(1, 24 * days + hours))
    )


def _link(mail: Mail, base: str | None) -> str | None:
    if not base:
        return None
    if len(mail.lines) == 1:
        return f"{base.rstrip('/')}/alerts/{mail.lines[0].member.alert_id}"
    return f"{base.rstrip('/')}/?{urlencode({'kpi': mail.group.kpi, 'period': mail.group.period})}"
