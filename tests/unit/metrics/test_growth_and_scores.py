"""Growth and scores, with their numbers written out: each rule, each null with its reason, and what is said when."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import GrowthSpec, Kpi, Limits, ScoreItem
from contracts.observations import ObservationRecorded
from contracts.progress import ProgressJudged
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_increment, an_observation, local
from tests.unit.metrics.engine import FAILING, Engine, differences

SALES = a_kpi("sales", "flow", calendar="civil", unit_of_measure="vnd")
SUBSCRIBERS = a_kpi("subscribers", "stock", calendar="civil")
SIGNED = a_kpi("signed", "ratio")
SPEED = a_kpi("speed", "level")
PORTAL = a_kpi("portal", "milestone")


def growth(of: str, **more: Any) -> Kpi:
    given: dict[str, Any] = {"calendar": "civil", "unit_of_measure": "times", **more}
    return a_kpi("growth", "growth", growth=GrowthSpec(of=of, periods_back=given.pop("periods_back", 1)), **given)


def score(*items: dict[str, Any], **more: Any) -> Kpi:
    made = tuple(ScoreItem.model_validate(item) for item in items)
    return a_kpi("score", "composite", composite=made, unit_of_measure="point", **more)


def said(unit: str, as_of: str, value: float | str, kpi: str = "sales", **more: Any) -> ObservationRecorded:
    return an_observation(unit, as_of, value=value, kpi=kpi, **more)


def share(unit: str, as_of: str, n: int, d: int, kpi: str = "signed") -> ObservationRecorded:
    return an_observation(unit, as_of, n, d, kpi=kpi)


def engine_of(*objects: Any, now: str = "2023-10-10", batches: list[list[ObservationRecorded]]) -> Engine:
    """An engine that took these batches, with a tick after each, and equals the model."""

    async def work() -> Engine:
        engine = Engine(a_catalog(*objects), local(now))
        for batch in batches:
            await engine.take(*batch)
            await engine.tick()
        assert differences(engine, [one for batch in batches for one in batch]) == []
        return engine

    return asyncio.run(work())


def record(engine: Engine, unit: str = "p.a.1", period: str = "2023", kpi: str = "growth") -> ProgressJudged:
    return engine.record(unit, period, kpi)


# growth


def test_growth_of_a_flow_is_the_period_so_far_over_the_whole_of_the_earlier_one_and_climbs_from_zero() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        a_target("p.a.1", "1.5", None, kpi="growth"),
        now="2023-07-10",
        batches=[
            [said("p.a.1", "2022-06-30", 80), said("p.a.1", "2022-12-31", 200)],
            [said("p.a.1", "2023-07-02", 150)],
        ],
    )
    found = record(engine)
    assert (found.value, str(found.as_of)) == (0.75, "2023-07-02")
    assert (found.planned, found.pace, found.status) == (0.75, 1, "on_track")  # 182 of 364 days of the way to 1.5
    assert (found.numerator, found.denominator, found.inputs, found.inputs_count) == (None, None, (), 0)
    assert found.timeliness is None


def test_growth_of_a_stock_is_the_last_count_over_the_last_of_the_earlier_period() -> None:
    """Published by Đắk Nông: 15,321 Mobile Money subscribers in 2022 after 10,280 in 2021, “1.5 times”."""
    engine = engine_of(
        SUBSCRIBERS,
        growth("subscribers"),
        a_target("p", "1.5", None, kpi="growth", period="2022"),
        now="2023-01-05",
        batches=[
            [said("p", "2021-12-31", 10280, "subscribers")],
            [said("p", "2022-06-30", 9000, "subscribers"), said("p", "2022-12-31", 15321, "subscribers")],
        ],
    )
    found = record(engine, "p", "2022")
    assert found.value == 15321 / 10280
    assert (found.pace, found.status) == (15321 / 15420, "on_track")


def test_growth_above_is_made_of_the_rolled_up_values_and_is_no_mean_of_ratios() -> None:
    """1 → 3 is threefold and 9 → 9 is none; together 10 → 12, which is 1.2 and not 2."""
    engine = engine_of(
        SALES,
        growth("sales", levels=("commune",)),
        batches=[
            [said("p.a.1", "2022-12-31", 1), said("p.a.2", "2022-12-31", 9)],
            [said("p.a.1", "2023-09-30", 3), said("p.a.2", "2023-09-30", 9)],
        ],
    )
    assert record(engine).value == 3
    assert record(engine, "p.a").value == 1.2
    assert record(engine, "p").value == 1.2
    completeness = record(engine, "p").completeness
    assert completeness is not None
    assert (completeness.expected, completeness.missing) == (4, ("p.b.1", "p.b.2"))


def test_a_quotient_that_no_decimal_can_write_stays_exact() -> None:
    """1/3 over 1/7 is 7/3, and meets a target of 2.333333333 but not one of 2.333333334."""
    for target, status in (("2.333333333", "achieved"), ("2.333333334", "on_track")):
        engine = engine_of(
            SIGNED,
            growth("signed", calendar="administrative"),
            a_target("p.a.1", target, None, kpi="growth"),
            batches=[[share("p.a.1", "2022-11-30", 1, 7)], [share("p.a.1", "2023-09-30", 1, 3)]],
        )
        assert (record(engine).value, record(engine).status) == (7 / 3, status)


@pytest.mark.parametrize(
    ("earlier", "now", "code"),
    [(None, 5, "no_earlier_value"), (0, 5, "earlier_not_positive"), (-3, 5, "earlier_not_positive")],
)
def test_without_an_earlier_value_above_zero_there_is_no_growth_and_a_reason(
    earlier: float | None, now: float, code: str
) -> None:
    before = [] if earlier is None else [said("p.a.1", "2022-12-31", earlier)]
    engine = engine_of(
        SALES,
        growth("sales"),
        a_target("p.a.1", 2, None, kpi="growth"),
        batches=[[*before, said("p.a.1", "2023-09-30", now)]],
    )
    assert (record(engine).value, record(engine).status) == (None, "unknown")
    assert engine.codes("p.a.1", kpi="growth")[0] == code


def test_a_source_without_a_value_gives_no_growth_and_a_reason() -> None:
    engine = engine_of(
        SIGNED,
        growth("signed", calendar="administrative"),
        batches=[[share("p.a.1", "2022-11-30", 1, 2), share("p.a.1", "2023-09-30", 0, 0)]],
    )
    assert record(engine).value is None
    assert "source_without_value" in engine.codes("p.a.1", kpi="growth")


def test_it_says_when_the_two_values_are_of_another_number_of_units() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        batches=[[said("p.a.1", "2022-12-31", 10), said("p.a.1", "2023-09-30", 10), said("p.a.2", "2023-09-30", 10)]],
    )
    assert record(engine, "p.a").value == 2
    (reason,) = [one for one in record(engine, "p.a").reasons if one.code == "other_units_before"]
    assert reason.text_vi == "Kỳ này có số liệu của 2 đơn vị, kỳ trước của 1 đơn vị."


def test_several_periods_back_skips_those_between() -> None:
    figures = [said("p.a.1", f"{year}-12-31", amount) for year, amount in ((2020, 4), (2021, 5), (2022, 6))]
    engine = engine_of(
        SALES, growth("sales", periods_back=3), batches=[[*figures, said("p.a.1", "2023-12-31", 10)]], now="2023-12-31"
    )
    assert record(engine).value == 2.5


def test_a_target_of_several_periods_is_judged_on_the_latest_one() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        a_target("p.a.1", 2, None, kpi="growth", period="2021-2025"),
        batches=[[said("p.a.1", f"{year}-12-31", amount) for year, amount in ((2020, 10), (2021, 30), (2022, 36))]],
    )
    found = record(engine, period="2021-2025")
    assert (found.value, str(found.as_of)) == (1.2, "2022-12-31")


def test_a_correction_of_the_earlier_year_moves_the_growth_of_this_one() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        batches=[
            [said("p.a.1", "2022-12-31", 10), said("p.a.1", "2023-09-30", 10)],
            [said("p.a.1", "2022-12-31", 20, revision=2)],
        ],
    )
    assert (record(engine).value, record(engine).version) == (0.5, 2)
    assert [str(one.as_of) for one in engine.topic.progress() if one.kpi == "growth" and one.org_unit == "p.a.1"] == [
        "2022-12-31",
        "2023-09-30",
        "2023-09-30",
    ]


def test_each_as_of_that_became_the_head_goes_out_as_one_version() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        a_target("p.a.1", 2, None, kpi="growth"),
        batches=[
            [said("p.a.1", "2022-12-31", 10)],
            [said("p.a.1", day, amount) for day, amount in (("2023-03-31", 4), ("2023-06-30", 7), ("2023-09-30", 9))],
        ],
    )
    of_2023 = [
        one for one in engine.topic.progress() if (one.kpi, one.org_unit, one.period) == ("growth", "p.a.1", "2023")
    ]
    assert [(one.version, one.value) for one in of_2023] == [(1, None), (2, 0.4), (3, 0.7), (4, 0.9)]


def test_increments_move_the_growth_as_they_come() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        batches=[
            [said("p.a.1", "2022-12-31", 8)],
            *([an_increment("p.a.1", f"2023-09-{day}", value=2, kpi="sales")] for day in ("01", "02", "02")),
        ],
    )
    assert record(engine).value == 0.75


def test_a_figure_that_is_withdrawn_takes_its_growth_with_it_and_the_record_stays() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        batches=[
            [said("p.a.1", "2022-12-31", 10), said("p.a.1", "2023-09-30", 10)],
            [an_observation("p.a.1", "2023-09-30", kpi="sales", revision=2, retracts=True)],
        ],
    )
    assert (record(engine).value, record(engine).as_of) == (None, None)
    assert engine.codes("p.a.1", kpi="growth") == ["no_target", "no_figure"]


def test_nothing_is_made_or_said_twice() -> None:
    async def work() -> None:
        engine = Engine(a_catalog(SALES, growth("sales")), local("2023-10-10"))
        await engine.take(said("p.a.1", "2022-12-31", 10), said("p.a.1", "2023-09-30", 15))
        await engine.tick()
        count, writes = len(engine.topic.records), engine.store.writes
        await engine.tick()
        await engine.restarted().tick()
        assert (len(engine.topic.records), engine.store.writes) == (count, writes)

    asyncio.run(work())


@pytest.mark.parametrize("lost", FAILING)
def test_a_crash_of_who_derives_loses_no_version(lost: str) -> None:
    async def work() -> None:
        engine = Engine(a_catalog(SALES, growth("sales")), local("2023-10-10"))
        await engine.take(said("p.a.1", "2022-12-31", 10))
        await engine.tick()
        await engine.take(*(said("p.a.1", f"2023-0{month}-01", month) for month in (2, 5, 8)))
        with engine.failing(lost):
            await engine.tick()
            pytest.fail("nothing failed")
        await engine.restarted().tick()
        mine = [
            one for one in engine.topic.progress() if (one.kpi, one.org_unit, one.period) == ("growth", "p.a.1", "2023")
        ]
        assert {one.version: one.value for one in mine} == {1: 0.2, 2: 0.5, 3: 0.8}

    asyncio.run(work())


def test_a_former_growth_that_is_corrected_is_not_said_again_under_its_version() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        a_target("p.a.1", "1.5", None, kpi="growth"),
        batches=[
            [said("p.a.1", "2022-12-31", 100)],
            [said("p.a.1", "2023-03-31", 10), said("p.a.1", "2023-06-30", 50)],
            [said("p.a.1", "2023-03-31", 20, revision=2)],
        ],
    )
    mine = ("growth", "p.a.1", "2023")
    versions = [one for one in engine.topic.progress() if (one.kpi, one.org_unit, one.period) == mine]
    assert [(one.version, one.value) for one in versions] == [(1, None), (2, 0.1), (3, 0.5), (4, 0.5)]


# scores

TWO = (
    {"kpi": "signed", "maximum": "60"},
    {"kpi": "speed", "maximum": "40", "rule": "best_peer"},
)


def test_a_score_is_the_sum_of_its_items_and_units_are_ranked_within_their_level() -> None:
    engine = engine_of(
        SIGNED,
        SPEED,
        score(*TWO, levels=("commune",)),
        batches=[
            [share("p.a.1", "2023-09-30", 1, 3), said("p.a.1", "2023-09-30", 50, "speed")],
            [share("p.a.2", "2023-09-30", 9, 10), said("p.a.2", "2023-09-30", 20, "speed")],
            [share("p.b.1", "2023-09-30", 9, 10), said("p.b.1", "2023-09-30", 20, "speed")],
        ],
    )
    first, second = record(engine, "p.a.2", kpi="score").score, record(engine, kpi="score").score
    assert first is not None
    assert second is not None
    assert (first.points, first.maximum, first.rank, first.of) == (70, 100, 1, 3)  # 60 × 0.9 + 40 × 20/50
    assert record(engine, "p.b.1", kpi="score").score == first  # equal points share a place
    assert (second.points, second.rank, second.of) == (60, 3, 3)  # 60 × 1/3 + 40
    assert [(item.kpi, item.points, item.value) for item in second.items] == [
        ("signed", 20, 100 / 3),
        ("speed", 40, 50),
    ]
    above = record(engine, "p.a", kpi="score")
    assert (above.value, above.score) == (None, None)
    assert "not_rolled_up" in [reason.code for reason in above.reasons]


def test_an_item_without_a_value_is_named_brings_nothing_and_leaves_the_unit_unranked() -> None:
    engine = engine_of(
        SIGNED.model_copy(update={"short_name": "Văn bản ký số", "short_name_en": "Signed documents"}),
        SPEED,
        score(*TWO),
        batches=[
            [share("p.a.1", "2023-09-30", 1, 2), said("p.a.1", "2023-09-30", 50, "speed")],
            [said("p.a.2", "2023-09-30", 25, "speed")],
        ],
    )
    found = record(engine, "p.a.2", kpi="score")
    assert found.score is not None
    assert (found.value, found.score.maximum, found.score.rank, found.score.of) == (20, 100, None, 1)
    assert (found.trust, record(engine, "p.a.1", kpi="score").trust) == ("C", "A")  # half of what is scored is silent
    (reason,) = [one for one in found.reasons if one.code == "items_missing"]
    assert reason.text_vi == "Chưa chấm được điểm: Văn bản ký số; đơn vị chưa được xếp hạng."
    assert reason.text_en == "Not scored yet: Signed documents; so the unit is not ranked."


def test_where_nothing_can_be_scored_there_is_no_value_and_a_reason() -> None:
    engine = engine_of(SIGNED, SPEED, score(*TWO), batches=[[share("p.a.1", "2023-09-30", 0, 0)]])
    assert record(engine, kpi="score").value is None
    assert engine.codes(kpi="score") == ["no_target", "nothing_scored", "items_missing"]


def test_the_rank_of_others_is_told_when_one_overtakes_them() -> None:
    engine = engine_of(
        SPEED,
        score({"kpi": "speed", "maximum": 1, "rule": "steps", "steps": [{"at_least": 30, "points": "0.5"}]}),
        batches=[
            [said("p.a.1", "2023-09-01", 40, "speed"), said("p.a.2", "2023-09-01", 10, "speed")],
            [said("p.b.1", "2023-09-08", 40, "speed"), said("p.a.2", "2023-09-08", 35, "speed")],
            [said("p.a.1", "2023-09-15", 5, "speed")],
        ],
    )
    ranks = [
        (one.version, one.score.rank, one.score.of)
        for one in engine.topic.progress()
        if (one.kpi, one.org_unit) == ("score", "p.a.2") and one.score is not None
    ]
    assert ranks == [(1, 2, 2), (2, 1, 3)]
    found = record(engine, kpi="score").score
    assert found is not None
    assert (found.points, found.rank, found.of) == (0, 3, 3)


@pytest.mark.parametrize(
    ("item", "kpi", "value", "target", "points"),
    [
        ({"rule": "ratio"}, SPEED, 30, {"value": 40}, 7.5),
        ({"rule": "ratio"}, SPEED, 50, {"value": 40}, 10),  # capped at the maximum
        ({"rule": "ratio"}, SPEED, -5, {"value": 40}, 0),
        ({"rule": "ratio"}, SPEED, 50, {"value": 40, "comparator": "<="}, 8),
        ({"rule": "ratio"}, SPEED, 0, {"value": 40, "comparator": "<="}, 10),
        ({"rule": "ratio"}, SPEED, 30, {"value": None, "comparator": "band", "low": 40, "high": 60}, 7.5),
        ({"rule": "ratio"}, SPEED, 45, {"value": None, "comparator": "band", "low": 40, "high": 60}, 10),
        ({"rule": "ratio"}, SPEED.model_copy(update={"natural_limits": Limits(high=Decimal(80))}), 20, None, 2.5),
        ({"rule": "ratio"}, SPEED, 20, None, None),  # nothing to be held against
        ({"rule": "half"}, SPEED, 39, {"value": 40}, 5),
        ({"rule": "half"}, SPEED, 40, {"value": 40}, 10),
        ({"rule": "half"}, SPEED, 0, {"value": 40}, 0),
        (
            {"rule": "steps", "steps": [{"at_least": 10, "points": 1}, {"at_least": 20, "points": 4}]},
            SPEED,
            20,
            None,
            4,
        ),
        ({"rule": "steps", "steps": [{"at_least": 10, "points": 1}]}, SPEED, "9.99", None, 0),
        ({"rule": "best_peer"}, SPEED, 0, None, 0),  # the best of all has nothing
    ],
)
def test_points_by_rule(
    item: dict[str, Any], kpi: Kpi, value: float, target: dict[str, Any] | None, points: float | None
) -> None:
    objects = [] if target is None else [a_target("p.a.1", baseline=None, kpi="speed", **target)]
    engine = engine_of(
        kpi,
        score({"kpi": "speed", "maximum": 10, **item}),
        *objects,
        batches=[[said("p.a.1", "2023-09-30", value, "speed")]],
    )
    found = record(engine, kpi="score").score
    assert found is not None
    assert (found.items[0].points, found.points) == (points, points)


def test_the_best_peer_is_the_one_with_least_where_less_is_better() -> None:
    falling = SPEED.model_copy(update={"direction": "decrease"})
    engine = engine_of(
        falling,
        score({"kpi": "speed", "maximum": 10, "rule": "best_peer"}),
        batches=[[said("p.a.1", "2023-09-30", 10, "speed"), said("p.a.2", "2023-09-30", 40, "speed")]],
    )
    assert (record(engine, kpi="score").value, record(engine, "p.a.2", kpi="score").value) == (10, 2.5)


def test_each_source_counts_as_it_stands_in_its_own_period_on_that_day() -> None:
    """A score by the quarter: the yearly share of February still stands in May, the one of the year before does not."""
    yearly, monthly = SIGNED, a_kpi("speed", "level", period="month")
    engine = engine_of(
        yearly,
        monthly,
        score({"kpi": "signed", "maximum": 50}, {"kpi": "speed", "maximum": 50, "rule": "best_peer"}, period="quarter"),
        now="2023-06-01",
        batches=[
            [share("p.a.1", "2022-12-01", 1, 1), said("p.a.1", "2022-12-20", 5, "speed")],
            [share("p.a.1", "2023-02-01", 1, 2), said("p.a.1", "2023-05-01", 5, "speed")],
        ],
    )
    first, second = (record(engine, period=period, kpi="score") for period in ("2023-Q1", "2023-Q2"))
    assert [one.points for one in second.score.items] == [25, 50] if second.score else False
    assert (second.value, str(second.as_of)) == (75, "2023-05-01")
    assert str(first.as_of) == "2023-02-01"
    assert [one.points for one in first.score.items] == [25, None] if first.score else False


def test_a_score_of_a_growth_follows_within_one_tick() -> None:
    engine = engine_of(
        SALES,
        growth("sales"),
        score({"kpi": "growth", "maximum": 10, "rule": "steps", "steps": [{"at_least": "1.5", "points": 10}]}),
        batches=[[said("p.a.1", "2022-12-31", 10), said("p.a.1", "2023-09-30", 15)]],
    )
    assert record(engine, kpi="score").value == 10


def test_a_score_within_a_score_is_held_against_all_its_points() -> None:
    """45 of 60 are three quarters of them, and bring 7.5 of 10; with a target of 90 they would be half."""
    outer = score({"kpi": "inner", "maximum": 10})
    inner = score({"kpi": "signed", "maximum": 60}).model_copy(update={"id": "inner"})
    told = [[share("p.a.1", "2023-09-30", 3, 4)]]
    assert record(engine_of(SIGNED, inner, outer, batches=told), kpi="score").value == 7.5
    target = a_target(value=90, baseline=None, kpi="inner")
    assert record(engine_of(SIGNED, inner, outer, target, batches=told), kpi="score").value == 5


def test_a_catalog_that_weighs_anew_scores_anew() -> None:
    async def work() -> Engine:
        engine = Engine(a_catalog(SIGNED, score({"kpi": "signed", "maximum": 10})), local("2023-10-10"))
        await engine.take(share("p.a.1", "2023-09-30", 1, 2))
        await engine.tick()
        engine.catalogs.switch(a_catalog(SIGNED, score({"kpi": "signed", "maximum": 30}), number=2))
        await engine.tick()
        return engine

    engine = asyncio.run(work())
    mine = [one for one in engine.topic.progress() if (one.kpi, one.org_unit) == ("score", "p.a.1")]
    assert [(one.version, one.value, one.catalog_version[:1]) for one in mine] == [(1, 5, "1"), (2, 15, "2")]
    (reason,) = [one for one in mine[1].reasons if one.code == "catalog_changed"]
    assert "định nghĩa chỉ tiêu" in reason.text_vi


GROW_BY_HALF = a_target("p.a.1", "1.5", None, kpi="growth")


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("change", "blamed"),
    [({"name_vi": "Doanh thu"}, False), ({"report_within_working_days": 4}, True)],
    ids=["another name", "another rule"],
)
async def test_a_catalog_is_the_cause_of_a_new_growth_only_if_it_may_be(
    change: dict[str, Any], *, blamed: bool, restarts: bool
) -> None:
    engine = Engine(a_catalog(SALES, growth("sales"), GROW_BY_HALF), local("2023-10-10"))
    await engine.take(said("p.a.1", "2022-12-31", 100), said("p.a.1", "2023-06-30", 50))
    await engine.tick()
    again = a_catalog(SALES.model_copy(update=change), growth("sales"), GROW_BY_HALF, number=2)
    engine.catalogs.switch(again)
    engine = engine.restarted() if restarts else engine
    await engine.take(said("p.a.1", "2023-09-30", 60), offset=2)
    await engine.tick()
    assert record(engine).value == 0.6
    assert ("catalog_changed" in engine.codes("p.a.1", "2023", "growth")) is blamed


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_growth_whose_source_moved_before_the_first_look_says_that_its_target_is_new(*, restarts: bool) -> None:
    engine = Engine(a_catalog(SALES, growth("sales"), GROW_BY_HALF), local("2023-10-10"))
    await engine.take(said("p.a.1", "2022-12-31", 100), said("p.a.1", "2023-06-30", 50))
    await engine.tick()
    engine.catalogs.switch(a_catalog(SALES, growth("sales"), a_target("p.a.1", 2, None, kpi="growth"), number=2))
    engine = engine.restarted() if restarts else engine
    await engine.take(said("p.a.1", "2023-09-30", 60), offset=2)
    await engine.tick()
    assert (record(engine).value, record(engine).version) == (0.6, 2)
    (why,) = [one.text_vi for one in record(engine).reasons if one.code == "catalog_changed"]
    assert why == "Đánh giá lại theo danh mục 2-000000000000, thay đổi: mục tiêu."


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_score_says_that_its_target_is_new_also_where_its_rank_is_looked_at_first(*, restarts: bool) -> None:
    kpi = score({"kpi": "signed", "maximum": 10})
    engine = Engine(a_catalog(SIGNED, kpi, a_target("p.a.1", 6, None, kpi="score")), local("2023-10-10"))
    await engine.take(share("p.a.1", "2023-09-30", 1, 2), share("p.a.2", "2023-09-30", 1, 4))
    await engine.tick()
    engine.catalogs.switch(a_catalog(SIGNED, kpi, a_target("p.a.1", 5, None, kpi="score"), number=2))
    engine = engine.restarted() if restarts else engine
    await engine.take(share("p.a.2", "2023-10-01", 1, 3), offset=2)
    await engine.tick()
    codes = engine.codes("p.a.1", "2023", "score")
    assert (record(engine, kpi="score").status, codes[-1]) == ("achieved", "catalog_changed")
    assert "catalog_changed" not in engine.codes("p.a.2", "2023", "score")


def test_a_figure_that_comes_after_the_closing_leaves_what_the_growth_said_then_beside_it() -> None:
    async def work() -> ProgressJudged:
        engine = Engine(
            a_catalog(SALES, growth("sales"), a_target("p.a.1", "1.5", None, kpi="growth")), local("2023-12-31")
        )
        await engine.take(said("p.a.1", "2022-12-31", 10), said("p.a.1", "2023-12-01", 12))
        await engine.tick()
        await engine.tick(local("2024-02-01"))
        await engine.take(said("p.a.1", "2023-12-20", 18, reported_at=local("2024-02-01")))
        await engine.tick()
        return engine.record("p.a.1", "2023", "growth")

    found = asyncio.run(work())
    assert (found.value, found.status) == (1.8, "achieved")
    assert found.closed is not None
    assert (found.closed.status, found.closed.value) == ("missed", 1.2)


def test_what_others_make_of_it_is_nobodys_doubt() -> None:
    """The same score week after week is no repeated figure, and a jump of it is not told to any publisher."""
    days = [f"2023-0{month}-01" for month in range(3, 10)]
    engine = engine_of(
        SIGNED,
        score({"kpi": "signed", "maximum": 10}),
        batches=[[share("p.a.1", day, number + 1, 2 * (number + 1)) for number, day in enumerate(days)]],
    )
    assert (record(engine, kpi="score").value, record(engine, kpi="score").flags) == (5, ())
