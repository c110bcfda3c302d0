"""Hearing out a caller who is refused: one who is hung up on while still sending never sees why."""

import asyncio
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request

_PATIENCE_S = 10.0


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
