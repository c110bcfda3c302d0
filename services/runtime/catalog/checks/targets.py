"""Targets: whether each can be judged, and whether no two of them claim the same."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from contracts.catalog import Kpi, Person, Target
from services.runtime.catalog.checks.context import Context, ends_before_it_begins, listed, overlap
from services.runtime.catalog.checks.plans import beyond_limits, check_dates, within_limits
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
        yield located.problem(
            Words(
                "mục tiêu dành cho một đơn vị, hoặc mọi đơn vị của một cấp; hãy viết một trong hai: “unit:” hoặc "
                "“level:”",
                "a target is for one unit or for every unit of a level; write either “unit:” or “level:”",
            )
        )
    if target.unit is not None:
        yield from context.unknown(located, "unit", target.unit, context.units, "unit")
    if target.level is not None:
        yield from context.unknown(located, "level", target.level, context.levels, "level")


def _check_value(target: Target, located: Located) -> Iterator[Problem]:
    if target.comparator == "band":
        if target.low is None or target.high is None:
            yield located.problem(
                Words(
                    "mục tiêu dạng khoảng (band) cần cả hai đầu; hãy viết “low:” và “high:”",
                    "a band needs both ends; write “low:” and “high:”",
                ),
                "comparator",
            )
        elif target.high <= target.low:
            yield located.problem(
                Words(
                    f"khoảng {target.low} đến {target.high} không chứa giá trị nào; hãy viết số nhỏ hơn ở “low”",
                    f"the band {target.low} to {target.high} holds nothing; write the lower one as “low”",
                ),
                "low",
            )
        elif target.baseline is not None and target.low <= target.baseline.value <= target.high:
            band = Words(f"{target.low} đến {target.high}", f"{target.low} to {target.high}")
            yield from _met_from_the_start(target, target.baseline.value, band, located)
        return
    if target.value is None:
        yield located.problem(
            Words("mục tiêu chưa có giá trị; hãy viết “value: …”", "the target has no value; write “value: …”")
        )
    elif target.baseline is not None:
        yield from _compare_with_baseline(target, target.value, target.baseline.value, located)


def _compare_with_baseline(target: Target, value: Decimal, baseline: Decimal, located: Located) -> Iterator[Problem]:
    if target.intent == "keep":
        return
    if value == baseline:
        yield located.warning(
            Words(
                f"mục tiêu bằng giá trị gốc (baseline) {value} nên được đánh giá như “intent: keep”; hãy viết dòng ấy "
                "nếu muốn giữ nguyên, nếu không, hãy sửa một trong hai số",
                f"the target equals its baseline ({value}); it will be judged like “intent: keep”, write that if it is "
                "meant, or correct one of them",
            ),
            "value",
        )
    elif value < baseline if target.comparator == ">=" else value > baseline:
        goal = f"{target.comparator} {value}"
        yield from _met_from_the_start(target, baseline, Words(goal, goal), located)


def _met_from_the_start(target: Target, baseline: Decimal, goal: Words, located: Located) -> Iterator[Problem]:
    if target.intent != "keep":
        yield located.warning(
            Words(
                f"mục tiêu đã đạt ngay khi giao: giá trị gốc (baseline) là {baseline}, mục tiêu là {goal.vi}; sẽ được "
                "đánh giá như “intent: keep”, hãy kiểm tra lại hai số",
                f"already met when it was set: the baseline is {baseline}, the target {goal.en}; it will be judged "
                "like “intent: keep”, look whether one of them is meant otherwise",
            ),
            "baseline",
        )


def _check_against_kpi(target: Target, kpi: Kpi, located: Located) -> Iterator[Problem]:
    expected = {"increase": ">=", "decrease": "<=", "band": "band"}.get(kpi.direction)
    if expected is None:
        yield located.problem(
            Words(
                f"“{kpi.id}” không có chiều phấn đấu nên không đánh giá được mục tiêu nào; hãy viết “direction: "
                "increase” (hoặc decrease, band) trong kpis.yaml",
                f"“{kpi.id}” has no direction, so no target can be judged; write “direction: increase” (or decrease, "
                "band) in kpis.yaml",
            ),
            "kpi",
        )
    elif target.comparator != expected:
        yield located.problem(_other_direction(kpi, expected), "comparator")
    for name in ("value", "low", "high"):
        number = getattr(target, name)
        if number is not None and not within_limits(number, kpi):
            yield located.problem(beyond_limits(number, kpi), name)


def _other_direction(kpi: Kpi, expected: str) -> Words:
    if kpi.direction == "band":
        return Words(
            f"“{kpi.id}” phải giữ trong khoảng; hãy viết “comparator: band” với low và high",
            f"“{kpi.id}” is to stay in a band; write “comparator: band” with low and high",
        )
    way = "tăng" if kpi.direction == "increase" else "giảm"
    return Words(
        f'“{kpi.id}” phấn đấu {way}; hãy viết “comparator: "{expected}"”, hoặc direction khác trong kpis.yaml',
        f'“{kpi.id}” is to {kpi.direction}; write “comparator: "{expected}"”, or another direction in kpis.yaml',
    )


def _check_rivals(context: Context) -> Iterator[Problem]:
    claims: dict[tuple[str, str | None, str | None, str], list[tuple[Target, Located]]] = defaultdict(list)
    for target, located in context.targets:
        claims[target.kpi, target.unit, target.level, target.period].append((target, located))
    for (kpi, unit, level, period), rivals in claims.items():
        for (one, first), (other, located) in combinations(rivals, 2):
            if overlap(one, other):
                whom = Words(f"“{unit}”", f"“{unit}”") if unit else Words(f"cấp “{level}”", f"the level “{level}”")
                yield located.problem(
                    Words(
                        f"{whom.vi} có hai mục tiêu “{kpi}” kỳ {period} cùng hiệu lực (mục tiêu kia: "
                        f"{first.file}:{first.line}); hãy bỏ một mục tiêu, hoặc cho mục tiêu trước valid_to vào ngày "
                        "mục tiêu sau bắt đầu",
                        f"{whom.en} has two targets for “{kpi}” in {period} that are valid at once (the other: "
                        f"{first.file}:{first.line}); remove one, or end it with valid_to where this one begins",
                    )
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
            some = listed(vacant)
            yield located.warning(
                Words(
                    f"chưa có ai giữ vai trò “{target.owner_role}” của {some.vi}; hãy thêm vào people.yaml",
                    f"nobody is “{target.owner_role}” of {some.en}; add a post in people.yaml",
                ),
                "owner_role",
            )


def _name_simulated(context: Context) -> Iterator[Problem]:
    targets = [target.id for target, _ in context.targets if target.simulated]
    baselines = [
        target.id
        for target, _ in context.targets
        if not target.simulated and target.baseline is not None and target.baseline.simulated
    ]
    for ids, what in ((targets, _SIMULATED), (baselines, _ASSUMED)):
        if ids:
            names = f": {', '.join(dict.fromkeys(ids))}"
            yield Problem(context.targets[0][1].file, 0, str(what.then(Words(names, names))), "warning")


_SIMULATED = Words("mục tiêu mô phỏng, chưa cơ quan nào quyết định", "simulated, decided by no authority")
_ASSUMED = Words("giá trị gốc (baseline) giả định, chưa được công bố", "baseline assumed, not published")
