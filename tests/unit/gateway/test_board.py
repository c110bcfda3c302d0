from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.progress import Closed, Completeness, Landing, Needed, ProgressJudged, Status, TargetJudged
from services.gateway.documents import Count, Document, progress_document
from services.gateway.places import TreePlaces
from services.gateway.views.below import Fact
from services.gateway.views.board import Board, board, wanted
from services.gateway.views.reading import Choice, Ground, Reading
from services.metrics.reasons import because
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.loader import load_folder
from tests.unit.gateway.judged_province import DAK_NONG, NOW, TODAY, alerts_of, dak_nong, judged_year
from tests.unit.gateway.records import a_record, a_target, an_alert

CATALOG = dak_nong()
GROUND = Ground(CATALOG, NOW)
PLACES = TreePlaces(lambda: {"dak-nong": CATALOG}, lambda: NOW)
PROVINCE, CU_JUT = "dak-nong", "dak-nong.huyen-cu-jut"
YEAR = judged_year(CATALOG)


def documents(records: list[ProgressJudged]) -> list[Document]:
    return [
        progress_document(one, one.model_dump(mode="json"), PLACES.of(one.province, one.org_unit, TODAY))
        for one in records
    ]


def reading_of(records: list[ProgressJudged], choice: Choice, **more: Any) -> Reading:
    stored = documents(records)
    upper = [one for one in stored if one["org_unit"] in GROUND.upper_units]
    counts = Counter((one["kpi"], one["period"], one["level"], one["status"], one["until"]) for one in stored)
    chosen = wanted(choice, GROUND, Reading(upper=upper))
    return Reading(
        upper=upper,
        counts=[Count(*key, number) for key, number in counts.items()],
        chosen=[one for one in stored if chosen == (one["kpi"], one["period"])],
        **more,
    )


def the_board(records: list[ProgressJudged], choice: Choice = Choice(), **more: Any) -> Board:  # noqa: B008
    return board(choice, GROUND, reading_of(records, choice, **more))


def of_province(**changes: Any) -> ProgressJudged:
    return a_record(org_unit=PROVINCE, **changes)


SILENT = of_province(
    kpi="online-files-share", status=Status.UNKNOWN, value=None, planned=None, gap=None, pace=None, as_of=None
)
WELL = of_province(status=Status.ON_TRACK)


def communes(late: int, kpi: str = "edoc-signed-share", well: int = 0) -> list[ProgressJudged]:
    units = CATALOG.units.of_level("commune", TODAY)[: late + well]
    return [
        a_record(kpi=kpi, org_unit=unit, status=Status.BEHIND if at < late else Status.ON_TRACK)
        for at, unit in enumerate(units)
    ]


def test_the_headline_counts_what_is_late_among_what_has_a_target() -> None:
    page = the_board(
        [
            of_province(kpi="edoc-signed-share"),
            of_province(kpi="online-files-share", status=Status.ON_TRACK),
            of_province(kpi="dti-rank", status=Status.NO_TARGET, target=None),
        ]
    )
    assert page.headline.sentence == "1 trong 2 chỉ tiêu chậm so với kế hoạch"
    assert page.headline.worst is not None
    assert page.headline.worst.said.gap_words == "thiếu 5,2\u00a0điểm %"


def test_when_nothing_is_late_the_page_is_calm() -> None:
    assert the_board([of_province(status=Status.ACHIEVED)]).headline.calm


def test_what_is_late_below_is_said_although_nothing_of_the_province_is_late() -> None:
    district = a_record(org_unit=CU_JUT)
    found = the_board([WELL, SILENT, district, *communes(32, well=39)]).headline
    assert not found.calm
    assert found.sentence == "Chưa chỉ tiêu nào của tỉnh chậm, nhưng 32 trong 71 xã chậm ở 1 chỉ tiêu"
    assert found.worst is not None
    assert found.worst.below is not None
    assert (found.worst.id, found.below) == ("edoc-signed-share", "32 trong 71 xã chậm")
    assert found.worst.below.worst == "H. Cư Jút"
    assert f"unit={CU_JUT}" in found.worst.below.worst_href
    assert found.silent == "1 chỉ tiêu chưa có số liệu trong kỳ"
    assert "status=unknown" in found.silent_href


@pytest.mark.parametrize(
    ("late", "sentence"),
    [
        (1, "No target of the province is behind, but 1 of 3 communes is behind in one target"),
        (2, "No target of the province is behind, but 2 of 3 communes are behind in one target"),
    ],
)
def test_english_has_its_forms_in_the_headline(late: int, sentence: str) -> None:
    page = the_board([WELL, *communes(late, well=3 - late)], Choice(language="en"))
    assert page.headline.sentence == sentence


def test_one_commune_is_no_communes() -> None:
    page = the_board([WELL, *communes(1)], Choice(language="en"))
    assert page.headline.sentence.endswith("1 of 1 commune is behind in one target")


def test_of_several_targets_with_trouble_below_the_largest_share_is_named() -> None:
    other = "document-digitisation"
    records = [WELL, of_province(kpi=other, status=Status.ON_TRACK), *communes(2, well=5), *communes(3, other, 1)]
    found = the_board(records).headline
    assert found.sentence == (
        "Chưa chỉ tiêu nào của tỉnh chậm, nhưng 2 chỉ tiêu có đơn vị bên dưới chậm, nhiều nhất là 3 trong 4 xã"
    )
    assert found.worst is not None
    assert found.worst.id == other


def test_communes_that_are_late_are_said_where_the_province_has_no_figure() -> None:
    silent_above = of_province(status=Status.UNKNOWN, value=None, gap=None, pace=None)
    page = the_board([silent_above, *communes(1, well=1)])
    assert page.headline.sentence == (
        "Chưa chỉ tiêu nào của tỉnh có số liệu để đánh giá, nhưng 1 trong 2 xã chậm ở 1 chỉ tiêu"
    )
    assert [row.id for row in page.rows] == ["edoc-signed-share"]
    assert page.folded == []


def test_what_is_at_risk_or_alerted_is_not_calm_either() -> None:
    risky = the_board([of_province(status=Status.AT_RISK)]).headline
    assert (risky.sentence, risky.calm) == ("Chưa chỉ tiêu nào của tỉnh chậm, nhưng 1 chỉ tiêu có nguy cơ", False)
    alerted = the_board([WELL], alerts=[an_alert()], alerts_open=1).headline
    assert (alerted.sentence, alerted.calm) == (
        "Chưa chỉ tiêu nào của tỉnh chậm, nhưng còn 1 cảnh báo đang mở",
        False,
    )
    quiet = the_board([WELL, SILENT]).headline
    assert (quiet.sentence, quiet.calm) == ("Chưa chỉ tiêu nào của tỉnh chậm", False)


def test_what_has_no_figure_is_folded_unless_it_is_asked_for() -> None:
    page = the_board([SILENT, WELL])
    assert ([row.id for row in page.rows], [row.id for row in page.folded]) == ([WELL.kpi], [SILENT.kpi])
    filtered = the_board([SILENT, WELL], Choice(status=Status.UNKNOWN))
    assert ([row.id for row in filtered.rows], filtered.folded) == ([SILENT.kpi], [])
    opened = the_board([SILENT, WELL], Choice(kpi=SILENT.kpi))
    assert (len(opened.rows), opened.folded) == (2, [])


def test_figure_plan_and_gap_add_up_as_they_are_shown() -> None:
    (row,) = the_board([of_province(value=99.44, planned=99.96, gap=-0.52)]).rows
    assert (row.said.value, row.said.planned) == ("99,4\u202f%", "100,0\u202f%")
    assert row.said.gap == "\u22120,6"
    assert row.said.gap_words == "thiếu 0,6\u00a0điểm %"


def test_reasons_are_rounded_and_have_units() -> None:
    reasons = [because("pace_below_on_track", pace="0.8314", bound="0.95"), because("no_baseline")]
    detail = the_board([of_province(reasons=reasons)], Choice(kpi="edoc-signed-share")).detail
    assert detail is not None
    assert detail.reasons[0] == "Nhịp độ 0,83 thấp hơn ngưỡng đúng tiến độ 0,95: có nguy cơ."
    assert detail.reasons[1] == because("no_baseline")["text_vi"]


def test_who_lacks_most_and_what_is_doubtful_stand_in_the_detail() -> None:
    district = {"org_unit": "dak-nong.huyen-cu-jut", "gap": -4.5, "share": 0.85}
    split = {"units": 8, "top": [district], "rest_gap": -0.75, "rest_share": 0.15}
    record = of_province(contributions=split, flags=["jump", "parts_disagree"])
    vietnamese, english = (
        the_board([record], Choice(language=language, kpi="edoc-signed-share")).detail for language in ("vi", "en")
    )
    assert vietnamese is not None
    assert english is not None
    assert Fact("Thiếu ở đâu", "1/8 đơn vị trực thuộc chiếm 85 % phần thiếu: H. Cư Jút") in vietnamese.facts
    assert Fact("Where it is short", "1 of 8 units below make up 85% of the gap: Cư Jút District") in english.facts
    assert vietnamese.flags == [
        "Số liệu thay đổi đột ngột so với những lần báo cáo trước.",
        "Số báo cáo trực tiếp khác với tổng của các đơn vị bên dưới.",
    ]
    assert english.flags[0] == "The figure jumps away from those before it."


def test_no_figure_at_all_is_not_called_calm() -> None:
    page = the_board([of_province(status=Status.UNKNOWN, value=None, gap=None, pace=None, as_of=None)])
    assert not page.headline.calm
    assert page.headline.sentence == "Chưa chỉ tiêu nào của tỉnh có số liệu để đánh giá"
    assert page.headline.silent == "1 chỉ tiêu chưa có số liệu trong kỳ"


def test_every_status_has_a_tile_with_its_number_and_its_word() -> None:
    page = the_board(YEAR)
    assert len(page.tiles) == len(Status)
    assert sum(tile.count for tile in page.tiles) == len({one.kpi for one in YEAR})
    assert all(tile.badge.word for tile in page.tiles)


def test_the_most_urgent_status_comes_first_and_in_it_the_largest_share_that_is_missing() -> None:
    page = the_board(
        [
            of_province(kpi="online-files-share", status=Status.AT_RISK),
            of_province(kpi="edoc-signed-share", value=84.0, gap=-5.5),
            of_province(kpi="document-digitisation", value=81.0, gap=-8.5),
            of_province(kpi="village-4g-coverage", status=Status.MISSED),
        ]
    )
    assert [row.id for row in page.rows] == [
        "village-4g-coverage",
        "document-digitisation",
        "edoc-signed-share",
        "online-files-share",
    ]


@pytest.mark.parametrize(
    ("target", "gap", "said"),
    [
        ({"comparator": ">=", "value": 100}, "−10,0", "thiếu 10,0\u00a0điểm % so với mục tiêu"),
        ({"comparator": "<=", "value": 70}, "+20,0", "cao hơn mục tiêu 20,0\u00a0điểm %"),
        ({"comparator": "band", "value": None, "low": 95, "high": 99}, "−5,0", "lệch 5,0\u00a0điểm % so với mục tiêu"),
    ],
)
def test_a_missed_target_lacks_of_the_target_however_far_ahead_of_its_days_plan_the_last_figure_was(
    target: dict[str, Any], gap: str, said: str
) -> None:
    """90 % of 30 June, when 64.7 % were planned."""
    judged = TargetJudged(id="t", deadline=date(2023, 12, 14), **target)
    missed = of_province(status=Status.MISSED, value=90.0, planned=64.7, gap=25.3, pace=1.51, target=judged)
    page = the_board([missed])
    (row,) = page.rows
    assert (row.said.gap, row.said.gap_words, row.said.pace) == (gap, said, "")
    assert page.headline.worst is row


@pytest.mark.parametrize(
    ("comparator", "value", "said"),
    [
        ("<=", 8.0, "cao hơn 2,0\u00a0điểm %"),
        ("<=", 5.0, "thấp hơn 1,0\u00a0điểm %"),
        (">=", 5.0, "thiếu 1,0\u00a0điểm %"),
        (">=", 8.0, "vượt 2,0\u00a0điểm %"),
        (">=", 6.0, "đúng kế hoạch"),
        (">=", 5.98, "thiếu 0,02\u00a0điểm %"),
    ],
)
def test_the_gap_is_worded_by_its_side_and_never_rounded_away(comparator: str, value: float, said: str) -> None:
    target = a_target(value=4.0, baseline=10.0, comparator=comparator)
    (row,) = the_board([of_province(target=target, value=value, planned=6.0, gap=value - 6)]).rows
    assert row.said.gap_words == said


def test_lower_is_better_shows_its_sign_beside_the_target() -> None:
    target = a_target(value=4.0, baseline=10.0, comparator="<=")
    (row,) = the_board([of_province(target=target, value=8.0, planned=6.0, gap=2.0)]).rows
    assert row.said.target.startswith("≤")


def test_what_cannot_be_computed_is_a_dash_and_never_nothing() -> None:
    (row,) = the_board([SILENT]).folded
    assert (row.said.value, row.said.planned, row.said.gap, row.said.pace) == ("–", "–", "", "")
    assert 'class="fill"' not in row.said.bar


def test_what_has_no_target_is_shown_where_it_is_asked_for() -> None:
    records = [of_province(), of_province(kpi="dti-rank", status=Status.NO_TARGET, target=None)]
    assert [row.id for row in the_board(records).rows] == ["edoc-signed-share"]
    assert the_board(records).untargeted == 1
    assert [row.id for row in the_board(records, Choice(status=Status.NO_TARGET)).rows] == ["dti-rank"]


def test_the_period_around_today_goes_before_longer_and_older_ones() -> None:
    records = [of_province(period=period, value=float(at)) for at, period in enumerate(("2022", "2021-2025", "2023"))]
    (row,) = the_board(records).rows
    assert row.period == "2023"
    (older,) = the_board(records, Choice(period="2022")).rows
    assert older.period == "2022"


def test_completeness_and_late_communes_stand_beside_the_figure() -> None:
    completeness = Completeness(expected=71, reported=64, missing=("dak-nong.cu-jut.xa-dak-wil",))
    late = a_record()
    fine = a_record(org_unit="dak-nong.cu-jut.xa-ea-po", status=Status.ON_TRACK)
    (row,) = the_board([of_province(completeness=completeness), late, fine]).rows
    assert (row.completeness, row.complete) == ("64/71", False)
    assert row.below is not None
    assert (row.below.late, row.below.total, row.below.level) == (1, 2, "xã")


def test_the_worst_district_is_named() -> None:
    (row,) = the_board([of_province(), a_record(org_unit=CU_JUT), a_record()]).rows
    assert row.below is not None
    assert row.below.worst == "H. Cư Jút"


def test_the_owner_comes_from_the_catalog() -> None:
    (row,) = the_board([of_province()]).rows
    assert row.owner == "Bộ phận tổng hợp chuyển đổi số tỉnh"


def test_the_detail_ranks_districts_and_communes_and_can_be_narrowed() -> None:
    choice = Choice(kpi="document-digitisation")
    page = the_board(YEAR, choice)
    assert page.detail is not None
    assert len(page.detail.between) == 8
    assert len(page.detail.late) + len(page.detail.silent) + len(page.detail.others) == 71
    assert {row.said.badge.code for row in page.detail.silent} == {"unknown"}
    assert "unknown" not in {row.said.badge.code for row in page.detail.others}
    assert [row.said.badness for row in page.detail.late] == sorted(row.said.badness for row in page.detail.late)
    narrowed = the_board(YEAR, Choice(kpi="document-digitisation", unit=CU_JUT)).detail
    assert narrowed is not None
    assert narrowed.below_of == "xã của Huyện Cư Jút"
    assert len(narrowed.late) + len(narrowed.silent) + len(narrowed.others) == 8


def test_units_that_have_ended_are_shown_apart_and_counted_no_more() -> None:
    catalog = Catalog.of(load_folder(DAK_NONG.parent / "lam-dong").items)
    ground = Ground(catalog, datetime(2025, 8, 11, tzinfo=UTC))
    before, after = date(2025, 6, 30), date(2025, 7, 1)
    units = [*catalog.units.of_level("commune", before)[:3], *catalog.units.of_level("commune", after)[:2]]
    records = [a_record(province="lam-dong", org_unit=unit, period="2025") for unit in (*ground.roots, *units)]
    places = TreePlaces(lambda: {"lam-dong": catalog}, lambda: ground.now)
    stored = [
        progress_document(one, one.model_dump(mode="json"), places.of(one.province, one.org_unit, ground.day))
        for one in records
    ]
    counts = Counter((one["kpi"], one["period"], one["level"], one["status"], one["until"]) for one in stored)
    upper = [one for one in stored if one["org_unit"] in ground.upper_units]
    reading = Reading(upper=upper, counts=[Count(*key, number) for key, number in counts.items()], chosen=stored)
    page = board(Choice(kpi="edoc-signed-share"), ground, reading)
    (row,) = page.rows
    assert row.below is not None
    assert (row.below.late, row.below.total) == (2, 2)
    assert page.detail is not None
    assert (len(page.detail.late), len(page.detail.ended)) == (2, 3)


def test_the_detail_says_what_pace_is_needed_and_whether_it_was_ever_reached() -> None:
    needed = Needed(amount=3.1, per="month", so_far=0.5, best=2.0)
    detail = the_board([of_province(needed=needed)], Choice(kpi="edoc-signed-share")).detail
    assert detail is not None
    said = {fact.label: fact.text for fact in detail.facts}
    assert said["Cần"] == (
        "3,1\u00a0điểm % mỗi tháng đến 14/12/2023; đến nay 0,5\u00a0điểm %; cao nhất từng đạt 2,0\u00a0điểm %"
    )


def test_the_detail_of_a_later_correction_says_what_stood_when_the_period_was_closed() -> None:
    closed = Closed(status=Status.MISSED, value=85, as_of=date(2023, 12, 10), closed_on=date(2023, 12, 29))
    detail = the_board([of_province(closed=closed)], Choice(kpi="edoc-signed-share")).detail
    assert detail is not None
    said = {fact.label: fact.text for fact in detail.facts}
    assert said["Khi khép kỳ (29/12/2023)"] == "Không đạt, 85,0\u202f%; số liệu được bổ sung hoặc sửa sau đó"


def test_the_detail_of_a_period_that_a_catalog_judged_again_says_by_which_target_it_was_closed() -> None:
    target = TargetJudged(id="t", value=80, comparator=">=", deadline=date(2023, 12, 14))
    closed = Closed(
        status=Status.MISSED,
        value=60,
        as_of=date(2023, 12, 8),
        closed_on=date(2023, 12, 29),
        target=target,
        why="catalog",
    )
    detail = the_board([of_province(closed=closed)], Choice(kpi="edoc-signed-share")).detail
    assert detail is not None
    said = {fact.label: fact.text for fact in detail.facts}
    assert said["Khi khép kỳ (29/12/2023)"] == "Không đạt, 60,0\u202f%, mục tiêu 80\u202f%; danh mục thay đổi sau đó"


def test_missing_units_are_named_up_to_a_dozen() -> None:
    missing = CATALOG.units.of_level("commune", TODAY)[:15]
    completeness = Completeness(expected=71, reported=56, missing=missing)
    detail = the_board([of_province(completeness=completeness)], Choice(kpi="edoc-signed-share")).detail
    assert detail is not None
    (text,) = [fact.text for fact in detail.facts if fact.label == "Chưa báo cáo"]
    assert text.endswith("và 3 đơn vị nữa")


def test_units_whose_figures_cannot_be_added_up_are_named_apart_from_the_missing_ones() -> None:
    left_out = CATALOG.units.of_level("commune", TODAY)[:15]
    completeness = Completeness(expected=71, reported=71, left_out=left_out)
    detail = the_board([of_province(completeness=completeness)], Choice(kpi="edoc-signed-share")).detail
    assert detail is not None
    assert "Chưa báo cáo" not in [fact.label for fact in detail.facts]
    (text,) = [fact.text for fact in detail.facts if fact.label == "Không cộng được"]
    assert text.endswith("và 3 đơn vị nữa")


def test_open_alerts_say_since_when_how_bad_and_whose() -> None:
    page = the_board([of_province()], alerts=[an_alert(opened_at=datetime(2023, 9, 22, tzinfo=UTC))], alerts_open=1)
    (alert,) = page.alerts
    assert (alert.unit, alert.above, alert.badge.word) == ("Xã Đắk Wil", "H. Cư Jút", "Chậm")
    assert (alert.since, alert.lasted) == ("từ 22/09/2023", "10 ngày")
    assert alert.owner
    assert "kpi=edoc-signed-share" in alert.href


def test_alerts_beyond_a_dozen_are_a_number_and_a_link() -> None:
    told = alerts_of(CATALOG, YEAR)
    alerts = [an_alert(progress=one.progress, alert_id=one.alert_id) for one in told]
    page = the_board(YEAR, alerts=alerts, alerts_open=len(alerts))
    assert len(page.alerts) == 12
    assert page.alerts_more == len(alerts) - 12
    assert len(the_board(YEAR, Choice(all_alerts=True), alerts=alerts, alerts_open=len(alerts)).alerts) == len(alerts)


def test_links_keep_what_was_chosen() -> None:
    page = the_board(YEAR, Choice(period="2023", kpi="document-digitisation"))
    assert page.detail is not None
    assert "period=2023" in page.detail.between[0].href
    assert "kpi=document-digitisation" in page.detail.between[0].href


def test_english_names_come_from_the_catalog() -> None:
    page = the_board([of_province()], Choice(language="en"))
    assert page.province == "Đắk Nông Province"
    assert page.rows[0].name == "E-documents signed"
    assert page.rows[0].said.badge.word == "Behind"


def test_before_the_first_figure_the_page_says_so() -> None:
    page = the_board([])
    assert page.empty
    assert (page.kpis, page.units) == (85, 99)


def test_after_the_reform_the_page_still_shows_the_old_province() -> None:
    ground = Ground(CATALOG, datetime(2026, 11, 1, tzinfo=UTC))
    assert ground.day == date(2025, 6, 30)
    assert ground.roots == ("dak-nong",)


def test_simulated_figures_say_so() -> None:
    kpi = "full-online-procedures-share"
    assert not the_board([of_province(kpi=kpi)]).rows[0].simulated
    assert the_board([of_province(kpi=kpi, target=a_target(simulated=True))]).rows[0].simulated


def test_a_kpi_that_is_well_but_has_late_communes_goes_before_one_without_figures() -> None:
    stale = of_province(kpi="online-files-share", status=Status.UNKNOWN)
    well = of_province(status=Status.ON_TRACK)
    assert [row.id for row in the_board([stale, well, a_record()]).rows] == [well.kpi, stale.kpi]


def test_the_detail_says_where_it_will_stand_and_how_likely_the_target_is_met() -> None:
    landing = Landing(
        value=90.04, low=88.25, high=93, p_meet=0.31, method="run_rate", points=9, as_of=date(2023, 9, 30)
    )
    detail = the_board([of_province(landing=landing)], Choice(kpi="edoc-signed-share")).detail
    assert detail is not None
    said = {fact.label: fact.text for fact in detail.facts}
    assert said["Dự báo"].replace("\u202f", " ") == (
        "Theo đà hiện nay sẽ đạt 90,0 % vào 14/12/2023 (80 % khả năng từ 88,3 đến 93,0), khả năng đạt mục tiêu 31 %."
    )
    older = landing.model_copy(update={"as_of": date(2023, 8, 31)})
    detail = the_board([of_province(landing=older)], Choice(kpi="edoc-signed-share", language="en")).detail
    assert detail is not None
    said = {fact.label: fact.text for fact in detail.facts}
    assert said["Forecast"].endswith("the chance of meeting the target is 31\u202f%; from figures up to 31/08/2023.")
