"""What the command asks of ingest about the fuse in front of its quarantine, over ingest's internal port."""

from typing import Annotated

from pydantic import Field

from contracts.base import WireModel


class Resume(WireModel):
    """Go on with what the fuse stopped."""

    quarantine: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0, description="So many dead letters more go to the quarantine without being counted."
    )


class Resumed(WireModel):
    """What goes on: the partitions that were stopped in the process that answers."""

    topic: str
    partitions: tuple[int, ...]
    quarantine: int
    others: tuple[str, ...] = Field((), description="Partitions of publishers' own topics, as `topic/partition`.")
