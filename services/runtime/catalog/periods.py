"""Periods: named stretches of days. Which days a name stands for is the business of a calendar."""

import re
from dataclasses import dataclass
from datetime import date
from functools import total_ordering


@total_ordering
@dataclass(frozen=True, slots=True)
class Period:
    """A named stretch of days, both ends included. Ordered by time; of two with the same start the shorter is first."""

    id: str
    first: date
    last: date

    def contains(self, day: date) -> bool:
        """Whether the day lies in the period."""
        return self.first <= day <= self.last

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def __lt__(self, other: "Period") -> bool:
        return (self.first, self.last, self.id) < (other.first, other.last, other.id)


@dataclass(frozen=True, slots=True)
class PeriodName:
    """A period's name, taken apart: the kind, the year, and the number or day within it (or a span's last year)."""

    kind: str
    year: int
    part: int = 0
    day: int = 0


_PATTERNS = {
    "year": re.compile(r"(\d{4})"),
    "half": re.compile(r"(\d{4})-H([12])"),
    "quarter": re.compile(r"(\d{4})-Q([1-4])"),
    "month": re.compile(r"(\d{4})-(\d{2})"),
    "week": re.compile(r"(\d{4})-W(\d{2})"),
    "day": re.compile(r"(\d{4})-(\d{2})-(\d{2})"),
    "span": re.compile(r"(\d{4})-(\d{4})"),
}


def parse_name(period_id: str) -> PeriodName:
    """Take a period's name apart. Raises ValueError with a sentence if it is none."""
    for kind, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(period_id):
            return PeriodName(kind, *(int(group) for group in found.groups()))
    raise ValueError(
        f"“{period_id}” is not a period; write 2023, 2023-H1, 2023-Q3, 2023-09, 2023-W39, 2023-09-30 or 2021-2025"
    )
