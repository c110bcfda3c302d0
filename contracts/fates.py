"""What became of an event: from its receipt down to the figures that it is in.

Metrics says on its internal HTTP port what became of an observation (`FigureFate`), ingest which events it accepted
last (`AcceptedPage`); the gateway puts them together with what went back to the publisher, and answers under
`/api/v1/events`.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from contracts.base import AsOf, Id, Instant, WireModel
from contracts.observations import ObservationRecorded
from contracts.progress import Status
from contracts.statistics import Flag, Problem

Standing = Literal[
    "stands", "added", "replaced", "outranked", "retracted", "retracts", "forecast", "not_yet", "not_counted"
]


class RecordOfFigure(WireModel):
    """A progress record that a figure belongs to. `holds`: the record is made of it at the moment."""

    org_unit: Id
    period: str
    holds: bool


class FigureFate(WireModel):
    """What metrics makes of one observation, now."""

    standing: Standing = Field(
        description="`stands` for its unit and day; `added` to the sum of its day; `replaced` by a later word of its "
        "own source, `outranked` by another source's, `retracted`; itself `retracts`; a `forecast`; `not_yet` folded; "
        "`not_counted`, since the catalog does not have the KPI any more."
    )
    by: str | None = Field(None, description="The observation that stands in its place, or withdrew it.")
    doubts: tuple[Flag, ...] = Field((), description="What other figures make doubtful in it, now.")
    records: tuple[RecordOfFigure, ...] = Field((), description="Of its unit, then of those above.")
    derived: tuple[Id, ...] = Field((), description="KPIs whose figures are made from those of this one.")


class Accepted(WireModel):
    """An event of the ledger, and when (real time) it was written there."""

    stored_at: Instant
    observation: ObservationRecorded


class AcceptedPage(WireModel):
    """Accepted events of certain sources, the latest first."""

    items: tuple[Accepted, ...]


class EventState(StrEnum):
    """What became of an event. New states may come; a reader shows the sentence and keeps the code."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_DOUBTS = "accepted_with_doubts"
    REFUSED_SINCE = "refused_since"
    IDENTITY_REUSED = "identity_reused"
    REFUSED = "refused"
    QUARANTINED = "quarantined"
    PARKED = "parked"
    UNKNOWN = "unknown"


class TurnedAway(WireModel):
    """One time that the event was not taken: refused, or kept in the quarantine."""

    at: Instant = Field(description="When it was turned away.")
    how: Literal["refused", "quarantined"]
    reason: str | None = Field(None, description="Of the quarantine: its code, such as bad_json or parked.")
    detail: str | None = Field(None, description="Of the quarantine: what was found, in English.")
    place: str | None = Field(None, description="topic/partition/offset of the original, where it is known.")
    problems: tuple[Problem, ...] = ()


class DoubtRaised(WireModel):
    """A doubt that other figures raised. `holds`: whether they still do, by the figures as they stand."""

    flag: Flag
    at: Instant | None = Field(None, description="When the publisher was told; null where that is still on its way.")
    holds: bool


class RecordReached(WireModel):
    """A progress record that the figure belongs to, as the read model has it."""

    kpi: Id
    org_unit: Id
    period: str
    holds: bool = Field(description="Whether the record is made of this figure at the moment.")
    status: Status | None = Field(None, description="Null where the record has not come through yet.")
    value: float | None = None
    as_of: AsOf | None = None
    version: int | None = None
    explain: str = Field(description="Path of its explanation.")


class FigureReached(WireModel):
    """Where an accepted figure has come to."""

    standing: Standing
    text_vi: str
    text_en: str
    by: str | None = Field(None, description="The observation that stands in its place, or withdrew it.")
    records: tuple[RecordReached, ...] = ()
    derived: tuple[Id, ...] = Field((), description="KPIs whose figures are made from those of this one.")


class Fate(WireModel):
    """What became of one event."""

    ref: str = Field(description="Its name in links: base64url of `source NUL id`.")
    source: str
    id: str
    observation_id: str = Field(description="The id of its observation, now or once it is accepted.")
    state: EventState
    text_vi: str
    text_en: str
    to_do_vi: str | None = Field(None, description="What its publisher is to do; null where nothing is.")
    to_do_en: str | None = None
    kpi: str | None = Field(None, description="What it was about, in its publisher's words unless it was accepted.")
    org_unit: str | None = None
    as_of: str | None = None
    observation: ObservationRecorded | None = Field(None, description="As the ledger has it; null unless accepted.")
    doubts: tuple[DoubtRaised, ...] = Field((), description="Beside the observation's own `flags`.")
    turned_away: tuple[TurnedAway, ...] = Field((), description="The latest first, twenty of them at most.")
    figure: FigureReached | None = None


class EventLine(WireModel):
    """An event in a list: what it was about as far as that was readable, and what became of it."""

    ref: str | None = Field(description="Null where the event's id was not readable.")
    source: str
    id: str | None
    at: Instant = Field(description="When it was accepted, or else turned away last; by real time.")
    state: EventState
    kpi: str | None = None
    org_unit: str | None = None
    as_of: str | None = None
    codes: tuple[str, ...] = Field((), description="Of its problems, flags and doubts.")
    text_vi: str | None = Field(None, description="The first of these, in words.")
    text_en: str | None = None
    observation_id: str | None = None


class EventsPage(WireModel):
    """A page of a publisher's events, those handled last first."""

    items: tuple[EventLine, ...]
    next: str | None = Field(description="The cursor of the next page; null on the last. A page may be short.")
