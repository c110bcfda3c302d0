"""Who makes the gap at the bottom of the tree: the sentence, the few that make most of it, and what each brings."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.explanations import ExplanationWithOrigins
from services.gateway.views.figures import Teller
from services.gateway.views.kpis import level_word
from services.gateway.views.numbers import Measure
from services.gateway.views.reading import Ground

_NAMED = 5
"""How many are named in the sentence."""

_SHARE = Measure("percent", 1)


@dataclass(frozen=True, slots=True)
class LowestRow:
    """One of them."""

    id: str
    name: str
    href: str
    value: str
    brings: str
    share: str
    """Its part of the gap, where such parts tell something."""


@dataclass(frozen=True, slots=True)
class LowestUnits:
    """What the page says of them. Without rows the gap cannot be split, or they are the units directly below."""

    sentence: str
    names: str
    title: str
    rows: list[LowestRow]
    unit: str
    """In which what they bring is counted."""
    shared: bool


def lowest_units(
    said: ExplanationWithOrigins, ground: Ground, teller: Teller, measure: Measure, href: Callable[[str], str]
) -> LowestUnits | None:
    """None of a record whose gap is nobody's. `href`: the page of a unit."""
    found, words = said.lowest, teller.words
    if found is None:
        return None
    below = {child.org_unit for child in said.children}
    deeper = any(one.org_unit not in below for one in found.units)
    fine = telling(measure, [one.gap for one in found.units])
    shared = all(abs(one.share) <= 1 for one in found.units)
    level = level_word(ground, found.level, teller, 1) if found.level is not None else words("đơn vị")
    rows = [
        LowestRow(
            id=one.org_unit,
            name=ground.name(one.org_unit, words),
            href=href(one.org_unit),
            value=teller.numbers.value(one.value, measure),
            brings=teller.numbers.signed(one.gap, fine),
            share=teller.numbers.value(100 * one.share, _SHARE),
        )
        for one in (found.units if deeper else ())
    ]
    names = ", ".join(ground.short_name(one.org_unit, words) for one in found.units[: min(found.most, _NAMED)])
    if found.most > _NAMED:
        names = words("{names} và {count} đơn vị nữa", found.most - _NAMED, names=names)
    return LowestUnits(
        sentence=words.either(found.text_vi, found.text_en),
        names=names,
        title=words("Từng {level}", level=level),
        rows=rows,
        unit=teller.numbers.unit_of_difference(measure),
        shared=shared,
    )


def telling(measure: Measure, gaps: list[float]) -> Measure:
    """The measure with two decimals at least where one of the gaps would be rounded off."""
    if any(gap != round(gap, measure.decimals) for gap in gaps):
        return Measure(measure.code, max(measure.decimals, 2))
    return measure
