"""Closed periods: what figures change that were reported after deadline and grace had passed.

How a record stood is taken down before the first such figure is folded, and made durable before: so it is no matter
whether the clock, a batch or a repeat of one comes first. It is no part of the judgement, which is that of all figures.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from services.metrics.days import Window, iso, local_day
from services.metrics.definition import Definition
from services.metrics.obligation import Obligation
from services.metrics.observations import Observation
from services.metrics.state import Closed, KpiState

_A_DAY = 86_400_000_000
_1970 = 719_163


class Closing(NamedTuple):
    """A record that is to be taken down, and the target that says since when it is closed."""

    unit: str
    window: Window
    verdict: Obligation


def first_later(
    state: KpiState, definition: Definition | None, observations: Sequence[Observation], today: int
) -> int | None:
    """Where in a batch the first figure is that comes after the closing of a record which is not taken down yet."""
    if definition is None or definition.first_closing is None or today < definition.first_closing:
        return None
    waits = definition.least_grace - 1  # one day less, since days begin later in UTC
    for at, one in enumerate(observations):
        content = one.figure or one.increments
        if content is None or content.reported_at // _A_DAY + _1970 - one.day < waits:
            continue
        if any(closings(state, definition, one, today)):
            return at
    return None


def closings(state: KpiState, definition: Definition, one: Observation, today: int) -> Iterator[Closing]:
    """The records which the observation may change after their closing, and that are not taken down yet."""
    content = one.figure or one.increments
    if content is None or one.forecast or definition.catalog.units.get(one.unit) is None:
        return
    reported_on = local_day(content.reported_at, definition.catalog.zone)
    above = definition.shape(one.day).ancestors(one.unit)
    later = (unit for _, unit in definition.above_later(one.unit, one.day))
    for unit in (one.unit, *above, *later):
        for window in state.windows(definition, unit):
            if not window.first <= one.day <= window.last:
                continue
            verdict = definition.judging(unit, window, today)
            if verdict is None or one.day > verdict.deadline or min(today, reported_on) < verdict.missed_on:
                continue
            record = state.records.get((unit, window.id))
            if record is None or not is_of(record.closed, verdict):
                yield Closing(unit, window, verdict)


def is_of(closed: Closed | None, verdict: Obligation) -> bool:
    """Whether it was taken down at this closing: a catalog may have opened the period again meanwhile."""
    return closed is not None and closed.closed_on >= iso(verdict.missed_on)


def taken_down(content: bytes, verdict: Obligation, version: int) -> Closed:
    """How a record stands. `version`: the one that says so, 0 if none was published."""
    said = orjson.loads(content)
    closed_on = iso(verdict.missed_on)
    return Closed(said["status"], said["value"], said["as_of"], said["pace"], closed_on, version or None)


def shown(closed: Closed | None, verdict: Obligation | None, today: int, content: bytes) -> Closed | None:
    """What stands beside the judgement: the closed one, where the period is closed and it says something else."""
    if closed is None or verdict is None or today < verdict.missed_on or not is_of(closed, verdict):
        return None
    said = orjson.loads(content)
    same = (said["status"], said["value"], said["as_of"], said["pace"]) == closed[:4]
    return None if same else closed
