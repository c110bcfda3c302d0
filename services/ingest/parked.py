"""The sources that are parked, in MongoDB: `<prefix>_ingest.parked`, one document a source, under its URI.

It says by which record and why, when, and whether the publisher was told. To unpark is to remove it; until the
publisher was told that as well, it stands in `<prefix>_ingest.unparked`, under the coordinates of that record.
"""

from collections.abc import Iterable
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from services.ingest.normalise import Raw
from services.ingest.parking import ParkedSource
from services.runtime.mongo import DURABLE, Database

Document = dict[str, Any]


class Parkings:
    """All writes are durable (majority, journal) when a method returns."""

    def __init__(self, database: Database) -> None:
        self._sources: AsyncCollection[Document] = database.get_collection("parked", write_concern=DURABLE)
        self._stable: AsyncCollection[Document] = database.get_collection(
            "parked", read_concern=ReadConcern("majority")
        )
        self._over: AsyncCollection[Document] = database.get_collection("unparked", write_concern=DURABLE)

    async def standing(self) -> list[ParkedSource]:
        """All that are parked, by source."""
        return [_source(document) async for document in self._stable.find().sort("_id", ASCENDING)]

    async def park(self, one: ParkedSource) -> ParkedSource:
        """Park a source; what stands then, which is another's if that one came first."""
        content = _document(one)
        stands = await self._sources.find_one_and_update(
            {"_id": one.source}, {"$setOnInsert": content}, upsert=True, return_document=True
        )
        assert stands is not None  # the document is given as it is after the upsert
        return _source(stands)

    async def told(self, sources: Iterable[str]) -> None:
        """Their publishers were told."""
        await self._sources.update_many({"_id": {"$in": list(sources)}}, {"$set": {"told": True}})

    async def unpark(self, source: str) -> bool:
        """Whether it was parked."""
        stands = await self._sources.find_one({"_id": source})
        if stands is None:
            return False
        one = _source(stands)
        await self._over.replace_one({"_id": _where(one.raw)}, {"source": source, **_document(one)}, upsert=True)
        await self._sources.delete_one({"_id": source, "raw": stands["raw"]})
        return True

    async def unparked(self) -> list[ParkedSource]:
        """Those that are parked no longer, of which nobody was told yet."""
        over = [_source({**document, "_id": document["source"]}) async for document in self._over.find()]
        stands = {one.source: one.raw for one in await self.standing()} if over else {}
        return [one for one in over if stands.get(one.source) != one.raw]

    async def told_unparked(self, ones: Iterable[ParkedSource]) -> None:
        """Their publishers were told."""
        await self._over.delete_many({"_id": {"$in": [_where(one.raw) for one in ones]}})


def _where(raw: Raw) -> str:
    return f"{raw.log}/{raw.partition}/{raw.offset}"


def _document(one: ParkedSource) -> Document:
    content = one._asdict()
    del content["source"]
    return {**content, "raw": one.raw._asdict()}


def _source(document: Document) -> ParkedSource:
    raw = document["raw"]
    return ParkedSource(
        source=document["_id"],
        cause=document["cause"],
        unreadable=document["unreadable"],
        raw=Raw(raw["log"], raw["topic"], raw["partition"], raw["offset"]),
        value=document["value"],
        since=document["since"],
        at=document["at"],
        told=document["told"],
    )
