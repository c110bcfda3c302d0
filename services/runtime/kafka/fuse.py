"""The fuse in front of a quarantine: it tells the exception from the rule. Pure.

One bad publisher must not stop a province, and a bad deployment must not drain a topic into its quarantine. So dead
letters of a single source never blow the fuse; many in a row, or a large share of all, from several sources do.
Anybody may write any source into an event, so only those that the handler knows are counted. Records whose source
cannot be read count among the dead, but are never one of the several sources: they may be the same publisher's, or
nobody's. Records over which we stumbled ourselves are counted whoever sent them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

OURS = "\0ours"
"""The blame for a dead letter that is no publisher's fault. No source has a control character."""

UNREADABLE = "\0unreadable"
"""The blame for a dead letter whose source cannot be read: it may be anybody's, also ours."""


@dataclass(frozen=True, slots=True)
class Fuse:
    """Blows when dead letters are no longer the exception. A value: counting gives the next one.

    Several sources means that the dead letters of all known sources but the worst are at least a tenth (`beside`) of
    all dead letters: a stray one among the many of a bad publisher is no second publisher.
    """

    in_a_row: int = 50
    window: int = 1_000
    share: float = 0.10
    beside: float = 0.10
    allowance: int = 0
    """So many dead letters more are not counted, since an operator wants them quarantined."""

    renewals: int = 0
    """How many fuses were put in before this one; what was weighed on one of them says nothing of this one."""

    recent: tuple[str | None, ...] = ()
    """The latest verdicts, those of the last batch whole: None for what was fine, else whom a dead letter blames."""

    def counting(self, verdicts: Sequence[str | None]) -> "Fuse":
        """The fuse after these verdicts, in the order of the records."""
        left, counted = self.allowance, verdicts
        if left:
            counted = []
            for verdict in verdicts:
                if verdict is not None and left:
                    left -= 1
                else:
                    counted.append(verdict)
        kept = self.recent[-max(self.window, self.in_a_row + 1) :]
        return replace(self, allowance=left, recent=(*kept, *counted))

    def without(self, source: str | None) -> "Fuse":
        """Nothing of this source counts any more: it is dealt with by itself."""
        return replace(self, recent=tuple(verdict for verdict in self.recent if verdict is None or verdict != source))

    def blown(self) -> str | None:
        """Why the fuse blows, or None. Whatever was counted since the last time is looked at, and not its end alone."""
        if self.recent.count(None) == len(self.recent):
            return None
        return self._long_row() or self._large_share()

    def _long_row(self) -> str | None:
        for dead, run in groupby(self.recent, lambda verdict: verdict is not None):
            row = Counter(run)
            why = self._too_many(row, self.in_a_row) if dead else None
            if why:
                return f"{row.total()} dead letters in a row, {why}"
        return None

    def _large_share(self) -> str | None:
        if len(self.recent) < self.window:
            return None
        held = Counter(self.recent[: self.window])
        for leaving, coming in zip((None, *self.recent), (None, *self.recent[self.window :]), strict=False):
            held[leaving] -= 1
            held[coming] += 1
            dead = +held  # without those that left the window
            del dead[None]
            why = self._too_many(dead, self.share * self.window)
            if why:
                return f"{dead.total()} dead letters among {self.window} records, {why}"
        return None

    def _too_many(self, dead: Counter[str | None], most: float) -> str | None:
        if dead[OURS] > most:
            return "through a fault of ours"
        theirs = [count for blame, count in dead.items() if blame not in (OURS, UNREADABLE)]
        if dead.total() > most and len(theirs) > 1 and sum(theirs) - max(theirs) >= self.beside * dead.total():
            return "from several sources"
        return None
