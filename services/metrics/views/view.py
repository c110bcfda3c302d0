"""One view put together: the units of the asked day from the top down, what each is made of, and what was left behind.

A period may hold several accounting periods. Figures are placed and rolled up in each; then a unit shows their sum, or
the last of them, as its record does.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from contracts.views import PeriodView
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.series import Series
from services.metrics.state import KpiState
from services.metrics.tables import Tables
from services.metrics.views.placed import Bring, left_alone, place
from services.metrics.views.rolled import Node, Rolled, value_of
from services.metrics.views.stood import Stood, stood
from services.runtime.catalog.carrying import View, day_of, put_together
from services.runtime.catalog.portable import DERIVED, AnyFigure, Bare, Counted, Reason, Weighted


def view(state: KpiState, definition: Definition, window: Window, asked: View, today: int) -> PeriodView:
    """The figures of a period as they stand now, on the units of the asked day. Those that are derived are seen as they
    were: on other units they would have to be made anew from all that they derive from."""
    derived = definition.kind.derived and asked != "as_it_was"
    seen = _Seen(definition, window, [{}] if derived else _stood(definition, state.units, window), asked, today)
    return PeriodView.model_validate(
        {
            "province": definition.catalog.province.id,
            "kpi": definition.kpi_id,
            "period": window.id,
            "first": iso(window.first),
            "last": iso(window.last),
            "view": asked.isoformat() if isinstance(asked, date) else asked,
            "on": iso(seen.on),
            "as_of": None if seen.as_of is None else iso(seen.as_of),
            "kind": definition.kpi.kind,
            "unit_of_measure": definition.kpi.unit_of_measure,
            "catalog_version": definition.catalog.version,
            "before": seen.before(),
            "after": seen.after(),
            "units": list(seen.units()),
            "not_carried": list(seen.not_carried()),
            "reasons": [_worded(DERIVED)] if derived else [],
        }
    )


def _stood(definition: Definition, units: dict[str, Series], window: Window) -> list[dict[str, Stood]]:
    """What stood in each accounting period of the window in which anything did, in order; at least one."""
    days = [day for series in units.values() for day in series.order if day <= window.last]
    if not days or max(days) < window.first:
        return [{}]
    reported = Window(window.id, max(window.first, min(days)), window.last)
    parts = Tables(definition, units).parts_of(reported, max(days))
    found = (stood(definition, units, part, window.last) for part in parts)
    return [figures for figures in found if any(one.day >= window.first for one in figures.values())] or [{}]


class _Seen:
    """The units of the day `on`; `as_of` is the latest day of the figures."""

    def __init__(
        self, definition: Definition, window: Window, parts: list[dict[str, Stood]], asked: View, today: int
    ) -> None:
        self._definition = definition
        self._window = window
        self._parts = parts
        self.as_of = max((one.day for figures in parts for one in figures.values()), default=None)
        standing = min(max(today, window.first), window.last) if self.as_of is None else self.as_of
        self.on = day_of(asked, date.fromordinal(standing), date.fromordinal(today)).toordinal()
        placing = left_alone if asked == "as_it_was" else place
        self._placed = [placing(definition, figures, self.on) for figures in parts]
        self._rolled = [Rolled(definition, placed, self.on, window.first) for placed in self._placed]

    def units(self) -> Iterator[dict[str, Any]]:
        """Every unit of the day that has to do with the KPI, after the one above it."""
        shape, tree = self._definition.shape(self.on), self._definition.catalog.units
        waiting: list[tuple[str, str | None]] = [(root, None) for root in tree.roots(date.fromordinal(self.on))[::-1]]
        while waiting:
            unit, parent = waiting.pop()
            if shape.is_leaf(unit) or shape.children(unit):
                yield self._unit(unit, parent)
                waiting += [(child, unit) for child in shape.children(unit)[::-1]]

    def before(self) -> dict[str, Any] | None:
        """All that stood on reporting units, added up."""
        return self._total([[one.figure for one in figures.values() if one.leaf] for figures in self._parts])

    def after(self) -> dict[str, Any] | None:
        """The same on the reporting units of the day."""
        leaves = self._definition.shape(self.on).leaves
        return self._total(
            [[one.brings for leaf in leaves for one in placed.brought.get(leaf, ())] for placed in self._placed]
        )

    def not_carried(self) -> Iterator[dict[str, Any]]:
        """What is on no unit of the day."""
        for placed in self._placed:
            for left in sorted(placed.left, key=lambda one: one.bring.unit):
                if left.bring.share:
                    yield {**self._bring(left.bring), "reason": _worded(left.reason)}

    def _total(self, periods: list[list[AnyFigure]]) -> dict[str, Any] | None:
        """Of all accounting periods where they are added up, else of the last one."""
        counted = periods if self._definition.sums_periods else periods[-1:]
        figures = [figure for period in counted for figure in period if not isinstance(figure, Bare)]
        return self._amounts(put_together(figures)) if figures else None

    def _unit(self, unit: str, parent: str | None) -> dict[str, Any]:
        nodes = [rolled.node(unit) for rolled in self._rolled]
        told = [node for node in nodes if node.as_of is not None and node.as_of >= self._window.first]
        shown, figure = self._shown(told)
        last = shown[-1] if shown else nodes[-1]
        known = self._definition.catalog.units.get(unit)
        by = self._definition.judging(unit, self._window, self.on)
        brought = [one for node in shown if node.own for one in node.brought]
        return {
            **(self._amounts(figure) if figure is not None else {"value": None}),
            "org_unit": unit,
            "level": known.level if known is not None else "",
            "parent": parent,
            "as_of": iso(max(node.as_of or 0 for node in shown)) if shown else None,
            "made_of": _made_of(unit, figure, brought),
            "brought": [self._bring(one) for one in brought],
            "estimated": any(node.estimated for node in shown),
            "expected": len(last.expected),
            "missing": [one for one in last.expected if not any(_has(node, one) for node in nodes)],
            "target": None if by is None else by.wire,
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

    def _bring(self, bring: Bring) -> dict[str, Any]:
        return {
            "org_unit": bring.unit,
            "as_of": iso(bring.stood.day) if bring.stood.reported else None,
            "share": float(bring.share),
            "estimated": bring.estimated,
            "whole": self._amounts(bring.stood.figure),
        }

    def _amounts(self, figure: AnyFigure) -> dict[str, Any]:
        return {
            "value": _number(value_of(self._definition, figure)),
            "numerator": _number(figure.numerator) if isinstance(figure, Counted) else None,
            "denominator": _number(figure.denominator) if isinstance(figure, Counted) else None,
            "weight": _number(figure.weight) if isinstance(figure, Weighted) else None,
        }


def _made_of(unit: str, figure: AnyFigure | None, brought: Iterable[Bring]) -> str:
    if figure is None:
        return "nothing"
    units = {one.unit for one in brought}
    if not units:
        return "parts"
    return "own" if units == {unit} and all(one.share == 1 for one in brought) else "carried"


def _has(node: Node, unit: str) -> bool:
    return unit in node.expected and unit not in node.missing


def _number(value: Fraction | None) -> int | float | None:
    """On the wire: whole ones as integers, others as the nearest double."""
    if value is None:
        return None
    return value.numerator if value.denominator == 1 else value.numerator / value.denominator


def _worded(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "text_vi": reason.text_vi, "text_en": reason.text_en}
