"""Doubts that need other figures: what raises each, what does not, and how often a clean year is doubted."""

import asyncio
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Kpi, Roster
from contracts.observations import ObservationRecorded
from services.metrics import doubts
from services.metrics.definition import Definition
from services.metrics.exact import SCALE
from services.metrics.figures import ACTUAL, Figure
from services.metrics.series import Series
from services.runtime.catalog import Catalog
from tests.model.doubting import doubts as plain_doubts
from tests.model.standing import collect
from tests.unit.metrics.builders import a_catalog, a_kpi, an_observation, day, local
from tests.unit.metrics.engine import Engine, run
from tests.unit.metrics.test_against_the_model import batches, cut

NOW = local("2023-12-20")
MONTHS = ("2023-01-14", "2023-02-14", "2023-03-14", "2023-04-14", "2023-05-14", "2023-06-14", "2023-07-14")

FLOW = a_kpi("k", "flow", unit_of_measure="product", direction="increase")
STOCK = a_kpi("k", "stock", unit_of_measure="procedure")
RATIO = a_kpi("k", "ratio")


def told(kpi: Kpi, *values: Any, months: Sequence[str] = MONTHS, batches: bool = True) -> Engine:
    """These figures month by month, a batch each: a number is a value, a pair numerator and denominator."""
    found = [figure(month, value) for month, value in zip(months, values, strict=False)]
    parts = [[one] for one in found] if batches else [found]
    return run(a_catalog(kpi), NOW, *parts)


def figure(month: str, value: Any, unit: str = "p.a.1", **more: Any) -> ObservationRecorded:
    if isinstance(value, tuple):
        return an_observation(unit, month, *value, **more)
    return an_observation(unit, month, value=value, **more)


def flags(kpi: Kpi, *values: Any, months: Sequence[str] = MONTHS) -> tuple[str, ...]:
    return told(kpi, *values, months=months).record().flags


# what raises each


@pytest.mark.parametrize(
    ("kpi", "values", "found"),
    [
        (FLOW, (437, 436), ("cumulative_fell",)),
        (FLOW, (437, 437), ()),
        (STOCK, (437, 436), ()),
        (STOCK.model_copy(update={"may_fall": False}), (437, 436), ("cumulative_fell",)),
        (FLOW.model_copy(update={"may_fall": True}), (437, 436), ()),
        (RATIO, ((50, 100), (49, 100)), ()),
        (RATIO, ((9128, 9877), (9128, 9877)), ("repeated_figure",)),
        (RATIO, ((6, 10), (6, 10)), ()),
        (RATIO, (25, 25), ()),
        (STOCK, (4078, 4078), ()),
        (STOCK, (393915, 393915), ("repeated_figure",)),
        (STOCK, (71, 71, 71, 71, 7), ("jump",)),
        (STOCK, (71, 71, 71, 71, 7, 71), ()),
        (STOCK, (71, 71, 7), ()),
        (STOCK, (1000, 1010, 1020, 1030, 3000), ("jump",)),
        (STOCK, (1000, 1010, 1020, 1030, 3000, 3000), ()),
        (FLOW, (10, 20, 30, 40, 50), ()),
        (RATIO, (85.3, 86, 85.1, 0.853), ("scale_shift",)),
        (RATIO, (85.3, 0.853), ()),
        (STOCK, (7194, 7200, 7.2), ("scale_shift",)),
        (FLOW, (10, 22, 31, 42, 52000), ("scale_shift",)),  # a total that grows: against its last figure
        (RATIO, (2, 21, 44, 60, 85, 0.91), ("scale_shift",)),
        (RATIO, (85.3, 86, 0.853, 0.86, 85.1), ("jump",)),  # a return from another unit, not another unit
        (STOCK, (100, 100, 1), ()),
        (RATIO, ((1, 2), (2, 2), (1, 2), (2, 2), (0, 2)), ()),
        (RATIO, ((500, 1000), (510, 1000), (505, 1000), (100, 1000)), ("jump",)),
    ],
)  # fmt: skip
def test_a_series_raises_what_its_last_figure_deserves(kpi: Kpi, values: tuple[Any, ...], found: tuple[str]) -> None:
    assert flags(kpi, *values) == found


def test_a_coverage_that_is_to_increase_may_not_fall_within_its_period() -> None:
    kpi = a_kpi("k", "coverage", rosters=(Roster(unit="p.a.1", size=27),))
    months = ("2022-11-14", "2023-01-14", "2023-02-14")
    assert flags(kpi, (20, None), (18, None), months=months) == ()
    assert flags(kpi, (20, None), (18, None), (17, None), months=months) == ("cumulative_fell",)


def test_a_flow_begins_again_in_each_period() -> None:
    assert flags(FLOW, 437, 12, months=("2022-12-14", "2022-12-31")) == ()


def test_a_total_may_rest_over_tet() -> None:
    before, after = "2023-01-19", "2023-01-25"
    assert flags(FLOW, 123457, 123457, months=(before, after)) == ()


def test_the_direct_figure_of_a_district_is_held_against_its_complete_parts() -> None:
    engine = run(
        a_catalog(RATIO), NOW,
        [figure("2023-09-30", (40, 100)), figure("2023-09-30", (50, 100), "p.a.2")],
        [figure("2023-09-30", (70, 100), "p.a", source_id="district")],
    )  # fmt: skip
    assert engine.record("p.a").flags == ("parts_disagree",)
    (told_of,) = engine.topic.doubted()
    assert (told_of.id, told_of.org_unit) == ("district", "p.a")
    assert told_of.flags[0].evidence == {"reported": "70", "parts": "45"}


@pytest.mark.parametrize(
    ("of_district", "value"),
    [pytest.param("2023-09-15", 45, id="newer parts"), pytest.param("2023-10-01", 70, id="older parts")],
)
def test_figures_of_different_days_differ_and_contradict_nobody(of_district: str, value: float) -> None:
    engine = run(
        a_catalog(RATIO), NOW,
        [figure("2023-09-30", (40, 100)), figure("2023-09-30", (50, 100), "p.a.2")],
        [figure(of_district, (70, 100), "p.a")],
    )  # fmt: skip
    district = engine.record("p.a")
    assert district.value == value
    assert district.discrepancy is not None
    assert (district.discrepancy.reported, district.discrepancy.parts) == (70, 45)
    assert (district.flags, engine.topic.doubted()) == ((), [])


def test_a_source_that_says_otherwise_is_told_so_though_its_figure_does_not_stand() -> None:
    late, early = local("2023-10-02"), local("2023-10-01")
    engine = run(
        a_catalog(RATIO), NOW,
        [figure("2023-09-30", (40, 100), source_id="first", reported_at=late)],
        [figure("2023-09-30", (41, 100), source_id="second", source="urn:other", reported_at=early)],
    )  # fmt: skip
    told_of = engine.topic.doubted()[0]
    assert (told_of.source, told_of.id, [flag.code for flag in told_of.flags]) == (
        "urn:other", "second", ["sources_disagree"],
    )  # fmt: skip


# what publishers are told


def test_a_doubt_names_its_figure_and_its_numbers_in_both_languages() -> None:
    engine = told(FLOW, 437, 436)
    (one,) = engine.topic.doubted()
    assert (one.source, one.as_of, one.kpi, one.org_unit) == ("urn:test:system", day("2023-02-14"), "k", "p.a.1")
    (flag,) = one.flags
    assert flag.message_vi == "Số lũy kế giảm: 437 ngày 14/01/2023, nay 436."
    assert flag.message_en == "A cumulative figure fell: 437 on 2023-01-14, now 436."
    assert flag.evidence == {"before": "437", "before_on": "2023-01-14", "now": "436"}
    (record,) = engine.topic.doubts
    assert record.key == b"urn:test:system"
    assert dict(record.headers)["ce_id"] == f"{one.observation_id}@cumulative_fell".encode()


async def _twice(batch: list[ObservationRecorded]) -> Engine:
    engine = Engine(a_catalog(FLOW), NOW)
    await engine.take(*batch)
    again = engine.restarted()
    await again.take(*batch)
    return again


async def test_a_batch_that_is_delivered_again_says_the_same_doubts_again() -> None:
    engine = await _twice([figure("2023-01-14", 437), figure("2023-02-14", 436)])
    first, second = engine.topic.doubts
    assert (first.value, dict(first.headers)["ce_id"]) == (second.value, dict(second.headers)["ce_id"])


def test_a_figure_is_doubted_once_and_not_with_each_later_one() -> None:
    engine = told(FLOW, 437, 436, 440, 445)
    assert len(engine.topic.doubted()) == 1


def test_a_figure_that_was_replaced_is_not_doubted() -> None:
    wrong, right = figure("2023-02-14", 436, revision=1), figure("2023-02-14", 439, revision=2)
    assert run(a_catalog(FLOW), NOW, [figure("2023-01-14", 437), wrong, right]).topic.doubted() == []


def test_an_earlier_figure_that_comes_late_flags_the_record_and_a_correction_clears_it() -> None:
    engine = run(a_catalog(FLOW), NOW, [figure("2023-02-14", 436)], [figure("2023-01-14", 437)])
    assert engine.record().flags == ("cumulative_fell",)
    engine = run(
        a_catalog(FLOW), NOW,
        [figure("2023-02-14", 436)], [figure("2023-01-14", 437)], [figure("2023-01-14", 430, revision=2)],
    )  # fmt: skip
    assert engine.record().flags == ()


def test_a_figure_of_the_year_before_that_comes_late_reaches_the_record_of_this_year() -> None:
    kpi = STOCK.model_copy(update={"may_fall": False})
    engine = run(a_catalog(kpi), NOW, [figure("2022-12-20", 436)], [figure("2022-12-10", 437)])
    assert engine.record(period="2023").flags == ("cumulative_fell",)


# how often a clean year is doubted


def test_of_a_clean_year_fewer_than_one_figure_in_two_thousand_is_doubted() -> None:
    """400 units, five KPIs, some reported weekly and some monthly, each with its own size and noise. Nothing is wrong
    with any of these figures. 72,000 of them raise 12 doubts, all `repeated_figure`: 1 in 6,000."""
    chance = random.Random(20230101)
    counted = raised = 0
    by_code: dict[str, int] = {}
    for kpi, make in CLEAN:
        definition = Definition(a_catalog(kpi), "k")
        for _ in range(UNITS):
            series = Series()
            for on, found in make(chance):
                series.take(on, found)
                counted += 1
                for doubt in doubts.of_series(definition, series, on, found):
                    raised += 1
                    by_code[doubt.code] = by_code.get(doubt.code, 0) + 1
    assert counted > 50_000
    assert raised * 2_000 <= counted, (counted, by_code)


UNITS = 400
FIRST = date(2022, 12, 15)
WEEKS = [(FIRST + timedelta(days=6 + 7 * week)).toordinal() for week in range(52)]
ENDS = [date(2023, month, 14).toordinal() for month in range(1, 13)]


def _a_figure(on: int, n: int | None = None, d: int | None = None, v: int | None = None) -> Figure:
    n, d, v = (None if number is None else number * SCALE for number in (n, d, v))
    return Figure(1, ACTUAL, on, on.to_bytes(16, "big"), "urn:s", n=n, d=d, v=v)


def _flow(chance: random.Random) -> list[tuple[int, Figure]]:
    """A total that grows by what a week brings: small or large, slower over Tết, faster in the last quarter."""
    size, total, found = 10 ** chance.uniform(0, 4), 0, []
    for week, on in enumerate(WEEKS):
        season = 0.1 if week in (5, 6) else 1.5 if week > 39 else 1.0
        total += round(max(0.0, chance.gauss(size, size / 3)) * season)
        found.append((on, _a_figure(on, v=total)))
    return found


def _stock(chance: random.Random) -> list[tuple[int, Figure]]:
    """A count of things that drifts, up or down, and often rests."""
    now, drift, found = 10 ** chance.uniform(0.5, 5), chance.uniform(-0.02, 0.05), []
    for on in ENDS:
        now *= 1 + (chance.gauss(drift, 0.02) if chance.random() < 0.8 or now > 5_000 else 0)
        found.append((on, _a_figure(on, v=round(now))))
    return found


def _ratio(chance: random.Random) -> list[tuple[int, Figure]]:
    """A share of the week's cases, drifting towards its target; small places have few cases."""
    level, cases, found = chance.uniform(0.3, 0.95), 10 ** chance.uniform(0.5, 4), []
    for on in WEEKS:
        level = min(0.99, max(0.01, level + chance.gauss(0.002, 0.01)))
        d = max(1, round(chance.gauss(cases, cases / 5)))
        many = round(d * level + chance.gauss(0, d**0.5 / 2))
        n = many if d >= 200 else sum(chance.random() < level for _ in range(d))
        found.append((on, _a_figure(on, n=min(d, max(0, n)), d=d)))
    return found


def _coverage(chance: random.Random) -> list[tuple[int, Figure]]:
    """Members done of 71, a few more each month until all are."""
    done, found = chance.randint(0, 40), []
    for on in ENDS:
        done = min(71, done + max(0, round(chance.gauss(4, 4))))
        found.append((on, _a_figure(on, n=done)))
    return found


def _level(chance: random.Random) -> list[tuple[int, Figure]]:
    """Megabits, measured each week."""
    usual = chance.uniform(30, 300)
    return [(on, _a_figure(on, v=round(chance.gauss(usual + week / 4, usual / 15)))) for week, on in enumerate(WEEKS)]


CLEAN = (
    (FLOW, _flow),
    (STOCK, _stock),
    (RATIO, _ratio),
    (a_kpi("k", "coverage", rosters=(Roster(unit="p.a.1", size=71),)), _coverage),
    (a_kpi("k", "level"), _level),
)


# figures that stood before


@pytest.mark.parametrize(
    "name", ["march", "355a5707-24ca-406f-b48c-41887cf8111a", "355A5707-24CA-406F-B48C-41887CF8111A"]
)
async def test_a_late_figure_that_makes_one_doubtful_which_stood_before_is_told_to_that_ones_publisher(
    name: str,
) -> None:
    engine = Engine(a_catalog(FLOW), NOW)
    stood = figure(MONTHS[2], 436, source="urn:desk", source_id=name)
    await engine.take(stood)
    assert engine.topic.doubted() == []
    late = figure(MONTHS[1], 437)
    again = engine.restarted()  # the id of the event at its source is stored with the figure
    await again.take(late)
    (told_of,) = again.topic.doubted()
    assert (told_of.source, told_of.id, told_of.observation_id) == ("urn:desk", name, stood.observation_id)
    assert [flag.code for flag in told_of.flags] == ["cumulative_fell"]
    assert again.record().flags == ("cumulative_fell",)
    assert dict(again.topic.doubts[0].headers)["ce_id"] == f"{stood.observation_id}@cumulative_fell".encode()


async def test_what_was_told_of_a_figure_already_has_the_same_id_when_it_is_told_again() -> None:
    engine = Engine(a_catalog(FLOW), NOW)
    for month, value in ((MONTHS[3], 400), (MONTHS[2], 437), (MONTHS[1], 420)):
        await engine.take(figure(month, value))
    ids = [dict(one.headers)["ce_id"] for one in engine.topic.doubts]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_only_the_few_figures_that_look_back_upon_a_late_one_are_asked_about() -> None:
    """Nine figures later nobody looks back that far: a fall is held against the nearest figure alone."""
    engine = Engine(a_catalog(FLOW), NOW)
    days = [f"2023-03-{number:02d}" for number in range(1, 12)]
    falling = [*range(10, 20), 5]
    await engine.take(*[figure(on, value) for on, value in zip(days, falling, strict=True)])
    assert [str(one.as_of) for one in engine.topic.doubted()] == ["2023-03-11"]
    await engine.take(figure("2023-02-20", 1))
    assert [str(one.as_of) for one in engine.topic.doubted()] == ["2023-03-11"]
    await engine.take(figure("2023-03-07", 16, revision=2))
    assert [str(one.as_of) for one in engine.topic.doubted()] == ["2023-03-11", "2023-03-11"]


async def test_of_two_sources_that_disagree_the_one_that_came_first_is_told_as_well() -> None:
    engine = Engine(a_catalog(RATIO), NOW)
    first = figure("2023-09-30", (40, 100), source_id="first", reported_at=local("2023-09-30"))
    second = figure("2023-09-30", (41, 100), source="urn:other", reported_at=local("2023-10-01"))
    await engine.take(first)
    await engine.restarted().take(second)
    assert [(one.source, one.flags[0].code) for one in engine.topic.doubted()] == [
        ("urn:other", "sources_disagree"),
        (first.source, "sources_disagree"),
    ]


async def test_a_batch_with_a_late_figure_says_the_same_doubts_when_it_is_delivered_again() -> None:
    engine = Engine(a_catalog(FLOW), NOW)
    await engine.take(figure(MONTHS[2], 436))
    late = figure(MONTHS[1], 437)
    await engine.take(late)
    first = list(engine.topic.doubts)
    await engine.restarted().take(late)
    assert [one.value for one in engine.topic.doubts[len(first) :]] == [one.value for one in first]


SAID = st.tuples(
    st.integers(0, 11),
    st.sampled_from([4100, 4100, 4200, 4078, 41, 9000]),
    st.sampled_from(["urn:desk", "urn:desk", "urn:other"]),
    st.integers(1, 3),
    st.sampled_from([False] * 7 + [True]),
)
"""The month, the value, the source, the revision, and whether it withdraws."""


@given(st.sampled_from([FLOW, STOCK]), st.lists(SAID, min_size=5, max_size=25), st.data())
def test_in_whatever_order_figures_come_each_that_is_doubtful_in_the_end_was_told_so(
    kpi: Kpi, said: list[tuple[int, int, str, int, bool]], data: st.DataObject
) -> None:
    found = [
        figure(f"2023-{month + 1:02d}-10", value, source=source, revision=revision, retracts=retracts)
        for month, value, source, revision, retracts in said
    ]
    catalog = a_catalog(kpi)
    engine = asyncio.run(told_in(catalog, cut(found, data.draw(batches(len(found))))))
    told_ids = {(dict(one.headers)["ce_id"] or b"").decode() for one in engine.topic.doubts}
    standing = collect(found, catalog.zone)["p.a.1"].standing()
    for own in standing:
        expected = plain_doubts(kpi, catalog.calendar_of("k"), standing, own.day)
        if own.disagree:
            expected.add("sources_disagree")
        assert not expected or f"{own.ids[0]}@{'+'.join(sorted(expected))}" in told_ids


async def told_in(catalog: Catalog, parts: Sequence[Sequence[ObservationRecorded]]) -> Engine:
    """The parts in their order, each by a process of its own."""
    engine = Engine(catalog, NOW)
    for part in parts:
        await engine.take(*part)
        engine = engine.restarted()
    return engine
