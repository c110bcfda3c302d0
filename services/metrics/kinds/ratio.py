"""`ratio`: a share of a whole that is counted anew each time; signed of all e-documents."""

from services.metrics.exact import SCALE, Quotient
from services.metrics.kinds.base import Parts, Roster, Share
from services.metrics.series import Own


class Ratio(Share):
    """Σn / Σd up the tree, never a mean of percentages. A part without its denominator is left out with its numerator.

    A published percentage without parts is judged where it stands and not rolled up.
    """

    name = "ratio"
    increments = True

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        return None if own.n is None or own.d is None else (own.n, own.d)

    def alone(self, own: Own) -> Quotient | None:
        has_parts = own.n is not None and own.d is not None
        return None if has_parts or own.v is None or own.summed else (own.v, SCALE)

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        if parts is not None:
            return "zero_denominator"
        return "no_denominator" if own is not None else "parts_not_usable"
