"""From a decided letter to a publisher to what it says, in both languages, no markup.

First what stops everything (a parked source), then what does not count, what is late, what is to be checked and what
falls due. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode

from contracts.catalog import Publisher
from contracts.doors import event_ref
from contracts.fates import EventState
from services.alerts import figures
from services.alerts.compose import MAX_SUBJECT, shortened
from services.alerts.digest import Digest
from services.alerts.figures import Language
from services.alerts.notes import Note, NoteKind, Sentence, plain
from services.alerts.phrases import TABLES, say
from services.alerts.reminding import Awaited, figures_in
from services.runtime.catalog import Calendar, Catalog
from services.runtime.instants import day_written, told_locally

LONGEST_ID, LONGEST_REF = 80, 600

LINES = (8, 4, 2, 1, 0)
"""Lines of each kind that a letter has at most; the fewer where it would else be cut by mail clients."""

MAX_HTML_BYTES = 100_000
"""Gmail cuts a mail at about 102 kB."""

IMPORTED = "import-"
"""How the ids of events begin that are rows or lines of a file, which has none for them."""

_ONE_DAY = timedelta(days=1)

_OF_SOURCES = (NoteKind.PARKED, NoteKind.UNPARKED)

_STATES = {
    NoteKind.REFUSED: (EventState.REFUSED, EventState.IDENTITY_REUSED, EventState.REFUSED_SINCE),
    NoteKind.DOUBTED: (EventState.ACCEPTED_WITH_DOUBTS,),
    NoteKind.PARKED: (EventState.PARKED,),
}
"""In which states the events of a section may be by now."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a section: what it is about, what is said of it, and where it is found."""

    title: str
    said: tuple[str, ...]
    about: str = ""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind. `more`: how many others there are, in words."""

    title: str
    items: tuple[Item, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the letter under a title of its own."""

    title: str
    intro: str
    groups: tuple[Group, ...]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Speech:
    """One language's part of a letter, in the order in which it is read."""

    language: Language
    name: str
    badge: str
    headline: str
    sections: tuple[Section, ...]
    why_label: str
    why: str
    link_label: str
    open_label: str
    all_label: str
    footer: str
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DigestLetter:
    """A whole letter before it is rendered. `tone` colours it: watch, behind or critical."""

    template: ClassVar[str] = "digest"

    subject: str
    tone: str
    link: str | None
    parts: tuple[Speech, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """What composing looks up. `days`: the calendar by which working days are told."""

    catalog: Catalog
    publisher: Publisher
    digest: Digest
    days: Calendar | None
    base: str | None
    language: Language
    lines: int

    def say(self, key: str, **values: object) -> str:
        """The phrase, in the language of this part."""
        return say(self.language, key, **values)

    def counted(self, key: str, count: int, **values: object) -> str:
        """The phrase with a number, and with the English plural."""
        number = figures.number(count, 0, self.language)
        return self.say(key, count=number, s="" if count == 1 else "s", **values)

    def kpi(self, kpi_id: str) -> str:
        """The KPI's name; the id where the catalog has none."""
        kpi = self.catalog.kpis.get(kpi_id)
        if kpi is None:
            return _shown(kpi_id)
        return (kpi.name_en or kpi.name_vi) if self.language == "en" else kpi.name_vi

    def unit(self, ref: str) -> str:
        """The unit's name, whether or not it exists today; what the publisher wrote where there is none."""
        found = self.catalog.units.get(ref)
        if found is None:
            named = self.catalog.units.named(ref)
            found = named[-1] if named else None
        if found is None:
            return _shown(ref)
        return (found.name_en or found.name) if self.language == "en" else found.name

    def moment(self, moment: datetime) -> str:
        """`06:30 18/09/2023`, as the province's clocks show it."""
        local = moment.astimezone(self.catalog.zone)
        return f"{local:%H:%M} {_day(local.date(), self)}"

    def sentence(self, said: Sentence) -> str:
        """What was said of an event, in the language of this part."""
        return told_locally(said.en if self.language == "en" else said.vi, self.catalog.zone, self.moment)


def compose_digest(
    digest: Digest,
    publisher: Publisher,
    catalog: Catalog,
    days: Calendar | None,
    base: str | None,
    pilot: bool,
    contact: str,
    lines: int = LINES[0],
) -> DigestLetter:
    """What the letter says, Vietnamese first. `base`: address of the dashboard; `contact`: who answers questions;
    `lines`: how many of each kind it names, the rest is counted."""
    languages: tuple[Language, ...] = ("vi", "en")
    base = base.rstrip("/") if base else None
    desks = [Desk(catalog, publisher, digest, days, base, language, lines) for language in languages]
    return DigestLetter(
        subject=_subject(desks[0], pilot),
        tone=_tone(digest),
        link=f"{base}/imports" if base else None,
        parts=tuple(_speech(desk, pilot, contact) for desk in desks),
    )


def _counts(desk: Desk) -> list[str]:
    """What there is to say, in numbers, the most important first."""
    gathered, awaited = desk.digest.gathered, desk.digest.awaited
    found = (
        ("d_parked", gathered.total(NoteKind.PARKED)),
        ("d_refused", gathered.total(NoteKind.REFUSED)),
        ("d_overdue", figures_in([one for one in awaited if one.overdue])),
        ("d_doubted", gathered.total(NoteKind.DOUBTED)),
        ("d_soon", figures_in([one for one in awaited if not one.overdue])),
        ("d_unparked", gathered.total(NoteKind.UNPARKED)),
    )
    return [desk.counted(key, count) for key, count in found if count]


def _subject(desk: Desk, pilot: bool) -> str:
    """`[KPI] 12 lần bị từ chối, 3 số liệu quá hạn: Ký số văn bản điện tử`, cut to the length that is shown."""
    mark = desk.say("pilot_mark") if pilot else ""
    return shortened(f"{mark}[KPI] {', '.join(_counts(desk)[:2])}: {desk.publisher.name_vi}", MAX_SUBJECT)


def _tone(digest: Digest) -> str:
    gathered = digest.gathered
    if gathered.total(NoteKind.PARKED):
        return "critical"
    late = any(one.overdue for one in digest.awaited)
    return "behind" if late or gathered.total(NoteKind.REFUSED) else "watch"


def _speech(desk: Desk, pilot: bool, contact: str) -> Speech:
    publisher, digest = desk.publisher, desk.digest
    name = (publisher.name_en or publisher.name_vi) if desk.language == "en" else publisher.name_vi
    notices = []
    if pilot:
        notices.append(desk.say("pilot", name=digest.name, email=digest.email))
    if digest.gathered.again:
        notices.append(desk.say("d_again"))
    hours = ", ".join(f"{hour}:00" if desk.language == "en" else str(hour) for hour in sorted(publisher.digest_hours))
    return Speech(
        language=desk.language,
        name=desk.say("language"),
        badge=desk.say(f"d_badge_{_tone(digest)}"),
        headline=desk.say("d_headline", name=name, said=", ".join(_counts(desk))),
        sections=tuple(section for section in _sections(desk) if section is not None),
        why_label=desk.say("why"),
        why=desk.say("d_why", name=name, email=digest.email, hours=hours or "–"),
        link_label=desk.say("d_open_all"),
        open_label=desk.say("d_open"),
        all_label=desk.say("d_more_link"),
        footer=desk.say("footer_contact", contact=contact),
        notices=tuple(notices),
    )


def _sections(desk: Desk) -> tuple[Section | None, ...]:
    refused = bool(desk.digest.gathered.total(NoteKind.REFUSED))
    reply_by = desk.digest.reply_by
    return (
        _told(desk, NoteKind.PARKED, desk.say("d_parked_intro")),
        _told(desk, NoteKind.UNPARKED, desk.say("d_unparked_intro")),
        _told(desk, NoteKind.REFUSED, desk.say("d_refused_intro")),
        _due(desk, overdue=True, intro=desk.say("d_overdue_intro" if refused else "d_overdue_intro_alone")),
        _told(
            desk,
            NoteKind.DOUBTED,
            desk.say("d_doubted_intro", reply_by=_day(reply_by, desk) if reply_by is not None else "–"),
        ),
        _due(desk, overdue=False, intro=desk.say("d_soon_intro")),
    )


def _told(desk: Desk, kind: NoteKind, intro: str) -> Section | None:
    """Notes of one kind, by code, the most frequent first."""
    gathered = desk.digest.gathered
    counts = gathered.counts.get(kind)
    if not counts:
        return None
    notes = gathered.of(kind)
    groups = []
    for code in sorted(counts, key=lambda code: (-counts[code], code)):
        mine = [note for note in notes if note.codes[0] == code][: desk.lines]
        left = counts[code] - sum(note.times for note in mine)
        title = f"{_code(code, desk)}: {figures.number(counts[code], 0, desk.language)}"
        more = desk.counted("d_more", left) if left > 0 else ""
        if kind in _OF_SOURCES:
            title = ""  # the section's own says it
        groups.append(Group(title, tuple(_item(desk, note) for note in mine), more))
    return Section(desk.counted(f"d_{kind}_title", gathered.total(kind)), intro, tuple(groups), _events(desk, kind))


def _item(desk: Desk, note: Note) -> Item:
    said = [desk.sentence(sentence) for sentence in note.said]
    if note.more:
        said.append(desk.counted("d_and_more", note.more))
    if note.kind is NoteKind.UNPARKED:
        return Item(_shown(note.source), (desk.say("d_unparked_since", moment=desk.moment(note.at)),))
    if note.kind is NoteKind.PARKED:
        return Item(_shown(note.source), tuple(said))
    about = [desk.say("d_event", event=_shown(note.event)) if note.event is not None else desk.say("d_no_event")]
    if note.event is not None and note.event.startswith(IMPORTED):
        about.append(desk.say("d_import"))
    if len(desk.publisher.sources) > 1:
        about.append(desk.say("d_source", source=_shown(note.source)))
    about.append(desk.say("d_said_at", moment=desk.moment(note.at)))
    if note.times > 1:
        about.append(desk.counted("d_times", note.times))
    return Item(_about(desk, note), tuple(said), " · ".join(about), _link(desk, note))


def _about(desk: Desk, note: Note) -> str:
    """`Văn bản ký số, Xã Tân Phú, số liệu đến ngày 31/08/2023`, as far as that was readable."""
    day = _written_day(note.as_of, desk) if note.as_of is not None else ""
    if note.kpi is not None and note.org_unit is not None and day:
        return desk.say("d_about", kpi=desk.kpi(note.kpi), unit=desk.unit(note.org_unit), day=day)
    known = [desk.kpi(note.kpi)] if note.kpi is not None else []
    known += [desk.unit(note.org_unit)] if note.org_unit is not None else []
    known += [desk.say("d_about_part", day=day)] if day else []
    return ", ".join(known) or desk.say("d_unreadable")


def _due(desk: Desk, *, overdue: bool, intro: str) -> Section | None:
    """Figures that have not come, the longest due first."""
    awaited = sorted((one for one in desk.digest.awaited if one.overdue is overdue), key=lambda one: (one.by, one.kpi))
    if not awaited:
        return None
    named, left = awaited[: 2 * desk.lines], figures_in(awaited[2 * desk.lines :])
    items = tuple(Item(desk.kpi(one.kpi), (_missing(desk, one),), _when(desk, one)) for one in named)
    more = desk.counted("d_figures_more", left) if left else ""
    key = "d_overdue_title" if overdue else "d_soon_title"
    return Section(desk.counted(key, figures_in(awaited)), intro, (Group("", items, more),))


def _missing(desk: Desk, one: Awaited) -> str:
    period = _sentence(figures.period(one.period, desk.language))
    units = ", ".join(desk.unit(unit) for unit in one.units)
    if one.missing > len(one.units):
        units = desk.counted("d_units_more", one.missing - len(one.units), units=units)
    if one.expected == 1:
        return desk.say("d_missing_one", period=period, units=units)
    return desk.say("d_missing", period=period, missing=one.missing, expected=one.expected, units=units)


def _when(desk: Desk, one: Awaited) -> str:
    by = _day(one.by, desk)
    if one.overdue:
        said = desk.say("d_by", by=by) if desk.days is None else _late(desk, desk.days, one.by)
    else:
        said = desk.say("d_by", by=by)
    newest = desk.say("d_newest", day=_day(one.newest, desk)) if one.newest is not None else desk.say("d_never")
    return f"{said} · {newest}"


def _late(desk: Desk, days: Calendar, deadline: date) -> str:
    day, passed = deadline, 0
    while day < desk.digest.today:
        day += _ONE_DAY
        passed += days.is_working_day(day)
    return desk.say("d_late", by=_day(deadline, desk), days=passed, s="" if passed == 1 else "s")


def _code(code: str, desk: Desk) -> str:
    """The code in words; one of a newer release as it is."""
    key = f"code_{code}"
    return desk.say(key) if key in TABLES[desk.language] else code


def _day(day: date, desk: Desk) -> str:
    return figures.day(day, desk.language)


def _written_day(text: str, desk: Desk) -> str:
    """A day as its publisher wrote it, in the way of the language where it is one; an instant's is the local one."""
    day = day_written(text, desk.catalog.zone)
    return _day(day, desk) if day is not None else _shown(text)


def _shown(text: str) -> str:
    return shortened(plain(text), LONGEST_ID)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _link(desk: Desk, note: Note) -> str | None:
    """The page of the event."""
    if desk.base is None or note.event is None:
        return None
    ref = event_ref(note.source, note.event)
    return f"{desk.base}/events/{ref}" if len(ref) <= LONGEST_REF else None


def _events(desk: Desk, kind: NoteKind) -> str | None:
    """The list of all events of this kind, as far as the publisher's sources are one."""
    states = _STATES.get(kind)
    if desk.base is None or states is None:
        return None
    sources: Sequence[str] = desk.publisher.sources
    query = {"state": [state.value for state in states], **({"source": sources} if len(sources) == 1 else {})}
    return f"{desk.base}/events?{urlencode(query, doseq=True)}"
