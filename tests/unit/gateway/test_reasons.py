import pytest

from contracts.progress import Reason
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.reasons import IN_THE_KPIS_UNIT, SHARES, sentence
from services.gateway.views.words import Language, Words
from services.metrics.reasons import TEXTS, because

PERCENT = Measure("percent", 1)


def said(code: str, language: Language = "vi", measure: Measure = PERCENT, **numbers: str) -> str:
    words = Words(language)
    text = sentence(Reason.model_validate(because(code, **numbers)), measure, words, Numbers(words))
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def test_figures_are_rounded_and_have_their_unit() -> None:
    assert said("line_held", value="82.0354", goal="≥ 80") == "Giữ được mức: 82,0 %, mục tiêu ≥ 80 %."
    assert said("line_held", "en", value="82.0354", goal="≥ 80") == "The line is held: 82.0 %, target ≥ 80 %."
    products = Measure("product", 0)
    assert said("target_met", measure=products, value="21695", goal="≥ 2000").startswith(
        "Đạt mục tiêu: 21.695 sản phẩm, mục tiêu ≥ 2.000 sản phẩm"
    )


def test_paces_are_rounded_to_hundredths_without_unit() -> None:
    assert said("pace_below_on_track", pace="0.8314", bound="0.95") == (
        "Nhịp độ 0,83 thấp hơn ngưỡng đúng tiến độ 0,95: có nguy cơ."
    )


def test_what_falls_short_by_a_hair_is_not_rounded_up_to_its_goal() -> None:
    assert said("line_not_held", value="91.9999", goal="≥ 92") == ("Không giữ được mức: 91,9999 %, mục tiêu ≥ 92 %.")
    assert said("pace_below_on_track", pace="0.9486", bound="0.95") == (
        "Nhịp độ 0,949 thấp hơn ngưỡng đúng tiến độ 0,95: có nguy cơ."
    )


def test_bands_and_values_below_zero_are_read_too() -> None:
    assert said("target_not_met", value="-1.25", goal="80 … 90.5") == (
        "Chưa đạt mục tiêu: \u22121,3 %, mục tiêu 80 % … 90,5 %."
    )


def test_days_are_written_as_people_write_them() -> None:
    assert said("stale", as_of="2023-06-16") == ("Số liệu mới nhất (16/06/2023) đã quá cũ so với chu kỳ báo cáo.")
    assert said("deadline_passed", deadline="2023-12-14", value="91.0412", goal="≥ 92") == (
        "Đã quá hạn 14/12/2023 và thời gian chờ số liệu mà chưa đạt: 91,0 %, mục tiêu ≥ 92 %."
    )


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_every_reason_with_numbers_is_known(code: str) -> None:
    numbers = {name for name in ("value", "goal", "baseline", "pace", "bound") if f"{{{name}}}" in TEXTS[code][0]}
    assert bool(numbers) == (code in IN_THE_KPIS_UNIT | SHARES)
    assert bool(numbers & {"pace"}) == (code in SHARES)
