"""Sentences of an explanation, in Vietnamese and English; numbers in English notation, written with a comma in
Vietnamese."""

from collections.abc import Mapping, Sequence

from contracts.catalog import Kpi
from contracts.explanations import Step
from services.metrics.days import in_vietnam
from services.metrics.doubts import Doubt
from services.metrics.trust import Against

_VI, _EN = str.maketrans(",.-", ".,−"), str.maketrans("-", "−")

MEASURES: dict[str, tuple[str, str]] = {
    "ratio": (
        "Tỷ lệ: 100 × tổng tử số ÷ tổng mẫu số, không lấy trung bình các phần trăm.",
        "A share: 100 × sum of numerators ÷ sum of denominators, never a mean of percentages.",
    ),
    "coverage": (
        "Mức bao phủ: số thành viên đã xong trên tổng số của danh sách; bên nào im lặng vẫn nằm trong tổng số.",
        "Coverage: how many of the roster are done; a member that is silent stays in the total.",
    ),
    "flow": (
        "Số cộng dồn trong kỳ, bắt đầu lại từ 0 mỗi kỳ; các đơn vị cộng lại với nhau.",
        "A running total that starts from zero in each period; units add up.",
    ),
    "stock": ("Số hiện có vào ngày báo cáo; các đơn vị cộng lại với nhau.", "A count at a moment; units add up."),
    "level": (
        "Giá trị đo được; chỉ cộng lên cấp trên (bình quân gia quyền) khi có trọng số.",
        "A measured value; rolled up as a weighted mean only where weights are given.",
    ),
    "rate": ("Giá trị trên một đơn vị quy chiếu đã khai báo.", "A value per declared base."),
    "rank": ("Thứ hạng; càng thấp càng tốt, không cộng lên cấp trên.", "A position; lower is better; not rolled up."),
    "growth": (
        "Mức tăng trưởng: giá trị từ đầu kỳ đến nay chia cho giá trị cả kỳ trước của chỉ tiêu gốc.",
        "Growth: the value of the period so far divided by that of a whole earlier one, of another KPI.",
    ),
    "milestone": ("Đã xong hay chưa; ở cấp trên là số đơn vị đã xong.", "Done or not; above, how many are done."),
    "composite": (
        "Điểm: tổng điểm mà các chỉ tiêu khác mang lại theo quy tắc, chấm cho từng đơn vị.",
        "A score: the points that other KPIs bring by rule, for each unit.",
    ),
}
"""How each kind of KPI is measured."""

STEPS: dict[str, tuple[str, str]] = {
    "share": ("100 × {n} ÷ {d} {eq} {value} {unit}.", "100 × {n} ÷ {d} {eq} {value} {unit}."),
    "per_base": ("{base} × {n} ÷ {d} {eq} {value} {unit}.", "{base} × {n} ÷ {d} {eq} {value} {unit}."),
    "count": ("{n} trên {d} đơn vị đã xong.", "{n} of {d} units are done."),
    "weighted": (
        "Bình quân gia quyền: tổng giá trị × trọng số ÷ tổng trọng số = {n} ÷ {d} {eq} {value} {unit}.",
        "Weighted mean: sum of value × weight ÷ sum of weights = {n} ÷ {d} {eq} {value} {unit}.",
    ),
    "split": (
        "{most} trong {units} {level_vi} tạo ra {percent} % khoảng cách.",
        "{most} of {units} {level_en} make{verb} {percent}% of the gap.",
    ),
    "split_few_made_up": (
        "{widen} trong {units} {level_vi} làm tăng khoảng cách; {narrow} {level_vi} khác bù lại một phần.",
        "{widen} of {units} {level_en} widen{verb} the gap; {narrow} other{others} narrow{narrows} it.",
    ),
    "split_made_up": (
        "{widen} trong {units} {level_vi} làm tăng khoảng cách, trong đó {most} {level_vi} chiếm {percent} % phần tăng"
        "; {narrow} {level_vi} khác bù lại một phần.",
        "{widen} of {units} {level_en} widen{verb} the gap: {percent}% of that comes from {most} of them. {narrow} "
        "other{others} narrow{narrows} it.",
    ),
    "amount": ("Giá trị: {value} {unit}.", "Value: {value} {unit}."),
    "source": ("{name_vi}, kỳ {period}: {value} {unit}.", "{name_en}, {period}: {value} {unit}."),
    "source_silent": ("{name_vi}, kỳ {period}: chưa có giá trị.", "{name_en}, {period}: no value yet."),
    "quotient": ("{now} ÷ {then} {eq} {value} {unit}.", "{now} ÷ {then} {eq} {value} {unit}."),
    "item_ratio": (
        "{name_vi}: {value} {unit} so với {against} {unit} được {points} trên {maximum} điểm.",
        "{name_en}: {value} {unit} of {against} {unit} bring {points} of {maximum} points.",
    ),
    "item_half": (
        "{name_vi}: {value} {unit} so với {against} {unit} được {points} trên {maximum} điểm; đạt một phần được một "
        "nửa số điểm.",
        "{name_en}: {value} {unit} of {against} {unit} bring {points} of {maximum} points; a part of the goal brings "
        "half.",
    ),
    "item_steps": (
        "{name_vi}: {value} {unit}, đạt bậc từ {against} {unit}, được {points} trên {maximum} điểm.",
        "{name_en}: {value} {unit}, the step from {against} {unit} on, brings {points} of {maximum} points.",
    ),
    "item_no_step": (
        "{name_vi}: {value} {unit}, chưa đến bậc nào, được {points} trên {maximum} điểm.",
        "{name_en}: {value} {unit}, below every step, brings {points} of {maximum} points.",
    ),
    "item_best_peer": (
        "{name_vi}: {value} {unit}, tốt nhất trong các đơn vị cùng cấp là {against} {unit}, được {points} trên "
        "{maximum} điểm.",
        "{name_en}: {value} {unit}, the best of the same level having {against} {unit}, bring {points} of {maximum} "
        "points.",
    ),
    "item_missing": (
        "{name_vi}: chưa chấm được điểm (tối đa {maximum}).",
        "{name_en}: not scored yet (at most {maximum}).",
    ),
    "sum_of_points": (
        "Tổng điểm: {sum} {eq} {value} trên {maximum} điểm.",
        "Points in all: {sum} {eq} {value} of {maximum}.",
    ),
    "ranked": (
        "Xếp thứ {rank} trong {of} đơn vị cùng cấp đã chấm đủ điểm.",
        "Ranked {rank} among {of} units of the same level with all items scored.",
    ),
    "unranked": (
        "Chưa xếp hạng vì chưa chấm đủ; {of} đơn vị cùng cấp đã được xếp hạng.",
        "Not ranked, since not all items are scored; {of} units of the same level are.",
    ),
    "derived": (
        "Tính từ các chỉ tiêu nguồn, số liệu mới nhất đến {as_of}.",
        "Made from the KPIs it is derived from, their latest figure being of {as_of}.",
    ),
    "no_value": ("Chưa tính được giá trị.", "No value can be computed."),
    "own": (
        "Đây là số do chính đơn vị báo cáo, tính đến {as_of}.",
        "This is what the unit itself reported, as of {as_of}.",
    ),
    "parts": (
        "Tổng hợp từ các đơn vị bên dưới, số liệu mới nhất là {as_of}; {reported} trên {expected} đơn vị đã báo cáo.",
        "Made from the units below, the latest figure of {as_of}; {reported} of {expected} units have reported.",
    ),
    "parts_but_some": (
        "Tổng hợp từ các đơn vị bên dưới, số liệu mới nhất là {as_of}; {reported} trên {expected} đơn vị đã báo cáo, "
        "trong đó số liệu của {summed} đơn vị được cộng vào.",
        "Made from the units below, the latest figure of {as_of}; {reported} of {expected} units have reported, "
        "{summed} of them in the sum.",
    ),
    "mean": ("Trung bình của {count} lần báo cáo trong kỳ.", "The mean of {count} reports in the period."),
    "summed": ("Cộng dồn từ {count} sự kiện đã báo cáo.", "Summed from {count} events."),
    "periods": (
        "Cộng số liệu của {count} kỳ tính, mỗi kỳ bắt đầu lại từ 0.",
        "The figures of {count} accounting periods are added up, each of which begins at 0.",
    ),
    "trust": ("Độ tin cậy {grade}: {vi}.", "Trust {grade}: {en}."),
    "doubt": ("Cảnh báo: {vi}", "Doubt: {en}"),
    "discrepancy": (
        "Số báo cáo trực tiếp là {reported} {unit}; các đơn vị bên dưới cộng lại là {parts} {unit}.",
        "Reported directly: {reported} {unit}; the units below make {parts} {unit}.",
    ),
    "target": (
        "Mục tiêu {goal} {unit} vào {deadline} ({id}, phiên bản {version}).",
        "Target {goal} {unit} by {deadline} ({id}, version {version}).",
    ),
    "planned": ("Kế hoạch đến {as_of}: {planned} {unit}.", "Plan on {as_of}: {planned} {unit}."),
    "planned_between": (
        "Kế hoạch đến {as_of} = {start} + ({end} − {start}) × {gone} ÷ {days} ngày {eq} {planned} {unit}, "
        "đi từ {start} (ngày {since}) đến {end} (ngày {until}).",
        "Plan on {as_of} = {start} + ({end} − {start}) × {gone} ÷ {days} days {eq} {planned} {unit}, "
        "from {start} (on {since}) to {end} (on {until}).",
    ),
    "held": (
        "Trong kỳ đơn vị có {readings} lần báo cáo, giữ được mức {kept} lần.",
        "Own reports in the period: {readings}, of which {kept} held the line.",
    ),
    "held_to": ("Mức phải giữ: {planned} {unit}.", "The line to hold: {planned} {unit}."),
    "nearer_edge": (
        "Cận gần hơn của khoảng mục tiêu: {planned} {unit}.",
        "The nearer edge of the target's band: {planned} {unit}.",
    ),
    "gap": (
        "Chênh lệch = giá trị − kế hoạch = {value} − {planned} = {gap} {points_vi}.",
        "Gap = value − plan = {value} − {planned} = {gap} {points_en}.",
    ),
    "completion": (
        "Mức hoàn thành = ({value} − {baseline}) ÷ ({aim} − {baseline}) {eq} {completion}.",
        "Completion = ({value} − {baseline}) ÷ ({aim} − {baseline}) {eq} {completion}.",
    ),
    "pace": (
        "Nhịp độ = ({value} − {baseline}) ÷ ({planned} − {baseline}) {eq} {pace}; đúng tiến độ từ {on_track}, "
        "có nguy cơ từ {at_risk}, thấp hơn là chậm.",
        "Pace = ({value} − {baseline}) ÷ ({planned} − {baseline}) {eq} {pace}; on track from {on_track}, "
        "at risk from {at_risk}, behind below that.",
    ),
    "pace_to_target": (
        "Nhịp độ so thẳng giá trị với mục tiêu = {over} ÷ {under} {eq} {pace}; đúng tiến độ từ {on_track}, "
        "có nguy cơ từ {at_risk}, thấp hơn là chậm.",
        "The pace compares the value with the target itself = {over} ÷ {under} {eq} {pace}; on track from {on_track}, "
        "at risk from {at_risk}, behind below that.",
    ),
    "pace_of_line": (
        "Nhịp độ so với mức phải giữ = {over} ÷ {under} {eq} {pace}; chưa giữ được thì có nguy cơ từ {on_track}, "
        "thấp hơn là chậm.",
        "The pace against the line = {over} ÷ {under} {eq} {pace}; if it is not held, at risk from {on_track}, "
        "behind below that.",
    ),
    "pace_inside": ("Nằm trong khoảng mục tiêu: nhịp độ là 1.", "Inside the target's band the pace is 1."),
    "needed": (
        "Còn cần {amount} {points_vi} mỗi {per_vi} để kịp mục tiêu vào {deadline}.",
        "{amount} {points_en} a {per_en} are needed to meet the target by {deadline}.",
    ),
    "so_far": (
        "Từ lúc xuất phát đến nay, trung bình: {amount} {points_vi} mỗi {per_vi}.",
        "So far, on average since the baseline: {amount} {points_en} a {per_en}.",
    ),
    "best": (
        "Cao nhất từng đạt: {amount} {points_vi} mỗi {per_vi}.",
        "The best ever reached: {amount} {points_en} a {per_en}.",
    ),
    # what would change it
    "from_value": ("Từ {value} {unit} trở lên vào {day}: {vi}.", "{value} {unit} or more on {day}: {en}."),
    "to_value": ("Từ {value} {unit} trở xuống vào {day}: {vi}.", "{value} {unit} or less on {day}: {en}."),
    "between_values": (
        "Từ {low} đến {high} {unit} vào {day}: {vi}.",
        "From {low} to {high} {unit} on {day}: {en}.",
    ),
    "by_itself": (
        "Nếu không có số liệu mới, đến {day} tình trạng là: {vi}.",
        "Without a new figure the status on {day} is: {en}.",
    ),
    "outcome_known": (
        "Không chấm: sau số liệu dùng để dự báo không có số liệu nào mới hơn đến hạn.",
        "Not scored: up to the deadline no figure came after those that it was made from.",
    ),
    # what cannot be known of a former day
    "definitions_since": (
        "Không chắc chắn: mục tiêu và định nghĩa chỉ tiêu chỉ được lưu từ ngày {since}; kết quả này tính theo bản cũ "
        "nhất còn lưu.",
        "Not certain: targets and definitions are only known from {since} on; this is by the oldest that are kept.",
    ),
    "definitions_unknown": (
        "Không chắc chắn: không còn lưu mục tiêu và định nghĩa chỉ tiêu của ngày đó; kết quả này tính theo danh mục "
        "hiện hành.",
        "Not certain: the targets and definitions of that day were not kept; this is by the catalog of today.",
    ),
    "made_otherwise": (
        "Không chắc chắn: chỉ tiêu này tính từ các chỉ tiêu khác, và cách tính đã thay đổi sau ngày này.",
        "Not certain: this KPI is made from others, and how it is made has changed since that day.",
    ),
    "replaced": (
        "Không chắc chắn: ở {count} đơn vị và ngày, số liệu đã được thay hoặc bổ sung sau ngày này, và không còn biết "
        "trước đó là bao nhiêu.",
        "Not certain: of {count} units and days the figures were replaced or added to after that day, and what they "
        "were before is not known any more.",
    ),
}

OF_PARTS = {"rate": "per_base", "milestone": "count"}
"""How a value with numerator and denominator is told, where it is no percentage of the two."""

STATUSES: dict[str, tuple[str, str]] = {
    "achieved": ("đã đạt", "achieved"),
    "missed": ("không đạt", "missed"),
    "unknown": ("chưa rõ", "unknown"),
    "moving_away": ("đi lùi", "moving away"),
    "behind": ("chậm", "behind"),
    "at_risk": ("có nguy cơ", "at risk"),
    "on_track": ("đúng tiến độ", "on track"),
    "no_target": ("không có mục tiêu", "no target"),
}

PER = {"day": "ngày", "week": "tuần", "month": "tháng", "quarter": "quý", "year": "năm"}


def step(code: str, numbers: Mapping[str, str], names: Mapping[str, str] | None = None) -> Step:
    """The sentence of that code. `numbers` in English notation; of `names` only days are written anew."""
    vi, en = STEPS[code]
    names = names or {}
    in_vi = {name: text.translate(_VI) for name, text in numbers.items()}
    in_vi |= {name: in_vietnam(text) for name, text in names.items()}
    in_en = {name: text.translate(_EN) for name, text in numbers.items()} | dict(names)
    return Step(code=code, text_vi=_tidy(vi.format(**in_vi)), text_en=_tidy(en.format(**in_en)))


def doubted(doubt: Doubt) -> Step:
    """What is doubted about the figure."""
    return step("doubt", {}, {"vi": doubt.message_vi, "en": doubt.message_en})


_NAMED = 3
"""Units that are named where more are meant."""


def trusted(held: Against, doubted_units: Sequence[tuple[str, str]] = ()) -> Step:
    """The grade, and what is held against the figure. `doubted_units`: those below whose figures in it carry flags, by
    name in both languages; the grade is that of the record, which they do not lower."""
    many, named = len(doubted_units), doubted_units[:_NAMED]
    more = ", …" if many > len(named) else ""
    found = [
        (held.flags > 0, f"{held.flags} cảnh báo về số liệu", f"{held.flags} flag{'s' if held.flags > 1 else ''}"),
        (held.preliminary, "số liệu sơ bộ", "a preliminary figure"),
        (held.stale, "số liệu đã cũ", "a stale figure"),
        (
            held.missing > 0,
            f"{held.missing} trên {held.expected} đơn vị chưa báo cáo",
            f"{held.missing} of {held.expected} units have not reported",
        ),
        (
            held.left_out > 0,
            f"{held.left_out} trên {held.expected} đơn vị có số liệu không cộng được",
            f"the figures of {held.left_out} of {held.expected} units cannot be added up",
        ),
        (
            held.unscored > 0,
            f"{held.unscored} trên {held.items} chỉ tiêu chưa có điểm",
            f"{held.unscored} of {held.items} KPIs bring no points",
        ),
        (
            many > 0,
            f"số liệu của {many} đơn vị hợp thành đang có cảnh báo: {', '.join(vi for vi, _ in named)}{more}",
            f"the figures of {many} unit{'s' if many > 1 else ''} in it are flagged: "
            f"{', '.join(en for _, en in named)}{more}",
        ),
    ]
    vi = "; ".join(vi for true, vi, _ in found if true) or "không có gì đáng ngờ"
    en = "; ".join(en for true, _, en in found if true) or "nothing is held against it"
    return step("trust", {}, {"grade": held.grade, "vi": vi, "en": en})


def measure(kind: str) -> Step:
    """How figures of this kind are measured."""
    vi, en = MEASURES[kind]
    return Step(code="measure", text_vi=vi, text_en=en)


def unit_of(code: str) -> str:
    """What stands behind a number: the sign of a percentage; other units have a name in the catalog, not here."""
    return "%" if code == "percent" else ""


def points_of(code: str) -> tuple[str, str]:
    """What a difference of two values is counted in, in both languages: of percentages it is points."""
    return ("điểm %", "points") if code == "percent" else ("", "")


def decimals_of(kpi: Kpi) -> int:
    """With how many decimals estimates are written: as the KPI declares, of a percentage at least one."""
    return max(kpi.decimals, 1) if kpi.unit_of_measure == "percent" else kpi.decimals


def _tidy(text: str) -> str:
    """Without the gap that an empty unit leaves."""
    return " ".join(text.split()).replace(" .", ".").replace(" ,", ",").replace(" :", ":").replace(" ;", ";")
