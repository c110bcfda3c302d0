"""Forecasts beside the stream: which records get one, what makes a version, and what a crash cannot lose."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.explanations import Explanation
from contracts.observations import ObservationRecorded
from contracts.progress import Landing, ProgressJudged
from services.metrics.asking import Asker
from services.metrics.beside import Moved
from services.metrics.course import Courses
from services.metrics.days import Window
from services.metrics.exact import nearest
from services.metrics.forecaster import FAR_BEHIND
from services.metrics.foretelling import answer, foretell, questions
from services.metrics.judging import Judging
from services.metrics.landing.track import MOST, track_of
from services.runtime.errors import Transient
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_observation, local
from tests.unit.metrics.engine import Engine, differences, run
from tests.unit.metrics.test_against_the_model import CATALOG as MANY_KINDS
from tests.unit.metrics.test_against_the_model import REFORMED, batches, cut, events

NOW = local("2023-10-10")
TARGETS = (a_target(), a_target("p", 92, 80))
CATALOG = a_catalog(*TARGETS)


def months(last: int, first: int = 1, org_unit: str = "p.a.1", year: int = 2023) -> list[ObservationRecorded]:
    """80 + the number of the month, on each 15th."""
    return [an_observation(org_unit, f"{year}-{m:02}-15", 80 + m, 100) for m in range(first, last + 1)]


async def an_engine(*observations: ObservationRecorded, catalog: Any = CATALOG, now: Any = NOW) -> Engine:
    engine = Engine(catalog, now)
    await engine.tick()
    await engine.take(*observations)
    return engine


def landing(engine: Engine, unit: str = "p.a.1", period: str = "2023") -> Landing:
    found = engine.record(unit, period).landing
    assert found is not None
    return found


def versions(engine: Engine, unit: str = "p.a.1") -> list[ProgressJudged]:
    return [record for record in engine.topic.progress() if record.org_unit == unit]


def why_none(engine: Engine, unit: str = "p.a.1", period: str = "2023") -> list[str]:
    assert engine.record(unit, period).landing is None
    return [one.code for one in engine.record(unit, period).reasons if one.code.startswith("forecast_")]


# who is forecast, and what is said without one


async def test_a_forecast_is_a_new_version_of_the_same_judgement() -> None:
    engine = await an_engine(*months(9))
    before = engine.record()
    await engine.forecast()
    after = engine.record()
    assert (after.version, after.previous_status) == (before.version + 1, before.status)
    changed = {name for name in ProgressJudged.model_fields if getattr(after, name) != getattr(before, name)}
    assert changed - {"previous_status"} == {"version", "landing", "reasons"}
    assert [reason.code for reason in before.reasons if reason not in after.reasons] == ["forecast_coming"]
    assert (landing(engine).method, landing(engine).points, str(landing(engine).as_of)) == ("run_rate", 9, "2023-09-15")
    assert landing(engine).value == pytest.approx(92, abs=0.1)  # one point a month, three months from 89


async def test_records_above_are_forecast_from_what_stood_above() -> None:
    leaves = [one for unit in ("p.a.1", "p.a.2", "p.b.1") for one in months(9, org_unit=unit)]
    engine = await an_engine(*leaves)
    await engine.forecast()
    assert landing(engine, "p").points == 9
    assert landing(engine, "p").value == pytest.approx(92, abs=0.1)


async def test_without_figures_a_target_or_time_nothing_is_forecast_and_the_record_says_why() -> None:
    engine = await an_engine(*months(9), *months(9, org_unit="p.b.1"))
    await engine.forecast()
    assert [one.code for one in engine.record("p.b.1").reasons] == ["no_target"]
    late = await an_engine(*months(9), an_observation("p.a.1", "2023-12-14", 91, 100), now=local("2023-12-20"))
    await late.forecast()
    assert why_none(late) == ["forecast_deadline_reached"]
    few = await an_engine(*months(5))
    await few.forecast()
    assert why_none(few) == ["forecast_too_few_points"]
    born = await an_engine()
    await born.forecast()
    assert [one.code for one in born.record().reasons] == ["no_figure"]
    missed = await an_engine(*months(9), now=local("2024-02-01"))
    await missed.forecast()
    assert (missed.record().status, why_none(missed)) == ("missed", [])


async def test_what_has_figures_and_no_value_for_longer_than_a_forecast_looks_is_not_forecast() -> None:
    """Nobody said how many there are, of which the figures are a part."""
    catalog = a_catalog(a_kpi(kind="coverage"), a_target("p.a.1", 100, 40))
    days = [local("2023-06-01") + timedelta(days=n) for n in range(MOST + 1)]
    figures = [an_observation("p.a.1", f"{day:%Y-%m-%d}", n % 5) for n, day in enumerate(days)]
    engine = await an_engine(*figures, catalog=catalog)
    await engine.forecast()
    assert engine.record().reasons[0].code == "no_roster"
    assert why_none(engine) == ["forecast_too_few_points"]


async def test_a_rank_is_not_forecast() -> None:
    kpi = a_kpi("k", "rank", direction="decrease")
    engine = await an_engine(
        an_observation("p.a.1", "2023-09-30", rank=41, of=63), catalog=a_catalog(kpi, a_target(value=20, baseline=50))
    )
    said = len(engine.topic.records)
    await engine.forecast()
    assert (why_none(engine), len(engine.topic.records)) == (["forecast_not_for_kind"], said)


async def test_once_all_is_forecast_or_refused_the_store_knows_of_nothing_that_awaits() -> None:
    """Or each start would read all that no target judges."""
    engine = await an_engine(*months(6), *months(6, org_unit="p.b.1"), an_observation("p.b.1", "2021-05-15", 1, 2))
    assert await engine.store.unforetold(["p/k"]) == ["p/k"]
    await engine.forecast()
    assert await engine.store.unforetold(["p/k"]) == []
    await engine.take(an_observation("p.b.1", "2021-06-15", 1, 2), offset=20)
    await engine.restarted().forecast()
    assert await engine.store.unforetold(["p/k"]) == []


async def test_what_was_refused_for_the_same_reason_is_no_new_version() -> None:
    engine = await an_engine(*months(1))
    for month in range(2, 6):
        await engine.forecast()
        await engine.take(*months(month, month))
    await engine.forecast()
    codes = [[r.code for r in one.reasons if r.code.startswith("forecast_")] for one in versions(engine)]
    assert codes == [[], ["forecast_coming"], *[["forecast_too_few_points"]] * 5]


async def test_a_forecast_that_says_the_same_is_no_new_version_and_is_not_made_again() -> None:
    engine = await an_engine(*months(9))
    await engine.forecast()
    said, writes = len(engine.topic.records), engine.store.writes
    for other in (engine, engine.restarted()):
        await other.forecast()
    assert (len(engine.topic.records), engine.store.writes) == (said, writes)
    await engine.tick(local("2023-11-20"))  # the figure grows stale: another judgement of the same series
    assert engine.record().status == "unknown"
    said = len(engine.topic.records)
    await engine.forecast()
    assert len(engine.topic.records) == said
    assert list(engine.restarted().workshop.memory.awaiting()) == []


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_late_figure_that_leaves_the_record_as_it_is_is_in_the_next_forecast(restarts: bool) -> None:
    engine = await an_engine(*months(7), *months(9, 9))
    await engine.forecast()
    assert landing(engine).points == 8
    await engine.take(*months(8, 8), offset=8)
    engine = engine.restarted() if restarts else engine
    await engine.forecast()
    assert landing(engine).points == 9


# what batches and repeats say


async def test_a_batch_carries_the_last_forecast_and_its_date() -> None:
    engine = await an_engine(*months(8))
    await engine.forecast()
    before = landing(engine)
    await engine.take(*months(9, 9))
    assert landing(engine) == before
    assert (str(engine.record().as_of), str(landing(engine).as_of)) == ("2023-09-15", "2023-08-15")


async def test_a_repeat_of_the_batch_says_the_version_with_its_forecast_again() -> None:
    engine = await an_engine()
    batch = months(9)
    await engine.take(*batch)
    await engine.forecast()
    told = engine.record()
    again = engine.restarted()
    await again.take(*batch)
    assert versions(again)[-1] == told
    assert [one.version for one in versions(again)] == [1, *range(2, 11), 11, *range(2, 10), 11]
    assert [one.landing for one in versions(again)[11:-1]] == [None] * 8  # former heads, as they stood


async def test_a_new_target_drops_the_forecast_of_the_old_one_until_there_is_a_new_one() -> None:
    engine = await an_engine(*months(9))
    await engine.forecast()
    before = landing(engine)
    engine.catalogs.switch(a_catalog(a_target(value=95), TARGETS[1], number=2))
    await engine.tick()
    assert why_none(engine) == ["forecast_coming"]
    await engine.forecast()
    assert landing(engine).p_meet < before.p_meet
    assert landing(engine).value == before.value


async def test_a_figure_that_is_withdrawn_takes_its_forecast_with_it() -> None:
    engine = await an_engine(*months(9))
    await engine.forecast()
    await engine.take(an_observation("p.a.1", "2023-09-15", retracts=True, revision=2))
    assert why_none(engine) == ["forecast_coming"]
    await engine.forecast()
    assert (landing(engine).points, str(landing(engine).as_of)) == (8, "2023-08-15")


# crashes, waiting


async def test_a_crash_before_the_forecast_loses_nothing() -> None:
    engine = await an_engine(*months(9))
    again = engine.restarted()
    await again.forecast()
    assert landing(again).points == 9


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_forecast_that_was_written_and_not_published_is_published_by_the_next_look(restarts: bool) -> None:
    engine = await an_engine(*months(9))
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.forecast()
    assert engine.record().landing is None
    engine = engine.restarted() if restarts else engine
    await engine.forecast()
    assert landing(engine).points == 9
    assert [one.version for one in versions(engine)] == list(range(1, 12))
    said = len(engine.topic.records)
    await engine.restarted().forecast()
    await engine.restarted().tick()
    assert len(engine.topic.records) == said


async def test_what_a_tick_could_not_publish_is_not_forgotten_by_a_forecast() -> None:
    engine = await an_engine(*months(9))
    engine.catalogs.switch(a_catalog(a_target(value=95), a_target("p", 99, 80), number=2))
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.tick()
    engine.workshop.memory.forget()
    await engine.forecast()
    assert {record.target.value for record in engine.latest().values() if record.target} == {95, 99}


@pytest.mark.parametrize("half", ["figures", "judgements"])
async def test_a_write_that_was_lost_is_made_again(half: str) -> None:
    engine = await an_engine(*months(9))
    setattr(engine.store, f"lose_{half}", True)
    with pytest.raises(Transient):
        await engine.forecast()
    await engine.forecast()
    assert landing(engine).points == 9
    assert landing(engine.restarted()).points == 9


async def test_a_kpi_that_was_dropped_from_memory_is_read_again_for_its_forecast() -> None:
    kpis = [a_kpi(f"k{number}") for number in range(5)]
    engine = Engine(a_catalog(*kpis, *[a_target(kpi=kpi.id, id=kpi.id) for kpi in kpis]), NOW)
    engine.workshop.memory._limit = 2
    await engine.forecast()  # nothing is stored yet
    for kpi in kpis:
        await engine.take(*[one.model_copy(update={"kpi": kpi.id}) for one in months(9)])
    await engine.forecast()
    assert {record.landing is not None for record in engine.latest().values() if record.target} == {True}


async def test_nothing_is_forecast_before_what_a_crash_left_unsaid_has_come_again() -> None:
    """A forecast is a later version than the heads of the batch: who reads in order would never see those."""
    engine = await an_engine()
    batch = months(9)
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.take(*batch)
    again = engine.restarted()
    again.delivery.repeats = True
    await again.forecast()
    assert [one.version for one in versions(again)] == [1]
    await again.take(*batch)
    again.delivery.repeats = False
    await again.forecast()
    assert [one.version for one in versions(again)] == list(range(1, 12))


async def test_a_forecast_under_way_is_given_up_when_a_batch_may_come_again() -> None:
    engine = await an_engine(*months(9))
    said = len(engine.topic.records)
    async with engine.delivery.turn:
        looking = asyncio.create_task(engine.forecast())
        await asyncio.sleep(0.05)
        await engine.handler.forget()
    with pytest.raises(Moved):
        await looking
    assert len(engine.topic.records) == said
    await engine.forecast()
    assert landing(engine).points == 9


async def test_while_the_consumer_lags_forecasts_wait() -> None:
    engine = await an_engine(*months(9))
    engine.delivery.behind = FAR_BEHIND + 1
    looking = asyncio.create_task(engine.forecast())
    await asyncio.sleep(0.2)
    assert engine.record().landing is None
    engine.delivery.behind = 0
    await looking
    assert landing(engine).points == 9


async def test_a_record_that_is_judged_while_its_forecast_is_made_is_asked_again() -> None:
    engine = await an_engine(*months(8))
    state = (await engine.workshop.memory.hold([("p/k", None)]))["p/k"]
    definition = engine.workshop.definitions.of("p/k", engine.catalog)
    assert definition is not None
    asked = {one.unit: one for one in questions(state, definition, NOW.date().toordinal(), 100)}
    looking = asyncio.create_task(engine.forecast())
    async with engine.delivery.turn:
        await asyncio.sleep(0.05)
        await engine.take(*months(9, 9))
    await looking
    assert asked["p.a.1"].as_of < state.records["p.a.1", "2023"].as_of  # type: ignore[operator]
    assert landing(engine).points == 9


async def test_a_late_figure_that_comes_while_the_forecast_is_made_is_in_the_next_one() -> None:
    engine = await an_engine(*months(7), *months(9, 9))
    state = (await engine.workshop.memory.hold([("p/k", None)]))["p/k"]
    definition = engine.workshop.definitions.of("p/k", engine.catalog)
    assert definition is not None
    answers = [answer(one) for one in questions(state, definition, NOW.date().toordinal(), 100)]
    await engine.take(*months(8, 8), offset=8)
    assert foretell(Judging(state, definition, NOW.date().toordinal()), definition, answers) == ([], [])
    await engine.forecast()
    assert landing(engine).points == 9


async def test_forecasts_of_many_records_leave_the_stream_its_turns() -> None:
    """Each turn is one of the lock; a batch that waits for it gets it next."""
    units = ("p.a.1", "p.a.2", "p.b.1", "p.b.2")
    kpis = [a_kpi(f"k{number}") for number in range(20)]
    targets = [a_target(unit, kpi=kpi.id, id=f"{kpi.id}.{unit}") for kpi in kpis for unit in units]
    engine = Engine(a_catalog(*kpis, *targets), NOW)
    for kpi in kpis:
        for unit in units:
            await engine.take(*[one.model_copy(update={"kpi": kpi.id}) for one in months(8, org_unit=unit)])
    looking = asyncio.create_task(engine.forecast())
    between = 0
    while not looking.done():
        async with engine.delivery.turn:
            between += not looking.done()
            await engine.take(an_observation("p.b.2", "2023-09-20", 89, 100, revision=between + 1, kpi="k0"))
        await asyncio.sleep(0)
    assert between > len(kpis)
    await engine.forecast()
    assert {record.landing is not None for record in engine.latest().values() if record.target} == {True}


async def test_the_partitions_of_others_are_left_alone() -> None:
    engine = await an_engine(*months(9))
    other = engine.restarted()
    other.delivery.assigned = frozenset()
    said = len(engine.topic.records)
    await other.forecast()
    assert len(engine.topic.records) == said


# what a forecast is asked from


async def asked(engine: Engine, kpi: str = "k") -> dict[tuple[str, str], Any]:
    state = (await engine.workshop.memory.hold([(f"p/{kpi}", None)]))[f"p/{kpi}"]
    definition = engine.workshop.definitions.of(f"p/{kpi}", engine.catalog)
    assert definition is not None
    today = engine.clock.moment.date().toordinal()
    return {(one.unit, one.window.id): one.asked for one in questions(state, definition, today, 1000)}


@pytest.mark.parametrize(
    ("last_months", "followed"),
    [
        ({2022: 11}, [2022]),  # until a month after 15 November, and 14 December is the deadline
        ({2022: 11, 2021: 11}, [2022, 2021]),
        ({2022: 10}, []),
        ({2022: 11, 2021: 6}, [2022]),
        ({2022: 6, 2021: 11}, []),
        ({2021: 11}, []),
    ],
)
async def test_earlier_years_are_followed_as_far_back_as_none_is_missing_or_fell_silent(
    last_months: dict[int, int], followed: list[int]
) -> None:
    engine = await an_engine(
        *(one for year, last in sorted(last_months.items()) for one in months(last, year=year)), *months(6)
    )
    question = (await asked(engine))["p.a.1", "2023"]
    track = track_of(question, question.goal.deadline)
    assert track is not None
    assert [date.fromordinal(one.days[0]).year for one in track.earlier] == followed


async def test_a_running_total_starts_from_nothing_cannot_fall_and_is_shown_the_years_before() -> None:
    kpi = a_kpi("k", "flow", decimals=0, unit_of_measure="product")
    catalog = a_catalog(kpi, a_target(value=1200, baseline=None))
    before = [an_observation("p.a.1", f"2022-{m:02}-10", value=80 * m) for m in range(1, 13)]
    now = [an_observation("p.a.1", f"2023-{m:02}-10", value=100 * m) for m in range(1, 8)]
    engine = await an_engine(*before, *now, catalog=catalog)
    question = (await asked(engine))["p.a.1", "2023"]
    assert (question.cumulative, question.low, question.high, question.decimals) == (True, 0, None, 0)
    assert question.baseline == (question.first, 0)
    assert [value for _, value in question.points] == [100.0 * m for m in range(1, 8)]
    (earlier,) = question.earlier
    assert [value for _, value in earlier.points] == [80.0 * m for m in range(1, 13)]


async def test_a_share_lies_between_0_and_100_and_a_target_names_what_meets_it() -> None:
    question = (await asked(await an_engine(*months(9))))["p.a.1", "2023"]
    assert (question.low, question.high, question.cumulative, question.decimals) == (0, 100, False, 2)
    assert (question.goal.comparator, question.goal.value) == (">=", 92)
    assert question.goal.deadline == local("2023-12-14").toordinal()
    assert question.baseline == (local("2022-12-15").toordinal(), 80)


async def test_of_a_long_course_as_many_points_are_read_as_a_forecast_looks_at() -> None:
    first = local("2022-12-20")
    daily = [an_observation("p.a.1", (first + timedelta(days=n)).date().isoformat(), 800 + n, 1000) for n in range(200)]
    engine = await an_engine(*daily)
    question = (await asked(engine))["p.a.1", "2023"]
    assert (len(question.points), question.reported) == (MOST, 200)
    assert question.points[-1] == (first.toordinal() + 199, 99.9)
    await engine.forecast()
    assert landing(engine).points == landing(engine, "p").points == 200


@given(events(), st.data())
def test_a_course_is_what_was_judged_day_by_day(found: Sequence[ObservationRecorded], data: st.DataObject) -> None:
    courses_are_what_was_judged(run(MANY_KINDS, NOW, *cut(found, data.draw(batches(len(found))))))


@given(events(tuple(REFORMED.kpis.values())), st.data())
def test_a_course_follows_a_tree_that_changes(found: Sequence[ObservationRecorded], data: st.DataObject) -> None:
    courses_are_what_was_judged(run(REFORMED, NOW, *cut(found, data.draw(batches(len(found))))))


def courses_are_what_was_judged(engine: Engine, *, derived: bool = False) -> None:
    """Of the KPIs that are reported, or of those that are `derived`."""
    today = engine.clock.moment.date().toordinal()
    for key, state in engine.workshop.memory._states.items():
        definition = engine.workshop.definitions.of(key, engine.catalog)
        assert definition is not None
        if definition.kind.derived is not derived:
            continue
        records = [(unit, definition.window(period), r.as_of) for (unit, period), r in state.records.items()]
        named: list[tuple[str, Window, int]] = [(u, w, day) for u, w, day in records if day is not None]
        moved = {day for series in state.units.values() for day in series.order}
        for (unit, window, until), course in zip(named, Courses(definition, state.units).of(named), strict=True):
            expected: dict[int, float] = {}
            days = range(window.first, until + 1)
            for day in sorted(moved.intersection(days)) if derived else days:  # between them nothing moves
                reading, *_ = Judging(state, definition, today).judge(unit, window, day)
                if reading.value is not None and reading.as_of is not None:
                    expected.setdefault(reading.as_of, nearest(reading.value))
            assert course.points == sorted(expected.items()), (key, unit, window)


# what was said and what came


async def explained(engine: Engine) -> Explanation:
    return await Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now).explain("k", "p.a.1", "2023")


async def test_the_explanation_says_the_forecast_how_it_was_made_and_how_good_such_ones_were() -> None:
    engine = await an_engine(*months(9))
    await engine.forecast()
    said = await explained(engine)
    assert (said.judged.landing, said.judged.reasons) == (engine.record().landing, engine.record().reasons)
    steps = {one.code: one.text_vi for one in said.formula}
    assert steps["landing"].startswith("Theo đà hiện nay sẽ đạt 91,9")
    assert steps["landing_skill"].startswith("Cách tính: nhịp gần đây. Thử lại trên chính chuỗi số liệu này 7 lần")


async def test_the_last_forecast_of_each_month_is_kept_and_held_against_what_came() -> None:
    engine = await an_engine(*months(6))
    for month in range(7, 10):
        await engine.forecast()
        await engine.take(*months(month, month))
    await engine.forecast()
    await engine.take(an_observation("p.a.1", "2023-09-20", 88, 100))
    await engine.forecast()  # in the same administrative month as 15 September
    before = (await explained(engine)).landings
    assert before is not None
    assert [str(one.as_of) for one in before.issued] == ["2023-06-15", "2023-07-15", "2023-08-15", "2023-09-20"]
    assert (before.came, before.met, before.intervals_held, before.brier) == (None, None, None, None)
    assert {one.held for one in before.issued} == {None}

    await engine.take(an_observation("p.a.1", "2023-12-14", 92, 100))
    after = (await explained(engine)).landings
    assert after is not None
    assert (after.came, after.met, str(after.deadline)) == (92, True, "2023-12-14")
    assert after.intervals_held == sum(one.low <= 92 <= one.high for one in before.issued)
    assert after.brier == pytest.approx(sum((1 - one.p_meet) ** 2 for one in before.issued) / 4)
    assert after.mean_absolute_error == pytest.approx(sum(abs(one.value - 92) for one in before.issued) / 4)


async def test_without_a_figure_of_the_deadline_what_came_is_what_stands_when_the_time_is_over() -> None:
    engine = await an_engine(*months(9))
    await engine.forecast()
    await engine.tick(local("2023-12-28"))
    assert (await explained(engine)).landings.came is None  # type: ignore[union-attr]
    await engine.tick(local("2023-12-29"))
    score = (await explained(engine)).landings
    assert score is not None
    assert (score.came, score.met) == (89, False)


async def test_forecasts_stay_with_the_target_that_they_were_made_for_and_are_held_against_it() -> None:
    engine = await an_engine(*months(9))
    await engine.forecast()
    engine.catalogs.switch(a_catalog(a_target(value=95), number=2))
    await engine.tick()
    await engine.forecast()
    await engine.take(an_observation("p.a.1", "2023-10-20", 90, 100))
    await engine.forecast()
    before = (await explained(engine)).landings
    assert before is not None
    goals = [(str(one.as_of), one.target.value) for one in before.issued if one.target is not None]
    assert sorted(goals) == [("2023-09-15", 92), ("2023-09-15", 95), ("2023-10-20", 95)]
    await engine.take(an_observation("p.a.1", "2023-12-14", 93, 100))
    after = (await explained(engine)).landings
    assert after is not None
    for one in after.issued:  # 93 meets 92, and does not meet 95
        assert one.target is not None
        assert one.brier == (one.p_meet - (one.target.value == 92)) ** 2
    assert (after.came, after.met, after.scored) == (93, False, 3)
    engine.catalogs.switch(a_catalog(number=3))  # the target is taken away
    await engine.tick()
    left = (await explained(engine)).landings
    assert left is not None
    assert left.issued == after.issued


async def test_a_forecast_is_not_held_against_a_figure_that_it_was_made_from() -> None:
    engine = await an_engine(*months(8))
    await engine.forecast()
    await engine.take(*months(9, 9), an_observation("p.a.1", "2023-12-08", 91, 100))
    await engine.tick(local("2023-12-10"))
    await engine.forecast()
    await engine.tick(local("2023-12-29"))
    found = (await explained(engine)).landings
    assert found is not None
    assert [(str(one.as_of), one.held is None) for one in found.issued] == [("2023-08-15", False), ("2023-12-08", True)]
    first, last = found.issued
    assert (first.not_scored, last.brier, found.scored) == (None, None, 1)
    assert last.not_scored is not None
    assert last.not_scored.text_vi.startswith("Không chấm: sau số liệu dùng để dự báo")
    assert found.brier == first.p_meet**2
    assert found.mean_absolute_error == abs(first.value - 91)


async def test_of_forecasts_none_of_which_is_scored_no_score_is_told() -> None:
    engine = await an_engine(*months(9))
    await engine.forecast()
    await engine.tick(local("2023-12-29"))
    found = (await explained(engine)).landings
    assert found is not None
    assert (found.came, found.met, found.scored, found.brier, found.intervals_held) == (89, False, 0, None, None)


async def test_nothing_is_forecast_after_the_deadline_has_passed() -> None:
    engine = await an_engine(*months(9), now=local("2023-12-15"))
    await engine.forecast()
    assert why_none(engine) == ["forecast_deadline_passed"]
    assert (await explained(engine)).landings is None
    engine.clock.moment = local("2023-12-14")
    await engine.take(an_observation("p.a.1", "2023-10-01", 90, 100))
    await engine.forecast()
    assert landing(engine).as_of is not None


@pytest.mark.parametrize(("target", "status"), [(85, "achieved"), (99, "unknown")])
async def test_the_day_after_the_deadline_takes_the_forecast_away_also_from_who_met_the_target(
    target: int, status: str
) -> None:
    """The deadline is 14 December, and there are 15 days of grace; who did not meet it has been silent for too long."""
    engine = await an_engine(*months(9), catalog=a_catalog(a_target("p.a.1", target, 80)))
    await engine.forecast()
    await engine.tick(local("2023-12-14"))
    said = len(versions(engine))
    assert (landing(engine).as_of, engine.record("p.a.1").status) == (date(2023, 9, 15), status)
    for _ in range(2):
        await engine.tick(local("2023-12-15"))
        await engine.forecast()
    assert (why_none(engine), len(versions(engine))) == (["forecast_deadline_passed"], said + 1)
    assert [one.status for one in versions(engine)[-2:]] == [status, status]


async def test_a_unit_that_ended_before_the_deadline_is_forecast_no_more() -> None:
    ends = {"valid_to": date(2023, 11, 1)}
    units = [one.model_copy(update=ends) if one.id == "p.a.1" else one for one in UNITS]
    engine = await an_engine(*months(9), catalog=a_catalog(a_target("p.a.1", 99, 80), units=units))
    await engine.forecast()
    assert landing(engine).as_of == date(2023, 9, 15)
    await engine.tick(local("2023-11-02"))
    assert why_none(engine) == []
    assert "unit_ended" in {one.code for one in engine.record("p.a.1").reasons}


@given(events(), st.data())
def test_dates_never_fall_back_because_of_a_forecast(found: Sequence[ObservationRecorded], data: st.DataObject) -> None:
    """Versions of a record that a forecast made have the date and status of the version before."""

    async def play() -> Engine:
        engine = Engine(MANY_KINDS, NOW)
        await engine.tick()
        for part in cut(found, data.draw(batches(len(found)))):
            await engine.take(*part)
            await engine.tick()
            before = engine.latest()
            await engine.forecast()
            for key, record in engine.latest().items():
                then = before[key]
                assert (record.as_of, record.status, record.value) == (then.as_of, then.status, then.value)
                assert record.version - then.version in (0, 1)
        return engine

    engine = asyncio.run(play())
    assert differences(engine, found) == []
    for key in engine.latest():
        mine = [r.version for r in engine.topic.progress() if (r.kpi, r.org_unit, r.period) == key]
        assert list(dict.fromkeys(mine)) == list(range(1, max(mine) + 1))
