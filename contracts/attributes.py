"""The attributes of an event: taken from Kafka's headers or HTTP's, and held against what CloudEvents and we allow.

All that is wrong with them is told at once, in both languages, to whoever can be told: the error carries what could be
read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import unquote_to_bytes

from contracts.content_types import JSON, STRUCTURED, Mode, mode_of

MAX_ATTRIBUTE = 2048
"""Characters that an attribute may have; ids and URIs of honest systems are far shorter."""

MAX_IDENTITY_BYTES = 512
"""Bytes in UTF-8 that `id`, and `source`, may have: they are kept beside each figure, thousands of them together."""

MAX_ATTRIBUTES = 40
"""Attributes that an event may have, its extensions included."""

MAX_TOGETHER = 16_384
"""Characters that the values of all its attributes may have together."""

MAX_HEADERS = 200
"""Headers that a record may have, whatever they are called: systems on the way add some of their own."""

Headers = Sequence[tuple[str, bytes | None]]

Code = Literal["not_cloudevent", "bad_json"]


class Wrong(NamedTuple):
    """One thing that is wrong: clauses that say what, and what to send instead; `given` is what stood there."""

    field: str | None
    vi: str
    en: str
    given: str | None = None


class NotAnEvent(ValueError):
    """The record cannot be read. `code` is `not_cloudevent` or `bad_json`; `id`, `source`, `type`, `time` if readable.

    `wrong` is all that was found; `field`, `why`, `why_vi` and `given` are of the first.
    """

    def __init__(
        self,
        code: Code,
        why_vi: str,
        why: str,
        *,
        field: str | None = None,
        given: str | None = None,
        id: str | None = None,
        source: str | None = None,
        type: str | None = None,
        time: datetime | None = None,
        further: Sequence[Wrong] = (),
    ) -> None:
        super().__init__(why)
        self.code: Code = code
        self.why_vi = why_vi
        self.why = why
        self.field = field
        self.given = given
        self.id = id
        self.source = source
        self.type = type
        self.time = time
        self.wrong = (Wrong(field, why_vi, why, given), *further)


def of_record(headers: Headers) -> tuple[dict[str, str], str]:
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
        usual = _USUAL.get(name)
        if usual is not None and text is not None:
            attributes[usual] = text
            continue
        lower = name.lower()
        if text is not None and lower[:3] == "ce_":
            attributes[lower[3:]] = text
            continue
        others += 1
        if text is not None and lower == "content-type":
            if content_type not in ("", text):
                raise _twice(attributes, lower, lower)
            content_type = text
    if len(attributes) + others != len(headers):
        _same_where_twice(headers)
    return attributes, content_type


def of_request(headers: Mapping[str, str]) -> dict[str, str]:
    """Attributes of an HTTP request, decoded, names in lower case."""
    attributes: dict[str, str] = {}
    for name, text in headers.items():
        lower = name.lower()
        if lower[:3] == "ce-":
            _put(attributes, lower, _decoded(lower, text))
    return attributes


def checked(attributes: Mapping[str, str]) -> datetime | None:
    """The event's time, if it has one. Raises `NotAnEvent` with every attribute that is missing, malformed or too
    much."""
    get = attributes.get
    id, source, stamp = get("id"), get("source"), get("time")
    together = "".join(attributes.values())
    time = None if stamp is None else _moment(stamp)
    if (
        get("specversion") == "1.0"
        and id
        and source
        and get("type")
        and 4 * len(id) <= MAX_IDENTITY_BYTES >= 4 * len(source)
        and len(together) <= MAX_ATTRIBUTE
        and len(attributes) <= MAX_ATTRIBUTES
        and together.isprintable()
        and get("datacontenttype", JSON) == JSON
        and (stamp is None or time is not None)
    ):
        return time
    wrong = [*_all_wrong(attributes, len(together), time)]
    if wrong:
        first, *further = wrong
        raise unreadable(attributes, "not_cloudevent", *first, further=further)
    return time


def other_content(field: str, content_type: str) -> Wrong:
    """What is carried is not read here; `field` says where that stands."""
    sent = JSON if field == "datacontenttype" else f"{JSON}, {STRUCTURED}"
    return Wrong(
        field,
        f"{field} không đọc được ở đây: hãy gửi {sent} (UTF-8)",
        f"{field} is not read here: send {sent} (UTF-8)",
        content_type,
    )


def unreadable(
    attributes: Mapping[str, str],
    code: Code,
    field: str | None,
    vi: str,
    en: str,
    given: str | None = None,
    further: Sequence[Wrong] = (),
) -> NotAnEvent:
    """The error, with as much of the sender as these attributes tell."""

    def readable(name: str) -> str | None:
        text = attributes.get(name)
        return text if text and len(text) <= MAX_ATTRIBUTE and text.isprintable() else None

    return NotAnEvent(
        code,
        vi,
        en,
        field=field,
        given=given,
        id=readable("id"),
        source=readable("source"),
        type=readable("type"),
        time=_moment(attributes.get("time")),
        further=further,
    )


_REQUIRED = ("specversion", "id", "source", "type")

_USUAL = {
    f"ce_{name}": name
    for name in (*_REQUIRED, "time", "subject", "datacontenttype", "dataschema", "traceparent", "businesstime")
}
"""Headers that nearly every record has, as nearly everybody writes them."""


def _flooded(headers: Headers) -> NotAnEvent:
    attributes, _ = of_record(headers[:MAX_HEADERS])
    return unreadable(
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
        if value is not None and name[:3].lower() == "ce_":
            with suppress(UnicodeDecodeError):
                _put(attributes, name.lower(), value.decode())


def _put(attributes: dict[str, str], header: str, text: str) -> None:
    if attributes.setdefault(header[3:], text) != text:
        raise _twice(attributes, header[3:], header)


def _twice(attributes: Mapping[str, str], name: str, header: str) -> NotAnEvent:
    """Which of the two is meant nobody can tell; least of all where it is the identity."""
    return unreadable(
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


def _all_wrong(attributes: Mapping[str, str], together: int, time: datetime | None) -> Iterator[Wrong]:
    """Everything, in the order in which it is looked for; of one attribute the first thing only."""
    for name in _REQUIRED:
        if not attributes.get(name):
            yield Wrong(
                name,
                f"thuộc tính {name} thiếu, trống hoặc không phải chuỗi",
                f"the attribute {name} is missing, empty or no text",
            )
    if len(attributes) > MAX_ATTRIBUTES or together > MAX_TOGETHER:
        yield Wrong(
            None,
            f"sự kiện có {len(attributes)} thuộc tính dài {together} ký tự; "
            f"tối đa {MAX_ATTRIBUTES} thuộc tính và {MAX_TOGETHER} ký tự",
            f"the event has {len(attributes)} attributes of {together} characters; "
            f"at most {MAX_ATTRIBUTES} attributes and {MAX_TOGETHER} characters are taken",
        )
        return
    for name, text in attributes.items():
        missing = name in _REQUIRED and not text
        found = None if missing else _wrong_of_any(name, text) or _wrong_of(name, text, time)
        if found is not None:
            yield found


def _wrong_of_any(name: str, text: str) -> Wrong | None:
    if len(text) <= MAX_ATTRIBUTE and text.isprintable():
        return None
    shown = name[:80] if name.isprintable() else "…"
    return Wrong(
        shown,
        f"thuộc tính {shown} dài hơn {MAX_ATTRIBUTE} ký tự hoặc có ký tự điều khiển",
        f"the attribute {shown} is longer than {MAX_ATTRIBUTE} characters or has control characters",
    )


def _wrong_of(name: str, text: str, time: datetime | None) -> Wrong | None:
    if name in ("id", "source"):
        return _too_long(name, len(text.encode()))
    if name == "specversion" and text != "1.0":
        return Wrong(name, "specversion phải là 1.0", "specversion must be 1.0", text)
    if name == "datacontenttype" and text != JSON and mode_of(text) is not Mode.BINARY:
        return other_content(name, text)
    if name == "time" and time is None:
        how = "2023-09-30T16:00:00+07:00"
        vi, en = "time phải là thời điểm RFC 3339 có múi giờ", "time must be an RFC 3339 instant with offset"
        return Wrong(name, f"{vi} ({how})", f"{en} ({how})", text)
    return None


def _too_long(name: str, size: int) -> Wrong | None:
    if size <= MAX_IDENTITY_BYTES:
        return None
    return Wrong(
        name,
        f"thuộc tính {name} dài {size} byte (UTF-8), tối đa là {MAX_IDENTITY_BYTES}: hãy dùng {name} ngắn hơn",
        f"the attribute {name} has {size} bytes (UTF-8), at most {MAX_IDENTITY_BYTES} are taken: use a shorter one",
    )


def _moment(text: str | None) -> datetime | None:
    """RFC 3339 allows `t` and `z`, which the standard library does not read."""
    try:
        moment = datetime.fromisoformat(text.upper()) if text else None
        if moment is None or moment.tzinfo is None:
            return None
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
