"""Growth and scores from the plain readings of other KPIs, in fractions."""

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Protocol

from contracts.catalog import Kpi, ScoreItem, Target
from services.runtime.catalog import Calendar, Catalog
from tests.model.judging import Verdict
from tests.model.standing import Own

if TYPE_CHECKING:
    from tests.model.recompute import _Model


class Derived:
    """What one unit has of a derived KPI: at most one figure a day."""

    def __init__(self, by_day: dict[date, Own]) -> None:
        self._by_day = by_day

    def days(self) -> list[date]:
        return sorted(self._by_day)

    def absolute(self, day: date) -> Own | None:
        return self._by_day.get(day)

    def own(self, first: date, last: date, *, increments: bool) -> Own | None:
        return next((self._by_day[day] for day in reversed(self.days()) if first <= day <= last), None)

    def mean(self, first: date, last: date) -> Own | None:
        return None

    def standing(self) -> list[Own]:
        return [self._by_day[day] for day in self.days()]

    def reported_by(self, first: date, last: date, by: date, increments: bool) -> bool:
        return True


def derived(model: "_Model", sources: "Sequence[_Model]") -> tuple[dict[str, Derived], dict[str, set[date]]]:
    """The figures by unit, and the days on which a source said anything of the unit."""
    said: dict[str, set[date]] = {}
    for source in sources:
        for unit, days in source.days_said.items():
            for day in days:
                for one in (unit, *model.catalog.units.ancestors(unit, day)):
                    known = model.catalog.units.get(one)
                    if known is not None and known.level in model.levels:
                        said.setdefault(one, set()).add(day)
    found = {}
    for unit, days in said.items():
        standing: dict[date, Own] = {}
        for day in sorted(days):
            period = model.calendar.period(model.kpi.period, day)
            made = made_of(model.kpi, model.calendar, sources, unit, day)
            for later in [one for one in standing if period.contains(one) and (made is None or one >= made.day)]:
                del standing[later]
            if made is not None:
                standing[made.day] = made
        found[unit] = Derived(standing)
    return found, said


class Basis(Protocol):
    """A KPI that something is made from."""

    catalog: Catalog
    kpi: Kpi
    calendar: Calendar

    def standing(self, unit: str, day: date) -> "Stood | None": ...
    def whole(self, unit: str, day: date, back: int) -> "Stood | None": ...
    def peers(self, level: str, day: date) -> Sequence[str]: ...
    def held_against(self, unit: str, day: date) -> Target | None: ...


class Stood(NamedTuple):
    """What stood of a source: without a value it is there all the same."""

    as_of: date
    value: Fraction | None
    reported_at: datetime
    preliminary: bool


def _made(day: date, value: Fraction | None, behind: "list[Stood]") -> Own:
    reported_at, preliminary = max(one.reported_at for one in behind), any(one.preliminary for one in behind)
    return Own(day, None, None, value, [], (), False, False, reported_at, preliminary=preliminary)


def made_of(kpi: Kpi, calendar: Calendar, sources: "Sequence[Basis]", unit: str, day: date) -> Own | None:
    """What the sources make of the unit at the end of the day."""
    if kpi.growth is not None:
        return _growth(kpi.growth.periods_back, sources[0], unit, day)
    return _score(kpi, calendar, sources, unit, day)


def _growth(back: int, source: "Basis", unit: str, day: date) -> Own | None:
    now = source.standing(unit, day)
    if now is None:
        return None
    then = source.whole(unit, day, back)
    if then is None:
        return _made(now.as_of, None, [now])
    if now.value is None or then.value is None or then.value <= 0:
        return _made(now.as_of, None, [now, then])
    return _made(now.as_of, now.value / then.value, [now, then])


def _score(kpi: Kpi, calendar: Calendar, sources: "Sequence[Basis]", unit: str, day: date) -> Own | None:
    readings = [source.standing(unit, day) for source in sources]
    there = [reading for reading in readings if reading is not None]
    if not there:
        return None
    as_of = max(reading.as_of for reading in there)
    if as_of < calendar.period(kpi.period, day).first:
        return None
    items = []
    for item, source, reading in zip(kpi.composite, sources, readings, strict=True):
        value = reading.value if reading is not None else None
        points = None if value is None else _points(item, source, unit, day, value)
        items.append((item.kpi, Fraction(item.maximum), points, value))
    scored = [points for _, _, points, _ in items if points is not None]
    own = _made(as_of, sum(scored, Fraction(0)) if scored else None, there)
    own.items = tuple(items)
    return own


def _points(item: ScoreItem, source: "Basis", unit: str, day: date, value: Fraction) -> Fraction | None:
    maximum = Fraction(item.maximum)
    if item.rule == "steps":
        reached = [(Fraction(step.at_least), Fraction(step.points)) for step in item.steps]
        return max([one for one in reached if value >= one[0]], default=(Fraction(0), Fraction(0)))[1]
    if item.rule == "best_peer":
        return maximum * _of_best(source, unit, day, value)
    share = _of_goal(source, unit, day, value)
    if share is None:
        return None
    if item.rule == "half":
        return maximum if share >= 1 else maximum / 2 if share > 0 else Fraction(0)
    return maximum * min(Fraction(1), max(Fraction(0), share))


def _of_goal(source: "Basis", unit: str, day: date, value: Fraction) -> Fraction | None:
    period = source.calendar.period(source.kpi.period, day)
    target = source.held_against(unit, day)
    if target is not None:
        verdict = Verdict(source.kpi, source.calendar, target, target, period, day)
        return Fraction(1) if verdict.met(value) else verdict.against_target(value) or Fraction(0)
    limit = source.kpi.natural_limits.high
    high = 100 if limit is None and source.kpi.kind in ("ratio", "coverage") else limit
    if limit is None and source.kpi.kind == "composite":
        high = sum(item.maximum for item in source.kpi.composite)
    if high is None or high <= 0 or source.kpi.direction != "increase":
        return None
    return value / Fraction(high)


def _of_best(source: "Basis", unit: str, day: date, value: Fraction) -> Fraction:
    known = source.catalog.units.get(unit)
    assert known is not None
    readings = [source.standing(peer, day) for peer in source.peers(known.level, day)]
    values = [reading.value for reading in readings if reading is not None and reading.value is not None]
    if source.kpi.direction == "decrease":
        best = min(values)
        return Fraction(1) if value == best else max(Fraction(0), best / value) if value > 0 else Fraction(0)
    best = max(values)
    return max(Fraction(0), value / best) if best > 0 else Fraction(0)
