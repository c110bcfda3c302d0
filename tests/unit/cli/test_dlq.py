"""One letter of the quarantine, as it is chosen and written down."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli import dlq
from services.runtime.errors import StartError
from services.runtime.kafka.letter import Finding, Letter
from services.runtime.kafka.place import Place
from services.runtime.kafka.quarantine import Lying


def lying(partition: int, value: bytes | None = b"{broken") -> Lying:
    found = Finding("bad_json", "", "ingest", "log", datetime(2026, 3, 1, tzinfo=UTC))
    place, origin = Place("log", "t.dlq", partition, 7), Place("log", "t", 0, 1)
    return Lying(Letter(place, found, origin, 1, None, None, value, []), None)


def test_an_offset_names_one_letter_also_where_the_quarantine_has_several_partitions() -> None:
    assert dlq.the_one([lying(0)], 7) == lying(0)
    with pytest.raises(StartError, match="Nothing lies at offset 7"):
        dlq.the_one([], 7)
    with pytest.raises(StartError, match="in the partitions 0, 2: name one with --partition"):
        dlq.the_one([lying(0), lying(2)], 7)


def test_a_record_is_written_byte_for_byte_or_the_folder_is_named(tmp_path: Path) -> None:
    dlq.write(lying(0, b"\xff\x00"), tmp_path / "record.bin")
    assert (tmp_path / "record.bin").read_bytes() == b"\xff\x00"
    with pytest.raises(StartError, match=r"missing/record.bin cannot be written: No such file"):
        dlq.write(lying(0), tmp_path / "missing" / "record.bin")
