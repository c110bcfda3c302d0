"""The two collections on MongoDB: `webhooks`, the endpoints, and `webhook_calls`, one document for each call."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING, ReturnDocument

from services.alerts.documents import SCHEMA, Document, refuse_newer
from services.alerts.store import Collected, insert
from services.alerts.webhooks.endpoint import Endpoint
from services.runtime.mongo import Database

KEEP = timedelta(days=30)
"""How long a call is known after it ended."""

_ENDPOINT = TypeAdapter(Endpoint)


class CallState(StrEnum):
    """Where a call stands."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Call:
    """`thread`: calls of one thread are made in the order of `seq`. The body does not change between tries."""

    id: str
    endpoint: str
    thread: str
    seq: int
    event: str
    body: bytes
    queued_at: datetime
    state: CallState = CallState.QUEUED
    attempts: int = 0
    status: int | None = None
    said: str = ""
    tried_at: datetime | None = None


async def make_indexes(database: Database) -> None:
    """Make what the queries below need; nothing happens where it is there already."""
    calls = database["webhook_calls"]
    await calls.create_index(
        [("endpoint", ASCENDING), ("state", ASCENDING), ("not_before", ASCENDING), ("seq", ASCENDING)]
    )
    await calls.create_index([("endpoint", ASCENDING), ("thread", ASCENDING), ("state", ASCENDING), ("seq", ASCENDING)])
    await calls.create_index("ended_at", expireAfterSeconds=int(KEEP.total_seconds()))


class MongoWebhooks:
    """Both collections."""

    def __init__(self, database: Database) -> None:
        self._endpoints: Collected = database["webhooks"]
        self._calls: Collected = database["webhook_calls"]

    async def endpoints(self, province: str | None = None) -> list[Endpoint]:
        """All of them, or a province's, the oldest first."""
        found = self._endpoints.find({} if province is None else {"province": province})
        return [_to_endpoint(document) async for document in found.sort("state.created_at", ASCENDING)]

    async def add(self, endpoint: Endpoint) -> None:
        """A new one."""
        await self._endpoints.insert_one({"_id": endpoint.id, **_of_endpoint(endpoint)})

    async def replace(self, endpoint: Endpoint) -> bool:
        """What somebody changed by hand; whether it is still there."""
        done = await self._endpoints.update_one({"_id": endpoint.id}, {"$set": _of_endpoint(endpoint)})
        return done.matched_count == 1

    async def remove(self, endpoint: str) -> bool:
        """The endpoint and what is still to be called; whether it was there."""
        done = await self._endpoints.delete_one({"_id": endpoint})
        await self._calls.delete_many({"endpoint": endpoint, "state": CallState.QUEUED.value})
        return done.deleted_count == 1

    async def claim(self, owner: str, now: datetime, until: datetime) -> Endpoint | None:
        """An active endpoint with something to do that nobody else works on; it is the owner's until then."""
        due = await self._calls.distinct("endpoint", {"state": CallState.QUEUED.value, "not_before": {"$lte": now}})
        free = {
            "_id": {"$in": due},
            "state.state": "active",
            "$and": [
                {"$or": [{"lease.until": {"$exists": False}}, {"lease.until": {"$lt": now}}]},
                {"$or": [{"paused_until": None}, {"paused_until": {"$lte": now}}]},
            ],
        }
        document = await self._endpoints.find_one_and_update(
            free, {"$set": {"lease": {"owner": owner, "until": until}}}, return_document=ReturnDocument.AFTER
        )
        return _to_endpoint(document) if document is not None else None

    async def renew(self, owner: str, endpoint: str, until: datetime) -> Endpoint | None:
        """The endpoint as it is now, if it is still the owner's."""
        document = await self._endpoints.find_one_and_update(
            {"_id": endpoint, "lease.owner": owner},
            {"$set": {"lease.until": until}},
            return_document=ReturnDocument.AFTER,
        )
        return _to_endpoint(document) if document is not None else None

    async def release(self, owner: str, endpoint: str) -> None:
        """Whoever is next may have it."""
        await self._endpoints.update_one({"_id": endpoint, "lease.owner": owner}, {"$unset": {"lease": ""}})

    async def paused(self, endpoint: str, failures: int, until: datetime | None) -> None:
        """Nothing is called until then; without `until`, it answers again."""
        change = {"paused_until": until, "state.failures": failures, "state.paused_until": _iso(until)}
        await self._endpoints.update_one({"_id": endpoint}, {"$set": change})

    async def gone(self, endpoint: str) -> None:
        """It never wants to be called again."""
        await self._endpoints.update_one({"_id": endpoint}, {"$set": {"state.state": "gone"}})

    async def put(self, calls: Sequence[Call]) -> None:
        """Queue what is not queued yet."""
        await insert(self._calls, [_of_call(call) for call in calls])

    async def due(self, endpoint: str, now: datetime, limit: int) -> list[Call]:
        """The calls that may be made, the longest due first; none of a thread of which an earlier one has to wait."""
        due = {"endpoint": endpoint, "state": CallState.QUEUED.value, "not_before": {"$lte": now}}
        found = self._calls.find(due).sort([("not_before", ASCENDING), ("seq", ASCENDING)]).limit(limit)
        calls = [_to_call(document) async for document in found]
        waiting = await self._first_waiting(endpoint, {call.thread for call in calls}, now)
        return sorted(
            (call for call in calls if call.seq < waiting.get(call.thread, call.seq + 1)), key=lambda call: call.seq
        )

    async def delivered(self, call: Call, now: datetime, status: int | None, said: str) -> None:
        """It was taken."""
        await self._ended(call, CallState.DELIVERED, now, status, said)

    async def dead(self, call: Call, now: datetime, status: int | None, said: str) -> None:
        """It is not tried again by itself."""
        await self._ended(call, CallState.DEAD, now, status, said)

    async def later(self, call: Call, now: datetime, not_before: datetime, status: int | None, said: str) -> None:
        """It is tried again then."""
        tried = {"not_before": not_before, "status": status, "said": said, "tried_at": now}
        await self._calls.update_one(_still(call), {"$set": tried, "$inc": {"attempts": 1}})

    async def calls(self, endpoint: str, states: Collection[CallState], limit: int) -> list[Call]:
        """Of one endpoint, the latest first."""
        query = {"endpoint": endpoint, "state": {"$in": [one.value for one in states]}}
        found = self._calls.find(query).sort("queued_at", DESCENDING).limit(limit)
        return [_to_call(document) async for document in found]

    async def call(self, call_id: str) -> Call | None:
        """One."""
        document = await self._calls.find_one({"_id": call_id})
        return _to_call(document) if document is not None else None

    async def again(self, endpoint: str, call_ids: Collection[str] | None, now: datetime) -> int:
        """Queue these once more (None: all that are dead), under their ids and with their bodies; how many it was."""
        query: Document = {"endpoint": endpoint}
        query |= {"state": CallState.DEAD.value} if call_ids is None else {"_id": {"$in": list(call_ids)}}
        fresh = {"state": CallState.QUEUED.value, "not_before": now, "queued_at": now, "attempts": 0}
        done = await self._calls.update_many(query, {"$set": fresh, "$unset": {"ended_at": ""}})
        return done.matched_count

    async def waiting(self) -> tuple[int, int]:
        """Calls that are queued, and those that are dead."""
        queued = await self._calls.count_documents({"state": CallState.QUEUED.value})
        return queued, await self._calls.count_documents({"state": CallState.DEAD.value})

    async def _first_waiting(self, endpoint: str, threads: Collection[str], now: datetime) -> dict[str, int]:
        """By thread, the number of its first call that must not be made yet."""
        if not threads:
            return {}
        stages: list[Document] = [
            {
                "$match": {
                    "endpoint": endpoint,
                    "thread": {"$in": sorted(threads)},
                    "state": CallState.QUEUED.value,
                    "not_before": {"$gt": now},
                }
            },
            {"$group": {"_id": "$thread", "seq": {"$min": "$seq"}}},
        ]
        return {one["_id"]: one["seq"] async for one in await self._calls.aggregate(stages)}

    async def _ended(self, call: Call, state: CallState, now: datetime, status: int | None, said: str) -> None:
        ended = {"state": state.value, "ended_at": now, "status": status, "said": said, "tried_at": now}
        await self._calls.update_one(_still(call), {"$set": ended, "$inc": {"attempts": 1}})


def _still(call: Call) -> Document:
    return {"_id": call.id, "state": CallState.QUEUED.value}


def _of_endpoint(endpoint: Endpoint) -> Document:
    return {
        "schema": SCHEMA,
        "province": endpoint.province,
        "paused_until": endpoint.paused_until,
        "state": _ENDPOINT.dump_python(endpoint, mode="json"),
    }


def _to_endpoint(document: Document) -> Endpoint:
    refuse_newer(document)
    return _ENDPOINT.validate_python(document["state"])


def _of_call(call: Call) -> Document:
    return {
        "_id": call.id,
        "schema": SCHEMA,
        "endpoint": call.endpoint,
        "thread": call.thread,
        "seq": call.seq,
        "event": call.event,
        "body": call.body,
        "state": call.state.value,
        "attempts": call.attempts,
        "queued_at": call.queued_at,
        "not_before": call.queued_at,
    }


def _to_call(document: Document) -> Call:
    refuse_newer(document)
    return Call(
        id=document["_id"],
        endpoint=document["endpoint"],
        thread=document["thread"],
        seq=document["seq"],
        event=document["event"],
        body=bytes(document["body"]),
        queued_at=document["queued_at"],
        state=CallState(document["state"]),
        attempts=document["attempts"],
        status=document.get("status"),
        said=document.get("said", ""),
        tried_at=document.get("tried_at"),
    )


def _iso(moment: datetime | None) -> Any:
    return moment.isoformat() if moment is not None else None
