"""The body of a request, no more of it than a limit."""

from starlette.requests import Request

from services.gateway.problems import Problem

_PATIENCE = 4
"""Times the limit that a body is read, and thrown away: who is hung up on while sending never sees the answer."""


async def body_of(request: Request, limit: int) -> bytes:
    """The whole body. Raises `Problem` (413) if it is longer than `limit` bytes."""
    too_large = Problem(
        413,
        "too_large",
        f"Nội dung lớn hơn {limit} byte; hãy chia nhỏ.",
        f"The body is larger than {limit} bytes; split it.",
    )
    declared = request.headers.get("content-length", "0")
    left = _PATIENCE * limit if not declared.isdecimal() or int(declared) <= _PATIENCE * limit else 0
    body = bytearray()
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            raise too_large
        if len(body) <= limit:
            body += chunk
    if len(body) > limit:
        raise too_large
    return bytes(body)
