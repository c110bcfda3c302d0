"""The gap of a record split over the lowest units below it, adding up to the whole exactly."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Level, OrgUnit, Parent, Roster
from contracts.explanations import LowestSplit
from contracts.observations import ObservationRecorded
from contracts.reading import level_words
from services.metrics.asking import Asker
from services.metrics.contributions import Brought
from services.metrics.definition import Definition
from services.metrics.lowest import in_order, sides
from services.metrics.reading import Reading
from services.metrics.shortfall import split
from services.runtime.catalog import Catalog
from tests.model import recompute
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, local, unit
from tests.unit.metrics.engine import Engine

NOW = local("2023-12-14")
WORDS = (
    Level(id="province", name_vi="Tỉnh", name_en="Province"),
    Level(id="district", name_vi="Huyện, thành phố", name_en="District"),
    Level(id="commune", name_vi="Xã, phường, thị trấn", name_en="Commune"),
)


async def split_of(engine: Engine, unit: str = "p", kpi: str = "k", period: str = "2023") -> LowestSplit | None:
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    return (await asker.explain(kpi, unit, period)).lowest


def with_words(catalog: Catalog) -> Catalog:
    """The same, with names for its levels."""
    return replace(catalog, province=catalog.province.model_copy(update={"levels": WORDS}))


async def after(catalog: Catalog, *figures: ObservationRecorded) -> Engine:
    engine = Engine(catalog, NOW)
    await engine.take(*figures)
    return engine


def gaps_of(found: LowestSplit | None) -> dict[str, float]:
    assert found is not None
    return {one.org_unit: one.gap for one in found.units}


SIX_AND_SIXTY_FIVE = (
    unit("p", "province"),
    unit("p.a", "district", "p"),
    unit("p.b", "district", "p"),
    *(unit(f"p.a.{at:02d}", "commune", "p.a") for at in range(6)),
    *(unit(f"p.b.{at:02d}", "commune", "p.b") for at in range(65)),
)


async def test_five_of_71_communes_in_two_districts_make_80_percent_of_the_gap() -> None:
    """71 communes of 1,000 cases each are to do 90 %: 66 do 890 and bring 660, five do 372 and bring 2,640 of 3,300."""
    catalog = with_words(a_catalog(a_target("p", 90, 90), units=SIX_AND_SIXTY_FIVE))
    communes = [one.id for one in SIX_AND_SIXTY_FIVE if one.level == "commune"]
    poor = communes[:5]
    figures = [an_observation(one, numerator=372 if one in poor else 890, denominator=1000) for one in communes]
    engine = await after(catalog, *figures)
    assert [one.org_unit for one in engine.record("p").contributions.top] == ["p.a", "p.b"]  # type: ignore[union-attr]
    found = await split_of(engine)
    assert found is not None
    assert (found.level, found.count, found.widen, found.narrow, found.most) == ("commune", 71, 71, 0, 5)
    assert [one.org_unit for one in found.units[:5]] == poor
    assert (found.most_share, found.units[0].value, found.units[0].share) == (0.8, 37.2, 528 / 3300)
    assert found.text_vi == "5 trong 71 xã tạo ra 80 % khoảng cách."
    assert found.text_en == "5 of 71 communes make 80% of the gap."


async def test_where_some_make_up_the_sentence_says_of_what_the_few_make_most() -> None:
    """Of 100 each, planned 90: 40, 85 and 85 lack 50, 5 and 5, and 95 has 5 more. 50 is 83.3 % of the 60 that lack."""
    target = a_target("p", 90, 90)
    done = {"p.a.1": 40, "p.a.2": 85, "p.b.1": 85, "p.b.2": 95}
    figures = [an_observation(one, numerator=n, denominator=100) for one, n in done.items()]
    found = await split_of(await after(with_words(a_catalog(target)), *figures))
    assert found is not None
    assert (found.widen, found.narrow, found.most, found.most_share) == (3, 1, 1, 50 / 60)
    assert gaps_of(found) == {"p.a.1": -12.5, "p.a.2": -1.25, "p.b.1": -1.25, "p.b.2": 1.25}
    said = "3 trong 4 xã làm tăng khoảng cách, trong đó 1 xã chiếm 83 % phần tăng; 1 xã khác bù lại một phần."
    assert found.text_vi == said
    assert found.text_en == "3 of 4 communes widen the gap: 83% of that comes from 1 of them. 1 other narrows it."
    two = await split_of(await after(with_words(a_catalog(target)), figures[1], figures[3], figures[2]))
    assert two is not None
    assert two.text_vi == "2 trong 4 xã làm tăng khoảng cách; 1 xã khác bù lại một phần."
    assert {one.org_unit: one.value for one in two.units}["p.a.1"] is None


async def test_a_district_that_reported_itself_stands_for_its_communes() -> None:
    """The district's own 50 of 100 count, not the 90 of 100 of its commune; levels are mixed, and so are the words."""
    figures = [
        an_observation("p.a", "2023-09-30", numerator=50, denominator=100),
        an_observation("p.a.1", "2023-08-31", numerator=90, denominator=100),
        an_observation("p.b.1", "2023-09-30", numerator=80, denominator=100),
    ]
    found = await split_of(await after(with_words(a_catalog(a_target("p", 90, 90))), *figures))
    assert found is not None
    assert gaps_of(found) == {"p.a": -20, "p.b.1": -5, "p.b.2": 0}
    assert (found.level, found.text_vi) == (None, "1 trong 3 đơn vị tạo ra 80 % khoảng cách.")
    assert found.text_en == "1 of 3 units makes 80% of the gap."


async def test_an_amount_is_split_by_the_communes_own_plans_and_without_them_says_why_not() -> None:
    """The districts have no plans. Of 200 the communes are to bring 100, 50, 30 and 20, and have 80, 50, 20 and 0."""
    kpi, whole = a_kpi("k", "flow"), a_target("p", 200, 0)
    plans = {"p.a.1": 100, "p.a.2": 50, "p.b.1": 30, "p.b.2": 20}
    own = [a_target(one, goal, 0) for one, goal in plans.items()]
    figures = [
        an_observation(one, "2023-12-14", value=value) for one, value in (("p.a.1", 80), ("p.a.2", 50), ("p.b.1", 20))
    ]
    engine = await after(with_words(a_catalog(kpi, whole, *own)), *figures)
    assert engine.record("p").contributions is None
    assert gaps_of(await split_of(engine)) == {"p.a.1": -20, "p.a.2": 0, "p.b.1": -10, "p.b.2": -20}
    found = await split_of(await after(with_words(a_catalog(kpi, whole, *own[:3])), *figures))
    assert found is not None
    assert found.why_not is not None
    assert (found.units, found.why_not.code, found.count) == ((), "not_split", 4)
    assert found.text_vi == found.why_not.text_vi


async def test_a_record_that_is_not_short_or_reported_itself_is_not_split_over_anybody() -> None:
    figures = [an_observation("p.a.1", numerator=95, denominator=100)]
    engine = await after(a_catalog(a_target("p", 90, 80)), *figures)
    assert await split_of(engine) is None
    assert await split_of(engine, "p.a.1") is None
    direct = [*figures, an_observation("p", numerator=50, denominator=100)]
    assert await split_of(await after(a_catalog(a_target("p", 90, 80)), *direct)) is None


@given(st.lists(st.integers(-(10**30), 10**30), min_size=1, max_size=40).filter(sum), st.integers(1, 10**30))
def test_as_few_are_named_as_make_80_percent_of_what_widens_the_gap(gaps: list[int], under: int) -> None:
    brought = Brought({f"u{at:02d}": gap for at, gap in enumerate(gaps)}, under)
    sign = 1 if sum(gaps) > 0 else -1
    widen, narrow, most = sides(brought)
    ordered = [sign * brought.gaps[one] for one in in_order(brought)]
    assert sorted(brought.gaps) == sorted(in_order(brought))
    assert (widen, narrow) == (sum(gap > 0 for gap in ordered), sum(gap < 0 for gap in ordered))
    whole = sum(gap for gap in ordered if gap > 0)
    assert Fraction(sum(ordered[:most]), whole) >= Fraction(4, 5) > Fraction(sum(ordered[: most - 1]), whole)


LEVELS = ("province", "district", "commune", "village")
KINDS = {
    "ratio": a_kpi("ratio", levels=("village", "commune", "district", "province")),
    "flow": a_kpi("flow", "flow", levels=("village", "commune", "district")),
    "quarterly": a_kpi("quarterly", "flow", period="quarter", levels=("village", "district")),
    "stock": a_kpi("stock", "stock", levels=("village", "commune")),
    "level": a_kpi("level", "level", levels=("village", "district")),
    "rate": a_kpi("rate", "rate", rate_base=Decimal(1000), levels=("village", "commune")),
    "coverage": a_kpi("coverage", "coverage", levels=("village", "district")),
}
FIRST = date(2022, 12, 15)


@st.composite
def trees(draw: st.DrawFn) -> tuple[OrgUnit, ...]:
    """Up to three below each, now and then a level that is passed over, and units that move to another parent."""
    found = [unit("p", "province")]
    above = [found[0]]
    while above:
        parent = above.pop()
        depth = LEVELS.index(parent.level) + 1
        for at in range(draw(st.integers(1 if depth < 3 else 0, 3)) if depth < len(LEVELS) else 0):
            level = min(depth + draw(st.sampled_from([0, 0, 0, 1])), len(LEVELS) - 1)
            below = unit(f"{parent.id}.{at}", LEVELS[level], parent.id)
            found.append(below)
            above.append(below)
    for at, one in enumerate(found):
        others = [other.id for other in found if one.parents and other.id != one.parents[0].unit]
        others = [other for other in others if LEVELS.index(level_of(found, other)) < LEVELS.index(one.level)]
        if others and draw(st.sampled_from([True, False, False, False])):
            turn, other = FIRST + timedelta(days=draw(st.integers(1, 364))), draw(st.sampled_from(others))
            dated = Parent(unit=one.parents[0].unit, valid_to=turn), Parent(unit=other, valid_from=turn)
            found[at] = one.model_copy(update={"parents": dated})
    return tuple(found)


def level_of(units: Sequence[OrgUnit], unit: str) -> str:
    return next(one.level for one in units if one.id == unit)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Catalog, Sequence[ObservationRecorded]]:
    units = draw(trees())
    kind = draw(st.sampled_from(sorted(KINDS)))
    kpi = KINDS[kind]
    lowest = [one.id for one in units if one.level == kpi.levels[0]]
    if kind == "coverage":
        kpi = kpi.model_copy(update={"rosters": tuple(Roster(unit=one, size=20) for one in lowest)})
    targets = [a_target("p", draw(st.integers(20, 900)), draw(st.sampled_from([None, 0, 10])), kpi=kind)]
    for one in units[1:]:
        if draw(st.sampled_from([True, True, True, False])):
            targets.append(a_target(one.id, draw(st.integers(1, 50)), 0, kpi=kind))
    reporting = [one.id for one in units if one.level in kpi.levels]
    said = []
    for _ in range(draw(st.integers(0, 12))):
        who = draw(st.sampled_from(reporting or ["p"]))
        on = (FIRST + timedelta(days=draw(st.integers(0, 364)))).isoformat()
        n, d = draw(st.integers(0, 20)), 20 + draw(st.integers(0, 7))
        pair: dict[str, Any] = {"numerator": n, "denominator": d}
        given = {"ratio": pair, "rate": pair, "coverage": {"numerator": n}, "level": {"value": n, "weight": str(d)}}
        said.append(an_observation(who, on, kpi=kind, **given.get(kind, {"value": n})))
    return a_catalog(kpi, *targets, units=units), said


@given(cases())
def test_over_any_tree_what_the_lowest_units_bring_adds_up_to_the_gap_and_equals_the_model(
    case: tuple[Catalog, Sequence[ObservationRecorded]],
) -> None:
    catalog, said = case

    async def compare() -> None:
        engine = Engine(catalog, NOW)
        await engine.take(*said)
        await engine.tick()
        for (kpi, org_unit, period), model in recompute(catalog, said, NOW).items():
            found = await split_of(engine, org_unit, kpi, period)
            if model.lowest is None:
                assert (found is not None) == model.lowest_not_split
                assert found is None or (found.why_not is not None and found.units == ())
                continue
            assert model.gap == sum(model.lowest.values())
            assert gaps_of(found) == {one: float(gap) for one, gap in model.lowest.items()}
            assert found is not None
            assert {one.org_unit: one.share for one in found.units} == {
                one: float(gap / model.gap) for one, gap in model.lowest.items()
            }

    asyncio.run(compare())


NUMBERS = st.integers(0, 10**12)


@given(st.lists(st.tuples(NUMBERS, NUMBERS.filter(bool)), min_size=2, max_size=71), st.data())
def test_the_communes_of_a_district_bring_together_exactly_what_the_district_brings(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Of a share; each commune lies in one of three districts."""
    definition = Definition(a_catalog(), "k")
    window = definition.window("2023")
    where = [data.draw(st.sampled_from(["a", "b", "c"])) for _ in pairs]
    communes = tuple((f"{district}.{at}", n, d) for at, (district, (n, d)) in enumerate(zip(where, pairs, strict=True)))
    districts = tuple(
        (one, sum(n for name, n, _ in communes if name[0] == one), sum(d for name, _, d in communes if name[0] == one))
        for one in sorted(set(where))
    )
    whole = sum(n for n, _ in pairs), sum(d for _, d in pairs)
    value, planned = (100 * whole[0], whole[1]), (data.draw(st.integers(1, 10**6)), 7)
    fine = split(definition, window, Reading(value=value, parts=communes), planned)
    coarse = split(definition, window, Reading(value=value, parts=districts), planned)
    assert fine is not None
    assert coarse is not None
    assert Fraction(sum(fine.gaps.values()), fine.under) == Fraction(*value) - Fraction(*planned)
    for one, gap in coarse.gaps.items():
        together = sum(brings for name, brings in fine.gaps.items() if name[0] == one)
        assert Fraction(together, fine.under) == Fraction(gap, coarse.under)


@pytest.mark.parametrize(("level", "count", "words"), [(2, 1, "commune"), (2, 2, "communes"), (0, 3, "provinces")])
def test_a_level_has_a_short_word_in_both_languages(level: int, count: int, words: str) -> None:
    assert level_words(WORDS[level], count) == (WORDS[level].name_vi.split(",")[0].lower(), words)
    assert level_words(Level(id="x", name_vi="Xã"), count)[1] == "xã"
