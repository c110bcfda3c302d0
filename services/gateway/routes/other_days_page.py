"""`GET /view?province=…&kpi=…&period=…&view=…`: the page that shows a period's figures on the units of another day."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.owners import NO_PERIOD
from services.gateway.parts import Parts
from services.gateway.problems import Problem, not_found
from services.gateway.routes.dashboard import COOKIE, choice_of, html_answer, templates
from services.gateway.views import other_days
from services.gateway.views.other_days import Address
from services.gateway.views.reading import Choice, Ground
from services.gateway.views.words import LANGUAGES, Words
from services.runtime.catalog.carrying import View

_NAMED: dict[str, View] = {"as_it_was": "as_it_was", "as_it_is_now": "as_it_is_now"}


def router(parts: Parts) -> APIRouter:
    """The page over metrics."""
    routes = APIRouter(include_in_schema=False)
    template = templates().get_template("other_days.html")

    @routes.get("/view")
    async def page(request: Request) -> Response:
        choice = choice_of(request.query_params, request.cookies.get(COOKIE))
        words = Words(choice.language)
        address = _address(choice, request.query_params.get("view", ""))
        languages = [(one, address.href(lang=one) if address else f"/view?lang={one}") for one in LANGUAGES]
        shared: dict[str, Any] = {"_": words, "lang": choice.language, "languages": languages}
        if address is None:
            trouble = words("Thiếu tỉnh, chỉ tiêu hoặc kỳ trong địa chỉ.")
            return html_answer(request, choice, template.render({**shared, "trouble": trouble}), 404)
        try:
            it = await _seen(parts, address, choice)
        except Problem as problem:
            trouble = words.either(problem.vi, problem.en)
            return html_answer(request, choice, template.render({**shared, "trouble": trouble}), problem.status)
        return html_answer(request, choice, template.render({**shared, "it": it}))

    return routes


def _address(choice: Choice, view: str) -> Address | None:
    """What the page is about; None if the address does not say. A day that makes no sense is as good as absent."""
    if choice.province is None or choice.kpi is None or choice.period is None:
        return None
    try:
        asked = _NAMED.get(view) or date.fromisoformat(view)
    except ValueError:
        asked = "as_it_was"
    return Address(choice.province, choice.kpi, choice.period, asked)


async def _seen(parts: Parts, address: Address, choice: Choice) -> other_days.Page:
    found = await parts.owners.view(address.province, address.kpi, address.period, address.view)
    catalog = parts.catalogs().get(address.province)
    if catalog is None or address.kpi not in catalog.kpis:  # metrics knows a newer catalog than this process
        raise not_found(*NO_PERIOD)
    counts = await parts.model.counts(address.province)
    periods = sorted({one.period for one in counts if one.kpi == address.kpi}, reverse=True)
    recorded = {one["org_unit"] for one in await parts.model.of_kpi(address.province, address.kpi, address.period)}
    return other_days.page(address, choice.language, Ground(catalog, parts.clock.now()), found, periods, recorded)
