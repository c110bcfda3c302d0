"""Who makes the gap of a record at the bottom of the tree, and the sentence that says so.

The gap is split as over the units directly below, by the parts that the lowest units add to the same sums. Integers
over one denominator add up to it exactly; numbers become doubles only as they are told.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from contracts.reading import level_words
from services.metrics.contributions import Brought, Part, share
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.exact import Quotient, nearest
from services.metrics.reading import Reading
from services.metrics.reasons import because
from services.metrics.shortfall import split
from services.metrics.wording import step

MOST = 4, 5
"""The part of what widens a gap that is most of it: 80 %."""


def lowest(
    definition: Definition,
    window: Window,
    reading: Reading,
    planned: Quotient,
    parts: Sequence[Part],
    told: Collection[str],
) -> dict[str, Any] | None:
    """The gap of a short record split over its lowest units. `told`: those that have a figure in it. None of a record
    without parts."""
    if not parts:
        return None
    brought = split(definition, window, replace(reading, parts=tuple(parts)), planned)
    known = definition.catalog.units
    levels = {None if (found := known.get(unit)) is None else found.level for unit, _, _ in parts}
    level = levels.pop() if len(levels) == 1 else None
    named: dict[str, Any] = {"level": level, "count": len(parts)}
    if brought is None:
        why = because("not_split")
        return {**named, "why_not": why, "text_vi": why["text_vi"], "text_en": why["text_en"]}
    sums = {unit: (n, d) for unit, n, d in parts}
    values = {unit: definition.kind.value(*sums[unit]) for unit in told if unit in sums}
    gap, ordered = sum(brought.gaps.values()), in_order(brought)
    widen, narrow, most = sides(brought)
    made, all_of_it = (sum(brought.gaps[unit] for unit in ordered[:end]) for end in (most, widen))
    sentence = _sentence(definition, level, (len(parts), widen, narrow, most), 100 * made // all_of_it)
    return {
        **named,
        "widen": widen,
        "narrow": narrow,
        "most": most,
        "most_share": made / all_of_it,
        "units": [
            {
                "org_unit": unit,
                "gap": brought.gaps[unit] / brought.under,
                "share": share(brought.gaps[unit], gap),
                "value": None if (value := values.get(unit)) is None else nearest(value),
            }
            for unit in ordered
        ],
        **sentence,
    }


def in_order(brought: Brought) -> list[str]:
    """Those that widen the gap most first."""
    sign = 1 if sum(brought.gaps.values()) > 0 else -1
    return sorted(brought.gaps, key=lambda unit: (-sign * brought.gaps[unit], unit))


def sides(brought: Brought) -> tuple[int, int, int]:
    """How many widen the gap, how many narrow it, and the fewest that make most of what widens it. Of a gap that is not
    nothing."""
    sign = 1 if sum(brought.gaps.values()) > 0 else -1
    sizes = sorted((sign * gap for gap in brought.gaps.values()), reverse=True)
    widening = [size for size in sizes if size > 0]
    over, under = MOST
    whole, made, most = sum(widening), 0, 0
    while made * under < whole * over:
        made += widening[most]
        most += 1
    return len(widening), sum(size < 0 for size in sizes), most


def _sentence(
    definition: Definition, level: str | None, counts: tuple[int, int, int, int], percent: int
) -> dict[str, str]:
    """`percent` is rounded down: nobody is said to make all of it who does not."""
    units, widen, narrow, most = counts
    levels = {one.id: one for one in definition.catalog.province.levels}
    known = levels.get(level) if level is not None else None
    vi, en = level_words(known, units) if known is not None else ("đơn vị", "unit" if units == 1 else "units")
    counted = {"units": units, "widen": widen, "narrow": narrow, "most": most, "percent": percent}
    names = {
        "level_vi": vi,
        "level_en": en,
        "verb": "s" if (widen if narrow else most) == 1 else "",
        "others": "" if narrow == 1 else "s",
        "narrows": "s" if narrow == 1 else "",
    }
    numbers = {name: str(count) for name, count in counted.items()}
    code = ("split_made_up" if most < widen else "split_few_made_up") if narrow else "split"
    told = step(code, numbers, names)
    return {"text_vi": told.text_vi, "text_en": told.text_en}
