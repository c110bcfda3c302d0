"""What became of an event, put together from what the ledger, metrics and the answers to its publisher say. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from contracts.doors import event_ref
from contracts.fates import (
    DoubtRaised,
    EventLine,
    EventState,
    Fate,
    FigureFate,
    FigureReached,
    RecordReached,
    TurnedAway,
)
from contracts.observations import ObservationRecorded, observation_id
from contracts.progress import progress_key
from contracts.statistics import Flag, RejectionCode
from services.gateway import fate_words
from services.gateway.documents import Document
from services.gateway.reply_topics import QUARANTINED, REFUSED

PARKED, INTERNAL = "parked", "internal"

UNTOLD = frozenset({PARKED, INTERNAL})
"""Reasons of the quarantine of which no refusal tells the publisher as well: they say nothing against the event, which
is accepted like any other when it is sent again as it was."""

ACCEPTED_STATES = frozenset(
    {EventState.ACCEPTED, EventState.ACCEPTED_WITH_DOUBTS, EventState.REFUSED_SINCE, EventState.IDENTITY_REUSED}
)
TURNED_AWAY_STATES = frozenset({EventState.REFUSED, EventState.QUARANTINED, EventState.PARKED})


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one event. `refusals` and `doubts` are documents of `replies`, the latest first."""

    source: str
    id: str | None
    observation: ObservationRecorded | None = None
    refusals: Sequence[Document] = ()
    doubts: Sequence[Document] = ()


def state_of(observation: ObservationRecorded | None, refusals: Sequence[Document], *, doubted: bool) -> EventState:
    """The state of an event. `doubted`: other figures raised a doubt."""
    if observation is None:
        return _turned_away(refusals)
    if any(RejectionCode.IDENTITY_REUSED in one["codes"] for one in refusals):
        return EventState.IDENTITY_REUSED
    if any(one["how"] == REFUSED or one["reason"] not in UNTOLD for one in refusals):
        return EventState.REFUSED_SINCE
    return EventState.ACCEPTED_WITH_DOUBTS if doubted or observation.flags else EventState.ACCEPTED


def _turned_away(refusals: Sequence[Document]) -> EventState:
    """Of a record that was quarantined its publisher is told as well: the quarantine has the last word."""
    if not refusals:
        return EventState.UNKNOWN
    last = refusals[0]
    about_it = [one for one in refusals if one is last or _same_record(one, last)]
    letter = next((one for one in about_it if one["how"] == QUARANTINED), None)
    if letter is None:
        # Only what could not be read has no id.
        return EventState.REFUSED if last["source_id"] is not None else EventState.QUARANTINED
    return EventState.PARKED if letter["reason"] == PARKED else EventState.QUARANTINED


def _same_record(one: Document, other: Document) -> bool:
    return one["place"] is not None and one["place"] == other["place"] and one["how"] != other["how"]


def fate_of(heard: Heard, id: str, figure: FigureFate | None, records: Mapping[str, Document]) -> Fate:
    """All that is to be said. `records`: documents of the read model by key."""
    state = state_of(heard.observation, heard.refusals, doubted=bool(heard.doubts or (figure and figure.doubts)))
    turned_away = _histories(heard.refusals)
    text, to_do = fate_words.state(state, turned_away[0].reason if turned_away else None)
    return Fate(
        ref=event_ref(heard.source, id),
        source=heard.source,
        id=id,
        observation_id=observation_id(heard.source, id),
        state=state,
        text_vi=text.vi,
        text_en=text.en,
        to_do_vi=None if to_do is None else to_do.vi,
        to_do_en=None if to_do is None else to_do.en,
        observation=heard.observation,
        **_about(heard),
        doubts=tuple(_doubts(heard.doubts, figure.doubts if figure is not None else ())),
        turned_away=tuple(turned_away),
        figure=None if figure is None or heard.observation is None else _reached(heard.observation, figure, records),
    )


def record_keys(observation: ObservationRecorded, figure: FigureFate) -> list[str]:
    """The keys of the records that the figure belongs to."""
    return [progress_key(observation.province, observation.kpi, one.org_unit, one.period) for one in figure.records]


def line_of(heard: Heard, at: datetime) -> EventLine:
    """The event in a list, under that time."""
    seen, id = heard.observation, heard.id
    said = [*heard.refusals, *heard.doubts]
    flags = seen.flags if seen is not None else ()
    codes = [*(flag.code for flag in flags), *(code for one in said for code in one["codes"])]
    first = [*((flag.message_vi, flag.message_en) for flag in flags), *(one["first"] for one in said if one["first"])]
    text_vi, text_en = first[0] if first else (None, None)
    return EventLine(
        ref=None if id is None else event_ref(heard.source, id),
        source=heard.source,
        id=id,
        at=at,
        state=state_of(seen, heard.refusals, doubted=bool(heard.doubts)),
        codes=tuple(dict.fromkeys(codes)),
        text_vi=text_vi,
        text_en=text_en,
        observation_id=None if id is None else observation_id(heard.source, id),
        **_about(heard),
    )


def _about(heard: Heard) -> dict[str, str]:
    seen = heard.observation
    if seen is not None:
        return {"kpi": seen.kpi, "org_unit": seen.org_unit, "as_of": seen.as_of.isoformat()}
    told: list[dict[str, str]] = [one["about"] for one in heard.refusals if one["about"]]
    return told[0] if told else {}


def _histories(refusals: Sequence[Document]) -> list[TurnedAway]:
    """A refusal and the dead letter of the same record are one time."""
    found: list[TurnedAway] = []
    taken: set[str] = set()
    for one in refusals:
        if one["_id"] in taken:
            continue
        pair = [one, *(other for other in refusals if _same_record(one, other) and other["_id"] not in taken)][:2]
        taken.update(other["_id"] for other in pair)
        letter = next((other for other in pair if other["how"] == QUARANTINED), None)
        told = next((other for other in pair if other["how"] == REFUSED), one)
        found.append(
            TurnedAway(
                at=told["told_at"],
                how="refused" if letter is None else "quarantined",
                reason=None if letter is None else letter["reason"],
                detail=None if letter is None else letter["detail"],
                place=one["place"],
                problems=orjson.loads(told["said"]),
            )
        )
    return found


def _doubts(told: Sequence[Document], now: Iterable[Flag]) -> Iterable[DoubtRaised]:
    """Each doubt once, as it was told last; by what stands now where it still holds."""
    holding = {flag.code: flag for flag in now}
    seen: dict[str, DoubtRaised] = {}
    for document in told:
        for flag in map(Flag.model_validate, orjson.loads(document["said"])):
            if flag.code not in seen:
                holds = flag.code in holding
                seen[flag.code] = DoubtRaised(flag=holding.get(flag.code, flag), at=document["told_at"], holds=holds)
    for code, flag in holding.items():
        seen.setdefault(code, DoubtRaised(flag=flag, holds=True))
    return seen.values()


def _reached(observation: ObservationRecorded, figure: FigureFate, records: Mapping[str, Document]) -> FigureReached:
    text = fate_words.standing(figure.standing)
    reached = []
    for key, one in zip(record_keys(observation, figure), figure.records, strict=True):
        record = records[key]["record"] if key in records else {}
        reached.append(
            RecordReached(
                kpi=observation.kpi,
                org_unit=one.org_unit,
                period=one.period,
                holds=one.holds,
                explain=f"/api/v1/progress/{observation.kpi}/{one.org_unit}/{one.period}/explain",
                **{name: record.get(name) for name in ("status", "value", "as_of", "version")},
            )
        )
    return FigureReached(
        standing=figure.standing,
        text_vi=text.vi,
        text_en=text.en,
        by=figure.by,
        records=tuple(reached),
        derived=figure.derived,
    )
