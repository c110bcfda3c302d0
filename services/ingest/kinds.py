"""What each kind of KPI asks a figure to bring, and the rules that its numbers must keep.

One table says it all; no rule asks for the kind. What the numbers then mean is the business of metrics.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from contracts.catalog import KpiKind
from contracts.statistics import Problem, RejectionCode, StatisticReported
from services.ingest.case import Case
from services.ingest.checks import Rule
from services.ingest.roster import member_ids, roster_of
from services.ingest.wording import NONE, Problems, en, listed, problem, vi

HUNDRED = Decimal(100)
NUMBERS = ("numerator", "denominator", "value", "weight")
_FIELDS = frozenset({*NUMBERS, "rank", "of", "done", "done_on", "members"})
"""Every field of which some kind makes a figure."""

Ways = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A figure is made of any one of `ways`; `beside` it may stand more. Without `increments` there are none."""

    ways: Ways
    beside: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    increments: Ways = ()
    increment_rules: tuple[Rule, ...] = ()


def brings_a_figure(ways: Ways, welcome: frozenset[str]) -> Rule:
    """The fields that the kind asks for are there, and no others that would leave open what is meant."""

    complete: set[frozenset[str]] = set()  # sets of fields that were found to be a figure

    def rule(case: Case) -> Problems:
        given = _FIELDS & case.figure.model_fields_set
        if given in complete:
            return NONE
        found = NONE if any(way <= given for way in ways) else (_incomplete(case, ways, given),)
        found = (*found, *(_stranger(case, name) for name in sorted(given - welcome)))
        if not found:
            complete.add(given)
        return found

    return rule


def _incomplete(case: Case, asked: Ways, given: frozenset[str]) -> Problem:
    kpi = case.kpi
    if not asked and case.figure.mode == "increment":
        return problem(
            RejectionCode.SCHEMA,
            "mode",
            f"Chỉ tiêu loại {kpi.kind} không nhận số gia: gửi số tại thời điểm as_of, mode: absolute.",
            f"A KPI of kind {kpi.kind} takes no increments: send the figure as of that day, mode: absolute.",
            case.figure.mode,
        )
    if not asked:
        return problem(
            RejectionCode.SCHEMA,
            "kpi",
            f"“{kpi.id}” là chỉ tiêu loại {kpi.kind}, được tính từ chỉ tiêu khác: hãy gửi số liệu của chỉ tiêu gốc.",
            f"“{kpi.id}” is of kind {kpi.kind}, derived from others: report the KPIs that it is made of.",
            kpi.id,
        )
    missing = sorted(asked[0] - given)
    vi_ways = " hoặc ".join(" + ".join(sorted(way)) for way in asked)
    en_ways = " or ".join(" + ".join(sorted(way)) for way in asked)
    return problem(
        RejectionCode.SCHEMA,
        missing[0] if missing else None,
        f"Chỉ tiêu “{kpi.id}” (loại {kpi.kind}, {case.figure.mode}) cần {vi_ways}.",
        f"“{kpi.id}” (kind {kpi.kind}, {case.figure.mode}) needs {en_ways}.",
    )


def _stranger(case: Case, name: str) -> Problem:
    return problem(
        RejectionCode.SCHEMA,
        name,
        f"Chỉ tiêu loại {case.kpi.kind} ({case.figure.mode}) không dùng {name}: bỏ trường này.",
        f"A figure of kind {case.kpi.kind} ({case.figure.mode}) has no {name}: leave the field out.",
        getattr(case.figure, name),
    )


def as_exact_as_declared(case: Case) -> Problems:
    """No more decimals than the KPI declares, so that sums stay exact. A weight may have nine.

    A value beside its parts is only compared with them, so it may be as long as its publisher likes.
    """
    found: Problems = NONE
    compared = case.figure.denominator is not None or case.figure.members is not None
    for name in NUMBERS:
        number: Decimal | None = getattr(case.figure, name)
        allowed = 9 if name == "weight" else case.kpi.decimals
        if number is None or _decimals(number) <= allowed or (compared and name == "value"):
            continue
        found += (
            problem(
                RejectionCode.SCHEMA,
                name,
                f"{name} {vi(number)} có quá nhiều chữ số thập phân: ghi tối đa {allowed}.",
                f"{name} {en(number)} has too many decimals: write at most {allowed}.",
                number,
            ),
        )
    return found


def _decimals(number: Decimal) -> int:
    """How many decimals it needs: 2 for 91.53, 0 for 30.0."""
    if number == number.to_integral_value():
        return 0
    exponent = number.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def not_negative(case: Case) -> Problems:
    """Counts, shares and weights are not negative. A value may be where the KPI's natural limits say so."""
    found: Problems = NONE
    low = case.kpi.natural_limits.low
    for name in NUMBERS:
        number: Decimal | None = getattr(case.figure, name)
        if number is None or number >= 0 or (name == "value" and low is not None and low < 0):
            continue
        found += (
            problem(
                RejectionCode.NEGATIVE,
                name,
                f"{name} {vi(number)} là số âm: ghi số từ 0 trở lên.",
                f"{name} {en(number)} is negative: write 0 or more.",
                number,
            ),
        )
    return found


def part_within_whole(case: Case) -> Problems:
    """A share's numerator is at most its denominator, unless the KPI's limits let it pass 100."""
    numerator, denominator = case.figure.numerator, case.figure.denominator
    high = case.kpi.natural_limits.high
    if numerator is None or denominator is None or numerator <= denominator or (high is not None and high > HUNDRED):
        return NONE
    return (
        problem(
            RejectionCode.NUMERATOR_ABOVE_DENOMINATOR,
            "numerator",
            f"Tử số {vi(numerator)} lớn hơn mẫu số {vi(denominator)}: hãy kiểm tra lại hai số.",
            f"The numerator {en(numerator)} is above the denominator {en(denominator)}: check both figures.",
            numerator,
        ),
    )


def within_limits(of: Callable[[Case], tuple[str, Decimal] | None], default_high: Decimal | None = None) -> Rule:
    """The figure can occur at all: it lies within the KPI's natural limits."""

    def rule(case: Case) -> Problems:
        limits = case.kpi.natural_limits
        named = of(case)
        if named is None:
            return NONE
        name, number = named
        low, high = limits.low, limits.high if limits.high is not None else default_high
        if (low is None or number >= low or number < 0 <= low) and (high is None or number <= high):
            return NONE
        return (
            problem(
                RejectionCode.OUT_OF_NATURAL_LIMITS,
                name,
                f"{name} {vi(_readable(number))} ngoài giới hạn {_span(low, high, vi)} của chỉ tiêu: "
                "kiểm tra số và đơn vị tính.",
                f"{name} {en(_readable(number))} is outside the KPI's limits {_span(low, high, en)}: "
                "check the figure and its unit of measure.",
                _readable(number),
            ),
        )

    return rule


def _readable(number: Decimal) -> Decimal:
    return number if _decimals(number) <= 9 else round(number, 4)


def _span(low: Decimal | None, high: Decimal | None, put: Callable[[Decimal], str]) -> str:
    return f"{'…' if low is None else put(low)} – {'…' if high is None else put(high)}"


def _value(case: Case) -> tuple[str, Decimal] | None:
    value = case.figure.value
    return None if value is None else ("value", value)


def _rank(case: Case) -> tuple[str, Decimal] | None:
    rank = case.figure.rank
    return None if rank is None else ("rank", Decimal(rank))


def percent_of_parts(case: Case) -> tuple[str, Decimal] | None:
    """A share as its parts have it, to 28 digits; None without usable parts."""
    return _of_parts(case, HUNDRED)


def per_base_of_parts(case: Case) -> tuple[str, Decimal] | None:
    """A rate as its parts have it, per the KPI's declared base."""
    return _of_parts(case, case.kpi.rate_base or HUNDRED)


def _of_parts(case: Case, base: Decimal) -> tuple[str, Decimal] | None:
    numerator, denominator = case.figure.numerator, case.figure.denominator
    if numerator is None or not denominator:
        return None
    return "numerator", base * numerator / denominator


def _ordered_share(case: Case) -> tuple[str, Decimal] | None:
    """The share of the parts, unless `part_within_whole` has refused them already."""
    return None if part_within_whole(case) else percent_of_parts(case)


def place_in_the_field(case: Case) -> Problems:
    """A rank is a place among those who were ranked."""
    rank, of = case.figure.rank, case.figure.of
    if rank is None or of is None or rank <= of:
        return NONE
    return (
        problem(
            RejectionCode.NUMERATOR_ABOVE_DENOMINATOR,
            "rank",
            f"Hạng {rank} lớn hơn số đơn vị được xếp hạng {of}: hãy kiểm tra lại hai số.",
            f"Rank {rank} is beyond the {of} that were ranked: check both figures.",
            rank,
        ),
    )


def done_by_then(case: Case) -> Problems:
    """What is done was done by `as_of`; what is not has no day on which it was."""
    figure = case.figure
    if figure.done_on is None:
        return NONE
    on = case.local(figure.done_on)
    if figure.done and on <= case.day:
        return NONE
    return (
        problem(
            RejectionCode.SCHEMA,
            "done_on",
            "done_on chỉ đi với done: true và không sau as_of.",
            "done_on stands only beside done: true, and not after as_of.",
            figure.done_on,
        ),
    )


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


_VALUE: Ways = (frozenset({"value"}),)
_PARTS = frozenset({"numerator", "denominator"})
_COUNTED = (as_exact_as_declared, not_negative)
_VALUE_WITHIN = within_limits(_value)

KINDS: dict[KpiKind, Kind] = {
    # A part without its denominator is taken: it has no value and is left out of sums, and the record says so.
    "ratio": Kind(
        ways=(frozenset({"numerator"}), frozenset({"value"})),
        beside=_PARTS,
        rules=(
            *_COUNTED,
            part_within_whole,
            within_limits(_value, HUNDRED),
            within_limits(_ordered_share),
        ),
        increments=(_PARTS,),
        increment_rules=(as_exact_as_declared,),
    ),
    "coverage": Kind(
        ways=(frozenset({"numerator"}), frozenset({"members"})),
        beside=frozenset({"denominator", "value"}),
        rules=(*_COUNTED, fits_its_roster, within_limits(_value, HUNDRED)),
    ),
    "flow": Kind(
        ways=_VALUE,
        rules=(*_COUNTED, _VALUE_WITHIN),
        increments=_VALUE,
        increment_rules=(as_exact_as_declared,),
    ),
    "stock": Kind(ways=_VALUE, rules=(*_COUNTED, _VALUE_WITHIN)),
    "level": Kind(ways=_VALUE, beside=frozenset({"weight"}), rules=(*_COUNTED, _VALUE_WITHIN)),
    "rate": Kind(
        ways=(frozenset({"value"}), _PARTS),
        beside=_PARTS,
        rules=(*_COUNTED, _VALUE_WITHIN, within_limits(per_base_of_parts)),
    ),
    "rank": Kind(
        ways=(frozenset({"rank"}),), beside=frozenset({"of"}), rules=(place_in_the_field, within_limits(_rank))
    ),
    "milestone": Kind(ways=(frozenset({"done"}),), beside=frozenset({"done_on"}), rules=(done_by_then,)),
    "growth": Kind(ways=()),
    "composite": Kind(ways=()),
}


def rules_of_absolute(kind: KpiKind) -> tuple[Rule, ...]:
    """What an absolute figure of this kind must keep."""
    asked = KINDS[kind]
    return (brings_a_figure(asked.ways, asked.beside.union(*asked.ways)), *asked.rules)


def rules_of_increment(kind: KpiKind) -> tuple[Rule, ...]:
    """What an increment must keep."""
    asked = KINDS[kind]
    return (brings_a_figure(asked.increments, frozenset().union(*asked.increments)), *asked.increment_rules)
