"""Following events: asks ingest for the ledger, metrics for the figures, and its own collections for what went back.

Who sees what is decided here and nowhere else: whoever asks sees the events of its own sources.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from contracts.fates import Accepted, EventLine, EventState, Fate
from contracts.observations import ObservationRecorded, observation_id
from services.gateway.documents import Document
from services.gateway.fates import ACCEPTED_STATES, TURNED_AWAY_STATES, UNTOLD, Heard, fate_of, line_of, record_keys
from services.gateway.parts import Parts
from services.gateway.problems import Problem, not_found
from services.gateway.replies import Position
from services.gateway.reply_topics import REFUSED
from services.runtime.catalog.catalog import Catalog

AT_ONCE = 200
"""Events that are looked at together."""

LOOKED_AT = 2_000
"""Events that one question looks through for those that fit; then it answers with a short page, and where it was."""


Sources = frozenset[str] | None
"""The sources of whoever asks; None: everybody's may be seen."""


def no_such_event() -> Problem:
    """There is no such event, or it is none of the asker's business: the two look the same."""
    return not_found("sự kiện này trong số các nguồn của bạn", "such event of your sources")


def may_see(asker: Sources, source: str) -> bool:
    """Whether the events of this source are the asker's to see."""
    return asker is None or source in asker


def to_be_listed(catalogs: Mapping[str, Catalog], asker: Sources, source: str | None) -> frozenset[str]:
    """The sources of which a list is: the one that is named, else all of the asker's, else those of all publishers.

    Raises `Problem` for one that is not the asker's.
    """
    if source is not None:
        if not may_see(asker, source):
            raise no_such_event()
        return frozenset({source})
    if asker is not None:
        return asker
    publishers = chain.from_iterable(catalog.publishers for catalog in catalogs.values())
    return frozenset(one for publisher in publishers for one in publisher.sources)


async def fate(parts: Parts, asker: Sources, source: str, id: str) -> Fate:
    """What became of one event. Raises `Problem`: 404 where it is not the asker's, 503 where an owner is away."""
    if not may_see(asker, source):
        raise no_such_event()
    try:
        identity = observation_id(source, id)
    except UnicodeEncodeError:  # a lone surrogate, which no event that was read can have
        raise no_such_event() from None
    seen, (refusals, doubts) = await asyncio.gather(
        parts.owners.observations([identity]), parts.replies.of_event(identity)
    )
    heard = Heard(source, id, seen[0] if seen else None, refusals, doubts)
    if heard.observation is None:
        return fate_of(heard, id, None, {})
    figure = await parts.owners.became(heard.observation)
    records = await parts.model.of_keys(record_keys(heard.observation, figure))
    return fate_of(heard, id, figure, {one["_id"]: one for one in records})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events a list is to hold: of these sources, in any of these states (empty: all)."""

    sources: frozenset[str]
    states: frozenset[EventState] = frozenset()
    kpis: frozenset[str] = frozenset()
    since: datetime | None = None

    @property
    def accepted(self) -> bool:
        """Whether an accepted event may fit."""
        return not self.states or bool(self.states & ACCEPTED_STATES)

    @property
    def turned_away(self) -> bool:
        """Whether one that was never accepted may fit."""
        return not self.states or bool(self.states & TURNED_AWAY_STATES)

    def fits(self, line: EventLine) -> bool:
        """Whether the event belongs into the list."""
        return (not self.states or line.state in self.states) and (not self.kpis or line.kpi in self.kpis)


@dataclass(frozen=True, slots=True)
class _Row:
    """An accepted event, or one time that an event was turned away."""

    position: Position
    accepted: ObservationRecorded | None = None
    refused: Document | None = None

    @property
    def identity(self) -> str | None:
        if self.accepted is not None:
            return self.accepted.observation_id
        assert self.refused is not None
        return self.refused["identity"]  # type: ignore[no-any-return]


async def recent(
    parts: Parts, wanted: Wanted, before: Position | None, limit: int
) -> tuple[list[EventLine], Position | None]:
    """Events that were handled last, the latest first: an accepted one at the time of its acceptance, another when it
    was turned away last. Also where the next page begins; None if there is none."""
    found: list[EventLine] = []
    looked_at = 0
    if not wanted.sources:
        return found, None
    while looked_at < LOOKED_AT:
        rows = await _rows(parts, wanted, before)
        lines = await _lines(parts, rows)
        for row in rows:
            before = row.position
            line = lines.get(row.position)
            if line is not None and wanted.fits(line):
                found.append(line)
                if len(found) == limit:
                    return found, before if row is not rows[-1] or len(rows) == AT_ONCE else None
        if len(rows) < AT_ONCE:
            return found, None
        looked_at += len(rows)
    return found, before


async def _rows(parts: Parts, wanted: Wanted, before: Position | None) -> list[_Row]:
    """What happened last before that, of both kinds."""
    accepted, refused = await asyncio.gather(
        _accepted(parts, wanted, before) if wanted.accepted else _none(),
        parts.replies.refused(wanted.sources, wanted.since, before, AT_ONCE) if wanted.turned_away else _none(),
    )
    rows = chain(
        (_Row((one.stored_at, one.observation.observation_id), accepted=one.observation) for one in accepted),
        (_Row((one["at"], one["_id"]), refused=one) for one in refused),
    )
    return sorted(rows, key=lambda row: row.position, reverse=True)[:AT_ONCE]


async def _accepted(parts: Parts, wanted: Wanted, before: Position | None) -> Sequence[Accepted]:
    return (await parts.owners.accepted(wanted.sources, wanted.since, before, AT_ONCE)).items


async def _none() -> Sequence[Any]:
    return ()


async def _lines(parts: Parts, rows: Sequence[_Row]) -> dict[Position, EventLine]:
    """The rows in words, by position; without the times that an event was turned away which was accepted, or turned
    away again."""
    identities = {row.identity for row in rows if row.identity is not None}
    strangers = [row.identity for row in rows if row.refused is not None and row.identity is not None]
    seen, (refusals, doubts) = await asyncio.gather(
        parts.owners.observations(strangers), parts.replies.of_events(identities)
    )
    taken = {one.observation_id for one in seen}
    refusals_of, doubts_of = _by_event(refusals), _by_event(doubts)
    lines: dict[Position, EventLine] = {}
    for row in rows:
        at, _ = row.position
        mine = refusals_of.get(row.identity or "", [])
        if row.accepted is not None:
            one = row.accepted
            doubted = doubts_of.get(one.observation_id, [])
            lines[row.position] = line_of(Heard(one.source, one.source_id, one, mine, doubted), at)
        elif row.refused is not None and row.identity not in taken and _told_last(row.refused, mine):
            one_time = row.refused
            lines[row.position] = line_of(
                Heard(one_time["source"], one_time["source_id"], None, mine or [one_time]), at
            )
    return lines


def _told_last(refused: Document, mine: Sequence[Document]) -> bool:
    """Whether the event is listed for this time. Of what had no readable id the refusal is listed, and the dead letter
    only where there is no refusal beside it."""
    if refused["identity"] is None:
        return refused["how"] == REFUSED or refused["reason"] in UNTOLD
    return not mine or mine[0]["_id"] == refused["_id"]


def _by_event(documents: Iterable[Document]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for one in documents:
        found.setdefault(one["identity"], []).append(one)
    return found
