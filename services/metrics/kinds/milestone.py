"""`milestone`: done or not done; the open-data portal has been opened."""

from services.metrics.exact import SCALE
from services.metrics.kinds.base import Amount, Parts, Roster
from services.metrics.series import Own


class Milestone(Amount):
    """0 or 1; above, how many of the units due have done it.

    What is said of a milestone holds until something else is said: it does not grow stale, and a target of several
    accounting periods counts what was done in any of them.
    """

    name = "milestone"
    from_zero = True
    shows_parts = True
    counts_units = True
    carries = True
    grows_stale = False

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        more = own.figure.more if own.figure is not None else None
        return (SCALE if more["done"] else 0, 0) if more and "done" in more else None
