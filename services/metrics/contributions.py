"""The gap of a rolled-up record split over the units below, adding up to the whole exactly.

Of a quotient of sums, f·Σn/Σd (a share, a rate, a weighted mean), each child brings (f·n − planned·d) / Σd: what it
lacks, weighed by its own denominator. Of an amount each child brings n − planned·w, with w its part in the sum of the
children's own plans; where one of them has no plan nobody can say what it owes, and nothing is split.
"""

from collections.abc import Mapping, Sequence
from heapq import nsmallest
from math import lcm
from typing import Any, NamedTuple

from services.metrics.exact import SCALE, Quotient

TOP = 5
"""Children that are named; what the others bring together is the rest."""


Part = tuple[str, int, int]
"""A child, and what it adds to the sums of the record: n and d, scaled."""


class Brought(NamedTuple):
    """What each child brings to the gap: integers over one denominator, above 0."""

    gaps: dict[str, int]
    under: int


def of_quotient(parts: Sequence[Part], planned: Quotient, factor: Quotient) -> Brought:
    """What each child brings to factor·Σn/Σd − planned. Σd is above 0; the factor of a share is 100."""
    p, q = planned[0] * factor[1], planned[1] * factor[0]
    under = planned[1] * factor[1] * sum([d for _, _, d in parts])
    return Brought({unit: n * q - d * p for unit, n, d in parts}, under)


def of_amount(parts: Sequence[Part], planned: Quotient, plans: Mapping[str, Quotient]) -> Brought | None:
    """What each child brings to Σn − planned; None if the plans of the children do not say how it is shared."""
    if any(unit not in plans for unit, _, _ in parts):
        return None
    common = lcm(*(plans[unit][1] for unit, _, _ in parts))
    own = {unit: plans[unit][0] * (common // plans[unit][1]) for unit, _, _ in parts}
    whole = sum(own.values())
    if whole <= 0 or min(own.values()) < 0:
        return None
    p, q = planned
    gaps = {unit: n * q * whole - SCALE * p * own[unit] for unit, n, _ in parts}
    return Brought(gaps, SCALE * q * whole)


def shown(brought: Brought) -> dict[str, Any] | None:
    """As a record has it: the children that make up most of the gap first, then the rest. None where there is none."""
    gaps, under = brought
    gap = sum(gaps.values())
    if not gap:
        return None
    sign = 1 if gap > 0 else -1
    most = nsmallest(TOP, [(-sign * brings, unit) for unit, brings in gaps.items()])
    top = [(unit, gaps[unit]) for _, unit in most]
    rest = gap - sum(brings for _, brings in top)
    return {
        "units": len(gaps),
        "top": [{"org_unit": unit, "gap": brings / under, "share": share(brings, gap)} for unit, brings in top],
        "rest_gap": rest / under,
        "rest_share": share(rest, gap),
    }


def share(brings: int, gap: int) -> float:
    """Of the whole gap; of nothing 0, and never −0, though the gap is below 0."""
    return brings / gap if brings else 0.0
