"""Mails read back as a client reads them: headers, structure, words, sizes, and what hostile text cannot do."""

import re
import string
import unicodedata
from dataclasses import replace
from datetime import date, timedelta
from email.utils import parseaddr
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.alerts import CloseReason
from contracts.catalog import Hold, Kpi, OrgUnit
from contracts.progress import Landing, Needed, Status
from services.alerts import figures
from services.alerts.compose import MAX_SUBJECT, Letter, compose, core_of, subject
from services.alerts.grouping import Group, Mail, Reason, flush, keys_of, lines_of, take_in
from services.alerts.message import Address, Envelope, build, encoded
from services.alerts.phrases import EN, VI
from services.alerts.render import Rendered, Renderer
from services.runtime.catalog import Catalog
from services.runtime.catalog.loader import load_folder
from tests.unit.alerts.builders import CLOSES, KEY, KPI, NOW, Story, a_catalog, a_record, a_rule
from tests.unit.alerts.fakes import parsed

RENDERER = Renderer()
CATALOGS = sorted((Path(__file__).parents[3] / "deploy" / "catalogs").glob("*/catalog.yaml"))
HEADERS = {
    *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"X-Auto-Response-Suppress"),
    *(b"List-Id", b"Content-Type", b"MIME-Version"),
}
MAX_HTML_BYTES = 100_000
"""Gmail cuts a mail at about 102 kB."""
BODIES = Rendered("Xin chào\n", "<p>Xin chào</p>")


def mails_of(*stories: Story, person: str = "manager.tan-phu", catalog: Catalog | None = None) -> list[Mail]:
    """What this person is told, one flush after every decision."""
    catalog, group, mails = catalog or a_catalog(), None, []
    for round_ in range(max(len(story.decisions) for story in stories)):
        for story in stories:
            for effect in story.decisions[round_].effects if round_ < len(story.decisions) else ():
                for key, who in keys_of(effect).values():
                    if who.person == person:
                        group = take_in(group or Group(key, who), effect)
        if group is not None:
            lines = lines_of(group)
            group, mail = flush(group, stories[0].now, "kpi.example", core_of(lines, KPI, catalog) if lines else "")
            mails += [mail] if mail is not None else []
    return mails


def text_of(mail: Mail, catalog: Catalog | None = None, kpi: Kpi = KPI) -> str:
    return RENDERER.render(compose(mail, catalog or a_catalog(), kpi, "https://kpi.example", pilot=False)).text


def an_envelope(subject: str = "[KPI] Chậm tiến độ", **fields: object) -> Envelope:
    given_fields: dict[str, object] = {
        "sender": Address("tiendo@kpi.example", "Tiến Độ"),
        "to": Address("chu-tich@tan-phu.example", "Chủ tịch UBND xã"),
        "subject": subject,
        "date": NOW,
        "message_id": "<" + "a" * 32 + "@kpi.example>",
        "list_id": "alerts.kpi.dak-nong",
        **fields,
    }
    return Envelope(**given_fields)  # type: ignore[arg-type]


def test_the_first_sentence_says_what_fell_behind_where_and_by_how_much() -> None:
    (mail,) = mails_of(Story().sees(0.77))
    first, *_ = text_of(mail).splitlines()
    assert first == (
        "Chỉ tiêu “Tỷ lệ văn bản điện tử được ký số” của Xã Tân Phú đang chậm so với kế hoạch: thiếu 18,4 điểm %."
    )


def test_the_numbers_are_written_as_vietnamese_write_them_and_points_are_not_percent() -> None:
    text = text_of(mails_of(Story().sees(0.77))[0])
    assert "Đến ngày 04/09/2023: đạt 61,6 % · kế hoạch 80,0 % · thiếu 18,4 điểm %" in text
    assert "+7,1 điểm %/tháng đến 14/12/2023 (đến nay +4,2; cao nhất từng đạt +6,0" in text
    assert "18.4 percentage points short" in text


def test_it_says_who_is_in_charge_what_to_do_and_why_it_came() -> None:
    text = text_of(mails_of(Story().sees(0.77))[0])
    for words in ("Phụ trách: Văn phòng UBND xã", "Việc cần làm:", "quy tắc “Chậm hơn kế hoạch”", "lần báo đầu tiên"):
        assert words in text
    assert f"https://kpi.example/alerts/{KEY.alert_id}" in text


def test_the_end_says_how_long_it_lasted_and_how_bad_it_was() -> None:
    text = text_of(mails_of(Story().sees(0.77, 0.45, 0.97))[-1])
    assert text.startswith(
        "Chỉ tiêu “Tỷ lệ văn bản điện tử được ký số” của Xã Tân Phú đã trở lại gần kế hoạch (tiến độ từ 95 % trở lên)."
    )
    assert "từ 04/09/2023 đến 06/09/2023; lúc nặng nhất thiếu 44,0 điểm %" in text
    assert "Không phải làm gì thêm" in text
    assert "Cần đạt" not in text


def test_an_alert_on_a_figure_that_was_wrong_ends_with_that_and_not_with_a_recovery() -> None:
    story = Story().sees(0.45, as_of=date(2023, 9, 4)).sees(0.97, as_of=date(2023, 9, 4))
    mail = mails_of(story)[-1]
    text = text_of(mail)
    assert "của Xã Tân Phú không chậm: số liệu đến ngày 04/09/2023 đã được sửa." in text
    assert "of Xã Tân Phú is not behind: the figure of 4 September 2023 was corrected." in text
    assert "trở lại" not in text
    assert subject(mail, KPI).startswith("[KPI] Không chậm, số liệu đã sửa: ")


def test_an_alert_that_ends_because_the_plan_was_lowered_says_so_with_both_plans() -> None:
    story = Story().sees(0.77, as_of=date(2023, 9, 4))
    story.decides(a_record(version=2, as_of=date(2023, 9, 4), value=61.6, planned=60.0, pace=61.6 / 60))
    mail = mails_of(story)[-1]
    text = text_of(mail).replace("\n", " ")
    assert "hết chậm do kế hoạch được điều chỉnh từ 80,0 % thành 60,0 %; số liệu không đổi." in text
    assert "since its plan was revised from 80.0% to 60.0%; the figure is the same." in text
    assert "trở lại" not in text
    assert subject(mail, KPI).startswith("[KPI] Kế hoạch đã điều chỉnh: ")


@pytest.mark.parametrize(
    ("hold", "said"),
    [
        (Hold(), "từ 95 % trở lên, hệ thống"),
        (Hold(observations=2), "từ 95 % trở lên trong 2 lần báo cáo liên tiếp, hệ thống"),
        (Hold(data_span=timedelta(days=14)), "từ 95 % trở lên và giữ được trong 14 ngày, hệ thống"),
        (Hold(settle=timedelta(hours=36)), "từ 95 % trở lên và giữ được trong 36 giờ, hệ thống"),
    ],
)
def test_it_says_for_how_long_the_pace_must_be_kept_before_it_is_over(hold: Hold, said: str) -> None:
    rule = a_rule(keep_firing_for=hold)
    (mail,) = mails_of(Story(rule).sees(0.77))
    assert said in text_of(mail, a_catalog(rules=[rule])).replace("\n", " ")


def test_only_who_has_reached_the_plan_is_told_to_be_back_on_it() -> None:
    text = text_of(mails_of(Story().sees(0.77, 1.0))[-1])
    assert "của Xã Tân Phú đã trở lại kế hoạch." in text
    assert "“E-documents signed digitally” of Xã Tân Phú is back on plan." in text
    near = mails_of(Story().sees(0.77, 0.97))[-1]
    assert "of Xã Tân Phú is near its plan again (at a pace of 95% or more)." in text_of(near)
    assert subject(near, KPI).startswith("[KPI] Đã trở lại gần kế hoạch: ")


def test_value_plan_and_gap_add_up_as_they_are_read_wherever_they_are_told() -> None:
    fields = {"value": 48.35, "planned": 49.34, "gap": -0.99}
    (mail,) = mails_of(Story().sees(0.7, **fields))
    letter = compose(mail, a_catalog(), KPI, None, pilot=False)
    rendered = RENDERER.render(letter)
    assert letter.subject.startswith("[KPI] Chậm tiến độ, thiếu 0,9 điểm %: ")
    assert "đạt 48,4 % · kế hoạch 49,3 % · thiếu 0,9 điểm %" in rendered.text
    assert "reached 48.4% · planned 49.3% · 0.9 percentage points short" in rendered.text
    for body in (rendered.text, rendered.html.replace("\xa0", " ").replace("&nbsp;", " ")):
        assert "thiếu 0,9 điểm %" in body
        assert "1,0 điểm %" not in body
        assert "1.0 percentage" not in body


def test_the_end_of_a_period_is_never_worse_than_its_worst() -> None:
    story = Story().sees(0.77)
    story.now = CLOSES
    story.decides(a_record(0.7, version=5))
    assert "lúc nặng nhất thiếu 24,0 điểm %" in text_of(mails_of(story)[-1])


def test_the_table_of_several_units_adds_up_too() -> None:
    fields = {"value": 48.35, "planned": 49.34, "gap": -0.99}
    other = Story(key=KEY._replace(org_unit="huyen-a.xa-quang-hoa")).sees(0.6, **fields)
    (mail,) = mails_of(Story().sees(0.5), other, person="manager.tan-phu")
    assert "đạt 48,4 %, kế hoạch 49,3 %, thiếu 0,9 điểm %" in text_of(mail)


def test_the_pace_says_from_which_baseline_it_is_measured() -> None:
    text = text_of(mails_of(_from_30(34.4, 35.1))[0])
    assert "Tiến độ: từ mức xuất phát 30,0 %, đã đi được 86 % quãng đường kế hoạch (báo chậm khi dưới 90 %" in text
    assert "Pace: from the baseline of 30.0%, 86% of the planned way is done (told when below 90%" in text


def test_a_figure_that_fell_below_its_baseline_has_no_negative_percentage() -> None:
    text = text_of(mails_of(_from_30(29.0, 35.1))[0])
    assert "Tiến độ: kém hơn cả mức xuất phát 30,0 % (báo chậm khi dưới 90 %" in text
    assert "−" not in text


def test_a_plan_that_has_hardly_left_the_baseline_gives_no_percentage() -> None:
    text = text_of(mails_of(_from_30(21.4, 30.1))[0])
    assert "Tiến độ: chưa tính được bằng phần trăm, vì kế hoạch mới đi chưa đến 5 % quãng đường" in text
    assert "Pace: no percentage says much yet" in text
    assert "8.600" not in text


def test_a_pace_against_the_target_itself_names_no_baseline() -> None:
    target = a_record().target
    assert target is not None
    kept = target.model_copy(update={"intent": "keep", "baseline": 90.0})
    text = text_of(mails_of(Story().sees(0.8, target=kept, planned=92.0, value=73.6))[0])
    assert "Tiến độ: 80 % so với kế hoạch (báo chậm" in text


def test_needed_and_so_far_read_differently_when_they_differ() -> None:
    products = KPI.model_copy(update={"unit_of_measure": "product", "decimals": 0})
    needed = Needed(amount=1.3, per="month", so_far=1.1, best=1.2)
    text = text_of(mails_of(Story().sees(0.7, needed=needed))[0], kpi=products)
    assert "+1.3 products per month" in text
    assert "(so far +1.1; best ever +1.2: this was never reached before)" in text


def test_the_footer_speaks_both_languages_and_names_whom_to_ask() -> None:
    letter = compose(mails_of(Story().sees(0.77))[0], a_catalog(), KPI, None, False, "Văn phòng (vp@xa.example)")
    rendered = RENDERER.render(letter)
    for body in (rendered.text, rendered.html):
        assert "xin trả lời thư này hoặc liên hệ: Văn phòng (vp@xa.example)." in body
        assert "answer this mail, or write to Văn phòng (vp@xa.example)." in body


def test_it_says_which_units_below_make_up_most_of_the_gap() -> None:
    top = [{"org_unit": unit, "gap": -gap, "share": gap / 10} for unit, gap in (("huyen-a.xa-tan-phu", 6), ("b", 3))]
    split = {"units": 71, "top": top, "rest_gap": -1.0, "rest_share": 0.1}
    text = text_of(mails_of(Story().sees(0.77, contributions=split))[0])
    assert "2/71 đơn vị trực thuộc chiếm 90 % phần thiếu: Xã Tân Phú, b" in text
    assert "2 of 71 units below make up 90% of the gap" in text
    ahead = {"units": 2, "top": [{"org_unit": "b", "gap": -30.0, "share": 3.0}], "rest_gap": 20.0, "rest_share": -2.0}
    assert "phần thiếu" not in text_of(mails_of(Story().sees(0.77, contributions=ahead))[0])


def test_a_mail_about_a_later_correction_says_what_stood_when_the_period_was_closed() -> None:
    closed = {"status": "missed", "value": 61.6, "as_of": "2023-12-10", "closed_on": "2023-12-29"}
    text = text_of(mails_of(Story().sees(0.77, closed=closed))[0])
    assert "Khi khép kỳ 29/12/2023: đạt 61,6 %, không đạt mục tiêu; số liệu được bổ sung hoặc sửa sau đó" in text
    assert "figures were added or corrected later" in text
    nothing = text_of(mails_of(Story().sees(0.77, closed={**closed, "value": None, "as_of": None}))[0])
    assert "Khi khép kỳ 29/12/2023: chưa có số liệu, không đạt mục tiêu;" in nothing
    assert "khép kỳ" not in text_of(mails_of(Story().sees(0.77))[0])


def test_lines_whose_figures_are_missing_are_left_out() -> None:
    text = text_of(mails_of(Story().sees(0.77, needed=None, planned=None, gap=None))[0])
    assert "Cần đạt:" not in text
    assert "kế hoạch 80" not in text
    assert "None" not in text
    assert "theo kịp kế hoạch" in text


def test_a_person_who_reads_english_gets_it_first() -> None:
    (mail,) = mails_of(Story().sees(0.77))
    text = text_of(replace(mail, recipient=replace(mail.recipient, language="en")))
    assert text.startswith("“E-documents signed digitally” of Xã Tân Phú is behind plan: 18.4 percentage points short.")
    assert text.index("Behind since") < text.index("Chậm từ")


def test_every_reason_and_every_end_can_be_worded() -> None:
    (opened,) = mails_of(Story().sees(0.77))
    for reason in Reason:
        if reason is not Reason.NONE:
            assert text_of(replace(opened, reason=reason))
    for end in CloseReason:
        line = opened.lines[0]
        closed = replace(line, news=line.news.ENDED, member=replace(line.member, close_reason=end))
        assert text_of(replace(opened, reason=Reason.CLOSED_OTHER, lines=(closed,)))
        assert text_of(replace(opened, reason=Reason.ALL_RESOLVED, lines=(closed, closed)))


def test_both_languages_have_the_same_phrases_with_the_same_blanks() -> None:
    assert VI.keys() == EN.keys()
    for key, phrase in VI.items():
        blanks = {name for _, name, _, _ in string.Formatter().parse(phrase) if name}
        assert blanks == {name for _, name, _, _ in string.Formatter().parse(EN[key]) if name}, key


def test_text_and_html_say_the_same() -> None:
    letter = compose(mails_of(Story().sees(0.77))[0], a_catalog(), KPI, "https://kpi.example", pilot=False)
    rendered = RENDERER.render(letter)
    plain = re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<[^>]+>", " ", rendered.html, flags=re.DOTALL))
    plain = plain.replace("&#39;", "'").replace("&amp;", "&").replace("&nbsp;", " ")
    for part in letter.parts:
        for said in (part.headline, part.why, part.footer, *part.steps):
            assert said in plain
            assert said in rendered.text
        for fact in part.facts:
            assert fact.text in plain
            assert fact.text in rendered.text


def test_a_storm_lists_twenty_by_name_and_stays_small() -> None:
    catalog = a_catalog(*(OrgUnit(id=f"xa-{n}", name=f"Xã Rất Dài Tên Số {n}", level="commune") for n in range(300)))
    stories = [Story(key=KEY._replace(org_unit=f"xa-{n}")).sees(0.5 + n / 1000) for n in range(300)]
    (mail,) = mails_of(*stories, catalog=catalog)
    rendered = RENDERER.render(compose(mail, catalog, KPI, "https://kpi.example", pilot=False))
    assert "… và 280 đơn vị khác" in rendered.text
    assert len(rendered.html.encode()) < MAX_HTML_BYTES
    assert "300 đơn vị đang chậm" in rendered.text


def test_markup_in_names_stays_text_in_html() -> None:
    catalog = a_catalog(OrgUnit(id="xa-x", name="<script>alert(1)</script> & Xã", level="commune"))
    (mail,) = mails_of(Story(key=KEY._replace(org_unit="xa-x")).sees(0.5), catalog=catalog)
    rendered = RENDERER.render(compose(mail, catalog, KPI, None, pilot=False))
    assert "<script" not in rendered.html
    assert "&lt;script&gt;" in rendered.html
    assert "http" not in rendered.html.replace("http://www.w3.org", "")


def test_the_structure_is_text_first_then_html_quoted_printable_and_base64() -> None:
    mail = parsed(build(an_envelope(), RENDERER.render(_letter())))
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.iter_parts()
    assert (plain.get_content_type(), plain["Content-Transfer-Encoding"]) == ("text/plain", "quoted-printable")
    assert (html.get_content_type(), html["Content-Transfer-Encoding"]) == ("text/html", "base64")
    assert plain.get_content_charset() == html.get_content_charset() == "utf-8"
    assert plain.get_content().startswith("Chỉ tiêu “Tỷ lệ văn bản điện tử được ký số”")


def test_the_headers_keep_vacation_answers_away_and_let_people_filter() -> None:
    mail = parsed(build(an_envelope(), BODIES))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply, RN, NRN"
    assert mail["List-Id"] == "<alerts.kpi.dak-nong>"
    assert mail["List-Unsubscribe"] is None
    assert mail["Date"].datetime == NOW
    assert parseaddr(str(mail["From"])) == ("Tiến Độ", "tiendo@kpi.example")
    assert mail["To"].addresses[0].display_name == "Chủ tịch UBND xã"


def test_the_same_mail_has_the_same_bytes() -> None:
    assert build(an_envelope(), BODIES) == build(an_envelope(), BODIES)


def test_every_line_is_short_ascii_and_ends_in_crlf() -> None:
    raw = build(an_envelope("[KPI] " + "Chậm tiến độ ở Xã Đắk R'Măng " * 3), RENDERER.render(_letter()))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78


def test_ids_stay_under_the_length_that_breaks_threads() -> None:
    first, last = "<" + "b" * 32 + "@kpi.example>", "<" + "c" * 32 + "@kpi.example>"
    raw = build(an_envelope(root=first, last=last), BODIES)
    mail = parsed(raw)
    assert mail["In-Reply-To"] == last
    assert mail["References"].split() == [first, last]
    assert b"=?utf-8?" not in raw.split(b"References:")[1].split(b"Auto-Submitted")[0]
    with pytest.raises(ValueError, match="Message-ID"):
        build(an_envelope(message_id="<" + "a" * 64 + "@kpi.example>"), BODIES)


@pytest.mark.parametrize("field", ["subject", "list_id", "message_id"])
@pytest.mark.parametrize("evil", ["a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\u2028b", "a\x00b", "a\x85b"])
def test_a_line_break_in_a_header_is_refused(field: str, evil: str) -> None:
    with pytest.raises(ValueError, match=r"line break|no Message-ID"):
        build(an_envelope(**{field: evil}), BODIES)


@given(st.text(min_size=1, max_size=40))
def test_no_name_of_a_recipient_can_add_a_header(name: str) -> None:
    try:
        raw = build(an_envelope(to=Address("a@b.example", name)), BODIES)
    except ValueError:  # also for what no encoding has
        return
    head = raw.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert {line.split(b":")[0] for line in head if line[:1] not in b" \t"} == HEADERS


VIETNAMESE = st.text(
    alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩị"
    "óòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ –(),./0123456789%“”'ĐẮỦ",
    min_size=1,
    max_size=120,
).map(lambda text: " ".join(text.split()))


@given(VIETNAMESE)
def test_a_vietnamese_subject_survives_folding(text: str) -> None:
    _survives(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Co", "Cn"]), max_size=90))
def test_any_subject_survives_folding(text: str) -> None:
    _survives(" ".join(text.split()))


@pytest.mark.parametrize("folder", CATALOGS, ids=lambda path: path.parent.name)
def test_the_subjects_of_every_unit_and_every_kpi_survive_and_fit(folder: Path) -> None:
    catalog = Catalog.of(load_folder(folder.parent).items)
    opened = mails_of(Story().sees(0.77))[0]
    units = list(catalog.units)
    kpis = list(catalog.kpis.values())
    for number in range(max(len(units), len(kpis))):
        unit, kpi = units[number % len(units)], kpis[number % len(kpis)]
        line = replace(opened.lines[0], member=replace(opened.lines[0].member, org_unit=unit.id))
        core = core_of((line,), kpi, catalog)
        letter = compose(replace(opened, lines=(line,), core=core), catalog, kpi, None, pilot=False)
        assert len(letter.subject) <= MAX_SUBJECT
        assert letter.subject.startswith("[KPI] Chậm tiến độ, ")
        assert unit.short_name[:12] in letter.subject or unit.name[:12] in letter.subject
        _survives(letter.subject)
        _survives(unit.name)
        _survives(kpi.name_vi)
        assert kpi.name_vi in RENDERER.render(letter).text


@pytest.mark.parametrize(
    ("value", "decimals", "vi", "en"),
    [
        (1234.5, 1, "1.234,5", "1,234.5"),
        (0.25, 1, "0,3", "0.3"),
        (0.004, 1, "0,004", "0.004"),
        (-12.0, 0, "−12", "−12"),
        (1e6, 0, "1.000.000", "1,000,000"),
        (2.675, 2, "2,68", "2.68"),
        (0, 1, "0,0", "0.0"),
    ],
)
def test_numbers(value: float, decimals: int, vi: str, en: str) -> None:
    assert figures.number(value, decimals, "vi") == vi
    assert figures.number(value, decimals, "en") == en


def test_signs_days_and_periods() -> None:
    assert figures.number(4.2, 1, "vi", signed=True) == "+4,2"
    assert figures.number(0.0, 1, "vi", signed=True) == "0,0"
    assert figures.day(date(2026, 8, 31), "vi") == "31/08/2026"
    assert figures.period("2023", "vi") == "năm 2023"
    assert figures.period("2023-Q3", "vi") == "quý III/2023"
    assert figures.period("2023-H2", "en") == "H2 2023"
    assert figures.period("2021-2025", "vi") == "giai đoạn 2021–2025"
    assert figures.period("vụ mùa", "vi") == "vụ mùa"


def test_counts_have_their_own_unit_and_lower_is_better_is_too_high() -> None:
    kpi = KPI.model_copy(update={"unit_of_measure": "machine", "decimals": 0})
    assert figures.difference(1234, kpi, "vi") == "1.234 máy"
    target = a_record().target
    assert target is not None
    lower = target.model_copy(update={"comparator": "<="})
    story = Story().sees(0.7, target=lower, value=9.0, planned=6.5, gap=2.5)
    assert "cao hơn 2,5 điểm %" in text_of(mails_of(story)[0])


def test_a_met_target_is_told_as_such() -> None:
    story = Story().sees(0.7)
    story.decides(a_record(1.0, version=5, status=Status.ACHIEVED), cumulative=True)
    mail = mails_of(story)[-1]
    assert "đã đạt mục tiêu của năm 2023" in text_of(mail)
    assert "Phụ trách: Văn phòng UBND xã" in text_of(mail)


def _from_30(value: float, planned: float) -> Story:
    """A story of one figure on the way from 30 to 92."""
    target = a_record().target
    assert target is not None
    pace = (value - 30) / (planned - 30)
    fields = {"value": value, "planned": planned, "gap": value - planned, "needed": None}
    return Story().sees(pace, target=target.model_copy(update={"baseline": 30.0}), **fields)


def _letter() -> Letter:
    return compose(mails_of(Story().sees(0.77))[0], a_catalog(), KPI, "https://kpi.example", pilot=False)


def _survives(text: str) -> None:
    raw = build(an_envelope(text), BODIES)
    assert str(parsed(raw)["Subject"]) == unicodedata.normalize("NFC", text)
    assert all(len(line) <= 78 for line in encoded("Subject", text).split("\r\n"))


LANDING = Landing(value=94.12, low=92.2, high=95.04, p_meet=0.9, method="run_rate", points=9)


def test_where_it_will_stand_and_how_likely_the_target_is_met_is_said_as_an_estimate() -> None:
    text = text_of(mails_of(Story().sees(0.77, landing=LANDING))[0])
    assert (
        "Dự báo: theo đà hiện nay, 94,1 % vào 14/12/2023 (80 % khả năng từ 92,2 đến 95,0); khả năng đạt mục tiêu 90 %"
    ) in text
    assert (
        "Forecast: at this rate 94.1% by 14 December 2023 (80% likely between 92.2 and 95.0); "
        "the chance of meeting the target is 90%"
    ) in text


def test_without_a_forecast_nothing_is_said_of_one() -> None:
    text = text_of(mails_of(Story().sees(0.77))[0])
    assert "Dự báo" not in text


def test_a_forecast_that_does_not_know_the_latest_figure_names_the_one_that_it_knows() -> None:
    older = LANDING.model_copy(update={"as_of": date(2023, 8, 31)})
    text = text_of(mails_of(Story().sees(0.77, landing=older))[0])
    assert "khả năng đạt mục tiêu 90 %; tính từ số liệu đến 31/08/2023" in text
    same = LANDING.model_copy(update={"as_of": date(2023, 9, 4)})
    assert "tính từ số liệu" not in text_of(mails_of(Story().sees(0.77, landing=same))[0])


@pytest.mark.parametrize(("p_meet", "said"), [(0.002, "dưới 1 %"), (0.998, "trên 99 %"), (1.0, "100 %"), (0.0, "0 %")])
def test_a_chance_that_is_not_certain_never_reads_as_if_it_were(p_meet: float, said: str) -> None:
    landing = LANDING.model_copy(update={"p_meet": p_meet})
    text = text_of(mails_of(Story().sees(0.77, landing=landing))[0])
    assert f"khả năng đạt mục tiêu {said}\n" in text


def test_a_mail_that_ends_an_alert_forecasts_nothing() -> None:
    text = text_of(mails_of(Story().sees(0.77, landing=LANDING).sees(1.0, landing=LANDING))[-1])
    assert "Dự báo" not in text
