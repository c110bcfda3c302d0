"""From a record's bytes to a figure: the contract alone, before any catalog is asked.

Whatever stands in the bytes, the outcome is one of the three types below; nothing else is raised.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts import envelope
from contracts.envelope import Event, Headers, NotAnEvent
from contracts.hints import A_NUMBER, ASKED, CODES
from contracts.statistics import Problem, RejectionCode, StatisticReported
from services.ingest import wording
from services.ingest.wording import problem
from services.runtime.kafka import packed

_DETAIL = 500
"""Characters of what the quarantine is told."""

LARGEST_PLACE = 10**9
"""Beyond which nothing is ranked; it keeps places within what JSON and stores hold exactly."""

NOT_UNPACKED = "not_unpacked"
"""The reason of a compressed batch that is quarantined as a whole, as it came."""

INTERNAL = "internal"
"""The reason of what is quarantined through a fault of ours."""

EVENT_TYPE = "vn.tiendo.statistic.reported.v1"


class Reported(NamedTuple):
    """An event that keeps the contract."""

    event: Event
    figure: StatisticReported


@dataclass(frozen=True, slots=True)
class Malformed:
    """An event of ours whose data breaks the contract: refused, and may be sent again mended."""

    event: Event
    problems: tuple[Problem, ...]

    def rest(self, otherwise: date) -> "Rest | None":
        """What of the figure keeps the contract; None where that says of no KPI or unit. `otherwise`: its day, where it
        names none."""
        data = self.event.data
        if not isinstance(data, dict):
            return None
        wrong = {(found.field or "").split(".")[0] for found in self.problems}
        kept = {name: value for name, value in data.items() if name not in wrong and value is not None}
        if "province" not in kept:
            return None
        try:
            figure = StatisticReported.model_validate({**_NAMELESS, "as_of": otherwise.isoformat(), **kept})
        except ValidationError:
            return None
        return Rest(figure, frozenset(kept) | (_UNSAID - wrong))


class Rest(NamedTuple):
    """The sound part of a figure that breaks the contract. Only what is in `given` is its publisher's word."""

    figure: StatisticReported
    given: frozenset[str]

    def theirs(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Those of the problems that stay whatever is written into the other fields."""
        anyhow = "as_of" in self.given
        return tuple(found for found in problems if found.field in self.given and (anyhow or found.code in _ON_ANY_DAY))


_NAMELESS = {"kpi": "0.no-kpi.0", "org_unit": "0.no-unit.0"}
"""In place of names that are missing or wrong; nothing is called so."""

_UNSAID = frozenset({"source", "mode", "status"})
"""What a figure that does not write it says all the same."""

_ON_ANY_DAY = frozenset(
    {
        RejectionCode.UNKNOWN_PROVINCE,
        RejectionCode.UNKNOWN_KPI,
        RejectionCode.UNKNOWN_ORG_UNIT,
        RejectionCode.UNIT_OF_MEASURE,
        RejectionCode.NEGATIVE,
        RejectionCode.OUT_OF_NATURAL_LIMITS,
    }
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What is to be quarantined. `harmless`: not ours, so it does not count as poison.

    `error`: not the record's fault but ours, see `failed`.
    """

    reason: str
    detail: str
    source: str | None
    id: str | None
    time: datetime | None
    problems: tuple[Problem, ...]
    harmless: bool = False
    error: Exception | None = None


Reading = Reported | Malformed | Unreadable


def read(headers: Headers, value: bytes | None, max_bytes: int) -> Reading:
    """Read one record of `statistics.reported.v1`. Values above `max_bytes` are not even parsed."""
    if value is not None and len(value) > max_bytes:
        return _not_unpacked(headers) or _too_large(headers, len(value), max_bytes)
    try:
        event = envelope.read(headers, value)
    except NotAnEvent as error:
        return _not_unpacked(headers) or _not_an_event(error, tombstone=value is None)
    if event.type != EVENT_TYPE:
        return _foreign(event)
    try:
        figure = StatisticReported.model_validate(event.data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        return Malformed(event, _in_words(details))
    if (figure.rank or 0) > LARGEST_PLACE or (figure.of or 0) > LARGEST_PLACE:
        return Malformed(event, _places_too_large(figure, event.data))
    return Reported(event, figure)


def failed(error: Exception) -> Unreadable:
    """What becomes of a record over which we stumbled: it is kept, and nobody is told that it was wrong."""
    found = Problem(
        code=INTERNAL,
        message_vi="Lỗi của hệ thống: bản ghi được giữ lại để xử lý sau.",
        message_en="A fault of ours: the record is kept until it is mended.",
    )
    return Unreadable(INTERNAL, f"{type(error).__name__}: {error}"[:_DETAIL], None, None, None, (found,), error=error)


def _places_too_large(figure: StatisticReported, data: Any) -> tuple[Problem, ...]:
    return tuple(
        problem(
            RejectionCode.TOO_LARGE,
            name,
            f"{name} quá lớn: ghi số nguyên từ 1 đến {wording.vi(LARGEST_PLACE)}.",
            f"{name} is too large: write an integer from 1 to {wording.en(LARGEST_PLACE)}.",
            data[name],
        )
        for name in ("rank", "of")
        if (getattr(figure, name) or 0) > LARGEST_PLACE
    )


def moment(milliseconds: int | None, otherwise: datetime) -> datetime:
    """A record's Kafka timestamp as an instant; `otherwise` where there is none or it is absurd."""
    if milliseconds is None or milliseconds <= 0:
        return otherwise
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise


def _not_unpacked(headers: Headers) -> Unreadable | None:
    why = envelope.header(headers, packed.HEADER)
    if why is None:
        return None
    found = problem(
        RejectionCode.TOO_LARGE,
        None,
        "Lô bản ghi nén không giải nén được trong giới hạn: hãy gửi lô nhỏ hơn.",
        "The compressed batch could not be unpacked within the limit: send smaller batches.",
    )
    return Unreadable(NOT_UNPACKED, why, None, None, None, (found,))


def _too_large(headers: Headers, size: int, limit: int) -> Unreadable:
    found = problem(
        RejectionCode.TOO_LARGE,
        "data",
        f"Sự kiện dài {wording.vi(size)} byte, tối đa là {wording.vi(limit)}: mỗi sự kiện chỉ gửi một số liệu.",
        f"The event has {wording.en(size)} bytes, at most {wording.en(limit)} are taken: send one figure an event.",
        size,
    )
    who: Event | NotAnEvent
    try:
        # Binary mode names its source in the headers. In structured mode it stands in the bytes that are not parsed.
        who = envelope.read(headers, b"{}")
    except NotAnEvent as error:
        who = error
    return Unreadable("too_large", found.message_en, who.source, who.id, who.time, (found,))


def _not_an_event(error: NotAnEvent, *, tombstone: bool) -> Unreadable:
    code = RejectionCode(error.code)
    if tombstone:
        vi = "Bản ghi không có nội dung (tombstone); muốn rút số liệu, hãy gửi sự kiện có retracts: true."
        en = "The record has no value (a tombstone); to withdraw a figure, send an event with retracts: true."
        problems: tuple[Problem, ...] = (problem(code, error.field, vi, en, error.given),)
    else:
        begin_vi, begin_en = _BEGIN[code]
        problems = tuple(
            problem(code, one.field, f"{begin_vi}: {one.vi}.", f"{begin_en}: {one.en}.", one.given)
            for one in error.wrong
        )
    return Unreadable(
        "tombstone" if tombstone else error.code,
        "; ".join(one.en for one in error.wrong)[:_DETAIL],
        error.source,
        error.id,
        error.time,
        problems,
        harmless=tombstone,
    )


_BEGIN = {
    RejectionCode.BAD_JSON: (
        "Nội dung không phải JSON hợp lệ (UTF-8, mỗi khóa một lần, không NaN)",
        "The payload is not JSON (UTF-8, every key once, no NaN)",
    ),
    RejectionCode.NOT_CLOUDEVENT: (
        "Không đọc được như một sự kiện CloudEvents 1.0",
        "It cannot be read as a CloudEvent 1.0",
    ),
}


def _foreign(event: Event) -> Unreadable:
    found = problem(
        RejectionCode.SCHEMA,
        "type",
        f"Kênh này chỉ nhận sự kiện có ce_type là {EVENT_TYPE}.",
        f"Only events of ce_type {EVENT_TYPE} are taken here.",
        event.type,
    )
    return Unreadable(
        "foreign_type", f"ce_type is {event.type!r}", event.source, event.id, event.time, (found,), harmless=True
    )


def _in_words(details: list[ErrorDetails]) -> tuple[Problem, ...]:
    """One problem a field, though a field of several types may have failed as each of them."""
    return tuple({str(detail["loc"][:1]): _problem_of(detail) for detail in details}.values())


def _problem_of(detail: ErrorDetails) -> Problem:
    where = ".".join(str(step) for step in detail["loc"] if step not in ("datetime", "date")) or None
    name = str(detail["loc"][0]) if detail["loc"] else ""
    code = CODES.get(detail["type"], RejectionCode.SCHEMA)
    if not name:
        return problem(
            code,
            "data",
            "Phần data phải là một đối tượng JSON chứa đúng một số liệu.",
            "The data must be one JSON object with one figure.",
            detail["input"],
        )
    asked_vi, asked_en = ASKED.get(name, A_NUMBER)
    if detail["type"] == "missing":
        return problem(code, where, f"Thiếu trường {name}: ghi {asked_vi}.", f"{name} is missing: write {asked_en}.")
    if code is RejectionCode.TOO_LARGE:
        return problem(
            code,
            where,
            f"{name} có hơn 30 chữ số: ghi số ngắn hơn.",
            f"{name} has more than 30 digits: write a shorter number.",
            detail["input"],
        )
    if code is RejectionCode.NOT_FINITE:
        return problem(
            code,
            where,
            f"{name} không phải số hữu hạn: ghi {asked_vi}, hoặc bỏ trường này nếu chưa có số.",
            f"{name} is not finite: write {asked_en}, or leave the field out where there is no figure.",
            detail["input"],
        )
    return problem(
        code, where, f"{name} không đúng: ghi {asked_vi}.", f"{name} is wrong: write {asked_en}.", detail["input"]
    )
