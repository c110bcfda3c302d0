"""Whom to tell: the people who hold a role in relation to the unit, on the day of the decision."""

from dataclasses import dataclass
from datetime import date

from contracts.catalog import Audience, EscalationStep, Person, Rule
from services.alerts.alert import Recipient, Told
from services.runtime.catalog import Catalog

HEAD = "manager"
"""The role of who heads a unit."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A post that nobody holds: the unit, and the role that is vacant."""

    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class Found:
    """Who is told, and which posts turned out to be vacant."""

    told: Told
    gaps: tuple[Gap, ...]


def find(catalog: Catalog, rule: Rule, unit: str, owner_role: str, on: date) -> Found:
    """The audience of an alert on a unit.

    A vacant post is skipped and named. If all are vacant, the same roles of the units above are asked, nearest first:
    somebody must hear of it. A person with several roles is told once, in the first of them.
    """
    recipients: dict[str, Recipient] = {}
    gaps: list[Gap] = []
    addresses: set[str] = set()

    def add(role: str, of: str) -> None:
        holders = catalog.people.holding(role, of, on)
        if not holders:
            gaps.append(Gap(role, of))
        for person in holders:
            if person.id not in recipients and person.email.lower() not in addresses:
                recipients[person.id] = _recipient(person, role, of)
                addresses.add(person.email.lower())

    for entry in rule.audience:
        of = unit_of(catalog, entry, unit, on)
        if of is not None:
            add(entry.role, of)
    if not recipients:
        for above in catalog.units.ancestors(unit, on):
            for role in dict.fromkeys(entry.role for entry in rule.audience):
                add(role, above)
            if recipients:
                break
    owner = next((person.name for person in catalog.people.holding(owner_role, unit, on)), None)
    return Found(Told(tuple(recipients.values()), owner), tuple(dict.fromkeys(gaps)))


def concerned(catalog: Catalog, unit: str, owner_role: str, asker: str, on: date) -> Found:
    """Who answers for a unit's figure (where that post is vacant: who heads the unit, or the nearest one above), and
    who asks them."""
    people: dict[str, Recipient] = {}
    gaps: list[Gap] = []
    units = (unit, *catalog.units.ancestors(unit, on))
    for role, of in ((owner_role, unit), *((HEAD, one) for one in units)):
        people = {who.id: _recipient(who, role, of) for who in catalog.people.holding(role, of, on) if who.id != asker}
        if people:
            break
        gaps.append(Gap(role, of))
    person = catalog.people.get(asker)
    for post in person.posts if person is not None else ():
        if person is not None and post.unit in units and post.valid_on(on):
            people.setdefault(asker, _recipient(person, post.role, post.unit))
    return Found(Told(tuple(people.values())), tuple(gaps))


def standing(catalog: Catalog, step: EscalationStep, unit: str, on: date) -> Found:
    """Who is on a step of an alert's policy. Where a post is vacant nobody stands in: the next step does."""
    people: dict[str, Recipient] = {}
    gaps: list[Gap] = []
    for entry in step.audience:
        of = unit_of(catalog, entry, unit, on)
        if of is None:
            continue
        holders = catalog.people.holding(entry.role, of, on)
        if not holders:
            gaps.append(Gap(entry.role, of))
        for person in holders:
            people.setdefault(person.id, _recipient(person, entry.role, of))
    alone = {who.email.lower(): who for who in reversed(people.values())}
    return Found(Told(tuple(who for who in people.values() if alone[who.email.lower()] is who)), tuple(gaps))


def unit_of(catalog: Catalog, entry: Audience, unit: str, on: date) -> str | None:
    """The unit whose role is meant; None where there is none above."""
    match entry.of:
        case "unit":
            return unit
        case "parent":
            return catalog.units.parent(unit, on)
        case "province":
            above = catalog.units.ancestors(unit, on)
            return above[-1] if above else unit


def _recipient(person: Person, role: str, unit: str) -> Recipient:
    return Recipient(person.id, person.name, person.email, role, unit, person.language)
