"""Figures that cannot be added up: whose they are is said at every unit above, and trust counts them."""

import asyncio
from typing import Any

from contracts.catalog import Kpi, OrgUnit
from contracts.progress import ProgressJudged, Reason
from services.metrics.asking import Asker
from tests.unit.metrics.builders import a_catalog, a_kpi, a_target, an_observation, local, unit
from tests.unit.metrics.engine import Engine, run

NOW = local("2023-10-01")
LEVEL = a_kpi(kind="level", unit_of_measure="Mbps")


def a_province_of(communes: int) -> tuple[OrgUnit, ...]:
    """With communes that are called Xã 1, Xã 2 …"""
    below = [unit(f"p.{at}", "commune", "p").model_copy(update={"name": f"Xã {at}"}) for at in range(1, communes + 1)]
    return unit("p", "province"), *below


FIVE = a_province_of(5)


def of_five(first: Any, *others: Any, kpi: Kpi | None = None) -> Engine:
    """What is published once the five communes said these things."""
    said = [an_observation(f"p.{at}", **one) for at, one in enumerate([first, *others], 1)]
    return run(a_catalog(*([kpi] if kpi else []), a_target("p", 90, 0), units=FIVE), NOW, said)


def left_out(record: ProgressJudged) -> tuple[str, ...]:
    assert record.completeness is not None
    return record.completeness.left_out


def why(record: ProgressJudged) -> Reason | None:
    return next((one for one in record.reasons if one.code == "parts_left_out"), None)


def test_percentages_without_their_parts_are_named_and_lower_the_trust() -> None:
    """10 of 100 make 10 % of the province, whatever the four that only said “95 %” have done."""
    record = of_five({"numerator": 10, "denominator": 100}, *[{"value": 95}] * 4).record("p")
    assert record.completeness is not None
    assert (record.value, record.completeness.reported, record.completeness.missing) == (10, 5, ())
    assert left_out(record) == ("p.2", "p.3", "p.4", "p.5")
    said = why(record)
    assert said is not None
    assert said.text_vi == "Số liệu của 4 đơn vị không cộng được nên không nằm trong giá trị: Xã 2, Xã 3, Xã 4, Xã 5."
    assert (
        said.text_en == "Not in the value, since their figures cannot be added up (units: 4): Xã 2, Xã 3, Xã 4, Xã 5."
    )
    assert record.trust == "C"


def test_measured_values_without_a_weight_are_named() -> None:
    """(30·100 + 20·100) / 200 = 25, of two communes of five."""
    weighed = [{"value": 30, "weight": "100"}, {"value": 20, "weight": "100"}]
    record = of_five(*weighed, *[{"value": 90}] * 3, kpi=LEVEL).record("p")
    assert (record.value, left_out(record), record.trust) == (25, ("p.3", "p.4", "p.5"), "C")


def test_one_of_five_that_cannot_be_added_up_costs_one_grade_like_a_silent_one() -> None:
    parts = {"numerator": 10, "denominator": 100}
    assert of_five(parts, parts, parts, parts, {"value": 95}).record("p").trust == "B"
    assert of_five(parts, parts, parts, parts).record("p").trust == "B"
    assert of_five(parts, parts, parts, {"value": 95}).record("p").trust == "B"
    assert of_five(parts, parts, {"value": 95}).record("p").trust == "C"


def test_figures_that_all_add_up_and_a_unit_that_reports_for_itself_leave_nobody_out() -> None:
    parts = {"numerator": 10, "denominator": 100}
    engine = of_five(parts, parts, parts, parts, {"numerator": 0, "denominator": 0})
    assert (why(engine.record("p")), left_out(engine.record("p")), engine.record("p").trust) == (None, (), "A")
    alone = of_five({"value": 95}).record("p.1")
    assert (alone.value, alone.completeness, why(alone)) == (95, None, None)


def test_a_sum_of_nothing_says_only_that_nothing_can_be_added_up() -> None:
    record = of_five({"value": 95}, {"value": 96}).record("p")
    assert (record.value, left_out(record), record.trust) == (None, (), None)
    assert "parts_not_usable" in [one.code for one in record.reasons]


def test_those_left_out_are_named_at_every_unit_above_them() -> None:
    said = [an_observation("p.a.1", numerator=80, denominator=100), an_observation("p.a.2", value=95)]
    engine = run(a_catalog(), NOW, said)
    assert left_out(engine.record("p.a")) == left_out(engine.record("p")) == ("p.a.2",)


def test_what_a_district_reported_itself_stands_for_its_communes() -> None:
    """Its own figure goes up where it has parts; where it has none, those of its communes go up, and some lack."""
    kpi = a_kpi(levels=("commune", "district"))
    communes = [
        an_observation("p.a.1", value=95),
        an_observation("p.a.2", numerator=5, denominator=10),
        an_observation("p.b.1", numerator=80, denominator=100),
    ]
    engine = run(a_catalog(kpi), NOW, [*communes, an_observation("p.a", numerator=50, denominator=100)])
    assert (engine.record("p").value, left_out(engine.record("p")), why(engine.record("p.a"))) == (65, (), None)
    engine = run(a_catalog(kpi), NOW, [*communes, an_observation("p.a", value=50)])
    assert engine.record("p").numerator == 85
    assert (left_out(engine.record("p")), why(engine.record("p.a"))) == (("p.a.1",), None)


def test_a_commune_is_no_longer_left_out_when_its_parts_come_and_again_when_they_are_withdrawn() -> None:
    engine = of_five({"numerator": 10, "denominator": 100}, {"value": 95})
    assert left_out(engine.record("p")) == ("p.2",)
    parts = an_observation("p.2", "2023-09-30", 95, 100, revision=2)
    asyncio.run(engine.take(parts))
    assert (engine.record("p").value, left_out(engine.record("p")), why(engine.record("p"))) == (52.5, (), None)
    asyncio.run(engine.take(an_observation("p.2", "2023-09-30", value=95, revision=3)))
    assert (engine.record("p").value, left_out(engine.record("p"))) == (10, ("p.2",))
    asyncio.run(engine.take(an_observation("p.2", "2023-09-30", value=95, revision=4, retracts=True)))
    record = engine.record("p")
    assert record.completeness is not None
    assert (left_out(record), record.completeness.missing) == ((), ("p.2", "p.3", "p.4", "p.5"))


def test_of_many_left_out_five_are_named_in_the_sentence_and_all_in_the_record() -> None:
    said = [an_observation(f"p.{at}", value=9) for at in range(2, 9)]
    record = run(a_catalog(units=a_province_of(8)), NOW, [an_observation("p.1", "2023-09-30", 1, 2), *said]).record("p")
    found = why(record)
    assert found is not None
    assert len(left_out(record)) == 7
    assert found.text_vi.endswith("giá trị: Xã 2, Xã 3, Xã 4, Xã 5, Xã 6, 2 đơn vị khác.")
    assert found.text_en.endswith("(units: 7): Xã 2, Xã 3, Xã 4, Xã 5, Xã 6, 2 more.")


async def test_the_explanation_says_how_many_of_those_that_reported_are_in_the_sum() -> None:
    engine = Engine(a_catalog(a_target("p", 90, 0), units=FIVE), NOW)
    await engine.take(an_observation("p.1", numerator=10, denominator=100))
    await engine.take(*(an_observation(f"p.{at}", value=95) for at in (2, 3, 4, 5)))
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    explained = await asker.explain("k", "p", "2023")
    steps = {one.code: one for one in explained.formula}
    assert "parts" not in steps
    assert "5 trên 5 đơn vị đã báo cáo, trong đó số liệu của 1 đơn vị được cộng vào." in steps["parts_but_some"].text_vi
    assert "5 of 5 units have reported, 1 of them in the sum." in steps["parts_but_some"].text_en
    assert steps["trust"].text_vi == "Độ tin cậy C: 4 trên 5 đơn vị có số liệu không cộng được."
    assert steps["trust"].text_en == "Trust C: the figures of 4 of 5 units cannot be added up."
