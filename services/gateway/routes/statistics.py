"""`POST statistics`: events in, receipts out, and nothing accepted that could still be lost."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.doors import ParkedNote, Standing, event_ref
from contracts.envelope import BATCH, JSON, STRUCTURED
from contracts.statistics import Flag, StatisticReported
from contracts.statistics import Problem as FigureProblem
from services.gateway import admission, intake
from services.gateway.admission import Admitted, Asker
from services.gateway.in_hand import Held
from services.gateway.intake import MODES, SLICE_BYTES, Reading, Reported
from services.gateway.keys import Scope
from services.gateway.parts import Parts
from services.gateway.patience import hear_out, while_there
from services.gateway.problems import Problem, ProblemDetails
from services.gateway.routes.answers import Parameters
from services.gateway.routes.bodies import body_of
from services.gateway.routes.publishing import publish
from services.runtime.kafka.producer import Outgoing

_UNTIL = {
    "production": (
        "Đã ghi vào hàng đợi của hệ thống; việc kiểm tra tiếp theo sẽ cho biết số liệu được nhận hay bị từ chối.",
        "Written to the log; the checks that follow say whether the figure is taken or refused.",
    ),
    "embedded": (
        "Đã ghi vào hàng đợi trong bộ nhớ: chỉ giữ cho đến khi máy chủ hàng đợi của bản chạy thử dừng.",
        "Written to a log in memory: it holds until the broker of this embedded profile stops.",
    ),
}


class StatisticsQuery(Parameters):
    """Parameters of `POST statistics`."""

    dry_run: bool = Field(False, description="Only say what would become of the events; publish nothing.")


class Receipt(BaseModel):
    """One event that was written to the log. `observation_id` is the id of its observation, once it is accepted."""

    source: str
    id: str
    observation_id: str
    link: str = Field(description="What became of it.")
    repeated: bool = Field(False, description="It stands in the request before, and was written once.")
    standing: Standing | None = Field(
        None, description="Dry run only: whether this content is new, accepted already, or its id taken by another."
    )
    problems: tuple[FigureProblem, ...] | None = Field(None, description="Dry run only: why it would be refused.")
    flags: tuple[Flag, ...] | None = Field(None, description="Dry run only: the doubts that it would be accepted with.")


class Receipts(BaseModel):
    """What became of the request: a receipt for each event, in their order."""

    accepted: int = Field(description="Events that were, or would be, written; repeated ones count once.")
    refused: int = Field(0, description="Dry run only: events that would be refused.")
    dry_run: bool = False
    holds: Literal["until_the_broker_stops", "durably", "not_published"]
    message_vi: str
    message_en: str
    parked: list[ParkedNote] = Field(
        default_factory=list,
        description="Sources of these events that are parked: what they send is kept and not counted.",
    )
    receipts: list[Receipt]


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": text}
    for status, text in {
        400: "The body is not what its content type says, or a parameter is wrong.",
        413: "The body is too large.",
        415: "Not one of the three content types.",
        422: "At least one event is wrong; `errors[]` says where. None was taken.",
        503: "The broker is away. Nothing may be taken for accepted: send the same events again.",
    }.items()
}
_AT_ONCE = 200
"""Receipts that are made out without pause."""

_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
        "type": {"const": intake.TYPE},
        "time": {"type": "string", "format": "date-time"},
        "data": {"$ref": "#/components/schemas/StatisticReported"},
    },
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        JSON: {"schema": {"$ref": "#/components/schemas/StatisticReported"}},
        STRUCTURED: {"schema": _EVENT},
        BATCH: {"schema": {"type": "array", "minItems": 1, "items": _EVENT}},
    },
}
_ATTRIBUTES: list[dict[str, Any]] = [
    {
        "in": "header",
        "name": f"ce-{name}",
        "required": False,
        "schema": schema,
        "description": f"Binary mode: the attribute `{name}`, percent-encoded.",
    }
    for name, schema in _EVENT["properties"].items()
    if name != "data"
]
SCHEMAS = {"StatisticReported": StatisticReported}
"""Models that the body's schema refers to; the framework does not see them by itself."""


def router(parts: Parts) -> APIRouter:
    """The routes over this outbox."""
    routes = APIRouter(tags=["statistics"])
    turn = asyncio.Lock()

    @routes.post(
        "/statistics",
        status_code=202,
        response_model=Receipts,
        responses={
            200: {"model": Receipts, "description": "`dry_run`: what would become of each event."},
            **_PROBLEMS,
            **admission.RESPONSES,
        },
        summary="Publish statistics as CloudEvents: binary (ce-… headers), structured, or a batch",
        openapi_extra={"requestBody": _BODY, "parameters": _ATTRIBUTES},
    )
    async def statistics(
        request: Request,
        asked: Annotated[StatisticsQuery, Query()],
        asker: Annotated[Asker, Depends(Admitted(parts, Scope.STATISTICS_WRITE))],
    ) -> Response:
        with parts.admission.in_hand.one(asker.key_id) as held:
            reading = await _read(parts, request, asker, turn, held)
            asker.spend(reading.events)
            if reading.errors:
                raise _wrong(reading)
            if asked.dry_run:
                return await _tried(parts, request, reading.reported, asker)
            fresh = [one for one in reading.reported if not one.repeated]
            await publish(parts, [Outgoing(one.key.encode(), one.value, one.headers) for one in fresh])
            return await _published(parts, reading.reported, asker)

    return routes


async def _read(parts: Parts, request: Request, asker: Asker, turn: asyncio.Lock, held: Held) -> Reading:
    headers, limits = request.headers, parts.settings.gateway
    if intake.mode_of(headers) is None:
        await hear_out(request, limits.max_body_bytes)
        names = ", ".join(MODES)
        raise Problem(
            415, "media_type", f"Content-Type phải là một trong: {names}.", f"Content-Type must be one of: {names}."
        )
    body = await body_of(request, limits.max_body_bytes, held)
    reading = Reading(limits.max_event_bytes, asker.speaks_as)

    def steps() -> Iterator[None]:
        for slices, _ in enumerate(intake.steps(reading, headers, body, limits.max_batch), 1):
            whole = reading.events * len(body) // (slices * SLICE_BYTES)
            asker.afford(reading.events, whole)  # others of the same key are read at the same time
            yield

    await _in_turn(steps(), turn, hold=len(body) > SLICE_BYTES)
    return reading


async def _in_turn(steps: Iterator[None], turn: asyncio.Lock, *, hold: bool) -> None:
    """Take all steps. Of several long readings one step is taken at a time, so that short ones come in between."""
    if not hold:
        for _ in steps:
            pass
        return
    more = True
    while more:
        async with turn:
            more = next(steps, _END) is not _END
            await asyncio.sleep(0)


_END = object()


def _wrong(reading: Reading) -> Problem:
    count = reading.wrong
    vi = f"Có {count} lỗi; không sự kiện nào được nhận. Sửa rồi gửi lại cả yêu cầu."
    en = f"{count} found wrong; no event was taken. Mend it and send the whole request again."
    status, code = 422, "invalid_events"
    if reading.not_theirs:
        status, code = 403, "not_your_source"
    elif all(error.code == "bad_json" and not error.pointer for error in reading.errors):
        status, code = 400, "bad_json"
    return Problem(status, code, vi, en, errors=reading.errors)


async def _tried(parts: Parts, request: Request, reported: Sequence[Reported], asker: Asker) -> Response:
    """What would become of the events, in the order of the request."""
    told = [
        {
            "standing": said.standing,
            "problems": [problem.model_dump(mode="json") for problem in said.problems],
            "flags": [flag.model_dump(mode="json") for flag in said.flags],
        }
        async for part in while_there(request, parts.owners.examined(one.structured for one in reported))
        for said in part
    ]
    refused = sum(1 for one, said in zip(reported, told, strict=True) if said["problems"] and not one.repeated)
    taken = sum(not one.repeated for one in reported) - refused
    answer = {
        "accepted": taken,
        "refused": refused,
        "dry_run": True,
        "holds": "not_published",
        "message_vi": f"Đã kiểm tra, chưa gửi đi: {taken} sự kiện sẽ được nhận, {refused} sẽ bị từ chối.",
        "message_en": f"Checked, nothing published: {taken} would be accepted, {refused} refused.",
        "receipts": [{**_receipt(one), **said} for one, said in zip(reported, told, strict=True)],
    }
    return _answer(answer, 200, asker)


async def _published(parts: Parts, reported: Sequence[Reported], asker: Asker) -> Response:
    profile = parts.settings.profile
    vi, en = _UNTIL[profile]
    receipts: list[dict[str, Any]] = []
    for begin in range(0, len(reported), _AT_ONCE):
        receipts += map(_receipt, reported[begin : begin + _AT_ONCE])
        if len(reported) > _AT_ONCE:
            await asyncio.sleep(0)
    answer = {
        "accepted": sum(not one.repeated for one in reported),
        "dry_run": False,
        "holds": "until_the_broker_stops" if profile == "embedded" else "durably",
        "message_vi": vi,
        "message_en": en,
        "parked": [note.model_dump() for note in parts.parked.among(one.source for one in reported)],
        "receipts": receipts,
    }
    return _answer(answer, 202, asker)


def _answer(content: dict[str, Any], status: int, asker: Asker) -> Response:
    headers = {"cache-control": "no-store", **asker.headers()}
    return Response(orjson.dumps(content), status, headers, "application/json")


def _receipt(one: Reported) -> dict[str, Any]:
    return {
        "source": one.source,
        "id": one.id,
        "observation_id": one.observation_id,
        "link": f"/api/v1/events/{event_ref(one.source, one.id)}",
        "repeated": one.repeated,
    }
