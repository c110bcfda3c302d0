"""KPIs that are derived from others: growth and composite."""

from collections.abc import Iterator
from itertools import pairwise

from contracts.catalog import Kpi, KpiKind, OrgUnit, ScoreItem
from services.runtime.catalog.checks.context import PERIODS, Context, listed
from services.runtime.catalog.problems import Located, Path, Problem, Words

WITHOUT_GROWTH: frozenset[KpiKind] = frozenset({"rank", "milestone", "growth"})
STAND_ALONE: frozenset[KpiKind] = frozenset({"rank", "composite"})
"""What is true of the units of its own levels and of nobody above them."""
SHARES: frozenset[KpiKind] = frozenset({"ratio", "coverage"})
MOST_ITEMS = 60
"""Items of a score: with more, a record that shows what each brought would outgrow its event."""


def check_derivations(context: Context) -> Iterator[Problem]:
    """What a KPI is derived from exists, does not lead back to it, and can be divided or scored."""
    said: set[str] = set()
    for kpi, located in context.of(Kpi):
        yield from _check_declared(kpi, located)
        for source, path in _sources(kpi):
            if source == kpi.id:
                yield located.problem(
                    Words(
                        f"“{source}” không thể tính từ chính nó; hãy nêu chỉ tiêu khác",
                        f"“{source}” cannot be derived from itself; name another KPI",
                    ),
                    *path,
                )
                continue
            yield from context.unknown(located, "KPI", source, context.kpis, *path)
            way = _way_back(source, kpi.id, context)
            if way and kpi.id not in said:
                said.update(way)
                circle = " → ".join([kpi.id, *way])
                yield located.problem(
                    Words(
                        f"“{kpi.id}” được tính vòng về chính nó: {circle}; hãy nêu chỉ tiêu khác ở một trong các chỉ "
                        "tiêu này",
                        f"“{kpi.id}” is derived from itself: {circle}; name another KPI in one of them",
                    ),
                    *path,
                )
            if source in context.kpis:
                yield from _check_levels(kpi, context.kpis[source], located, path, context)
                if kpi.kind == "growth":
                    yield from _check_growth(kpi, context.kpis[source], located, path)
        if kpi.kind == "composite":
            yield from _check_score(kpi, located, context)


def _check_declared(kpi: Kpi, located: Located) -> Iterator[Problem]:
    if kpi.kind == "growth" and kpi.growth is None:
        yield located.problem(
            Words(
                "chỉ tiêu tăng trưởng phải được tính từ chỉ tiêu khác; hãy viết “growth: {of: <kpi>}”",
                "a growth is derived; write “growth: {of: <kpi>}”",
            )
        )
    if kpi.kind == "composite" and not kpi.composite:
        yield located.problem(
            Words(
                "chỉ tiêu tổng hợp phải được tính từ các chỉ tiêu khác; hãy viết “composite: [{kpi: …, maximum: …}]”",
                "a composite is derived; write “composite: [{kpi: …, maximum: …}]”",
            )
        )
    if kpi.kind != "growth" and kpi.growth is not None:
        yield located.problem(
            Words(
                f"chỉ tiêu loại “{kpi.kind}” không tính tăng trưởng; hãy viết “kind: growth” hoặc bỏ dòng này",
                f"a {kpi.kind} is no growth of anything; write “kind: growth” or leave it out",
            ),
            "growth",
        )
    if kpi.kind != "composite" and kpi.composite:
        yield located.problem(
            Words(
                f"chỉ tiêu loại “{kpi.kind}” không được chấm điểm; hãy viết “kind: composite” hoặc bỏ dòng này",
                f"a {kpi.kind} is not scored; write “kind: composite” or leave it out",
            ),
            "composite",
        )


def _sources(kpi: Kpi) -> Iterator[tuple[str, Path]]:
    paths: list[Path] = [("composite", number, "kpi") for number in range(len(kpi.composite))]
    if kpi.kind == "growth":
        paths = [("growth", "of")]
    yield from zip(kpi.sources, paths, strict=False)


def _way_back(start: str, goal: str, context: Context) -> list[str]:
    """The KPIs from `start` to `goal` along what they are derived from; empty if there is no way."""
    ways: list[list[str]] = [[start]]
    seen = {start}
    for way in ways:  # grows while it is walked: the shortest way is found first
        if way[-1] == goal:
            return way
        kpi = context.kpis.get(way[-1])
        for source in kpi.sources if kpi is not None else ():
            if source not in seen:
                seen.add(source)
                ways.append([*way, source])
    return []


def _check_levels(kpi: Kpi, source: Kpi, located: Located, path: Path, context: Context) -> Iterator[Problem]:
    """No figures where the source has none. Levels that nobody declared are said elsewhere."""
    order = {level: depth for depth, level in enumerate(context.levels)}
    if source.levels[0] not in order:
        return
    for level in kpi.levels:
        if order.get(level, 0) > order[source.levels[0]]:
            yield located.problem(
                Words(
                    f"“{source.id}” không có số liệu của cấp “{level}”, chỉ được báo cáo từ cấp “{source.levels[0]}” "
                    f"trở lên; hãy bỏ “{level}” khỏi levels của “{kpi.id}”",
                    f"“{source.id}” has no figures of a {level}: it is reported from the level {source.levels[0]} up; "
                    f"take “{level}” out of the levels of “{kpi.id}”",
                ),
                *path,
            )


def _check_growth(kpi: Kpi, source: Kpi, located: Located, path: Path) -> Iterator[Problem]:
    if source.kind in WITHOUT_GROWTH:
        yield located.problem(
            Words(
                f"chia chỉ tiêu loại “{source.kind}” cho giá trị kỳ trước không có ý nghĩa; hãy nêu một chỉ tiêu được "
                "đếm hoặc đo",
                f"a {source.kind} divided by an earlier one says nothing; name a KPI that is counted or measured",
            ),
            *path,
        )
    if source.period != kpi.period:
        yield located.problem(
            Words(
                f"“{source.id}” tính theo {PERIODS[source.period]}, còn chỉ tiêu tăng trưởng này theo "
                f"{PERIODS[kpi.period]}; hãy viết “period: {source.period}”",
                f"“{source.id}” is accounted for by the {source.period}, this growth by the {kpi.period}; "
                f"write “period: {source.period}”",
            ),
            "period",
        )
    if source.calendar != kpi.calendar:
        yield located.problem(
            Words(
                f"“{source.id}” theo lịch “{source.calendar}”, còn chỉ tiêu tăng trưởng này theo lịch "
                f"“{kpi.calendar}”; hãy viết “calendar: {source.calendar}”",
                f"“{source.id}” goes by the calendar “{source.calendar}”, this growth by “{kpi.calendar}”; "
                f"write “calendar: {source.calendar}”",
            ),
            "calendar",
        )


def _check_score(kpi: Kpi, located: Located, context: Context) -> Iterator[Problem]:
    if len(kpi.composite) > MOST_ITEMS:
        yield located.problem(
            Words(
                f"{len(kpi.composite)} chỉ tiêu thành phần, nhiều nhất được {MOST_ITEMS}; hãy lập chỉ tiêu tổng hợp "
                "cho từng trụ cột, rồi một chỉ tiêu tổng hợp từ các chỉ tiêu ấy",
                f"{len(kpi.composite)} items are more than the {MOST_ITEMS} of a score; make a score of each pillar, "
                "and one of these scores",
            ),
            "composite",
        )
    seen: set[str] = set()
    for number, item in enumerate(kpi.composite):
        at: Path = ("composite", number)
        if item.kpi in seen:
            yield located.problem(
                Words(
                    f"“{item.kpi}” được tính điểm hai lần; hãy chỉ viết một lần",
                    f"“{item.kpi}” brings points twice; write it once",
                ),
                *at,
                "kpi",
            )
        seen.add(item.kpi)
        yield from _check_points(item, located, at)
        if item.kpi in context.kpis and item.kpi != kpi.id:
            yield from _check_rule(item, context.kpis[item.kpi], kpi, located, at, context)
            yield from _check_scores(item, context.kpis[item.kpi], kpi, located, at, context)


def _check_points(item: ScoreItem, located: Located, at: Path) -> Iterator[Problem]:
    if item.maximum <= 0:
        yield located.problem(
            Words(
                f"điểm tối đa {item.maximum} thì không tính gì; hãy viết số lớn hơn 0",
                f"a maximum of {item.maximum} points weighs nothing; write more than 0",
            ),
            *at,
            "maximum",
        )
    if item.rule == "steps" and not item.steps:
        yield located.problem(
            Words(
                "cách tính “steps” cần bảng điểm; hãy viết “steps: [{at_least: …, points: …}]”",
                "the rule “steps” needs its table; write “steps: [{at_least: …, points: …}]”",
            ),
            *at,
        )
    if item.rule != "steps" and item.steps:
        yield located.problem(
            Words(
                f"cách tính “{item.rule}” không dùng bảng điểm; hãy viết “rule: steps”",
                f"the rule “{item.rule}” has no table; write “rule: steps”",
            ),
            *at,
            "steps",
        )
    if any(below.at_least >= above.at_least for below, above in pairwise(item.steps)):
        yield located.problem(
            Words(
                "các bậc điểm phải tăng dần; hãy xếp theo at_least, mỗi giá trị một lần",
                "the steps must rise; sort them by at_least and write each once",
            ),
            *at,
            "steps",
        )
    for number, step in enumerate(item.steps):
        place = (*at, "steps", number, "points")
        if step.points > item.maximum:
            yield located.problem(
                Words(
                    f"{step.points} điểm vượt điểm tối đa {item.maximum}; hãy sửa một trong hai số",
                    f"{step.points} points are more than the maximum of {item.maximum}; correct one of them",
                ),
                *place,
            )
        if step.points < 0:
            yield located.problem(
                Words(
                    f"{step.points} điểm là trừ điểm; hãy viết số từ 0 trở lên",
                    f"{step.points} points would be taken away; write 0 or more",
                ),
                *place,
            )


def _check_rule(
    item: ScoreItem, source: Kpi, kpi: Kpi, located: Located, at: Path, context: Context
) -> Iterator[Problem]:
    """Whether the rule can score figures of this KPI."""
    if source.calendar != kpi.calendar:
        yield located.warning(
            Words(
                f"“{source.id}” theo lịch “{source.calendar}”, còn chỉ tiêu tổng hợp này theo lịch “{kpi.calendar}”: "
                "lúc chuyển kỳ, điểm gồm số liệu của hai kỳ; hãy dùng chung một lịch, nếu không chủ ý như vậy",
                f"“{source.id}” goes by the calendar “{source.calendar}”, this score by “{kpi.calendar}”: at the turn "
                "of a period the score has figures of two periods in it; give both one calendar if that is not meant",
            ),
            *at,
            "kpi",
        )
    if item.rule == "half" and source.direction != "increase":
        yield located.problem(
            Words(
                "với chỉ tiêu càng thấp càng tốt, một nửa mục tiêu không phải nửa chặng đường; hãy viết “rule: steps” "
                f"cho “{source.id}”",
                f"half of a goal is no half of the way where less is better; write “rule: steps” for “{source.id}”",
            ),
            *at,
            "rule",
        )
    if item.rule == "best_peer" and source.direction not in ("increase", "decrease"):
        yield located.problem(
            Words(
                f"không xác định được đơn vị tốt nhất về “{source.id}”, vì direction là “{source.direction}”; hãy viết "
                "“rule: steps”",
                f"nobody is best at “{source.id}”, whose direction is {source.direction}; write “rule: steps”",
            ),
            *at,
            "rule",
        )
    if item.rule in ("ratio", "half") and not _has_a_goal(source, context):
        yield located.problem(
            Words(
                f"chưa rõ “{source.id}” đạt bao nhiêu thì được điểm tối đa; hãy khai báo mục tiêu hoặc natural_limits "
                "của chỉ tiêu này, hoặc viết “rule: steps”",
                f"nothing says how much of “{source.id}” brings all points; declare a target for it, its "
                "natural_limits, or write “rule: steps”",
            ),
            *at,
        )


def _check_scores(
    item: ScoreItem, source: Kpi, kpi: Kpi, located: Located, at: Path, context: Context
) -> Iterator[Problem]:
    """An item that brings some units no points, whatever they do."""
    for level in kpi.levels:
        if source.kind in STAND_ALONE and level not in source.levels:
            yield located.warning(
                Words(
                    f"“{source.id}” không có số liệu của cấp “{level}”, vì không cộng được từ cấp dưới, nên không bao "
                    f"giờ cho điểm ở cấp này; hãy bỏ “{level}” khỏi levels của “{kpi.id}”, hoặc thêm vào levels của "
                    f"“{source.id}”",
                    f"“{source.id}” has no figures of a {level}, since it cannot be added up from below, so it never "
                    f"scores there; take “{level}” out of the levels of “{kpi.id}”, or add it to those of "
                    f"“{source.id}”",
                ),
                *at,
                "kpi",
            )
    if item.rule in ("ratio", "half") and _has_a_goal(source, context) and not _natural_goal(source):
        aimless = [
            unit.id
            for unit, _ in context.of(OrgUnit)
            if unit.level in kpi.levels and not _has_a_target(source, unit, context)
        ]
        if aimless:
            some = listed(aimless)
            yield located.warning(
                Words(
                    f"“{source.id}” không có mục tiêu cho {some.vi}, nên không bao giờ cho điểm ở đó; hãy khai báo "
                    "mục tiêu, hoặc viết “rule: steps”",
                    f"“{source.id}” has no target for {some.en}, so it never scores there; declare one, or write "
                    "“rule: steps”",
                ),
                *at,
            )
    yield from _check_reach(item, source, located, at)


def _check_reach(item: ScoreItem, source: Kpi, located: Located, at: Path) -> Iterator[Problem]:
    """A table of which no value brings points."""
    high = source.natural_limits.high
    paying = [step for step in item.steps if step.points > 0]
    if item.steps and not any(high is None or step.at_least <= high for step in paying):
        yield located.warning(
            Words(
                f"không giá trị nào của “{source.id}” được điểm theo bảng này; hãy viết điểm lớn hơn 0 cho một bậc có "
                "thể đạt được",
                f"no value of “{source.id}” brings points by this table; write more than 0 points for a step that can "
                "be reached",
            ),
            *at,
            "steps",
        )


def _has_a_target(source: Kpi, unit: OrgUnit, context: Context) -> bool:
    return any(
        target.kpi == source.id and (target.unit == unit.id or target.level == unit.level)
        for target, _ in context.targets
    )


def _has_a_goal(source: Kpi, context: Context) -> bool:
    return any(target.kpi == source.id for target, _ in context.targets) or _natural_goal(source)


def _natural_goal(source: Kpi) -> bool:
    """Whether all that can be had is known without a target."""
    bounded = source.natural_limits.high is not None or source.kind in SHARES or source.kind == "composite"
    return source.direction == "increase" and bounded
