"""Where observations came from, over HTTP beside `/healthz`: for the gateway, and nobody else may reach the port.

Read-only, answered from the ledger; nothing is checked here of who asks.
"""

import re
from collections.abc import Iterable
from typing import Protocol

import structlog
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.ingest.decide import Entry

log = structlog.get_logger()

PATH = "/internal/v1/observations"
MAX_IDS = 200

_ID = re.compile(r"[0-9a-f]{32}")


class Entries(Protocol):
    """The reading side of the ledger."""

    async def standing(self, ids: Iterable[str]) -> dict[str, Entry]:
        """The entries under these ids, by id."""
        ...


def routes(ledger: Entries) -> list[Route]:
    """`GET /internal/v1/observations?ids=…,…`: the observations exactly as they were published, in the order asked."""

    async def observations(request: Request) -> Response:
        ids = [one for one in request.query_params.get("ids", "").split(",") if one]
        if len(ids) > MAX_IDS or not all(_ID.fullmatch(one) for one in ids):
            return JSONResponse({"code": "bad_parameter", "why": f"ids: up to {MAX_IDS} of 32 hex digits"}, 400)
        try:
            found = await ledger.standing(dict.fromkeys(ids))
        except PyMongoError as error:
            log.warning("question_not_answered", why=f"{type(error).__name__}: {str(error)[:200]}")
            return JSONResponse({"code": "database_away", "why": "MongoDB does not answer"}, 503)
        payloads = b",".join(found[one].payload for one in dict.fromkeys(ids) if one in found)
        return Response(b'{"items":[' + payloads + b"]}", media_type="application/json")

    return [Route(PATH, observations)]
