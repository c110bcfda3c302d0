"""What letters to publishers are made of, on MongoDB: `notes`, `correspondences`, `sightings`.

Notes are forgotten by `forget_at`: a while after they were folded in, or when nobody folds them in.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta

from pymongo import ASCENDING, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from services.alerts import documents
from services.alerts.digest import Correspondence, Digest, PublisherKey
from services.alerts.documents import Document
from services.alerts.notes import Note
from services.alerts.ports import CorrespondenceChange, Kept, Sighting, Waiting
from services.alerts.reminding import Watched
from services.alerts.store import guarded, in_order, insert, left_lying, write
from services.runtime.mongo import DURABLE, Database

Collected = AsyncCollection[Document]

BY_PUBLISHER = [("whose", ASCENDING), ("at", ASCENDING)]

BY_IDENTITY, BY_CELL = "identity", "cell"

WATCHING = "watching"
"""The document that says since when figures are looked at."""


async def make_indexes(database: Database) -> None:
    """Make what the queries below need; nothing happens where it is there already."""
    notes, owed, sightings = database["notes"], database["correspondences"], database["sightings"]
    await notes.create_index(BY_PUBLISHER, partialFilterExpression={"open": True})
    for mendable in (BY_IDENTITY, BY_CELL):
        await notes.create_index(mendable, partialFilterExpression={"open": True})
    await notes.create_index("forget_at", expireAfterSeconds=0)
    await owed.create_index("outbox.written", partialFilterExpression={"outbox.written": {"$exists": True}})
    await sightings.create_index(
        [("province", ASCENDING), ("kpi", ASCENDING), ("unit", ASCENDING), ("as_of", ASCENDING)]
    )


def waiting(upto: datetime) -> Document:
    """Notes of that time or before that are in no correspondence."""
    return {"open": True, "at": {"$lte": upto}}


def mendable(identity: Document, cell: Document) -> Document:
    """Refusals that are in no correspondence, by what would mend them."""
    return {"$or": [{"open": True, BY_IDENTITY: identity}, {"open": True, BY_CELL: cell}]}


def stands_in(province: str) -> Document:
    """Records of the province in which a figure stands."""
    return {"province": province, "as_of": {"$gt": ""}}


class MongoNotes:
    """`notes`: one document a note, under the id of the answer that it was made from."""

    def __init__(self, database: Database, unfolded_for: timedelta) -> None:
        self._notes: Collected = database.get_collection("notes", write_concern=DURABLE)
        self._unfolded_for = unfolded_for

    async def put(self, notes: Sequence[Kept]) -> None:
        forget_at = datetime.now(UTC) + self._unfolded_for
        await insert(
            self._notes,
            [
                {
                    "_id": kept.note.id,
                    "schema": documents.SCHEMA,
                    "whose": kept.whose.id,
                    "open": True,
                    "at": kept.note.at,
                    "forget_at": forget_at,
                    "note": documents.of_note(kept.note),
                    **{name: word for name in (BY_IDENTITY, BY_CELL) if (word := getattr(kept, name)) is not None},
                }
                for kept in {kept.note.id: kept for kept in notes}.values()
            ],
        )

    async def whose(self, upto: datetime) -> frozenset[PublisherKey]:
        # Those that were folded in are many, and in no index but this by which they are left out.
        found = await self._notes.aggregate(
            [{"$match": waiting(upto)}, {"$group": {"_id": "$whose"}}], hint=dict(BY_PUBLISHER)
        )
        return frozenset([PublisherKey(*one["_id"].split("/", 1)) async for one in found])

    async def first(self, whose: PublisherKey, upto: datetime, limit: int) -> list[Note]:
        found = self._notes.find({"whose": whose.id, **waiting(upto)}).sort("at", ASCENDING).limit(limit)
        return [documents.to_note(document["note"]) async for document in found]

    async def any_refused(self) -> bool:
        return await self._notes.find_one(mendable({"$gt": ""}, {"$gt": ""}), {"_id": 1}) is not None

    async def refused(self, identities: Collection[str], cells: Collection[str]) -> list[Waiting]:
        query = mendable({"$in": sorted(identities)}, {"$in": sorted(cells)})
        found = self._notes.find(query, {"whose": 1, "at": 1, BY_IDENTITY: 1, BY_CELL: 1})
        return [
            Waiting(
                one["_id"],
                PublisherKey(*one["whose"].split("/", 1)),
                one["at"],
                one.get(BY_IDENTITY),
                one.get(BY_CELL),
            )
            async for one in found
        ]

    async def folded(self, ids: Collection[str], forget_at: datetime) -> None:
        done = {"$set": {"forget_at": forget_at}, "$unset": {"open": "", "note": "", BY_IDENTITY: "", BY_CELL: ""}}
        await self._notes.update_many({"_id": {"$in": list(ids)}, "open": True}, done)


class MongoCorrespondences:
    """`correspondences`: one document a publisher, with `rev` and the outbox `outbox`."""

    def __init__(self, database: Database) -> None:
        self._owed: Collected = database["correspondences"]

    async def load(self, keys: Collection[PublisherKey]) -> dict[PublisherKey, Correspondence]:
        found = self._owed.find({"_id": {"$in": [key.id for key in keys]}}, {"outbox": 0})
        owed = [documents.to_correspondence(document) async for document in found]
        return {one.key: one for one in owed}

    async def save(self, change: CorrespondenceChange) -> bool:
        owed, digest = change.owed, change.digest
        outbox = []
        if digest is not None:
            outbox = [{"seq": digest.seq, "written": datetime.now(UTC), "mail": documents.of_queued(digest)}]
        fields = documents.of_correspondence(owed)
        return await write(self._owed, [guarded(owed.key.id, owed.rev, fields, "outbox", outbox)])

    async def pending(self, keys: Collection[PublisherKey] | None) -> list[Digest]:
        query: Document = left_lying("outbox")
        if keys is not None:
            query = {"_id": {"$in": [key.id for key in keys]}, "outbox.written": {"$exists": True}}
        found = self._owed.find(query, {"outbox": 1})
        entries = [entry async for document in found for entry in in_order(document["outbox"])]
        mails = [documents.to_queued(entry["mail"]) for entry in entries]
        return [mail for mail in mails if isinstance(mail, Digest)]

    async def relayed(self, done: Collection[Digest]) -> None:
        gone = [UpdateOne({"_id": one.key.id}, {"$pull": {"outbox": {"seq": {"$lte": one.seq}}}}) for one in done]
        if gone:
            await self._owed.bulk_write(gone, ordered=False)


class MongoSightings:
    """`sightings`: one document a province, KPI, unit and period. Older builds made one without a period, which stays:
    what they saw cannot be withdrawn any more."""

    def __init__(self, database: Database) -> None:
        self._sightings: Collected = database.get_collection("sightings", write_concern=DURABLE)

    async def keep(self, seen: Sequence[Sighting]) -> None:
        await self._sightings.bulk_write([write for one in seen for write in _kept(one)])

    async def newest(self, province: str) -> dict[str, dict[str, date]]:
        newest: dict[str, dict[str, date]] = {}
        latest = {"$group": {"_id": {"kpi": "$kpi", "unit": "$unit"}, "as_of": {"$max": "$as_of"}}}
        found = await self._sightings.aggregate([{"$match": stands_in(province)}, latest])
        async for one in found:
            newest.setdefault(one["_id"]["kpi"], {})[one["_id"]["unit"]] = date.fromisoformat(one["as_of"])
        return newest

    async def watched(self, otherwise: Watched) -> Watched:
        """Since when figures are looked at; `otherwise` is kept if nothing is yet."""
        first = {"since": otherwise.since.isoformat(), "whole": otherwise.whole}
        kept = await self._sightings.find_one_and_update(
            {"_id": WATCHING}, {"$setOnInsert": first}, upsert=True, return_document=True
        )
        assert kept is not None  # the document is given as it is after the upsert
        return Watched(date.fromisoformat(kept["since"]), kept["whole"])


def _kept(one: Sighting) -> list[UpdateOne]:
    """Where nothing was ever seen in a record, there is no document."""
    about = {"province": one.province, "kpi": one.kpi, "unit": one.unit}
    id = "/".join((*about.values(), one.period))
    day = one.as_of.isoformat() if one.as_of is not None else None
    said = UpdateOne({"_id": id, "version": {"$lt": one.version}}, {"$set": {"as_of": day, "version": one.version}})
    if day is None:
        return [said]
    return [UpdateOne({"_id": id}, {"$setOnInsert": {**about, "as_of": None, "version": 0}}, upsert=True), said]
