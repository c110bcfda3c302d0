"""A made-up year, by commune and by week. Pure and seeded: the same seed is the same year, event for event.

The KPIs, the baselines and the targets are the catalog's, where they are labelled as simulated; every event says so
in its note. Most communes keep to their plan. Some have a slump in spring and recover by autumn, some stop in summer
and do not, and one district has most of both, so that its own figure falls behind as well.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Literal

from deploy.embedded.demo.events import Said
from services.runtime.catalog.catalog import Catalog

LOCAL = timezone(timedelta(hours=7))
NOTE = "Số liệu mô phỏng (simulated)"
PERIOD_FIRST, PERIOD_LAST = date(2022, 12, 15), date(2023, 12, 14)
"""The administrative year 2023."""
FIRST_FRIDAY = date(2023, 1, 6)
WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Simulated:
    """One KPI of the simulation. `start` and `goal` are its baseline and target for a commune, in its unit."""

    kpi: str
    source: str
    start: float
    goal: float
    says: Literal["increments", "ratio", "count"]
    volume: int
    """Documents or files that a commune has to deal with in a week."""
    hour: time
    slumps: float = 0.05
    """Share of the communes that have a slump and recover."""


KPIS = (
    Simulated("document-digitisation", "data-digitisation", 40, 80, "increments", 60, time(16, 0), slumps=0.4),
    Simulated("edoc-signed-share", "edoc", 80, 92, "ratio", 45, time(16, 30)),
    Simulated("online-files-share", "public-services", 30, 50, "ratio", 30, time(17, 0)),
    Simulated("ecommerce-products", "ecommerce", 17, 28, "count", 0, time(17, 30)),
)
PULSE = "pos-terminals"
"""A count of the whole province that comes on the next morning, after everything else: it moves the clock on."""

Course = Literal["steady", "slump", "stalled"]


@dataclass(frozen=True, slots=True)
class Round:
    """What is said on one day by all communes, in the order in which it is said, and the day after."""

    day: date
    figures: tuple[Said, ...]
    pulse: Said


def year(catalog: Catalog, troubled_district: str, seed: int, every: timedelta = WEEK) -> Iterator[Round]:
    """Round by round, every figure of every commune that the catalog has on the first day."""
    rng = random.Random(seed)
    province, units = catalog.province.id, catalog.units
    communes = sorted(units.of_level("commune", FIRST_FRIDAY))
    troubled = frozenset(units.descendants(troubled_district, FIRST_FRIDAY))
    lines = [
        _Line(simulated, commune, _course(rng, simulated, commune in troubled), rng)
        for simulated in KPIS
        for commune in communes
    ]
    day, rounds = FIRST_FRIDAY, 0
    while day <= PERIOD_LAST:
        share = (day - PERIOD_FIRST) / (PERIOD_LAST - PERIOD_FIRST)
        figures = [_said(province, line, day, line.report(share)) for line in lines]
        yield Round(day, tuple(sorted(figures, key=lambda said: said.at)), _pulse(province, day, rounds))
        day, rounds = day + every, rounds + 1


def _course(rng: random.Random, simulated: Simulated, troubled: bool) -> Course:
    dice = rng.random()
    slumps = 0.6 if troubled else simulated.slumps
    stalls = 0.2 if troubled else 0.03
    return "slump" if dice < slumps else "stalled" if dice < slumps + stalls else "steady"


class _Line:
    """One commune's figures of one KPI over the year."""

    def __init__(self, simulated: Simulated, commune: str, course: Course, rng: random.Random) -> None:
        self.simulated = simulated
        self.commune = commune
        self._course = course
        self._rng = rng
        self._eagerness = rng.uniform(1.02, 1.15)
        self._received = 0
        self._done = 0
        self.delay = timedelta(seconds=rng.randrange(240))

    def report(self, share: float) -> dict[str, Any]:
        """What the commune says when `share` of the year is over. Rounded up: early on one is much."""
        s = self.simulated
        way = _progress(self._course, share) * self._eagerness * self._rng.uniform(0.98, 1.02)
        level = s.start + (s.goal - s.start) * way
        if s.says == "count":
            self._done = max(self._done, math.ceil(level))
            return {"value": self._done, "unit_of_measure": "product"}
        received = round(s.volume * self._rng.uniform(0.8, 1.2))
        before = (self._received, self._done)
        self._received += received
        self._done = min(self._received, max(self._done, math.ceil(level / 100 * self._received)))
        if s.says == "increments":
            return {"mode": "increment", "numerator": self._done - before[1], "denominator": self._received - before[0]}
        return {"numerator": self._done, "denominator": self._received, "unit_of_measure": "percent"}


def _progress(course: Course, share: float) -> float:
    """How much of the way from baseline to target is gone when `share` of the year is over."""
    if course == "steady":
        return share
    if course == "stalled":
        return min(share, 0.45)
    slump, effort = 0.2, 0.5
    if share < slump:
        return share
    if share < effort:
        return slump + (share - slump) * 0.15
    behind = slump + (effort - slump) * 0.15
    return min(share, behind + (share - effort) * 2.2)


def _said(province: str, line: _Line, day: date, figure: dict[str, Any]) -> Said:
    s = line.simulated
    at = datetime.combine(day, s.hour, LOCAL) + line.delay
    data = {
        "province": province,
        "kpi": s.kpi,
        "org_unit": line.commune,
        "as_of": day.isoformat(),
        **figure,
        "note": NOTE,
    }
    return Said(f"urn:tiendo:source:{province}:{s.source}", f"sim-{s.kpi}-{line.commune}-{day}", at, data)


def _pulse(province: str, day: date, number: int) -> Said:
    next_day = day + timedelta(days=1)
    data = {
        "province": province,
        "kpi": PULSE,
        "org_unit": province,
        "as_of": next_day.isoformat(),
        "value": 150 + 2 * number,
        "note": NOTE,
    }
    at = datetime.combine(next_day, time(8), LOCAL)
    return Said(f"urn:tiendo:source:{province}:cashless", f"sim-{PULSE}-{next_day}", at, data)
