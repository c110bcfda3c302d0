"""Progress from the list of accepted observations, all at once, with exact fractions and no thought of speed.

Shares no code with the engine: what `services.metrics` folds, caches and stores is worked out here from scratch for
every record. Only the catalog's own look-ups (tree, calendar, which target is valid) are the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from contracts.catalog import Kpi, Target
from contracts.observations import ObservationRecorded
from services.runtime.catalog import Catalog, Period
from tests.model.deriving import Derived, Stood, derived
from tests.model.doubting import doubts
from tests.model.judging import Verdict, judge
from tests.model.standing import Figures, Own, collect

UNIT_DAYS = {
    "day": Fraction(1),
    "week": Fraction(7),
    "month": Fraction(36525, 1200),
    "quarter": Fraction(36525, 400),
    "year": Fraction(36525, 100),
}


ModelScore = tuple[
    Fraction | None, Fraction, int | None, int, tuple[tuple[str, Fraction, Fraction | None, Fraction | None], ...]
]
"""Points, maximum, rank, of how many, items."""


@dataclass
class ModelRecord:
    """What a progress record should say. Numbers are exact."""

    as_of: date | None = None
    value: Fraction | None = None
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    planned: Fraction | None = None
    gap: Fraction | None = None
    pace: Fraction | None = None
    completion: Fraction | None = None
    needed: tuple[Fraction, str, Fraction | None, Fraction | None] | None = None
    held: tuple[int, int] | None = None
    status: str = "no_target"
    expected: int | None = None
    missing: tuple[str, ...] | None = None
    missing_members: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    timeliness: tuple[int, tuple[str, ...]] | None = None
    discrepancy: tuple[Fraction, Fraction] | None = None
    contributions: dict[str, Fraction] | None = None
    lowest: dict[str, Fraction] | None = None
    """The gap over the lowest units that the sums are made of; where it cannot be split, `lowest_not_split`."""
    lowest_not_split: bool = False
    score: ModelScore | None = None
    flags: tuple[str, ...] = ()
    trust: str | None = None
    inputs: tuple[str, ...] = ()
    inputs_count: int = 0
    target: tuple[str, int] | None = None
    of_its_own: bool = False
    withdrawn: tuple[date, str, date] | None = None
    """Where nothing stands: the day whose figure was withdrawn last, by whom, and when."""
    codes: list[str] = field(default_factory=list)


Key = tuple[str, str, str]


def recompute(
    catalog: Catalog, observations: Iterable[ObservationRecorded], now: datetime, kept: Iterable[Key] = ()
) -> dict[Key, ModelRecord]:
    """Every record by (KPI, unit, period), as it should stand at `now`. Observations in any order, repeats welcome.

    `kept`: records that there were under a former catalog; a record stays once it is there.
    """
    today = now.astimezone(catalog.zone).date()
    by_kpi: dict[str, list[ObservationRecorded]] = {kpi: [] for kpi in catalog.kpis}
    for observation in {one.observation_id: one for one in observations}.values():
        if observation.kpi in by_kpi and observation.province == catalog.province.id:
            by_kpi[observation.kpi].append(observation)
    models: dict[str, _Model] = {}
    while len(models) < len(by_kpi):
        ready = [one for one in by_kpi if one not in models and set(catalog.kpis[one].sources) <= models.keys()]
        assert ready, f"derived from what the catalog lacks: {by_kpi.keys() - models.keys()}"
        for kpi_id in ready:
            kpi = catalog.kpis[kpi_id]
            sources = [models[source] for source in kpi.sources]
            models[kpi_id] = _Model(catalog, kpi, by_kpi[kpi_id], today, sources)
    records = {}
    for kpi_id, model in models.items():
        former = {(unit, model.calendar.parse(period)) for kpi, unit, period in kept if kpi == kpi_id}
        for unit, period in model.records() | former:
            records[kpi_id, unit, period.id] = model.record(unit, period)
    return records


@dataclass
class _Sums:
    """What one unit has in one accounting period: up the tree, and for itself."""

    n: Fraction = Fraction(0)
    d: Fraction = Fraction(0)
    usable_on: date | None = None
    seen_on: date | None = None
    covered: int = 0
    value: Fraction | None = None
    as_of: date | None = None
    own: Own | None = None
    direct: bool = False
    own_value: Fraction | None = None
    parts_value: Fraction | None = None
    complete: bool = False
    parts_on: date | None = None
    reported_at: datetime | None = None
    adds: bool = False
    lost: frozenset[str] = frozenset()
    """The reporting units whose figures are in none of the sums up the tree."""
    below: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    bottom: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    """The same of the lowest units that what goes on up is made of, itself among them."""
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each of these the units between, from below."""


class _Model:
    def __init__(
        self,
        catalog: Catalog,
        kpi: Kpi,
        observations: list[ObservationRecorded],
        today: date,
        sources: "Sequence[_Model]" = (),
    ) -> None:
        self.catalog, self.kpi, self.today = catalog, kpi, today
        self.calendar = catalog.calendars[kpi.calendar]
        self.days_said: dict[str, set[date]] = {}
        self._readings: dict[tuple[str, str, date], Stood | None] = {}
        self._fields: dict[tuple[str, str, date], list[Fraction]] = {}
        self.figures: dict[str, Figures] | dict[str, Derived]
        self.levels, self.derived = levels_of(catalog, kpi), bool(sources)
        self.from_zero = kpi.kind in ("flow", "milestone") or (kpi.kind == "growth" and sources[0].kpi.kind == "flow")
        if sources:
            self.figures, self.days_said = derived(self, sources)
            return
        self.figures = collect(observations, catalog.zone)
        for one in observations:
            if one.status != "forecast":
                day = one.as_of.astimezone(catalog.zone).date() if isinstance(one.as_of, datetime) else one.as_of
                self.days_said.setdefault(one.org_unit, set()).add(day)

    # which records there are

    def records(self) -> set[tuple[str, Period]]:
        found = set()
        for unit in self.catalog.units:
            for period in self.catalog.targets.periods(self.kpi.id, unit.id):
                if self._begun(unit.id, period):
                    found.add((unit.id, period))
        for unit_id, days in self.days_said.items():
            if self.catalog.units.get(unit_id) is None:
                continue
            for day in days:
                for touched in (unit_id, *self.catalog.units.ancestors(unit_id, day)):
                    found.update((touched, period) for period in self._periods(touched, day))
        return found

    def _periods(self, unit: str, day: date) -> list[Period]:
        covering = [p for p in self.catalog.targets.periods(self.kpi.id, unit) if p.contains(day)]
        return covering or [self.calendar.period(self.kpi.period, day)]

    def _begun(self, unit_id: str, period: Period) -> bool:
        unit = self.catalog.units.get(unit_id)
        assert unit is not None
        versions = [t for t in self.catalog.targets.of_unit(self.kpi.id, unit_id) if t.period == period.id]
        first = max(period.first, min(t.valid_from or period.first for t in versions), unit.valid_from or period.first)
        gone = unit.valid_to is not None and first >= unit.valid_to
        return first <= period.last and first <= self.today and not gone

    # what one record says

    def record(self, unit: str, period: Period) -> ModelRecord:
        now_valid = self._valid_now(unit, period)
        today = self._today_of(unit, period)
        record, sums = self._read(unit, period, _deadline(now_valid, period))
        by = self._judging(unit, period, record.as_of) or now_valid
        if now_valid is None and by is not None:
            now_valid = by
            record, sums = self._read(unit, period, _deadline(by, period))
        if now_valid is not None and self._reported_late(unit, period, _deadline(now_valid, period)):
            record.codes.append("late_figures")
        if today < self.today:
            record.codes.append("unit_ended")
        born = self.catalog.units.get(unit)
        if self.kpi.kind == "flow" and by and record.value is not None and born and born.valid_from:
            record.codes += ["unit_begun"] if born.valid_from > period.first else []
        verdict = Verdict(self.kpi, self.calendar, by, now_valid, period, today, self.from_zero)
        judge(record, verdict, self._reported_on(sums))
        own = self.figures.get(unit)
        if record.as_of is None and isinstance(own, Figures):
            record.withdrawn = own.last_withdrawn(period.first, _deadline(now_valid, period))
        if by is not None and verdict.keeps:
            record.held = self._held(unit, period, verdict)
        if by is not None and record.value is not None:
            self._add_what_is_needed(record, verdict, unit, period)
            record.contributions = self._contributions(record, verdict, sums, period)
        if self.kpi.kind == "composite" and sums and sums[-1].own is not None:
            self._add_score(record, sums[-1].own, unit, period)
        if record.value is not None:
            record.trust = _trust(record)
        return record

    def _valid_now(self, unit: str, period: Period) -> Target | None:
        day = min(self.today, self._last_day(unit))
        return self.catalog.targets.judging(self.kpi.id, unit, period.id, day)

    def _today_of(self, unit: str, period: Period) -> date:
        """Today; for a unit that ended before its deadline came, its last day."""
        ended, deadline = self._last_day(unit), _deadline(self._valid_now(unit, period), period)
        return min(self.today, ended) if ended < min(deadline, period.last) else self.today

    def _reported_late(self, unit: str, period: Period, deadline: date) -> bool:
        below = [] if self._is_leaf(unit, period.last) else self._expected(unit, period.last)
        if self.kpi.kind not in ("ratio", "flow"):
            days = [day for one in (unit, *below) if one in self.figures for day in self._absolute_days(one)]
        else:
            days = [day for one in (unit, *below) if one in self.figures for day in self.figures[one].days()]
        return any(deadline < day <= period.last for day in days)

    def _absolute_days(self, unit: str) -> list[date]:
        return [own.day for own in self.figures[unit].standing()]

    def standing(self, unit: str, day: date) -> Stood | None:
        """What stands at the end of a day, in its accounting period."""
        return self._stands(unit, self.calendar.period(self.kpi.period, day), day)

    def peers(self, level: str, day: date) -> Sequence[str]:
        """Whom a figure of the day is compared with."""
        return self.catalog.units.of_level(level, day)

    def held_against(self, unit: str, day: date) -> Target | None:
        """The target of the accounting period, in the version valid on the day."""
        return self.catalog.targets.judging(self.kpi.id, unit, self.calendar.period(self.kpi.period, day).id, day)

    def whole(self, unit: str, day: date, back: int) -> Stood | None:
        """What stands of the whole accounting period so many before."""
        period = self.calendar.period(self.kpi.period, day)
        for _ in range(back):
            period = self.calendar.period(self.kpi.period, period.first - timedelta(days=1))
        return self._stands(unit, period, period.last)

    def _stands(self, unit: str, period: Period, until: date) -> Stood | None:
        key = unit, period.id, until
        if key not in self._readings:  # asked again for every peer
            self._readings[key] = self._read_stood(unit, period, until)
        return self._readings[key]

    def _read_stood(self, unit: str, period: Period, until: date) -> Stood | None:
        record, sums = self._read(unit, period, until)
        moments = [one.reported_at for one in sums if one.reported_at is not None]
        if record.as_of is None:
            return None
        preliminary = any(one.direct and one.own is not None and one.own.preliminary for one in sums)
        return Stood(record.as_of, record.value, max(moments), preliminary)

    def _add_score(self, record: ModelRecord, own: Own, unit: str, period: Period) -> None:
        known = self.catalog.units.get(unit)
        assert known is not None
        on = min(period.last, self.today)
        if known.valid_to is not None:
            on = min(on, known.valid_to - timedelta(days=1))
        key = known.level, period.id, on
        if key not in self._fields:
            self._fields[key] = self._field(known.level, period, on)
        field = self._fields[key]
        rank = None
        if record.value is not None and all(item[2] is not None for item in own.items):
            falls = self.kpi.direction == "decrease"
            rank = 1 + sum(one < record.value if falls else one > record.value for one in field)
        record.score = record.value, sum((item[1] for item in own.items), Fraction(0)), rank, len(field), own.items

    def _field(self, level: str, period: Period, on: date) -> list[Fraction]:
        """The scores of the units that are ranked."""
        found = []
        for unit in self.catalog.units.of_level(level, on):
            told, sums = self._read(unit, period, period.last)
            own = sums[-1].own if sums else None
            if told.value is not None and own is not None and all(item[2] is not None for item in own.items):
                found.append(told.value)
        return found

    def _judging(self, unit: str, period: Period, as_of: date | None) -> Target | None:
        day = as_of or min(max(self._today_of(unit, period), period.first), period.last)
        return self.catalog.targets.judging(self.kpi.id, unit, period.id, day)

    def _reported_on(self, sums: list[_Sums]) -> date | None:
        moments = [one.reported_at for one in sums if one.reported_at is not None]
        return max(moments).astimezone(self.catalog.zone).date() if moments else None

    def _read(self, unit: str, period: Period, until: date) -> tuple[ModelRecord, list[_Sums]]:
        record = ModelRecord()
        until = min(until, period.last, self._last_day(unit))
        tree_day = self._tree_day(unit, period, until)
        nobody_then = self._tree_changes(period.first, until) and not self._reported(unit, period, until)
        if self._tree_changes(period.first, until):
            until = min(until, tree_day)
        told = [] if nobody_then else self._told(unit, period, until, tree_day, tree_day)
        if told and self.kpi.kind == "coverage":
            told = self._told(unit, period, until, tree_day, max(one.as_of for one in told if one.as_of))
        settled: list[_Sums] = []
        if told:
            settled = self._settle(record, unit, told)
        leaf = self._is_leaf(unit, tree_day)
        if self.kpi.kind == "milestone" and told and not told[-1].direct and told[-1].adds:
            record.numerator, record.denominator = told[-1].n, Fraction(len(self._expected(unit, tree_day)))
        if not leaf:
            self._complete(record, unit, period, until, tree_day)
            if record.value is not None and not told[-1].direct:
                of = told if self._adds_up_periods() else told[-1:]
                lost = {one for sums in of if not sums.direct for one in sums.lost}
                record.left_out = tuple(sorted(lost - {*(record.missing or ())}))
        if not leaf and not self.derived:
            record.timeliness = self._timeliness(unit, period, tree_day, min(period.last, self._last_day(unit)))
        if self.kpi.kind == "coverage" and told:
            self._members(record, unit, told[-1], tree_day, leaf)
        return record, settled

    def _told(self, unit: str, period: Period, until: date, tree_day: date, roster_day: date) -> list[_Sums]:
        found = []
        for part in self._accounting(period, until):
            sums = self._sums(unit, part, min(until, part.last), tree_day, roster_day)
            if sums.as_of is not None and sums.as_of >= period.first:
                found.append(sums)
        return found

    def _accounting(self, period: Period, until: date) -> Iterator[Period]:
        part = self.calendar.period(self.kpi.period, period.first)
        if self.kpi.kind == "milestone" and until > part.last:
            yield Period(period.id, part.first, period.last)
            return
        while part.first <= until and part.first <= period.last:
            yield part
            part = self.calendar.period(self.kpi.period, part.last + timedelta(days=1))

    def _adds_up_periods(self) -> bool:
        return self.kpi.kind == "flow" or (self.kpi.kind == "ratio" and "increment" in self.kpi.modes)

    def _settle(self, record: ModelRecord, unit: str, told: list[_Sums]) -> list[_Sums]:
        last = told[-1]
        record.value, record.as_of = last.value, last.as_of
        settled = [last]
        n: Fraction | None = last.n if last.adds else (last.own.n if last.own and last.direct else None)
        d: Fraction | None = last.d if last.adds else (last.own.d if last.own and last.direct else None)
        summed = [one for one in told if one.usable_on is not None and one.value is not None]
        if len(told) > 1 and self._adds_up_periods() and summed:
            n, d = sum((one.n for one in summed), Fraction(0)), sum((one.d for one in summed), Fraction(0))
            record.value, settled = self._value(n, d), summed
            record.as_of = max(one.as_of for one in summed if one.as_of is not None)
        if self.kpi.kind in ("ratio", "coverage", "rate"):
            record.numerator, record.denominator = n, d
        owns = [one.own for one in told if one.own is not None]
        if not self._adds_up_periods():
            owns = [last.own] if last.own is not None else []
        ids = sorted(identity for own in owns for identity in own.ids)
        record.inputs, record.inputs_count = tuple(ids[:20]), len(ids)
        flags: set[str] = set()
        record.of_its_own = last.direct
        if last.direct:
            if any(own.preliminary for own in owns):
                record.codes.append("preliminary")
            for own in owns:
                flags.update(own.flags)
                if own.base is not None:
                    flags.update(doubts(self.kpi, self.calendar, self.figures[unit].standing(), own.base))
                if own.disagree:
                    flags.add("sources_disagree")
        self._compare(record, told, flags)
        if n is not None and self._unnatural(n, d, record.value):
            flags.add("over_natural_range")
        record.flags = tuple(sorted(flags))
        return settled

    def _compare(self, record: ModelRecord, told: list[_Sums], flags: set[str]) -> None:
        both = [one for one in told if one.own_value is not None and one.parts_value is not None]
        if not both:
            return
        if len(told) > 1 and self._adds_up_periods():
            reported = sum((_either(one.own_value, one.parts_value) for one in told), Fraction(0))
            parts = sum((_either(one.parts_value, one.own_value) for one in told), Fraction(0))
        elif both[-1] is told[-1]:
            reported, parts = _either(told[-1].own_value, None), _either(told[-1].parts_value, None)
        else:
            return
        if reported != parts:
            record.discrepancy = reported, parts
            if all(one.complete and one.own is not None and one.own.day == one.parts_on for one in both):
                flags.add("parts_disagree")

    def _unnatural(self, n: Fraction, d: Fraction | None, value: Fraction | None) -> bool:
        if "increment" not in self.kpi.modes:
            return False
        low = Fraction(self.kpi.natural_limits.low or 0)
        high = self.kpi.natural_limits.high
        if n < 0 or (d is not None and d < 0) or value is None:
            return n < low or (d is not None and d < 0)
        top = Fraction(high) if high is not None else Fraction(100) if self.kpi.kind == "ratio" else None
        return value < low or (top is not None and value > top)

    # one unit in one accounting period

    def _sums(self, unit: str, part: Period, until: date, tree_day: date, roster_day: date) -> _Sums:
        known = self.catalog.units.get(unit)
        own = None
        if known is not None and known.level in self.levels and unit in self.figures:
            own = self._own(self.figures[unit], part.first, until)
        alone = self._own_sums(unit, own)
        if self._is_leaf(unit, tree_day):
            if own is None and self.kpi.kind == "coverage":
                roster = self._roster(unit, roster_day)
                alone.d = Fraction(roster[0]) if roster is not None else Fraction(0)
            if own is not None and not alone.adds:
                alone.lost = frozenset({unit})
            alone.bottom, alone.chains = {unit: (alone.n, alone.d)}, {unit: ()}
            return alone
        below = {
            child: self._sums(child, part, until, tree_day, roster_day)
            for child in self.catalog.units.children(unit, tree_day)
            if self._reports_below(child, tree_day)
        }
        alone.below = {child: (sums.n, sums.d) for child, sums in below.items()}
        sums = self._direct_or_parts(alone, [*below.values()], len(self._expected(unit, tree_day)))
        for child, one in below.items():
            if (one.direct and one.adds) or not one.bottom:
                sums.bottom[child], sums.chains[child] = (one.n, one.d), ()
            else:
                sums.bottom.update(one.bottom)
                sums.chains.update({unit: (*chain, child) for unit, chain in one.chains.items()})
        return sums

    def _own(self, figures: Figures | Derived, first: date, until: date) -> Own | None:
        if self.kpi.kind == "level" and self.kpi.within_period == "mean":
            return figures.mean(first, until)
        return figures.own(first, until, increments=self.kpi.kind in ("ratio", "flow"))

    def _own_sums(self, unit: str, own: Own | None) -> _Sums:
        sums = _Sums(own=own)
        if own is None:
            return sums
        sums.direct, sums.as_of, sums.seen_on, sums.reported_at = True, own.day, own.day, own.reported_at
        pair = self._parts(unit, own)
        if pair is not None:
            (sums.n, sums.d), sums.usable_on, sums.covered, sums.adds = pair, own.day, 1, True
            sums.value = self._value(*pair)
        elif (self.kpi.kind in ("ratio", "rate", "level") and own.v is not None and not own.summed) or self.derived:
            sums.value = own.v
        elif self.kpi.kind == "rank" and own.rank is not None:
            sums.value = Fraction(own.rank)
        sums.own_value = sums.value
        return sums

    def _direct_or_parts(self, sums: _Sums, below: list[_Sums], expected: int) -> _Sums:
        n, d = sum((one.n for one in below), Fraction(0)), sum((one.d for one in below), Fraction(0))
        usable = max((one.usable_on for one in below if one.usable_on is not None), default=None)
        seen = max((one.seen_on for one in below if one.seen_on is not None), default=None)
        covered = sum(one.covered for one in below)
        sums.complete = expected > 0 and covered >= expected
        sums.parts_value = self._value(n, d) if usable is not None else None
        sums.parts_on = usable
        lost = frozenset(leaf for one in below for leaf in one.lost)
        own = sums.own
        if own is not None:
            overtaken = sums.complete and usable is not None and usable > own.day and sums.parts_value is not None
            if not overtaken and (sums.own_value is not None or sums.parts_value is None):
                if sums.usable_on is None:
                    sums.n, sums.d, sums.usable_on, sums.covered, sums.lost = n, d, usable, covered, lost
                else:
                    sums.covered = expected
                return sums
        reported = [one.reported_at for one in below if one.reported_at is not None]
        sums.n, sums.d, sums.usable_on, sums.covered, sums.adds = n, d, usable, covered, usable is not None
        sums.direct, sums.value, sums.seen_on, sums.as_of = False, sums.parts_value, seen, usable or seen
        sums.reported_at, sums.lost = max(reported, default=None), lost
        return sums

    def _parts(self, unit: str, own: Own) -> tuple[Fraction, Fraction] | None:
        if self.kpi.kind in ("ratio", "rate"):
            return None if own.n is None or own.d is None else (own.n, own.d)
        if self.kpi.kind in ("flow", "stock"):
            return None if own.v is None else (own.v, Fraction(0))
        if self.kpi.kind == "level":
            return None if own.v is None or not own.weight else (own.v * own.weight, own.weight)
        if self.kpi.kind == "milestone":
            return None if own.done is None else (Fraction(own.done), Fraction(0))
        if self.kpi.kind == "coverage":
            roster, done = self._roster(unit, own.day), own.n
            if own.members is not None:
                known = roster[1] if roster is not None else None
                done = Fraction(len(own.members if known is None else own.members & known))
            size = Fraction(roster[0]) if roster is not None else own.d
            return None if done is None or size is None else (done, size)
        return None

    def _value(self, n: Fraction, d: Fraction) -> Fraction | None:
        if self.kpi.kind in ("ratio", "coverage"):
            return 100 * n / d if d > 0 else None
        if self.kpi.kind == "level":
            return n / d if d > 0 else None
        if self.kpi.kind == "rate":
            return Fraction(self.kpi.rate_base or 0) * n / d if d > 0 else None
        return n

    # the tree

    def _tree_day(self, unit: str, period: Period, until: date) -> date:
        """The day whose tree a record is read by: the latest on which it or a unit then below it reported; today."""
        if self.kpi.kind != "coverage" and not self._tree_changes(period.first, until):
            return until  # any day has the same tree
        reported = self._reported(unit, period, until)
        if reported:
            return max(reported)
        known = self.catalog.units.get(unit)
        born = max(period.first, (known.valid_from if known else None) or period.first)
        return min(until, max(self.today, born))

    def _last_day(self, unit: str) -> date:
        known = self.catalog.units.get(unit)
        return known.valid_to - timedelta(days=1) if known and known.valid_to else date.max

    def _reported(self, unit: str, period: Period, until: date) -> list[date]:
        return [
            day
            for other, figures in self.figures.items()
            for day in figures.days()
            if period.first <= day <= until and (other == unit or unit in self.catalog.units.ancestors(other, day))
        ]

    def _tree_changes(self, first: date, last: date) -> bool:
        return self.catalog.units.stretch(first) != self.catalog.units.stretch(last)

    def _is_leaf(self, unit: str, day: date) -> bool:
        return unit in self.catalog.units.of_level(self.kpi.levels[0], day)

    def _expected(self, unit: str, day: date) -> list[str]:
        return [one for one in self.catalog.units.descendants(unit, day) if self._is_leaf(one, day)]

    def _reports_below(self, unit: str, day: date) -> bool:
        reporting = [one for level in self.kpi.levels for one in self.catalog.units.of_level(level, day)]
        below = set(self.catalog.units.descendants(unit, day))
        return unit in reporting or any(one in below for one in reporting)

    def _complete(self, record: ModelRecord, unit: str, period: Period, until: date, tree_day: date) -> None:
        expected = self._expected(unit, tree_day)
        missing = []
        for one in expected:
            figures = self.figures.get(one)
            owns = [
                self._own(figures, part.first, min(until, part.last))
                for part in self._accounting(period, until)
                if figures is not None
            ]
            if not any(own is not None and own.day >= period.first for own in owns):
                missing.append(one)
        record.expected, record.missing, record.missing_members = len(expected), tuple(sorted(missing)), ()

    def _timeliness(self, unit: str, period: Period, tree_day: date, until: date) -> tuple[int, tuple[str, ...]] | None:
        """Due, and who was late, of the last cadence period that ends in the period and whose deadline has passed."""
        last: tuple[Period, date] | None = None
        day = period.first
        while day <= period.last:
            cadence = self.calendar.period(self.kpi.cadence, day)
            day = cadence.last + timedelta(days=1)
            worked = self.kpi.cadence != "day" or self.calendar.is_working_day(cadence.last)
            by = self.calendar.add_working_days(cadence.last, self.kpi.report_within_working_days)
            if worked and cadence.last <= until and by < self.today:
                last = cadence, by
        if last is None:
            return None
        cadence, by = last
        due = [one for one in self._expected(unit, tree_day) if self._exists(one, cadence.last)]
        increments = self.kpi.kind in ("ratio", "flow")
        late = [
            one
            for one in due
            if one not in self.figures or not self.figures[one].reported_by(cadence.first, cadence.last, by, increments)
        ]
        return len(due), tuple(sorted(late))

    def _exists(self, unit_id: str, day: date) -> bool:
        unit = self.catalog.units.get(unit_id)
        return unit is not None and unit.valid_on(day)

    def _members(self, record: ModelRecord, unit: str, last: _Sums, tree_day: date, leaf: bool) -> None:
        if last.direct:
            standing = [(unit, last.own)]
        else:
            part = self.calendar.period(self.kpi.period, last.as_of or tree_day)
            until = min(part.last, tree_day) if last.as_of else tree_day
            units = self._expected(unit, tree_day)
            standing = [
                (u, self.figures[u].own(part.first, until, increments=False)) for u in units if u in self.figures
            ]
        named = False
        missing: set[str] = set()
        for one, own in standing:
            roster = self._roster(one, own.day) if own is not None else None
            if own is not None and own.members is not None and roster is not None and roster[1] is not None:
                named = True
                missing |= roster[1] - own.members
        if not named:
            return
        if record.expected is None:
            record.expected, record.missing = 1, ()
        record.missing_members = tuple(sorted(missing))

    def _roster(self, unit: str, day: date) -> tuple[int, frozenset[str] | None] | None:
        for roster in self.kpi.rosters:
            if roster.unit == unit and roster.valid_on(day):
                if roster.level is not None:
                    members = frozenset(self.catalog.units.descendants(unit, day, roster.level))
                    return len(members), members
                if roster.members:
                    return len(roster.members), frozenset(roster.members)
                return roster.size or 0, None
        return None

    # whose the gap is

    def _contributions(
        self, record: ModelRecord, verdict: Verdict, sums: list[_Sums], period: Period
    ) -> dict[str, Fraction] | None:
        if record.gap is None or record.planned is None or record.value is None or any(one.direct for one in sums):
            return None
        if verdict.band is not None:
            short = not verdict.met(record.value)
        else:
            short = record.gap > 0 if verdict.lower_is_better else record.gap < 0
        parts: dict[str, tuple[Fraction, Fraction]] = {}
        for child, (n, d) in (item for one in sums for item in one.below.items()):
            before = parts.get(child, (Fraction(0), Fraction(0)))
            parts[child] = before[0] + n, before[1] + d
        if not short or not parts:
            return None
        record.lowest = self._split(record, self._bottom(sums), period)
        record.lowest_not_split = record.lowest is None
        found = self._split(record, parts, period)
        if found is None:
            record.codes.append("not_split")
        return found

    def _bottom(self, sums: list[_Sums]) -> dict[str, tuple[Fraction, Fraction]]:
        """What each of the lowest units adds over all periods; one that stood for those below it in any of them does in
        all."""
        everybody = {unit for one in sums for unit in one.bottom}
        added: dict[str, tuple[Fraction, Fraction]] = {}
        for one in sums:
            for unit, (n, d) in one.bottom.items():
                above = [other for other in one.chains[unit] if other in everybody]
                name = above[-1] if above else unit
                before = added.get(name, (Fraction(0), Fraction(0)))
                added[name] = before[0] + n, before[1] + d
        return added

    def _split(
        self, record: ModelRecord, parts: dict[str, tuple[Fraction, Fraction]], period: Period
    ) -> dict[str, Fraction] | None:
        assert record.planned is not None
        factors = {"ratio": 100, "coverage": 100, "level": 1, "rate": self.kpi.rate_base or 100}
        if self.kpi.kind in factors:
            factor, whole = Fraction(factors[self.kpi.kind]), sum(d for _, d in parts.values())
            return {child: (factor * n - record.planned * d) / whole for child, (n, d) in parts.items()}
        plans = {child: self._own_plan(child, period, record.as_of or period.last) for child in parts}
        known = [plan for plan in plans.values() if plan is not None]
        if len(known) < len(plans) or sum(known) <= 0 or min(known) < 0:
            return None
        return {
            child: n - record.planned * (plans[child] or Fraction(0)) / sum(known) for child, (n, _) in parts.items()
        }

    def _own_plan(self, unit: str, period: Period, day: date) -> Fraction | None:
        target = self.catalog.targets.judging(self.kpi.id, unit, period.id, day)
        if target is None:
            return None
        verdict = Verdict(self.kpi, self.calendar, target, target, period, self.today, self.from_zero)
        if verdict.band is not None:
            return None
        if verdict.keeps:
            return verdict.goal
        return None if verdict.baseline is None else verdict.planned(day)

    # what would still meet the target

    def _add_what_is_needed(self, record: ModelRecord, verdict: Verdict, unit: str, period: Period) -> None:
        by, as_of, value = verdict.by, record.as_of, record.value
        assert by is not None
        assert as_of is not None
        assert value is not None
        if verdict.keeps:
            return
        deadline = verdict.deadline
        if verdict.met(value) or record.status == "missed" or as_of >= deadline:
            return
        per = self._per(period)
        unit_days = UNIT_DAYS[per]
        amount = (verdict.aim(value) - value) / ((deadline - as_of).days / unit_days)
        so_far = None
        if verdict.baseline is not None and as_of > verdict.baseline_on:
            so_far = (value - verdict.baseline) / ((as_of - verdict.baseline_on).days / unit_days)
        record.needed = amount, per, so_far, self._best(unit, period, as_of, value, verdict, per)

    def _per(self, period: Period) -> str:
        order = ["day", "week", "month", "quarter", "year"]
        by_length = "month" if period.days > 190 else "week" if period.days > 45 else "day"
        cadence = "quarter" if self.kpi.cadence == "half" else self.kpi.cadence
        return order[max(order.index(by_length), order.index(cadence))]

    def _best(
        self, unit: str, period: Period, as_of: date, value: Fraction, verdict: Verdict, per: str
    ) -> Fraction | None:
        points: list[tuple[date, Fraction]] = []
        day = period.first
        while (end := self.calendar.period(per, day).last) < as_of:  # type: ignore[arg-type]
            then, _ = self._read(unit, period, end)
            fresh = then.as_of is not None and (not points or then.as_of > points[-1][0])
            if then.value is not None and then.as_of is not None and fresh:
                points.append((then.as_of, then.value))
            day = end + timedelta(days=1)
        if not points or as_of > points[-1][0]:
            points.append((as_of, value))
        if verdict.baseline is not None and points[0][0] > verdict.baseline_on:
            points.insert(0, (verdict.baseline_on, verdict.baseline))
        rates = []
        for (a, u), (b, v) in pairwise(points):
            units = (b - a).days / UNIT_DAYS[per]
            rates.append((v - u) / (units if units >= Fraction(3, 4) else 1))
        last, reached = points[-1]
        if verdict.baseline is not None and last > verdict.baseline_on:
            rates.append((reached - verdict.baseline) / ((last - verdict.baseline_on).days / UNIT_DAYS[per]))
        if not rates:
            return None
        return min(rates) if verdict.falls() else max(rates)

    def _held(self, unit: str, period: Period, verdict: Verdict) -> tuple[int, int]:
        readings = kept = 0
        known = self.catalog.units.get(unit)
        figures = self.figures.get(unit)
        if figures is None or known is None or known.level not in self.levels:
            return 0, 0
        for day in figures.days():
            own = figures.absolute(day)
            if own is None or not period.first <= day <= min(period.last, verdict.deadline):
                continue
            value = self._own_sums(unit, own).value
            if value is not None:
                readings += 1
                kept += verdict.met(value)
        return readings, kept


def levels_of(catalog: Catalog, kpi: Kpi) -> set[str]:
    """The levels whose units have figures: of a growth those above, too."""
    if kpi.kind != "growth":
        return set(kpi.levels)
    days = [date.min, *catalog.units.turning_points]
    below = [unit for unit in catalog.units if unit.level in kpi.levels]
    above = {one for unit in below for day in days for one in catalog.units.ancestors(unit.id, day)}
    return {*kpi.levels, *(unit.level for unit in catalog.units if unit.id in above)}


def _trust(record: ModelRecord) -> str:
    """A, and one down for each thing that is held against the figure."""
    faults = [*record.flags, *(code for code in record.codes if code in ("stale", "preliminary"))]
    absent = {*(record.missing or ()), *record.left_out}
    if absent and not record.of_its_own:
        faults.append("some are missing")
        if Fraction(len(absent), record.expected or 1) >= Fraction(1, 2):
            faults.append("half of them")
    if record.score is not None:
        items = record.score[4]
        silent = [kpi for kpi, _, points, _ in items if points is None]
        if silent:
            faults.append("some KPIs are silent")
            if Fraction(len(silent), len(items)) >= Fraction(1, 2):
                faults.append("half of them")
    return "ABCD"[min(3, len(faults))]


def _deadline(target: Target | None, period: Period) -> date:
    return (target.deadline if target is not None else None) or period.last


def _either(one: Fraction | None, other: Fraction | None) -> Fraction:
    found = one if one is not None else other
    return found if found is not None else Fraction(0)
