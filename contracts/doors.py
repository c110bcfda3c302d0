"""What the doors ask ingest, and what it answers: events held against catalog and ledger, and nothing written."""

from typing import Literal

from pydantic import Field

from contracts.base import WireModel
from contracts.statistics import Flag, Problem

MOST_EXAMINED = 1_000
"""Events that one question may bring."""

Standing = Literal["new", "same", "taken"]


class Examined(WireModel):
    """What would become of one event if it were published now."""

    source: str | None = Field(description="Null where it could not be read.")
    id: str | None
    observation_id: str | None = Field(description="The id of its observation, once it is accepted.")
    problems: tuple[Problem, ...] = Field((), description="Why it would be refused; none: it would be accepted.")
    flags: tuple[Flag, ...] = Field((), description="With which doubts it would be accepted.")
    standing: Standing = Field(
        "new",
        description="`same`: this content was accepted before and counts once; `taken`: another content was, "
        "under this id.",
    )


class ExaminedEvents(WireModel):
    """One for each event, in the order asked."""

    items: tuple[Examined, ...]
