"""What goes back: the rejection that tells a publisher what to mend."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from contracts import envelope
from contracts.observations import observation_id
from contracts.statistics import Problem, RejectionCode
from services.ingest import wording
from services.ingest.decide import ROW, Entry
from services.ingest.normalise import Raw, utc
from services.ingest.parking import WINDOW, Cause, ParkedSource
from services.ingest.wording import problem
from services.runtime.clock import EXTENSION

SOURCE = "urn:tiendo:ingest"
OBSERVATION_TYPE = "vn.tiendo.observation.recorded.v1"
REJECTION_TYPE = "vn.tiendo.statistic.rejected.v1"

MAX_ORIGINAL = 64 * 1024
"""Bytes of an original that a rejection repeats. The record itself stands in the topic, or in the quarantine."""

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Message(NamedTuple):
    """A record to be published."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event, or what may have been one, that is not taken."""

    source: str
    id: str | None
    reported_at: datetime
    problems: tuple[Problem, ...]
    data: Any
    """The payload as parsed; None where it could not be."""
    value: bytes
    traceparent: str | None


def observation_message(entry: Entry, *, stamped: bool, traceparent: str | None) -> Message:
    """The observation as it is published: each time the same bytes.

    `stamped`: with the business time at which it was accepted, for those downstream.
    """
    key, identity = entry.key, entry.observation_id
    common = _common_headers(key, entry.received_at, stamped)
    headers = [("ce_id", identity.encode()), *common, ("ce_traceparent", trace(traceparent, identity).encode())]
    return Message(key.encode(), entry.payload, headers)


@lru_cache(maxsize=1_024)
def _common_headers(key: str, received_at: datetime, stamped: bool) -> tuple[tuple[str, bytes], ...]:
    """What the observations of one KPI in one batch have in common."""
    headers = envelope.write(
        id="",
        source=SOURCE,
        type=OBSERVATION_TYPE,
        time=received_at,
        subject=key,
        extensions=stamp(received_at, stamped),
    )
    return tuple(header for header in headers if header[0] != "ce_id")


def stamp(moment: datetime, stamped: bool) -> dict[str, str]:
    """The business time, where it is not the system's: the same on redelivery."""
    return {EXTENSION: utc(moment)} if stamped else {}


def rejection_message(refusal: Refusal, raw: Raw, now: datetime, *, stamped: bool, seed: str) -> Message:
    """The rejection, under an id made of the coordinates; `seed` (32 hex) gives a trace where the event brings none."""
    content = {
        "source": refusal.source,
        "id": refusal.id,
        "reported_at": utc(refusal.reported_at),
        "problems": [found.model_dump(mode="json") for found in refusal.problems],
        "original": original(refusal.data, refusal.value),
        "raw": raw._asdict(),
    }
    headers = envelope.write(
        id=f"{raw.log}/{raw.partition}/{raw.offset}",
        source=SOURCE,
        type=REJECTION_TYPE,
        time=now,
        subject=refusal.source,
        extensions={**stamp(now, stamped), "traceparent": trace(refusal.traceparent, seed)},
    )
    return Message(refusal.source.encode(), orjson.dumps(content), headers)


def parked_message(parked: ParkedSource, *, stamped: bool) -> Message:
    """What the publisher of a parked source is told: each time the same, under an id made of the coordinates."""
    return _about_source(parked, "parked", source_parked(parked), parked.at, stamped=stamped)


def _about_source(parked: ParkedSource, word: str, said: Problem, at: datetime, *, stamped: bool) -> Message:
    source, raw = parked.source, parked.raw
    content = {
        "source": source,
        "id": None,
        "reported_at": utc(parked.at),
        "problems": [said.model_dump(mode="json")],
        "original": original(None, parked.value),
        "raw": raw._asdict(),
    }
    id = f"{word}/{raw.log}/{raw.partition}/{raw.offset}"
    headers = envelope.write(
        id=id,
        source=SOURCE,
        type=REJECTION_TYPE,
        time=at,
        subject=source,
        extensions={**stamp(at, stamped), "traceparent": trace(None, observation_id(source, id))},
    )
    return Message(source.encode(), orjson.dumps(content), headers)


def unparked_message(parked: ParkedSource, now: datetime, *, stamped: bool) -> Message:
    """What the publisher of a source is told that was parked and is read again, under an id made of the coordinates."""
    said = problem(
        RejectionCode.SOURCE_UNPARKED,
        "source",
        f"Nguồn “{parked.source}” đã được mở lại: số liệu gửi tới được tiếp nhận như thường lệ; những bản tin đã giữ "
        "trong thời gian tạm dừng được đọc lại khi đơn vị vận hành cho đọc lại.",
        f"The source “{parked.source}” is parked no longer: what it sends is taken as ever, and what was kept "
        "meanwhile is read once the operator replays it.",
        parked.source,
    )
    return _about_source(parked, "unparked", said, now, stamped=stamped)


def source_parked(parked: ParkedSource) -> Problem:
    """What is said of a source that is parked, to whoever sends under it or asks."""
    raw, count = parked.raw, parked.unreadable
    vi, en = f"{count} bản tin liên tiếp", f"{count} records in a row"
    if parked.cause == Cause.SHARE:
        vi = f"{count} trong {wording.vi(WINDOW)} bản tin gần nhất"
        en = f"{count} of the latest {wording.en(WINDOW)} records"
    return problem(
        RejectionCode.SOURCE_PARKED,
        "source",
        f"Nguồn “{parked.source}” đã bị tạm dừng tiếp nhận: {vi} không đọc được (bản tin cuối: {raw.topic}, phân vùng "
        f"{raw.partition}, vị trí {raw.offset}). Các bản tin gửi tiếp được giữ nguyên vẹn nhưng chưa được tính: hãy "
        "sửa phần mềm gửi rồi đề nghị đơn vị vận hành mở lại nguồn.",
        f"The source “{parked.source}” is parked: {en} could not be read (the last: {raw.topic}, partition "
        f"{raw.partition}, offset {raw.offset}). What it sends from now on is kept unchanged and not counted: mend the "
        "sender, then ask the operator to unpark the source.",
        parked.source,
    )


def trace(given: str | None, seed: str) -> str:
    """The event's own trace, or one made of `seed`, so that a redelivery belongs to the same."""
    if given is not None and _TRACEPARENT.fullmatch(given):
        return given
    return f"00-{seed}-{seed[16:]}-01"


def identity_reused(entry: Entry, id: str) -> Problem:
    """The refusal of another content under an identity that is taken. Who fills in a spreadsheet chose no id."""
    if id.startswith(ROW):
        return problem(
            RejectionCode.IDENTITY_REUSED,
            "revision",
            f"Dòng này đã được nhận lúc {utc(entry.received_at)} với nội dung khác và nội dung đó vẫn giữ nguyên: "
            "muốn sửa, ghi lần sửa (revision) cao hơn.",
            f"This row was accepted at {utc(entry.received_at)} with another content, which stands: to correct it, "
            "write a higher revision.",
            id,
        )
    return problem(
        RejectionCode.IDENTITY_REUSED,
        "id",
        f"Mã sự kiện “{id}” đã dùng cho nội dung khác, nhận lúc {utc(entry.received_at)} và vẫn giữ nguyên: "
        "gửi lại với ce_id mới; muốn sửa số liệu thì tăng revision.",
        f"The event id “{id}” was taken by another content, received at {utc(entry.received_at)}, which stands: "
        "send this one under a new ce_id; to correct a figure raise its revision.",
        id,
    )


def original(data: Any, value: bytes) -> orjson.Fragment | str:
    """The payload as parsed, if it is an object of bearable size, else its (first) bytes in base64."""
    if isinstance(data, dict) and len(value) <= MAX_ORIGINAL:
        try:
            return orjson.Fragment(orjson.dumps(data, default=lambda number: orjson.Fragment(str(number).encode())))
        except (orjson.JSONEncodeError, RecursionError):
            pass  # integers beyond 64 bits, depths, lone surrogates
        try:
            return orjson.Fragment(json.dumps(data, default=str, ensure_ascii=False).encode())
        except (UnicodeEncodeError, RecursionError):
            pass
    return base64.b64encode(value[:MAX_ORIGINAL]).decode()
