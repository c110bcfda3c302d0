"""Which records another version of the catalog may judge otherwise, and why: examples of each kind of change."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.catalog import (
    Audience,
    CalendarSpec,
    CatalogObject,
    GrowthSpec,
    Holiday,
    Kpi,
    OrgUnit,
    Parent,
    Person,
    Province,
    Rule,
    Succession,
    Target,
    Threshold,
)
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import NOTHING, Comparison, Marks, Touched, touched_by_marks

PROVINCE = Province(id="p", name_vi="Tỉnh thử")
CALENDAR = CalendarSpec(id="administrative", name_vi="Hành chính", month_starts_on=15)
CIVIL = CalendarSpec(id="civil", name_vi="Dương lịch")


def unit(id: str, level: str, parent: str | None = None, **more: Any) -> OrgUnit:
    more.setdefault("parents", (Parent(unit=parent),) if parent is not None else ())
    return OrgUnit(id=id, name=id, level=level, **more)


UNITS = (
    unit("p", "province"),
    unit("p.a", "district", "p"),
    unit("p.b", "district", "p"),
    unit("p.a.1", "commune", "p.a"),
    unit("p.a.2", "commune", "p.a"),
    unit("p.b.1", "commune", "p.b"),
)


def kpi(id: str, **more: Any) -> Kpi:
    more = {"levels": ("commune", "district"), "kind": "ratio", **more}
    return Kpi(id=id, name_vi=id, name_en=id, unit_of_measure="percent", pillar="x", **more)


def target(unit: str | None = "p.a.1", value: int = 92, **more: Any) -> Target:
    more = {"id": f"t.{unit}", "kpi": "signed", "period": "2023", **more}
    return Target(unit=unit, value=Decimal(value), **more)


SIGNED, CIVIC = kpi("signed"), kpi("civic", calendar="civil")
GROWN = kpi("grown", kind="growth", growth=GrowthSpec(of="signed"))
COMMUNES = target(None, 80, id="t.communes", level="commune")
BEFORE: tuple[CatalogObject, ...] = (
    PROVINCE,
    CALENDAR,
    CIVIL,
    *UNITS,
    SIGNED,
    CIVIC,
    GROWN,
    target(),
    target("p", 90),
    COMMUNES,
)


def changed(old: CatalogObject | None = None, new: CatalogObject | None = None) -> Comparison:
    """The comparison after one object was replaced, removed or added."""
    after = [one for one in BEFORE if one is not old] + ([] if new is None else [new])
    return Comparison(Catalog.of(BEFORE, 1, "1-a"), Catalog.of(after, 2, "2-b"))


def records(touched: Touched, *periods: str) -> set[tuple[str, str]]:
    return {(one.id, period) for one in UNITS for period in periods or ("2023",) if touched.why(one.id, period)}


# targets


def test_another_target_touches_its_unit_and_the_one_directly_above_for_that_period() -> None:
    comparison = changed(BEFORE[-3], target(value=93))
    touched = comparison.of("signed")
    assert touched.why("p.a.1", "2023") == ("target",)
    assert touched.why("p.a", "2023") == ("targets_below",)
    assert records(touched, "2023", "2024") == {("p.a.1", "2023"), ("p.a", "2023")}
    assert comparison.of("civic") == NOTHING


def test_a_target_of_a_level_touches_the_units_that_have_none_of_their_own() -> None:
    touched = changed(COMMUNES, COMMUNES.model_copy(update={"value": Decimal(81)})).of("signed")
    assert touched.targets == {("p.a.2", "2023"), ("p.b.1", "2023")}
    assert touched.above == {("p.a", "2023"), ("p.b", "2023")}


def test_a_target_of_a_level_also_touches_a_unit_whose_own_is_valid_only_later() -> None:
    own = target(valid_from=date(2023, 6, 1))
    before = Catalog.of((*BEFORE[:-3], own, COMMUNES), 1, "1-a")
    eased = COMMUNES.model_copy(update={"value": Decimal(70)})
    after = Catalog.of((*BEFORE[:-3], own, eased), 2, "2-b")
    assert ("p.a.1", "2023") in Comparison(before, after).of("signed").targets


@pytest.mark.parametrize(("old", "new"), [(target("p.b", 50), None), (None, target("p.b", 50))])
def test_a_target_that_comes_or_goes_touches_its_record(old: Target | None, new: Target | None) -> None:
    base = BEFORE if old is None else (*BEFORE, old)
    after = BEFORE if new is None else (*BEFORE, new)
    touched = Comparison(Catalog.of(base, 1, "1-a"), Catalog.of(after, 2, "2-b")).of("signed")
    assert records(touched) == {("p.b", "2023"), ("p", "2023")}


# the KPI


def test_bounds_touch_all_records_of_the_kpi_and_of_those_derived_from_it() -> None:
    comparison = changed(SIGNED, kpi("signed", on_track_pace=Decimal("0.9")))
    assert comparison.of("signed").why("p.b", "2030") == ("bounds",)
    assert comparison.of("grown").why("p", "2023") == ("sources",)
    assert comparison.of("civic") == NOTHING


def test_a_definition_that_is_another_one_says_so_beside_its_bounds() -> None:
    touched = changed(SIGNED, kpi("signed", at_risk_pace=Decimal("0.7"), cadence="week")).of("signed")
    assert touched.why("p", "2023") == ("bounds", "definition")


def test_what_people_are_only_told_touches_nothing() -> None:
    told = SIGNED.model_copy(update={"name_vi": "Tên mới", "note": "Ghi chú", "legal_basis": "QĐ 1"})
    assert changed(SIGNED, told).of("signed") == NOTHING
    explained = target(legal_basis="QĐ 1", note="Ghi chú", owner_role="chair")
    assert changed(BEFORE[-3], explained).of("signed") == NOTHING
    renamed = UNITS[3].model_copy(update={"name": "Xã mới", "external_ids": ("24611",)})
    assert changed(UNITS[3], renamed).of("signed") == NOTHING


def test_rules_people_and_successions_touch_nothing() -> None:
    rule = Rule(
        id="r", name_vi="r", ladder=(Threshold(severity="watch", fire=Decimal(1)),), audience=(Audience(role="o"),)
    )
    person = Person(id="desk", name="Phòng", email="desk@example.org")
    follows = Succession(id="s", from_unit="p.a.1", to_unit="p.a.2", effective=date(2025, 7, 1))
    for new in (rule, person, follows):
        assert changed(None, new).of("signed") == NOTHING


# the tree


def test_a_unit_that_moves_touches_itself_and_all_above_it_before_and_after() -> None:
    moved = unit("p.a.1", "commune", "p.b")
    touched = changed(UNITS[3], moved).of("signed")
    assert {one for one, _ in records(touched)} == {"p.a.1", "p.a", "p.b", "p"}
    assert touched.why("p.a", "2023") == ("tree",)


def test_a_new_unit_touches_those_above_it_and_one_of_another_level_only_itself() -> None:
    commune = changed(None, unit("p.b.9", "commune", "p.b")).of("signed")
    assert commune.units == {"p.b.9", "p.b", "p"}
    office = changed(None, unit("p.office", "office", "p")).of("signed")
    assert office.units == {"p.office"}


def test_a_unit_of_another_level_counts_where_reporting_units_are_below_it() -> None:
    area = unit("p.area", "area", "p")
    below = unit("p.b", "district", "p.area")
    before = Catalog.of((*[one for one in BEFORE if one is not UNITS[2]], area, below), 1, "1-a")
    after = Catalog.of((*[one for one in BEFORE if one is not UNITS[2]], below), 2, "2-b")
    assert Comparison(before, after).of("signed").units == {"p.area", "p"}


# calendars


def test_a_calendar_touches_the_kpis_that_use_it() -> None:
    comparison = changed(CIVIL, CIVIL.model_copy(update={"month_starts_on": 15}))
    assert comparison.of("civic").why("p.a.1", "2023") == ("calendar",)
    assert comparison.of("signed") == NOTHING


def test_a_holiday_touches_the_periods_around_it_of_units_that_wait_for_others() -> None:
    tet = Holiday(first=date(2024, 2, 8), last=date(2024, 2, 14), name_vi="Tết")
    touched = changed(CALENDAR, CALENDAR.model_copy(update={"holidays": (tet,)})).of("signed")
    assert touched.why("p", "2024") == ("working_days",)
    assert records(touched, "2023", "2024", "2024-02", "2024-03", "2024-04") == {
        (one, period) for one in ("p", "p.a", "p.b") for period in ("2024", "2024-02")
    }


def test_a_holiday_soon_after_a_period_may_move_what_is_due_for_it() -> None:
    off = Holiday(first=date(2023, 12, 18), last=date(2023, 12, 18), name_vi="Nghỉ")
    touched = changed(CALENDAR, CALENDAR.model_copy(update={"holidays": (off,)})).of("signed")
    assert touched.why("p", "2023") == ("working_days",)


def test_a_holiday_on_a_sunday_touches_nothing() -> None:
    off = Holiday(first=date(2023, 10, 1), last=date(2023, 10, 1), name_vi="Nghỉ")
    assert changed(CALENDAR, CALENDAR.model_copy(update={"holidays": (off,)})).of("signed") == NOTHING


def test_other_working_weekdays_touch_every_period() -> None:
    touched = changed(CALENDAR, CALENDAR.model_copy(update={"working_weekdays": (1, 2, 3, 4, 5, 6)})).of("signed")
    assert records(touched, "2021", "2030") == {(one, year) for one in ("p", "p.a", "p.b") for year in ("2021", "2030")}


def test_another_time_zone_touches_everything() -> None:
    comparison = changed(PROVINCE, PROVINCE.model_copy(update={"time_zone": "Asia/Tokyo"}))
    assert comparison.of("signed").why("p.b.1", "2023") == comparison.of("civic").why("p", "2030") == ("calendar",)


def test_a_kpi_that_one_version_does_not_have_is_touched_whole() -> None:
    assert changed(CIVIC).of("civic").everything == {"definition"}
    assert changed(None, kpi("new")).of("new").everything == {"definition"}


# without the former catalog


def by_marks(old: CatalogObject | None, new: CatalogObject | None, kpi_id: str = "signed") -> Touched:
    after = [one for one in BEFORE if one is not old] + ([] if new is None else [new])
    was, now = Marks(Catalog.of(BEFORE, 1, "1-a")), Marks(Catalog.of(after, 2, "2-b"))
    return touched_by_marks(was.of(kpi_id), now.of(kpi_id))


def test_marks_name_the_reason_and_touch_the_kpi_as_a_whole() -> None:
    assert by_marks(BEFORE[-3], target(value=93)).why("p.b.1", "2030") == ("target",)
    assert by_marks(BEFORE[-3], target(value=93), "grown").everything == {"sources"}
    assert by_marks(BEFORE[-3], target(value=93), "civic") == NOTHING
    assert by_marks(SIGNED, kpi("signed", on_track_pace=Decimal("0.9"))).everything == {"bounds"}
    assert by_marks(None, unit("p.b.9", "commune", "p.b")).everything == {"tree"}
    assert by_marks(SIGNED, SIGNED.model_copy(update={"note": "Ghi chú"})) == NOTHING
    assert by_marks(CIVIL, CIVIL.model_copy(update={"working_weekdays": (1,)}), "civic").everything == {"working_days"}


def test_without_any_marks_everything_is_touched() -> None:
    now = Marks(Catalog.of(BEFORE, 1, "1-a")).of("civic")
    assert touched_by_marks({}, now).everything == set(now)
