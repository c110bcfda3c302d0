"""The body of a request, no more of it than a limit."""

from starlette.requests import Request

from services.gateway.in_hand import Held
from services.gateway.patience import hear_out
from services.gateway.problems import Problem

_PATIENCE = 4
"""Times the limit that is received of a body that is too large, and thrown away."""


async def body_of(request: Request, limit: int, held: Held) -> bytes:
    """The whole body. Raises `Problem`, once its sender has been heard out: 413 if it is longer than `limit` bytes,
    and what `held` raises if it is too much beside others."""
    too_large = Problem(
        413,
        "too_large",
        f"Nội dung lớn hơn {limit} byte; hãy chia nhỏ.",
        f"The body is larger than {limit} bytes; split it.",
    )
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        await hear_out(request, _PATIENCE * limit)
        raise too_large
    body = bytearray()
    try:
        held.grow(int(declared) if declared.isdecimal() else 0)
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                break
            held.grow(len(body))
    except Problem:
        body.clear()
        await hear_out(request, limit)
        raise
    if len(body) > limit:
        body.clear()
        await hear_out(request, _PATIENCE * limit)
        raise too_large
    return bytes(body)
