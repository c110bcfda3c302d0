"""The sentences of letters to publishers, in both languages under the same keys. A test holds the two tables together.

What is the matter with an event is not said here: whoever refused or doubted it said it in both languages.
"""

from collections.abc import Mapping

VI: Mapping[str, str] = {
    # subject and first sentence
    "d_parked": "{count} nguồn bị tạm dừng",
    "d_unparked": "{count} nguồn được mở lại",
    "d_refused": "{count} lần bị từ chối",
    "d_overdue": "{count} số liệu quá hạn",
    "d_doubted": "{count} số liệu cần kiểm tra",
    "d_soon": "{count} số liệu sắp đến hạn",
    "d_headline": "Số liệu của {name}: {said}.",
    "d_badge_critical": "Cần xử lý ngay",
    "d_badge_behind": "Cần xử lý",
    "d_badge_watch": "Cần xem",
    "d_again": "Thư trước có thể chưa đến nơi, nên thư này nhắc lại cả những điều đã viết trong thư đó.",
    # sections
    "d_parked_title": "Nguồn bị tạm dừng tiếp nhận",
    "d_parked_intro": (
        "Không có gì bị mất. Khi phần mềm gửi đã sửa xong, đơn vị vận hành mở lại nguồn và những gì đã giữ được "
        "đọc lại từ đầu."
    ),
    "d_unparked_title": "Nguồn được mở lại",
    "d_unparked_intro": (
        "Việc tạm dừng báo trong thư trước đã kết thúc. Những gì đã giữ được đọc lại khi đơn vị vận hành cho đọc lại; "
        "quý đơn vị không phải gửi lại."
    ),
    "d_unparked_since": "Đã nhận lại từ {moment}.",
    "d_refused_title": "Bị từ chối ({count})",
    "d_refused_intro": (
        "Các số liệu này chưa được tính. Hãy sửa rồi gửi lại, giữ nguyên mã sự kiện nếu bên dưới không ghi khác. "
        "Số liệu nào đã gửi lại và được nhận thì không phải làm gì thêm."
    ),
    "d_doubted_title": "Cần kiểm tra lại ({count})",
    "d_doubted_intro": (
        "Các số liệu này đã được nhận, kèm điểm nghi vấn nêu dưới từng số. Xin kiểm tra và phản hồi "
        "trước hết ngày {reply_by}: nếu đúng, trả lời thư này và nêu lý do; nếu sai, gửi lại với số lần sửa "
        "(revision) cao hơn."
    ),
    "d_overdue_title": "Quá hạn báo cáo ({count})",
    "d_overdue_intro": (
        "Hệ thống chưa nhận được các số liệu sau. Số liệu nào đã gửi mà vẫn có ở đây thì xem mục “Bị từ chối”."
    ),
    "d_overdue_intro_alone": "Hệ thống chưa nhận được các số liệu sau.",
    "d_soon_title": "Sắp đến hạn báo cáo ({count})",
    "d_soon_intro": "Hệ thống chưa nhận được các số liệu sau. Đây là lời nhắc trước hạn, mỗi kỳ một lần.",
    "d_more": "… và {count} trường hợp khác",
    "d_figures_more": "… và {count} số liệu khác",
    "d_more_link": "xem tất cả",
    # one line
    "d_about": "{kpi}, {unit}, số liệu đến ngày {day}",
    "d_about_part": "số liệu đến ngày {day}",
    "d_unreadable": "Nội dung không đọc được",
    "d_event": "Mã sự kiện: {event}",
    "d_no_event": "Không đọc được mã sự kiện",
    "d_import": "gửi từ tệp: dòng của đơn vị và ngày nêu trên",
    "d_source": "nguồn: {source}",
    "d_said_at": "lúc {moment}",
    "d_times": "{count} lần",
    "d_and_more": "và {count} lỗi khác",
    "d_open": "xem sự kiện này",
    "d_missing_one": "{period}: chưa có số liệu của {units}",
    "d_missing": "{period}: {missing}/{expected} đơn vị chưa có số liệu: {units}",
    "d_units_more": "{units} và {count} đơn vị khác",
    "d_by": "Hạn: {by}",
    "d_late": "Hạn: {by} (đã quá {days} ngày làm việc)",
    "d_newest": "số liệu gần nhất: {day}",
    "d_never": "chưa từng có số liệu",
    # why, links
    "d_why": (
        "{name} được khai báo là nơi cung cấp số liệu, liên hệ {email}. Thư gửi vào ngày làm việc, khoảng {hours} giờ, "
        "và chỉ khi có điều cần báo. Muốn đổi giờ, đổi địa chỉ hoặc thôi nhận, xin báo đơn vị vận hành."
    ),
    "d_open_all": "Mở trang nộp số liệu",
    # codes
    "code_not_cloudevent": "Không đúng dạng sự kiện",
    "code_bad_json": "JSON không đọc được",
    "code_schema": "Thiếu hoặc sai trường",
    "code_unknown_province": "Không có tỉnh này",
    "code_unknown_kpi": "Không có chỉ tiêu này",
    "code_unknown_org_unit": "Không có đơn vị này",
    "code_org_unit_not_valid_then": "Đơn vị không tồn tại vào ngày đó",
    "code_wrong_level": "Không đúng cấp báo cáo",
    "code_not_your_figure": "Không thuộc quyền báo cáo",
    "code_unit_of_measure": "Sai đơn vị tính",
    "code_bad_period": "Sai kỳ báo cáo",
    "code_as_of_outside_period": "Ngày số liệu nằm ngoài kỳ",
    "code_future_as_of": "Ngày trong tương lai",
    "code_forecast_as_actual": "Dự báo ghi như số thực hiện",
    "code_numerator_above_denominator": "Tử số lớn hơn mẫu số",
    "code_negative": "Số âm",
    "code_not_finite": "Không phải một con số",
    "code_out_of_natural_limits": "Ngoài khoảng có thể có",
    "code_too_large": "Quá lớn",
    "code_too_old": "Quá cũ",
    "code_identity_reused": "Mã sự kiện đã dùng cho nội dung khác",
    "code_source_parked": "Nguồn bị tạm dừng",
    "code_source_unparked": "Nguồn được mở lại",
    "code_parts_contradict_value": "Tỷ lệ khác với tử số chia mẫu số",
    "code_truncated": "Bị cắt bớt chữ số thay vì làm tròn",
    "code_points_not_percent": "Ghi phần trăm thay vì điểm phần trăm",
    "code_late": "Sau hạn của mục tiêu",
    "code_over_natural_range": "Vượt mức thông thường",
    "code_target_already_met": "Mục tiêu đã đạt từ trước khi bắt đầu",
    "code_no_denominator": "Có tử số nhưng không có mẫu số",
    "code_cumulative_fell": "Số lũy kế giảm",
    "code_repeated_figure": "Số liệu lặp lại y nguyên",
    "code_jump": "Thay đổi đột ngột",
    "code_scale_shift": "Có thể nhầm đơn vị tính",
    "code_sources_disagree": "Các nguồn báo cáo khác nhau",
    "code_parts_disagree": "Khác tổng của các đơn vị bên dưới",
}

EN: Mapping[str, str] = {
    "d_parked": "{count} source{s} parked",
    "d_unparked": "{count} source{s} unparked",
    "d_refused": "{count} refusal{s}",
    "d_overdue": "{count} figure{s} overdue",
    "d_doubted": "{count} figure{s} to check",
    "d_soon": "{count} figure{s} due soon",
    "d_headline": "Figures of {name}: {said}.",
    "d_badge_critical": "Needs you now",
    "d_badge_behind": "Needs you",
    "d_badge_watch": "Please look",
    "d_again": "The last letter may not have arrived, so this one says again what stood in it.",
    "d_parked_title": "Source parked",
    "d_parked_intro": (
        "Nothing is lost. Once the sender is mended, the operator unparks the source, and what was kept is read again "
        "from the beginning."
    ),
    "d_unparked_title": "Source unparked",
    "d_unparked_intro": (
        "What a former letter said of this source is over. What was kept is read once the operator replays it; nothing "
        "need be sent again."
    ),
    "d_unparked_since": "Taken again since {moment}.",
    "d_refused_title": "Refused ({count})",
    "d_refused_intro": (
        "These figures do not count. Mend them and send them again, under the same event id unless it says otherwise "
        "below. Where that was done and accepted, nothing is left to do."
    ),
    "d_doubted_title": "To be checked ({count})",
    "d_doubted_intro": (
        "These figures were accepted, with the doubts that stand below each. Please check them and reply by the end of "
        "{reply_by}: if a figure is right, answer this mail and say why; if not, send it again with a higher revision."
    ),
    "d_overdue_title": "Overdue ({count})",
    "d_overdue_intro": "These figures have not come. Where one was sent and still stands here, see “Refused”.",
    "d_overdue_intro_alone": "These figures have not come.",
    "d_soon_title": "Due soon ({count})",
    "d_soon_intro": "These figures have not come yet. This reminds of them before they fall due, once a period.",
    "d_more": "… and {count} more",
    "d_figures_more": "… and {count} figure{s} more",
    "d_more_link": "see all",
    "d_about": "{kpi}, {unit}, figure as of {day}",
    "d_about_part": "figure as of {day}",
    "d_unreadable": "Content not readable",
    "d_event": "Event id: {event}",
    "d_no_event": "Event id not readable",
    "d_import": "sent in a file: the row or line of the unit and day above",
    "d_source": "source: {source}",
    "d_said_at": "at {moment}",
    "d_times": "{count} times",
    "d_and_more": "and {count} more",
    "d_open": "see this event",
    "d_missing_one": "{period}: no figure of {units}",
    "d_missing": "{period}: {missing} of {expected} units without a figure: {units}",
    "d_units_more": "{units} and {count} more",
    "d_by": "Due by {by}",
    "d_late": "Due by {by} ({days} working day{s} ago)",
    "d_newest": "newest figure: {day}",
    "d_never": "no figure has ever come",
    "d_why": (
        "{name} is registered as a publisher of figures, with the contact {email}. Letters go out on working days at "
        "about {hours}, and only when there is something to say. To change the hour or address, or to get none, tell "
        "the operator."
    ),
    "d_open_all": "Open the page for sending figures",
    "code_not_cloudevent": "Not a CloudEvent",
    "code_bad_json": "JSON that cannot be read",
    "code_schema": "A field is missing or wrong",
    "code_unknown_province": "Unknown province",
    "code_unknown_kpi": "Unknown KPI",
    "code_unknown_org_unit": "Unknown unit",
    "code_org_unit_not_valid_then": "The unit did not exist on that day",
    "code_wrong_level": "Not reported at this level",
    "code_not_your_figure": "Not yours to report",
    "code_unit_of_measure": "Wrong unit of measure",
    "code_bad_period": "Wrong period",
    "code_as_of_outside_period": "Day outside of the period",
    "code_future_as_of": "In the future",
    "code_forecast_as_actual": "A forecast sent as an actual figure",
    "code_numerator_above_denominator": "Numerator above denominator",
    "code_negative": "Negative",
    "code_not_finite": "Not a number",
    "code_out_of_natural_limits": "Outside of what can be",
    "code_too_large": "Too large",
    "code_too_old": "Too old",
    "code_identity_reused": "Event id taken by another content",
    "code_source_parked": "Source parked",
    "code_source_unparked": "Source unparked",
    "code_parts_contradict_value": "Not what its numerator and denominator give",
    "code_truncated": "Cut off instead of rounded",
    "code_points_not_percent": "Percent written for percentage points",
    "code_late": "After the target's deadline",
    "code_over_natural_range": "Above what is usual",
    "code_target_already_met": "The target was met before it began",
    "code_no_denominator": "A numerator without a denominator",
    "code_cumulative_fell": "A cumulative figure fell",
    "code_repeated_figure": "The same figure again",
    "code_jump": "A sudden change",
    "code_scale_shift": "Perhaps another unit of measure",
    "code_sources_disagree": "Sources disagree",
    "code_parts_disagree": "Not what the units below add up to",
}
