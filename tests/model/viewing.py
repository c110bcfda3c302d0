"""Figures on the units of another day, worked out from the list of accepted observations with exact fractions.

Looks forward over reforms only, one unit of the asked day at a time: what it said itself since the last reform, else
what its predecessors had before it, and theirs.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from contracts.catalog import Kpi, Target
from contracts.observations import ObservationRecorded
from services.runtime.catalog import Catalog, Period
from tests.model.deriving import Stood, made_of
from tests.model.recompute import _Model, _Sums, levels_of
from tests.model.standing import Own


class Seen(NamedTuple):
    """What a unit shows; of a score, also its place and among how many."""

    value: Fraction | None
    as_of: date | None
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    rank: int | None = None
    of: int | None = None


_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def viewed(
    catalog: Catalog,
    kpi: str,
    observations: Iterable[ObservationRecorded],
    period: str,
    on: date | None,
    now: datetime,
) -> dict[str, Seen]:
    """What every unit of the day `on` shows; None: as it was, on the day of the latest figure."""
    found = list({one.observation_id: one for one in observations}.values())
    today = now.astimezone(catalog.zone).date()
    window = catalog.calendars[catalog.kpis[kpi].calendar].parse(period)
    if catalog.kpis[kpi].sources:
        assert on is not None, "what is derived is seen as it was in its records"
        return _Derived(catalog, catalog.kpis[kpi], found, today, on).view(window)
    return _Viewing(catalog, catalog.kpis[kpi], [one for one in found if one.kpi == kpi], today, []).view(window, on)


@dataclass(frozen=True)
class _Held:
    """A figure, or the place of who is silent, as far as it is on a unit."""

    sums: _Sums
    adds: bool = False
    silent: bool = False


class _Viewing(_Model):
    def view(self, period: Period, on: date | None) -> dict[str, Seen]:
        parts = [
            (part, period.last, self._standing_in(part, period.last)) for part in self._accounting(period, period.last)
        ]
        told = [one for one in parts if any(own.day >= period.first for own in one[2].values())]
        latest = max((own.day for _, _, stood in told for own in stood.values()), default=None)
        day = on or latest or min(max(self.today, period.first), period.last)
        units = [one.id for one in self.catalog.units if one.valid_on(day) and self._reports_below(one.id, day)]
        placed = [self._placed(part, until, day, carry=on is not None) for part, until, _ in told]
        seen: dict[str, Seen] = {}
        for unit in units:
            sums = [self._rolled(unit, one, day) for one in placed]
            seen[unit] = self._shown([one for one in sums if one.as_of is not None and one.as_of >= period.first])
        return seen

    def _standing_in(self, part: Period, last: date) -> dict[str, Own]:
        found = {}
        for unit, figures in self.figures.items():
            known = self.catalog.units.get(unit)
            if known is not None and known.level in self.kpi.levels:
                own = self._own(figures, part.first, min(part.last, last))
                if own is not None:
                    found[unit] = own
        return found

    def _placed(self, part: Period, until: date, on: date, *, carry: bool) -> dict[str, _Sums]:
        """What every unit of the day has of its own, or was brought."""
        stood = self._standing_in(part, until)
        eras = {
            era: found for era in range(len(self._reforms) + 1) if (found := self._said_in(era, part, until, stood))
        }
        there = [one.id for one in self.catalog.units if one.valid_on(on)]
        if carry:
            return {unit: self._together(self._at(unit, self._era(on), eras)) for unit in there}
        last = eras.get(max(eras, default=0), {})
        return {
            unit: self._together([_Held(self._parted(unit, stood[unit])) if unit in stood else last[unit]])
            for unit in there
            if unit in stood or unit in last
        }

    def _said_in(self, era: int, part: Period, until: date, stood: dict[str, Own]) -> dict[str, _Held]:
        """What stood on units between two reforms; where the silent count, also what was replaced after the second, and
        the places of who said nothing, given that anybody did."""
        counts = self.kpi.kind in ("coverage", "milestone")
        if counts:
            stood = self._standing_in(part, min([until, *(one - timedelta(days=1) for one in self._reforms[era:])]))
        of_era = {unit: own for unit, own in stood.items() if self._era(own.day) == era}
        found = {unit: _Held(self._parted(unit, own), adds=_adds(own)) for unit, own in of_era.items()}
        if counts and found:
            day = max(own.day for own in of_era.values())
            for unit in self.catalog.units.of_level(self.kpi.levels[0], day):
                size = self._place_of(unit, day)
                if size is not None:
                    found.setdefault(unit, _Held(_Sums(d=size), silent=True))
        return found

    def _place_of(self, unit: str, day: date) -> Fraction | None:
        """What a silent unit leaves in the total."""
        if self.kpi.kind == "milestone":
            return Fraction(1)
        roster = self._roster(unit, day)
        return None if roster is None else Fraction(roster[0])

    def _parted(self, unit: str, own: Own) -> _Sums:
        sums = self._own_sums(unit, own)
        return replace(sums, d=Fraction(1)) if self.kpi.kind == "milestone" and sums.adds else sums

    def _at(self, unit: str, era: int, eras: dict[int, dict[str, _Held]]) -> list[_Held]:
        """What stands on a unit after so many reforms."""
        own = eras.get(era, {}).get(unit)
        if own is not None and not own.silent and not (own.adds and own.sums.adds):
            return [own]
        before = []
        for one, share in self._predecessors(unit, era).items() if era else ():
            moved = one != unit or self._touched(unit, self._reforms[era - 1])
            for held in self._at(one, era - 1, eras):
                if share and not (moved and not held.silent and not held.sums.adds):
                    before.append(replace(held, sums=_share(held.sums, share)))
        if own is None:
            return before
        if not own.silent:
            return [own, *before]
        return [own] if all(one.silent for one in before) else before

    def _together(self, taken: list[_Held]) -> _Sums:
        sums = [one.sums for one in taken]
        if len(sums) == 1:
            value = self._value(sums[0].n, sums[0].d) if sums[0].adds else sums[0].value
            return replace(sums[0], value=value, own_value=value)
        n, d = sum((one.n for one in sums), Fraction(0)), sum((one.d for one in sums), Fraction(0))
        usable = max((one.usable_on for one in sums if one.usable_on is not None), default=None)
        value = self._value(n, d) if usable is not None else None
        owns = [one.own for one in sums if one.own is not None]
        return _Sums(
            n=n, d=d, usable_on=usable, seen_on=usable, as_of=usable, covered=int(usable is not None), value=value,
            own_value=value, own=max(owns, key=lambda own: own.day, default=None), direct=bool(sums),
            adds=usable is not None,
        )  # fmt: skip

    @cached_property
    def _reforms(self) -> list[date]:
        return sorted({one.effective for one in self.catalog.successions})

    def _era(self, day: date) -> int:
        return sum(each <= day for each in self._reforms)

    def _touched(self, unit: str, reform: date) -> bool:
        return any(unit in (one.from_unit, one.to_unit) for one in self.catalog.successions if one.effective == reform)

    def _predecessors(self, unit: str, era: int) -> dict[str, Fraction]:
        """Of whom the unit has how much since the reform that began the era."""
        reform = self._reforms[era - 1]
        rows = [one.from_unit for one in self.catalog.successions if one.to_unit == unit and one.effective == reform]
        return {one: self._followers(one, reform).get(unit, Fraction(0)) for one in dict.fromkeys([*rows, unit])}

    def _followers(self, unit: str, reform: date) -> dict[str, Fraction]:
        """Who has how much of the unit since that reform: nobody but itself if it has no successors."""
        rows = [row for row in self.catalog.successions if row.effective == reform and row.from_unit == unit]
        stated = sum((Fraction(row.weight) for row in rows if row.weight is not None), Fraction(0))
        shares = {row.to_unit: Fraction(row.weight) if row.weight is not None else 1 - stated for row in rows}
        known = self.catalog.units.get(unit)
        if known is not None and known.valid_on(reform):
            shares[unit] = 1 - stated
        return shares if rows else {unit: Fraction(1)}

    def _heirs(self, unit: str, since: date, on: date) -> dict[str, Fraction]:
        held = {unit: Fraction(1)}
        for reform in [one for one in self._reforms if since < one <= on]:
            after: dict[str, Fraction] = {}
            for one, share in held.items():
                for heir, part in self._followers(one, reform).items():
                    after[heir] = after.get(heir, Fraction(0)) + share * part
            held = after
        return held

    def _rolled(self, unit: str, placed: dict[str, _Sums], on: date) -> _Sums:
        alone = placed.get(unit, _Sums())
        if self._is_leaf(unit, on):
            return alone
        below = [
            self._rolled(child, placed, on)
            for child in self.catalog.units.children(unit, on)
            if self._reports_below(child, on)
        ]
        return self._direct_or_parts(replace(alone), below, len(self._expected(unit, on)))

    def _shown(self, told: list[_Sums]) -> Seen:
        if not told:
            return Seen(None, None)
        last = max(told, key=lambda one: one.as_of or date.min)
        summed = [one for one in told if one.usable_on is not None and one.value is not None]
        if len(told) > 1 and self._adds_up_periods() and summed:
            n, d = sum((one.n for one in summed), Fraction(0)), sum((one.d for one in summed), Fraction(0))
            return Seen(self._value(n, d), max(one.as_of for one in summed if one.as_of), n, d)
        return Seen(last.value, last.as_of, last.n if last.adds else None, last.d if last.adds else None)


class _OnDay(ABC):
    """A KPI on the units of a day, as what is derived from it needs it."""

    def __init__(
        self, catalog: Catalog, kpi: Kpi, observations: list[ObservationRecorded], today: date, on: date
    ) -> None:
        self.catalog, self.kpi, self.on = catalog, kpi, on
        self.calendar = catalog.calendars[kpi.calendar]
        self._known: dict[tuple[str, Period, date], Stood | None] = {}

    @abstractmethod
    def said(self, unit: str) -> set[date]:
        """The days of which anything was said of what is in the unit, or below it, on the day of the view."""

    @abstractmethod
    def _read(self, unit: str, period: Period, until: date) -> Stood | None: ...

    def standing(self, unit: str, day: date) -> Stood | None:
        return self._stood(unit, self.calendar.period(self.kpi.period, day), day)

    def whole(self, unit: str, day: date, back: int) -> Stood | None:
        period = self.calendar.period(self.kpi.period, day)
        for _ in range(back):
            period = self.calendar.period(self.kpi.period, period.first - timedelta(days=1))
        return self._stood(unit, period, period.last)

    def peers(self, level: str, day: date) -> Sequence[str]:
        return [one.id for one in self.catalog.units if one.level == level and one.valid_on(self.on)]

    def held_against(self, unit: str, day: date) -> Target | None:
        known = self.catalog.units.get(unit)
        assert known is not None
        period = self.calendar.period(self.kpi.period, day)
        if known.valid_from is not None and day < known.valid_from:
            day = known.valid_from
        if known.valid_to is not None and day >= known.valid_to:
            day = known.valid_to - timedelta(days=1)
        return self.catalog.targets.judging(self.kpi.id, unit, period.id, day)

    def _stood(self, unit: str, period: Period, until: date) -> Stood | None:
        key = unit, period, until
        if key not in self._known:  # asked again for every peer
            self._known[key] = self._read(unit, period, until)
        return self._known[key]

    def _and_below(self, unit: str) -> set[str]:
        return {unit, *self.catalog.units.descendants(unit, self.on)}


class _Reported(_OnDay):
    def __init__(
        self, catalog: Catalog, kpi: Kpi, observations: list[ObservationRecorded], today: date, on: date
    ) -> None:
        super().__init__(catalog, kpi, observations, today, on)
        self._model = _Viewing(catalog, kpi, [one for one in observations if one.kpi == kpi.id], today, [])

    def said(self, unit: str) -> set[date]:
        below = self._and_below(unit)
        return {
            day
            for one, days in self._model.days_said.items()
            for day in days
            if below & {heir for heir, share in self._model._heirs(one, day, self.on).items() if share}
        }

    def _read(self, unit: str, period: Period, until: date) -> Stood | None:
        placed = self._model._placed(period, until, self.on, carry=True)
        sums = self._model._rolled(unit, placed, self.on)
        return None if sums.as_of is None else Stood(sums.as_of, sums.value, _NEVER, False)


class _Derived(_OnDay):
    def __init__(
        self, catalog: Catalog, kpi: Kpi, observations: list[ObservationRecorded], today: date, on: date
    ) -> None:
        super().__init__(catalog, kpi, observations, today, on)
        self._levels = levels_of(catalog, kpi)
        self._sources = [
            (_Derived if catalog.kpis[one].sources else _Reported)(catalog, catalog.kpis[one], observations, today, on)
            for one in kpi.sources
        ]

    def view(self, period: Period) -> dict[str, Seen]:
        units = [one for one in self.catalog.units if one.valid_on(self.on) and self._concerns(one.id)]
        shown = {one.id: self._shown(one.id, period) for one in units}
        whole = {
            unit: own.v
            for unit, own in shown.items()
            if own is not None and own.v is not None and all(item[2] is not None for item in own.items)
        }
        found = {}
        for unit in units:
            own, score = shown[unit.id], whole.get(unit.id)
            found[unit.id] = Seen(own.v if own is not None else None, self._latest(unit.id, shown))
            if own is not None and self.kpi.kind == "composite":
                others = [whole[one.id] for one in units if one.level == unit.level and one.id in whole]
                falls = self.kpi.direction == "decrease"
                rank = None
                if score is not None:
                    rank = 1 + sum(one < score if falls else one > score for one in others)
                found[unit.id] = Seen(own.v, own.day, rank=rank, of=len(others))
        return found

    def _latest(self, unit: str, shown: dict[str, Own | None]) -> date | None:
        own = shown.get(unit)
        if own is not None:
            return own.day
        below = [self._latest(child, shown) for child in self.catalog.units.children(unit, self.on)]
        return max((one for one in below if one is not None), default=None)

    def _concerns(self, unit: str) -> bool:
        reporting = [one for level in self.kpi.levels for one in self.catalog.units.of_level(level, self.on)]
        return bool(self._and_below(unit) & set(reporting))

    def said(self, unit: str) -> set[date]:
        mine = [one for one in self._and_below(unit) if self._has_figures(one)]
        return {day for one in mine for source in self._sources for day in source.said(one)}

    def _has_figures(self, unit: str) -> bool:
        known = self.catalog.units.get(unit)
        return known is not None and known.level in self._levels

    def _shown(self, unit: str, period: Period) -> Own | None:
        part = self.calendar.period(self.kpi.period, period.last)
        while part.last >= period.first:
            own = self._own(unit, part, period.last)
            if own is not None and own.day >= period.first:
                return own
            part = self.calendar.period(self.kpi.period, part.first - timedelta(days=1))
        return None

    def _own(self, unit: str, part: Period, until: date) -> Own | None:
        days = [day for day in self.said(unit) if part.first <= day <= min(part.last, until)]
        if not days or not self._has_figures(unit):
            return None
        return made_of(self.kpi, self.calendar, self._sources, unit, max(days))

    def _read(self, unit: str, period: Period, until: date) -> Stood | None:
        own = self._own(unit, period, until)
        return None if own is None else Stood(own.day, own.v, _NEVER, False)


def _adds(own: Own) -> bool:
    return own.summed and own.base is None


def _share(sums: _Sums, share: Fraction) -> _Sums:
    return replace(sums, n=sums.n * share, d=sums.d * share)
