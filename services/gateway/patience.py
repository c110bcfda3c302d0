"""Hearing out a caller who is refused: one who is hung up on while still sending never sees why."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

_PATIENCE_S = 10.0


async def while_there(request: Request, parts: AsyncIterator[Sequence[T]]) -> AsyncIterator[Sequence[T]]:
    """These parts, as long as the caller waits for them. Raises `ClientDisconnect` once nobody does."""
    async for part in parts:
        if await request.is_disconnected():
            raise ClientDisconnect
        yield part


async def hear_out(request: Request, most: int) -> None:
    """Receive the body and throw it away, unless it is longer than `most` bytes or takes too long.

    A caller who asks first whether to send it at all is not told to.
    """
    if "expect" in request.headers:
        return
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        return
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_PATIENCE_S):
            async for chunk in request.stream():
                most -= len(chunk)
                if most < 0:
                    return
