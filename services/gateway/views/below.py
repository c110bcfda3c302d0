"""The detail of one KPI: what is needed, what is doubtful, and the units below, the worst first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from contracts.progress import ProgressJudged, Status
from services.gateway.views import landing
from services.gateway.views.figures import Said, Teller
from services.gateway.views.flags import flag
from services.gateway.views.kpis import OTHERS_NAMED, Head, level_word, reporting_level
from services.gateway.views.links import Links, explain_href, reformed_href
from services.gateway.views.reading import Ground, judged
from services.gateway.views.statuses import LATE


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit in the detail."""

    id: str
    name: str
    above: str
    said: Said
    below: str
    """“5/9 chậm”, for a unit that has others below."""
    href: str
    explain_href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the detail: what it is, and what it says."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Detail:
    """What opens below a KPI's row."""

    name: str
    facts: list[Fact]
    reasons: list[str]
    flags: list[str]
    between_title: str
    between: list[UnitRow]
    below_title: str
    below_of: str
    """The unit that the list is narrowed to, if any."""
    late: list[UnitRow]
    silent: list[UnitRow]
    """Those of which there is no figure to judge by."""
    others: list[UnitRow]
    ended: list[UnitRow]
    """Those that had ended by the day of the figures; whoever followed them is in the other lists."""
    all_href: str
    explain_href: str
    view_href: str
    """The same figures on the units of today; empty where no unit ever followed another."""


def detail(head: Head, chosen: Iterable[dict[str, object]], ground: Ground, teller: Teller, links: Links) -> Detail:
    """The detail of the chosen KPI."""
    records = [judged(document) for document in chosen]
    level = reporting_level(head.kpi, ground)
    units = ground.catalog.units
    reporting = [record for record in records if level is not None and _level(ground, record) == level]
    day = ground.last_day(head.record)
    lowest = [record for record in reporting if not _ended(record, ground, day)]
    narrowed = _within(links.choice.unit, lowest, ground)
    rows = sorted((_row(record, head, ground, teller, links) for record in narrowed), key=_order)
    ended = [record for record in reporting if _ended(record, ground, day)] if links.choice.unit is None else []
    of = units.get(links.choice.unit) if links.choice.unit else None
    word = level_word(ground, level, teller) if level else ""
    return Detail(
        name=teller.words.either(head.kpi.name_vi, head.kpi.name_en),
        facts=[*_facts(head, ground, teller)],
        reasons=teller.reasons(head.record, head.kpi),
        flags=[flag(code, teller.words) for code in head.record.flags],
        between_title=_between_title(head, ground, teller),
        between=sorted((_row(one, head, ground, teller, links, lowest) for one in head.between), key=_order),
        below_title=teller.words("Mọi {level}", level=word) if of is None else "",
        below_of=teller.words("{level} của {name}", level=word, name=ground.name(of.id, teller.words))
        if of is not None
        else "",
        late=[row for row in rows if row.said.late],
        silent=[row for row in rows if row.said.badge.code == Status.UNKNOWN.value],
        others=[row for row in rows if not row.said.late and row.said.badge.code != Status.UNKNOWN.value],
        ended=sorted((_row(record, head, ground, teller, links) for record in ended), key=_order),
        all_href=links.board(anchor=f"kpi-{head.kpi.id}", unit=None),
        explain_href=explain_href(head.kpi.id, head.record.org_unit, head.record.period),
        view_href=reformed_href(ground, head.kpi.id, head.record.period),
    )


def _order(row: UnitRow) -> tuple[tuple[int, float], str]:
    return row.said.badness, row.name


def _ended(record: ProgressJudged, ground: Ground, day: date) -> bool:
    unit = ground.catalog.units.get(record.org_unit)
    return unit is not None and unit.valid_to is not None and unit.valid_to <= day


def _level(ground: Ground, record: ProgressJudged) -> str | None:
    unit = ground.catalog.units.get(record.org_unit)
    return unit.level if unit is not None else None


def _within(above: str | None, records: Sequence[ProgressJudged], ground: Ground) -> list[ProgressJudged]:
    return [
        one for one in records if above is None or above in ground.catalog.units.ancestors(one.org_unit, ground.day)
    ]


def _row(
    record: ProgressJudged,
    head: Head,
    ground: Ground,
    teller: Teller,
    links: Links,
    lowest: Sequence[ProgressJudged] = (),
) -> UnitRow:
    units = ground.catalog.units
    name = ground.name(record.org_unit, teller.words)
    parent = units.get(units.parent(record.org_unit, ground.day) or "")
    mine = _within(record.org_unit, lowest, ground) if lowest else []
    late = sum(one.status in LATE for one in mine)
    picked = links.choice.unit == record.org_unit
    return UnitRow(
        id=record.org_unit,
        name=name,
        above=ground.short_name(parent.id, teller.words) if parent is not None and links.choice.unit is None else "",
        said=teller.say(record, head.kpi, name),
        below=teller.words("{late}/{total} chậm", late=late, total=len(mine)) if mine else "",
        href=links.board(anchor=f"kpi-{head.kpi.id}", unit=None if picked else record.org_unit),
        explain_href=explain_href(head.kpi.id, record.org_unit, record.period),
        chosen=picked,
    )


def _between_title(head: Head, ground: Ground, teller: Teller) -> str:
    levels = {_level(ground, record) for record in head.between} - {None}
    names = " · ".join(level_word(ground, level, teller) for level in sorted(level for level in levels if level))
    return teller.words("Theo {level}", level=names) if names else ""


def _facts(head: Head, ground: Ground, teller: Teller) -> Iterable[Fact]:
    words, numbers, record, kpi = teller.words, teller.numbers, head.record, head.kpi
    measure = teller.measure(kpi, record)
    if record.closed is not None:
        closed_on = numbers.day(record.closed.closed_on)
        yield Fact(words("Khi khép kỳ ({day})", day=closed_on), teller.closed(record.closed, measure))
    if record.needed is not None and record.target is not None:
        said = [
            words(
                "{amount} mỗi {per} đến {day}",
                amount=numbers.distance(record.needed.amount, measure),
                per=words(_PER[record.needed.per]),
                day=numbers.day(record.target.deadline),
            )
        ]
        if record.needed.so_far is not None:
            said.append(words("đến nay {so_far}", so_far=numbers.distance(record.needed.so_far, measure)))
        if record.needed.best is not None:
            said.append(words("cao nhất từng đạt {best}", best=numbers.distance(record.needed.best, measure)))
        yield Fact(words("Cần"), "; ".join(said))
    if record.landing is not None and record.target is not None:
        yield Fact(words("Dự báo"), landing.sentence(record.landing, record, measure, words, numbers))
    if split := teller.split(record, partial(ground.short_name, words=teller.words)):
        yield Fact(words("Thiếu ở đâu"), split)
    if record.discrepancy is not None:
        yield Fact(
            words("Chênh lệch"),
            words(
                "Số báo cáo {reported}, cộng các phần {parts}",
                reported=numbers.value(record.discrepancy.reported, measure),
                parts=numbers.value(record.discrepancy.parts, measure),
            ),
        )
    if record.completeness is not None and record.completeness.missing:
        yield Fact(words("Chưa báo cáo"), _names(record.completeness.missing, ground, teller))
    if record.completeness is not None and record.completeness.left_out:
        yield Fact(words("Không cộng được"), _names(record.completeness.left_out, ground, teller))
    if record.completeness is not None and record.completeness.missing_members:
        yield Fact(words("Chưa đạt trong danh sách"), _names(record.completeness.missing_members, ground, teller))
    if record.timeliness is not None and record.timeliness.late:
        yield Fact(words("Báo cáo trễ"), _names(record.timeliness.late, ground, teller))
    if definition := words.either(kpi.definition_vi, kpi.definition_en):
        yield Fact(words("Định nghĩa"), definition)
    if kpi.legal_basis:
        yield Fact(words("Căn cứ"), kpi.legal_basis)
    if kpi.source_system:
        yield Fact(words("Nguồn"), kpi.source_system)


_PER = {"day": "ngày", "week": "tuần", "month": "tháng", "quarter": "quý", "year": "năm"}


def _names(ids: Sequence[str], ground: Ground, teller: Teller) -> str:
    names = sorted(ground.name(one, teller.words) for one in ids)
    named = ", ".join(names[:OTHERS_NAMED])
    more = len(names) - OTHERS_NAMED
    return f"{named} {teller.words('và {count} đơn vị nữa', more)}" if more > 0 else named
