"""What the figures must be, recomputed from the events that were sent, held against what the API shows."""

import json
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from pymongo import MongoClient

from contracts.base import RawCoordinates
from contracts.observations import ObservationRecorded, observation_id
from contracts.progress import ProgressJudged
from contracts.statistics import Flag
from deploy.embedded.demo.events import Said
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog.catalog import Catalog
from tests.model import ModelRecord, recompute
from tests.provinces import Province
from tests.unit.metrics.engine import different

SETTLES_WITHIN_S = 30

Key = tuple[str, str, str]
"""KPI, org unit, period."""


def observed(catalog: Catalog, said: Said, offset: int) -> ObservationRecorded:
    """An event as ingest records it, made without ingest. Good for events whose units are named by their ids."""
    kpi = catalog.kpis[said.data["kpi"]]
    day = datetime.fromisoformat(said.data["as_of"]).date()
    return ObservationRecorded.model_validate(
        {
            **said.data,
            "period": catalog.calendar_of(kpi.id).period(kpi.period, day).id,
            "observation_id": observation_id(said.source, said.id),
            "source": said.source,
            "source_id": said.id,
            "publisher": "any",
            "raw": RawCoordinates(log="test", topic="statistics.reported.v1", partition=0, offset=offset),
            "reported_at": said.at,
            "received_at": said.at,
            "catalog_version": "1",
        }
    )


def accepted(stack: Stack) -> list[ObservationRecorded]:
    """What stands in the ledger."""
    with MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        payloads = [bytes(entry["payload"]) for entry in client["tiendo_ingest"]["ledger"].find({}, {"payload": 1})]
    return [ObservationRecorded.model_validate_json(payload) for payload in payloads]


def recomputed(
    province: Province, events: Iterable[Said], flags: Mapping[str, tuple[Flag, ...]] = MappingProxyType({})
) -> Mapping[Key, ModelRecord]:
    """The plain recomputation from the events, at the moment of the latest one: where the data clock stands.

    `flags`: the doubts that ingest accepted an observation with, by its id. They are the door's to raise.
    """
    said = list(events)
    now = max(event.at for event in said).astimezone(UTC)
    plain = [observed(province.catalog, event, offset) for offset, event in enumerate(said)]
    observations = [one.model_copy(update={"flags": flags.get(one.observation_id, ())}) for one in plain]
    return recompute(province.catalog, observations, now)


def shown(system: System, **filters: str) -> Iterator[dict[str, Any]]:
    """All progress records of the API."""
    cursor: str | None = None
    while True:
        query = urlencode({**filters, "limit": "200", **({"cursor": cursor} if cursor else {})})
        with urllib.request.urlopen(system.url("gateway", f"/api/v1/progress?{query}"), timeout=10) as answer:
            page = json.load(answer)
        yield from page["items"]
        cursor = page.get("next")
        if cursor is None:
            return


def compared(system: System, expected: Mapping[Key, ModelRecord]) -> list[str]:
    """A line for each field in which the API shows another thing than was recomputed; empty if there is none."""
    records = (ProgressJudged.model_validate(one) for one in shown(system))
    return different(expected, {(one.kpi, one.org_unit, one.period): one for one in records})


def settled(system: System, expected: Mapping[Key, ModelRecord]) -> list[str]:
    """The same, once what is made from other KPIs has followed them; whatever still differs after a while."""
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while (differences := compared(system, expected)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return differences
