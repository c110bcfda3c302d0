"""The page that explains a record, and its picture."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from contracts.explanations import HistoryPoint
from contracts.observations import ObservationRecorded
from contracts.progress import Status
from deploy.embedded.demo.events import Said
from services.gateway.views.chart import NARROW, Picture, Plan, Point, chart, lines_of, months
from services.gateway.views.figures import Teller
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.past import past_row
from services.gateway.views.words import Words
from tests.unit.gateway.judged_province import NOW, with_objects
from tests.unit.gateway.owning import Away, ingest_with, metrics_of, metrics_with, owners
from tests.unit.gateway.test_explain_routes import CATALOG, FIGURES, KPI, PARENT, UNIT, both, figure
from tests.unit.gateway.test_routes import Gateway, filled
from tests.unit.metrics.builders import an_observation, local
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.through_the_door import through_the_door

PAGE = f"/explain?kpi={KPI}&unit={UNIT}&period=2023"


async def test_the_page_says_how_the_figure_came_about_in_vietnamese_first() -> None:
    async with Gateway(owners=await both()).client() as client:
        page = (await client.get(PAGE)).text
        english = (await client.get(f"{PAGE}&lang=en")).text
    assert "100 × 550 ÷ 1.000 = 55 %." in page
    assert "Số liệu lấy từ đâu" in page
    assert f"statistics.reported.v1 / 0 / {FIGURES[1].raw.offset}" in page
    assert "Where the figures came from" in english
    wide, narrow = (page.split(f'class="chart {size}"')[1].split("</svg>")[0] for size in ("wide", "narrow"))
    assert wide.count('class="point') == narrow.count('class="point') == wide.count("<title>") == 2
    rules = page.split('id="rules"')[1].split("</details>")[0]
    assert "Tử số không lớn hơn mẫu số." in rules
    assert "Các quy tắc kiểm tra đã qua (14)" in rules


async def test_a_truthful_big_change_counts_and_stands_with_its_doubt_and_its_publishers_explanation() -> None:
    note = "Từ tháng 9 mọi văn bản được ký số tự động trên hệ thống mới."
    kpi, unit = "edoc-signed-share", "dak-nong.cu-jut.xa-ea-po"
    months = {"2023-05-31": 400, "2023-06-30": 405, "2023-07-31": 411, "2023-08-31": 415, "2023-09-15": 930}
    said = [
        Said(
            "urn:tiendo:source:dak-nong:edoc",
            f"signed/{as_of}",
            local(as_of, "20:00:00"),
            {
                **{"province": "dak-nong", "kpi": kpi, "org_unit": unit, "as_of": as_of},
                **{"numerator": signed, "denominator": 1000},
                **({"note": note} if signed == 930 else {}),
            },
        )
        for as_of, signed in months.items()
    ]
    recorded = [ObservationRecorded.model_validate_json(one.value) for one in through_the_door(CATALOG, said, NOW)]
    asked = owners(await metrics_with(CATALOG, NOW, recorded), ingest_with(recorded))
    async with Gateway(owners=asked).client() as client:
        answer = (await client.get(f"/api/v1/progress/{kpi}/{unit}/2023/explain")).json()
        page = (await client.get(f"/explain?kpi={kpi}&unit={unit}&period=2023")).text
    assert (answer["judged"]["value"], answer["judged"]["flags"]) == (93, ["jump"])
    assert [origin["note"] for origin in answer["origins"]] == [note]
    assert "Nhảy từ 41,5 (ngày 31/08/2023) đến 93" in page
    assert note in page


async def test_it_shows_what_was_said_on_a_former_day() -> None:
    async with Gateway(owners=await both()).client() as client:
        page = (await client.get(f"{PAGE}&on=2023-07-31")).text
        odd = await client.get(f"{PAGE}&on=yesterday")
    former = page.split('id="former"')[1].split("</div>")[0]
    assert "31/07/2023" in former
    assert "30,0" in former
    assert (odd.status_code, 'id="former"' in odd.text) == (200, False)


async def test_a_unit_above_lists_those_below_with_links_to_their_pages() -> None:
    async with Gateway(owners=await both()).client() as client:
        page = (await client.get(f"/explain?kpi={KPI}&unit={PARENT}&period=2023")).text
    children = page.split('id="children"')[1].split("</table>")[0]
    assert children.count("<tr>") == 9  # a head and eight communes
    assert f"/explain?kpi={KPI}&amp;unit={UNIT}&amp;period=2023" in children


async def test_a_later_correction_stands_beside_what_was_said_when_the_period_was_closed() -> None:
    closed = local("2024-01-05")
    later = figure("2023-09-30", 930, revision=2, reported_at=closed)
    asked = owners(await metrics_with(CATALOG, closed, [*FIGURES, later]), ingest_with(FIGURES))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(PAGE)).text
        plain = (await client.get(f"/explain?kpi={KPI}&unit=dak-nong.cu-jut.xa-dak-wil&period=2023")).text
    said = page.split('id="closed"')[1].split("</p>")[0]
    assert "Khi khép kỳ (29/12/2023)</b>: Không đạt, 55,0\u202f%; số liệu được bổ sung hoặc sửa sau đó" in said
    assert 'id="closed"' not in plain


async def test_versions_of_a_target_are_a_table_of_their_own() -> None:
    turn = date(2023, 7, 1)
    mine = CATALOG.targets.versions(KPI, UNIT, "2023")[0].model_copy(update={"unit": UNIT, "level": None, "id": "mine"})
    old = mine.model_copy(update={"valid_to": turn})
    new = mine.model_copy(update={"valid_from": turn, "version": 2, "value": Decimal(60)})
    catalog = with_objects(old, new)
    asked = owners(await metrics_with(catalog, NOW, FIGURES), ingest_with(FIGURES))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(PAGE)).text
        plain = (await client.get(f"/explain?kpi={KPI}&unit={PARENT}&period=2023")).text
    table = page.split('<table class="facts" id="versions"')[1].split("</table>")[0]
    assert re.findall(r"phiên bản \d", table) == ["phiên bản 1", "phiên bản 2"]
    assert "đến 30/06/2023" in table
    assert "từ 01/07/2023" in table
    assert "60\u202f% vào 14/12/2023" in table
    assert 'id="versions"' not in plain


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/explain", 404, "Thiếu chỉ tiêu"),
        (f"/explain?kpi={KPI}&unit=nowhere&period=2023", 404, "Không có bản ghi"),
        ("/explain?kpi=%3Cscript%3E&unit=x&period=2023", 404, "Thiếu chỉ tiêu"),
    ],
)
async def test_what_cannot_be_explained_is_said_on_a_page(address: str, status: int, said: str) -> None:
    async with Gateway(owners=await both()).client() as client:
        answer = await client.get(address)
    assert (answer.status_code, said in answer.text, "<script>" in answer.text) == (status, True, False)


async def test_when_an_owner_is_away_the_page_says_which() -> None:
    async with Gateway(owners=owners(Away(), ingest_with(FIGURES))).client() as client:
        answer = await client.get(PAGE)
    assert (answer.status_code, "Dịch vụ metrics" in answer.text) == (503, True)


async def test_what_a_publisher_wrote_is_never_taken_for_markup() -> None:
    note = FIGURES[1].model_copy(update={"note": "<img src=x onerror=alert(1)>", "evidence": "javascript:alert(1)"})
    asked = owners(await metrics_with(CATALOG, NOW, FIGURES), ingest_with([note]))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(PAGE)).text
    assert "&lt;img src=x" in page
    assert 'href="javascript' not in page


async def test_it_says_who_lacks_most_and_rounds_reasons_and_gaps_as_the_dashboard_does() -> None:
    async with Gateway(owners=await both()).client() as client:
        above = (await client.get(f"/explain?kpi={KPI}&unit=dak-nong&period=2023")).text
        own = (await client.get(PAGE)).text
    assert "1/8 đơn vị trực thuộc chiếm 100 % phần thiếu: H. Cư Jút" in above
    children = above.split('id="children"')[1].split("</table>")[0]
    assert children.count("100,0\u202f%") == 1
    (reasons,) = re.findall(r'<ul class="reasons">(.*?)</ul>', own)
    assert re.search(r"Nhịp độ \d,\d\d ", reasons), reasons
    assert not re.search(r"\d{4}-\d\d-\d\d", own.split('class="steps"')[1].split("</ol>")[0])


async def test_who_makes_a_provinces_gap_is_told_by_commune_with_a_link_to_each() -> None:
    """Four communes: of 1,000 each, 150, 550, 700 and 900, the plan of 30 September being between 70 and 80 %."""
    others = [
        figure("2023-09-30", n, f"dak-nong.dak-mil.xa-{name}") for n, name in ((700, "dak-lao"), (900, "duc-minh"))
    ]
    poor = figure("2023-09-30", 150, "dak-nong.dak-mil.xa-dak-r-la")
    async with Gateway(owners=await both(poor, *others)).client() as client:
        page = (await client.get(f"/explain?kpi={KPI}&unit=dak-nong&period=2023")).text
        english = (await client.get(f"/explain?kpi={KPI}&unit=dak-nong&period=2023&lang=en")).text
        answer = (await client.get(f"/api/v1/progress/{KPI}/dak-nong/2023/explain")).json()
    found = answer["lowest"]
    section = page.split('id="lowest"')[1].split("</section>")[0]
    assert (found["level"], found["count"], len(found["units"])) == ("commune", 71, 71)
    assert found["text_vi"] in section
    assert re.search(r"\d trong 71 xã làm tăng khoảng cách.* 1 xã khác bù lại một phần\.", section)
    assert found["text_en"] in english
    assert [one["org_unit"].rpartition("-")[2] for one in found["units"][:2]] == ["la", "wil"]
    assert section.count("<tr>") == 72
    assert section.count(f'href="/explain?kpi={KPI}&amp;unit=dak-nong.') == 71
    assert "Từng xã (71)" in section
    assert "Each commune (71)" in english
    assert sum(one["gap"] for one in found["units"]) == pytest.approx(answer["judged"]["gap"])
    assert sum(one["share"] for one in found["units"]) == pytest.approx(1)


async def test_of_units_directly_below_the_page_says_who_makes_the_gap_without_listing_them_twice() -> None:
    async with Gateway(owners=await both()).client() as client:
        page = (await client.get(f"/explain?kpi={KPI}&unit={PARENT}&period=2023")).text
        own = (await client.get(PAGE)).text
    section = page.split('id="lowest"')[1].split("</section>")[0]
    assert "2 trong 8 xã tạo ra 100 % khoảng cách." in section
    assert "<table" not in section
    assert 'id="lowest"' not in own


async def test_once_missed_a_unit_below_is_shown_by_what_it_lacks_of_its_target() -> None:
    """55 of 80 %: 25 points short of the target, though less of the plan of 30 September."""
    late = datetime(2024, 2, 1, tzinfo=UTC)
    asked = owners(await metrics_with(CATALOG, late, FIGURES), ingest_with(FIGURES))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(f"/explain?kpi={KPI}&unit={PARENT}&period=2023")).text
        answer = (await client.get(f"/api/v1/progress/{KPI}/{PARENT}/2023/explain")).json()
    (child,) = (one for one in answer["children"] if one["org_unit"] == UNIT)
    assert (child["status"], child["goal"]) == ("missed", 80)
    assert -25 < child["gap"] < -15
    row = page.split('id="children"')[1].split(f"unit={UNIT}&amp;")[1].split("</tr>")[0]
    assert '<td class="n">−25,0</td>' in row
    assert "Chia theo chênh lệch so với kế hoạch đến ngày 30/09/2023: −" in page


def test_a_missed_point_of_the_history_is_shown_beside_its_target_and_any_other_beside_the_plan_of_its_day() -> None:
    words = Words("vi")
    teller = Teller(words, Numbers(words))
    point = HistoryPoint(
        as_of=date(2023, 9, 30),
        value=55,
        planned=70,
        gap=-15,
        goal=80,
        status=Status.MISSED,
        target="t",
        target_version=1,
    )
    measure = Measure("percent", 1)
    missed, behind = (
        past_row(point.model_copy(update={"status": status}), teller, measure)
        for status in (Status.MISSED, Status.BEHIND)
    )
    assert (missed.planned, missed.gap, missed.missed) == ("80,0\u202f%", "−25,0", True)
    assert (behind.planned, behind.gap, behind.missed) == ("70,0\u202f%", "−15,0", False)


async def test_doubts_stand_under_the_verdict_in_words() -> None:
    late = figure("2023-09-30", 550, flags=("late",), source="urn:other", revision=2)
    figures = [*FIGURES[:1], late]
    asked = owners(await metrics_with(CATALOG, NOW, figures), ingest_with(figures))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(PAGE)).text
        english = (await client.get(f"{PAGE}&lang=en")).text
    assert "Số liệu tính đến ngày sau hạn của mục tiêu." in page.split('class="reasons flags"')[1].split("</ul>")[0]
    assert "The figure is of a day after the target&#39;s deadline." in english


async def test_the_dashboard_links_to_the_page() -> None:
    gateway = await filled()
    async with gateway.client() as client:
        page = (await client.get("/?kpi=edoc-signed-share")).text
    assert "/explain?kpi=edoc-signed-share&amp;unit=dak-nong&amp;period=2023" in page
    assert page.count("/explain?") == 4  # the province and three communes


def a_picture(*values: float, target: float | None = 90) -> Picture:
    points = [Point(date(2023, 1 + at, 28), value, "behind", f"<{value}>") for at, value in enumerate(values)]
    first, last = date(2022, 12, 15), date(2023, 12, 14)
    plan = Plan(first, last, [(first, 0.0), (last, 90.0)], target)
    return Picture(first, last, points, [plan], date(2023, 6, 1))


A_LINE = Plan(date(2023, 1, 1), date(2023, 12, 31), [], 5.0)


def test_each_version_of_the_target_is_drawn_where_it_held() -> None:
    first, turn, last = date(2023, 1, 1), date(2023, 7, 1), date(2023, 12, 31)
    plans = [
        Plan(first, date(2023, 6, 30), [(first, 0.0), (date(2023, 6, 30), 40.0)], 80.0),
        Plan(turn, last, [(turn, 40.0), (last, 60.0)], 60.0),
    ]
    drawn = chart(Picture(first, last, [], plans, date(2022, 1, 1)), "x", ["0", "20", "40", "60", "80"])
    lines = [
        (float(a), float(b)) for a, b in re.findall(r'class="goal" x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"', drawn)
    ]
    assert len(lines) == drawn.count('<polyline class="plan"') == 2
    assert lines[0][0] == 64 < lines[0][1] < lines[1][0] < lines[1][1] == 862


def test_lines_stand_at_round_numbers_that_hold_everything() -> None:
    assert lines_of(a_picture(12, 47)) == [0, 50, 100]
    assert lines_of(Picture(date(2023, 1, 1), date(2023, 12, 31), [], [A_LINE], date(2023, 1, 1))) == [4, 6]


def test_later_days_are_further_right_and_higher_values_higher() -> None:
    drawn = chart(a_picture(10, 40, 20), "x", ["0", "50", "100"])
    corners = re.search(r'class="series" points="([^"]+)"', drawn)
    assert corners
    spots = [tuple(map(float, one.split(","))) for one in corners.group(1).split()]
    assert [x for x, _ in spots] == sorted(x for x, _ in spots)
    assert spots[1][1] < spots[2][1] < spots[0][1]


def test_titles_are_escaped_and_nothing_has_a_style() -> None:
    drawn = chart(a_picture(10), 'a "label"', ["0", "50", "100"])
    assert "&lt;10&gt;" in drawn
    assert "a &quot;label&quot;" in drawn
    assert "style" not in drawn


def test_a_record_without_anything_has_no_picture() -> None:
    assert chart(Picture(date(2023, 1, 1), date(2023, 12, 31), [], [], date(2023, 1, 1)), "", ["0", "1"]) == ""


def test_on_a_phone_all_of_it_is_drawn_with_fewer_dates_and_room_for_long_numbers() -> None:
    picture = a_picture(10, 40, 20)
    drawn = chart(picture, "x", ["0", "1.000.000", "2.000.000"], NARROW)
    assert 'viewBox="0 0 360 240"' in drawn
    assert drawn.count('text-anchor="middle"') == 4
    assert drawn.count('class="point') == 3
    assert "<title>" not in drawn
    ends = [float(x) for x in re.findall(r'text class="scale" x="([\d.]+)" y="[\d.]+" text-anchor="end"', drawn)]
    assert min(ends) > 9 * 6  # nine characters
    dates = [float(x) for x in re.findall(r'x="([\d.]+)" y="231" text-anchor="middle"', drawn)]
    assert all(after - before > 50 for before, after in pairwise(dates))
    assert dates[-1] + 22 < 360


@pytest.mark.parametrize(("years", "marks"), [(1, 12), (2, 12), (5, 10), (30, 13)])
def test_not_more_dates_than_fit(years: int, marks: int) -> None:
    assert len(months(date(2021, 1, 1), date(2020 + years, 12, 31))) == marks


async def test_the_page_says_where_it_will_stand_how_good_such_forecasts_were_and_what_was_said_before() -> None:
    months = [figure(f"2023-{month:02}-10", 500 + 10 * month) for month in range(1, 10)]
    engine = Engine(CATALOG, NOW)
    for one in months:
        await engine.take(one)
        await engine.forecast()
    asked = owners(metrics_of(engine), ingest_with(months))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(PAGE)).text
        english = (await client.get(f"{PAGE}&lang=en")).text
    outlook = page.split('id="outlook"')[1].split("</section>")[0]
    assert re.search(r"Theo đà hiện nay sẽ đạt 6\d,\d\u202f% vào 14/12/2023 \(80 % khả năng từ 5\d,\d", outlook)
    assert "Cách tính: nhịp gần đây. Thử lại trên chính chuỗi số liệu này" in outlook
    issued = outlook.split('id="issued"')[1]
    assert issued.count("<tr>") == 5  # a head, and the months since there were six figures
    assert issued.index("10/09/2023") < issued.index("10/06/2023")
    assert "At this rate it will stand at" in english.split('id="outlook"')[1]
    assert "Theo đà hiện nay" not in page.split('class="steps"')[1]


async def test_without_a_forecast_the_page_has_no_outlook_and_says_why() -> None:
    async with Gateway(owners=await both()).client() as client:
        page = (await client.get(PAGE)).text
    assert 'id="outlook"' not in page
    assert "Dự báo đang được tính" in page


async def test_once_the_figure_of_the_deadline_stands_the_page_says_how_good_the_forecasts_were() -> None:
    months = [figure(f"2023-{month:02}-10", 500 + 10 * month) for month in range(1, 10)]
    engine = Engine(CATALOG, NOW)
    await engine.take(*months)
    await engine.forecast()
    last = figure("2023-12-14", 900)
    engine.clock.moment = datetime(2023, 12, 16, tzinfo=UTC)
    await engine.take(last)
    asked = owners(metrics_of(engine), ingest_with([*months, last]))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(PAGE)).text
    outlook = page.split('id="outlook"')[1].split("</section>")[0]
    assert "Đến hạn 14/12/2023: 90,0\u202f%, đạt mục tiêu. 0/1 khoảng dự báo đã đúng; sai trung bình" in outlook
    assert "<td>không</td>" in outlook


async def test_where_no_figure_came_after_the_last_forecast_the_page_says_that_it_is_not_scored() -> None:
    months = [figure(f"2023-{month:02}-10", 500 + 10 * month) for month in range(1, 10)]
    engine = Engine(CATALOG, NOW)
    await engine.take(*months)
    await engine.forecast()
    engine.clock.moment = datetime(2024, 1, 5, tzinfo=UTC)
    await engine.tick()
    asked = owners(metrics_of(engine), ingest_with(months))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get(PAGE)).text
    outlook = page.split('id="outlook"')[1].split("</section>")[0]
    assert "Số cuối cùng trước hạn (10/09/2023): 59,0\u202f%, không đạt mục tiêu. " in outlook
    assert "không đạt mục tiêu. Chưa có dự báo nào kiểm chứng được." in outlook
    assert "thiếu 21,0\u00a0điểm % so với mục tiêu" in page
    assert "<td>Không chấm: sau số liệu dùng để dự báo không có số liệu nào mới hơn đến hạn.</td>" in outlook


async def test_a_score_names_its_items_with_their_points_and_links_to_each_of_them() -> None:
    signed = an_observation(UNIT, "2023-09-30", 900, 1000, province="dak-nong", kpi="edoc-signed-share")
    said = [*FIGURES, signed]
    asked = owners(await metrics_with(CATALOG, NOW, said, derive=True), ingest_with(said))
    address = f"/explain?kpi=unit-dx-score&unit={UNIT}&period=2023"
    async with Gateway(owners=asked).client() as client:
        page, english = (await client.get(address)).text, (await client.get(f"{address}&lang=en")).text
    sources = page.split('id="sources"')[1].split("</table>")[0]
    assert sources.count("<tr>") == 5  # a head and four items
    assert f"/explain?kpi={KPI}&amp;unit={UNIT}&amp;period=2023" in sources
    assert "27,5\u202f/\u202f40" in sources  # 55 % of a target of 80 %
    assert "10\u202f/\u202f25" in sources  # the step from 80 % on
    assert "–\u202f/\u202f25" in sources  # nothing is known of files online
    assert "Tổng điểm: 27,5 + 10 = 37,5 trên 100 điểm." in page
    assert "Số liệu lấy từ đâu" not in page
    assert "Made from these KPIs" in english


async def test_a_growth_shows_the_two_values_that_it_is_the_quotient_of() -> None:
    """The published counts of Mobile Money subscribers: 15,321 after 10,280."""
    said = [
        an_observation("dak-nong", day, value=count, province="dak-nong", kpi="mobile-money-subscribers")
        for day, count in (("2021-12-14", 10280), ("2022-12-14", 15321))
    ]
    asked = owners(await metrics_with(CATALOG, NOW, said, derive=True), ingest_with(said))
    async with Gateway(owners=asked).client() as client:
        page = (await client.get("/explain?kpi=mobile-money-growth&unit=dak-nong&period=2022")).text
    assert "15.321 ÷ 10.280 ≈ 1,4904." in page
    sources = page.split('id="sources"')[1].split("</table>")[0]
    assert "/explain?kpi=mobile-money-subscribers&amp;unit=dak-nong&amp;period=2021" in sources
    assert "/explain?kpi=mobile-money-subscribers&amp;unit=dak-nong&amp;period=2022" in sources
