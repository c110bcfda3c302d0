"""What the auditor reads, on MongoDB."""

from collections.abc import Collection, Mapping
from typing import Any

from services.alerts import documents
from services.alerts.auditing import Account, Entry, Filed, Said, by_group
from services.alerts.documents import Document
from services.alerts.grouping import News
from services.alerts.ports import RowState
from services.runtime.mongo import Database

OPEN = ["firing", "recovering"]

_LINES = {"mail.lines.news": 1, "mail.lines.member.alert_id": 1, "mail.lines.member.episode": 1}
_ENTRY = {"group": 1, "seq": 1, "recipient": 1, "state": 1, **_LINES}


class MongoBooks:
    """`groups`, `notifications` and `alerts`, a page at a time and without the records in them where they are not
    needed."""

    def __init__(self, database: Database) -> None:
        self._alerts, self._groups, self._mails = (database[name] for name in ("alerts", "groups", "notifications"))

    async def accounts(self, after: str, limit: int) -> tuple[list[Account], str | None]:
        found = [one async for one in self._groups.find({"_id": {"$gt": after}}).sort("_id", 1).limit(limit)]
        last = found[-1]["_id"] if len(found) == limit else None
        # A thread's id is the group's with a number behind `#`, which is less than any digit: their orders agree.
        between: Document = {"$gt": f"{after}$"} if last is None else {"$gt": f"{after}$", "$lt": f"{last}$"}
        return [*(await self._joined(found, between)).values()], last

    async def account(self, groups: Collection[str]) -> dict[str, Account]:
        found = [one async for one in self._groups.find({"_id": {"$in": list(groups)}})]
        joined: dict[str, Account] = {}
        for id in groups:
            own = [one for one in found if one["_id"] == id]
            joined[id] = Account(None, settled=True, mails=())
            joined |= await self._joined(own, {"$gt": f"{id}#", "$lt": f"{id}$"})
        return joined

    async def alerts(self, ids: Collection[str]) -> dict[str, Filed]:
        return {one["_id"]: _filed(one) async for one in self._alerts.find({"_id": {"$in": list(ids)}})}

    async def firing(self, after: str, limit: int) -> list[Filed]:
        query = {"_id": {"$gt": after}, "condition": {"$in": OPEN}}
        return [_filed(one) async for one in self._alerts.find(query).sort("_id", 1).limit(limit)]

    async def _joined(self, groups: list[dict[str, Any]], threads: Document) -> dict[str, Account]:
        query = {"thread": threads, "mail.kind": {"$exists": False}}
        rows = [_entry(one) async for one in self._mails.find(query, _ENTRY)]
        mails = by_group(rows)
        accounts = {
            one["_id"]: Account(documents.to_group(one), not one.get("outbox"), mails.pop(one["_id"], ()))
            for one in groups
        }
        return accounts | {group: Account(None, settled=True, mails=own) for group, own in mails.items()}


def _filed(document: Mapping[str, Any]) -> Filed:
    return Filed(documents.to_alert(document), not document.get("events"))


def _entry(document: Mapping[str, Any]) -> Entry:
    said = tuple(
        Said(line["member"]["alert_id"], line["member"]["episode"], line["news"] == News.ENDED)
        for line in document["mail"]["lines"]
    )
    return Entry(document["group"], document["seq"], document["recipient"], RowState(document["state"]), said)
