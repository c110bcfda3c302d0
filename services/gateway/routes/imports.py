"""`POST imports`: a spreadsheet in; what is wrong with it, the file with that marked, or receipts out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.base import Id
from services.gateway import admission
from services.gateway.admission import Admitted, Asker
from services.gateway.imports import Import, ImportAnswer
from services.gateway.keys import Scope
from services.gateway.parts import Parts
from services.gateway.patience import hear_out, while_there
from services.gateway.problems import ErrorItem, Problem, ProblemDetails, unavailable, wrong_parameter
from services.gateway.routes.answers import Parameters
from services.gateway.routes.bodies import body_of
from services.gateway.routes.publishing import publish
from services.gateway.settings import GatewaySettings
from services.runtime.sheets import child
from services.runtime.sheets.cells import SheetRefused
from services.runtime.sheets.limits import Limits
from services.runtime.sheets.reading import Asked, Format
from services.runtime.sheets.serving import FAILED

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: Mapping[str, Format] = {CSV: "csv", XLSX: "xlsx"}


class ImportsQuery(Parameters):
    """Parameters of `POST imports`. What is given here for all rows holds where a row says nothing itself."""

    dry_run: bool = Field(False, description="Only say what is wrong; publish nothing.")
    rows: Literal["all", "good"] = Field("all", description="`good`: publish the sound rows though others are wrong.")
    source: Annotated[str, Field(max_length=500)] | None = Field(
        None, description="The `source` that reports, where the publisher has several."
    )
    name: Annotated[str, Field(max_length=200)] | None = Field(None, description="The name of the file.")
    decimal: Literal["comma", "point"] | None = Field(
        None, description="The sign of decimals in texts; without it, 1.234 is refused since it has two readings."
    )
    province: Id | None = Field(None, description="For all rows; default: the only province there is.")
    kpi: Id | None = Field(None, description="For all rows.")
    org_unit: Annotated[str, Field(min_length=1, max_length=80)] | None = Field(None, description="For all rows.")
    as_of: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = Field(
        None, description="For all rows: a day."
    )
    period: Annotated[str, Field(max_length=20)] | None = Field(None, description="For all rows.")


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ImportAnswer,
        "description": "`dry_run`: what would become of each row. With the file's own type in `Accept`: the file with "
        "its problems marked.",
        "content": {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}},
    },
    **{
        status: {"model": ProblemDetails, "description": text}
        for status, text in {
            400: "A parameter is wrong, or it cannot be told which source reports.",
            413: "The file is too large.",
            415: "Neither CSV nor XLSX.",
            422: "The file cannot be read, or rows are wrong; `errors[]` says where. Nothing was published.",
            503: "Too many imports at once, or ingest or the broker is away. Send the same file again.",
        }.items()
    },
    **admission.RESPONSES,
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}},
}


class Turns:
    """Whose files are read at this moment."""

    def __init__(self) -> None:
        self._taken: list[str | None] = []

    @contextmanager
    def one(self, publisher: str | None, most: int) -> Iterator[None]:
        """Read one more. Raises `Problem`: 429 where one of this publisher is read already, 503 where so many are."""
        if publisher is not None and publisher in self._taken:
            raise Problem(
                429,
                "too_much_at_once",
                "Một tệp khác của đơn vị đang được đọc; hãy gửi lại sau ít giây, từng tệp một.",
                "Another file of yours is being read; send it again in some seconds, one file after the other.",
                headers={"retry-after": "5"},
            )
        if len(self._taken) >= most:
            raise unavailable(
                "Đang có nhiều tệp được đọc cùng lúc; hãy gửi lại sau ít giây.",
                "Several files are being read; send it again in some seconds.",
            )
        self._taken.append(publisher)
        try:
            yield
        finally:
            self._taken.remove(publisher)


def router(parts: Parts) -> APIRouter:
    """The route over the outbox and ingest."""
    routes = APIRouter(tags=["imports"])
    turns = Turns()

    @routes.post(
        "/imports",
        status_code=202,
        response_model=ImportAnswer,
        responses=_RESPONSES,
        summary="Report figures in a spreadsheet: CSV or XLSX, a row a figure",
        openapi_extra={"requestBody": _BODY},
    )
    async def imports(
        request: Request,
        asked: Annotated[ImportsQuery, Query()],
        asker: Annotated[Asker, Depends(Admitted(parts, Scope.IMPORTS_WRITE))],
    ) -> Response:
        limits = limits_of(parts.settings.gateway)
        try:
            source = _source(parts, asked, asker)
            file = Asked(_format(request), _given(parts, asked, asker), asked.decimal)
        except Problem:
            await hear_out(request, limits.file_bytes)
            raise
        with parts.admission.in_hand.one(asker.key_id) as held:
            body = await body_of(request, limits.file_bytes, held)
            with turns.one(asker.publisher, parts.settings.gateway.max_imports):
                return await _imported(parts, request, asked, asker, Sent(source, body, file, limits))

    return routes


def limits_of(settings: GatewaySettings) -> Limits:
    """How much of a spreadsheet is read."""
    return Limits(
        file_bytes=settings.max_import_bytes,
        entries=settings.max_import_entries,
        unpacked_bytes=settings.max_import_unpacked_bytes,
        ratio=settings.max_import_ratio,
        rows=settings.max_import_rows,
        seconds=settings.import_timeout_ms / 1_000,
        memory_bytes=settings.import_memory_bytes,
    )


class Sent(NamedTuple):
    """A file, the source that reports it, and how it is to be read."""

    source: str
    body: bytes
    file: Asked
    limits: Limits


async def _imported(parts: Parts, request: Request, asked: ImportsQuery, asker: Asker, sent: Sent) -> Response:
    try:
        sheets = await child.read(sent.body, sent.file, sent.limits)
        asker.spend(len(sheets.rows))
        importing = await _examined(parts, request, sheets, sent.source, parts.clock.now())
        if asked.dry_run and _wants_file(request, sent.file.format):
            marked = await child.mark(sent.body, sent.file, sent.limits, importing.marks())
            return _file(marked, sent.file.format, asked.name)
    except SheetRefused as refused:
        raise unread(refused) from None
    if asked.dry_run:
        return _tried(importing, asker)
    return await _applied(parts, importing, asked, asker)


def unread(refused: SheetRefused) -> Problem:
    """Why nothing of the file was read: as a rule by what is in it, else by a fault of ours."""
    return Problem(500 if refused.code == FAILED else 422, refused.code, refused.vi, refused.en)


async def _examined(parts: Parts, request: Request, sheets: child.Sheets, source: str, now: datetime) -> Import:
    """The rows with what ingest says of them. Nothing is written by asking."""
    importing = Import(sheets, source, now)
    done = 0
    async for part in while_there(request, parts.owners.examined(importing.events())):
        importing.judge(part, done)
        done += len(part)
    return importing


def _tried(importing: Import, asker: Asker) -> Response:
    counts = importing.counts()
    beside = [
        (f"{count} {vi}", f"{count} {en}")
        for count, vi, en in (
            (counts.same, "đã nhận trước đây", "accepted before"),
            (counts.flagged, "có điểm nghi vấn", "with a doubt"),
            (counts.outranked, *_OUTRANKED),
            (counts.replacing, *_REPLACING),
            (counts.remarks_stay, *_REMARKS_STAY),
        )
        if count
    ]
    among_vi, among_en = (f" ({', '.join(pair[at] for pair in beside)})" if beside else "" for at in (0, 1))
    return _json(
        importing.answer(
            dry_run=True,
            holds="not_published",
            vi=f"Đã kiểm tra {counts.rows} dòng, chưa gửi đi: {counts.sound} dòng đúng{among_vi}, "
            f"{counts.wrong} dòng sai.",
            en=f"{counts.rows} rows checked, nothing published: {counts.sound} are sound{among_en}, "
            f"{counts.wrong} are wrong.",
        ),
        200,
        asker,
    )


async def _applied(parts: Parts, importing: Import, asked: ImportsQuery, asker: Asker) -> Response:
    counts = importing.counts()
    if not counts.sound or (counts.wrong and asked.rows == "all"):
        raise _nothing_taken(importing)
    for parcel in importing.outgoing():
        await publish(parts, parcel)
    embedded = parts.settings.profile == "embedded"
    beside = [
        (count, told)
        for count, told in (
            (counts.outranked, _OUTRANKED),
            (counts.replacing, _REPLACING),
            (counts.remarks_stay, _REMARKS_STAY),
        )
        if count
    ]
    return _json(
        importing.answer(
            dry_run=False,
            holds="until_the_broker_stops" if embedded else "durably",
            vi=f"Đã gửi {counts.sound} số liệu"
            + (f" ({counts.same} đã nhận trước đây, chỉ tính một lần)." if counts.same else ".")
            + "".join(f" {count} {told[0]}." for count, told in beside)
            + (f" {counts.wrong} dòng sai không được gửi." if counts.wrong else ""),
            en=f"{counts.sound} figures were published"
            + (f" ({counts.same} accepted before count once)." if counts.same else ".")
            + "".join(f" {count} {told[1]}." for count, told in beside)
            + (f" {counts.wrong} wrong rows were not." if counts.wrong else ""),
        ),
        202,
        asker,
    )


_OUTRANKED = (
    "không làm thay đổi kết quả vì số liệu khác đang có hiệu lực: ghi lần sửa (revision)",
    "changing nothing, since another figure stands: number the revision",
)

_REPLACING = (
    "thay số liệu khác đã nhận của cùng đơn vị, ngày và lần sửa",
    "taking the place of a figure accepted for the same unit, day and revision",
)
_REMARKS_STAY = (
    "giữ nguyên ghi chú, minh chứng đã nhận trước đây",
    "keeping the note and evidence that were accepted before",
)


def _nothing_taken(importing: Import) -> Problem:
    counts = importing.counts()
    if not counts.rows:
        return Problem(422, "no_figures", "Tệp không có dòng nào có số liệu.", "The file has no row with a figure.")
    return Problem(
        422,
        "wrong_rows",
        f"{counts.wrong} trên {counts.rows} dòng sai; không số liệu nào được gửi. Sửa tệp rồi gửi lại, hoặc chỉ gửi "
        "các dòng đúng (rows=good).",
        f"{counts.wrong} of {counts.rows} rows are wrong; nothing was published. Mend the file and send it again, or "
        "send the sound rows only (rows=good).",
        errors=importing.errors(),
    )


def _source(parts: Parts, asked: ImportsQuery, asker: Asker) -> str:
    """Under which source the figures are reported: one of the asker's."""
    if asked.source is not None:
        if not asker.speaks_as(asked.source):
            raise _not_your_source()
        return asked.source
    known = asker.sources
    if known is None:
        publishers = [one for catalog in parts.catalogs().values() for one in catalog.publishers]
        known = frozenset(source for publisher in publishers for source in publisher.sources)
    if len(known) == 1:
        return next(iter(known))
    raise wrong_parameter(
        "source",
        "Có nhiều nguồn gửi: ghi tham số source là nguồn của số liệu này.",
        "There are several sources: name that of these figures in the parameter source.",
    )


def _not_your_source() -> Problem:
    vi = "Khóa này không được gửi số liệu của nguồn đó: ghi nguồn của đơn vị trong danh mục."
    en = "This key may not report under that source: name the one that the catalog has for you."
    item = ErrorItem(code="not_your_source", parameter="source", message_vi=vi, message_en=en)
    return Problem(403, "not_your_source", vi, en, errors=[item])


def _given(parts: Parts, asked: ImportsQuery, asker: Asker) -> dict[str, str]:
    given = {name: getattr(asked, name) for name in ("province", "kpi", "org_unit", "as_of", "period")}
    catalogs = parts.catalogs()
    if given["province"] is None:
        given["province"] = asker.province or (next(iter(catalogs)) if len(catalogs) == 1 else None)
    return {name: text for name, text in given.items() if text is not None}


def _format(request: Request) -> Format:
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media not in FORMATS:
        names = ", ".join(FORMATS)
        raise Problem(
            415, "media_type", f"Content-Type phải là một trong: {names}.", f"Content-Type must be one of: {names}."
        )
    return FORMATS[media]


def _media(format: Format) -> str:
    return CSV if format == "csv" else XLSX


def _wants_file(request: Request, format: Format) -> bool:
    accepted = (one.split(";")[0].strip().lower() for one in request.headers.get("accept", "").split(","))
    return _media(format) in accepted


def _file(content: bytes, format: Format, name: str | None) -> Response:
    stem = (name or "so-lieu").replace("\\", "/").rpartition("/")[2]
    stem = "".join(one for one in stem.removesuffix(f".{format}") if one.isprintable() and one not in '"*<>?|:')
    shown = quote(f"{stem or 'so-lieu'} (lỗi).{format}")
    headers = {
        "content-disposition": f"attachment; filename=\"loi.{format}\"; filename*=UTF-8''{shown}",
        "cache-control": "no-store",
    }
    return Response(content, 200, headers, f"{CSV}; charset=utf-8" if format == "csv" else XLSX)


def _json(content: bytes, status: int, asker: Asker) -> Response:
    return Response(content, status, {"cache-control": "no-store", **asker.headers()}, "application/json")
