"""Where a rebuild is asked for and followed, over HTTP beside `/healthz`: for the command `tiendo rebuild`.

Any replica takes it; the owner of a KPI's partition carries it out. Derived KPIs follow by themselves. Nothing is
checked here of who asks: the port must not be reachable from outside.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from pydantic import ValidationError
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.rebuilds import RebuildAsked
from services.metrics.rebuilding.store import Orders
from services.runtime.catalog import Catalog
from services.runtime.errors import in_short

log = structlog.get_logger()

PATH = "/internal/v1/rebuilds"


def routes(orders: Orders, catalogs: Callable[[], Mapping[str, Catalog]], now: Callable[[], datetime]) -> list[Route]:
    """`POST` asks, under an id that the caller chose, so that it may ask again; `GET …/<id>` says how far it is."""

    async def ask(request: Request) -> Response:
        try:
            asked = RebuildAsked.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            return _refused(400, "bad_request", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        known = catalogs()
        catalog = known.get(asked.province)
        if catalog is None:
            there = ", ".join(sorted(known))
            return _refused(404, "unknown_province", f"there is no catalog of {asked.province}; there is: {there}")
        unknown = [kpi for kpi in asked.kpis if kpi not in catalog.kpis]
        if unknown:
            return _refused(404, "unknown_kpi", f"the catalog of {asked.province} has no KPI {', '.join(unknown)}")
        derived = [kpi for kpi in asked.kpis if catalog.kpis[kpi].sources]
        if derived:
            made = ", ".join(f"{kpi} (of {', '.join(catalog.kpis[kpi].sources)})" for kpi in derived)
            return _refused(400, "derived_kpi", f"no figures are reported of {made}: rebuild what it is made from")
        reported = sorted(kpi for kpi in catalog.kpis if not catalog.kpis[kpi].sources)
        wanted = asked.model_copy(update={"kpis": tuple(dict.fromkeys(asked.kpis or reported))})
        try:
            before = await orders.find(asked.command_id)
            if before is None:
                await orders.ask(wanted, now())
            found = await orders.find(asked.command_id)
        except PyMongoError as error:
            return _away(error)
        assert found is not None
        if found.province != asked.province or (asked.kpis and {one.kpi for one in found.kpis} != set(wanted.kpis)):
            return _refused(409, "command_id_taken", "this id is that of another command")
        return Response(found.model_dump_json(), 202, media_type="application/json")

    async def follow(request: Request) -> Response:
        try:
            found = await orders.find(request.path_params["command_id"])
        except PyMongoError as error:
            return _away(error)
        if found is None:
            return _refused(404, "unknown_command", "nobody asked for a rebuild under this id")
        return Response(found.model_dump_json(), media_type="application/json")

    return [Route(PATH, ask, methods=["POST"]), Route(f"{PATH}/{{command_id}}", follow)]


def _away(error: PyMongoError) -> Response:
    log.warning("question_not_answered", why=in_short(error))
    return _refused(503, "database_away", "MongoDB does not answer")


def _refused(status: int, code: str, why: str) -> Response:
    return JSONResponse({"code": code, "why": why}, status)
