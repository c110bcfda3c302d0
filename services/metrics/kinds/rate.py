"""`rate`: so many of something for each base of something else; mobile subscriptions per 100 inhabitants."""

from collections.abc import Mapping
from typing import Self

from contracts.catalog import Kpi
from services.metrics.exact import SCALE, Quotient, scaled
from services.metrics.kinds.base import Base, Parts, Roster
from services.metrics.series import Own

_BASE = 100


class Rate(Base):
    """Σn / Σd × base up the tree; may exceed the base. A published rate without parts is judged where it stands and not
    rolled up.

    `base`: scaled.
    """

    name = "rate"
    shows_parts = True

    def __init__(self, base: int) -> None:
        self._base = base

    @classmethod
    def of(cls, kpi: Kpi, kpis: Mapping[str, Kpi]) -> Self:
        return cls(scaled(kpi.rate_base if kpi.rate_base is not None else _BASE))

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        return None if own.n is None or own.d is None else (own.n, own.d)

    def value(self, n: int, d: int) -> Quotient | None:
        return (n * self._base, d * SCALE) if d > 0 else None

    def alone(self, own: Own) -> Quotient | None:
        return None if own.v is None or (own.n is not None and own.d is not None) else (own.v, SCALE)

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        if parts is not None:
            return "zero_denominator"
        return "no_denominator" if own is not None else "parts_not_usable"
