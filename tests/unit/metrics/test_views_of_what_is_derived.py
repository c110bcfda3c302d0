"""Growth and scores on the units of another day: made anew from what was carried, and plain about what was not."""

import asyncio
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import GrowthSpec, Kpi, Roster, ScoreItem
from contracts.observations import ObservationRecorded
from contracts.views import PeriodView, ViewedUnit
from services.runtime.catalog.carrying import View
from tests.model import viewed
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, day, local
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.test_against_the_model import an_event, in_log_order
from tests.unit.metrics.test_derived_against_the_model import GROWTHS, SCORES, SOURCES, TARGETS
from tests.unit.metrics.test_views import AFTER, EVE, NOW, NOW_VIEW, REFORM, UNITS, follows, reformed, seen, units_of

STOCK = a_kpi("k", kind="stock")
SIGNED = a_kpi("signed", kind="ratio", name_vi="Văn bản ký số", name_en="Signed documents")
SPEED = a_kpi("speed", kind="level", levels=("commune",), short_name="Tốc độ", short_name_en="Speed")
GROWTH = a_kpi("g", kind="growth", levels=("commune",), growth=GrowthSpec(of="k"))


def score(*items: dict[str, Any], **more: Any) -> Kpi:
    made = tuple(ScoreItem.model_validate(item) for item in items)
    return a_kpi("s", kind="composite", composite=made, unit_of_measure="point", levels=("commune",), **more)


FORTY_AND_TWENTY = score(
    {"kpi": "signed", "maximum": 40},
    {"kpi": "speed", "maximum": 20, "rule": "steps",
     "steps": ({"at_least": 30, "points": 10}, {"at_least": 45, "points": 20})},
)  # fmt: skip


async def an_engine(objects: Sequence[Any], *observations: ObservationRecorded) -> Engine:
    engine = Engine(reformed(*objects), NOW)
    await engine.take(*observations)
    await engine.tick()
    return engine


def amounts(on: str, kpi: str = "k", **values: float) -> list[ObservationRecorded]:
    """Amounts of communes, `a_1` for `p.a.1`."""
    return [an_observation(_id(name), on, value=value, kpi=kpi) for name, value in values.items()]


def signed(on: str, **shares: tuple[int, int]) -> list[ObservationRecorded]:
    return [an_observation(_id(name), on, n, d, kpi="signed") for name, (n, d) in shares.items()]


def speeds(on: str, **measured: tuple[float, int | None]) -> list[ObservationRecorded]:
    """Value and weight."""
    found = []
    for name, (value, weight) in measured.items():
        more: dict[str, Any] = {} if weight is None else {"weight": weight}
        found.append(an_observation(_id(name), on, value=value, kpi="speed", **more))
    return found


def _id(name: str) -> str:
    return f"p.{name.replace('_', '.')}" if "_" in name else name


def codes(unit: ViewedUnit) -> list[str]:
    return [one.code for one in unit.reasons]


# growth


TWO_YEARS = [*amounts("2022-06-10", a_1=10, a_2=30, b_1=20), *amounts("2023-06-10", a_1=30, a_2=30, b_1=36)]


async def test_the_growth_of_a_merged_commune_is_that_of_the_sums_and_no_mean_of_growths() -> None:
    """3 and 1 are not 2: (30 + 30) ÷ (10 + 30) is 1.5."""
    engine = await an_engine([STOCK, GROWTH], *TWO_YEARS)
    was, now = units_of(await seen(engine, "as_it_was", "g")), units_of(await seen(engine, NOW_VIEW, "g"))
    assert (was["p.a.1"].value, was["p.a.2"].value, was["p.b.1"].value) == (3, 1, 1.8)
    assert (now["m"].value, str(now["m"].as_of), now["m"].made_of) == (1.5, "2023-06-10", "derived")
    assert [(one.kpi, one.role, one.period, one.value) for one in now["m"].made_from] == [
        ("k", "now", "2023", 60),
        ("k", "earlier", "2022", 40),
    ]
    assert (now["m"].expected, now["m"].missing, now["m"].reasons, now["m"].estimated) == (2, (), (), False)
    assert (now["p"].value, was["p"].value) == (1.6, 1.6)


async def test_a_growth_is_seen_as_it_was_and_no_sum_is_made_of_it() -> None:
    """3, 1 and 1.8 are no 5.8; of the province 96 ÷ 60, made from its own sums, is 1.6."""
    was = await seen(await an_engine([STOCK, GROWTH], *TWO_YEARS), "as_it_was", "g")
    there = units_of(was)
    values = {name: one.value for name, one in there.items() if one.value is not None}
    assert values == {"p": 1.6, "p.a": 1.5, "p.a.1": 3, "p.a.2": 1, "p.b": 1.8, "p.b.1": 1.8}
    assert {one.made_of for one in there.values()} == {"derived", "nothing"}
    assert (was.before, was.after, was.not_carried, was.reasons, str(was.on)) == (None, None, (), (), "2023-06-10")
    assert there["p.b"].missing == ("p.b.2", "p.b.3")


async def test_a_divided_commune_has_its_stated_share_of_both_periods() -> None:
    """B1 had 20 in 2022, of which X has 0.7: what X reports itself after the reform is divided by 14, not by 20. Y is
    silent: 0.3 of 36 over 0.3 of 20."""
    engine = await an_engine([STOCK, GROWTH], *TWO_YEARS, *amounts("2023-08-10", x=28))
    now = units_of(await seen(engine, NOW_VIEW, "g"))
    assert [(one.value, one.period) for one in now["x"].made_from] == [(28, "2023"), (14, "2022")]
    assert (now["x"].value, str(now["x"].as_of)) == (2, "2023-08-10")
    assert [one.value for one in now["y"].made_from] == [10.8, 6]
    assert now["y"].value == 1.8


async def test_undone_it_is_what_it_was() -> None:
    """On the eve of the reform all units are those that reported. And what two parts of a divided commune report after
    it, 28 and 12, is 40 of that commune."""
    engine = await an_engine([STOCK, GROWTH], *TWO_YEARS)
    was, eve = units_of(await seen(engine, "as_it_was", "g")), units_of(await seen(engine, EVE, "g"))
    assert {name: (one.value, one.as_of, one.made_of) for name, one in eve.items()} == {
        name: (one.value, one.as_of, one.made_of) for name, one in was.items()
    }
    later = await an_engine([STOCK, GROWTH], *amounts("2022-06-10", b_1=20), *amounts("2023-08-10", x=28, y=12))
    back = units_of(await seen(later, EVE, "g"))
    assert (back["p.b.1"].value, back["p.b.1"].missing) == (2, ())


async def test_growth_over_the_reform_divides_what_the_new_commune_reports_by_what_its_predecessors_had() -> None:
    engine = await an_engine(
        [STOCK, GROWTH], *amounts("2022-06-10", a_1=10, a_2=30), *amounts("2023-08-10", m=50)
    )  # fmt: skip
    assert engine.record("m", "2023", "g").value is None
    assert units_of(await seen(engine, NOW_VIEW, "g"))["m"].value == 1.25
    assert units_of(await seen(engine, REFORM, "g"))["m"].value == 1.25


async def test_a_share_that_nobody_stated_is_marked_in_what_is_derived_from_it() -> None:
    parts = follows("p.b.1", "x", "part"), follows("p.b.1", "y", "part-default")
    engine = Engine(a_catalog(STOCK, GROWTH, *parts, units=UNITS), NOW)
    await engine.take(*TWO_YEARS)
    now = units_of(await seen(engine, NOW_VIEW, "g"))
    assert (now["y"].value, now["y"].estimated, now["p"].estimated, now["p.b.2"].estimated) == (1.8, True, True, False)
    assert (now["x"].value, now["x"].made_of, now["x"].estimated) == (None, "nothing", False)


async def test_what_could_not_be_carried_leaves_a_growth_without_a_value_and_says_why() -> None:
    """Of 2022 two communes sent shares without their parts; what they come to together nobody knows."""
    growth = a_kpi("g", kind="growth", levels=("commune",), growth=GrowthSpec(of="signed"))
    bare = [an_observation(one, "2022-06-10", value=80, kpi="signed") for one in ("p.a.1", "p.a.2")]
    engine = await an_engine([SIGNED, growth], *bare, *signed("2023-06-10", a_1=(40, 50), a_2=(10, 50)))
    found = await seen(engine, NOW_VIEW, "g")
    m = units_of(found)["m"]
    assert (m.value, str(m.as_of), m.made_of) == (None, "2023-06-10", "derived")
    assert codes(m) == ["no_earlier_value", "source_not_carried"]
    assert m.reasons[1].text_vi == (
        "Văn bản ký số: số liệu của 2 đơn vị không chuyển sang được, vì chỉ có giá trị, không có tử số và mẫu số."
    )
    assert m.reasons[1].text_en == (
        "Signed documents: figures could not be carried over (units: 2): "
        "a value without numerator and denominator cannot be added."
    )
    assert [(one.kpi, one.org_unit, one.reason.code, one.whole.value) for one in found.not_carried] == [
        ("signed", "p.a.1", "no_parts", 80),
        ("signed", "p.a.2", "no_parts", 80),
    ]
    was = units_of(await seen(engine, "as_it_was", "g"))
    assert (was["p.a.1"].value, was["p.a.2"].value) == (1, 0.25)


async def test_a_growth_over_fewer_units_than_now_says_of_how_many() -> None:
    """60 ÷ 10 is no growth of M: of 2022 A2 is not known."""
    engine = await an_engine(
        [STOCK, GROWTH], *amounts("2022-06-10", a_1=10), *amounts("2023-06-10", a_1=30, a_2=30)
    )  # fmt: skip
    m = units_of(await seen(engine, NOW_VIEW, "g"))["m"]
    assert (m.value, m.expected, m.missing, codes(m)) == (6, 2, ("p.a.2",), ["source_incomplete"])
    assert m.reasons[0].text_vi == "k, kỳ 2022: mới có đủ số liệu của 1/2 đơn vị."


async def test_what_was_merged_has_no_growth_of_its_own_on_a_day_before() -> None:
    engine = await an_engine([STOCK, GROWTH], *amounts("2022-06-10", a_1=10, a_2=30), *amounts("2023-08-10", m=50))
    found = units_of(await seen(engine, EVE, "g"))
    assert (found["p.a.1"].value, codes(found["p.a.1"])) == (None, ["source_not_carried"])
    assert "hợp nhất từ nhiều đơn vị" in found["p.a.1"].reasons[0].text_vi
    assert found["p"].value is None


async def test_what_was_overtaken_by_newer_figures_is_listed_and_not_held_against_the_growth() -> None:
    told = [
        *amounts("2022-06-10", a_1=10, a_2=30),
        *amounts("2023-06-10", a_1=15, a_2=15),
        *amounts("2023-08-10", m=50),
    ]
    found = await seen(await an_engine([STOCK, GROWTH], *told), NOW_VIEW, "g")
    assert (units_of(found)["m"].value, units_of(found)["m"].reasons) == (1.25, ())
    assert [(one.kpi, one.org_unit, one.reason.code) for one in found.not_carried] == [
        ("k", "p.a.1", "newer_figure"),
        ("k", "p.a.2", "newer_figure"),
    ]


async def test_a_figure_that_the_province_reports_itself_is_whole_whoever_is_missing_below() -> None:
    engine = await an_engine([STOCK, GROWTH], *amounts("2022-06-10", a_1=10, p=40), *amounts("2023-06-10", p=50))
    p = units_of(await seen(engine, NOW_VIEW, "g"))["p"]
    assert (p.value, p.reasons) == (1.25, ())


async def test_an_earlier_value_of_nothing_is_told_as_in_the_record() -> None:
    engine = await an_engine([STOCK, GROWTH], *amounts("2022-06-10", a_1=0), *amounts("2023-06-10", a_1=5))
    assert codes(units_of(await seen(engine, NOW_VIEW, "g"))["m"])[0] == "earlier_not_positive"


async def test_a_target_of_several_years_shows_the_latest_of_them() -> None:
    engine = await an_engine([STOCK, GROWTH], *TWO_YEARS)
    found = await seen(engine, NOW_VIEW, "g", "2021-2025")
    assert (units_of(found)["m"].value, str(found.as_of)) == (1.5, "2023-06-10")


async def test_without_figures_nothing_is_derived_and_all_are_missing_who_were_due_in_either_period() -> None:
    found = await seen(await an_engine([STOCK, GROWTH]), NOW_VIEW, "g")
    assert {(one.value, one.made_of) for one in found.units} == {(None, "nothing")}
    assert (units_of(found)["m"].missing, found.as_of, found.not_carried) == (("m", "p.a.1", "p.a.2"), None, ())


# scores


async def test_a_merged_commune_is_scored_on_what_its_predecessors_had_together() -> None:
    """Signed 50 of 100 brings 20 of 40. Speed is (20 × 1 + 50 × 3) ÷ 4 = 42.5 and brings 10, not the 0 and 20 that the
    two had. B1 keeps its points in both parts: 100 of 200 is 20, a speed of 60 brings 20."""
    told = [*signed("2023-06-10", a_1=(40, 50), a_2=(10, 50), b_1=(100, 200)),
            *speeds("2023-06-12", a_1=(20, 1), a_2=(50, 3), b_1=(60, 2))]  # fmt: skip
    engine = await an_engine([SIGNED, SPEED, FORTY_AND_TWENTY], *told)
    was = units_of(await seen(engine, "as_it_was", "s"))
    assert (was["p.a.1"].value, was["p.a.2"].value, was["p.b.1"].value) == (32, 28, 40)
    found = await seen(engine, NOW_VIEW, "s")
    now = units_of(found)
    assert {name: (one.value, one.rank, one.of) for name, one in now.items() if one.value is not None} == {
        "m": (30, 3, 3),
        "x": (40, 1, 3),
        "y": (40, 1, 3),
    }
    assert [(one.kpi, one.value, one.against, one.points, one.maximum, one.rule) for one in now["m"].made_from] == [
        ("signed", 50, 100, 20, 40, "ratio"),
        ("speed", 42.5, 30, 10, 20, "steps"),
    ]
    assert (str(now["m"].as_of), found.before, found.after, found.not_carried) == ("2023-06-12", None, None, ())
    assert (now["p"].value, now["p"].made_of, now["p.b.2"].made_of) == (None, "nothing", "nothing")


async def test_an_item_that_could_not_be_carried_brings_nothing_and_the_commune_is_not_ranked() -> None:
    """Without weights no mean can be taken; B2 takes B3 in, of which there is nothing."""
    told = [*signed("2023-06-10", a_1=(40, 50), a_2=(10, 50), b_1=(1, 2)),
            *speeds("2023-06-12", a_1=(20, None), a_2=(50, None), b_1=(60, 5))]  # fmt: skip
    engine = await an_engine([SIGNED, SPEED, FORTY_AND_TWENTY], *told)
    now = units_of(await seen(engine, NOW_VIEW, "s"))
    assert (now["m"].value, now["m"].rank, now["m"].of, now["x"].rank) == (20, None, 2, 1)
    assert codes(now["m"]) == ["items_missing", "source_not_carried"]
    assert now["m"].reasons[1].text_vi == (
        "Tốc độ: số liệu của 2 đơn vị không chuyển sang được, vì không có trọng số để tính bình quân."
    )
    assert (now["m"].missing, now["p"].reasons) == (("p.a.1", "p.a.2"), ())


async def test_the_place_that_somebody_else_gave_is_true_of_nobody_else() -> None:
    """A reported rank stays where it was given: no score can be made of it for those who follow."""
    placed = a_kpi(
        "rank", kind="rank", levels=("commune",), direction="decrease", natural_limits={"low": 1, "high": 63}
    )
    made = score({"kpi": "rank", "maximum": 10, "rule": "best_peer"})
    told = [an_observation(one, "2023-06-10", rank=at, kpi="rank") for one, at in (("p.a.1", 3), ("p.b.2", 1))]
    engine = await an_engine([placed, made], *told)
    found = await seen(engine, NOW_VIEW, "s")
    now = units_of(found)
    assert (now["m"].value, codes(now["m"])) == (None, ["source_not_carried"])
    assert "thứ hạng chỉ đúng với đơn vị đã được xếp" in now["m"].reasons[0].text_vi
    assert {(one.kpi, one.reason.code) for one in found.not_carried} == {("rank", "rank_stands_alone")}


async def test_the_best_peer_is_the_best_of_the_communes_of_that_day() -> None:
    """As 71 and now: A1 had 90, the best; M has 50, and B1 at 80 is the best there is."""
    best = score({"kpi": "signed", "maximum": 10, "rule": "best_peer"})
    told = signed("2023-06-10", a_1=(90, 100), a_2=(10, 100), b_1=(80, 100))
    engine = await an_engine([SIGNED, best], *told)
    was, now = units_of(await seen(engine, "as_it_was", "s")), units_of(await seen(engine, NOW_VIEW, "s"))
    assert (was["p.a.1"].value, was["p.b.1"].value) == (10, float(Fraction(800, 90)))
    assert (now["m"].value, now["x"].value, now["m"].rank) == (6.25, 10, 3)
    assert now["m"].made_from[0].against == 80


async def test_a_commune_is_held_against_its_own_target_of_the_first_day_on_which_it_is_there() -> None:
    """The figures are of June; M, which is there from July on, is to reach 80: 50 of 80 of 40 points are 25."""
    target = a_target("m", 80, None, kpi="signed", valid_from=REFORM)
    engine = await an_engine(
        [SIGNED, SPEED, FORTY_AND_TWENTY, target], *signed("2023-06-10", a_1=(40, 50), a_2=(10, 50))
    )  # fmt: skip
    m = units_of(await seen(engine, NOW_VIEW, "s"))["m"]
    assert (m.value, m.made_from[0].against) == (25, 80)


async def test_a_score_of_a_growth_is_made_from_the_carried_figures_of_both_years() -> None:
    made = score({"kpi": "g", "maximum": 10, "rule": "best_peer"})
    engine = await an_engine([STOCK, GROWTH, made], *TWO_YEARS)
    found = await seen(engine, NOW_VIEW, "s")
    now = units_of(found)
    assert (now["x"].value, now["m"].value, now["m"].made_from[0].value) == (10, float(Fraction(15, 18) * 10), 1.5)
    assert found.not_carried == ()


async def test_of_several_quarters_each_commune_shows_its_last_and_all_that_stayed_behind_is_listed() -> None:
    """B2 was heard of in the second quarter, B1 in the third, and so was A1, without its parts."""
    made = score({"kpi": "signed", "maximum": 10}, period="quarter")
    bare = an_observation("p.a.1", "2023-06-20", value=70, kpi="signed")
    engine = await an_engine([SIGNED, made], *signed("2023-06-10", b_2=(1, 2)), *signed("2023-06-20", b_1=(3, 4)), bare)
    found = await seen(engine, NOW_VIEW, "s")
    now = units_of(found)
    assert {name: (one.value, str(one.as_of)) for name, one in now.items() if one.value is not None} == {
        "p.b.2": (5, "2023-06-10"),
        "x": (7.5, "2023-06-20"),
        "y": (7.5, "2023-06-20"),
    }
    assert (now["p.b.2"].rank, now["x"].rank, now["y"].of) == (3, 1, 3)
    assert [(one.org_unit, one.reason.code) for one in found.not_carried] == [("p.a.1", "no_parts")]


QUARTERLY = a_kpi("q", kind="flow", period="quarter")
UPON = score({"kpi": "q", "maximum": 10, "rule": "best_peer"})
TWO = (score({"kpi": "s", "maximum": 10, "rule": "best_peer"}, {"kpi": "signed", "maximum": 5})
       .model_copy(update={"id": "two", "levels": ("commune", "province")}))  # fmt: skip


async def test_what_a_score_counted_in_a_quarter_is_still_in_what_is_made_from_it_in_the_next() -> None:
    """S counts what was sold in the second quarter, and nothing was said of that since; TWO adds what was signed in the
    third. Of nobody is a figure missing."""
    told = [*amounts("2023-06-10", "q", a_1=10, a_2=30), *signed("2023-06-20", a_1=(1, 2), a_2=(1, 2))]
    engine = await an_engine([QUARTERLY, UPON, SIGNED, TWO], *told)
    m = units_of(await seen(engine, NOW_VIEW, "two"))["m"]
    assert (m.value, m.missing, m.reasons) == (12.5, (), ())
    assert [(one.kpi, one.value, one.points) for one in m.made_from] == [("s", 10, 10), ("signed", 50, 2.5)]


async def test_what_was_said_of_a_unit_that_a_score_is_not_of_does_not_date_what_is_made_from_it() -> None:
    """The province reports its own sales of the third quarter: no score of a commune hears of that. So its score rests
    on the day on which it signed, as in its record."""
    flow = a_kpi("flow", kind="flow", period="quarter")
    made = score({"kpi": "flow", "maximum": 4, "rule": "best_peer"}, {"kpi": "s", "maximum": 10, "rule": "best_peer"})
    two = made.model_copy(update={"id": "two", "levels": ("commune", "province")})
    engine = Engine(a_catalog(QUARTERLY, UPON, flow, two), NOW)
    await engine.take(
        *amounts("2023-06-10", "flow", a_1=7), *amounts("2023-06-10", "q", a_1=7), *amounts("2023-09-20", "q", p=50)
    )
    await engine.tick()
    there = units_of(await seen(engine, NOW_VIEW, "two"))["p"]
    record = engine.record("p", "2023", "two")
    assert (there.value, there.as_of) == (record.value, record.as_of) == (4, day("2023-06-10"))


async def test_an_item_has_the_value_that_its_own_view_shows_also_where_the_silent_count() -> None:
    """What the silent leave in the total depends on what others said since; M itself signed later still."""
    coverage = a_kpi("c", kind="coverage", rosters=(Roster(unit="p.a.1", size=9), Roster(unit="p.a.2", size=5)))
    told = an_observation("p.a.1", "2023-06-10", 7, kpi="c")
    made = score({"kpi": "c", "maximum": 10}, {"kpi": "signed", "maximum": 10})
    for others in ((), (an_observation("x", "2023-08-10", 1, 2, kpi="c"),)):
        engine = await an_engine([coverage, SIGNED, made], told, *others, *signed("2023-08-20", m=(1, 2)))
        item = units_of(await seen(engine, NOW_VIEW, "s"))["m"].made_from[0]
        assert item.value == units_of(await seen(engine, NOW_VIEW, "c"))["m"].value


# against the records and the plain recomputation

DERIVED = (*GROWTHS, *SCORES)
CATALOG = reformed(*SOURCES, *DERIVED, *(one for one in TARGETS if one.unit is None or one.unit != "p.a.1"))
BEFORE = [day(one) for one in ("2022-11-20", "2022-12-14")]
EARLY = [day(one) for one in ("2022-12-15", "2023-03-31", "2023-06-14", "2023-06-20")]
LATE = [day(one) for one in ("2023-07-01", "2023-08-20", "2023-09-14", "2023-09-30")]


def sources_of(kpi: Kpi) -> list[Kpi]:
    """What is reported of all that it goes back to."""
    found = []
    for one in kpi.sources:
        source = CATALOG.kpis[one]
        found += sources_of(source) if source.sources else [source]
    return found


@st.composite
def over_the_reform(draw: st.DrawFn) -> tuple[Kpi, list[ObservationRecorded]]:
    kpi = draw(st.sampled_from(DERIVED))
    reported = sources_of(kpi)
    one = st.sampled_from(reported)
    days = [draw(st.sampled_from(BEFORE)), *draw(st.lists(st.sampled_from(EARLY), min_size=1, max_size=2))]
    early = draw(st.lists(one.flatmap(lambda source: an_event(source, days)), min_size=12, max_size=35))
    late = draw(st.lists(one.flatmap(lambda source: an_event(source, LATE)), max_size=8))
    moved = [told.model_copy(update={"org_unit": AFTER[told.org_unit]}) for told in late]
    levels = {source.id: source.levels for source in reported}
    there = [told for told in moved if CATALOG.units.get(told.org_unit).level in levels[told.kpi]]  # type: ignore[union-attr]
    return kpi, in_log_order([*early, *there])


@given(over_the_reform(), st.sampled_from(["2023", "2023", "2023-Q2", "2023-Q3", "2021-2025"]), st.booleans())
def test_every_derived_figure_equals_the_plain_recomputation(
    told: tuple[Kpi, list[ObservationRecorded]], period: str, now: bool
) -> None:
    kpi, observations = told
    moment = local("2024-02-01")
    view: View = NOW_VIEW if now else day("2023-06-30")

    async def work() -> PeriodView:
        engine = Engine(CATALOG, moment)
        await engine.take(*observations)
        return await seen(engine, view, kpi.id, period)

    if not now:
        observations = [one for one in observations if _day(one) < REFORM]
    on = moment.date() if now else EVE
    expected = viewed(CATALOG, kpi.id, observations, period, on, moment)
    for one in asyncio.run(work()).units:
        model = expected.pop(one.org_unit)
        assert (one.value, one.as_of, one.rank, one.of) == (
            _nearest(model.value), model.as_of, model.rank, model.of,
        ), one.org_unit  # fmt: skip
    assert expected == {}


def _day(one: ObservationRecorded) -> Any:
    return one.as_of.astimezone(CATALOG.zone).date() if hasattr(one.as_of, "astimezone") else one.as_of


def _nearest(value: Fraction | None) -> float | None:
    return None if value is None else value.numerator / value.denominator
