"""Explanation, history and inputs of a record: over the stored state, held against what was published."""

import asyncio
import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import Parent, PlanPoint, StepPlan
from contracts.explanations import Bound, Explanation, History
from contracts.observations import ObservationRecorded
from services.metrics.asking import WAITING, Asker, Busy, Unknown
from tests.model import recompute
from tests.unit.metrics.builders import UNITS, a_catalog, a_kpi, a_target, an_increment, an_observation, day, local
from tests.unit.metrics.engine import Engine

NOW = local("2023-10-02")


def asker(engine: Engine) -> Asker:
    return Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)


async def explained(engine: Engine, unit: str = "p.a.1", period: str = "2023") -> Explanation:
    return await asker(engine).explain("k", unit, period)


async def told(
    engine: Engine, unit: str = "p.a.1", on: str | None = None, ledger: Sequence[ObservationRecorded] = ()
) -> History:
    return await asker(engine).history("k", unit, "2023", None if on is None else date.fromisoformat(on), ledger)


async def since_the_start(engine: Engine) -> Engine:
    """The same, which has known its catalog since the first day of the period."""
    now, engine.clock.moment = engine.clock.moment, local("2022-12-15")
    await engine.tick()
    engine.clock.moment = now
    return engine


async def an_engine(*observations: Any, now: Any = NOW, **target: Any) -> Engine:
    kpi = target.pop("kpi_spec", None)
    engine = Engine(a_catalog(*([kpi] if kpi else []), a_target(**target)), now)
    await engine.take(*observations)
    return engine


def bound(said: Explanation, status: str) -> Bound:
    return next(one for one in said.would_change.bounds if one.status == status)


async def test_the_explanation_says_what_was_published() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 100))
    said, record = await explained(engine), engine.record()
    assert (said.version, said.published) == (record.version, True)
    for name in (
        "value",
        "planned",
        "gap",
        "pace",
        "completion",
        "status",
        "reasons",
        "target",
        "needed",
        "flags",
        "trust",
    ):
        assert getattr(said.judged, name) == getattr(record, name), name


async def test_the_calculation_is_told_in_both_languages_with_its_numbers() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 857, 1000))
    formula = {one.code: one for one in (await explained(engine)).formula}
    assert formula["share"].text_vi == "100 × 857 ÷ 1.000 = 85,7 %."
    assert formula["share"].text_en == "100 × 857 ÷ 1,000 = 85.7 %."
    assert formula["planned_between"].text_vi == (
        "Kế hoạch đến 30/09/2023 = 80 + (92 − 80) × 289 ÷ 364 ngày ≈ 89,5275 %, "
        "đi từ 80 (ngày 15/12/2022) đến 92 (ngày 14/12/2023)."
    )
    assert formula["gap"].text_vi == "Chênh lệch = giá trị − kế hoạch = 85,7 − 89,5275 = −3,8275 điểm %."
    assert formula["pace"].text_vi.startswith("Nhịp độ = (85,7 − 80) ÷ (89,5275 − 80) ≈ 0,598")
    assert formula["needed"].text_en == "2.5568 points a month are needed to meet the target by 2023-12-14."
    assert formula["so_far"].text_en == "So far, on average since the baseline: 0.6003 points a month."
    assert formula["own"].text_en == "This is what the unit itself reported, as of 2023-09-30."


async def test_what_lowers_the_trust_is_told_with_its_numbers() -> None:
    """A sum of two communes of which one is silent, and the half of two is half."""
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 857, 1000), unit="p.a")
    formula = {one.code: one for one in (await explained(engine, "p.a")).formula}
    assert formula["trust"].text_vi == "Độ tin cậy C: 1 trên 2 đơn vị chưa báo cáo."
    assert formula["trust"].text_en == "Trust C: 1 of 2 units have not reported."
    own = {one.code: one for one in (await explained(engine, "p.a.1")).formula}
    assert own["trust"].text_vi == "Độ tin cậy A: không có gì đáng ngờ."


async def test_the_observations_of_a_unit_are_its_standing_figure_and_what_was_added_later() -> None:
    before, base = an_increment("p.a.1", "2023-09-01", 1, 2), an_observation("p.a.1", "2023-09-10", 80, 100)
    more = [an_increment("p.a.1", "2023-09-20", 1, 1) for _ in range(3)]
    engine = await an_engine(before, base, *more)
    said = await explained(engine)
    assert [(str(one.as_of), one.how, one.events) for one in said.figures] == [
        ("2023-09-20", "increments", 3),
        ("2023-09-10", "absolute", 1),
    ]
    assert said.figures[1].observations == (base.observation_id,)
    assert set(said.figures[0].observations) == {one.observation_id for one in more}
    assert (said.figures_count, said.observations_count) == (2, 4)


async def test_a_sum_names_its_parts_and_a_direct_figure_does_not() -> None:
    leaves = [an_observation(unit, "2023-09-10", 80, 100) for unit in ("p.a.1", "p.a.2", "p.b.1")]
    engine = await an_engine(*leaves, an_observation("p.b", "2023-09-20", 150, 200))
    said = await explained(engine, "p")
    assert said.made_of == "parts"
    assert {one.org_unit for one in said.figures} == {"p.a.1", "p.a.2", "p.b"}
    assert sum(one.numerator or 0 for one in said.figures) == said.judged.numerator
    assert [(child.org_unit, child.in_sum, child.numerator) for child in said.children] == [
        ("p.a", True, 160),
        ("p.b", True, 150),
    ]
    district = await explained(engine, "p.b")
    assert (district.made_of, [one.org_unit for one in district.figures]) == ("own", ["p.b"])
    assert [(one.org_unit, one.in_sum) for one in district.children] == [("p.b.1", False), ("p.b.2", False)]


def lines(said: Explanation) -> dict[str, str]:
    return {one.code: one.text_vi for one in said.formula}


async def test_a_weighted_mean_is_told_with_its_weights() -> None:
    """(10·3 + 40·1) / (3 + 1) = 17.5."""
    kpi = a_kpi(kind="level", unit_of_measure="Mbps")
    speeds = [an_observation("p.a.1", value=10, weight="3"), an_observation("p.a.2", value=40, weight="1")]
    said = lines(await explained(await an_engine(*speeds, kpi_spec=kpi, value=50, baseline=10), "p.a"))
    assert said["weighted"] == "Bình quân gia quyền: tổng giá trị × trọng số ÷ tổng trọng số = 70 ÷ 4 = 17,5."
    means = a_kpi(kind="level", unit_of_measure="Mbps", within_period="mean")
    earlier = an_observation("p.a.1", "2023-08-31", value=20)
    engine = await an_engine(earlier, *speeds, kpi_spec=means, value=50, baseline=10)
    # the mean of 20 and 10 weighs 3: (15·3 + 40·1) / 4 = 21.25
    assert lines(await explained(engine, "p.a"))["weighted"].endswith("= 85 ÷ 4 = 21,25.")
    assert lines(await explained(engine, "p.a.1"))["mean"] == "Trung bình của 2 lần báo cáo trong kỳ."


async def test_sums_say_of_how_many_events_and_periods_they_are_made() -> None:
    kpi = a_kpi(kind="flow", unit_of_measure="product", period="quarter")
    sold = [an_observation("p.a.1", "2023-03-01", value=10), an_increment("p.a.1", "2023-08-01", value=5)]
    sold += [an_increment("p.a.1", "2023-09-01", value=7)]
    said = lines(await explained(await an_engine(*sold, kpi_spec=kpi, value=50, baseline=0)))
    assert said["amount"] == "Giá trị: 22."
    assert said["summed"] == "Cộng dồn từ 3 sự kiện đã báo cáo."
    assert said["periods"] == "Cộng số liệu của 3 kỳ tính, mỗi kỳ bắt đầu lại từ 0."


async def test_a_difference_adds_up_as_it_is_read() -> None:
    """92.51768… − 91.80219… is 0.71548…: from the numbers shown anybody makes 0.7155."""
    engine = await an_engine(an_observation("p.a.1", "2023-12-08", 144916, 156636))
    said = lines(await explained(engine))
    assert said["gap"] == "Chênh lệch = giá trị − kế hoạch = 92,5177 − 91,8022 = 0,7155 điểm %."
    assert said["share"] == "100 × 144.916 ÷ 156.636 ≈ 92,5177 %."


async def test_a_line_to_hold_is_told_as_one() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 88, 100), intent="keep", baseline=None)
    said = lines(await explained(engine))
    assert said["held_to"] == "Mức phải giữ: 92 %."
    assert said["held"] == "Trong kỳ đơn vị có 1 lần báo cáo, giữ được mức 0 lần."
    assert said["gap"].endswith("= 88 − 92 = −4 điểm %.")
    assert said["pace_of_line"] == (
        "Nhịp độ so với mức phải giữ = 88 ÷ 92 ≈ 0,9565; chưa giữ được thì có nguy cơ từ 0,95, thấp hơn là chậm."
    )
    assert "needed" not in said


async def test_a_target_without_a_baseline_is_held_against_the_value_itself() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 69, 100), baseline=None)
    said = lines(await explained(engine))
    assert said["pace_to_target"].startswith("Nhịp độ so thẳng giá trị với mục tiêu = 69 ÷ 92 = 0,75;")
    assert not {"planned", "planned_between", "gap", "completion", "so_far"} & said.keys()


@pytest.mark.parametrize(
    ("done", "pace", "planned"),
    [
        (30, "Nhịp độ so thẳng giá trị với mục tiêu = 30 ÷ 40 = 0,75;", "40"),
        (50, "Nằm trong khoảng mục tiêu: nhịp độ là 1.", "40"),
        (75, "Nhịp độ so thẳng giá trị với mục tiêu = 60 ÷ 75 = 0,8;", "60"),
    ],
)
async def test_a_band_is_told_by_its_nearer_edge(done: int, pace: str, planned: str) -> None:
    band: dict[str, Any] = {"value": None, "baseline": 80, "comparator": "band", "low": 40, "high": 60}
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", done, 100), **band)
    said = lines(await explained(engine))
    assert said["nearer_edge"] == f"Cận gần hơn của khoảng mục tiêu: {planned} %."
    assert (said.get("pace_inside") or said["pace_to_target"]).startswith(pace)
    assert said["completion"].startswith(f"Mức hoàn thành = ({done} − 80) ÷ ({planned} − 80) ")


async def test_a_staircase_stays_at_its_step() -> None:
    plan = StepPlan(curve="step", points=(PlanPoint(on=day("2023-06-30"), value=Decimal(85)),))
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 84, 100), plan=plan)
    assert lines(await explained(engine))["planned"] == "Kế hoạch đến 30/09/2023: 85 %."


async def test_what_other_figures_make_doubtful_is_told_with_its_numbers() -> None:
    """dn-001-016 and dn-002-036: 437 procedures in June, 436 in October."""
    kpi = a_kpi(kind="stock", may_fall=False, unit_of_measure="procedure")
    fell = [an_observation("p.a.1", "2023-06-14", value=437), an_observation("p.a.1", "2023-09-30", value=436)]
    said = await explained(await an_engine(*fell, kpi_spec=kpi, value=500, baseline=400))
    assert [flag.code for flag in said.doubts] == ["cumulative_fell"]
    assert said.doubts[0].evidence == {"before": "437", "before_on": "2023-06-14", "now": "436"}
    assert lines(said)["doubt"] == "Cảnh báo: Số lũy kế giảm: 437 ngày 14/06/2023, nay 436."
    assert lines(said)["trust"] == "Độ tin cậy B: 1 cảnh báo về số liệu."


async def test_what_is_doubted_below_is_told_above_with_the_names_of_the_units() -> None:
    """A2 went from 106 to 7 and B1 from 20 to 20,000: the sum is held against nobody, and says that they are in it."""
    kpi = a_kpi(kind="stock", unit_of_measure="machine")
    steady = {"p.a.1": (50, 51), "p.a.2": (106, 7), "p.b.1": (20, 20_000), "p.b.2": (30, 31)}
    figures = [
        an_observation(unit, on, value=value)
        for unit, (before, now) in steady.items()
        for on, value in (*((f"2023-0{month}-14", before + month) for month in range(1, 8)), ("2023-09-30", now))
    ]
    engine = await an_engine(*figures, kpi_spec=kpi, unit="p", value=500, baseline=100)
    said = await explained(engine, "p")
    assert lines(said)["trust"] == "Độ tin cậy A: số liệu của 2 đơn vị hợp thành đang có cảnh báo: p.a.2, p.b.1."
    english = next(one.text_en for one in said.formula if one.code == "trust")
    assert english == "Trust A: the figures of 2 units in it are flagged: p.a.2, p.b.1."
    assert {one.org_unit: one.flags for one in said.figures if one.flags} == {
        "p.a.2": ("jump",),
        "p.b.1": ("scale_shift",),
    }
    page = await asker(engine).inputs("k", "p", "2023", 0, 100)
    assert {one.org_unit for one in page.items if one.flags} == {"p.a.2", "p.b.1"}
    assert lines(await explained(engine, "p.a"))["trust"].endswith(
        "số liệu của 1 đơn vị hợp thành đang có cảnh báo: p.a.2."
    )
    assert lines(await explained(engine, "p.b.2"))["trust"] == "Độ tin cậy A: không có gì đáng ngờ."


async def test_a_total_reported_above_is_told_beside_what_its_parts_make() -> None:
    """qb-003-008: 7,301 computers, of which 5,636 (qb-003-009) and 1,558 (qb-003-010) are 7,194."""
    kpi = a_kpi(kind="stock", unit_of_measure="machine")
    figures = [
        an_observation("p.a", value=7301),
        an_observation("p.a.1", value=5636),
        an_observation("p.a.2", value=1558),
    ]
    said = await explained(await an_engine(*figures, kpi_spec=kpi, value=8000, baseline=7000), "p.a")
    assert lines(said)["discrepancy"] == ("Số báo cáo trực tiếp là 7.301; các đơn vị bên dưới cộng lại là 7.194.")
    assert [flag.code for flag in said.doubts] == ["parts_disagree"]


async def test_a_unit_that_has_only_forecast_is_explained_though_it_has_no_record() -> None:
    engine = await an_engine(an_observation("p.b.1", "2023-12-14", 95, 100, status="forecast"))
    said = await explained(engine, "p.b.1")
    assert [(str(one.as_of), one.numerator) for one in said.forecasts] == [("2023-12-14", 95)]
    assert (said.version, said.published, said.judged.value, said.made_of) == (0, False, None, "nothing")
    assert [one.code for one in said.judged.reasons] == ["no_target", "no_figure"]
    assert (await told(engine, "p.b.1")).points == ()
    for unit, period in (("p.b.1", "2022"), ("p.b.1", "2022-2024"), ("p.b.2", "2023")):
        with pytest.raises(Unknown):
            await explained(engine, unit, period)


async def test_a_forecast_is_shown_apart_and_counts_for_nothing() -> None:
    figures = [
        an_observation("p.a.1", "2023-09-30", 85, 100),
        an_observation("p.a.1", "2023-12-14", 95, 100, status="forecast"),
    ]
    said = await explained(await an_engine(*figures))
    assert (said.judged.value, said.figures_count) == (85, 1)
    assert [(str(one.as_of), one.numerator) for one in said.forecasts] == [("2023-12-14", 95)]


async def test_a_rank_says_its_place_and_a_milestone_that_it_is_done() -> None:
    rank = a_kpi(kind="rank", direction="decrease")
    place = await an_engine(
        an_observation("p.a.1", "2023-09-30", rank=41, of=63), kpi_spec=rank, value=40, baseline=54, comparator="<="
    )
    (figure,) = (await explained(place)).figures
    assert (figure.rank, figure.of) == (41, 63)
    done = await an_engine(
        an_observation("p.a.1", "2023-09-30", done=True, done_on="2023-09-12"),
        kpi_spec=a_kpi(kind="milestone"), value=1, baseline=None,
    )  # fmt: skip
    (figure,) = (await explained(done)).figures
    assert (figure.done, str(figure.done_on)) == (True, "2023-09-12")


async def test_every_unit_below_says_what_it_brings_to_the_gap() -> None:
    """180 of 300 are 60 %, 30 points short of 90: the first commune lacks 20 of 100, the second 70 of 200."""
    engine = await an_engine(
        an_observation("p.a.1", "2023-09-30", 70, 100),
        an_observation("p.a.2", "2023-09-30", 110, 200),
        unit="p.a", value=90, intent="keep", baseline=None,
    )  # fmt: skip
    said = await explained(engine, "p.a")
    assert said.judged.gap == -30
    assert {one.org_unit: one.brings for one in said.children} == {"p.a.1": -20 / 3, "p.a.2": -70 / 3}
    assert sum(one.share or 0 for one in said.children) == 1
    assert [one.brings for one in (await explained(engine, "p")).children] == [None, None]


async def test_each_bound_is_the_first_value_that_gets_its_status() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 100))
    said = await explained(engine)
    day = said.would_change.next_report
    assert str(day) == "2023-10-14"  # the administrative month that holds 2 October
    assert [one.status for one in said.would_change.bounds] == ["behind", "at_risk", "on_track", "achieved"]
    for one in said.would_change.bounds:
        at = await an_engine(an_observation("p.a.1", "2023-10-14", value=one.value), now=local("2023-10-14"))
        short = await an_engine(
            an_observation("p.a.1", "2023-10-14", value=round(one.value - 0.01, 2)), now=local("2023-10-14")
        )
        assert at.record().status == one.status
        assert short.record().status != one.status


async def test_a_bound_is_also_a_numerator_over_the_present_denominator() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 101))
    achieved = bound(await explained(engine), "achieved")
    assert (achieved.value, achieved.numerator) == (92, 93)  # 92.92 of 101
    assert achieved.text_vi == "Từ 92 % trở lên vào 14/10/2023: đã đạt."


async def test_a_rate_is_told_by_its_base() -> None:
    kpi = a_kpi(kind="rate", unit_of_measure="per_100_inhabitants", rate_base=1000)
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 3, 40), kpi_spec=kpi, value=90, baseline=10)
    said = await explained(engine)
    assert "1,000 × 3 ÷ 40 = 75." in [one.text_en for one in said.formula]
    achieved = bound(said, "achieved")
    assert (achieved.value, achieved.numerator) == (90, 4)


async def test_a_mean_names_all_its_readings() -> None:
    kpi = a_kpi(kind="level", within_period="mean")
    readings = [an_observation("p.a.1", f"2023-0{month}-28", value=80 + month) for month in (2, 4, 6)]
    engine = await an_engine(*readings, kpi_spec=kpi)
    said = await explained(engine)
    assert (said.judged.value, said.observations_count) == (84, 3)


async def test_milestones_below_are_counted() -> None:
    kpi = a_kpi(kind="milestone", unit_of_measure="count")
    done = [an_observation(unit, "2023-09-30", done=True) for unit in ("p.a.1", "p.b.1")]
    engine = await an_engine(*done, kpi_spec=kpi, unit="p", value=4, baseline=0)
    said = await explained(engine, "p")
    assert "2 of 4 units are done." in [one.text_en for one in said.formula]
    assert bound(said, "achieved").value == 4


async def test_where_lower_is_better_the_bounds_are_from_above() -> None:
    kpi = a_kpi(kind="stock", unit_of_measure="case", direction="decrease")
    engine = await an_engine(
        an_observation("p.a.1", "2023-09-30", value=95), kpi_spec=kpi, value=50, baseline=100, comparator="<="
    )
    bounds = (await explained(engine)).would_change.bounds
    assert {one.comparator for one in bounds} == {"<="}
    values = [one.value for one in bounds]
    assert values == sorted(values, reverse=True)
    assert values[-1] == 50


async def test_it_says_what_becomes_of_the_record_if_nothing_comes() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 100))
    alone = (await explained(engine)).would_change.by_itself
    assert alone is not None
    await engine.tick(local(str(alone.on)))
    assert engine.record().status == alone.status == "unknown"


async def test_in_the_grace_only_the_last_day_can_still_be_reported_and_then_nothing() -> None:
    """The deadline is the 14th of December, and its grace fifteen days."""
    late = await an_engine(an_observation("p.a.1", "2023-12-14", 85, 100), now=local("2023-12-28"))
    assert (await explained(late)).would_change.next_report is None
    silent = await an_engine(an_observation("p.a.1", "2023-11-30", 85, 100), now=local("2023-12-28"))
    said = (await explained(silent)).would_change
    assert (str(said.next_report), [*said.bounds][-1].status) == ("2023-12-14", "achieved")
    closed = await an_engine(an_observation("p.a.1", "2023-11-30", 85, 100), now=local("2023-12-29"))
    over = (await explained(closed)).would_change
    assert (over.next_report, over.bounds) == (None, ())


async def test_history_has_a_point_for_each_day_judged_as_on_that_day() -> None:
    figures = [
        an_observation("p.a.1", day, number, 100)
        for day, number in (("2023-01-31", 81), ("2023-05-31", 90), ("2023-09-30", 85))
    ]
    engine = await an_engine(*figures)
    said = await told(engine)
    assert [(str(one.as_of), one.value, one.status.value) for one in said.points] == [
        ("2023-01-31", 81.0, "behind"),
        ("2023-05-31", 90.0, "on_track"),
        ("2023-09-30", 85.0, "behind"),
    ]
    assert said.points[-1].gap == engine.record().gap
    assert (said.plan[0], said.plan[-1]) == ((date(2022, 12, 15), 80.0), (date(2023, 12, 14), 92.0))


async def test_the_plan_is_told_of_each_version_over_the_days_on_which_it_held() -> None:
    first = a_target(value=92, valid_to=day("2023-07-01"))
    second = a_target(value=100, version=2, valid_from=day("2023-07-01"))
    engine = Engine(a_catalog(first, second), NOW)
    await engine.take(an_observation("p.a.1", "2023-06-30", 86, 100), an_observation("p.a.1", "2023-09-30", 95, 100))
    said = await told(engine)
    assert [(one.target_version, str(one.first), str(one.last), one.goal) for one in said.plans] == [
        (1, "2022-12-15", "2023-06-30", 92),
        (2, "2023-07-01", "2023-12-14", 100),
    ]
    one, two = said.plans
    days = 364  # from 15 December 2022 to 14 December 2023
    assert one.points[0] == (date(2022, 12, 15), 80)
    assert one.points[-1] == (date(2023, 6, 30), 80 + 12 * 197 / days)
    assert one.points[-1][1] == said.points[0].planned
    assert two.points[0][0] == date(2023, 7, 1)
    assert two.points[0][1] == pytest.approx(80 + 20 * 198 / days)
    assert two.points[-1] == said.plan[-1] == (date(2023, 12, 14), 100)
    assert dict(two.points).keys().isdisjoint(dict(one.points).keys())


async def test_a_sum_has_a_point_wherever_a_part_moved() -> None:
    engine = await an_engine(
        an_observation("p.a.1", "2023-01-31", 10, 100),
        an_observation("p.b.1", "2023-02-28", 30, 100),
        an_observation("p.a.1", "2023-03-31", 50, 100),
    )
    assert [one.value for one in (await told(engine, "p")).points] == [10.0, 20.0, 40.0]


async def test_what_was_said_on_a_former_day_knows_only_what_had_come_by_then() -> None:
    engine = await an_engine(
        an_observation("p.a.1", "2023-05-31", 90, 100, reported_at=local("2023-06-02")),
        an_observation("p.a.1", "2023-06-30", 91, 100, reported_at=local("2023-07-20")),
    )
    await since_the_start(engine)
    before, after = (await told(engine, on="2023-07-10")).said, (await told(engine, on="2023-07-20")).said
    assert before is not None
    assert after is not None
    assert (before.judged.value, before.judged.as_of, before.certain) == (90.0, date(2023, 5, 31), True)
    assert (after.judged.value, after.certain) == (91.0, True)


async def test_a_figure_that_was_replaced_since_makes_a_former_day_uncertain_until_the_ledger_gives_it_back() -> None:
    first = an_observation("p.a.1", "2023-05-31", 85, 100, reported_at=local("2023-06-02"))
    mended = an_observation("p.a.1", "2023-05-31", 90, 100, revision=2, reported_at=local("2023-07-20"))
    engine = await since_the_start(await an_engine(first, mended))
    alone = (await told(engine, on="2023-06-30")).said
    assert alone is not None
    assert (alone.certain, alone.incomplete_count) == (False, 1)
    assert [(one.org_unit, str(one.as_of)) for one in alone.incomplete] == [("p.a.1", "2023-05-31")]
    assert alone.doubts[0].text_vi.startswith("Không chắc chắn: ở 1 đơn vị và ngày")
    helped = (await told(engine, on="2023-06-30", ledger=[mended, first])).said
    assert helped is not None
    assert (helped.judged.value, helped.certain, helped.incomplete) == (85, True, ())


async def test_a_ledger_that_lacks_something_of_the_day_does_not_make_it_certain() -> None:
    first = an_increment("p.a.1", "2023-05-31", 5, 10, reported_at=local("2023-06-02"))
    second = an_increment("p.a.1", "2023-05-31", 3, 10, reported_at=local("2023-06-03"))
    late = an_increment("p.a.1", "2023-05-31", 9, 10, reported_at=local("2023-07-20"))
    engine = await since_the_start(await an_engine(first, second, late))
    for ledger in ([first, late], [second, late], []):
        said = (await told(engine, on="2023-06-30", ledger=ledger)).said
        assert said is not None
        assert not said.certain
    whole = (await told(engine, on="2023-06-30", ledger=[first, second, late])).said
    assert whole is not None
    assert (whole.certain, whole.judged.numerator, whole.judged.denominator) == (True, 8, 20)


@pytest.mark.parametrize("seed", range(20))
async def test_with_the_ledger_every_former_day_equals_the_recomputation_of_what_was_known(seed: int) -> None:
    chance = random.Random(seed)
    said = []
    for _ in range(40):
        unit = chance.choice(("p.a.1", "p.a.2", "p.b.1", "p.a", "p"))
        day = date(2023, 1, 1) + timedelta(days=7 * chance.randrange(30))
        come = local(str(day + timedelta(days=chance.randrange(60))))
        below = chance.randint(1, 9)
        if chance.random() < 0.4:
            said.append(an_increment(unit, str(day), chance.randint(0, below), below, reported_at=come))
            continue
        more: dict[str, Any] = {"revision": chance.choice((1, 1, 2, 3)), "retracts": chance.random() < 0.1}
        source = chance.choice(("urn:one", "urn:two"))
        numbers = chance.randint(0, below), below
        said.append(an_observation(unit, str(day), *numbers, source=source, reported_at=come, **more))
    engine = await since_the_start(Engine(a_catalog(a_target("p")), NOW))
    await engine.take(*said)
    on = date(2023, 1, 20) + timedelta(days=chance.randrange(200))
    known = [one for one in said if one.reported_at < local(str(on + timedelta(days=1)), "00:00:00")]
    then = recompute(engine.catalog, known, local(str(on), "23:59:59"))
    for unit in ("p.a.1", "p.a", "p"):
        try:
            found = (await told(engine, unit, str(on), ledger=said)).said
        except Unknown:
            continue
        assert found is not None
        assert found.certain
        model = then.get(("k", unit, "2023"))
        if model is None:  # no figure had come and no target asked for one
            assert found.judged.value is None
            continue
        assert found.judged.value == (None if model.value is None else float(model.value)), unit
        assert (found.judged.as_of, found.judged.status) == (model.as_of, model.status), unit


async def test_a_record_without_a_figure_is_explained_too() -> None:
    engine = await an_engine()
    await engine.tick()
    said = await explained(engine)
    assert (said.made_of, said.figures, said.judged.status) == ("nothing", (), "unknown")
    assert bound(said, "achieved").value == 92
    assert (await told(engine)).points == ()


async def test_inputs_come_in_pages() -> None:
    engine = await an_engine(*(an_increment("p.a.1", f"2023-09-{day:02d}", 1, 2) for day in range(1, 8)))
    first = await asker(engine).inputs("k", "p.a.1", "2023", 0, 5)
    second = await asker(engine).inputs("k", "p.a.1", "2023", first.next or 0, 5)
    assert (len(first.items), first.next, len(second.items), second.next) == (5, 5, 2, None)
    assert first.figures_count == 7


@pytest.mark.parametrize(
    ("kpi", "unit", "period", "code"),
    [
        ("k", "nowhere", "2023", "unknown_org_unit"),
        ("other", "p.a.1", "2023", "unknown_kpi"),
        ("k", "p.a.1", "2023-Q9", "bad_period"),
        ("k", "p.a.1", "1999", "no_record"),
    ],
)
async def test_what_is_not_known_is_said(kpi: str, unit: str, period: str, code: str) -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 100))
    with pytest.raises(Unknown) as said:
        await asker(engine).explain(kpi, unit, period)
    assert said.value.code == code


async def test_more_questions_than_may_wait_are_turned_away() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 100))
    one = asker(engine)
    asked = [one.explain("k", "p.a.1", "2023") for _ in range(WAITING + 3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, Busy) for answer in answers) == 3
    assert (await one.explain("k", "p.a.1", "2023")).judged.value == 85


MOVED = Parent(unit="p.a", valid_to=date(2023, 6, 1)), Parent(unit="p.b", valid_from=date(2023, 6, 1))
TREES = {
    "fixed": UNITS,
    "a commune moves": tuple(one.model_copy(update={"parents": MOVED}) if one.id == "p.a.2" else one for one in UNITS),
}


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("seed", range(12))
async def test_figures_and_history_agree_with_the_model(seed: int, tree: str) -> None:
    """Random figures and increments at all levels: what is listed adds up, and each point is what was known by then."""
    chance = random.Random(seed)
    units = ("p.a.1", "p.a.2", "p.b.1", "p.b.2", "p.a", "p")
    said = []
    for _ in range(30):
        unit = chance.choice(units[:4]) if chance.random() < 0.85 else chance.choice(units)
        day = (date(2023, 1, 1) + timedelta(days=chance.randrange(270))).isoformat()
        make = an_increment if chance.random() < 0.5 else an_observation
        below = chance.randint(1, 9)
        said.append(make(unit, day, chance.randint(0, below), below))
    engine = Engine(a_catalog(a_target("p"), units=TREES[tree]), NOW)
    await engine.take(*said)
    for unit in units:
        try:
            found, past = await explained(engine, unit), await told(engine, unit)
        except Unknown:
            continue
        assert sum(one.numerator or 0 for one in found.figures) == (found.judged.numerator or 0)
        assert sum(one.denominator or 0 for one in found.figures) == (found.judged.denominator or 0)
        if unit == found.figures[0].org_unit and found.made_of == "own":
            assert found.observations_count == found.judged.inputs_count
        for point in past.points:
            known = [one for one in said if str(one.as_of) <= str(point.as_of)]
            model = recompute(engine.catalog, known, local(str(point.as_of)))["k", unit, "2023"]
            assert (point.value, point.gap, point.status) == (
                None if model.value is None else float(model.value),
                None if model.gap is None else float(model.gap),
                model.status,
            )


async def test_asking_writes_and_publishes_nothing() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 100))
    writes, records = engine.store.writes, len(engine.topic.records)
    await explained(engine)
    await told(engine, on="2023-09-01")
    assert (engine.store.writes, len(engine.topic.records)) == (writes, records)


async def test_a_later_correction_is_explained_beside_what_stood_when_the_period_was_closed() -> None:
    in_time = an_observation("p.a.1", "2023-12-10", 85, 100, reported_at=local("2023-12-12"))
    later = an_observation("p.a.1", "2023-12-10", 93, 100, revision=2, reported_at=local("2024-01-05"))
    engine = await an_engine(in_time, later, now=local("2024-01-05"))
    said = await explained(engine)
    assert said.closed == engine.record().closed
    assert said.closed is not None
    assert (said.closed.status, said.closed.value, str(said.closed.closed_on)) == ("missed", 85, "2023-12-29")
    assert "later_correction" in [one.code for one in said.judged.reasons]


async def test_the_reason_that_a_catalog_gave_is_explained_while_it_stands() -> None:
    engine = await an_engine(an_observation("p.a.1", "2023-09-30", 85, 100))
    await engine.tick()
    engine.catalogs.switch(a_catalog(a_target(value=84), number=2))
    unpublished = await explained(engine)
    assert (unpublished.published, unpublished.judged.status) == (False, "achieved")
    assert "catalog_changed" not in [one.code for one in unpublished.judged.reasons]
    await engine.tick()
    said = await explained(engine)
    assert said.judged.reasons == engine.record().reasons
    assert said.judged.reasons[-1].code == "catalog_changed"


async def test_versions_of_a_target_stand_side_by_side_each_with_what_it_judged_last() -> None:
    """Raised from 84 to 92 on 1 July: 85 at the end of May was enough, 86 at the end of September is not."""
    turn = day("2023-07-01")
    first = a_target(value=84, id="t", valid_to=turn)
    second = a_target(value=92, id="t", version=2, valid_from=turn)
    engine = Engine(a_catalog(first, second), NOW)
    await engine.take(an_observation("p.a.1", "2023-05-31", 85, 100), an_observation("p.a.1", "2023-09-30", 86, 100))
    one, two = (await explained(engine)).targets
    assert (one.target.version, one.valid_from, one.valid_to) == (1, None, turn)
    assert (two.target.version, two.valid_from, two.valid_to) == (2, turn, None)
    assert one.last is not None
    assert two.last is not None
    assert (str(one.last.as_of), one.last.value, one.last.status) == ("2023-05-31", 85, "achieved")
    assert (str(two.last.as_of), two.last.value, two.last.status) == ("2023-09-30", 86, "behind")
    assert [(point.target_version, point.status) for point in (await told(engine)).points] == [
        (1, "achieved"),
        (2, "behind"),
    ]


async def test_a_version_that_has_judged_nothing_yet_says_so() -> None:
    later = a_target(value=95, id="t", version=2, valid_from=day("2023-11-01"))
    engine = Engine(a_catalog(a_target(value=84, id="t", valid_to=day("2023-11-01")), later), NOW)
    await engine.take(an_observation("p.a.1", "2023-05-31", 85, 100))
    one, two = (await explained(engine)).targets
    assert (one.last is not None, two.last) == (True, None)
    assert len((await explained(await an_engine())).targets) == 1


async def test_a_calculation_with_thirty_digits_is_told_and_its_gap_adds_up() -> None:
    """Their plan is a line from 10 to 50, of which 289 of 364 days are gone."""
    kpi = a_kpi(kind="flow", unit_of_measure="VND_million")
    engine = await an_engine(an_observation("p.a.1", value=10**29), kpi_spec=kpi, value=50, baseline=10)
    formula = {one.code: one.text_en for one in (await explained(engine)).formula}
    assert formula["amount"] == "Value: 100,000,000,000,000,000,000,000,000,000."
    assert formula["gap"] == (
        "Gap = value − plan = 100,000,000,000,000,000,000,000,000,000 − 41.7582 "
        "= 99,999,999,999,999,999,999,999,999,958.2418."
    )
