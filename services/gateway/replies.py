"""What went back to publishers, in MongoDB: why events were turned away, and which figures others made doubtful.

Collections of `<prefix>_gateway`, each document written once under the id of what it was made from, so that redelivery
and a replay from the start add nothing:

    refusals  one time that an event was refused or quarantined; identity is the observation's id that the event would
              have, null where the event's own id was not readable
    doubts    one telling of doubts about an accepted event

`at` is the real time at which it was said, `told_at` that of the business clock; `said` holds the problems or flags as
JSON, which nobody searches. Both are forgotten by `kept_at` after the days of the settings.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from services.gateway.documents import Document
from services.gateway.store import bulk
from services.runtime.mongo import Client
from services.runtime.settings import MongoSettings

Position = tuple[datetime, str]
"""Where a page ended: time and id."""

MOST_OF_AN_EVENT = 20
"""Refusals of one event that are told; of a publisher that sends the same again and again the latest."""

MOST_OF_A_PAGE = 5_000
"""Refusals, and doubts, of all events of a page: the latest, where somebody sends the same without end."""

_ANOTHER_TIME_TO_LIVE = 85


class Told(Protocol):
    """The reading side."""

    async def of_event(self, identity: str) -> tuple[list[Document], list[Document]]:
        """Refusals and doubts of one event, the latest first."""
        ...

    async def of_events(self, identities: Iterable[str]) -> tuple[list[Document], list[Document]]:
        """The same of several, the latest `MOST_OF_A_PAGE`, without what was said."""
        ...

    async def refused(
        self, sources: Iterable[str], since: datetime | None, before: Position | None, limit: int
    ) -> list[Document]:
        """Refusals of these sources, the latest first, from behind `before` on."""
        ...


class Replies:
    """Writing and reading them."""

    def __init__(self, client: Client, settings: MongoSettings) -> None:
        self._database: AsyncDatabase[Document] = client[f"{settings.database}_gateway"]
        self._refusals: AsyncCollection[Document] = self._database["refusals"]
        self._doubts: AsyncCollection[Document] = self._database["doubts"]

    async def prepare(self, kept: timedelta) -> None:
        """Make the indexes: by event, the refusals also by source and time; and have the rest forgotten."""
        of_event = IndexModel([("identity", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)])
        await self._refusals.create_indexes([of_event, IndexModel(_BY_SOURCE)])
        await self._doubts.create_indexes([of_event])
        for collection in (self._refusals, self._doubts):
            await self._forget(collection, int(kept.total_seconds()))

    async def _forget(self, collection: AsyncCollection[Document], seconds: int) -> None:
        try:
            await collection.create_index([("kept_at", ASCENDING)], expireAfterSeconds=seconds)
        except OperationFailure as error:
            if error.code != _ANOTHER_TIME_TO_LIVE:
                raise
            index = {"keyPattern": {"kept_at": 1}, "expireAfterSeconds": seconds}
            await self._database.command("collMod", collection.name, index=index)

    async def put_refusals(self, documents: Sequence[Document]) -> None:
        """Keep those that are not there yet."""
        await bulk(self._refusals, [InsertOne(one) for one in documents])

    async def put_doubts(self, documents: Sequence[Document]) -> None:
        """Keep those that are not there yet."""
        await bulk(self._doubts, [InsertOne(one) for one in documents])

    async def of_event(self, identity: str) -> tuple[list[Document], list[Document]]:
        """Refusals and doubts of one event, the latest first."""
        refusals, doubts = (
            collection.find({"identity": identity}).sort(_LATEST).limit(MOST_OF_AN_EVENT).to_list()
            for collection in (self._refusals, self._doubts)
        )
        return await asyncio.gather(refusals, doubts)

    async def of_events(self, identities: Iterable[str]) -> tuple[list[Document], list[Document]]:
        """The same of several, without what was said."""
        wanted = {"identity": {"$in": list(identities)}}
        refusals, doubts = (
            collection.find(wanted, {"said": 0}).sort(_LATEST).limit(MOST_OF_A_PAGE).to_list()
            for collection in (self._refusals, self._doubts)
        )
        return await asyncio.gather(refusals, doubts)

    async def refused(
        self, sources: Iterable[str], since: datetime | None, before: Position | None, limit: int
    ) -> list[Document]:
        """Refusals of these sources, the latest first, from behind `before` on."""
        wanted: Document = {"source": {"$in": sorted(sources)}}
        if since is not None:
            wanted["at"] = {"$gte": since}
        if before is not None:
            moment, last = before
            wanted["at"] = {**wanted.get("at", {}), "$lte": moment}
            wanted["$or"] = [{"at": {"$lt": moment}}, {"_id": {"$lt": last}}]
        found = self._refusals.find(wanted, {"said": 0}, hint=_BY_SOURCE)
        return await found.sort(_LATEST).limit(limit).to_list()


_BY_SOURCE = [("source", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)]
_LATEST = [("at", DESCENDING), ("_id", DESCENDING)]
