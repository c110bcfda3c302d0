"""How often the door itself doubts or refuses figures with which nothing is wrong: a year of them, counted.

Honest systems compute shares in decimals or in binary floats, and publish them beside their parts with none to two
decimals, or with all that a float has.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import Limits, Roster
from deploy.embedded.demo import play, simulation
from services.ingest.batch import Examined, Sound, Unsound
from services.runtime.catalog import Catalog
from services.runtime.catalog.check import check_folder
from tests.unit.ingest.door import (
    COUNT,
    OBJECTS,
    PERCENT,
    Record,
    a_kpi,
    a_target,
    an_event,
    an_examiner,
)

DAK_NONG = Path(__file__).parents[3] / "deploy" / "catalogs" / "dak-nong"
UNITS = ("dak-nong.xa-a", "dak-nong.xa-b", "dak-nong.dak-mil", "dak-nong")
REPORTERS = 60
"""Publishers of each KPI, each with its own size, pace and way of rounding."""
WEEKS = [date(2022, 12, 20) + timedelta(days=7 * week) for week in range(51)]

KPIS = (
    a_kpi("y-ratio", "ratio", decimals=1, limits=PERCENT, modes=("absolute", "increment")),
    a_kpi("y-coverage", "coverage", rosters=tuple(Roster(unit=unit, size=71) for unit in UNITS)),
    a_kpi("y-flow", "flow", unit_of_measure="case", modes=("absolute", "increment"), limits=COUNT),
    a_kpi("y-stock", "stock", unit_of_measure="machine", limits=COUNT),
    a_kpi("y-level", "level", unit_of_measure="Mbps", decimals=2, limits=Limits(low=Decimal(0), high=Decimal(10_000))),
    a_kpi("y-rate", "rate", unit_of_measure="per_100_inhabitants", rate_base=Decimal(100), decimals=2),
)
CATALOG = Catalog.of(
    (*OBJECTS, *KPIS, *(a_target(f"{kpi.id}-2023", kpi.id, 95) for kpi in KPIS if kpi.kind in ("ratio", "stock"))), 1
)


def published(chance: random.Random, numerator: int, denominator: int) -> str | float:
    """A percentage as somebody's system makes it of these parts."""
    exact, computed = Decimal(100 * numerator) / denominator, 100 * numerator / denominator
    decimals = chance.randint(0, 2)
    unit = Decimal(1).scaleb(-decimals)
    ways = (
        lambda: str(exact.quantize(unit, ROUND_HALF_UP)),
        lambda: str(exact.quantize(unit, ROUND_HALF_EVEN)),
        lambda: round(computed, decimals),
        lambda: f"{computed:.{decimals}f}",
        lambda: round(round(numerator / denominator, decimals + 2) * 100, decimals),
        lambda: computed,
    )
    return chance.choice(ways)()


def shares(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Of the cases of each week; small places have few."""
    level, cases = chance.uniform(0.3, 0.95), 10 ** chance.uniform(0.5, 4)
    for _ in WEEKS:
        level = min(0.99, max(0.01, level + chance.gauss(0.002, 0.01)))
        denominator = max(1, round(chance.gauss(cases, cases / 5)))
        numerator = min(denominator, max(0, round(denominator * level)))
        yield {"numerator": numerator, "denominator": denominator, "value": published(chance, numerator, denominator)}


def covered(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Members done of 71."""
    done = chance.randint(0, 40)
    for _ in WEEKS:
        done = min(71, done + chance.randint(0, 2))
        yield {"numerator": done, "value": published(chance, done, 71)}


def flows(chance: random.Random) -> Iterator[dict[str, Any]]:
    """What each week brings."""
    size = 10 ** chance.uniform(0, 4)
    for _ in WEEKS:
        yield {"mode": "increment", "value": round(max(0.0, chance.gauss(size, size / 3)))}


def stocks(chance: random.Random) -> Iterator[dict[str, Any]]:
    """A count of things that drifts."""
    now = 10 ** chance.uniform(0.5, 5)
    for _ in WEEKS:
        now *= 1 + chance.gauss(0.002, 0.01)
        yield {"value": round(now), "unit_of_measure": "machine"}


def levels(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Megabits, measured each week."""
    usual = chance.uniform(30, 300)
    for _ in WEEKS:
        yield {"value": round(max(0.0, chance.gauss(usual, usual / 15)), 2)}


def rates(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Of 100 inhabitants, fewer than all."""
    people = round(10 ** chance.uniform(3, 6))
    for _ in WEEKS:
        have = round(people * chance.uniform(0.5, 0.95))
        yield {"numerator": have, "denominator": people, "value": published(chance, have, people)}


def a_year(chance: random.Random) -> Iterator[Record]:
    makers = dict(zip((kpi.id for kpi in KPIS), (shares, covered, flows, stocks, levels, rates), strict=True))
    for kpi, make in makers.items():
        for reporter in range(REPORTERS):
            unit = UNITS[reporter % len(UNITS)]
            for day, numbers in zip(WEEKS, make(chance), strict=True):
                said = {"province": "dak-nong", "kpi": kpi, "org_unit": unit, "as_of": day.isoformat(), **numbers}
                evening = datetime.combine(day, time(10), UTC)
                yield an_event(said, id=f"{kpi}-{reporter}-{day}", time=evening)


def tallied(examined: Sequence[Examined]) -> Counter[str]:
    """Codes of flags and of refusals."""
    found: Counter[str] = Counter()
    for one in examined:
        assert isinstance(one, Sound | Unsound), one
        found.update(what.code for what in (one.flags if isinstance(one, Sound) else one.problems))
    return found


def test_of_a_clean_year_fewer_than_one_figure_in_two_thousand_is_doubted_or_refused() -> None:
    """Of these 18,360 none is."""
    records = [*a_year(random.Random(20230101))]
    found = tallied(an_examiner(catalogs={"dak-nong": CATALOG}).examine(records, datetime(2024, 1, 5, tzinfo=UTC)))
    assert len(records) > 18_000
    assert found.total() * 2_000 <= len(records), found


@pytest.mark.slow
def test_the_year_of_a_real_catalog_is_neither_doubted_nor_refused() -> None:
    catalog = Catalog.of(check_folder(DAK_NONG).folder.items)
    year = simulation.year(catalog, play.TROUBLED_DISTRICT, play.SEED)
    said = [one for round_ in year for one in (*round_.figures, round_.pulse)]
    records = [Record(one.value, one.headers, offset) for offset, one in enumerate(said)]
    found = tallied(an_examiner(catalogs={"dak-nong": catalog}).examine(records, said[-1].at))
    assert len(records) > 13_000
    assert not found
