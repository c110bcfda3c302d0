"""Figures of a period on the units of another day: totals stay, nothing is guessed, and all of it can be taken back."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Kpi, KpiKind, Parent, Roster, Succession
from contracts.observations import ObservationRecorded
from contracts.views import Amounts, PeriodView, ViewedUnit
from services.metrics.asking import Asker, Unknown
from services.runtime.catalog import Catalog
from services.runtime.catalog.carrying import View
from tests.model import viewed
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_increment, an_observation, day, local, unit
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.test_against_the_model import (
    COVERAGE,
    FILES,
    FLOW,
    LEVEL,
    MEAN,
    MILESTONE,
    QUARTERLY,
    RANK,
    RATE,
    RATIO,
    STOCK,
    an_event,
)

REFORM, EVE = day("2023-07-01"), day("2023-06-30")
NOW = local("2023-10-02")
NOW_VIEW: View = "as_it_is_now"


def follows(before: str, after: str, part: str = "whole", weight: str | None = None) -> Succession:
    return Succession.model_validate(
        {"id": f"{before}--{after}", "from_unit": before, "to_unit": after, "part": part, "weight": weight,
         "effective": REFORM}
    )  # fmt: skip


UNITS = (
    unit("p", "province"),
    unit("p.a", "district", "p", valid_to=REFORM),
    unit("p.b", "district", "p", valid_to=REFORM),
    unit("p.a.1", "commune", "p.a", valid_to=REFORM),
    unit("p.a.2", "commune", "p.a", valid_to=REFORM),
    unit("p.b.1", "commune", "p.b", valid_to=REFORM),
    unit("p.b.2", "commune", parents=(Parent(unit="p.b", valid_to=REFORM), Parent(unit="p", valid_from=REFORM))),
    unit("p.b.3", "commune", "p.b", valid_to=REFORM),
    unit("m", "commune", "p", valid_from=REFORM),
    unit("x", "commune", "p", valid_from=REFORM),
    unit("y", "commune", "p", valid_from=REFORM),
)
"""Districts go. A1 and A2 become M; B1 is divided into X (0.7) and Y (the rest); B2 lives on and takes B3 in."""
SUCCESSIONS = (
    follows("p.a.1", "m"),
    follows("p.a.2", "m"),
    follows("p.b.1", "x", "part", "0.7"),
    follows("p.b.1", "y", "part-default"),
    follows("p.b.3", "p.b.2"),
)


def reformed(*objects: Any) -> Catalog:
    return a_catalog(*objects, *SUCCESSIONS, units=UNITS)


async def seen(engine: Engine, view: View, kpi: str = "k", period: str = "2023") -> PeriodView:
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    return await asker.view("p", kpi, period, view)


async def an_engine(*observations: ObservationRecorded, objects: Sequence[Any] = (), now: datetime = NOW) -> Engine:
    engine = Engine(reformed(*objects), now)
    await engine.take(*observations)
    return engine


def units_of(view: PeriodView) -> dict[str, ViewedUnit]:
    return {one.org_unit: one for one in view.units}


BEFORE_THE_REFORM = [
    an_observation("p.a.1", "2023-06-10", 40, 50),
    an_observation("p.a.2", "2023-06-20", 10, 50),
    an_observation("p.b.1", "2023-06-12", 30, 100),
    an_observation("p.b.2", "2023-06-12", 5, 10),
    an_observation("p.b.3", "2023-06-12", 3, 10),
]


async def test_communes_with_40_of_50_and_10_of_50_are_one_with_50_of_100_now() -> None:
    engine = await an_engine(*BEFORE_THE_REFORM)
    now = await seen(engine, NOW_VIEW)
    m = units_of(now)["m"]
    assert (m.value, m.numerator, m.denominator, str(m.as_of)) == (50, 50, 100, "2023-06-20")
    assert (m.made_of, m.estimated, m.expected, m.missing) == ("carried", False, 2, ())
    assert [(one.org_unit, one.share, one.whole.numerator) for one in m.brought] == [("p.a.1", 1, 40), ("p.a.2", 1, 10)]
    assert (str(now.on), str(now.as_of)) == ("2023-10-02", "2023-06-20")


async def test_as_it_was_shows_what_the_records_say() -> None:
    engine = await an_engine(*BEFORE_THE_REFORM)
    was = await seen(engine, "as_it_was")
    assert [(one.org_unit, one.parent) for one in was.units] == [
        ("p", None),
        ("p.a", "p"),
        ("p.a.1", "p.a"),
        ("p.a.2", "p.a"),
        ("p.b", "p"),
        ("p.b.1", "p.b"),
        ("p.b.2", "p.b"),
        ("p.b.3", "p.b"),
    ]
    for one in was.units:
        record = engine.record(one.org_unit)
        assert (one.value, one.numerator, one.denominator, one.as_of) == (
            record.value, record.numerator, record.denominator, record.as_of,
        )  # fmt: skip
    assert units_of(was)["p.a"].made_of == "parts"
    assert was.not_carried == ()


async def test_the_total_is_the_same_on_any_day_and_nothing_stays_behind() -> None:
    engine = await an_engine(*BEFORE_THE_REFORM)
    for view in ("as_it_was", NOW_VIEW, EVE, REFORM):
        there = await seen(engine, view)
        assert there.before == there.after == Amounts(value=40, numerator=88, denominator=220)
        top = units_of(there)["p"]
        assert (top.numerator, top.denominator, top.value) == (88, 220, 40)


async def test_a_divided_commune_is_shared_out_by_the_stated_weights() -> None:
    now = units_of(await seen(await an_engine(*BEFORE_THE_REFORM), NOW_VIEW))
    assert (now["x"].numerator, now["x"].denominator) == (21, 70)
    assert (now["y"].numerator, now["y"].denominator) == (9, 30)
    assert [(one.org_unit, one.share, one.estimated) for one in now["x"].brought] == [("p.b.1", 0.7, False)]
    assert (now["p.b.2"].numerator, now["p.b.2"].made_of) == (8, "carried")


async def test_a_share_that_nobody_stated_is_marked_up_to_the_top() -> None:
    catalog = a_catalog(
        follows("p.b.1", "x", "part"), follows("p.b.1", "y", "part-default"), units=UNITS
    )  # fmt: skip
    engine = Engine(catalog, NOW)
    await engine.take(an_observation("p.b.1", "2023-06-12", 30, 100))
    now = units_of(await seen(engine, NOW_VIEW))
    assert (now["y"].numerator, now["y"].estimated, now["p"].estimated) == (30, True, True)
    assert (now["x"].value, now["x"].made_of, now["x"].estimated) == (None, "nothing", False)


async def test_who_is_missing_is_named_by_the_units_that_should_have_reported() -> None:
    engine = await an_engine(*BEFORE_THE_REFORM[:1])
    now = units_of(await seen(engine, NOW_VIEW))
    assert (now["m"].expected, now["m"].missing) == (2, ("p.a.2",))
    assert (now["p.b.2"].expected, now["p.b.2"].missing) == (2, ("p.b.2", "p.b.3"))
    assert (now["p"].expected, now["p"].missing) == (4, ("m", "p.b.2", "x", "y"))


async def test_what_cannot_be_carried_is_told_with_its_reason_and_figure() -> None:
    figures = [
        an_observation("p.a.1", "2023-06-10", value=91.5),
        an_observation("p.b", "2023-06-10", 900, 1000),
        an_observation("p.b.1", "2023-06-12", 30, 100),
    ]
    now = await seen(await an_engine(*figures), NOW_VIEW)
    left = {one.org_unit: one for one in now.not_carried}
    assert {name: one.reason.code for name, one in left.items()} == {"p.a.1": "no_parts", "p.b": "no_successor"}
    assert (left["p.a.1"].whole.value, left["p.b"].whole.numerator) == (91.5, 900)
    assert left["p.b"].reason.text_vi == "không có đơn vị kế thừa"


async def test_what_was_merged_cannot_be_looked_back_at_and_what_was_only_divided_can() -> None:
    after = [
        an_observation("m", "2023-08-10", 50, 100),
        an_observation("x", "2023-08-10", 21, 70),
        an_observation("y", "2023-08-11", 9, 30),
    ]
    then = await seen(await an_engine(*after), EVE)
    assert units_of(then)["p.b.1"].numerator == 30
    assert {one.org_unit: one.reason.code for one in then.not_carried} == {"m": "merged_with_others"}
    assert (then.before, then.after) == (
        Amounts(value=40, numerator=80, denominator=200),
        Amounts(value=30, numerator=30, denominator=100),
    )


async def test_a_new_commune_s_own_figure_beats_what_its_predecessors_had_and_the_rest_is_carried() -> None:
    engine = await an_engine(*BEFORE_THE_REFORM, an_observation("m", "2023-08-10", 60, 100))
    now = await seen(engine, NOW_VIEW)
    there = units_of(now)
    assert (there["m"].numerator, there["m"].made_of, there["m"].missing) == (60, "own", ())
    assert there["x"].numerator == 21
    assert {(one.org_unit, one.reason.code) for one in now.not_carried} == {
        ("p.a.1", "newer_figure"),
        ("p.a.2", "newer_figure"),
    }
    was = await seen(engine, "as_it_was")
    assert str(was.on) == "2023-08-10"
    assert {one.reason.code for one in was.not_carried} == {"of_former_units"}
    assert (units_of(was)["p"].numerator, engine.record("p").numerator) == (65, 65)


async def test_a_new_commune_that_is_silent_leaves_its_predecessors_figure_standing() -> None:
    kpi = a_kpi(kind="milestone", levels=("commune",), decimals=0)
    told = [an_observation("p.b.1", "2023-06-10", done=True), an_observation("m", "2023-08-10", done=True)]
    now = await seen(await an_engine(*told, objects=[kpi]), NOW_VIEW)
    assert (units_of(now)["x"].value, units_of(now)["x"].made_of) == (0.7, "carried")
    assert now.not_carried == ()


async def test_increments_of_a_new_commune_add_to_what_its_predecessors_had() -> None:
    engine = await an_engine(*BEFORE_THE_REFORM, an_increment("m", "2023-08-10", 7, 20))
    m = units_of(await seen(engine, NOW_VIEW))["m"]
    assert (m.numerator, m.denominator, str(m.as_of)) == (57, 120, "2023-08-10")
    assert [one.org_unit for one in m.brought] == ["m", "p.a.1", "p.a.2"]


KINDS: list[tuple[KpiKind, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("ratio", {}, {"numerator": 40, "denominator": 50}, {"numerator": 240, "denominator": 300, "value": 80}),
    ("rate", {"rate_base": 9}, {"numerator": 3, "denominator": 4}, {"numerator": 18, "denominator": 24, "value": 6.75}),
    ("coverage", {}, {"numerator": 3, "denominator": 4}, {"numerator": 18, "denominator": 24, "value": 75}),
    ("flow", {}, {"value": "12.5"}, {"value": 75}),
    ("stock", {}, {"value": "12.5"}, {"value": 75}),
    ("level", {}, {"value": 30, "weight": "2.5"}, {"value": 30, "weight": 15}),
    ("milestone", {"decimals": 0}, {"done": True}, {"value": 6, "numerator": 6, "denominator": 6}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "declared", "figure", "total"), KINDS, ids=[kind for kind, *_ in KINDS])
async def test_the_total_of_each_kind_survives_the_reform(
    kind: KpiKind, declared: dict[str, Any], figure: dict[str, Any], total: dict[str, Any]
) -> None:
    communes = ("p.a.1", "p.a.2", "p.b.1", "p.b.2", "p.b.3")
    told = [an_observation(one, "2023-06-10", **figure) for one in communes]
    told.append(an_observation("p.x.1", "2023-06-10", **figure))
    units = (*UNITS, unit("p.x.1", "commune", "p.b", valid_to=REFORM))
    catalog = a_catalog(a_kpi(kind=kind, **declared), *SUCCESSIONS, follows("p.x.1", "y"), units=units)
    engine = Engine(catalog, NOW)
    await engine.take(*told)
    was, now = await seen(engine, "as_it_was"), await seen(engine, NOW_VIEW)
    expected = Amounts(**total)
    assert was.before == was.after == now.before == now.after == expected
    for there in (was, now):
        top = units_of(there)["p"]
        assert Amounts(**{name: getattr(top, name) for name in Amounts.model_fields}) == expected
    assert taken_back(now) == {one.org_unit: one.whole for view in was.units for one in view.brought}


def taken_back(view: PeriodView) -> dict[str, Amounts]:
    """The figures as they were reported, from a view of another day."""
    brought = {one.org_unit: one.whole for there in view.units for one in there.brought}
    return brought | {one.org_unit: one.whole for one in view.not_carried}


async def test_a_rank_stays_with_the_unit_that_was_ranked() -> None:
    kpi = a_kpi(kind="rank", levels=("commune",))
    engine = await an_engine(
        an_observation("p.a.1", "2023-06-10", rank=3), an_observation("p.b.2", "2023-06-10", rank=1), objects=[kpi]
    )
    now = await seen(engine, NOW_VIEW)
    assert {one.reason.code for one in now.not_carried} == {"rank_stands_alone"}
    assert all(one.value is None for one in now.units)
    was = units_of(await seen(engine, "as_it_was"))
    assert (was["p.a.1"].value, was["p"].value) == (3, None)


async def test_silent_members_of_a_roster_stay_in_the_total_of_those_who_follow() -> None:
    kpi = a_kpi(
        kind="coverage", levels=("commune",), rosters=(Roster(unit="p.a.1", size=9), Roster(unit="p.a.2", size=5))
    )
    now = units_of(await seen(await an_engine(an_observation("p.a.1", "2023-06-10", 7), objects=[kpi]), NOW_VIEW))
    assert (now["m"].numerator, now["m"].denominator, now["m"].missing) == (7, 14, ("p.a.2",))
    assert [(one.org_unit, one.as_of is None) for one in now["m"].brought] == [("p.a.1", False), ("p.a.2", True)]


async def test_a_target_of_its_own_stands_beside_a_unit_s_figure() -> None:
    objects = [a_target("m", 92, 80), a_target("p.a.1", 70, 60)]
    engine = await an_engine(*BEFORE_THE_REFORM, objects=objects)
    now, was = units_of(await seen(engine, NOW_VIEW)), units_of(await seen(engine, "as_it_was"))
    assert now["m"].target is not None
    assert (now["m"].target.value, now["x"].target) == (92, None)
    assert was["p.a.1"].target is not None
    assert was["p.a.1"].target.value == 70


async def test_a_period_without_figures_names_all_who_are_missing() -> None:
    there = await seen(await an_engine(), "as_it_was")
    assert (there.as_of, str(there.on)) == (None, "2023-10-02")
    assert units_of(there)["p"].missing == ("m", "p.b.2", "x", "y")
    before = await seen(await an_engine(), NOW_VIEW, period="2022")
    assert (units_of(before)["m"].missing, units_of(before)["x"].missing) == (("p.a.1", "p.a.2"), ("p.b.1",))


@pytest.mark.parametrize(
    ("asked", "code"),
    [(("q", "k", "2023"), "unknown_province"), (("p", "z", "2023"), "unknown_kpi"), (("p", "k", "20"), "bad_period")],
)
async def test_what_nobody_knows_is_refused_by_name(asked: tuple[str, str, str], code: str) -> None:
    engine = await an_engine()
    with pytest.raises(Unknown) as refused:
        await Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now).view(*asked, "as_it_was")
    assert refused.value.code == code


# against the plain recomputation

SHARED = (RATIO, FILES, FLOW, QUARTERLY, STOCK, COVERAGE, RATE, LEVEL, MEAN, RANK, MILESTONE)
CATALOG = reformed(*SHARED)
EARLY = [day(f"2023-0{month}-{date_}") for month in (1, 2, 4, 6) for date_ in ("03", "20")] + [day("2022-12-01")]
LATE = [day("2023-07-01"), day("2023-08-20"), day("2023-11-30")]
AFTER = {"p.a.1": "m", "p.a.2": "x", "p.b.1": "y", "p.b.2": "p.b.2", "p.a": "p", "p.b": "p", "p": "p"}


@st.composite
def figures_over_the_reform(draw: st.DrawFn) -> tuple[Kpi, list[ObservationRecorded]]:
    kpi = draw(st.sampled_from(SHARED))
    early = draw(st.lists(an_event(kpi, EARLY), max_size=15))
    late = draw(st.lists(an_event(kpi, LATE), max_size=5))
    moved = [one.model_copy(update={"org_unit": AFTER[one.org_unit]}) for one in late]
    found = [*early, *(one for one in moved if CATALOG.units.get(one.org_unit).level in kpi.levels)]  # type: ignore[union-attr]
    return kpi, [
        one.model_copy(update={"raw": one.raw.model_copy(update={"partition": 0, "offset": at})})
        for at, one in enumerate(found)
    ]


@given(figures_over_the_reform(), st.sampled_from(["2023", "2023-Q2", "2022-2024"]), st.booleans())
def test_every_view_equals_the_plain_recomputation(
    told: tuple[Kpi, list[ObservationRecorded]], period: str, now: bool
) -> None:
    kpi, observations = told
    moment = local("2024-02-01")

    async def both() -> tuple[Engine, PeriodView]:
        engine = Engine(CATALOG, moment)
        await engine.take(*observations)
        return engine, await seen(engine, NOW_VIEW if now else "as_it_was", kpi.id, period)

    engine, view = asyncio.run(both())
    expected = viewed(CATALOG, kpi.id, observations, period, date(2024, 2, 1) if now else None, moment)
    for one in view.units:
        value, as_of, n, d, *_ = expected.pop(one.org_unit)
        assert (one.value, one.as_of) == (_nearest(value), as_of), one.org_unit
        if kpi.kind in ("ratio", "rate") or (kpi.kind == "coverage" and as_of is not None):
            assert (one.numerator, one.denominator) == (_nearest(n), _nearest(d)), one.org_unit
        record = engine.latest().get((kpi.id, one.org_unit, period))
        if record is not None and not now and kpi.kind != "coverage":  # its silent rosters are of each record's own day
            assert (one.value, one.as_of) == (record.value, record.as_of), one.org_unit
            assert record.completeness is None or set(record.completeness.missing) == set(one.missing)
    assert expected == {}


def _nearest(value: Fraction | None) -> float | None:
    return None if value is None else value.numerator / value.denominator
