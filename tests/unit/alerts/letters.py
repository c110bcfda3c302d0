"""A publisher of the small district, what may go back to it, and the letters that come of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from contracts.catalog import CalendarSpec, CatalogObject, Holiday, Person, Post, Publisher
from services.alerts.digest import Correspondence, Digest, PublisherKey, take_in, write
from services.alerts.notes import Note, NoteKind, Sentence
from services.alerts.reminding import Awaited, Watched
from services.alerts.slots import spread_of
from services.runtime.catalog import Catalog
from tests.unit.alerts.builders import BASE, PEOPLE, a_rule

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MONDAY = date(2023, 9, 18)

ALWAYS = Watched(date.min, whole=True)
"""Figures were looked at from the first on."""

SOURCE, OTHER = "urn:tiendo:source:dak-nong:edoc", "urn:tiendo:source:dak-nong:edoc-2"
KEY = PublisherKey("dak-nong", "edoc")
SLOT = datetime(2023, 9, 18, 0, 0, tzinfo=UTC) + spread_of(KEY.id)
"""Monday, about 7 in the morning in Vietnam: the publisher's own minute."""
PUBLISHER = Publisher(
    id="edoc",
    name_vi="Hệ thống quản lý văn bản",
    name_en="Document management",
    sources=(SOURCE,),
    kpis=("edoc-signed-share",),
    units=("dak-nong",),
    contact="van-thu@dak-nong.example",
)
STEWARD = Person(
    id="steward",
    name="Đầu mối số liệu của tỉnh",
    email="so-lieu@dak-nong.example",
    posts=(Post(role="data-steward", unit="dak-nong"),),
)
WORKING = CalendarSpec(
    id="administrative",
    name_vi="Lịch hành chính",
    month_starts_on=15,
    holidays=(
        Holiday(first=date(2023, 1, 20), last=date(2023, 1, 26), name_vi="Tết Nguyên đán"),
        Holiday(first=date(2023, 9, 1), last=date(2023, 9, 4), name_vi="Quốc khánh"),
    ),
)


def objects(*publishers: Publisher, **kpi: object) -> tuple[CatalogObject, ...]:
    """The district with these publishers, its KPI changed so."""
    base = [one for one in BASE if one.object_kind != "calendar"]
    changed = [one.model_copy(update=kpi) if one.object_kind == "kpi" else one for one in base]
    return (WORKING, *changed, *PEOPLE, STEWARD, a_rule(), *(publishers or (PUBLISHER,)))


def catalog(*publishers: Publisher, **kpi: object) -> Catalog:
    """The same as a catalog."""
    return Catalog.of(objects(*publishers, **kpi), number=1, version="1-000000000000")


def a_note(number: int = 1, kind: NoteKind = NoteKind.REFUSED, *codes: str, **fields: object) -> Note:
    """A refusal of one event; or a doubt about it."""
    code = "jump" if kind is NoteKind.DOUBTED else "numerator_above_denominator"
    given: dict[str, object] = {
        "id": f"log/0/{number}",
        "kind": kind,
        "at": SLOT - 60 * MINUTE,
        "source": SOURCE,
        "event": f"event-{number}",
        "codes": codes or (code,),
        "said": (Sentence("Tử số 1.013 lớn hơn mẫu số 1.000.", "The numerator 1,013 is above the denominator 1,000."),),
        "kpi": "edoc-signed-share",
        "org_unit": "huyen-a.xa-tan-phu",
        "as_of": "2023-08-31",
        **fields,
    }
    return Note(**given)  # type: ignore[arg-type]


def parked_and_over(number: int = 1, at: datetime = SLOT - 60 * MINUTE) -> tuple[Note, Note]:
    """A source is parked, and unparked an hour later."""
    about = {"event": None, "kpi": None, "org_unit": None, "as_of": None}
    parked = a_note(number, NoteKind.PARKED, "source_parked", id=f"parked/log/0/{number}", at=at, **about)
    over = a_note(
        number,
        NoteKind.UNPARKED,
        "source_unparked",
        id=f"unparked/log/0/{number}",
        at=at + 60 * MINUTE,
        ends=parked.id,
        **about,
    )
    return parked, over


def an_awaited(*, overdue: bool, **fields: object) -> Awaited:
    """The figures of September of two communes of three."""
    given: dict[str, object] = {
        "kpi": "edoc-signed-share",
        "period": "2023-09",
        "last": date(2023, 9, 14),
        "by": date(2023, 9, 21) if not overdue else date(2023, 9, 14),
        "overdue": overdue,
        "expected": 3,
        "missing": 2,
        "units": ("huyen-a.xa-dak-rmang", "huyen-a.xa-tan-phu"),
        "newest": date(2023, 8, 10),
        **fields,
    }
    return Awaited(**given)  # type: ignore[arg-type]


def a_letter(notes: Sequence[Note] = (), awaited: Sequence[Awaited] = (), publisher: Publisher = PUBLISHER) -> Digest:
    """The letter of Monday morning."""
    owed = take_in(Correspondence(KEY), notes)
    _, digest = write(owed, publisher, tuple(awaited), SLOT, SLOT, MONDAY, date(2023, 9, 21), "kpi.example")
    assert digest is not None
    return digest
