"""The read model in MongoDB: `progress`, `alerts`, `transitions`, and `changes`, which tells every replica what moved.

Documents are only ever replaced by a higher version, so redelivery, a replay from the start and two writers at once
leave the newest. Nothing is kept here that could not be read again from the topics.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, DeleteOne, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from contracts.progress import progress_key
from services.gateway.documents import Count, Document, Place
from services.gateway.queries import AlertFilter, ProgressFilter, Slice
from services.runtime.mongo import DUPLICATE_KEY, Client
from services.runtime.settings import MongoSettings

Collection = AsyncCollection[Document]
Write = InsertOne[Document] | ReplaceOne[Document] | UpdateOne | DeleteOne

CHANGES_KEPT = timedelta(hours=1)
"""How long a change is kept: a stream that was away for longer is told to read everything again."""

_OPEN_SHOWN = 500

_COUNTED = ("kpi", "period", "level", "status", "until")


class ReadModel:
    """Everything that the gateway keeps."""

    def __init__(self, client: Client, settings: MongoSettings) -> None:
        self.database = f"{settings.database}_gateway"
        database = client[self.database]
        self._progress: Collection = database["progress"]
        self._alerts: Collection = database["alerts"]
        self._transitions: Collection = database["transitions"]
        self._changes: Collection = database["changes"]

    async def prepare(self) -> None:
        """Make the indexes. Each filter of a list has one that also gives the list's order."""
        filters = ("province", "kpi", "org_unit", "ancestors", "period", "status", "level")
        await self._progress.create_indexes(
            [
                *(IndexModel([(name, ASCENDING), ("_id", ASCENDING)]) for name in filters),
                IndexModel([(name, ASCENDING) for name in ("province", *_COUNTED)]),
            ]
        )
        order = [("since", DESCENDING), ("_id", ASCENDING)]
        await self._alerts.create_indexes(
            [
                IndexModel(order),
                *(IndexModel([(name, ASCENDING), *order]) for name in ("state", "kpi", "org_unit", "ancestors")),
            ]
        )
        await self._transitions.create_indexes([IndexModel([("alert_id", ASCENDING), ("seq", ASCENDING)])])
        await self._changes.create_indexes(
            [IndexModel([("at", ASCENDING)], expireAfterSeconds=int(CHANGES_KEPT.total_seconds()))]
        )

    # Writing

    async def put_progress(self, documents: Sequence[Document]) -> None:
        """Keep those of the records that are newer than what is there."""
        await _replace_older(self._progress, documents, "version")

    async def put_alerts(self, alerts: Sequence[Document], transitions: Sequence[Document]) -> None:
        """Keep those of the alerts that are newer than what is there, and every transition once."""
        if transitions:
            await bulk(
                self._transitions,
                [UpdateOne({"_id": told["_id"]}, {"$setOnInsert": told}, upsert=True) for told in transitions],
            )
        await _replace_older(self._alerts, alerts, "seq")

    async def announce(self, change: Mapping[str, Any]) -> None:
        """Tell all replicas what moved. `change` names the topic, the provinces and the KPIs."""
        await self._changes.insert_one({**change, "at": datetime.now(UTC)})

    async def places(self) -> AsyncIterator[tuple[str, Document]]:
        """Collection and the fields that a place depends on, of every document."""
        for collection in (self._progress, self._alerts):
            fields = dict.fromkeys(("province", "org_unit", "as_of", *Place._fields, "record.progress.as_of"), 1)
            async for document in collection.find({}, fields):
                yield collection.name, document

    async def move(self, collection: str, places: Mapping[str, Document]) -> None:
        """Set the place of documents, by id."""
        target = self._progress if collection == self._progress.name else self._alerts
        if places:
            await bulk(target, [UpdateOne({"_id": key}, {"$set": place}) for key, place in places.items()])

    # Reading

    async def progress(self, kpi: str, org_unit: str, period: str) -> Document | None:
        """The record. The province need not be named: ids of units are unique over all catalogs."""
        return await self._progress.find_one({"org_unit": org_unit, "kpi": kpi, "period": period})

    async def of_keys(self, keys: Iterable[str]) -> list[Document]:
        """The records of these keys, those that there are."""
        return await self._progress.find({"_id": {"$in": list(keys)}}).to_list()

    async def list_progress(self, wanted: ProgressFilter, limit: int, after: str | None = None) -> Slice:
        """A page in the order of the keys, from the key after `after` on."""
        query = wanted.query()
        if after is not None:
            query["_id"] = {"$gt": after}
        found = await self._progress.find(query).sort("_id", ASCENDING).limit(limit + 1).to_list()
        return _page(found, limit, lambda last: (last["_id"],))

    async def alert(self, alert_id: str) -> tuple[Document, list[Document]] | None:
        """An alert and its transitions, oldest first."""
        found = await self._alerts.find_one({"_id": alert_id})
        if found is None:
            return None
        told = await self._transitions.find({"alert_id": alert_id}).sort("seq", ASCENDING).to_list()
        return found, told

    async def list_alerts(self, wanted: AlertFilter, limit: int, after: tuple[datetime, str] | None = None) -> Slice:
        """A page, latest opened first."""
        query = wanted.query()
        if after is not None:
            since, alert_id = after
            query["$or"] = [{"since": {"$lt": since}}, {"since": since, "_id": {"$gt": alert_id}}]
        order = [("since", DESCENDING), ("_id", ASCENDING)]
        found = await self._alerts.find(query).sort(order).limit(limit + 1).to_list()
        return _page(found, limit, lambda last: (last["since"], last["_id"]))

    async def of_units(self, province: str, units: Iterable[str]) -> list[Document]:
        """All records of these units."""
        return await self._progress.find({"province": province, "org_unit": {"$in": list(units)}}).to_list()

    async def of_kpi(self, province: str, kpi: str, period: str) -> list[Document]:
        """The records of all units for one KPI and period."""
        return await self._progress.find({"province": province, "kpi": kpi, "period": period}).to_list()

    async def counts(self, province: str) -> list[Count]:
        """How many records there are, by what they are counted by. Answered from an index alone."""
        group = {"_id": {name: f"${name}" for name in _COUNTED}, "count": {"$sum": 1}}
        cursor = await self._progress.aggregate(
            [
                {"$match": {"province": province}},
                {"$project": {"_id": 0, **dict.fromkeys(_COUNTED, 1)}},
                {"$group": group},
            ]
        )
        return [Count(**{name: row["_id"].get(name) for name in _COUNTED}, number=row["count"]) async for row in cursor]

    async def open_alerts(self, province: str) -> list[Document]:
        """The open alerts, worst and longest first; at most 500. Under `now` the progress record as it stands."""
        order = [("order", ASCENDING), ("since", ASCENDING), ("_id", ASCENDING)]
        wanted = {"province": province, "state": "open"}
        found = await self._alerts.find(wanted).sort(order).limit(_OPEN_SHOWN).to_list()
        keys = [progress_key(province, one["kpi"], one["org_unit"], one["period"]) for one in found]
        records = await self._progress.find({"_id": {"$in": keys}}, {"record": 1}).to_list()
        standing = {one["_id"]: one["record"] for one in records}
        return [{**one, "now": standing.get(key)} for one, key in zip(found, keys, strict=True)]

    async def count_open_alerts(self, province: str) -> int:
        """How many alerts are open."""
        return await self._alerts.count_documents({"province": province, "state": "open"})

    async def last_judged(self) -> datetime | None:
        """The latest moment at which anything was judged: the business time as far as the read model knows it."""
        cursor = await self._progress.aggregate([{"$group": {"_id": None, "at": {"$max": "$judged_at"}}}])
        async for row in cursor:
            return row["at"]  # type: ignore[no-any-return]
        return None

    async def changes(self) -> AsyncIterator[tuple[str, Document]]:
        """Every change from now on, as (resume token, document); the first, empty, says that listening has begun."""
        inserted = [{"$match": {"operationType": "insert"}}]
        async with await self._changes.watch(inserted, max_await_time_ms=250) as stream:
            yield "", {}
            while stream.alive:
                # One try at a time: the client's time limit is one operation's, and iterating would be one without end.
                event = await stream.try_next()
                if event is not None:
                    yield event["_id"]["_data"], event["fullDocument"]


async def _replace_older(collection: Collection, documents: Sequence[Document], order: str) -> None:
    """Write each document unless one with a higher `order` stands there.

    The upsert of a document that is older, or that another writer inserts at the same moment, fails as a duplicate key.
    Which of the two it was shows a second try without upsert.
    """
    if not documents:
        return
    by_key = {document["_id"]: document for document in documents}
    refused = await bulk(collection, [_replace(document, order, upsert=True) for document in by_key.values()])
    if refused:
        again = list(by_key.values())
        await bulk(collection, [_replace(again[index], order, upsert=False) for index in refused])


def _replace(document: Document, order: str, *, upsert: bool) -> ReplaceOne[Document]:
    return ReplaceOne({"_id": document["_id"], order: {"$lt": document[order]}}, document, upsert=upsert)


async def bulk(collection: Collection, writes: Sequence[Write]) -> list[int]:
    """One unordered bulk write. Returns the positions that were refused as duplicates; raises for anything else."""
    try:
        await collection.bulk_write(list(writes), ordered=False)
    except BulkWriteError as error:
        failed = error.details.get("writeErrors", [])
        if error.details.get("writeConcernErrors") or any(one["code"] != DUPLICATE_KEY for one in failed):
            raise
        return [one["index"] for one in failed]
    return []


def _page(found: list[Document], limit: int, position: Any) -> Slice:
    if len(found) <= limit:
        return Slice(found)
    kept = found[:limit]
    return Slice(kept, position(kept[-1]))
