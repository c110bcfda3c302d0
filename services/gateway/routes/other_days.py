"""`GET views/{province}/{kpi}/{period}`: a period's figures on the units of another day, asked of metrics."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.base import Id
from contracts.views import PeriodView
from services.gateway.parts import Parts
from services.gateway.routes.answers import ERRORS, NOT_FOUND, UNCHANGED, Day, Parameters, json_answer
from services.gateway.routes.progress import PeriodId


class ViewQuery(Parameters):
    """What a view takes."""

    view: Literal["as_it_was", "as_it_is_now"] | Day = Field(
        "as_it_was", description="On which units: those that reported, those of today, or those of a day (YYYY-MM-DD)."
    )


def router(parts: Parts) -> APIRouter:
    """The route over metrics."""
    routes = APIRouter(tags=["views"])

    @routes.get(
        "/views/{province}/{kpi}/{period}",
        response_model=PeriodView,
        responses={**UNCHANGED, **ERRORS, **NOT_FOUND},
        summary="A period's figures on the units of another day; nothing is judged",
    )
    async def view(
        request: Request,
        province: Annotated[Id, Path()],
        kpi: Annotated[Id, Path()],
        period: Annotated[PeriodId, Path()],
        asked: Annotated[ViewQuery, Query()],
    ) -> Response:
        found = await parts.owners.view(province, kpi, period, asked.view)
        return json_answer(request, found.model_dump(mode="json"))

    return routes
