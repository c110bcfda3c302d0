"""The figures of a mail: one unit line by line, several as a table. What is not known is left out, not faked. Pure."""

from dataclasses import dataclass

from contracts.progress import Closed, ProgressJudged, Status
from contracts.reading import PULLED, SPLIT, most_of, pulled_down, telling_decimals
from services.alerts import figures
from services.alerts.climbing import account_of, ahead_of, before_of, closed_by, taken_up
from services.alerts.figures import Language
from services.alerts.grouping import Line, Member, News
from services.alerts.landing import landing_of
from services.alerts.pace import pace_of
from services.alerts.phrases import say
from services.alerts.rules import day_of
from services.alerts.scene import Scene, end_of, standing_of

MAX_ROWS = 20
"""Units that a mail lists by name; the rest are counted."""


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


def facts_of(scene: Scene, line: Line, language: Language) -> tuple[Fact, ...]:
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
        if member.remark is not None:
            facts.append(Fact(say(language, "l_closed_by"), closed_by(scene, member.remark, language)))
    if record.closed is not None:
        facts.append(_closed(scene, record.closed, language))
    if record.completeness is not None and record.completeness.reported < record.completeness.expected:
        parts = say(language, "parts", reported=record.completeness.reported, expected=record.completeness.expected)
        facts.append(Fact(say(language, "l_parts"), parts))
    if member.owner:
        told = member.owner in member.at_once
        owner = say(language, "owner_told", owner=member.owner) if told else member.owner
        facts.append(Fact(say(language, "l_owner"), owner))
    facts += _told(scene, member, language)
    if scene.kpi.simulated or (record.target is not None and record.target.simulated):
        facts.append(Fact(say(language, "l_note"), say(language, "simulated")))
    return tuple(facts)


def _told(scene: Scene, member: Member, language: Language) -> list[Fact]:
    """Who else was told; of what climbed, who was before and who will be next."""
    facts = []
    before = before_of(scene, member, language) if member.firing else ""
    if before:
        facts.append(Fact(say(language, "l_before"), before))
    if others := [name for name in member.at_once if name != member.owner]:
        facts.append(Fact(say(language, "l_also"), "; ".join(others)))
    if member.firing and member.escalated and member.hurried:
        facts.append(Fact(say(language, "l_hurried"), say(language, "hurried")))
    if member.firing and (acked := taken_up(scene, member, language)):
        facts.append(Fact(say(language, "l_acked"), acked))
    if member.firing and member.asked is not None:
        facts += [Fact(label, text) for label, text in account_of(scene, member.asked, language)]
    if member.firing and (ahead := ahead_of(scene, member, language)):
        facts.append(Fact(say(language, "l_ahead"), ahead))
    return facts


def _standing(scene: Scene, member: Member, language: Language) -> Fact:
    """`Đến ngày 31/08/2026: đạt 61,6 % · kế hoạch 80,0 % · thiếu 18,4 điểm %`."""
    record = member.record
    said = []
    value, planned = _shown(scene, record, language)
    if value:
        said.append(say(language, "standing", value=value))
    if planned:
        said.append(say(language, "planned", planned=planned))
    if member.firing and member.shortfall is not None and member.shortfall > 0:
        said.append(scene.gap(member.shortfall, record, language))
    on = day_of(record.as_of)
    label = say(language, "l_standing", day=figures.day(on or member.at.date(), language))
    return Fact(label, " · ".join(said) or "–")


def _shown(scene: Scene, record: ProgressJudged, language: Language) -> tuple[str, str]:
    """Value and plan; empty where there is none."""
    shown = standing_of(record, scene.kpi, language)
    if shown is not None:
        return shown.value, shown.line if record.planned is not None else ""
    value, planned = record.value, record.planned
    return (
        figures.amount(value, scene.kpi, language) if value is not None else "",
        figures.amount(planned, scene.kpi, language) if planned is not None else "",
    )


def _while_firing(scene: Scene, member: Member, language: Language) -> list[Fact]:
    record, facts = member.record, []
    if (pace := pace_of(scene, member, language)) is not None:
        facts.append(Fact(say(language, "l_pace"), pace))
    if member.since is not None:
        key = "since_readings" if member.readings > 1 else "since"
        since = say(language, key, day=figures.day(member.since, language), readings=member.readings)
        facts.append(Fact(say(language, "l_since"), since))
    if (needed := _needed(scene, record, language)) is not None:
        facts.append(needed)
    if (landing := landing_of(scene, record, language)) is not None:
        facts.append(Fact(say(language, "l_landing"), landing))
    if (target := _target(scene, record, language)) is not None:
        facts.append(target)
    if (short := _contributions(scene, record, language)) is not None:
        facts.append(short)
    return facts


def _needed(scene: Scene, record: ProgressJudged, language: Language) -> Fact | None:
    """`+7,1 điểm %/tháng đến 31/12/2026 (đến nay +4,2; cao nhất từng đạt +6,0: …)`."""
    needed = record.needed
    if needed is None or record.target is None:
        return None
    paces = (needed.amount, needed.so_far, needed.best)
    decimals = telling_decimals([pace for pace in paces if pace is not None], figures.decimals_of(scene.kpi))
    text = say(
        language,
        "needed",
        amount=figures.difference(needed.amount, scene.kpi, language, signed=True, decimals=decimals),
        per=say(language, f"per_{needed.per}"),
        deadline=figures.day(record.target.deadline, language),
    )
    beside = []
    if needed.so_far is not None:
        beside.append(say(language, "so_far", so_far=figures.change(needed.so_far, scene.kpi, language, decimals)))
    if needed.best is not None:
        falling = record.target.comparator == "<="
        ever = needed.best <= needed.amount if falling else needed.best >= needed.amount
        best = say(language, "best", best=figures.change(needed.best, scene.kpi, language, decimals))
        beside.append(f"{best}: {say(language, 'reached' if ever else 'never_reached')}")
    return Fact(say(language, "l_needed"), f"{text} ({'; '.join(beside)})" if beside else text)


def _contributions(scene: Scene, record: ProgressJudged, language: Language) -> Fact | None:
    """`5/71 đơn vị trực thuộc chiếm 80 % phần thiếu: xã A, xã B, …`."""
    split = record.contributions
    if split is None:
        return None
    down, rest = pulled_down(split)
    if down:
        pulled = ", ".join(
            f"{scene.unit(one.org_unit, language, short=True)} {_difference(one.gap, scene, language)}" for one in down
        )
        text = PULLED[language == "en"].format(pulled=pulled, rest=_difference(rest, scene, language))
        return Fact(say(language, "l_contributions"), text)
    named, share = most_of(split)
    if not named:
        return None
    text = SPLIT[language == "en"].format(
        named=len(named),
        units=split.units,
        share=figures.number(share * 100, 0, language),
        names=", ".join(scene.unit(one, language, short=True) for one in named),
    )
    return Fact(say(language, "l_contributions"), text)


def _difference(gap: float, scene: Scene, language: Language) -> str:
    return figures.difference(gap, scene.kpi, language, signed=True, decimals=2)


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


def _closed(scene: Scene, closed: Closed, language: Language) -> Fact:
    """`Khi khép kỳ 29/12/2026: đạt 61,6 %, không đạt mục tiêu; số liệu được bổ sung hoặc sửa sau đó`."""
    if closed.value is None:
        said = say(language, "closed_nothing")
    else:
        said = say(language, "standing", value=figures.amount(closed.value, scene.kpi, language))
    end = _CLOSED.get(closed.status)
    known = said if end is None else f"{said}, {say(language, end)}"
    label = say(language, "l_closed", day=figures.day(closed.closed_on, language))
    return Fact(label, say(language, "closed", said=known))


_CLOSED = {Status.ACHIEVED: "closed_met", Status.MISSED: "closed_missed"}


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


def table_of(scene: Scene, language: Language) -> Table:
    """All units of the mail, the news first."""
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
    value, planned = _shown(scene, record, language)
    return (
        scene.unit(member.org_unit, language),
        end_of(member, language) if ended else say(language, f"news_{line.news}"),
        value or "–",
        planned or "–",
        "–" if ended else scene.gap(member.shortfall, record, language) or "–",
        figures.day(member.since, language) if member.since is not None else "–",
    )
