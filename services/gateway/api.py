"""The HTTP application: routes, errors, headers; and what stands in for it while the service starts or stops."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI
from pydantic import TypeAdapter
from pymongo.errors import PyMongoError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import problems
from services.gateway.parts import Parts
from services.gateway.problems import Problem, unavailable
from services.gateway.routes import (
    acting,
    alert_page,
    alerts,
    catalog,
    dashboard,
    event_page,
    events,
    events_page,
    explain,
    explain_page,
    imports,
    imports_page,
    other_days,
    other_days_page,
    progress,
    statistics,
    stream,
    templates,
)
from services.runtime import health
from services.runtime.errors import in_short
from services.runtime.health import Health
from services.runtime.telemetry import Telemetry

log = structlog.get_logger()

PREFIX = "/api/v1"

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer. Nothing is loaded from elsewhere, nothing inline runs, no page may frame ours."""

_STATIC_AGE_S = 3600


def create(parts: Parts) -> ASGIApp:
    """What is served: the application, with our headers on every answer."""
    return with_headers(application(parts))


def application(parts: Parts) -> FastAPI:
    """All routes over these parts."""
    app = FastAPI(
        title="Tiến Độ",
        version="1",
        summary="Progress of a province's digital-transformation targets, and the door for its figures.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    doors = (statistics, imports, templates, events)
    for routes in (*doors, progress, explain, other_days, alerts, acting, catalog, stream):
        app.include_router(routes.router(parts), prefix=PREFIX)
    app.include_router(dashboard.router(parts))
    app.include_router(explain_page.router(parts))
    app.include_router(other_days_page.router(parts))
    app.include_router(events_page.router(parts))
    app.include_router(event_page.router(parts))
    app.include_router(imports_page.router(parts))
    app.include_router(alert_page.router(parts))
    app.mount("/static", Static(directory=dashboard.WEB / "static"))
    problems.install(app)
    app.add_exception_handler(PyMongoError, _database_away)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    app.router.routes.extend(health.routes(parts.health, parts.telemetry))
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: the framework's, with our own error bodies and the schema of what is published."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        for path in document["paths"].values():
            for operation in path.values():
                _own_errors(operation)
                if {"publisherKey": []} in operation.get("security", ()):
                    operation["security"].append({})  # at the machine of a trial
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for name, model in (statistics.SCHEMAS | acting.SCHEMAS).items():
            schemas[name] = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] = dict(sorted(schemas.items()))
    assert app.openapi_schema is not None
    return app.openapi_schema


def _own_errors(operation: dict[str, Any]) -> None:
    """Wrong parameters are answered with 400, not with the framework's 422; and every error is a problem."""
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, answer in responses.items():
        if status >= "400":
            answer["content"] = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}


async def _database_away(_: Request, error: Exception) -> Response:
    log.warning("database_away", why=in_short(error))
    return unavailable("Cơ sở dữ liệu chưa trả lời.", "The database does not answer.").response()


class Static(StaticFiles):
    """Our own scripts, styles and fonts."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.setdefault("cache-control", f"public, max-age={_STATIC_AGE_S}")
        return answer


def with_headers(app: ASGIApp, headers: Mapping[str, str] = HEADERS) -> ASGIApp:
    """The application with these headers on every answer."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *raw]}
            await send(message)

        await app(scope, receive, add if scope["type"] == "http" else send)

    return wrapped


def unknown_host() -> Response:
    """To whoever asks under a name that is none of ours."""
    return Problem(
        421,
        "unknown_host",
        "Máy chủ này không trả lời dưới tên đó: dùng địa chỉ của máy, hoặc người vận hành ghi tên vào "
        "TIENDO_HTTP_NAMES.",
        "This server does not answer under that name: use the machine's address, or have the operator add the name to "
        "TIENDO_HTTP_NAMES.",
    ).response()


def standing_in(state: Health, telemetry: Telemetry) -> ASGIApp:
    """Health and metrics; everything else is not there yet, or no longer."""
    waiting = unavailable(
        "Dịch vụ đang khởi động hoặc đang dừng; /readyz cho biết còn chờ gì.",
        "The service is starting or stopping; /readyz says what it waits for.",
        retry_after_s=2,
    )

    async def away(_: Request, __: Exception) -> Response:
        return waiting.response()

    app = Starlette(routes=health.routes(state, telemetry), exception_handlers={404: away})
    return with_headers(app)


class Switch:
    """The application that answers at the moment."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
