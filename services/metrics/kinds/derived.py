"""What kinds share whose figures are made from other KPIs (`services.metrics.derived`) and not reported.

A derived figure is a quotient, kept as it is: its numerator in `n`, its denominator in `d`. Where there is none, its
`more` says why. No figure is part of a sum: those of the units above are made anew from what they are derived from.
"""

from services.metrics.exact import Quotient
from services.metrics.kinds.base import Base, Parts, Roster
from services.metrics.series import Own

WHY = "why"
"""Where a figure without a value says the code of the reason."""


class Derived(Base):
    """A value alone. An accounting period begins anew: with another earlier value, or items that bring nothing yet."""

    derived = True
    begins_anew = True

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        return None

    def value(self, n: int, d: int) -> Quotient | None:
        return None

    def alone(self, own: Own) -> Quotient | None:
        return (own.n, own.d) if own.n is not None and own.d else None

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        more = own.figure.more if own is not None and own.figure is not None else None
        return str(more[WHY]) if more and WHY in more else "not_rolled_up"
