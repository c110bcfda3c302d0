"""`GET /imports`: the page on which somebody without a program of their own sends a spreadsheet."""

from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.gateway.parts import Parts
from services.gateway.routes.dashboard import COOKIE, choice_of, html_answer, templates
from services.gateway.routes.imports import CSV, XLSX
from services.gateway.templates import DERIVED
from services.gateway.views.words import LANGUAGES, Words
from services.runtime.sheets.columns import HEADINGS


def router(parts: Parts) -> APIRouter:
    """The page. It speaks to `POST imports` itself, with the key that is typed into it."""
    routes = APIRouter(include_in_schema=False)
    template = templates().get_template("imports.html")

    @routes.get("/imports")
    async def page(request: Request) -> Response:
        choice = choice_of(request.query_params, request.cookies.get(COOKIE))
        words = Words(choice.language)
        catalogs = parts.catalogs().values()
        content = template.render(
            {
                "_": words,
                "lang": choice.language,
                "languages": [(one, f"/imports?lang={one}") for one in LANGUAGES],
                "keyless": parts.settings.profile == "embedded",
                "sources": [
                    (source, words.either(publisher.name_vi, publisher.name_en))
                    for catalog in catalogs
                    for publisher in catalog.publishers
                    for source in publisher.sources
                ],
                "kpis": [
                    (kpi.id, words.either(kpi.name_vi, kpi.name_en))
                    for catalog in catalogs
                    for kpi in catalog.kpis.values()
                    if kpi.kind not in DERIVED
                ],
                "templates": [
                    (f"{catalog.province.id}/{kpi.id}", words.either(kpi.name_vi, kpi.name_en), kpi.id)
                    for catalog in catalogs
                    for kpi in catalog.kpis.values()
                    if kpi.kind not in DERIVED
                ],
                "headings": [(field, names[0], ", ".join(names[1:])) for field, names in HEADINGS.items()],
                "megabytes": parts.settings.gateway.max_import_bytes // 1_048_576,
                "media": {"csv": CSV, "xlsx": XLSX},
            }
        )
        return html_answer(request, choice, content)

    @routes.get("/imports/template")
    async def template_of(of: str = "", period: str = "", as_of: str = "", under: str = "") -> Response:
        """Where the form of the page leads to: the template's own address."""
        province, _, kpi = of.partition("/")
        given = {"province": province, "period": period, "as_of": as_of, "under": under}
        asked = urlencode({name: text for name, said in given.items() if (text := said.strip())})
        return RedirectResponse(f"/api/v1/templates/{quote(kpi, safe='')}.xlsx?{asked}", 303)

    return routes
