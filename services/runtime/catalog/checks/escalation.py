"""Escalation policies: whether every step can be reached, and somebody can stand on it."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from contracts.catalog import Audience, EscalationPolicy, OrgUnit, Person, Rule
from services.runtime.catalog.checks.context import Context
from services.runtime.catalog.problems import Located, Problem, Words


def check_escalation(context: Context) -> Iterator[Problem]:
    """The policies of each rule, and those that it names."""
    for rule, located in context.of(Rule):
        known = {policy.id for policy in rule.policies}
        for number, policy in enumerate(rule.policies):
            yield from _check_steps(policy, located, number)
        for name, times in Counter(policy.id for policy in rule.policies).items():
            if times > 1:
                yield located.problem(
                    Words(
                        f"quy trình báo cấp trên “{name}” khai báo {times} lần; hãy đặt tên khác cho một quy trình",
                        f"the policy “{name}” is declared {times} times; give one of them another id",
                    ),
                    "policies",
                )
        if rule.policy is not None:
            yield from context.unknown(located, "escalation policy", rule.policy, known, "policy")
        for number, rung in enumerate(rule.ladder):
            if rung.policy is not None:
                yield from context.unknown(located, "escalation policy", rung.policy, known, "ladder", number, "policy")
        yield from _check_holders(context, rule, located)


def _check_steps(policy: EscalationPolicy, located: Located, number: int) -> Iterator[Problem]:
    for index, (one, other) in enumerate(pairwise(policy.steps), start=1):
        if other.after <= one.after:
            yield located.problem(
                Words(
                    f"bước {index + 1} của “{policy.id}” không muộn hơn bước {index}; hãy xếp các bước theo thời gian "
                    "tăng dần, hoặc gộp hai bước làm một",
                    f"step {index + 1} of “{policy.id}” is no later than step {index}; sort the steps by “after”, or "
                    "make the two one",
                ),
                "policies", number, "steps", index, "after",
            )  # fmt: skip
    if policy.skip_to is not None and policy.skip_to > len(policy.steps):
        yield located.problem(
            Words(
                f"“{policy.id}” chỉ có {len(policy.steps)} bước, không có bước {policy.skip_to}; hãy viết số bước có "
                "trong quy trình",
                f"“{policy.id}” has {len(policy.steps)} steps and none of the number {policy.skip_to}; write the "
                "number of one of them",
            ),
            "policies", number, "skip_to",
        )  # fmt: skip


def _check_holders(context: Context, rule: Rule, located: Located) -> Iterator[Problem]:
    """A post may be vacant for a time; a step for which nobody is named anywhere never tells anybody."""
    named = {rule.policy, *(rung.policy for rung in rule.ladder)}
    for number, policy in enumerate(rule.policies):
        for index, step in enumerate(policy.steps if policy.id in named else ()):
            for audience in step.audience:
                if not _holders(context, rule, audience):
                    said = _nobody(policy.id, index + 1, audience)
                    yield located.problem(said, "policies", number, "steps", index, "audience")


def _nobody(policy: str, step: int, audience: Audience) -> Words:
    where = _WHERE[audience.of]
    return Words(
        f"bước {step} của “{policy}” báo cho vai trò “{audience.role}” {where.vi}, nhưng không ai giữ vai trò đó; "
        "hãy khai báo trong people.yaml, hoặc sửa “role”, “of”",
        f"step {step} of “{policy}” tells “{audience.role}” {where.en}, and nobody holds that role there; "
        "name somebody in people.yaml, or correct “role” or “of”",
    )


_WHERE = {
    "unit": Words("của chính đơn vị", "of the unit itself"),
    "parent": Words("của đơn vị cấp trên", "of the unit above"),
    "province": Words("của cấp cao nhất", "of the top of the tree"),
}


def _holders(context: Context, rule: Rule, audience: Audience) -> bool:
    """Whether anybody holds, at any time, the role at a unit of which it may be asked."""
    watched = [unit for unit, _ in context.of(OrgUnit) if not rule.levels or unit.level in rule.levels]
    match audience.of:
        case "unit":
            asked = {unit.id for unit in watched}
        case "parent":
            asked = {parent.unit for unit in watched for parent in unit.parents}
        case "province":
            asked = {unit.id for unit, _ in context.of(OrgUnit) if not unit.parents}
    return any(
        post.role == audience.role and post.unit in asked for person, _ in context.of(Person) for post in person.posts
    )
