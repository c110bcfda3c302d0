"""Why there is no forecast: a code and a sentence in both languages, as records carry them.

The sentences name no numbers of the series: a reason that says the same after the next figure is no news.
"""

from dataclasses import dataclass

FEWEST_POINTS = 6
FARTHEST = 2
"""How many times as long as the series itself a forecast may look ahead: a third of the time must have passed."""

_TEXTS: dict[str, tuple[str, str]] = {
    "forecast_no_target": (
        "Không có mục tiêu trong kỳ này nên không có dự báo.",
        "There is no target in this period, so there is no forecast.",
    ),
    "forecast_not_for_kind": (
        "Loại chỉ tiêu này không dự báo được từ chuỗi số liệu.",
        "This kind of KPI cannot be forecast from a series of figures.",
    ),
    "forecast_not_a_number": (
        "Chuỗi số liệu có giá trị không phải là số dùng được nên không có dự báo.",
        "The series has a value that is no usable number, so there is no forecast.",
    ),
    "forecast_two_values_a_day": (
        "Có ngày có hai giá trị khác nhau nên không có dự báo.",
        "A day has two different values, so there is no forecast.",
    ),
    "forecast_deadline_reached": (
        "Đã có số liệu đến hạn nên không còn gì để dự báo.",
        "There are figures up to the deadline, so nothing is left to forecast.",
    ),
    "forecast_too_few_points": (
        f"Chưa đủ số liệu để dự báo: cần ít nhất {FEWEST_POINTS} lần báo cáo trong kỳ.",
        f"There are too few figures for a forecast: it needs at least {FEWEST_POINTS} in the period.",
    ),
    "forecast_too_far": (
        "Chuỗi số liệu còn ngắn so với thời gian còn lại đến hạn nên chưa dự báo được.",
        "The figures cover too short a time to look as far ahead as the deadline is.",
    ),
    "forecast_period_to_come": (
        "Số liệu của chỉ tiêu này tính lại từ đầu trong mỗi kỳ; sẽ dự báo khi có số liệu của kỳ chứa hạn hoàn thành.",
        "Figures of this KPI begin anew in each period; a forecast needs some of the period that the deadline is in.",
    ),
    "forecast_of_former_day": (
        "Dự báo của từng ngày trước không được lưu; các dự báo đã đưa ra xem ở phần giải thích.",
        "Forecasts are not kept by day; those that were issued stand in the explanation.",
    ),
    "forecast_coming": (
        "Dự báo đang được tính, sẽ có sau ít giây.",
        "The forecast is being computed; it comes in a few seconds.",
    ),
}

CODES = frozenset(_TEXTS)
"""All reasons for which there is no forecast."""


@dataclass(frozen=True, slots=True)
class NoLanding:
    """There is no forecast, and this is why."""

    code: str
    text_vi: str
    text_en: str

    def as_document(self) -> dict[str, str]:
        """As a reason on a record."""
        return {"code": self.code, "text_vi": self.text_vi, "text_en": self.text_en}


def no_landing(code: str) -> NoLanding:
    """The reason of that code."""
    return NoLanding(code, *_TEXTS[code])
