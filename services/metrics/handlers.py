"""Message → domain → store → message, for a batch of observations.

The order is what makes a crash harmless: state is written, then published, then (by the delivery) committed. Whatever
is delivered again is folded into what is there already, and says the same again.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from aiokafka import ConsumerRecord

from contracts import envelope
from contracts.topics import OBSERVATIONS
from services.metrics import observations
from services.metrics.annals import Annals
from services.metrics.closing import cuts
from services.metrics.definition import Definition
from services.metrics.documents import figure_changes, judgement_changes, published, written
from services.metrics.doubting import Doubted
from services.metrics.fold import Fold
from services.metrics.memory import Definitions, Memory
from services.metrics.observations import Observation
from services.metrics.progress import Emission
from services.metrics.publisher import Publisher
from services.metrics.replaced import Replaced
from services.metrics.replacing import Replacing
from services.metrics.state import KpiState
from services.metrics.store import Store
from services.metrics.telemetry import Meters
from services.runtime import clock as clocks
from services.runtime.catalog import Catalog
from services.runtime.clock import Clock, DataClock
from services.runtime.errors import Transient, Unprocessable, in_short

TYPE = next(iter(OBSERVATIONS.payloads)).encode()
_TIME_HEADER = f"ce_{clocks.EXTENSION}"


class Catalogs(Protocol):
    """The part of the catalog's follower that is used here."""

    catalogs: dict[str, Catalog]

    async def at_least(self, province: str, number: int) -> Catalog:
        """Wait until the province's catalog has this number or a higher one."""
        ...


@dataclass(slots=True)
class _Share:
    """What a batch holds of one KPI: parsed payloads, and the highest catalog that one was accepted under."""

    province: str
    number: int = 0
    payloads: list[tuple[dict[str, Any], ConsumerRecord]] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """The observations of one KPI, and those behind them for which it is to be taken down how closed records stand.

    `first` and `last`: the offsets of all that was delivered of the KPI, also where this is only a part of it.
    """

    state: KpiState
    definition: Definition | None
    today: int
    first: int
    last: int
    observations: Sequence[Observation]
    replaced: Replaced | None = None
    later: Sequence[Observation] = ()

    def parts(self) -> list["_Batch"]:
        """Cut before figures that change a record after its closing: what is before them is folded, written and said
        first, so that it is durable how the record stood."""
        definition = self.definition if self.replaced is None else self.replaced.former or self.definition
        at = [0, *cuts(self.state, definition, self.observations, self.today)]
        shares = [self.observations[one:end] for one, end in zip(at, [*at[1:], None], strict=True)]
        behind = [*shares[1:], ()]
        return [replace(self, observations=mine, later=next_) for mine, next_ in zip(shares, behind, strict=True)]


class Workshop:
    """What batches and ticks share: the states in memory, and the way from them to store and topic."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        definitions: Definitions,
        publisher: Publisher,
        clock: Clock,
        meters: Meters,
        writer: str,
    ) -> None:
        self.store = store
        self.memory = memory
        self.definitions = definitions
        self.annals = Annals(store)
        self.replacing = Replacing(store, self.annals, definitions)
        self.publisher = publisher
        self.clock = clock
        self.meters = meters
        self.writer = writer
        self.delivered: dict[str, dict[tuple[str, int], int]] = {}
        """Of KPIs that somebody watches: by log and raw partition the offset before which all was folded since then."""
        self._noted: datetime | None = None
        self._held_since = memory.forgotten

    def today(self, zone: ZoneInfo) -> int:
        """The local date of the business clock, as an ordinal."""
        return self.clock.now().astimezone(zone).toordinal()

    async def hold(self, wanted: Mapping[str, Definition | None]) -> dict[str, KpiState]:
        """The states of these KPIs; what their definitions replaced is known then."""
        if self._held_since != self.memory.forgotten:
            self._held_since = self.memory.forgotten
            self.replacing.forget()
        states = await self.memory.hold(wanted.items())
        await self.replacing.look_up(wanted)
        await self.replacing.note(wanted)
        return states

    async def fold(self, key: str, definition: Definition) -> Fold:
        """For what is said of a KPI beside the stream."""
        state = (await self.hold({key: definition}))[key]
        return Fold(state, definition, self.today(definition.catalog.zone), self.replacing.of(key, definition))

    async def write(self, states: Iterable[KpiState], *, judgements_first: bool = False) -> None:
        """Make durable what the states changed; with `judgements_first`, figures only when judgements are."""
        changed = [state for state in states if state.dirty_figures or state.dirty_judgements]
        with self.meters.stage("encode_state"):
            figures = [change for state in changed for change in figure_changes(state, self.writer)]
            judgements = [change for state in changed for change in judgement_changes(state, self.writer)]
        with self.meters.stage("write"):
            if judgements_first:
                await self.store.write([], judgements)
                judgements = []
            await asyncio.gather(self.store.write(figures, judgements), self._note_time())
        for state in changed:
            written(state)
        self.meters.held.set(len(self.memory))

    async def tell(self, state: KpiState, said: Sequence[Emission], *, judgements_first: bool = False) -> None:
        """Write what nobody will deliver again, publish it, and note that it is published. On any failure everything
        in memory is forgotten: it may be ahead of what is stored."""
        if not said and not state.dirty_judgements and not state.dirty_figures:
            return
        try:
            await self.write([state], judgements_first=judgements_first)
            await self.publisher.publish(said)
            published(state)
            await self.write([state])
        except BaseException:
            self.memory.forget()
            raise

    async def _note_time(self) -> None:
        """Where time moves with the data, remember how far it has come: a restart must not fall back."""
        now = self.clock.now()
        if isinstance(self.clock, DataClock) and (self._noted is None or now > self._noted):
            await self.store.note_business_time(now)
            self._noted = now


class ObservationHandler:
    """Folds batches of `observations.v1`."""

    def __init__(self, workshop: Workshop, catalogs: Catalogs, catalog_wait_s: float) -> None:
        self._workshop = workshop
        self._catalogs = catalogs
        self._wait_s = catalog_wait_s

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Fold, write, publish. Raises `Transient`, `Fenced`, `Unprocessable`."""
        work = self._workshop
        with work.meters.stage("decode"):
            shares = self._shares(records)
        catalogs = {
            province: await self._catalog(province, number) for province, number in _numbers(shares.values()).items()
        }
        wanted = [(key, work.definitions.of(key, catalogs[share.province])) for key, share in shares.items()]
        traceparent = envelope.header(records[-1].headers, "ce_traceparent")
        for together in work.memory.shares(wanted):
            await self._work(together, shares, catalogs, traceparent)

    async def forget(self) -> None:
        """Drop what is in memory."""
        self._workshop.memory.forget()
        self._workshop.annals.forget()

    async def _work(
        self,
        together: Mapping[str, Definition | None],
        shares: dict[str, _Share],
        catalogs: Mapping[str, Catalog],
        traceparent: str | None,
    ) -> None:
        """Do what the batch holds of these KPIs. Their payloads are let go as soon as they are read."""
        work = self._workshop
        with work.meters.stage("load"):
            states = await work.hold(together)
        batches = []
        with work.meters.stage("decode"):
            for key, definition in together.items():
                share = shares.pop(key)
                zone = catalogs[share.province].zone
                read = [_observation(*payload, zone) for payload in share.payloads]
                first, last = share.payloads[0][1].offset, share.payloads[-1][1].offset
                replaced = work.replacing.of(key, definition)
                batches.append(_Batch(states[key], definition, work.today(zone), first, last, read, replaced))
        for together_now in zip_longest(*(batch.parts() for batch in batches)):
            await self._fold([part for part in together_now if part is not None], traceparent)

    async def _fold(self, batches: Sequence["_Batch"], traceparent: str | None) -> None:
        """Fold, write, publish."""
        work = self._workshop
        said: list[Emission] = []
        doubted: list[Doubted] = []
        with work.meters.stage("fold"):
            for batch in batches:
                fold = Fold(batch.state, batch.definition, batch.today, batch.replaced)
                said += fold.batch(batch.observations, batch.first, batch.last)
                fold.close(batch.later)
                doubted += fold.doubted
                work.meters.folded.inc(fold.folded)
                work.meters.skipped.inc(fold.skipped)
        await work.write([batch.state for batch in batches])
        for batch in batches:
            if (delivered := work.delivered.get(batch.state.key)) is not None:
                _note_delivered(delivered, batch.observations)
        await work.publisher.publish(said, traceparent)
        await work.publisher.doubt(doubted, traceparent)

    def _shares(self, records: Sequence[ConsumerRecord]) -> dict[str, _Share]:
        """The batch by KPI, in the order of the records; the business clock moves on with it."""
        shares: dict[str, _Share] = {}
        times: set[bytes] = set()
        for record in records:
            content = _parsed(record, times)
            try:
                province = content["province"]
                key = f"{province}/{content['kpi']}"
                number = observations.catalog_number(content["catalog_version"])
            except (KeyError, TypeError, ValueError) as error:
                raise _unprocessable(record, error) from error
            share = shares.get(key)
            if share is None:
                share = shares[key] = _Share(province)
            share.number = max(share.number, number)
            share.payloads.append((content, record))
        for moment in times:
            self._workshop.clock.observe(_instant(moment))
        return shares

    async def _catalog(self, province: str, number: int) -> Catalog:
        catalog = self._catalogs.catalogs.get(province)
        if catalog is not None and catalog.number >= number:
            return catalog
        try:
            async with asyncio.timeout(self._wait_s):
                return await self._catalogs.at_least(province, number)
        except TimeoutError:
            has = "none" if catalog is None else catalog.version
            raise Transient(
                f"the catalog of {province} is {has} here, and observations were accepted under number {number}: "
                "waiting for catalog.v1"
            ) from None


def _note_delivered(delivered: dict[tuple[str, int], int], taken: Sequence[observations.Observation]) -> None:
    for one in taken:
        place = one.log, one.partition
        delivered[place] = max(delivered.get(place, 0), one.offset + 1)


def _numbers(shares: Iterable[_Share]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for share in shares:
        numbers[share.province] = max(numbers.get(share.province, 0), share.number)
    return numbers


def _parsed(record: ConsumerRecord, times: set[bytes]) -> dict[str, Any]:
    """The payload of a record in binary mode, as ingest writes it; any other way of writing is read as well."""
    kind = b""
    for name, value in record.headers:
        if name == "ce_type":
            kind = value
        elif name == _TIME_HEADER:
            times.add(value)
    try:
        if kind == TYPE:
            return observations.parse(record.value)
        event = envelope.read(record.headers, record.value)
        if event.type.encode() != TYPE or not isinstance(event.data, dict):
            raise ValueError(f"this is a {event.type}")
        moment = event.extensions.get(clocks.EXTENSION)
        if moment is not None:
            times.add(moment.encode())
        return event.data
    except (TypeError, ValueError) as error:
        raise _unprocessable(record, error) from error


def _observation(content: dict[str, Any], record: ConsumerRecord, zone: ZoneInfo) -> observations.Observation:
    try:
        return observations.observation(content, zone)
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    try:
        return observations.observation(observations.careful(record.value), zone)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unprocessable(record, error) from error


def _unprocessable(record: ConsumerRecord, error: Exception) -> Unprocessable:
    return Unprocessable(
        f"{record.topic}/{record.partition}/{record.offset} is no observation that can be folded: {in_short(error)}"
    )


def _instant(text: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.decode())
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
