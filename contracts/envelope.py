"""CloudEvents 1.0 and its Kafka binding: binary mode out, binary and structured mode in.

Narrow on purpose: JSON payloads only, no batches (those are HTTP's), no validation of what is inside. The official SDK
raises half a dozen exception types on hostile input and parses everything into mutable objects; here a record is either
an `Event` or one `NotAnEvent`, which still carries what could be read, so that the sender can be told.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from contracts import strict_json

JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

MAX_ATTRIBUTE = 2048
"""Characters that an attribute may have; ids and URIs of honest systems are far shorter."""

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Event:
    """One CloudEvent whose data has been parsed, once."""

    id: str
    source: str
    type: str
    data: Any
    time: datetime | None = None
    subject: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)


class NotAnEvent(ValueError):
    """The record cannot be read. `code` is `not_cloudevent` or `bad_json`; `id`, `source`, `time` if readable."""

    def __init__(
        self,
        code: Literal["not_cloudevent", "bad_json"],
        why: str,
        *,
        field: str | None = None,
        id: str | None = None,
        source: str | None = None,
        time: datetime | None = None,
    ) -> None:
        super().__init__(why)
        self.code: Literal["not_cloudevent", "bad_json"] = code
        self.why = why
        self.field = field
        self.id = id
        self.source = source
        self.time = time


def read(headers: Headers, value: bytes | None) -> Event:
    """Read one Kafka record in binary or structured mode. Raises only `NotAnEvent`."""
    attributes, content_type = _text_headers(headers)
    if value is None:
        raise _unreadable_attributes(attributes, "not_cloudevent", "the record has no value (a tombstone)", None)
    if content_type != JSON and content_type.split(";")[0].strip().lower() == STRUCTURED:
        return read_structured(value)
    return _event(attributes, value)


def read_http(headers: Mapping[str, str], body: bytes) -> Event:
    """Read one event of an HTTP request in binary (`ce-…` headers) or structured mode. Raises only `NotAnEvent`."""
    named = {name.lower(): text for name, text in headers.items()}
    if named.get("content-type", "").split(";")[0].strip().lower() == STRUCTURED:
        return read_structured(body)
    return _event({name[3:]: text for name, text in named.items() if name.startswith("ce-")}, body)


def read_structured(value: bytes) -> Event:
    """Read one event in structured mode. Raises only `NotAnEvent`."""
    try:
        whole = strict_json.loads(value)
    except strict_json.BadJson as error:
        raise NotAnEvent("bad_json", str(error)) from None
    return from_object(whole)


def from_object(whole: Any) -> Event:
    """An event from the parsed JSON of structured mode, or from one member of a batch. Raises only `NotAnEvent`."""
    if not isinstance(whole, dict):
        raise NotAnEvent("not_cloudevent", "structured mode is a JSON object")
    attributes = {k: v for k, v in whole.items() if k not in ("data", "data_base64") and isinstance(v, str)}
    if "data_base64" in whole:
        try:
            data = base64.b64decode(whole["data_base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise _unreadable_attributes(
                attributes, "not_cloudevent", "data_base64 is not base64", "data_base64"
            ) from None
        return _event(attributes, data)
    return _event(attributes, whole.get("data"), parsed=True)


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


_REQUIRED = ("specversion", "id", "source", "type")
_KNOWN = {*_REQUIRED, "time", "subject", "datacontenttype", "dataschema"}


def _text_headers(headers: Headers) -> tuple[dict[str, str], str]:
    """Attributes as text, names in lower case, and the content type; what is not UTF-8 is as good as absent."""
    attributes: dict[str, str] = {}
    content_type = ""
    for name, value in headers:
        if value is None:
            continue
        try:
            text = value.decode()
        except UnicodeDecodeError:
            continue
        lower = name.lower()
        if lower[:3] == "ce_":
            attributes[lower[3:]] = text
        elif lower == "content-type":
            content_type = text
    return attributes, content_type


def _event(attributes: Mapping[str, str], data: Any, *, parsed: bool = False) -> Event:
    for name in _REQUIRED:
        if not attributes.get(name):
            raise _unreadable_attributes(
                attributes, "not_cloudevent", f"the attribute ce_{name} is missing or empty", name
            )
    together = "".join(attributes.values())
    if len(together) > MAX_ATTRIBUTE or not together.isprintable():
        _check_each(attributes)
    if attributes["specversion"] != "1.0":
        why = f"specversion is {attributes['specversion']!r}; only 1.0 is spoken here"
        raise _unreadable_attributes(attributes, "not_cloudevent", why, "specversion")
    time = _time(attributes)
    if not parsed:
        try:
            data = strict_json.loads(data)
        except strict_json.BadJson as error:
            raise _unreadable_attributes(attributes, "bad_json", str(error), "data") from None
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        data=data,
        time=time,
        subject=attributes.get("subject"),
        extensions={name: attributes[name] for name in attributes.keys() - _KNOWN},
    )


def _check_each(attributes: Mapping[str, str]) -> None:
    for name, text in attributes.items():
        if len(text) > MAX_ATTRIBUTE or not text.isprintable():
            why = f"the attribute ce_{name} is longer than {MAX_ATTRIBUTE} characters or has control characters"
            raise _unreadable_attributes(attributes, "not_cloudevent", why, name)


def _time(attributes: Mapping[str, str]) -> datetime | None:
    text = attributes.get("time")
    if text is None:
        return None
    moment = _moment(text)
    if moment is None:
        why = f"ce_time is {text!r}; write an RFC 3339 instant with offset (2023-09-30T16:00:00+07:00)"
        raise _unreadable_attributes({**attributes, "time": ""}, "not_cloudevent", why, "time")
    return moment


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _unreadable_attributes(
    attributes: Mapping[str, str], code: Literal["not_cloudevent", "bad_json"], why: str, field: str | None
) -> NotAnEvent:
    def readable(name: str) -> str | None:
        text = attributes.get(name)
        return text if text and len(text) <= MAX_ATTRIBUTE and text.isprintable() else None

    return NotAnEvent(
        code, why, field=field, id=readable("id"), source=readable("source"), time=_moment(attributes.get("time"))
    )
