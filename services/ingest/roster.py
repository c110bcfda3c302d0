"""Of how many, or of whom, a coverage is the coverage: the roster of a unit on a day."""

from dataclasses import dataclass
from datetime import date

from contracts.catalog import Kpi
from services.runtime.catalog import Catalog


@dataclass(frozen=True, slots=True)
class MemberList:
    """A roster's size; `named` are its members where they are known by name, `of_units` if those are units' ids."""

    size: int
    named: frozenset[str] | None = None
    of_units: bool = False


def roster_of(catalog: Catalog, kpi: Kpi, unit_id: str, day: date) -> MemberList | None:
    """The roster that the KPI declares for the unit on that day; None where it declares none."""
    for roster in kpi.rosters:
        if roster.unit != unit_id or not roster.valid_on(day):
            continue
        if roster.level is not None:
            units = frozenset(catalog.units.descendants(unit_id, day, roster.level))
            return MemberList(len(units), units, of_units=True)
        if roster.members:
            return MemberList(len(roster.members), frozenset(roster.members))
        return MemberList(roster.size or 0)
    return None


def member_ids(catalog: Catalog, members: tuple[str, ...], roster: MemberList | None, day: date) -> tuple[str, ...]:
    """Members as the catalog names them: units' external ids are resolved, other names stay."""
    if roster is None or not roster.of_units:
        return members
    found = [(catalog.units.resolve(member, day), member) for member in members]
    return tuple(unit.id if unit is not None else member for unit, member in found)
