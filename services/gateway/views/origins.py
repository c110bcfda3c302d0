"""Where a record's figures came from: one row for each observation in it, as its publisher sent it."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.explanations import ExplanationWithOrigins, FigureBehind
from contracts.observations import ObservationRecorded
from services.gateway.views.figures import Teller
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.reading import Ground
from services.gateway.views.words import Words

ORIGINS_SHOWN = 30
"""Observations in the table; the rest is a link away."""


@dataclass(frozen=True, slots=True)
class OriginRow:
    """One observation: what it said, who sent it, and where its record stands."""

    id: str
    unit: str
    as_of: str
    figure: str
    publisher: str
    source: str
    event: str
    place: str
    log: str
    received: str
    accepted_under: str
    doubts: list[str]
    remarks: list[str]
    known: bool
    """False where the ledger does not know it."""


def origins(said: ExplanationWithOrigins, ground: Ground, teller: Teller, measure: Measure) -> list[OriginRow]:
    """The first rows of the table."""
    known = {one.observation_id: one for one in said.origins}
    pairs = [(figure, one) for figure in said.figures for one in figure.observations]
    return [_origin(figure, one, known, ground, teller, measure) for figure, one in pairs[:ORIGINS_SHOWN]]


def _origin(
    figure: FigureBehind,
    observation: str,
    known: Mapping[str, ObservationRecorded],
    ground: Ground,
    teller: Teller,
    measure: Measure,
) -> OriginRow:
    words, numbers = teller.words, teller.numbers
    found = known.get(observation)
    return OriginRow(
        id=observation,
        unit=ground.name(figure.org_unit, words),
        as_of=numbers.day(figure.as_of),
        figure=figure_said(found, numbers, measure, words) if found is not None else "–",
        publisher=found.publisher if found is not None else "",
        source=found.source if found is not None else "",
        event=found.source_id if found is not None else "",
        place=f"{found.raw.topic} / {found.raw.partition} / {found.raw.offset}" if found is not None else "",
        log=found.raw.log if found is not None else "",
        received=numbers.moment(found.received_at.astimezone(ground.catalog.zone)) if found is not None else "",
        accepted_under=found.catalog_version if found is not None else "",
        doubts=[words.either(flag.message_vi, flag.message_en) for flag in found.flags] if found is not None else [],
        remarks=[text for text in (found.note, found.evidence) if text] if found is not None else [],
        known=found is not None,
    )


def figure_said(said: ObservationRecorded, numbers: Numbers, measure: Measure, words: Words) -> str:
    """What the observation itself says; an increment with its sign."""
    if said.retracts:
        return words("rút số liệu")
    given = said.numerator if said.numerator is not None else said.value
    plus = "+" if said.mode == "increment" and given is not None and given >= 0 else ""
    if said.numerator is not None:
        below = f"\u202f/\u202f{numbers.plain(float(said.denominator), 2)}" if said.denominator is not None else ""
        return f"{plus}{numbers.plain(float(said.numerator), 2)}{below}"
    if said.value is not None:
        return plus + numbers.value(float(said.value), measure)
    if said.members is not None:
        return words("{count} thành viên", len(said.members))
    if said.rank is not None:
        return f"{said.rank}/{said.of}" if said.of is not None else str(said.rank)
    if said.done is not None:
        return words("đã xong") if said.done else words("chưa xong")
    return "–"
