"""`GET /alerts/{id}`: the page of one alert, to which mails lead.

Reading it changes nothing. Its form speaks to `POST alerts/{id}/acknowledge` itself, with the key that is typed into
it: a browser sends none by itself, so no page of elsewhere can act in somebody's name.
"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from contracts.handling import MAX_NOTE, AlertExplained
from services.gateway.parts import Parts
from services.gateway.problems import Problem
from services.gateway.routes.dashboard import COOKIE, choice_of, html_answer, templates
from services.gateway.views.alert_page import alert_page
from services.gateway.views.reading import Ground
from services.gateway.views.words import LANGUAGES, Words


def router(parts: Parts) -> APIRouter:
    """The page over the read model, with what alerts says where it answers."""
    routes = APIRouter(include_in_schema=False)
    template = templates().get_template("alert.html")

    @routes.get("/alerts/{alert_id}")
    async def page(request: Request, alert_id: str) -> Response:
        choice = choice_of(request.query_params, request.cookies.get(COOKIE))
        words = Words(choice.language)
        languages = [(one, f"?lang={one}") for one in LANGUAGES]
        shared: dict[str, Any] = {"_": words, "lang": choice.language, "languages": languages}
        found = await parts.model.alert(alert_id)
        catalog = parts.catalogs().get(found[0]["province"]) if found is not None else None
        if found is None or catalog is None:
            trouble = words("Không có cảnh báo này, hoặc chưa có ở đây; hãy thử lại sau ít phút.")
            return html_answer(request, choice, template.render({**shared, "trouble": trouble}), 404)
        document, told = found
        ground = Ground(catalog, parts.clock.now())
        it = alert_page(document, told, await _why(parts, alert_id), ground, words)
        return html_answer(request, choice, template.render({**shared, "it": it, "most": MAX_NOTE}))

    return routes


async def _why(parts: Parts, alert_id: str) -> AlertExplained | None:
    """What alerts says; without it the page says the rest."""
    try:
        return await parts.owners.explain_alert(alert_id)
    except Problem:
        return None
