"""CloudEvents 1.0 and its Kafka binding: binary mode out, binary and structured mode in.

Narrow on purpose: JSON payloads only, no batches (those are HTTP's), no validation of what is inside. The official SDK
raises half a dozen exception types on hostile input and parses everything into mutable objects; here a record is either
an `Event` or one `NotAnEvent`, which still carries what could be read, so that the sender can be told.

`id` and `source` are taken character by character as they came, never normalised: a door that took two spellings for
one would let one publisher's event vanish behind another's.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from contracts import strict_json

JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

MAX_ATTRIBUTE = 2048
"""Characters that an attribute may have; ids and URIs of honest systems are far shorter."""

MAX_ATTRIBUTES = 40
"""Attributes that an event may have, its extensions included."""

MAX_TOGETHER = 16_384
"""Characters that the values of all its attributes may have together."""

MAX_HEADERS = 200
"""Headers that a record may have, whatever they are called: systems on the way add some of their own."""


class Mode(Enum):
    """How an event is carried, as the content type says."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCH = "batch"


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
    """The record cannot be read. `code` is `not_cloudevent` or `bad_json`; `id`, `source`, `time` if readable.

    `why` and `why_vi` are clauses that say what is wrong and what to send instead; `given` is what stood there.
    """

    def __init__(
        self,
        code: Literal["not_cloudevent", "bad_json"],
        why_vi: str,
        why: str,
        *,
        field: str | None = None,
        given: str | None = None,
        id: str | None = None,
        source: str | None = None,
        time: datetime | None = None,
    ) -> None:
        super().__init__(why)
        self.code: Literal["not_cloudevent", "bad_json"] = code
        self.why_vi = why_vi
        self.why = why
        self.field = field
        self.given = given
        self.id = id
        self.source = source
        self.time = time


def mode_of(content_type: str) -> Mode | None:
    """How events of this content type are carried; None where it is not read here.

    Without one the payload is taken for JSON, as CloudEvents has it. Other encodings of JSON than UTF-8 are not read.
    """
    if content_type == JSON or not content_type:
        return Mode.BINARY
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            return None
    if media.startswith("application/cloudevents"):
        return _OF_CLOUDEVENTS.get(media)
    return Mode.BINARY if media == JSON or _JSON_SUFFIX.fullmatch(media) else None


_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
_OF_CLOUDEVENTS = {STRUCTURED: Mode.STRUCTURED, BATCH: Mode.BATCH}
_JSON_SUFFIX = re.compile(r"application/[a-z0-9][a-z0-9!#$&^_.-]*\+json")


def read(headers: Headers, value: bytes | None) -> Event:
    """Read one Kafka record in binary or structured mode. Raises only `NotAnEvent`."""
    attributes, content_type = _text_headers(headers)
    if value is None:
        raise _unreadable(
            attributes,
            "not_cloudevent",
            None,
            "bản ghi không có nội dung (tombstone)",
            "the record has no value (a tombstone)",
        )
    mode = Mode.BINARY if content_type == JSON else mode_of(content_type)
    if mode is Mode.BINARY:
        return _event(attributes, value)
    if mode is Mode.STRUCTURED:
        return read_structured(value)
    if mode is Mode.BATCH:
        raise _unreadable(
            attributes,
            "not_cloudevent",
            "content-type",
            "một lô sự kiện chỉ gửi được qua HTTP: trên Kafka mỗi bản ghi là một sự kiện",
            "a batch is taken over HTTP only: on Kafka send one event a record",
        )
    raise _other_content(attributes, "content-type", content_type)


def read_http(headers: Mapping[str, str], body: bytes) -> Event:
    """Read one event of an HTTP request in binary (`ce-…` headers) or structured mode. Raises only `NotAnEvent`.

    `headers` may give one name several times among their `items()`, as those of Starlette do.
    """
    mode = mode_of(next((text for name, text in headers.items() if name.lower() == "content-type"), ""))
    if mode is Mode.STRUCTURED:
        return read_structured(body)
    attributes: dict[str, str] = {}
    for name, text in headers.items():
        lower = name.lower()
        if lower[:3] == "ce-":
            _put(attributes, lower, _decoded(lower, text))
    return _event(attributes, body)


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
    attributes = {k: v for k, v in whole.items() if k not in ("data", "data_base64") and isinstance(v, str)}
    if "data_base64" not in whole:
        return _event(attributes, whole.get("data"), parsed=True)
    if "data" in whole:
        raise _unreadable(
            attributes,
            "not_cloudevent",
            "data_base64",
            "data và data_base64 không đi cùng nhau: chỉ gửi data",
            "data and data_base64 stand side by side: send data alone",
        )
    try:
        data = base64.b64decode(whole["data_base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise _unreadable(
            attributes, "not_cloudevent", "data_base64", "data_base64 không phải base64", "data_base64 is not base64"
        ) from None
    return _event(attributes, data)


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
    if len(headers) > MAX_HEADERS:
        raise _flooded(headers)
    attributes: dict[str, str] = {}
    content_type = ""
    others = 0
    for name, value in headers:
        try:
            text = value.decode() if value is not None else None
        except UnicodeDecodeError:
            text = None
        lower = name.lower()
        if text is not None and lower[:3] == "ce_":
            attributes[lower[3:]] = text
            continue
        others += 1
        if text is not None and lower == "content-type":
            content_type = text
    if len(attributes) + others != len(headers):
        _same_where_twice(headers)
    return attributes, content_type


def _flooded(headers: Headers) -> NotAnEvent:
    attributes, _ = _text_headers(headers[:MAX_HEADERS])
    return _unreadable(
        attributes,
        "not_cloudevent",
        None,
        f"bản ghi có {len(headers)} header, tối đa là {MAX_HEADERS}",
        f"the record has {len(headers)} headers, at most {MAX_HEADERS} are taken",
    )


def _same_where_twice(headers: Headers) -> None:
    """Some attribute stands twice: nothing is wrong where it says the same both times."""
    attributes: dict[str, str] = {}
    for name, value in headers:
        text = header([(name, value)], name)
        if text is not None and name[:3].lower() == "ce_":
            _put(attributes, name.lower(), text)


def _put(attributes: dict[str, str], header: str, text: str) -> None:
    if attributes.setdefault(header[3:], text) != text:
        raise _twice(attributes, header)


def _twice(attributes: Mapping[str, str], header: str) -> NotAnEvent:
    """Which of the two is meant nobody can tell; least of all where it is the identity."""
    name = header[3:]
    return _unreadable(
        {**attributes, name: ""},
        "not_cloudevent",
        name,
        f"{header} có hai lần với hai giá trị khác nhau: chỉ ghi một lần",
        f"{header} stands twice with two values: write it once",
    )


_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def _decoded(header: str, text: str) -> str:
    """The attribute that an HTTP header carries (CloudEvents HTTP binding, 3.1.3.2): quotes off, one round of percents.

    Servers give the bytes of a header as Latin-1; UTF-8 that somebody sent unencoded is read as what it is.
    """
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        text = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    if text.isascii() and "%" not in text:
        return text
    try:
        if _STRAY_PERCENT.search(text):
            raise ValueError
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except ValueError:  # what is no Latin-1, or no UTF-8, is one too
        raise NotAnEvent(
            "not_cloudevent",
            f"{header} phải là UTF-8, mã hóa phần trăm (dấu % viết là %25)",
            f"{header} must be UTF-8, percent-encoded (a percent sign as %25)",
            field=header[3:],
        ) from None


def _event(attributes: Mapping[str, str], data: Any, *, parsed: bool = False) -> Event:
    for name in _REQUIRED:
        if not attributes.get(name):
            raise _unreadable(
                attributes,
                "not_cloudevent",
                name,
                f"thuộc tính {name} thiếu, trống hoặc không phải chuỗi",
                f"the attribute {name} is missing, empty or no text",
            )
    together = "".join(attributes.values())
    if len(together) > MAX_ATTRIBUTE or len(attributes) > MAX_ATTRIBUTES or not together.isprintable():
        _check_each(attributes, len(together))
    if attributes["specversion"] != "1.0":
        raise _unreadable(
            attributes,
            "not_cloudevent",
            "specversion",
            "specversion phải là 1.0",
            "specversion must be 1.0",
            attributes["specversion"],
        )
    content_type = attributes.get("datacontenttype", JSON)
    if content_type != JSON and mode_of(content_type) is not Mode.BINARY:
        raise _other_content(attributes, "datacontenttype", content_type)
    time = _time(attributes)
    if not parsed:
        try:
            data = strict_json.loads(data)
        except strict_json.BadJson as error:
            raise _unreadable(attributes, "bad_json", "data", error.vi, str(error)) from None
    return Event(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        data=data,
        time=time,
        subject=attributes.get("subject"),
        extensions={name: attributes[name] for name in attributes.keys() - _KNOWN},
    )


def _check_each(attributes: Mapping[str, str], together: int) -> None:
    if len(attributes) > MAX_ATTRIBUTES or together > MAX_TOGETHER:
        raise _unreadable(
            attributes,
            "not_cloudevent",
            None,
            f"sự kiện có {len(attributes)} thuộc tính dài {together} ký tự; "
            f"tối đa {MAX_ATTRIBUTES} thuộc tính và {MAX_TOGETHER} ký tự",
            f"the event has {len(attributes)} attributes of {together} characters; "
            f"at most {MAX_ATTRIBUTES} attributes and {MAX_TOGETHER} characters are taken",
        )
    for name, text in attributes.items():
        if len(text) > MAX_ATTRIBUTE or not text.isprintable():
            shown = name[:80] if name.isprintable() else "…"
            raise _unreadable(
                attributes,
                "not_cloudevent",
                shown,
                f"thuộc tính {shown} dài hơn {MAX_ATTRIBUTE} ký tự hoặc có ký tự điều khiển",
                f"the attribute {shown} is longer than {MAX_ATTRIBUTE} characters or has control characters",
            )


def _other_content(attributes: Mapping[str, str], field: str, content_type: str) -> NotAnEvent:
    sent = JSON if field == "datacontenttype" else f"{JSON}, {STRUCTURED}"
    return _unreadable(
        attributes,
        "not_cloudevent",
        field,
        f"{field} không đọc được ở đây: hãy gửi {sent} (UTF-8)",
        f"{field} is not read here: send {sent} (UTF-8)",
        content_type,
    )


def _time(attributes: Mapping[str, str]) -> datetime | None:
    text = attributes.get("time")
    if text is None:
        return None
    moment = _moment(text)
    if moment is None:
        how = "2023-09-30T16:00:00+07:00"
        raise _unreadable(
            {**attributes, "time": ""},
            "not_cloudevent",
            "time",
            f"time phải là thời điểm RFC 3339 có múi giờ ({how})",
            f"time must be an RFC 3339 instant with offset ({how})",
            text,
        )
    return moment


def _moment(text: str | None) -> datetime | None:
    """RFC 3339 allows `t` and `z`, which the standard library does not read."""
    try:
        moment = datetime.fromisoformat(text.upper()) if text else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _unreadable(
    attributes: Mapping[str, str],
    code: Literal["not_cloudevent", "bad_json"],
    field: str | None,
    vi: str,
    en: str,
    given: str | None = None,
) -> NotAnEvent:
    def readable(name: str) -> str | None:
        text = attributes.get(name)
        return text if text and len(text) <= MAX_ATTRIBUTE and text.isprintable() else None

    time = _moment(attributes.get("time"))
    return NotAnEvent(code, vi, en, field=field, given=given, id=readable("id"), source=readable("source"), time=time)
