"""Why a record has its status, and why something in it is null: a code, and a sentence in both languages."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from services.metrics.days import in_vietnam
from services.metrics.exact import SCALE, Quotient

Reason = dict[str, str]

TEXTS: dict[str, tuple[str, str]] = {
    # why the status is what it is
    "target_met": ("Đạt mục tiêu: {value}, mục tiêu {goal}.", "The target is met: {value}, target {goal}."),
    "later_correction": (
        "Đính chính sau hạn: số liệu được bổ sung hoặc sửa khi kỳ đã khép.",
        "A later correction: figures were added or corrected after the period was closed.",
    ),
    "deadline_passed": (
        "Đã quá hạn {deadline} và thời gian chờ số liệu mà chưa đạt: {value}, mục tiêu {goal}.",
        "The deadline {deadline} and its grace passed without the target: {value}, target {goal}.",
    ),
    "no_figure_by_deadline": (
        "Đã quá hạn {deadline} và thời gian chờ số liệu mà không có số liệu nào tính đến hạn.",
        "The deadline {deadline} and its grace passed without any figure up to it.",
    ),
    "no_figure": ("Chưa có số liệu trong kỳ.", "There is no figure in the period yet."),
    "figure_withdrawn": (
        "Số liệu ngày {as_of} đã được nguồn {source} rút lại ngày {on}.",
        "The figure of {as_of} was withdrawn on {on} by {source}.",
    ),
    "stale": (
        "Số liệu mới nhất ({as_of}) đã quá cũ so với chu kỳ báo cáo.",
        "The latest figure ({as_of}) is too old for the reporting cycle.",
    ),
    "stale_at_deadline": (
        "Đến hạn, số liệu mới nhất ({as_of}) đã quá cũ để biết mức có được giữ hay không.",
        "At the deadline the latest figure ({as_of}) was too old to know whether the line was held.",
    ),
    "below_baseline": (
        "Còn xa mục tiêu hơn lúc xuất phát: {value}, xuất phát {baseline}.",
        "Further from the target than at the start: {value}, baseline {baseline}.",
    ),
    "pace_below_at_risk": (
        "Nhịp độ {pace} thấp hơn ngưỡng {bound}: chậm tiến độ.",
        "The pace of {pace} is below {bound}: behind.",
    ),
    "pace_below_on_track": (
        "Nhịp độ {pace} thấp hơn ngưỡng đúng tiến độ {bound}: có nguy cơ.",
        "The pace of {pace} is below {bound}, the bound of “on track”: at risk.",
    ),
    "pace_on_track": ("Nhịp độ {pace}: đúng tiến độ.", "The pace is {pace}: on track."),
    "line_held": ("Giữ được mức: {value}, mục tiêu {goal}.", "The line is held: {value}, target {goal}."),
    "line_not_held": (
        "Không giữ được mức: {value}, mục tiêu {goal}.",
        "The line is not held: {value}, target {goal}.",
    ),
    "target_not_met": ("Chưa đạt mục tiêu: {value}, mục tiêu {goal}.", "Not met yet: {value}, target {goal}."),
    "plan_at_baseline": (
        "Kế hoạch đến ngày này vẫn ở điểm xuất phát {baseline} nên chưa tính được nhịp độ.",
        "By this day the plan is still at the baseline {baseline}, so there is no pace.",
    ),
    "step_ahead": (
        "Mốc kế hoạch {step} (hạn {step_on}) đã gần mà chưa đạt: {value}.",
        "The step of the plan to {step}, due on {step_on}, is near and not reached: {value}.",
    ),
    "no_target": ("Chưa giao mục tiêu cho kỳ này.", "There is no target in this period."),
    # why something is null
    "zero_denominator": ("Mẫu số bằng 0 nên không có giá trị.", "The denominator is 0, so there is no value."),
    "no_denominator": (
        "Số liệu không có mẫu số nên không có giá trị.",
        "The figure has no denominator, so there is no value.",
    ),
    "no_roster": (
        "Không biết tổng số (chưa có danh sách) nên không có giá trị.",
        "It is not known of how many (no roster), so there is no value.",
    ),
    "no_value": ("Số liệu không có giá trị.", "The figure has no value."),
    "parts_not_usable": (
        "Không đơn vị nào bên dưới có số liệu cộng được.",
        "No unit below has a figure that can be added up.",
    ),
    "not_rolled_up": (
        "Loại chỉ tiêu này không tổng hợp từ các đơn vị bên dưới.",
        "This kind of KPI is not rolled up from the units below.",
    ),
    "source_without_value": (
        "Chỉ tiêu gốc chưa có giá trị trong kỳ này.",
        "The KPI that it is derived from has no value in this period.",
    ),
    "no_earlier_value": (
        "Kỳ trước không có giá trị để so sánh.",
        "The earlier period has no value to compare with.",
    ),
    "earlier_not_positive": (
        "Giá trị kỳ trước không lớn hơn 0 nên không tính được mức tăng trưởng.",
        "The value of the earlier period is not above 0, so there is no growth to compute.",
    ),
    "nothing_scored": (
        "Chưa chỉ tiêu thành phần nào chấm được điểm.",
        "None of the items could be scored yet.",
    ),
    "no_baseline": (
        "Không có điểm xuất phát nên không có kế hoạch theo ngày và mức hoàn thành; so thẳng giá trị với mục tiêu.",
        "Without a baseline there is neither a plan by day nor a completion; the value is held against the target.",
    ),
    "no_completion": (
        "Không có điểm xuất phát nên không tính được mức hoàn thành.",
        "Without a baseline no completion can be computed.",
    ),
    "baseline_at_target": (
        "Điểm xuất phát bằng mục tiêu: đánh giá như giữ mức, không có mức hoàn thành.",
        "The baseline equals the target: judged as a line to hold, without a completion.",
    ),
    "baseline_past_target": (
        "Điểm xuất phát đã đạt hoặc vượt mục tiêu: đánh giá như giữ mức, không có mức hoàn thành.",
        "The baseline has reached the target already: judged as a line to hold, without a completion.",
    ),
    "line_to_hold": (
        "Mục tiêu là giữ mức nên không tính tốc độ cần thiết.",
        "A line is to be held, so no pace is needed.",
    ),
    "pace_not_defined": (
        "Không tính được nhịp độ từ giá trị và mục tiêu (phải chia cho số không dương).",
        "Value and target give no pace (a divisor that is not positive).",
    ),
    "nothing_needed": ("Đã đạt nên không cần thêm.", "Nothing more is needed."),
    "forecast_deadline_passed": (
        "Đã qua hạn hoàn thành nên không dự báo nữa.",
        "The deadline has passed, so nothing is forecast any more.",
    ),
    "no_time_left": (
        "Không còn thời gian đến hạn nên không tính tốc độ cần thiết.",
        "There is no time left before the deadline, so no pace is needed.",
    ),
    "one_figure": (
        "Mới có số liệu của một thời điểm nên chưa có tốc độ cao nhất từng đạt.",
        "There is a figure of one moment only, so there is no best pace yet.",
    ),
    "not_under_way": (
        "Số liệu không muộn hơn ngày xuất phát nên chưa có tốc độ đã đạt để so sánh.",
        "The figure is not later than the baseline, so there is no pace so far to compare with.",
    ),
    "not_split": (
        "Chưa phân bổ được phần thiếu cho các đơn vị bên dưới, vì chưa phải đơn vị nào cũng có kế hoạch riêng cho biết "
        "phần mình phải đạt.",
        "What is short is not split over the units below, since not each of them has a plan of its own that says what "
        "its part is.",
    ),
    # what else a reader should know
    "preliminary": ("Số liệu sơ bộ.", "The figure is preliminary."),
    "late_figures": (
        "Có số liệu sau hạn {deadline} (đến {as_of}); không dùng để đánh giá mục tiêu.",
        "There are figures after the deadline {deadline} (up to {as_of}); the target is not judged on them.",
    ),
    "unit_begun": (
        "Đơn vị chỉ tồn tại từ {begun}; số liệu trước đó trong kỳ (của các đơn vị tiền thân, nếu có) không nằm trong "
        "giá trị: xem “Theo đơn vị hiện nay”.",
        "The unit exists since {begun} only; what was reported before in the period (by its predecessors, if any) is "
        "not in the value: see “By the units of today”.",
    ),
    "unit_ended": (
        "Đơn vị chỉ tồn tại đến {ended}: được đánh giá như vào ngày đó.",
        "The unit existed until {ended} only: it is judged as on that day.",
    ),
    "other_units_before": (
        "Kỳ này có số liệu của {now} đơn vị, kỳ trước của {then} đơn vị.",
        "This period has figures of {now} units, the earlier one of {then}.",
    ),
    "items_missing": (
        "Chưa chấm được điểm: {items}; đơn vị chưa được xếp hạng.",
        "Not scored yet: {items}; so the unit is not ranked.",
    ),
    "source_not_carried": (
        "{kpi}: số liệu của {count} đơn vị không chuyển sang được, vì {why}.",
        "{kpi}: figures could not be carried over (units: {count}): {why}.",
    ),
    "source_incomplete": (
        "{kpi}, kỳ {period}: mới có đủ số liệu của {there}/{due} đơn vị.",
        "{kpi} of {period} has all figures of {there} of {due} units.",
    ),
    "parts_newer": (
        "Số liệu của các đơn vị bên dưới đầy đủ và mới hơn số báo cáo trực tiếp nên được dùng.",
        "The figures of the units below are complete and newer than the one reported directly, so they stand.",
    ),
    "parts_left_out": (
        "Số liệu của {count} đơn vị không cộng được nên không nằm trong giá trị: {units}.",
        "Not in the value, since their figures cannot be added up (units: {count}): {units}.",
    ),
    # how a version came about
    "closed_judged_again": (
        "Kỳ đã khép được đánh giá lại vì danh mục thay đổi sau khi khép; kết quả khi khép kỳ được giữ bên cạnh.",
        "The closed period was judged again because the catalog changed afterwards; what it said at the closing is "
        "kept beside it.",
    ),
    "catalog_changed": (
        "Đánh giá lại theo danh mục {catalog}, thay đổi: {vi}.",
        "Judged again under catalog {catalog}, in which this is new: {en}.",
    ),
}

NEW_IN_CATALOG: dict[str, tuple[str, str]] = {
    "target": ("mục tiêu", "the target"),
    "targets_below": ("mục tiêu của các đơn vị bên dưới", "the targets of the units below"),
    "bounds": ("ngưỡng đánh giá", "the bounds on the pace"),
    "definition": ("định nghĩa chỉ tiêu", "the definition of the KPI"),
    "sources": ("các chỉ tiêu nguồn", "the KPIs that it is derived from"),
    "tree": ("cơ cấu đơn vị", "the units"),
    "calendar": ("lịch kỳ báo cáo", "the calendar"),
    "working_days": ("ngày làm việc", "the working days"),
}
"""What of a catalog may bring a judgement about, in the words of `services.runtime.catalog.rejudging`."""

_PLAIN: dict[str, Reason] = {
    code: {"code": code, "text_vi": vi, "text_en": en} for code, (vi, en) in TEXTS.items() if "{" not in vi
}


def because(code: str, **said: str) -> Reason:
    """The reason of that code. `said`: numbers with a decimal point, and days as `YYYY-MM-DD`."""
    if not said:
        return _PLAIN[code]
    vi, en = TEXTS[code]
    return {"code": code, "text_vi": vi.format_map(in_vietnamese(said)), "text_en": en.format_map(in_english(said))}


def in_vietnamese(said: Mapping[str, str]) -> dict[str, str]:
    """Numbers and days as Vietnamese writes them: −0,5 and 30/09/2023."""
    return {name: in_vietnam(text) if _is_day(text) else text.translate(_VI) for name, text in said.items()}


def in_english(said: Mapping[str, str]) -> dict[str, str]:
    """Numbers with a minus that is none of a hyphen; days as they are."""
    return {name: text if _is_day(text) else text.replace("-", "−") for name, text in said.items()}


_VI = str.maketrans(".-", ",−")


def _is_day(text: str) -> bool:
    return len(text) == 10 and text[4] == "-" == text[7]


def catalog_changed(catalog: str, what: Iterable[str]) -> Reason:
    """The reason of a version that another catalog brought about."""
    names = [NEW_IN_CATALOG[one] for one in what]
    vi, en = TEXTS["catalog_changed"]
    return {
        "code": "catalog_changed",
        "text_vi": vi.format(catalog=catalog, vi=", ".join(name for name, _ in names)),
        "text_en": en.format(catalog=catalog, en=", ".join(name for _, name in names)),
    }


def because_of(code: str, vi: Mapping[str, str], en: Mapping[str, str]) -> Reason:
    """The reason of that code, with names that are other ones in each language."""
    text_vi, text_en = TEXTS[code]
    return {"code": code, "text_vi": text_vi.format_map(vi), "text_en": text_en.format_map(en)}


def withdrawn(as_of: str, source: str, on: str) -> Reason:
    """The reason of a record that lost its figures. Days as `YYYY-MM-DD`; `source`: the name of who withdrew it."""
    said = {"as_of": as_of, "source": source, "on": on}
    return because_of("figure_withdrawn", {name: in_vietnam(text) for name, text in said.items()}, said)


NAMED = 5
"""Units that a sentence names; of the others it says how many there are."""


def left_out(units: Sequence[tuple[str, str]]) -> Reason:
    """The reason of a sum without figures that cannot be added up. `units`: whose, by their names in Vietnamese and in
    English."""
    named, others, count = units[:NAMED], len(units) - NAMED, str(len(units))
    vi, en = [vi for vi, _ in named], [en for _, en in named]
    if others > 0:
        vi, en = [*vi, f"{others} đơn vị khác"], [*en, f"{others} more"]
    return because_of(
        "parts_left_out", {"count": count, "units": ", ".join(vi)}, {"count": count, "units": ", ".join(en)}
    )


PLACES, MOST_PLACES = 4, 9
"""Decimals of a number in a sentence, and how many it gets where it would else read as a shorter one."""


def words(quotient: Quotient) -> str:
    """A number for a sentence: rounded to four decimals, halves away from zero.

    Where it then reads as a shorter number that it is not, it gets more of them: 91.99996 does not read “92”.
    """
    p, q = quotient
    amount, places = abs(p) * 10**PLACES, PLACES
    read = (2 * amount + q) // (2 * q)
    while read % 10 == 0 and read * q != amount and places < MOST_PLACES:
        amount, places = amount * 10, places + 1
        read = (2 * amount + q) // (2 * q)
    whole, rest = divmod(read, 10**places)
    sign = "-" if p < 0 and read else ""
    return f"{sign}{whole}" if not rest else f"{sign}{whole}.{rest:0{places}d}".rstrip("0")


@lru_cache(maxsize=10_000)
def amount(number: int) -> str:
    """A scaled number for a sentence."""
    return words((number, SCALE))
