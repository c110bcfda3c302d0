"""A page of the figures in a record with every observation behind them.

Of a day's increments metrics names only the first twenty; all of them are in ingest's ledger. So a page ends where so
many observations are in it, also within a figure, which then goes on on the next page.
"""

from dataclasses import dataclass, field

from contracts.explanations import FigureBehind, Inputs
from contracts.observations import ObservationRecorded, subject_of
from services.gateway.owners import Owners

OBSERVATIONS = 1_000
"""Observations in one page."""


@dataclass(slots=True)
class InputsRead:
    """What was read: `next` is the figure with which the next page begins, and the id behind which it goes on."""

    told: Inputs
    items: list[FigureBehind] = field(default_factory=list)
    origins: list[ObservationRecorded] = field(default_factory=list)
    next: tuple[int, str] | None = None


async def read(owners: Owners, kpi: str, org_unit: str, period: str, begin: tuple[int, str], limit: int) -> InputsRead:
    """The page that begins there, of `limit` figures at most. Raises `Problem`."""
    start, after = begin
    told = await owners.inputs(kpi, org_unit, period, start, limit)
    page = InputsRead(told, next=None if told.next is None else (told.next, ""))
    known = {one.observation_id: one for one in await owners.origins(_named_whole(told.items))}
    room = OBSERVATIONS
    for at, figure in enumerate(told.items, start):
        if room <= 0:
            page.next = (at, "")
            break
        if figure.events <= len(figure.observations):
            found, following = [known[one] for one in figure.observations if one in known], None
            room -= len(figure.observations)
        else:
            found, following = await _increments(owners, told, figure, after if at == start else "", room)
            figure = figure.model_copy(update={"observations": tuple(one.observation_id for one in found)})
            room -= len(found)
        page.items.append(figure)
        page.origins += found
        if following is not None:
            page.next = (at, following)
            break
    return page


def _named_whole(figures: tuple[FigureBehind, ...]) -> list[FigureBehind]:
    return [figure for figure in figures if figure.events <= len(figure.observations)]


async def _increments(
    owners: Owners, told: Inputs, figure: FigureBehind, after: str, room: int
) -> tuple[list[ObservationRecorded], str | None]:
    """Increments of one unit and day, `room` of them at most, and where the rest begins."""
    subject = subject_of(told.province, told.kpi, figure.org_unit, figure.as_of)
    found: list[ObservationRecorded] = []
    while True:
        part = await owners.about([subject], after, room - len(found))
        found += [one for one in part.items if one.mode == "increment" and one.status != "forecast"]
        if part.next is None or len(found) >= room:
            break
        after = part.next
    if not found and not after:  # entries of an older release are found by their ids only
        return list(await owners.origins([figure])), None
    return found, part.next
