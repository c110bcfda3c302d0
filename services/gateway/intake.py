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

from contracts import envelope, strict_json
from contracts.envelope import BATCH, JSON, STRUCTURED, Event, Mode, NotAnEvent
from contracts.observations import observation_id
from contracts.statistics import MAX_EVENT_BYTES, StatisticReported
from contracts.topics import STATISTICS_REPORTED
from services.gateway import batches
from services.gateway.hints import hint
from services.gateway.problems import MAX_ERRORS, ErrorItem
from services.runtime.sameness import digest_of

TYPE = next(iter(STATISTICS_REPORTED.payloads))

MODES = (JSON, STRUCTURED, BATCH)

SLICE_BYTES = 20_000
"""So much is read without pause: some fifty events, which take about a millisecond."""

_LEAST = 200
"""What a shorter member is counted as: what is wrong with it takes its time all the same."""

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
    """What a body holds: what may be published, or what is wrong. `events` counts the good and the bad.

    Of what is wrong the first `MAX_ERRORS` are kept; `wrong` counts all, `not_theirs` says that a source is among it.
    """

    max_event_bytes: int
    speaks: Speaks
    reported: list[Reported] = field(default_factory=list)
    errors: list[ErrorItem] = field(default_factory=list)
    wrong: int = 0
    not_theirs: bool = False
    events: int = 0
    first: dict[tuple[str, str], "_First"] = field(default_factory=dict)

    def tell(self, error: ErrorItem) -> None:
        """One more thing that is wrong."""
        self.wrong += 1
        self.not_theirs |= error.code == "not_your_source"
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(error)


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
    text = batches.text_of(body)
    lines = batches.Lines(text)
    try:
        for index, member in enumerate(batches.members(text)):
            if index == max_batch:
                reading.reported.clear()
                reading.errors.clear()
                reading.wrong = 0
                reading.tell(_wrong_size("too_large", max_batch))
                return
            reading.events = index + 1
            _take_member(reading, f"/{index}", member, lines)
            read += max(_LEAST, len(member.text))
            if read >= SLICE_BYTES:
                read = 0
                yield
    except batches.NotAnArray as error:
        vi, en = "phải là một mảng JSON (UTF-8) các sự kiện", "must be a JSON array (UTF-8) of events"
        reading.tell(_error("bad_json", "", f"{vi}: {error.vi}", f"{en}: {error}"))
        return
    if not reading.events:
        reading.tell(_wrong_size("schema", max_batch))


def _wrong_size(code: str, max_batch: int) -> ErrorItem:
    return _error(code, "", f"phải có từ 1 đến {max_batch} sự kiện", f"must hold 1 to {max_batch} events")


def _take_member(reading: Reading, pointer: str, member: batches.Member, lines: batches.Lines) -> None:
    broken = member.broken
    try:
        raw = member.text.encode()
    except UnicodeEncodeError as error:
        broken = batches.Broken("các byte không phải UTF-8", "the bytes are not UTF-8", member.at + error.start)
    if broken is None:
        _take(reading, pointer, partial(envelope.from_object, member.value), raw, structured=True)
        return
    vi, en = broken.vi, broken.en
    if broken.at is not None and len(reading.errors) < MAX_ERRORS:
        place_vi, place_en = lines.place(broken.at)
        vi, en = f"{vi} ở {place_vi} của yêu cầu", f"{en} at {place_en} of the request"
    reading.tell(_bad_json(pointer, vi, en))


def _take(reading: Reading, pointer: str, read: Callable[[], Event], raw: bytes, *, structured: bool) -> None:
    if len(raw) > reading.max_event_bytes:
        size, limit = f"{len(raw):,}", f"{reading.max_event_bytes:,}"
        vi = f"Sự kiện dài {size} byte, tối đa là {limit}".replace(",", ".").replace(". tối", ", tối")
        reading.tell(
            _error(
                "too_large",
                pointer,
                f"{vi}: mỗi sự kiện chỉ gửi một số liệu",
                f"The event has {size} bytes, at most {limit} are taken: send one figure an event",
            )
        )
        return
    at = _Places(pointer, structured=structured)
    try:
        event = read()
    except NotAnEvent as error:
        _tell_of_no_event(reading, error, raw, at)
        return
    if event.type != TYPE:
        reading.tell(at.attribute("type", *_OTHER_TYPE))
    if not reading.speaks(event.source):
        reading.tell(_not_theirs(at))
    if event.type != TYPE:
        return
    try:
        figure = StatisticReported.model_validate(event.data)
    except ValidationError as error:
        _tell_of_schema(reading, error, at.data)
        return
    key = f"{figure.province}/{figure.kpi}/{figure.org_unit}"
    _keep(reading, pointer, Reported(event.source, event.id, key, raw, _headers(event, structured=structured)), event)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the parts of an event stand: in one JSON object, or in headers and the body."""

    pointer: str
    structured: bool

    @property
    def data(self) -> str:
        """A pointer to the figure."""
        return f"{self.pointer}/data" if self.structured else self.pointer

    def attribute(self, name: str | None, vi: str, en: str) -> ErrorItem:
        """What is wrong with an attribute."""
        if not name:
            return _error("not_cloudevent", self.pointer, vi, en)
        if self.structured:
            step = name.replace("~", "~0").replace("/", "~1")
            return _error("not_cloudevent", f"{self.pointer}/{step}", vi, en)
        header = name if name == "content-type" else f"ce-{name}"
        return _error("not_cloudevent", None, vi, en, header)


_OTHER_TYPE = f"phải có type {TYPE}", f"must have the type {TYPE}"


def _tell_of_no_event(reading: Reading, error: NotAnEvent, raw: bytes, at: _Places) -> None:
    """All that is wrong with it, what is in its data too: whoever mends it need not send it once for each mistake."""
    if error.code == "bad_json":
        reading.tell(_bad_json(at.pointer, error.why_vi, error.why))
    else:
        for one in error.wrong:
            reading.tell(at.attribute(one.field, one.vi, one.en))
    if error.type not in (None, TYPE):
        reading.tell(at.attribute("type", *_OTHER_TYPE))
    if error.source is not None and not reading.speaks(error.source):
        reading.tell(_not_theirs(at))
    if error.code == "bad_json" or error.type not in (None, TYPE):
        return
    try:
        data = strict_json.loads(raw)
        if at.structured:
            if not isinstance(data, dict) or "data_base64" in data:
                return
            data = data.get("data")
        StatisticReported.model_validate(data)
    except strict_json.BadJson as broken:
        reading.tell(_bad_json(at.data, broken.vi, str(broken)))
    except ValidationError as wrong:
        _tell_of_schema(reading, wrong, at.data)


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
        reading.tell(_error("identity_reused", f"{pointer}/id", vi, en))


def _not_theirs(at: _Places) -> ErrorItem:
    vi = "không thuộc đơn vị cung cấp của khóa này: ghi đúng source đã đăng ký trong danh mục"
    en = "does not belong to the publisher of this key: write one that the catalog has for it"
    if at.structured:
        return _error("not_your_source", f"{at.pointer}/source", f"source {vi}", f"the source {en}")
    return _error("not_your_source", None, f"ce-source {vi}", f"the source in ce-source {en}", "ce-source")


def _headers(event: Event, *, structured: bool) -> list[tuple[str, bytes]]:
    if structured:
        return [("content-type", STRUCTURED.encode())]
    given = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type, "subject": event.subject}
    if event.time is not None:
        given["time"] = envelope.instant(event.time)
    attributes = {**{name: text for name, text in given.items() if text is not None}, **event.extensions}
    return [*((f"ce_{name}", text.encode()) for name, text in attributes.items()), ("content-type", JSON.encode())]


def _bad_json(pointer: str, vi: str, en: str) -> ErrorItem:
    return _error(
        "bad_json",
        pointer,
        f"không phải JSON đúng chuẩn (UTF-8 không có BOM, mỗi khóa một lần, không NaN): {vi}",
        f"is not proper JSON (UTF-8 without a BOM, every key once, no NaN): {en}",
    )


def _tell_of_schema(reading: Reading, error: ValidationError, pointer: str) -> None:
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
        reading.tell(_error(code.value, "/".join([pointer, *steps]), vi, en))


def _error(code: str, pointer: str | None, vi: str, en: str, header: str | None = None) -> ErrorItem:
    return ErrorItem(code=code, pointer=pointer, header=header, message_vi=f"{vi}.", message_en=f"{en}.")
