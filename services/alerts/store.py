"""The three collections on MongoDB: `alerts`, `groups`, `notifications`. Nothing else here knows the driver."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, UpdateMany, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.alerts import documents
from services.alerts.alert import Alert
from services.alerts.documents import Document
from services.alerts.grouping import Group, Mail, Reason
from services.alerts.ports import FINAL, AlertChange, GroupChange, Listed, Pending, Queued, Row, RowState
from services.runtime.mongo import DUPLICATE_KEY, Database

Collected = AsyncCollection[dict[str, Any]]

LEFT_LYING = timedelta(seconds=2)
"""Real time after which an outbox entry is anybody's: whoever wrote it would have relayed it long ago."""

READY = [RowState.QUEUED.value, RowState.FAILED_RETRY.value, RowState.UNKNOWN.value]


async def make_indexes(database: Database) -> None:
    """Make what the queries below need; nothing happens where it is there already."""
    exists = {"$exists": True}
    alerts, groups, mails = database["alerts"], database["groups"], database["notifications"]
    await alerts.create_index("next_due_at", partialFilterExpression={"next_due_at": {"$type": "date"}})
    await alerts.create_index("events.written", partialFilterExpression={"events.written": exists})
    await groups.create_index([("province", ASCENDING), ("kpi", ASCENDING), ("period", ASCENDING)])
    await groups.create_index("next_flush_at", partialFilterExpression={"next_flush_at": {"$type": "date"}})
    await groups.create_index("flush_by", partialFilterExpression={"flush_by": {"$type": "date"}})
    await groups.create_index("outbox.written", partialFilterExpression={"outbox.written": exists})
    await mails.create_index([("state", ASCENDING), ("not_before", ASCENDING)])
    await mails.create_index([("thread", ASCENDING), ("seq", ASCENDING)])


def due_by(field: str, now: datetime) -> Document:
    """Documents whose timer is due. The type is named because only so does the partial index serve."""
    return {field: {"$type": "date", "$lte": now}}


def wait_over(now: datetime, real_now: datetime) -> Document:
    """Groups whose wait one of the two clocks has ended."""
    return {"$or": [due_by("next_flush_at", now), due_by("flush_by", real_now)]}


class MongoAlerts:
    """`alerts`: one document an alert, with `rev` and the outbox `events`."""

    def __init__(self, database: Database) -> None:
        self._alerts: Collected = database["alerts"]

    async def load(self, ids: Collection[str]) -> dict[str, Alert]:
        found = self._alerts.find({"_id": {"$in": list(ids)}}, {"events": 0})
        return {document["_id"]: documents.to_alert(document) async for document in found}

    async def save(self, changes: Sequence[AlertChange]) -> bool:
        written = datetime.now(UTC)
        return await write(
            self._alerts,
            [
                guarded(
                    change.alert.key.alert_id,
                    change.alert.rev,
                    documents.of_alert(change.alert),
                    "events",
                    [documents.of_transition(effect, written) for effect in change.effects],
                )
                for change in changes
            ],
        )

    async def due(self, now: datetime, provinces: Collection[str], limit: int) -> list[Alert]:
        query = {**due_by("next_due_at", now), "province": {"$in": list(provinces)}}
        found = self._alerts.find(query, {"events": 0}).sort("next_due_at", 1).limit(limit)
        return [documents.to_alert(document) async for document in found]

    async def watching(self, province: str, after: str, limit: int) -> list[Alert]:
        query = {"province": province, "next_due_at": {"$type": "date"}, "_id": {"$gt": after}}
        found = self._alerts.find(query, {"events": 0}).sort("_id", 1).limit(limit)
        return [documents.to_alert(document) async for document in found]

    async def next_due(self) -> datetime | None:
        return await _earliest(self._alerts, "next_due_at")

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Pending]:
        found = self._alerts.find(_outbox_query("events", ids), {"events": 1}).limit(limit)
        return [
            Pending(document["_id"], tuple(documents.to_transition(entry) for entry in in_order(document["events"])))
            async for document in found
        ]

    async def relayed(self, done: Mapping[str, int]) -> None:
        await _shorten(self._alerts, "events", done)


class MongoGroups:
    """`groups`: one document a recipient, KPI and period, with `rev` and the outbox `outbox`."""

    def __init__(self, database: Database) -> None:
        self._groups: Collected = database["groups"]

    async def load(self, ids: Collection[str]) -> dict[str, Group]:
        found = self._groups.find({"_id": {"$in": list(ids)}}, {"outbox": 0})
        return {document["_id"]: documents.to_group(document) async for document in found}

    async def save(self, changes: Sequence[GroupChange]) -> bool:
        written = datetime.now(UTC)
        return await write(
            self._groups,
            [
                guarded(
                    change.group.key.group_id,
                    change.group.rev,
                    documents.of_group(change.group),
                    "outbox",
                    [_decided(change.mail, written)] if change.mail is not None else [],
                )
                for change in changes
            ],
        )

    async def due(self, now: datetime, real_now: datetime, limit: int) -> list[Group]:
        found = self._groups.find(wait_over(now, real_now), {"outbox": 0}).sort("next_flush_at", 1).limit(limit)
        return [documents.to_group(document) async for document in found]

    async def next_due(self) -> datetime | None:
        return await _earliest(self._groups, "next_flush_at")

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Mail]:
        found = self._groups.find(_outbox_query("outbox", ids), {"outbox": 1}).limit(limit)
        return [documents.to_mail(entry["mail"]) async for document in found for entry in in_order(document["outbox"])]

    async def relayed(self, done: Mapping[str, int]) -> None:
        await _shorten(self._groups, "outbox", done)


class MongoMails:
    """`notifications`: one document a mail; `_id` is its deduplication key."""

    def __init__(self, database: Database) -> None:
        self._mails: Collected = database["notifications"]

    async def put(self, mails: Sequence[Queued], now: datetime) -> None:
        await insert(self._mails, [_queued(mail, now) for mail in mails])

    async def lease(self, owner: str, now: datetime, until: datetime, limit: int) -> list[Row]:
        await self._take_back(now)
        ready = (
            self._mails.find({"state": {"$in": READY}, "not_before": {"$lte": now}}, {"after": 1})
            .sort([("not_before", 1), ("seq", 1)])
            .limit(4 * limit)
        )
        candidates = [document async for document in ready]
        before = await self._states(document["after"] for document in candidates if document.get("after"))
        rows: list[Row] = []
        for candidate in candidates:
            if len(rows) == limit:
                break
            after = candidate.get("after")
            if after is not None and before.get(after, (RowState.QUEUED, now))[0] not in FINAL:
                await self._wait_for(candidate["_id"], before.get(after), now)
                continue
            row = await self._claim(candidate["_id"], owner, until, before[after][0] if after is not None else None)
            if row is not None:
                rows.append(row)
        return rows

    async def freeze(self, row: Row, raw: bytes) -> bool:
        return await self._update(row, {"$set": {"raw": raw}})

    async def renew(self, row: Row, until: datetime) -> bool:
        return await self._update(row, {"$set": {"lease.until": until}})

    async def finish(self, row: Row, state: RowState, now: datetime, code: int | None, text: str) -> bool:
        done = {"state": state.value, "finished_at": now, "smtp": {"code": code, "text": text[:500]}}
        return await self._update(row, {"$set": done, "$unset": {"lease": ""}})

    async def later(self, row: Row, state: RowState, not_before: datetime, code: int | None, text: str) -> bool:
        again = {"state": state.value, "not_before": not_before, "smtp": {"code": code, "text": text[:500]}}
        counts = {
            "attempts": int(state is RowState.FAILED_RETRY),
            "resends": int(state is RowState.UNKNOWN),
        }
        return await self._update(row, {"$set": again, "$unset": {"lease": ""}, "$inc": counts})

    async def was_told(self, row: Row) -> bool:
        earlier = {"thread": row.mail.thread_id, "seq": {"$lt": row.mail.seq}, "state": RowState.SENT.value}
        return await self._mails.find_one(earlier, {"_id": 1}) is not None

    async def came_and_went(self, row: Row) -> bool:
        thread = self._mails.find({"thread": row.mail.thread_id}, {"reason": 1, "raw": {"$type": "$raw"}})
        mails = [document async for document in thread.sort("seq", ASCENDING)]
        return mails[-1]["reason"] == Reason.ALL_RESOLVED.value and all(one["raw"] == "missing" for one in mails)

    async def listed(self, states: Collection[RowState], limit: int) -> list[Listed]:
        fields = {"recipient": 1, "reason": 1, "state": 1, "queued_at": 1, "attempts": 1, "smtp": 1}
        found = self._mails.find({"state": {"$in": [one.value for one in states]}}, fields)
        return [_listed(document) async for document in found.sort("queued_at", DESCENDING).limit(limit)]

    async def requeue(self, rows: Collection[str] | None, now: datetime) -> int:
        dead: Document = {"state": RowState.DEAD.value, "mail.kind": {"$exists": False}}
        if rows is not None:
            dead["_id"] = {"$in": list(rows)}
        found = [document async for document in self._mails.find(dead, {"thread": 1, "seq": 1})]
        again = {"state": RowState.QUEUED.value, "not_before": now, "queued_at": now, "attempts": 0, "resends": 0}
        back = {"$set": again, "$unset": {"finished_at": ""}}
        # The ends first: until their beginning is back as well, they would only be cancelled once more.
        updates: list[UpdateMany | UpdateOne] = [
            UpdateMany({"thread": one["thread"], "seq": {"$gt": one["seq"]}, "state": RowState.CANCELLED.value}, back)
            for one in found
        ]
        updates += [UpdateOne({**dead, "_id": one["_id"]}, back) for one in found]
        if not updates:
            return 0
        return (await self._mails.bulk_write(updates)).modified_count

    async def states(self, rows: Collection[str]) -> dict[str, RowState]:
        return {row: state for row, (state, _) in (await self._states(rows)).items()}

    async def waiting(self) -> tuple[int, datetime | None]:
        query = {"state": {"$in": [*READY, RowState.LEASED.value]}}
        oldest = await self._mails.find_one(query, {"queued_at": 1}, sort=[("queued_at", 1)])
        return await self._mails.count_documents(query), oldest["queued_at"] if oldest else None

    async def _take_back(self, now: datetime) -> None:
        """Leases that ran out: what was being sent may have been taken by the relay; the rest was not touched."""
        lapsed = {"state": RowState.LEASED.value, "lease.until": {"$lt": now}}
        back = {"$unset": {"lease": ""}}
        unsure = {"$set": {"state": RowState.UNKNOWN.value}, "$inc": {"resends": 1}, **back}
        await self._mails.update_many({**lapsed, "raw": {"$exists": True}}, unsure)
        await self._mails.update_many(lapsed, {"$set": {"state": RowState.QUEUED.value}, **back})

    async def _states(self, ids: Any) -> dict[str, tuple[RowState, datetime]]:
        wanted = list(ids)
        if not wanted:
            return {}
        found = self._mails.find({"_id": {"$in": wanted}}, {"state": 1, "not_before": 1})
        return {document["_id"]: (RowState(document["state"]), document["not_before"]) async for document in found}

    async def _wait_for(self, row: str, before: tuple[RowState, datetime] | None, now: datetime) -> None:
        """Let a row sleep as long as the one before it does, so that it does not stand in front of others."""
        if before is not None and before[0] is RowState.FAILED_RETRY and before[1] > now:
            await self._mails.update_one({"_id": row}, {"$set": {"not_before": before[1]}})

    async def _claim(self, row: str, owner: str, until: datetime, before: RowState | None) -> Row | None:
        document = await self._mails.find_one_and_update(
            {"_id": row, "state": {"$in": READY}},
            {"$set": {"state": RowState.LEASED.value, "lease": {"owner": owner, "until": until}}, "$inc": {"fence": 1}},
            return_document=True,
        )
        if document is None:
            return None
        documents.refuse_newer(document)
        return Row(
            mail=documents.to_queued(document["mail"]),
            fence=document["fence"],
            attempts=document["attempts"],
            resends=document["resends"],
            queued_at=document["queued_at"],
            raw=bytes(document["raw"]) if "raw" in document else None,
            before=before,
        )

    async def _update(self, row: Row, change: Document) -> bool:
        mine = {"_id": row.mail.row_id, "state": RowState.LEASED.value, "fence": row.fence}
        return (await self._mails.update_one(mine, change)).matched_count == 1


class MongoTimes:
    """`clock`: one document."""

    def __init__(self, database: Database) -> None:
        self._clock: Collected = database["clock"]

    async def reached(self) -> datetime | None:
        document = await self._clock.find_one({"_id": "business"})
        return document["at"] if document else None

    async def keep(self, moment: datetime) -> None:
        await self._clock.update_one({"_id": "business"}, {"$max": {"at": moment}}, upsert=True)


def guarded(doc_id: str, rev: int, fields: Document, outbox: str, entries: list[Document]) -> UpdateOne:
    """An update that matches only the revision that was read; a new document is revision 0 before it exists."""
    change: Document = {"$set": {**fields, "rev": rev + 1}}
    if entries:
        change["$push"] = {outbox: {"$each": entries}}
    return UpdateOne({"_id": doc_id, "rev": rev}, change, upsert=rev == 0)


async def write(collection: Collected, updates: list[UpdateOne]) -> bool:
    """Whether none was overtaken; the others are written all the same."""
    if not updates:
        return True
    try:
        result = await collection.bulk_write(updates, ordered=False)
    except BulkWriteError as error:
        if _more_than_repeats(error):
            raise
        return False
    except DuplicateKeyError:
        return False
    return result.matched_count + result.upserted_count == len(updates)


async def insert(collection: Collected, new: list[Document]) -> None:
    """Insert what is not there yet."""
    if not new:
        return
    try:
        await collection.insert_many(new, ordered=False)
    except BulkWriteError as error:
        if _more_than_repeats(error):
            raise


def _more_than_repeats(error: BulkWriteError) -> bool:
    """Whether something else failed than the insertion of what is there already, such as the majority's assent."""
    problems = error.details["writeErrors"]
    return bool(error.details.get("writeConcernErrors")) or any(one.get("code") != DUPLICATE_KEY for one in problems)


async def _earliest(collection: Collected, field: str) -> datetime | None:
    found = await collection.find_one({field: {"$type": "date"}}, {field: 1}, sort=[(field, 1)])
    return found[field] if found else None


def _outbox_query(field: str, ids: Collection[str] | None) -> Document:
    if ids is not None:
        return {"_id": {"$in": list(ids)}, f"{field}.written": {"$exists": True}}
    return left_lying(field)


def left_lying(field: str) -> Document:
    """Documents with an outbox entry that whoever wrote it did not relay."""
    return {f"{field}.written": {"$lt": datetime.now(UTC) - LEFT_LYING}}


def in_order(entries: list[Document]) -> list[Document]:
    """The entries of an outbox by their number."""
    return sorted(entries, key=lambda entry: int(entry["seq"]))


async def _shorten(collection: Collected, field: str, done: Mapping[str, int]) -> None:
    if done:
        await collection.bulk_write(
            [UpdateOne({"_id": one}, {"$pull": {field: {"seq": {"$lte": seq}}}}) for one, seq in done.items()],
            ordered=False,
        )


def _decided(mail: Mail, written: datetime) -> Document:
    return {"seq": mail.seq, "written": written, "mail": documents.of_mail(mail)}


def _listed(document: Document) -> Listed:
    return Listed(
        row=document["_id"],
        recipient=document["recipient"],
        reason=document["reason"],
        state=RowState(document["state"]),
        queued_at=document["queued_at"],
        attempts=document["attempts"],
        said=said_of(document),
    )


def said_of(document: Document) -> str | None:
    """What the relay, or we, said last of a notification."""
    smtp = document.get("smtp") or {}
    return " ".join(str(part) for part in (smtp.get("code"), smtp.get("text")) if part) or None


def _queued(mail: Queued, now: datetime) -> Document:
    return {
        "_id": mail.row_id,
        "schema": documents.SCHEMA,
        "group": mail.origin,
        "thread": mail.thread_id,
        "seq": mail.seq,
        "after": mail.after,
        "recipient": mail.addressee,
        "channel": mail.channel,
        "reason": mail.reason.value,
        "message_id": mail.message_id,
        "state": RowState.QUEUED.value,
        "attempts": 0,
        "resends": 0,
        "fence": 0,
        "not_before": now,
        "queued_at": now,
        "mail": documents.of_queued(mail),
    }
