"""What a derived figure was made from, source by source, as an explanation shows it."""

from collections.abc import Iterator, Sequence

from contracts.explanations import SourceBehind
from services.metrics.days import iso
from services.metrics.definition import Definition
from services.metrics.derived.score import Scoring
from services.metrics.derived.source import Basis, Source, Stood
from services.metrics.exact import Quotient, nearest


def sources_behind(definition: Definition, sources: Sequence[Source], unit: str, as_of: int) -> list[SourceBehind]:
    """What stood of each source when the figure of `as_of` was made last."""
    if not sources:
        return []
    return behind(definition, sources, unit, _made_on(definition, sources, unit, as_of))


def behind(definition: Definition, sources: Sequence[Basis], unit: str, day: int) -> list[SourceBehind]:
    """What stands of each source at the end of the day."""
    growth = definition.kpi.growth
    if growth is None:
        return list(_items(definition, sources, unit, day))
    (source,) = sources
    then = source.earlier(day, growth.periods_back).last
    return [
        SourceBehind.model_validate({**_said(source, unit, day, source.at(unit, day)), "role": "now"}),
        SourceBehind.model_validate(
            {**_said(source, unit, then, source.whole(unit, day, growth.periods_back)), "role": "earlier"}
        ),
    ]


def _made_on(definition: Definition, sources: Sequence[Source], unit: str, as_of: int) -> int:
    """The last day of the accounting period on which a source said something of the unit."""
    period = definition.accounting(as_of)
    spoken = (
        day
        for source in sources
        for day, units in source.spoken(period.first).items()
        if day <= period.last and unit in units
    )
    return max(spoken, default=as_of)


def _items(definition: Definition, sources: Sequence[Basis], unit: str, day: int) -> Iterator[SourceBehind]:
    scoring = Scoring(definition, sources)
    for item, source in zip(definition.kpi.composite, sources, strict=True):
        stood = source.at(unit, day)
        value = stood.value if stood is not None else None
        against = None if value is None else scoring.against(item, source, unit, day, value)
        yield SourceBehind.model_validate(
            {
                **_said(source, unit, day, stood),
                "role": "item",
                "rule": item.rule,
                "against": _float(against),
                "points": _float(scoring.points(item, source, unit, day, stood)),
                "maximum": float(item.maximum),
            }
        )


def _said(source: Basis, unit: str, day: int, stood: Stood | None) -> dict[str, object]:
    return {
        "kpi": source.definition.kpi_id,
        "period": source.record_of(unit, day),
        "as_of": None if stood is None else iso(stood.as_of),
        "value": None if stood is None else _float(stood.value),
        "unit_of_measure": source.definition.kpi.unit_of_measure,
    }


def _float(number: Quotient | None) -> float | None:
    return None if number is None else nearest(number)
