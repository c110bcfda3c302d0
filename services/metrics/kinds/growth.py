"""`growth`: a value divided by that of an earlier period; transactions 1.5 times the year before."""

from collections.abc import Mapping
from typing import Self

from contracts.catalog import Kpi
from services.metrics.kinds.derived import Derived


class Growth(Derived):
    """Of the units above its levels, too: the quotient of their own rolled-up values.

    The growth of a flow climbs from 0 through its period, as the flow itself does. It is negative where its source may
    be.
    """

    name = "growth"
    derived_above = True

    def __init__(self, *, from_zero: bool, lowest: int | None) -> None:
        self.from_zero = from_zero
        self.lowest = lowest

    @classmethod
    def of(cls, kpi: Kpi, kpis: Mapping[str, Kpi]) -> Self:
        source = kpis.get(kpi.growth.of) if kpi.growth is not None else None
        limit = source.natural_limits.low if source is not None else None
        return cls(
            from_zero=source is not None and source.kind == "flow",
            lowest=None if limit is not None and limit < 0 else 0,
        )
