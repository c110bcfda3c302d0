"""What was said on a former day: the judgement over what had been reported by the end of that day, by today's catalog.

Of a unit and day metrics keeps the figures that stand, and when the first was reported. Where some were reported before
that day's end and some after, what they replaced is in ingest's ledger alone: given the observations, the day is put
together exactly as it stood; without them the answer names the unit and day, and is not certain.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson

from contracts.explanations import SaidThen
from services.metrics.behind import moment_of
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.figures import Day
from services.metrics.fold import Fold
from services.metrics.observations import Observation
from services.metrics.state import KpiState
from services.metrics.wording import step

NAMED = 1_000
"""Units and days that an answer names as not certain."""

Concerns = Callable[[str, int], bool]
"""Whether a unit's figures of a day are any of the record's."""


def said_on(
    state: KpiState,
    definition: Definition,
    unit: str,
    window: Window,
    on: int,
    concerns: Concerns,
    given: Iterable[Observation] = (),
) -> SaidThen:
    """What was said at the end of the day `on`. `given`: observations from the ledger, of days that are not certain."""
    midnight = datetime.combine(date.fromordinal(on) + timedelta(days=1), time(), definition.catalog.zone)
    ledger: defaultdict[tuple[str, int], list[Observation]] = defaultdict(list)
    for one in given:
        ledger[one.unit, one.day].append(one)
    then = KpiState(state.key, state.chunks)
    unsure: list[dict[str, Any]] = []
    first = definition.accounting(window.first).first
    for other, series in state.units.items():
        kept = then.series(other)
        for day in series.order:
            if day > on:
                break
            known = _known(series.days[day], ledger.get((other, day), ()), midnight)
            if known is None:
                known = _supposed(series.days[day], midnight)
                if first <= day <= window.last and concerns(other, day):
                    unsure.append({"org_unit": other, "as_of": iso(day)})
            if known.figures or known.increments is not None:
                kept.put(day, known)
    judged = Fold(then, definition, on).judge(unit, window, None)[2]
    unsure.sort(key=lambda one: (one["as_of"], one["org_unit"]))
    return SaidThen.model_validate(
        {
            "on": iso(on),
            "judged": orjson.loads(judged),
            "certain": not unsure,
            "doubts": [step("replaced", {"count": str(len(unsure))})] if unsure else [],
            "incomplete": unsure[:NAMED],
            "incomplete_count": len(unsure),
        }
    )


def _known(content: Day, ledger: Sequence[Observation], before: datetime) -> Day | None:
    """What was known of the day before that moment; None where that cannot be told."""
    later = [figure for figure in content.figures if moment_of(figure.reported_at) >= before]
    added_later = content.increments is not None and moment_of(content.increments.reported_at) >= before
    if not later and not added_later:
        return content
    if content.since is None or moment_of(content.since) >= before:
        return Day(tuple(figure for figure in content.figures if figure not in later))
    return _as_it_stood(ledger, before) if _is_whole(content, ledger) else None


def _is_whole(content: Day, ledger: Sequence[Observation]) -> bool:
    """Whether the ledger has all that was ever said of the day: what stands, every increment, and the first report."""
    figures = [one.figure for one in ledger if one.figure is not None and not one.forecast]
    increments = [one.increments for one in ledger if one.increments is not None and not one.forecast]
    moments = [figure.reported_at for figure in figures if not figure.retracts]
    moments += [increment.reported_at for increment in increments]
    return (
        {figure.id for figure in content.figures} <= {figure.id for figure in figures}
        and len(increments) == (0 if content.increments is None else content.increments.events)
        and min(moments, default=None) == content.since
    )


def _as_it_stood(ledger: Sequence[Observation], before: datetime) -> Day:
    day = Day()
    for one in ledger:
        if one.forecast:
            continue
        if one.figure is not None and moment_of(one.figure.reported_at) < before:
            day.take(one.figure)
        elif one.increments is not None and moment_of(one.increments.reported_at) < before:
            day.add(one.increments)
    return day


def _supposed(content: Day, before: datetime) -> Day:
    """The best guess: the figures that still stand and were known, and all that was ever added."""
    known = tuple(figure for figure in content.figures if moment_of(figure.reported_at) < before)
    return Day(known, content.increments)
