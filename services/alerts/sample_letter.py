"""A sample letter to a publisher, for previews: made-up answers through the very functions that make the real one."""

from datetime import date, datetime, time, timedelta

from contracts.catalog import Publisher
from services.alerts.digest import Correspondence, Digest, PublisherKey, take_in, write
from services.alerts.notes import Note, NoteKind, Sentence
from services.alerts.reminding import NEVER, Watched, awaited, questions
from services.alerts.samples import Stage
from services.alerts.slots import days_of, latest_slot, spread_of

NAME = "letter-to-publisher"

_REFUSED = Sentence(
    "Tử số 1.013 lớn hơn mẫu số 1.000: hãy kiểm tra lại hai số.",
    "The numerator 1,013 is above the denominator 1,000: check both figures.",
)
_DOUBTED = Sentence(
    "Giá trị 4,0 khác hẳn các lần báo cáo trước (từ 50,6 đến 50,8).",
    "4.0 is far from the reports before (50.6 to 50.8).",
)


def sample_letter(stage: Stage, host: str) -> tuple[Digest, Publisher] | None:
    """The letter, and the publisher that it is to; None where the catalog has no publisher or no working day."""
    catalog = stage.catalog
    days, publisher = days_of(catalog), _publisher(stage)
    if days is None or publisher is None:
        return None
    noon = datetime.combine(stage.period.first + (stage.period.last - stage.period.first) * 0.7, time(12), catalog.zone)
    key = PublisherKey(catalog.province.id, publisher.id)
    slot = latest_slot(noon, publisher.digest_hours, days, catalog.zone, spread_of(key.id))
    if slot is None:
        return None
    today = slot.astimezone(catalog.zone).date()
    said = [
        _note(stage, publisher, slot, 0, NoteKind.REFUSED, "numerator_above_denominator", _REFUSED),
        _note(stage, publisher, slot, -1, NoteKind.DOUBTED, "jump", _DOUBTED),
    ]
    newest = {unit: today for unit in stage.units[:1]}
    asked = questions(catalog, publisher, {}, today, Watched(date.min, whole=True))
    missing = [awaited(one, catalog, publisher, NEVER, newest) for one in asked if one.kpi == stage.kpi.id]
    owed = take_in(Correspondence(key), said)
    _, digest = write(
        owed,
        publisher,
        tuple(one for one in missing if one is not None),
        slot,
        slot,
        today,
        days.add_working_days(today, 3),
        host,
    )
    return (digest, publisher) if digest is not None else None


def _publisher(stage: Stage) -> Publisher | None:
    """One that names the KPI, else whoever there is, of those that are written to."""
    written_to = [one for one in stage.catalog.publishers if one.digest_hours]
    named = [one for one in written_to if stage.kpi.id in one.kpis]
    return next(iter(named or written_to), None)


def _note(
    stage: Stage, publisher: Publisher, slot: datetime, unit: int, kind: NoteKind, code: str, said: Sentence
) -> Note:
    at = slot - timedelta(hours=15)
    return Note(
        id=f"sample/{code}",
        kind=kind,
        at=at,
        source=publisher.sources[0],
        event=f"{stage.kpi.id}/{stage.units[unit]}/{at.date()}",
        codes=(code,),
        said=(said,),
        kpi=stage.kpi.id,
        org_unit=stage.units[unit],
        as_of=at.date().isoformat(),
    )
