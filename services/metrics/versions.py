"""The versions of a record's target, side by side: what was judged under one stays as it was judged."""

from collections.abc import Iterator

import orjson

from contracts.explanations import TargetVersion
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.judging import Judging
from services.metrics.past import point_of
from services.metrics.state import KpiState


def versions(state: KpiState, definition: Definition, unit: str, window: Window, today: int) -> Iterator[TargetVersion]:
    """In the order in which they came to be valid; one that is to come later has judged nothing yet."""
    for target in definition.catalog.targets.versions(definition.kpi_id, unit, window.id):
        by = definition.obligation(target, window)
        until = today if target.valid_to is None else min(today, target.valid_to.toordinal() - 1)
        last = None
        if until >= window.first:
            reading, status, content, _ = Judging(state, definition, until).judge(unit, window, until)
            judged = orjson.loads(content)
            if reading.as_of is not None and judged["target"] == by.wire:
                last = point_of(status, judged)
        yield TargetVersion.model_validate(
            {"target": by.wire, "valid_from": target.valid_from, "valid_to": target.valid_to, "last": last}
        )
