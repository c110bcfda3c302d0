"""`GET /`: the one page. Everything that it shows follows from the address and the read model."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from contracts.progress import Status
from services.gateway.parts import Parts
from services.gateway.routes.answers import fits
from services.gateway.views.board import board, wanted
from services.gateway.views.links import Links
from services.gateway.views.reading import Choice, Ground, Reading
from services.gateway.views.words import LANGUAGES, Language, Words, language_of

WEB = Path(__file__).parent.parent / "web"

COOKIE = "tiendo_lang"

_A_YEAR_S = 365 * 24 * 3600
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_PERIOD = re.compile(r"\d{4}[-0-9HQW]{0,16}")


def templates() -> Environment:
    """The templates; whatever goes into a page is escaped unless it is one of our own pictures."""
    return Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )


def router(parts: Parts) -> APIRouter:
    """The page over this read model."""
    routes = APIRouter(include_in_schema=False)
    pages = templates()

    @routes.get("/")
    async def page(request: Request) -> Response:
        choice = choice_of(request.query_params, request.cookies.get(COOKIE))
        # Taken before the figures are read: what changes meanwhile is told again.
        after = parts.hub.latest
        words = Words(choice.language)
        shared = {
            "_": words,
            "lang": choice.language,
            "languages": [(language, Links(choice).language(language)) for language in LANGUAGES],
            "after": after,
            "choice": choice,
        }
        catalogs = parts.catalogs()
        if not catalogs:
            return html_answer(request, choice, pages.get_template("no_catalog.html").render(shared))
        province = choice.province if choice.province and choice.province in catalogs else min(catalogs)
        ground = Ground(catalogs[province], parts.clock.now())
        reading = await _read(parts, choice, ground)
        content = pages.get_template("board.html").render(
            {
                **shared,
                "board": board(choice, ground, reading),
                "links": Links(choice),
                "provinces": [
                    (one, words.either(c.province.name_vi, c.province.name_en)) for one, c in catalogs.items()
                ],
                "province": province,
            }
        )
        return html_answer(request, choice, content)

    return routes


def choice_of(asked: Mapping[str, str], remembered: str | None) -> Choice:
    """What the address asks for; what makes no sense is as good as absent, so that an old link still shows the page."""

    def named(name: str, pattern: re.Pattern[str] = _ID) -> str | None:
        value = asked.get(name, "")
        return value if pattern.fullmatch(value) else None

    status = asked.get("status")
    return Choice(
        language=language_of(asked.get("lang"), remembered),
        province=named("province"),
        period=named("period", _PERIOD),
        status=Status(status) if status in set(Status) else None,
        kpi=named("kpi"),
        unit=named("unit"),
        all_alerts=asked.get("alerts") == "all",
    )


async def _read(parts: Parts, choice: Choice, ground: Ground) -> Reading:
    province = ground.catalog.province.id
    upper = await parts.model.of_units(province, ground.upper_units)
    first = Reading(upper=upper)
    detail = wanted(choice, ground, first)
    alerts = await parts.model.open_alerts(province)
    return Reading(
        upper=upper,
        counts=await parts.model.counts(province),
        chosen=await parts.model.of_kpi(province, *detail) if detail is not None else (),
        alerts=alerts,
        alerts_open=await parts.model.count_open_alerts(province),
    )


def html_answer(request: Request, choice: Choice, content: str, status: int = 200) -> Response:
    """A page with its ETag; the language is remembered where the address names one."""
    tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:24]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache", "content-language": choice.language, "vary": "cookie"}
    if status == 200 and fits(request.headers.get("if-none-match"), tag):
        answer: Response = Response(None, 304, headers)
    else:
        answer = HTMLResponse(content, status, headers)
    if "lang" in request.query_params:
        _remember(answer, choice.language)
    return answer


def _remember(answer: Response, language: Language) -> None:
    answer.set_cookie(COOKIE, language, max_age=_A_YEAR_S, httponly=True, samesite="lax")
