"""`rank`: a place in a field, the first being the best; 41st of 63 provinces."""

from services.metrics.exact import Quotient
from services.metrics.kinds.base import Base, Parts, Roster
from services.metrics.series import Own


class Rank(Base):
    """The last place. It says nothing of a unit above."""

    name = "rank"
    foretells = False

    def parts(self, own: Own, roster: Roster | None) -> Parts | None:
        return None

    def value(self, n: int, d: int) -> Quotient | None:
        return None

    def alone(self, own: Own) -> Quotient | None:
        more = own.figure.more if own.figure is not None else None
        return (more["rank"], 1) if more and "rank" in more else None

    def why_no_value(self, own: Own | None, parts: Parts | None) -> str:
        return "no_value" if own is not None else "not_rolled_up"
