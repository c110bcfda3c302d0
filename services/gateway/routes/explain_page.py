"""`GET /explain?kpi=…&unit=…&period=…`: the page that says how one figure came about."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.gateway import former_days
from services.gateway.owners import NO_RECORD
from services.gateway.parts import Parts
from services.gateway.problems import Problem, not_found
from services.gateway.routes.dashboard import COOKIE, choice_of, html_answer, templates
from services.gateway.routes.explain import explained
from services.gateway.views import explaining
from services.gateway.views.explaining import Address
from services.gateway.views.reading import Choice, Ground
from services.gateway.views.words import LANGUAGES, Words


def router(parts: Parts) -> APIRouter:
    """The page over the owners."""
    routes = APIRouter(include_in_schema=False)
    template = templates().get_template("explain.html")

    @routes.get("/explain")
    async def page(request: Request) -> Response:
        choice = choice_of(request.query_params, request.cookies.get(COOKIE))
        words = Words(choice.language)
        address = _address(choice, request.query_params.get("on"))
        languages = [(one, address.language(one) if address else f"/explain?lang={one}") for one in LANGUAGES]
        shared: dict[str, Any] = {"_": words, "lang": choice.language, "languages": languages}
        if address is None:
            trouble = words("Thiếu chỉ tiêu, đơn vị hoặc kỳ trong địa chỉ.")
            return html_answer(request, choice, template.render({**shared, "trouble": trouble}), 404)
        try:
            it = await _explained(parts, address, choice)
        except Problem as problem:
            trouble = words.either(problem.vi, problem.en)
            return html_answer(request, choice, template.render({**shared, "trouble": trouble}), problem.status)
        hidden = [("kpi", address.kpi), ("unit", address.unit), ("period", address.period)]
        return html_answer(request, choice, template.render({**shared, "it": it, "hidden": hidden}))

    return routes


def _address(choice: Choice, on: str | None) -> Address | None:
    """What the page is about; None if the address does not say. A day that makes no sense is as good as absent."""
    if choice.kpi is None or choice.unit is None or choice.period is None:
        return None
    try:
        day = date.fromisoformat(on) if on else None
    except ValueError:
        day = None
    return Address(choice.kpi, choice.unit, choice.period, day)


async def _explained(parts: Parts, address: Address, choice: Choice) -> explaining.Explained:
    said = await explained(parts.owners, address.kpi, address.unit, address.period)
    past = await former_days.history(parts.owners, address.kpi, address.unit, address.period, address.on)
    catalog = parts.catalogs().get(said.province)
    if catalog is None or said.kpi not in catalog.kpis:  # metrics knows a newer catalog than this process
        raise not_found(*NO_RECORD)
    return explaining.explained(address, choice.language, Ground(catalog, parts.clock.now()), said, past)
