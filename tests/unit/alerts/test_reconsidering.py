"""When the catalog changes, what a rule no longer says is over at once, without another figure."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from contracts.alerts import CloseReason, Severity
from contracts.catalog import Hold, Rule, Threshold
from services.alerts.alert import Condition
from services.alerts.decide import Decision, Reconsidered, Row, decide
from tests.unit.alerts.builders import NOW, Story, a_catalog, a_record, a_rule
from tests.unit.alerts.service import Service, World

MINUTE = timedelta(minutes=1)
MANAGER = "chu-tich@tan-phu.example"
SAME = Reconsidered(watched=True, there=True)


def reconsidered(story: Story, rule: Rule | None, catalog: Reconsidered = SAME) -> Decision:
    decision = decide(story.alert, rule, catalog, story.now)
    again = decide(decision.alert, rule, catalog, story.now)
    assert (again.effects, again.alert) == ((), decision.alert)
    return decision


def lenient(fire: str = "0.60") -> Rule:
    return a_rule(ladder=(Threshold(severity="behind", fire=Decimal(fire), clear=Decimal(fire)),))


@pytest.mark.parametrize(
    ("rule", "catalog", "row", "reason"),
    [
        (None, SAME, Row.C17, CloseReason.RULE_DISABLED),
        (a_rule(), replace(SAME, watched=False), Row.C17_ELSEWHERE, CloseReason.RULE_IDENTITY_CHANGED),
        (a_rule(), Reconsidered(watched=False, there=False), Row.C17_NO_UNIT, CloseReason.ORG_UNIT_RETIRED),
        (lenient(), SAME, Row.C17_CHANGED, CloseReason.RULE_CHANGED),
    ],
)
def test_an_episode_that_no_rule_would_have_any_more_ends_with_the_reason(
    rule: Rule | None, catalog: Reconsidered, row: Row, reason: CloseReason
) -> None:
    decision = reconsidered(Story().sees(0.77), rule, catalog)
    assert (decision.row, decision.alert.close_reason) == (row, reason)
    assert [effect.wire.type.value for effect in decision.effects] == ["closed"]
    assert decision.alert.next_due_at is None


def test_a_rule_by_which_it_is_still_behind_changes_nothing() -> None:
    story = Story().sees(0.77)
    decision = reconsidered(story, lenient("0.80"))
    assert (decision.row, decision.alert) == (Row.NOT_DUE, story.alert)


def test_an_episode_that_was_told_is_not_demoted_by_a_longer_wait() -> None:
    decision = reconsidered(Story().sees(0.77), a_rule(pending_for=Hold(observations=3)))
    assert decision.alert.condition is Condition.FIRING


def test_a_severity_that_the_ladder_no_longer_has_gives_way_to_one_that_it_has() -> None:
    story = Story().sees(0.77)
    assert story.severity() is Severity.BEHIND
    decision = reconsidered(story, a_rule(ladder=(Threshold(severity="watch", fire=Decimal("0.90")),)))
    assert (decision.alert.severity, decision.effects) == (Severity.WATCH, ())


def test_what_only_waits_ends_in_silence() -> None:
    story = Story(a_rule(pending_for=Hold(observations=3))).sees(0.77)
    decision = reconsidered(story, None)
    assert (decision.row, decision.effects, decision.alert.condition) == (Row.C17, (), Condition.INACTIVE)


def test_a_wait_whose_length_changed_has_another_timer() -> None:
    story = Story(a_rule(pending_for=Hold(settle=timedelta(hours=6)))).sees(0.77)
    decision = reconsidered(story, a_rule(pending_for=Hold(settle=timedelta(hours=9))))
    assert decision.alert.next_due_at == story.now + timedelta(hours=9)


async def test_who_was_told_hears_once_that_the_rule_was_switched_off_whoever_of_two_workers_sees_it() -> None:
    world = World(a_catalog(rules=[a_rule(group_wait=timedelta(0))]))
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.until(NOW + MINUTE)
    assert world.wire.reasons(MANAGER) == ["FIRST"]
    world.catalog = a_catalog(rules=[a_rule(group_wait=timedelta(0), enabled=False)])
    for worker in (Service(world, start=NOW + MINUTE), Service(world, start=NOW + MINUTE)):
        await worker.stages.look(NOW + 2 * MINUTE)
        await worker.until(NOW + 3 * MINUTE)
    assert world.wire.reasons(MANAGER) == ["FIRST", "CLOSED_OTHER"]
    body = world.wire.taken[-1][1].get_body(("plain",))
    assert body is not None
    assert "quy tắc cảnh báo đã tắt" in body.get_content().replace("\n", " ")


async def test_a_catalog_that_was_looked_at_is_not_looked_at_again() -> None:
    world = World(a_catalog(rules=[a_rule(group_wait=timedelta(0))]))
    service = Service(world)
    await service.sees(a_record(0.7), at=NOW)
    await service.stages.look(NOW + MINUTE)
    pages = world.alerts.pages
    assert pages > 0
    await service.stages.look(NOW + 2 * MINUTE)
    assert world.alerts.pages == pages
