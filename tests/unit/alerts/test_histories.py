"""Random histories: whatever happens, the promises to recipients hold."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.catalog import Hold
from services.alerts.auditing import audit
from services.alerts.deciding import Arrived
from services.alerts.grouping import ENDINGS
from tests.unit.alerts.builders import LEAD, NOW, PEOPLE, UPWARDS, Story, a_catalog, a_record, a_rule
from tests.unit.alerts.fakes import FakeBooks
from tests.unit.alerts.service import Service, World

CLIMBS: dict[str, Any] = {"policy": "upwards", "policies": (UPWARDS,)}

UNITS = ("huyen-a.xa-tan-phu", "huyen-a.xa-quang-hoa", "huyen-a.xa-dak-rmang")

paces = st.one_of(st.none(), st.sampled_from([0.2, 0.45, 0.55, 0.7, 0.82, 0.88, 0.9, 0.92, 0.95, 1.0, 1.3]))
steps = st.tuples(st.sampled_from(UNITS), paces, st.integers(0, 1_500))
histories = st.lists(steps, max_size=14)


@given(st.lists(paces, max_size=30))
def test_there_is_at_most_one_open_episode_and_each_ends_before_the_next(history: Sequence[float | None]) -> None:
    story = Story()
    for pace in history:
        story.sees(pace)
    open_now = 0
    for kind in story.types:
        open_now += {"opened": 1, "closed": -1}.get(kind, 0)
        assert open_now in (0, 1)
        assert kind != "worsened" or open_now == 1
    assert open_now == (story.alert.open is not None)
    seqs = [effect.wire.seq for decision in story.decisions for effect in decision.effects]
    assert seqs == list(range(1, len(seqs) + 1))


@given(st.lists(paces, max_size=20))
def test_once_the_rule_clears_nothing_stays_open(history: Sequence[float | None]) -> None:
    story = Story()
    for pace in [*history, 1.0]:
        story.sees(pace)
    assert story.alert.open is None
    assert story.types.count("opened") == story.types.count("closed")


@given(st.lists(paces, max_size=12), st.data())
def test_versions_that_come_again_in_any_order_change_nothing(
    history: Sequence[float | None], data: st.DataObject
) -> None:
    story = Story()
    records = []
    for pace in history:
        story.sees(pace)
        records.append(a_record(pace, version=story.version))
    before, told = story.alert, len(story.types)
    for record in data.draw(st.permutations(records)):
        story.decides(record)
    assert len(story.types) == told
    assert (story.alert.head, story.alert.open, story.alert.episode) == (before.head, before.open, before.episode)


@settings(max_examples=60)
@given(histories, st.booleans(), st.integers(1, 6), st.booleans())
def test_who_was_told_that_it_fires_is_told_how_it_ended(
    history: list[tuple[str, float | None, int]], waits: bool, size: int, climbs: bool
) -> None:
    world = asyncio.run(_play(history, waits, size, all_clear=True, **(CLIMBS if climbs else {})))
    for document in world.groups.documents.values():
        assert document["state"]["told"] == {}
        assert not any(member["close_reason"] is None for member in document["state"]["members"].values())
    assert not any(entries for entries in world.alerts.events.values())
    assert asyncio.run(audit(FakeBooks(world.alerts, world.groups, world.mails))) == []
    by_person: dict[str, list[str]] = {}
    for to, mail in world.wire.taken:
        by_person.setdefault(to, []).append(str(mail["X-KPI-Reason"]))
    for reasons in by_person.values():
        assert reasons[0] in ("FIRST", "ESCALATED")
        assert reasons[-1] in ENDINGS


@settings(max_examples=40)
@given(histories, st.integers(1, 6), st.booleans())
def test_a_replay_by_another_worker_adds_no_mail_and_no_transition(
    history: list[tuple[str, float | None, int]], size: int, climbs: bool
) -> None:
    rule: dict[str, Any] = CLIMBS if climbs else {}
    world = asyncio.run(_play(history, False, size, all_clear=False, **rule))
    mails, transitions = len(world.wire.taken), len(world.producer.published)
    asyncio.run(_play(history, False, 1, all_clear=False, world=world, **rule))
    assert (len(world.wire.taken), len(world.producer.published)) == (mails, transitions)


holds = st.sampled_from([Hold(), Hold(observations=2), *(Hold(settle=timedelta(hours=hours)) for hours in (2, 9))])


@settings(max_examples=60)
@given(histories, st.integers(2, 6), holds, holds, st.booleans())
def test_the_size_of_a_batch_changes_nothing(
    history: list[tuple[str, float | None, int]], size: int, pending: Hold, keep: Hold, climbs: bool
) -> None:
    rule: dict[str, Any] = {"pending_for": pending, "keep_firing_for": keep, **(CLIMBS if climbs else {})}
    one = asyncio.run(_play(history, True, 1, all_clear=True, **rule))
    other = asyncio.run(_play(history, True, size, all_clear=True, **rule))
    assert _told(one) == _told(other)


def _told(world: World) -> list[tuple[str, str, str, str]]:
    return sorted((to, str(m["Message-ID"]), str(m["Date"]), str(m["X-KPI-Reason"])) for to, m in world.wire.taken)


async def _play(
    history: list[tuple[str, float | None, int]],
    waits: bool,
    size: int,
    *,
    all_clear: bool,
    world: World | None = None,
    **rule: object,
) -> World:
    """Play a history of (unit, pace, minutes since the last) in batches, then let an hour pass."""
    wait = timedelta(minutes=10) if waits else timedelta(0)
    catalog = a_catalog(rules=[a_rule(group_wait=wait, **rule)], people=(*PEOPLE, LEAD))
    service = Service(world or World(catalog))
    versions = dict.fromkeys(UNITS, 0)
    now, batch = NOW, []
    clearing: list[tuple[str, float | None, int]] = [(unit, 1.0, 60) for unit in UNITS] if all_clear else []
    for unit, pace, minutes in [*history, *clearing]:
        now += timedelta(minutes=minutes)
        versions[unit] += 1
        batch.append(Arrived(a_record(pace, version=versions[unit], org_unit=unit), now))
    for first in range(0, len(batch), size):
        await service.takes(batch[first : first + size])
    await service.until(now + timedelta(hours=1))
    return service.world
