"""What is said when figures are computed anew from the ledger: to metrics by whoever asks for it, to metrics by ingest.

Not on a topic: over the services' internal HTTP ports.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from contracts.base import Id, Instant, WireModel

# what ingest's ledger says


class LedgerPart(WireModel):
    """What the ledger holds of a KPI from one partition of one log."""

    log: str
    partition: int
    end: int = Field(description="The offset after the last one that is held.")
    entries: int
    committed: int | None = Field(
        description="Up to here everything is in the ledger and published; null for a log that is no more."
    )

    @property
    def settled(self) -> bool:
        """Whether no entry before `end` can still be added or be unpublished."""
        return self.committed is None or self.committed >= self.end


class LedgerExtent(WireModel):
    """How far the ledger reaches for a KPI."""

    key: str
    parts: tuple[LedgerPart, ...]
    removed_before: Instant | None = Field(
        description="Entries that were written before this moment are removed; null if none ever was."
    )


class LedgerPage(WireModel):
    """Observations in the order of their offsets within one partition of one log."""

    items: tuple[dict[str, Any], ...] = Field(description="`ObservationRecorded`, as it was published.")
    next: int | None = Field(description="The offset from which the next page goes on; null on the last.")


# what metrics is asked, and answers


class RebuildAsked(WireModel):
    """Compute KPIs of a province anew. The same command twice is the same rebuild."""

    command_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    province: Id
    kpis: tuple[Id, ...] = Field((), description="All of the province if none is named.")


class Stage(StrEnum):
    """How far the rebuild of a KPI is, in their order."""

    WAITING = "waiting"
    READING = "reading"
    CATCHING_UP = "catching_up"
    SWITCHING = "switching"
    DONE = "done"
    REFUSED = "refused"

    @property
    def over(self) -> bool:
        """Whether nothing follows."""
        return self in (Stage.DONE, Stage.REFUSED)


class RecordSaid(WireModel):
    """What a record said, before or after."""

    version: int
    status: str | None
    as_of: str | None
    value: float | None = None


class RecordChanged(WireModel):
    """A record that says something else now."""

    org_unit: Id
    period: str
    before: RecordSaid | None = Field(description="Null where there was no record.")
    after: RecordSaid


class FigureChanged(WireModel):
    """A unit's day whose figures are others now."""

    org_unit: str
    as_of: str
    change: str = Field(description="`added`, `removed` or `altered`.")


class RebuildReport(WireModel):
    """What came of the rebuild of a KPI."""

    generation: int
    folded: int = Field(description="Observations that changed a figure; others repeat or are beaten by a higher one.")
    figures_same: int = Field(description="Days of units whose figures are as they were.")
    figures_changed: int
    figures: tuple[FigureChanged, ...] = Field((), description="The first of those that changed.")
    records_same: int
    records_changed: int
    records: tuple[RecordChanged, ...] = Field((), description="The first of those that changed.")


class KpiRebuild(WireModel):
    """The rebuild of one KPI."""

    kpi: Id
    stage: Stage
    read: int = Field(0, description="Entries of the ledger that were read.")
    entries: int | None = Field(None, description="Entries that the ledger held at the beginning; null before that.")
    waits_for: str | None = Field(None, description="What it waits for at the moment, in a sentence.")
    why: str | None = Field(None, description="Why it was refused, in a sentence.")
    removed_before: Instant | None = Field(
        None, description="How far back the ledger reaches; null: to the first event."
    )
    report: RebuildReport | None = None


class Rebuild(WireModel):
    """A rebuild that was asked for, KPI by KPI."""

    command_id: str
    province: Id
    asked_at: Instant
    kpis: tuple[KpiRebuild, ...]

    @property
    def over(self) -> bool:
        """Whether all KPIs are done or refused."""
        return all(one.stage.over for one in self.kpis)
