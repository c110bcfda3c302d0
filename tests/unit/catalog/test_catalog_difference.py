"""What an apply would change, in words."""

from datetime import date
from decimal import Decimal

from contracts.catalog import CalendarSpec, CatalogObject, Holiday, Kpi, OrgUnit, Parent, Province, Target
from services.runtime.catalog import Catalog, codec
from services.runtime.catalog.difference import Change, differences, rejudged

SIGNED = Kpi(
    id="signed", kind="ratio", name_vi="Ký số", name_en="Signed", unit_of_measure="percent", levels=("commune",),
    pillar="x",
)  # fmt: skip
ONLINE = SIGNED.model_copy(update={"id": "online"})
UNITS = (
    OrgUnit(id="p", name="Tỉnh", level="province"),
    *[OrgUnit(id=f"p.{number}", name="Xã", level="commune", parents=(Parent(unit="p"),)) for number in range(7)],
)
CALENDAR = CalendarSpec(id="administrative", name_vi="Hành chính", month_starts_on=15)


def values(*objects: CatalogObject) -> dict[str, bytes]:
    return codec.encode_all("p", objects)


def a_catalog(*objects: CatalogObject) -> Catalog:
    return Catalog.of((Province(id="p", name_vi="Tỉnh"), CALENDAR, *objects))


def a_target(value: int, unit: str | None = "p.1", level: str | None = None) -> Target:
    id = f"signed.{unit or level}"
    return Target(id=id, kpi="signed", unit=unit, level=level, value=Decimal(value), period="2023")


def test_a_changed_field_is_said_with_its_old_and_new_value() -> None:
    changes = differences(values(a_target(92)), values(a_target(90)))
    assert changes == [Change("changed", "target", "signed.p.1.v1", ("value: 92 → 90",))]


def test_a_target_that_is_gone_is_said() -> None:
    changes = differences(values(a_target(92)), {})
    assert [(change.what, change.id) for change in changes] == [("removed", "signed.p.1.v1")]


def test_nothing_changed_is_nothing() -> None:
    assert differences(values(a_target(92)), values(a_target(92))) == []
    same = a_catalog(*UNITS, SIGNED, a_target(92))
    assert list(rejudged(same, a_catalog(*UNITS, SIGNED, a_target(92)))) == []


def test_another_target_has_its_unit_judged_anew_and_the_one_above() -> None:
    before, after = (a_catalog(*UNITS, SIGNED, ONLINE, a_target(value)) for value in (92, 90))
    assert list(rejudged(before, after)) == ["signed: p, p.1 (target, targets of the units below)"]


def test_of_many_units_the_first_few_are_named() -> None:
    before, after = (a_catalog(*UNITS, SIGNED, a_target(value, None, "commune")) for value in (92, 90))
    assert list(rejudged(before, after)) == [
        "signed: p, p.0, p.1, p.2, p.3 and 3 more units (target, targets of the units below)"
    ]


def test_a_new_unit_concerns_every_kpi_that_is_reported_below_or_at_it() -> None:
    before = a_catalog(*UNITS, SIGNED, ONLINE)
    after = a_catalog(
        *UNITS, SIGNED, ONLINE, OrgUnit(id="p.x", name="Xã X", level="commune", parents=(Parent(unit="p"),))
    )
    assert list(rejudged(before, after)) == ["online: p, p.x (units)", "signed: p, p.x (units)"]


def test_a_holiday_concerns_the_units_that_wait_for_others_with_a_target_or_without() -> None:
    free = Holiday(name_vi="Tết", first=date(2023, 5, 2), last=date(2023, 5, 3))
    holidays = CALENDAR.model_copy(update={"holidays": (free,)})
    objects = *UNITS, SIGNED, ONLINE, a_target(92)
    before, after = a_catalog(*objects), a_catalog(*objects, holidays)
    assert list(rejudged(before, after)) == ["online: p (working days)", "signed: p (working days)"]


def test_a_holiday_of_a_kpi_for_which_nobody_waits_is_not_said() -> None:
    free = Holiday(name_vi="Tết", first=date(2023, 5, 2), last=date(2023, 5, 3))
    alone = OrgUnit(id="p", name="Tỉnh", level="commune")
    before = a_catalog(alone, SIGNED)
    after = a_catalog(alone, SIGNED, CALENDAR.model_copy(update={"holidays": (free,)}))
    assert list(rejudged(before, after)) == []


def test_bounds_and_a_first_catalog_concern_all_figures() -> None:
    before = a_catalog(*UNITS, SIGNED, ONLINE)
    after = a_catalog(*UNITS, SIGNED.model_copy(update={"on_track_pace": Decimal("0.9")}), ONLINE)
    assert list(rejudged(before, after)) == ["signed: all figures (bounds on the pace)"]
    assert list(rejudged(None, before)) == ["online: all figures (definition)", "signed: all figures (definition)"]


def test_a_new_name_concerns_nobody() -> None:
    before = a_catalog(*UNITS, SIGNED)
    assert list(rejudged(before, a_catalog(*UNITS, SIGNED.model_copy(update={"name_vi": "Tên mới"})))) == []
