"""How far a figure can be relied on, from A to D: by what stands on its record, and by nothing else.

It begins at A and loses a grade for each flag, for a preliminary figure, for one that is stale, for a sum in which
units are missing or a score in which KPIs are, and another one if half of them or more are. A unit whose figure cannot
be added up is missing in a sum like one that is silent. It ends at D.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

GRADES = "ABCD"

STALE = frozenset({"stale", "stale_at_deadline"})
PRELIMINARY = "preliminary"


class Against(NamedTuple):
    """What is held against a figure. `missing` of `expected` units are silent, and `left_out` reported what is not
    in the sum, 0 of 0 where it is none; `unscored` of `items` brought no points, 0 of 0 where it is no score."""

    flags: int
    preliminary: bool
    stale: bool
    missing: int
    expected: int
    unscored: int = 0
    items: int = 0
    left_out: int = 0

    @property
    def grade(self) -> str:
        """The grade that is left."""
        lost = self.flags + self.preliminary + self.stale
        for lacking, of in ((self.missing + self.left_out, self.expected), (self.unscored, self.items)):
            lost += (lacking > 0) + (0 < of <= 2 * lacking)
        return GRADES[min(lost, len(GRADES) - 1)]


def against(
    flags: Sequence[str],
    reasons: Sequence[Mapping[str, str]],
    completeness: Mapping[str, Any] | None,
    score: Mapping[str, Any] | None = None,
    *,
    direct: bool,
) -> Against:
    """Read off a record. `direct`: the figure was reported for the unit itself, so nobody is missing in it."""
    preliminary = stale = False
    for reason in reasons:
        code = reason["code"]
        preliminary = preliminary or code == PRELIMINARY
        stale = stale or code in STALE
    missing = expected = unscored = items = left_out = 0
    if completeness is not None and not direct:
        expected = completeness["expected"]
        missing = expected - completeness["reported"]
        left_out = len(completeness.get("left_out", ()))
    if score is not None:
        items = len(score["items"])
        unscored = sum(item["points"] is None for item in score["items"])
    return Against(len(flags), preliminary, stale, missing, expected, unscored, items, left_out)
