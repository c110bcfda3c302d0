"""`GET /events/{ref}`: the page of one event, to which receipts and mails lead.

Where a key is needed the page asks for it, and reads itself again with it; a browser sends none by itself.
"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.gateway import tracing
from services.gateway.keys import Refusal, Scope
from services.gateway.parts import Parts
from services.gateway.problems import Problem
from services.gateway.routes.dashboard import COOKIE, choice_of, html_answer, templates
from services.gateway.routes.events import named
from services.gateway.views.fate import fate_page
from services.gateway.views.words import LANGUAGES, Words


def router(parts: Parts) -> APIRouter:
    """The page over what the services know of events."""
    routes = APIRouter(include_in_schema=False)
    template = templates().get_template("event.html")

    @routes.get("/events/{ref}")
    async def page(request: Request, ref: str) -> Response:
        choice = choice_of(request.query_params, request.cookies.get(COOKIE))
        words = Words(choice.language)
        languages = [(one, f"?lang={one}") for one in LANGUAGES]
        shared: dict[str, Any] = {"_": words, "lang": choice.language, "languages": languages}
        try:
            asker = await parts.admission.admit(request, Scope.EVENTS_READ)
            fate = await tracing.fate(parts, asker.sources, *named(ref))
        except Problem as problem:
            no_key = words("Chỉ đơn vị đã gửi số liệu này mới xem được: hãy nhập khóa của đơn vị.")
            shared |= {"trouble": trouble_said(problem, words, no_key), "asks": problem.status == 401}
            return html_answer(request, choice, template.render(shared), problem.status)
        it = fate_page(fate, parts.catalogs(), words)
        return html_answer(request, choice, template.render({**shared, "it": it}))

    return routes


def trouble_said(problem: Problem, words: Words, no_key: str) -> str:
    """Who reads a page knows of no headers."""
    if problem.code == Refusal.NO_KEY:
        return no_key
    return words.either(problem.vi, problem.en)
