"""Computes KPIs anew that are asked for and owned here, one after the other, beside the stream.

1. Note from now on how far the stream is delivered, in raw coordinates.
2. Ask ingest how far its ledger reaches, wait until it vouches for all of that, and fold it into a new generation, page
   by page: figures only, in the order of the raw coordinates.
3. Wait until the stream has been delivered as far as that, and all records are judged under the present catalog. From
   here on the successor may always read as far as the stream was delivered and never further: what is delivered
   afterwards finds the right watermarks, whichever generation it is folded into.
4. In one turn, while no batch is handled: read the rest, judge all records, write the generation, put it in force,
   publish what changed.

Whoever dies or loses the partition on the way leaves nothing that anybody reads; the next owner begins again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

import structlog

from contracts.rebuilds import KpiRebuild, LedgerExtent, Stage
from services.metrics.beside import Moved, Turns, owned
from services.metrics.documents import figure_changes, published, written
from services.metrics.handlers import Workshop
from services.metrics.progress import Emission
from services.metrics.rebuilding import comparison
from services.metrics.rebuilding.archive import Archive, Away, Page
from services.metrics.rebuilding.published import Versions
from services.metrics.rebuilding.reach import Place, Reach, Stretch, further, reach_of, stretches, unsettled
from services.metrics.rebuilding.store import Order, Orders
from services.metrics.rebuilding.successor import Successor
from services.metrics.state import KpiState
from services.runtime.catalog import Catalog
from services.runtime.errors import Fenced, in_short
from services.runtime.kafka.delivery import passes_by_itself
from services.runtime.kafka.producer import partition_of

log = structlog.get_logger()

PAGE = 1_000
"""Entries of the ledger that are asked for at once, and read at most while the stream waits."""

IN_TURN_S = 2.0
"""How long the stream waits for ingest's answer; then it goes first, and the rest is read again."""

PAUSE_S = 0.2

T = TypeVar("T")


class Stream(Turns, Protocol):
    """The part of a delivery that is used here."""

    async def handled(self, partition: int) -> int:
        """The offset before which everything was handled."""
        ...

    async def end(self, partition: int) -> int:
        """The offset after the last record on the broker."""
        ...


class Refused(Exception):
    """This rebuild cannot be: why, in a sentence."""


class Rebuilder:
    """Carries out orders. `versions` of a province are read once a command."""

    def __init__(
        self,
        workshop: Workshop,
        catalogs: Mapping[str, Catalog],
        stream: Stream,
        orders: Orders,
        archive: Archive,
        versions: Versions,
        *,
        page: int = PAGE,
        pause_s: float = PAUSE_S,
    ) -> None:
        self.workshop = workshop
        self.catalogs = catalogs
        self.stream = stream
        self.orders = orders
        self.archive = archive
        self.page = page
        self.pause_s = pause_s
        self._versions = versions
        self._read: tuple[str, Mapping[str, int]] | None = None

    async def run(self, every_s: float) -> None:
        """Look again and again."""
        while True:
            try:
                await self.look()
            except Exception as error:
                if not passes_by_itself(error):
                    raise
                log.warning("rebuilds_not_seen", why=in_short(error))
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """Carry out what is open and ours. What fails for a while stays open."""
        for order in await self.orders.open():
            if owned(self.stream, order.key):
                await self._carry_out(order)

    async def versions(self, order: Order) -> Mapping[str, int]:
        """By record of the province the highest version that went out."""
        if self._read is None or self._read[0] != order.command_id:
            self._read = order.command_id, await self._versions.of(order.province)
        return self._read[1]

    async def _carry_out(self, order: Order) -> None:
        attempt = _Attempt(self, order)
        try:
            await attempt.run()
        except Moved:
            log.info("rebuild_moved", kpi=order.key)
        except Exception as error:
            if isinstance(error, Fenced) or passes_by_itself(error):
                log.warning("rebuild_interrupted", kpi=order.key, why=in_short(error))
                async with self.stream.turn:
                    self.workshop.memory.forget()
                return
            if isinstance(error, Refused):
                why = str(error)
                log.warning("rebuild_refused", kpi=order.key, why=why)
            else:
                why = f"{in_short(error)} (the log of metrics has the trace)"
                log.error("rebuild_failed", kpi=order.key, exc_info=error)
            await attempt.note(stage=Stage.REFUSED, why=why, waits_for=None)
            self.workshop.meters.rebuilt.labels("refused").inc()


class _Attempt:
    """One KPI, from the beginning."""

    def __init__(self, rebuilder: Rebuilder, order: Order) -> None:
        self._rebuilder = rebuilder
        self._order = order
        self._key = order.key
        self._work = rebuilder.workshop
        self._stream = rebuilder.stream
        self._assignment = rebuilder.stream.assignments
        self._progress = order.progress
        self._delivered: dict[Place, int] = {}
        self._done: dict[Place, int] = {}

    async def run(self) -> None:
        """Raises `Refused`; `Moved`, `Fenced` and what passes by itself leave the order open."""
        catalog = self._rebuilder.catalogs.get(self._order.province)
        definition = None if catalog is None else self._work.definitions.of(self._key, catalog)
        if definition is None:
            raise Refused("the catalog does not know this KPI any more")
        if definition.kind.derived:
            raise Refused("the catalog makes this KPI from others now: no figures are reported of it")
        self._definition = definition
        if await self._is_in_force_already():
            await self._say_what_is_owed()
        else:
            self._work.delivered[self._key] = self._delivered
            try:
                await self._begin()
                await self._rebuild()
            except Refused:
                await self._work.store.remove(self._key, generation=self._begun.generation)
                raise
            finally:
                del self._work.delivered[self._key]
        await self._work.store.remove(self._key)
        await self.note(stage=Stage.DONE, waits_for=None)
        self._work.meters.rebuilt.labels("done").inc()
        log.info("rebuilt", kpi=self._key, entries=self._progress.read)

    async def note(self, **fields: object) -> None:
        """Let the command see how far it is."""
        progress = self._progress.model_copy(update=fields)
        if progress != self._progress:
            self._progress = progress
            await self._rebuilder.orders.note(self._order, progress)

    async def _is_in_force_already(self) -> bool:
        """Whether a former attempt came as far as the switch and died before it could say so."""
        report = self._progress.report
        return report is not None and await self._work.store.in_force(self._key) == report.generation

    async def _begin(self) -> None:
        async with self._stream.turn:
            state = await self._held()
            self._begun = await self._work.store.begin(self._key, self._work.writer)
        self._successor = Successor(self._key, state.chunks, self._begun.generation, self._definition)
        fresh = KpiRebuild(kpi=self._order.kpi, stage=Stage.READING)
        await self.note(**dict(fresh))

    async def _rebuild(self) -> None:
        extent = await self._patiently(lambda: self._rebuilder.archive.extent(self._key))
        await self.note(
            entries=sum(part.entries for part in extent.parts), removed_before=extent.removed_before, waits_for=None
        )
        held = reach_of(extent)
        await self._until(lambda: self._vouched_for(held))
        await self._patiently(lambda: self._read(held))
        await self.note(stage=Stage.CATCHING_UP)
        partition = partition_of(self._key.encode(), self._stream.partitions or 1)
        end = await self._stream.end(partition)
        await self._until(lambda: self._delivered_up_to(partition, end))
        await self._until(self._judged_under_this_catalog)
        versions = await self._rebuilder.versions(self._order)
        while await self._patiently(lambda: self._read(self._delivered)) > self._rebuilder.page:
            pass  # so much came meanwhile that the stream would have to wait for it
        await self._patiently(lambda: self._switch(extent, versions))

    # waiting

    async def _vouched_for(self, held: Reach) -> str | None:
        """Ingest commits what it has claimed and published: up to there nothing can be added."""
        now = await self._patiently(lambda: self._rebuilder.archive.extent(self._key))
        open_parts = unsettled(held, now)
        if not open_parts:
            return None
        first = open_parts[0]
        end = held[first.log, first.partition]
        return (
            f"ingest has committed {first.committed} offsets of partition {first.partition}, its ledger has {end}: it "
            "is at work, or its /readyz says what is wrong"
        )

    async def _delivered_up_to(self, partition: int, end: int) -> str | None:
        behind = end - await self._stream.handled(partition)
        return None if behind <= 0 else f"{behind} observations of partition {partition} come before it"

    async def _judged_under_this_catalog(self) -> str | None:
        """What another catalog changes is said as that, and not as something that a rebuild found."""
        judged = (await self._work.store.judged([self._key])).get(self._key)
        if judged is not None and judged["catalog"] == self._definition.catalog.version:
            return None
        return "its records are yet to be judged under the catalog in force"

    async def _until(self, in_the_way: Callable[[], Awaitable[str | None]]) -> None:
        while (why := await in_the_way()) is not None:
            await self.note(waits_for=why)
            await asyncio.sleep(self._rebuilder.pause_s)
            self._still_ours()
        await self.note(waits_for=None)

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask ingest until it answers."""
        while True:
            self._still_ours()
            try:
                return await ask()
            except Away as away:
                await self.note(waits_for=str(away))
                await asyncio.sleep(5 * self._rebuilder.pause_s)

    def _still_ours(self) -> None:
        if self._stream.assignments != self._assignment:
            raise Moved

    # reading

    async def _read(self, until: Reach, patience_s: float | None = None) -> int:
        """Fold what the ledger has beyond what was read; how many entries. Goes on where it was interrupted.

        Raises `Away` if a page takes longer than the patience.
        """
        read = 0
        for stretch in stretches(self._done, further(self._done, until)):
            place, at = stretch[:2], stretch.start
            while at < stretch.until:
                page = await self._page(stretch._replace(start=at), patience_s)
                if page.next is None:
                    break
                await self._fold(page.items)
                at = self._done[place] = page.next
                read += len(page.items)
                await self.note(read=self._progress.read + len(page.items), waits_for=None)
                self._still_ours()
            self._done[place] = stretch.until
        return read

    async def _page(self, stretch: Stretch, patience_s: float | None) -> Page:
        try:
            async with asyncio.timeout(patience_s):
                return await self._rebuilder.archive.page(self._key, stretch, self._rebuilder.page)
        except TimeoutError:
            raise Away("ingest takes too long to answer") from None

    async def _fold(self, items: list[dict[str, object]]) -> None:
        state = self._successor.state
        try:
            self._successor.take(items, self._today())
        except ValueError as error:
            raise Refused(f"the ledger holds what is no observation: {error}") from error
        await self._work.store.write(figure_changes(state, self._work.writer), [])
        written(state)

    # the switch

    async def _switch(self, extent: LedgerExtent, versions: Mapping[str, int]) -> None:
        work, state = self._work, self._successor.state
        async with self._stream.turn:
            work.memory.reread(self._key)  # readers see what is stored, and so does the report
            former = await self._held()
            await self._read(self._delivered, IN_TURN_S)
            if extent.removed_before is not None:
                self._refuse_losses(former, extent)
            today = self._today()
            replaced = work.replacing.of(self._key, self._definition)
            said = self._successor.succeed(former, versions, today, replaced)
            report = comparison.report(former, self._successor, said, today)
            if report.figures_changed:
                self._successor.forecast_again()
            await work.write([state])
            await self.note(stage=Stage.SWITCHING, report=report, waits_for=None)
            try:
                await work.store.switch(self._key, self._begun)
                work.memory.replace(state)
                await self._publish(state, said)
            except BaseException:
                work.memory.forget()  # whichever generation is in force now
                raise

    def _refuse_losses(self, former: KpiState, extent: LedgerExtent) -> None:
        lost = comparison.losses(former, self._successor.state)
        if lost:
            named = ", ".join(f"{one.org_unit} {one.as_of}" for one in lost[:3]) + (" …" if len(lost) > 3 else "")
            since = extent.removed_before
            raise Refused(
                f"the ledger has forgotten what came before {since:%Y-%m-%d}, and figures of {len(lost)} "
                f"units and days would be lost ({named}); nothing was changed"
            )

    async def _say_what_is_owed(self) -> None:
        async with self._stream.turn:
            state = await self._held()
            owed = [(unit, self._definition.window(period)) for unit, period in state.owed()]
            await self._publish(state, (await self._work.fold(self._key, self._definition)).repeat(owed))

    async def _publish(self, state: KpiState, said: list[Emission]) -> None:
        await self._work.publisher.publish(said)
        published(state)
        await self._work.write([state])

    async def _held(self) -> KpiState:
        """The state in force, under the catalog that the attempt began with."""
        self._still_ours()
        catalog = self._rebuilder.catalogs[self._order.province]
        if self._work.definitions.of(self._key, catalog) is not self._definition:
            raise Moved
        return (await self._work.hold({self._key: self._definition}))[self._key]

    def _today(self) -> int:
        return self._work.today(self._definition.catalog.zone)
