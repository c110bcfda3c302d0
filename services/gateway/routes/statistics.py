"""`POST statistics`: events in, receipts out, and nothing accepted that could still be lost."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from contracts.envelope import BATCH, JSON, STRUCTURED
from contracts.statistics import StatisticReported
from services.gateway import intake
from services.gateway.intake import MODES, Reading, Reported
from services.gateway.outbox import Overloaded
from services.gateway.parts import Parts
from services.gateway.problems import Problem, ProblemDetails, unavailable
from services.gateway.routes.answers import Parameters
from services.runtime.errors import Transient, Unprocessable
from services.runtime.kafka.producer import Outgoing

_PATIENCE = 4
"""Times the limit that a body is read, and thrown away: who is hung up on while sending never sees the answer."""

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

    dry_run: bool = Field(False, description="Only check envelope and schema; publish nothing.")


class Receipt(BaseModel):
    """One event that was written to the log. `observation_id` is the id of its observation, once it is accepted."""

    source: str
    id: str
    observation_id: str


class Receipts(BaseModel):
    """What became of the request."""

    accepted: int
    dry_run: bool = False
    holds: Literal["until_the_broker_stops", "durably", "not_published"]
    message_vi: str
    message_en: str
    receipts: list[Receipt]


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": text}
    for status, text in {
        400: "The body is not what its content type says, or a parameter is wrong.",
        403: "Publishing over HTTP is not open here.",
        413: "The body is too large.",
        415: "Not one of the three content types.",
        422: "At least one event is wrong; `errors[]` says where. None was taken.",
        503: "The broker is away. Nothing may be taken for accepted: send the same events again.",
    }.items()
}
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

    @routes.post(
        "/statistics",
        status_code=202,
        response_model=Receipts,
        responses={200: {"model": Receipts, "description": "`dry_run`: it would be published."}, **_PROBLEMS},
        summary="Publish statistics as CloudEvents: binary (ce-… headers), structured, or a batch",
        openapi_extra={"requestBody": _BODY, "parameters": _ATTRIBUTES},
    )
    async def statistics(request: Request, asked: Annotated[StatisticsQuery, Query()]) -> Response:
        _open_here(parts, request)
        reading = await _read(parts, request)
        if reading.errors:
            raise _wrong(reading)
        if not asked.dry_run:
            await _publish(parts, reading.reported)
        return _receipts(parts, reading.reported, dry_run=asked.dry_run)

    return routes


def _open_here(parts: Parts, request: Request) -> None:
    """Until publishers have keys: the embedded profile only, and there whoever sits at this machine."""
    if parts.settings.profile != "embedded":
        raise Problem(
            403,
            "closed",
            "Chưa nhận số liệu qua HTTP ở đây, vì chưa có khóa cho đơn vị cung cấp. Hãy gửi qua Kafka.",
            "Publishing over HTTP is not open here, since publishers have no keys yet. Publish to Kafka.",
        )
    if not (_loopback(request.client.host if request.client else "") and _loopback(request.url.hostname or "")):
        raise Problem(
            403,
            "closed",
            "Bản chạy thử chỉ nhận số liệu từ chính máy này (127.0.0.1).",
            "The embedded profile takes statistics from this machine only (127.0.0.1).",
        )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


async def _read(parts: Parts, request: Request) -> Reading:
    if intake.mode_of(request.headers) is None:
        names = ", ".join(MODES)
        raise Problem(
            415, "media_type", f"Content-Type phải là một trong: {names}.", f"Content-Type must be one of: {names}."
        )
    limit = parts.settings.gateway.max_body_bytes
    body = bytearray()
    too_large = Problem(
        413,
        "too_large",
        f"Nội dung lớn hơn {limit} byte; hãy chia nhỏ.",
        f"The body is larger than {limit} bytes; split it.",
    )
    declared = request.headers.get("content-length", "0")
    left = _PATIENCE * limit if not declared.isdecimal() or int(declared) <= _PATIENCE * limit else 0
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            raise too_large
        if len(body) <= limit:
            body += chunk
    if len(body) > limit:
        raise too_large
    limits = parts.settings.gateway
    return intake.read(request.headers, bytes(body), limits.max_batch, limits.max_event_bytes)


def _wrong(reading: Reading) -> Problem:
    count = len(reading.errors)
    unreadable = all(error.code == "bad_json" and not error.pointer for error in reading.errors)
    code = "bad_json" if unreadable else "invalid_events"
    return Problem(
        400 if unreadable else 422,
        code,
        f"Có {count} lỗi; không sự kiện nào được nhận. Sửa rồi gửi lại cả yêu cầu.",
        f"{count} found wrong; no event was taken. Mend it and send the whole request again.",
        errors=reading.errors,
    )


async def _publish(parts: Parts, reported: Sequence[Reported]) -> None:
    records = [Outgoing(one.key.encode(), one.value, one.headers) for one in reported]
    try:
        await parts.outbox.submit(records)
    except (Transient, Unprocessable, Overloaded, ConnectionError):
        raise unavailable(
            "Hàng đợi chưa xác nhận. Hãy gửi lại đúng các sự kiện này: gửi hai lần vẫn chỉ tính một.",
            "The broker did not acknowledge. Send the same events again: twice counts once.",
        ) from None


def _receipts(parts: Parts, reported: Sequence[Reported], *, dry_run: bool) -> Response:
    profile = parts.settings.profile
    vi, en = _UNTIL[profile]
    if dry_run:
        vi, en = "Đúng khuôn dạng; chưa gửi đi.", "The form is right; nothing was published."
    answer = Receipts(
        accepted=len(reported),
        dry_run=dry_run,
        holds="not_published" if dry_run else "until_the_broker_stops" if profile == "embedded" else "durably",
        message_vi=vi,
        message_en=en,
        receipts=[Receipt(source=one.source, id=one.id, observation_id=one.observation_id) for one in reported],
    )
    return JSONResponse(answer.model_dump(), 200 if dry_run else 202, {"cache-control": "no-store"})
