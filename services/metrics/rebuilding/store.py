"""MongoDB: the collection `rebuilds`, a document for each KPI of a command.

{_id: "<command>/<kpi>", command, province, kpi, asked_at, open, schema, progress: what `KpiRebuild` says}
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from pymongo import ASCENDING
from pymongo.errors import BulkWriteError

from contracts.rebuilds import KpiRebuild, Rebuild, RebuildAsked, Stage
from services.runtime.mongo import DUPLICATE_KEY, DURABLE, Client


class Order(NamedTuple):
    """The rebuild of one KPI that a command asks for."""

    command_id: str
    province: str
    kpi: str
    progress: KpiRebuild

    @property
    def key(self) -> str:
        """`province/kpi`."""
        return f"{self.province}/{self.kpi}"


class Orders(Protocol):
    """What was asked for, and how far it is; shared by all replicas."""

    async def ask(self, asked: RebuildAsked, now: datetime) -> None:
        """Note a command; one that is noted already stays as it is."""
        ...

    async def find(self, command_id: str) -> Rebuild | None:
        """How far a command is."""
        ...

    async def open(self) -> Sequence[Order]:
        """What is not over, in the order in which it was asked for."""
        ...

    async def note(self, order: Order, progress: KpiRebuild) -> None:
        """Note how far it is."""
        ...


class MongoOrders:
    """The collection in the database of metrics."""

    def __init__(self, client: Client, database: str) -> None:
        self._rebuilds = client.get_database(database, write_concern=DURABLE)["rebuilds"]

    async def prepare(self) -> None:
        """Make the indexes."""
        await self._rebuilds.create_index([("command", ASCENDING)])
        await self._rebuilds.create_index([("open", ASCENDING)])

    async def ask(self, asked: RebuildAsked, now: datetime) -> None:
        documents = [
            {
                "_id": f"{asked.command_id}/{kpi}",
                "command": asked.command_id,
                "province": asked.province,
                "kpi": kpi,
                "asked_at": now,
                "open": True,
                "schema": 1,
                "progress": KpiRebuild(kpi=kpi, stage=Stage.WAITING).model_dump(mode="json"),
            }
            for kpi in asked.kpis
        ]
        try:
            await self._rebuilds.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            details = error.details or {}
            problems = details.get("writeErrors") or []
            if details.get("writeConcernErrors") or any(one.get("code") != DUPLICATE_KEY for one in problems):
                raise

    async def find(self, command_id: str) -> Rebuild | None:
        documents = await self._rebuilds.find({"command": command_id}, sort=[("kpi", ASCENDING)]).to_list()
        if not documents:
            return None
        return Rebuild(
            command_id=command_id,
            province=documents[0]["province"],
            asked_at=documents[0]["asked_at"].replace(tzinfo=UTC),
            kpis=tuple(KpiRebuild.model_validate(document["progress"]) for document in documents),
        )

    async def open(self) -> Sequence[Order]:
        sort = [("asked_at", ASCENDING), ("kpi", ASCENDING)]
        return [
            Order(one["command"], one["province"], one["kpi"], KpiRebuild.model_validate(one["progress"]))
            async for one in self._rebuilds.find({"open": True}, sort=sort)
        ]

    async def note(self, order: Order, progress: KpiRebuild) -> None:
        await self._rebuilds.update_one(
            {"_id": f"{order.command_id}/{order.kpi}"},
            {"$set": {"open": not progress.stage.over, "progress": progress.model_dump(mode="json")}},
        )
