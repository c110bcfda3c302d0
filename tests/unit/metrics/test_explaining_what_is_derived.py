"""The explanation of a growth and of a score: the sources by name, their numbers, and what was made of them."""

from typing import Any

from contracts.catalog import Kpi
from contracts.explanations import Explanation
from services.metrics.asking import Asker
from tests.unit.metrics.builders import a_catalog, a_target, local
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.test_growth_and_scores import PORTAL, SALES, SIGNED, SPEED, growth, said, score, share

NAMED = {"short_name": "Doanh thu", "short_name_en": "Sales"}


async def explained(engine: Engine, kpi: str, unit: str = "p.a.1", period: str = "2023") -> Explanation:
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    return await asker.explain(kpi, unit, period)


async def an_engine(*objects: Any, figures: list[Any]) -> Engine:
    engine = Engine(a_catalog(*objects), local("2023-10-10"))
    await engine.take(*figures)
    await engine.tick()
    return engine


def lines(found: Explanation) -> list[str]:
    return [step.text_vi for step in found.formula]


async def test_a_growth_is_told_by_its_two_values_each_with_the_record_that_says_more() -> None:
    engine = await an_engine(
        SALES.model_copy(update=NAMED),
        growth("sales"),
        a_target("p.a.1", 500, None, kpi="sales", period="2021-2025", id="long"),
        figures=[said("p.a.1", "2022-12-31", 1200), said("p.a.1", "2023-09-30", 900)],
    )
    found = await explained(engine, "growth")
    assert found.made_of == "sources"
    assert lines(found)[:5] == [
        "Mức tăng trưởng: giá trị từ đầu kỳ đến nay chia cho giá trị cả kỳ trước của chỉ tiêu gốc.",
        "Doanh thu, kỳ 2021-2025: 900.",
        "Doanh thu, kỳ 2021-2025: 1.200.",
        "900 ÷ 1.200 = 0,75.",
        "Tính từ các chỉ tiêu nguồn, số liệu mới nhất đến 30/09/2023.",
    ]
    assert found.formula[3].text_en == "900 ÷ 1,200 = 0.75."
    assert [(one.kpi, one.role, one.period, str(one.as_of), one.value) for one in found.sources] == [
        ("sales", "now", "2021-2025", "2023-09-30", 900),
        ("sales", "earlier", "2021-2025", "2022-12-31", 1200),
    ]
    assert (found.figures, found.observations_count, found.published) == ((), 0, True)


async def test_a_growth_without_an_earlier_value_says_which_one_is_missing() -> None:
    engine = await an_engine(
        SALES.model_copy(update=NAMED), growth("sales"), figures=[said("p.a.1", "2023-09-30", 900)]
    )
    found = await explained(engine, "growth")
    assert "Doanh thu, kỳ 2022: chưa có giá trị." in lines(found)
    assert [(one.role, one.period, one.value) for one in found.sources] == [
        ("now", "2023", 900),
        ("earlier", "2022", None),
    ]


ITEMS = (
    {"kpi": "signed", "maximum": "40"},
    {"kpi": "speed", "maximum": "30", "rule": "best_peer"},
    {"kpi": "portal", "maximum": "20", "rule": "half"},
    {"kpi": "sales", "maximum": "10", "rule": "steps", "steps": [{"at_least": 100, "points": 4}]},
)


def named(kpi: Kpi, name: str) -> Kpi:
    return kpi.model_copy(update={"short_name": name})


async def test_a_score_is_told_item_by_item_with_what_each_is_held_against() -> None:
    engine = await an_engine(
        named(SIGNED, "Ký số"),
        named(SPEED, "Tốc độ"),
        named(PORTAL, "Cổng"),
        named(SALES.model_copy(update={"calendar": "administrative"}), "Doanh thu"),
        a_target("p.a.1", 50, None, kpi="signed"),
        a_target(None, 1, None, kpi="portal", level="commune", id="portals"),
        score(*ITEMS),
        figures=[
            share("p.a.1", "2023-09-30", 2, 10),
            said("p.a.1", "2023-09-30", 30, "speed"),
            said("p.a.2", "2023-09-30", 60, "speed"),
            said("p.a.1", "2023-09-30", 120, "sales"),
        ],
    )
    found = await explained(engine, "score")
    assert lines(found)[1:8] == [
        "Ký số: 20 % so với 50 % được 16 trên 40 điểm.",
        "Tốc độ: 30 %, tốt nhất trong các đơn vị cùng cấp là 60 %, được 15 trên 30 điểm.",
        "Cổng: chưa chấm được điểm (tối đa 20).",
        "Doanh thu: 120, đạt bậc từ 100, được 4 trên 10 điểm.",
        "Tổng điểm: 16 + 15 + 4 = 35 trên 100 điểm.",
        "Chưa xếp hạng vì chưa chấm đủ; 0 đơn vị cùng cấp đã được xếp hạng.",
        "Tính từ các chỉ tiêu nguồn, số liệu mới nhất đến 30/09/2023.",
    ]
    assert [(one.kpi, one.against, one.points, one.maximum) for one in found.sources] == [
        ("signed", 50, 16, 40),
        ("speed", 60, 15, 30),
        ("portal", None, None, 20),
        ("sales", 100, 4, 10),
    ]
    assert found.judged.score is not None
    assert (found.judged.score.points, found.judged.score.rank) == (35, None)


async def test_a_derived_record_without_a_figure_has_no_sources_to_show() -> None:
    engine = await an_engine(SALES, growth("sales"), a_target("p.a.1", 2, None, kpi="growth"), figures=[])
    found = await explained(engine, "growth")
    assert (found.sources, found.made_of) == ((), "nothing")


async def test_its_history_is_that_of_its_own_figures() -> None:
    engine = await an_engine(
        SALES,
        growth("sales"),
        figures=[said("p.a.1", day, 10) for day in ("2022-12-31", "2023-06-30")] + [said("p.a.1", "2023-09-30", 15)],
    )
    asker = Asker(engine.store, lambda: engine.catalogs.catalogs, engine.clock.now)
    found = await asker.history("growth", "p.a.1", "2023", None)
    assert [(str(point.as_of), point.value) for point in found.points] == [("2023-06-30", 1), ("2023-09-30", 1.5)]
