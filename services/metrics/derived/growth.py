"""The growth of a KPI: its value in the accounting period so far ÷ its value of a whole earlier one."""

from collections.abc import Sequence

from services.metrics.definition import Definition
from services.metrics.derived.made import Made, figure_of
from services.metrics.derived.source import Basis


class Growing:
    """Figures of one growth."""

    def __init__(self, definition: Definition, sources: Sequence[Basis]) -> None:
        assert definition.kpi.growth is not None
        self._back = definition.kpi.growth.periods_back
        (self._source,) = sources

    def figure(self, unit: str, day: int) -> Made | None:
        """What stands for the unit at the end of the day; None where its source has nothing."""
        now, then = self._source.at(unit, day), self._source.whole(unit, day, self._back)
        if now is None:
            return None
        behind = [now] if then is None else [now, then]
        if now.value is None:
            return Made(now.as_of, figure_of(None, behind, {"why": "source_without_value"}))
        if then is None or then.value is None:
            return Made(now.as_of, figure_of(None, behind, {"why": "no_earlier_value"}))
        (p, q), (earlier, over) = now.value, then.value
        if earlier <= 0:
            return Made(now.as_of, figure_of(None, behind, {"why": "earlier_not_positive"}))
        more = {"units": [now.units, then.units]} if then.units != now.units else None
        return Made(now.as_of, figure_of((p * over, q * earlier), behind, more))
