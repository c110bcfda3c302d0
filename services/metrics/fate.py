"""What became of one observation: whether it stands, what stands in its place, which records it is in.

Pure, over state as it was loaded. The observation is the ledger's, so it was accepted; whether it has been folded yet
shows here: an absolute figure by what is kept of its source, an increment by the watermark of its document.
"""

from collections.abc import Iterator
from typing import Literal

from contracts.fates import FigureFate, RecordOfFigure
from contracts.fates import Standing as Word
from services.metrics.behind import holds
from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.doubting import doubts_of
from services.metrics.figures import Day, Figure
from services.metrics.judging import Judging
from services.metrics.observations import Observation
from services.metrics.state import KpiState

NOT_COUNTED = FigureFate(standing="not_counted")


def fate_of(state: KpiState, definition: Definition, said: Observation, today: int) -> FigureFate:
    """What became of `said`, an observation of this KPI."""
    word, by = _standing(state, said)
    doubts = []
    if said.figure is not None and word in ("stands", "outranked"):
        doubts = doubts_of(state, definition, said.unit, said.day, said.figure, today)
    return FigureFate.model_validate(
        {
            "standing": word,
            "by": None if by is None else by.id.hex(),
            "doubts": [doubt._asdict() for doubt in doubts],
            "records": [] if said.forecast else list(_records(state, definition, said, word, today)),
            "derived": _derived_from(definition),
        }
    )


def _standing(state: KpiState, said: Observation) -> tuple[Word, Figure | None]:
    series = state.units.get(said.unit)
    content = Day() if series is None else series.days.get(said.day, Day())
    if said.figure is None:
        if said.forecast:
            return "forecast", None
        _, bucket = state.figure_bucket(said.unit, said.day)
        return ("added" if bucket.folded.get((said.log, said.partition), -1) >= said.offset else "not_yet"), None
    return _absolute(content.forecasts if said.forecast else content.figures, content, said)


def _absolute(kept: tuple[Figure, ...], content: Day, said: Observation) -> tuple[Word, Figure | None]:
    mine = said.figure
    assert mine is not None
    held = next((one for one in kept if one.source == mine.source), None)
    if held is None or held[:4] < mine[:4]:
        return "not_yet", None
    if held.id != mine.id:
        return ("retracted" if held.retracts else "replaced"), held
    if said.forecast:
        return "forecast", None
    if mine.retracts:
        return "retracts", None
    stands = content.stands
    return ("stands", None) if stands is None or stands.id == mine.id else ("outranked", stands)


def _records(
    state: KpiState, definition: Definition, said: Observation, word: Word, today: int
) -> Iterator[RecordOfFigure]:
    how: Literal["absolute", "increments"] = "absolute" if said.figure is not None else "increments"
    counts = word in ("stands", "added")
    for unit, window in _of_its_day(state, definition, said):
        reading, *_ = Judging(state, definition, today).judge(unit, window, None)
        inside = (
            counts
            and reading.as_of is not None
            and holds(definition, state.units, unit, window, reading.as_of, today, (said.unit, said.day), how)
        )
        yield RecordOfFigure(org_unit=unit, period=window.id, holds=inside)


def _of_its_day(state: KpiState, definition: Definition, said: Observation) -> Iterator[tuple[str, Window]]:
    """The records that there are of its unit and of those above, then or later, in periods that contain its day."""
    if definition.catalog.units.get(said.unit) is None:
        return
    later = (unit for _, unit in definition.above_later(said.unit, said.day))
    for unit in (said.unit, *definition.shape(said.day).ancestors(said.unit), *later):
        windows = (*state.windows(definition, unit), *definition.windows_on(unit, said.day))
        for window in dict.fromkeys(windows):
            if window.first <= said.day <= window.last and (unit, window.id) in state.records:
                yield unit, window


def _derived_from(definition: Definition) -> list[str]:
    kpis = definition.catalog.kpis.values()
    return sorted(kpi.id for kpi in kpis if definition.kpi_id in kpi.sources)
