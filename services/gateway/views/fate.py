"""The page of one event: what happened to it, in order, what its publisher is to do, and which records it is in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.fates import EventLine, EventState, Fate, RecordReached, TurnedAway
from contracts.observations import ObservationRecorded
from contracts.statistics import Problem, RejectionCode
from services.gateway.views.figures import measure_of
from services.gateway.views.links import explain_href
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.origins import figure_said
from services.gateway.views.statuses import Badge, badge
from services.gateway.views.words import Words
from services.runtime.catalog.catalog import Catalog
from services.runtime.instants import day_written, told_locally

_UTC = ZoneInfo("UTC")

_BADGES = {
    EventState.ACCEPTED: ("achieved", "Đã nhận"),
    EventState.ACCEPTED_WITH_DOUBTS: ("at_risk", "Đã nhận, có điểm nghi vấn"),
    EventState.REFUSED_SINCE: ("achieved", "Được nhận ở lần gửi sau"),
    EventState.IDENTITY_REUSED: ("at_risk", "Trùng mã sự kiện"),
    EventState.REFUSED: ("missed", "Bị từ chối"),
    EventState.QUARANTINED: ("missed", "Nằm ở khu cách ly"),
    EventState.PARKED: ("missed", "Nguồn bị tạm giữ"),
    EventState.UNKNOWN: ("unknown", "Chưa thấy"),
}
"""Shape and word of each state; shapes and tones are those of the statuses."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, and which field it is about, or that it holds no longer."""

    text: str
    aside: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened."""

    at: str
    code: str
    text: str
    remarks: list[Remark]


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A progress record that the figure belongs to."""

    unit: str
    period: str
    href: str
    badge: Badge | None
    value: str
    as_of: str
    holds: bool


@dataclass(frozen=True, slots=True)
class FatePage:
    """Everything that the template places."""

    badge: Badge
    text: str
    to_do: str
    source: str
    event: str
    observation: str
    kpi: str
    unit: str
    as_of: str
    figure: str
    remarks: list[str]
    """What the figure came with: its revision, note and evidence."""
    place: str
    catalog_version: str
    steps: list[Step]
    standing: str
    by: str
    records: list[RecordRow]
    derived: list[str]
    api_href: str


def fate_page(fate: Fate, catalogs: Mapping[str, Catalog], words: Words) -> FatePage:
    """Put the page together."""
    seen, numbers = fate.observation, Numbers(words)
    catalog = catalogs.get(seen.province) if seen is not None else next(iter(catalogs.values()), None)
    told = _Teller(words, numbers, catalog)
    code, word = _BADGES[fate.state]
    return FatePage(
        badge=Badge(code, words(word)),
        text=words.either(fate.text_vi, fate.text_en),
        to_do=words.either(fate.to_do_vi or "", fate.to_do_en or ""),
        source=fate.source,
        event=fate.id,
        observation=fate.observation_id if seen is not None else "",
        kpi=told.kpi(fate.kpi) if fate.kpi else "",
        unit=told.unit(fate.org_unit) if fate.org_unit else "",
        as_of=told.day(seen.as_of) if seen is not None else told.written_day(fate.as_of or ""),
        figure=figure_said(seen, numbers, told.measure(seen), words) if seen is not None else "",
        remarks=list(_came_with(seen, words)) if seen is not None else [],
        place=f"{seen.raw.topic}/{seen.raw.partition}/{seen.raw.offset}" if seen is not None else "",
        catalog_version=seen.catalog_version if seen is not None else "",
        steps=[step for _, step in sorted(_steps(fate, told), key=lambda one: one[0])],
        standing=words.either(fate.figure.text_vi, fate.figure.text_en) if fate.figure is not None else "",
        by=(fate.figure.by or "") if fate.figure is not None else "",
        records=[told.record(one, seen) for one in fate.figure.records] if fate.figure is not None and seen else [],
        derived=[told.kpi(one) for one in fate.figure.derived] if fate.figure is not None else [],
        api_href=f"/api/v1/events/{fate.ref}",
    )


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event in the list."""

    title: str
    event: str
    href: str
    as_of: str
    state: str
    badge: Badge
    why: str
    at: str


def event_rows(lines: Iterable[EventLine], catalogs: Mapping[str, Catalog], words: Words) -> list[EventRow]:
    """The events as a page lists them."""
    told = _Teller(words, Numbers(words), next(iter(catalogs.values()), None))
    return [told.line(one) for one in lines]


def state_words(state: EventState, words: Words) -> str:
    """The state as its badge says it."""
    return words(_BADGES[state][1])


@dataclass(frozen=True, slots=True)
class _Teller:
    """Names and figures by the province's catalog, as far as it knows them."""

    words: Words
    numbers: Numbers
    catalog: Catalog | None

    @property
    def zone(self) -> ZoneInfo:
        return self.catalog.zone if self.catalog is not None else _UTC

    def kpi(self, id: str) -> str:
        known = self.catalog.kpis.get(id) if self.catalog is not None else None
        return self.words.either(known.name_vi, known.name_en) if known is not None else id

    def unit(self, id: str) -> str:
        known = self.catalog.units.get(id) if self.catalog is not None else None
        return self.words.either(known.name, known.name_en) if known is not None else id

    def measure(self, seen: ObservationRecorded) -> Measure:
        known = self.catalog.kpis.get(seen.kpi) if self.catalog is not None else None
        return measure_of(known, seen.unit_of_measure or "")

    def moment(self, moment: datetime) -> str:
        return self.numbers.moment(moment.astimezone(self.zone))

    def day(self, as_of: object) -> str:
        return self.moment(as_of) if isinstance(as_of, datetime) else self.numbers.day(as_of)  # type: ignore[arg-type]

    def written_day(self, text: str) -> str:
        """As its publisher wrote it, unless it is a day or an instant."""
        day = day_written(text, self.zone)
        return self.numbers.day(day) if day is not None else text

    def sentence(self, vi: str, en: str) -> str:
        return told_locally(self.words.either(vi, en), self.zone, self.numbers.moment)

    def problem(self, one: Problem) -> Remark:
        aside = [self.words("trường {field}", field=one.field)] if one.field else []
        if one.value is not None:
            aside.append(self.words("giá trị nhận được: {value}", value=one.value))
        return Remark(self.sentence(one.message_vi, one.message_en), " · ".join(aside))

    def line(self, one: EventLine) -> EventRow:
        code, word = _BADGES[one.state]
        about = [self.kpi(one.kpi)] if one.kpi else []
        about += [self.unit(one.org_unit)] if one.org_unit else []
        return EventRow(
            title=", ".join(about) or self.words("Nội dung không đọc được"),
            event=one.id or "",
            href=f"/events/{one.ref}" if one.ref else "",
            as_of=self.written_day(one.as_of or ""),
            state=one.state.value,
            badge=Badge(code, self.words(word)),
            why=self.sentence(one.text_vi or "", one.text_en or "") if one.text_vi else "",
            at=self.moment(one.at),
        )

    def record(self, one: RecordReached, seen: ObservationRecorded) -> RecordRow:
        return RecordRow(
            unit=self.unit(one.org_unit),
            period=one.period,
            href=explain_href(one.kpi, one.org_unit, one.period),
            badge=badge(one.status, self.words) if one.status is not None else None,
            value=self.numbers.value(one.value, self.measure(seen)),
            as_of=self.day(one.as_of),
            holds=one.holds,
        )


def _came_with(seen: ObservationRecorded, words: Words) -> Iterator[str]:
    if seen.revision > 1:
        yield words("lần sửa {revision}", revision=seen.revision)
    yield from (text for text in (seen.note, seen.evidence) if text)


_When = tuple[datetime, int, int]
"""A moment; of the same moment, what comes before it was accepted, that, and what follows; and a number in order."""


def _steps(fate: Fate, told: _Teller) -> Iterator[tuple[_When, Step]]:
    words = told.words
    for number, one in enumerate(reversed(fate.turned_away)):
        after = any(problem.code == RejectionCode.IDENTITY_REUSED for problem in one.problems)
        yield (one.at, 2 if after else 0, number), _turned_away(one, told)
    seen = fate.observation
    if seen is None:
        return
    flags = [Remark(told.sentence(flag.message_vi, flag.message_en)) for flag in seen.flags]
    code = "at_risk" if flags else "achieved"
    text = words("Đạt mọi kiểm tra, vào sổ tiếp nhận")
    yield (seen.received_at, 1, 0), Step(told.moment(seen.received_at), code, text, flags)
    for number, doubt in enumerate(fate.doubts):
        at, code = doubt.at or seen.received_at, "at_risk" if doubt.holds else "on_track"
        aside = "" if doubt.holds else words("không còn nghi vấn")
        remark = Remark(told.sentence(doubt.flag.message_vi, doubt.flag.message_en), aside)
        yield (at, 2, number), Step(told.moment(at), code, words("Số liệu khác gây nghi vấn"), [remark])


def _turned_away(one: TurnedAway, told: _Teller) -> Step:
    words = told.words
    text = words("Bị từ chối") if one.how == "refused" else words("Nằm ở khu cách ly")
    remarks = [told.problem(problem) for problem in one.problems]
    if not remarks and one.detail:
        remarks = [Remark(one.detail, one.reason or "")]
    return Step(told.moment(one.at), "missed", text, remarks)
