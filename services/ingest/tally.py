"""What is counted about one batch."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """The counts of one batch. They are told only when its work is done, so that a second try counts nothing twice."""

    accepted: int = 0
    redelivered: int = 0
    duplicates: int = 0
    identity_reused: int = 0
    quarantined: int = 0
    parked: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)

    def refuse(self, codes: Iterable[str]) -> None:
        """An event was refused for these reasons."""
        self.rejected.update(set(codes))
