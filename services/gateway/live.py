"""The live stream: what moved, told to every open page.

Events say what to read again, never the figures themselves, so one that is lost costs nothing once “reset” was said.
They come from a MongoDB change stream, which every replica sees whoever wrote; their ids are its resume tokens, so a
client may come back to another replica. Each client has a bounded queue; one that does not keep up gets a reset.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import structlog
from pymongo.errors import PyMongoError

from services.runtime.errors import in_short

log = structlog.get_logger()

QUEUE = 64
"""Events that may wait for one client."""

REMEMBERED = 1_000
"""Events that a client may have missed and still be told one by one."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One event of the stream: `kind` is progress, alerts, catalog or reset; the id is empty where there is none."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


RESET = Signal("reset", {"why": "something was missed: read again what you show"})


class Changes(Protocol):
    """Where changes come from; see `ReadModel.changes`."""

    def changes(self) -> AsyncIterator[tuple[str, dict[str, Any]]]: ...


class Hub:
    """Hands signals to all open streams."""

    def __init__(self) -> None:
        self._clients: set[_Client] = set()
        self._recent: deque[Signal] = deque(maxlen=REMEMBERED)
        self._closed = False

    @property
    def open_streams(self) -> int:
        """How many streams are open."""
        return len(self._clients)

    @property
    def latest(self) -> str:
        """The id of the last thing that happened: who has read everything now may come back with it."""
        return self._recent[-1].id if self._recent else ""

    def begin(self) -> None:
        """From now on nothing is missed. Whoever knows this moment's id knows all that was before."""
        self._recent.clear()
        self._recent.append(Signal("begin", id=f"begin-{uuid4().hex[:12]}"))

    def tell(self, signal: Signal) -> None:
        """Pass a signal on to everybody; never waits."""
        if signal.id:
            self._recent.append(signal)
        for client in self._clients:
            client.put(signal)

    def close(self) -> None:
        """End all streams, and those that come later at once."""
        self._closed = True
        for client in self._clients:
            client.end()

    async def listen(self, last_id: str | None = None) -> AsyncIterator[Signal]:
        """Signals from now on, those missed since `last_id` first. Ends when the hub is closed."""
        client = _Client(self._missed_since(last_id))
        self._clients.add(client)
        try:
            while not self._closed and (signal := await client.get()) is not None:
                yield signal
        finally:
            self._clients.discard(client)

    def _missed_since(self, last_id: str | None) -> list[Signal]:
        if not last_id:
            return []
        recent = list(self._recent)
        for index, signal in enumerate(recent):
            if signal.id == last_id:
                missed = recent[index + 1 :]
                return missed if len(missed) <= QUEUE else [RESET]
        return [RESET]


class _Client:
    def __init__(self, first: list[Signal]) -> None:
        self._waiting: deque[Signal | None] = deque(first)
        self._there = asyncio.Event()
        if first:
            self._there.set()

    def put(self, signal: Signal) -> None:
        if len(self._waiting) >= QUEUE:
            self._waiting.clear()
            signal = RESET
        self._waiting.append(signal)
        self._there.set()

    def end(self) -> None:
        self._waiting.append(None)
        self._there.set()

    async def get(self) -> Signal | None:
        while not self._waiting:
            self._there.clear()
            await self._there.wait()
        return self._waiting.popleft()


async def follow(changes: Changes, hub: Hub, pause_s: float = 1.0) -> None:
    """Feed the hub for ever. When the database was away, try after a pause, and tell everybody to read again."""
    lost = False
    while True:
        try:
            async for token, change in changes.changes():
                if token:
                    hub.tell(signal_of(token, change))
                    continue
                hub.begin()
                if lost:
                    hub.tell(RESET)
                    log.info("change_stream_resumed")
                lost = False
        except PyMongoError as error:
            lost = True
            log.warning("change_stream_lost", why=in_short(error))
        await asyncio.sleep(pause_s)


def signal_of(token: str, change: Mapping[str, Any]) -> Signal:
    """The signal of a stored change."""
    now = change.get("now")
    data = {
        "provinces": change.get("provinces", []),
        "kpis": change.get("kpis", []),
        "now": now.isoformat() if now is not None else None,
    }
    return Signal(str(change.get("topic", "reset")), data, token)
