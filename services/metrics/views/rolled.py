"""Placed figures rolled up the tree of the asked day, by the rules that records are rolled up by, in fractions.

A figure reported directly above stands until the parts below are newer and complete. What is silent and what cannot be
added up is in no sum, and is told as missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.metrics.definition import Definition
from services.metrics.rollup import direct_stands
from services.metrics.series import Own
from services.metrics.views.placed import Bring, Placed
from services.runtime.catalog.carrying import put_together
from services.runtime.catalog.portable import Amount, AnyFigure, Bare, Counted, Portable, Weighted

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Sum:
    """What goes on up the tree. `day`: of the latest usable figure in it, None if there is none."""

    figure: Portable | None = None
    day: int | None = None
    covered: int = 0


@dataclass(frozen=True, slots=True)
class Node:
    """A unit of the asked day: what it shows, with its date, and what it adds to the unit above.

    `own`: its own or carried figure is what it shows, not the sum of those below. `expected`: of a reporting unit,
    whose figures belong into its own; else the reporting units below, of which those are `missing` that lack any.
    """

    figure: AnyFigure | None
    as_of: int | None
    own: bool
    brought: tuple[Bring, ...]
    estimated: bool
    expected: tuple[str, ...]
    missing: tuple[str, ...]
    up: Sum


class Rolled:
    """The nodes of one accounting period; what was reported of days before `since` is told as missing."""

    def __init__(self, definition: Definition, placed: Placed, on: int, since: int) -> None:
        self._placed = placed
        self._definition = definition
        self._since = since
        self._shape = definition.shape(on)
        self._nodes: dict[str, Node] = {}

    def node(self, unit: str) -> Node:
        """The unit as it is seen."""
        found = self._nodes.get(unit)
        if found is None:
            found = self._leaf(unit) if self._shape.is_leaf(unit) else self._above(unit)
            self._nodes[unit] = found
        return found

    def _leaf(self, unit: str) -> Node:
        placed = self._placed
        figure, day, brought = placed.figure(unit), placed.day(unit), placed.of(unit)
        up = Sum()
        if figure is not None and not isinstance(figure, Bare):
            up = Sum(figure, day, int(day is not None))
        expected, missing = placed.expected.get(unit, ()), placed.missing(unit, self._since)
        return Node(figure, day, True, brought, _estimated(brought), expected, missing, up)

    def _above(self, unit: str) -> Node:
        below = [self.node(child) for child in self._shape.children(unit)]
        parts = _summed(below)
        expected = tuple(self._shape.expected_in_order(unit))
        missing = tuple(one for one in expected if _lacks(self.node(one)))
        estimated = any(node.estimated for node in below)
        direct, day, brought = self._placed.figure(unit), self._placed.day(unit), self._placed.of(unit)
        due = len(expected)
        if direct is not None and day is not None and self._direct_stands(direct, day, parts, due):
            up = parts if isinstance(direct, Bare) else Sum(direct, day, due)
            return Node(direct, day, True, brought, _estimated(brought), expected, missing, up)
        if parts.day is not None:
            return Node(parts.figure, parts.day, False, (), estimated, expected, missing, parts)
        seen = max((node.as_of for node in below if node.as_of is not None), default=None)
        return Node(None, seen, False, (), estimated, expected, missing, parts)

    def _direct_stands(self, direct: AnyFigure, day: int, parts: Sum, due: int) -> bool:
        own_value = value_of(self._definition, direct)
        value = value_of(self._definition, parts.figure) if parts.day is not None else None
        complete = parts.covered >= due > 0
        return direct_stands(Own(day, None), _quotient(own_value), _quotient(value), complete=complete, day=parts.day)


def value_of(definition: Definition, figure: AnyFigure | None) -> Fraction | None:
    """The value of a figure; None by its kind's zero rule, and where there is none."""
    match figure:
        case None:
            return None
        case Bare():
            return figure.value
        case Amount():
            return figure.amount
        case Weighted():
            return figure.value
        case Counted():
            return _of_counted(definition, figure)


def _of_counted(definition: Definition, figure: Counted) -> Fraction | None:
    if definition.kind.counts_units:
        return figure.numerator
    base = _PERCENT
    if definition.kpi.kind == "rate" and definition.kpi.rate_base is not None:
        base = definition.kpi.rate_base
    return Fraction(base) * figure.numerator / figure.denominator if figure.denominator > 0 else None


def _lacks(node: Node) -> bool:
    """Whether a reporting unit has nothing, or not all that belongs into its figure."""
    return bool(node.missing) or not node.expected


def _estimated(brought: Iterable[Bring]) -> bool:
    return any(one.estimated for one in brought)


def _summed(nodes: list[Node]) -> Sum:
    figures = [node.up.figure for node in nodes if node.up.figure is not None]
    if not figures:
        return Sum()
    day = max((node.up.day for node in nodes if node.up.day is not None), default=None)
    return Sum(put_together(figures), day, sum(node.up.covered for node in nodes))


def _quotient(value: Fraction | None) -> tuple[int, int] | None:
    return None if value is None else (value.numerator, value.denominator)
