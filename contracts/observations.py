"""`observations.v1`: a reported figure once it has been checked, resolved and stamped."""

import hashlib
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from contracts.base import Id, Instant, RawCoordinates
from contracts.statistics import Figure, Flag


class FlagCode(StrEnum):
    """Doubts that the event alone shows."""

    PARTS_CONTRADICT_VALUE = "parts_contradict_value"
    TRUNCATED = "truncated"
    POINTS_NOT_PERCENT = "points_not_percent"
    LATE = "late"
    OVER_NATURAL_RANGE = "over_natural_range"
    TARGET_ALREADY_MET = "target_already_met"
    NO_DENOMINATOR = "no_denominator"


class ObservationRecorded(Figure):
    """`vn.tiendo.observation.recorded.v1`: the same figure with ids resolved and its origin stamped."""

    observation_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    org_unit: Id
    period: str
    source: str
    source_id: str
    publisher: Id
    raw: RawCoordinates
    reported_at: Instant = Field(description="`ce_time`, else the record's Kafka timestamp.")
    received_at: Instant
    catalog_version: str
    flags: tuple[Flag, ...] = ()


def observation_id(source: str, source_id: str) -> str:
    """32 hex digits of sha256(source NUL id): the same event has the same id, wherever and however often it is read."""
    return hashlib.sha256(f"{source}\0{source_id}".encode()).hexdigest()[:32]


def subject_of(province: str, kpi: str, org_unit: str, day: date) -> str:
    """What a figure is about, down to the day: what several observations of one unit and day have in common."""
    return f"{province}/{kpi}/{org_unit}/{day.isoformat()}"
