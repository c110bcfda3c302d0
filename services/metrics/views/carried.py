"""KPIs on the units of one day, as those read them that are derived from them.

What is reported is carried over and rolled up; what is derived is made anew from that by its own rule, at the end of
the last day on which a source said something of what is now in the unit.
"""

from abc import abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.derived.deriving import MAKERS
from services.metrics.derived.made import Made
from services.metrics.derived.source import Basis, Swept
from services.metrics.derived.source import Stood as Reading
from services.metrics.documents import Document, series_of
from services.metrics.obligation import Obligation
from services.metrics.series import Series
from services.metrics.views.placed import Bring, Left, place
from services.metrics.views.rolled import Node, Rolled, value_of
from services.metrics.views.stood import Era, counts_the_silent, stood
from services.runtime.catalog.portable import ANOTHER_LEVEL, NEWER_FIGURE, Reason

Days = Mapping[str, Sequence[int]]
"""By unit of the asked day, the days on which something was said of what is in it, in order."""


_OVERTAKEN = frozenset({ANOTHER_LEVEL, NEWER_FIGURE})
"""Left behind because others stand in their place: nothing is missing without them."""


class Carried:
    """The figures of one accounting period on the units of the day `on`."""

    def __init__(self, definition: Definition, eras: Sequence[Era], window: Window, on: int) -> None:
        self._definition, self._on = definition, on
        self._placed = place(definition, eras, on, min(window.last, max(on, window.first)))
        self._rolled = Rolled(definition, self._placed, on, window.first)

    def node(self, unit: str) -> Node:
        """The unit as it is seen."""
        return self._rolled.node(unit)

    def left(self) -> list[Left]:
        """What is on no unit of the day."""
        return [left for left in self._placed.left if left.bring.share]

    @cached_property
    def lost(self) -> Mapping[str, Mapping[Reason, set[str]]]:
        """By unit of the day and reason, the units whose figures belong into its own and could not be carried there."""
        found: dict[str, dict[Reason, set[str]]] = {}
        for left in self.left():
            if left.reason not in _OVERTAKEN and left.bring.stood.reported:
                for unit in self._whose(left.bring):
                    found.setdefault(unit, {}).setdefault(left.reason, set()).add(left.bring.unit)
        return found

    def _whose(self, bring: Bring) -> set[str]:
        """The units of the day that follow the figure's unit, or that it follows, and those above."""
        catalog = self._definition.catalog
        since, on = date.fromordinal(bring.stood.day), date.fromordinal(self._on)
        kin = {share.unit for share in catalog.lineage.onto(bring.unit, since, on) if share.weight}
        kin.update(catalog.lineage.origins(bring.unit, on, since))
        return {one for each in kin for one in (each, *catalog.units.ancestors(each, on))}


class OnDay(Basis):
    """A KPI on the units of the day `on`."""

    def __init__(self, definition: Definition, on: int) -> None:
        super().__init__(definition)
        self.on = on
        self._said: dict[Window, Days] = {}

    def said(self, window: Window) -> Days:
        """Who has anything of the window, and of which days."""
        found = self._said.get(window)
        if found is None:
            said: dict[str, set[int]] = {}
            for unit, days in self._saying(window):
                for one in (unit, *self.definition.shape(self.on).ancestors(unit)):
                    said.setdefault(one, set()).update(days)
            found = self._said[window] = {unit: sorted(days) for unit, days in said.items()}
        return found

    @abstractmethod
    def rests_on(self, unit: str, day: int, until: int) -> Iterator[tuple["Reported", Window, int]]:
        """The reported figures behind what the unit has at the end of the day, as they stand at the end of `until`,
        given that nothing was said of the unit in between: of which KPI and accounting period, and up to which day."""

    @abstractmethod
    def _saying(self, window: Window) -> Iterator[tuple[str, Collection[int]]]:
        """By unit of the asked day, the days of what was said of it itself."""

    @abstractmethod
    def _stood(self, unit: str, window: Window, until: int) -> Reading | None: ...

    def at(self, unit: str, day: int) -> Reading | None:
        return self._stood(unit, self.definition.accounting(day), day)

    def whole(self, unit: str, day: int, periods_back: int) -> Reading | None:
        window = self.earlier(day, periods_back)
        return self._stood(unit, window, window.last)

    def peers(self, level: str, day: int) -> Collection[str]:
        return self.definition.catalog.units.of_level(level, date.fromordinal(self.on))

    def obligation(self, unit: str, day: int) -> Obligation | None:
        """The one of the figure's day or, where the unit was not there then, of the nearest day on which it is."""
        born, ended = self.definition.lifetime(unit)
        return self.definition.judging(unit, self.definition.accounting(day), min(max(day, born), ended))

    def record_of(self, unit: str, day: int) -> str:
        """No record tells of it: the accounting period."""
        return self.definition.accounting(day).id


class Reported(OnDay):
    """Carried over and rolled up."""

    def __init__(self, definition: Definition, units: Mapping[str, Series], on: int) -> None:
        super().__init__(definition, on)
        self._units = units
        self._days = sorted({day for series in units.values() for day in series.order})
        self._kin: dict[str, set[str]] = {}
        self._carried: dict[tuple[Window, int], Carried] = {}
        self._alone: dict[tuple[str, Window, int], Node] = {}

    def carried(self, window: Window, until: int) -> Carried:
        """What stands of an accounting period at the end of the day."""
        key = window, bisect_right(self._days, until)
        found = self._carried.get(key)
        if found is None:
            eras = stood(self.definition, self._units, window, until)
            found = self._carried[key] = Carried(self.definition, eras, window, self.on)
        return found

    def rests_on(self, unit: str, day: int, until: int) -> Iterator[tuple["Reported", Window, int]]:
        window = self.definition.accounting(day)
        yield self, window, min(until, window.last)

    def _stood(self, unit: str, window: Window, until: int) -> Reading | None:
        by_itself = self.definition.shape(self.on).is_leaf(unit) and not counts_the_silent(self.definition)
        node = self._by_itself(unit, window, until) if by_itself else self.carried(window, until).node(unit)
        if node.as_of is None:
            return None
        value = value_of(self.definition, node.figure)
        quotient = None if value is None else value.as_integer_ratio()
        return Reading(node.as_of, quotient, reported_at=0, preliminary=False, units=0)

    def _by_itself(self, unit: str, window: Window, until: int) -> Node:
        """A reporting unit, from the figures alone that come to it: peers are compared on many days. Not where the
        silent count: how they do depends on what others said."""
        key = unit, window, bisect_right(self.said(window).get(unit, ()), until)
        found = self._alone.get(key)
        if found is None:
            units = {one: self._units[one] for one in self._kin.get(unit, ())}
            placed = place(self.definition, stood(self.definition, units, window, until), self.on, until, (unit,))
            found = self._alone[key] = Rolled(self.definition, placed, self.on, window.first).node(unit)
        return found

    def _saying(self, window: Window) -> Iterator[tuple[str, Collection[int]]]:
        lineage, on = self.definition.catalog.lineage, date.fromordinal(self.on)
        for unit, series in self._units.items():
            for day in series.order[bisect_left(series.order, window.first) : bisect_right(series.order, window.last)]:
                content = series.days[day]
                if content.figures or content.increments is not None:
                    for share in lineage.onto(unit, date.fromordinal(day), on):
                        if share.weight:
                            self._kin.setdefault(share.unit, set()).add(unit)
                            yield share.unit, (day,)


class Derived(OnDay):
    """Made anew from its sources on the same units."""

    def __init__(self, definition: Definition, sources: Sequence[OnDay], on: int) -> None:
        super().__init__(definition, on)
        self.sources = sources
        self._maker = MAKERS[definition.kpi.kind](definition, sources)

    def made(self, unit: str, window: Window, until: int) -> Made | None:
        """What stands for the unit in an accounting period at the end of the day."""
        day = self.day(unit, window, until)
        return None if day is None or not self.definition.may_report(unit) else self._maker.figure(unit, day)

    def day(self, unit: str, window: Window, until: int) -> int | None:
        """The last day up to `until` of which there is anything."""
        days = self.said(window).get(unit, ())
        before = bisect_right(days, until)
        return days[before - 1] if before else None

    def rests_on(self, unit: str, day: int, until: int) -> Iterator[tuple[Reported, Window, int]]:
        last = self.day(unit, self.definition.accounting(day), day)
        made_on = day if last is None else last
        growth = self.definition.kpi.growth
        for source in self.sources:
            yield from source.rests_on(unit, made_on, until)
            if growth is not None:
                earlier = source.earlier(made_on, growth.periods_back)
                yield from source.rests_on(unit, earlier.last, earlier.last)

    def _stood(self, unit: str, window: Window, until: int) -> Reading | None:
        made = self.made(unit, window, until)
        if made is None:
            return None
        figure = made.figure
        value = (figure.n, figure.d) if figure.n is not None and figure.d is not None else None
        return Reading(made.as_of, value, reported_at=0, preliminary=False, units=0)

    def _saying(self, window: Window) -> Iterator[tuple[str, Collection[int]]]:
        for source in self.sources:
            for unit, days in source.said(window).items():
                if self.definition.may_report(unit):
                    yield unit, days


def on_day(
    definitions: Mapping[str, Definition], stored: Mapping[str, Iterable[Document]], kpi: str, on: int
) -> Derived:
    """A derived KPI on the units of the day `on`.

    `definitions`: of the KPI and of all that it goes back to. `stored`: the figures of those that are reported.
    """
    known: dict[str, OnDay] = {}

    def basis(kpi_id: str) -> OnDay:
        if kpi_id not in known:
            definition = definitions[kpi_id]
            known[kpi_id] = derived(definition) if definition.kpi.sources else _reported(definition)
        return known[kpi_id]

    def derived(definition: Definition) -> Derived:
        return Derived(definition, [basis(source) for source in definition.kpi.sources], on)

    def _reported(definition: Definition) -> Reported:
        return Reported(definition, series_of(stored.get(definition.kpi_id, ()), Swept), on)

    return derived(definitions[kpi])
