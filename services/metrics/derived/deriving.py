"""The whole series of a derived KPI, and what of it differs from what is stored.

For each unit and each day on which one of its sources said something of it, in order: what the rule makes of what stood
at the end of that day. It stands for the `as_of` of what it was made from; whatever stood for a later day by then does
not stand any more, as with the sources themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from contracts.catalog import KpiKind
from services.metrics.definition import Definition
from services.metrics.derived.growth import Growing
from services.metrics.derived.made import Made
from services.metrics.derived.score import Scoring
from services.metrics.derived.source import Basis, Source
from services.metrics.figures import Figure
from services.metrics.state import KpiState

Figures = dict[str, dict[int, Figure | None]]
"""Figures by unit and day. None: nothing stands for the day, but something was said."""


class Maker(Protocol):
    """The rule of a kind."""

    def __init__(self, definition: Definition, sources: Sequence[Basis]) -> None: ...

    def figure(self, unit: str, day: int) -> Made | None:
        """What stands for the unit at the end of the day; None where nothing does."""
        ...


MAKERS: Mapping[KpiKind, type[Maker]] = {"growth": Growing, "composite": Scoring}


def derive(definition: Definition, sources: Sequence[Source], since: int) -> Figures:
    """The figures of the accounting periods from the one on that holds the day `since`; 0 for all there are.

    `sources`: as the KPI names them.
    """
    maker = MAKERS[definition.kpi.kind](definition, sources)
    first = definition.accounting(since).first if since else 0
    standing: dict[tuple[str, int], list[Made]] = {}
    found: Figures = {}
    for day, units in _spoken(sources, first):
        period = definition.accounting(day).first
        for unit in units:
            if not definition.may_report(unit):
                continue
            stack = standing.get((unit, period))
            if stack is None:
                stack = standing[unit, period] = []
            found.setdefault(unit, {})[day] = None
            made = maker.figure(unit, day)
            while stack and (made is None or stack[-1].as_of >= made.as_of):
                stack.pop()
            if made is not None:
                stack.append(made)
    for (unit, _), stack in standing.items():
        found[unit].update({made.as_of: made.figure for made in stack})
    return found


def differences(state: KpiState, found: Figures, since: int) -> Figures:
    """What has to change for the stored figures to be those that were found. `since`: the first day looked at."""
    changes: Figures = {}
    for unit, mine in found.items():
        held = state.units[unit].days if unit in state.units else {}
        for day, figure in mine.items():
            stored = held.get(day)
            wanted = () if figure is None else (figure,)
            if stored is None or stored.figures != wanted:
                changes.setdefault(unit, {})[day] = figure
    for unit, series in state.units.items():
        mine = found.get(unit, {})
        for day in series.order:
            if day >= since and day not in mine and series.days[day].figures:
                changes.setdefault(unit, {})[day] = None
    return changes


def in_turns(changes: Figures, size: int) -> Iterator[Figures]:
    """The changes in the order of their days, so many at a time or a few more."""
    by_day: dict[int, list[str]] = {}
    for unit, mine in changes.items():
        for day in mine:
            by_day.setdefault(day, []).append(unit)
    turn: Figures = {}
    count = 0
    for day in sorted(by_day):
        for unit in by_day[day]:
            turn.setdefault(unit, {})[day] = changes[unit][day]
        count += len(by_day[day])
        if count >= size:
            yield turn
            turn, count = {}, 0
    if turn:
        yield turn


def _spoken(sources: Sequence[Source], since: int) -> Iterator[tuple[int, set[str]]]:
    by_day: dict[int, set[str]] = {}
    for source in sources:
        for day, units in source.spoken(since).items():
            by_day.setdefault(day, set()).update(units)
    yield from sorted(by_day.items())
