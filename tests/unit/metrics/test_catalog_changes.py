"""What another catalog touches is judged again, says so, and nothing else is."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import CalendarSpec, CatalogObject, Holiday, Kpi, Limits, OrgUnit, Parent, Target
from contracts.observations import ObservationRecorded
from contracts.progress import Timeliness
from services.metrics.definition import Definition
from services.metrics.judging import Judging
from services.metrics.state import KpiState
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import Comparison, Marks, touched_by_marks
from services.runtime.errors import Transient
from tests.unit.metrics.builders import (
    CALENDAR,
    CIVIL,
    PROVINCE,
    UNITS,
    a_catalog,
    a_kpi,
    a_target,
    an_increment,
    an_observation,
    day,
    local,
    unit,
)
from tests.unit.metrics.engine import Engine
from tests.unit.metrics.test_against_the_model import COVERAGE, FLOW, RATIO, events, told

NOW = local("2023-10-10")
FIGURES = [an_observation(one, numerator=85, denominator=100) for one in ("p.a.1", "p.a.2", "p.b.1", "p.b.2")]
TARGETS = (a_target("p.a.1"), a_target("p.a"), a_target("p"), a_target("p.b.1"))


async def judged(*objects: CatalogObject, figures: Sequence[ObservationRecorded] = FIGURES) -> Engine:
    """An engine in which these figures were judged under a catalog of these objects."""
    engine = Engine(a_catalog(*objects), NOW)
    await engine.take(*figures)
    await engine.tick()
    return engine


async def switched(engine: Engine, catalog: Catalog) -> set[tuple[str, str, str]]:
    """Another catalog comes into force; the records that were said anew."""
    said = len(engine.topic.records)
    engine.catalogs.switch(catalog)
    await engine.tick()
    return {(one.kpi, one.org_unit, one.period) for one in engine.topic.progress()[said:]}


def reason(engine: Engine, org_unit: str = "p.a.1") -> str:
    """The Vietnamese sentence of the reason that names a catalog; empty without one."""
    found = [one.text_vi for one in engine.record(org_unit).reasons if one.code == "catalog_changed"]
    return found[0] if found else ""


async def test_a_record_says_under_which_catalog_and_for_what_it_was_judged_again() -> None:
    engine = await judged(*TARGETS)
    assert await switched(engine, a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2)) == {("k", "p.a.1", "2023")}
    record = engine.record()
    assert (record.catalog_version, record.version) == ("2-000000000000", 2)
    assert record.reasons[0].code != "catalog_changed"
    assert reason(engine) == "Đánh giá lại theo danh mục 2-000000000000, thay đổi: mục tiêu."
    assert record.reasons[-1].text_en == (
        "Judged again under catalog 2-000000000000, in which this is new: the target."
    )


async def test_the_reason_leaves_with_the_next_figure() -> None:
    engine = await judged(*TARGETS)
    await switched(engine, a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2))
    await engine.take(an_observation("p.a.1", "2023-10-05", numerator=86, denominator=100))
    assert reason(engine) == ""


async def test_a_record_that_begins_with_a_catalog_was_not_judged_before() -> None:
    engine = await judged(*TARGETS)
    new = a_target("p.b.1", 50, period="2024", baseline=None, valid_from=day("2023-10-01"))
    assert await switched(engine, a_catalog(*TARGETS, new, number=2)) == set()
    await engine.tick(local("2023-12-15"))
    assert "catalog_changed" not in engine.codes("p.b.1", "2024")


BOUNDS = a_kpi(on_track_pace=Decimal("0.3"), at_risk_pace=Decimal("0.2"))
MOVED = (*UNITS[:3], unit("p.a.1", "commune", "p.b"), *UNITS[4:])
CHANGES: dict[str, tuple[Catalog, set[str], str]] = {
    "bounds": (a_catalog(BOUNDS, *TARGETS, number=2), {"p.a.1", "p.a", "p", "p.b.1"}, "ngưỡng đánh giá"),
    "tree": (a_catalog(*TARGETS, units=MOVED, number=2), {"p.a", "p.b", "p"}, "cơ cấu đơn vị"),
    "note": (a_catalog(a_kpi(note="Ghi chú"), *TARGETS, number=2), set(), ""),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("restarted", [False, True])
async def test_each_change_says_what_it_was_also_after_a_restart(change: str, restarted: bool) -> None:
    catalog, units, what = CHANGES[change]
    engine = await judged(*TARGETS)
    if restarted:
        engine = engine.restarted()
    assert {org_unit for _, org_unit, _ in await switched(engine, catalog)} == units
    for one in units:
        assert reason(engine, one) == f"Đánh giá lại theo danh mục 2-000000000000, thay đổi: {what}."


async def test_a_holiday_moves_what_was_due_and_only_units_that_wait_for_others_are_judged_again() -> None:
    engine = Engine(a_catalog(*TARGETS), local("2023-10-21"))
    on_time = [one.model_copy(update={"reported_at": local("2023-10-20")}) for one in FIGURES]
    await engine.take(*[one.model_copy(update={"as_of": day("2023-10-14")}) for one in on_time[:3]])
    await engine.tick()
    assert engine.record("p").timeliness == Timeliness(due=4, on_time=3, late=("p.b.2",))
    off = Holiday(first=day("2023-10-18"), last=day("2023-10-18"), name_vi="Nghỉ")
    calendar = CALENDAR.model_copy(update={"holidays": (off,)})
    catalog = Catalog.of((PROVINCE, calendar, CIVIL, *UNITS, a_kpi(), *TARGETS), 2, "2-000000000000")
    said = await switched(engine, catalog)
    assert said == {("k", one, "2023") for one in ("p", "p.a", "p.b")}
    assert engine.record("p").timeliness == Timeliness(due=4, on_time=0, late=("p.a.1", "p.a.2", "p.b.1", "p.b.2"))
    assert "ngày làm việc" in reason(engine, "p")


async def test_an_increment_that_comes_again_repeats_the_version_and_its_reason() -> None:
    figure = an_increment("p.a.1", numerator=85, denominator=100)
    engine = await judged(*TARGETS, figures=[figure])
    await switched(engine, a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2))
    last = engine.topic.payloads()[-1]
    again = engine.restarted()
    await again.take(figure)
    assert last in again.topic.payloads()[len(engine.topic.records) - 3 :]
    assert again.record().version == 2


async def test_a_reason_survives_a_crash_between_write_and_publish() -> None:
    engine = await judged(*TARGETS)
    engine.topic.fail = True
    with pytest.raises(Transient):
        await switched(engine, a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2))
    again = engine.restarted()
    await again.tick()
    assert again.record().version == 2
    assert reason(again) == "Đánh giá lại theo danh mục 2-000000000000, thay đổi: mục tiêu."


async def test_a_former_head_keeps_the_reason_of_its_version() -> None:
    """Of a batch that overtakes a version with a reason, a repeat says that version with its reason again."""
    engine = await judged(*TARGETS, figures=[an_increment("p.a.1", numerator=85, denominator=100)])
    await switched(engine, a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2))
    batch = [
        an_observation("p.a.1", "2023-09-30", numerator=1, denominator=2, retracts=True),
        an_increment("p.a.1", "2023-10-05", numerator=1, denominator=1),
    ]
    await engine.take(*batch)
    said = {(one.version, str(one)) for one in engine.topic.progress() if one.org_unit == "p.a.1"}
    again = engine.restarted()
    await again.take(*batch)
    assert {(one.version, str(one)) for one in again.topic.progress() if one.org_unit == "p.a.1"} == said


async def test_what_a_catalog_leaves_as_it_was_is_not_even_loaded() -> None:
    engine = await judged(*TARGETS)
    again = engine.restarted()
    again.catalogs.switch(a_catalog(a_kpi(note="Ghi chú"), a_kpi("other"), *TARGETS, number=2))
    await again.tick()
    assert len(again.workshop.memory) == 1  # the new KPI alone
    assert (await again.kept.judged(["p/k"]))["p/k"]["catalog"] == "2-000000000000"


async def test_a_catalog_and_a_day_that_come_together_are_both_obeyed() -> None:
    engine = await judged(*TARGETS)
    engine.catalogs.switch(a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2))
    await engine.tick(local("2023-12-29"))
    assert {one.status for one in engine.latest().values() if one.target is not None} == {"missed"}
    assert (reason(engine, "p.a.1") != "", reason(engine, "p.b.1")) == (True, "")


# a figure that comes before anybody has judged by the new catalog

RAISED = a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2)
SAME_FIGURE = FIGURES[0]
NEWER = an_observation("p.a.1", "2023-10-05", numerator=85, denominator=100)
NEW_TARGET = "Đánh giá lại theo danh mục 2-000000000000, thay đổi: mục tiêu."


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("figure", [SAME_FIGURE, NEWER], ids=["the same figure again", "a newer figure"])
async def test_a_figure_before_the_first_look_does_not_hide_that_the_catalog_judges_otherwise(
    figure: ObservationRecorded, *, restarted: bool
) -> None:
    engine = await judged(*TARGETS)
    engine.catalogs.switch(RAISED)
    engine = engine.restarted() if restarted else engine
    await engine.take(figure)
    assert (engine.record().version, engine.record().catalog_version) == (2, "2-000000000000")
    assert reason(engine) == NEW_TARGET
    assert (reason(engine, "p.b.1"), reason(engine, "p")) == ("", "")
    said = len(engine.topic.records)
    await engine.tick()
    assert len(engine.topic.records) == said


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_forecast_before_the_first_look_does_not_hide_that_the_catalog_judges_otherwise(
    *, restarted: bool
) -> None:
    engine = await judged(*TARGETS)
    engine.catalogs.switch(RAISED)
    engine = engine.restarted() if restarted else engine
    await engine.forecast()
    mine = [one for one in engine.topic.progress() if one.org_unit == "p.a.1" and one.version > 1]
    assert [one.catalog_version for one in mine] == ["2-000000000000"] * 2
    why = [[why.text_vi for why in one.reasons if why.code == "catalog_changed"] for one in mine]
    assert why == [[NEW_TARGET]] * 2, "the forecast is another version of the same judgement"
    said = len(engine.topic.records)
    await engine.tick()
    assert len(engine.topic.records) == said


async def test_of_two_dates_in_a_batch_the_first_version_under_the_new_catalog_says_so() -> None:
    """As if the catalog had been looked at between the last batch and this one."""
    engine = await judged(*TARGETS)
    engine.catalogs.switch(RAISED)
    later = an_observation("p.a.1", "2023-10-06", numerator=84, denominator=100)
    await engine.take(NEWER, later)
    mine = [one for one in engine.topic.progress() if one.org_unit == "p.a.1"]
    blamed = {one.version: "catalog_changed" in [why.code for why in one.reasons] for one in mine}
    assert blamed == {1: False, 2: True, 3: False}
    await engine.take(an_observation("p.a.1", "2023-10-07", numerator=84, denominator=100))
    assert reason(engine) == ""


@pytest.mark.parametrize("half", ["figures", "judgements", "publish", "half a publish"])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_batch_that_is_delivered_again_after_a_crash_says_the_same_reason(
    half: str, *, restarted: bool
) -> None:
    engine = await judged(*TARGETS)
    engine.catalogs.switch(RAISED)
    with engine.failing(half):
        await engine.take(NEWER)
    await engine.handler.forget()
    again = engine.restarted() if restarted else engine
    await again.take(NEWER)
    first = _last_words(again)
    assert (again.record().version, reason(again)) == (2, NEW_TARGET)
    once_more = again.restarted()
    await once_more.take(NEWER)
    await once_more.tick()
    assert _last_words(once_more) == first


def _last_words(engine: Engine) -> bytes:
    """What was published last of the record of a commune."""
    return [one.value for one in engine.topic.records if one.key == b"p/k/p.a.1/2023"][-1] or b""


async def test_a_batch_that_the_catalog_leaves_as_it_was_names_no_catalog() -> None:
    """Bounds that change the colour of nothing; and a record that only its figure changes."""
    engine = await judged(*TARGETS)
    engine.catalogs.switch(
        a_catalog(a_kpi(on_track_pace=Decimal("0.94")), a_target("p.b.1", 91), *TARGETS[:3], number=2)
    )
    await engine.take(an_observation("p.a.1", "2023-10-05", numerator=97, denominator=100))
    assert (engine.record().status, reason(engine)) == ("achieved", "")


@pytest.mark.parametrize("first", ["batch", "tick"])
async def test_a_day_that_passes_with_a_catalog_is_not_laid_to_it(first: str) -> None:
    """The bounds are new and would say the same; that the target is missed is due to the day."""
    engine = await judged(*TARGETS)
    engine.catalogs.switch(a_catalog(a_kpi(on_track_pace=Decimal("0.94")), *TARGETS, number=2))
    engine.clock.moment = local("2023-12-29")
    await (engine.take(SAME_FIGURE) if first == "batch" else engine.tick())
    assert (engine.record().status, engine.record().version, reason(engine)) == ("missed", 2, "")


@pytest.mark.parametrize("first", ["batch", "tick"])
async def test_a_closed_record_that_a_batch_finds_under_a_new_catalog_keeps_what_was_closed(first: str) -> None:
    engine = await judged(*TARGETS)
    await engine.tick(local("2023-12-29"))
    assert (engine.record().status, engine.record().version) == ("missed", 2)
    engine.catalogs.switch(a_catalog(a_target("p.a.1", 84), *TARGETS[1:], number=2))
    await (engine.take(SAME_FIGURE) if first == "batch" else engine.tick())
    record = engine.record()
    assert (record.status, reason(engine)) == ("achieved", NEW_TARGET)
    assert record.closed is not None
    assert (record.closed.status, record.closed.version, record.closed.why) == ("missed", 2, "catalog")
    await engine.tick()
    assert engine.record() == record


async def test_what_is_still_owed_says_the_catalog_that_came_meanwhile() -> None:
    engine = await judged(*TARGETS)
    with engine.failing("publish"):
        await engine.tick(local("2023-12-29"))
    again = engine.restarted()
    again.catalogs.switch(RAISED)
    await again.forecast()
    assert (again.record().status, reason(again)) == ("missed", NEW_TARGET)


async def test_two_catalogs_in_a_row_are_compared_with_what_was_judged() -> None:
    engine = await judged(*TARGETS)
    raised = a_catalog(a_target("p.a.1", 86), *TARGETS[1:], number=2)
    engine.catalogs.switch(raised)
    engine.topic.fail = True
    with pytest.raises(Transient):
        await engine.tick()
    engine.workshop.memory.forget()
    both = a_catalog(a_target("p.a.1", 86), *TARGETS[1:3], a_target("p.b.1", 85), number=3)
    await switched(engine, both)
    assert engine.record("p.b.1").status == "achieved"
    assert engine.record("p.a.1").target is not None
    assert engine.record("p.a.1").target.value == 86  # type: ignore[union-attr]


@pytest.mark.parametrize("by", ["batch", "a tick that fails"])
@pytest.mark.parametrize("restarted", [False, True])
async def test_what_a_catalog_judged_that_nobody_ever_judged_everything_by_does_not_stay(
    by: str, *, restarted: bool
) -> None:
    """The third is as the first was, so that nothing seems to be touched."""
    engine = await judged(*TARGETS)
    engine.catalogs.switch(RAISED)
    if by == "batch":
        await engine.take(SAME_FIGURE)
    else:
        with engine.failing("publish"):
            await engine.tick()
        await engine.handler.forget()
    engine.catalogs.switch(a_catalog(*TARGETS, number=3))
    engine = engine.restarted() if restarted else engine
    await engine.tick()
    record = engine.record()
    assert record.target is not None
    assert (record.target.value, record.version) == (92, 3)
    assert reason(engine) == "Đánh giá lại theo danh mục 3-000000000000, thay đổi: mục tiêu."
    assert (reason(engine, "p.b.1"), engine.record("p.b.1").version) == ("", 1)


# whatever changes


COMMUNES = a_target(None, 95, 85, kpi="ratio", level="commune", id="communes")
OBJECTS: tuple[CatalogObject, ...] = (
    PROVINCE,
    CALENDAR,
    CIVIL,
    *UNITS,
    unit("p.office", "office", "p"),
    RATIO,
    FLOW,
    COVERAGE,
    a_target("p.a.1", 92, 80, kpi="ratio"),
    a_target("p", 90, None, kpi="ratio"),
    COMMUNES,
    a_target("p", 4000, None, kpi="flow"),
    a_target("p.a", 2000, None, kpi="flow"),
    a_target("p.b", 2000, None, kpi="flow"),
    a_target("p", 9000, None, kpi="flow", period="2021-2025"),
    a_target("p", 100, 40, kpi="coverage"),
    a_target("p.b", 90, 40, kpi="coverage", period="2023-H2", id="half"),
)  # fmt: skip
OLD = Catalog.of(OBJECTS, 1, "1-000000000000")
KPIS = (RATIO, FLOW, COVERAGE)


def other_target(draw: st.DrawFn, old: Target) -> Target | None:
    dates = st.sampled_from([None, day("2023-03-01"), day("2023-09-30")])
    changes: list[Callable[[], dict[str, Any] | None]] = [
        lambda: {"value": draw(st.sampled_from([Decimal(10), Decimal(91), Decimal(5000)]))},
        lambda: {"baseline": None},
        lambda: {"grace_days": draw(st.integers(0, 90))},
        lambda: {"deadline": draw(st.sampled_from([day("2023-06-30"), day("2023-11-30")]))},
        lambda: {"valid_from": draw(dates)},
        lambda: {"valid_to": draw(dates)},
        lambda: {"intent": "keep"},
        lambda: {"period": draw(st.sampled_from(["2023-Q3", "2022", "2023-09"]))},
        lambda: {"note": "Ghi chú", "legal_basis": "QĐ 1"},
        lambda: None,
    ]
    update = draw(st.sampled_from(changes))()
    return None if update is None else old.model_copy(update=update)


def other_kpi(draw: st.DrawFn, old: Kpi) -> Kpi:
    update: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"on_track_pace": Decimal("0.5")},
                {"at_risk_pace": Decimal("0.1")},
                {"stale_after": timedelta(days=10)},
                {"natural_limits": Limits(low=Decimal(3), high=Decimal(50))},
                {"report_within_working_days": 20},
                {"levels": ("commune",)},
                {"calendar": "civil"},
                {"note": "Ghi chú"},
            ]
        )
    )
    return old.model_copy(update=update)


def other_calendar(draw: st.DrawFn, old: CalendarSpec) -> CalendarSpec:
    first = draw(st.dates(day("2022-11-01"), day("2024-03-01")) | st.dates(day("2023-10-13"), day("2023-10-20")))
    off = Holiday(first=first, last=first + timedelta(days=draw(st.integers(0, 9))), name_vi="Nghỉ")
    update: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"holidays": (off,)},
                {"holidays": (off,)},
                {"extra_working_days": (first,)},
                {"working_weekdays": (1, 2, 3, 4, 5, 6)},
                {"month_starts_on": 10},
                {"name_vi": "Lịch khác"},
            ]
        )
    )
    return old.model_copy(update=update)


def other_unit(draw: st.DrawFn, old: OrgUnit) -> OrgUnit:
    turn = draw(st.sampled_from([day("2023-07-01"), day("2023-11-15")]))
    above = old.parents[0].unit if old.parents else None
    elsewhere = "p.b" if above == "p.a" else "p"
    changes: list[dict[str, Any]] = [
        {"name": "Tên khác"},
        {"valid_to": turn},
        {"valid_from": turn},
        {"parents": (Parent(unit=elsewhere),)},
        {"parents": (Parent(unit=above or "p", valid_to=turn), Parent(unit=elsewhere, valid_from=turn))},
        {"level": "commune" if old.level == "office" else "office"},
    ]
    return old.model_copy(update=draw(st.sampled_from(changes)))


@st.composite
def another_catalog(draw: st.DrawFn) -> Catalog:
    """The same province with one to three changes."""
    objects = list(OBJECTS)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["target", "target", "kpi", "calendar", "org_unit"]))
        some = [one for one in objects if one.object_kind == kind and one.id not in ("p", "civil")]
        old = draw(st.sampled_from(some))
        new: CatalogObject | None = old
        if isinstance(old, Target):
            new = other_target(draw, old)
        elif isinstance(old, Kpi):
            new = other_kpi(draw, old)
        elif isinstance(old, CalendarSpec):
            new = other_calendar(draw, old)
        elif isinstance(old, OrgUnit):
            new = other_unit(draw, old)
        objects = [one for one in objects if one is not old] + ([] if new is None else [new])
    if draw(st.booleans()):
        one = draw(st.sampled_from(["p", "p.a", "p.a.2", "p.office"]))
        objects.append(a_target(one, 70, 10, kpi=draw(st.sampled_from(KPIS)).id, id="new"))
    if draw(st.booleans()):
        objects.append(unit("p.new", draw(st.sampled_from(["commune", "office"])), "p.b"))
    return Catalog.of(objects, 2, "2-000000000000")


EARLY = [
    an_observation(one, "2023-01-31", n, d, value=v, kpi=kpi, reported_at=local("2023-01-31"))
    for one in ("p.a.1", "p.a.2", "p.b.1", "p.b.2")
    for kpi, n, d, v in (("flow", None, None, 7), ("ratio", 3, 9, None))
]
"""Something from everybody, so that records of the units above are made of parts."""
NOW_OR_SO = st.sampled_from(["2023-02-10", "2023-10-21", "2023-12-29"])  # figures until 14 October are due on the 20th
LATER = (0, 1, 30, 120)


@given(events(KPIS), another_catalog(), NOW_OR_SO)
def test_what_is_not_named_would_be_judged_as_before(found: list[ObservationRecorded], new: Catalog, now: str) -> None:
    """Also on later days: the day that a record waits for is still the right one."""
    engine = asyncio.run(told(OLD, local(now), [[*EARLY, *found]]))
    comparison, was, marks = Comparison(OLD, new), Marks(OLD), Marks(new)
    for kpi in KPIS:
        state = asyncio.run(engine.workshop.memory.hold([(f"p/{kpi.id}", None)]))[f"p/{kpi.id}"]
        named = comparison.of(kpi.id)
        assert not named or touched_by_marks(was.of(kpi.id), marks.of(kpi.id))
        for unit_id, period in list(state.records):
            if not named.why(unit_id, period):
                for today in LATER:
                    on = day(now).toordinal() + today
                    assert content(state, new, unit_id, period, on) == content(state, OLD, unit_id, period, on)


def content(state: KpiState, catalog: Catalog, unit_id: str, period: str, today: int) -> bytes:
    """The judgement of a record on that day under that catalog."""
    definition = Definition(catalog, state.kpi)
    return Judging(state, definition, today).judge(unit_id, definition.window(period), None)[2]
