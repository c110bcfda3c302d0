"""What all reading routes share: JSON with an ETag, lists by cursor, parameters that refuse what they do not know."""

import hashlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, LiteralString

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from contracts.base import Id
from services.gateway import cursors
from services.gateway.problems import Problem, ProblemDetails

MAX_PAGE = 1_000


def _written_as(pattern: str, error: LiteralString, form: LiteralString) -> BeforeValidator:
    """pydantic would read a number as seconds since 1970."""
    wanted = re.compile(pattern)

    def written(text: Any) -> Any:
        if isinstance(text, str) and not wanted.fullmatch(text):
            raise PydanticCustomError(error, form)
        return text

    return BeforeValidator(written)


Day = Annotated[date, _written_as(r"\d{4}-\d{2}-\d{2}", "date_parsing", "write a date YYYY-MM-DD")]
"""A day in a query, as YYYY-MM-DD and in no other way."""

Moment = Annotated[AwareDatetime, _written_as(r"\d{4}-\d{2}-\d{2}[Tt ].+", "datetime_parsing", "write an instant")]
"""A moment in a query, as RFC 3339 has it."""

Ids = Annotated[list[Id], Field(max_length=100)]
"""A filter that may be given several times: any of them fits."""

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": text}
    for status, text in {400: "Wrong or unknown parameters.", 503: "Not ready yet."}.items()
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDetails, "description": "No such thing."}}
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged since the ETag in If-None-Match."}}


class Parameters(BaseModel):
    """Query parameters; one that is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ListParameters(Parameters):
    """What every list takes."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] | None = Field(None, description="Records in a page.")
    cursor: Annotated[str, Field(max_length=1_000)] | None = Field(
        None, description="`next` of the page before, with the same filters."
    )


def json_answer(request: Request, content: Any, max_age: int = 0) -> Response:
    """The content with a strong ETag; 304 without body where the caller has it already."""
    body = orjson.dumps(content)
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"etag": tag, "cache-control": f"private, max-age={max_age}" if max_age else "no-cache"}
    if fits(request.headers.get("if-none-match"), tag):
        return Response(None, 304, headers)
    return Response(body, 200, headers, "application/json")


def fits(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller's If-None-Match names this version."""
    if if_none_match is None:
        return False
    named = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return tag in named or "*" in named


def position(cursor: str | None, mark: str, kinds: Sequence[type]) -> tuple[Any, ...] | None:
    """Where the page begins; a problem if the cursor is of another list."""
    if cursor is None:
        return None
    try:
        return cursors.unpack(cursor, mark, kinds)
    except cursors.BadCursor:
        raise bad_cursor() from None


def bad_cursor() -> Problem:
    """The cursor is of another list, or made up."""
    return Problem(
        400,
        "bad_cursor",
        "Con trỏ không thuộc danh sách này; hãy gửi lại nguyên `next` với cùng bộ lọc, hoặc bỏ con trỏ.",
        "The cursor does not belong to this list; send `next` as it came with the same filters, or leave it out.",
    )
