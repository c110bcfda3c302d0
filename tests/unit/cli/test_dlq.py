"""Letters of the quarantine, as they are listed, chosen and written down."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from services.cli import dlq, dlq_words
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


SOURCE = "urn:tiendo:source:lam-dong:so-thong-tin-va-truyen-thong:he-thong-mot-cua-dien-tu"
EVENT = "import-0123456789abcdef0123456789abcdef"


def listed(width: int, *, terminal: bool) -> list[str]:
    one = lying(0)
    one = one._replace(letter=replace(one.letter, finding=replace(one.letter.finding, source=SOURCE, id=EVENT)))
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, no_color=True, soft_wrap=True, highlight=False)
    dlq_words.table(console, [one, lying(1)])
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_list_that_goes_into_a_file_has_every_source_whole_a_letter_a_line() -> None:
    heading, first, second = listed(80, terminal=False)
    assert heading.split() == ["offset", "quarantined", "reason", "source", "id", "bytes", "attempts", "state"]
    assert [SOURCE in first, EVENT in first, first.split()[-3:], second.split()[4:6]] == [
        True,
        True,
        ["7", "1", "open"],
        ["–", "–"],
    ]


def test_on_a_narrow_terminal_source_and_id_stand_whole_on_a_line_of_their_own() -> None:
    lines = listed(80, terminal=True)
    assert len(lines) == 4
    assert lines[0].split()[0] == "7"
    assert lines[0].endswith("bad_json  7 bytes, 1 attempts, open")
    assert f"    {SOURCE}  {EVENT}" in lines[1]
    assert len(listed(250, terminal=True)) == 3
