"""Which target judges, who may report, who gets the mail."""

from datetime import date
from decimal import Decimal

from contracts.catalog import (
    CalendarSpec,
    CatalogObject,
    Kpi,
    OrgUnit,
    Parent,
    Person,
    Post,
    Province,
    Publisher,
    Target,
)
from services.runtime.catalog.catalog import Catalog

MID_YEAR = date(2023, 6, 15)

BASE: tuple[CatalogObject, ...] = (
    Province(id="dak-nong", name_vi="Tỉnh Đắk Nông"),
    CalendarSpec(id="administrative", name_vi="Lịch hành chính", month_starts_on=15),
    Kpi(
        id="signed",
        kind="ratio",
        name_vi="Văn bản ký số",
        name_en="Signed",
        unit_of_measure="percent",
        levels=("commune", "province"),
        pillar="government",
    ),
    OrgUnit(id="province", name="Tỉnh", level="province"),
    OrgUnit(id="xa-a", name="Xã A", level="commune", parents=(Parent(unit="province"),)),
    OrgUnit(id="xa-b", name="Xã B", level="commune", parents=(Parent(unit="province"),)),
)


def a_target(target_id: str, value: int, **fields: object) -> Target:
    return Target.model_validate({"id": target_id, "kpi": "signed", "value": value, "period": "2023", **fields})


def a_catalog(*more: CatalogObject) -> Catalog:
    return Catalog.of((*BASE, *more), number=1, version="1-000000000000")


def test_a_units_own_target_beats_the_one_of_its_level_for_that_period_only() -> None:
    catalog = a_catalog(
        a_target("all", 80, level="commune"),
        a_target("all-2024", 90, level="commune", period="2024"),
        a_target("own", 70, unit="xa-a"),
    )
    assert [target.id for target in catalog.targets.of_unit("signed", "xa-a")] == ["own", "all-2024"]
    assert [target.id for target in catalog.targets.of_unit("signed", "xa-b")] == ["all", "all-2024"]
    assert [period.id for period in catalog.targets.periods("signed", "xa-a")] == ["2023", "2024"]
    assert catalog.targets.periods("signed", "province") == ()


def test_the_version_valid_at_as_of_judges() -> None:
    catalog = a_catalog(
        a_target("own", 90, unit="xa-a", valid_to=MID_YEAR),
        a_target("own", 80, unit="xa-a", valid_from=MID_YEAR, version=2),
    )
    before = catalog.targets.judging("signed", "xa-a", "2023", date(2023, 6, 14))
    after = catalog.targets.judging("signed", "xa-a", "2023", MID_YEAR)
    assert before is not None
    assert after is not None
    assert (before.value, after.value) == (Decimal(90), Decimal(80))


def test_the_versions_of_a_target_come_in_the_order_in_which_they_judge() -> None:
    targets = a_catalog(
        a_target("all", 80, level="commune"),
        a_target("own", 90, unit="xa-a", valid_from=MID_YEAR, version=2),
        a_target("own", 85, unit="xa-a", valid_from=date(2023, 3, 1), valid_to=MID_YEAR),
        a_target("own-2024", 95, unit="xa-a", period="2024"),
    ).targets
    assert [target.value for target in targets.versions("signed", "xa-a", "2023")] == [80, 85, 90]
    assert [target.value for target in targets.versions("signed", "xa-b", "2023")] == [80]
    assert targets.versions("signed", "xa-b", "2022") == ()


def test_before_its_own_target_is_valid_a_unit_is_judged_by_its_levels() -> None:
    catalog = a_catalog(a_target("all", 80, level="commune"), a_target("own", 70, unit="xa-a", valid_from=MID_YEAR))
    judging = catalog.targets.judging("signed", "xa-a", "2023", date(2023, 1, 31))
    assert judging is not None
    assert judging.id == "all"
    assert catalog.targets.judging("signed", "nowhere", "2023", MID_YEAR) is None
    assert catalog.targets.judging("signed", "xa-a", "2024", MID_YEAR) is None


def test_a_publisher_may_report_its_kpis_for_its_units_and_those_below() -> None:
    publisher = Publisher(
        id="edoc",
        name_vi="Văn bản",
        sources=("urn:edoc",),
        kpis=("signed",),
        units=("province",),
        contact="edoc@dak-nong.example",
        valid_to=MID_YEAR,
    )
    publishers = a_catalog(publisher).publishers
    assert publishers.by_source("urn:edoc") is publisher
    assert publishers.by_source("urn:other") is None
    day = date(2023, 1, 31)
    assert publishers.may_report(publisher, "signed", "xa-a", day)
    assert publishers.may_report(publisher, "signed", "province", day)
    assert not publishers.may_report(publisher, "other", "xa-a", day)
    assert not publishers.may_report(publisher, "signed", "nowhere", day)
    assert not publishers.may_report(publisher, "signed", "xa-a", MID_YEAR)


def test_a_role_is_held_by_whoever_holds_it_on_that_day() -> None:
    def a_person(person_id: str, **dates: date) -> Person:
        post = Post(role="owner", unit="xa-a", **dates)
        return Person(id=person_id, name=person_id, email=f"{person_id}@xa-a.example", posts=(post,))

    people = a_catalog(a_person("before", valid_to=MID_YEAR), a_person("after", valid_from=MID_YEAR)).people
    assert [person.id for person in people.holding("owner", "xa-a", date(2023, 1, 1))] == ["before"]
    assert [person.id for person in people.holding("owner", "xa-a", MID_YEAR)] == ["after"]
    assert people.holding("manager", "xa-a", MID_YEAR) == ()
