"""The kinds of KPI by name."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.catalog import KpiKind
from services.metrics.kinds.base import Kind, Parts, Roster
from services.metrics.kinds.coverage import Coverage
from services.metrics.kinds.flow import Flow
from services.metrics.kinds.ratio import Ratio
from services.metrics.kinds.stock import Stock
from services.metrics.kinds.uncomputed import Uncomputed

__all__ = ["KINDS", "Kind", "Parts", "Roster"]

KINDS: Mapping[KpiKind, Kind] = MappingProxyType(
    {
        "ratio": Ratio(),
        "coverage": Coverage(),
        "flow": Flow(),
        "stock": Stock(),
        "level": Uncomputed("level"),
        "rate": Uncomputed("rate"),
        "rank": Uncomputed("rank"),
        "growth": Uncomputed("growth"),
        "milestone": Uncomputed("milestone"),
        "composite": Uncomputed("composite"),
    }
)
