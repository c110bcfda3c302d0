"""One KPI judged over again in memory from its observations: what would have gone out when, under one catalog.

Figures are folded and records judged by what the service itself uses. Nothing is stored; forecasts are not made.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any, NamedTuple

from contracts import envelope
from contracts.progress import ProgressJudged
from services.metrics.closing import cuts
from services.metrics.definition import Definition
from services.metrics.duties import Duty
from services.metrics.fold import Fold
from services.metrics.observations import Observation, observation
from services.metrics.progress import Emission
from services.metrics.state import KpiState, chunks_for
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import NOTHING


class Said(NamedTuple):
    """Versions of records, and the moment at which they went out."""

    at: datetime
    records: list[ProgressJudged]


class Replay:
    """One KPI of reported figures. Moments are given in order."""

    def __init__(self, catalog: Catalog, kpi: str) -> None:
        self._definition = Definition(catalog, kpi)
        self._zone = catalog.zone
        self._state = KpiState(f"{catalog.province.id}/{kpi}", chunks_for(len(list(catalog.units))))
        self._offset = 0
        self._born = sorted({day for day in self._begins() if day is not None})
        self._day: int | None = None
        """The day on which all records were judged last."""

    def take(self, payloads: Sequence[dict[str, Any]], at: datetime) -> Iterator[Said]:
        """Figures that come at one moment, as the ledger has them; before them what time alone says until then. Raises
        KeyError, TypeError or ValueError for what is no observation."""
        yield from self.until(at)
        said: list[Emission] = []
        for part in self._parts([observation(content, self._zone) for content in payloads]):
            first, self._offset = self._offset, self._offset + len(part)
            said += self._fold().batch(part, first, self._offset - 1)
        yield _said(at, said)

    def until(self, moment: datetime) -> Iterator[Said]:
        """Let time pass: what changes with the days alone, each at its first instant."""
        today = moment.astimezone(self._zone).toordinal()
        if self._day is None:
            self._day = today
            yield _said(moment, self._judge(None))
        while (day := self._next(today)) is not None:
            since, self._day = self._day, day
            midnight = datetime.combine(date.fromordinal(day), time(), self._zone).astimezone(UTC)
            yield _said(midnight, self._judge(since))
        self._day = today

    def _parts(self, observations: Sequence[Observation]) -> Iterator[Sequence[Observation]]:
        """Cut before figures that change a record after its closing, and how it stood taken down before they come."""
        assert self._day is not None
        at = [0, *cuts(self._state, self._definition, observations, self._day), len(observations)]
        for number, (start, end) in enumerate(pairwise(at)):
            if number:
                self._fold().close(observations[start:end])
            if start < end:
                yield observations[start:end]

    def _judge(self, since: int | None) -> list[Emission]:
        assert self._day is not None
        due = [bucket for bucket, records in self._state.by_bucket.items() if _any_due(records.values(), self._day)]
        duty = Duty(self._definition, self._day, since, NOTHING, due)
        return self._fold().again(duty.records(self._state)) if duty else []

    def _next(self, today: int) -> int | None:
        """The first day after the last one, and no later than today, on which time alone changes anything."""
        assert self._day is not None
        dues = [record.due for record in self._state.records.values() if record.due is not None]
        days = [max(day, self._day + 1) for day in dues]
        days += [day for day in self._born if day > self._day]
        first = min(days, default=today + 1)
        return first if first <= today and self._day < today else None

    def _begins(self) -> Iterator[int | None]:
        return (self._definition.begins(unit, window) for unit, window in self._definition.bound_units())

    def _fold(self) -> Fold:
        assert self._day is not None
        return Fold(self._state, self._definition, self._day)


def _any_due(records: Any, day: int) -> bool:
    return any(record.due is not None and record.due <= day for record in records)


def _said(at: datetime, said: Sequence[Emission]) -> Said:
    judged_at = envelope.instant(at)
    return Said(at, [ProgressJudged.model_validate_json(emission.value(judged_at)) for emission in said])
