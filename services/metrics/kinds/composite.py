"""`composite`: points that other KPIs bring, by rule; a province's own ranking of its communes."""

from collections.abc import Mapping
from typing import Self

from contracts.catalog import Kpi
from services.metrics.exact import scaled
from services.metrics.kinds.derived import Derived


class Composite(Derived):
    """Scored for each unit of its levels, and ranked among those of one level; of nobody else."""

    name = "composite"
    ranked = True

    def __init__(self, highest: int) -> None:
        self.highest = highest

    @classmethod
    def of(cls, kpi: Kpi, kpis: Mapping[str, Kpi]) -> Self:
        return cls(sum(scaled(item.maximum) for item in kpi.composite))
