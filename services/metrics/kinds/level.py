"""`level`: a measured value; Mbps, the share of the digital economy in GRDP."""

from collections.abc import Mapping
from math import lcm
from typing import Self

from contracts.catalog import Kpi
from services.metrics.exact import SCALE, Quotient, loaded
from services.metrics.kinds.base import Base, Parts, Roster
from services.metrics.series import Own

EVERY_COUNT = lcm(*range(1, 367))
"""Over this, the mean of up to 366 daily readings is a whole number: so means of different counts add up exactly."""


class Level(Base):
    """Σ value·weight / Σ weight up the tree. A part without weight, or that weighs nothing, is left out.

    Where the KPI declares a mean within the period, it is taken in the unit, and weighs what its last reading says.
    """

    name = "level"

    def __init__(self, *, averages: bool) -> None:
        self.averages = averages

    @classmethod
    def of(cls, kpi: Kpi, kpis: Mapping[str, Kpi]) -> Self:
        return cls(averages=kpi.within_period == "mean")

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        weight = weight_of(own)
        if own.v is None or not weight:
            return None
        if not self.averages:
            return own.v * weight, SCALE * weight
        return own.v * weight * (EVERY_COUNT // own.count), SCALE * weight * EVERY_COUNT

    def value(self, n: int, d: int) -> Quotient | None:
        return (n, d) if d > 0 else None

    def alone(self, own: Own) -> Quotient | None:
        return None if own.v is None else (own.v, SCALE * own.count)

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        return "no_value" if own is not None else "parts_not_usable"


def weight_of(own: Own) -> int:
    """What the figure weighs, scaled; 0 if it does not say."""
    more = own.figure.more if own.figure is not None else None
    return loaded(more["weight"]) if more and "weight" in more else 0
