"""MongoDB: the one module of metrics that knows it. Documents come and go whole or by field; what is in them is
`documents`' business.

Every write names the version that its writer read. A document that has another one was written by somebody else: the
partition has moved, and this process must stop writing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from pymongo import ASCENDING, UpdateOne
from pymongo.errors import BulkWriteError

from services.metrics.documents import Change, Document, Stored
from services.runtime.errors import Fenced
from services.runtime.mongo import DUPLICATE_KEY, DURABLE, Client

CLOCK = "clock"


class Store(Protocol):
    """What metrics asks of a store; tests/fakes keep the same promises in memory."""

    async def load(self, keys: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these KPIs; those never touched are absent."""
        ...

    async def create(self, chunks: Mapping[str, int]) -> dict[str, int]:
        """Note KPIs and their number of chunks; the numbers that hold, which somebody else may have noted before."""
        ...

    async def write(self, figures: Sequence[Change], judgements: Sequence[Change]) -> None:
        """Make the changes durable. Raises `Fenced` where a document is not of the version that was read."""
        ...

    async def due(self, keys: Sequence[str], today: str) -> dict[str, list[tuple[str, int]]]:
        """By KPI, periods and chunks that hold a record which the day changes, or one that is owed."""
        ...

    async def judged(self, keys: Sequence[str]) -> dict[str, Document]:
        """Under which catalog and on which day all records of a KPI were last judged: `{catalog, day, marks}`, with
        the marks of that catalog."""
        ...

    async def mark_judged(self, judged: Mapping[str, Document]) -> None:
        """Note of these KPIs that all their records are judged; one that was never touched is left out."""
        ...

    async def unforetold(self, keys: Sequence[str]) -> list[str]:
        """Those of the KPIs that hold a record which awaits a forecast, or one that is owed."""
        ...

    async def keep_issued(self, changes: Sequence[Change]) -> None:
        """Make the lists of forecasts issued durable."""
        ...

    async def issued(self, document: str, unit: str) -> Document:
        """The forecasts issued of a unit, by the document's id and the unit's field in it; empty if there are none."""
        ...

    async def business_time(self) -> datetime | None:
        """The highest business time that was noted."""
        ...

    async def note_business_time(self, moment: datetime) -> None:
        """Note it, unless a higher one is noted already."""
        ...


class MongoStore:
    """The database of metrics: collections kpis, figures, judgements, forecasts, meta."""

    def __init__(self, client: Client, database: str) -> None:
        db = client.get_database(database, write_concern=DURABLE)
        self._kpis, self._figures, self._judgements = db["kpis"], db["figures"], db["judgements"]
        self._forecasts, self._meta = db["forecasts"], db["meta"]

    async def prepare(self) -> None:
        """Make the indexes."""
        await self._figures.create_index([("kpi", ASCENDING)])
        await self._judgements.create_index([("kpi", ASCENDING), ("next_due", ASCENDING)])

    async def load(self, keys: Sequence[str]) -> dict[str, Stored]:
        wanted = {"$in": list(keys)}
        kpis, figures, judgements = await asyncio.gather(
            self._kpis.find({"_id": wanted}).to_list(),
            self._figures.find({"kpi": wanted}).to_list(),
            self._judgements.find({"kpi": wanted}).to_list(),
        )
        by_kpi: defaultdict[str, tuple[list[Document], list[Document]]] = defaultdict(lambda: ([], []))
        for document in figures:
            by_kpi[document["kpi"]][0].append(document)
        for document in judgements:
            by_kpi[document["kpi"]][1].append(document)
        found = {}
        for kpi in kpis:
            of_figures, of_judgements = by_kpi[kpi["_id"]]
            found[kpi["_id"]] = Stored(kpi["chunks"], tuple(of_figures), tuple(of_judgements))
        return found

    async def create(self, chunks: Mapping[str, int]) -> dict[str, int]:
        await self._kpis.bulk_write(
            [
                UpdateOne({"_id": key}, {"$setOnInsert": {"chunks": number, "schema": 1}}, upsert=True)
                for key, number in chunks.items()
            ],
            ordered=False,
        )
        stored = await self._kpis.find({"_id": {"$in": list(chunks)}}).to_list()
        return {kpi["_id"]: kpi["chunks"] for kpi in stored}

    async def write(self, figures: Sequence[Change], judgements: Sequence[Change]) -> None:
        # Both at once, since a write waits for the journal. Either may be lost alone: what is folded again finds out.
        outcomes = await asyncio.gather(
            _write(self._figures, figures), _write(self._judgements, judgements), return_exceptions=True
        )
        for outcome in sorted(outcomes, key=lambda one: not isinstance(one, Fenced)):
            if isinstance(outcome, BaseException):
                raise outcome

    async def due(self, keys: Sequence[str], today: str) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        wanted = {"kpi": {"$in": list(keys)}, "$or": [{"next_due": {"$lte": today}}, {"owed.0": {"$exists": True}}]}
        async for document in self._judgements.find(wanted, {"kpi": 1, "period": 1, "chunk": 1}):
            found.setdefault(document["kpi"], []).append((document["period"], document["chunk"]))
        return found

    async def judged(self, keys: Sequence[str]) -> dict[str, Document]:
        stored = await self._kpis.find({"_id": {"$in": list(keys)}, "judged": {"$exists": True}}).to_list()
        return {kpi["_id"]: kpi["judged"] for kpi in stored}

    async def mark_judged(self, judged: Mapping[str, Document]) -> None:
        if judged:
            await self._kpis.bulk_write(
                [UpdateOne({"_id": key}, {"$set": {"judged": dict(noted)}}) for key, noted in judged.items()],
                ordered=False,
            )

    async def unforetold(self, keys: Sequence[str]) -> list[str]:
        wanted = {"kpi": {"$in": list(keys)}, "$or": [{"awaits": True}, {"owed.0": {"$exists": True}}]}
        return [str(kpi) for kpi in await self._judgements.distinct("kpi", wanted)]

    async def keep_issued(self, changes: Sequence[Change]) -> None:
        if changes:
            await self._forecasts.bulk_write(
                [
                    UpdateOne({"_id": change.id}, {"$set": change.sets, "$setOnInsert": change.once}, upsert=True)
                    for change in changes
                ],
                ordered=False,
            )

    async def issued(self, document: str, unit: str) -> Document:
        found = await self._forecasts.find_one({"_id": document}, {f"units.{unit}": 1})
        units: Document = (found or {}).get("units", {})
        rows: Document = units.get(unit, {})
        return rows

    async def business_time(self) -> datetime | None:
        noted = await self._meta.find_one({"_id": CLOCK})
        return None if noted is None else noted["now"].astimezone(UTC)

    async def note_business_time(self, moment: datetime) -> None:
        await self._meta.update_one({"_id": CLOCK}, {"$max": {"now": moment}}, upsert=True)


async def _write(collection: Any, changes: Sequence[Change]) -> None:
    """One unordered bulk write. A new document is inserted with version 1, which fails if somebody else was first."""
    if not changes:
        return
    updates = [
        UpdateOne({"_id": change.id, "rev": change.rev}, {"$set": change.sets})
        if change.rev
        else UpdateOne({"_id": change.id, "rev": 0}, {"$set": change.sets, "$setOnInsert": change.once}, upsert=True)
        for change in changes
    ]
    try:
        done = await collection.bulk_write(updates, ordered=False)
    except BulkWriteError as error:
        failed = (error.details or {}).get("writeErrors") or []
        if any(problem.get("code") == DUPLICATE_KEY for problem in failed):
            raise Fenced(f"{collection.name}: somebody else made a document that was new here") from error
        raise
    hit = done.matched_count + done.upserted_count
    if hit != len(updates):
        missed = len(updates) - hit
        raise Fenced(f"{collection.name}: {missed} of {len(updates)} documents were written by somebody else")
