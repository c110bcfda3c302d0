"""Kinds that the catalog accepts and nobody computes yet: figures are kept, records say `kind_not_computed`."""

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

    def __init__(self, name: str) -> None:
        self.name = name

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
