"""From a decided mail to what it says: subject, first sentence, figures, what to do, why. Both languages, no markup.

What a later release computes (contributions, escalation, forecasts) is left out and not faked. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from contracts.alerts import CloseReason
from contracts.catalog import Kpi, Rule
from contracts.progress import ProgressJudged
from services.alerts import figures
from services.alerts.figures import Language
from services.alerts.grouping import ENDINGS, Line, Mail, Member, News, Reason
from services.alerts.phrases import TABLES, role, say
from services.alerts.rules import clears_at, day_of
from services.runtime.catalog import Catalog

MAX_ROWS = 20
"""Units that a mail lists by name; the rest are counted."""

MAX_SUBJECT = 70
"""Visible characters."""

ROOM_FOR_CORE = 31
"""What `[KPI] Chậm tiến độ, thiếu 18,4 điểm %: ` leaves of them: beyond it a unit is called by its short name."""

_END_PREFIX = {
    CloseReason.TARGET_MET: "prefix_met",
    CloseReason.PERIOD_CLOSED_MET: "prefix_met",
    CloseReason.PERIOD_CLOSED_MISSED: "prefix_missed",
}
_PREFIX = {
    Reason.FIRST: "prefix_behind",
    Reason.NEW_IN_GROUP: "prefix_more",
    Reason.WORSENED: "prefix_worse",
    Reason.RESOLVED_SOME: "prefix_resolved_some",
    Reason.ALL_RESOLVED: "prefix_resolved",
    Reason.CLOSED_OTHER: "prefix_ended",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of figures under its label."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Several units: header, rows, and a line for those beyond the last row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""


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

    subject: str
    tone: str
    link: str | None
    parts: tuple[Speech, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What composing needs to look up, bundled: one mail under one catalog."""

    catalog: Catalog
    mail: Mail
    kpi: Kpi

    def unit(self, unit_id: str, language: Language, *, short: bool = False) -> str:
        """A unit's name; its id where the catalog has no such unit any more."""
        unit = self.catalog.units.get(unit_id)
        if unit is None:
            return unit_id
        if short:
            return unit.short_name or unit.name
        return (unit.name_en or unit.name) if language == "en" else unit.name

    def kpi_name(self, language: Language) -> str:
        """The KPI's name."""
        return self.kpi.name_en if language == "en" else self.kpi.name_vi

    def rule(self, member: Member) -> Rule | None:
        """The rule of an alert, if it still exists."""
        return next((rule for rule in self.catalog.rules if rule.id == member.rule), None)

    def gap(self, short: float | None, record: ProgressJudged, language: Language) -> str:
        """How far off, in words: `thiếu 18,4 điểm %`. Empty where that is not known."""
        return gap_of(short, record, self.kpi, language) if short is not None else ""


def gap_of(short: float, record: ProgressJudged, kpi: Kpi, language: Language) -> str:
    """`thiếu 18,4 điểm %`; too high where lower is better, and off where a band is the target."""
    words = {">=": "short", "<=": "over"}.get(record.target.comparator if record.target else ">=", "off")
    return say(language, words, gap=figures.difference(short, kpi, language))


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
    words = say("vi", prefix)
    first = mail.lines[0].member
    if prefix in ("prefix_behind", "prefix_worse") and len(mail.lines) == 1 and first.shortfall:
        words = f"{words}, {gap_of(first.shortfall, first.record, kpi, 'vi')}"
    mark = say("vi", "pilot_mark") if pilot else ""
    return shortened(f"{mark}[KPI] {words}: {mail.core}", MAX_SUBJECT)


def shortened(text: str, length: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip(" –,.:") + "…"


def compose(mail: Mail, catalog: Catalog, kpi: Kpi, link_base: str | None, pilot: bool) -> Letter:
    """What the mail says, Vietnamese first, English below. `pilot`: it goes to another address than it is meant for."""
    scene = Scene(catalog, mail, kpi)
    over = all(line.news is News.ENDED for line in mail.lines)
    languages: tuple[Language, ...] = ("vi", "en") if mail.recipient.language == "vi" else ("en", "vi")
    return Letter(
        subject=subject(mail, kpi, pilot),
        tone="over" if over else mail.severity.value,
        link=_link(mail, link_base),
        parts=tuple(_speech(scene, language, over, pilot) for language in languages),
    )


def _speech(scene: Scene, language: Language, over: bool, pilot: bool) -> Speech:
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
        facts=_facts(scene, news[0], language),
        table=_table(scene, language) if len(mail.lines) > 1 else None,
        todo=say(language, "todo"),
        steps=_steps(scene, news[0], over, language),
        why_label=say(language, "why"),
        why=why,
        link_label=say(language, "open"),
        footer=say(language, "footer"),
        notice=notice,
    )


def _news_lines(mail: Mail) -> tuple[Line, ...]:
    """Those lines that are the reason of the mail; never empty."""
    wanted = {
        Reason.FIRST: (News.NEW, News.AGAIN),
        Reason.NEW_IN_GROUP: (News.NEW, News.AGAIN),
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
    return say(
        language,
        _headline_key(mail, news) + ("_many" if many else ""),
        kpi=scene.kpi_name(language),
        unit=scene.unit(first.org_unit, language),
        gap=scene.gap(first.shortfall, first.record, language) or "–",
        count=len(news),
        firing=sum(line.member.firing for line in mail.lines),
        period=figures.period(mail.group.period, language),
        end=_end(first, language),
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
        case Reason.WORSENED:
            return "worse"
        case Reason.RESOLVED_SOME:
            return "resolved_some"
    ends = {line.member.close_reason for line in news}
    if ends <= {CloseReason.TARGET_MET, CloseReason.PERIOD_CLOSED_MET}:
        return "target_met"
    if ends == {CloseReason.PERIOD_CLOSED_MISSED}:
        return "missed"
    return "resolved" if mail.reason is Reason.ALL_RESOLVED else "ended"


def _end(member: Member, language: Language) -> str:
    key = f"end_{member.close_reason}"
    return say(language, key if key in TABLES[language] else "end_other")


def _facts(scene: Scene, line: Line, language: Language) -> tuple[Fact, ...]:
    """The figures of one unit: the only one, or the worst of the news."""
    member, record = line.member, line.member.record
    facts = []
    if len(scene.mail.lines) > 1:
        label = "worst" if member.firing else "l_unit"
        facts.append(Fact(say(language, label), scene.unit(member.org_unit, language)))
    facts.append(_standing(scene, member, language))
    if member.firing:
        facts += _while_firing(scene, member, language)
    else:
        facts.append(_was(scene, member, language))
    if record.completeness is not None and record.completeness.reported < record.completeness.expected:
        parts = say(language, "parts", reported=record.completeness.reported, expected=record.completeness.expected)
        facts.append(Fact(say(language, "l_parts"), parts))
    if member.owner:
        told = member.owner in member.also_told
        owner = say(language, "owner_told", owner=member.owner) if told else member.owner
        facts.append(Fact(say(language, "l_owner"), owner))
    if others := [name for name in member.also_told if name != member.owner]:
        facts.append(Fact(say(language, "l_also"), "; ".join(others)))
    if scene.kpi.simulated or (record.target is not None and record.target.simulated):
        facts.append(Fact(say(language, "l_note"), say(language, "simulated")))
    return tuple(facts)


def _standing(scene: Scene, member: Member, language: Language) -> Fact:
    """`Đến ngày 31/08/2026: đạt 61,6 % · kế hoạch 80,0 % · thiếu 18,4 điểm %`."""
    record = member.record
    said = []
    if record.value is not None:
        said.append(say(language, "standing", value=figures.amount(record.value, scene.kpi, language)))
    if record.planned is not None:
        said.append(say(language, "planned", planned=figures.amount(record.planned, scene.kpi, language)))
    if member.firing and member.shortfall is not None and member.shortfall > 0:
        said.append(scene.gap(member.shortfall, record, language))
    on = day_of(record.as_of)
    label = say(language, "l_standing", day=figures.day(on or member.at.date(), language))
    return Fact(label, " · ".join(said) or "–")


def _while_firing(scene: Scene, member: Member, language: Language) -> list[Fact]:
    record, facts = member.record, []
    rule = scene.rule(member)
    if record.pace is not None and rule is not None:
        mildest = rule.ladder[0]
        text = say(
            language,
            "pace",
            pace=figures.number(record.pace * 100, 0, language),
            fire=figures.number(float(mildest.fire) * 100, 0, language),
            clear=figures.number(clears_at(mildest) * 100, 0, language),
        )
        facts.append(Fact(say(language, "l_pace"), text))
    if member.since is not None:
        key = "since_readings" if member.readings > 1 else "since"
        since = say(language, key, day=figures.day(member.since, language), readings=member.readings)
        facts.append(Fact(say(language, "l_since"), since))
    if (needed := _needed(scene, record, language)) is not None:
        facts.append(needed)
    if (target := _target(scene, record, language)) is not None:
        facts.append(target)
    return facts


def _needed(scene: Scene, record: ProgressJudged, language: Language) -> Fact | None:
    """`+7,1 điểm %/tháng đến 31/12/2026 (đến nay +4,2; cao nhất từng đạt +6,0: …)`."""
    needed = record.needed
    if needed is None or record.target is None:
        return None
    text = say(
        language,
        "needed",
        amount=figures.difference(needed.amount, scene.kpi, language, signed=True),
        per=say(language, f"per_{needed.per}"),
        deadline=figures.day(record.target.deadline, language),
    )
    beside = []
    if needed.so_far is not None:
        beside.append(say(language, "so_far", so_far=figures.change(needed.so_far, scene.kpi, language)))
    if needed.best is not None:
        falling = record.target.comparator == "<="
        ever = needed.best <= needed.amount if falling else needed.best >= needed.amount
        best = say(language, "best", best=figures.change(needed.best, scene.kpi, language))
        beside.append(f"{best}: {say(language, 'reached' if ever else 'never_reached')}")
    return Fact(say(language, "l_needed"), f"{text} ({'; '.join(beside)})" if beside else text)


def _target(scene: Scene, record: ProgressJudged, language: Language) -> Fact | None:
    target = record.target
    if target is None:
        return None
    deadline = figures.day(target.deadline, language)
    if target.value is not None:
        sign = {">=": "≥", "<=": "≤"}.get(target.comparator, "")
        value = figures.amount(target.value, scene.kpi, language)
        return Fact(say(language, "l_target"), say(language, "target", comparator=sign, value=value, deadline=deadline))
    if target.low is None or target.high is None:
        return None
    edges = {
        "low": figures.amount(target.low, scene.kpi, language),
        "high": figures.amount(target.high, scene.kpi, language),
    }
    return Fact(say(language, "l_target"), say(language, "target_band", deadline=deadline, **edges))


def _was(scene: Scene, member: Member, language: Language) -> Fact:
    first = member.since or member.opened_at.astimezone(scene.catalog.zone).date()
    last = day_of(member.record.as_of) or member.at.date()
    worst = scene.gap(member.worst_shortfall, member.record, language)
    text = say(
        language,
        "was_worst" if worst else "was",
        first=figures.day(first, language),
        last=figures.day(max(first, last), language),
        gap=worst,
    )
    return Fact(say(language, "l_was"), text)


def _table(scene: Scene, language: Language) -> Table:
    lines = scene.mail.lines
    more = len(lines) - MAX_ROWS
    columns = ("l_unit", "c_news", "c_value", "c_planned", "c_gap", "c_since")
    return Table(
        title=say(language, "table"),
        header=tuple(say(language, column) for column in columns),
        rows=tuple(_row(scene, line, language) for line in lines[:MAX_ROWS]),
        more=say(language, "table_more", count=more) if more > 0 else "",
    )


def _row(scene: Scene, line: Line, language: Language) -> tuple[str, ...]:
    member, record = line.member, line.member.record
    ended = line.news is News.ENDED
    return (
        scene.unit(member.org_unit, language),
        _end(member, language) if ended else say(language, f"news_{line.news}"),
        figures.amount(record.value, scene.kpi, language) if record.value is not None else "–",
        figures.amount(record.planned, scene.kpi, language) if record.planned is not None else "–",
        "–" if ended else scene.gap(member.shortfall, record, language) or "–",
        figures.day(member.since, language) if member.since is not None else "–",
    )


def _steps(scene: Scene, first: Line, over: bool, language: Language) -> tuple[str, ...]:
    mail = scene.mail
    if over:
        missed = first.member.close_reason is CloseReason.PERIOD_CLOSED_MISSED
        return (say(language, "do_missed" if missed else "do_nothing"),)
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
        steps.append(say(language, "do_wait", clear=clear))
    return tuple(steps)


def _link(mail: Mail, base: str | None) -> str | None:
    if not base:
        return None
    where = {"kpi": mail.group.kpi, "period": mail.group.period}
    if len(mail.lines) == 1:
        where["org_unit"] = mail.lines[0].member.org_unit
    return f"{base.rstrip('/')}/?{urlencode(where)}"
