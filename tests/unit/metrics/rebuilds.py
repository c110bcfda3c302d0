"""A province whose figures can be computed anew: a ledger behind ingest's routes, a stream that can lag behind it, and
a rebuilder."""

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette

from contracts.observations import ObservationRecorded
from contracts.rebuilds import KpiRebuild, LedgerExtent, Rebuild, RebuildAsked, Stage
from services.ingest import archive as ledger_routes
from services.ingest.decide import Entry
from services.ingest.logs import LogPartition
from services.ingest.normalise import Raw
from services.metrics.rebuilding.archive import Away, IngestArchive, Page
from services.metrics.rebuilding.reach import Stretch
from services.metrics.rebuilding.rebuilder import Rebuilder
from services.metrics.rebuilding.store import Order, Orders
from services.metrics.store import Store
from services.runtime.catalog import Catalog
from tests.unit.ingest.door import FakeLedger
from tests.unit.metrics.builders import local
from tests.unit.metrics.engine import Engine, OwnAll
from tests.unit.metrics.fakes import FakeTopic

NOW = local("2023-10-10")
ASKED = datetime(2026, 1, 1, tzinfo=UTC)
LOG = "log"

Hook = Callable[[], Awaitable[None]]


class FakeOrders:
    """Commands in a dict."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[str, dict[str, KpiRebuild]]] = {}
        self.seen: list[KpiRebuild] = []

    async def ask(self, asked: RebuildAsked, now: datetime) -> None:
        fresh = {kpi: KpiRebuild(kpi=kpi, stage=Stage.WAITING) for kpi in asked.kpis}
        self.asked.setdefault(asked.command_id, (asked.province, fresh))

    async def find(self, command_id: str) -> Rebuild | None:
        if command_id not in self.asked:
            return None
        province, kpis = self.asked[command_id]
        told = tuple(kpis[kpi] for kpi in sorted(kpis))
        return Rebuild(command_id=command_id, province=province, asked_at=ASKED, kpis=told)

    async def open(self) -> Sequence[Order]:
        return [
            Order(command_id, province, kpi, progress)
            for command_id, (province, kpis) in self.asked.items()
            for kpi, progress in kpis.items()
            if not progress.stage.over
        ]

    async def note(self, order: Order, progress: KpiRebuild) -> None:
        self.asked[order.command_id][1][order.kpi] = progress
        self.seen.append(progress)


class LaggingStream(OwnAll):
    """The delivery: what was published, and how much of it was handled. One partition stands for all.

    `on_asked` happens before it is told how much was handled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on_asked: Hook | None = None
        self.published: list[ObservationRecorded] = []
        self.delivered = 0

    async def handled(self, partition: int) -> int:
        if self.on_asked is not None:
            await self.on_asked()
        return self.delivered

    async def end(self, partition: int) -> int:
        return len(self.published)


class OfTopic:
    """The versions that were published on a topic."""

    def __init__(self, topic: FakeTopic) -> None:
        self._topic = topic

    async def of(self, province: str) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for record in self._topic.records:
            key, _, version = dict(record.headers)["ce_id"].decode().rpartition("@")
            found[key] = max(found.get(key, 0), int(version))
        return found


class HookedArchive(IngestArchive):
    """Ingest's ledger as its routes tell it. `on_page` happens before a page is answered; `away`: so many questions go
    unanswered."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client)
        self.away = 0
        self.on_page: Hook | None = None

    async def extent(self, key: str) -> LedgerExtent:
        self._answers()
        return await super().extent(key)

    async def page(self, key: str, stretch: Stretch, limit: int) -> Page:
        self._answers()
        if self.on_page is not None:
            await self.on_page()
        return await super().page(key, stretch, limit)

    def _answers(self) -> None:
        if self.away:
            self.away -= 1
            raise Away("ingest does not answer")


class Rebuilding:
    """`accept` puts observations into the ledger and on the topic, `deliver` hands them to metrics."""

    def __init__(self, catalog: Catalog, store: Store | None = None, orders: Orders | None = None) -> None:
        self.ledger = FakeLedger()
        self.committed: dict[int, int] = {}
        self.stream = LaggingStream()
        self.orders: Orders = orders or FakeOrders()
        self.engine = Engine(catalog, NOW, store)
        self._stack = AsyncExitStack()
        self._commands = 0

    async def __aenter__(self) -> Self:
        app = Starlette(routes=ledger_routes.routes(self.ledger, self._stands))
        client = AsyncClient(transport=ASGITransport(app=app), base_url="http://ingest")
        self.archive = HookedArchive(await self._stack.enter_async_context(client))
        self.rebuilder = self._rebuilder()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def restart(self) -> None:
        """Another process of metrics over the same store and topic."""
        self.engine = self.engine.restarted()
        self.rebuilder = self._rebuilder()

    async def accept(self, *observations: ObservationRecorded, commit: bool = True) -> None:
        await self.ledger.claim([entry_of(one) for one in observations])
        self.stream.published += observations
        if commit:
            self.commit()

    def commit(self) -> None:
        """Ingest commits all that it has accepted."""
        for one in self.stream.published:
            self.committed[one.raw.partition] = max(self.committed.get(one.raw.partition, 0), one.raw.offset + 1)

    async def deliver(self, count: int | None = None) -> None:
        """The next so many, in their order; all if it is not said how many."""
        upto = len(self.stream.published) if count is None else self.stream.delivered + count
        async with self.stream.turn:
            await self.engine.take(*self.stream.published[self.stream.delivered : upto])
        self.stream.delivered = min(upto, len(self.stream.published))

    async def take(self, *observations: ObservationRecorded) -> None:
        """All the way."""
        await self.accept(*observations)
        await self.deliver()

    async def rebuild(self, kpi: str = "k") -> KpiRebuild:
        """Ask, and carry out."""
        await self.ask(kpi)
        await self.rebuilder.look()
        return await self.said(kpi)

    async def ask(self, *kpis: str) -> None:
        self._commands += 1
        asked = RebuildAsked(command_id=f"{self._commands:032x}", province="p", kpis=kpis or ("k",))
        await self.orders.ask(asked, ASKED)
        await self.engine.tick()

    async def said(self, kpi: str = "k") -> KpiRebuild:
        """What the last command shows."""
        found = await self.orders.find(f"{self._commands:032x}")
        assert found is not None
        return next(one for one in found.kpis if one.kpi == kpi)

    async def _stands(self, partitions: Sequence[LogPartition]) -> Mapping[LogPartition, int]:
        return {(log, number): self.committed.get(number, 0) for log, number in partitions if log == LOG}

    def _rebuilder(self) -> Rebuilder:
        work = self.engine.workshop
        return Rebuilder(
            work,
            self.engine.catalogs.catalogs,
            self.stream,
            self.orders,
            self.archive,
            OfTopic(self.engine.topic),
            page=5,
            pause_s=0.001,
        )


def entry_of(one: ObservationRecorded) -> Entry:
    """As ingest keeps it."""
    raw = one.raw
    return Entry(
        one.observation_id,
        one.source,
        one.source_id,
        Raw(raw.log, raw.topic, raw.partition, raw.offset),
        b"",
        f"{one.province}/{one.kpi}",
        one.model_dump_json(exclude_none=True).encode(),
        one.received_at,
        one.catalog_version,
    )


def spread(observations: Sequence[ObservationRecorded], log: str = LOG, start: int = 0) -> list[ObservationRecorded]:
    """The same over three raw partitions, with offsets that rise in each."""
    found = []
    for number, one in enumerate(observations, start):
        raw = one.raw.model_copy(update={"log": log, "partition": number % 3, "offset": number // 3})
        found.append(one.model_copy(update={"raw": raw}))
    return found


async def figures_of(store: Store, key: str = "p/k") -> dict[str, Any]:
    """The documents of figures in force, without what belongs to a writer or a generation."""
    stored = (await store.load([key]))[key]
    own = ("_id", "kpi", "rev", "writer")
    return {
        "/".join(document["_id"].rsplit("/", 2)[1:]): {
            k: v for k, v in copy.deepcopy(dict(document)).items() if k not in own
        }
        for document in stored.figures
    }


async def records_of(store: Store, key: str = "p/k") -> dict[str, Any]:
    """The records in force, by period and unit, without their trails."""
    stored = (await store.load([key]))[key]
    return {
        f"{document['period']}/{unit}": {name: value for name, value in cell.items() if name != "t"}
        for document in stored.judgements
        for unit, cell in document["units"].items()
    }
