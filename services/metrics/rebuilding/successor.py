"""The next generation of a KPI: figures folded from the ledger alone, records that succeed those in force.

A record that says the same keeps its version, and whatever else is remembered of it; one that says something else gets
the next version. No version ever falls.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from contracts.progress import progress_key
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.duties import Duty
from services.metrics.fold import Fold
from services.metrics.observations import Observation, careful, observation
from services.metrics.progress import Emission
from services.metrics.replaced import Replaced
from services.metrics.state import KpiState, Record
from services.runtime.catalog.rejudging import NOTHING


class Successor:
    """What is folded so far. `folded` counts the observations that changed a figure."""

    def __init__(self, key: str, chunks: int, generation: int, definition: Definition) -> None:
        self.state = KpiState(key, chunks, generation)
        self.definition = definition
        self.folded = 0
        self._touched: set[tuple[str, Window]] = set()

    def take(self, payloads: Iterable[dict[str, Any]], today: int) -> None:
        """Fold observations as the ledger has them, in the order of their coordinates. Raises ValueError for what is no
        observation."""
        fold = Fold(self.state, self.definition, today)
        zone = self.definition.catalog.zone
        self._touched.update(fold.collect([_observation(content, zone) for content in payloads]))
        self.folded += fold.folded

    def succeed(
        self, former: KpiState, published: Mapping[str, int], today: int, replaced: Replaced | None = None
    ) -> list[Emission]:
        """Judge all records as of today; what is to be said afterwards. `published`: by record the highest version that
        ever went out, which the former generation may have lost. `replaced`: by what that was judged, if not by the
        definition in force."""
        state = self.state
        for (unit, period), record in former.records.items():
            state.place(unit, period, carried(record))
            state.record_moved(unit, period)
        for unit, period in former.owed():
            state.record_moved(unit, period, owes=True)
        for unit, period in former.awaiting():
            state.await_forecast(unit, period)
        records = self._touched.union(Duty(self.definition, today, None, NOTHING).records(state))
        for unit, window in records:
            said = published.get(progress_key(state.province, state.kpi, unit, window.id), 0)
            if said > (known := state.record(unit, window.id)).version:
                known.version, known.digest = said, b""
        fold = Fold(state, self.definition, today, replaced)
        owed = [(unit, self.definition.window(period)) for unit, period in state.owed()]
        return [*fold.repeat(owed), *fold.again(sorted(records))]

    def forecast_again(self) -> None:
        """Figures are not what they were: whatever was forecast is to be forecast from them, also where the judgement
        stayed as it was."""
        for (unit, period), record in self.state.records.items():
            if record.foretold is not None:
                record.foretold = record.foretold._replace(of=b"")
                self.state.record_moved(unit, period)
                self.state.await_forecast(unit, period)


def carried(record: Record) -> Record:
    """The record in the next generation: all that is remembered of it, whatever is judged anew afterwards."""
    return copy.copy(record)


def _observation(content: dict[str, Any], zone: Any) -> Observation:
    try:
        return observation(content, zone)
    except (KeyError, TypeError, ValueError, AttributeError):
        return observation(careful(orjson.dumps(content)), zone)
