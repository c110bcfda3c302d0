"""The score of a unit: the points of all items that have a value, and which have none."""

from collections.abc import Sequence
from typing import Any

from contracts.catalog import ScoreItem
from services.metrics.definition import Definition
from services.metrics.derived.made import Made, figure_of
from services.metrics.derived.points import of_best, of_goal, points, step_reached
from services.metrics.derived.source import Basis, Stood
from services.metrics.exact import SCALE, Quotient, nearest, scaled, stored


class Scoring:
    """Figures of one composite. Every source is read in the accounting period of its own that holds the day."""

    def __init__(self, definition: Definition, sources: Sequence[Basis]) -> None:
        self._definition = definition
        self._items = list(zip(definition.kpi.composite, sources, strict=True))
        self._best: dict[tuple[str, str, int], Quotient | None] = {}

    def figure(self, unit: str, day: int) -> Made | None:
        """What stands for the unit at the end of the day; None where no source has anything of this period."""
        found = [(item, source, source.at(unit, day)) for item, source in self._items]
        behind = [stood for _, _, stood in found if stood is not None]
        as_of = max((stood.as_of for stood in behind), default=0)
        if as_of < self._definition.accounting(day).first:
            return None
        total: Quotient | None = None
        shown = []
        for item, source, stood in found:
            brought = self.points(item, source, unit, day, stood)
            value = stood.value if stood is not None else None
            if brought is not None:
                p, q = total or (0, 1)
                total = p * brought[1] + brought[0] * q, q * brought[1]
            shown.append(_shown(item, brought, value))
        more: dict[str, Any] = {"items": shown}
        if total is None:
            more["why"] = "nothing_scored"
        return Made(as_of, figure_of(total, behind, more))

    def points(self, item: ScoreItem, source: Basis, unit: str, day: int, stood: Stood | None) -> Quotient | None:
        """What the item brings; None where it cannot be scored."""
        if stood is None or stood.value is None:
            return None
        return points(item, stood.value, self._share(item, source, unit, day, stood.value))

    def _share(self, item: ScoreItem, source: Basis, unit: str, day: int, value: Quotient) -> Quotient | None:
        definition = source.definition
        if item.rule == "best_peer":
            best = self._best_of(item, source, unit, day)
            return None if best is None else of_best(value, best, rises=definition.kpi.direction != "decrease")
        return of_goal(value, source.obligation(unit, day), definition.goal)

    def against(self, item: ScoreItem, source: Basis, unit: str, day: int, value: Quotient) -> Quotient | None:
        """What the value is held against: its goal, the best of the level, or the step that it reached."""
        definition = source.definition
        if item.rule == "steps":
            step = step_reached(item, value)
            return None if step is None else (scaled(step.at_least), SCALE)
        if item.rule == "best_peer":
            return self._best_of(item, source, unit, day)
        by = source.obligation(unit, day)
        goal = by.aim(value) if by is not None else definition.goal
        return None if goal is None else (goal, SCALE)

    def _best_of(self, item: ScoreItem, source: Basis, unit: str, day: int) -> Quotient | None:
        """The best value among the units of the same level, by the same day."""
        known = self._definition.catalog.units.get(unit)
        assert known is not None
        key = item.kpi, known.level, day
        if key not in self._best:
            peers = (source.at(peer, day) for peer in source.peers(known.level, day))
            values = [stood.value for stood in peers if stood is not None and stood.value is not None]
            self._best[key] = _best(values, rises=source.definition.kpi.direction != "decrease")
        return self._best[key]


def _best(values: Sequence[Quotient], *, rises: bool) -> Quotient | None:
    best: Quotient | None = None
    for p, q in values:
        if best is None or (p * best[1] > best[0] * q if rises else p * best[1] < best[0] * q):
            best = p, q
    return best


def _shown(item: ScoreItem, brought: Quotient | None, value: Quotient | None) -> list[Any]:
    """KPI, maximum, points and value, as the figure keeps them to be shown."""
    return [
        item.kpi,
        stored(scaled(item.maximum)),
        None if brought is None else nearest(brought),
        None if value is None else nearest(value),
    ]
