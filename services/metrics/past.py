"""A record's past: the series by `as_of`, each point judged as on its own day, and what was known on a former day.

Points are of the figures as they stand now. Of what was said on a former day only that is known which still stands:
a figure that was replaced since is in ingest's ledger alone, and the answer says that something is missing.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson

from contracts.explanations import History, HistoryPoint, SaidThen, Step
from services.metrics.behind import moment_of
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.exact import nearest
from services.metrics.figures import Day
from services.metrics.fold import Fold
from services.metrics.state import KpiState
from services.metrics.wording import step

POINTS = 400
"""Points in one answer; the latest are shown."""


def history(
    state: KpiState, definition: Definition, unit: str, window: Window, today: int, on: int | None = None
) -> History:
    """The series of a record up to `today`; `on`: also what was said on that day."""
    days = sorted(set(_days(state, definition, unit, window, today)))
    points: dict[str, HistoryPoint] = {}
    for day in days[-POINTS:]:
        reading, status, content, _ = Fold(state, definition, day).judge(unit, window, day)
        # A later day on which the same figure still stands says nothing of the day that it is dated to.
        if reading.as_of is not None and iso(reading.as_of) not in points:
            points[iso(reading.as_of)] = point_of(status, orjson.loads(content))
    return History.model_validate(
        {
            "province": definition.catalog.province.id,
            "kpi": definition.kpi_id,
            "org_unit": unit,
            "period": window.id,
            "first": iso(window.first),
            "last": iso(window.last),
            "unit_of_measure": definition.kpi.unit_of_measure,
            "catalog_version": definition.catalog.version,
            "points": [points[day] for day in sorted(points)],
            "earlier": max(len(days) - POINTS, 0),
            "plan": list(_plan(definition, unit, window, today)),
            "said": None if on is None else _said_on(state, definition, unit, window, on),
        }
    )


def point_of(status: str, judged: dict[str, Any]) -> HistoryPoint:
    """A judgement in brief."""
    target = judged["target"]
    named = {} if target is None else {"target": target["id"], "target_version": target["version"]}
    return HistoryPoint.model_validate({**judged, "target": None, **named, "status": status})


def _days(state: KpiState, definition: Definition, unit: str, window: Window, today: int) -> Iterator[int]:
    """The days of the period on which the unit, or one below it on that day, has a figure."""
    for other, series in state.units.items():
        for day in series.order:
            if window.first <= day <= min(window.last, today) and _concerns(definition, unit, other, day):
                content = series.days[day]
                if content.figures or content.increments is not None:
                    yield day


def _concerns(definition: Definition, unit: str, other: str, day: int) -> bool:
    return other == unit or (definition.kind.computed and unit in definition.shape(day).ancestors(other))


def _plan(definition: Definition, unit: str, window: Window, today: int) -> Iterator[tuple[str, float]]:
    """The plan at its ends and at the end of each natural unit of time between."""
    by = definition.judging(unit, window, min(max(today, window.first), window.last))
    if by is None or by.curve is None:
        return
    day, end = max(by.baseline_on, window.first), min(by.deadline, window.last)
    per = definition.natural_unit(window)
    while day <= end:
        planned = by.curve.planned(day)
        if planned is not None:
            yield iso(day), nearest(planned)
        if day == end:
            return
        day = min(definition.end_of_unit(per, day + 1), end)


# what was said on a former day


def _said_on(state: KpiState, definition: Definition, unit: str, window: Window, on: int) -> SaidThen:
    midnight = datetime.combine(date.fromordinal(on) + timedelta(days=1), time(), definition.catalog.zone)
    then = KpiState(state.key, state.chunks)
    later = mixed = 0
    for other, series in state.units.items():
        kept = then.series(other)
        for day in series.order:
            if day > on:
                break
            known, left_out = _known(series.days[day], midnight)
            if known.figures or known.increments is not None:
                kept.put(day, known)
            if window.first <= day <= window.last and _concerns(definition, unit, other, day):
                later += left_out
                mixed += known.increments is not None and moment_of(known.increments.reported_at) >= midnight
    doubts: list[Step] = []
    if later:
        doubts.append(step("replaced", {"count": str(later)}))
    if mixed:
        doubts.append(step("mixed_increments", {"count": str(mixed)}))
    judged = Fold(then, definition, on).judge(unit, window, None)[2]
    return SaidThen.model_validate(
        {"on": iso(on), "judged": orjson.loads(judged), "certain": not doubts, "doubts": doubts}
    )


def _known(content: Day, before: datetime) -> tuple[Day, int]:
    """What of the day was reported before that moment, and how many figures were not."""
    known = tuple(figure for figure in content.figures if moment_of(figure.reported_at) < before)
    return Day(known, content.increments), len(content.figures) - len(known)
