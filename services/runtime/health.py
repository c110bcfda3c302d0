"""`/healthz`, `/readyz`, `/metrics`: what a service says about itself, and the server that says it.

Healthy means that the loop turns and answers; it asks neither broker nor database, so that their outage does not
restart every service. Ready means that all checks pass; those that fail are named in a sentence each.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.runtime.telemetry import Telemetry

Check = Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""Returns None when all is well, else why not."""


PATIENCE_S = 2.0
"""How long a check may take; whoever probes waits not much longer."""


class Health:
    """The checks of one service, and the troubles that it has at the moment."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._troubles: dict[str, str] = {}
        self._draining = False

    def check(self, name: str, check: Check) -> None:
        """Add a condition of being ready."""
        self._checks[name] = check

    def trouble(self, what: str, why: str) -> None:
        """Something is being tried again; the service is not ready until `recovered`."""
        self._troubles[what] = why

    def recovered(self, what: str) -> None:
        """The trouble is over."""
        self._troubles.pop(what, None)

    def drain(self) -> None:
        """The service is stopping: not ready from now on."""
        self._draining = True

    async def not_ready(self) -> dict[str, str]:
        """What stands in the way of being ready, by name, each in a sentence."""
        if self._draining:
            return {"stopping": "the service is being stopped"}
        return {**await _failing(self._checks), **self._troubles}


async def _failing(checks: dict[str, Check]) -> dict[str, str]:
    # A copy: while a service starts, checks are added as its parts come up.
    asked = dict(checks)
    answers = await asyncio.gather(*(_answer(check) for check in asked.values()))
    return {name: why for name, why in zip(asked, answers, strict=True) if why is not None}


async def _answer(check: Check) -> str | None:
    """What a check says; a dependency that is silent is as good as away."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = check()
            return await answer if inspect.isawaitable(answer) else answer
    except TimeoutError:
        return f"no answer within {PATIENCE_S:g} s"


def routes(health: Health, telemetry: Telemetry) -> list[Route]:
    """The three routes; the gateway mounts them beside its own."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        failing = await health.not_ready()
        return JSONResponse({"status": "not_ready" if failing else "ready", "why": failing}, 503 if failing else 200)

    async def metrics(_: Request) -> Response:
        return Response(telemetry.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def application(health: Health, telemetry: Telemetry) -> Starlette:
    """The HTTP side of a service that has no other routes."""
    return Starlette(routes=routes(health, telemetry))
