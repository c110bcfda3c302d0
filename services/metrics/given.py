"""Which records there are because of figures.

Asked of a whole KPI when the catalog changed: then a figure may give a record to a unit that has come to be above its
own, or for a period that no target covers any more.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.series import Series
from services.metrics.state import KpiState


def given_by_figures(
    state: KpiState, definition: Definition, only: Collection[str] | None = None
) -> Iterator[tuple[str, Window]]:
    """The records of the units with figures and of those above, some more than once; of all units or `only` these."""
    if only is not None and not only:
        return
    known = definition.catalog.units
    for unit, series in state.units.items():
        if known.get(unit) is not None:
            for record in _given(unit, series, definition):
                if only is None or record[0] in only:
                    yield record


def _given(unit: str, series: Series, definition: Definition) -> Iterator[tuple[str, Window]]:
    order, at = series.order, 0
    while at < len(order):
        day = order[at]
        if series.latest(day, day) is None:  # nothing but a forecast
            at += 1
            continue
        above = definition.shape(day).ancestors(unit)
        records = [(one, window) for one in (unit, *above) for window in definition.windows_on(one, day)]
        yield from records
        at = bisect_right(order, _alike_until(day, (unit, *above), definition))


def _alike_until(day: int, units: tuple[str, ...], definition: Definition) -> int:
    """A day until which figures give the same records as on this one, so that most need not be looked at."""
    last = definition.accounting(day).last
    for unit in units:
        for window in definition.windows(unit):
            for end in (window.first - 1, window.last):
                if day <= end < last:
                    last = end
    turn = definition.tree_turns_after(day, last)
    return last if turn is None else turn - 1
