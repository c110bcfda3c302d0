"""The quarantine of one topic, from the side of whoever looks into it: read, send again, drop.

Nothing is deleted from Kafka. What was sent again or dropped is marked in MongoDB under the coordinates of the letter
(`<prefix>_platform.quarantine`), after it was published: a crash between the two sends it again, which the ledger of
accepted events makes harmless.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from pymongo import ASCENDING, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from services.runtime.errors import Unprocessable
from services.runtime.kafka import letter
from services.runtime.kafka.letter import Letter
from services.runtime.kafka.logs import Extent, LogReader
from services.runtime.kafka.place import Place
from services.runtime.kafka.producer import Verbatim
from services.runtime.mongo import DURABLE, Database

MARKS_KEPT_S = 400 * 86_400
"""Far longer than topics keep what is marked."""

_AT_ONCE = 500

Document = dict[str, Any]

LogOf = Callable[[str], Awaitable[str]]
"""The identity of a topic's present log."""


class Fate(StrEnum):
    """What became of a record by an operator's hand."""

    REPLAYED = "replayed"
    DROPPED = "dropped"


class Mark(NamedTuple):
    """What became of a record, and when last."""

    fate: Fate
    at: datetime


class Marks:
    """What was sent again or dropped, by coordinates. Writes are durable when a method returns."""

    def __init__(self, platform: Database) -> None:
        self._marks: AsyncCollection[Document] = platform.get_collection("quarantine", write_concern=DURABLE)

    async def prepare(self) -> None:
        """Make the index by which marks are forgotten, long after what they mark."""
        await self._marks.create_index([("at", ASCENDING)], expireAfterSeconds=MARKS_KEPT_S)

    async def of(self, places: Iterable[Place]) -> dict[Place, Mark]:
        """The marks of those that have one."""
        by_name = {str(place): place for place in places}
        found = self._marks.find({"_id": {"$in": list(by_name)}})
        return {by_name[one["_id"]]: Mark(Fate(one["fate"]), one["at"]) async for one in found}

    async def put(self, places: Sequence[Place], fate: Fate) -> None:
        """Mark these."""
        if places:
            told = {"$set": {"fate": fate.value, "at": datetime.now(UTC)}}
            await self._marks.bulk_write(
                [UpdateOne({"_id": str(place)}, told, upsert=True) for place in places], ordered=False
            )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant; what is empty asks for nothing. `since` and `until` (not included) are of the moment at
    which a record was quarantined."""

    sources: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    offsets: frozenset[int] = frozenset()

    def takes(self, one: Letter) -> bool:
        """Whether the letter is meant."""
        found = one.finding
        return (
            (not self.sources or found.source in self.sources)
            and (not self.reasons or found.reason in self.reasons)
            and (self.since is None or found.at >= self.since)
            and (self.until is None or found.at < self.until)
            and (not self.offsets or one.place.offset in self.offsets)
        )


class Lying(NamedTuple):
    """A letter, and what became of it; None: nothing yet."""

    letter: Letter
    mark: Mark | None


class Publisher(Protocol):
    """What is needed of `BatchProducer`."""

    async def publish(self, topic: str, records: Sequence[Verbatim]) -> None: ...


class Addressed(NamedTuple):
    """A record, and the topic to which it goes."""

    topic: str
    record: Verbatim


class Sent(NamedTuple):
    """What came of sending again. `gone`: cut when they were quarantined, and the originals are not kept any more; or
    their topic is no more. `refused`: the broker does not take them."""

    done: list[Letter]
    gone: list[Letter]
    refused: list[Letter]


class Quarantine:
    """What lies in the quarantine of `topic`, where dead letters of other topics may lie too. `log` is the identity of
    the quarantine's own log, `log_of` gives those of the topics that the letters came from."""

    def __init__(self, topic: str, log: str, log_of: LogOf, reader: LogReader, marks: Marks) -> None:
        self._topic = topic
        self._log = log
        self._log_of = log_of
        self._reader = reader
        self._marks = marks

    async def letters(self, wanted: Wanted, extent: Extent, limit: int | None = None) -> AsyncIterator[list[Lying]]:
        """All that are meant, `limit` of the unmarked ones at most, from the oldest on, some at a time."""
        left = limit
        async for some in self._chunks(wanted, extent):
            marks = await self._marks.of(one.place for one in some)
            lying = [Lying(one, marks.get(one.place)) for one in some]
            if left is not None:
                lying, left = _first(lying, left)
            yield lying
            if left == 0:
                return

    async def _chunks(self, wanted: Wanted, extent: Extent) -> AsyncIterator[list[Letter]]:
        some: list[Letter] = []
        async for record in self._reader.whole(self._topic + ".dlq", extent):
            one = letter.read(record, self._log)
            if wanted.takes(one):
                some.append(one)
            if len(some) == _AT_ONCE:
                yield some
                some = []
        if some:
            yield some

    async def replay(self, letters: Sequence[Letter], publisher: Publisher, originals: LogReader) -> Sent:
        """Send these again, and mark them. Raises `Transient` if the broker is away, and whatever the database raises;
        what was marked until then is done."""
        whole = await self._whole(letters, originals)
        published = frozenset(await publish_each(whole, publisher))
        await self._marks.put([place for place in whole if place in published], Fate.REPLAYED)
        return Sent(
            done=[one for one in letters if one.place in published],
            gone=[one for one in letters if one.place not in whole],
            refused=[one for one in letters if one.place in whole.keys() - published],
        )

    async def drop(self, letters: Sequence[Letter]) -> None:
        """Mark these as not to be sent again."""
        await self._marks.put([one.place for one in letters], Fate.DROPPED)

    async def _whole(self, letters: Sequence[Letter], originals: LogReader) -> dict[Place, Addressed]:
        """What is to be published for each, where its topic is still there; of those that were cut, the original."""
        there = await originals.topics()
        cut: dict[Place, list[Letter]] = {}  # a record whose offset was not committed in time has several letters
        for one in letters:
            if one.cut is not None:
                cut.setdefault(one.origin, []).append(one)
        found = {
            one.place: Addressed(one.origin.topic, letter.again(one))
            for one in letters
            if one.cut is None and one.origin.topic in there
        }
        async for place, record in records_at(originals, self._log_of, cut):
            found |= {one.place: Addressed(place.topic, letter.again(one, record)) for one in cut[place]}
        return {one.place: found[one.place] for one in letters if one.place in found}


async def records_at(
    reader: LogReader, log_of: LogOf, places: Iterable[Place]
) -> AsyncIterator[tuple[Place, letter.Record]]:
    """The records at these places, as far as their logs still are and keep them."""
    offsets: dict[tuple[str, str], dict[int, list[int]]] = {}
    for log, topic, partition, offset in places:
        offsets.setdefault((log, topic), {}).setdefault(partition, []).append(offset)
    there = await reader.topics() if offsets else frozenset()
    for (log, topic), wanted in offsets.items():
        if topic in there and await log_of(topic) == log:
            async for record in reader.at(topic, wanted):
                yield Place(log, topic, record.partition, record.offset), record


async def publish_each(records: Mapping[Place, Addressed], publisher: Publisher) -> list[Place]:
    """Publish together, or one by one if one of them is more than the broker takes; those that were published."""
    by_topic: dict[str, dict[Place, Verbatim]] = {}
    for place, one in records.items():
        by_topic.setdefault(one.topic, {})[place] = one.record
    return [done for topic, some in by_topic.items() for done in await _publish_each(topic, some, publisher)]


async def _publish_each(topic: str, records: Mapping[Place, Verbatim], publisher: Publisher) -> list[Place]:
    try:
        await publisher.publish(topic, list(records.values()))
    except Unprocessable:
        if len(records) == 1:
            return []
        return [
            done for place, record in records.items() for done in await _publish_each(topic, {place: record}, publisher)
        ]
    return list(records)


def _first(lying: list[Lying], limit: int) -> tuple[list[Lying], int]:
    """The first of them, up to so many without a mark; and how many may follow."""
    kept: list[Lying] = []
    for one in lying:
        if limit == 0:
            break
        kept.append(one)
        limit -= one.mark is None
    return kept, limit
