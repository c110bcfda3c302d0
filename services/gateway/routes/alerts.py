"""`GET alerts`: the alerts as they stand, one with its history, and why it is as it is."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.alerts import AlertTransition, Severity
from contracts.base import Id
from contracts.handling import AlertExplained
from services.gateway import cursors
from services.gateway.documents import Document
from services.gateway.parts import Parts
from services.gateway.problems import not_found
from services.gateway.queries import AlertFilter
from services.gateway.routes.answers import ERRORS, NOT_FOUND, UNCHANGED, Ids, ListParameters, json_answer, position


class AlertsQuery(ListParameters):
    """Filters: what is given several times means any of them; different filters all hold."""

    province: Id | None = None
    status: Literal["open", "closed"] | None = None
    kpi: Ids = []
    org_unit: Ids = []
    under: Id | None = Field(None, description="Units below this one, at any depth.")
    severity: Annotated[list[Severity], Field(max_length=10)] = []


class AlertItem(AlertTransition):
    """An alert as its latest transition left it."""

    status: Literal["open", "closed"]
    level: str | None = Field(None, description="Level of the unit; null while no catalog knows it.")


class AlertsPage(BaseModel):
    """A page, latest opened first."""

    items: list[AlertItem]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class AlertDetail(AlertItem):
    """One alert with its transitions, oldest first (those without the frozen numbers)."""

    transitions: list[dict[str, Any]] = []


def router(parts: Parts) -> APIRouter:
    """The routes over this read model."""
    routes = APIRouter(tags=["alerts"])

    @routes.get("/alerts", response_model=AlertsPage, responses={**UNCHANGED, **ERRORS}, summary="Alerts, filtered")
    async def alerts(request: Request, asked: Annotated[AlertsQuery, Query()]) -> Response:
        wanted = AlertFilter(
            province=asked.province,
            status=asked.status,
            kpi=tuple(asked.kpi),
            org_unit=tuple(asked.org_unit),
            under=asked.under,
            severity=tuple(asked.severity),
        )
        mark = cursors.mark_of(wanted.query())
        after = position(asked.cursor, mark, (int, str))
        limit = asked.limit or parts.settings.gateway.page_size
        page = await parts.model.list_alerts(wanted, limit, (_moment(after[0]), after[1]) if after else None)
        following = cursors.pack(mark, (_millis(page.next[0]), page.next[1])) if page.next else None
        return json_answer(request, {"items": [item(document) for document in page.documents], "next": following})

    @routes.get(
        "/alerts/{alert_id}",
        response_model=AlertDetail,
        responses={**UNCHANGED, **ERRORS, **NOT_FOUND},
        summary="One alert with its history",
    )
    async def one(request: Request, alert_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]) -> Response:
        found = await parts.model.alert(alert_id)
        if found is None:
            raise not_found("cảnh báo này", "such alert")
        document, told = found
        return json_answer(request, {**item(document), "transitions": [one["record"] for one in told]})

    @routes.get(
        "/alerts/{alert_id}/explain",
        response_model=AlertExplained,
        responses={**UNCHANGED, **ERRORS, **NOT_FOUND},
        summary="Why an alert is as it is, who was told of it and who was not, and what comes next",
    )
    async def why(request: Request, alert_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]) -> Response:
        said = await parts.owners.explain_alert(alert_id)
        return json_answer(request, said.model_dump(mode="json"))

    return routes


def item(document: Document) -> Document:
    """What the API says of a document."""
    return {**document["record"], "status": document["state"], "level": document["level"]}


def _millis(moment: datetime) -> int:
    """Milliseconds are what MongoDB keeps of a moment."""
    return round(moment.timestamp() * 1000)


def _moment(millis: int) -> datetime:
    try:
        return datetime.fromtimestamp(millis / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)
