"""What mails say of an alert that climbs, in both languages under the same keys."""

from collections.abc import Mapping

VI: Mapping[str, str] = {
    "prefix_escalated": "Vẫn chậm",
    "escalated": "Chỉ tiêu “{kpi}” của {unit} vẫn chậm so với kế hoạch sau khi đã báo đơn vị: {gap}.",
    "escalated_many": (
        "Chỉ tiêu “{kpi}”: {count} đơn vị vẫn chậm so với kế hoạch sau khi đã được báo, nặng nhất là {unit} ({gap})."
    ),
    "escalated_hurried": "Chỉ tiêu “{kpi}” của {unit} chậm so với kế hoạch và khó kịp thời hạn: {gap}.",
    "r_ESCALATED": "báo lên cấp tiếp theo",
    "news_escalated": "vẫn chậm, nay báo thêm",
    "repeat": "Chỉ tiêu “{kpi}” của {unit} vẫn chậm so với kế hoạch: {gap}.",
    "repeat_many": "Chỉ tiêu “{kpi}”: {count} đơn vị vẫn chậm so với kế hoạch, nặng nhất là {unit} ({gap}).",
    "repeat_overdue": "Chỉ tiêu “{kpi}” của {unit} vẫn chậm so với kế hoạch, đã quá thời hạn tiếp nhận xử lý: {gap}.",
    "repeat_overdue_many": (
        "Chỉ tiêu “{kpi}”: {count} đơn vị vẫn chậm so với kế hoạch, đã quá thời hạn tiếp nhận xử lý, nặng nhất là "
        "{unit} ({gap})."
    ),
    "r_REPEAT": "nhắc lại vì vẫn chậm",
    "prefix_acknowledged": "Đã có người nhận xử lý",
    "acknowledged": "Chỉ tiêu “{kpi}” của {unit} đang chậm ({gap}), nay đã có người nhận xử lý.",
    "acknowledged_many": "Chỉ tiêu “{kpi}”: {count} đơn vị đang chậm, nay đã có người nhận xử lý.",
    "r_ACKNOWLEDGED": "có người nhận xử lý",
    "do_wait_for_it": (
        "Không phải làm gì thêm: nếu hết thời hạn xử lý mà vẫn chậm, cảnh báo được nhắc lại và tiếp tục báo lên cấp "
        "trên."
    ),
    "prefix_account_asked": "Đề nghị giải trình",
    "account_asked": "Lãnh đạo đề nghị giải trình về chỉ tiêu “{kpi}” của {unit}, đang chậm so với kế hoạch: {gap}.",
    "account_asked_many": "Lãnh đạo đề nghị giải trình về chỉ tiêu “{kpi}” của {count} đơn vị đang chậm.",
    "account_overdue": "Đã quá hạn giải trình về chỉ tiêu “{kpi}” của {unit}, đang chậm so với kế hoạch: {gap}.",
    "account_overdue_many": "Đã quá hạn giải trình về chỉ tiêu “{kpi}” của {count} đơn vị đang chậm.",
    "prefix_account_given": "Đã giải trình",
    "account_given": "Đã có giải trình về chỉ tiêu “{kpi}” của {unit}, đang chậm so với kế hoạch: {gap}.",
    "account_given_many": "Đã có giải trình về chỉ tiêu “{kpi}” của {count} đơn vị đang chậm.",
    "r_ACCOUNT_ASKED": "lãnh đạo đề nghị giải trình",
    "r_ACCOUNT_GIVEN": "có giải trình",
    "do_give_account": "{owner} giải trình trên trang của cảnh báo này (nút bên dưới) trước hạn.",
    "do_read_account": "Đọc giải trình; cần trao đổi thêm thì ghi ý kiến trên trang của cảnh báo này.",
    "l_asked": "Đề nghị giải trình",
    "asked": "{name}, hạn {due}",
    "asked_note": "{asked}: {note}",
    "l_account": "Giải trình",
    "account": "{name}, lúc {at}: {answer}",
    "prefix_closed": "Đã đóng cảnh báo",
    "closed_by_hand": "Cảnh báo về chỉ tiêu “{kpi}” của {unit} đã được đóng.",
    "closed_by_hand_many": "Chỉ tiêu “{kpi}”: cảnh báo của {count} đơn vị đã được đóng.",
    "end_manual": "cảnh báo đã được đóng",
    "l_closed_by": "Đóng bởi",
    "closed_by": "{name}: {note}",
    "do_closed": "Không phải làm gì thêm. Số liệu mới mà vẫn chậm thì cảnh báo mở lại.",
    "l_acked": "Đã tiếp nhận",
    "acked": "{name}, lúc {at}, xử lý đến {until}",
    "acked_note": "{acked}: {note}",
    "l_before": "Đã báo trước",
    "before": "{name} ({role}), lúc {at}",
    "l_hurried": "Báo sớm vì",
    "hurried": "nhịp độ cần đạt cao hơn nhiều so với mức cao nhất từng đạt, càng chờ càng khó kịp",
    "l_ahead": "Bước tiếp theo",
    "ahead": "nếu đến {at} vẫn chậm, hệ thống sẽ báo {whom}",
    "post": "{role} ({unit})",
}

EN: Mapping[str, str] = {
    "prefix_escalated": "Still behind",
    "escalated": "“{kpi}” of {unit} is still behind plan after the unit was told: {gap}.",
    "escalated_many": "“{kpi}”: {count} units are still behind plan after they were told, worst {unit} ({gap}).",
    "escalated_hurried": "“{kpi}” of {unit} is behind plan and can hardly catch up in time: {gap}.",
    "r_ESCALATED": "the next level is told",
    "news_escalated": "still behind, told to more people",
    "repeat": "“{kpi}” of {unit} is still behind plan: {gap}.",
    "repeat_many": "“{kpi}”: {count} units are still behind plan, worst {unit} ({gap}).",
    "repeat_overdue": (
        "“{kpi}” of {unit} is still behind plan, though the time for which it was taken up is over: {gap}."
    ),
    "repeat_overdue_many": (
        "“{kpi}”: {count} units are still behind plan, though the time for which they were taken up is over, "
        "worst {unit} ({gap})."
    ),
    "r_REPEAT": "a reminder, since it is still behind",
    "prefix_acknowledged": "Taken up",
    "acknowledged": "Somebody has taken up “{kpi}” of {unit}, which is behind plan ({gap}).",
    "acknowledged_many": "“{kpi}”: somebody has taken up what {count} units are behind with.",
    "r_ACKNOWLEDGED": "somebody took it up",
    "do_wait_for_it": (
        "Nothing: if it is still behind when the time for it is over, somebody is reminded and the alert climbs on."
    ),
    "prefix_account_asked": "Account asked for",
    "account_asked": "An account is asked for “{kpi}” of {unit}, which is behind plan: {gap}.",
    "account_asked_many": "An account is asked for “{kpi}” of {count} units that are behind.",
    "account_overdue": "The account of “{kpi}” of {unit}, which is behind plan, is overdue: {gap}.",
    "account_overdue_many": "The account of “{kpi}” of {count} units that are behind is overdue.",
    "prefix_account_given": "Account given",
    "account_given": "An account was given of “{kpi}” of {unit}, which is behind plan: {gap}.",
    "account_given_many": "An account was given of “{kpi}” of {count} units that are behind.",
    "r_ACCOUNT_ASKED": "an account is asked for",
    "r_ACCOUNT_GIVEN": "an account was given",
    "do_give_account": "{owner} gives account on the page of this alert (the button below) before it is due.",
    "do_read_account": "Read it; what is to be said to it can be said on the page of this alert.",
    "l_asked": "Account asked by",
    "asked": "{name}, due {due}",
    "asked_note": "{asked}: {note}",
    "l_account": "Account",
    "account": "{name}, at {at}: {answer}",
    "prefix_closed": "Alert closed",
    "closed_by_hand": "The alert on “{kpi}” of {unit} was closed.",
    "closed_by_hand_many": "“{kpi}”: the alerts of {count} units were closed.",
    "end_manual": "the alert was closed",
    "l_closed_by": "Closed by",
    "closed_by": "{name}: {note}",
    "do_closed": "Nothing. If a new figure is behind, the alert opens again.",
    "l_acked": "Taken up",
    "acked": "{name}, at {at}, until {until}",
    "acked_note": "{acked}: {note}",
    "l_before": "Told before",
    "before": "{name} ({role}), at {at}",
    "l_hurried": "Told early, since",
    "hurried": "the pace that is needed is far above the best ever reached, and waiting makes it harder",
    "l_ahead": "Next step",
    "ahead": "if it is still behind at {at}, {whom} will be told",
    "post": "{role} ({unit})",
}
