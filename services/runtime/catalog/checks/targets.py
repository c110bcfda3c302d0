"""Targets: whether each can be judged, and whether no two of them claim the same."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from contracts.catalog import Kpi, Person, Target
from services.runtime.catalog.checks.context import Context, ends_before_it_begins, overlap
from services.runtime.catalog.checks.plans import check_dates
from services.runtime.catalog.problems import Located, Problem, Words


def check_targets(context: Context) -> Iterator[Problem]:
    """Every target by itself, then all of them against each other."""
    for target, located in context.targets:
        yield from ends_before_it_begins(located, target)
        yield from context.unknown(located, "KPI", target.kpi, context.kpis, "kpi")
        yield from _check_scope(target, located, context)
        yield from _check_value(target, located)
        kpi = context.kpis.get(target.kpi)
        if kpi is not None:
            yield from _check_against_kpi(target, kpi, located)
            yield from check_dates(target, kpi, located, context)
            yield from _check_thousands(target, kpi, located)
    yield from _check_rivals(context)
    yield from _check_owners(context)
    yield from _name_simulated(context)


def _check_thousands(target: Target, kpi: Kpi, located: Located) -> Iterator[Problem]:
    """`1.200` is 1.2, and where figures have fewer decimals, perhaps one thousand two hundred was meant."""
    for name in ("value", "low", "high"):
        number = getattr(target, name)
        if number is not None and number.as_tuple().exponent == -3 and kpi.decimals < 3 and 1 <= abs(number) < 1000:
            whole = format(number * 1000, "f").split(".")[0]
            read = format(number.normalize(), "f")
            yield located.warning(
                Words(
                    f"“{number}” được đọc là {read}; nếu dấu chấm ngăn hàng nghìn, hãy viết {whole}, nếu không, hãy "
                    f"viết {read}",
                    f"“{number}” is read as {read}; write {whole} if the point separates thousands, {read} if not",
                ),
                name,
            )


def _check_scope(target: Target, located: Located, context: Context) -> Iterator[Problem]:
    if (target.unit is None) == (target.level is None):
        yield located.problem("a target is for one unit or for every unit of a level; write either “unit:” or “level:”")
    if target.unit is not None:
        yield from context.unknown(located, "unit", target.unit, context.units, "unit")
    if target.level is not None:
        yield from context.unknown(located, "level", target.level, context.levels, "level")


def _check_value(target: Target, located: Located) -> Iterator[Problem]:
    if target.comparator == "band":
        if target.low is None or target.high is None:
            yield located.problem("a band needs both ends; write “low:” and “high:”", "comparator")
        elif target.high <= target.low:
            yield located.problem(
                f"the band {target.low} to {target.high} holds nothing; write the lower one as “low”", "low"
            )
        elif target.baseline is not None and target.low <= target.baseline.value <= target.high:
            yield from _met_from_the_start(target, target.baseline.value, f"{target.low} to {target.high}", located)
        return
    if target.value is None:
        yield located.problem("the target has no value; write “value: …”")
    elif target.baseline is not None:
        yield from _compare_with_baseline(target, target.value, target.baseline.value, located)


def _compare_with_baseline(target: Target, value: Decimal, baseline: Decimal, located: Located) -> Iterator[Problem]:
    if target.intent == "keep":
        return
    if value == baseline:
        yield located.warning(
            f"the target equals its baseline ({value}); it will be judged like “intent: keep”", "value"
        )
    elif value < baseline if target.comparator == ">=" else value > baseline:
        yield from _met_from_the_start(target, baseline, f"{target.comparator} {value}", located)


def _met_from_the_start(target: Target, baseline: Decimal, goal: str, located: Located) -> Iterator[Problem]:
    if target.intent != "keep":
        yield located.warning(
            f"already met when it was set: the baseline is {baseline}, the target {goal}; it will be judged like "
            "“intent: keep”, look whether one of them is meant otherwise",
            "baseline",
        )


def _check_against_kpi(target: Target, kpi: Kpi, located: Located) -> Iterator[Problem]:
    expected = {"increase": ">=", "decrease": "<=", "band": "band"}.get(kpi.direction)
    if expected is None:
        yield located.problem(
            f"“{kpi.id}” has no direction, so no target can be judged; write “direction: increase” (or decrease, band) "
            "in kpis.yaml",
            "kpi",
        )
    elif target.comparator != expected:
        yield located.problem(
            f'“{kpi.id}” is to {kpi.direction}; write “comparator: "{expected}"”, or another direction in kpis.yaml'
            if kpi.direction != "band"
            else f"“{kpi.id}” is to stay in a band; write “comparator: band” with low and high",
            "comparator",
        )
    limits = kpi.natural_limits
    for name in ("value", "low", "high"):
        number = getattr(target, name)
        if number is None:
            continue
        if (limits.low is not None and number < limits.low) or (limits.high is not None and number > limits.high):
            yield located.problem(
                f"{number} is outside the natural limits of “{kpi.id}” ({limits.low} to {limits.high}); "
                "correct one of them",
                name,
            )


def _check_rivals(context: Context) -> Iterator[Problem]:
    claims: dict[tuple[str, str | None, str | None, str], list[tuple[Target, Located]]] = defaultdict(list)
    for target, located in context.targets:
        claims[target.kpi, target.unit, target.level, target.period].append((target, located))
    for (kpi, unit, level, period), rivals in claims.items():
        for (one, first), (other, located) in combinations(rivals, 2):
            if overlap(one, other):
                whom = f"“{unit}”" if unit else f"the level “{level}”"
                yield located.problem(
                    f"{whom} has two targets for “{kpi}” in {period} that are valid at once (the other: "
                    f"{first.file}:{first.line}); remove one, or end it with valid_to where this one begins"
                )


def _check_owners(context: Context) -> Iterator[Problem]:
    if not context.roles:
        return
    held = {(post.role, post.unit) for person, _ in context.of(Person) for post in person.posts}
    for target, located in context.targets:
        if target.owner_role not in context.roles:
            yield from context.unknown(located, "role held by anybody,", target.owner_role, context.roles, "owner_role")
            continue
        units = (
            [target.unit] if target.unit else [unit.id for unit in context.units.values() if unit.level == target.level]
        )
        vacant = [unit for unit in units if (target.owner_role, unit) not in held]
        if vacant:
            some = ", ".join(vacant[:3]) + (f" and {len(vacant) - 3} more" if len(vacant) > 3 else "")
            yield located.warning(f"nobody is “{target.owner_role}” of {some}; add a post in people.yaml", "owner_role")


def _name_simulated(context: Context) -> Iterator[Problem]:
    targets = [target.id for target, _ in context.targets if target.simulated]
    baselines = [
        target.id
        for target, _ in context.targets
        if not target.simulated and target.baseline is not None and target.baseline.simulated
    ]
    for ids, what in ((targets, "simulated, decided by no authority"), (baselines, "baseline assumed, not published")):
        if ids:
            yield Problem(context.targets[0][1].file, 0, f"{what}: {', '.join(dict.fromkeys(ids))}", "warning")
