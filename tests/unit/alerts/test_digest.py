"""Letters to publishers: what is gathered, when there is one, and what it says, read back as a client reads it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Publisher
from contracts.doors import event_of
from contracts.observations import FlagCode
from contracts.statistics import RejectionCode
from services.alerts.compose import MAX_SUBJECT
from services.alerts.compose_digest import MAX_HTML_BYTES
from services.alerts.digest import Correspondence, Digest, settled, take_in, write
from services.alerts.freezing import Letters
from services.alerts.notes import MOST, MOST_OF_A_CODE, NOTHING, Note, NoteKind, Sentence, gather, joined
from services.alerts.ports import Row
from services.alerts.publisher_phrases import EN, VI
from services.alerts.settings import MailSettings, SmtpSettings
from tests.unit.alerts.fakes import FakeCatalogs, parsed
from tests.unit.alerts.letters import (
    DAY,
    KEY,
    MINUTE,
    MONDAY,
    OTHER,
    PUBLISHER,
    SLOT,
    SOURCE,
    a_letter,
    a_note,
    an_awaited,
    catalog,
    parked_and_over,
)
from tests.unit.alerts.service import RENDERER

BASE = MailSettings(link="https://kpi.example", host="kpi.example")
DOUBT, PARKED = NoteKind.DOUBTED, NoteKind.PARKED


def bytes_of(digest: Digest, mail: MailSettings = BASE, *publishers: Publisher) -> bytes:
    where = FakeCatalogs(catalog(*publishers))
    letters = Letters(where, RENDERER, SmtpSettings(), mail)
    row = Row(digest, fence=1, attempts=0, resends=0, queued_at=SLOT, raw=None, before=None)
    return letters.freeze(row).raw


def text_of(digest: Digest, *publishers: Publisher) -> str:
    """The whole text, both languages."""
    body = parsed(bytes_of(digest, BASE, *publishers)).get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def letter_of(owed: Correspondence, slot: datetime = SLOT) -> tuple[Correspondence, Digest | None]:
    return write(owed, PUBLISHER, (), slot, slot, MONDAY, date(2023, 9, 21), "kpi.example")


def of_one_doubt(number: int, kind: NoteKind, code: str, **fields: object) -> Note:
    """A note; of doubts no two are about one figure."""
    own = {"event": f"event-{number}-{code}"} if kind is DOUBT else {}
    return a_note(number, kind, code, **own, **fields)


notes = st.builds(
    of_one_doubt,
    st.integers(1, 60),
    st.sampled_from(NoteKind),
    st.sampled_from(["negative", "schema", "jump", "unknown_kpi", "too_old"]),
    source=st.sampled_from([SOURCE, OTHER]),
    times=st.integers(1, 3),
)


@given(st.lists(notes, max_size=120))
def test_however_many_there_are_all_are_counted_and_few_are_kept(many: list[Note]) -> None:
    gathered = gather(NOTHING, many)
    wanted: Counter[tuple[NoteKind, str]] = Counter()
    for note in many:
        wanted[note.kind, note.codes[0]] += note.times
    assert {(kind, code): n for kind, of in gathered.counts.items() for code, n in of.items()} == dict(wanted)
    for kind in NoteKind:
        assert len(gathered.of(kind)) <= MOST[kind]
        assert max(Counter(note.codes[0] for note in gathered.of(kind)).values(), default=0) <= MOST_OF_A_CODE
    assert sum(note.times for note in gathered.first) <= sum(wanted.values())
    assert bool(gathered) == bool(many)


@given(st.lists(notes, max_size=40), st.lists(notes, max_size=40))
def test_what_is_told_again_is_counted_with_what_came_since(former: list[Note], later: list[Note]) -> None:
    again, whole = joined(gather(NOTHING, former), gather(NOTHING, later)), gather(NOTHING, [*former, *later])
    assert again.counts == whole.counts
    assert again.again == bool(former)


def test_the_same_event_refused_again_is_one_line() -> None:
    gathered = gather(NOTHING, [a_note(1), a_note(2, event="event-1", at=SLOT), a_note(3, event="event-1")])
    (line,) = gathered.first
    assert (line.times, line.at) == (3, SLOT)
    assert gathered.total(NoteKind.REFUSED) == 3


def doubts_of_one_figure() -> tuple[Note, Note]:
    """By itself, and beside others."""
    cut = Sentence("Số đã bị cắt bớt thay vì làm tròn.", "It was cut off, not rounded.")
    jumped = Sentence("Tăng từ 50 % lên 91 %.", "It rose from 50 % to 91 %.")
    alone = a_note(1, DOUBT, "truncated", id="flags/1", said=(cut,))
    return alone, a_note(2, DOUBT, "jump", event="event-1", at=SLOT - MINUTE, said=(jumped,))


def test_a_figure_that_is_doubted_by_itself_and_beside_others_is_one_line_with_all_its_doubts() -> None:
    alone, beside = doubts_of_one_figure()
    once, twice = gather(NOTHING, [alone, beside]), gather(gather(NOTHING, [alone]), [beside])
    assert once == twice
    (line,) = once.first
    assert (line.codes, line.said, line.at) == (("truncated", "jump"), alone.said + beside.said, beside.at)
    assert once.counts == {DOUBT: {"truncated": 1}}
    text = text_of(a_letter([alone, beside, a_note(3, DOUBT)]))
    assert "Cần kiểm tra lại (2)" in text
    for said in (alone.said[0].vi, alone.said[0].en, beside.said[0].vi, beside.said[0].en):
        assert text.count(said) == 1


def test_a_doubt_that_came_after_a_lost_letter_joins_the_figure_that_is_told_again() -> None:
    alone, beside = doubts_of_one_figure()
    again = joined(gather(NOTHING, [alone]), gather(NOTHING, [beside, a_note(3, DOUBT)]))
    assert again.counts == {DOUBT: {"truncated": 1, "jump": 1}}
    assert [line.codes for line in again.first] == [("truncated", "jump"), ("jump",)]


def test_a_doubt_that_is_raised_again_beside_another_says_its_sentence_once() -> None:
    _, jumped = doubts_of_one_figure()
    more = Sentence("Có thể nhầm đơn vị tính.", "Perhaps another unit of measure.")
    both = a_note(4, DOUBT, "jump", "scale_shift", event="event-1", said=(*jumped.said, more))
    (line,) = gather(NOTHING, [jumped, both]).first
    assert [said.en for said in line.said].count(jumped.said[0].en) == 1
    assert set(line.codes) == {"jump", "scale_shift"}


def test_with_nothing_to_say_there_is_no_letter() -> None:
    owed = Correspondence(KEY)
    assert letter_of(owed) == (owed, None)


def test_what_was_told_is_not_told_again_once_it_has_arrived() -> None:
    after, digest = letter_of(take_in(Correspondence(KEY), [a_note()]))
    assert digest is not None
    assert (after.seq, after.slot, after.on_its_way) == (1, SLOT, digest.row_id)
    assert letter_of(settled(after, arrived=True), SLOT + DAY)[1] is None


def test_what_may_not_have_arrived_is_told_again_with_what_came_since() -> None:
    after, _ = letter_of(take_in(Correspondence(KEY), [a_note(1)]))
    owed = settled(take_in(after, [a_note(2)]), arrived=False)
    _, digest = letter_of(owed, SLOT + DAY)
    assert digest is not None
    assert [note.event for note in digest.gathered.first] == ["event-1", "event-2"]
    assert digest.gathered.again
    assert "Thư trước có thể chưa đến nơi" in text_of(digest)


def test_a_reminder_that_may_not_have_arrived_is_owed_again() -> None:
    owed, soon = Correspondence(KEY), an_awaited(overdue=False)
    after, digest = write(owed, PUBLISHER, (soon,), SLOT, SLOT, MONDAY, None, "kpi.example")
    assert digest is not None
    assert digest.reason == "REMINDER"
    assert after.reminded["edoc-signed-share"].soon == "2023-09"
    assert settled(after, arrived=True).reminded == after.reminded
    assert settled(after, arrived=False).reminded == {}


def test_a_slot_has_one_letter_whoever_writes_it() -> None:
    one, other = a_letter([a_note(1)]), a_letter([a_note(2)])
    assert (one.row_id, one.message_id) == (other.row_id, other.message_id)
    assert replace(one, slot=SLOT + DAY).row_id != one.row_id
    assert len(one.message_id) <= 64


def test_the_letter_says_what_was_refused_where_and_which_event_to_look_at() -> None:
    text = text_of(a_letter([a_note(1), a_note(2, NoteKind.REFUSED, "unknown_kpi")]))
    vietnamese, english = text.split("English\n")
    for said in (
        "Bị từ chối (2)",
        "Tử số lớn hơn mẫu số: 1",
        "Tỷ lệ văn bản điện tử được ký số, Xã Tân Phú, số liệu đến ngày 31/08/2023",
        "Tử số 1.013 lớn hơn mẫu số 1.000.",
        "Mã sự kiện: event-1 · lúc 06:05 18/09/2023",
    ):
        assert said in vietnamese
    for said in ("Refused (2)", "Numerator above denominator: 1", "figure as of 31 August 2023", "Event id: event-1"):
        assert said in english
    refs = [line.rsplit("/", 1)[1] for line in vietnamese.splitlines() if "/events/" in line]
    assert [event_of(ref) for ref in refs] == [(SOURCE, "event-1"), (SOURCE, "event-2")]


def test_a_doubt_asks_for_a_reply_by_a_day() -> None:
    text = text_of(a_letter([a_note(1, DOUBT)]))
    assert "phản hồi trước hết ngày 21/09/2023" in text
    assert "reply by the end of 21 September 2023" in text


def test_figures_that_have_not_come_are_counted_and_some_units_named() -> None:
    late = an_awaited(overdue=True, expected=71, missing=42, units=("huyen-a.xa-tan-phu", "huyen-a.xa-quang-hoa"))
    text = text_of(a_letter(awaited=[late, an_awaited(overdue=False, expected=1, missing=1, newest=None)]))
    assert "Quá hạn báo cáo (42)" in text
    assert "Tháng 9/2023: 42/71 đơn vị chưa có số liệu: Xã Tân Phú, Xã Quảng Hoà và 40 đơn vị khác" in text
    assert "Hạn: 14/09/2023 (đã quá 2 ngày làm việc) · số liệu gần nhất: 10/08/2023" in text
    assert "Sắp đến hạn báo cáo (1)" in text
    assert "Hạn: 21/09/2023 · chưa từng có số liệu" in text


def test_a_parked_source_comes_first_and_its_end_is_explained() -> None:
    parked = a_note(9, PARKED, "source_parked", event=None, said=(Sentence("Nguồn đã bị tạm dừng.", "It is parked."),))
    mail = parsed(bytes_of(a_letter([a_note(1), parked])))
    assert str(mail["Subject"]).startswith("[KPI] 1 nguồn bị tạm dừng, 1 lần bị từ chối: ")
    text = text_of(a_letter([a_note(1), parked]))
    assert text.index("Nguồn bị tạm dừng tiếp nhận") < text.index("Bị từ chối (1)")
    assert "đơn vị vận hành mở lại nguồn" in text


def test_of_a_source_that_is_read_again_before_the_letter_nothing_is_said() -> None:
    parked, over = parked_and_over()
    assert gather(NOTHING, [parked, over]) == NOTHING
    assert gather(gather(NOTHING, [parked]), [over]) == NOTHING
    at_once = replace(over, at=parked.at)
    assert gather(NOTHING, [at_once, parked]) == NOTHING


def test_a_source_that_is_parked_anew_is_told_of() -> None:
    parked, over = parked_and_over()
    anew, _ = parked_and_over(2, SLOT)
    gathered = gather(NOTHING, [anew, over, parked])
    assert gathered.first == (anew,)
    assert gathered.counts == {PARKED: {"source_parked": 1}}


def test_whoever_was_told_that_its_source_is_parked_is_told_that_it_is_read_again() -> None:
    parked, over = parked_and_over()
    after, _ = letter_of(take_in(Correspondence(KEY), [parked]))
    _, digest = letter_of(take_in(settled(after, arrived=True), [over]), SLOT + DAY)
    assert digest is not None
    mail = parsed(bytes_of(digest))
    assert str(mail["Subject"]).startswith("[KPI] 1 nguồn được mở lại: ")
    text = text_of(digest)
    assert "Nguồn được mở lại\n" in text
    assert f"{SOURCE}\n    Đã nhận lại từ 07:05 18/09/2023." in text
    assert "tạm dừng tiếp nhận" not in text


def test_where_the_letter_of_a_parked_source_may_have_come_the_next_tells_only_that_it_is_over() -> None:
    parked, over = parked_and_over()
    after, _ = letter_of(take_in(Correspondence(KEY), [parked, a_note(7)]))
    for owed in (settled(take_in(after, [over]), arrived=False), take_in(settled(after, arrived=False), [over])):
        assert {note.kind for note in owed.gathered.first} == {NoteKind.UNPARKED, NoteKind.REFUSED}
        assert owed.gathered.total(PARKED) == 0


def test_a_row_or_line_of_a_file_is_named_as_one() -> None:
    # A row of a spreadsheet and a JSON line with its content are one event.
    text = text_of(a_letter([a_note(1, event=f"import-{1:032x}")]))
    assert "gửi từ tệp: dòng của đơn vị và ngày nêu trên" in text
    assert "bảng tính" not in text


def test_of_several_sources_each_line_says_which() -> None:
    two = PUBLISHER.model_copy(update={"sources": (SOURCE, OTHER)})
    text = text_of(a_letter([a_note(1, source=OTHER)], publisher=two), two)
    assert f"nguồn: {OTHER}" in text
    assert f"nguồn: {SOURCE}" not in text_of(a_letter([a_note(1)]))


def test_what_is_beyond_the_lines_is_counted() -> None:
    text = text_of(a_letter([a_note(number) for number in range(1_500)]))
    assert "Bị từ chối (1.500)" in text
    assert "… và 1.492 trường hợp khác" in text
    states = "state=refused&state=identity_reused&state=refused_since"
    assert f"xem tất cả: https://kpi.example/events?{states}&source=" in text


def test_the_headers_are_those_of_a_digest() -> None:
    mail = parsed(bytes_of(a_letter([a_note(1)])))
    assert mail["To"] == "Hệ thống quản lý văn bản <van-thu@dak-nong.example>"
    assert mail["Reply-To"] == "Đầu mối số liệu của tỉnh <so-lieu@dak-nong.example>"
    assert mail["List-Unsubscribe"] == "<mailto:so-lieu@dak-nong.example?subject=unsubscribe>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["X-KPI-Reason"], mail["X-KPI-Publisher"]) == ("DIGEST", "dak-nong/edoc")
    assert mail["Date"].datetime == SLOT
    assert mail["In-Reply-To"] is None
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_in_pilot_mode_it_goes_to_the_pilot_and_says_for_whom_it_was() -> None:
    mail = parsed(bytes_of(a_letter([a_note(1)]), BASE.model_copy(update={"pilot_to": "pilot@kpi.example"})))
    assert "pilot@kpi.example" in str(mail["To"])
    assert mail["X-KPI-Pilot-For"] == PUBLISHER.contact
    body = mail.get_body(("plain",))
    assert body is not None
    assert f"CHẠY THỬ: thư này lẽ ra gửi cho {PUBLISHER.name_vi} <{PUBLISHER.contact}>" in body.get_content()


HOSTILE = "<img src=x onerror=alert(1)>\r\nBcc: all@kpi.example\u202e\u2028\x00" + "A" * 300


def test_what_a_publisher_wrote_cannot_leave_its_line() -> None:
    hostile = a_note(
        1,
        NoteKind.REFUSED,
        "<b>code</b>",
        event=HOSTILE.replace("\x00", ""),
        kpi=HOSTILE,
        org_unit=HOSTILE,
        as_of=HOSTILE,
    )
    two = PUBLISHER.model_copy(update={"name_vi": "Hệ thống <script>", "name_en": "System"})
    raw = bytes_of(a_letter([hostile], publisher=two), BASE, two)
    mail = parsed(raw)
    assert mail["Bcc"] is None
    html = mail.get_body(("html",))
    assert html is not None
    content = html.get_content()
    assert "<img" not in content
    assert "<b>" not in content
    assert "<script" not in content
    assert "\u202e" not in content + text_of(a_letter([hostile], publisher=two), two)
    assert not any(line.startswith("Bcc") for line in text_of(a_letter([hostile], publisher=two), two).splitlines())


@given(st.lists(notes, min_size=1, max_size=120), st.data())
def test_every_letter_can_be_built_and_is_small_enough_not_to_be_cut(many: list[Note], data: Any) -> None:
    awaited = data.draw(st.lists(st.builds(an_awaited, overdue=st.booleans()), max_size=8))
    long = Sentence("Số liệu không hợp lệ. " * 40, "The figure is wrong. " * 40)
    digest = a_letter([replace(note, said=(long, long)) for note in many], awaited)
    mail = parsed(bytes_of(digest))
    assert len(str(mail["Subject"])) <= MAX_SUBJECT
    assert mail.get_body(("html",)) is not None


def test_the_fullest_letter_is_not_cut_by_clients() -> None:
    said = tuple(
        Sentence("Số liệu này không hợp lệ. " * 16, "This figure is not valid at all. " * 12) for _ in range(2)
    )
    codes = [str(code) for code in RejectionCode]
    many = [a_note(n, NoteKind.REFUSED, codes[n % len(codes)], said=said, event="e" * 80) for n in range(500)]
    many += [a_note(1000 + n, DOUBT, said=said, event="e" * 80 + str(n)) for n in range(100)]
    awaited = [an_awaited(overdue=late) for late in (True, False) for _ in range(20)]
    html = parsed(bytes_of(a_letter(many, awaited))).get_body(("html",))
    assert html is not None
    assert len(html.get_content().encode()) < 1.02 * MAX_HTML_BYTES
    assert "Bị từ chối (500)" in html.get_content()


def test_both_languages_say_the_same_things() -> None:
    assert VI.keys() == EN.keys()
    assert {f"code_{code}" for code in (*RejectionCode, *FlagCode)} <= VI.keys()


@pytest.mark.parametrize("hours", [(7,), (7, 14), (23,)])
def test_the_letter_says_when_letters_come(hours: tuple[int, ...]) -> None:
    at = PUBLISHER.model_copy(update={"digest_hours": hours})
    text = text_of(a_letter([a_note(1)], publisher=at), at)
    assert f"khoảng {', '.join(map(str, hours))} giờ" in text


def test_a_code_of_a_newer_release_is_shown_as_it_is() -> None:
    assert "quite_new: 1" in text_of(a_letter([a_note(1, NoteKind.REFUSED, "quite_new")]))


def test_a_publisher_that_left_the_catalog_gets_nothing_until_it_is_back() -> None:
    digest = a_letter([a_note(1)])
    stranger = PUBLISHER.model_copy(update={"id": "other", "sources": (OTHER,)})
    with pytest.raises(Exception, match="no publisher edoc"):
        bytes_of(digest, BASE, stranger)


def test_the_moment_is_told_by_the_clocks_of_the_province() -> None:
    assert "lúc 23:30 17/09/2023" in text_of(a_letter([a_note(1, at=datetime(2023, 9, 17, 16, 30, tzinfo=UTC))]))


def test_moments_in_what_was_said_and_days_of_instants_are_told_by_the_clocks_of_the_province() -> None:
    vi, en = "Nhận lúc 2023-09-17T18:30:00.123456Z và vẫn giữ nguyên.", "Received at 2023-09-17T18:30:00Z."
    text = text_of(a_letter([a_note(1, said=(Sentence(vi, en),), as_of="2023-08-31T20:00:00Z")]))
    assert "Nhận lúc 01:30 18/09/2023 và vẫn giữ nguyên." in text
    assert "Received at 01:30 18 September 2023." in text
    assert "số liệu đến ngày 01/09/2023" in text
