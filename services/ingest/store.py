"""The ledger in MongoDB: every accepted event, whole, under its identity. Also the audit trail, and the archive.

Collections of `<prefix>_ingest`:

    ledger   _id = observation_id; who said it (source, source_id), where its record stands (raw), a digest of its data,
             and the observation exactly as it was published (payload, under key), findable by the unit and day that it
             is about (subject). Never changed once written. stored_at is the real time of writing, by which entries are
             removed if the settings say so.
    reuses   _id = coordinates; other contents that came under a taken identity: evidence, never applied. The beginning
             of the value, and of all of it the length and the SHA-256. Removed as entries are, by stored_at.
    meta     _id = "removal"; before: entries written earlier may be gone.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from services.ingest.decide import Entry, Reuse
from services.ingest.normalise import Raw
from services.runtime.errors import Transient, Unprocessable
from services.runtime.mongo import DUPLICATE_KEY, DURABLE, Database

SCHEMA = 1

REMOVAL = "removal"

_COORDINATES = [("key", ASCENDING), ("raw.log", ASCENDING), ("raw.partition", ASCENDING), ("raw.offset", ASCENDING)]

_BY_SOURCE = [("source", ASCENDING), ("stored_at", ASCENDING), ("_id", ASCENDING)]

_BY_TIME_ALONE = "stored_at_1"
"""An index of older releases."""

_LATEST_DAYS = {"subject": DESCENDING, "_id": DESCENDING}

_NO_SUCH_INDEX = frozenset({26, 27})

MOST_EVIDENCE_BYTES = 64 * 1024
"""Kept of another content; a publisher could fill the database with whole ones."""

_BY_TIME = [("stored_at", ASCENDING)]

_PAGE_BYTES = 4 * 1024 * 1024

Document = dict[str, Any]


class Part(NamedTuple):
    """What is held of a key from one partition of one log: how many entries, all of them before `end`."""

    log: str
    partition: int
    end: int
    entries: int


class Stored(NamedTuple):
    """An entry, and when it was written."""

    stored_at: datetime
    entry: Entry


class Ledger:
    """All writes are durable (majority, journal) when a method returns."""

    def __init__(self, database: Database) -> None:
        self._entries: AsyncCollection[Document] = database.get_collection("ledger", write_concern=DURABLE)
        # What is found must stay: an entry that a failover may still take back is as good as not there yet.
        self._stable: AsyncCollection[Document] = database.get_collection(
            "ledger", read_concern=ReadConcern("majority")
        )
        self._reuses: AsyncCollection[Document] = database.get_collection("reuses", write_concern=DURABLE)
        self._meta: AsyncCollection[Document] = database.get_collection("meta", write_concern=DURABLE)

    async def prepare(self) -> None:
        """Make the indexes: a unit and day, a key in the order of its coordinates, a source by the time of writing."""
        await self._entries.create_index([("subject", ASCENDING), ("_id", ASCENDING)])
        await self._entries.create_index(_COORDINATES)
        await self._entries.create_index(_BY_SOURCE)
        await self._reuses.create_index(_BY_TIME)
        # Evidence of older releases does not say when it was written: it is kept as long again.
        await self._reuses.update_many({"stored_at": None}, {"$set": {"stored_at": datetime.now(UTC)}}, hint=_BY_TIME)
        try:
            await self._entries.drop_index(_BY_TIME_ALONE)
        except OperationFailure as error:
            if error.code not in _NO_SUCH_INDEX:
                raise

    async def claim(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        """Write these entries, of which no two have the same id; return those that stand already under an id of theirs.

        One round trip where all ids are free, one more where some are taken.
        """
        if not entries:
            return {}
        now = datetime.now(UTC)
        try:
            await self._entries.insert_many([_document(entry, now) for entry in entries], ordered=False)
        except BulkWriteError as error:
            taken = _taken(error)
        else:
            return {}
        found = await self.standing(taken)
        if len(found) < len(taken):
            raise Transient(f"{len(taken) - len(found)} ledger entries are not yet safe on a majority of the database")
        return found

    async def standing(self, ids: Iterable[str]) -> dict[str, Entry]:
        """The entries under these ids, by id."""
        wanted = list(ids)
        if not wanted:
            return {}
        documents = await self._stable.find({"_id": {"$in": wanted}}).to_list(None)
        return {str(document["_id"]): _entry(document) for document in documents}

    async def about(self, subjects: Iterable[str], after: str, limit: int) -> list[Entry]:
        """The entries about these units and days, in the order of their ids, from the id behind `after` on."""
        wanted = {"subject": {"$in": list(subjects)}, "_id": {"$gt": after}}
        documents = await self._stable.find(wanted).sort("_id", ASCENDING).limit(limit).to_list(None)
        return [_entry(document) for document in documents]

    async def before(self, subjects: Sequence[str], limit: int) -> list[list[Entry]]:
        """For each of these units and days the entries about the unit's days before, the latest days first: `limit` of
        them at most. One round trip."""
        asked = [{"from": subject[: -len("YYYY-MM-DD")], "until": subject} for subject in subjects]
        span = {"$and": [{"$gte": ["$subject", "$$from"]}, {"$lt": ["$subject", "$$until"]}]}
        looked_up: Document = {
            "from": self._stable.name,
            "let": {"from": "$from", "until": "$until"},
            "pipeline": [{"$match": {"$expr": span}}, {"$sort": _LATEST_DAYS}, {"$limit": limit}],
            "as": "found",
        }
        if not asked:
            return []
        database = self._stable.database.with_options(read_concern=self._stable.read_concern)
        stages: list[Document] = [{"$documents": asked}, {"$lookup": looked_up}]
        async with await database.aggregate(stages) as answers:
            return [[_entry(document) for document in answer["found"]] async for answer in answers]

    async def recent(
        self, sources: Iterable[str], since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Stored]:
        """The entries of these sources that were written last, the latest first; equal times by id, downwards.

        `since`: not those written earlier. `before`: where the page before ended, as time and id.
        """
        wanted: Document = {"source": {"$in": sorted(sources)}}
        if since is not None:
            wanted["stored_at"] = {"$gte": since}
        if before is not None:
            moment, last = before
            wanted["stored_at"] = {**wanted.get("stored_at", {}), "$lte": moment}
            wanted["$or"] = [{"stored_at": {"$lt": moment}}, {"_id": {"$lt": last}}]
        order = [("stored_at", DESCENDING), ("_id", DESCENDING)]
        found = await self._stable.find(wanted, sort=order, limit=limit, hint=_BY_SOURCE).to_list(None)
        return [Stored(document["stored_at"], _entry(document)) for document in found]

    async def keep(self, reuses: Sequence[Reuse]) -> None:
        """Keep other contents of taken identities; those kept already stay as they are."""
        if not reuses:
            return
        try:
            await self._reuses.insert_many([_evidence(reuse) for reuse in reuses], ordered=False)
        except BulkWriteError as error:
            _taken(error)

    async def parts(self, key: str) -> list[Part]:
        """How far the entries of a key reach, by log and partition."""
        found = await self._stable.aggregate(
            [
                {"$match": {"key": key}},
                {
                    "$group": {
                        "_id": {"log": "$raw.log", "partition": "$raw.partition"},
                        "last": {"$max": "$raw.offset"},
                        "entries": {"$sum": 1},
                    }
                },
                {"$sort": {"_id.log": 1, "_id.partition": 1}},
            ],
            hint=dict(_COORDINATES),
        )
        return [
            Part(part["_id"]["log"], part["_id"]["partition"], part["last"] + 1, part["entries"])
            async for part in found
        ]

    async def page(self, key: str, log: str, partition: int, start: int, until: int, limit: int) -> list[Entry]:
        """Entries of a key in the order of their offsets, from `start` and before `until`: `limit` of them at most, and
        at least one."""
        wanted = {"key": key, "raw.log": log, "raw.partition": partition, "raw.offset": {"$gte": start, "$lt": until}}
        found: list[Entry] = []
        size = 0
        async with self._stable.find(wanted, sort=_COORDINATES, limit=limit, batch_size=limit) as documents:
            async for document in documents:
                found.append(_entry(document))
                size += len(found[-1].payload)
                if size > _PAGE_BYTES:
                    break
        return found

    async def remove(self, before: datetime) -> int:
        """Remove the entries that were written before that moment, and remember that there were some; how many.
        Evidence of that time goes as well."""
        await self._reuses.delete_many({"stored_at": {"$lt": before}}, hint=_BY_TIME)
        sources = await self._entries.distinct("source")
        old = {"source": {"$in": sources}, "stored_at": {"$lt": before}}
        if await self._entries.find_one(old, {"_id": 1}, hint=_BY_SOURCE) is None:
            return 0
        await self._meta.update_one({"_id": REMOVAL}, {"$max": {"before": before}}, upsert=True)
        return (await self._entries.delete_many(old, hint=_BY_SOURCE)).deleted_count

    async def removed_before(self) -> datetime | None:
        """Entries written before this moment may be gone; None as long as none was ever removed."""
        noted = await self._meta.find_one({"_id": REMOVAL})
        return None if noted is None else noted["before"]

    async def latest(self) -> datetime | None:
        """When (business time) the entry that was written last was received; None in an empty ledger."""
        last = await self._entries.find_one({}, {"received_at": 1}, sort=[("$natural", -1)])
        return last["received_at"] if last is not None else None


def _taken(error: BulkWriteError) -> list[str]:
    """The ids that were not free. Raises the error itself if anything else went wrong."""
    details = error.details or {}
    problems = details.get("writeErrors") or []
    if details.get("writeConcernErrors") or any(problem.get("code") != DUPLICATE_KEY for problem in problems):
        raise error
    return [problem["op"]["_id"] for problem in problems]


def _document(entry: Entry, stored_at: datetime) -> Document:
    raw = entry.raw
    return {
        "_id": entry.observation_id,
        "schema": SCHEMA,
        "source": entry.source,
        "source_id": entry.source_id,
        "raw": {"log": raw.log, "topic": raw.topic, "partition": raw.partition, "offset": raw.offset},
        "digest": entry.digest,
        "key": entry.key,
        "subject": entry.subject,
        "payload": entry.payload,
        "received_at": entry.received_at,
        "catalog_version": entry.catalog_version,
        "stored_at": stored_at,
    }


def _entry(document: Document) -> Entry:
    if document["schema"] > SCHEMA:
        raise Unprocessable(
            f"the ledger entry {document['_id']} has schema {document['schema']} of a newer release, "
            f"this one knows {SCHEMA}: run the newer release"
        )
    raw = document["raw"]
    return Entry(
        observation_id=document["_id"],
        source=document["source"],
        source_id=document["source_id"],
        raw=Raw(raw["log"], raw["topic"], raw["partition"], raw["offset"]),
        digest=document["digest"],
        key=document["key"],
        payload=document["payload"],
        received_at=document["received_at"],
        catalog_version=document["catalog_version"],
        subject=document.get("subject", ""),
    )


def _evidence(reuse: Reuse) -> Document:
    raw = reuse.raw
    return {
        "_id": f"{raw.log}/{raw.topic}/{raw.partition}/{raw.offset}",
        "schema": SCHEMA,
        "observation_id": reuse.observation_id,
        "source": reuse.source,
        "source_id": reuse.source_id,
        "value": reuse.value[:MOST_EVIDENCE_BYTES],
        "bytes": len(reuse.value),
        "sha256": hashlib.sha256(reuse.value).digest(),
        "seen_at": reuse.seen_at,
        "stored_at": datetime.now(UTC),
    }
