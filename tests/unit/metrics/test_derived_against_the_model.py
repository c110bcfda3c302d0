"""Growth and scores: whatever their sources say, in whatever order and with whatever crashes between, what is published
last equals the plain recomputation."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import GrowthSpec, Kpi, Limits, ScoreItem, ScoreStep
from contracts.observations import ObservationRecorded
from services.metrics.asking import Asker
from services.runtime.catalog.carrying import View
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, day, local
from tests.unit.metrics.engine import FAILING, Engine, differences
from tests.unit.metrics.test_against_the_model import (
    COVERAGE,
    FLOW,
    LEVEL,
    MILESTONE,
    NOW,
    QUARTERLY,
    RANK,
    RATIO,
    STOCK,
    TREE,
    an_event,
    batches,
    cut,
    exists,
    in_log_order,
)

SOURCES = (RATIO, FLOW, QUARTERLY, STOCK, LEVEL, MILESTONE, COVERAGE, RANK)


def _steps(*pairs: tuple[str, str]) -> tuple[ScoreStep, ...]:
    return tuple(ScoreStep(at_least=Decimal(at_least), points=Decimal(points)) for at_least, points in pairs)


def _item(kpi: str, maximum: str, rule: str = "ratio", *steps: tuple[str, str]) -> ScoreItem:
    return ScoreItem.model_validate({"kpi": kpi, "maximum": maximum, "rule": rule, "steps": _steps(*steps)})


GROWTHS = (
    a_kpi("climb", "growth", growth=GrowthSpec(of="flow"), levels=("commune", "district")),
    a_kpi("by-quarter", "growth", period="quarter", growth=GrowthSpec(of="quarterly", periods_back=3)),
    a_kpi("shares", "growth", growth=GrowthSpec(of="ratio"), levels=("commune",), cadence="quarter"),
    a_kpi("weighted", "growth", growth=GrowthSpec(of="level"), levels=("district",), direction="decrease"),
)
SCORES = (
    a_kpi(
        "score",
        "composite",
        levels=("commune", "district"),
        composite=(
            _item("ratio", "40"),
            _item("level", "12.5", "best_peer"),
            _item("milestone", "7", "half"),
            _item("flow", "10", "steps", ("0", "0"), ("12.5", "3.333333333"), ("60", "10")),
        ),
    ),
    a_kpi(
        "by-rank",
        "composite",
        direction="decrease",
        levels=("commune",),
        period="quarter",
        composite=(_item("rank", "3", "best_peer"), _item("stock", "5"), _item("quarterly", "7.7")),
    ),
    a_kpi(
        "of-derived",
        "composite",
        levels=("commune",),
        natural_limits=Limits(low=Decimal(0), high=Decimal(20)),
        composite=(
            _item("climb", "10", "steps", ("0.5", "4"), ("1", "10")),
            _item("coverage", "10"),
            _item("shares", "1", "best_peer"),
        ),
    ),
    a_kpi("pair", "composite", composite=(_item("ratio", "60"), _item("level", "40", "best_peer"))),
    a_kpi("again", "growth", growth=GrowthSpec(of="pair"), levels=("commune",)),
)
TARGETS = (
    a_target("p.a.1", 92, 80, kpi="ratio"),
    a_target(None, 1, None, kpi="milestone", level="commune"),
    a_target("p.a", 2, 0, kpi="milestone"),
    a_target("p.a.1", 30, 90, kpi="stock", comparator="<="),
    a_target("p.a.2", None, None, kpi="stock", comparator="band", low=20, high=40, id="band"),
    a_target(None, 50, None, kpi="quarterly", level="commune", period="2023-Q3", id="q3", grace_days=400),
    a_target("p", "1.5", None, kpi="climb"),
    a_target("p", 2, None, kpi="climb", period="2021-2025"),
    a_target("p.a.1", "1.5", "1.1", kpi="climb", deadline=day("2023-10-31")),
    a_target("p.a", "1.2", 1, kpi="by-quarter", period="2023-Q4", id="q4"),
    a_target("p.a.1", "1.05", None, kpi="shares", intent="keep"),
    a_target("p.a", "0.9", "1.4", kpi="weighted", comparator="<="),
    a_target(None, 60, 20, kpi="score", level="commune"),
    a_target("p.a", 90, None, kpi="pair", deadline=day("2023-07-31")),
    a_target("p.a.1", 8, None, kpi="by-rank", comparator="<=", period="2023-Q3", id="rank-q3"),
)
CATALOG = a_catalog(*SOURCES, *GROWTHS, *SCORES, *TARGETS)
REFORMED = a_catalog(*SOURCES, *GROWTHS, *SCORES, *TARGETS, units=TREE)


DAYS_OF_2022 = [day("2022-11-20"), day("2022-12-14")]
DAYS_OF_2023 = [day("2022-12-15"), day("2023-03-31"), day("2023-07-01"), day("2023-09-14"), day("2023-09-30")]


NEIGHBOURS = {"p.b.1": "p.a.1", "p.b.2": "p.a.2"}


@st.composite
def dense(draw: st.DrawFn, groups: Sequence[tuple[Kpi, ...]]) -> list[ObservationRecorded]:
    """A stream of KPIs that something is made from, over few days of two years, so that there is an earlier value to
    divide by and a peer to be compared with."""
    kpis = draw(st.sampled_from(groups))
    days = [draw(st.sampled_from(DAYS_OF_2022)), *draw(st.lists(st.sampled_from(DAYS_OF_2023), min_size=1, max_size=3))]
    one = st.sampled_from(kpis).flatmap(lambda kpi: an_event(kpi, days))
    found = draw(st.lists(one, min_size=10, max_size=30))
    if draw(st.booleans()):  # two communes say it all, so that somebody has said everything
        found = [
            one.model_copy(update={"org_unit": NEIGHBOURS[one.org_unit]})
            if one.kpi != "coverage" and one.org_unit in NEIGHBOURS
            else one
            for one in found
        ]
    return in_log_order(found)


GROUPS = (
    (FLOW,),
    (QUARTERLY,),
    (LEVEL,),
    (RATIO, LEVEL, MILESTONE, FLOW),
    (RANK, STOCK, QUARTERLY),
    (FLOW, COVERAGE, RATIO),
    (RATIO, LEVEL),
    (RATIO, LEVEL),
)
OLD_TREE = ((FLOW,), (RATIO, LEVEL, MILESTONE, FLOW), (RATIO, FLOW))


@given(dense(GROUPS), st.data(), NOW)
def test_derived_figures_follow_their_sources_batch_by_batch(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    engine = Engine(CATALOG, local(now))
    asyncio.run(engine.follow(cut(found, data.draw(batches(len(found))))))
    assert differences(engine, found) == []


@given(dense(GROUPS), st.data(), NOW)
def test_they_are_the_same_when_everything_is_derived_at_once(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    engine = Engine(CATALOG, local(now))

    async def work() -> None:
        for part in cut(found, data.draw(batches(len(found)))):
            await engine.take(*part)
        await engine.tick()

    asyncio.run(work())
    assert differences(engine, found) == []


@given(dense(GROUPS), st.data(), NOW)
def test_a_crash_of_who_derives_changes_no_figure_and_loses_no_record(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    async def crash() -> None:
        engine = Engine(CATALOG, local(now))
        for part in cut(found, data.draw(batches(len(found)))):
            await engine.take(*part)
            for _ in range(data.draw(st.integers(0, 2))):
                with engine.failing(data.draw(st.sampled_from([*FAILING, "kill"]))):
                    await engine.tick()
                engine = engine.restarted()
        await engine.tick()
        assert differences(engine, found) == []

    asyncio.run(crash())


@given(dense(GROUPS), NOW, st.sampled_from(["as_it_was", "as_it_is_now"]))
def test_seen_as_it_was_or_made_anew_on_the_same_units_each_has_the_value_of_its_record(
    found: list[ObservationRecorded], now: str, view: View
) -> None:
    early = [one for one in TARGETS if one.deadline is not None and one.kpi in {kpi.id for kpi in (*GROWTHS, *SCORES)}]
    catalog = a_catalog(*SOURCES, *GROWTHS, *SCORES, *(one for one in TARGETS if one not in early))
    engine = Engine(catalog, local(now))

    async def work() -> None:
        await engine.follow([found])
        asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
        records = engine.latest()
        for kpi, period in sorted({(kpi, period) for kpi, _, period in records if catalog.kpis[kpi].sources}):
            for one in (await asker.view("p", kpi, period, view)).units:
                record = records.get((kpi, one.org_unit, period))
                if record is not None:
                    assert (one.value, one.as_of) == (record.value, record.as_of), (kpi, one.org_unit, period)
                if record is not None and record.score is not None and view == "as_it_is_now":
                    assert (one.rank, one.of) == (record.score.rank, record.score.of), (kpi, one.org_unit, period)

    asyncio.run(work())


@given(dense(OLD_TREE), st.data(), NOW)
def test_a_tree_that_changes_inside_the_period_is_derived_as_it_was(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    known = [one for one in found if exists(one)]
    engine = Engine(REFORMED, local(now))
    asyncio.run(engine.follow(cut(known, data.draw(batches(len(known))))))
    assert differences(engine, known) == []
