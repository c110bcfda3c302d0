"""Which figures of a batch are doubted, as `statistics.doubted.v1` says it.

Asked after the whole batch is folded and judged, of the state alone: a batch that is delivered again says the same.
Also asked of figures that stood before: the few that look back upon one that came late, and those for the same days.
What was told about them already is told again under the same event id.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from services.metrics.days import iso
from services.metrics.definition import Definition
from services.metrics.doubts import PARTS_DISAGREE, Doubt, among_parts, among_sources
from services.metrics.figures import Figure, unpacked
from services.metrics.observations import Observation
from services.metrics.state import KpiState


class Doubted(NamedTuple):
    """A figure and what is doubted about it."""

    province: str
    kpi: str
    unit: str
    day: int
    source: str
    source_id: str
    observation_id: str
    doubts: tuple[Doubt, ...]

    @property
    def event_id(self) -> str:
        """One for each observation and set of flags."""
        return f"{self.observation_id}@{'+'.join(doubt.code for doubt in self.doubts)}"

    def value(self, doubted_at: str) -> bytes:
        """The JSON payload. `doubted_at`: RFC 3339."""
        return orjson.dumps(
            {
                "source": self.source,
                "id": self.source_id,
                "observation_id": self.observation_id,
                "province": self.province,
                "kpi": self.kpi,
                "org_unit": self.unit,
                "as_of": iso(self.day),
                "flags": [doubt._asdict() for doubt in self.doubts],
                "doubted_at": doubted_at,
            }
        )


def doubted(
    state: KpiState,
    definition: Definition,
    observations: Sequence[Observation],
    after: Mapping[str, Iterable[int]],
    today: int,
) -> list[Doubted]:
    """The doubted ones of a batch, in its order, then those that stood already, each once. Figures that another has
    replaced are not doubted. `after`: by unit the days of standing figures that look back upon one of the batch."""
    found: dict[bytes, Doubted] = {}
    for unit, day, figure in _asked(state, observations, after):
        if figure.retracts or figure.id in found or not figure.source_id:
            continue
        doubts = doubts_of(state, definition, unit, day, figure, today)
        if doubts:
            found[figure.id] = Doubted(
                definition.catalog.province.id,
                definition.kpi_id,
                unit,
                day,
                figure.source,
                unpacked(figure.source_id),
                figure.id.hex(),
                tuple(sorted(doubts)),
            )
    return list(found.values())


def _asked(
    state: KpiState, observations: Sequence[Observation], after: Mapping[str, Iterable[int]]
) -> Iterator[tuple[str, int, Figure]]:
    """The figures of the batch, then what stands after them, then what else was said of the same days."""
    shared: dict[tuple[str, int], None] = {}
    for one in observations:
        if one.figure is not None and not one.forecast:
            yield one.unit, one.day, one.figure
            held = state.units[one.unit].days[one.day].figures
            if len(held) > 1 or held[0].id != one.figure.id:
                shared[one.unit, one.day] = None
    for unit, days in after.items():
        for day in sorted(days):
            figure = state.units[unit].days[day].stands
            if figure is not None:
                yield unit, day, figure
    for unit, day in shared:
        for figure in state.units[unit].days[day].figures:
            yield unit, day, figure


def doubts_of(state: KpiState, definition: Definition, unit: str, day: int, figure: Figure, today: int) -> list[Doubt]:
    """What other figures make doubtful in a figure of that day, as they stand; nothing of one that was replaced."""
    content = state.units[unit].days[day]
    standing = content.stands
    stands = standing is not None and standing.id == figure.id
    if not stands and all(held.id != figure.id for held in content.figures):
        return []  # its own source has replaced it
    doubts = []
    if len(content.figures) > 1 and (differs := among_sources(content, figure)) is not None:
        doubts.append(differs)
    if not stands or not definition.may_report(unit):
        return doubts
    readings = state.readings(definition)
    doubts += readings.doubts(unit, day, figure)
    if not definition.shape(day).is_leaf(unit):
        window = definition.accounting(day)
        reading = readings.read(unit, window, window.last, today)
        differ = reading.discrepancy
        told = any(own.figure is not None and own.figure.id == figure.id for own in reading.own)
        if differ is not None and told and PARTS_DISAGREE in reading.flags:
            doubts.append(among_parts(differ["reported"], differ["parts"]))
    return doubts
