"""`GET stream`: what moved, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from services.gateway.parts import Parts
from services.gateway.problems import ProblemDetails, unavailable
from services.gateway.routes.answers import ERRORS, Parameters

RETRY_MS = 2_000


class StreamQuery(Parameters):
    """A browser's first connection cannot send a header of its own."""

    after: Annotated[str, Field(max_length=400)] | None = Field(
        None, description="The id of the last event that the client knows of; Last-Event-ID goes before it."
    )


def router(parts: Parts) -> APIRouter:
    """The route over this hub."""
    routes = APIRouter(tags=["stream"])

    def room() -> None:
        if parts.hub.open_streams >= parts.settings.gateway.max_streams:
            raise unavailable("Đã có quá nhiều luồng trực tiếp.", "Too many live streams are open.")

    @routes.get(
        "/stream",
        dependencies=[Depends(room)],
        response_class=EventSourceResponse,
        responses={**ERRORS, 503: {"model": ProblemDetails, "description": "Too many streams, or not ready yet."}},
        summary="What moved: events `progress`, `alerts`, `catalog` and `reset` say what to read again",
    )
    async def stream(
        asked: Annotated[StreamQuery, Query()],
        last_event_id: Annotated[str | None, Header(max_length=400)] = None,
    ) -> AsyncIterator[ServerSentEvent]:
        # Sent at once, so that a client knows that it is connected.
        yield ServerSentEvent(event="hello", data={"now": parts.clock.now().isoformat()}, retry=RETRY_MS)
        async for signal in parts.hub.listen(last_event_id or asked.after):
            yield ServerSentEvent(event=signal.kind, data=dict(signal.data), id=signal.id or None)

    return routes
