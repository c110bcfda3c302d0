"""Compressed batches: what is read of them, and what becomes of those that would fill the memory."""

import resource
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import cramjam
import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from services.runtime.kafka import unpacking
from services.runtime.kafka.packed import HEADER
from services.runtime.kafka.unpacking import MOST_BYTES, NotUnpacked, Unpacking, unpacked
from services.runtime.telemetry import Telemetry

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
HEADERS = [("ce_id", b"1"), ("odd", b"\xff"), ("none", None)]


def a_batch(values: Sequence[bytes | None], codec: int, first: int = 0) -> bytes:
    """A batch as it lies in the log."""
    made = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 2**30)
    for at, value in enumerate(values):
        made.append(at, 1_696_000_000_000 + at, b"k" if at else None, value, HEADERS)
    built = bytearray(made.build())
    built[:8] = first.to_bytes(8)
    return bytes(built)


def all_of(fetched: bytes, read: Any = Unpacking) -> list[tuple[Any, ...]]:
    """What the library makes of a fetch."""
    records, found = read(fetched), []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        assert not batch.is_control_batch
        for one in batch:
            found.append((one.offset, one.timestamp, one.timestamp_type, one.key, one.value, list(one.headers)))
        assert batch.next_offset == found[-1][0] + 1
    return found


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_batches_within_the_limit_are_read_as_the_library_reads_them(codec: int) -> None:
    small, large = [b"a", None, b"{}" * 30_000], [bytes([n]) * 300_000 for n in range(9)]
    fetched = b"".join((a_batch(small, 0), a_batch(small, codec, 3), a_batch(large, codec, 6), a_batch(small, 0, 15)))
    found = all_of(fetched + a_batch(small, codec)[:-7])
    assert found == all_of(fetched, MemoryRecords)
    assert [one[0] for one in found] == list(range(18))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_a_batch_that_would_be_too_large_is_one_record_with_its_bytes_as_they_came(codec: int) -> None:
    telemetry = Telemetry()
    unpacking.install(telemetry.not_unpacked)
    bomb = a_batch([bytes(MOST_BYTES // 4)] * 5, codec, 7)
    before, *between, after = all_of(a_batch([b"a"], codec, 6) + bomb + a_batch([b"b"], codec, 12))
    assert (before[4], after[4]) == (b"a", b"b")
    ((offset, timestamp, _, key, value, headers),) = between
    assert (offset, timestamp, key, value) == (11, 1_696_000_000_004, None, bomb[61:])
    ((name, why),) = headers
    assert name == HEADER
    assert why.startswith(b"the batch of the offsets 7 to 11 was not unpacked: it is ")
    assert telemetry.registry.get_sample_value("tiendo_batches_not_unpacked_total") == 1


@pytest.mark.parametrize("codec", [*CODECS.values(), 5])
@pytest.mark.parametrize("damaged", [b"", b"\x00", b"rubbish" * 9, b"\x82SNAPPY\x00" + bytes(30), b"\x28\xb5\x2f\xfd"])
def test_of_what_is_damaged_no_other_error_is_raised(codec: int, damaged: bytes) -> None:
    with suppress(NotUnpacked):
        assert len(unpacked(codec, damaged)) <= 30


def test_a_fetch_ends_when_enough_of_it_is_unpacked_and_the_rest_is_fetched_anew() -> None:
    batches = [a_batch([bytes(9 * 2**20)], CODECS["zstd"], at) for at in range(5)]
    assert [one[0] for one in all_of(b"".join(batches))] == [0, 1]
    assert [one[0] for one in all_of(b"".join(batches[2:]))] == [2, 3]


def test_a_batch_of_before_kafka_0_11_is_not_unpacked() -> None:
    made = LegacyRecordBatchBuilder(1, CODECS["gzip"], 2**20)
    made.append(0, 1_696_000_000_000, b"k", b"v" * 1_000)
    ((offset, *_, value, headers),) = all_of(bytes(made.build()))
    assert (offset, headers[0][0]) == (0, HEADER)
    assert b"before Kafka 0.11" in headers[0][1]
    assert len(value) < 200


def of_frames(megabytes: int) -> bytes:
    """A batch of one record of zeros, never held as a whole here."""
    frame = bytes(cramjam.zstd.compress(bytes(2**20)))
    head = a_batch([b"x"], CODECS["zstd"])[:61]
    records = frame * megabytes
    return head[:8] + (49 + len(records)).to_bytes(4) + head[12:] + records


@pytest.mark.parametrize("bounded", [True, False])
def test_a_bomb_kills_nobody_whose_memory_is_limited(bounded: bool) -> None:
    program = (
        "import sys\n"
        "from aiokafka.record.memory_records import MemoryRecords\n"
        "from services.runtime.kafka.unpacking import Unpacking\n"
        f"records = {'Unpacking' if bounded else 'MemoryRecords'}(sys.stdin.buffer.read())\n"
        "print(len([one.value for one in records.next_batch()][0]))\n"
    )
    bomb = of_frames(1_000)
    assert len(bomb) < 60_000

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))

    done = subprocess.run([sys.executable, "-c", program], input=bomb, capture_output=True, preexec_fn=limited)
    assert (done.returncode == 0) is bounded, done.stderr
    assert done.stdout.endswith(f"\n{len(bomb) - 61}\n".encode()) is bounded


def test_it_is_put_where_the_library_looks() -> None:
    unpacking.install()
    unpacking.install()
    assert fetcher.MemoryRecords is Unpacking
