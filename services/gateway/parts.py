"""What the routes work with: opened by `app.py`, handed over in one piece."""

from dataclasses import dataclass

from services.gateway.live import Hub
from services.gateway.outbox import Outbox
from services.gateway.places import Catalogs
from services.gateway.settings import Settings
from services.gateway.store import ReadModel
from services.runtime.clock import Clock
from services.runtime.health import Health
from services.runtime.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that answers a request."""

    settings: Settings
    model: ReadModel
    catalogs: Catalogs
    hub: Hub
    outbox: Outbox
    clock: Clock
    health: Health
    telemetry: Telemetry
