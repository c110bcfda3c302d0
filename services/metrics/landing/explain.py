"""A forecast in one sentence, in Vietnamese and English; and how good such forecasts have been. From the forecast as a
record carries it: whoever else puts it into words has the same numbers."""

from datetime import date
from typing import NamedTuple

from contracts.progress import Landing, Skill


class Sentence(NamedTuple):
    """The same said twice."""

    vi: str
    en: str


NO_UNIT = Sentence("", "")

METHOD_NAMES: dict[str, Sentence] = {
    "run_rate": Sentence("nhịp gần đây", "run rate"),
    "seasonal_naive": Sentence("theo mùa như các kỳ trước", "seasonal, as in earlier periods"),
    "damped_holt": Sentence("xu hướng giảm dần (Holt)", "damped trend (Holt)"),
}
"""What people read for the name of a method."""


def explain(landing: Landing, deadline: date, decimals: int, unit: Sentence = NO_UNIT) -> Sentence:
    """Where it will stand and how likely the target is met. `unit`: as written after a number, “%” or “điểm”."""
    value, low, high = (_number(n, decimals) for n in (landing.value, landing.low, landing.high))
    value = _with(value, unit)
    chance = _chance(landing.p_meet)
    return Sentence(
        f"Theo đà hiện nay sẽ đạt {value.vi} vào {deadline:%d/%m/%Y} (khoảng {low.vi}–{high.vi}), "
        f"khả năng đạt mục tiêu {chance.vi}.",
        f"At this rate it will stand at {value.en} on {deadline.isoformat()} (between {low.en} and {high.en}); "
        f"the chance of meeting the target is {chance.en}.",
    )


def explain_skill(method_name: str, skill: Skill, decimals: int, unit: Sentence = NO_UNIT) -> Sentence:
    """How such forecasts of the same record would have turned out so far."""
    method = METHOD_NAMES.get(method_name, Sentence(method_name, method_name))
    days, unit = round(skill.days_ahead), _of_difference(unit)
    error = _with(_number(skill.mean_absolute_error, max(1, decimals)), unit)
    held_vi = held_en = ""
    if skill.intervals_tested:
        held_vi = f"; {skill.intervals_held}/{skill.intervals_tested} khoảng dự báo đã đúng"
        held_en = f"; {skill.intervals_held} of {skill.intervals_tested} intervals held"
    return Sentence(
        f"Cách tính: {method.vi}. Thử lại trên chính chuỗi số liệu này {skill.forecasts} lần, trước {days} ngày: "
        f"sai trung bình {error.vi}{held_vi}.",
        f"Method: {method.en}. Tried {skill.forecasts} times on this very series, {days} days ahead: "
        f"off by {error.en} on average{held_en}.",
    )


def _with(number: Sentence, unit: Sentence) -> Sentence:
    """English writes 94.1%, Vietnamese 94,1 %."""
    close = "" if unit.en == "%" else " "
    return Sentence(f"{number.vi} {unit.vi}".rstrip(), f"{number.en}{close}{unit.en}".rstrip())


def _of_difference(unit: Sentence) -> Sentence:
    """What a difference of two values is counted in: of percentages it is points."""
    return Sentence("điểm %", "percentage points") if unit.vi == "%" else unit


def _number(value: float, decimals: int) -> Sentence:
    """Rounded; 1.234,5 in Vietnamese and 1,234.5 in English."""
    english = f"{value:,.{decimals}f}"
    if not english.strip("-0.,"):
        english = english.lstrip("-")
    english = english.replace("-", "−")
    return Sentence(english.translate(str.maketrans(",.", ".,")), english)


def _chance(probability: float) -> Sentence:
    """In whole percent; never 0 or 100 where it is not certain."""
    if 0 < probability < 0.01:
        return Sentence("dưới 1 %", "below 1%")
    if 0.99 < probability < 1:
        return Sentence("trên 99 %", "above 99%")
    return Sentence(f"{probability * 100:.0f} %", f"{probability:.0%}")
