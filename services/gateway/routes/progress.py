"""`GET progress`: the records, filtered, and one of them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.base import Id
from contracts.progress import ProgressJudged, Status
from services.gateway import cursors
from services.gateway.documents import Document
from services.gateway.parts import Parts
from services.gateway.problems import not_found
from services.gateway.queries import ProgressFilter
from services.gateway.routes.answers import ERRORS, NOT_FOUND, UNCHANGED, Ids, ListParameters, json_answer, position

PeriodId = Annotated[str, Field(pattern=r"^\d{4}[-0-9HQW]{0,16}$")]


class ProgressQuery(ListParameters):
    """Filters: what is given several times means any of them; different filters all hold."""

    province: Id | None = None
    kpi: Ids = []
    org_unit: Ids = []
    under: Id | None = Field(None, description="Units below this one, at any depth.")
    period: Annotated[list[PeriodId], Field(max_length=100)] = []
    status: Annotated[list[Status], Field(max_length=100)] = []
    level: Ids = []


class ProgressItem(ProgressJudged):
    """A record of `progress.v1`, and the level of its unit."""

    level: str | None = Field(None, description="Null while no catalog knows the unit.")


class ProgressPage(BaseModel):
    """A page in the order of province, KPI, unit and period."""

    items: list[ProgressItem]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


def router(parts: Parts) -> APIRouter:
    """The routes over this read model."""
    routes = APIRouter(tags=["progress"])

    @routes.get(
        "/progress",
        response_model=ProgressPage,
        responses={**UNCHANGED, **ERRORS},
        summary="Progress records, filtered",
    )
    async def progress(request: Request, asked: Annotated[ProgressQuery, Query()]) -> Response:
        wanted = ProgressFilter(
            province=asked.province,
            kpi=tuple(asked.kpi),
            org_unit=tuple(asked.org_unit),
            under=asked.under,
            period=tuple(asked.period),
            status=tuple(asked.status),
            level=tuple(asked.level),
        )
        mark = cursors.mark_of(wanted.query())
        after = position(asked.cursor, mark, (str,))
        limit = asked.limit or parts.settings.gateway.page_size
        page = await parts.model.list_progress(wanted, limit, after[0] if after else None)
        following = cursors.pack(mark, page.next) if page.next else None
        return json_answer(request, {"items": [item(document) for document in page.documents], "next": following})

    @routes.get(
        "/progress/{kpi}/{org_unit}/{period}",
        response_model=ProgressItem,
        responses={**UNCHANGED, **ERRORS, **NOT_FOUND},
        summary="One progress record",
    )
    async def one(
        request: Request,
        kpi: Annotated[Id, Path()],
        org_unit: Annotated[Id, Path()],
        period: Annotated[PeriodId, Path()],
    ) -> Response:
        found = await parts.model.progress(kpi, org_unit, period)
        if found is None:
            raise not_found("bản ghi tiến độ này", "such progress record")
        return json_answer(request, item(found))

    return routes


def item(document: Document) -> Document:
    """What the API says of a document."""
    return {**document["record"], "level": document["level"]}
