"""What metrics holds in memory of a country: 34 provinces, 40 KPIs, 300 units, a figure of each month of a year.

The catalogs of all provinces are there, and as many provinces are fed through the handler as more than fill what is
held by default; whatever comes after pushes out as much as it brings. In a process of its own that stores and publishes
nothing.
"""

import asyncio
import gc
import multiprocessing
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from zlib import crc32

import psutil
from aiokafka import ConsumerRecord

from contracts.topics import OBSERVATIONS
from services.metrics.documents import Change, Document, Stored
from services.metrics.handlers import ObservationHandler, Workshop
from services.metrics.memory import Definitions, Memory
from services.metrics.publisher import Publisher
from services.metrics.settings import MetricsSettings
from services.metrics.store import Begun
from services.metrics.telemetry import Meters
from services.runtime.catalog import Catalog
from services.runtime.catalog.extracts import Part
from services.runtime.clock import from_setting
from services.runtime.kafka.producer import Outgoing
from services.runtime.telemetry import Telemetry
from tests.bench.metrics_load import KPIS, catalog, outgoing, units_of
from tests.bench.metrics_service import SETTINGS, Figures, figure

FIGURES = ("memory_gb",)
PROVINCES, UNITS, MONTHS = 34, 300, 12
HELD = MetricsSettings().figures_in_memory
FED = 1 + HELD // (KPIS * UNITS * MONTHS)
VERSION = "1-000000000000"


def run() -> Figures:
    """GB for all provinces, from what one takes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before, after = pool.apply(_measure)
    said = (
        f"{before / 1e6:.0f} MB with the catalogs of {PROVINCES} provinces and no figures; at most {HELD:,} figures "
        f"and records are held, after {FED} provinces of {KPIS} KPIs × {UNITS} units × {MONTHS} figures"
    )
    return {"memory_gb": figure(round(after / 1e9, 2), "GB", "≤ 1.2", said)}


def _measure() -> tuple[int, int]:
    """Resident bytes without and with figures."""
    return asyncio.run(_fed())


async def _fed() -> tuple[int, int]:
    provinces = [f"p{number}" for number in range(PROVINCES)]
    known = {name: Catalog.of(catalog(communes=UNITS, province=name), 1, VERSION) for name in provinces}
    meters = Meters(Telemetry())
    clock = from_setting(SETTINGS["TIENDO_CLOCK"])
    workshop = Workshop(
        store=_Nowhere(),
        memory=Memory(_Nowhere(), HELD, "bench"),
        definitions=Definitions(),
        publisher=Publisher(_Nobody(), clock, meters),
        clock=clock,
        meters=meters,
        writer="bench",
    )
    handler = ObservationHandler(workshop, _Known(known), 1.0)
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    for province in provinces[:FED]:
        for month in range(MONTHS):
            for kpi in range(KPIS):
                await handler.handle(_batch(province, month, kpi))
    gc.collect()
    return before, process.memory_info().rss


def _batch(province: str, month: int, kpi: int) -> list[ConsumerRecord]:
    records = []
    for at, unit in enumerate(units_of(UNITS, province)):
        number = (month * KPIS + kpi) * UNITS + at
        said = {
            "province": province,
            "kpi": f"k{kpi}",
            "org_unit": unit,
            "as_of": f"{2022 + (month + 12) // 13}-{(month + 11) % 12 + 1:02}-{15 + number % 10}",
            "mode": "absolute",
            "numerator": str(crc32(str(number).encode()) % 900),
            "denominator": "900",
        }
        one = outgoing(number, said, VERSION)
        records.append(
            ConsumerRecord(OBSERVATIONS.name, 0, number, 0, 0, one.key, one.value, None, 0, 0, tuple(one.headers))
        )
    return records


class _Known:
    """The catalogs that are in force."""

    def __init__(self, known: dict[str, Catalog]) -> None:
        self.catalogs = known

    async def at_least(self, province: str, number: int) -> Catalog:
        return self.catalogs[province]


class _Nobody:
    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Nobody reads."""


class _Nowhere:
    """A store that keeps nothing but the number of chunks."""

    def __init__(self) -> None:
        self._chunks: dict[str, int] = {}

    async def load(self, keys: Sequence[str]) -> dict[str, Stored]:
        return {key: Stored(self._chunks[key]) for key in keys if key in self._chunks}

    async def take(self, keys: Sequence[str], writer: str) -> dict[str, Stored]:
        return await self.load(keys)

    async def create(self, chunks: Mapping[str, int]) -> None:
        self._chunks |= chunks

    async def begin(self, key: str, writer: str) -> Begun:
        return Begun(1, 0, 1)

    async def switch(self, key: str, begun: Begun) -> None:
        """Nothing is kept."""

    async def in_force(self, key: str) -> int:
        return 0

    async def remove(self, key: str, *, generation: int | None = None) -> None:
        """Nothing is kept."""

    async def write(self, figures: Sequence[Change], judgements: Sequence[Change]) -> None:
        """Nothing is kept."""

    async def due(self, keys: Sequence[str], today: str) -> dict[str, list[tuple[str, int]]]:
        return {}

    async def judged(self, keys: Sequence[str]) -> dict[str, Document]:
        return {}

    async def mark_judged(self, judged: Mapping[str, Document]) -> None:
        """Nothing is kept."""

    async def editions(self, keys: Sequence[str]) -> dict[str, list[Document]]:
        return {}

    async def keep_editions(self, editions: Mapping[str, tuple[int, Document]], parts: Collection[Part]) -> None:
        """Nothing is kept."""

    async def parts(self, digests: Sequence[str]) -> list[bytes]:
        return []

    async def unforetold(self, keys: Sequence[str]) -> list[str]:
        return []

    async def keep_issued(self, changes: Sequence[Change]) -> None:
        """Nothing is kept."""

    async def issued(self, document: str, unit: str) -> Document:
        return {}

    async def revisions(self, keys: Collection[str]) -> dict[str, str]:
        return {}

    async def figures(self, keys: Collection[str]) -> dict[str, tuple[Document, ...]]:
        return {}

    async def derivations(self, keys: Collection[str]) -> dict[str, Document]:
        return {}

    async def note_derivation(self, key: str, derivation: Document) -> None:
        """Nothing is kept."""

    async def business_time(self) -> datetime | None:
        return None

    async def note_business_time(self, moment: datetime) -> None:
        """Nothing is kept."""
