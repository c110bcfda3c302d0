"""`GET events`: what became of an event, by source and id or by its name in a link; a publisher's recent events."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.attributes import MAX_ATTRIBUTE
from contracts.doors import MAX_EVENT_REF, NoEventRef, event_of
from contracts.fates import EventsPage, EventState, Fate
from services.gateway import admission, cursors, tracing
from services.gateway.admission import Admitted, Asker
from services.gateway.keys import Scope
from services.gateway.parts import Parts
from services.gateway.problems import Problem
from services.gateway.replies import Position
from services.gateway.routes.answers import (
    ERRORS,
    NOT_FOUND,
    UNCHANGED,
    Ids,
    ListParameters,
    Moment,
    bad_cursor,
    json_answer,
    position,
)
from services.gateway.tracing import Sources, Wanted

_EPOCH, _FAR = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Between these lies everything that stores can be asked for."""

Attribute = Annotated[str, Field(min_length=1, max_length=MAX_ATTRIBUTE)]


class EventsQuery(ListParameters):
    """With `source` and `id` one event is asked for, else the recent ones that fulfil all that is given."""

    source: Attribute | None = Field(None, description="`ce_source` of the event, or of the events to be listed.")
    id: Attribute | None = Field(None, description="`ce_id` of the event; only together with `source`.")
    state: Annotated[list[EventState], Field(max_length=20)] = []
    kpi: Ids = []
    since: Moment | None = Field(None, description="Events handled at or after this instant.")


def router(parts: Parts) -> APIRouter:
    """The routes over what the services know of events."""
    routes = APIRouter(tags=["events"], prefix="/events")

    @routes.get(
        "",
        response_model=Fate | EventsPage,
        responses={**UNCHANGED, **ERRORS, **NOT_FOUND, **admission.RESPONSES},
        summary="What became of an event, or a publisher's recent events",
    )
    async def events(
        request: Request,
        asked: Annotated[EventsQuery, Query()],
        asker: Annotated[Asker, Depends(Admitted(parts, Scope.EVENTS_READ))],
    ) -> Response:
        if asked.id is None:
            return json_answer(request, (await recent_events(parts, asker.sources, asked)).model_dump(mode="json"))
        if asked.source is None:
            raise Problem(
                400,
                "bad_parameter",
                "Tham số id chỉ dùng cùng với source.",
                "The parameter id goes together with source only.",
            )
        found = await tracing.fate(parts, asker.sources, asked.source, asked.id)
        return json_answer(request, found.model_dump(mode="json"))

    @routes.get(
        "/{ref}",
        response_model=Fate,
        responses={**UNCHANGED, **ERRORS, **NOT_FOUND, **admission.RESPONSES},
        summary="What became of an event, by its name in a link",
    )
    async def one(
        request: Request,
        ref: Annotated[str, Path(description="base64url of `source NUL id`", max_length=MAX_EVENT_REF)],
        asker: Annotated[Asker, Depends(Admitted(parts, Scope.EVENTS_READ))],
    ) -> Response:
        found = await tracing.fate(parts, asker.sources, *named(ref))
        return json_answer(request, found.model_dump(mode="json"))

    return routes


def named(ref: str) -> tuple[str, str]:
    """Source and id in a link. Raises `Problem`: a name of nothing is no event."""
    try:
        return event_of(ref)
    except NoEventRef:
        raise tracing.no_such_event() from None


async def recent_events(parts: Parts, asker: Sources, asked: EventsQuery) -> EventsPage:
    """A page of the list. Raises `Problem` for what is not the asker's."""
    sources = tracing.to_be_listed(parts.catalogs(), asker, asked.source)
    since = None if asked.since is None else min(max(asked.since, _EPOCH), _FAR)
    wanted = Wanted(sources, frozenset(asked.state), frozenset(asked.kpi), since)
    given = [asker and sorted(asker), asked.source, sorted(wanted.states), sorted(wanted.kpis), since]
    mark = cursors.mark_of(["events", *given])
    limit = asked.limit or parts.settings.gateway.page_size
    lines, following = await tracing.recent(parts, wanted, _before(asked.cursor, mark), limit)
    return EventsPage(items=tuple(lines), next=None if following is None else cursors.pack(mark, _packed(following)))


def _before(cursor: str | None, mark: str) -> Position | None:
    found = position(cursor, mark, (int, str))
    if found is None:
        return None
    milliseconds, last = found
    if not last.isascii():
        raise bad_cursor()
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds), last
    except OverflowError:
        raise bad_cursor() from None


def _packed(at: Position) -> tuple[int, str]:
    """Stores and topics know milliseconds."""
    moment, last = at
    return (moment - _EPOCH) // timedelta(milliseconds=1), last
