"""Where observations came from, and which events were accepted last, over HTTP beside `/healthz`: for the
other services and `tiendo`; nobody else may reach the port.

Read-only, answered from the ledger; nothing is checked here of who asks.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, get_args

import structlog
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.catalog import KpiKind
from contracts.envelope import instant
from services.ingest.decide import Entry
from services.ingest.passing import rules_of
from services.ingest.store import Stored
from services.runtime.errors import in_short

log = structlog.get_logger()

PATH = "/internal/v1/observations"
ABOUT = f"{PATH}/about"
RULES = "/internal/v1/rules"
ACCEPTED = "/internal/v1/accepted"
MAX_IDS = 200
MAX_SUBJECTS = 100
MAX_PAGE = 1_000
MAX_SOURCES = 500

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

    async def recent(
        self, sources: Iterable[str], since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Stored]:
        """The entries of these sources that were written last, the latest first."""
        ...


def routes(ledger: Entries) -> list[Route]:
    """Observations exactly as they were published: `GET …/observations?ids=…,…` in the order asked, and
    `GET …/observations/about?subjects=…,…&after=&limit=` all of certain units and days, by page.
    `GET …/rules/{kind}`: what figures of a kind of KPI have passed.
    `GET …/accepted?source=…&source=…&since=&before=&before_id=&limit=`: what was accepted last of certain sources."""

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

    async def accepted(request: Request) -> Response:
        asked = request.query_params
        sources, limit = asked.getlist("source"), asked.get("limit", str(MAX_PAGE))
        if len(sources) > MAX_SOURCES or not limit.isdecimal() or not 1 <= int(limit) <= MAX_PAGE:
            return _refused(f"up to {MAX_SOURCES} sources, limit from 1 to {MAX_PAGE}")
        try:
            since, moment = _moment(asked.get("since")), _moment(asked.get("before"))
        except ValueError:
            return _refused("since and before are instants with offset")
        before = None if moment is None else (moment, asked.get("before_id", ""))

        async def answer() -> Response:
            found = await ledger.recent(dict.fromkeys(sources), since, before, int(limit))
            return Response(b'{"items":[' + b",".join(map(_told, found)) + b"]}", media_type="application/json")

        return await _answered(answer)

    async def rules(request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in get_args(KpiKind):
            return JSONResponse({"code": "unknown_kind", "why": f"there is no kind of KPI “{kind}”"}, 404)
        return Response(rules_of(kind).model_dump_json(), media_type="application/json")

    return [
        Route(PATH, named),
        Route(ABOUT, about),
        Route(ACCEPTED, accepted),
        Route(f"{RULES}/{{kind}}", rules),
    ]


def _moment(text: str | None) -> datetime | None:
    """An instant, or none asked for. Raises ValueError."""
    moment = None if text is None else datetime.fromisoformat(text)
    if moment is not None and moment.tzinfo is None:
        raise ValueError("without an offset")
    return moment


def _told(one: Stored) -> bytes:
    at = instant(one.stored_at).encode()
    return b'{"stored_at":"' + at + b'","observation":' + one.entry.payload + b"}"


def _listed(entries: Sequence[Entry], following: str | None = None) -> Response:
    payloads = b",".join(entry.payload for entry in entries)
    after = b"null" if following is None else f'"{following}"'.encode()
    return Response(b'{"items":[' + payloads + b'],"next":' + after + b"}", media_type="application/json")


async def _answered(answer: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await answer()
    except PyMongoError as error:
        log.warning("question_not_answered", why=in_short(error))
        return JSONResponse({"code": "database_away", "why": "MongoDB does not answer"}, 503)


def _refused(why: str) -> Response:
    return JSONResponse({"code": "bad_parameter", "why": why}, 400)
