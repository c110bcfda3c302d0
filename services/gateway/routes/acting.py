"""`POST alerts/{id}/acknowledge`, `…/comment`, `…/ask-account`, `…/account`, `…/close`: people act on alerts, each with
a key of their own.

A GET never changes anything.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import orjson
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from contracts.alerts import TakenUp
from contracts.base import composed
from contracts.envelope import JSON
from contracts.handling import MAX_NOTE, AskAccount, Commanded, Dismiss, Outcome, TakeUp, Write
from services.gateway import acting, admission
from services.gateway.admission import Actor, Recognised
from services.gateway.in_hand import Held
from services.gateway.keys import Scope
from services.gateway.parts import Parts
from services.gateway.patience import hear_out
from services.gateway.problems import ErrorItem, Problem, ProblemDetails
from services.gateway.rights import Act
from services.gateway.routes.answers import NOT_FOUND, Day, Moment
from services.gateway.routes.bodies import body_of

MAX_BYTES = 16_384


def _one_line(text: Any) -> Any:
    """Mails and lists have one line for a note, and no place for what cannot be printed."""
    if not isinstance(text, str):
        return text
    return " ".join("".join(letter if letter.isprintable() else " " for letter in composed(text)).split())


def _written(given: Any) -> Any:
    """A number would be read as seconds since 1970."""
    if given is not None and not isinstance(given, str):
        raise ValueError("write a date, or an instant with its offset")
    return given


CommandId = Annotated[
    Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")] | None,
    Field(description="Of your choice: the same again changes nothing, so a request may be repeated."),
]


class TakeUpBody(BaseModel):
    """What `acknowledge` takes; all of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: Annotated[str, BeforeValidator(_one_line), Field(max_length=MAX_NOTE)] = Field(
        "", description="What is being done about it; everybody who was told of the alert reads it."
    )
    until: Annotated[Day | Moment | None, BeforeValidator(_written)] = Field(
        None,
        description="Until when it is being dealt with: to the end of a day, or an instant. By default 14, 7 or 3 days "
        "by the alert's severity.",
    )
    command_id: CommandId = None


class NoteBody(BaseModel):
    """What `comment` and `account` take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=MAX_NOTE)] = Field(
        description="What is to stand in the history of the alert, for everybody to read."
    )
    command_id: CommandId = None


class CloseBody(BaseModel):
    """What `close` takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=MAX_NOTE)] = Field(
        description="Why it is closed; everybody who was told of the alert reads it."
    )
    until: Annotated[Day | Moment | None, BeforeValidator(_written)] = Field(
        None,
        description="Waived: it does not open again before the end of this day, or this instant, whatever figures "
        "come. Without it the next figure that is behind opens it again.",
    )
    command_id: CommandId = None


class AskBody(BaseModel):
    """What `ask-account` takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: Annotated[str, BeforeValidator(_one_line), Field(max_length=MAX_NOTE)] = Field(
        "", description="What is to be answered."
    )
    due: Annotated[Day | Moment, BeforeValidator(_written)] = Field(
        description="Until when: to the end of a day, or an instant."
    )
    command_id: CommandId = None


class HandlingItem(BaseModel):
    """Who is at the alert."""

    alert_id: str
    repeated: bool = Field(description="The same command was taken before, and nothing was changed.")
    taken_up: TakenUp | None


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": text}
    for status, text in {
        400: "The body is no JSON.",
        409: "The alert is over, or has not begun: `not_open`; nobody asked for an account: `not_asked`.",
        413: "The body is too large.",
        415: "The content type is not application/json.",
        422: "A field is wrong; `errors[]` says which. Or the end is not ahead: `ends_too_soon`.",
        503: "alerts is away. Send the same again.",
    }.items()
}
Body = TypeVar("Body", TakeUpBody, NoteBody, CloseBody, AskBody)
SCHEMAS = {model.__name__: model for model in (TakeUpBody, NoteBody, CloseBody, AskBody)}
"""Models that bodies refer to; the framework does not see them by itself."""

AlertId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


def router(parts: Parts) -> APIRouter:
    """The routes over what alerts decides."""
    routes = APIRouter(tags=["alerts"])
    answers = {**_PROBLEMS, **NOT_FOUND, **admission.RESPONSES_TO_PEOPLE}
    who = Depends(Recognised(parts, Scope.ALERTS_ACT))

    async def read(request: Request, actor: Actor, model: type[Body]) -> Body:
        with parts.admission.in_hand.one(actor.key_id) as held:
            return await _read(request, model, held)

    async def done(alert_id: str, act: Act, asked: Commanded) -> Response:
        handled = await acting.command(parts.owners, alert_id, act, asked)
        taken_up = handled.taken_up.model_dump(mode="json") if handled.taken_up is not None else None
        repeated = handled.outcome is Outcome.DONE_BEFORE
        content = {"alert_id": alert_id, "repeated": repeated, "taken_up": taken_up}
        return Response(orjson.dumps(content), 200, {"cache-control": "no-store"}, JSON)

    async def write(request: Request, alert_id: str, actor: Actor, act: Act) -> Response:
        asked = await read(request, actor, NoteBody)
        await acting.authorised(parts.model, actor, alert_id, act)
        command = Write(command_id=_own(actor, asked.command_id), by=actor.person.id, note=asked.note)
        return await done(alert_id, act, command)

    @routes.post(
        "/alerts/{alert_id}/acknowledge",
        response_model=HandlingItem,
        responses=answers,
        summary="Take an alert up: it climbs no further until the end of that",
        openapi_extra=_body(TakeUpBody),
    )
    async def acknowledge(request: Request, alert_id: AlertId, actor: Annotated[Actor, who]) -> Response:
        asked = await read(request, actor, TakeUpBody)
        await acting.authorised(parts.model, actor, alert_id, Act.ACKNOWLEDGE)
        until = _moment(asked.until, actor.catalog.zone)
        command = TakeUp(
            command_id=_own(actor, asked.command_id), by=actor.person.id, note=asked.note or None, until=until
        )
        return await done(alert_id, Act.ACKNOWLEDGE, command)

    @routes.post(
        "/alerts/{alert_id}/comment",
        response_model=HandlingItem,
        responses=answers,
        summary="Say something about an alert; it stands in its history",
        openapi_extra=_body(NoteBody),
    )
    async def comment(request: Request, alert_id: AlertId, actor: Annotated[Actor, who]) -> Response:
        return await write(request, alert_id, actor, Act.COMMENT)

    @routes.post(
        "/alerts/{alert_id}/ask-account",
        response_model=HandlingItem,
        responses=answers,
        summary="Ask who answers for the figure why it is behind, until a day",
        openapi_extra=_body(AskBody),
    )
    async def ask_account(request: Request, alert_id: AlertId, actor: Annotated[Actor, who]) -> Response:
        asked = await read(request, actor, AskBody)
        await acting.authorised(parts.model, actor, alert_id, Act.ASK_ACCOUNT)
        due = _moment(asked.due, actor.catalog.zone)
        assert due is not None
        command = AskAccount(
            command_id=_own(actor, asked.command_id), by=actor.person.id, note=asked.note or None, due=due
        )
        return await done(alert_id, Act.ASK_ACCOUNT, command)

    @routes.post(
        "/alerts/{alert_id}/account",
        response_model=HandlingItem,
        responses=answers,
        summary="Give the account that was asked for",
        openapi_extra=_body(NoteBody),
    )
    async def account(request: Request, alert_id: AlertId, actor: Annotated[Actor, who]) -> Response:
        return await write(request, alert_id, actor, Act.GIVE_ACCOUNT)

    @routes.post(
        "/alerts/{alert_id}/close",
        response_model=HandlingItem,
        responses=answers,
        summary="Close an alert until a new figure is behind, or waive it until a day",
        openapi_extra=_body(CloseBody),
    )
    async def close(request: Request, alert_id: AlertId, actor: Annotated[Actor, who]) -> Response:
        asked = await read(request, actor, CloseBody)
        await acting.authorised(parts.model, actor, alert_id, Act.CLOSE)
        until = _moment(asked.until, actor.catalog.zone)
        command = Dismiss(command_id=_own(actor, asked.command_id), by=actor.person.id, note=asked.note, until=until)
        return await done(alert_id, Act.CLOSE, command)

    return routes


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}


def _own(actor: Actor, command_id: str | None) -> str:
    """Nobody can take a command of somebody else's."""
    return f"{actor.person.id}/{command_id or uuid4().hex}"


async def _read(request: Request, model: type[Body], held: Held) -> Body:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != JSON:  # no form of a page of elsewhere can say so
        await hear_out(request, MAX_BYTES)
        raise Problem(415, "media_type", f"Content-Type phải là {JSON}.", f"Content-Type must be {JSON}.")
    body = await body_of(request, MAX_BYTES, held)
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise _wrong(error, model) from None


def _wrong(error: ValidationError, model: type[BaseModel]) -> Problem:
    found = error.errors(include_url=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Problem(400, "bad_json", "Nội dung không phải JSON.", "The body is no JSON.")
    items = [_item(str(one["loc"][0]) if one["loc"] else "", [*model.model_fields]) for one in found]
    items = list({item.pointer: item for item in items}.values())
    return Problem(422, "invalid_body", items[0].message_vi, items[0].message_en, errors=items)


_FORMS = {
    "note": (f"là văn bản có nội dung, tối đa {MAX_NOTE} ký tự", f"says something, in up to {MAX_NOTE} characters"),
    "until": (
        "là ngày dạng YYYY-MM-DD, hoặc thời điểm có múi giờ",
        "is a date YYYY-MM-DD, or an instant with its offset",
    ),
    "due": (
        "là ngày dạng YYYY-MM-DD, hoặc thời điểm có múi giờ; bắt buộc",
        "is a date YYYY-MM-DD, or an instant with its offset; it is required",
    ),
    "command_id": (
        "gồm chữ, số, gạch ngang, gạch dưới, tối đa 80 ký tự",
        "is letters, digits, dashes and underscores, up to 80 of them",
    ),
}


def _item(name: str, fields: Sequence[str]) -> ErrorItem:
    form = _FORMS.get(name) if name in fields else None
    if form is None:
        known = ", ".join(fields)
        vi, en = f"Nội dung là một đối tượng JSON gồm: {known}.", f"The body is a JSON object of: {known}."
        return ErrorItem(code="bad_field", pointer="", message_vi=vi, message_en=en)
    return ErrorItem(
        code="bad_field", pointer=f"/{name}", message_vi=f"{name} {form[0]}.", message_en=f"{name} {form[1]}."
    )


def _moment(until: date | datetime | None, zone: tzinfo) -> datetime | None:
    """A day is over at its end in the province."""
    if until is None or isinstance(until, datetime):
        return until
    return datetime.combine(until + timedelta(days=1), time.min, zone).astimezone(UTC)
