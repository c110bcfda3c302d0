"""Where units stand, by the catalogs in force; and putting right what was written before a catalog said so."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

from services.gateway.documents import NOWHERE, Document, Place
from services.runtime.catalog.catalog import Catalog

Catalogs = Callable[[], Mapping[str, Catalog]]
"""The catalogs in force, by province."""

_CHUNK = 1_000


class TreePlaces:
    """Looks units up in the org trees. `now` gives the business time, for records that have no day of their own."""

    def __init__(self, catalogs: Catalogs, now: Callable[[], datetime]) -> None:
        self._catalogs = catalogs
        self._now = now

    def of(self, province: str, org_unit: str, on: date | None) -> Place:
        """The unit's place on that day. A unit that had ended by then is placed as on its last day."""
        catalog = self._catalogs().get(province)
        unit = catalog.units.get(org_unit) if catalog is not None else None
        if catalog is None or unit is None:
            return NOWHERE
        day = on or self._now().astimezone(catalog.zone).date()
        if unit.valid_to is not None and day >= unit.valid_to:
            day = unit.valid_to - timedelta(days=1)
        elif unit.valid_from is not None and day < unit.valid_from:
            day = unit.valid_from
        return Place(unit.level, catalog.units.ancestors(org_unit, day), unit.valid_to)


class Placed(Protocol):
    """The part of the read model that knows places."""

    def places(self) -> AsyncIterator[tuple[str, Document]]: ...
    async def move(self, collection: str, places: Mapping[str, Document]) -> None: ...


async def put_right(model: Placed, places: TreePlaces) -> int:
    """Give every document the place that the catalogs now say; return how many were moved.

    A judgement can arrive before the catalog that knows its unit, and a new catalog can correct the tree.
    """
    moved = 0
    waiting: dict[str, dict[str, Document]] = {}
    async for collection, document in model.places():
        place = places.of(document["province"], document["org_unit"], _day_of(document)).fields()
        if place["level"] is None or place == {name: document.get(name) for name in place}:
            continue
        chunk = waiting.setdefault(collection, {})
        chunk[document["_id"]] = place
        moved += 1
        if len(chunk) >= _CHUNK:
            await model.move(collection, waiting.pop(collection))
    for collection, chunk in waiting.items():
        await model.move(collection, chunk)
    return moved


def _day_of(document: Document) -> date | None:
    frozen = (document.get("record") or {}).get("progress") or {}
    text = document.get("as_of") or frozen.get("as_of")
    return date.fromisoformat(text[:10]) if text else None
