"""Running a service: from the environment to a clean stop. Every `__main__` is one call of `run`.

Exit codes: 0 stopped as asked, 2 could not start (one sentence says why), 1 broke (the log says where).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NoReturn, TypeVar

import structlog

from services.runtime import clock, logging, settings
from services.runtime.ending import end, whereabouts
from services.runtime.errors import StartError, Stopped
from services.runtime.health import Health
from services.runtime.host import Host
from services.runtime.settings import ServiceSettings
from services.runtime.telemetry import Telemetry
from services.runtime.waiting import Waiting

log = structlog.get_logger()

S = TypeVar("S", bound=ServiceSettings)


def run(service: str, model: type[S], serve: Callable[[S, Host], Awaitable[None]]) -> None:
    """Read the settings, set up logs, run `serve` until SIGTERM or SIGINT, and exit."""
    try:
        read = settings.load(model, os.environ)
        time = clock.from_setting(read.clock)
    except StartError as error:
        _refuse(service, error)
    logging.configure(service, read.log)
    for warning in settings.unknown(model, os.environ):
        log.warning("unknown_setting", what=warning)
    try:
        asked = asyncio.run(_serve(read, time, serve))
    except StartError as error:
        _refuse(service, error)
    except Exception as error:
        log.error("broke", exc_info=error)
        sys.exit(1)
    sys.exit(0 if asked else 1)


async def _serve(read: S, time: clock.Clock, serve: Callable[[S, Host], Awaitable[None]]) -> bool:
    """Whether it stopped because it was asked to."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopping.set)
    async with AsyncExitStack() as stack:
        waiting = Waiting(read.start.timeout_s, stopping)
        host = Host(stack, stopping, Health(), Telemetry(), time, waiting)
        try:
            await serve(read, host)
        except Stopped:
            log.info("stopped_before_it_had_started")
    await _no_task_left(host)
    log.info("stopped", broken=host.broken)
    return not host.broken


async def _no_task_left(host: Host) -> None:
    """All that is ours is closed; what a library left running must not keep the process from ending."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if left := await end(others, within_s=2):
        log.warning("tasks_left", tasks=whereabouts(left))
        log.info("stopped", broken=host.broken)
        os._exit(1 if host.broken else 0)


def _refuse(service: str, error: StartError) -> NoReturn:
    sys.stderr.write(f"{service} cannot start. {error}\n")
    sys.exit(2)
