"""Reading the body of `POST statistics`: events in, records for the topic or a list of what is wrong out. Pure.

Only what an event shows by itself is checked here: envelope, type, schema. Whether the KPI exists and the publisher may
report it is ingest's business, which has the catalog and the ledger. A request is taken whole or not at all.

The bytes of an event are published as they came: a decimal keeps its digits, and the archive shows what was sent.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pydantic import ValidationError

from contracts import envelope
from contracts.envelope import BATCH, JSON, STRUCTURED, Event, Mode, NotAnEvent
from contracts.observations import observation_id
from contracts.statistics import MAX_EVENT_BYTES, StatisticReported
from contracts.topics import STATISTICS_REPORTED
from services.gateway.hints import hint
from services.gateway.problems import ErrorItem

TYPE = next(iter(STATISTICS_REPORTED.payloads))

MODES = (JSON, STRUCTURED, BATCH)


@dataclass(frozen=True, slots=True)
class Reported:
    """One event that may be published."""

    source: str
    id: str
    key: str
    value: bytes
    headers: list[tuple[str, bytes]]

    @property
    def observation_id(self) -> str:
        """The id that its observation will have, if it is accepted."""
        return observation_id(self.source, self.id)


@dataclass(slots=True)
class Reading:
    """What a body holds: what may be published, or what is wrong."""

    max_event_bytes: int
    reported: list[Reported] = field(default_factory=list)
    errors: list[ErrorItem] = field(default_factory=list)


def mode_of(headers: Mapping[str, str]) -> Mode | None:
    """How the body carries its events; None without a content type, or with one that is not read."""
    content_type = headers.get("content-type", "")
    return envelope.mode_of(content_type) if content_type else None


def read(headers: Mapping[str, str], body: bytes, max_batch: int, max_event_bytes: int = MAX_EVENT_BYTES) -> Reading:
    """Read a request of one of the three modes. `headers` have lower-case names; their items may repeat one."""
    reading = Reading(max_event_bytes)
    mode = mode_of(headers)
    if mode is Mode.BATCH:
        _read_batch(body, max_batch, reading)
    elif mode is Mode.STRUCTURED:
        _take(reading, "", partial(envelope.read_structured, body), body, structured=True)
    else:
        _take(reading, "", partial(envelope.read_http, headers, body), body, structured=False)
    return reading


def _read_batch(body: bytes, max_batch: int, reading: Reading) -> None:
    try:
        members = [*_members(body.decode())]
    except (ValueError, RecursionError):  # not UTF-8, not JSON, not an array
        reading.errors.append(
            _error(
                "bad_json", "", "phải là một mảng JSON (UTF-8) các sự kiện", "must be a JSON array (UTF-8) of events"
            )
        )
        return
    if not members or len(members) > max_batch:
        reading.errors.append(
            _error(
                "too_large" if members else "schema",
                "",
                f"phải có từ 1 đến {max_batch} sự kiện",
                f"must hold 1 to {max_batch} events",
            )
        )
        return
    for index, text in enumerate(members):
        raw = text.encode()
        _take(reading, f"/{index}", partial(envelope.read_structured, raw), raw, structured=True)


def _members(text: str) -> Iterator[str]:
    """The members of a JSON array, each as the text that it was. Raises ValueError if it is none."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("not an array")
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        return
    while True:
        _, end = decoder.raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)
        if text[at : at + 1] == "]":
            if _skip(text, at + 1) != len(text):
                raise ValueError("something follows the array")
            return
        if text[at : at + 1] != ",":
            raise ValueError("no comma between two members")
        at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _take(reading: Reading, pointer: str, read: Callable[[], Event], raw: bytes, *, structured: bool) -> None:
    if len(raw) > reading.max_event_bytes:
        size, limit = f"{len(raw):,}", f"{reading.max_event_bytes:,}"
        vi = f"Sự kiện dài {size} byte, tối đa là {limit}".replace(",", ".").replace(". tối", ", tối")
        reading.errors.append(
            _error(
                "too_large",
                pointer,
                f"{vi}: mỗi sự kiện chỉ gửi một số liệu",
                f"The event has {size} bytes, at most {limit} are taken: send one figure an event",
            )
        )
        return
    try:
        event = read()
    except NotAnEvent as error:
        reading.errors.append(_not_an_event(error, pointer, structured=structured))
        return
    data = f"{pointer}/data" if structured else pointer
    if event.type != TYPE:
        reading.errors.append(
            _error(
                "not_cloudevent",
                f"{pointer}/type" if structured else "",
                f"phải có type {TYPE}",
                f"must have the type {TYPE}",
            )
        )
        return
    try:
        figure = StatisticReported.model_validate(_given(event.data))
    except ValidationError as error:
        reading.errors.extend(_schema_errors(error, data))
        return
    key = f"{figure.province}/{figure.kpi}/{figure.org_unit}"
    reading.reported.append(Reported(event.source, event.id, key, raw, _headers(event, structured=structured)))


def _headers(event: Event, *, structured: bool) -> list[tuple[str, bytes]]:
    if structured:
        return [("content-type", STRUCTURED.encode())]
    given = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type, "subject": event.subject}
    if event.time is not None:
        given["time"] = envelope.instant(event.time)
    attributes = {**{name: text for name, text in given.items() if text is not None}, **event.extensions}
    return [*((f"ce_{name}", text.encode()) for name, text in attributes.items()), ("content-type", JSON.encode())]


def _not_an_event(error: NotAnEvent, pointer: str, *, structured: bool) -> ErrorItem:
    if error.code == "bad_json":
        return _error(
            "bad_json",
            pointer,
            "không phải JSON đúng chuẩn (UTF-8 không có BOM, mỗi khóa một lần, không NaN)",
            "is not proper JSON (UTF-8 without a BOM, every key once, no NaN)",
        )
    name = (error.field or "").replace("~", "~0").replace("/", "~1")
    at = f"{pointer}/{name}" if structured and name else pointer
    return _error("not_cloudevent", at, error.why_vi, error.why)


def _given(data: Any) -> Any:
    """The fields that say something: an explicit null gives nothing."""
    if isinstance(data, dict) and None in data.values():
        return {name: value for name, value in data.items() if value is not None}
    return data


def _schema_errors(error: ValidationError, pointer: str) -> Iterator[ErrorItem]:
    """One error a field, though a field of several types may have failed as each of them."""
    problems = {
        str(problem["loc"][:1]): problem
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    }
    for problem in problems.values():
        # The steps of a union's members are no part of the document.
        steps = [
            str(step) for step in problem["loc"] if step in StatisticReported.model_fields or isinstance(step, int)
        ]
        code, vi, en = hint(problem)
        yield _error(code.value, "/".join([pointer, *steps]), vi, en)


def _error(code: str, pointer: str, vi: str, en: str) -> ErrorItem:
    return ErrorItem(code=code, pointer=pointer, message_vi=f"{vi}.", message_en=f"{en}.")
