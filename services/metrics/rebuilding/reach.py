"""How far a rebuild reads, in raw coordinates.

Observations of one KPI from one partition of one log are published and delivered in the order of their offsets, without
gaps. So "everything before this offset" says for each such place what is meant, and nothing else has to be remembered.
"""

from collections.abc import Mapping
from typing import NamedTuple

from contracts.rebuilds import LedgerExtent, LedgerPart

Place = tuple[str, int]
"""A log, and one of its partitions."""

Reach = Mapping[Place, int]
"""By place the offset before which everything is meant."""


class Stretch(NamedTuple):
    """Offsets of one place, from `start` and before `until`."""

    log: str
    partition: int
    start: int
    until: int


def reach_of(extent: LedgerExtent) -> dict[Place, int]:
    """All that the ledger holds."""
    return {(part.log, part.partition): part.end for part in extent.parts}


def unsettled(reach: Reach, extent: LedgerExtent) -> list[LedgerPart]:
    """The places of which ingest, as it says now, does not vouch yet for everything within reach."""
    return [
        part
        for part in extent.parts
        if part.committed is not None and part.committed < reach.get((part.log, part.partition), 0)
    ]


def further(one: Reach, other: Reach) -> dict[Place, int]:
    """As far as either reaches."""
    return {place: max(one.get(place, 0), other.get(place, 0)) for place in one.keys() | other.keys()}


def stretches(done: Reach, until: Reach) -> list[Stretch]:
    """What lies between, in the order of the coordinates."""
    return [
        Stretch(*place, done.get(place, 0), end) for place, end in sorted(until.items()) if done.get(place, 0) < end
    ]
