"""People, publishers and rules: whether those they name exist."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise

from contracts.catalog import Kpi, Person, Publisher, Rule
from services.runtime.catalog.checks.context import Context, ends_before_it_begins, overlap
from services.runtime.catalog.checks.kpis import check_share_of_one
from services.runtime.catalog.problems import Located, Problem, Words

_OURS = "tiendo"
"""How the principals and consumer groups of the services begin."""

_MILDEST_FIRST = ("watch", "behind", "critical")


def check_people(context: Context) -> Iterator[Problem]:
    """Every post is at a unit that exists, and held once."""
    for person, located in context.of(Person):
        for number, post in enumerate(person.posts):
            yield from context.unknown(located, "unit", post.unit, context.units, "posts", number, "unit")
            yield from ends_before_it_begins(located, post, "posts", number)
        for one, other in combinations(person.posts, 2):
            if (one.role, one.unit) == (other.role, other.unit) and overlap(one, other):
                yield located.problem(
                    Words(
                        f"“{person.id}” giữ vai trò “{one.role}” của “{one.unit}” hai lần; hãy chỉ viết một lần",
                        f"“{person.id}” holds “{one.role}” of “{one.unit}” twice; write it once",
                    ),
                    "posts",
                )
        if not person.posts:
            yield located.problem(
                Words(
                    f"“{person.id}” không giữ chức vụ nào, không nhận được thư; hãy thêm dưới “posts:”, hoặc bỏ đi",
                    f"“{person.id}” holds no post and gets no mail; add one under “posts:”, or take them out",
                )
            )


def check_publishers(context: Context) -> Iterator[Problem]:
    """KPIs and units exist; a source speaks for one publisher at a time, and a principal writes for one."""
    speakers: dict[str, list[tuple[Publisher, Located]]] = defaultdict(list)
    writers: dict[str, tuple[Publisher, Located]] = {}
    for publisher, located in context.of(Publisher):
        yield from ends_before_it_begins(located, publisher)
        for number, kpi in enumerate(publisher.kpis):
            yield from context.unknown(located, "KPI", kpi, {*context.kpis, "*"}, "kpis", number)
        for number, unit in enumerate(publisher.units):
            yield from context.unknown(located, "unit", unit, {*context.units, "*"}, "units", number)
        if publisher.principal is not None:
            before, _ = writers.setdefault(publisher.principal, (publisher, located))
            yield from _check_principal(context, publisher, located, publisher.principal, before)
        for number, source in enumerate(publisher.sources):
            speakers[source].append((publisher, located))
            if ":" not in source and not source.startswith("/"):
                yield located.problem(
                    Words(
                        f"“{source}” không phải URI; hãy viết “urn:tiendo:source:<province>:{source}”",
                        f"“{source}” is no URI; write “urn:tiendo:source:<province>:{source}”",
                    ),
                    "sources",
                    number,
                )
    for source, claims in speakers.items():
        for (one, _), (other, located) in pairwise(claims):
            if overlap(one, other):
                yield located.problem(
                    Words(
                        f"nguồn “{source}” cùng lúc thuộc về “{one.id}” và “{other.id}”; hãy bỏ khỏi một bên",
                        f"the source “{source}” belongs to “{one.id}” and to “{other.id}” at once; remove it from one",
                    ),
                    "sources",
                )


def _check_principal(
    context: Context, publisher: Publisher, located: Located, principal: str, before: Publisher
) -> Iterator[Problem]:
    if before is not publisher:
        yield located.problem(
            Words(
                f"“{before.id}” và “{publisher.id}” dùng chung principal “{principal}”, broker không phân biệt được; "
                "hãy cho mỗi bên một principal riêng",
                f"the principal “{principal}” is that of “{before.id}” and of “{publisher.id}”, so that the broker "
                "cannot tell them apart; give each its own",
            ),
            "principal",
        )
    if principal.startswith(_OURS) or principal == "ANONYMOUS":
        yield located.problem(
            Words(
                f"“{principal}” không dùng được làm principal của nơi gửi số liệu; hãy đặt tên riêng, không bắt đầu "
                f"bằng “{_OURS}”",
                f"“{principal}” is no name for a publisher's principal; write one of its own, that does not begin with "
                f"“{_OURS}”",
            ),
            "principal",
        )
    if context.province is not None and "." in context.province.id:
        yield located.problem(
            Words(
                f"không đặt được tên topic cho “{publisher.id}”, vì mã tỉnh “{context.province.id}” có dấu chấm; hãy "
                "bỏ principal, hoặc đặt mã tỉnh không có dấu chấm",
                f"a topic of “{publisher.id}” cannot be named, since the id of the province, “{context.province.id}”, "
                "has a dot; remove the principal, or give the province an id without dots",
            ),
            "principal",
        )


def check_rules(context: Context) -> Iterator[Problem]:
    """Selectors, ladders and audiences of the rules."""
    pillars = {kpi.pillar for kpi, _ in context.of(Kpi)}
    for rule, located in context.of(Rule):
        for name in ("kpis", "excluded"):
            for number, kpi in enumerate(getattr(rule.selector, name)):
                yield from context.unknown(located, "KPI", kpi, context.kpis, "selector", name, number)
        for number, pillar in enumerate(rule.selector.pillars):
            yield from context.unknown(located, "pillar", pillar, pillars, "selector", "pillars", number)
        for number, level in enumerate(rule.levels):
            yield from context.unknown(located, "level", level, context.levels, "levels", number)
        for number, audience in enumerate(rule.audience):
            yield from context.unknown(
                located, "role held by anybody,", audience.role, context.roles, "audience", number, "role"
            )
        yield from _check_ladder(rule, located)
        for name, hold in (("pending_for", rule.pending_for), ("keep_firing_for", rule.keep_firing_for)):
            if hold.forms > 1:
                yield located.problem(
                    Words(
                        f"“{name}” dùng lẫn observations, data_span và settle, vốn tính theo các cách khác nhau; hãy "
                        "giữ một",
                        f"“{name}” mixes observations, data_span and settle, which count on different clocks; "
                        "keep one of them",
                    ),
                    name,
                )


def _check_ladder(rule: Rule, located: Located) -> Iterator[Problem]:
    for number, rung in enumerate(rule.ladder):
        at = ("ladder", number)
        for name in ("fire", "clear"):
            yield from check_share_of_one(getattr(rung, name), located, *at, name)
        if rung.clear is None:
            yield located.warning(
                Words(
                    f"mức “{rung.severity}” báo và hết báo ở cùng ngưỡng ({rung.fire}), nên có thể bật tắt liên tục; "
                    "hãy thêm “clear:” cao hơn",
                    f"“{rung.severity}” clears where it fires ({rung.fire}), so it may flap; add a higher “clear:”",
                ),
                *at,
            )
        elif rung.clear < rung.fire:
            yield located.problem(
                Words(
                    f"mức “{rung.severity}” hết báo ở {rung.clear}, thấp hơn ngưỡng báo {rung.fire}; hãy viết “clear:” "
                    f"ít nhất là {rung.fire}",
                    f"“{rung.severity}” clears at {rung.clear}, below {rung.fire} where it fires; "
                    f"write a clear of at least {rung.fire}",
                ),
                *at,
                "clear",
            )
    ranks = [_MILDEST_FIRST.index(rung.severity) for rung in rule.ladder]
    if ranks != sorted(set(ranks)):
        yield located.problem(
            Words(
                "các mức phải theo thứ tự watch, behind, critical, mỗi mức nhiều nhất một lần; hãy xếp lại",
                "the ladder must go watch, behind, critical, each at most once; sort it",
            ),
            "ladder",
        )
    for number, (milder, graver) in enumerate(pairwise(rule.ladder)):
        if graver.fire >= milder.fire:
            yield located.problem(
                Words(
                    f"mức “{graver.severity}” báo ở {graver.fire}, không thấp hơn mức “{milder.severity}” "
                    f"({milder.fire}); hãy viết số thấp hơn",
                    f"“{graver.severity}” fires at {graver.fire}, not below “{milder.severity}” ({milder.fire}); "
                    "write a lower one",
                ),
                "ladder",
                number + 1,
                "fire",
            )
