"""A KPI that another one is derived from: who said something on which day, and what stood then."""

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.documents import Document, series_of
from services.metrics.exact import Quotient
from services.metrics.obligation import Obligation
from services.metrics.series import Own, Series
from services.metrics.standing import stands
from services.metrics.tables import Tables


class Stood(NamedTuple):
    """What stood for a unit at the end of a day. `units`: the reporting units whose figures are in the value."""

    as_of: int
    value: Quotient | None
    reported_at: int
    preliminary: bool
    units: int


class Swept(Series):
    """A series that nobody adds to any more: what stood at the end of each of its days is worked out in one go."""

    __slots__ = ("_stood",)

    def __init__(self) -> None:
        super().__init__()
        self._stood: dict[tuple[int, bool], list[Own | None]] = {}

    def own(self, first: int, last: int, increments: bool, *, keep: bool = True) -> Own | None:
        key, start = (first, increments), bisect_left(self.order, first)
        stood = self._stood.get(key)
        if stood is None:
            stood = self._stood[key] = self.stood(first, self.order[start:], increments)
        at = bisect_right(self.order, last) - start
        return stood[at - 1] if at > 0 else None


class Basis(ABC):
    """What a KPI is for those that are made from it: what stood, of whom, and what it is held against."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    @abstractmethod
    def at(self, unit: str, day: int) -> Stood | None:
        """What stood at the end of the day, in the accounting period that holds it."""

    @abstractmethod
    def whole(self, unit: str, day: int, periods_back: int) -> Stood | None:
        """What stands of the whole accounting period so many before the one that holds the day."""

    def peers(self, level: str, day: int) -> Collection[str]:
        """The units that a figure of the day is compared with."""
        return self.definition.catalog.units.of_level(level, date.fromordinal(day))

    def obligation(self, unit: str, day: int) -> Obligation | None:
        """The target that a figure of the day is held against."""
        return self.definition.judging(unit, self.definition.accounting(day), day)

    def earlier(self, day: int, periods_back: int) -> Window:
        """The accounting period so many before the one that holds the day."""
        window = self.definition.accounting(day)
        for _ in range(periods_back):
            window = self.definition.accounting(window.first - 1)
        return window

    def record_of(self, unit: str, day: int) -> str:
        """The period of the record that tells of the day: the accounting period, or the shortest that has a target."""
        accounting = self.definition.accounting(day)
        covering = [window for window in self.definition.windows(unit) if window.first <= day <= window.last]
        if not covering or accounting in covering:
            return accounting.id
        return min(covering, key=lambda window: window.last - window.first).id


class Source(Basis):
    """One KPI, as its owner has stored it. Ask in order of time: a former tree is then swept once."""

    def __init__(self, definition: Definition, documents: tuple[Document, ...]) -> None:
        super().__init__(definition)
        self._units: dict[str, Series] = dict(series_of(documents, Swept))
        self._tables = Tables(definition, self._units)
        self._known: dict[tuple[str, Window, int], Stood | None] = {}

    def spoken(self, since: int) -> Mapping[int, set[str]]:
        """By day from `since` on, the units that said something of it, and those that were above them on that day. What
        was withdrawn again was said as well."""
        found: dict[int, set[str]] = {}
        derived = self.definition.kind.derived
        for unit, series in self._units.items():
            for day in series.order:
                content = series.days[day]
                if day >= since and (derived or content.figures or content.increments is not None):
                    found.setdefault(day, set()).add(unit)
        for day, units in found.items():
            units.update([above for unit in units for above in self.definition.shape(day).ancestors(unit)])
        return found

    def at(self, unit: str, day: int) -> Stood | None:
        return self._stood(unit, self.definition.accounting(day), day)

    def whole(self, unit: str, day: int, periods_back: int) -> Stood | None:
        window = self.earlier(day, periods_back)
        return self._stood(unit, window, window.last)

    def _stood(self, unit: str, window: Window, until: int) -> Stood | None:
        key = unit, window, until
        if key not in self._known:
            self._known[key] = self._read(unit, window, until)
        return self._known[key]

    def _read(self, unit: str, window: Window, until: int) -> Stood | None:
        _, told = self._tables.of(unit, window, until, until, True)
        if not told:
            return None
        standing, last = stands(self.definition, told), told[-1]
        if standing.as_of is None:
            return None
        preliminary = last.direct and last.own is not None and last.own.preliminary
        return Stood(standing.as_of, standing.value, standing.reported_at, preliminary, last.covered)
