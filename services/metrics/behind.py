"""The figures that a record is made of: which unit said what, for which day, and who may name the observations.

A direct figure has nothing below it that counts; a sum leads down to the units whose own figures stand in it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from contracts.explanations import FigureBehind
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.doubts import among_sources, of_series
from services.metrics.exact import on_the_wire
from services.metrics.figures import PRELIMINARY, Figure, Increments
from services.metrics.rollup import Table
from services.metrics.series import Own, Series
from services.metrics.tables import Tables

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def figures_behind(
    definition: Definition, units: dict[str, Series], unit: str, window: Window, until: int, today: int
) -> list[FigureBehind]:
    """Everything that is in the record at the end of `until`, the latest day first."""
    found: list[FigureBehind] = []
    for one, own, first in _behind(definition, units, unit, window, until, today):
        found += _said(one, units[one], own, first, definition)
    return sorted(found, key=lambda one: (-one.as_of.toordinal(), one.org_unit, one.how))


def flagged(definition: Definition, units: dict[str, Series], found: Sequence[FigureBehind]) -> list[FigureBehind]:
    """The same figures, each with the flags that others give reason for beside those that it came with."""
    return [_flagged(definition, units[one.org_unit], one) for one in found]


def _flagged(definition: Definition, series: Series, one: FigureBehind) -> FigureBehind:
    day = one.as_of.toordinal()
    figure = next((figure for _, figure in series.standing_days(day, day)), None) if one.how == "absolute" else None
    if figure is None:
        return one
    differs = among_sources(series.days[day], figure)
    doubts = [*([] if differs is None else [differs]), *of_series(definition, series, day, figure)]
    flags = dict.fromkeys((*one.flags, *(doubt.code for doubt in doubts)))
    return one.model_copy(update={"flags": tuple(flags)}) if doubts else one


def holds(
    definition: Definition,
    units: dict[str, Series],
    unit: str,
    window: Window,
    until: int,
    today: int,
    said: tuple[str, int],
    how: Literal["absolute", "increments"],
) -> bool:
    """Whether what one unit said for one day (`said`) is in the record at the end of `until`."""
    speaker, day = said
    return any(
        one == speaker
        and any(
            figure.how == how and figure.as_of.toordinal() == day
            for figure in _said(one, units[one], own, first, definition)
        )
        for one, own, first in _behind(definition, units, unit, window, until, today)
    )


def units_in_sum(definition: Definition, units: dict[str, Series], unit: str, window: Window, until: int) -> set[str]:
    """The units directly below whose figures are part of the unit's; none where its own figure stands."""
    tables, told = Tables(definition, units).of(unit, window, min(until, window.last), until, former=True)
    found: set[str] = set()
    for table in tables:
        node = table.node(unit)
        if any(node is one for one in told) and not node.direct:
            found |= {child for child in table.moment.shape.children(unit) if table.node(child).day is not None}
    return found


def forecasts_of(units: dict[str, Series], unit: str, window: Window) -> list[FigureBehind]:
    """What the unit itself forecast for days of the period, the latest day first."""
    series = units.get(unit)
    days = [] if series is None else [day for day in reversed(series.order) if window.first <= day <= window.last]
    return [
        _absolute(unit, day, figure)
        for day in days
        if series is not None
        for figure in series.days[day].forecasts
        if not figure.retracts
    ]


def _behind(
    definition: Definition, units: dict[str, Series], unit: str, window: Window, until: int, today: int
) -> Iterator[tuple[str, Own, int]]:
    """The units whose own figures are in the record, what stands for them, and since when it is counted."""
    tables, told = Tables(definition, units).of(unit, window, min(until, window.last), today, former=True)
    if not told:
        return
    standing = {id(node) for node in told} if definition.sums_periods else {id(told[-1])}
    for table in tables:
        if id(table.node(unit)) in standing:
            for one, own in _standing(table, unit):
                if own.day >= window.first:
                    yield one, own, table.first


def _standing(table: Table, unit: str) -> Iterator[tuple[str, Own]]:
    """The units whose own figures stand in this one's."""
    node = table.node(unit)
    if node.direct and node.own is not None:
        yield unit, node.own
        return
    for child in table.moment.shape.children(unit):
        if table.node(child).as_of is not None:
            yield from _standing(table, child)


def _said(unit: str, series: Series, own: Own, first: int, definition: Definition) -> Iterator[FigureBehind]:
    """The absolute figure that stands, and the increments that were added to it; of a mean, all its readings."""
    if definition.kind.averages:
        for day, figure in series.standing_days(first, own.day):
            if figure.v is not None:
                yield _absolute(unit, day, figure)
        return
    for day in series.order:
        if not max(first, own.base) <= day <= own.day:
            continue
        content = series.days[day]
        if day == own.base and own.figure is not None:
            yield _absolute(unit, day, own.figure)
        elif day > own.base and content.increments is not None and definition.kind.increments:
            yield _increments(unit, day, content.increments)


def _absolute(unit: str, day: int, figure: Figure) -> FigureBehind:
    return FigureBehind.model_validate(
        {
            "org_unit": unit,
            "as_of": iso(day),
            "how": "absolute",
            "numerator": _shown(figure.n),
            "denominator": _shown(figure.d),
            "value": _shown(figure.v),
            "reported_at": moment_of(figure.reported_at),
            "preliminary": figure.grade == PRELIMINARY,
            **(figure.more or {}),
            "flags": figure.flags,
            "observations": [figure.id.hex()],
        }
    )


def _increments(unit: str, day: int, added: Increments) -> FigureBehind:
    return FigureBehind.model_validate(
        {
            "org_unit": unit,
            "as_of": iso(day),
            "how": "increments",
            "numerator": _shown(added.n),
            "denominator": _shown(added.d),
            "value": _shown(added.v),
            "reported_at": moment_of(added.reported_at),
            "preliminary": added.preliminary,
            "events": added.events,
            "observations": [one.hex() for one in added.ids],
        }
    )


def moment_of(microseconds: int) -> datetime:
    """The instant of a figure's `reported_at`."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _shown(number: int | None) -> int | float | None:
    return None if number is None else on_the_wire(number)
