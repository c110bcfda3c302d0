"""What of a catalog the judgements of one KPI rest on, as bytes that can be kept, and the catalog that they make again.

In two parts, each under the digest of its content: the province with its units and calendars, which all KPIs share, and
the KPI with those that it is derived from and its targets.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from contracts.catalog import OBJECT_MODELS, CatalogObject
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.codec import encode


class Part(NamedTuple):
    """Some objects of a catalog, compressed; equal objects have equal digests."""

    digest: str
    content: bytes


class Extracts:
    """The parts of one catalog. What KPIs share is encoded once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._shared: Part | None = None

    def of(self, kpi_id: str) -> tuple[Part, Part]:
        """What judging the KPI needs, for `restored`."""
        catalog = self._catalog
        if self._shared is None:
            calendars = [calendar.spec for calendar in catalog.calendars.values()]
            self._shared = _part([catalog.province, *calendars, *catalog.units])
        kpis = [catalog.kpis[one] for one in sorted(_with_sources(catalog, kpi_id))]
        return self._shared, _part([*kpis, *catalog.targets.of_kpi(kpi_id)])


def restored(contents: Iterable[bytes], version: str) -> Catalog:
    """The catalog of this version, as far as these parts have it. Raises ValueError for what this release cannot
    read."""
    number, _, _ = version.partition("-")
    return Catalog.of((item for content in contents for item in _objects(content)), int(number), version)


def _with_sources(catalog: Catalog, kpi_id: str) -> set[str]:
    found: set[str] = set()
    ahead = [kpi_id]
    while ahead:
        one = ahead.pop()
        if one not in found and one in catalog.kpis:
            found.add(one)
            ahead.extend(catalog.kpis[one].sources)
    return found


def _part(items: Sequence[CatalogObject]) -> Part:
    lines = b"\n".join(item.object_kind.encode() + b" " + encode(item) for item in items)
    return Part(blake2b(lines, digest_size=16).hexdigest(), zlib.compress(lines))


def _objects(content: bytes) -> Iterator[CatalogObject]:
    for line in zlib.decompress(content).split(b"\n"):
        kind, _, value = line.partition(b" ")
        model = OBJECT_MODELS.get(kind.decode())
        if model is None:
            raise ValueError(f"there are no catalog objects of the kind {kind.decode()!r}")
        yield model.model_validate_json(value)
