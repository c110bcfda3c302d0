"""Why an alert is so: its state, its rule, its figures, who was told and who was not, and what comes next."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Audience, EscalationPolicy, EscalationStep, Hold
from contracts.progress import ProgressJudged, TargetJudged
from services.alerts.alert import Alert
from services.alerts.explaining import Chapter, Notice, Remembered, explained
from services.alerts.ports import RowState
from services.alerts.rehearsal import Rehearsal
from services.alerts.standing_told import clearing_figure
from services.alerts.teller import STATES
from services.runtime.catalog import Catalog
from tests.unit.alerts.builders import LEAD, NOW, PEOPLE, a_catalog, a_record, a_rule

DAY = timedelta(days=1)
POLICY = EscalationPolicy(
    id="up",
    name_vi="Báo cấp trên",
    name_en="Upwards",
    steps=(
        EscalationStep(after=3 * DAY, audience=(Audience(role="manager", of="parent"),), clock="calendar"),
        EscalationStep(after=7 * DAY, audience=(Audience(role="lead", of="province"),), clock="calendar"),
    ),
)


def told(
    *paces: float, every: timedelta = DAY, catalog: Catalog | None = None, after: timedelta = DAY
) -> list[Chapter]:
    """What is said of the alert after these figures, by the stages themselves."""
    catalog = catalog or a_catalog(LEAD, rules=[a_rule(policy="up", policies=(POLICY,))])

    async def play() -> Remembered:
        rehearsal = Rehearsal(catalog, NOW)
        for number, pace in enumerate(paces):
            moment = NOW + number * every
            as_of = moment.date() - DAY
            await rehearsal.sees([a_record(pace, version=number + 1, as_of=as_of)], moment)
        await rehearsal.until(NOW + (len(paces) - 1) * every + after)
        notices = [Notice(mail, RowState.SENT, mail.at) for mail in rehearsal.mails]
        (alert,) = rehearsal.known
        return Remembered(alert, rehearsal.groups, notices)

    return list(explained(asyncio.run(play()), catalog))


def lines(chapters: list[Chapter], title: str) -> list[str]:
    """The lines of one chapter, both languages of each."""
    return [str(line) for chapter in chapters if chapter.title.en == title for line in chapter.lines]


def test_an_open_alert_says_its_state_on_every_axis() -> None:
    assert lines(told(0.7), "State") == [
        "đang cảnh báo (FIRING): mức “chậm”, đợt 1, từ 04/09/2023 08:00 · "
        "it fires (FIRING): “behind”, episode 1, since 4 September 2023 08:00",
        "số liệu: đánh giá được · data: there is something to judge by",
        "chưa ai tiếp nhận · nobody has taken it up",
        "báo cấp trên: đã qua 0/2 bước của “Báo cấp trên” · escalation: 0 of 2 steps of “Upwards” are reached",
    ]


def test_it_says_the_rule_the_figures_and_the_figure_that_would_clear_it() -> None:
    said = told(0.7)
    rule, figures = lines(said, "Rule"), lines(said, "Figures")
    assert rule[0] == "“Chậm hơn kế hoạch” (behind) · “Behind plan” (behind)"
    assert "chậm: báo chậm khi dưới 80 %, hết báo khi từ 85 % trở lên" in rule[2]
    assert figures[0].startswith("Đến ngày 03/09/2023: đạt 56,0 % · kế hoạch 80,0 % · tiến độ 70,0 %")
    assert figures[1] == "dưới ngưỡng báo (bản thứ 1) · below where it fires (version 1)"
    assert figures[3] == "nặng nhất: thiếu 24,0 điểm % · at worst: 24.0 percentage points short"
    assert lines(said, "What would clear it") == [
        "số liệu có tiến độ từ 95 % trở lên; theo kế hoạch của ngày ấy là từ 76,0 % trở lên · "
        "figures at a pace of 95% or more; by the plan of that day, 76.0% or more"
    ]


def test_it_says_who_was_told_what_and_when_and_whose_turn_has_not_come() -> None:
    said = told(0.7)
    assert [line.split(" · ")[0] for line in lines(said, "Who was told")] == [
        "04/09/2023 08:10: FIRST (lần báo đầu tiên) → Chủ tịch UBND xã <chu-tich@tan-phu.example> "
        "(lãnh đạo, Xã Tân Phú): đã gửi (04/09/2023 08:10)",
        "04/09/2023 08:10: FIRST (lần báo đầu tiên) → Văn phòng UBND xã <van-phong@tan-phu.example> "
        "(đầu mối phụ trách, Xã Tân Phú): đã gửi (04/09/2023 08:10)",
    ]
    assert lines(said, "Who was not, and why") == [
        "lãnh đạo (Huyện Đắk Glong): chưa đến bước 1 · head (Huyện Đắk Glong): step 1 is not reached yet",
        "lead (Tỉnh Đắk Nông): chưa đến bước 2 · lead (Tỉnh Đắk Nông): step 2 is not reached yet",
    ]
    assert lines(said, "What comes next") == [
        "07/09/2023 08:00: nếu vẫn chậm, báo lãnh đạo (Huyện Đắk Glong) · "
        "7 September 2023 08:00: if it is still behind, head (Huyện Đắk Glong) is told",
        "29/12/2023 00:00: hết kỳ: kết thúc dù đạt hay không · "
        "29 December 2023 00:00: the period is over, and with it the alert",
    ]


def test_who_was_told_by_a_step_is_no_longer_among_those_who_were_not() -> None:
    said = told(0.7, after=4 * DAY)
    assert any("ESCALATED" in line and "chu-tich@huyen-a.example" in line for line in lines(said, "Who was told"))
    assert lines(said, "Who was not, and why") == [
        "lead (Tỉnh Đắk Nông): chưa đến bước 2 · lead (Tỉnh Đắk Nông): step 2 is not reached yet"
    ]


def test_an_alert_that_is_not_behind_for_long_enough_has_told_nobody() -> None:
    said = told(0.7, catalog=a_catalog(rules=[a_rule(pending_for=Hold(observations=3))]))
    assert lines(said, "State")[0].endswith("behind, but not for long enough (PENDING)")
    assert any("told only once it was behind in 3 reports in a row" in line for line in lines(said, "Rule"))
    assert lines(said, "What would clear it") == [
        "một số liệu có tiến độ từ 90 % trở lên · a figure at a pace of 90% or more"
    ]
    assert lines(said, "Who was told") == []
    assert lines(said, "Who was not, and why")[0].endswith("nobody: it was not behind for long enough")


def test_what_settles_by_itself_says_when() -> None:
    rule = a_rule(keep_firing_for=Hold(settle=timedelta(hours=36)))
    said = told(0.7, 1.0, catalog=a_catalog(rules=[rule]))
    assert lines(said, "State")[0].startswith("hết chậm nhưng chưa đủ lâu để kết thúc (RECOVERING): mức “chậm”, đợt 1")
    assert lines(said, "What comes next")[0] == (
        "06/09/2023 20:00: nếu vẫn hết chậm, kết thúc · 6 September 2023 20:00: if it is still clear, it is over"
    )


def test_what_came_and_went_while_mails_were_gathered_is_why_nobody_was_told() -> None:
    said = told(0.7, 1.0, every=timedelta(minutes=5))
    assert lines(said, "State")[0].endswith("no alert (INACTIVE): episode 1 is over, back on plan")
    assert lines(said, "Who was told") == []
    silent = lines(said, "Who was not, and why")
    assert len(silent) == 2
    assert all("it came and went while mails were gathered" in line for line in silent)


def test_mails_that_are_still_gathered_say_until_when() -> None:
    said = told(0.7, after=timedelta(minutes=1))
    assert "đang chờ gom thư đến 04/09/2023 08:10" in lines(said, "Who was not, and why")[0]
    assert "04/09/2023 08:10: xét thư cho Chủ tịch UBND xã" in lines(said, "What comes next")[0]


def test_a_post_that_nobody_holds_is_a_reason_why_nobody_was_told() -> None:
    people = [person for person in PEOPLE if person.id != "manager.tan-phu"]
    said = told(0.7, catalog=a_catalog(people=people))
    assert lines(said, "Who was not, and why") == [
        "lãnh đạo (Xã Tân Phú): chức vụ đang khuyết · head (Xã Tân Phú): nobody holds the post"
    ]


def test_an_alert_that_was_never_behind_says_what_would_raise_it() -> None:
    said = told(1.0)
    assert lines(said, "Who was not, and why") == [
        "chưa báo ai: chưa từng chậm theo quy tắc này · nobody: by this rule it was never behind"
    ]
    assert "a pace below 90% would raise it" in lines(said, "What would clear it")[0]
    assert lines(said, "What comes next") == ["xét số liệu tiếp theo · the next figure is judged"]


def test_a_rule_that_is_gone_is_said_to_be_gone() -> None:
    catalog = a_catalog()
    found = Remembered(asyncio.run(_opened(catalog)))
    said = list(explained(found, a_catalog(rules=[a_rule(enabled=False)])))
    assert lines(said, "Rule") == ["“behind” không còn hoặc đã tắt · “behind” is gone, or switched off"]
    assert lines(said, "State")[0].startswith("đang cảnh báo")


async def _opened(catalog: Catalog) -> Alert:
    rehearsal = Rehearsal(catalog, NOW)
    await rehearsal.sees([a_record(0.7)], NOW)
    (alert,) = rehearsal.alerts
    return alert


def a_plan(baseline: int, planned: int, value: float) -> ProgressJudged:
    """A record whose pace is measured from a baseline; all in hundredths."""
    base, line = baseline / 100, planned / 100
    target = TargetJudged(
        id="t", value=line, comparator=">=" if planned > baseline else "<=", deadline=date(2023, 12, 14), baseline=base
    )
    return a_record((value - base) / (line - base), target=target).model_copy(update={"value": value, "planned": line})


@given(
    st.integers(-100_000, 100_000),
    st.integers(-100_000, 100_000),
    st.sampled_from([Decimal("0.95"), Decimal("0.8"), Decimal(1), Decimal("0.333")]),
    st.integers(0, 3),
)
def test_the_figure_that_is_named_clears_it_and_the_next_worse_one_does_not(
    baseline: int, planned: int, clear: Decimal, decimals: int
) -> None:
    if baseline == planned:
        return
    figure = clearing_figure(a_plan(baseline, planned, (baseline + planned) / 200), clear, decimals)
    assert figure is not None
    way, step = Decimal(planned - baseline) / 100, Decimal(1).scaleb(-decimals)
    worse = figure - step if planned > baseline else figure + step
    assert (figure - Decimal(baseline) / 100) * way >= clear * way * way
    assert (worse - Decimal(baseline) / 100) * way < clear * way * way


def test_whatever_becomes_of_a_mail_has_its_words() -> None:
    assert set(STATES) == set(RowState)


@pytest.mark.parametrize("gone", ["planned", "target"])
def test_without_a_plan_no_figure_is_named(gone: str) -> None:
    assert clearing_figure(a_record(0.7).model_copy(update={gone: None}), Decimal("0.95"), 1) is None
