"""What each kind of KPI asks a figure to bring, and which rules its numbers must keep.

One table says it all; no rule asks for the kind. What the numbers then mean is the business of metrics.
"""

from dataclasses import dataclass

from contracts.catalog import KpiKind
from contracts.statistics import Problem, RejectionCode
from services.ingest import numbers, roster
from services.ingest.case import NUMBERS, Case
from services.ingest.checks import Rule
from services.ingest.wording import NONE, Problems, problem

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


_VALUE: Ways = (frozenset({"value"}),)
_PARTS = frozenset({"numerator", "denominator"})
_COUNTED = (numbers.as_exact_as_declared, numbers.not_negative)
_QUOTIENT = (numbers.parts_as_exact_as_declared, numbers.not_negative)
_VALUE_WITHIN = numbers.within_limits(numbers.value_of)

KINDS: dict[KpiKind, Kind] = {
    # A part without its denominator is taken: it has no value and is left out of sums; a flag and the record say so.
    "ratio": Kind(
        ways=(frozenset({"numerator"}), frozenset({"value"})),
        beside=_PARTS,
        rules=(
            *_QUOTIENT,
            numbers.part_within_whole,
            numbers.within_limits(numbers.value_of, numbers.HUNDRED),
            numbers.within_limits(numbers.share_in_order),
        ),
        increments=(_PARTS,),
        increment_rules=(numbers.as_exact_as_declared,),
    ),
    "coverage": Kind(
        ways=(frozenset({"numerator"}), frozenset({"members"})),
        beside=frozenset({"denominator", "value"}),
        rules=(*_QUOTIENT, roster.fits_its_roster, numbers.within_limits(numbers.value_of, numbers.HUNDRED)),
    ),
    "flow": Kind(
        ways=_VALUE,
        rules=(*_COUNTED, _VALUE_WITHIN),
        increments=_VALUE,
        increment_rules=(numbers.as_exact_as_declared,),
    ),
    "stock": Kind(ways=_VALUE, rules=(*_COUNTED, _VALUE_WITHIN)),
    "level": Kind(ways=_VALUE, beside=frozenset({"weight"}), rules=(*_COUNTED, _VALUE_WITHIN)),
    "rate": Kind(
        ways=(frozenset({"value"}), _PARTS),
        beside=_PARTS,
        rules=(*_QUOTIENT, _VALUE_WITHIN, numbers.within_limits(numbers.per_base_of_parts)),
    ),
    "rank": Kind(
        ways=(frozenset({"rank"}),),
        beside=frozenset({"of"}),
        rules=(numbers.place_in_the_field, numbers.within_limits(numbers.rank_of)),
    ),
    "milestone": Kind(ways=(frozenset({"done"}),), beside=frozenset({"done_on"}), rules=(numbers.done_by_then,)),
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
