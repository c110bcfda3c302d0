"""Words of the dashboard. Vietnamese is the source: a sentence is its own key, and English stands beside it here.

Placeholders are `str.format`'s. Where English has two forms, the pair is (one, many).
"""

from typing import Literal, get_args

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

ENGLISH: dict[str, str | tuple[str, str]] = {
    # Statuses and severities
    "Đã đạt": "Achieved",
    "Không đạt": "Missed",
    "Chưa rõ": "Unknown",
    "Đi lùi": "Moving away",
    "Chậm": "Behind",
    "Có nguy cơ": "At risk",
    "Đúng tiến độ": "On track",
    "Không có mục tiêu": "No target",
    "Nghiêm trọng": "Critical",
    "Theo dõi": "Watch",
    # Header
    "Tiến Độ": "Tiến Độ",
    "Tiến độ chỉ tiêu chuyển đổi số": "Progress of digital-transformation targets",
    "Số liệu đến {day}": "Figures up to {day}",
    "Chưa có số liệu": "No figures yet",
    "Giờ hệ thống {time}": "System time {time}",
    "Kỳ": "Period",
    "Kỳ hiện nay": "Current period",
    "Xem": "Show",
    "Ngôn ngữ": "Language",
    "Tỉnh": "Province",
    "Đang nối": "Connecting",
    "Trực tiếp": "Live",
    "Mất kết nối": "Disconnected",
    "Đến nội dung chính": "Skip to content",
    # Headline
    "{late} trong {total} chỉ tiêu chậm so với kế hoạch": (
        "{late} of {total} target behind plan",
        "{late} of {total} targets behind plan",
    ),
    "Không chỉ tiêu nào chậm so với kế hoạch": "No target is behind plan",
    "{truth}, nhưng {trouble}": "{truth}, but {trouble}",
    "Chưa chỉ tiêu nào của tỉnh chậm": "No target of the province is behind",
    "Chưa chỉ tiêu nào của tỉnh có số liệu để đánh giá": "No target of the province has figures to judge by yet",
    "{late} trong {total} {level} chậm ở 1 chỉ tiêu": (
        "{late} of {total} {level} is behind in one target",
        "{late} of {total} {level} are behind in one target",
    ),
    "{count} chỉ tiêu có đơn vị bên dưới chậm, nhiều nhất là {late} trong {total} {level}": (
        "{count} target has units below that are behind, at most {late} of {total} {level}",
        "{count} targets have units below that are behind, at most {late} of {total} {level}",
    ),
    "{count} chỉ tiêu có nguy cơ": ("{count} target is at risk", "{count} targets are at risk"),
    "còn {count} cảnh báo đang mở": ("{count} alert is open", "{count} alerts are open"),
    "{late} trong {total} {level} chậm": "{late} of {total} {level} behind",
    "{count} chỉ tiêu chưa có số liệu trong kỳ": (
        "{count} target has no figures in this period",
        "{count} targets have no figures in this period",
    ),
    "Nặng nhất": "Worst",
    "Chỉ tiêu theo tình trạng": "Targets by status",
    "Bỏ lọc": "Clear filter",
    # KPI table
    "Chỉ tiêu của tỉnh": "The province's targets",
    "Chỉ tiêu": "Target",
    "Thực hiện": "Actual",
    "Kế hoạch": "Plan",
    "Tiến độ": "Progress",
    "Chênh lệch": "Gap",
    "Báo cáo": "Reported",
    "Chậm bên dưới": "Late below",
    "Phụ trách": "Owner",
    "mục tiêu {value}": "target {value}",
    "đến {day}": "as of {day}",
    "nhịp {pace}": "pace {pace}",
    "điểm %": "pts",
    "mô phỏng": "simulated",
    "Số liệu và mục tiêu mô phỏng, không phải số công bố": "Simulated figures and target, not published ones",
    "Không có chỉ tiêu nào ở tình trạng này.": "No target has this status.",
    "vạch đậm: kế hoạch đến ngày số liệu": "heavy mark: plan on the figure's date",
    "vạch mảnh: mục tiêu": "thin mark: target",
    "gạch chéo: phần còn thiếu": "hatched: what is missing",
    "mũi tên: vượt khung hình": "arrow: beyond the frame",
    "Cách đọc": "How to read",
    "{name}: đạt {value}, kế hoạch {planned}, mục tiêu {target}": (
        "{name}: {value} reached, {planned} planned, {target} targeted"
    ),
    "không có": "none",
    # Detail
    "Cần": "Needed",
    "{amount} mỗi {per} đến {day}": "{amount} a {per} until {day}",
    "từ {low} đến {high}": "{low} to {high}",
    "đến nay {so_far}": "so far {so_far}",
    "cao nhất từng đạt {best}": "best ever {best}",
    "Dự báo": "Forecast",
    "Theo đà hiện nay sẽ đạt {value} vào {day} (80 % khả năng từ {low} đến {high}), khả năng đạt mục tiêu {chance}": (
        "At this rate it will stand at {value} on {day} (80% likely between {low} and {high}); "
        "the chance of meeting the target is {chance}"
    ),
    "{landing}; tính từ số liệu đến {day}.": "{landing}; from figures up to {day}.",
    "dưới {percent}": "below {percent}",
    "trên {percent}": "above {percent}",
    "Số cuối cùng trước hạn ({day}): {came}, {met}.": "The last figure before the deadline ({day}): {came}, {met}.",
    "Đến hạn {day}: {came}, {met}.": "By the deadline {day}: {came}, {met}.",
    "{held}/{tested} khoảng dự báo đã đúng": "{held} of {tested} intervals held",
    "Chưa có dự báo nào kiểm chứng được.": "No forecast could be held against it.",
    "{goal}, phiên bản {version}": "{goal}, version {version}",
    "sai trung bình {error}": "off by {error} on average",
    "điểm Brier {brier} (0 là tốt nhất, 1 là kém nhất)": "Brier score {brier} (0 is best, 1 is worst)",
    "đạt mục tiêu": "target met",
    "không đạt mục tiêu": "target not met",
    "Đã dự báo gì": "What was forecast",
    "Số liệu đến": "Figures up to",
    "Dự báo vào hạn": "At the deadline",
    "Khoảng dự báo (80 %)": "Interval (80%)",
    "Khả năng đạt": "Chance",
    "Đúng trong khoảng": "Held",
    "ngày": "day",
    "tuần": "week",
    "tháng": "month",
    "quý": "quarter",
    "năm": "year",
    "Vì sao": "Why",
    "Thiếu ở đâu": "Where it is short",
    "Điểm nghi vấn": "Doubts",
    "Phần trong số thiếu": "Part of the gap",
    "Chưa báo cáo": "Not reported",
    "Không cộng được": "Cannot be added up",
    "Báo cáo trễ": "Reported late",
    "và {count} đơn vị nữa": ("and {count} more", "and {count} more"),
    "Số báo cáo {reported}, cộng các phần {parts}": "Reported {reported}, the parts add up to {parts}",
    "Căn cứ": "Legal basis",
    "Nguồn": "Source",
    "Hạn": "Deadline",
    "Định nghĩa": "Definition",
    "Theo {level}": "By {level}",
    "{level} của {name}": "{level} of {name}",
    "Mọi {level}": "Every {level}",
    "Tất cả": "All",
    "{late}/{total} chậm": "{late}/{total} late",
    "Không mức nào ở lần báo cáo tới làm đổi tình trạng.": "No value at the next report would change the status.",
    "Ai đã báo cáo, ai chưa": "Who has reported, and who has not",
    "Đã báo cáo: {reported}/{expected}": "Reported: {reported}/{expected}",
    "đúng hạn {on_time}/{due} lần": "in time {on_time}/{due}",
    "{count} đơn vị chưa báo cáo": ("{count} unit has not reported", "{count} units have not reported"),
    "{count} đơn vị có số liệu không cộng được": (
        "the figure of {count} unit cannot be added up",
        "the figures of {count} units cannot be added up",
    ),
    "{count} thành viên của danh sách chưa đạt": (
        "{count} member of the roster is not done yet",
        "{count} members of the roster are not done yet",
    ),
    "{count} đơn vị báo cáo trễ": ("{count} unit reported late", "{count} units reported late"),
    "{count} thành viên": ("{count} member", "{count} members"),
    "Góp vào chênh lệch": "Brings to the gap",
    "Phần của chênh lệch": "Part of the gap",
    "Ai tạo ra khoảng cách": "Who makes the gap",
    "Từng {level}": "Each {level}",
    "đơn vị": "unit",
    "{names} và {count} đơn vị nữa": ("{names} and {count} more", "{names} and {count} more"),
    "mục tiêu": "target",
    "Chia theo chênh lệch so với kế hoạch đến ngày {day}: {gap}.": (
        "What is split is the gap to the plan as of {day}: {gap}."
    ),
    "rút số liệu": "withdraws the figure",
    "đã xong": "done",
    "chưa xong": "not done",
    "Chưa đạt trong danh sách": "Not yet done, of the roster",
    "{count} đơn vị chưa có số liệu để đánh giá": (
        "{count} unit has no figures to judge by",
        "{count} units have no figures to judge by",
    ),
    "{count} đơn vị đã kết thúc hoạt động": ("{count} unit has ended", "{count} units have ended"),
    "{count} đơn vị còn lại không chậm": ("{count} other unit is not late", "{count} other units are not late"),
    "Chỉ tiêu này chưa có số liệu bên dưới.": "There are no figures below for this target.",
    "Không đơn vị nào chậm.": "No unit is late.",
    "nhất là {name}": "worst {name}",
    "Phụ trách: {name}": "Owner: {name}",
    "{count} chỉ tiêu khác chỉ được theo dõi, không có mục tiêu trong kỳ": (
        "{count} other figure is only followed: it has no target in this period",
        "{count} other figures are only followed: they have no target in this period",
    ),
    # Spreadsheets
    "Nhập số liệu từ bảng tính": "Send figures in a spreadsheet",
    "Gửi số liệu bằng tệp CSV hoặc XLSX": "Send figures as CSV or XLSX",
    "Kiểm tra trước: từng ô sai được chỉ rõ, chưa có gì được gửi. "
    "Sửa xong rồi gửi; gửi lại cùng một tệp vẫn chỉ tính một lần.": (
        "First the file is checked: every wrong cell is shown, and nothing is sent. "
        "Mend it, then send it; the same file sent again counts once."
    ),
    "Trang này cần JavaScript; không có thì gửi bằng POST /api/v1/imports.": (
        "This page needs JavaScript; without it, use POST /api/v1/imports."
    ),
    "Tệp số liệu (CSV, XLSX, tối đa {megabytes} MB)": "File (CSV, XLSX, at most {megabytes} MB)",
    "Chưa có tệp? Tải biểu mẫu để điền": "No file yet? Download a template to fill in",
    "Chọn chỉ tiêu": "Choose a KPI",
    "Để trống: kỳ đang đến hạn báo cáo.": "Left empty: the period that is due now.",
    "Thuộc đơn vị (mã)": "Below the unit (code)",
    "Để trống: mọi đơn vị báo cáo chỉ tiêu.": "Left empty: every unit that reports the KPI.",
    "Tải biểu mẫu (XLSX)": "Download the template (XLSX)",
    "Nguồn gửi": "Reporting source",
    "Chọn nguồn": "Choose a source",
    "Theo khóa": "That of the key",
    "Khóa của đơn vị cung cấp": "The publisher's key",
    "Chỉ giữ trong thẻ trình duyệt này, mất khi đóng thẻ.": "Kept in this browser tab only, until it is closed.",
    "Tệp thiếu cột? Ghi giá trị chung cho mọi dòng": "Columns missing? Say what holds for all rows",
    "Theo tệp": "As in the file",
    "Mã đơn vị": "Unit code",
    "Ngày số liệu": "As of",
    "Dấu thập phân": "Decimal sign",
    "Tự nhận": "Find out",
    "Các cột được hiểu": "Columns that are understood",
    "Tiêu đề cột": "Heading",
    "Trường": "Field",
    "Cũng được hiểu": "Also understood",
    "Kiểm tra tệp": "Check the file",
    "Dòng": "Row",
    "Cần sửa, cần xem": "To mend or to look at",
    "Kết quả": "Result",
    "Đúng": "Sound",
    "Có nghi vấn": "Doubtful",
    "Đã nhận trước đây": "Accepted before",
    "Đã nhận": "Accepted",
    "Sai": "Wrong",
    "Đang kiểm tra…": "Checking…",
    "Đang gửi…": "Sending…",
    "Không nối được tới máy chủ; hãy thử lại.": "The server cannot be reached; try again.",
    "Cột không được đọc": "Columns that were not read",
    "Trang tính không có bảng số liệu": "Sheets without a table of figures",
    "Số dòng không liệt kê": "Rows that are not listed",
    "Số dòng chưa có số liệu, được bỏ qua": "Rows without a figure, passed over",
    "Chỉ nhận tệp .csv hoặc .xlsx.": "Only .csv and .xlsx files are taken.",
    "Kết quả kiểm tra": "What was found",
    "Biên nhận": "Receipts",
    "Gửi số liệu": "Send the figures",
    "Chỉ gửi các dòng đúng": "Send the sound rows only",
    "Tải tệp có đánh dấu lỗi": "Download the file with its problems marked",
    # Alerts
    "Cảnh báo đang mở": "Open alerts",
    "Không có cảnh báo nào đang mở.": "No alert is open.",
    "từ {day}": "since {day}",
    "{count} ngày": ("{count} day", "{count} days"),
    "đã nhận": "acknowledged",
    "còn {count} cảnh báo": ("{count} more alert", "{count} more alerts"),
    "Xem hết": "Show all",
    # Explanation
    "Khi khép kỳ ({day})": "When the period was closed ({day})",
    "{status}, {value}; số liệu được bổ sung hoặc sửa sau đó": (
        "{status}, {value}; figures were added or corrected later"
    ),
    "{status}, {value}, mục tiêu {goal}; danh mục thay đổi sau đó": (
        "{status}, {value}, target {goal}; the catalog changed later"
    ),
    "{status}, {value}, mục tiêu {goal}; số liệu và danh mục thay đổi sau đó": (
        "{status}, {value}, target {goal}; figures and the catalog changed later"
    ),
    "Các phiên bản mục tiêu": "Versions of the target",
    "Phiên bản": "Version",
    "phiên bản {version}": "version {version}",
    "{value} vào {day}": "{value} by {day}",
    "Hiệu lực": "Valid",
    "Đánh giá gần nhất theo phiên bản này": "Last judged under this version",
    "Giải thích": "Explanation",
    "Giải thích số liệu": "Explain this figure",
    "Về bảng theo dõi": "Back to the dashboard",
    "Đánh giá mới này chưa được công bố.": "This new judgement has not been published yet.",
    "Lịch sử": "History",
    "Mục tiêu": "Target",
    "{name}: {count} lần báo cáo từ {first} đến {last}": (
        "{name}: {count} report from {first} to {last}",
        "{name}: {count} reports from {first} to {last}",
    ),
    "Từng lần báo cáo": "Each report",
    "Đến ngày": "As of",
    "Tình trạng": "Status",
    "Tình trạng ngày đó": "Status on that day",
    "và {count} lần trước đó": ("and {count} before that", "and {count} before that"),
    "Hôm đó đã nói gì?": "What was said on",
    "Cách tính": "How it is computed",
    "Điều gì sẽ làm thay đổi tình trạng": "What would change the status",
    "Lần báo cáo tới, đến ngày {day}:": "At the next report, as of {day}:",
    "Đã hết thời gian; chỉ việc đính chính mới thay đổi được.": "The time is up; only a correction can change it.",
    "Chưa giao mục tiêu cho kỳ này nên không có ngưỡng nào.": "Without a target in this period there are no bounds.",
    "Căn cứ đánh giá": "Judged by",
    "{id}, phiên bản {version}": "{id}, version {version}",
    "Danh mục": "Catalog",
    "danh mục {version}": "catalog {version}",
    "Ngày đánh giá": "Judged on",
    "bản ghi số {version}": "record version {version}",
    "Tính từ các chỉ tiêu": "Made from these KPIs",
    "So với": "Against",
    "Điểm / tối đa": "Points / at most",
    "Đơn vị ngay bên dưới": "Units directly below",
    "Đơn vị": "Unit",
    "Tử số / mẫu số": "Numerator / denominator",
    "Được cộng": "In the sum",
    "có": "yes",
    "không": "no",
    "Số liệu lấy từ đâu": "Where the figures came from",
    "Số báo cáo": "Reported",
    "Nơi gửi": "Sender",
    "Mã sự kiện": "Event id",
    "Chủ đề / phân vùng / vị trí": "Topic / partition / offset",
    "Nhận lúc": "Received",
    "Ghi chú": "Remarks",
    "Các quy tắc kiểm tra đã qua": "Checks passed",
    "Sổ tiếp nhận không có sự kiện này.": "The ledger does not know this event.",
    "Còn {count} sự kiện nữa": ("{count} more event", "{count} more events"),
    "Dữ liệu của trang này (JSON)": "The data of this page (JSON)",
    "Thiếu chỉ tiêu, đơn vị hoặc kỳ trong địa chỉ.": "The address lacks the KPI, the unit or the period.",
    # Figures on the units of another day
    "Số liệu theo đơn vị từng thời điểm": "Figures by the units of a day",
    "Như đã báo cáo": "As reported",
    "Theo đơn vị hiện nay": "By the units of today",
    "Theo đơn vị ngày": "By the units of",
    "Đơn vị của ngày {day}.": "Units of {day}.",
    "Trang này chỉ xếp lại số liệu theo đơn vị, không đánh giá; kết quả đánh giá là của từng bản ghi tiến độ.": (
        "This page only rearranges figures by unit and judges nothing: judgements are those of the progress records."
    ),
    "Tổng theo đơn vị đã báo cáo: {total}": "Total by the units that reported: {total}",
    "theo đơn vị của ngày này: {total}": "by the units of this day: {total}",
    "không đổi": "unchanged",
    "Có tỷ lệ chia không được quy định, chỉ là ước tính.": "Some shares were stated by nobody and are estimated.",
    "Gồm có": "Made of",
    "Mục tiêu riêng": "Target of its own",
    "số liệu của chính đơn vị": "its own figure",
    "cộng từ dưới lên, {there}/{due} đơn vị có đủ số liệu": "added up from below, {there}/{due} units have all figures",
    "tính từ các chỉ tiêu gốc": "derived",
    "{brought}/{most} điểm": "{brought} of {most} points",
    "Xếp hạng": "Rank",
    "{share} của {figure}": "{share} of {figure}",
    "tỷ lệ chia là ước tính": "the share is estimated",
    "chưa báo cáo": "not reported",
    "Không chuyển sang được": "Could not be carried over",
    "Không có đơn vị nào của chỉ tiêu này vào ngày đó.": "No unit of this KPI existed on that day.",
    "Thiếu tỉnh, chỉ tiêu hoặc kỳ trong địa chỉ.": "The address lacks the province, the KPI or the period.",
    # What became of an event
    "Số liệu đã gửi": "A figure that was sent",
    "Các số liệu đã gửi": "Figures that were sent",
    "Chỉ đơn vị đã gửi các số liệu này mới xem được: hãy nhập khóa của đơn vị.": "Only whoever sent these figures may "
    "see them: enter the publisher's key.",
    "Mọi trạng thái": "All states",
    "Trạng thái": "State",
    "Lý do": "Reason",
    "Lúc": "At",
    "Không có số liệu nào như vậy.": "There are none.",
    "Các số liệu trước đó": "Earlier ones",
    "Nội dung không đọc được": "Content not readable",
    "Đã nhận, có điểm nghi vấn": "Accepted, with doubts",
    "Được nhận ở lần gửi sau": "Accepted at a later try",
    "Trùng mã sự kiện": "Event id used twice",
    "Bị từ chối": "Refused",
    "Nằm ở khu cách ly": "In the quarantine",
    "Nguồn bị tạm giữ": "Source parked",
    "Chưa thấy": "Not seen yet",
    "Việc cần làm": "What to do",
    "Chỉ đơn vị đã gửi số liệu này mới xem được: hãy nhập khóa của đơn vị.": (
        "Only the publisher that sent this figure may see what became of it: enter its key."
    ),
    "Diễn biến": "What happened",
    "Số liệu": "The figure",
    "Đạt mọi kiểm tra, vào sổ tiếp nhận": "Passed every check; in the ledger",
    "Số liệu khác gây nghi vấn": "Other figures make it doubtful",
    "không còn nghi vấn": "no longer doubtful",
    "giá trị nhận được: {value}": "what stood there: {value}",
    "trường {field}": "field {field}",
    "Các bản ghi tiến độ": "Progress records",
    "Có trong bản ghi": "In the record",
    "Chưa vào bản ghi tiến độ nào.": "In no progress record.",
    "Chỉ tiêu tính từ số liệu này": "KPIs that are made from it",
    "Quan sát đứng thay": "Observation in its place",
    "Nơi lưu bản gốc": "Where the original is",
    "Mã quan sát": "Observation id",
    "lần sửa {revision}": "revision {revision}",
    # The page of an alert
    "Cảnh báo": "Alert",
    "Chậm ở đâu": "What is behind",
    "Cảnh báo từ": "Open since",
    "Số liệu lúc quyết định cảnh báo.": "The figures at the latest decision.",
    "Xử lý": "Act",
    "Nhận xử lý": "Take it up",
    "{name} đang xử lý, đến {until}": "{name} is dealing with it, until {until}",
    "nhận lúc {at}": "since {at}",
    "Chưa ai nhận xử lý.": "Nobody has taken it up.",
    "Cảnh báo đã kết thúc.": "The alert is over.",
    "Đang làm gì, ý kiến, hoặc giải trình": "What is being done, what you have to say, or your account",
    "Giải trình": "Give account",
    "Đề nghị giải trình": "Ask for an account",
    "{name} đề nghị giải trình đến {due}": "{name} asked for an account by {due}",
    "{name} giải trình": "{name} gave account",
    "đã quá hạn": "overdue",
    "Chỉ ghi ý kiến": "Only say this",
    "{name} ghi ý kiến": "{name} said",
    "{name} đóng cảnh báo": "{name} closed the alert",
    "Đóng cảnh báo": "Close the alert",
    "{what}, không báo lại đến {until}": "{what}; it stays closed until {until}",
    "Đóng cảnh báo này? Những người đã được báo sẽ nhận thư kèm lý do.": (
        "Close this alert? Everybody who was told of it gets a mail with the reason."
    ),
    "Đến hết ngày": "Until the end of",
    "Hạn xử lý hoặc hạn giải trình. Nhận xử lý mà để trống: 14, 7 hoặc 3 ngày theo mức của cảnh báo; trong thời gian "
    "đó không báo lên cấp trên. Đóng mà ghi ngày: không mở lại trước khi hết ngày đó.": (
        "Until when it is dealt with, or the account is due. To take it up, left empty: 14, 7 or 3 days, by severity; "
        "meanwhile it climbs no further. To close it with a day: it does not open again before its end."
    ),
    "Khóa cá nhân của bạn": "Your own key",
    "Đã ghi nhận.": "Taken.",
    "Biểu mẫu này cần JavaScript; không có thì gửi bằng POST /api/v1/alerts/{id}/acknowledge.": (
        "This form needs JavaScript; without it, use POST /api/v1/alerts/{id}/acknowledge."
    ),
    "hết {day}": "the end of {day}",
    "Đợt {number}": "Episode {number}",
    "Vì sao, đã báo cho ai, tiếp theo là gì": "Why, who was told, what comes next",
    "Dịch vụ cảnh báo chưa trả lời; hãy tải lại trang sau.": (
        "The service of alerts does not answer; load this page again later."
    ),
    "Không có cảnh báo này, hoặc chưa có ở đây; hãy thử lại sau ít phút.": (
        "There is no such alert, or not here yet; try again in some minutes."
    ),
    "{name} nhận xử lý đến {until}": "{name} took it up until {until}",
    "{what}, mức “{severity}”": "{what}, “{severity}”",
    "Chậm so với kế hoạch: bắt đầu cảnh báo": "Behind plan: the alert opens",
    "Chậm thêm": "Further behind",
    "Báo lên cấp trên": "Told to the next level",
    "Nhắc lại những người đã được báo": "Those who were told are reminded",
    "Quá lâu không có số liệu mới": "No figure came for too long",
    "Đã có số liệu mới": "Figures come again",
    "Số liệu lên xuống thất thường": "The figures go up and down",
    "Đã trở lại gần kế hoạch": "Back near plan",
    "Đã đạt mục tiêu": "Target met",
    "Hết kỳ, đạt mục tiêu": "Period over, target met",
    "Hết kỳ, không đạt mục tiêu": "Period over, target missed",
    "Có người đóng cảnh báo": "Closed by somebody",
    "Không còn theo dõi: quy tắc đã tắt": "No longer watched: its rule was switched off",
    "Quy tắc đã đổi, không còn coi là chậm": "By the changed rule it is not behind",
    "Quy tắc không còn theo dõi chỉ tiêu này ở đây": "The rule no longer watches this figure here",
    "Kế hoạch được sửa, nên hết chậm": "Not behind the revised plan",
    "Mục tiêu được rút lại": "The target was withdrawn",
    "Đơn vị không còn": "The unit is no more",
    "Quá lâu không có số liệu": "No figures for too long",
    # Empty states
    "Chưa có danh mục": "No catalog yet",
    "Hệ thống chưa biết tỉnh nào, đơn vị nào, chỉ tiêu nào. Người vận hành cần nạp danh mục:": (
        "The system knows no province, unit or target yet. An operator has to apply a catalog:"
    ),
    "Danh mục đã sẵn sàng, đang chờ số liệu đầu tiên": "The catalog is there; waiting for the first figures",
    "{kpis} chỉ tiêu và {units} đơn vị đã được khai báo. Trang này tự cập nhật khi có số liệu.": (
        "{kpis} targets and {units} units are declared. This page fills in by itself as figures come."
    ),
    # Footer
    "Danh mục {version}": "Catalog {version}",
    "API": "API",
}


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, text: str, count: int | None = None, **values: object) -> str:
        """The text in this language. `count` chooses the form and fills `{count}`."""
        if self.language == "en":
            found = ENGLISH.get(text, text)
            text = found if isinstance(found, str) else found[0 if count == 1 else 1]
        if count is not None:
            values.setdefault("count", count)
        return text.format(**values) if values else text

    def either(self, vi: str, en: str) -> str:
        """A name that exists in both languages; Vietnamese where English is missing."""
        return (en or vi) if self.language == "en" else (vi or en)


def language_of(asked: str | None, remembered: str | None) -> Language:
    """What was asked for, else what the browser remembers, else Vietnamese."""
    for choice in (asked, remembered):
        for language in LANGUAGES:
            if choice == language:
                return language
    return "vi"
