"""The questions over HTTP, beside `/healthz`: `/internal/v1/explain/…`, `views/…`, `fate`, for the gateway alone.

Read-only, also where observations are posted: for a history to take into account, or to ask what became of one. Nothing
is checked here of who asks: the port must not be reachable from outside.
"""

from collections.abc import Awaitable, Callable
from datetime import date

import structlog
from pydantic import ValidationError
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.explanations import Origins
from contracts.observations import ObservationRecorded
from services.metrics.asking import Answer, Asker, Busy, Unknown
from services.runtime.catalog.carrying import View
from services.runtime.errors import in_short

log = structlog.get_logger()

PATH = "/internal/v1/explain/{kpi}/{org_unit}/{period}"
VIEWS = "/internal/v1/views/{province}/{kpi}/{period}"
FATE = "/internal/v1/fate"
MAX_PAGE = 1_000

_NAMED: dict[str, View] = {"as_it_was": "as_it_was", "as_it_is_now": "as_it_is_now"}


def routes(asker: Asker) -> list[Route]:
    """All questions."""

    async def explained(request: Request) -> Response:
        return await _answered(lambda: asker.explain(*_named(request)))

    async def past(request: Request) -> Response:
        asked = request.query_params.get("on")
        try:
            on = None if asked is None else date.fromisoformat(asked)
        except ValueError:
            return _refused(400, "bad_parameter", "on is a date, YYYY-MM-DD")
        try:
            given = Origins.model_validate_json(await request.body()).items if request.method == "POST" else ()
        except ValidationError:
            return _refused(400, "bad_body", "the body holds observations as the ledger has them")
        return await _answered(lambda: asker.history(*_named(request), on, given))

    async def listed(request: Request) -> Response:
        start, limit = (request.query_params.get(name, usual) for name, usual in (("start", "0"), ("limit", "100")))
        if not (start.isdecimal() and limit.isdecimal() and 1 <= int(limit) <= MAX_PAGE):
            return _refused(400, "bad_parameter", f"start is from 0, limit from 1 to {MAX_PAGE}")
        return await _answered(lambda: asker.inputs(*_named(request), int(start), int(limit)))

    async def viewed(request: Request) -> Response:
        named = request.path_params
        try:
            view = _view(request.query_params.get("view", "as_it_was"))
        except ValueError:
            return _refused(400, "bad_parameter", "view is as_it_was, as_it_is_now or a date, YYYY-MM-DD")
        return await _answered(lambda: asker.view(named["province"], named["kpi"], named["period"], view))

    async def became(request: Request) -> Response:
        try:
            said = ObservationRecorded.model_validate_json(await request.body())
        except ValidationError:
            return _refused(400, "bad_body", "the body holds one observation as the ledger has it")
        return await _answered(lambda: asker.fate(said))

    return [
        Route(PATH, explained),
        Route(f"{PATH}/history", past, methods=["GET", "POST"]),
        Route(f"{PATH}/inputs", listed),
        Route(VIEWS, viewed),
        Route(FATE, became, methods=["POST"]),
    ]


def _view(asked: str) -> View:
    return _NAMED.get(asked) or date.fromisoformat(asked)


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
        log.warning("question_not_answered", why=in_short(error))
        return _refused(503, "database_away", "MongoDB does not answer")
    return Response(answer.model_dump_json(), media_type="application/json")


def _refused(status: int, code: str, why: str) -> Response:
    return JSONResponse({"code": code, "why": why}, status)
