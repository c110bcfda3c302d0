"""A read model in memory that keeps the promises of the real one; one suite of tests runs against both."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.progress import progress_key
from services.gateway.documents import Count, Document
from services.gateway.queries import AlertFilter, ProgressFilter, Slice


class FakeModel:
    """See `services.gateway.store.ReadModel`."""

    def __init__(self) -> None:
        self.records: dict[str, Document] = {}
        self.alerts: dict[str, Document] = {}
        self.told: dict[str, Document] = {}
        self.announced: list[Mapping[str, Any]] = []

    async def put_progress(self, documents: Sequence[Document]) -> None:
        _replace_older(self.records, documents, "version")

    async def put_alerts(self, alerts: Sequence[Document], transitions: Sequence[Document]) -> None:
        for told in transitions:
            self.told.setdefault(told["_id"], dict(told))
        _replace_older(self.alerts, alerts, "seq")

    async def announce(self, change: Mapping[str, Any]) -> None:
        self.announced.append(change)

    async def places(self) -> AsyncIterator[tuple[str, Document]]:
        for name, collection in (("progress", self.records), ("alerts", self.alerts)):
            for document in list(collection.values()):
                yield name, document

    async def move(self, collection: str, places: Mapping[str, Document]) -> None:
        target = self.records if collection == "progress" else self.alerts
        for key, place in places.items():
            target[key].update(place)

    async def progress(self, kpi: str, org_unit: str, period: str) -> Document | None:
        wanted = {"kpi": kpi, "org_unit": org_unit, "period": period}
        return next((one for one in self.records.values() if _fits(one, wanted)), None)

    async def of_keys(self, keys: Iterable[str]) -> list[Document]:
        return [self.records[key] for key in keys if key in self.records]

    async def list_progress(self, wanted: ProgressFilter, limit: int, after: str | None = None) -> Slice:
        found = [one for key, one in sorted(self.records.items()) if after is None or key > after]
        return _page([one for one in found if _fits(one, wanted.query())], limit, lambda last: (last["_id"],))

    async def alert(self, alert_id: str) -> tuple[Document, list[Document]] | None:
        found = self.alerts.get(alert_id)
        if found is None:
            return None
        told = [one for one in self.told.values() if one["alert_id"] == alert_id]
        return found, sorted(told, key=lambda one: one["seq"])

    async def list_alerts(self, wanted: AlertFilter, limit: int, after: tuple[datetime, str] | None = None) -> Slice:
        found = sorted(self.alerts.values(), key=lambda one: (-one["since"].timestamp(), one["_id"]))
        found = [one for one in found if _fits(one, wanted.query())]
        if after is not None:
            since, last = after
            found = [one for one in found if one["since"] < since or (one["since"] == since and one["_id"] > last)]
        return _page(found, limit, lambda one: (one["since"], one["_id"]))

    async def of_units(self, province: str, units: Iterable[str]) -> list[Document]:
        wanted = set(units)
        return [one for one in self.records.values() if one["province"] == province and one["org_unit"] in wanted]

    async def of_kpi(self, province: str, kpi: str, period: str) -> list[Document]:
        wanted = {"province": province, "kpi": kpi, "period": period}
        return [one for one in self.records.values() if _fits(one, wanted)]

    async def counts(self, province: str) -> list[Count]:
        found = Counter(
            (one["kpi"], one["period"], one["level"], one["status"], one["until"])
            for one in self.records.values()
            if one["province"] == province
        )
        return [Count(*key, number) for key, number in found.items()]

    async def open_alerts(self, province: str) -> list[Document]:
        found = [one for one in self.alerts.values() if one["province"] == province and one["state"] == "open"]
        found = sorted(found, key=lambda one: (one["order"], one["since"], one["_id"]))
        return [{**one, "now": self._now(one)} for one in found]

    def _now(self, alert: Document) -> Any:
        key = progress_key(alert["province"], alert["kpi"], alert["org_unit"], alert["period"])
        return self.records[key]["record"] if key in self.records else None

    async def count_open_alerts(self, province: str) -> int:
        return len(await self.open_alerts(province))


def _replace_older(held: dict[str, Document], documents: Sequence[Document], order: str) -> None:
    for document in documents:
        before = held.get(document["_id"])
        if before is None or before[order] < document[order]:
            held[document["_id"]] = dict(document)


def _fits(document: Document, query: Mapping[str, Any]) -> bool:
    return all(_one_fits(document.get(name), condition) for name, condition in query.items())


def _one_fits(value: Any, condition: Any) -> bool:
    wanted = condition["$in"] if isinstance(condition, dict) else [condition]
    return any(one in value if isinstance(value, list) else one == value for one in wanted)


def _page(found: list[Document], limit: int, position: Any) -> Slice:
    if len(found) <= limit:
        return Slice(found)
    return Slice(found[:limit], position(found[limit - 1]))
