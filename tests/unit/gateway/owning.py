"""The owners that the gateway asks, in the same process: metrics over its fakes, a ledger that remembers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from httpx2 import ASGITransport, AsyncBaseTransport, AsyncClient, ConnectError, Request, Response
from starlette.applications import Starlette

from contracts.observations import ObservationRecorded
from services.gateway.owners import Owners
from services.ingest import examining
from services.ingest import internal as of_ingest
from services.metrics import internal as of_metrics
from services.metrics.asking import Asker
from services.runtime.catalog import Catalog
from tests.unit.ingest.door import World
from tests.unit.ingest.remembered import Remembered
from tests.unit.metrics.engine import Engine


class Away(AsyncBaseTransport):
    """Nobody answers; or, after so many seconds, too late."""

    def __init__(self, after_s: float = 0) -> None:
        self._after_s = after_s

    async def handle_async_request(self, request: Request) -> Response:
        await asyncio.sleep(self._after_s)
        raise ConnectError("refused")


def owners(
    metrics: AsyncBaseTransport,
    ingest: AsyncBaseTransport,
    patience_s: float = 5,
    alerts: AsyncBaseTransport | None = None,
) -> Owners:
    """Owners behind these transports; alerts is away unless it is given."""
    return Owners(
        AsyncClient(transport=metrics, base_url="http://metrics", timeout=patience_s),
        AsyncClient(transport=ingest, base_url="http://ingest", timeout=patience_s),
        AsyncClient(transport=alerts or Away(), base_url="http://alerts", timeout=patience_s),
    )


def nobody() -> Owners:
    """Both are away."""
    return owners(Away(), Away())


def starting() -> ASGITransport:
    """A service that answers, but has none of its routes yet."""
    return ASGITransport(app=Starlette())


async def metrics_with(
    catalog: Catalog, now: datetime, observations: Sequence[ObservationRecorded], *, derive: bool = False
) -> ASGITransport:
    """Metrics that took these observations, and made what is derived from them; it has known its catalog for years."""
    engine = Engine(catalog, now)
    await engine.knows_its_catalog_since(datetime(2020, 1, 1, tzinfo=UTC))
    await engine.take(*observations)
    if derive:
        await engine.tick()
    return metrics_of(engine)


def metrics_of(engine: Engine) -> ASGITransport:
    """Metrics as it answers over this engine's store."""
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    return ASGITransport(app=Starlette(routes=of_metrics.routes(asker)))


def ingest_examining(world: World | None = None) -> ASGITransport:
    """Ingest of the small province of its own tests: it says what would become of events."""
    asked = world or World()
    routes = examining.routes(asked.examiner, asked.ledger, asked.clock, asked.questions)
    return ASGITransport(app=Starlette(routes=routes))


def ingest_with(observations: Sequence[ObservationRecorded]) -> ASGITransport:
    """Ingest that accepted these observations, and examines by the catalog of the small province."""
    ledger, world = Remembered(observations), World()
    asked = [*of_ingest.routes(ledger), *examining.routes(world.examiner, ledger, world.clock, world.questions)]
    return ASGITransport(app=Starlette(routes=asked))
