"""Levels, rates, ranks and milestones: what stands, what goes up the tree, what has no value."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import Kpi, Limits
from contracts.observations import ObservationRecorded
from services.metrics.kinds import KINDS
from services.runtime.catalog import Catalog
from tests.unit.ingest.door import figure, observed
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, day, local
from tests.unit.metrics.engine import Engine, differences, run

NOW = local("2023-10-10")
SPEED = a_kpi(kind="level", unit_of_measure="Mbps")
PHONES = a_kpi(kind="rate", unit_of_measure="per_100_inhabitants", rate_base=Decimal(100))
PLACE = a_kpi(kind="rank", unit_of_measure="rank", direction="decrease", levels=("commune", "province"))
PORTAL = a_kpi(kind="milestone", unit_of_measure="milestone", decimals=0, levels=("commune", "province"))


def told(catalog: Catalog, *figures: ObservationRecorded, now: str = "2023-10-10") -> Engine:
    """What is said of the figures, and that the model says the same."""

    async def work() -> Engine:
        engine = Engine(catalog, local(now))
        await engine.take(*figures)
        await engine.tick()
        assert differences(engine, figures) == []
        return engine

    return asyncio.run(work())


def test_every_kind_has_its_own_name() -> None:
    assert {name: kind.of(a_kpi(kind=name), {}).name for name, kind in KINDS.items()} == {name: name for name in KINDS}


# level


def test_a_level_goes_up_as_the_mean_weighted_by_what_each_part_weighs() -> None:
    """100 Mbps over 1,000 lines and 400 over 3,000: 325, where the plain mean would be 250."""
    parts = [
        an_observation("p.a.1", value=100, weight="1000"),
        an_observation("p.a.2", value=400, weight="3000"),
        an_observation("p.b.1", value=10, weight="6000"),
    ]
    engine = told(a_catalog(SPEED), *parts)
    assert [engine.record(one).value for one in ("p.a.1", "p.a", "p")] == [100, 325, 136]
    assert (engine.record("p.a").numerator, engine.record("p.a").denominator) == (None, None)


def test_a_weighted_mean_is_exact_to_the_last_decimal() -> None:
    """A third of 0.1 and of 0.2 and of 0.3 is 0.2, and not 0.20000000000000004."""
    kpi = a_kpi(kind="level", decimals=1)
    parts = [
        an_observation(one, value=value, weight="0.1")
        for one, value in (("p.a.1", "0.1"), ("p.a.2", "0.2"), ("p.b.1", "0.3"))
    ]
    assert told(a_catalog(kpi), *parts).record("p").value == 0.2


def test_a_part_without_weight_is_left_out_of_the_mean_and_counts_as_reported() -> None:
    parts = [an_observation("p.a.1", value=100, weight="10"), an_observation("p.a.2", value=900)]
    engine = told(a_catalog(SPEED), *parts)
    assert (engine.record("p.a.2").value, engine.record("p.a").value) == (900, 100)
    complete = engine.record("p.a").completeness
    assert complete is not None
    assert complete.missing == ()


def test_a_part_that_weighs_nothing_is_left_out_too_and_keeps_its_own_value() -> None:
    parts = [an_observation("p.a.1", value=100, weight="10"), an_observation("p.a.2", value=900, weight="0")]
    engine = told(a_catalog(SPEED), *parts)
    assert (engine.record("p.a.2").value, engine.record("p.a").value) == (900, 100)


def test_a_level_without_any_weight_is_not_rolled_up() -> None:
    engine = told(a_catalog(SPEED), an_observation("p.a.1", value=100), an_observation("p.a.2", value=200))
    assert (engine.record("p.a").value, engine.record("p.a").status) == (None, "no_target")
    assert engine.codes("p.a") == ["no_target", "parts_not_usable"]


def test_a_level_reported_above_stands_beside_the_mean_of_its_parts() -> None:
    parts = [an_observation("p.a.1", value=100, weight="1"), an_observation("p.a.2", value=200, weight="1")]
    record = told(a_catalog(SPEED), *parts, an_observation("p.a", value=160)).record("p.a")
    assert record.discrepancy is not None
    assert (record.value, record.discrepancy.reported, record.discrepancy.parts) == (160, 160, 150)
    assert record.flags == ("parts_disagree",)


def test_the_last_reading_of_a_level_stands_unless_the_mean_is_declared() -> None:
    readings = [an_observation(as_of=f"2023-0{month}-14", value=month * 10) for month in (1, 2, 6)]
    assert told(a_catalog(SPEED), *readings).record().value == 60
    mean = told(a_catalog(SPEED.model_copy(update={"within_period": "mean"})), *readings).record()
    assert (mean.value, str(mean.as_of), mean.inputs_count) == (30, "2023-06-14", 3)
    assert mean.inputs == tuple(sorted(one.observation_id for one in readings))


def test_a_mean_begins_anew_in_each_accounting_period_and_a_longer_target_takes_the_last() -> None:
    kpi = SPEED.model_copy(update={"within_period": "mean", "period": "quarter"})
    catalog = a_catalog(kpi, a_target("p.a.1", 100, 0))
    days = {"2023-01-14": 10, "2023-03-14": 20, "2023-03-15": 40, "2023-05-14": 50}
    engine = told(catalog, *[an_observation(as_of=on, value=value) for on, value in days.items()], now="2023-05-20")
    assert engine.record().value == 45


def test_a_mean_is_taken_in_the_unit_and_then_weighs_what_its_last_reading_says() -> None:
    """(10 + 20) / 2 = 15 at weight 3, and 45 at weight 1: 22.5. The first reading's weight is history."""
    kpi = SPEED.model_copy(update={"within_period": "mean"})
    parts = [
        an_observation("p.a.1", "2023-01-31", value=10, weight="500"),
        an_observation("p.a.1", "2023-02-28", value=20, weight="3"),
        an_observation("p.a.2", "2023-02-28", value=45, weight="1"),
    ]
    assert told(a_catalog(kpi), *parts).record("p.a").value == 22.5


def test_means_of_different_numbers_of_readings_add_up_exactly() -> None:
    """(0 + 0 + 1) / 3 and (0 × 6 + 1) / 7, one weight each: 10 / 42."""
    kpi = SPEED.model_copy(update={"within_period": "mean"})
    three = [an_observation("p.a.1", f"2023-02-0{on}", value=int(on == 3), weight="1") for on in range(1, 4)]
    seven = [an_observation("p.a.2", f"2023-02-0{on}", value=int(on == 7), weight="1") for on in range(1, 8)]
    assert told(a_catalog(kpi), *three, *seven).record("p.a").value == 10 / 42


def test_a_correction_and_a_withdrawal_move_the_mean() -> None:
    kpi = SPEED.model_copy(update={"within_period": "mean"})
    readings = [an_observation(as_of=f"2023-0{month}-14", value=month * 10) for month in (1, 2, 6)]
    corrected = an_observation(as_of="2023-01-14", value=40, revision=2)
    assert told(a_catalog(kpi), *readings, corrected).record().value == 40
    withdrawn = an_observation(as_of="2023-06-14", revision=2, retracts=True)
    record = told(a_catalog(kpi), *readings, withdrawn).record()
    assert (record.value, str(record.as_of), record.inputs_count) == (15, "2023-02-14", 2)


def test_what_is_doubted_or_preliminary_in_one_reading_is_so_in_the_mean() -> None:
    kpi = SPEED.model_copy(update={"within_period": "mean"})
    first = an_observation(as_of="2023-01-14", value=10, flags=["late"], status="preliminary")
    engine = told(a_catalog(kpi), first, an_observation(as_of="2023-02-14", value=20))
    assert engine.record().flags == ("late",)
    assert "preliminary" in engine.codes()


def test_a_line_to_hold_counts_each_reading_and_not_the_mean() -> None:
    kpi = SPEED.model_copy(update={"within_period": "mean"})
    catalog = a_catalog(kpi, a_target("p.a.1", 30, None, intent="keep"))
    readings = [an_observation(as_of=f"2023-0{month}-14", value=value) for month, value in ((7, 10), (8, 50), (9, 60))]
    record = told(catalog, *readings).record()
    assert record.held is not None
    assert (record.value, record.held.readings, record.held.kept, record.status) == (40, 3, 2, "on_track")


def test_one_weight_written_in_two_ways_is_no_disagreement() -> None:
    both = [an_observation(value=10, weight="1.50"), an_observation(value=10, weight="1.5", source="urn:test:other")]
    assert told(a_catalog(SPEED), *both).record().flags == ()
    other = an_observation(value=10, weight="1.6", source="urn:test:other")
    assert told(a_catalog(SPEED), both[0], other).record().flags == ("sources_disagree",)


def test_a_level_may_be_negative() -> None:
    kpi = SPEED.model_copy(update={"natural_limits": Limits(low=Decimal(-100))})
    parts = [an_observation("p.a.1", value=-5, weight="1"), an_observation("p.a.2", value=1, weight="2")]
    assert told(a_catalog(kpi), *parts).record("p.a").value == -1


# rate


def test_a_rate_is_recomputed_from_its_parts_and_may_exceed_its_base() -> None:
    """533 phones of 500 people are 106.6 per 100; with 467 of 500 below, 100 per 100, which is no mean of rates."""
    parts = [
        an_observation("p.a.1", numerator=533, denominator=500),
        an_observation("p.a.2", numerator=467, denominator=500),
        an_observation("p.b.1", numerator=10, denominator=4000),
    ]
    engine = told(a_catalog(PHONES), *parts)
    assert [engine.record(one).value for one in ("p.a.1", "p.a", "p")] == [106.6, 100, 20.2]
    assert (engine.record("p").numerator, engine.record("p").denominator) == (1010, 5000)


def test_a_rate_is_told_by_its_declared_base() -> None:
    per_thousand = PHONES.model_copy(update={"rate_base": Decimal("1000")})
    assert told(a_catalog(per_thousand), an_observation(numerator=3, denominator=2000)).record().value == 1.5


def test_a_rate_without_parts_is_judged_where_it_stands_and_not_rolled_up() -> None:
    engine = told(a_catalog(PHONES, a_target("p.a.1", 100, None)), an_observation(value="106.6"))
    assert (engine.record().value, engine.record().status) == (106.6, "achieved")
    assert (engine.record("p.a").value, engine.codes("p.a")) == (None, ["no_target", "parts_not_usable"])


def test_the_parts_of_a_rate_win_over_the_value_beside_them() -> None:
    assert told(a_catalog(PHONES), an_observation(numerator=1, denominator=3, value="33.3")).record().value == 100 / 3


def test_a_rate_over_nobody_has_no_value_and_a_reason() -> None:
    engine = told(a_catalog(PHONES), an_observation(numerator=0, denominator=0))
    assert (engine.record().value, engine.record().denominator) == (None, 0)
    assert "zero_denominator" in engine.codes()


# rank


@pytest.mark.parametrize(
    ("rank", "pace", "status"),
    [(40, 1.025, "achieved"), (41, 1, "achieved"), (43, 41 / 43, "on_track"), (50, 0.82, "at_risk"), (54, None, None)],
)
def test_of_ranks_the_lower_is_better(rank: int, pace: float, status: str | None) -> None:
    """41 or better is the target; without a baseline the pace is the target against the place."""
    catalog = a_catalog(PLACE, a_target("p", 41, None, comparator="<="))
    record = told(catalog, an_observation("p", rank=rank, of=63)).record("p")
    assert (record.value, record.pace, record.status) == (rank, pace or 41 / 54, status or "behind")


def test_a_rank_is_judged_along_its_plan() -> None:
    """From 54th to 41st in 364 days: after 182 of them, 47.5."""
    catalog = a_catalog(PLACE, a_target("p", 41, 54, comparator="<="))
    record = told(catalog, an_observation("p", "2023-06-15", rank=48, of=63), now="2023-06-20").record("p")
    assert (record.planned, record.gap, record.completion) == (47.5, 0.5, 6 / 13)
    assert (record.pace, record.status) == (6 / 6.5, "at_risk")
    assert (record.numerator, record.denominator) == (None, None)


def test_the_last_place_stands_whether_better_or_worse() -> None:
    places = [an_observation("p", "2023-03-31", rank=40), an_observation("p", "2023-09-30", rank=44)]
    assert told(a_catalog(PLACE), *places).record("p").value == 44


def test_ranks_are_not_rolled_up_and_the_record_above_says_so() -> None:
    engine = told(a_catalog(PLACE), an_observation("p.a.1", rank=3, of=71))
    assert (engine.record().value, engine.record("p").value) == (3, None)
    assert engine.codes("p") == ["no_target", "not_rolled_up"]
    assert engine.record("p").discrepancy is None
    complete = engine.record("p").completeness
    assert complete is not None
    assert complete.reported == 1


# milestone


def test_a_milestone_is_0_or_1_and_done_is_achieved() -> None:
    catalog = a_catalog(PORTAL, a_target(None, 1, None, level="commune"))
    done = an_observation("p.a.1", done=True, done_on="2023-09-01")
    engine = told(catalog, done, an_observation("p.a.2", done=False))
    assert [engine.record(one).value for one in ("p.a.1", "p.a.2")] == [1, 0]
    assert [engine.record(one).status for one in ("p.a.1", "p.a.2")] == ["achieved", "on_track"]
    assert (engine.record().numerator, engine.record().denominator) == (None, None)


def test_milestones_go_up_as_the_count_of_the_units_due() -> None:
    """Two of four communes; the silent one stays among the four."""
    parts = [
        an_observation("p.a.1", done=True),
        an_observation("p.a.2", done=False),
        an_observation("p.b.1", done=True),
    ]
    record = told(a_catalog(PORTAL), *parts).record("p")
    assert (record.value, record.numerator, record.denominator) == (2, 2, 4)


def test_a_milestone_has_a_step_at_the_deadline_and_a_baseline_of_0() -> None:
    """On track with nothing done, at risk from 30 days before 14 December 2023 on, missed after 15 days of grace."""
    catalog = a_catalog(PORTAL, a_target("p.a.1", 1, None))
    not_done = an_observation(as_of="2023-01-31", done=False)
    record = told(catalog, not_done, now="2023-11-13").record()
    assert record.target is not None
    assert (record.target.baseline, record.planned, record.gap, record.pace, record.completion) == (0, 0, 0, None, 0)
    assert record.status == "on_track"
    assert told(catalog, not_done, now="2023-11-14").record().status == "at_risk"
    assert told(catalog, not_done, now="2023-12-28").record().status == "at_risk"
    assert told(catalog, not_done, now="2023-12-29").record().status == "missed"


def test_that_something_is_not_done_does_not_grow_stale() -> None:
    """A monthly figure of January would be too old from April on."""
    catalog = a_catalog(PORTAL, a_target("p.a.1", 1, None))
    assert told(catalog, an_observation(as_of="2023-01-14", done=False), now="2023-10-10").record().status == "on_track"


def test_what_was_done_may_be_said_to_be_undone() -> None:
    catalog = a_catalog(PORTAL, a_target("p.a.1", 1, None))
    both = [an_observation(as_of="2023-03-31", done=True), an_observation(as_of="2023-06-30", done=False)]
    assert (told(catalog, *both).record().value, told(catalog, *both).record().status) == (0, "on_track")


def test_a_longer_target_counts_what_was_done_in_any_of_its_years() -> None:
    """One commune in 2022, another in 2023: two of four in 2021-2025, one of four in 2023."""
    catalog = a_catalog(PORTAL, a_target("p", 4, None), a_target("p", 4, None, period="2021-2025"))
    done = [an_observation("p.a.1", "2022-11-30", done=True), an_observation("p.b.1", "2023-03-31", done=True)]
    engine = told(catalog, *done)
    assert [engine.record("p", period).value for period in ("2021-2025", "2023")] == [2, 1]
    complete = engine.record("p", "2021-2025").completeness
    assert complete is not None
    assert complete.missing == ("p.a.2", "p.b.2")


def test_a_milestone_may_have_a_line_instead_of_a_step() -> None:
    """Of 4 communes by 14 December, 2 should have done it after half the time."""
    catalog = a_catalog(PORTAL, a_target("p", 4, None, plan={"curve": "linear"}))
    parts = [an_observation("p.a.1", "2023-06-15", done=True), an_observation("p.a.2", "2023-06-15", done=False)]
    record = told(catalog, *parts, now="2023-06-20").record("p")
    assert (record.planned, record.pace, record.status) == (2, 0.5, "behind")


# what comes through the door


@pytest.mark.parametrize(
    ("kpi", "kind", "brings", "value"),
    [
        ("speed", "level", {"value": 400.25, "weight": 0.123456789}, 400.25),
        ("phones", "rate", {"numerator": 1066, "denominator": 1000}, 106.6),
        ("dti", "rank", {"rank": 41, "of": 63}, 41),
        ("open-data", "milestone", {"done": True, "done_on": "2023-09-01"}, 1),
    ],
)
def test_what_the_door_hands_on_is_what_is_computed_with(
    kpi: str, kind: Any, brings: dict[str, Any], value: float
) -> None:
    handed_on = ObservationRecorded.model_validate(observed(figure(kpi, **brings)))
    there = handed_on.model_copy(update={"province": "p", "kpi": "k", "org_unit": "p"})
    declared: Kpi = a_kpi(kind=kind, levels=("province",), rate_base=Decimal(100))
    assert run(a_catalog(declared), NOW, [there]).record("p", str(day("2023-09-30").year)).value == value
