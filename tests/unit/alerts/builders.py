"""A small district with three communes, one KPI, one rule, and the people who hear of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from contracts.alerts import Severity
from contracts.catalog import (
    Audience,
    CalendarSpec,
    CatalogObject,
    EscalationPolicy,
    EscalationStep,
    Kpi,
    OrgUnit,
    Parent,
    Person,
    Post,
    Province,
    Rule,
    Target,
    Threshold,
)
from contracts.progress import Completeness, Needed, ProgressJudged, Status, TargetJudged
from services.alerts.alert import Alert, DataState, Key, Recipient, Told
from services.alerts.decide import Decision, Observation, decide
from services.runtime.catalog import Catalog

NOW = datetime(2023, 9, 4, 1, 0, tzinfo=UTC)
PERIOD_OVER = datetime(2023, 12, 14, 17, 0, tzinfo=UTC)
CLOSES = datetime(2023, 12, 28, 17, 0, tzinfo=UTC)

OWNER = Recipient("owner.tan-phu", "Văn phòng UBND xã", "van-phong@tan-phu.example", "owner", "huyen-a.xa-tan-phu")
MANAGER = Recipient("manager.tan-phu", "Chủ tịch UBND xã", "chu-tich@tan-phu.example", "manager", "huyen-a.xa-tan-phu")
TOLD = Told((OWNER, MANAGER), OWNER.name)

KEY = Key("dak-nong", "behind", "edoc-signed-share", "huyen-a.xa-tan-phu", "2023")

UPWARDS = EscalationPolicy(
    id="upwards",
    name_vi="Báo cấp trên",
    steps=(
        EscalationStep(after=timedelta(hours=5), audience=(Audience(role="manager", of="parent"),), clock="calendar"),
        EscalationStep(after=timedelta(days=1), audience=(Audience(role="lead", of="province"),)),
    ),
    skip_to=1,
    repeats=(timedelta(hours=9), timedelta(days=1)),
)
LEAD = Person(id="lead", name="Lãnh đạo tỉnh", email="lead@tinh.example", posts=(Post(role="lead", unit="dak-nong"),))

KPI = Kpi(
    id="edoc-signed-share",
    kind="ratio",
    name_vi="Tỷ lệ văn bản điện tử được ký số",
    name_en="E-documents signed digitally",
    short_name="Văn bản ký số",
    unit_of_measure="percent",
    decimals=1,
    levels=("commune", "district", "province"),
    pillar="government",
)


def a_rule(**fields: object) -> Rule:
    """Fires below 0.90, clears from 0.95 on; `behind` below 0.80, `critical` below 0.50."""
    given: dict[str, object] = {
        "id": "behind",
        "name_vi": "Chậm hơn kế hoạch",
        "name_en": "Behind plan",
        "ladder": (
            Threshold(severity="watch", fire=Decimal("0.90"), clear=Decimal("0.95")),
            Threshold(severity="behind", fire=Decimal("0.80"), clear=Decimal("0.85")),
            Threshold(severity="critical", fire=Decimal("0.50"), clear=Decimal("0.60")),
        ),
        "audience": (Audience(role="owner"), Audience(role="manager")),
        "group_wait": timedelta(minutes=10),
        **fields,
    }
    return Rule.model_validate(given)


def a_record(pace: float | None = 1.0, *, version: int = 1, **fields: object) -> ProgressJudged:
    """A progress record of the commune of Tân Phú; planned 80 %, value by its pace."""
    value = 80.0 * pace if pace is not None else None
    given: dict[str, object] = {
        "province": "dak-nong",
        "kpi": "edoc-signed-share",
        "org_unit": "huyen-a.xa-tan-phu",
        "period": "2023",
        "as_of": date(2023, 8, 31),
        "value": value,
        "unit_of_measure": "percent",
        "target": TargetJudged(
            id="t", value=92, comparator=">=", deadline=date(2023, 12, 14), baseline=0, baseline_on=date(2022, 12, 15)
        ),
        "planned": 80.0,
        "gap": value - 80.0 if value is not None else None,
        "pace": pace,
        "completion": 0.5,
        "needed": Needed(amount=7.1, per="month", so_far=4.2, best=6.0),
        "status": Status.ON_TRACK if pace is not None and pace >= 0.95 else Status.BEHIND,
        "version": version,
        "catalog_version": "1-000000000000",
        "judged_at": NOW,
        **fields,
    }
    return ProgressJudged.model_validate(given)


def parts(reported: int, expected: int) -> Completeness:
    """So many of the units below have reported."""
    return Completeness(expected=expected, reported=reported)


def seen(record: ProgressJudged, *, cumulative: bool = False) -> Observation:
    """The record as an observation of 2023, which closes on 29 December."""
    return Observation(record, PERIOD_OVER, CLOSES, cumulative)


def told() -> Told:
    """The audience of these tests."""
    return TOLD


class Story:
    """One alert through its life; remembers every decision."""

    def __init__(self, rule: Rule | None = None, key: Key = KEY) -> None:
        self.rule = rule or a_rule()
        self.alert = Alert(key)
        self.now = NOW
        self.version = 0
        self.decisions: list[Decision] = []

    def sees(self, *paces: float | None, **fields: object) -> "Story":
        """Records with these paces, a day apart, each a version newer."""
        for pace in paces:
            self.version += 1
            self.now += timedelta(days=1)
            own = {"org_unit": self.alert.key.org_unit, "as_of": self.now.date() - timedelta(days=1), **fields}
            self.decides(a_record(pace, version=self.version, **own))
        return self

    def decides(self, record: ProgressJudged, *, cumulative: bool = False) -> Decision:
        """One decision on this very record."""
        decision = decide(self.alert, self.rule, seen(record, cumulative=cumulative), self.now, told)
        self.alert = replace(decision.alert, rev=self.alert.rev + 1)
        self.decisions.append(decision)
        return decision

    @property
    def last(self) -> Decision:
        """The latest decision."""
        return self.decisions[-1]

    def severity(self) -> Severity | None:
        """The severity now."""
        return self.alert.severity

    def data(self) -> DataState:
        """The data axis now."""
        return self.alert.data

    def value(self) -> float | None:
        """The value of the head."""
        return self.alert.head.value if self.alert.head is not None else None

    @property
    def types(self) -> list[str]:
        """The types of everything that was told, in order."""
        return [effect.wire.type.value for decision in self.decisions for effect in decision.effects]


PEOPLE = (
    Person(
        id="owner.tan-phu",
        name="Văn phòng UBND xã",
        email="van-phong@tan-phu.example",
        posts=(Post(role="owner", unit="huyen-a.xa-tan-phu"),),
    ),
    Person(
        id="manager.tan-phu",
        name="Chủ tịch UBND xã",
        email="chu-tich@tan-phu.example",
        posts=(Post(role="manager", unit="huyen-a.xa-tan-phu"),),
    ),
    Person(
        id="manager.huyen-a",
        name="Chủ tịch UBND huyện",
        email="chu-tich@huyen-a.example",
        posts=(
            Post(role="manager", unit="huyen-a"),
            Post(role="owner", unit="huyen-a.xa-quang-hoa"),
            Post(role="owner", unit="huyen-a.xa-dak-rmang"),
        ),
    ),
)


def a_commune(unit: str, name: str) -> OrgUnit:
    """A commune of the district."""
    return OrgUnit(id=unit, name=name, level="commune", parents=(Parent(unit="huyen-a"),))


BASE: tuple[CatalogObject, ...] = (
    Province(id="dak-nong", name_vi="Tỉnh Đắk Nông"),
    CalendarSpec(id="administrative", name_vi="Lịch hành chính", month_starts_on=15),
    KPI,
    OrgUnit(id="dak-nong", name="Tỉnh Đắk Nông", level="province"),
    OrgUnit(id="huyen-a", name="Huyện Đắk Glong", level="district", parents=(Parent(unit="dak-nong"),)),
    a_commune("huyen-a.xa-tan-phu", "Xã Tân Phú"),
    a_commune("huyen-a.xa-quang-hoa", "Xã Quảng Hoà"),
    a_commune("huyen-a.xa-dak-rmang", "Xã Đắk R'Măng"),
    Target(id="t", kpi="edoc-signed-share", level="commune", value=Decimal(92), period="2023"),
)


def a_catalog(*more: CatalogObject, rules: Sequence[Rule] | None = None, people: Sequence[Person] = PEOPLE) -> Catalog:
    """The district, its KPI with a target, its rule and its people."""
    return Catalog.of(
        (
            *BASE,
            *people,
            *(rules if rules is not None else (a_rule(),)),
            *more,
        ),
        number=1,
        version="1-000000000000",
    )
