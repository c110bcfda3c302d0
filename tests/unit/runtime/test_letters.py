"""What a quarantine keeps of a record, and what is given back of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.kafka import letter
from services.runtime.kafka.letter import Finding, Headers, Letter
from services.runtime.kafka.place import Place
from services.runtime.kafka.producer import LARGEST_PLAIN_BYTES, Verbatim

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
TOPIC = "statistics.reported.v1"


@dataclass(slots=True)
class Record:
    value: bytes | None
    key: bytes | None = b"k"
    headers: Sequence[tuple[str, bytes | None]] = ()
    topic: str = TOPIC
    partition: int = 3
    offset: int = 41
    timestamp: int = 1_700_000_000_000


def found(detail: str = "Expecting value", **more: str | None) -> Finding:
    return Finding("bad_json", detail, "ingest", "log-1", AT, **more)


def quarantined(record: Record, finding: Finding | None = None, offset: int = 7) -> Letter:
    return letter.read(_landed(letter.write(record, finding or found()), TOPIC + ".dlq", 0, offset), "dlq-log")


def sent_again(one: Letter, offset: int = 99) -> Record:
    out = letter.again(one)
    assert out.partition is not None
    return _landed(out, one.origin.topic, out.partition, offset)


def _landed(out: Verbatim, topic: str, partition: int, offset: int) -> Record:
    return Record(out.value, out.key, out.headers, topic, partition, offset)


def test_a_letter_says_where_it_lies_where_the_record_came_from_and_what_was_found() -> None:
    one = quarantined(Record(b"{"), found(source="urn:x", id="e-1"))
    assert one.place == Place("dlq-log", "statistics.reported.v1.dlq", 0, 7)
    assert one.origin == Place("log-1", TOPIC, 3, 41)
    assert one.finding == found(source="urn:x", id="e-1")
    assert (one.attempts, one.cut) == (1, None)


NAMES = st.sampled_from(["a", "ce_id", "dlq_reason", "dlq_kept_x", "dlq_replayed", "dlq_", "DLQ_at"]) | st.text(
    max_size=9
)
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=9)), max_size=8)


@given(st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=9), HEADERS)
def test_whatever_a_record_is_it_comes_back_as_it_was_however_often(
    value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    record = Record(value, key, headers)
    for attempts in (1, 2, 3):
        one = quarantined(record)
        assert (one.value, one.key, one.headers, one.attempts) == (value, key, headers, attempts)
        assert one.finding == found(source=one.finding.source, id=one.finding.id)
        record = sent_again(one)
        assert (record.value, record.key, record.partition) == (value, key, 3)
        assert record.headers == [*headers, ("dlq_replayed", b"%d/dlq-log/0/7" % attempts)]


def test_a_publishers_own_header_is_not_taken_for_the_mark_of_a_replay() -> None:
    own: Headers = [("dlq_replayed", b"yes"), ("dlq_replayed", None), ("dlq_attempts", b"12")]
    one = quarantined(Record(b"{", headers=own))
    assert (one.headers, one.attempts) == (own, 1)


def test_source_and_id_are_those_of_the_headers_where_nothing_else_was_found() -> None:
    one = quarantined(Record(b"{", headers=[("ce_source", b"urn:x"), ("ce_id", b"e-1")]))
    assert (one.finding.source, one.finding.id) == ("urn:x", "e-1")


def test_text_that_no_encoding_knows_does_no_harm() -> None:
    assert quarantined(Record(b"{"), found("\ud800 \x00", source="urn:\udfff")).finding.detail == "\\ud800 \x00"


def test_a_letter_of_an_older_release_can_be_read() -> None:
    headers: Headers = [("dlq_reason", b"bad_json"), ("dlq_topic", b"t"), ("dlq_partition", b"2"), ("dlq_offset", b"5")]
    one = letter.read(Record(b"{", headers=headers, topic="t.dlq"), "dlq-log")
    assert (one.origin, one.attempts) == (Place("", "t", 2, 5), 1)
    assert one.finding.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_foreign_record_in_the_quarantine_can_be_read() -> None:
    one = letter.read(Record(None, None, [("dlq_offset", b"-1"), ("dlq_at", b"noon")], topic="t.dlq"), "dlq-log")
    assert (one.finding.reason, one.origin) == ("", Place("", "t", 0, 0))


def test_a_large_record_that_can_be_compressed_is_kept_whole() -> None:
    bomb = b"[" * 5_000_000
    one = quarantined(Record(bomb))
    assert (one.value, one.cut) == (bomb, None)


@pytest.mark.parametrize("size", [2_000_000, 40_000_000])
def test_what_no_topic_takes_is_cut_and_says_so(size: int) -> None:
    noise = random.Random(1).randbytes(2_000_000)
    value = noise if size == len(noise) else b"[" * size
    headers: Headers = [("ce_id", b"e-1"), ("x", b"y" * 20), *[(f"ce_x{n}", b"") for n in range(40)]]
    out = letter.write(Record(value, headers=headers), found())
    assert len(out.value or b"") + sum(len(name) + len(text or b"") for name, text in out.headers) < LARGEST_PLAIN_BYTES
    one = letter.read(_landed(out, TOPIC + ".dlq", 0, 7), "dlq-log")
    assert one.cut is not None
    assert f"value {size}" in one.cut
    assert one.finding.id == "e-1"
