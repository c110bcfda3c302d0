"""The score of a unit among those of its level, as a record shows it."""

from bisect import bisect_left
from datetime import date
from fractions import Fraction
from typing import Any

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.exact import loaded, nearest, on_the_wire
from services.metrics.figures import Figure
from services.metrics.reading import Reading, Readings


class Ranking:
    """Ranks of one composite on one day. What is worked out is kept: no figure moves while it is in use.

    Ranked are the units of which every item has a value: the points of the others are not yet what they will be.
    """

    def __init__(self, definition: Definition, readings: Readings, today: int) -> None:
        self._definition = definition
        self._readings = readings
        self._today = today
        self._fields: dict[tuple[str, Window, int, bool], list[Fraction]] = {}

    def score(self, unit: str, window: Window, reading: Reading, limit: int | None) -> dict[str, Any] | None:
        """Points, rank, and what each item brought; None where there is no figure."""
        figure = reading.own[-1].figure if reading.own else None
        if figure is None or figure.more is None:
            return None
        items = [
            {"kpi": kpi, "maximum": on_the_wire(loaded(maximum)), "points": points, "value": value}
            for kpi, maximum, points, value in figure.more["items"]
        ]
        field = self._field(unit, window, limit)
        rank = None
        if reading.value is not None and is_whole(figure):
            rank = bisect_left(field, self._key(*reading.value)) + 1
        return {
            "points": None if reading.value is None else nearest(reading.value),
            "maximum": on_the_wire(sum(loaded(maximum) for _, maximum, _, _ in figure.more["items"])),
            "rank": rank,
            "of": len(field),
            "items": items,
        }

    def _field(self, unit: str, window: Window, limit: int | None) -> list[Fraction]:
        """The scores of the units that are ranked with this one, the best first."""
        units = self._definition.catalog.units
        known = units.get(unit)
        if known is None:
            return []
        _, ended = self._definition.lifetime(unit)
        on = min(window.last, self._today if limit is None else limit, ended)
        key = known.level, window, on, limit is None
        found = self._fields.get(key)
        if found is None:
            peers = units.of_level(known.level, date.fromordinal(on))
            scores = (self._whole_score(peer, window, limit) for peer in peers)
            found = self._fields[key] = sorted(score for score in scores if score is not None)
        return found

    def _whole_score(self, unit: str, window: Window, limit: int | None) -> Fraction | None:
        until = window.last if limit is None else limit
        told = self._readings.told(unit, window, until, self._today, former=limit is not None)
        if not told or told[-1].value is None or told[-1].own is None or not is_whole(told[-1].own.figure):
            return None
        return self._key(*told[-1].value)

    def _key(self, p: int, q: int) -> Fraction:
        score = Fraction(p, q)
        return score if self._definition.kpi.direction == "decrease" else -score


def is_whole(figure: Figure | None) -> bool:
    """Whether every item brought points."""
    more = figure.more if figure is not None else None
    return more is not None and all(points is not None for _, _, points, _ in more["items"])
