"""Doubts about a figure in words, by code: those that its event alone shows, and those that other figures raise."""

from services.gateway.views.words import Words

FLAGS: dict[str, tuple[str, str]] = {
    # of the event alone
    "parts_contradict_value": (
        "Tỷ lệ báo cáo khác với tử số chia mẫu số.",
        "The reported percentage is not what its own numerator and denominator give.",
    ),
    "truncated": (
        "Tỷ lệ báo cáo bị cắt bớt chữ số thay vì làm tròn.",
        "The reported percentage was cut off instead of rounded.",
    ),
    "points_not_percent": (
        "Ghi đơn vị là phần trăm, trong khi chỉ tiêu tính bằng điểm phần trăm.",
        "It was written as percent, but the KPI counts percentage points.",
    ),
    "late": ("Số liệu tính đến ngày sau hạn của mục tiêu.", "The figure is of a day after the target's deadline."),
    "over_natural_range": (
        "Số liệu nằm ngoài khoảng có thể có.",
        "The figure lies outside of what can occur.",
    ),
    "target_already_met": (
        "Mục tiêu đã đạt từ trước khi bắt đầu.",
        "The target was met before it began.",
    ),
    "no_denominator": (
        "Có tử số nhưng không có mẫu số, nên không tính được tỷ lệ.",
        "There is a numerator and no denominator, so there is no share to compute.",
    ),
    # raised by other figures
    "cumulative_fell": (
        "Số lũy kế giảm so với lần báo cáo trước.",
        "A cumulative figure fell since the report before.",
    ),
    "repeated_figure": (
        "Số liệu lặp lại y nguyên của lần báo cáo trước.",
        "The figure repeats that of an earlier report exactly.",
    ),
    "jump": (
        "Số liệu thay đổi đột ngột so với những lần báo cáo trước.",
        "The figure jumps away from those before it.",
    ),
    "scale_shift": (
        "Số liệu lệch hẳn hàng trăm, hàng nghìn lần so với thường lệ: có thể nhầm đơn vị tính.",
        "The figure is a hundred or a thousand times what is usual: perhaps another unit of measure.",
    ),
    "sources_disagree": (
        "Các nguồn báo cáo số khác nhau cho cùng một ngày.",
        "Sources report different figures for the same day.",
    ),
    "parts_disagree": (
        "Số báo cáo trực tiếp khác với tổng của các đơn vị bên dưới.",
        "The figure reported directly differs from what the units below add up to.",
    ),
}


def flag(code: str, words: Words) -> str:
    """The doubt of that code; the code itself where a newer release has raised it."""
    return words.either(*FLAGS.get(code, (code, code)))
