"""The view of a derived KPI: its figures made anew from what its sources have on the units of the asked day.

A unit shows the last accounting period in which anything stands for it. With each figure goes what of its sources is
not in it, and why; a figure that rests on nothing but what could not be carried is null, and says so.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from contracts.catalog import Kpi
from contracts.views import PeriodView
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.derived.made import Made
from services.metrics.derived.ranking import is_whole
from services.metrics.derived.remarks import named_in_both, remarks
from services.metrics.derived.told import behind
from services.metrics.documents import Document
from services.metrics.exact import nearest
from services.metrics.kinds.derived import WHY
from services.metrics.reasons import because, because_of
from services.metrics.views.carried import Reported, on_day
from services.metrics.views.rolled import Node, value_of
from services.metrics.views.wire import left_of, place_of, put_on_the_wire, units_on, worded
from services.runtime.catalog.carrying import View
from services.runtime.catalog.portable import DERIVED


def view_anew(
    definitions: Mapping[str, Definition],
    stored: Mapping[str, Iterable[Document]],
    kpi: str,
    window: Window,
    asked: View,
    today: int,
) -> PeriodView:
    """A derived KPI as it is now or as on a date.

    `definitions`: of the KPI and of all that it goes back to. `stored`: the figures of those that are reported.
    """
    on = asked.toordinal() if isinstance(asked, date) else today
    return put_on_the_wire(definitions[kpi], window, asked, _Anew(definitions, stored, kpi, window, on))


class _Shown(NamedTuple):
    """What a unit shows: made at the end of `day`, after which nothing was said of it up to `until`."""

    made: Made | None
    day: int
    until: int


class _Reading(NamedTuple):
    """Reported figures that a unit's own rests on."""

    source: Reported
    window: Window
    until: int
    node: Node


class _Anew:
    def __init__(
        self,
        definitions: Mapping[str, Definition],
        stored: Mapping[str, Iterable[Document]],
        kpi: str,
        window: Window,
        on: int,
    ) -> None:
        self.on = on
        self.reasons = (worded(DERIVED),)
        self._definition = definitions[kpi]
        self._window = window
        self._derived = on_day(definitions, stored, kpi, on)
        self._parts = [
            part
            for part in self._definition.accounting_in(window, window.last)
            if self._derived.said(Window(part.id, part.first, min(part.last, window.last)))
        ]
        self._shown = {unit: self._show(unit) for unit, _ in units_on(self._definition, on)}
        self._readings = {unit: list(self._rests_on(unit, shown)) for unit, shown in self._shown.items()}
        self._days = self._as_of()
        self.as_of = max(self._days.values(), default=None)

    def before(self) -> dict[str, Any] | None:
        """What is derived is not added up."""
        return None

    def after(self) -> dict[str, Any] | None:
        return None

    def units(self) -> Iterator[dict[str, Any]]:
        """Every unit of the day that has to do with the KPI, after the one above it."""
        for unit, parent in units_on(self._definition, self.on):
            shown, readings = self._shown[unit], self._readings[unit]
            expected = sorted({one for reading in readings for one in reading.node.expected})
            missing = sorted({one for reading in readings for one in reading.node.missing})
            yield {
                **place_of(self._definition, unit, parent, self._window, self.on),
                **self._figure(unit, shown),
                "estimated": any(reading.node.estimated and reading.node.as_of for reading in readings),
                "expected": len(expected),
                "missing": missing,
                "reasons": self._reasons(unit, shown, readings),
            }

    def not_carried(self) -> Iterator[dict[str, Any]]:
        """What of the sources is on no unit of the day."""
        used: dict[tuple[str, Window], _Reading] = {}
        for readings in self._readings.values():
            for one in readings:
                key = one.source.definition.kpi_id, one.window
                if key not in used or used[key].until < one.until:
                    used[key] = one
        for (kpi, _), reading in sorted(used.items()):
            left_behind = reading.source.carried(reading.window, reading.until).left()
            for left in sorted(left_behind, key=lambda one: one.bring.unit):
                yield {**left_of(reading.source.definition, left), "kpi": kpi}

    @property
    def _kpis(self) -> Mapping[str, Kpi]:
        return self._definition.catalog.kpis

    def _show(self, unit: str) -> _Shown:
        for part in reversed(self._parts):
            until = min(part.last, self._window.last)
            made = self._derived.made(unit, part, until)
            if made is not None and made.as_of >= self._window.first:
                return _Shown(made, self._derived.day(unit, part, until) or until, until)
        last = min(self._parts[-1].last if self._parts else self._window.last, self._window.last)
        return _Shown(None, last, last)

    def _as_of(self) -> dict[str, int]:
        """The day of each unit's figure; of who has none, the latest of those below."""
        found: dict[str, int] = {}
        for unit, parent in reversed(list(units_on(self._definition, self.on))):
            made = self._shown[unit].made
            if made is not None:
                found[unit] = made.as_of
            if parent is not None and unit in found:
                found[parent] = max(found[unit], found.get(parent, 0))
        return found

    def _figure(self, unit: str, shown: _Shown) -> dict[str, Any]:
        made, day = shown.made, self._days.get(unit)
        if made is None:
            return {"value": None, "as_of": None if day is None else iso(day), "made_of": "nothing"}
        n, d = made.figure.n, made.figure.d
        return {
            "value": None if n is None or d is None else nearest((n, d)),
            "as_of": iso(made.as_of),
            "made_of": "derived",
            "made_from": behind(self._definition, self._derived.sources, unit, shown.day),
            **self._rank(unit, made),
        }

    def _rank(self, unit: str, made: Made) -> dict[str, Any]:
        if not self._definition.kind.ranked:
            return {}
        field, place = self._fields.get(self._level(unit), []), self._place(made)
        return {"rank": None if place is None else bisect_left(field, place) + 1, "of": len(field)}

    @cached_property
    def _fields(self) -> dict[str, list[Fraction]]:
        """What all that are ranked are ranked by, the best first, by level."""
        found: dict[str, list[Fraction]] = {}
        for unit, shown in self._shown.items():
            place = self._place(shown.made)
            if place is not None:
                insort(found.setdefault(self._level(unit), []), place)
        return found

    def _place(self, made: Made | None) -> Fraction | None:
        """What the figure is ranked by, the lower the better; None of one that is not ranked."""
        if made is None or made.figure.n is None or made.figure.d is None or not is_whole(made.figure):
            return None
        score = Fraction(made.figure.n, made.figure.d)
        return score if self._definition.kpi.direction == "decrease" else -score

    def _level(self, unit: str) -> str:
        known = self._definition.catalog.units.get(unit)
        return known.level if known is not None else ""

    def _rests_on(self, unit: str, shown: _Shown) -> Iterator[_Reading]:
        for source, window, until in self._derived.rests_on(unit, shown.day, shown.until):
            yield _Reading(source, window, until, source.carried(window, until).node(unit))

    def _reasons(self, unit: str, shown: _Shown, readings: list[_Reading]) -> list[dict[str, str]]:
        """Why there is no value, and what is not in it; of who has figures of this KPI."""
        if not self._definition.may_report(unit):
            return []
        return [*_why(shown.made, self._kpis), *self._told(unit, readings)]

    def _told(self, unit: str, readings: list[_Reading]) -> Iterator[dict[str, str]]:
        """What of the sources is not in the unit's figure."""
        for reading in readings:
            definition, node = reading.source.definition, reading.node
            vi, en = named_in_both(self._kpis, definition.kpi_id)
            lost = reading.source.carried(reading.window, reading.until).lost.get(unit, {})
            for reason, units in sorted(lost.items(), key=lambda item: item[0].code):
                yield because_of(
                    "source_not_carried",
                    {"kpi": vi, "count": str(len(units)), "why": reason.text_vi},
                    {"kpi": en, "count": str(len(units)), "why": reason.text_en},
                )
            direct = node.own and not definition.shape(self.on).is_leaf(unit)
            if node.missing and not direct and value_of(definition, node.figure) is not None:
                there, due = len(node.expected) - len(node.missing), len(node.expected)
                numbers = {"period": reading.window.id, "there": str(there), "due": str(due)}
                yield because_of("source_incomplete", {"kpi": vi, **numbers}, {"kpi": en, **numbers})


def _why(made: Made | None, kpis: Mapping[str, Kpi]) -> list[dict[str, str]]:
    if made is None:
        return []
    more = made.figure.more or {}
    why = [because(str(more[WHY]))] if WHY in more else []
    return why + remarks(made.figure, kpis)
