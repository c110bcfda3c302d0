"""The page that explains one record: how it was computed, from what, what would change it, and what was said before."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from contracts.catalog import Kpi
from contracts.explanations import (
    Bound,
    ExplanationWithOrigins,
    History,
    Judged,
    SourceBehind,
    TargetVersion,
)
from contracts.progress import ProgressJudged
from contracts.reading import shares_tell
from services.gateway.views.figures import Said, Teller, against, held_against
from services.gateway.views.flags import flag
from services.gateway.views.landing import STEPS, Outlook, outlook
from services.gateway.views.links import explain_href, reformed_href
from services.gateway.views.lowest import LowestUnits, lowest_units, telling
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.origins import OriginRow, origins
from services.gateway.views.past import PastRow, past_row, picture_of
from services.gateway.views.reading import Ground, day_of_figure
from services.gateway.views.reasons import dated
from services.gateway.views.reporters import Reporters, reporters
from services.gateway.views.statuses import Badge, badge
from services.gateway.views.words import Language, Words

_SHARE = Measure("percent", 1)


@dataclass(frozen=True, slots=True)
class Address:
    """What the page is about, and in which language: all of it is in the address."""

    kpi: str
    unit: str
    period: str
    on: date | None = None

    def of_unit(self, unit: str) -> str:
        """The page of another unit."""
        return explain_href(self.kpi, unit, self.period)

    def language(self, language: str) -> str:
        """The same page in another language."""
        on = None if self.on is None else self.on.isoformat()
        return explain_href(self.kpi, self.unit, self.period, on=on, lang=language)


@dataclass(frozen=True, slots=True)
class BoundRow:
    """A value at the next report, and the status that it brings."""

    badge: Badge
    value: str
    parts: str


@dataclass(frozen=True, slots=True)
class ChildRow:
    """A unit directly below."""

    id: str
    name: str
    href: str
    badge: Badge
    value: str
    parts: str
    as_of: str
    gap: str
    brings: str
    """What it brings to the gap of the record explained, where that is known."""
    share: str
    """The same as a part of the whole, where such parts tell something."""
    in_sum: bool


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A KPI that a derived figure was made from."""

    kpi: str
    name: str
    href: str
    period: str
    as_of: str
    value: str
    against: str
    points: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of the target, from when to when it holds, and what was judged under it last."""

    version: str
    target: str
    span: str
    badge: Badge | None
    last: str


@dataclass(frozen=True, slots=True)
class Former:
    """What was said on a former day."""

    day: str
    said: Said
    reasons: list[str]
    doubts: list[str]


@dataclass(frozen=True, slots=True)
class Explained:
    """Everything that the template places."""

    kpi: str
    unit: str
    above: str
    above_href: str
    period: str
    span: str
    said: Said
    reasons: list[str]
    closed_on: str
    closed: str
    """What the record said when its period was closed; empty without a later correction."""
    versions: list[VersionRow]
    """All versions of the target, where there are several."""
    flags: list[str]
    split: str
    """Who lacks most of what is missing; empty where that is not known."""
    split_on: str
    """Against what the gap is split, where that is not what the figure is shown beside."""
    lowest: LowestUnits | None
    brought: bool
    """Whether it is known what each unit below brings to the gap."""
    shared: bool
    reporters: Reporters | None
    steps: list[str]
    outlook: Outlook | None
    rules: list[str]
    picture: str
    past: list[PastRow]
    earlier: int
    next_report: str
    bounds: list[BoundRow]
    by_itself: str
    origins: list[OriginRow]
    observations_count: int
    inputs_href: str
    sources: list[SourceRow]
    scored: bool
    children: list[ChildRow]
    former: Former | None
    on: str
    today: str
    target: str
    legal_basis: str
    catalog_version: str
    version: int
    judged_on: str
    published: bool
    board_href: str
    view_href: str
    """The period's figures on the units of today; empty where no unit ever followed another."""
    api_href: str


def explained(
    address: Address, language: Language, ground: Ground, said: ExplanationWithOrigins, past: History
) -> Explained:
    """Put the page together."""
    words = Words(language)
    teller = Teller(words, Numbers(words))
    kpi = ground.catalog.kpis[said.kpi]
    record = _record(said, said.judged, ground.now)
    measure = teller.measure(kpi, record)
    numbers, units = teller.numbers, ground.catalog.units
    above = units.get(units.parent(said.org_unit, said.judged.as_of or said.judged_on) or "")
    name = words.either(kpi.short_name, kpi.short_name_en) or words.either(kpi.name_vi, kpi.name_en)
    target, alone = said.judged.target, said.would_change.by_itself
    lowest = lowest_units(said, ground, teller, measure, address.of_unit)
    return Explained(
        kpi=words.either(kpi.name_vi, kpi.name_en),
        unit=ground.name(said.org_unit, words),
        above=ground.name(above.id, words) if above is not None else "",
        above_href=address.of_unit(above.id) if above is not None else "",
        period=said.period,
        span=f"{numbers.day(said.first)} – {numbers.day(said.last)}",
        said=teller.say(record, kpi, name),
        reasons=teller.reasons(record, kpi),
        closed_on=numbers.day(said.closed.closed_on) if said.closed is not None else "",
        closed=teller.closed(said.closed, measure) if said.closed is not None else "",
        versions=[_version(one, teller, measure) for one in said.targets] if len(said.targets) > 1 else [],
        flags=[flag(code, words) for code in said.judged.flags],
        split=teller.split(record, partial(ground.short_name, words=words)),
        split_on=_split_on(record, teller, measure) if lowest is not None else "",
        lowest=lowest,
        brought=any(child.brings is not None for child in said.children),
        shared=record.contributions is not None and shares_tell(record.contributions),
        reporters=reporters(said.judged, said.kpi, said.period, ground, words),
        steps=[dated(words.either(one.text_vi, one.text_en), numbers) for one in said.formula if one.code not in STEPS],
        outlook=outlook(record, said, measure, words, numbers),
        rules=[words.either(one.text_vi, one.text_en) for one in said.rules],
        picture=picture_of(past, said.judged_on, teller, measure, name),
        past=[past_row(point, teller, measure) for point in reversed(past.points)],
        earlier=past.earlier,
        next_report=numbers.day(said.would_change.next_report) if said.would_change.next_report else "",
        bounds=_bounds(said, teller, measure),
        by_itself=dated(words.either(alone.text_vi, alone.text_en), numbers) if alone is not None else "",
        origins=origins(said, ground, teller, measure),
        observations_count=said.observations_count,
        inputs_href=f"/api/v1/progress/{said.kpi}/{said.org_unit}/{said.period}/inputs",
        sources=[_source(one, said.org_unit, ground, numbers, words) for one in said.sources],
        scored=any(one.role == "item" for one in said.sources),
        children=_children(address, said, ground, teller, measure),
        former=_former(said, past, kpi, teller, ground.now),
        on=address.on.isoformat() if address.on is not None else "",
        today=said.judged_on.isoformat(),
        target=words("{id}, phiên bản {version}", id=target.id, version=target.version) if target else "",
        legal_basis=_legal_basis(said, ground),
        catalog_version=said.catalog_version,
        version=said.version,
        judged_on=numbers.day(said.judged_on),
        published=said.published,
        board_href="/?" + urlencode({"period": said.period, "kpi": said.kpi}) + f"#kpi-{said.kpi}",
        view_href=reformed_href(ground, said.kpi, said.period),
        api_href=f"/api/v1/progress/{said.kpi}/{said.org_unit}/{said.period}/explain",
    )


def _record(said: ExplanationWithOrigins, judged: Judged, now: datetime) -> ProgressJudged:
    """The record as other pages know it, to be put in the same words."""
    named = {"province": said.province, "kpi": said.kpi, "org_unit": said.org_unit, "period": said.period}
    stamps = {"version": max(said.version, 1), "catalog_version": said.catalog_version, "judged_at": now}
    return ProgressJudged.model_validate({**judged.model_dump(), **named, **stamps})


def _legal_basis(said: ExplanationWithOrigins, ground: Ground) -> str:
    day = said.judged.as_of or said.judged_on
    target = ground.catalog.targets.judging(said.kpi, said.org_unit, said.period, day)
    return (target.legal_basis or "") if target is not None else ""


def _split_on(record: ProgressJudged, teller: Teller, measure: Measure) -> str:
    """A missed target's gap is split as it stood against the plan of the figure's date."""
    beside = against(record).planned
    if record.planned is None or record.gap is None or beside is None or record.planned == beside:
        return ""
    return teller.words(
        "Chia theo chênh lệch so với kế hoạch đến ngày {day}: {gap}.",
        day=teller.numbers.day(day_of_figure(record)),
        gap=teller.difference(record.gap, measure),
    )


def _version(one: TargetVersion, teller: Teller, measure: Measure) -> VersionRow:
    words, numbers, last = teller.words, teller.numbers, one.last
    since = numbers.day(one.valid_from) if one.valid_from is not None else ""
    until = numbers.day(one.valid_to - timedelta(days=1)) if one.valid_to is not None else ""
    if since and until:
        span = f"{since} – {until}"
    else:
        span = words("từ {day}", day=since) if since else words("đến {day}", day=until) if until else ""
    return VersionRow(
        version=words("phiên bản {version}", version=one.target.version),
        target=words("{value} vào {day}", value=teller.goal(one.target, measure), day=numbers.day(one.target.deadline)),
        span=span,
        badge=badge(last.status, words) if last is not None else None,
        last=f"{numbers.value(last.value, measure)}, {words('đến {day}', day=numbers.day(last.as_of))}" if last else "",
    )


_SIGNS = {">=": "≥", "<=": "≤"}


def _bounds(said: ExplanationWithOrigins, teller: Teller, measure: Measure) -> list[BoundRow]:
    numbers = teller.numbers
    finer = Measure(measure.code, max(measure.decimals, 2))  # a bound that is rounded off would be none
    rows = []
    for bound in said.would_change.bounds:
        value = numbers.value(bound.value, finer, fixed=False)
        if bound.up_to is None:
            value = f"{_SIGNS[bound.comparator]}\u202f{value}"
        else:
            low, high = numbers.plain(bound.value, finer.decimals), numbers.value(bound.up_to, finer, fixed=False)
            value = teller.words("từ {low} đến {high}", low=low, high=high)
        parts = ""
        if bound.numerator is not None and said.judged.denominator is not None:
            parts = f"{_numerators(bound, numbers)}\u202f/\u202f{numbers.plain(said.judged.denominator, 2)}"
        rows.append(BoundRow(badge(bound.status, teller.words), value, parts))
    return rows


def _numerators(bound: Bound, numbers: Numbers) -> str:
    first, last = bound.numerator, bound.numerator_up_to
    if first is None or last is None or first >= last:
        return "" if first is None else numbers.plain(first)
    return f"{numbers.plain(first)}–{numbers.plain(last)}"


def _source(source: SourceBehind, unit: str, ground: Ground, numbers: Numbers, words: Words) -> SourceRow:
    kpi = ground.catalog.kpis.get(source.kpi)
    decimals = kpi.decimals if kpi is not None else 0
    measure = Measure(source.unit_of_measure, max(decimals, 1) if source.unit_of_measure == "percent" else decimals)
    points = ""
    if source.maximum is not None:
        brought = "–" if source.points is None else numbers.plain(source.points, 2)
        points = f"{brought}\u202f/\u202f{numbers.plain(source.maximum, 2)}"
    return SourceRow(
        kpi=source.kpi,
        name=words.either(kpi.name_vi, kpi.name_en) if kpi is not None else source.kpi,
        href=explain_href(source.kpi, unit, source.period),
        period=source.period,
        as_of=numbers.day(source.as_of),
        value=numbers.value(source.value, measure),
        against=numbers.value(source.against, measure) if source.role == "item" else "",
        points=points,
    )


def _children(
    address: Address, said: ExplanationWithOrigins, ground: Ground, teller: Teller, measure: Measure
) -> list[ChildRow]:
    numbers = teller.numbers
    fine = telling(measure, [child.brings for child in said.children if child.brings is not None])
    rows = [
        ChildRow(
            id=child.org_unit,
            name=ground.name(child.org_unit, teller.words),
            href=address.of_unit(child.org_unit),
            badge=badge(child.status, teller.words),
            value=(read := teller.read(held_against(child, child.status, child.goal), measure)).value,
            parts=_parts(child.numerator, child.denominator, numbers),
            as_of=numbers.day(child.as_of),
            gap=read.gap or "–",
            brings="" if child.brings is None else teller.difference(child.brings, fine),
            share=numbers.value(100 * child.share, _SHARE) if child.share is not None else "",
            in_sum=child.in_sum,
        )
        for child in said.children
    ]
    return sorted(rows, key=lambda row: row.name)


def _parts(numerator: float | None, denominator: float | None, numbers: Numbers) -> str:
    if numerator is None or denominator is None:
        return ""
    return f"{numbers.plain(numerator, 2)}\u202f/\u202f{numbers.plain(denominator, 2)}"


def _former(said: ExplanationWithOrigins, past: History, kpi: Kpi, teller: Teller, now: datetime) -> Former | None:
    then = past.said
    if then is None:
        return None
    words, record = teller.words, _record(said, then.judged, now)
    return Former(
        day=teller.numbers.day(then.on),
        said=teller.say(record, kpi, ""),
        reasons=teller.reasons(record, kpi),
        doubts=[words.either(one.text_vi, one.text_en) for one in then.doubts],
    )
