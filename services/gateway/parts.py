"""What the routes work with: opened by `app.py`, handed over in one piece."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.gateway.admission import Admission
from services.gateway.documents import Count, Document
from services.gateway.live import Hub
from services.gateway.outbox import Outbox
from services.gateway.owners import Owners
from services.gateway.parked_sources import ParkedSources
from services.gateway.places import Catalogs
from services.gateway.queries import AlertFilter, ProgressFilter, Slice
from services.gateway.replies import Told
from services.gateway.settings import Settings
from services.runtime.clock import Clock
from services.runtime.health import Health
from services.runtime.telemetry import Telemetry


class Figures(Protocol):
    """The reading side of the read model; see `store.ReadModel`."""

    async def progress(self, kpi: str, org_unit: str, period: str) -> Document | None: ...
    async def of_keys(self, keys: Iterable[str]) -> list[Document]: ...
    async def list_progress(self, wanted: ProgressFilter, limit: int, after: str | None = None) -> Slice: ...
    async def alert(self, alert_id: str) -> tuple[Document, list[Document]] | None: ...
    async def list_alerts(
        self, wanted: AlertFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> Slice: ...
    async def of_units(self, province: str, units: Iterable[str]) -> list[Document]: ...
    async def of_kpi(self, province: str, kpi: str, period: str) -> list[Document]: ...
    async def counts(self, province: str) -> Sequence[Count]: ...
    async def open_alerts(self, province: str) -> list[Document]: ...
    async def count_open_alerts(self, province: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that answers a request."""

    settings: Settings
    model: Figures
    replies: Told
    catalogs: Catalogs
    hub: Hub
    admission: Admission
    outbox: Outbox
    owners: Owners
    clock: Clock
    health: Health
    telemetry: Telemetry
    parked: ParkedSources = field(default_factory=ParkedSources)
