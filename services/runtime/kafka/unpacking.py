"""Compressed batches are unpacked up to a limit: 22 KB of zstd may be 700 MB of zeros, and kill whoever reads them.

The client library unpacks a batch whole, before any code of ours sees it, and has no limit to set. It reads what it
fetched through the name `MemoryRecords` of one of its modules; `install` puts `Unpacking` there, which hands it batches
that are unpacked already. One that would be larger than `MOST_BYTES`, or cannot be unpacked, becomes a single record in
the place of its last one: the bytes as they came, under a header that says why. No handler takes that for an event; at
the door it goes into the quarantine like all that cannot be read.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import cramjam
import structlog
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from prometheus_client import Counter

from services.runtime.kafka.packed import HEADER

MOST_BYTES = 40 * 2**20
"""Of one batch, unpacked; more than the largest that our own producers write (`producer.LARGEST_PRESSED_BYTES`)."""

_ENOUGH_BYTES = 16 * 2**20
"""Unpacked from one fetch of a partition, after which its other batches are left for the next."""

_HEAD = 61
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEAD = 16

log = structlog.get_logger()


class NotUnpacked(Exception):
    """Why a batch stays packed."""


class StandIn(NamedTuple):
    """What stands for a batch that was not unpacked, as the client library expects a record."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: None
    value: bytes
    headers: list[tuple[str, bytes]]
    checksum: None = None


def install(not_unpacked: Counter | None = None) -> None:
    """Have all consumers of this process unpack within the limit. `not_unpacked` counts batches that were not."""
    if fetcher.MemoryRecords not in (MemoryRecords, Unpacking):
        raise RuntimeError("aiokafka.consumer.fetcher.MemoryRecords is not what it was: batches would not be bounded")
    fetcher.MemoryRecords = Unpacking
    if not_unpacked is not None:
        Unpacking.not_unpacked = not_unpacked


class Unpacking:
    """What was fetched of one partition, batch by batch: `MemoryRecords`, and compressed batches unpacked."""

    not_unpacked: Counter | None = None

    def __init__(self, fetched: bytes) -> None:
        self._fetched = fetched
        self._batches = MemoryRecords(fetched)
        self._at = 0
        self._unpacked = 0

    def size_in_bytes(self) -> int:
        """Of all that was fetched."""
        return int(self._batches.size_in_bytes())

    def has_next(self) -> bool:
        """Whether there is a batch more, and memory for it."""
        return self._unpacked < _ENOUGH_BYTES and bool(self._batches.has_next())

    def next_batch(self) -> Any:
        """The next batch."""
        batch = self._batches.next_batch()
        start = self._at
        self._at = start + 12 + int.from_bytes(self._fetched[start + 8 : start + 12])
        if not _codec(self._fetched, start):
            return batch
        return _Packed(batch, self._fetched[start : self._at], self)

    def took(self, size: int) -> None:
        """A batch was unpacked."""
        self._unpacked += size


class _Packed:
    """A compressed batch. All but its records is said by the library's own."""

    def __init__(self, batch: Any, raw: bytes, fetched: Unpacking) -> None:
        self._batch, self._raw, self._fetched = batch, raw, fetched
        self._of_old = raw[16] < 2
        self.next_offset = int.from_bytes(raw[:8]) + 1 if self._of_old else batch.next_offset

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            if self._of_old:
                raise NotUnpacked("compressed in a format of before Kafka 0.11")
            records = unpacked(_codec(self._raw, 0), self._raw[_HEAD:])
        except NotUnpacked as error:
            yield self._stand_in(str(error))
            return
        self._fetched.took(len(records))
        yield from DefaultRecordBatch(_plain(self._raw, records))

    def _stand_in(self, why: str) -> StandIn:
        first, last = int.from_bytes(self._raw[:8]), self.next_offset - 1
        said = f"the batch of the offsets {first} to {last} was not unpacked: {why}"
        log.warning("batch_not_unpacked", first=first, last=last, bytes=len(self._raw), why=why)
        if Unpacking.not_unpacked is not None:
            Unpacking.not_unpacked.inc()
        stamp = 0 if self._of_old else int.from_bytes(self._raw[35:43], signed=True)
        return StandIn(last, stamp, 0, None, self._raw[_HEAD:], [(HEADER, said.encode())])


def unpacked(codec: int, packed: bytes, most: int = MOST_BYTES) -> memoryview:
    """The bytes that were compressed. Raises `NotUnpacked` without ever holding more than `most` of them."""
    if codec == _SNAPPY:
        return _of_snappy(packed, most)
    library = {_GZIP: cramjam.gzip, _LZ4: cramjam.lz4, _ZSTD: cramjam.zstd}.get(codec)
    if library is None:
        raise NotUnpacked(f"no codec has the number {codec}")
    room = max(2**14, 16 * len(packed))
    while True:
        room = min(room, most)
        into = bytearray(room)
        try:
            return memoryview(into)[: library.decompress_into(packed, into)]
        except cramjam.DecompressionError as error:
            if room == most:
                raise NotUnpacked(f"it is damaged, or larger than {most} bytes ({error})") from None
        room *= 8


def _of_snappy(packed: bytes, most: int) -> memoryview:
    blocks = list(_xerial_blocks(packed)) if packed.startswith(_XERIAL) else [packed]
    try:
        size = sum(cramjam.snappy.decompress_raw_len(block) for block in blocks)
        if size > most:
            raise NotUnpacked(f"it is larger than {most} bytes ({size})")
        return memoryview(b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks))
    except cramjam.DecompressionError as error:
        raise NotUnpacked(f"it is damaged ({error})") from None


def _xerial_blocks(packed: bytes) -> Iterator[bytes]:
    at = _XERIAL_HEAD
    while at < len(packed):
        end = at + 4 + int.from_bytes(packed[at : at + 4])
        yield packed[at + 4 : end]
        at = end


def _codec(fetched: bytes, start: int) -> int:
    """The number of the codec of the batch that begins there; 0 if it is not compressed."""
    magic = fetched[start + 16]
    return fetched[start + (22 if magic >= 2 else 17)] & 0x07


def _plain(raw: bytes, records: memoryview) -> bytes:
    """The batch as if it had never been compressed. Its checksum is that of the original, which was compared before."""
    length = (_HEAD - 12 + len(records)).to_bytes(4)
    attributes = bytes((raw[21], raw[22] & ~0x07 & 0xFF))
    return b"".join((raw[:8], length, raw[12:21], attributes, raw[23:_HEAD], records))
