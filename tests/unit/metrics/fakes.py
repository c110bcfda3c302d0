"""Store, topic and catalog in memory, which keep the promises of the real ones and can be made to fail."""

import copy
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from contracts.progress import ProgressJudged
from contracts.statistics import StatisticDoubted
from contracts.topics import STATISTICS_DOUBTED
from services.metrics.documents import Change, Document, Stored, generation_of, name_of
from services.metrics.store import Begun
from services.runtime.catalog import Catalog
from services.runtime.catalog.extracts import Part
from services.runtime.errors import Fenced, Transient
from services.runtime.kafka.producer import Outgoing


class FakeStore:
    """Documents in dicts. `lose_figures` and `lose_judgements`: the next write loses one of its halves and fails."""

    def __init__(self) -> None:
        self.kpis: dict[str, dict[str, Any]] = {}
        self.stored_figures: dict[str, dict[str, Any]] = {}
        self.judgements: dict[str, dict[str, Any]] = {}
        self.forecasts: dict[str, dict[str, Any]] = {}
        self.kept_editions: dict[str, list[dict[str, Any]]] = {}
        self.kept_parts: dict[str, bytes] = {}
        self.now: datetime | None = None
        self.lose_figures = False
        self.lose_judgements = False
        self.writes = 0

    async def load(self, keys: Sequence[str]) -> dict[str, Stored]:
        def of(documents: dict[str, dict[str, Any]], key: str) -> tuple[Document, ...]:
            name = name_of(key, self._generation(key))
            return tuple(copy.deepcopy(one) for one in documents.values() if one["kpi"] == name)

        return {
            key: Stored(
                self.kpis[key]["chunks"], of(self.stored_figures, key), of(self.judgements, key), self._generation(key)
            )
            for key in keys
            if key in self.kpis
        }

    async def take(self, keys: Sequence[str], writer: str) -> dict[str, Stored]:
        for key in keys:
            if key in self.kpis:
                kpi = self.kpis[key]
                kpi["taken"] = kpi.get("taken", 0) + (kpi.get("writer") != writer)
                kpi["writer"] = writer
        return await self.load(keys)

    async def create(self, chunks: Mapping[str, int]) -> None:
        for key, number in chunks.items():
            self.kpis.setdefault(key, {"_id": key, "chunks": number, "schema": 1})

    async def begin(self, key: str, writer: str) -> Begun:
        kpi = self.kpis[key]
        if kpi.get("writer") != writer:
            raise Fenced(f"{key} is somebody else's")
        kpi["begun"] = kpi.get("begun", 0) + 1
        return Begun(kpi["begun"], self._generation(key), kpi["taken"])

    async def switch(self, key: str, begun: Begun) -> None:
        if (self.kpis[key]["taken"], self._generation(key)) != (begun.taken, begun.follows):
            raise Fenced(f"{key} is somebody else's")
        self.kpis[key]["generation"] = begun.generation

    async def in_force(self, key: str) -> int:
        return self._generation(key) if key in self.kpis else 0

    async def remove(self, key: str, *, generation: int | None = None) -> None:
        upto = await self.in_force(key)
        for documents in (self.stored_figures, self.judgements):
            for name, one in list(documents.items()):
                number = generation_of(one["kpi"])
                if one["kpi"] == name_of(key, number) and (number < upto or upto != number == generation):
                    del documents[name]

    def _generation(self, key: str) -> int:
        return int(self.kpis[key].get("generation", 0))

    async def write(self, figures: Sequence[Change], judgements: Sequence[Change]) -> None:
        self.writes += 1
        lost = self.lose_figures or self.lose_judgements
        fenced = [] if self.lose_figures else apply_changes(self.stored_figures, figures)
        fenced += [] if self.lose_judgements else apply_changes(self.judgements, judgements)
        self.lose_figures = self.lose_judgements = False
        if fenced:
            raise Fenced(f"written by somebody else: {fenced}")
        if lost:
            raise Transient("the database went away")

    async def due(self, keys: Sequence[str], today: str) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        keys_of = {name_of(key, self._generation(key)): key for key in keys if key in self.kpis}
        for one in self.judgements.values():
            due = one.get("next_due")
            if one["kpi"] in keys_of and ((due is not None and due <= today) or one.get("owed")):
                found.setdefault(keys_of[one["kpi"]], []).append((one["period"], one["chunk"]))
        return found

    async def judged(self, keys: Sequence[str]) -> dict[str, Document]:
        return {key: self.kpis[key]["judged"] for key in keys if "judged" in self.kpis.get(key, {})}

    async def mark_judged(self, judged: Mapping[str, Document]) -> None:
        for key, noted in judged.items():
            if key in self.kpis:
                self.kpis[key]["judged"] = copy.deepcopy(dict(noted))

    async def editions(self, keys: Sequence[str]) -> dict[str, list[Document]]:
        return {key: list(copy.deepcopy(self.kept_editions[key])) for key in keys if key in self.kept_editions}

    async def keep_editions(self, editions: Mapping[str, tuple[int, Document]], parts: Collection[Part]) -> None:
        for part in parts:
            self.kept_parts.setdefault(part.digest, part.content)
        others = [key for key, (known, _) in editions.items() if len(self.kept_editions.get(key, ())) != known]
        for key, (_, edition) in editions.items():
            if key not in others:
                self.kept_editions.setdefault(key, []).append(copy.deepcopy(dict(edition)))
        if others:
            raise Fenced(f"noted by somebody else: {others}")

    async def parts(self, digests: Sequence[str]) -> list[bytes]:
        return [self.kept_parts[digest] for digest in digests]

    async def unforetold(self, keys: Sequence[str]) -> list[str]:
        return sorted(
            {
                one["kpi"]
                for one in self.judgements.values()
                if one["kpi"] in keys and (one.get("awaits") or one.get("owed"))
            }
        )

    async def keep_issued(self, changes: Sequence[Change]) -> None:
        for change in changes:
            _set(self.forecasts.setdefault(change.id, {"_id": change.id, **copy.deepcopy(change.once)}), change)

    async def issued(self, document: str, unit: str) -> Document:
        found = self.forecasts.get(document, {})
        kept = {name: found[name][unit] for name in ("units", "targets") if unit in found.get(name, {})}
        return copy.deepcopy(kept)

    async def revisions(self, keys: Collection[str]) -> dict[str, str]:
        sums = {key: sum(one["rev"] for one in documents) for key, documents in (await self.figures(keys)).items()}
        return {key: f"{name_of(key, self._generation(key))}@{revision}" for key, revision in sums.items()}

    async def figures(self, keys: Collection[str]) -> dict[str, tuple[Document, ...]]:
        stored = await self.load([key for key in keys if key in self.kpis])
        return {key: one.figures for key, one in stored.items() if one.figures}

    async def derivations(self, keys: Collection[str]) -> dict[str, Document]:
        return {key: self.kpis[key]["derived"] for key in keys if "derived" in self.kpis.get(key, {})}

    async def note_derivation(self, key: str, derivation: Document) -> None:
        if key in self.kpis:
            self.kpis[key]["derived"] = derivation

    async def business_time(self) -> datetime | None:
        return self.now

    async def note_business_time(self, moment: datetime) -> None:
        self.now = moment if self.now is None else max(self.now, moment)


def apply_changes(documents: dict[str, dict[str, Any]], changes: Sequence[Change]) -> list[str]:
    """Apply what fits; the ids of the documents that have another version."""
    fenced = []
    for change in changes:
        held = documents.get(change.id)
        if (held["rev"] if held is not None else 0) != change.rev:
            fenced.append(change.id)
            continue
        if held is None:
            held = documents[change.id] = {"_id": change.id, **copy.deepcopy(change.once)}
        _set(held, change)
    return fenced


def _set(document: dict[str, Any], change: Change) -> None:
    for path, value in change.sets.items():
        *above, last = path.split(".")
        at = document
        for step in above:
            at = at.setdefault(step, {})
        at[last] = copy.deepcopy(value)


class FakeTopic:
    """What was published, in order; doubts apart.

    `fail`: the next publish loses everything; `fail_after`: it keeps the first few.
    """

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.doubts: list[Outgoing] = []
        self.fail = False
        self.fail_after: int | None = None

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        if topic == STATISTICS_DOUBTED.name:
            self.doubts += records
            return
        if self.fail_after is not None:
            self.records += records[: self.fail_after]
            self.fail_after, self.fail = None, True
        elif not self.fail:
            self.records += records
        if self.fail:
            self.fail = False
            raise Transient("the broker went away")

    def payloads(self) -> list[dict[str, Any]]:
        """Every payload, as JSON."""
        return [orjson.loads(record.value or b"null") for record in self.records]

    def doubted(self) -> list[StatisticDoubted]:
        """Every doubt that publishers were told, as the contract reads it."""
        return [StatisticDoubted.model_validate_json(record.value or b"") for record in self.doubts]

    def progress(self) -> list[ProgressJudged]:
        """Every payload, as the contract reads it."""
        return [ProgressJudged.model_validate_json(record.value or b"") for record in self.records]


class FakeCatalogs:
    """A follower that has caught up."""

    def __init__(self, *catalogs: Catalog) -> None:
        self.catalogs = {catalog.province.id: catalog for catalog in catalogs}

    def switch(self, catalog: Catalog) -> None:
        self.catalogs[catalog.province.id] = catalog

    async def at_least(self, province: str, number: int) -> Catalog:
        if self.catalogs[province].number < number:
            raise TimeoutError
        return self.catalogs[province]
