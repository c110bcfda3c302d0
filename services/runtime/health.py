"""`/healthz`, `/readyz`, `/metrics`: what a service says about itself, and the server that says it.

Healthy means that the loop turns; it asks neither broker nor database, so that their outage does not restart every
service. Ready means that all checks pass; those that fail are named in a sentence each.
"""

import inspect
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.runtime.telemetry import Telemetry

Check = Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""Returns None when all is well, else why not."""


class Health:
    """The checks of one service, and the troubles that it has at the moment."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._checks: dict[str, Check] = {}
        self._alive: dict[str, Check] = {}
        self._troubles: dict[str, str] = {}
        self._draining = False

    def check(self, name: str, check: Check) -> None:
        """Add a condition of being ready."""
        self._checks[name] = check

    def alive(self, name: str, check: Check) -> None:
        """Add a condition of being healthy: when it fails, only a restart helps."""
        self._alive[name] = check

    def trouble(self, what: str, why: str) -> None:
        """Something is being tried again; the service is not ready until `recovered`."""
        self._troubles[what] = why

    def recovered(self, what: str) -> None:
        """The trouble is over."""
        self._troubles.pop(what, None)

    def drain(self) -> None:
        """The service is stopping: not ready from now on."""
        self._draining = True

    async def unhealthy(self) -> dict[str, str]:
        """What only a restart mends, by name."""
        return await _failing(self._alive)

    async def not_ready(self) -> dict[str, str]:
        """What stands in the way of being ready, by name, each in a sentence."""
        if self._draining:
            return {"stopping": "the service is being stopped"}
        return {**await _failing(self._checks), **self._troubles}


async def _failing(checks: dict[str, Check]) -> dict[str, str]:
    failing: dict[str, str] = {}
    for name, check in list(checks.items()):  # a service that starts adds checks while it is asked
        answer = check()
        why = await answer if inspect.isawaitable(answer) else answer
        if why is not None:
            failing[name] = why
    return failing


def routes(health: Health, telemetry: Telemetry) -> list[Route]:
    """The three routes; the gateway mounts them beside its own."""

    async def healthz(_: Request) -> Response:
        failing = await health.unhealthy()
        return JSONResponse({"status": "stuck" if failing else "ok", "why": failing}, 503 if failing else 200)

    async def readyz(_: Request) -> Response:
        failing = await health.not_ready()
        return JSONResponse({"status": "not_ready" if failing else "ready", "why": failing}, 503 if failing else 200)

    async def metrics(_: Request) -> Response:
        return Response(telemetry.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def application(health: Health, telemetry: Telemetry) -> Starlette:
    """The HTTP side of a service that has no other routes."""
    return Starlette(routes=routes(health, telemetry))
