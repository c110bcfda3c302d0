"""Reading the body of `POST statistics`: events in, records for the topic or a list of what is wrong out. Pure.

Only what an event shows by itself, and whose it is, is checked here: envelope, type, source, schema. Whether the KPI
exists and the publisher may report it is ingest's business, which has the catalog and the ledger. A request is taken
whole or not at all.

The bytes of an event are published as they came: a decimal keeps its digits, and the archive shows what was sent.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import orjson
from pydantic import ValidationError

from contracts import envelope
from contracts.envelope import BATCH, JSON, STRUCTURED, Event, Mode, NotAnEvent
from contracts.observations import observation_id
from contracts.statistics import MAX_EVENT_BYTES, StatisticReported
from contracts.topics import STATISTICS_REPORTED
from services.gateway import batches
from services.gateway.hints import hint
from services.gateway.problems import ErrorItem
from services.runtime.sameness import digest_of

TYPE = next(iter(STATISTICS_REPORTED.payloads))

MODES = (JSON, STRUCTURED, BATCH)

SLICE_BYTES = 20_000
"""So much is read without pause: some fifty events, which take about a millisecond."""

Speaks = Callable[[str], bool]
"""Whether a source is the sender's to speak as."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One event that may be published. `repeated`: it stands in the request before, and need not go out again."""

    source: str
    id: str
    key: str
    value: bytes
    headers: list[tuple[str, bytes]]
    repeated: bool = False

    @property
    def observation_id(self) -> str:
        """The id that its observation will have, if it is accepted."""
        return observation_id(self.source, self.id)

    @property
    def structured(self) -> bytes:
        """The event as one JSON object, its data exactly as they came."""
        attributes = {name[3:]: text.decode() for name, text in self.headers if name.startswith("ce_")}
        if not attributes:
            return self.value
        return orjson.dumps(attributes)[:-1] + b',"data":' + self.value + b"}"


@dataclass(slots=True)
class Reading:
    """What a body holds: what may be published, or what is wrong. `events` counts the good and the bad."""

    max_event_bytes: int
    speaks: Speaks
    reported: list[Reported] = field(default_factory=list)
    errors: list[ErrorItem] = field(default_factory=list)
    events: int = 0
    first: dict[tuple[str, str], "_First"] = field(default_factory=dict)


@dataclass(slots=True)
class _First:
    """The first event of a source and id in a request. Its data are read again where another comes under its id."""

    pointer: str
    event: Reported
    digest: bytes = b""

    def says(self, digest: bytes) -> bool:
        """Whether its data have this digest."""
        self.digest = self.digest or digest_of(envelope.read_structured(self.event.value).data, self.event.value)
        return self.digest == digest


def mode_of(headers: Mapping[str, str]) -> Mode | None:
    """How the body carries its events; None without a content type, or with one that is not read."""
    content_type = headers.get("content-type", "")
    return envelope.mode_of(content_type) if content_type else None


def read(
    headers: Mapping[str, str],
    body: bytes,
    max_batch: int,
    max_event_bytes: int = MAX_EVENT_BYTES,
    speaks: Speaks = lambda source: True,
) -> Reading:
    """Read a request of one of the three modes, without pause. `headers` have lower-case names; their items
    may repeat one."""
    reading = Reading(max_event_bytes, speaks)
    for _ in steps(reading, headers, body, max_batch):
        pass
    return reading


def steps(reading: Reading, headers: Mapping[str, str], body: bytes, max_batch: int) -> Iterator[None]:
    """The same into `reading`, with a pause after each `SLICE_BYTES`, in which others may have their turn."""
    mode = mode_of(headers)
    if mode is Mode.BATCH:
        yield from _read_batch(body, max_batch, reading)
        return
    reading.events = 1
    if mode is Mode.STRUCTURED:
        _take(reading, "", partial(envelope.read_structured, body), body, structured=True)
    else:
        _take(reading, "", partial(envelope.read_http, headers, body), body, structured=False)


def _read_batch(body: bytes, max_batch: int, reading: Reading) -> Iterator[None]:
    read = 0
    try:
        for index, member in enumerate(batches.members(batches.text_of(body))):
            if index == max_batch:
                reading.reported.clear()
                reading.errors = [_wrong_size("too_large", max_batch)]
                return
            reading.events = index + 1
            _take_member(reading, f"/{index}", member)
            read += len(member.text)
            if read >= SLICE_BYTES:
                read = 0
                yield
    except batches.NotAnArray:
        vi, en = "phải là một mảng JSON (UTF-8) các sự kiện", "must be a JSON array (UTF-8) of events"
        reading.errors.append(_error("bad_json", "", vi, en))
        return
    if not reading.events:
        reading.errors.append(_wrong_size("schema", max_batch))


def _wrong_size(code: str, max_batch: int) -> ErrorItem:
    return _error(code, "", f"phải có từ 1 đến {max_batch} sự kiện", f"must hold 1 to {max_batch} events")


def _take_member(reading: Reading, pointer: str, member: batches.Member) -> None:
    try:
        raw = member.text.encode()
    except UnicodeEncodeError:
        raw = b""
    if member.broken or not raw:
        reading.errors.append(_bad_json(pointer))
    else:
        _take(reading, pointer, partial(envelope.from_object, member.value), raw, structured=True)


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
        at = f"{pointer}/type" if structured else ""
        reading.errors.append(_error("not_cloudevent", at, f"phải có type {TYPE}", f"must have the type {TYPE}"))
        return
    if not reading.speaks(event.source):
        reading.errors.append(_not_theirs(f"{pointer}/source" if structured else ""))
    try:
        figure = StatisticReported.model_validate(event.data)
    except ValidationError as error:
        reading.errors.extend(_schema_errors(error, data))
        return
    key = f"{figure.province}/{figure.kpi}/{figure.org_unit}"
    _keep(reading, pointer, Reported(event.source, event.id, key, raw, _headers(event, structured=structured)), event)


def _keep(reading: Reading, pointer: str, one: Reported, event: Event) -> None:
    """An id that stands twice in a request is the same event twice, or a mistake that only its sender can mend."""
    first = reading.first.setdefault((one.source, one.id), _First(pointer, one))
    if first.event is one:
        reading.reported.append(one)
    elif first.says(digest_of(event.data, one.value)):
        reading.reported.append(replace(one, repeated=True))
    else:
        vi = f"id đã có trong yêu cầu này, ở {first.pointer}, với nội dung khác: mỗi sự kiện cần một id riêng"
        en = f"the id stands at {first.pointer} already, with other content: each event needs an id of its own"
        reading.errors.append(_error("identity_reused", f"{pointer}/id", vi, en))


def _not_theirs(pointer: str) -> ErrorItem:
    return _error(
        "not_your_source",
        pointer,
        "source không thuộc đơn vị cung cấp của khóa này: ghi đúng source đã đăng ký trong danh mục",
        "the source does not belong to the publisher of this key: write one that the catalog has for it",
    )


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
        return _bad_json(pointer)
    name = (error.field or "").replace("~", "~0").replace("/", "~1")
    at = f"{pointer}/{name}" if structured and name else pointer
    return _error("not_cloudevent", at, error.why_vi, error.why)


def _bad_json(pointer: str) -> ErrorItem:
    return _error(
        "bad_json",
        pointer,
        "không phải JSON đúng chuẩn (UTF-8 không có BOM, mỗi khóa một lần, không NaN)",
        "is not proper JSON (UTF-8 without a BOM, every key once, no NaN)",
    )


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
