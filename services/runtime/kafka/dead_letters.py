"""`<topic>.dlq`: the bytes unchanged, with reason, handler and coordinates beside them; and the fuse in front of it.

Only what is larger than any topic takes (a bomb of a compressed batch) is cut, and says so.

One bad publisher must not stop a province, and a bad deployment must not drain a topic into its quarantine. So dead
letters of a single source never blow the fuse; many in a row, or a large share of all, from several sources do.
Anybody may write any source into an event, so only those that the handler knows are counted; records over which we
stumbled ourselves are counted whoever sent them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

from aiokafka import ConsumerRecord

from contracts.topics import Topic
from services.runtime.errors import Unprocessable
from services.runtime.kafka.producer import LARGEST_RECORD_BYTES, BatchProducer, Outgoing
from services.runtime.telemetry import Telemetry

OURS = "\0ours"
"""The blame for a dead letter that is no publisher's fault. No source has a control character."""

_OWN_HEADERS_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be processed, and why. `source` is the publisher's, where it could be read.

    `blame` is what the fuse counts it under: a source that is registered, or `OURS`. None: it is not counted.
    """

    record: ConsumerRecord
    reason: str
    detail: str
    source: str | None = None
    blame: str | None = None


@dataclass(frozen=True, slots=True)
class Fuse:
    """Blows when dead letters are no longer the exception. A value: counting gives the next one.

    Dead letters of fewer than `sources` publishers never blow it, except those that are `OURS`.
    """

    in_a_row: int = 50
    window: int = 1_000
    share: float = 0.10
    sources: int = 3
    recent: tuple[str | None, ...] = ()
    """The latest verdicts, those of the last batch whole: None for what was fine, else whom a dead letter blames."""

    def counting(self, verdicts: Sequence[str | None]) -> "Fuse":
        """The fuse after these verdicts, in the order of the records."""
        return replace(self, recent=(*self.recent[-max(self.window, self.in_a_row + 1) :], *verdicts))

    def blown(self) -> str | None:
        """Why the fuse blows, or None. Whatever was counted since the last time is looked at, and not its end alone."""
        if self.recent.count(None) == len(self.recent):
            return None
        return self._long_row() or self._large_share()

    def _long_row(self) -> str | None:
        for dead, run in groupby(self.recent, lambda verdict: verdict is not None):
            row = Counter(run)
            why = self._too_many(row, self.in_a_row) if dead else None
            if why:
                return f"{row.total()} dead letters in a row, {why}"
        return None

    def _large_share(self) -> str | None:
        if len(self.recent) < self.window:
            return None
        held = Counter(self.recent[: self.window])
        for leaving, coming in zip((None, *self.recent), (None, *self.recent[self.window :]), strict=False):
            held[leaving] -= 1
            held[coming] += 1
            dead = +held  # without those that left the window
            del dead[None]
            why = self._too_many(dead, self.share * self.window)
            if why:
                return f"{dead.total()} dead letters among {self.window} records, {why}"
        return None

    def _too_many(self, dead: Counter[str | None], most: float) -> str | None:
        if dead[OURS] > most:
            return "through a fault of ours"
        if dead.total() > most and len(dead.keys() - {OURS}) >= self.sources:
            return "from several sources"
        return None


class DeadLetterQueue:
    """The quarantine of one topic."""

    def __init__(self, of: Topic, handler: str, producer: BatchProducer, telemetry: Telemetry) -> None:
        self._topic = of.dlq
        self._handler = handler
        self._producer = producer
        self._telemetry = telemetry
        self._fuse = Fuse()

    async def put(self, letters: Sequence[DeadLetter], among: Sequence[ConsumerRecord]) -> None:
        """Quarantine `letters`, found in the batch `among`.

        Raises `Unprocessable` before anything is written if the fuse blows, and `Transient` if the broker is away.
        """
        blamed = {(letter.record.partition, letter.record.offset): letter.blame for letter in letters}
        places = [(record.partition, record.offset) for record in among]
        uncounted = {place for place, blame in blamed.items() if blame is None}
        fuse = self._fuse.counting([blamed.get(place) for place in places if place not in uncounted])
        why = fuse.blown()
        if why is not None:
            raise Unprocessable(f"the fuse of {self._topic} blew: {why}")
        await self._producer.publish(self._topic, [self._outgoing(letter) for letter in letters])
        self._fuse = fuse
        for letter in letters:
            self._telemetry.dead_letters.labels(self._topic, letter.reason).inc()

    def _outgoing(self, letter: DeadLetter) -> Outgoing:
        record = letter.record
        about = {
            "dlq_reason": letter.reason,
            "dlq_detail": letter.detail[:500],
            "dlq_handler": self._handler,
            "dlq_topic": record.topic,
            "dlq_partition": str(record.partition),
            "dlq_offset": str(record.offset),
            "dlq_timestamp": str(record.timestamp),
            "dlq_at": datetime.now(UTC).isoformat(),
        }
        if record.key is None:
            about["dlq_key"] = "null"
        if record.value is None:
            about["dlq_value"] = "null"
        kept = [(name, value) for name, value in record.headers if not name.startswith("dlq_")]
        key, value = record.key or b"", record.value or b""
        room = LARGEST_RECORD_BYTES - _OWN_HEADERS_BYTES
        if len(key) + len(value) + _size(kept) > room:
            # A small compressed batch can hold a record that no topic takes; it must not stop the partition.
            about["dlq_cut"] = f"key {len(key)}, value {len(value)}, headers {_size(kept)} bytes: see the original"
            kept = [(name, text) for name, text in kept if name.startswith("ce_") and len(text or b"") < 4_096][:32]
            key, value = key[:4_096], value[: room - _size(kept) - 4_096]
        added = [(name, text.encode()) for name, text in about.items()]
        return Outgoing(key=key, value=value, headers=[*kept, *added])


def _size(headers: Sequence[tuple[str, bytes | None]]) -> int:
    return sum(len(name) + len(value or b"") + 10 for name, value in headers)
