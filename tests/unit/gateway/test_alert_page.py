"""The page of one alert: what fell behind, what happened in its episodes, who is at it; and that it acts on nothing."""

import re
from dataclasses import replace
from datetime import timedelta

from services.gateway.views.words import LANGUAGES
from tests.unit.alerts.builders import NOW
from tests.unit.gateway.acting import ALERT, MANAGER, OWNER, Office
from tests.unit.gateway.owning import nobody

PAGE = f"/alerts/{ALERT}"


async def shown(office: Office, path: str = PAGE) -> tuple[int, str]:
    """Status and text of the page."""
    async with office.gateway.client() as client:
        answer = await client.get(path)
    return answer.status_code, answer.text


def words_of(html: str) -> str:
    """What is read of it."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def test_it_says_what_fell_behind_and_what_happened_in_each_episode() -> None:
    office = Office()
    await office.sees(0.7)
    await office.post(
        "acknowledge", office.key(OWNER), {"note": "Họp <script>giao ban</script>", "until": "2023-09-20"}
    )
    await office.post("comment", office.key(MANAGER), {"note": "Chờ số của thôn 3"})
    await office.sees(1.0, version=2)
    await office.sees(0.4, version=3)
    status, html = await shown(office)
    text = words_of(html)
    assert status == 200
    assert "Xã Tân Phú" in text
    assert "thiếu 48,0 điểm %" in text
    assert text.index("Đợt 2") < text.index("Đợt 1")
    assert "Văn phòng UBND xã nhận xử lý đến hết 20/09/2023" in text
    assert "Chủ tịch UBND xã ghi ý kiến" in text
    assert "Chờ số của thôn 3" in text
    assert "Đã trở lại gần kế hoạch" in text
    assert "<script>giao" not in html
    assert "Họp &lt;script&gt;giao ban&lt;/script&gt;" in html
    assert "Chưa ai nhận xử lý." in text  # of the new episode


async def test_one_that_is_over_has_no_form_and_says_how_it_ended() -> None:
    office = Office()
    await office.sees(0.7)
    await office.sees(1.0, version=2)
    _, html = await shown(office)
    assert "<form" not in html
    assert "act.js" not in html
    assert 'data-open="false"' in html
    assert "Đã trở lại gần kế hoạch" in words_of(html)


async def test_what_account_is_asked_for_stands_there_and_then_the_answer() -> None:
    office = Office()
    await office.sees(0.7)
    await office.post("ask-account", office.key(MANAGER), {"note": "Vì sao?", "due": "2023-11-10"})
    text = words_of((await shown(office))[1])
    assert "Chủ tịch UBND xã đề nghị giải trình đến hết 10/11/2023" in text
    assert "đã quá hạn" not in text
    office.gateway.parts.clock.observe(NOW + timedelta(days=80))
    assert "đã quá hạn" in words_of((await shown(office))[1])
    await office.post("account", office.key(OWNER), {"note": "Thiếu chữ ký số"})
    text = words_of((await shown(office))[1])
    assert "Văn phòng UBND xã giải trình" in text
    assert "Thiếu chữ ký số" in text
    assert "đã quá hạn" not in text


async def test_one_that_was_waived_says_until_when() -> None:
    office = Office()
    await office.sees(0.7)
    await office.post("close", office.key(MANAGER), {"note": "Bão lũ", "until": "2023-11-30"})
    text = words_of((await shown(office))[1])
    assert "Chủ tịch UBND xã đóng cảnh báo, không báo lại đến hết 30/11/2023" in text


async def test_one_that_was_closed_by_hand_says_by_whom_and_why() -> None:
    office = Office()
    await office.sees(0.7)
    await office.post("close", office.key(MANAGER), {"note": "Số nguồn sai"})
    text = words_of((await shown(office))[1])
    assert "Có người đóng cảnh báo" in text
    assert "Chủ tịch UBND xã đóng cảnh báo" in text
    assert "Số nguồn sai" in text


async def test_while_alerts_is_away_the_page_says_the_rest() -> None:
    office = Office()
    await office.sees(0.7)
    office.gateway.parts = replace(office.gateway.parts, owners=nobody())
    status, html = await shown(office)
    assert status == 200
    assert "Dịch vụ cảnh báo chưa trả lời" in html
    assert "Chậm so với kế hoạch: bắt đầu cảnh báo" in html


async def test_no_field_of_the_form_can_be_sent_by_a_browser_itself() -> None:
    office = Office()
    await office.sees(0.7)
    _, html = await shown(office)
    form = re.search(r"<form id=\"act\".*?</form>", html, re.S)
    assert form is not None
    assert " name=" not in form[0]
    assert " action=" not in form[0]


async def test_an_alert_that_there_is_not_is_said_in_both_languages() -> None:
    for language in LANGUAGES:
        status, html = await shown(Office(), f"/alerts/{'0' * 32}?lang={language}")
        assert status == 404
        assert {"vi": "Không có cảnh báo này", "en": "There is no such alert"}[language] in html
    assert (await shown(Office(), "/alerts/nonsense"))[0] == 404
