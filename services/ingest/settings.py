"""Settings of ingest: `TIENDO_INGEST_*`, beside those that every service has."""

from datetime import timedelta

from pydantic import BaseModel, Field

from contracts.statistics import MAX_EVENT_BYTES
from services.runtime.settings import ServiceSettings


class DoorSettings(BaseModel):
    """What the door lets in."""

    max_event_bytes: int = Field(MAX_EVENT_BYTES, ge=1_024, description="longer events are quarantined unread")
    clock_lead_days: float | None = Field(
        None,
        gt=0,
        description="how far ce_time may be ahead of the business clock; default: 1, with TIENDO_CLOCK=from:… 400",
    )


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
