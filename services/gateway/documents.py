"""Payloads as documents of the read model. Pure: a record and the tree in, a document out.

A document keeps the whole payload as it was published, fields that this release does not know included, and beside it
only what lists are filtered and sorted by.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from contracts.alerts import AlertTransition, Severity, TransitionType
from contracts.progress import ProgressJudged, progress_key

SCHEMA = 1
"""The number in `schema` of each document; a reader refuses what is newer."""

Document = dict[str, Any]

SEVERITY_ORDER = {Severity.CRITICAL: 0, Severity.BEHIND: 1, Severity.WATCH: 2}

_OPEN = {
    TransitionType.OPENED,
    TransitionType.WORSENED,
    TransitionType.ESCALATED,
    TransitionType.ACKNOWLEDGED,
}


class Place(NamedTuple):
    """Where a unit stands in the tree: its level and the units above, nearest first; both empty if that is unknown.

    `until`: the first day on which the unit is no more.
    """

    level: str | None
    ancestors: tuple[str, ...]
    until: date | None = None

    def fields(self) -> Document:
        """As it stands in a document."""
        until = self.until.isoformat() if self.until is not None else None
        return {"level": self.level, "ancestors": list(self.ancestors), "until": until}


NOWHERE = Place(None, ())


class Count(NamedTuple):
    """How many records there are of one KPI, period, level and status, of units that end on one day (ISO) or not."""

    kpi: str
    period: str
    level: str | None
    status: str
    until: str | None
    number: int


class Places(Protocol):
    """What knows the tree."""

    def of(self, province: str, org_unit: str, on: date | None) -> Place:
        """The unit's place on that day; without a day, today's."""
        ...


def progress_document(judged: ProgressJudged, payload: Mapping[str, Any], place: Place) -> Document:
    """The document of a progress record; `_id` is its key."""
    return {
        "_id": progress_key(judged.province, judged.kpi, judged.org_unit, judged.period),
        "schema": SCHEMA,
        "version": judged.version,
        "province": judged.province,
        "kpi": judged.kpi,
        "org_unit": judged.org_unit,
        "period": judged.period,
        "status": str(judged.status),
        "as_of": as_day(judged.as_of),
        "judged_at": judged.judged_at,
        **place.fields(),
        "record": payload,
    }


def alert_document(told: AlertTransition, payload: Mapping[str, Any], place: Place) -> Document:
    """The document of an alert, as its latest transition leaves it."""
    return {
        "_id": told.alert_id,
        "schema": SCHEMA,
        "seq": told.seq,
        "province": told.province,
        "kpi": told.kpi,
        "org_unit": told.org_unit,
        "period": told.period,
        "state": state_of(told),
        "severity": str(told.severity),
        "order": SEVERITY_ORDER[told.severity],
        "since": told.opened_at or told.at,
        "at": told.at,
        **place.fields(),
        "record": payload,
    }


def transition_document(told: AlertTransition, payload: Mapping[str, Any]) -> Document:
    """One line of an alert's history; without the numbers frozen in it, which the alert's own document has."""
    slim = {name: value for name, value in payload.items() if name not in ("progress", "contributions")}
    return {
        "_id": f"{told.alert_id}@{told.seq}",
        "schema": SCHEMA,
        "alert_id": told.alert_id,
        "seq": told.seq,
        "record": slim,
    }


def state_of(told: AlertTransition) -> str:
    """`open` or `closed`. What concerns the data only (missing, back) leaves an episode as it is, open or not."""
    if told.type is TransitionType.CLOSED:
        return "closed"
    if told.type in _OPEN:
        return "open"
    return "open" if told.opened_at is not None and told.close_reason is None else "closed"


def as_day(as_of: date | datetime | str | None) -> str | None:
    """The day of an `as_of`, as text; an instant keeps its own offset's date."""
    if as_of is None:
        return None
    if isinstance(as_of, str):
        return as_of[:10]
    return (as_of.date() if isinstance(as_of, datetime) else as_of).isoformat()


def newest(documents: Sequence[Document], order: str) -> list[Document]:
    """The highest of each `_id` by the field `order`: of several in one batch only the last counts."""
    found: dict[str, Document] = {}
    for document in documents:
        held = found.get(document["_id"])
        if held is None or held[order] < document[order]:
            found[document["_id"]] = document
    return list(found.values())
