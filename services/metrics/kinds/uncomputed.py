"""Kinds that the catalog accepts and nobody computes yet: their records say `kind_not_computed`."""

from typing import Self

from contracts.catalog import Kpi
from services.metrics.exact import Quotient
from services.metrics.kinds.base import Parts, Roster
from services.metrics.series import Own


class Uncomputed:
    """A kind by name only."""

    computed = False
    sums_periods = False
    increments = False
    shows_parts = False
    from_zero = False
    rosters = False
    averages = False
    counts_units = False
    carries = False
    grows_stale = True
    foretells = False

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def of(cls, kpi: Kpi) -> Self:
        return cls(kpi.kind)

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        return None

    def silent(self, roster: Roster | None) -> Parts | None:
        return None

    def value(self, n: int, d: int) -> Quotient | None:
        return None

    def alone(self, own: Own) -> Quotient | None:
        return None

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        return "kind_not_computed"
