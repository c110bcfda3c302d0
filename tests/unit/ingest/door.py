"""A small province, events for it, and fakes of what the door writes to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from contracts import envelope
from contracts.catalog import (
    Baseline,
    CalendarSpec,
    CatalogObject,
    GrowthSpec,
    Kpi,
    KpiKind,
    Limits,
    OrgUnit,
    Parent,
    Province,
    Publisher,
    Roster,
    Succession,
    Target,
)
from contracts.statistics import Flag, Mode, Problem
from services.ingest.batch import Examiner, Sound, Unsound
from services.ingest.decide import Entry, Reuse
from services.ingest.desk import Desks
from services.ingest.handlers import Door
from services.ingest.logs import Logs
from services.ingest.lot import Lot
from services.ingest.metrics import DoorMetrics
from services.ingest.normalise import Raw
from services.ingest.parking import ParkedSource
from services.ingest.store import Part, Stored
from services.runtime.catalog import Catalog
from services.runtime.clock import Clock, DataClock
from services.runtime.errors import Transient
from services.runtime.kafka.dead_letters import DeadLetter
from services.runtime.kafka.fuse import Fuse
from services.runtime.kafka.producer import AnyRecord
from services.runtime.telemetry import Telemetry

EDOC = "urn:tiendo:source:dak-nong:edoc"
PORTAL = "urn:tiendo:source:dak-nong:portal"
TYPE = "vn.tiendo.statistic.reported.v1"
TOPIC = "statistics.reported.v1"
LOG = "6f1e2d3c4b5a69788796a5b4c3d2e1f0"
NOON = datetime(2023, 9, 30, 5, tzinfo=UTC)
"""Noon of 30 September 2023 in Đắk Nông."""
REFORM = date(2025, 7, 1)

PERCENT = Limits(low=Decimal(0), high=Decimal(100))
COUNT = Limits(low=Decimal(0))


def a_kpi(
    id: str,
    kind: KpiKind,
    *,
    unit_of_measure: str = "percent",
    levels: tuple[str, ...] = ("commune", "district", "province"),
    modes: tuple[Mode, ...] = ("absolute",),
    limits: Limits | None = None,
    decimals: int = 0,
    rosters: tuple[Roster, ...] = (),
    rate_base: Decimal | None = None,
    growth: GrowthSpec | None = None,
) -> Kpi:
    """A KPI in the administrative calendar, accounted by the year."""
    return Kpi(
        id=id,
        kind=kind,
        name_vi=id,
        name_en=id,
        unit_of_measure=unit_of_measure,
        levels=levels,
        modes=modes,
        natural_limits=limits or Limits(),
        decimals=decimals,
        rosters=rosters,
        rate_base=rate_base,
        growth=growth,
        pillar="government",
    )


KPIS = (
    a_kpi("signed-share", "ratio", decimals=1, limits=PERCENT),
    a_kpi("digitised-share", "ratio", modes=("increment", "absolute"), limits=PERCENT),
    a_kpi("ahead-of-plan", "ratio", limits=Limits(high=Decimal(200))),
    a_kpi("fibre", "coverage", rosters=(Roster(unit="dak-nong", level="commune"),)),
    a_kpi("assessed", "coverage", rosters=(Roster(unit="dak-nong", size=27),), decimals=1),
    a_kpi("plans", "coverage", rosters=(Roster(unit="dak-nong", members=("so-tttt", "so-noi-vu")),)),
    a_kpi("revenue", "flow", unit_of_measure="VND_million", modes=("absolute", "increment"), limits=COUNT, decimals=2),
    a_kpi("capped", "flow", unit_of_measure="case", modes=("increment",), limits=Limits(high=Decimal(100))),
    a_kpi("terminals", "stock", unit_of_measure="machine", limits=COUNT),
    a_kpi("speed", "level", unit_of_measure="Mbps", decimals=2),
    a_kpi("share-gain", "level", unit_of_measure="percentage_point", limits=Limits(low=Decimal(-100)), decimals=2),
    a_kpi("phones", "rate", unit_of_measure="per_100_inhabitants", rate_base=Decimal(100), decimals=2),
    a_kpi("dti", "rank", unit_of_measure="rank", levels=("province",), limits=Limits(high=Decimal(63))),
    a_kpi("open-data", "milestone", unit_of_measure="done", levels=("province",)),
    a_kpi(
        "growth-of-revenue", "growth", unit_of_measure="times", levels=("province",), growth=GrowthSpec(of="revenue")
    ),
)


def a_unit(id: str, level: str, above: str | None = None, code: str = "", **dates: date) -> OrgUnit:
    """A unit of the tree."""
    parents = (Parent(unit=above),) if above else ()
    return OrgUnit(
        id=id,
        name=id,
        level=level,
        parents=parents,
        external_ids=(code,) if code else (),
        valid_from=dates.get("since"),
        valid_to=dates.get("until"),
    )


UNITS = (
    a_unit("dak-nong", "province", code="67"),
    a_unit("dak-nong.dak-mil", "district", "dak-nong", until=REFORM),
    a_unit("dak-nong.xa-a", "commune", "dak-nong.dak-mil", "24611", until=REFORM),
    a_unit("dak-nong.xa-b", "commune", "dak-nong.dak-mil", "24612", until=REFORM),
    a_unit("dak-nong.xa-moi", "commune", "dak-nong", "24611", since=REFORM),
    a_unit("dak-nong.so-tttt", "department", "dak-nong"),
)
PUBLISHERS = (
    Publisher(id="edoc", name_vi="edoc", sources=(EDOC,), kpis=("*",), units=("*",), contact="edoc@example.vn"),
    Publisher(
        id="portal",
        name_vi="portal",
        sources=(PORTAL,),
        kpis=("terminals",),
        units=("dak-nong.dak-mil",),
        contact="portal@example.vn",
    ),
)


def a_target(id: str, kpi: str, value: int, **more: Any) -> Target:
    """A target of the province for 2023, to be reached."""
    return Target(**{"id": id, "kpi": kpi, "unit": "dak-nong", "value": Decimal(value), "period": "2023", **more})


TARGETS = (
    a_target("signed-2023", "signed-share", 92, baseline=Baseline(value=Decimal(80), on=date(2022, 12, 15))),
    a_target("terminals-2023", "terminals", 300, deadline=date(2023, 6, 30)),
)


OBJECTS: tuple[CatalogObject, ...] = (
    Province(id="dak-nong", name_vi="Đắk Nông"),
    CalendarSpec(id="administrative", name_vi="hành chính", month_starts_on=15),
    *KPIS,
    *UNITS,
    Succession(id="a-new", from_unit="dak-nong.xa-a", to_unit="dak-nong.xa-moi", effective=REFORM),
    *PUBLISHERS,
    *TARGETS,
)


def a_catalog(version: str = "1-0a1b2c3d4e5f") -> Catalog:
    """The small province."""
    return Catalog.of(OBJECTS, 1, version)


CATALOG = a_catalog()


@dataclass(slots=True)
class Record:
    """A Kafka record as aiokafka gives it, as far as it is asked."""

    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    offset: int = 0
    partition: int = 0
    topic: str = TOPIC
    timestamp: int = int(NOON.timestamp() * 1000)
    key: bytes | None = None


def data(**fields: Any) -> dict[str, Any]:
    """What a publisher says: a sound figure, changed as given; None leaves a field out."""
    sound = {
        "province": "dak-nong",
        "kpi": "signed-share",
        "org_unit": "dak-nong.xa-a",
        "as_of": "2023-09-30",
        "numerator": 913,
        "denominator": 1000,
    }
    return {name: value for name, value in {**sound, **fields}.items() if value is not None}


def figure(kpi: str, **fields: Any) -> dict[str, Any]:
    """A figure of the province for that KPI, without numbers but those given."""
    return data(**{"kpi": kpi, "org_unit": "dak-nong", "numerator": None, "denominator": None, **fields})


def an_event(
    content: Any = None,
    *,
    id: str = "e-1",
    source: str = EDOC,
    type: str = TYPE,
    time: datetime | None = NOON,
    offset: int = 0,
    partition: int = 0,
    extensions: dict[str, str] | None = None,
) -> Record:
    """A record in binary mode."""
    headers: list[tuple[str, bytes | None]] = [
        *envelope.write(id=id, source=source, type=type, time=time or NOON, extensions=extensions)
    ]
    if time is None:
        headers = [(name, value) for name, value in headers if name != "ce_time"]
    value = json.dumps(data() if content is None else content).encode()
    return Record(value, headers, offset, partition)


def an_examiner(
    *,
    moving: bool = False,
    lead: timedelta = timedelta(days=1),
    catalogs: Mapping[str, Catalog] | None = None,
    log: str = LOG,
) -> Examiner:
    """Examines for the small province, or for those of `catalogs`."""
    known = {"dak-nong": CATALOG} if catalogs is None else catalogs
    return Examiner(desks=Desks(known, lead), logs=the_logs(log), max_bytes=64 * 1024, moving=moving)


def the_logs(log: str = LOG) -> Logs:
    """The log of the topic for all is met; those of others are named after their topics."""

    async def named(topic: str) -> str:
        return f"log of {topic}"

    return Logs(named, {TOPIC: log})


def problems(content: Any, *, now: datetime = NOON, **event: Any) -> tuple[Problem, ...]:
    """The problems of one event; none if it passed."""
    (one,) = an_examiner().examine([an_event(content, **event)], now)
    assert isinstance(one, Sound | Unsound)
    return one.problems if isinstance(one, Unsound) else ()


def codes(content: Any, *, now: datetime = NOON, **event: Any) -> list[str]:
    """The codes of the problems of one event."""
    return [found.code for found in problems(content, now=now, **event)]


def observed(content: Any, *, now: datetime = NOON, **event: Any) -> dict[str, Any]:
    """The observation of an event that passes."""
    (one,) = an_examiner().examine([an_event(content, **event)], now)
    assert isinstance(one, Sound), one
    payload: dict[str, Any] = orjson.loads(one.entry.payload)
    return payload


def flags(content: Any, **event: Any) -> list[Flag]:
    """The flags of an event that passes."""
    return [Flag.model_validate(flag) for flag in observed(content, **event)["flags"]]


def flag_codes(content: Any, **event: Any) -> list[str]:
    """Their codes."""
    return [flag.code for flag in flags(content, **event)]


@dataclass(slots=True)
class FakeLedger:
    """Keeps the promises of `store.Ledger` in memory. `fails`: how often a call fails before it does anything."""

    entries: dict[str, Entry] = field(default_factory=dict)
    reuses: dict[tuple[str, str, int, int], Reuse] = field(default_factory=dict)
    trips: int = 0
    fails: int = 0
    removed: datetime | None = None
    written: dict[str, datetime] = field(default_factory=dict)

    def _travel(self) -> None:
        self.trips += 1
        if self.fails:
            self.fails -= 1
            raise Transient("the database is away")

    async def claim(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        if not entries:
            return {}
        self._travel()
        taken = {e.observation_id: self.entries[e.observation_id] for e in entries if e.observation_id in self.entries}
        for entry in entries:
            self.entries.setdefault(entry.observation_id, entry)
            self.written.setdefault(entry.observation_id, NOON + timedelta(seconds=self.trips))
        return taken

    async def standing(self, ids: Iterable[str]) -> dict[str, Entry]:
        wanted = list(ids)
        if not wanted:
            return {}
        self._travel()
        return {id: self.entries[id] for id in wanted if id in self.entries}

    async def about(self, subjects: Iterable[str], after: str, limit: int) -> list[Entry]:
        wanted = set(subjects)
        found = (self.entries[id] for id in sorted(self.entries) if id > after)
        return [entry for entry in found if entry.subject in wanted][:limit]

    async def before(self, subjects: Sequence[str], limit: int) -> list[list[Entry]]:
        held = sorted(self.entries.values(), key=lambda one: (one.subject, one.observation_id), reverse=True)
        return [[one for one in held if subject[:-10] <= one.subject < subject][:limit] for subject in subjects]

    async def recent(
        self, sources: Iterable[str], since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[Stored]:
        wanted = set(sources)
        found = sorted(
            ((self.written[id], id) for id, one in self.entries.items() if one.source in wanted), reverse=True
        )
        kept = [at for at in found if (since is None or at[0] >= since) and (before is None or at < before)]
        return [Stored(moment, self.entries[id]) for moment, id in kept[:limit]]

    async def keep(self, reuses: Sequence[Reuse]) -> None:
        for reuse in reuses:
            self.reuses.setdefault(reuse.raw, reuse)

    async def parts(self, key: str) -> list[Part]:
        held: dict[tuple[str, int], list[int]] = {}
        for entry in self._of(key):
            held.setdefault((entry.raw.log, entry.raw.partition), []).append(entry.raw.offset)
        return [Part(*where, max(offsets) + 1, len(offsets)) for where, offsets in sorted(held.items())]

    async def page(self, key: str, log: str, partition: int, start: int, until: int, limit: int) -> list[Entry]:
        wanted = range(start, until)
        held = (entry for entry in self._of(key) if (entry.raw.log, entry.raw.partition) == (log, partition))
        found = [entry for entry in held if entry.raw.offset in wanted]
        return sorted(found, key=lambda entry: entry.raw.offset)[:limit]

    async def removed_before(self) -> datetime | None:
        return self.removed

    def _of(self, key: str) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.key == key]

    async def latest(self) -> datetime | None:
        return list(self.entries.values())[-1].received_at if self.entries else None


@dataclass(slots=True)
class FakeParkings:
    """Keeps the promises of `parked.Parkings` in memory."""

    sources: dict[str, ParkedSource] = field(default_factory=dict)
    over: dict[Raw, ParkedSource] = field(default_factory=dict)
    looks: int = 0

    async def standing(self) -> list[ParkedSource]:
        self.looks += 1
        return [self.sources[source] for source in sorted(self.sources)]

    async def park(self, one: ParkedSource) -> ParkedSource:
        return self.sources.setdefault(one.source, one)

    async def told(self, sources: Iterable[str]) -> None:
        for source in sources:
            if source in self.sources:
                self.sources[source] = self.sources[source]._replace(told=True)

    async def unpark(self, source: str) -> bool:
        one = self.sources.pop(source, None)
        if one is not None:
            self.over[one.raw] = one
        return one is not None

    async def unparked(self) -> list[ParkedSource]:
        return [one for one in self.over.values() if self.sources.get(one.source) != one]

    async def told_unparked(self, ones: Iterable[ParkedSource]) -> None:
        for one in ones:
            self.over.pop(one.raw, None)


@dataclass(slots=True)
class FakeBroker:
    """Keeps what is published. `fails`: how often publishing fails before anything is taken."""

    published: list[tuple[str, AnyRecord]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    blames: list[str | None] = field(default_factory=list)
    fails: int = 0

    async def publish(self, topic: str, records: Sequence[AnyRecord]) -> None:
        if self.fails and records:
            self.fails -= 1
            raise Transient("the broker is away")
        self.published += [(topic, record) for record in records]

    @property
    def allowance(self) -> int:
        return 0

    def weigh(self, blames: Sequence[str | None], dealt_with: Sequence[int] = ()) -> Fuse:
        self.blames += blames
        return Fuse()

    async def put(self, letters: Sequence[DeadLetter], weighed: Fuse) -> None:
        self.letters += letters

    def on(self, topic: str) -> list[AnyRecord]:
        """What was published on a topic, in order."""
        return [record for name, record in self.published if name == topic]

    def observations(self) -> list[dict[str, Any]]:
        """The payloads of the observations, in order."""
        return [orjson.loads(record.value or b"") for record in self.on("observations.v1")]

    def rejections(self) -> list[dict[str, Any]]:
        """The payloads of the rejections, in order."""
        return [orjson.loads(record.value or b"") for record in self.on("statistics.rejected.v1")]


@dataclass(slots=True)
class World:
    """The door, and what it writes to."""

    ledger: FakeLedger = field(default_factory=FakeLedger)
    broker: FakeBroker = field(default_factory=FakeBroker)
    clock: Clock = field(default_factory=lambda: DataClock(NOON))
    telemetry: Telemetry = field(default_factory=Telemetry)
    examiner: Examiner = field(default_factory=lambda: an_examiner(moving=True, lead=timedelta(days=400)))
    parkings: FakeParkings = field(default_factory=FakeParkings)
    door: Door = field(init=False)
    questions: Lot = field(init=False)
    """The lot of whoever asks without sending."""

    def __post_init__(self) -> None:
        metrics = DoorMetrics(self.telemetry)
        self.questions = Lot(self.parkings, every_s=0)
        lot = Lot(self.parkings, metrics.parked.set, every_s=0)
        self.door = Door(self.examiner, self.ledger, self.broker, self.broker, lot, self.clock, metrics)

    async def handle(self, *records: Record) -> None:
        """One batch."""
        await self.door.handle(records)

    def count(self, name: str, **labels: str) -> float:
        """A counter's value."""
        return self.telemetry.registry.get_sample_value(f"tiendo_{name}_total", labels) or 0.0
