"""What a rebuild changed: the generation in force and its successor, side by side."""

from collections.abc import Iterator, Sequence

import orjson

from contracts.rebuilds import FigureChanged, RebuildReport, RecordChanged, RecordSaid
from services.metrics.days import iso
from services.metrics.definition import Definition
from services.metrics.exact import nearest
from services.metrics.figures import Day, Figure
from services.metrics.judging import Judging
from services.metrics.progress import Emission
from services.metrics.rebuilding.successor import Successor
from services.metrics.state import KpiState

NAMED = 50
"""Records, and figures, that a report names; the others it counts."""

_NOTHING = Day()


def report(former: KpiState, successor: Successor, said: Sequence[Emission], today: int) -> RebuildReport:
    """What is the same and what is not. `said`: what the successor has to say."""
    state = successor.state
    figures = list(figures_changed(former, state))
    days = {(unit, day) for one in (former, state) for unit, series in one.units.items() for day in series.days}
    news = [one for one in said if _is_news(former, one)]
    judged = Judging(former, successor.definition, today)
    return RebuildReport(
        generation=state.generation,
        folded=successor.folded,
        figures_same=len(days) - len(figures),
        figures_changed=len(figures),
        figures=tuple(figures[:NAMED]),
        records_same=len(state.records) - len(news),
        records_changed=len(news),
        records=tuple(_changed(former, successor.definition, judged, one) for one in news[:NAMED]),
    )


def figures_changed(former: KpiState, state: KpiState) -> Iterator[FigureChanged]:
    """The days of units of which they hold different figures, in order."""
    for unit, day, before, after in _days(former, state):
        if not _same(before, after):
            change = "added" if _empty(before) else "removed" if _empty(after) else "altered"
            yield FigureChanged(org_unit=unit, as_of=iso(day), change=change)


def losses(former: KpiState, state: KpiState) -> list[FigureChanged]:
    """The days of units of which the former generation knows something that its successor does not."""
    return [
        FigureChanged(org_unit=unit, as_of=iso(day), change="removed")
        for unit, day, before, after in _days(former, state)
        if _loses(before, after)
    ]


def _days(former: KpiState, state: KpiState) -> Iterator[tuple[str, int, Day, Day]]:
    for unit in sorted(former.units.keys() | state.units.keys()):
        old = former.units[unit].days if unit in former.units else {}
        new = state.units[unit].days if unit in state.units else {}
        for day in sorted(old.keys() | new.keys()):
            yield unit, day, old.get(day, _NOTHING), new.get(day, _NOTHING)


def _same(one: Day, other: Day) -> bool:
    return (
        one.figures == other.figures
        and one.increments == other.increments
        and one.forecasts == other.forecasts
        and one.since == other.since
    )


def _empty(content: Day) -> bool:
    return not (content.figures or content.forecasts or content.increments)


def _loses(before: Day, after: Day) -> bool:
    if before.increments is not None and before.increments.events > (
        after.increments.events if after.increments else 0
    ):
        return True
    return _beyond(before.figures, after.figures) or _beyond(before.forecasts, after.forecasts)


def _beyond(before: Sequence[Figure], after: Sequence[Figure]) -> bool:
    """Whether a source had a higher figure."""
    kept = {figure.source: figure[:4] for figure in after}
    return any(figure.source not in kept or figure[:4] > kept[figure.source] for figure in before)


def _is_news(former: KpiState, one: Emission) -> bool:
    known = former.records.get(_place(one))
    return known is None or known.version != one.version


def _place(one: Emission) -> tuple[str, str]:
    _, _, unit, period = one.key.split("/", 3)
    return unit, period


def _changed(former: KpiState, definition: Definition, judged: Judging, one: Emission) -> RecordChanged:
    unit, period = _place(one)
    content = orjson.loads(one.content)
    after = RecordSaid(version=one.version, status=one.status, as_of=content["as_of"], value=content["value"])
    known = former.records.get((unit, period))
    if known is None:
        return RecordChanged(org_unit=unit, period=period, before=None, after=after)
    reading = judged.judge(unit, definition.window(period), None)[0]
    before = RecordSaid(
        version=known.version,
        status=known.status,
        as_of=None if known.as_of is None else iso(known.as_of),
        value=None if reading.value is None else nearest(reading.value),
    )
    return RecordChanged(org_unit=unit, period=period, before=before, after=after)
