"""What became of an event, in sentences, and what its publisher is to do: Vietnamese and English."""

from typing import NamedTuple

from contracts.fates import EventState, Standing


class Sentence(NamedTuple):
    """One sentence in both languages."""

    vi: str
    en: str


def state(of: EventState, reason: str | None) -> tuple[Sentence, Sentence | None]:
    """What a state means, and what is to be done about it. `reason`: the quarantine's, where it holds the event."""
    if of is EventState.QUARANTINED and reason == "internal":
        return _FAULT_OF_OURS
    return _STATES[of]


def standing(of: Standing) -> Sentence:
    """Where the figure of an accepted event has come to."""
    return _STANDINGS[of]


_FAULT_OF_OURS = (
    Sentence(
        "Hệ thống gặp lỗi khi đọc sự kiện này: nguyên văn được giữ lại để xử lý sau.",
        "The system stumbled over this event: its bytes are kept to be handled later.",
    ),
    Sentence(
        "Không cần gửi lại: người vận hành sẽ xử lý bản đang giữ.",
        "Nothing need be sent again: an operator will have what is kept handled.",
    ),
)

_STATES: dict[EventState, tuple[Sentence, Sentence | None]] = {
    EventState.ACCEPTED: (
        Sentence(
            "Đã nhận: số liệu đạt mọi kiểm tra và đã vào sổ tiếp nhận.",
            "Accepted: the figure passed every check and stands in the ledger.",
        ),
        None,
    ),
    EventState.ACCEPTED_WITH_DOUBTS: (
        Sentence(
            "Đã nhận, kèm điểm nghi vấn: số liệu vẫn được tính.",
            "Accepted, with doubts: the figure counts all the same.",
        ),
        Sentence(
            "Kiểm tra lại từng điểm nghi vấn: số liệu sai thì gửi bản sửa có revision cao hơn, đúng thì không cần "
            "làm gì.",
            "Check each doubt: where the figure is wrong send a correction with a higher revision; where it is right "
            "nothing is to be done.",
        ),
    ),
    EventState.REFUSED_SINCE: (
        Sentence(
            "Đã nhận: trước đó sự kiện này từng không được nhận, lần gửi sau đạt mọi kiểm tra.",
            "Accepted: it had been turned away before, and passed every check when it came again.",
        ),
        None,
    ),
    EventState.IDENTITY_REUSED: (
        Sentence(
            "Nội dung nhận đầu tiên dưới mã này vẫn giữ nguyên; nội dung khác gửi sau dưới cùng mã không được nhận.",
            "What was accepted first under this id stands; another content that came under it was not taken.",
        ),
        Sentence(
            "Gửi nội dung kia với mã sự kiện mới; muốn sửa số liệu thì tăng revision.",
            "Send the other content under a new event id; to correct the figure raise its revision.",
        ),
    ),
    EventState.REFUSED: (
        Sentence("Bị từ chối: số liệu không được tính.", "Refused: the figure does not count."),
        Sentence(
            "Sửa từng lỗi nêu ở đây rồi gửi lại; được giữ nguyên mã sự kiện.",
            "Mend each of the problems named here and send it again; it may keep its event id.",
        ),
    ),
    EventState.QUARANTINED: (
        Sentence(
            "Không đọc được: nguyên văn được giữ ở khu cách ly, số liệu không được tính.",
            "It could not be read: its bytes are kept in the quarantine, and no figure of it counts.",
        ),
        Sentence(
            "Sửa hệ thống gửi theo lỗi nêu ở đây rồi gửi lại với cùng mã sự kiện.",
            "Mend what sends it, as the problem named here says, and send it again under its id.",
        ),
    ),
    EventState.PARKED: (
        Sentence(
            "Nguồn này đang bị tạm giữ vì gửi quá nhiều bản không đọc được: sự kiện nằm ở khu cách ly, chưa kiểm tra.",
            "This source is parked, since too much of what it sends cannot be read: the event is in the quarantine, "
            "unchecked.",
        ),
        Sentence(
            "Sửa hệ thống gửi, rồi báo người vận hành mở lại nguồn và xử lý những gì đang giữ; không cần gửi lại.",
            "Mend what sends them, then ask an operator to open the source again and to replay what is kept; nothing "
            "need be sent again.",
        ),
    ),
    EventState.UNKNOWN: (
        Sentence(
            "Chưa thấy sự kiện này: còn trên đường, chưa hề tới, hoặc đã quá thời hạn lưu.",
            "This event has not been seen yet: it is on its way, never came, or is older than what is kept.",
        ),
        Sentence(
            "Biên nhận đã quá một phút: đề nghị người vận hành xem /readyz của ingest và số đo "
            "tiendo_consumer_lag_records. Không có biên nhận: gửi lại đúng sự kiện này, gửi hai lần vẫn chỉ tính một.",
            "If the receipt is older than a minute, have an operator look at ingest's /readyz and at "
            "tiendo_consumer_lag_records. Without a receipt send the same event again: twice counts once.",
        ),
    ),
}

_STANDINGS: dict[Standing, Sentence] = {
    "stands": Sentence("Đang là số liệu của đơn vị cho ngày đó.", "It stands as the unit's figure for that day."),
    "added": Sentence("Đã cộng vào tổng của ngày đó.", "It was added to the sum of that day."),
    "replaced": Sentence(
        "Đã được thay bằng bản sửa sau của chính nguồn này.", "A later correction of the same source stands instead."
    ),
    "outranked": Sentence(
        "Số liệu cùng ngày của nguồn khác được ưu tiên hơn và đang được dùng.",
        "A figure that another source gave for the same day has precedence and stands.",
    ),
    "retracted": Sentence("Đã được chính nguồn này rút lại.", "The same source has withdrawn it."),
    "retracts": Sentence("Sự kiện này rút lại số liệu của ngày đó.", "This event withdraws the figure of that day."),
    "forecast": Sentence(
        "Là số dự báo: được lưu để xem, không bao giờ được tính.", "It is a forecast: kept to be seen, never counted."
    ),
    "not_yet": Sentence(
        "Chưa vào tính toán; thường chỉ mất vài giây.", "It is not computed with yet; that takes seconds as a rule."
    ),
    "not_counted": Sentence(
        "Danh mục hiện hành không còn chỉ tiêu này nên số liệu không vào bản ghi nào.",
        "The catalog in force no longer has this KPI, so the figure is in no record.",
    ),
}
