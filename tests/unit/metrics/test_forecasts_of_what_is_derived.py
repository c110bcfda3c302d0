"""Forecasts of growth and scores: from their own figures, within what these can be, and never ahead of them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import GrowthSpec, Kpi, Limits, ScoreItem
from contracts.observations import ObservationRecorded
from contracts.progress import Landing, ProgressJudged
from services.metrics.asking import Asker
from services.metrics.foretelling import questions
from services.metrics.landing.asked import Asked
from services.runtime.errors import Transient
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, local
from tests.unit.metrics.engine import FAILING, Engine, differences
from tests.unit.metrics.test_against_the_model import NOW, batches, cut, exists
from tests.unit.metrics.test_derived_against_the_model import CATALOG, GROUPS, OLD_TREE, REFORMED, dense
from tests.unit.metrics.test_forecasting import courses_are_what_was_judged

SALES = a_kpi("sales", "flow", calendar="civil", unit_of_measure="vnd")
SIGNED = a_kpi("signed", "ratio")
SPEED = a_kpi("speed", "level", natural_limits=Limits(high=None, low=None))
TARGET = a_target(value="1.1", baseline=None, kpi="growth")


def growth(of: str, **more: Any) -> Kpi:
    given: dict[str, Any] = {"calendar": "civil", "unit_of_measure": "times", **more}
    return a_kpi("growth", "growth", growth=GrowthSpec(of=of), **given)


def score(*items: dict[str, Any], **more: Any) -> Kpi:
    made = tuple(ScoreItem.model_validate(item) for item in items)
    return a_kpi("score", "composite", composite=made, unit_of_measure="point", **more)


SCORE = score({"kpi": "signed", "maximum": 60}, {"kpi": "speed", "maximum": "12.5", "rule": "best_peer"})
GROWING = a_catalog(SALES, growth("sales"), TARGET)


def sold(months: Sequence[int], a_month: int, year: int = 2023, unit: str = "p.a.1") -> list[ObservationRecorded]:
    """As much each month, told on the 28th as the total of the year so far."""
    return [an_observation(unit, f"{year}-{m:02}-28", value=a_month * m, kpi="sales") for m in months]


LAST_YEAR = sold([12], 100, 2022)


async def an_engine(*parts: list[ObservationRecorded], catalog: Any = GROWING, now: str = "2023-10-10") -> Engine:
    """With these batches, a look at the sources after each."""
    engine = Engine(catalog, local(now))
    await engine.tick()
    for part in parts:
        await engine.take(*part)
        await engine.tick()
    return engine


def landing(engine: Engine, kpi: str = "growth", unit: str = "p.a.1", period: str = "2023") -> Landing:
    found = engine.record(unit, period, kpi).landing
    assert found is not None
    return found


def why_none(engine: Engine, kpi: str = "growth", unit: str = "p.a.1", period: str = "2023") -> list[str]:
    assert engine.record(unit, period, kpi).landing is None
    return [one.code for one in engine.record(unit, period, kpi).reasons if one.code.startswith("forecast_")]


def versions(engine: Engine, kpi: str = "growth", unit: str = "p.a.1") -> list[ProgressJudged]:
    return [one for one in engine.topic.progress() if (one.kpi, one.org_unit) == (kpi, unit)]


async def asked(engine: Engine, kpi: str, unit: str = "p.a.1", period: str = "2023") -> Asked:
    state = (await engine.workshop.memory.hold([(f"p/{kpi}", None)]))[f"p/{kpi}"]
    definition = engine.workshop.definitions.of(f"p/{kpi}", engine.catalog)
    assert definition is not None
    today = engine.clock.moment.date().toordinal()
    found = {(one.unit, one.window.id): one.asked for one in questions(state, definition, today, 1000)}
    return found[unit, period]


# what a forecast is made from


async def test_the_growth_of_a_flow_is_forecast_as_it_climbs_from_zero() -> None:
    """1,200 a year before and 120 a month now: 0.1 more each month, 1.2 at the end of the year."""
    engine = await an_engine(LAST_YEAR, sold(range(1, 10), 120))
    assert why_none(engine) == ["forecast_coming"]
    question = await asked(engine, "growth")
    assert question.baseline == (question.first - 1, 0)
    assert [value for _, value in question.points] == pytest.approx([m / 10 for m in range(1, 10)])
    assert (question.low, question.high, question.cumulative) == (0, None, False)
    await engine.forecast()
    assert landing(engine).value == pytest.approx(1.2, abs=0.02)
    assert (landing(engine).points, str(landing(engine).as_of)) == (9, "2023-09-28")
    assert landing(engine).p_meet > 0.9


async def test_a_growth_above_is_forecast_from_its_own_figures() -> None:
    before = [*LAST_YEAR, *sold([12], 300, 2022, "p.b.1")]
    now = [*sold(range(1, 10), 120), *sold(range(1, 10), 120, unit="p.b.1")]
    catalog = a_catalog(SALES, growth("sales", levels=("commune",)), a_target("p", 1, None, kpi="growth"))
    engine = await an_engine(before, now, catalog=catalog)
    question = await asked(engine, "growth", "p")
    assert [value for _, value in question.points] == pytest.approx([m * 240 / 4800 for m in range(1, 10)])
    await engine.forecast()
    assert landing(engine, unit="p").value == pytest.approx(0.6, abs=0.02)


async def test_a_growth_may_be_negative_where_its_source_may_and_has_no_upper_bound() -> None:
    source = a_kpi("profit", "level", calendar="civil", natural_limits=Limits(low=-1000))  # type: ignore[arg-type]
    before = [an_observation("p.a.1", "2022-12-28", value=100, kpi="profit")]
    now = [an_observation("p.a.1", f"2023-{m:02}-28", value=60 - 20 * m, kpi="profit") for m in range(1, 10)]
    engine = await an_engine(before, now, catalog=a_catalog(source, growth("profit"), TARGET))
    question = await asked(engine, "growth")
    assert (question.low, question.high, question.baseline) == (None, None, None)
    await engine.forecast()
    assert landing(engine).value == pytest.approx(-1.8, abs=0.05)


async def test_a_score_lies_between_0_and_all_points_there_are_and_starts_from_no_baseline() -> None:
    """What it was at the end of the year before was earned in that year; each year begins with nothing."""
    engine = await an_engine(
        [an_observation("p.a.1", f"2023-{m:02}-15", 30 + 2 * m, 100, kpi="signed") for m in range(1, 10)],
        [an_observation("p.a.1", "2023-09-20", value=40, kpi="speed")],
        catalog=a_catalog(SIGNED, SPEED, SCORE, a_target(value=60, baseline=50, kpi="score")),
    )
    question = await asked(engine, "score")
    assert (question.low, question.high, question.baseline, question.cumulative) == (0, 72.5, None, False)
    assert [value for _, value in question.points][-2:] == pytest.approx([48 * 0.6, 48 * 0.6 + 12.5])
    await engine.forecast()
    assert 0 <= landing(engine, "score").low <= landing(engine, "score").high <= 72.5


async def test_a_growth_over_several_years_is_forecast_from_the_year_of_its_deadline_alone() -> None:
    target = a_target(value="1.1", baseline=None, kpi="growth", period="2022-2023")
    before = sold([12], 100, 2021)
    this_year = sold(range(1, 13), 110, 2022)
    engine = await an_engine(before, this_year, catalog=a_catalog(SALES, growth("sales"), target), now="2022-12-30")
    await engine.forecast()
    assert why_none(engine, period="2022-2023") == ["forecast_period_to_come"]
    said = len(engine.topic.records)
    await engine.forecast()
    assert len(engine.topic.records) == said

    engine.clock.moment = local("2023-10-10")
    await engine.take(*sold(range(1, 10), 132))
    await engine.tick()
    question = await asked(engine, "growth", period="2022-2023")
    assert [value for _, value in question.points] == pytest.approx([m / 10 for m in range(1, 10)])
    (earlier,) = question.earlier
    assert [value for _, value in earlier.points] == pytest.approx([1.1 * m / 12 for m in range(1, 13)])
    await engine.forecast()
    found = landing(engine, period="2022-2023")
    assert found.points == 9
    assert found.value == pytest.approx(1.2, abs=0.03)


async def test_a_single_milestone_is_not_forecast_though_a_score_of_it_is() -> None:
    portal = a_kpi("portal", "milestone")
    made = score({"kpi": "portal", "maximum": 10}, {"kpi": "signed", "maximum": 90})
    engine = await an_engine(
        [an_observation("p.a.1", "2023-01-10", kpi="portal", done=False)],
        [an_observation("p.a.1", f"2023-{m:02}-15", 30 + 2 * m, 100, kpi="signed") for m in range(1, 10)],
        catalog=a_catalog(portal, SIGNED, made, a_target(value=1, kpi="portal", baseline=None),
                          a_target(value=60, baseline=None, kpi="score", id="s")),
    )  # fmt: skip
    await engine.forecast()
    assert why_none(engine, "portal") == ["forecast_not_for_kind"]
    assert landing(engine, "score").points == 10


async def test_the_explanation_of_a_growth_says_its_forecast() -> None:
    engine = await an_engine(LAST_YEAR, sold(range(1, 10), 120))
    await engine.forecast()
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    said = await asker.explain("growth", "p.a.1", "2023")
    assert said.judged.landing == engine.record(kpi="growth").landing
    assert {"landing", "landing_skill"} <= {one.code for one in said.formula}
    assert said.landings is not None
    assert [str(one.as_of) for one in said.landings.issued] == ["2023-09-28"]


# figures that are replaced


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_former_figure_that_is_replaced_leads_to_a_new_forecast_of_the_same_judgement(restarts: bool) -> None:
    met = a_catalog(SALES, growth("sales"), a_target(value="0.5", baseline=None, kpi="growth"))
    engine = await an_engine(LAST_YEAR, sold(range(1, 10), 120), catalog=met)
    await engine.forecast()
    before, value = engine.record(kpi="growth"), landing(engine).value
    await engine.take(an_observation("p.a.1", "2023-08-28", value=1060, kpi="sales", revision=2))
    await engine.tick()
    assert engine.record(kpi="growth").version == before.version
    if restarts:
        engine = engine.restarted()
        await engine.tick()
    await engine.forecast()
    after = engine.record(kpi="growth")
    assert (after.value, after.as_of, after.status) == (before.value, before.as_of, before.status)
    assert (after.version, landing(engine).value != value) == (before.version + 1, True)


async def test_a_correction_of_the_year_before_moves_every_figure_and_dates_stay() -> None:
    """1,500 instead of 1,200: 0.08 a month."""
    engine = await an_engine(LAST_YEAR, sold(range(1, 10), 120))
    await engine.forecast()
    await engine.take(an_observation("p.a.1", "2022-12-28", value=1500, kpi="sales", revision=2))
    await engine.tick()
    assert str(engine.record(kpi="growth").as_of) == "2023-09-28"
    await engine.forecast()
    assert landing(engine).value == pytest.approx(0.96, abs=0.02)
    dates = [one.as_of for one in sorted(versions(engine), key=lambda one: one.version) if one.as_of is not None]
    assert dates == sorted(dates)


# crashes


async def test_nothing_is_forecast_from_figures_that_the_records_are_ahead_of() -> None:
    """Records are written before the figures that they were judged on; whoever dies between leaves them so."""
    engine = await an_engine(LAST_YEAR, sold(range(1, 9), 120))
    await engine.forecast()
    await engine.take(*sold([9], 120))
    engine.store.lose_figures = True
    with pytest.raises(Transient):
        await engine.tick()
    engine.store.lose_figures = False
    for one in (engine, engine.restarted()):
        said = len(engine.topic.records)
        await one.forecast()
        assert len(engine.topic.records) == said
    again = engine.restarted()
    await again.forecast()
    await again.tick()
    await again.forecast()
    assert landing(again).points == 9
    dates = [one.as_of for one in sorted(versions(again), key=lambda one: one.version) if one.as_of is not None]
    assert dates == sorted(dates)


async def test_a_forecast_of_a_score_that_was_not_published_is_published_by_the_next_look() -> None:
    engine = await an_engine(LAST_YEAR, sold(range(1, 10), 120))
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.forecast()
    again = engine.restarted()
    await again.tick()
    await again.forecast()
    assert landing(again).points == 9
    said = len(engine.topic.records)
    await again.restarted().tick()
    await again.restarted().forecast()
    assert len(engine.topic.records) == said


@pytest.mark.parametrize("restarts", [False, True])
async def test_what_a_look_at_the_sources_could_not_publish_is_said_by_the_next_one(restarts: bool) -> None:
    engine = await an_engine(LAST_YEAR, sold(range(1, 9), 120))
    await engine.take(*sold([9], 120))
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.tick()
    engine.topic.fail = False
    engine = engine.restarted() if restarts else engine
    await engine.tick()
    assert str(engine.record(kpi="growth").as_of) == "2023-09-28"


async def test_ranks_that_others_changed_are_said_though_the_look_died_before_them() -> None:
    catalog = a_catalog(SIGNED, SPEED, SCORE)

    def told(unit: str, done: int, revision: int = 1) -> list[ObservationRecorded]:
        return [
            an_observation(unit, "2023-09-15", done, 100, kpi="signed", revision=revision),
            an_observation(unit, "2023-09-15", value=1, kpi="speed", revision=revision),
        ]

    engine = await an_engine([*told("p.a.1", 80), *told("p.a.2", 70)], catalog=catalog)
    await engine.take(*told("p.a.2", 90, 2))
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.tick()
    engine.topic.fail = False
    await engine.tick()
    ranks = [engine.record(unit, kpi="score").score.rank for unit in ("p.a.1", "p.a.2")]  # type: ignore[union-attr]
    assert ranks == [2, 1]


# against the plain recomputation


@given(dense(GROUPS), st.data(), NOW)
def test_a_course_of_derived_figures_is_what_was_judged_day_by_day(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    engine = Engine(CATALOG, local(now))
    asyncio.run(engine.follow(cut(found, data.draw(batches(len(found))))))
    courses_are_what_was_judged(engine, derived=True)


@given(dense(OLD_TREE), st.data(), NOW)
def test_it_follows_a_tree_that_changes(found: list[ObservationRecorded], data: st.DataObject, now: str) -> None:
    known = [one for one in found if exists(one)]
    engine = Engine(REFORMED, local(now))
    asyncio.run(engine.follow(cut(known, data.draw(batches(len(known))))))
    courses_are_what_was_judged(engine, derived=True)


@given(dense(GROUPS), st.data(), NOW)
def test_forecasts_between_crashes_change_no_figure_lose_no_record_and_no_date_falls_back(
    found: list[ObservationRecorded], data: st.DataObject, now: str
) -> None:
    async def play() -> None:
        engine = Engine(CATALOG, local(now))
        for part in cut(found, data.draw(batches(len(found)))):
            await engine.take(*part)
            for _ in range(data.draw(st.integers(1, 3))):
                look = data.draw(st.booleans())
                with engine.failing(data.draw(st.sampled_from([*FAILING, "nothing"]))):
                    await (engine.tick() if look else _same_judgements(engine))
                if data.draw(st.booleans()):
                    engine = engine.restarted()
        await engine.tick()
        assert differences(engine, found) == []
        await _same_judgements(engine)
        assert differences(engine, found) == []
        assert await engine.store.unforetold([f"p/{kpi}" for kpi in engine.catalog.kpis]) == []

    asyncio.run(play())


async def _same_judgements(engine: Engine) -> None:
    """Forecast: what is said has the date, status and value of what was stored before."""
    before = engine.latest()
    await engine.forecast()
    for key, record in engine.latest().items():
        then = before.get(key)
        if then is not None and record.landing is not None and record.version == then.version + 1:
            assert (record.as_of, record.status, record.value) == (then.as_of, then.status, then.value)
