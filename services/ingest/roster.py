"""Of how many, or of whom, a coverage is the coverage: the roster of a unit on a day, and what must fit into it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.catalog import Kpi
from contracts.statistics import RejectionCode, StatisticReported
from services.ingest.case import Case
from services.ingest.wording import NONE, Problems, en, listed, problem, vi
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


def fits_its_roster(case: Case) -> Problems:
    """A coverage counts members of its roster: no strangers, nobody twice, not more than there are."""
    figure, unit = case.figure, case.unit
    roster = roster_of(case.catalog, case.kpi, unit.id, case.day) if unit is not None else None
    size = Decimal(roster.size) if roster is not None else figure.denominator
    found: Problems = NONE
    if roster is not None and figure.denominator is not None and figure.denominator != roster.size:
        found += (
            problem(
                RejectionCode.SCHEMA,
                "denominator",
                f"Mẫu số {vi(figure.denominator)} khác danh sách của chỉ tiêu ({roster.size}): sửa số, "
                "hoặc bỏ trường này.",
                f"The denominator {en(figure.denominator)} is not the KPI's roster ({roster.size}): mend it, "
                "or leave the field out.",
                figure.denominator,
            ),
        )
    count = figure.numerator
    if figure.members is not None:
        members = member_ids(case.catalog, figure.members, roster, case.day)
        found += _members(figure, members, roster.named if roster is not None else None)
        count = Decimal(len(set(members))) if count is None else count
    if count is not None and size is not None and count > size:
        found += (
            problem(
                RejectionCode.NUMERATOR_ABOVE_DENOMINATOR,
                "numerator",
                f"{vi(count)} lớn hơn tổng số {vi(size)} của danh sách: hãy kiểm tra lại.",
                f"{en(count)} is above the {en(size)} of the roster: check the figure.",
                count,
            ),
        )
    return found


def _members(figure: StatisticReported, members: tuple[str, ...], known: frozenset[str] | None) -> Problems:
    found: Problems = NONE
    strangers = [] if known is None else [member for member in members if member not in known]
    if strangers:
        found += (
            problem(
                RejectionCode.SCHEMA,
                "members",
                f"Không có trong danh sách của chỉ tiêu: {listed(strangers)}.",
                f"Not in the KPI's roster: {listed(strangers)}.",
                listed(strangers),
            ),
        )
    if len(set(members)) != len(members):
        found += (
            problem(
                RejectionCode.SCHEMA,
                "members",
                "Có thành viên ghi hai lần: mỗi thành viên ghi một lần.",
                "A member stands twice: write each once.",
            ),
        )
    if figure.numerator is not None and figure.numerator != len(members):
        found += (
            problem(
                RejectionCode.SCHEMA,
                "numerator",
                f"Tử số {vi(figure.numerator)} khác số thành viên đã ghi ({len(members)}): sửa một trong hai.",
                f"The numerator {en(figure.numerator)} is not the number of members ({len(members)}): "
                "mend one of them.",
                figure.numerator,
            ),
        )
    return found
