"""The questions over HTTP, beside `/healthz`: `/internal/v1/explain/…`, for the gateway and nobody else.

Read-only. Nothing is checked here of who asks: the port must not be reachable from outside.
"""

from collections.abc import Awaitable, Callable
from datetime import date

import structlog
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.metrics.asking import Answer, Asker, Busy, Unknown

log = structlog.get_logger()

PATH = "/internal/v1/explain/{kpi}/{org_unit}/{period}"
MAX_PAGE = 1_000


def routes(asker: Asker) -> list[Route]:
    """The three questions."""

    async def explained(request: Request) -> Response:
        return await _answered(lambda: asker.explain(*_named(request)))

    async def past(request: Request) -> Response:
        asked = request.query_params.get("on")
        try:
            on = None if asked is None else date.fromisoformat(asked)
        except ValueError:
            return _refused(400, "bad_parameter", "on is a date, YYYY-MM-DD")
        return await _answered(lambda: asker.history(*_named(request), on))

    async def listed(request: Request) -> Response:
        start, limit = (request.query_params.get(name, usual) for name, usual in (("start", "0"), ("limit", "100")))
        if not (start.isdecimal() and limit.isdecimal() and 1 <= int(limit) <= MAX_PAGE):
            return _refused(400, "bad_parameter", f"start is from 0, limit from 1 to {MAX_PAGE}")
        return await _answered(lambda: asker.inputs(*_named(request), int(start), int(limit)))

    return [Route(PATH, explained), Route(f"{PATH}/history", past), Route(f"{PATH}/inputs", listed)]


def _named(request: Request) -> tuple[str, str, str]:
    found = request.path_params
    return found["kpi"], found["org_unit"], found["period"]


async def _answered(ask: Callable[[], Awaitable[Answer]]) -> Response:
    try:
        answer = await ask()
    except Unknown as error:
        return _refused(404, error.code, str(error))
    except Busy:
        return _refused(503, "busy", "too many questions wait already")
    except PyMongoError as error:
        log.warning("question_not_answered", why=f"{type(error).__name__}: {str(error)[:200]}")
        return _refused(503, "database_away", "MongoDB does not answer")
    return Response(answer.model_dump_json(), media_type="application/json")


def _refused(status: int, code: str, why: str) -> Response:
    return JSONResponse({"code": code, "why": why}, status)
