"""A record's past: the series by `as_of`, each point judged as on its own day.

Points are of the figures as they stand now; what was said on a former day is `then`'s business.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from contracts.explanations import History, HistoryPoint
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.exact import nearest
from services.metrics.judging import Judging
from services.metrics.obligation import Obligation
from services.metrics.observations import Observation
from services.metrics.state import KpiState
from services.metrics.then import Former, concerns, said_on

POINTS = 400
"""Points in one answer; the latest are shown."""


def history(
    state: KpiState,
    definition: Definition,
    unit: str,
    window: Window,
    today: int,
    former: Former | None = None,
    given: Iterable[Observation] = (),
) -> History:
    """The series of a record up to `today`; `former`: also what was said on that day, with what the ledger has
    `given`."""
    present = definition.judging(unit, window, min(max(today, window.first), window.last))
    days = sorted(set(_days(state, definition, unit, window, today)))
    points: dict[str, HistoryPoint] = {}
    for day in days[-POINTS:]:
        reading, status, content, _ = Judging(state, definition, day).judge(unit, window, day)
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
            "plan": [] if present is None else list(_corners(definition, present, window, window.first, window.last)),
            "plans": list(_plans(definition, unit, window)),
            "said": None if former is None else said_on(state, former, unit, window.id, given),
        }
    )


def point_of(status: str, judged: dict[str, Any]) -> HistoryPoint:
    """A judgement in brief."""
    target = judged["target"]
    named = {} if target is None else {"target": target["id"], "target_version": target["version"]}
    return HistoryPoint.model_validate({**judged, "target": None, **named, "goal": goal_of(judged), "status": status})


def goal_of(judged: Mapping[str, Any]) -> float | None:
    """The target of a judgement as it is told; of a band the nearer edge, which is what is planned of one."""
    target = judged["target"]
    goal: float | None = None if target is None else judged["planned"] if target["value"] is None else target["value"]
    return goal


def _days(state: KpiState, definition: Definition, unit: str, window: Window, today: int) -> Iterator[int]:
    """The days of the period on which the unit, or one below it on that day, has a figure."""
    for other, series in state.units.items():
        for day in series.order:
            if window.first <= day <= min(window.last, today) and concerns(definition, unit, other, day):
                content = series.days[day]
                if content.figures or content.increments is not None:
                    yield day


def _plans(definition: Definition, unit: str, window: Window) -> Iterator[dict[str, Any]]:
    """Each version over the days of the period, up to its deadline, on which it holds."""
    turns = [day for day in definition.turns(unit, window) if window.first < day <= window.last]
    starts = [window.first, *dict.fromkeys(turns)]
    for first, after in zip(starts, [*starts[1:], window.last + 1], strict=True):
        by = definition.judging(unit, window, first)
        if by is None or by.deadline < first:
            continue
        last = min(after - 1, by.deadline)
        yield {
            "target": by.wire["id"],
            "target_version": by.wire["version"],
            "first": iso(first),
            "last": iso(last),
            "goal": by.wire["value"],
            "points": list(_corners(definition, by, window, first, last)),
        }


def _corners(
    definition: Definition, by: Obligation, window: Window, first: int, last: int
) -> Iterator[tuple[str, float]]:
    """A plan at its ends between two days, and at the end of each natural unit of time between."""
    if by.curve is None:
        return
    day, end = max(by.baseline_on, first), min(by.deadline, last)
    per = definition.natural_unit(window)
    while day <= end:
        yield iso(day), nearest(by.curve.planned(day))
        if day == end:
            return
        day = min(definition.end_of_unit(per, day + 1), end)
