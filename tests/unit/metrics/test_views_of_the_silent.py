"""Who is silent in views: a place in the total is given by who follows or by who was there before, and never lost."""

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Kpi, Roster, Succession
from contracts.observations import ObservationRecorded
from contracts.views import Amounts, PeriodView, ViewedUnit
from services.metrics.asking import Asker
from services.runtime.catalog import Catalog
from services.runtime.catalog.carrying import View
from services.runtime.catalog.loader import load_folder
from tests.model import viewed
from tests.unit.metrics.builders import a_catalog, a_kpi, an_increment, an_observation, day, local, unit
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.test_against_the_model import in_log_order
from tests.unit.metrics.test_views import EVE, NOW, NOW_VIEW, an_engine, seen, units_of

MEMBERS = a_kpi(
    kind="coverage",
    levels=("commune",),
    rosters=(
        Roster(unit="p.a.1", size=9),
        Roster(unit="p.a.2", size=5),
        Roster(unit="p.b.1", size=10),
        Roster(unit="p.b.2", size=2, valid_to=day("2023-07-01")),
        Roster(unit="p.b.2", size=5, valid_from=day("2023-07-01")),
        Roster(unit="p.b.3", size=3),
        Roster(unit="m", size=14),
        Roster(unit="x", size=7),
        Roster(unit="y", size=3),
    ),
)
"""29 members, before the reform and after it."""
DONE = a_kpi(kind="milestone", levels=("commune",), decimals=0)


def parts(view: PeriodView, *units: str) -> list[tuple[float, float]]:
    """Numerators and denominators; of who is silent, the places that are its share."""
    return [_parts(units_of(view)[one]) for one in units]


def _parts(unit: ViewedUnit) -> tuple[float, float]:
    if unit.numerator is not None and unit.denominator is not None:
        return unit.numerator, unit.denominator
    assert unit.as_of is None
    assert not any(one.whole.numerator for one in unit.brought)
    return 0, sum(one.share * (one.whole.denominator or 0) for one in unit.brought)


def left(view: PeriodView) -> list[tuple[str, str]]:
    return [(one.org_unit, one.reason.code) for one in view.not_carried]


async def test_a_silent_predecessor_stays_in_the_total_of_a_merged_commune_after_others_report() -> None:
    """A1 had 7 of its 9; A2, which has 5, said nothing. M has 7 of 14 with them, also after X has reported."""
    told = [an_observation("p.a.1", "2023-06-10", 7)]
    for more in ([], [an_observation("x", "2023-08-10", 4)]):
        now = await seen(await an_engine(*told, *more, objects=[MEMBERS]), NOW_VIEW)
        m = units_of(now)["m"]
        assert (m.numerator, m.denominator, m.value, str(m.as_of)) == (7, 14, 50, "2023-06-10")
        assert [(one.org_unit, one.as_of is None, one.whole.denominator) for one in m.brought] == [
            ("p.a.1", False, 9),
            ("p.a.2", True, 5),
        ]
        assert (m.expected, m.missing, left(now)) == (2, ("p.a.2",), [])


async def test_every_commune_of_today_has_its_whole_roster_whoever_reported_before_the_reform_and_after_it() -> None:
    """B3 had 1 of 3 in June and B2 said nothing, now or then; X has 4 of 7; M, Y and all before them are silent."""
    told = [an_observation("p.b.3", "2023-06-10", 1), an_observation("x", "2023-08-10", 4)]
    now = await seen(await an_engine(*told, objects=[MEMBERS]), NOW_VIEW)
    assert parts(now, "m", "x", "y", "p.b.2", "p") == [(0, 14), (4, 7), (0, 3), (1, 5), (5, 29)]
    assert [(one.org_unit, one.as_of is None) for one in units_of(now)["m"].brought] == [("m", True)]
    assert now.before == now.after == Amounts(value=float(Fraction(500, 29)), numerator=5, denominator=29)
    assert left(now) == []


async def test_a_commune_that_reports_itself_takes_the_places_of_those_before_it() -> None:
    """M has 10 of 14: A1's 7 of 9 are overtaken, and of A2, which never said anything, nothing is left over."""
    told = [an_observation("p.a.1", "2023-06-10", 7), an_observation("m", "2023-08-10", 10)]
    now = await seen(await an_engine(*told, objects=[MEMBERS]), NOW_VIEW)
    assert parts(now, "m", "p") == [(10, 14), (10, 29)]
    assert left(now) == [("p.a.1", "newer_figure")]
    assert (now.before, now.after) == (
        Amounts(value=float(Fraction(1700, 38)), numerator=17, denominator=38),
        Amounts(value=float(Fraction(1000, 29)), numerator=10, denominator=29),
    )


async def test_the_place_of_a_divided_commune_is_divided_by_the_stated_weights_and_undone() -> None:
    """B1 has 10 and is silent; A1 reports. X has 7 of its places and Y 3, and on the eve B1 has all 10. When X has
    reported and Y has not, looked at from the eve B1 has 4 of 7 and the 3 places of Y."""
    engine = await an_engine(an_observation("p.a.1", "2023-06-10", 7), objects=[MEMBERS])
    now, eve = await seen(engine, NOW_VIEW), await seen(engine, EVE)
    assert parts(now, "x", "y", "p") == [(0, 7), (0, 3), (7, 29)]
    assert [(one.org_unit, one.share, one.whole.denominator) for one in units_of(now)["x"].brought] == [
        ("p.b.1", 0.7, 10)
    ]
    assert parts(eve, "p.b.1", "p") == [(0, 10), (7, 29)]
    later = await an_engine(
        an_observation("p.a.1", "2023-06-10", 7), an_observation("x", "2023-08-10", 4), objects=[MEMBERS]
    )
    eve = await seen(later, EVE)
    assert parts(eve, "p.b.1", "p.a.1", "p.a.2", "p") == [(4, 10), (7, 9), (0, 5), (11, 29)]
    assert (units_of(eve)["p.b.1"].missing, left(eve)) == (("y",), [])


async def test_half_of_a_divided_commune_reports_and_the_other_half_keeps_its_share_of_the_silent_one() -> None:
    """B1 had 5 of 10; X reports 6 of 7; Y is silent and keeps 1.5 of 3."""
    told = [an_observation("p.b.1", "2023-06-10", 5), an_observation("x", "2023-08-10", 6)]
    now = await seen(await an_engine(*told, objects=[MEMBERS]), NOW_VIEW)
    assert parts(now, "x", "y", "p") == [(6, 7), (1.5, 3), (7.5, 29)]
    assert [(one.org_unit, one.share, one.reason.code) for one in now.not_carried] == [("p.b.1", 0.7, "newer_figure")]


async def test_units_due_count_for_a_milestone_as_members_do_for_a_roster() -> None:
    """A1 has done it and A2 said nothing: of M 1 of 2, before anybody reports after the reform and afterwards."""
    told = [an_observation("p.a.1", "2023-06-10", done=True)]
    before = await seen(await an_engine(*told, objects=[DONE]), NOW_VIEW)
    assert parts(before, "m", "x", "y", "p.b.2", "p") == [(1, 2), (0, 0.7), (0, 0.3), (0, 2), (1, 5)]
    after = await seen(await an_engine(*told, an_observation("x", "2023-08-10", done=True), objects=[DONE]), NOW_VIEW)
    assert parts(after, "m", "x", "y", "p.b.2", "p") == [(1, 2), (1, 1), (0, 1), (0, 1), (2, 5)]


async def test_where_the_new_rosters_are_not_known_those_before_hold() -> None:
    """Nobody stated a roster of M; A1 and A2 have 14 and are silent."""
    known = [one for one in MEMBERS.rosters if one.unit != "m"]
    kpi = MEMBERS.model_copy(update={"rosters": tuple(known)})
    told = [an_observation("p.b.1", "2023-06-10", 5), an_observation("x", "2023-08-10", 6)]
    now = await seen(await an_engine(*told, objects=[kpi]), NOW_VIEW)
    assert parts(now, "m", "p") == [(0, 14), (7.5, 29)]


async def test_as_it_was_the_silent_are_those_of_the_last_day() -> None:
    told = [an_observation("p.a.1", "2023-06-10", 7), an_observation("x", "2023-08-10", 4)]
    was = await seen(await an_engine(*told, objects=[MEMBERS]), "as_it_was")
    assert parts(was, "m", "x", "y", "p.b.2", "p") == [(0, 14), (4, 7), (0, 3), (0, 5), (4, 29)]
    assert left(was) == [("p.a.1", "of_former_units")]


async def test_the_units_above_tell_of_the_units_of_their_own_day_who_has_all_figures() -> None:
    """Of M's two predecessors one reported, of Y and B2 nobody did: 1 of the 4 of today, and no 1 of 5."""
    told = [an_observation("p.a.1", "2023-06-10", 40, 50), an_observation("x", "2023-08-10", 1, 2)]
    there = units_of(await seen(await an_engine(*told), NOW_VIEW))
    assert (there["p"].expected, there["p"].missing) == (4, ("m", "p.b.2", "y"))
    assert (there["m"].expected, there["m"].missing) == (2, ("p.a.2",))
    assert (there["x"].missing, there["y"].missing) == ((), ("y",))


# two reforms in one period

APRIL, JULY = day("2023-04-01"), day("2023-07-01")


def _follows(before: str, after: str, on: Any, weight: str | None = None) -> Succession:
    return Succession.model_validate(
        {"id": f"{before}--{after}", "from_unit": before, "to_unit": after, "part": "part" if weight else "whole",
         "weight": weight, "effective": on}
    )  # fmt: skip


LIVES: dict[str, tuple[Any, Any]] = {
    "a": (None, APRIL), "b": (None, APRIL), "c": (None, APRIL), "d": (None, JULY), "e": (None, JULY),
    "g": (None, None), "z": (None, JULY), "m": (APRIL, JULY), "x": (APRIL, JULY), "y": (APRIL, None),
    "v": (JULY, None), "w": (JULY, None),
}  # fmt: skip
TWICE = (
    _follows("a", "m", APRIL),
    _follows("b", "m", APRIL),
    _follows("c", "x", APRIL, "0.7"),
    _follows("c", "y", APRIL, "0.3"),
    _follows("m", "w", JULY),
    _follows("d", "w", JULY),
    _follows("x", "v", JULY),
    _follows("e", "v", JULY),
    _follows("g", "y", JULY, "0.25"),
)
"""In April A and B become M, and C is divided into X (0.7) and Y. In July M and D become W, X and E become V, G gives a
quarter of itself to Y and lives on; nobody follows Z."""
SIZES = {"a": 9, "b": 5, "c": 10, "d": 4, "e": 6, "z": 3, "m": 14, "x": 7, "v": 13, "w": 18}
TODAY = {"w": 18, "v": 13, "y": 5, "g": 6}
SIZED = (
    *(Roster(unit=one, size=size) for one, size in SIZES.items()),
    Roster(unit="y", size=3, valid_to=JULY),
    Roster(unit="y", size=5, valid_from=JULY),
    Roster(unit="g", size=8, valid_to=JULY),
    Roster(unit="g", size=6, valid_from=JULY),
)
COVERED = a_kpi("covered", "coverage", levels=("commune", "province"), rosters=SIZED)
FOUNDED = a_kpi("founded", "milestone", levels=("commune", "province"), decimals=0)
SHARE, SALES, STOCK = a_kpi("share", "ratio"), a_kpi("sales", "flow"), a_kpi("stock", "stock")
COUNTRY = a_catalog(
    *(COVERED, FOUNDED, SHARE, SALES, STOCK),
    *TWICE,
    units=(
        unit("p", "province"),
        *(unit(one, "commune", "p", valid_from=since, valid_to=to) for one, (since, to) in LIVES.items()),
    ),
)


async def of_the_country(
    *told: ObservationRecorded, kpi: str = "covered", view: View = NOW_VIEW, period: str = "2023"
) -> PeriodView:
    engine = Engine(COUNTRY, NOW)
    await engine.take(*told)
    return await seen(engine, view, kpi, period)


def covered(unit: str, on: str, done: int) -> ObservationRecorded:
    return an_observation(unit, on, done, kpi="covered")


async def test_what_was_said_two_reforms_ago_stands_where_nobody_said_anything_since() -> None:
    """A had 7 of 9 in March, B is silent; D had 3 of 4 in May. M and W never said anything: W has 10 of 9 + 5 + 4."""
    told = [covered("a", "2023-03-10", 7), covered("d", "2023-05-10", 3), covered("g", "2023-08-10", 2)]
    now = await of_the_country(*told)
    assert parts(now, "w", "v", "y", "g", "p") == [(10, 18), (0, 13), (0, 5), (2, 6), (12, 42)]
    w = units_of(now)["w"]
    assert [(one.org_unit, one.as_of is None) for one in w.brought] == [("d", False), ("a", False), ("b", True)]
    assert (w.expected, w.missing, left(now)) == (3, ("b",), [])


async def test_amounts_pass_two_reforms_in_the_same_way() -> None:
    """A sold 70 by March, D 30 by May; M and W said nothing: W has 100 of them, and nothing is overtaken."""
    told = [an_observation(one, on, value=value, kpi="sales") for one, on, value in
            (("a", "2023-03-10", 70), ("d", "2023-05-10", 30), ("g", "2023-08-10", 2))]  # fmt: skip
    now = await of_the_country(*told, kpi="sales")
    w = units_of(now)["w"]
    assert (w.value, w.expected, w.missing, left(now)) == (100, 3, ("b",), [])
    assert now.before == now.after == Amounts(value=102)


async def test_a_commune_that_lives_on_leaves_what_it_said_before_with_those_to_whom_it_gave_a_part() -> None:
    """G had 6 of 8 in May and gave a quarter to Y, which is silent: 1.5 of 2, and 3 silent places of its own from
    before. G itself has 5 of 6 since: that it said 6 of 8 is replaced, not left behind."""
    now = await of_the_country(covered("g", "2023-05-10", 6), covered("g", "2023-08-10", 5))
    assert parts(now, "y", "g", "w", "p") == [(1.5, 5), (5, 6), (0, 18), (6.5, 42)]
    assert [(one.org_unit, one.share, str(one.as_of)) for one in units_of(now)["y"].brought] == [
        ("g", 0.25, "2023-05-10"),
        ("y", 1, "None"),
    ]
    assert (left(now), now.before == now.after) == ([], True)


async def test_a_silent_unit_that_nobody_follows_is_told_only_where_its_roster_is_the_one_that_counts() -> None:
    """Z has 3 and said nothing. In June's roster it is one of 45, of which 42 are left in August; August has 42."""
    june = await of_the_country(covered("d", "2023-06-10", 1))
    assert (left(june), june.before and june.before.denominator, parts(june, "p")) == (
        [("z", "no_successor")],
        45,
        [(1, 42)],
    )
    both = await of_the_country(covered("d", "2023-06-10", 1), covered("v", "2023-08-10", 1))
    assert (left(both), both.before and both.before.denominator, parts(both, "p")) == ([], 42, [(2, 42)])


async def test_a_figure_above_that_was_told_anew_after_a_reform_leaves_nothing_behind() -> None:
    """The province has no place in the total, in April as little as in January: 7 communes, of which none is done."""
    told = [an_observation("p", on, done=False, kpi="founded") for on in ("2023-01-10", "2023-04-01")]
    found = await of_the_country(*told, kpi="founded", view=day("2023-03-31"))
    assert (left(found), found.before == found.after) == ([], True)
    assert found.before == Amounts(value=0, numerator=0, denominator=7)


DAYS = ["2023-01-10", "2023-03-31", "2023-04-01", "2023-05-20", "2023-06-30", "2023-07-01", "2023-08-15"]


@st.composite
def histories(draw: st.DrawFn, kpi: Kpi, *above: str) -> list[ObservationRecorded]:
    """`above`: units that report beside the communes."""
    found = []
    for _ in range(draw(st.integers(0, 14))):
        on = draw(st.sampled_from(DAYS))
        there = [one for one, (since, to) in LIVES.items() if (since or day(on)) <= day(on) < (to or day("2999-01-01"))]
        found.append(_told(draw, kpi, draw(st.sampled_from([*there, *above])), on))
    return in_log_order(found)


def _told(draw: st.DrawFn, kpi: Kpi, unit: str, on: str) -> ObservationRecorded:
    some, more = draw(st.integers(0, 3)), draw(st.integers(3, 9))
    match kpi.kind:
        case "coverage":
            return covered(unit, on, some)
        case "milestone":
            return an_observation(unit, on, done=some > 0, kpi=kpi.id)
        case "ratio":
            tell = an_increment if draw(st.booleans()) else an_observation
            return tell(unit, on, some, more, kpi=kpi.id)
        case _:
            tell = an_increment if kpi.kind == "flow" and draw(st.booleans()) else an_observation
            return tell(unit, on, value=some, kpi=kpi.id)


@given(histories(COVERED), st.sampled_from([NOW_VIEW, JULY]))
def test_each_commune_has_all_its_places_whatever_was_said_when(told: list[ObservationRecorded], view: View) -> None:
    found = asyncio.run(of_the_country(*told, view=view))
    silent = [one for one in found.not_carried if one.as_of is None]
    if found.as_of is None:
        assert found.before is None
        return
    assert {one: places for one in TODAY for _, places in parts(found, one)} == pytest.approx(TODAY)
    assert units_of(found)["p"].denominator in (42, None)
    assert [one.org_unit for one in silent] in ([], ["z"])


@given(st.sampled_from([COVERED, FOUNDED, SHARE, SALES, STOCK]), st.data())
def test_what_is_there_and_what_was_left_are_what_stood(kpi: Kpi, data: st.DataObject) -> None:
    """On any day, also before figures that are in it."""
    told = data.draw(histories(kpi, "p"))
    view = data.draw(st.sampled_from([NOW_VIEW, "as_it_was", day("2023-03-31"), day("2023-06-30")]))
    found = asyncio.run(of_the_country(*told, kpi=kpi.id, view=view))
    for name in ("numerator", "denominator") if kpi.kind in ("coverage", "milestone", "ratio") else ("value",):
        before, after = (getattr(one, name, None) or 0 for one in (found.before, found.after))
        behind = sum(one.share * (getattr(one.whole, name) or 0) for one in found.not_carried)
        assert before == pytest.approx(after + behind, rel=1e-12), name


@given(st.sampled_from([COVERED, FOUNDED, SHARE, SALES, STOCK]), st.data(), st.sampled_from(["2023", "2023-Q2"]))
def test_two_reforms_in_a_period_equal_the_plain_recomputation(kpi: Kpi, data: st.DataObject, period: str) -> None:
    told = data.draw(histories(kpi, "p"))
    view = data.draw(st.sampled_from([NOW_VIEW, JULY, "as_it_was"]))
    found = asyncio.run(of_the_country(*told, kpi=kpi.id, view=view, period=period))
    on = {NOW_VIEW: NOW.date(), JULY: JULY}.get(view)
    expected = viewed(COUNTRY, kpi.id, told, period, on, NOW)
    for one in found.units:
        model = expected.pop(one.org_unit)
        assert (one.value, one.as_of) == (_nearest(model.value), model.as_of), one.org_unit
        if model.as_of is not None and kpi.kind in ("coverage", "milestone", "ratio"):
            assert (one.numerator, one.denominator) == (_nearest(model.numerator), _nearest(model.denominator))
    assert expected == {}


def _nearest(value: Fraction | None) -> float | None:
    return None if value is None else value.numerator / value.denominator


# on real units

FOLDER = Path(__file__).parents[3] / "deploy" / "catalogs" / "lam-dong"
LAM_DONG = Catalog.of(load_folder(FOLDER).items, 1, "1-0123456789ab")
OLD, NEW = (LAM_DONG.units.of_level("commune", day(on)) for on in ("2025-06-30", "2025-07-01"))
BAC_GIA_NGHIA = "lam-dong.phuong-bac-gia-nghia"


async def of_lam_dong(kpi: str, *told: ObservationRecorded) -> PeriodView:
    engine = Engine(LAM_DONG, local("2026-01-05"))
    await engine.take(*told)
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    return await asker.view("lam-dong", kpi, "2025", NOW_VIEW)


def in_lam_dong(kpi: str, unit: str, on: str, *done: int, **more: Any) -> ObservationRecorded:
    return an_observation(unit, on, *done, province="lam-dong", kpi=kpi, **more)


async def test_a_ward_of_four_communes_of_dak_nong_keeps_all_four_when_its_neighbour_reports() -> None:
    """Three of the four had set up their team in May. The neighbour tells of its own in August: 3 of 4, and no 3 of 3;
    27 new communes are one each, one of them has its team: 4 of 31. Who has all figures is told of 28 units."""
    kpi = "commune-digital-team"
    four = sorted(one.from_unit for one in LAM_DONG.successions if one.to_unit == BAC_GIA_NGHIA)
    neighbour = next(one for one in NEW if one != BAC_GIA_NGHIA)
    told = [in_lam_dong(kpi, one, "2025-05-31", done=True) for one in four[:3]]
    now = await of_lam_dong(kpi, *told, in_lam_dong(kpi, neighbour, "2025-08-31", done=True))
    assert parts(now, BAC_GIA_NGHIA, neighbour, "lam-dong") == [(3, 4), (1, 1), (4, 31)]
    assert units_of(now)[BAC_GIA_NGHIA].missing == (four[3],)
    province = units_of(now)["lam-dong"]
    assert (province.expected, len(province.missing), set(province.missing) < set(NEW)) == (28, 27, True)
    assert (now.before == now.after, left(now)) == (True, [])


async def test_the_fibre_of_71_communes_is_that_of_the_28_only_when_the_new_province_says_so() -> None:
    kpi = "commune-fiber-coverage"
    before = in_lam_dong(kpi, "lam-dong.dak-nong", "2025-05-31", 65)
    silent = await of_lam_dong(kpi, before)
    assert (parts(silent, "lam-dong"), units_of(silent)["lam-dong"].made_of) == ([(65, len(OLD))], "carried")
    spoke = await of_lam_dong(kpi, before, in_lam_dong(kpi, "lam-dong", "2025-08-31", 27))
    assert (parts(spoke, "lam-dong"), left(spoke)) == ([(27, len(NEW))], [("lam-dong.dak-nong", "newer_figure")])
