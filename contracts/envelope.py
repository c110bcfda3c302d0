"""CloudEvents 1.0 and its Kafka binding: binary mode out, binary and structured mode in.

Narrow on purpose: JSON payloads only, no batches (those are HTTP's), no validation of what is inside. The official SDK
raises half a dozen exception types on hostile input and parses everything into mutable objects; here a record is either
an `Event` or one `NotAnEvent`, which still carries what could be read, so that the sender can be told.

`id` and `source` are taken character by character as they came, never normalised: a door that took two spellings for
one would let one publisher's event vanish behind another's.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from contracts import attributes, strict_json
from contracts.attributes import Headers, NotAnEvent
from contracts.content_types import BATCH, JSON, STRUCTURED, Mode, mode_of

__all__ = [
    "BATCH",
    "JSON",
    "STRUCTURED",
    "Event",
    "Headers",
    "Mode",
    "NotAnEvent",
    "from_object",
    "header",
    "instant",
    "mode_of",
    "read",
    "read_http",
    "read_structured",
    "write",
]


class Event(NamedTuple):
    """One CloudEvent whose data has been parsed, once."""

    id: str
    source: str
    type: str
    data: Any
    time: datetime | None = None
    subject: str | None = None
    extensions: Mapping[str, str] = MappingProxyType({})


def read(headers: Headers, value: bytes | None) -> Event:
    """Read one Kafka record in binary or structured mode. Raises only `NotAnEvent`."""
    given, content_type = attributes.of_record(headers)
    if value is None:
        raise attributes.unreadable(
            given,
            "not_cloudevent",
            None,
            "bản ghi không có nội dung (tombstone)",
            "the record has no value (a tombstone)",
        )
    mode = Mode.BINARY if content_type == JSON else mode_of(content_type)
    if mode is Mode.BINARY:
        return _event(given, value)
    if mode is Mode.STRUCTURED:
        return read_structured(value)
    if mode is Mode.BATCH:
        raise attributes.unreadable(
            given,
            "not_cloudevent",
            "content-type",
            "một lô sự kiện chỉ gửi được qua HTTP: trên Kafka mỗi bản ghi là một sự kiện",
            "a batch is taken over HTTP only: on Kafka send one event a record",
        )
    raise attributes.unreadable(given, "not_cloudevent", *attributes.other_content("content-type", content_type))


def read_http(headers: Mapping[str, str], body: bytes) -> Event:
    """Read one event of an HTTP request in binary (`ce-…` headers) or structured mode. Raises only `NotAnEvent`.

    `headers` may give one name several times among their `items()`, as those of Starlette do.
    """
    mode = mode_of(next((text for name, text in headers.items() if name.lower() == "content-type"), ""))
    if mode is Mode.STRUCTURED:
        return read_structured(body)
    return _event(attributes.of_request(headers), body)


def read_structured(value: bytes) -> Event:
    """Read one event in structured mode. Raises only `NotAnEvent`."""
    try:
        whole = strict_json.loads(value)
    except strict_json.BadJson as error:
        raise NotAnEvent("bad_json", error.vi, str(error)) from None
    return from_object(whole)


def from_object(whole: Any) -> Event:
    """An event from the parsed JSON of structured mode, or from one member of a batch. Raises only `NotAnEvent`."""
    if not isinstance(whole, dict):
        raise NotAnEvent(
            "not_cloudevent",
            "sự kiện dạng structured phải là một đối tượng JSON",
            "an event in structured mode is a JSON object",
        )
    given = {k: v for k, v in whole.items() if k not in ("data", "data_base64") and isinstance(v, str)}
    if "data_base64" not in whole:
        return _event(given, whole.get("data"), parsed=True)
    if "data" in whole:
        raise attributes.unreadable(
            given,
            "not_cloudevent",
            "data_base64",
            "data và data_base64 không đi cùng nhau: chỉ gửi data",
            "data and data_base64 stand side by side: send data alone",
        )
    try:
        data = base64.b64decode(whole["data_base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise attributes.unreadable(
            given, "not_cloudevent", "data_base64", "data_base64 không phải base64", "data_base64 is not base64"
        ) from None
    return _event(given, data)


def write(
    *,
    id: str,
    source: str,
    type: str,
    time: datetime,
    subject: str | None = None,
    extensions: Mapping[str, str] | None = None,
) -> list[tuple[str, bytes]]:
    """The Kafka headers of an event in binary mode. The value beside them is the payload's JSON."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type.encode()),
        ("ce_time", instant(time).encode()),
        ("content-type", JSON.encode()),
    ]
    if subject is not None:
        headers.append(("ce_subject", subject.encode()))
    headers += [(f"ce_{name}", text.encode()) for name, text in (extensions or {}).items()]
    return headers


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def header(headers: Iterable[tuple[str, bytes | None]], name: str) -> str | None:
    """One header as text, or None if it is absent or not UTF-8."""
    for key, value in headers:
        if key == name and value is not None:
            try:
                return value.decode()
            except UnicodeDecodeError:
                return None
    return None


_KNOWN = {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema"}


def _event(given: Mapping[str, str], data: Any, *, parsed: bool = False) -> Event:
    time = attributes.checked(given)
    if not parsed:
        try:
            data = strict_json.loads(data)
        except strict_json.BadJson as error:
            raise attributes.unreadable(given, "bad_json", "data", error.vi, str(error)) from None
    extensions = {name: text for name, text in given.items() if name not in _KNOWN}
    return Event(given["id"], given["source"], given["type"], data, time, given.get("subject"), extensions)
