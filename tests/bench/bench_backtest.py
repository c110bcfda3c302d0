"""Rules tried on two years of a province, beside the rules in force: 40 KPIs, 80 communes, a figure a week."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

from contracts.catalog import (
    Audience,
    Baseline,
    CalendarSpec,
    CatalogObject,
    EscalationPolicy,
    EscalationStep,
    Kpi,
    OrgUnit,
    Parent,
    Person,
    Post,
    Province,
    Rule,
    Target,
    Threshold,
)
from contracts.rebuilds import LedgerExtent, LedgerPart
from services.cli.backtesting import Crew, with_rules_of
from services.cli.quietly import quiet
from services.cli.rule_backtest import Numbers, numbers
from services.metrics.rebuilding.archive import Page
from services.metrics.rebuilding.reach import Stretch
from services.runtime.catalog import Catalog
from tests.bench.metrics_service import Figures, figure

KPIS, DISTRICTS, COMMUNES, WEEKS = 40, 8, 80, 104
START = datetime(2023, 1, 2, 1, tzinfo=UTC)
END = START + timedelta(weeks=WEEKS + 2)
FIGURES = ("backtest_s",)

PACES = (1.0, 1.0, 1.0, 0.97, 0.93, 0.85, 0.7)
"""Of a commune through half a year: more than half are on plan or near it."""


def run() -> Figures:
    """Seconds from the first question to the ledger until all is counted."""
    found, both = asyncio.run(_timed(_catalogs()))
    alone, one = asyncio.run(_timed(_catalogs()[:1]))
    said = (
        f"{found.figures:,} figures, {found.tried.episodes:,} episodes and {found.tried.mails:,} mails, beside the "
        f"rules in force; {one:.1f} s alone ({alone.tried.mails:,} mails); the ledger in memory"
    )
    return {"backtest_s": figure(round(both, 1), "s", "≤ 60", said)}


async def _timed(catalogs: list[Catalog]) -> tuple[Numbers, float]:
    started = perf_counter()
    with quiet():
        async with Crew(catalogs, END) as crew:
            found = await numbers(crew, _Ledger(), catalogs, sorted(catalogs[0].kpis), None, END)
    return found, perf_counter() - started


class _Ledger:
    """What was reported, made up when it is asked for, page by page."""

    async def extent(self, key: str) -> LedgerExtent:
        end = WEEKS * COMMUNES
        part = LedgerPart(log="log", partition=0, end=end, entries=end, committed=end)
        return LedgerExtent(key=key, parts=(part,), removed_before=None)

    async def page(self, key: str, stretch: Stretch, limit: int) -> Page:
        end = min(stretch.until, stretch.start + limit)
        return Page(list(_reported(key, range(stretch.start, end))), end)


def _reported(key: str, offsets: range) -> Iterator[dict[str, Any]]:
    kpi = key.split("/")[1]
    for offset in offsets:
        week, commune = divmod(offset, COMMUNES)
        at = START + timedelta(weeks=week)
        pace = random.Random(f"{key} {commune} {week // 26}").choice(PACES)
        yield {
            "province": "p",
            "kpi": kpi,
            "org_unit": _commune(commune),
            "as_of": (at - timedelta(days=1)).date().isoformat(),
            "period": str(at.year),
            "observation_id": f"{offset:032x}",
            "source": "urn:p:desk",
            "source_id": f"{kpi}-{offset}",
            "publisher": "desk",
            "raw": {"log": "log", "topic": "statistics.reported.v1", "partition": 0, "offset": offset},
            "reported_at": at.isoformat(),
            "received_at": at.isoformat(),
            "catalog_version": "1-000000000000",
            "value": f"{92 * ((week + 2) % 52) / 52 * pace:.2f}",
        }


def _commune(number: int) -> str:
    return f"p.d{number % DISTRICTS}.c{number}"


def _catalogs() -> list[Catalog]:
    slow = _catalog(_rule("0.95"))
    return [slow, with_rules_of(slow, _catalog(_rule("0.92")))]


def _catalog(rule: Rule) -> Catalog:
    districts = [OrgUnit(id=f"p.d{n}", name=f"D{n}", level="district", parents=_under("p")) for n in range(DISTRICTS)]
    communes = [
        OrgUnit(id=_commune(n), name=f"C{n}", level="commune", parents=_under(f"p.d{n % DISTRICTS}"))
        for n in range(COMMUNES)
    ]
    objects: list[CatalogObject] = [
        Province(id="p", name_vi="Tỉnh P"),
        CalendarSpec(id="administrative", name_vi="Hành chính", month_starts_on=15),
        OrgUnit(id="p", name="P", level="province"),
        *districts,
        *communes,
        rule,
        *(_person("owner", unit.id) for unit in communes),
        *(_person("manager", unit.id) for unit in districts),
    ]
    for number in range(KPIS):
        objects += _kpi(f"k{number}")
    return Catalog.of(objects, 1, "1-000000000000")


def _kpi(kpi: str) -> Iterator[CatalogObject]:
    yield Kpi(
        id=kpi, kind="ratio", name_vi=kpi, name_en=kpi, unit_of_measure="percent", decimals=2, cadence="week",
        levels=("commune", "district", "province"), pillar="x",
    )  # fmt: skip
    for year in ("2023", "2024"):
        yield Target(
            id=f"{kpi}.{year}", kpi=kpi, level="commune", value=Decimal(92), period=year,
            baseline=Baseline(value=Decimal(0)),
        )  # fmt: skip


def _rule(clear: str) -> Rule:
    steps = (EscalationStep(after=timedelta(days=5), audience=(Audience(role="manager", of="parent"),)),)
    policy = EscalationPolicy(id="up", name_vi="Báo cấp trên", steps=steps, repeats=(timedelta(days=20),))
    return Rule(
        id="behind",
        name_vi="Chậm",
        ladder=(Threshold(severity="watch", fire=Decimal("0.90"), clear=Decimal(clear)),),
        audience=(Audience(role="owner"),),
        policy="up",
        policies=(policy,),
    )


def _under(unit: str) -> tuple[Parent, ...]:
    return (Parent(unit=unit),)


def _person(role: str, unit: str) -> Person:
    return Person(id=f"{role}.{unit}", name=unit, email=f"{role}@{unit}.example", posts=(Post(role=role, unit=unit),))
