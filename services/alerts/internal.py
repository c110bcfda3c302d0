"""Commands on alerts, and why one is as it is, over HTTP beside `/healthz`: `/internal/v1/alerts/…`, for the gateway.

Commands are taken once by their `command_id`. Nothing is checked here of who asks: the port must not be reachable from
outside.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.handling import AlertExplained, AskAccount, Chapter, Dismiss, Handled, Outcome, Said, TakeUp, Write
from services.alerts.accounting import Ask, GiveAccount
from services.alerts.acknowledging import Acknowledge, told_of
from services.alerts.closing import Close
from services.alerts.commenting import Comment
from services.alerts.decide import Command, Decision, Row
from services.alerts.explaining import Remembered, explained
from services.alerts.ports import Catalogs
from services.runtime.catalog.problems import Words
from services.runtime.errors import in_short

log = structlog.get_logger()

PATH = "/internal/v1/alerts/{alert_id}"

M = TypeVar("M", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]

_OUTCOMES: Mapping[Row, Outcome] = {
    Row.H1: Outcome.DONE,
    Row.H3: Outcome.DONE,
    Row.C16: Outcome.DONE,
    Row.H4: Outcome.DONE,
    Row.H5: Outcome.DONE,
    Row.H_NOT_ASKED: Outcome.NOT_ASKED,
    Row.H_AGAIN: Outcome.DONE_BEFORE,
    Row.H_NOT_OPEN: Outcome.NOT_OPEN,
    Row.H_ENDED: Outcome.ENDS_TOO_SOON,
}


class Commanded(Protocol):
    """What takes commands; see `stages.Stages`."""

    async def command(self, alert_id: str, command: Command) -> Decision | None:
        """None for an alert that does not exist."""
        ...


class Memory(Protocol):
    """What is stored of alerts; see `recollecting.Recollection`."""

    async def one(self, alert_id: str) -> Remembered | None:
        """The alert of this id, with everything that is remembered of it."""
        ...


def routes(commanded: Commanded, memory: Memory, catalogs: Catalogs, now: Callable[[], datetime]) -> list[Route]:
    """`POST …/acknowledge`, `…/comment`, `…/close`, `…/ask-account` and `…/account`, `GET …/explain`."""

    def taking(model: type[M], command_of: Callable[[M, datetime], Command]) -> Endpoint:
        async def take(request: Request) -> Response:
            try:
                asked = model.model_validate_json(await request.body())
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                return _refused(400, "bad_request", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

            async def answer() -> Response:
                return _handled(await commanded.command(request.path_params["alert_id"], command_of(asked, now())))

            return await _answered(answer)

        return take

    async def why(request: Request) -> Response:
        async def answer() -> Response:
            found = await memory.one(request.path_params["alert_id"])
            catalog = catalogs.of(found.alert.key.province) if found is not None else None
            if found is None or catalog is None:
                return _refused(404, "unknown_alert", "there is no such alert")
            told = tuple(
                Chapter(title=_said(one.title), lines=tuple(map(_said, one.lines)))
                for one in explained(found, catalog, discreet=True)
            )
            return _json(AlertExplained(chapters=told))

        return await _answered(answer)

    return [
        Route(f"{PATH}/acknowledge", taking(TakeUp, _acknowledge), methods=["POST"]),
        Route(f"{PATH}/comment", taking(Write, _comment), methods=["POST"]),
        Route(f"{PATH}/close", taking(Dismiss, _close), methods=["POST"]),
        Route(f"{PATH}/ask-account", taking(AskAccount, _ask), methods=["POST"]),
        Route(f"{PATH}/account", taking(Write, _give), methods=["POST"]),
        Route(f"{PATH}/explain", why),
    ]


def _acknowledge(asked: TakeUp, now: datetime) -> Acknowledge:
    return Acknowledge(asked.command_id, asked.by, asked.note, asked.until, now)


def _comment(asked: Write, now: datetime) -> Comment:
    return Comment(asked.command_id, asked.by, asked.note, now)


def _close(asked: Dismiss, now: datetime) -> Close:
    return Close(asked.command_id, asked.by, asked.note, now, asked.until)


def _ask(asked: AskAccount, now: datetime) -> Ask:
    return Ask(asked.command_id, asked.by, asked.note, asked.due, now)


def _give(asked: Write, now: datetime) -> GiveAccount:
    return GiveAccount(asked.command_id, asked.by, asked.note, now)


def _handled(decision: Decision | None) -> Response:
    if decision is None:
        return _refused(404, "unknown_alert", "there is no such alert")
    return _json(Handled(outcome=_OUTCOMES[decision.row], taken_up=told_of(decision.alert.handling)))


def _said(words: Words) -> Said:
    return Said(vi=words.vi, en=words.en)


def _json(content: BaseModel) -> Response:
    return Response(content.model_dump_json(), media_type="application/json")


async def _answered(answer: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await answer()
    except PyMongoError as error:
        log.warning("question_not_answered", why=in_short(error))
        return _refused(503, "database_away", "MongoDB does not answer")


def _refused(status: int, code: str, why: str) -> Response:
    return JSONResponse({"code": code, "why": why}, status)
