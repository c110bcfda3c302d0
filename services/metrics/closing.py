"""Closed periods: what figures change that were reported after deadline and grace had passed, and what another catalog
changes that came into force after that.

How a record stood is taken down before the first such figure is folded, and made durable before: so it is no matter
whether the clock, a batch or a repeat of one comes first. It is no part of the judgement, which is that of all figures
and of the catalog in force.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from services.metrics.days import Window, iso, local_day
from services.metrics.definition import Definition
from services.metrics.judge import NO_TARGET
from services.metrics.observations import Observation
from services.metrics.reasons import Reason, because
from services.metrics.state import BOTH, CATALOG, LATER_FIGURES, Closed, KpiState, Record

_A_DAY = 86_400_000_000
_1970 = 719_163


class Closing(NamedTuple):
    """A record that is to be taken down. `day`: the first on which it is closed."""

    unit: str
    window: Window
    day: int


def cuts(state: KpiState, definition: Definition | None, observations: Sequence[Observation], today: int) -> list[int]:
    """Where to cut a batch, so that whatever a part of it changes after its closing can be taken down before that part.

    In each part no figure changes a record after its closing for which an earlier one of the part still counted.
    """
    at = _first_later(state, definition, observations, today)
    if at is None or definition is None:
        return []
    found, counted = [at], set[tuple[str, str]]()
    for index, one in enumerate(observations[at:], at):
        late = {(closing.unit, closing.window.id) for closing in closings(state, definition, one, today)}
        if not late.isdisjoint(counted):
            found.append(index)
            counted.clear()
        counted.update(
            (unit, window.id) for unit, window, _, closed in _judged(state, definition, one, today) if not closed
        )
    return found


def _first_later(
    state: KpiState, definition: Definition | None, observations: Sequence[Observation], today: int
) -> int | None:
    """Where in a batch the first figure is that comes after the closing of a record which is not taken down yet."""
    first = definition.first_closing if definition is not None else None
    if definition is None or first is None or today < first:
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
    """The records which the observation may change after their closing, and that are not taken down yet. Only a target
    closes a record for figures."""
    for unit, window, day, too_late in _judged(state, definition, one, today):
        if too_late:
            record = state.records.get((unit, window.id))
            closed = None if record is None else record.closed
            if not is_of(closed, day) or (closed is not None and closed.why == CATALOG):
                yield Closing(unit, window, day)


def _judged(
    state: KpiState, definition: Definition, one: Observation, today: int
) -> Iterator[tuple[str, Window, int, bool]]:
    """The records with a target for which the observation counts, the day of their closing, and whether it comes after
    that."""
    content = one.figure or one.increments
    if content is None or one.forecast or definition.catalog.units.get(one.unit) is None:
        return
    reported_on = min(today, local_day(content.reported_at, definition.catalog.zone))
    above = definition.shape(one.day).ancestors(one.unit)
    later = (unit for _, unit in definition.above_later(one.unit, one.day))
    for unit in (one.unit, *above, *later):
        for window in state.windows(definition, unit):
            if not window.first <= one.day <= window.last:
                continue
            verdict = definition.judging(unit, window, today)
            if verdict is not None and one.day <= verdict.deadline:
                yield unit, window, verdict.missed_on, reported_on >= verdict.missed_on


def is_of(closed: Closed | None, day: int) -> bool:
    """Whether it was taken down at this closing: a catalog may have opened the period again meanwhile."""
    return closed is not None and closed.closed_on >= iso(day)


def for_later_figures(found: Closing, record: Record, content: bytes, catalog: str) -> Closed:
    """How a record stands before the first later figure."""
    if record.closed is not None and is_of(record.closed, found.day):
        return record.closed._replace(why=BOTH)
    return _taken_down(content, found.day, record.version, catalog, LATER_FIGURES)


def for_a_catalog(record: Record, day: int, content: bytes, catalog: str) -> Closed:
    """How a record stood under the catalog before, the last one under which it did."""
    if record.closed is not None and is_of(record.closed, day):
        return record.closed if record.closed.why == CATALOG else record.closed._replace(why=BOTH)
    return _taken_down(content, day, record.version, catalog, CATALOG)


def _taken_down(content: bytes, day: int, version: int, catalog: str, why: str) -> Closed:
    """`version`: the one that says so, 0 if none was published."""
    said = orjson.loads(content)
    judged = said["status"], said["value"], said["as_of"], said["pace"]
    return Closed(*judged, iso(day), version or None, said["target"], catalog, why)


def same(closed: Closed, content: bytes) -> bool:
    """Whether a judgement says what stood at the closing. Of no value the date says nothing."""
    said = orjson.loads(content)
    if said["value"] is None and closed.value is None:
        return bool(said["status"] == closed.status)
    return bool((said["status"], said["value"], said["as_of"], said["pace"]) == closed[:4])


def reasons(closed: Closed, content: bytes) -> Iterator[Reason]:
    """Why something else stands beside a judgement."""
    if closed.why != CATALOG and b'"later_correction"' not in content:
        yield because("later_correction")
    if closed.why != LATER_FIGURES:
        yield because("closed_judged_again")


def shown(closed: Closed | None, day: int, today: int, content: bytes) -> Closed | None:
    """What stands beside the judgement: the closed one, where it says something else. `day`: on which the period is
    closed; if a catalog opened it again, later figures correct nothing that is closed."""
    if closed is None or (closed.status == NO_TARGET and closed.as_of is None):
        return None
    if closed.why == LATER_FIGURES and (today < day or not is_of(closed, day)):
        return None
    return None if same(closed, content) else closed
