"""The body of a request, no more of it than a limit."""

from starlette.requests import Request

from services.gateway.problems import Problem


async def body_of(request: Request, limit: int) -> bytes:
    """The whole body. Raises `Problem` (413) as soon as it is known to be longer than `limit` bytes."""
    too_large = Problem(
        413,
        "too_large",
        f"Nội dung lớn hơn {limit} byte; hãy chia nhỏ.",
        f"The body is larger than {limit} bytes; split it.",
    )
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)
