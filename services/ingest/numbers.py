"""Rules about numbers, each asked where `kinds.py` says so. They compare exactly; only what is shown is rounded."""

from collections.abc import Callable
from decimal import Context, Decimal

from contracts.statistics import RejectionCode
from services.ingest.case import Case
from services.ingest.checks import Rule
from services.ingest.wording import NONE, Problems, en, problem, vi

HUNDRED = Decimal(100)
_ONE = Decimal(1)

WIDE = Context(prec=120)
"""In which figures are compared: a rate's base times the largest part by the smallest, to six decimals, fits."""

MOST_DECIMALS = 9
"""Decimals that an observation's numbers may have, whatever the KPI."""


def at_most_nine_decimals(number: Decimal) -> Decimal:
    """The number, rounded where it has more decimals than an observation may. Only for what is never summed."""
    return number if decimals_of(number) <= MOST_DECIMALS else number.quantize(_SMALLEST, context=WIDE)


_SMALLEST = Decimal(1).scaleb(-MOST_DECIMALS)


def as_exact_as_declared(case: Case) -> Problems:
    """No more decimals than the KPI declares, so that sums stay exact. A weight may have nine."""
    return _exact(case, case.kpi.decimals)


def parts_as_exact_as_declared(case: Case) -> Problems:
    """Of a quotient the parts are summed, so they have no more decimals than the KPI declares.

    Its value never is, so it may be as long as its publisher likes; it is recorded with nine.
    """
    return _exact(case, None)


def _exact(case: Case, of_value: int | None) -> Problems:
    found: Problems = NONE
    for name, number in case.numbers:
        needed = decimals_of(number)
        if not needed:
            continue
        allowed = of_value if name == "value" else MOST_DECIMALS if name == "weight" else case.kpi.decimals
        if allowed is None or needed <= allowed:
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


def decimals_of(number: Decimal) -> int:
    """How many decimals it needs: 2 for 91.53, 0 for 30.0. Exact, however many digits there are."""
    if number.same_quantum(_ONE):
        return 0
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0 or not number:
        return 0
    trailing = 0
    while trailing < -exponent and digits[-1 - trailing] == 0:
        trailing += 1
    return -exponent - trailing


def not_negative(case: Case) -> Problems:
    """Counts, shares and weights are not negative. A value may be where the KPI's natural limits say so."""
    found: Problems = NONE
    low = case.kpi.natural_limits.low
    for name, number in case.numbers:
        if number >= 0 or (name == "value" and low is not None and low < 0):
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
    return number if decimals_of(number) <= MOST_DECIMALS else round(number, 4)


def _span(low: Decimal | None, high: Decimal | None, put: Callable[[Decimal], str]) -> str:
    return f"{'…' if low is None else put(low)} – {'…' if high is None else put(high)}"


def value_of(case: Case) -> tuple[str, Decimal] | None:
    """The value that was reported."""
    value = case.figure.value
    return None if value is None else ("value", value)


def rank_of(case: Case) -> tuple[str, Decimal] | None:
    """The place that was reported."""
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
    if case.quotient is None:
        case.quotient = base * numerator / denominator
    return "numerator", case.quotient


def share_in_order(case: Case) -> tuple[str, Decimal] | None:
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
