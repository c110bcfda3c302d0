"""Errors of the API: problem details of RFC 9457 with a `code` and, where several things are wrong, `errors[]`.

Sentences come in Vietnamese and English and name what to do. Values that the caller sent are never repeated: they may
be long, secret, or made to be repeated. Names are, of a parameter or a key, where they are short.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"

MAX_ERRORS = 100
"""Errors that one answer lists; its sentence says how many there were."""


class ErrorItem(BaseModel):
    """One thing that is wrong: `pointer` is a JSON pointer into the body, `header` the name of one, `parameter` a name
    in the query or path; in a spreadsheet `sheet`, `row` (from 1) and `column` (A, B …)."""

    code: str
    message_vi: str
    message_en: str
    pointer: str | None = None
    header: str | None = None
    parameter: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None


class ProblemDetails(BaseModel):
    """RFC 9457, with this project's `code`. `title` and `detail` are Vietnamese, with English beside."""

    type: str
    title: str
    title_en: str
    status: int
    code: str
    detail: str
    detail_en: str
    errors: list[ErrorItem] = Field(default_factory=list)


_TITLES: dict[int, tuple[str, str]] = {
    400: ("Yêu cầu không hợp lệ", "Bad request"),
    401: ("Chưa xác thực", "Not authenticated"),
    403: ("Không được phép", "Not allowed"),
    404: ("Không tìm thấy", "Not found"),
    405: ("Phương thức không được hỗ trợ", "Method not allowed"),
    409: ("Không còn phù hợp", "Conflict"),
    413: ("Nội dung quá lớn", "Content too large"),
    415: ("Kiểu nội dung không được hỗ trợ", "Unsupported media type"),
    421: ("Sai tên máy chủ", "Misdirected request"),
    422: ("Nội dung không đúng quy định", "Unprocessable content"),
    429: ("Gửi quá nhiều", "Too many requests"),
    500: ("Lỗi của hệ thống", "Internal error"),
    503: ("Tạm thời chưa phục vụ được", "Temporarily unavailable"),
}


class Problem(Exception):
    """An answer that is an error. Raised anywhere below a route."""

    def __init__(
        self,
        status: int,
        code: str,
        vi: str,
        en: str,
        *,
        errors: Sequence[ErrorItem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(en)
        self.status, self.code, self.vi, self.en = status, code, vi, en
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        title, title_en = _TITLES.get(self.status, ("Lỗi", "Error"))
        details = ProblemDetails(
            type=f"urn:tiendo:problem:{self.code}",
            title=title,
            title_en=title_en,
            status=self.status,
            code=self.code,
            detail=self.vi,
            detail_en=self.en,
            errors=self.errors[:MAX_ERRORS],
        )
        content = details.model_dump()
        content["errors"] = [item.model_dump(exclude_none=True) for item in details.errors]
        headers = {"cache-control": "no-store", **self.headers}
        return Response(orjson.dumps(content), self.status, headers, MEDIA_TYPE)


def not_found(what_vi: str, what_en: str) -> Problem:
    """There is no such thing."""
    return Problem(404, "not_found", f"Không có {what_vi}.", f"There is no {what_en}.")


def wrong_parameter(name: str, vi: str, en: str) -> Problem:
    """A parameter of the request is not as it must be."""
    item = ErrorItem(code="bad_parameter", parameter=name, message_vi=vi, message_en=en)
    return Problem(400, "bad_parameter", vi, en, errors=[item])


def unavailable(vi: str, en: str, retry_after_s: int = 5) -> Problem:
    """Try again later; nothing was taken."""
    return Problem(503, "unavailable", vi, en, headers={"retry-after": str(retry_after_s)})


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    async def problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return of_validation(error.errors(), allowed_parameters(request)).response()

    async def other(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return of_status(error.status_code, error.headers).response()

    async def hung_up(_: Request, __: Exception) -> Response:
        return Response(status_code=499)  # which nobody reads

    async def broken(_: Request, __: Exception) -> Response:
        return Problem(
            500, "internal", "Lỗi của chúng tôi; nhật ký ghi rõ nguyên nhân.", "Our mistake; the log says what it was."
        ).response()

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(ClientDisconnect, hung_up)
    app.add_exception_handler(Exception, broken)


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """What the framework answers by itself: unknown paths and methods."""
    if status == 404:
        return not_found("đường dẫn này; xem /api/v1/openapi.json", "such path; see /api/v1/openapi.json")
    if status == 405:
        allow = next((value for name, value in (headers or {}).items() if name.lower() == "allow"), "")
        return Problem(
            405,
            "method_not_allowed",
            f"Đường dẫn này chỉ nhận: {allow}.",
            f"This path takes: {allow}.",
            headers=headers,
        )
    title, title_en = _TITLES.get(status, ("Lỗi", "Error"))
    return Problem(status, "error", f"{title}.", f"{title_en}.", headers=headers)


def allowed_parameters(request: Request) -> list[str]:
    """The query parameters that the route knows."""
    route = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    names: list[str] = []
    for parameter in getattr(dependant, "query_params", ()):
        fields = getattr(parameter.field_info.annotation, "model_fields", None)
        names += fields.keys() if fields else [parameter.alias]
    return sorted(names)


def of_validation(errors: Sequence[Any], allowed: Sequence[str]) -> Problem:
    """Wrong parameters, each in words."""
    items = [_parameter(error, allowed) for error in errors[:MAX_ERRORS]]
    return Problem(
        400,
        "bad_parameter",
        "Tham số không đúng: " + " ".join(item.message_vi for item in items[:3]),
        "Wrong parameters: " + " ".join(item.message_en for item in items[:3]),
        errors=items,
    )


def _parameter(error: Mapping[str, Any], allowed: Sequence[str]) -> ErrorItem:
    where = [str(step) for step in error["loc"][1:] if not isinstance(step, int)]
    name = where[0] if where else ""
    if error["type"] == "extra_forbidden":
        return _unknown(name, allowed)
    expected_vi, expected_en = _expected(error)
    return ErrorItem(
        code="bad_parameter",
        parameter=name,
        message_vi=f"Tham số {name} {expected_vi}.",
        message_en=f"The parameter {name} {expected_en}.",
    )


def _unknown(name: str, allowed: Sequence[str]) -> ErrorItem:
    names = ", ".join(allowed)
    if _SHOWN.fullmatch(name) is None:
        vi, en = "Có một tham số mà đường dẫn này không biết.", "There is a parameter that this path does not know."
        name = ""
    else:
        vi, en = f"Đường dẫn này không có tham số “{name}”", f"This path has no parameter “{name}”"
        near = get_close_matches(name.lower(), allowed, n=1)
        vi, en = (f"{vi}, có phải “{near[0]}”?", f"{en}, did you mean “{near[0]}”?") if near else (f"{vi}.", f"{en}.")
    return ErrorItem(
        code="unknown_parameter",
        parameter=name or None,
        message_vi=f"{vi} Các tham số có: {names}.",
        message_en=f"{en} It takes: {names}.",
    )


_SHOWN = re.compile(r"[A-Za-z0-9_.-]{1,40}")
"""What may be the name of a parameter, and may be repeated to whoever wrote it."""


def _expected(error: Mapping[str, Any]) -> tuple[str, str]:
    context = error.get("ctx") or {}
    kind = error["type"]
    if "expected" in context:
        values = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"phải là một trong: {values}", f"must be one of: {values}"
    if kind == "missing":
        return "là bắt buộc", "is required"
    if kind.startswith("int") or kind in ("greater_than_equal", "less_than_equal"):
        low, high = context.get("ge"), context.get("le")
        limits = f" ≥ {low}" if low is not None else f" ≤ {high}" if high is not None else ""
        return f"phải là số nguyên{limits}", f"must be an integer{limits}"
    if kind.startswith(("datetime", "timezone")):
        form = "2023-09-30T09:00:00Z"
        return f"phải là thời điểm có múi giờ, như {form}", f"must be an instant with offset, such as {form}"
    if kind.startswith(("date", "bool")):
        word = "date" if kind.startswith("date") else "bool"
        vi = {"date": "phải là ngày dạng YYYY-MM-DD", "bool": "phải là true hoặc false"}[word]
        return vi, {"date": "must be a date YYYY-MM-DD", "bool": "must be true or false"}[word]
    return (
        "không đúng dạng: mã gồm chữ thường, số, dấu chấm, gạch ngang, tối đa 80 ký tự",
        "has a wrong form: ids are lower-case letters, digits, dots and dashes, up to 80 characters",
    )
