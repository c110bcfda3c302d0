"""`POST /internal/v1/examined`: what would become of these events, without a trace of the question.

They are held against the same rules as those of the topic, and against what stands in the ledger; nothing is written,
published or counted, and the business clock does not move.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import structlog
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts import strict_json
from contracts.catalog import Kpi
from contracts.doors import MOST_EXAMINED, Examined, ExaminedEvents, ParkedNote, ParkedNotes
from contracts.envelope import STRUCTURED, Headers
from contracts.statistics import Flag
from contracts.topics import STATISTICS_REPORTED
from services.ingest import answers, batch, decide, said_before, usual
from services.ingest.batch import Dead, Examiner, Sound
from services.ingest.decide import Entry
from services.ingest.lot import Lot
from services.ingest.parking import ParkedSource
from services.runtime.clock import Clock
from services.runtime.errors import in_short

log = structlog.get_logger()

PATH = "/internal/v1/examined"
PARKED = "/internal/v1/parked"

_MOST_OTHERS = 5_000

_NOWHERE = -1
"""The partition of a record that stands in no log."""


class Ledger(Protocol):
    """The reading side of the ledger."""

    async def standing(self, ids: Sequence[str]) -> Mapping[str, Entry]:
        """The entries under these ids, by id."""
        ...

    async def about(self, subjects: Iterable[str], after: str, limit: int) -> list[Entry]:
        """The entries about these units and days, in the order of their ids, from the id behind `after` on."""
        ...

    async def before(self, subjects: Sequence[str], limit: int) -> list[list[Entry]]:
        """For each of these units and days the entries about the unit's days before, the latest days first."""
        ...


@dataclass(slots=True)
class Asked:
    """An event as a record that was never published."""

    value: bytes | None
    offset: int
    headers: Headers = (("content-type", STRUCTURED.encode()),)
    topic: str = STATISTICS_REPORTED.name
    partition: int = _NOWHERE
    timestamp: int = 0


def routes(examiner: Examiner, ledger: Ledger, clock: Clock, lot: Lot) -> list[Route]:
    """`POST …/examined` takes up to 1,000 events as `application/cloudevents-batch+json`; `GET …/parked` says which
    sources are parked, and why. The lot is another than the topic's handler's, which changes in the order of batches.
    """

    async def examined(request: Request) -> Response:
        try:
            events = [*strict_json.members((await request.body()).decode())]
        except (ValueError, RecursionError):
            return _refused("the body is a JSON array (UTF-8) of events")
        if len(events) > MOST_EXAMINED:
            return _refused(f"up to {MOST_EXAMINED} events")
        try:
            found = await examine(examiner, ledger, lot, events, clock)
        except PyMongoError as error:
            return _away(error)
        return Response(ExaminedEvents(items=tuple(found)).model_dump_json(), media_type="application/json")

    async def parked(_: Request) -> Response:
        try:
            await lot.look()
        except PyMongoError as error:
            return _away(error)
        notes = tuple(_note(one) for source in sorted(lot.parked) if (one := lot.of(source)))
        return Response(ParkedNotes(items=notes).model_dump_json(), media_type="application/json")

    return [Route(PATH, examined, methods=["POST"]), Route(PARKED, parked)]


async def examine(examiner: Examiner, ledger: Ledger, lot: Lot, events: Sequence[str], clock: Clock) -> list[Examined]:
    """What would become of each of these events, JSON texts in structured mode."""
    records = [Asked(event.encode(), offset) for offset, event in enumerate(events)]
    verdicts = examiner.examine(records, clock.now())
    known = dict.fromkeys(_identity(one) for one in verdicts if not isinstance(one, Dead))
    standing = await ledger.standing(list(known))
    beside = await _beside(examiner, ledger, verdicts)
    await lot.look()
    return [_of_lot(_with_doubts(_told(one, standing), one, standing, beside), lot) for one in verdicts]


class Beside(NamedTuple):
    """What was accepted, by unit and day: of that day, and of the days before as numbers, beside the KPI."""

    accepted: Mapping[str, said_before.Accepted]
    before: Mapping[str, tuple[Kpi, Sequence[usual.Said]]]


async def _beside(examiner: Examiner, ledger: Ledger, verdicts: Sequence[batch.Read]) -> Beside:
    """What stands beside the figures that would be accepted; of very much of it a part."""
    subjects = {one.entry.subject: one.entry.key for one in verdicts if isinstance(one, Sound)}
    found: dict[str, list[Entry]] = {}
    if subjects:
        for entry in await ledger.about(subjects, "", _MOST_OTHERS):
            found.setdefault(entry.subject, []).append(entry)
    kpis = {subject: examiner.desks.kpi(key) for subject, key in subjects.items()}
    series = {subject: kpi for subject, kpi in kpis.items() if kpi is not None and kpi.kind in usual.COMPARED}
    before = await ledger.before(list(series), usual.LOOK_BACK)
    return Beside(
        {subject: said_before.Accepted(entries) for subject, entries in found.items()},
        {
            subject: (kpi, usual.numbers((*found.get(subject, ()), *earlier), kpi))
            for (subject, kpi), earlier in zip(series.items(), before, strict=True)
        },
    )


def _with_doubts(said: Examined, one: batch.Read, standing: Mapping[str, Entry], beside: Beside) -> Examined:
    """With what other figures say to it: that it changes nothing, or takes another's place, or that its unit of measure
    is perhaps another."""
    if not isinstance(one, Sound) or said.standing == "taken":
        return said
    entry = standing.get(one.entry.observation_id)
    accepted = beside.accepted.get(one.entry.subject, _NOTHING)
    found = [accepted.flag(one.entry if entry is None else entry)]
    if entry is None:
        found.append(_shifted(one.entry, beside))
    elif one.entry.source_id.startswith(decide.ROW):
        found.append(accepted.remark_stays(entry, one.entry))
    return said.model_copy(update={"flags": (*said.flags, *(flag for flag in found if flag is not None))})


def _shifted(entry: Entry, beside: Beside) -> Flag | None:
    series = beside.before.get(entry.subject)
    if series is None:
        return None
    kpi, before = series
    now = usual.told(entry.payload, kpi)
    return None if now is None else usual.shifted(now, before, kpi)


_NOTHING = said_before.Accepted()


def _of_lot(said: Examined, lot: Lot) -> Examined:
    """Of a parked source nothing is accepted that was not before."""
    parked = lot.of(said.source)
    if parked is None or said.standing == "same":
        return said
    return said.model_copy(update={"problems": (answers.source_parked(parked), *said.problems)})


def _note(parked: ParkedSource) -> ParkedNote:
    why = answers.source_parked(parked)
    return ParkedNote(source=parked.source, message_vi=why.message_vi, message_en=why.message_en)


def _identity(one: batch.Sound | batch.Unsound) -> str:
    return one.entry.observation_id if isinstance(one, Sound) else one.identity


def _told(one: batch.Read, standing: Mapping[str, Entry]) -> Examined:
    if isinstance(one, Dead):
        return Examined(source=one.why.source, id=one.why.id, observation_id=None, problems=one.why.problems)
    identity, event = _identity(one), one.event
    if isinstance(one, Sound):
        digest = one.entry.digest
        told = Examined(source=event.source, id=event.id, observation_id=identity, flags=one.flags)
    else:
        digest = one.digest
        told = Examined(source=event.source, id=event.id, observation_id=identity, problems=one.problems)
    entry = standing.get(identity)
    if entry is None:
        return told
    if entry.digest == digest or (isinstance(one, Sound) and decide.same_figure(entry, one.entry)):
        return told.model_copy(update={"standing": "same", "problems": ()})
    reused = answers.identity_reused(entry, event.id)
    return told.model_copy(update={"standing": "taken", "problems": (reused, *told.problems)})


def _away(error: PyMongoError) -> Response:
    log.warning("question_not_answered", why=in_short(error))
    return JSONResponse({"code": "database_away", "why": "MongoDB does not answer"}, 503)


def _refused(why: str) -> Response:
    return JSONResponse({"code": "bad_parameter", "why": why}, 400)
