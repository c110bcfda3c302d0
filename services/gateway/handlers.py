"""What the gateway does with a batch: read, keep the newest of each key in one bulk write, tell the streams."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import orjson
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from contracts import envelope
from contracts.alerts import AlertTransition
from contracts.base import WireModel
from contracts.envelope import Event, NotAnEvent
from contracts.progress import ProgressJudged
from contracts.topics import ALERTS, PROGRESS
from services.gateway.documents import (
    Document,
    Places,
    alert_document,
    as_day,
    newest,
    progress_document,
    transition_document,
)
from services.runtime.clock import EXTENSION, Clock
from services.runtime.errors import Unprocessable

Model = TypeVar("Model", bound=WireModel)


class Keeper(Protocol):
    """The writing side of the read model."""

    async def put_progress(self, documents: Sequence[Document]) -> None: ...
    async def put_alerts(self, alerts: Sequence[Document], transitions: Sequence[Document]) -> None: ...
    async def announce(self, change: dict[str, Any]) -> None: ...


class ProgressHandler:
    """Follows `progress.v1`."""

    def __init__(self, keeper: Keeper, places: Places, clock: Clock) -> None:
        self._keeper, self._places, self._clock = keeper, places, clock

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        documents = newest([*self._documents(_last_of_each(records))], "version")
        if not documents:
            return
        await self._keeper.put_progress(documents)
        await self._keeper.announce(_change("progress", documents, self._clock.now()))

    async def forget(self) -> None:
        """Nothing is held in memory."""

    def _documents(self, records: Iterable[ConsumerRecord]) -> Iterator[Document]:
        for record, event in _events(records, set(PROGRESS.payloads), self._clock):
            judged = _validated(ProgressJudged, record, event)
            place = self._places.of(judged.province, judged.org_unit, _day(judged.as_of))
            yield progress_document(judged, _storable(event.data), place)


class AlertsHandler:
    """Follows `alerts.v1`."""

    def __init__(self, keeper: Keeper, places: Places, clock: Clock) -> None:
        self._keeper, self._places, self._clock = keeper, places, clock

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        alerts: list[Document] = []
        transitions: list[Document] = []
        for record, event in _events(records, set(ALERTS.payloads), self._clock):
            told = _validated(AlertTransition, record, event)
            on = _day(told.progress.as_of) if told.progress is not None else None
            payload = _storable(event.data)
            alerts.append(alert_document(told, payload, self._places.of(told.province, told.org_unit, on)))
            transitions.append(transition_document(told, payload))
        if alerts:
            await self._keeper.put_alerts(newest(alerts, "seq"), transitions)
            await self._keeper.announce(_change("alerts", alerts, self._clock.now()))

    async def forget(self) -> None:
        """Nothing is held in memory."""


def _last_of_each(records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
    """Of records whose `ce_id` says `<key>@<version>`, the highest of each key: the others need not even be parsed."""
    best: dict[str, tuple[int, ConsumerRecord]] = {}
    others: list[ConsumerRecord] = []
    for record in records:
        key, _, version = (envelope.header(record.headers, "ce_id") or "").rpartition("@")
        if not key or not version.isdecimal():
            others.append(record)
        elif key not in best or best[key][0] < int(version):
            best[key] = (int(version), record)
    return [*others, *(record for _, record in best.values())]


def _events(records: Iterable[ConsumerRecord], types: set[str], clock: Clock) -> Iterator[tuple[ConsumerRecord, Event]]:
    """The events of these types; others are not for us. Moves the business clock on."""
    for record in records:
        try:
            event = envelope.read(record.headers, record.value)
        except NotAnEvent as error:
            if record.value is None:
                continue  # a tombstone: compaction took the key away, and what it said stays true
            raise _unprocessable(record, error.why) from None
        clock.observe(instant_of(event.extensions.get(EXTENSION)))
        if event.type in types:
            yield record, event


def _validated(model: type[Model], record: ConsumerRecord, event: Event) -> Model:
    try:
        return model.model_validate(event.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise _unprocessable(record, f"{where}: {first['msg']}") from None


def _unprocessable(record: ConsumerRecord, why: str) -> Unprocessable:
    return Unprocessable(f"{record.topic}/{record.partition}/{record.offset} is not what the contract says: {why}")


def _storable(payload: Any) -> Any:
    """The payload with its decimals as the nearest doubles, which is what the numbers of our own topics are."""
    return orjson.loads(orjson.dumps(payload, default=float))


def _change(topic: str, documents: Iterable[Document], now: datetime) -> dict[str, Any]:
    pick: Callable[[str], list[str]] = lambda name: sorted({document[name] for document in documents})  # noqa: E731
    documents = list(documents)
    return {"topic": topic, "provinces": pick("province"), "kpis": pick("kpi"), "now": now}


def _day(as_of: Any) -> Any:
    text = as_day(as_of)
    return None if text is None else datetime.fromisoformat(text).date()


def instant_of(text: str | None) -> datetime | None:
    """An instant with its offset, or None for anything else."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
