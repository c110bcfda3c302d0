"""Refusals that were mended: what a publisher sent again, and was accepted, is no more to be told of as refused.

An accepted event ends the refusals of the event under its id, and those of other events of its publisher about the same
KPI, unit and day. Pure.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from contracts.observations import observation_id, subject_of
from contracts.statistics import RejectionCode
from services.alerts.digest import PublisherKey
from services.alerts.notes import Note, NoteKind
from services.alerts.ports import Kept, Waiting
from services.runtime.catalog import Catalog
from services.runtime.instants import day_written


class Accepted(NamedTuple):
    """An accepted event. `cell` None: of a forecast, which mends no figure."""

    identity: str
    whose: PublisherKey
    at: datetime
    cell: str | None


def mended(waiting: Iterable[Waiting], accepted: Iterable[Accepted]) -> list[str]:
    """The notes that are not to be told any more.

    Under a clock that moves with the data several things happen in one moment: an event is refused and then accepted
    in it under its id, but of another event of that moment nobody knows whether it came before.
    """
    by_identity: dict[str, datetime] = {}
    by_cell: dict[tuple[PublisherKey, str], datetime] = {}
    for one in accepted:
        by_identity[one.identity] = max(one.at, by_identity.get(one.identity, one.at))
        if one.cell is not None:
            cell = one.whose, one.cell
            by_cell[cell] = max(one.at, by_cell.get(cell, one.at))
    found = []
    for refused in waiting:
        again = by_identity.get(refused.identity) if refused.identity is not None else None
        corrected = by_cell.get((refused.whose, refused.cell)) if refused.cell is not None else None
        if (again is not None and again >= refused.at) or (corrected is not None and corrected > refused.at):
            found.append(refused.note)
    return found


def kept(whose: PublisherKey, note: Note, catalog: Catalog | None) -> Kept:
    """The note with what would mend it."""
    if note.kind is not NoteKind.REFUSED:
        return Kept(whose, note)
    # An id that is taken by another content stays so; what is sent again has another.
    taken = note.event is None or RejectionCode.IDENTITY_REUSED in note.codes
    identity = observation_id(note.source, note.event) if note.event is not None and not taken else None
    return Kept(whose, note, identity, _cell_of(note, catalog) if catalog is not None else None)


def _cell_of(note: Note, catalog: Catalog) -> str | None:
    """What a refused event was about, by the catalog; None as far as it was not readable or makes no sense."""
    day = day_written(note.as_of, catalog.zone) if note.as_of is not None else None
    unit = catalog.units.resolve(note.org_unit, day) if note.org_unit is not None and day is not None else None
    if note.kpi is None or note.kpi not in catalog.kpis or unit is None or day is None:
        return None
    return subject_of(catalog.province.id, note.kpi, unit.id, day)
