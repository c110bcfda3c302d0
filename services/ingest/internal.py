"""Where observations came from, over HTTP beside `/healthz`: for the gateway, and nobody else may reach the port.

Read-only, answered from the ledger; nothing is checked here of who asks.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, get_args

import structlog
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.catalog import KpiKind
from services.ingest.decide import Entry
from services.ingest.passing import rules_of

log = structlog.get_logger()

PATH = "/internal/v1/observations"
ABOUT = f"{PATH}/about"
RULES = "/internal/v1/rules"
MAX_IDS = 200
MAX_SUBJECTS = 100
MAX_PAGE = 1_000

_ID = re.compile(r"[0-9a-f]{32}")


_SUBJECT = re.compile(r"(?:[a-z0-9._-]{1,80}/){3}\d{4}-\d{2}-\d{2}")


class Entries(Protocol):
    """The reading side of the ledger."""

    async def standing(self, ids: Iterable[str]) -> dict[str, Entry]:
        """The entries under these ids, by id."""
        ...

    async def about(self, subjects: Iterable[str], after: str, limit: int) -> list[Entry]:
        """The entries about these units and days, in the order of their ids, from the id behind `after` on."""
        ...


def routes(ledger: Entries) -> list[Route]:
    """Observations exactly as they were published: `GET …/observations?ids=…,…` in the order asked, and
    `GET …/observations/about?subjects=…,…&after=&limit=` all of certain units and days, by page.
    `GET …/rules/{kind}`: what figures of a kind of KPI have passed."""

    async def named(request: Request) -> Response:
        ids = [one for one in request.query_params.get("ids", "").split(",") if one]
        if len(ids) > MAX_IDS or not all(_ID.fullmatch(one) for one in ids):
            return _refused(f"ids: up to {MAX_IDS} of 32 hex digits")

        async def answer() -> Response:
            found = await ledger.standing(dict.fromkeys(ids))
            return _listed([found[one] for one in dict.fromkeys(ids) if one in found])

        return await _answered(answer)

    async def about(request: Request) -> Response:
        asked = request.query_params
        subjects = [one for one in asked.get("subjects", "").split(",") if one]
        after, limit = asked.get("after", ""), asked.get("limit", str(MAX_PAGE))
        if len(subjects) > MAX_SUBJECTS or not all(_SUBJECT.fullmatch(one) for one in subjects):
            return _refused(f"subjects: up to {MAX_SUBJECTS} of province/kpi/org_unit/YYYY-MM-DD")
        if (after and not _ID.fullmatch(after)) or not limit.isdecimal() or not 1 <= int(limit) <= MAX_PAGE:
            return _refused(f"after is an id, limit from 1 to {MAX_PAGE}")

        async def answer() -> Response:
            found = await ledger.about(subjects, after, int(limit) + 1)
            page = found[: int(limit)]
            return _listed(page, page[-1].observation_id if len(found) > len(page) else None)

        return await _answered(answer)

    async def rules(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in get_args(KpiKind):
            return JSONResponse({"code": "unknown_kind", "why": f"there is no kind of KPI “{kind}”"}, 404)
        return Response(rules_of(kind).model_dump_json(), media_type="application/json")

    return [Route(PATH, named), Route(ABOUT, about), Route(f"{RULES}/{{kind}}", rules)]


def _listed(entries: Sequence[Entry], following: str | None = None) -> Response:
    payloads = b",".join(entry.payload for entry in entries)
    after = b"null" if following is None else f'"{following}"'.encode()
    return Response(b'{"items":[' + payloads + b'],"next":' + after + b"}", media_type="application/json")


async def _answered(answer: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await answer()
    except PyMongoError as error:
        log.warning("question_not_answered", why=f"{type(error).__name__}: {str(error)[:200]}")
        return JSONResponse({"code": "database_away", "why": "MongoDB does not answer"}, 503)


def _refused(why: str) -> Response:
    return JSONResponse({"code": "bad_parameter", "why": why}, 400)
