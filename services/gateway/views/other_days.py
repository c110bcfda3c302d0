"""The page of a period's figures on the units of another day: what each unit shows, and what that is made of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from contracts.explanations import SourceBehind
from contracts.views import Amounts, Brought, NotCarried, PeriodView, ViewedUnit
from services.gateway.views.figures import measure_of
from services.gateway.views.links import explain_href, view_href
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.reading import Ground
from services.gateway.views.words import Language, Words
from services.runtime.catalog.carrying import View

_NAMED = 6
"""Missing units that a row names; the rest is a number."""


@dataclass(frozen=True, slots=True)
class Address:
    """What the page is about: all of it is in the address."""

    province: str
    kpi: str
    period: str
    view: View = "as_it_was"

    def href(self, view: View | None = None, **more: str) -> str:
        """The same page, on the units of another day or in another language."""
        asked = self.view if view is None else view
        return view_href(self.province, self.kpi, self.period, str(asked), **more)


@dataclass(frozen=True, slots=True)
class Choice:
    """One side of the switch."""

    label: str
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What one unit brings to a figure: “Xã Đắk Ha 41/50”, “70 % của Xã A: 30/100, ước tính”."""

    text: str
    href: str
    silent: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of the asked day."""

    id: str
    name: str
    depth: int
    href: str
    raw: str
    value: str
    parts: str
    as_of: str
    made_of: str
    brought: list[Part]
    """What it is made of: shares of other units' figures, or of one derived the figures of its sources."""
    place: str
    """“3/28”, of a score."""
    reasons: list[str]
    missing: str
    target: str


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A figure that is on no unit of the asked day."""

    name: str
    kpi: str
    """Of a derived figure: which of the KPIs that it derives from."""
    href: str
    as_of: str
    figure: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template places."""

    kpi: str
    province: str
    period: str
    span: str
    on: str
    on_machine: str
    as_of: str
    choices: list[Choice]
    dated: bool
    hidden: list[tuple[str, str]]
    periods: list[str]
    view: str
    before: str
    after: str
    same: bool
    estimated: bool
    sources: list[Choice]
    """The KPIs that it derives from, which can be seen."""
    rows: list[Row]
    some_parts: bool
    some_places: bool
    some_missing: bool
    some_targets: bool
    left: list[LeftRow]
    board_href: str
    api_href: str


def page(
    address: Address,
    language: Language,
    ground: Ground,
    seen: PeriodView,
    periods: Sequence[str],
    recorded: Collection[str],
) -> Page:
    """Put the page together. `periods`: those of which the KPI has records; `recorded`: the units that have one of this
    period, which can be explained."""
    words = Words(language)
    telling = _Telling(words, Numbers(words), ground, seen, recorded, address)
    rows = telling.rows()
    kpi, province = ground.catalog.kpis[seen.kpi], ground.catalog.province
    numbers = telling.numbers
    return Page(
        kpi=words.either(kpi.name_vi, kpi.name_en),
        province=words.either(province.name_vi, province.name_en),
        period=seen.period,
        span=f"{numbers.day(seen.first)} – {numbers.day(seen.last)}",
        on=numbers.day(seen.on),
        on_machine=seen.on.isoformat(),
        as_of=numbers.day(seen.as_of) if seen.as_of else "",
        choices=[
            Choice(words("Như đã báo cáo"), address.href("as_it_was"), address.view == "as_it_was"),
            Choice(words("Theo đơn vị hiện nay"), address.href("as_it_is_now"), address.view == "as_it_is_now"),
        ],
        dated=isinstance(address.view, date),
        hidden=[("province", address.province), ("kpi", address.kpi)],
        periods=sorted({*periods, seen.period}, reverse=True),
        view=str(address.view),
        before=telling.amounts(seen.before),
        after=telling.amounts(seen.after),
        same=seen.before == seen.after,
        estimated=any(unit.estimated for unit in seen.units),
        sources=[telling.source(source) for source in kpi.sources],
        rows=rows,
        some_parts=any(row.parts for row in rows),
        some_places=any(row.place for row in rows),
        some_missing=any(row.missing for row in rows),
        some_targets=any(row.target for row in rows),
        left=[telling.left(one) for one in seen.not_carried],
        board_href="/?" + urlencode({"province": seen.province, "period": seen.period, "kpi": seen.kpi}),
        api_href=f"/api/v1/views/{seen.province}/{seen.kpi}/{seen.period}?view={address.view}",
    )


class _Telling:
    """Puts the figures of one view into words."""

    def __init__(
        self,
        words: Words,
        numbers: Numbers,
        ground: Ground,
        seen: PeriodView,
        recorded: Collection[str],
        address: Address,
    ) -> None:
        self.words, self.numbers = words, numbers
        self._ground = ground
        self._seen = seen
        self._recorded = recorded
        self._address = address
        self._measure = measure_of(ground.catalog.kpis[seen.kpi], seen.unit_of_measure)

    def rows(self) -> list[Row]:
        """The units, each after the one above it."""
        depths: dict[str | None, int] = {None: -1}
        rows = []
        for unit in self._seen.units:
            depths[unit.org_unit] = depths.get(unit.parent, -1) + 1
            rows.append(self._row(unit, depths[unit.org_unit]))
        return rows

    def source(self, kpi_id: str) -> Choice:
        """The same view of a KPI that this one derives from."""
        kpi = self._ground.catalog.kpis.get(kpi_id)
        name = self.words.either(kpi.name_vi, kpi.name_en) if kpi is not None else kpi_id
        return Choice(name, replace(self._address, kpi=kpi_id).href(), chosen=False)

    def left(self, one: NotCarried) -> LeftRow:
        """A figure that stayed behind."""
        figure = self.amounts(one.whole, self._measure if one.kpi is None else self._measure_of(one.kpi))
        if one.share != 1:
            figure = self.words("{share} của {figure}", share=self._share(one.share), figure=figure)
        return LeftRow(
            name=self._name(one.org_unit),
            kpi="" if one.kpi is None else self._short(one.kpi),
            href=self._explained(one.org_unit) if one.kpi is None else "",
            as_of=self.numbers.day(one.as_of),
            figure=figure,
            reason=self.words.either(one.reason.text_vi, one.reason.text_en),
        )

    def amounts(self, one: Amounts | None, measure: Measure | None = None) -> str:
        """“50,0 % (50 / 100)”."""
        if one is None:
            return "–"
        parts, value = self._parts(one), self.numbers.value(one.value, measure or self._measure)
        return f"{value} ({parts})" if parts else value

    def _row(self, unit: ViewedUnit, depth: int) -> Row:
        carried = unit.made_of == "carried" or (unit.made_of == "nothing" and bool(unit.brought))
        return Row(
            id=unit.org_unit,
            name=self._name(unit.org_unit),
            depth=depth,
            href=self._explained(unit.org_unit),
            raw="" if unit.value is None else repr(unit.value),
            value=self.numbers.value(unit.value, self._measure),
            parts=self._parts(unit),
            as_of=self.numbers.day(unit.as_of),
            made_of="" if carried or unit.made_from else self._made_of(unit),
            brought=[self._part(one) for one in unit.brought] if carried else [*map(self._behind, unit.made_from)],
            place="" if unit.rank is None else f"{unit.rank}/{unit.of}",
            reasons=[self.words.either(one.text_vi, one.text_en) for one in unit.reasons],
            missing=self._missing(unit),
            target=self._target(unit),
        )

    def _made_of(self, unit: ViewedUnit) -> str:
        if unit.made_of == "own":
            return self.words("số liệu của chính đơn vị")
        if unit.made_of == "parts":
            there, due = unit.expected - len(unit.missing), unit.expected
            return self.words("cộng từ dưới lên, {there}/{due} đơn vị có đủ số liệu", there=there, due=due)
        if unit.made_of == "derived":
            return self.words("tính từ các chỉ tiêu gốc")
        return self.words("Chưa có số liệu")

    def _behind(self, one: SourceBehind) -> Part:
        """“Giao dịch trên sàn, 2024: 17.993”, “Văn bản ký số, 2025: 50,0 %, 20/40 điểm”."""
        value = self.numbers.value(one.value, self._measure_of(one.kpi))
        text = f"{self._short(one.kpi)}, {one.period}: {value}"
        if one.maximum is not None and one.value is not None:
            brought = "–" if one.points is None else self.numbers.plain(one.points, 2)
            most = self.numbers.plain(one.maximum, 2)
            text = f"{text}, {self.words('{brought}/{most} điểm', brought=brought, most=most)}"
        return Part(text, replace(self._address, kpi=one.kpi, period=one.period).href(), one.as_of is None)

    def _part(self, one: Brought) -> Part:
        name, figure = self._name(one.org_unit), self._parts(one.whole)
        text = f"{name} {figure or self.numbers.value(one.whole.value, self._measure)}"
        if one.share != 1:
            text = self.words("{share} của {figure}", share=self._share(one.share), figure=text)
        if one.estimated:
            text = f"{text} ({self.words('tỷ lệ chia là ước tính')})"
        if one.as_of is None:
            text = f"{text} ({self.words('chưa báo cáo')})"
        return Part(text, self._explained(one.org_unit), one.as_of is None)

    def _missing(self, unit: ViewedUnit) -> str:
        names = sorted({self._name(one) for one in unit.missing})
        named = ", ".join(names[:_NAMED])
        more = len(names) - _NAMED
        return f"{named} {self.words('và {count} đơn vị nữa', more)}" if more > 0 else named

    def _target(self, unit: ViewedUnit) -> str:
        target = unit.target
        if target is None:
            return ""
        if target.value is None:
            ends = (edge for edge in (target.low, target.high) if edge is not None)
            return "–".join(self.numbers.plain(edge, self._measure.decimals) for edge in ends)
        sign = {">=": "≥\u202f", "<=": "≤\u202f"}.get(target.comparator, "")
        return sign + self.numbers.value(target.value, self._measure, fixed=False)

    def _parts(self, one: Amounts) -> str:
        if one.numerator is None or one.denominator is None:
            return ""
        return f"{self.numbers.plain(one.numerator, 2)}\u202f/\u202f{self.numbers.plain(one.denominator, 2)}"

    def _share(self, share: float) -> str:
        return self.numbers.value(100 * share, Measure("percent", 2), fixed=False)

    def _name(self, unit_id: str) -> str:
        return self._ground.name(unit_id, self.words)

    def _short(self, kpi_id: str) -> str:
        kpi = self._ground.catalog.kpis.get(kpi_id)
        if kpi is None:
            return kpi_id
        return self.words.either(kpi.short_name or kpi.name_vi, kpi.short_name_en or kpi.name_en)

    def _measure_of(self, kpi_id: str) -> Measure:
        kpi = self._ground.catalog.kpis.get(kpi_id)
        return measure_of(kpi, kpi.unit_of_measure if kpi is not None else "")

    def _explained(self, unit_id: str) -> str:
        """The page that explains the unit's record; empty where it has none."""
        return explain_href(self._seen.kpi, unit_id, self._seen.period) if unit_id in self._recorded else ""
