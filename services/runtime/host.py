"""What the chassis hands to a service's composition root."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog
import uvicorn
from starlette.types import ASGIApp

from services.runtime import connections, hosts
from services.runtime.clock import Clock
from services.runtime.ending import end, whereabouts
from services.runtime.errors import StartError
from services.runtime.health import Health
from services.runtime.settings import HttpSettings
from services.runtime.telemetry import Telemetry
from services.runtime.waiting import Waiting

log = structlog.get_logger()

_START = "start"

LATE_S = 10.0
"""A stop that takes longer says what it waits for."""


@dataclass(frozen=True, slots=True)
class Host:
    """One running service. What is opened is pushed on `stack` with its closing, and closed in reverse order."""

    stack: AsyncExitStack
    stopping: asyncio.Event
    health: Health
    telemetry: Telemetry
    clock: Clock
    waiting: Waiting
    broken: list[str] = field(default_factory=list)
    """Background tasks that ended by themselves: a half-alive service is worse than one that is started anew."""

    async def stopped(self) -> None:
        """Return when the service is asked to stop; from then on it says that it is not ready."""
        self.health.recovered(_START)
        log.info("started")
        await self.stopping.wait()
        self.health.drain()
        log.info("stopping")
        asyncio.get_running_loop().call_later(LATE_S, _tell_what_is_waited_for)

    async def serve_http(self, settings: HttpSettings, app: ASGIApp) -> None:
        """Answer HTTP from now on until the stack is closed. Raises `StartError` if the port is taken."""
        # Checks come as their objects are made; before all are there, passing those that are means nothing.
        self.health.trouble(_START, "the service is starting")
        listening = _bind(settings)
        server = server_of(settings, app)
        serving = asyncio.create_task(server.serve(sockets=[listening]))

        async def close() -> None:
            server.should_exit = True
            await serving

        self.stack.push_async_callback(close)
        log.info("listening", host=settings.host, port=listening.getsockname()[1])

    async def background(self, name: str, work: asyncio.Task[None]) -> None:
        """Keep `work` running until the stack is closed. If it ends by itself the service stops, to be started anew."""

        def ended(task: asyncio.Task[None]) -> None:
            if not self.stopping.is_set():
                error = None if task.cancelled() else task.exception()
                log.error("background_task_ended", task=name, exc_info=error)
                self.broken.append(name)
                self.stopping.set()

        async def close() -> None:
            work.remove_done_callback(ended)
            await end((work,))

        work.add_done_callback(ended)
        self.stack.push_async_callback(close)


def _tell_what_is_waited_for() -> None:
    log.warning("stop_takes_long", after_s=LATE_S, tasks=whereabouts(asyncio.all_tasks()))


def server_of(settings: HttpSettings, app: ASGIApp) -> uvicorn.Server:
    """What answers on a port of ours, whichever service it is."""
    return _Server(
        uvicorn.Config(
            hosts.internal(app, settings.names),
            http=connections.protocol(settings),
            limit_concurrency=settings.max_connections,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
        )
    )


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the service's own: the server is one of several things that it stops, in order."""
        yield


def _bind(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named, asyncio sends small answers at once; else their second part waits 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise StartError(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}): end what listens there, or set "
            "TIENDO_HTTP_PORT."
        ) from None
    return listening
