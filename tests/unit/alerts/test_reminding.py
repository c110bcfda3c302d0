"""Which figures fall due when, and when a publisher is told: over weekends, Tết, month ends, and silence."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import Kpi, Publisher
from services.alerts.reminding import (
    NEVER,
    Awaited,
    Reminded,
    Watched,
    around,
    awaited,
    kpis_of,
    questions,
    remember,
    units_of,
)
from services.runtime.catalog import Calendar, Catalog
from services.runtime.catalog.deadlines import due_by
from tests.unit.alerts.builders import KPI
from tests.unit.alerts.letters import ALWAYS, PUBLISHER, WORKING, catalog

DAY, WEEK = timedelta(days=1), timedelta(days=7)
TAN_PHU, QUANG_HOA, DAK_RMANG = "huyen-a.xa-tan-phu", "huyen-a.xa-quang-hoa", "huyen-a.xa-dak-rmang"
COMMUNES = (DAK_RMANG, QUANG_HOA, TAN_PHU)
DAYS = Calendar(WORKING)


def told(
    where: Catalog,
    today: date,
    newest: Mapping[str, date],
    reminded: Mapping[str, Reminded] | None = None,
    publisher: Publisher = PUBLISHER,
) -> list[Awaited]:
    """What a letter of that day would remind of."""
    before = reminded or {}
    asked = questions(where, publisher, before, today, ALWAYS)
    found = (awaited(one, where, publisher, before.get(one.kpi, NEVER), newest) for one in asked)
    return [one for one in found if one is not None]


def until(where: Catalog, first: date, last: date, newest: Mapping[str, date]) -> list[tuple[date, str, bool]]:
    """Day, period and whether overdue of everything that is told on the working days between, day by day."""
    reminded: dict[str, Reminded] = {}
    said = []
    day = first
    while day <= last:
        if DAYS.is_working_day(day):
            found = told(where, day, newest, reminded)
            reminded = remember(reminded, found, day)
            said += [(day, one.period, one.overdue) for one in found]
        day += DAY
    return said


def everywhere(day: date) -> dict[str, date]:
    return dict.fromkeys(COMMUNES, day)


def test_a_month_of_the_administration_is_due_five_working_days_after_the_fourteenth() -> None:
    where = catalog()
    passed, coming = around(where.kpis[KPI.id], DAYS, date(2023, 9, 18))
    assert coming is not None
    assert (coming[0].id, coming[0].last, coming[1]) == ("2023-09", date(2023, 9, 14), date(2023, 9, 21))
    assert passed is not None
    assert (passed[0].id, passed[1]) == ("2023-08", date(2023, 8, 21))


def test_three_working_days_before_the_publisher_is_reminded_once() -> None:
    assert until(catalog(), date(2023, 9, 13), date(2023, 9, 21), everywhere(date(2023, 8, 14))) == [
        (date(2023, 9, 18), "2023-09", False)
    ]


def test_the_days_off_of_tet_do_not_count() -> None:
    # Due five working days after 14 January: 16, 17, 18, 19 January, then Tết from Friday 20 to Thursday 26: the 27th.
    where = catalog()
    assert due_by(where.kpis[KPI.id], DAYS, DAYS.parse("2023-01")) == date(2023, 1, 27)
    assert until(where, date(2023, 1, 15), date(2023, 1, 31), everywhere(date(2022, 12, 14))) == [
        (date(2023, 1, 17), "2023-01", False),
        (date(2023, 1, 30), "2023-01", True),
    ]


def test_a_civil_month_that_ends_on_a_weekend_is_due_by_working_days() -> None:
    civil = Calendar(WORKING.model_copy(update={"id": "civil", "month_starts_on": 1}))
    # 30 September 2023 is a Saturday.
    assert due_by(KPI, civil, civil.parse("2023-09")) == date(2023, 10, 6)
    assert due_by(KPI.model_copy(update={"report_within_working_days": 0}), civil, civil.parse("2023-09")) == date(
        2023, 10, 2
    )


def test_who_has_reported_is_not_reminded_and_the_others_are_named() -> None:
    where, monday = catalog(), date(2023, 9, 18)
    newest = {TAN_PHU: date(2023, 9, 10), QUANG_HOA: date(2023, 8, 10), DAK_RMANG: date(2023, 8, 1)}
    (one,) = told(where, monday, newest)
    assert (one.period, one.by, one.overdue) == ("2023-09", date(2023, 9, 21), False)
    assert (one.expected, one.missing, one.units) == (3, 2, (DAK_RMANG, QUANG_HOA))
    assert one.newest == date(2023, 8, 10)
    assert told(where, monday, everywhere(date(2023, 8, 15))) == []


def test_overdue_figures_are_named_after_the_due_day_and_then_ever_more_seldom() -> None:
    said = until(catalog(cadence="year"), date(2022, 12, 15), date(2023, 6, 30), everywhere(date(2021, 12, 14)))
    assert [(day, overdue) for day, _, overdue in said] == [
        (date(2022, 12, 16), False),
        (date(2022, 12, 22), True),
        (date(2022, 12, 29), True),
        (date(2023, 1, 12), True),
        (date(2023, 2, 9), True),
        (date(2023, 3, 9), True),
        (date(2023, 4, 6), True),
        (date(2023, 5, 4), True),
        (date(2023, 6, 1), True),
        (date(2023, 6, 29), True),
    ]


def test_what_was_never_reported_is_told_once_a_period() -> None:
    said = until(catalog(cadence="quarter"), date(2023, 3, 1), date(2023, 8, 31), {})
    assert [(period, overdue) for _, period, overdue in said] == [
        ("2022-Q4", True),
        ("2023-Q1", False),
        ("2023-Q2", False),
    ]


def test_of_a_daily_figure_nobody_is_told_before_it_is_due_and_not_every_day_after() -> None:
    where = catalog(cadence="day", report_within_working_days=1)
    said = until(where, date(2023, 9, 18), date(2023, 10, 6), everywhere(date(2023, 9, 8)))
    assert [(day, overdue) for day, _, overdue in said] == [
        (date(2023, 9, 18), True),
        (date(2023, 9, 25), True),
    ]
    # Friday's is due on Monday, and no figure is due of the weekend.
    passed, coming = around(where.kpis[KPI.id], DAYS, date(2023, 9, 18))
    assert passed is not None
    assert passed[0].id == "2023-09-14"
    assert coming is not None
    assert coming[0].id == "2023-09-15"


def test_what_began_before_anybody_looked_is_not_told() -> None:
    where, monday = catalog(), date(2023, 9, 18)

    def asked(since: date, *, whole: bool) -> list[str]:
        return [one.period.id for one in questions(where, PUBLISHER, {}, monday, Watched(since, whole))]

    assert asked(date(2023, 8, 16), whole=False) == []
    assert asked(date(2023, 8, 15), whole=False) == ["2023-09"]
    assert asked(date(2023, 9, 18), whole=True) == ["2023-09"]
    assert asked(date(2023, 8, 22), whole=True) == ["2023-09"]
    assert asked(date(2023, 8, 21), whole=True) == ["2023-08", "2023-09"]


def test_a_star_promises_only_what_nobody_else_names() -> None:
    star = PUBLISHER.model_copy(update={"id": "all", "kpis": ("*",), "sources": ("urn:all",)})
    shared, alone = catalog(PUBLISHER, star), catalog(star)
    assert kpis_of(shared, star, date(2023, 9, 18)) == ()
    assert [kpi.id for kpi in kpis_of(shared, PUBLISHER, date(2023, 9, 18))] == [KPI.id]
    assert [kpi.id for kpi in kpis_of(alone, star, date(2023, 9, 18))] == [KPI.id]


def test_a_publisher_is_asked_for_its_own_units_only() -> None:
    one = PUBLISHER.model_copy(update={"units": (TAN_PHU,)})
    where = catalog(one)
    assert units_of(where, one, where.kpis[KPI.id], date(2023, 9, 14)) == (TAN_PHU,)
    assert units_of(where, PUBLISHER, where.kpis[KPI.id], date(2023, 9, 14)) == COMMUNES
    ended = PUBLISHER.model_copy(update={"valid_to": date(2023, 9, 1)})
    assert [one.period for one in told(catalog(ended), date(2023, 9, 18), {}, publisher=ended)] == ["2023-08"]


@pytest.mark.parametrize("cadence", ["day", "week", "month", "quarter", "half", "year"])
@given(
    today=st.dates(date(2022, 1, 1), date(2024, 6, 1)),
    within=st.integers(0, 40),
    starts_on=st.sampled_from([1, 15, 28]),
)
def test_around_a_day_lie_the_last_period_that_is_overdue_and_the_first_that_is_not(
    cadence: str, today: date, within: int, starts_on: int
) -> None:
    days = Calendar(WORKING.model_copy(update={"month_starts_on": starts_on}))
    kpi: Kpi = KPI.model_copy(update={"cadence": cadence, "report_within_working_days": within})
    passed, coming = around(kpi, days, today)
    assert passed is not None
    assert passed[1] < today
    assert passed[1] == due_by(kpi, days, passed[0])
    assert passed[0].last < today
    if coming is not None:
        assert coming[1] >= today
        assert coming[0].first <= today
        assert coming[0].first > passed[0].last
    # Nothing that is due lies between the two.
    day = passed[0].last + DAY
    while day < (coming[0].first if coming is not None else today):
        period = days.period(kpi.cadence, day)
        assert due_by(kpi, days, period) is None
        day = period.last + DAY


@given(
    cadence=st.sampled_from(["day", "week", "month", "quarter", "year"]),
    within=st.integers(0, 15),
    remind=st.integers(0, 10),
    start=st.dates(date(2022, 6, 1), date(2023, 6, 1)),
    newest=st.dictionaries(st.sampled_from(COMMUNES), st.dates(date(2022, 1, 1), date(2023, 12, 1))),
)
def test_nobody_is_reminded_of_one_figure_twice_before_it_is_due_nor_twice_in_a_week_after(
    cadence: str, within: int, remind: int, start: date, newest: dict[str, date]
) -> None:
    publisher = PUBLISHER.model_copy(update={"remind_days": remind})
    where = catalog(publisher, cadence=cadence, report_within_working_days=within)
    reminded: dict[str, Reminded] = {}
    soon: list[str] = []
    late: list[date] = []
    for offset in range(120):
        today = start + offset * DAY
        if not DAYS.is_working_day(today):
            continue
        found = told(where, today, newest, reminded, publisher)
        reminded = remember(reminded, found, today)
        for one in found:
            assert one.overdue == (one.by < today)
            assert 0 < one.missing <= one.expected == 3
            first = DAYS.parse(one.period).first
            missing = {unit for unit in COMMUNES if newest.get(unit, date.min) < first}
            assert set(one.units) == missing
            if one.overdue:
                late.append(today)
            else:
                assert today <= one.by <= DAYS.add_working_days(today, remind) or remind == 0
                soon.append(one.period)
    assert len(soon) == len(set(soon))
    assert all(later - earlier >= WEEK for earlier, later in pairwise(late))
