"""Waiting for what is not up yet: a clear line each few seconds, and an end. A service that waits is no zombie."""

import asyncio
from collections.abc import AsyncIterator

import structlog

from services.runtime.errors import StartError, Stopped

log = structlog.get_logger()

_PAUSE_S = 0.5
_LINE_EVERY_S = 3.0


class Waiting:
    """The patience of one start: all dependencies share the same deadline. Uses real time."""

    def __init__(self, timeout_s: float, stopping: asyncio.Event) -> None:
        self._timeout_s = timeout_s
        self._stopping = stopping
        self._deadline: float | None = None
        self._why = ""

    def because(self, why: str) -> None:
        """Why the last try did not succeed."""
        self._why = why

    async def tries(self, what: str, setting: str) -> AsyncIterator[None]:
        """Yield once a try until the caller breaks off.

        Raises `StartError` naming `setting` when time is up, and `Stopped` when the service is asked to stop meanwhile.
        """
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + self._timeout_s
        self._why, said = "", loop.time()
        while True:
            yield
            now = loop.time()
            if now >= self._deadline:
                raise StartError(
                    f"{what} did not answer within {self._timeout_s:g} s ({self._why or 'no reason given'}). "
                    f"Start it, or mend {setting}; TIENDO_START_TIMEOUT_S says how long to wait."
                )
            if now - said >= _LINE_EVERY_S:
                log.info(
                    "waiting",
                    waiting_for=what,
                    why=self._why,
                    setting=setting,
                    gives_up_in_s=round(self._deadline - now),
                )
                said = now
            try:
                async with asyncio.timeout(_PAUSE_S):
                    await self._stopping.wait()
            except TimeoutError:
                continue
            raise Stopped
