"""What is fuzzed: functions of bytes that raise only where a promise is broken.

Where a target wants headers, the bytes are lines `name: value`, an empty line, and the value behind it.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

from contracts import envelope, strict_json
from contracts.attributes import MAX_ATTRIBUTE
from contracts.envelope import BATCH, STRUCTURED, Event, NotAnEvent
from services.gateway import intake
from services.ingest import batch, contract
from services.ingest.answers import rejection_message
from services.ingest.batch import Dead, Examiner
from services.ingest.contract import Unreadable
from services.ingest.desk import Desks
from tests.fuzz.promises import in_words
from tests.fuzz.sheets import csv, xlsx
from tests.unit.ingest.door import CATALOG, Record, the_logs

NOW = datetime(2023, 9, 30, 5, tzinfo=UTC)
MOST = 64 * 1024

Target = Callable[[bytes], None]


def split(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value. Names are Latin-1, so that every byte is one character of them."""
    head, _, value = data.partition(b"\n\n")
    pairs = [line.partition(b": ") for line in head.split(b"\n") if line]
    return [(name.decode("latin-1"), text) for name, _, text in pairs], value


def json_text(data: bytes) -> None:
    """Strict JSON is JSON: what it reads the standard library reads too, but for the digits of its numbers."""
    try:
        read = strict_json.loads(data)
    except strict_json.BadJson as error:
        in_words(error.vi, str(error))
        return
    plain = json.loads(data)
    assert type(plain) is type(read) or isinstance(plain, float)


def kafka(data: bytes) -> None:
    """A record in any mode."""
    headers, value = split(data)
    _read(lambda: envelope.read(headers, value))


def structured(data: bytes) -> None:
    """An event as one JSON object."""
    _read(lambda: envelope.read([("content-type", STRUCTURED.encode())], data))


def http(data: bytes) -> None:
    """A request of one event; what is taken is what ingest then reads, under the same identity."""
    headers, value = split(data)
    named = {name.lower(): text.decode("latin-1") for name, text in headers}
    if intake.mode_of(named) is None:
        return
    _taken(intake.read(named, value, 100, MOST))


def http_batch(data: bytes) -> None:
    """A request of many events."""
    _taken(intake.read({"content-type": BATCH}, data, 100, MOST))


def door(data: bytes) -> None:
    """The whole door over a small catalog: never a fault of ours, and every refusal can be written."""
    headers, value = split(data)
    examined = _examiner().examine([Record(value, headers)], NOW)
    for one in examined:
        if isinstance(one, Dead) and one.why.error is not None:
            raise one.why.error
    outcome = batch.settle(examined, batch.claims(examined), NOW, stamped=False)
    for raw, refusal, seed in outcome.refusals:
        json.loads(rejection_message(refusal, raw, NOW, stamped=False, seed=seed).value)
    for message in outcome.observations:
        json.loads(message.value)


TARGETS: dict[str, Target] = {
    target.__name__: target for target in (json_text, kafka, structured, http, http_batch, door, csv, xlsx)
}


def _read(read: Callable[[], Event]) -> None:
    try:
        event = read()
    except NotAnEvent as error:
        in_words(error.why_vi, error.why)
        return
    for attribute in (event.id, event.source, event.type):
        assert attribute
        assert attribute.isprintable()
        assert len(attribute) <= MAX_ATTRIBUTE


def _taken(reading: intake.Reading) -> None:
    assert reading.reported or reading.errors
    for error in reading.errors:
        in_words(error.message_vi, error.message_en)
        json.dumps(error.model_dump()).encode()
    for one in reading.reported:
        again = contract.read(one.headers, one.value, MOST)
        assert not isinstance(again, Unreadable), again.detail
        assert (again.event.source, again.event.id) == (one.source, one.id)


@cache
def _examiner() -> Examiner:
    return Examiner(Desks({"dak-nong": CATALOG}, timedelta(days=1)), the_logs(), MOST, moving=False)
