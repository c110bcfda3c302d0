"""The rules that an accepted figure has passed, in a sentence each: said where a figure is explained.

A rule made for several numbers (`within_limits`) is one rule to the reader.
"""

from collections.abc import Iterable, Iterator

from contracts.catalog import KpiKind
from contracts.explanations import Rules, Step
from services.ingest import checks, kinds
from services.ingest.checks import Rule

_BEFORE = ("registered", "within_horizon", "known_unit")
"""What is asked before the rules of the KPI."""

TEXTS: dict[str, tuple[str, str]] = {
    "registered": (
        "Nguồn gửi đã được đăng ký trong danh mục.",
        "The source is registered in the catalog.",
    ),
    "within_horizon": ("Ngày số liệu không quá xa hiện tại.", "The day of the figure is not far away from now."),
    "known_unit": (
        "Đơn vị có trong danh mục và tồn tại vào ngày số liệu.",
        "The unit is in the catalog and existed on the day of the figure.",
    ),
    "not_from_the_future": (
        "Số thực hiện không nói về ngày chưa đến; dự báo phải ghi rõ là dự báo.",
        "An actual figure is of no day to come; a forecast says that it is one.",
    ),
    "in_its_period": (
        "Kỳ, nếu có ghi, là kỳ tính của chỉ tiêu và chứa ngày số liệu.",
        "The period, if given, is the KPI's accounting period and contains the day of the figure.",
    ),
    "at_its_level": ("Chỉ tiêu được báo cáo ở cấp của đơn vị này.", "The KPI is reported at the unit's level."),
    "theirs_to_report": (
        "Nơi gửi được phép báo cáo chỉ tiêu này cho đơn vị này.",
        "The publisher may report this KPI for this unit.",
    ),
    "in_its_unit_of_measure": (
        "Đơn vị tính, nếu có ghi, là của chỉ tiêu.",
        "The unit of measure, if given, is the KPI's.",
    ),
    "in_an_open_mode": (
        "Chỉ tiêu nhận cách báo cáo này (tại thời điểm hoặc cộng thêm).",
        "The KPI takes this way of reporting (as of a day, or to be added).",
    ),
    "brings_a_figure": (
        "Có đủ các trường mà loại chỉ tiêu này cần, không có trường lạ.",
        "All that a figure of this kind needs is there, and nothing strange to it.",
    ),
    "as_exact_as_declared": (
        "Không có nhiều chữ số thập phân hơn chỉ tiêu khai báo.",
        "It has no more decimals than the KPI declares.",
    ),
    "parts_as_exact_as_declared": (
        "Tử số, mẫu số không có nhiều chữ số thập phân hơn chỉ tiêu khai báo.",
        "Numerator and denominator have no more decimals than the KPI declares.",
    ),
    "not_negative": ("Không có số đếm âm.", "No count is negative."),
    "part_within_whole": ("Tử số không lớn hơn mẫu số.", "The numerator is not above the denominator."),
    "within_limits": ("Nằm trong giới hạn tự nhiên của chỉ tiêu.", "It is within the natural limits of the KPI."),
    "fits_its_roster": (
        "Khớp với danh sách của chỉ tiêu: không có thành viên lạ, không vượt tổng số.",
        "It fits the KPI's roster: no strangers, and not more than there are.",
    ),
    "place_in_the_field": ("Thứ hạng nằm trong số bên được xếp.", "The place is within the field."),
    "done_by_then": ("Ngày hoàn thành không sau ngày số liệu.", "It was done no later than the day of the figure."),
}


def name_of(rule: Rule) -> str:
    """The rule's name: of one that was made, its maker's."""
    return rule.__qualname__.partition(".")[0]


def rules_of(kind: KpiKind) -> Rules:
    """What an absolute figure of this kind has passed, and what an increment."""
    return Rules(
        absolute=tuple(_told((*checks.EVERY_FIGURE, *kinds.rules_of_absolute(kind)))),
        increment=tuple(_told((*checks.EVERY_FIGURE, *kinds.rules_of_increment(kind)))),
    )


def _told(rules: Iterable[Rule]) -> Iterator[Step]:
    for name in dict.fromkeys((*_BEFORE, *map(name_of, rules))):
        vi, en = TEXTS[name]
        yield Step(code=name, text_vi=vi, text_en=en)
