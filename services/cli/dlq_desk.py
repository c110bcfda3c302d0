"""What `tiendo dlq` works with: the quarantine, the refusals, the parked sources, and what became of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pymongo.errors import PyMongoError

from contracts.statistics import MAX_EVENT_BYTES
from contracts.topics import STATISTICS_REJECTED, STATISTICS_REPORTED
from services.cli.dlq_words import bar
from services.cli.settings import CommandSettings, of_the_system
from services.ingest import refusals
from services.ingest.batch import Examiner, Unsound
from services.ingest.desk import Desks
from services.ingest.logs import Logs
from services.ingest.parked import Parkings
from services.ingest.refusals import Refused
from services.ingest.store import Ledger
from services.runtime import mongo
from services.runtime.catalog import stream
from services.runtime.errors import StartError
from services.runtime.kafka.letter import Letter
from services.runtime.kafka.logs import Extent, LogReader, reader
from services.runtime.kafka.place import Place
from services.runtime.kafka.producer import BatchProducer, Verbatim
from services.runtime.kafka.quarantine import (
    Addressed,
    Fate,
    Lying,
    Marks,
    Quarantine,
    Wanted,
    publish_each,
    records_at,
)
from services.runtime.kafka.topics import LogIds, wait_for_broker
from services.runtime.telemetry import Telemetry
from services.runtime.waiting import Waiting

TOPIC = STATISTICS_REPORTED.name
_AT_ONCE = 500

T = TypeVar("T")


@dataclass(slots=True)
class Done:
    """What was found, by what it is, and what came of it."""

    of: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    def took(self, whats: Iterable[tuple[str, str | None]]) -> None:
        """Something was done about these: reason or codes, and source."""
        self.of.update((what, source or "–") for what, source in whats)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the commands work with."""

    settings: CommandSettings
    marks: Marks
    parkings: Parkings
    ledger: Ledger
    quarantine: Quarantine
    logs: LogIds
    reader: LogReader
    originals: LogReader

    async def lying(
        self, wanted: Wanted, shown: Callable[[Lying], bool] = lambda _: True, limit: int | None = None
    ) -> list[Lying]:
        """The letters that are meant and to be shown, `limit` at most, the oldest first."""
        found: list[Lying] = []
        async for some in self.quarantine.letters(wanted, Extent()):
            found += [one for one in some if shown(one)]
            if limit is not None and len(found) >= limit:
                return found[:limit]
        return found

    async def replay(self, wanted: Wanted, limit: int | None, dry_run: bool) -> Done:
        """Send letters again."""
        done = Done()
        async with _publisher(self.settings) as publisher:
            async for some in self._open(wanted, limit, done, again=bool(wanted.offsets)):
                went = some
                if not dry_run:
                    went, gone, refused = await self.quarantine.replay(some, publisher, self.originals)
                    done.lost += [f"{one.place}: its original or its topic is not there any more" for one in gone]
                    done.lost += [f"{one.place}: larger than the broker takes" for one in refused]
                done.took((one.finding.reason, one.finding.source) for one in went)
        return done

    async def drop(self, wanted: Wanted, limit: int | None, dry_run: bool) -> Done:
        """Mark letters as dropped."""
        done = Done()
        async for some in self._open(wanted, limit, done):
            if not dry_run:
                await self.quarantine.drop(some)
            done.took((one.finding.reason, one.finding.source) for one in some)
        return done

    async def _open(
        self, wanted: Wanted, limit: int | None, done: Done, *, again: bool = False
    ) -> AsyncIterator[list[Letter]]:
        """The letters that nothing became of yet, some at a time; `again`: those that were dropped as well."""
        extent = Extent()
        with bar("reads the quarantine") as moved:
            async for some in self.quarantine.letters(wanted, extent, limit):
                free = []
                for one in some:
                    if one.mark is None or (again and one.mark.fate is Fate.DROPPED):
                        free.append(one.letter)
                    else:
                        done.left[f"already {one.mark.fate}"] += 1
                if free:
                    yield free
                moved(extent.read, extent.total)

    async def replay_refused(self, wanted: Wanted, codes: frozenset[str], limit: int | None, dry_run: bool) -> Done:
        """Send again what was refused for nothing but these codes, and would not be for one of them now."""
        done = Done()
        examiner = await self._examiner()
        found = [one for one in await self._refused(wanted) if refusals.early(one, codes)]
        waiting = [one async for one in self._neither_sent_nor_accepted(found, done)][:limit]
        async with _publisher(self.settings) as publisher:
            with bar("sends again") as moved:
                for first in range(0, len(waiting), _AT_ONCE):
                    some = waiting[first : first + _AT_ONCE]
                    records = await self._records(some, examiner, codes, done)
                    await self._send_again(some, records, publisher if not dry_run else None, done)
                    moved(first + len(some), len(waiting))
        return done

    async def _refused(self, wanted: Wanted) -> list[Refused]:
        extent, found = Extent(), []
        with bar("reads the refusals") as moved:
            async for record in self.reader.whole(STATISTICS_REJECTED.name, extent):
                one = refusals.read(record.headers, record.value, TOPIC)
                if one is not None and (not wanted.sources or one.source in wanted.sources):
                    found.append(one)
                moved(extent.read, extent.total)
        return [
            one
            for one in refusals.latest(found)
            if (wanted.since is None or one.at >= wanted.since) and (wanted.until is None or one.at < wanted.until)
        ]

    async def _neither_sent_nor_accepted(self, found: Sequence[Refused], done: Done) -> AsyncIterator[Refused]:
        for first in range(0, len(found), _AT_ONCE):
            some = found[first : first + _AT_ONCE]
            sent = await self.marks.of(one.raw for one in some)
            accepted = await self.ledger.standing(one.observation_id for one in some)
            for one in some:
                if one.raw in sent:
                    done.left["already replayed"] += 1
                elif one.observation_id in accepted:
                    done.left["accepted meanwhile"] += 1
                else:
                    yield one

    async def _examiner(self) -> Examiner:
        """Holds events against the catalogs that stand now; how late it is does not matter to it."""
        standing = await stream.read(self.settings.kafka.connection())
        catalogs = {name: one.catalog for name, one in standing.items() if one.catalog is not None}
        return Examiner(Desks(catalogs, timedelta(days=36_500)), Logs(self.logs.of), MAX_EVENT_BYTES, moving=False)

    async def _records(
        self, some: Sequence[Refused], examiner: Examiner, codes: frozenset[str], done: Done
    ) -> dict[Place, Addressed]:
        """The raw records, without those that would be refused again."""
        places = [Place(*one.raw) for one in some]
        records, found = {}, set()
        async for place, record in records_at(self.originals, self.logs.of, places):
            found.add(place)
            await examiner.logs.meet([place.topic])
            (read,) = examiner.examine([record], datetime.now(UTC))
            still = {problem.code for problem in read.problems} & codes if isinstance(read, Unsound) else ()
            if still:
                done.left[f"would be refused again: {' '.join(sorted(still))}"] += 1
            else:
                again = Verbatim(record.key, record.value, list(record.headers), record.partition)
                records[place] = Addressed(place.topic, again)
        done.lost += [f"{place}: its topic does not keep it any more" for place in places if place not in found]
        return {place: records[place] for place in places if place in records}

    async def _send_again(
        self, some: Sequence[Refused], records: dict[Place, Addressed], publisher: BatchProducer | None, done: Done
    ) -> None:
        """Publish and mark, or without a publisher only say so."""
        published = set(records)
        if publisher is not None:
            published = set(await publish_each(records, publisher))
            await self.marks.put([place for place in records if place in published], Fate.REPLAYED)
        done.lost += [f"{place}: larger than the broker takes" for place in records if place not in published]
        done.took((" ".join(sorted(one.codes)), one.source) for one in some if Place(*one.raw) in published)


def run(data: Path, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Do it; a broker or database that does not answer is a sentence."""

    async def opened() -> T:
        async with _desk(of_the_system(data)) as desk:
            return await work(desk)

    try:
        return asyncio.run(opened())
    except PyMongoError as error:
        raise StartError(f"MongoDB does not answer ({str(error)[:200]}): start it, or mend TIENDO_MONGO_URI.") from None


@asynccontextmanager
async def _desk(read: CommandSettings) -> AsyncIterator[Desk]:
    waiting = Waiting(read.start.timeout_s, asyncio.Event())
    async with AsyncExitStack() as stack:
        await wait_for_broker(read.kafka, waiting)
        client = await stack.enter_async_context(mongo.connect(read.mongo, waiting))
        logs = LogIds(client, read.mongo, read.kafka.log_id)
        marks = Marks(client[f"{read.mongo.database}_platform"])
        await marks.prepare()
        ingest = client[f"{read.mongo.database}_ingest"]
        reading = await stack.enter_async_context(reader(read.kafka))
        originals = await stack.enter_async_context(reader(read.kafka))
        yield Desk(
            settings=read,
            marks=marks,
            parkings=Parkings(ingest),
            ledger=Ledger(ingest),
            quarantine=Quarantine(TOPIC, await logs.of(STATISTICS_REPORTED.dlq), logs.of, reading, marks),
            logs=logs,
            reader=reading,
            originals=originals,
        )


@asynccontextmanager
async def _publisher(read: CommandSettings) -> AsyncIterator[BatchProducer]:
    """Compressed: what came in a compressed batch may be larger than the topic takes otherwise."""
    made = BatchProducer(read.kafka, Telemetry(), compress=True)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
