"""MongoDB: the one module of metrics that knows it. Documents come and go whole or by field; what is in them is
`documents`' business.

Every write names the version that its writer read. A document that has another one was written by somebody else: the
partition has moved, and this process must stop writing.

The document of a KPI says which generation of its figures and judgements is in force, which process took it to write
last, and how often it went from one to another. Whoever puts another generation in force does so only if nobody has
taken it since he began: so nothing that a successor wrote is left behind in the former generation.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from pymongo import ASCENDING, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from services.metrics.documents import Change, Document, Stored, generation_of, name_of
from services.runtime.catalog.extracts import Part
from services.runtime.errors import Fenced
from services.runtime.mongo import DUPLICATE_KEY, DURABLE, Client

CLOCK = "clock"


class Begun(NamedTuple):
    """A generation that is being made: its number, higher than any before, the one in force then, and how often the KPI
    had been taken."""

    generation: int
    follows: int
    taken: int


class Store(Protocol):
    """What metrics asks of a store; tests/fakes keep the same promises in memory."""

    async def load(self, keys: Sequence[str]) -> dict[str, Stored]:
        """What is in force of these KPIs, to be read; those never touched are absent."""
        ...

    async def take(self, keys: Sequence[str], writer: str) -> dict[str, Stored]:
        """The same for the process that writes them from now on."""
        ...

    async def create(self, chunks: Mapping[str, int]) -> None:
        """Note KPIs and their number of chunks, unless somebody has noted others before."""
        ...

    async def write(self, figures: Sequence[Change], judgements: Sequence[Change]) -> None:
        """Make the changes durable. Raises `Fenced` where a document is not of the version that was read."""
        ...

    async def due(self, keys: Sequence[str], today: str) -> dict[str, list[tuple[str, int]]]:
        """By KPI, periods and chunks that hold a record which the day changes, or one that is owed."""
        ...

    async def judged(self, keys: Sequence[str]) -> dict[str, Document]:
        """Under which catalog and on which day all records of a KPI were last judged: `{catalog, day, marks}`, with
        the marks of that catalog; `between`: the marks of those by which some were judged since, by version."""
        ...

    async def mark_judged(self, judged: Mapping[str, Document]) -> None:
        """Note of these KPIs that all their records are judged; one that was never touched is left out."""
        ...

    async def editions(self, keys: Sequence[str]) -> dict[str, list[Document]]:
        """What defined these KPIs and since when, the first edition first; those without any are absent."""
        ...

    async def keep_editions(self, editions: Mapping[str, tuple[int, Document]], parts: Collection[Part]) -> None:
        """Add to each KPI an edition behind so many that are known, and the parts that they refer to. Raises `Fenced`
        where there are others."""
        ...

    async def parts(self, digests: Sequence[str]) -> list[bytes]:
        """The contents of these parts of editions, in this order. Raises KeyError for one that is not kept."""
        ...

    async def unforetold(self, keys: Sequence[str]) -> list[str]:
        """Those of the KPIs that hold a record which awaits a forecast, or one that is owed."""
        ...

    async def keep_issued(self, changes: Sequence[Change]) -> None:
        """Make the lists of forecasts issued durable."""
        ...

    async def issued(self, document: str, unit: str) -> Document:
        """What is kept of the forecasts issued of a unit, by the document's id and the unit's field in it: its `units`
        and `targets`; empty if there are none."""
        ...

    async def begin(self, key: str, writer: str) -> Begun:
        """Begin a new generation of a KPI that was taken. Raises `Fenced` if somebody else has taken it since."""
        ...

    async def switch(self, key: str, begun: Begun) -> None:
        """Put the generation in force. Raises `Fenced` if somebody has taken the KPI since, or was before us."""
        ...

    async def in_force(self, key: str) -> int:
        """The number of the generation in force."""
        ...

    async def remove(self, key: str, *, generation: int | None = None) -> None:
        """Remove the documents of a generation that was never in force, or of all that once were."""
        ...

    async def revisions(self, keys: Collection[str]) -> dict[str, str]:
        """By KPI what becomes another whenever one of its figures is written, or another generation comes into force;
        those without figures are absent."""
        ...

    async def figures(self, keys: Collection[str]) -> dict[str, tuple[Document, ...]]:
        """The documents of their figures alone; KPIs without any are absent."""
        ...

    async def derivations(self, keys: Collection[str]) -> dict[str, Document]:
        """What derived KPIs were last made from: `{catalog, marks, sources: [[KPI, revision] …]}`, with the marks of
        that catalog."""
        ...

    async def note_derivation(self, key: str, derivation: Document) -> None:
        """Note it, of a KPI that has been touched."""
        ...

    async def business_time(self) -> datetime | None:
        """The highest business time that was noted."""
        ...

    async def note_business_time(self, moment: datetime) -> None:
        """Note it, unless a higher one is noted already."""
        ...


class MongoStore:
    """The database of metrics: collections kpis, figures, judgements, forecasts, editions, parts, meta.

    kpis: {_id: "<province>/<kpi>", chunks, schema, writer, taken: how often, generation: in force,
           begun: last number given, judged: what `judged` says, derived: what `derivations` says}
    editions: {_id: "<province>/<kpi>", editions: [{since, catalog, marks, parts: [digest …]} …]}
    parts: {_id: digest, content: objects of a catalog, as `extracts` packs them}
    """

    def __init__(self, client: Client, database: str) -> None:
        db = client.get_database(database, write_concern=DURABLE)
        self._kpis, self._figures, self._judgements = db["kpis"], db["figures"], db["judgements"]
        self._forecasts, self._meta = db["forecasts"], db["meta"]
        self._editions, self._parts = db["editions"], db["parts"]

    async def prepare(self) -> None:
        """Make the indexes."""
        await self._figures.create_index([("kpi", ASCENDING)])
        await self._judgements.create_index([("kpi", ASCENDING), ("next_due", ASCENDING)])

    async def load(self, keys: Sequence[str]) -> dict[str, Stored]:
        kpis = await self._noted(keys)
        while True:
            found = await self._documents(kpis)
            again = await self._noted(keys)
            if _generations(again) == _generations(kpis):
                return found
            kpis = again  # what was read may have been removed half way through

    async def take(self, keys: Sequence[str], writer: str) -> dict[str, Stored]:
        # First, so that from here on nobody else can put another generation in force.
        await self._kpis.update_many(
            {"_id": {"$in": list(keys)}, "writer": {"$ne": writer}}, {"$set": {"writer": writer}, "$inc": {"taken": 1}}
        )
        return await self._documents(await self._noted(keys))

    async def _noted(self, keys: Collection[str]) -> Sequence[Document]:
        return await self._kpis.find({"_id": {"$in": list(keys)}}).to_list()

    async def _keys_by_name(self, keys: Collection[str]) -> dict[str, str]:
        """The KPIs by the names under which their documents in force are stored."""
        return {name_of(kpi["_id"], _generation(kpi)): kpi["_id"] for kpi in await self._noted(keys)}

    async def _documents(self, kpis: Sequence[Document]) -> dict[str, Stored]:
        names = {kpi["_id"]: name_of(kpi["_id"], _generation(kpi)) for kpi in kpis}
        wanted = {"kpi": {"$in": list(names.values())}}
        by_name: defaultdict[str, tuple[list[Document], list[Document]]] = defaultdict(lambda: ([], []))
        figures, judgements = await asyncio.gather(
            self._figures.find(wanted).to_list(), self._judgements.find(wanted).to_list()
        )
        for document in figures:
            by_name[document["kpi"]][0].append(document)
        for document in judgements:
            by_name[document["kpi"]][1].append(document)
        stored = {}
        for kpi in kpis:
            of_figures, of_judgements = by_name[names[kpi["_id"]]]
            stored[kpi["_id"]] = Stored(kpi["chunks"], tuple(of_figures), tuple(of_judgements), _generation(kpi))
        return stored

    async def create(self, chunks: Mapping[str, int]) -> None:
        await self._kpis.bulk_write(
            [
                UpdateOne({"_id": key}, {"$setOnInsert": {"chunks": number, "schema": 1}}, upsert=True)
                for key, number in chunks.items()
            ],
            ordered=False,
        )

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
        keys_of = await self._keys_by_name(keys)
        wanted = {"kpi": {"$in": list(keys_of)}, "$or": [{"next_due": {"$lte": today}}, {"owed.0": {"$exists": True}}]}
        async for document in self._judgements.find(wanted, {"kpi": 1, "period": 1, "chunk": 1}):
            found.setdefault(keys_of[document["kpi"]], []).append((document["period"], document["chunk"]))
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

    async def editions(self, keys: Sequence[str]) -> dict[str, list[Document]]:
        found = await self._editions.find({"_id": {"$in": list(keys)}}).to_list()
        return {one["_id"]: one["editions"] for one in found}

    async def keep_editions(self, editions: Mapping[str, tuple[int, Document]], parts: Collection[Part]) -> None:
        wanted = {"_id": {"$in": [part.digest for part in parts]}}
        held = {one["_id"] for one in await self._parts.find(wanted, {"_id": 1}).to_list()}
        new = [
            UpdateOne({"_id": part.digest}, {"$setOnInsert": {"content": part.content}}, upsert=True)
            for part in parts
            if part.digest not in held
        ]
        if new:
            await self._parts.bulk_write(new, ordered=False)
        added = [
            UpdateOne({"_id": key, "editions": {"$size": known}}, {"$push": {"editions": dict(edition)}})
            if known
            else InsertOne({"_id": key, "editions": [dict(edition)]})
            for key, (known, edition) in editions.items()
        ]
        try:
            done = await self._editions.bulk_write(added, ordered=False)
        except BulkWriteError as error:
            failed = (error.details or {}).get("writeErrors") or []
            if any(problem.get("code") == DUPLICATE_KEY for problem in failed):
                raise Fenced("editions: somebody else noted first what is in force") from error
            raise
        if done.matched_count + done.inserted_count != len(added):
            raise Fenced("editions: somebody else noted what is in force")

    async def parts(self, digests: Sequence[str]) -> list[bytes]:
        found = await self._parts.find({"_id": {"$in": list(digests)}}).to_list()
        contents = {one["_id"]: bytes(one["content"]) for one in found}
        return [contents[digest] for digest in digests]

    async def unforetold(self, keys: Sequence[str]) -> list[str]:
        keys_of = await self._keys_by_name(keys)
        wanted = {"kpi": {"$in": list(keys_of)}, "$or": [{"awaits": True}, {"owed.0": {"$exists": True}}]}
        return [keys_of[name] for name in await self._judgements.distinct("kpi", wanted)]

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
        names = ("units", "targets")
        found = await self._forecasts.find_one({"_id": document}, {f"{name}.{unit}": 1 for name in names}) or {}
        return {name: found[name][unit] for name in names if unit in found.get(name, {})}

    async def begin(self, key: str, writer: str) -> Begun:
        mine = {"_id": key, "writer": writer}
        noted = await self._kpis.find_one_and_update(mine, {"$inc": {"begun": 1}}, return_document=True)
        if noted is None:
            raise Fenced(f"{key}: somebody else writes it now")
        return Begun(noted["begun"], _generation(noted), noted["taken"])

    async def switch(self, key: str, begun: Begun) -> None:
        held = {"_id": key, "taken": begun.taken, "generation": begun.follows or {"$in": [0, None]}}
        done = await self._kpis.update_one(held, {"$set": {"generation": begun.generation}})
        if not done.matched_count:
            raise Fenced(f"{key}: somebody else writes it, or generation {begun.follows} is not in force any more")

    async def in_force(self, key: str) -> int:
        noted = await self._kpis.find_one({"_id": key}, {"generation": 1})
        return 0 if noted is None else _generation(noted)

    async def remove(self, key: str, *, generation: int | None = None) -> None:
        upto = await self.in_force(key)
        for collection in (self._figures, self._judgements):
            # "#" is the character before "$": the names of all generations, whatever their number.
            names = await collection.distinct("kpi", {"kpi": {"$gte": key, "$lt": f"{key}$"}})
            own = [name for name in names if name == key or name.startswith(f"{key}#")]
            # Numbers only rise, so a lower one than that in force is never read again.
            dead = [name for name in own if (number := generation_of(name)) < upto or upto != number == generation]
            await collection.delete_many({"kpi": {"$in": dead}})

    async def revisions(self, keys: Collection[str]) -> dict[str, str]:
        keys_of = await self._keys_by_name(keys)
        sums: list[dict[str, Any]] = [
            {"$match": {"kpi": {"$in": list(keys_of)}}},
            {"$group": {"_id": "$kpi", "revision": {"$sum": "$rev"}}},
        ]
        found = await self._figures.aggregate(sums)
        return {keys_of[one["_id"]]: f"{one['_id']}@{one['revision']}" async for one in found}

    async def figures(self, keys: Collection[str]) -> dict[str, tuple[Document, ...]]:
        keys_of = await self._keys_by_name(keys)
        while True:
            found: defaultdict[str, list[Document]] = defaultdict(list)
            async for document in self._figures.find({"kpi": {"$in": list(keys_of)}}):
                found[keys_of[document["kpi"]]].append(document)
            again = await self._keys_by_name(keys)
            if again == keys_of:
                return {key: tuple(documents) for key, documents in found.items()}
            keys_of = again  # as in `load`

    async def derivations(self, keys: Collection[str]) -> dict[str, Document]:
        stored = await self._kpis.find({"_id": {"$in": list(keys)}, "derived": {"$exists": True}}).to_list()
        return {kpi["_id"]: kpi["derived"] for kpi in stored}

    async def note_derivation(self, key: str, derivation: Document) -> None:
        await self._kpis.update_one({"_id": key}, {"$set": {"derived": derivation}})

    async def business_time(self) -> datetime | None:
        noted = await self._meta.find_one({"_id": CLOCK})
        return None if noted is None else noted["now"].astimezone(UTC)

    async def note_business_time(self, moment: datetime) -> None:
        await self._meta.update_one({"_id": CLOCK}, {"$max": {"now": moment}}, upsert=True)


def _generation(kpi: Document) -> int:
    return int(kpi.get("generation", 0))


def _generations(kpis: Sequence[Document]) -> dict[str, int]:
    return {kpi["_id"]: _generation(kpi) for kpi in kpis}


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
