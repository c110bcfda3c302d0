"""Long series of figures of many kinds, as a year brings them: some late, some corrected or withdrawn, some twice."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

from contracts.catalog import Kpi
from contracts.observations import ObservationRecorded
from services.runtime.catalog import Catalog
from tests.unit.metrics.builders import CALENDAR, CIVIL, PROVINCE, UNITS, an_observation, local
from tests.unit.metrics.test_against_the_model import (
    CATALOG,
    COVERAGE,
    FILES,
    FLOW,
    LEVEL,
    MEAN,
    MILESTONE,
    QUARTERLY,
    RANK,
    RATE,
    RATIO,
    STOCK,
)

NOW = local("2023-10-10")
KPIS = (RATIO, FILES, FLOW, QUARTERLY, STOCK, COVERAGE, RANK, LEVEL, MEAN, RATE, MILESTONE)
AGAINST_THEIR_DIRECTION = ("stock.band", "level.t.p.a.1.2023")
"""Targets that a service refuses."""
TARGETS = [
    one.model_copy(update={"id": name})
    for one in CATALOG.targets
    if one.kpi in {kpi.id for kpi in KPIS} and (name := f"{one.kpi}.{one.id}") not in AGAINST_THEIR_DIRECTION
]
OBJECTS = (PROVINCE, CALENDAR, CIVIL, *UNITS, *KPIS, *TARGETS)


def catalog() -> Catalog:
    """The catalog of these KPIs, as a service that follows it has it."""
    return Catalog.of(OBJECTS, 1, "1-000000000000")


class LongSeries:
    """Makes them, from a seed. Raw offsets rise by partition of the raw log, which may be made anew."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._offsets: dict[tuple[str, int], count[int]] = {}
        self.raw_log = "log"

    def figures(self, number: int, kpis: Sequence[Kpi] = KPIS) -> list[ObservationRecorded]:
        """Through the year, some of them late, some corrections and withdrawals, some sent twice."""
        chance, found = self._chance, list[ObservationRecorded]()
        for at in range(number):
            when = date(2023, 1, 1) + timedelta(days=at * 270 // number - chance.choice([0] * 9 + [40]))
            former = chance.choice(found) if found else None
            if former is not None and former.mode == "absolute" and chance.random() < 0.1:
                found.append(self._corrected(former))
            else:
                found.append(self.figure(chance.choice(kpis), when))
            if chance.random() < 0.03:
                found.append(chance.choice(found[-50:]))
        return found

    def figure(self, kpi: Kpi, when: date) -> ObservationRecorded:
        """One of them."""
        chance = self._chance
        levels = {"commune": ("p.a.1", "p.a.2", "p.b.1", "p.b.2"), "district": ("p.a", "p.b"), "province": ("p",)}
        level = kpi.levels[0] if chance.random() < 0.8 else chance.choice(kpi.levels)
        increment = "increment" in kpi.modes and chance.random() < 0.5
        return self._observation(
            kpi=kpi.id,
            org_unit=chance.choice(levels[level]),
            as_of=when.isoformat(),
            mode="increment" if increment else "absolute",
            source=chance.choice(["urn:one", "urn:one", "urn:two"]),
            **self._numbers(kpi),
        )

    def _corrected(self, former: ObservationRecorded) -> ObservationRecorded:
        retracts = self._chance.random() < 0.3
        return self._observation(
            kpi=former.kpi,
            org_unit=former.org_unit,
            as_of=str(former.as_of),
            source=former.source,
            revision=former.revision + 1,
            retracts=retracts,
            **({} if retracts else self._numbers(CATALOG.kpis[former.kpi])),
        )

    def _numbers(self, kpi: Kpi) -> dict[str, Any]:
        chance = self._chance
        match kpi.kind:
            case "ratio" | "rate":
                denominator = chance.randint(0, 60)
                return {"numerator": chance.randint(0, denominator), "denominator": denominator}
            case "coverage":
                return {"numerator": chance.randint(0, 3)}
            case "milestone":
                return {"done": chance.random() < 0.5}
            case "rank":
                return {"rank": chance.randint(1, 63)}
            case "level":
                return {"value": f"{chance.randint(0, 9000)}.5", "weight": str(chance.randint(1, 9))}
            case _:
                return {"value": str(chance.randint(0, 90))}

    def _observation(self, **given: Any) -> ObservationRecorded:
        one = an_observation(period="2023", **given)
        partition = self._chance.randrange(3)
        offset = next(self._offsets.setdefault((self.raw_log, partition), count()))
        raw = {"log": self.raw_log, "partition": partition, "offset": offset}
        return one.model_copy(update={"raw": one.raw.model_copy(update=raw)})
