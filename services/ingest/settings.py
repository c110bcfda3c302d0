"""Settings of ingest: `TIENDO_INGEST_*`, beside those that every service has."""

from datetime import timedelta

from pydantic import BaseModel, Field, field_validator

from contracts.statistics import MAX_EVENT_BYTES
from services.runtime.settings import ServiceSettings

SHORTEST_DAYS = 60
"""Twice as long as topics keep what may be delivered again: until then an identity must be known."""


class DoorSettings(BaseModel):
    """What the door lets in, and how long it remembers that."""

    max_event_bytes: int = Field(MAX_EVENT_BYTES, ge=1_024, description="longer events are quarantined unread")
    clock_lead_days: float | None = Field(
        None,
        gt=0,
        description="how far ce_time may be ahead of the business clock; default: 1, with TIENDO_CLOCK=from:… 400",
    )

    ledger_days: int = Field(
        400,
        ge=0,
        description="how long accepted events are kept, by real time; 0: for ever. `tiendo rebuild` reaches no further",
    )

    @field_validator("ledger_days")
    @classmethod
    def _outlives_the_topics(cls, days: int) -> int:
        if 0 < days < SHORTEST_DAYS:
            raise ValueError(f"must be 0 (for ever) or at least {SHORTEST_DAYS}: topics may deliver for 30 days")
        return days


class IngestSettings(ServiceSettings):
    """The settings of the service."""

    ingest: DoorSettings = DoorSettings()

    @property
    def lead(self) -> timedelta:
        """How far an event's time may be ahead of the business clock.

        The system's clock is right, so a day covers careless senders. A clock that moves with the data is moved by
        what it accepts, so leaps must be possible, though not one into another decade.
        """
        days = self.ingest.clock_lead_days
        return timedelta(days=days if days is not None else (1 if self.clock == "system" else 400))
