"""`coverage`: how many of a roster are done, named or counted; 20 of 27 agencies."""

from services.metrics.exact import SCALE
from services.metrics.kinds.base import Parts, Roster, Share
from services.metrics.series import Own


class Coverage(Share):
    """Counts of the rosters below. A unit that is silent keeps its whole roster in the denominator."""

    name = "coverage"
    rosters = True

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        done = own.n
        members = members_of(own)
        if members is not None:
            known = roster.members if roster is not None else None
            done = len(members if known is None else members & known) * SCALE
        size = roster.size * SCALE if roster is not None else own.d
        return None if done is None or size is None else (done, size)

    def silent(self, roster: Roster | None) -> Parts | None:
        return None if roster is None else (0, roster.size * SCALE)

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        if parts is not None:
            return "zero_denominator"
        return "no_roster" if own is not None else "parts_not_usable"


def members_of(own: Own) -> frozenset[str] | None:
    """The members that the figure names as done; None if it only counts them."""
    more = own.figure.more if own.figure is not None else None
    return frozenset(more["members"]) if more and "members" in more else None
