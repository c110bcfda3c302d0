"""`GET progress/{kpi}/{org_unit}/{period}/explain`, `/history`, `/inputs`: asked of their owners and put together."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.base import Id
from contracts.explanations import ExplanationWithOrigins, FigureBehind, History
from contracts.observations import ObservationRecorded
from services.gateway import cursors, former_days
from services.gateway.inputs import read
from services.gateway.owners import Owners
from services.gateway.parts import Parts
from services.gateway.routes.answers import (
    ERRORS,
    NOT_FOUND,
    UNCHANGED,
    Day,
    ListParameters,
    Parameters,
    json_answer,
    position,
)
from services.gateway.routes.progress import PeriodId

MAX_INPUTS = 100


class HistoryQuery(Parameters):
    """What `/history` takes."""

    on: Day | None = Field(None, description="Also what was said at the end of this day.")


class InputsQuery(ListParameters):
    """What `/inputs` takes."""

    limit: Annotated[int, Field(ge=1, le=MAX_INPUTS)] | None = Field(None, description="Figures in a page.")


class InputsPage(BaseModel):
    """A page of the figures in a record, the latest first, and where they came from."""

    figures_count: int
    observations_count: int
    items: tuple[FigureBehind, ...] = Field(
        description="With all their observations: a figure of very many goes on on the next page."
    )
    origins: tuple[ObservationRecorded, ...] = Field(description="The observations behind `items`, from the ledger.")
    next: str | None = Field(description="The cursor of the next page; null on the last.")


def router(parts: Parts) -> APIRouter:
    """The routes over the owners."""
    routes = APIRouter(tags=["progress"], prefix="/progress/{kpi}/{org_unit}/{period}")
    answers = {**UNCHANGED, **ERRORS, **NOT_FOUND}

    @routes.get(
        "/explain",
        response_model=ExplanationWithOrigins,
        responses=answers,
        summary="Why a record says what it says",
    )
    async def explain(
        request: Request,
        kpi: Annotated[Id, Path()],
        org_unit: Annotated[Id, Path()],
        period: Annotated[PeriodId, Path()],
    ) -> Response:
        return json_answer(request, (await explained(parts.owners, kpi, org_unit, period)).model_dump(mode="json"))

    @routes.get("/history", response_model=History, responses=answers, summary="A record by as-of, and on a former day")
    async def history(
        request: Request,
        kpi: Annotated[Id, Path()],
        org_unit: Annotated[Id, Path()],
        period: Annotated[PeriodId, Path()],
        asked: Annotated[HistoryQuery, Query()],
    ) -> Response:
        found = await former_days.history(parts.owners, kpi, org_unit, period, asked.on)
        return json_answer(request, found.model_dump(mode="json"))

    @routes.get("/inputs", response_model=InputsPage, responses=answers, summary="The figures in a record, by page")
    async def inputs(
        request: Request,
        kpi: Annotated[Id, Path()],
        org_unit: Annotated[Id, Path()],
        period: Annotated[PeriodId, Path()],
        asked: Annotated[InputsQuery, Query()],
    ) -> Response:
        mark = cursors.mark_of(["inputs", kpi, org_unit, period])
        start, after = position(asked.cursor, mark, (int, str)) or (0, "")
        found = await read(parts.owners, kpi, org_unit, period, (start, after), asked.limit or MAX_INPUTS)
        page = InputsPage(
            figures_count=found.told.figures_count,
            observations_count=found.told.observations_count,
            items=tuple(found.items),
            origins=tuple(found.origins),
            next=None if found.next is None else cursors.pack(mark, found.next),
        )
        return json_answer(request, page.model_dump(mode="json"))

    return routes


async def explained(owners: Owners, kpi: str, org_unit: str, period: str) -> ExplanationWithOrigins:
    """What metrics says, and where the ledger has its figures from. Raises `Problem`."""
    said = await owners.explain(kpi, org_unit, period)
    origins, rules = await asyncio.gather(owners.origins(said.figures), owners.rules(said.kind, said.figures))
    return ExplanationWithOrigins.model_validate({**said.model_dump(), "origins": origins, "rules": rules})
