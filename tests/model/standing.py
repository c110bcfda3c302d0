"""Which figure of a unit stands, worked out from the whole list each time it is asked."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from contracts.observations import ObservationRecorded


@dataclass
class Own:
    """What stands of a unit's own."""

    day: date
    n: Fraction | None
    d: Fraction | None
    v: Fraction | None
    ids: list[str]
    flags: tuple[str, ...]
    disagree: bool
    summed: bool
    reported_at: datetime
    members: frozenset[str] | None = None
    weight: Fraction | None = None
    rank: int | None = None
    done: bool | None = None
    base: date | None = None
    content: tuple[object, ...] = ()
    preliminary: bool = False
    items: tuple[tuple[str, Fraction, Fraction | None, Fraction | None], ...] = ()
    """Of a composite: KPI, maximum, points, value."""


class Figures:
    """All that one unit reported of one KPI."""

    def __init__(self, observations: list[ObservationRecorded], zone: ZoneInfo) -> None:
        self._zone = zone
        self._standing: dict[date, Own | None] = {}
        counted = [one for one in observations if one.status != "forecast"]
        self._absolute = [(_day(one, zone), one) for one in counted if one.mode == "absolute"]
        self._increments = [(_day(one, zone), one) for one in counted if one.mode == "increment"]

    def days(self) -> list[date]:
        """The days that have a standing figure or an increment."""
        return sorted(
            {day for day, _ in self._increments} | {day for day, _ in self._absolute if self.absolute(day) is not None}
        )

    def absolute(self, day: date) -> Own | None:
        """The figure that stands for a day: the highest of each source, then the highest of those."""
        if day not in self._standing:
            self._standing[day] = self._highest(day)
        return self._standing[day]

    def _highest(self, day: date) -> Own | None:
        highest: dict[str, ObservationRecorded] = {}
        for on, one in self._absolute:
            if on == day and (one.source not in highest or _rank(one) > _rank(highest[one.source])):
                highest[one.source] = one
        live = [one for one in highest.values() if not one.retracts]
        if not live:
            return None
        best = max(live, key=_rank)
        return Own(
            day=day,
            n=_fraction(best.numerator),
            d=_fraction(best.denominator),
            v=_fraction(best.value),
            ids=[best.observation_id],
            flags=tuple(flag.code for flag in best.flags),
            disagree=len({_content(one) for one in live}) > 1,
            summed=False,
            reported_at=best.reported_at,
            members=None if best.members is None else frozenset(best.members),
            weight=_fraction(best.weight),
            rank=best.rank,
            done=best.done,
            base=day,
            content=_content(best),
            preliminary=best.status == "preliminary",
        )

    def last_withdrawn(self, first: date, last: date) -> tuple[date, str, date] | None:
        """The last day between of which nothing stands although a source's highest word is a withdrawal: the day, by
        whom, and when."""
        found = None
        for day in sorted({day for day, _ in self._absolute if first <= day <= last}):
            words = [one for on, one in self._absolute if on == day]
            highest = [
                max((one for one in words if one.source == source), key=_rank)
                for source in {one.source for one in words}
            ]
            if all(one.retracts for one in highest):
                best = max(highest, key=_rank)
                found = day, best.source, best.reported_at.astimezone(self._zone).date()
        return found

    def mean(self, first: date, last: date) -> Own | None:
        """The last reading, with the mean of all readings between in its place."""
        days = sorted({day for day, _ in self._absolute if first <= day <= last})
        readings = [own for day in days if (own := self.absolute(day)) is not None and own.v is not None]
        if not readings:
            return None
        return replace(
            readings[-1],
            v=sum((own.v or Fraction(0) for own in readings), Fraction(0)) / len(readings),
            ids=[identity for own in readings for identity in own.ids],
            flags=tuple(sorted({flag for own in readings for flag in own.flags})),
            disagree=any(own.disagree for own in readings),
            reported_at=max(own.reported_at for own in readings),
            preliminary=any(own.preliminary for own in readings),
        )

    def standing(self) -> list[Own]:
        """The standing absolute figures of all days, in order."""
        days = sorted({day for day, _ in self._absolute})
        return [own for day in days if (own := self.absolute(day)) is not None]

    def reported_by(self, first: date, last: date, by: date, increments: bool) -> bool:
        """Whether a day of these has something that stands, and was first reported by then."""
        for day in self.days():
            mine = [one for on, one in self._absolute if on == day and not one.retracts]
            added = [one for on, one in self._increments if on == day]
            stands = self.absolute(day) is not None or (increments and added)
            if first <= day <= last and stands:
                first_of_day = min(one.reported_at for one in [*mine, *added])
                if first_of_day.astimezone(self._zone).date() <= by:
                    return True
        return False

    def own(self, first: date, last: date, *, increments: bool) -> Own | None:
        """What stands at the end of `last` in an accounting period that began on `first`."""
        days = sorted({day for day, _ in self._absolute if first <= day <= last})
        restarts = [own for day in days if (own := self.absolute(day)) is not None]
        base = restarts[-1] if restarts else None
        added = [
            (day, one)
            for day, one in self._increments
            if increments and first <= day <= last and (base is None or day > base.day)
        ]
        if not added:
            return base
        n = _sum([one.numerator for _, one in added])
        d = _sum([one.denominator for _, one in added])
        v = _sum([one.value for _, one in added])
        ids = [one.observation_id for _, one in added]
        at, day = max(one.reported_at for _, one in added), max(day for day, _ in added)
        preliminary = any(one.status == "preliminary" for _, one in added)
        if base is None:
            return Own(day, n, d, v, ids, (), False, True, at, preliminary=preliminary)
        n, d, v = _on_top(base.n, n), _on_top(base.d, d), _on_top(base.v, v)
        own = Own(day, n, d, v, base.ids + ids, base.flags, base.disagree, True, max(at, base.reported_at))
        own.base, own.preliminary = base.base, base.preliminary or preliminary
        return own


def collect(observations: list[ObservationRecorded], zone: ZoneInfo) -> dict[str, Figures]:
    """The figures by unit."""
    units: dict[str, list[ObservationRecorded]] = {}
    for one in observations:
        units.setdefault(one.org_unit, []).append(one)
    return {unit: Figures(mine, zone) for unit, mine in units.items()}


def _day(one: ObservationRecorded, zone: ZoneInfo) -> date:
    return one.as_of.astimezone(zone).date() if isinstance(one.as_of, datetime) else one.as_of


def _rank(one: ObservationRecorded) -> tuple[int, bool, datetime, str]:
    return one.revision, one.status == "actual", one.reported_at, one.observation_id


def _content(one: ObservationRecorded) -> tuple[object, ...]:
    counted = one.numerator, one.denominator, one.value, one.members
    return *counted, one.weight, one.rank, one.of, one.done, one.done_on


def _fraction(number: Decimal | None) -> Fraction | None:
    return None if number is None else Fraction(number)


def _on_top(start: Fraction | None, more: Fraction | None) -> Fraction | None:
    return None if start is None else start + (more or 0)


def _sum(numbers: list[Decimal | None]) -> Fraction | None:
    given = [Fraction(number) for number in numbers if number is not None]
    return sum(given, Fraction(0)) if given else None
