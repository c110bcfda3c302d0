"""The whole of metrics but for broker and database: handler and timekeeper over fakes, and the comparison with the
model."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from aiokafka import ConsumerRecord

from contracts.observations import ObservationRecorded
from contracts.progress import Contribution, ProgressJudged, Score
from services.metrics.annals import Annals
from services.metrics.forecaster import Forecaster
from services.metrics.handlers import ObservationHandler, Workshop
from services.metrics.memory import Definitions, Memory
from services.metrics.publisher import Publisher
from services.metrics.store import Store
from services.metrics.telemetry import Meters
from services.metrics.timekeeper import Timekeeper
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import Marks
from services.runtime.errors import Transient
from services.runtime.telemetry import Telemetry
from tests.model import ModelRecord, ModelScore, recompute
from tests.unit.metrics.fakes import FakeCatalogs, FakeStore, FakeTopic

FAILING = ("figures", "judgements", "publish", "half a publish")
"""What of a batch may fail."""

_processes = itertools.count()


class SetClock:
    """A clock that stands where a test sets it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment.astimezone(UTC)

    def observe(self, moment: datetime | None) -> None:
        """Events do not move it."""

    def stamp(self) -> dict[str, str]:
        return {}


class OwnAll:
    """A delivery that owns every partition of the topic. `behind`: observations that wait; `repeats`: some of them were
    delivered before."""

    def __init__(self) -> None:
        self.assigned: frozenset[int] = frozenset(range(3))
        self.assignments = 1
        self.partitions = 3
        self.turn = asyncio.Lock()
        self.behind = 0
        self.repeats = False

    def lag(self) -> int:
        return self.behind

    async def caught_up(self) -> bool:
        return not self.repeats


class Engine:
    """One process of metrics. `restarted()` is another one over the same store and topic."""

    def __init__(
        self,
        catalog: Catalog,
        now: datetime,
        store: Store | None = None,
        topic: FakeTopic | None = None,
        figures_in_memory: int = 10_000,
    ) -> None:
        self.catalogs = FakeCatalogs(catalog)
        self.clock = SetClock(now)
        self.kept: Store = store or FakeStore()
        self.topic = topic or FakeTopic()
        meters = Meters(Telemetry())
        writer = f"test {next(_processes)}"
        self.workshop = Workshop(
            store=self.kept,
            memory=Memory(self.kept, figures_in_memory, writer),
            definitions=Definitions(keeps_replaced=True),
            publisher=Publisher(self.topic, self.clock, meters),
            clock=self.clock,
            meters=meters,
            writer=writer,
        )
        self.handler = ObservationHandler(self.workshop, self.catalogs, 0.01)
        self.delivery = OwnAll()
        self.timekeeper = Timekeeper(self.workshop, self.catalogs.catalogs, self.delivery, rest=0)
        self.forecaster = Forecaster(self.workshop, self.catalogs.catalogs, self.delivery)

    def restarted(self) -> "Engine":
        return Engine(self.catalog, self.clock.moment, self.kept, self.topic)

    @property
    def store(self) -> FakeStore:
        """The store, where it is the fake."""
        assert isinstance(self.kept, FakeStore)
        return self.kept

    @property
    def catalog(self) -> Catalog:
        return next(iter(self.catalogs.catalogs.values()))

    async def knows_its_catalog_since(self, moment: datetime) -> None:
        """As if it had been in force from then on, without judging anything."""
        marks, province = Marks(self.catalog), self.catalog.province.id
        known = {f"{province}/{kpi}": marks.of(kpi) for kpi in self.catalog.kpis}
        await Annals(self.kept).note(self.catalog, known, moment)

    async def take(self, *observations: ObservationRecorded, offset: int = 0) -> None:
        """One batch, from that offset of the topic on."""
        if observations:
            await self.handler.handle([record_of(one, offset=at) for at, one in enumerate(observations, offset)])

    async def tick(self, now: datetime | None = None) -> None:
        """Time passes, and whatever it changes is judged."""
        if now is not None:
            self.clock.moment = now
        await self.timekeeper.look()

    async def follow(self, parts: Iterable[Sequence[ObservationRecorded]]) -> "Engine":
        """Take them batch by batch, and look after each for what else it changes."""
        for part in parts:
            await self.take(*part)
            await self.tick()
        return self

    @contextmanager
    def failing(self, step: str) -> Iterator[None]:
        """That step fails once, and what is done here ends with it; a step that is none fails nothing."""
        self.store.lose_figures = step == "figures"
        self.store.lose_judgements = step == "judgements"
        self.topic.fail = step == "publish"
        self.topic.fail_after = 1 if step == "half a publish" else None
        with suppress(Transient):
            yield
        self.topic.fail, self.topic.fail_after = False, None
        self.store.lose_figures = self.store.lose_judgements = False

    async def forecast(self) -> None:
        """Forecast whatever awaits it."""
        await self.forecaster.look()

    def latest(self) -> dict[tuple[str, str, str], ProgressJudged]:
        """The published record of the highest version, by (KPI, unit, period)."""
        found: dict[tuple[str, str, str], ProgressJudged] = {}
        for record in self.topic.progress():
            key = record.kpi, record.org_unit, record.period
            if key not in found or record.version >= found[key].version:
                found[key] = record
        return found

    def record(self, unit: str = "p.a.1", period: str = "2023", kpi: str = "k") -> ProgressJudged:
        return self.latest()[kpi, unit, period]

    def codes(self, unit: str = "p.a.1", period: str = "2023", kpi: str = "k") -> list[str]:
        """The reasons of the judgement; what is said of its forecast comes and goes beside it."""
        reasons = (reason.code for reason in self.record(unit, period, kpi).reasons)
        return [code for code in reasons if not code.startswith("forecast_")]

    def as_of(self, unit: str = "p.a.1", period: str = "2023") -> list[str]:
        """The dates of all versions published of a record, in their order, each version once."""
        dates = {
            record.version: str(record.as_of)
            for record in self.topic.progress()
            if (record.org_unit, record.period) == (unit, period)
        }
        return [dates[version] for version in sorted(dates)]


def record_of(observation: ObservationRecorded, partition: int = 0, offset: int = 0) -> ConsumerRecord:
    """An observation as it lies on the topic."""
    value = observation.model_dump_json(exclude_none=True).encode()
    key = f"{observation.province}/{observation.kpi}".encode()
    return ConsumerRecord(
        "observations.v1", partition, offset, 0, 0, key, value, None, len(key), len(value),
        [("ce_type", b"vn.tiendo.observation.recorded.v1"), ("content-type", b"application/json")],
    )  # fmt: skip


def run(catalog: Catalog, now: datetime, *batches: Sequence[ObservationRecorded]) -> Engine:
    """An engine that took these batches."""

    async def work() -> Engine:
        engine = Engine(catalog, now)
        for batch in batches:
            await engine.take(*batch)
        return engine

    return asyncio.run(work())


def differences(engine: Engine, observations: Iterable[ObservationRecorded]) -> list[str]:
    """Where what was published last differs from the model; empty if nowhere."""
    return different(recompute(engine.catalog, observations, engine.clock.moment), engine.latest())


def different(
    expected: Mapping[tuple[str, str, str], ModelRecord], found: Mapping[tuple[str, str, str], ProgressJudged]
) -> list[str]:
    """Where records differ from the model's; empty if nowhere."""
    wrong = [f"missing: {key}" for key in expected.keys() - found.keys()]
    wrong += [f"should not exist: {key}" for key in found.keys() - expected.keys()]
    for key in sorted(expected.keys() & found.keys()):
        seen, wanted = published(found[key]), plain(expected[key])
        # A withdrawal leaves no figure that the model could date; that it came later shows in what stands beside.
        closed = found[key].closed
        corrected = closed is not None and closed.why != "catalog"
        wanted["later_correction"] = wanted["later_correction"] or corrected
        wrong += [
            f"{key}: {name}: {seen[name]!r}, model {wanted[name]!r}" for name in wanted if seen[name] != wanted[name]
        ]
    return wrong + [f"{key}: {what} without a reason" for key, record in found.items() for what in unexplained(record)]


_NOT_MADE = {"source_without_value", "no_earlier_value", "earlier_not_positive", "nothing_scored"}
_NO_VALUE = {
    "zero_denominator",
    "no_denominator",
    "no_roster",
    "no_value",
    "parts_not_usable",
    "not_rolled_up",
    *_NOT_MADE,
}
_NO_FIGURE = {"no_figure", "no_figure_by_deadline"}
_NO_COMPLETION = {"no_baseline", "no_completion", "baseline_at_target", "baseline_past_target"}
_WHY_STATUS = {
    "achieved": {"target_met", "line_held"},
    "missed": {"deadline_passed", "no_figure_by_deadline"},
    "unknown": {"stale", "stale_at_deadline", *_NO_VALUE, *_NO_FIGURE},
    "moving_away": {"below_baseline"},
    "behind": {"pace_below_at_risk", "line_not_held", "target_not_met"},
    "at_risk": {"pace_below_on_track", "line_not_held", "step_ahead"},
    "on_track": {"pace_on_track", "plan_at_baseline", "line_held"},
    "no_target": {"no_target"},
}


def unexplained(record: ProgressJudged) -> list[str]:
    """Which of status and nulls have no reason on the record."""
    codes = {reason.code for reason in record.reasons}
    needed = record.needed
    asked: list[tuple[str, object, set[str]]] = [("value", record.value, _NO_VALUE | _NO_FIGURE)]
    asked.append(("target", record.target, {"no_target"}))
    if record.target is not None and record.value is not None:
        asked.append(("planned", record.planned, {"no_baseline"}))
        asked.append(("gap", record.gap, {"no_baseline"}))
        asked.append(("completion", record.completion, _NO_COMPLETION))
        asked.append(("pace", record.pace, {"plan_at_baseline", "pace_not_defined"}))
        asked.append(
            ("needed", needed, {"line_to_hold", "nothing_needed", "no_time_left", *_NO_COMPLETION} - {"no_completion"})
        )
        if needed is not None:
            asked.append(("needed.so_far", needed.so_far, {"no_baseline", "no_completion", "not_under_way"}))
            asked.append(("needed.best", needed.best, {"one_figure", "not_under_way"}))
    if "not_split" in codes and record.contributions is not None:
        return ["contributions, which say that there are none"]
    missing = [name for name, found, reasons in asked if found is None and not codes & reasons]
    return (
        missing
        if record.reasons and record.reasons[0].code in _WHY_STATUS[record.status.value]
        else ["status", *missing]
    )


def published(record: ProgressJudged) -> dict[str, Any]:
    """What a published record says, comparable with the model."""
    target, needed, held = record.target, record.needed, record.held
    complete, differ, timely = record.completeness, record.discrepancy, record.timeliness
    split = record.contributions
    return {
        "as_of": record.as_of,
        "value": record.value,
        "numerator": record.numerator,
        "denominator": record.denominator,
        "planned": record.planned,
        "gap": record.gap,
        "pace": record.pace,
        "completion": record.completion,
        "needed": None if needed is None else (needed.amount, needed.per, needed.so_far, needed.best),
        "held": None if held is None else (held.readings, held.kept),
        "status": record.status.value,
        "expected": None if complete is None else complete.expected,
        "reported": None if complete is None else complete.reported,
        "missing": None if complete is None else complete.missing,
        "missing_members": None if complete is None else complete.missing_members,
        "left_out": () if complete is None else complete.left_out,
        "said_to_be_left_out": "parts_left_out" in [reason.code for reason in record.reasons],
        "timeliness": None if timely is None else (timely.due, timely.on_time, timely.late),
        "discrepancy": None if differ is None else (differ.reported, differ.parts),
        "contributions": None if split is None else (*split.top, split.units, split.rest_gap, split.rest_share),
        "not_split": "not_split" in [reason.code for reason in record.reasons],
        "score": None if record.score is None else _score_published(record.score),
        "flags": record.flags,
        "trust": record.trust,
        "inputs": record.inputs,
        "inputs_count": record.inputs_count,
        "target": None if target is None else (target.id, target.version),
        "later_correction": "later_correction" in [reason.code for reason in record.reasons],
        "late_figures": "late_figures" in [reason.code for reason in record.reasons],
        "unit_ended": "unit_ended" in [reason.code for reason in record.reasons],
        "unit_begun": "unit_begun" in [reason.code for reason in record.reasons],
        "withdrawn": [reason.text_en for reason in record.reasons if reason.code == "figure_withdrawn"],
    }


def plain(record: ModelRecord) -> dict[str, Any]:
    """What the model says, each number as the nearest double."""
    needed, differ, timely = record.needed, record.discrepancy, record.timeliness
    reported = None
    if record.expected is not None and record.missing is not None:
        reported = record.expected - len(record.missing)
    return {
        "as_of": record.as_of,
        "value": _float(record.value),
        "numerator": _float(record.numerator),
        "denominator": _float(record.denominator),
        "planned": _float(record.planned),
        "gap": _float(record.gap),
        "pace": _float(record.pace),
        "completion": _float(record.completion),
        "needed": None if needed is None else (float(needed[0]), needed[1], _float(needed[2]), _float(needed[3])),
        "held": record.held,
        "status": record.status,
        "expected": record.expected,
        "reported": reported,
        "missing": record.missing,
        "missing_members": record.missing_members,
        "left_out": record.left_out,
        "said_to_be_left_out": bool(record.left_out),
        "timeliness": None if timely is None else (timely[0], timely[0] - len(timely[1]), timely[1]),
        "discrepancy": None if differ is None else (float(differ[0]), float(differ[1])),
        "contributions": _split(record.contributions),
        "not_split": "not_split" in record.codes,
        "score": None if record.score is None else _score_plain(record.score),
        "flags": record.flags,
        "trust": record.trust,
        "inputs": record.inputs,
        "inputs_count": record.inputs_count,
        "target": record.target,
        "later_correction": "later_correction" in record.codes,
        "late_figures": "late_figures" in record.codes,
        "unit_ended": "unit_ended" in record.codes,
        "unit_begun": "unit_begun" in record.codes,
        "withdrawn": [] if record.withdrawn is None else [_withdrawn(*record.withdrawn)],
    }


def _withdrawn(as_of: date, source: str, on: date) -> str:
    return f"The figure of {as_of} was withdrawn on {on} by {source}."


def _split(gaps: Mapping[str, Fraction] | None) -> tuple[object, ...] | None:
    """The five that bring most, how many there are, and what the others bring together."""
    whole = sum((gaps or {}).values())
    if gaps is None or whole == 0:
        return None
    ordered = sorted(gaps, key=lambda unit: (-gaps[unit] / whole, unit))
    top = [Contribution(org_unit=unit, gap=float(gaps[unit]), share=float(gaps[unit] / whole)) for unit in ordered[:5]]
    rest = sum((gaps[unit] for unit in ordered[5:]), Fraction(0))
    return (*top, len(gaps), float(rest), float(rest / whole))


def _score_published(score: Score) -> tuple[Any, ...]:
    items = tuple((item.kpi, item.maximum, item.points, item.value) for item in score.items)
    return score.points, score.maximum, score.rank, score.of, items


def _score_plain(score: ModelScore) -> tuple[Any, ...]:
    points, maximum, rank, of, items = score
    shown = tuple((kpi, float(most), _float(brought), _float(value)) for kpi, most, brought, value in items)
    return _float(points), float(maximum), rank, of, shown


def _float(number: Fraction | None) -> float | None:
    return None if number is None else float(number)
