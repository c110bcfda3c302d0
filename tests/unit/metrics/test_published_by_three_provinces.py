"""All that Đắk Nông, Quảng Bình and Điện Biên published, sent through the door, each figure under a KPI of its own.

Those with parts come out as published, or their record shows why not.
"""

import ast
import asyncio
from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import Kpi, KpiKind, Publisher
from contracts.progress import ProgressJudged
from deploy.embedded.demo.events import Said
from services.runtime.catalog import Catalog, table
from tests.reference import FACTS, Fact
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, local
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.test_doubts_of_published_figures import (
    BY_THE_EVENT_ALONE,
    FIRST_OF_TWO,
    FORECAST,
    NOT_IN_THE_EVENTS,
    SHOWN,
)
from tests.unit.metrics.through_the_door import through_the_door

CATALOG_OF_DAK_NONG = Path(__file__).parents[3] / "deploy" / "catalogs" / "dak-nong" / "facts.csv"
SOURCE = "urn:test:reports"
NOW = local("2026-01-10")

KINDS: Mapping[str, KpiKind] = {
    "ratio": "ratio",
    "share": "ratio",
    "count": "stock",
    "amount": "stock",
    "speed": "level",
    "growth": "level",
    "rate": "rate",
    "rank": "rank",
}
"""By the column `kind`. A published growth is a value; computed it is from two figures, and that is another test's."""

FLAGGED = {
    "dn-002-033": ("truncated",),  # 17 of 19 as 89.4
    "dn-002-037": ("truncated",),  # 120 of 423 as 28.3
    "dn-002-045": ("parts_contradict_value",),  # 28514 of 31181 as 91.53
    "dn-002-081": ("parts_contradict_value",),  # 3 of 9 as 30
    "dn-002-082": ("parts_contradict_value",),  # 238 of 386 as 65
}

FORECASTS = {fact["fact_id"] for fact in FACTS if fact["check"].startswith("FORECAST")}

ELSEWHERE = {
    "dn-000-010": "1.5 is 15321/10280 to its one decimal",
    "dn-001-007": "13 and 9 of 19 overlap: each is right by itself",
    "dn-001-008": "the same",
    "dn-000-005": "the other number is another KPI's",
    "dn-000-020": "a number of parts that another report gives otherwise, for another day",
    "dn-001-005": "the same",
    "dn-002-003": "the same",
    "dn-000-031": "a target: of which whole is not said",
    "dn-000-034": "the same",
    "dn-000-041": "the same",
    "dn-000-036": "a target: by when is not said",
    "dn-000-037": "a target: new or in total is not said",
    "dn-000-039": "a target: of a rate or of a number is not said",
    "dn-001-026": "a proposal, no target",
    "db-004-015": "the same",
    "db-004-016": "the same",
    "db-004-007": "a number in words and a share in figures: what was published is the share",
    "dn-002-006": "of village centres or of villages is not said",
    "dn-002-030": "of how many is not said",
    "dn-002-042": "since when is not said",
    "dn-002-078": "contradicts another KPI",
}
"""Remarks that no figure of the same KPI could show."""

IN_OTHER_TESTS = {
    "dn-000-019": "test_what_is_written_as_percent_and_means_points_is_flagged",
    "dn-002-050": "test_what_is_written_as_percent_and_means_points_is_flagged",
    "dn-000-032": "test_a_target_that_the_year_before_already_meets_is_flagged_on_its_figure",
    "dn-000-038": "test_a_target_that_the_year_before_already_meets_is_flagged_on_its_figure",
    "qb-003-008": "test_explaining.py::test_a_total_reported_above_is_told_beside_what_its_parts_make",
    "qb-003-009": "test_explaining.py::test_a_total_reported_above_is_told_beside_what_its_parts_make",
    "qb-003-010": "test_explaining.py::test_a_total_reported_above_is_told_beside_what_its_parts_make",
}
"""Which test shows them; its docstring names them."""


def is_a_figure(fact: Fact) -> bool:
    """Not a target, not the context of a report."""
    return fact["role"] != "target" and not fact["kpi"].startswith("context-")


FIGURES = tuple(fact for fact in FACTS if is_a_figure(fact))


def kpi_of(fact: Fact) -> Kpi:
    """A KPI for this one figure, as exact as it was published."""
    return a_kpi(
        fact["fact_id"],
        KINDS[fact["kind"]],
        unit_of_measure=fact["unit"],
        decimals=len(fact["value"].partition(".")[2]),
        levels=("province",),
        modes=("absolute",),
        rate_base=Decimal(100) if fact["kind"] == "rate" else None,
    )


def said(fact: Fact, catalog: Catalog) -> Said:
    """The figure as an event: of the last day of the named period, a forecast as such."""
    period = fact["period"].replace("/", "-")
    calendar = catalog.calendar_of(fact["fact_id"])
    data: dict[str, Any] = {
        "province": "p",
        "kpi": fact["fact_id"],
        "org_unit": "p",
        "as_of": calendar.parse(period).last.isoformat(),
        "status": "forecast" if fact["fact_id"] in FORECASTS else "actual",
        "evidence": f"urn:tiendo:fact:{fact['fact_id']}",
    }
    if fact["kind"] == "rank":
        data |= {"rank": int(fact["value"])} | ({"of": int(fact["denominator"])} if fact["denominator"] else {})
    elif KINDS[fact["kind"]] == "ratio":
        data |= {name: fact[name] for name in ("numerator", "denominator", "value") if fact[name]}
    else:
        data["value"] = fact["value"]
    return Said(SOURCE, fact["fact_id"], NOW, data)


@pytest.fixture(scope="module")
def records() -> dict[str, ProgressJudged]:
    """What became of each figure, by its fact."""
    reports = Publisher(
        id="reports", name_vi="Báo cáo", sources=(SOURCE,), kpis=("*",), units=("p",), contact="reports@p.example"
    )
    catalog = a_catalog(reports, *(kpi_of(fact) for fact in FIGURES))
    engine = Engine(catalog, NOW)
    events = [said(fact, catalog) for fact in FIGURES]
    asyncio.run(engine.handler.handle(through_the_door(catalog, events, NOW)))
    return {kpi: record for (kpi, _, _), record in engine.latest().items()}


def test_the_reference_is_complete() -> None:
    assert len({fact["fact_id"] for fact in FACTS}) == 207
    assert Counter(fact["province"] for fact in FACTS) == {"Đắk Nông": 156, "Quảng Bình": 34, "Điện Biên": 17}
    assert sum(bool(fact["numerator"] and fact["denominator"]) for fact in FACTS) == 37
    assert len(FIGURES) == 207 - 17 - 6  # targets, and what is context only


def test_every_figure_comes_out_as_published_to_its_last_digit(records: Mapping[str, ProgressJudged]) -> None:
    reproduced = 0
    for fact in FIGURES:
        if fact["fact_id"] in FORECASTS:
            continue
        record = records[fact["fact_id"]]
        exact = Fraction(fact["value"])
        if KINDS[fact["kind"]] == "ratio" and fact["numerator"] and fact["denominator"]:
            exact = 100 * Fraction(fact["numerator"]) / Fraction(fact["denominator"])
            shown = _rounded(exact, fact["value"])
            assert (shown == Decimal(fact["value"])) == (fact["fact_id"] not in FLAGGED), fact
            reproduced += 1
        assert record.value == float(exact), fact
        assert record.unit_of_measure == fact["unit"]
    assert reproduced == 37 - 2 - 1  # two ranks, and a growth


def _rounded(exact: Fraction, published: str) -> Decimal:
    """With as many decimals as were published."""
    unit = Decimal(1).scaleb(-len(published.partition(".")[2]))
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(unit, ROUND_HALF_UP)


def test_where_a_value_is_not_that_of_its_parts_the_record_says_so_and_the_parts_count(
    records: Mapping[str, ProgressJudged],
) -> None:
    assert {kpi: record.flags for kpi, record in records.items() if record.flags} == FLAGGED
    clinics = records["dn-002-081"]
    assert (clinics.numerator, clinics.denominator, clinics.value, clinics.trust) == (3, 9, 100 / 3, "B")


def test_forecasts_are_kept_apart_from_what_counts(records: Mapping[str, ProgressJudged]) -> None:
    assert len(FORECASTS) == 7
    assert not FORECASTS & records.keys()


def test_a_growth_is_right_to_the_digit_that_was_published() -> None:
    (growth,) = [fact for fact in FACTS if fact["fact_id"] == "dn-000-010"]
    assert _rounded(Fraction(growth["numerator"]) / Fraction(growth["denominator"]), growth["value"]) == Decimal("1.5")


def test_the_catalog_of_dak_nong_carries_its_figures_unchanged() -> None:
    """A rank is written with its field in place of numerator and denominator there, too."""
    published = {fact["fact_id"]: fact for fact in FACTS}
    carried = list(table.rows(CATALOG_OF_DAK_NONG.read_text(encoding="utf-8")))
    for row in carried:
        fact = published[row["fact_id"]]
        same = ("numerator", "denominator", "value")
        assert [row[name] for name in same] == [fact[name] for name in same], row["fact_id"]
        assert row["unit_of_measure"] == fact["unit"]
        assert (row["status"] == "forecast") == (row["fact_id"] in FORECASTS)
        assert bool(row["check"]) == bool(fact["check"]), row["fact_id"]
    with_parts = {
        fact["fact_id"]
        for fact in FIGURES
        if fact["province"] == "Đắk Nông" and fact["numerator"] and fact["denominator"] and fact["kind"] != "growth"
    }
    assert with_parts - {row["fact_id"] for row in carried} == {"dn-001-007", "dn-001-008"}  # no direction, no KPI


def test_every_remark_is_shown_somewhere_or_explained() -> None:
    remarked = {fact["fact_id"] for fact in FACTS if fact["check"]}
    in_dak_nong = {*SHOWN, *FIRST_OF_TWO, *BY_THE_EVENT_ALONE, *FORECAST, *NOT_IN_THE_EVENTS}
    here = {*ELSEWHERE, *IN_OTHER_TESTS, *FORECASTS, *FLAGGED}
    assert remarked == in_dak_nong | here
    assert not in_dak_nong & (ELSEWHERE.keys() | IN_OTHER_TESTS.keys())


@pytest.mark.parametrize("fact", IN_OTHER_TESTS)
def test_a_remark_that_another_test_shows_is_named_there(fact: str) -> None:
    file, _, name = IN_OTHER_TESTS[fact].rpartition("::")
    tree = ast.parse((Path(__file__).parent / (file or __file__)).read_text(encoding="utf-8"))
    (there,) = [
        one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == name
    ]
    assert fact in (ast.get_docstring(there) or "")


def _flags_of(kpi: Kpi, *targets: Any, **data: Any) -> tuple[str, ...]:
    reports = Publisher(id="r", name_vi="r", sources=(SOURCE,), kpis=("*",), units=("p",), contact="r@p.example")
    catalog = a_catalog(reports, kpi, *targets)
    engine = Engine(catalog, NOW)
    event = Said(SOURCE, "one", NOW, {"province": "p", "kpi": "k", "org_unit": "p", **data})
    asyncio.run(engine.handler.handle(through_the_door(catalog, [event], NOW)))
    return next(record.flags for (_, unit, _), record in engine.latest().items() if unit == "p")


def test_what_is_written_as_percent_and_means_points_is_flagged() -> None:
    """dn-000-019 and dn-002-050: 6.64 less 6.39 is 0.25 points, and was written as 0.25 %."""
    points = a_kpi(kind="level", unit_of_measure="percentage_point", levels=("province",))
    assert _flags_of(points, as_of="2022-12-14", value="0.25", unit_of_measure="percent") == ("points_not_percent",)
    assert _flags_of(points, as_of="2022-12-14", value="0.25") == ()


def test_a_target_that_the_year_before_already_meets_is_flagged_on_its_figure() -> None:
    """dn-000-032: 99369 of 185376 files, 53.6 %, and 50 % for 2023. dn-000-038: 47 of 47, and 100 % for 2023."""
    share = a_kpi(levels=("province",))
    files, products = a_target("p", 50, None), a_target("p", 100, None)
    half = {"as_of": "2022-10-31", "numerator": 99369, "denominator": 185376}
    assert _flags_of(share, files, **half) == ("target_already_met",)
    assert _flags_of(share, products, **half) == ()
    whole = {"as_of": "2022-10-31", "numerator": 47, "denominator": 47}
    assert _flags_of(share, products, **whole) == ("target_already_met",)
