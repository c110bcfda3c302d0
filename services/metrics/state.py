"""What is held in memory of one KPI of a province: series, records, and which documents they are stored in.

State is loaded whole when the KPI is first touched and forgotten whole. What a batch changed is remembered as dirty
until it has been written; how it looks in a document is `documents`' business.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

from services.metrics.days import Window
from services.metrics.definition import Definition
from services.metrics.foretold import Foretold
from services.metrics.reading import Readings
from services.metrics.series import Series

UNITS_A_CHUNK = 100
"""Units that share a document: few enough to be rewritten cheaply, many enough to be written together."""


class Cause(NamedTuple):
    """What brought a version about if no figure and no day did: the catalog of that version, and what in it is new, in
    the words of `rejudging.REASONS`."""

    catalog: str
    what: tuple[str, ...]


LATER_FIGURES, CATALOG, BOTH = "later_figures", "catalog", "both"


class Closed(NamedTuple):
    """How a record stood when, after its period was closed, later figures began to come or another catalog came into
    force. `target`: as a record shows it; `catalog_version`: of the last catalog under
    which it stood so, which need not be the one that was in force when it was closed."""

    status: str
    value: float | None
    as_of: str | None
    pace: float | None
    closed_on: str
    version: int | None
    target: dict[str, Any] | None = None
    catalog_version: str | None = None
    why: str = LATER_FIGURES


class Head(NamedTuple):
    """A head of a record that was published: its date, its version, the status of the version before, its cause."""

    as_of: int | None
    version: int
    previous: str | None
    cause: Cause | None = None


class Record:
    """What is remembered of a progress record between two judgements.

    `trail`: the heads that the last writing batch published before the present one, to be published again if that
    batch is delivered again. `foretold`: the forecast that goes out with it.
    """

    __slots__ = ("as_of", "cause", "closed", "digest", "due", "foretold", "previous", "status", "trail", "version")

    def __init__(
        self,
        version: int = 0,
        status: str | None = None,
        previous: str | None = None,
        as_of: int | None = None,
        digest: bytes = b"",
        trail: tuple[Head, ...] = (),
        due: int | None = None,
        cause: Cause | None = None,
        closed: Closed | None = None,
        foretold: Foretold | None = None,
    ) -> None:
        self.version = version
        self.status = status
        self.previous = previous
        self.as_of = as_of
        self.digest = digest
        self.trail = trail
        self.due = due
        self.cause = cause
        self.closed = closed
        self.foretold = foretold

    @property
    def head(self) -> Head:
        """What it says now, as a head."""
        return Head(self.as_of, self.version, self.previous, self.cause)

    def becomes(self, status: str, as_of: int | None, digest: bytes, cause: Cause | None = None) -> None:
        """A new version. What there was no version of before has no cause."""
        self.cause = cause if self.version else None
        self.previous, self.version = self.status, self.version + 1
        self.status, self.as_of, self.digest = status, as_of, digest


class Bucket:
    """A stored document: the version that was read, which fences whoever writes without having read it."""

    __slots__ = ("rev",)

    def __init__(self, rev: int = 0) -> None:
        self.rev = rev


class FigureBucket(Bucket):
    """Figures of one month and chunk. `folded`: by log and raw partition the highest raw offset that is in the sums."""

    __slots__ = ("days", "folded", "logs")

    def __init__(self, rev: int = 0, folded: dict[tuple[str, int], int] | None = None) -> None:
        super().__init__(rev)
        self.folded = folded if folded is not None else {}
        self.days: set[tuple[str, int]] = set()
        self.logs: set[tuple[str, int]] = set()


class JudgementBucket(Bucket):
    """Records of one period and chunk. `owed`: units that were written beside the stream and not yet published.

    `awaiting`: units whose records moved and are to be forecast, each with the number of its last move. `awaited`:
    whether it is stored that there are any.
    """

    __slots__ = ("awaited", "awaiting", "owed", "owes", "units")

    def __init__(self, rev: int = 0, owed: frozenset[str] = frozenset(), *, awaited: bool = False) -> None:
        super().__init__(rev)
        self.awaited = awaited
        self.owed = owed
        self.owes = False
        self.units: set[str] = set()
        self.awaiting: dict[str, int] = {}


class KpiState:
    """One KPI of a province, of one generation: 0 unless it was ever computed anew."""

    def __init__(self, key: str, chunks: int, generation: int = 0) -> None:
        self.key = key
        self.generation = generation
        self.province, self.kpi = key.split("/", 1)
        self.chunks = chunks
        self.through: int | None = None
        """The highest offset of an observation that a stored record was judged after; None where that is not known."""
        self.size = 0
        """Days with figures, and records: what memory goes by."""
        self.units: dict[str, Series] = {}
        self.records: dict[tuple[str, str], Record] = {}
        self.by_bucket: defaultdict[tuple[str, int], dict[str, Record]] = defaultdict(dict)
        self.figure_buckets: dict[tuple[str, int], FigureBucket] = {}
        self.judgement_buckets: dict[tuple[str, int], JudgementBucket] = {}
        self.dirty_figures: set[tuple[str, int]] = set()
        self.dirty_judgements: set[tuple[str, int]] = set()
        self._periods: defaultdict[str, set[str]] = defaultdict(set)
        self._windows: dict[str, tuple[Window, ...]] = {}
        self._chunk_of: dict[str, int] = {}
        self._moves = 0
        self._readings: Readings | None = None

    def readings(self, definition: Definition) -> Readings:
        """What is derived from the series under this definition."""
        if self._readings is None or self._readings.definition is not definition:
            self._readings = Readings(definition, self.units)
            self._windows.clear()
        return self._readings

    def windows(self, definition: Definition, unit: str) -> tuple[Window, ...]:
        """The periods of the unit's targets, and those that have a record already."""
        found = self._windows.get(unit)
        if found is None or self._readings is None or self._readings.definition is not definition:
            self.readings(definition)
            wanted = definition.windows(unit)
            known = self._periods.get(unit, set()) - {window.id for window in wanted}
            found = self._windows[unit] = (*wanted, *(definition.window(name) for name in sorted(known)))
        return found

    def series(self, unit: str) -> Series:
        """The unit's series, empty at first."""
        found = self.units.get(unit)
        if found is None:
            found = self.units[unit] = Series()
        return found

    def record(self, unit: str, period: str) -> Record:
        """The record, of version 0 if there is none yet."""
        found = self.records.get((unit, period))
        if found is None:
            found = Record()
            self.place(unit, period, found)
        return found

    def place(self, unit: str, period: str, record: Record) -> None:
        """Put a record where it belongs."""
        self.size += (unit, period) not in self.records
        self.records[unit, period] = record
        self.by_bucket[period, self.chunk_of(unit)][unit] = record
        self._periods[unit].add(period)
        self._windows.pop(unit, None)

    def chunk_of(self, unit: str) -> int:
        """The chunk of a unit: a stable hash, so that a unit never moves to another document."""
        found = self._chunk_of.get(unit)
        if found is None:
            found = self._chunk_of[unit] = crc32(unit.encode()) % self.chunks
        return found

    def figure_bucket(self, unit: str, day: int) -> tuple[tuple[str, int], FigureBucket]:
        """The document that holds the unit's figures of that day, and its key: month and chunk."""
        key = month_of(day), self.chunk_of(unit)
        found = self.figure_buckets.get(key)
        if found is None:
            found = self.figure_buckets[key] = FigureBucket()
        return key, found

    def figure_moved(self, unit: str, day: int, log: tuple[str, int] | None = None) -> None:
        """The day is to be written, and with it the watermark of the log that moved it."""
        key, bucket = self.figure_bucket(unit, day)
        bucket.days.add((unit, day))
        if log is not None:
            bucket.logs.add(log)
        self.dirty_figures.add(key)

    def record_moved(self, unit: str, period: str, *, owes: bool = False) -> None:
        """The record is to be written. `owes`: nobody will deliver its cause again, so the document says that it is
        owed until it was published."""
        key = period, self.chunk_of(unit)
        bucket = self._judgement_bucket(key)
        bucket.units.add(unit)
        bucket.owes = bucket.owes or owes
        if owes:
            bucket.owed = bucket.owed | {unit}
        self.dirty_judgements.add(key)

    def is_owed(self, unit: str, period: str) -> bool:
        """Whether the record is among them."""
        bucket = self.judgement_buckets.get((period, self.chunk_of(unit)))
        return bucket is not None and unit in bucket.owed

    def owed(self) -> Iterator[tuple[str, str]]:
        """Units and periods of records that were written beside the stream and perhaps never published."""
        for (period, _), bucket in self.judgement_buckets.items():
            for unit in sorted(bucket.owed):
                yield unit, period

    def await_forecast(self, unit: str, period: str) -> None:
        """The record moved: its forecast is to be made again."""
        self._moves += 1
        self._judgement_bucket((period, self.chunk_of(unit))).awaiting[unit] = self._moves

    def await_no_forecast(self, unit: str, period: str) -> None:
        """The record's forecast is made, or there is none to make."""
        self._judgement_bucket((period, self.chunk_of(unit))).awaiting.pop(unit, None)

    def note_what_awaits(self) -> None:
        """Where the last record that awaited a forecast does so no more, that is to be written."""
        for key, bucket in self.judgement_buckets.items():
            if bucket.awaited and not bucket.awaiting:
                self.dirty_judgements.add(key)

    def awaits_since(self, unit: str, period: str) -> int:
        """The move since which the record awaits its forecast; 0 where that is not known."""
        bucket = self.judgement_buckets.get((period, self.chunk_of(unit)))
        return bucket.awaiting.get(unit, 0) if bucket is not None else 0

    def awaiting(self) -> Iterator[tuple[str, str]]:
        """Units and periods of the records that are to be forecast."""
        for (period, _), bucket in self.judgement_buckets.items():
            for unit in bucket.awaiting:
                yield unit, period

    def _judgement_bucket(self, key: tuple[str, int]) -> JudgementBucket:
        found = self.judgement_buckets.get(key)
        if found is None:
            found = self.judgement_buckets[key] = JudgementBucket()
        return found


@lru_cache(maxsize=50_000)
def month_of(day: int) -> str:
    """The civil month of a day, `YYYY-MM`."""
    return date.fromordinal(day).isoformat()[:7]


def chunks_for(units: int) -> int:
    """How many chunks a KPI with so many units gets."""
    return max(1, round(units / UNITS_A_CHUNK))
