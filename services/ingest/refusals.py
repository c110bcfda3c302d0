"""Refusals that came too early: figures that were refused only because the catalog did not have yet what they name.

Pure. What was refused is told on `statistics.rejected.v1`, under an id made of the coordinates of the raw record.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from contracts import envelope
from contracts.envelope import Headers
from contracts.observations import observation_id
from contracts.statistics import RejectionCode, StatisticRejected
from services.ingest.normalise import Raw

EARLY = frozenset(
    {
        RejectionCode.UNKNOWN_PROVINCE,
        RejectionCode.UNKNOWN_KPI,
        RejectionCode.UNKNOWN_ORG_UNIT,
        RejectionCode.ORG_UNIT_NOT_VALID_THEN,
        RejectionCode.NOT_YOUR_FIGURE,
    }
)
"""What another catalog may take back."""


class Refused(NamedTuple):
    """One refused event. `raw` says where its record lies; `at`: when it was refused, by the business clock."""

    source: str
    id: str
    raw: Raw
    codes: frozenset[str]
    at: datetime

    @property
    def observation_id(self) -> str:
        """The identity under which the ledger would have it."""
        return observation_id(self.source, self.id)


def read(headers: Headers, value: bytes | None, topic: str) -> Refused | None:
    """The refused event that a record of `statistics.rejected.v1` tells of; None for what tells of a source, or of
    bytes without a readable id. `topic`: where the events came from in whose refusals older releases did not say it."""
    name, moment = envelope.header(headers, "ce_id"), envelope.header(headers, "ce_time")
    try:
        said = StatisticRejected.model_validate_json(value or b"")
        if said.raw is not None:
            raw = Raw(said.raw.log, said.raw.topic, said.raw.partition, said.raw.offset)
        else:
            log, partition, offset = (name or "").rsplit("/", 2)
            raw = Raw(log, topic, int(partition), int(offset))
        at = datetime.fromisoformat(moment or "")
    except (ValidationError, ValueError):
        return None
    codes = frozenset(problem.code for problem in said.problems)
    if said.id is None or at.tzinfo is None:
        return None
    return Refused(said.source, said.id, raw, codes, at)


def latest(refusals: Iterable[Refused]) -> list[Refused]:
    """Of each event the refusal that came last: what its publisher sent since replaces what it sent before."""
    last: dict[tuple[str, str], Refused] = {}
    for one in refusals:
        before = last.get((one.source, one.id))
        if before is None or (one.at, one.raw) >= (before.at, before.raw):
            last[one.source, one.id] = one
    return sorted(last.values(), key=lambda one: (one.at, one.raw))


def early(one: Refused, codes: Collection[str]) -> bool:
    """Whether nothing but these codes stood against the event."""
    return one.codes <= set(codes)
