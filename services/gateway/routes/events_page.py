"""`GET /events?source=&state=`: the page of a publisher's recent events, to which its letters lead.

It shows what `GET /api/v1/events` answers to the same question, to whoever may see that; a key is asked for as on the
page of one event.
"""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.keys import Scope
from services.gateway.parts import Parts
from services.gateway.problems import Problem
from services.gateway.routes.dashboard import COOKIE, choice_of, html_answer, templates
from services.gateway.routes.event_page import trouble_said
from services.gateway.routes.events import EventsQuery, recent_events
from services.gateway.views.fate import event_rows, state_words
from services.gateway.views.words import LANGUAGES, Words


class EventsPageQuery(EventsQuery):
    """The same question, and in which language."""

    lang: str | None = None


def router(parts: Parts) -> APIRouter:
    """The page over what the services know of events."""
    routes = APIRouter(include_in_schema=False)
    template = templates().get_template("events.html")

    @routes.get("/events")
    async def page(request: Request, asked: Annotated[EventsPageQuery, Query()]) -> Response:
        choice = choice_of(request.query_params, request.cookies.get(COOKIE))
        words = Words(choice.language)
        given = [(name, said) for name, said in request.query_params.multi_items() if name != "lang"]
        languages = [(one, f"?{urlencode([*given, ('lang', one)])}") for one in LANGUAGES]
        shared: dict[str, Any] = {"_": words, "lang": choice.language, "languages": languages}
        try:
            asker = await parts.admission.admit(request, Scope.EVENTS_READ)
            found = await recent_events(parts, asker.sources, asked)
        except Problem as problem:
            no_key = words("Chỉ đơn vị đã gửi các số liệu này mới xem được: hãy nhập khóa của đơn vị.")
            shared |= {"trouble": trouble_said(problem, words, no_key), "asks": problem.status == 401}
            return html_answer(request, choice, template.render(shared), problem.status)
        further = [(name, said) for name, said in given if name != "cursor"]
        content = {
            "listed": True,
            "rows": event_rows(found.items, parts.catalogs(), words),
            "states": [state_words(one, words) for one in asked.state],
            "source": asked.source,
            "next_href": f"/events?{urlencode([*further, ('cursor', found.next)])}" if found.next else "",
            "api_href": f"/api/v1/events?{urlencode(given)}",
        }
        return html_answer(request, choice, template.render({**shared, **content}))

    return routes
