"""A connection that does not wait for ever: a caller has so long for the head of a request, and so long for its body.

The server that this is part of lets go of connections that are silent after an answer, and of nothing else.
"""

import asyncio
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.runtime.settings import HttpSettings

_Waiting = Literal["head", "body"]


def protocol(settings: HttpSettings) -> type[asyncio.Protocol]:
    """Connections with the patience of these settings."""
    patience: dict[_Waiting, float] = {"head": settings.head_timeout_s, "body": settings.body_timeout_s}

    class Connection(H11Protocol):
        _waiting: _Waiting | None = None
        _until: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._look()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_for(None)
            super().connection_lost(exc)

        def _look(self) -> None:
            """Begin to wait, or to wait for something else; for the same, the time that was given goes on."""
            waiting = _waits_for(self.conn)
            if waiting != self._waiting:
                self._wait_for(None if self.transport.is_closing() else waiting)

        def _wait_for(self, waiting: _Waiting | None) -> None:
            if self._until is not None:
                self._until.cancel()
            self._waiting = waiting
            self._until = None if waiting is None else self.loop.call_later(patience[waiting], self.transport.close)

    return Connection


def _waits_for(conn: h11.Connection) -> _Waiting | None:
    """What the caller has still to send."""
    if conn.their_state is h11.IDLE:
        return "head"
    return "body" if conn.their_state is h11.SEND_BODY else None
