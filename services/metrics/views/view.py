"""One view put together: the units of the asked day from the top down, what each is made of, and what was left behind.

A period may hold several accounting periods. Figures are placed and rolled up in each; then a unit shows their sum, or
the last of them, as its record does.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from contracts.views import PeriodView
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.series import Series
from services.metrics.state import KpiState
from services.metrics.tables import Tables
from services.metrics.views.placed import Bring, Placed, left_alone, place
from services.metrics.views.rolled import Node, Rolled, value_of
from services.metrics.views.stood import Era, stood
from services.metrics.views.wire import amounts, brought_of, left_of, place_of, put_on_the_wire, units_on
from services.runtime.catalog.carrying import View, day_of, put_together
from services.runtime.catalog.portable import AnyFigure, Bare


def view(state: KpiState, definition: Definition, window: Window, asked: View, today: int) -> PeriodView:
    """The figures of a period as they stand now, on the units of the asked day."""
    seen = _Seen(definition, window, _stood(definition, state.units, window), asked, today)
    return put_on_the_wire(definition, window, asked, seen)


def _stood(definition: Definition, units: dict[str, Series], window: Window) -> list[list[Era]]:
    """What stood in each accounting period of the window in which anything did, in order; at least one."""
    days = [day for series in units.values() for day in series.order if day <= window.last]
    if not days or max(days) < window.first:
        return [[]]
    reported = Window(window.id, max(window.first, min(days)), window.last)
    parts = Tables(definition, units).parts_of(reported, max(days))
    found = (stood(definition, units, part, window.last) for part in parts)
    return [eras for eras in found if eras and eras[-1].day >= window.first] or [[]]


class _Seen:
    """The units of the day `on`; `as_of` is the latest day of the figures."""

    reasons: tuple[dict[str, str], ...] = ()

    def __init__(self, definition: Definition, window: Window, parts: list[list[Era]], asked: View, today: int) -> None:
        self._definition = definition
        self._window = window
        self._parts = parts
        self.as_of = max((era.day for eras in parts for era in eras), default=None)
        standing = min(max(today, window.first), window.last) if self.as_of is None else self.as_of
        self.on = day_of(asked, date.fromordinal(standing), date.fromordinal(today)).toordinal()
        if asked == "as_it_was":
            self._placed = [left_alone(definition, eras, self.on) for eras in parts]
        else:
            self._placed = [place(definition, eras, self.on, standing) for eras in parts]
        self._rolled = [Rolled(definition, placed, self.on, window.first) for placed in self._placed]

    def units(self) -> Iterator[dict[str, Any]]:
        """Every unit of the day that has to do with the KPI, after the one above it."""
        return (self._unit(unit, parent) for unit, parent in units_on(self._definition, self.on))

    def before(self) -> dict[str, Any] | None:
        """All that was reported by reporting units, and the places of the silent that count, added up."""
        return self._total([[*_reported(eras), *self._places(placed)] for eras, placed in self._periods()])

    def after(self) -> dict[str, Any] | None:
        """The same on the reporting units of the day."""
        return self._total([[one.brings for one in self._on_leaves(placed)] for placed in self._placed])

    def not_carried(self) -> Iterator[dict[str, Any]]:
        """What is on no unit of the day."""
        for placed in self._placed:
            for left in sorted(placed.left, key=lambda one: one.bring.unit):
                if left.bring.share:
                    yield left_of(self._definition, left)

    def _periods(self) -> Iterable[tuple[list[Era], Placed]]:
        return zip(self._parts, self._placed, strict=True)

    def _on_leaves(self, placed: Placed) -> Iterator[Bring]:
        leaves = self._definition.shape(self.on).leaves
        return (one for leaf in leaves for one in placed.brought.get(leaf, ()))

    def _places(self, placed: Placed) -> Iterator[AnyFigure]:
        """What is in the total of the day or was left of it beside the figures that stand."""
        for one in (*self._on_leaves(placed), *(left.bring for left in placed.left)):
            if not one.stood.stands:
                yield one.brings

    def _total(self, periods: list[list[AnyFigure]]) -> dict[str, Any] | None:
        """Of all accounting periods where they are added up, else of the last one."""
        counted = periods if self._definition.sums_periods else periods[-1:]
        figures = [figure for period in counted for figure in period if not isinstance(figure, Bare)]
        return amounts(self._definition, put_together(figures)) if figures else None

    def _unit(self, unit: str, parent: str | None) -> dict[str, Any]:
        nodes = [rolled.node(unit) for rolled in self._rolled]
        told = [node for node in nodes if node.as_of is not None and node.as_of >= self._window.first]
        shown, figure = self._shown(told)
        last = shown[-1] if shown else nodes[-1]
        brought = [one for node in shown if node.own for one in node.brought] or _places(nodes[-1])
        return {
            **(amounts(self._definition, figure) if figure is not None else {"value": None}),
            **place_of(self._definition, unit, parent, self._window, self.on),
            "as_of": iso(max(node.as_of or 0 for node in shown)) if shown else None,
            "made_of": _made_of(self._definition, unit, figure, brought),
            "brought": [brought_of(self._definition, one) for one in brought],
            "estimated": any(node.estimated for node in shown),
            "expected": len(last.expected),
            "missing": [one for one in last.expected if not any(_has(node, one) for node in nodes)],
        }

    def _shown(self, told: list[Node]) -> tuple[list[Node], AnyFigure | None]:
        """The accounting periods that a unit shows, and what they come to: all that can be added up where they are,
        else the last."""
        if len(told) > 1 and self._definition.sums_periods:
            summed = [node for node in told if node.up.day is not None and self._has_value(node)]
            if summed:
                return summed, put_together([node.up.figure for node in summed if node.up.figure is not None])
        if not told:
            return [], None
        last = max(told, key=lambda node: node.as_of or 0)
        return [last], last.figure

    def _has_value(self, node: Node) -> bool:
        return value_of(self._definition, node.figure) is not None


def _reported(eras: Iterable[Era]) -> Iterator[AnyFigure]:
    return (one.figure for era in eras for one in era.figures.values() if one.leaf and one.stands)


def _places(node: Node) -> list[Bring]:
    """What is in the totals above of a unit that has nothing to show."""
    return [one for one in node.brought if one.share and not one.stood.reported]


def _made_of(definition: Definition, unit: str, figure: AnyFigure | None, brought: Iterable[Bring]) -> str:
    if figure is None:
        return "nothing"
    if definition.kind.derived:
        return "derived"
    units = {one.unit for one in brought}
    if not units:
        return "parts"
    return "own" if units == {unit} and all(one.share == 1 for one in brought) else "carried"


def _has(node: Node, unit: str) -> bool:
    return unit in node.expected and unit not in node.missing
