"""The kinds of KPI by name."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.catalog import Kpi, KpiKind
from services.metrics.kinds.base import Kind, Parts, Roster
from services.metrics.kinds.composite import Composite
from services.metrics.kinds.coverage import Coverage
from services.metrics.kinds.flow import Flow
from services.metrics.kinds.growth import Growth
from services.metrics.kinds.level import Level
from services.metrics.kinds.milestone import Milestone
from services.metrics.kinds.rank import Rank
from services.metrics.kinds.rate import Rate
from services.metrics.kinds.ratio import Ratio
from services.metrics.kinds.stock import Stock

__all__ = ["KINDS", "Kind", "Parts", "Roster", "kind_of"]

KINDS: Mapping[KpiKind, type[Kind]] = MappingProxyType(
    {
        "ratio": Ratio,
        "coverage": Coverage,
        "flow": Flow,
        "stock": Stock,
        "level": Level,
        "rate": Rate,
        "rank": Rank,
        "growth": Growth,
        "milestone": Milestone,
        "composite": Composite,
    }
)


def kind_of(kpi: Kpi, kpis: Mapping[str, Kpi]) -> Kind:
    """The kind of a KPI, with what the KPI declares of it; `kpis` are all of the catalog."""
    return KINDS[kpi.kind].of(kpi, kpis)
