"""Keys in memory: asked for once in a while, and their use noted once a minute."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.gateway.key_store import USED_EVERY
from services.gateway.keyring import Keyring
from services.gateway.keys import Key
from tests.unit.gateway.fake_keys import FakeKeys, a_key

FRESH_S = 5.0
NOW = datetime(2026, 1, 15, tzinfo=UTC)
MADE = a_key("edoc", now=NOW)


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def a_ring(*made: Key) -> tuple[FakeKeys, Time, Keyring]:
    store, clock = FakeKeys(), Time()
    store.kept = {key.id: key for key in made}
    return store, clock, Keyring(store, FRESH_S, clock)


async def test_a_known_key_costs_no_question_until_it_is_no_longer_fresh() -> None:
    store, clock, ring = a_ring(MADE.key)
    for _ in range(100):
        assert await ring.find(MADE.key.id) == MADE.key
    assert store.asked == 1
    clock.now += FRESH_S - 0.1
    await ring.find(MADE.key.id)
    assert store.asked == 1
    clock.now += 0.1
    await ring.find(MADE.key.id)
    assert store.asked == 2


async def test_a_revoked_key_is_seen_as_revoked_once_it_is_no_longer_fresh() -> None:
    store, clock, ring = a_ring(MADE.key)
    await ring.find(MADE.key.id)
    store.revoke(MADE.text)
    clock.now += FRESH_S
    found = await ring.find(MADE.key.id)
    assert found is not None
    assert found.revoked is not None


async def test_many_who_ask_at_once_are_one_question() -> None:
    store, _, ring = a_ring(MADE.key)
    found = await asyncio.gather(*(ring.find(MADE.key.id) for _ in range(50)))
    assert found == [MADE.key] * 50
    assert store.asked == 1


async def test_whoever_gives_up_waiting_leaves_the_others_their_answer() -> None:
    store, _, ring = a_ring(MADE.key)
    gives_up, waits = (asyncio.create_task(ring.find(MADE.key.id)) for _ in range(2))
    await asyncio.sleep(0)
    gives_up.cancel()
    assert await waits == MADE.key
    assert store.asked == 1


async def test_ids_that_nobody_has_are_not_remembered() -> None:
    store, _, ring = a_ring()
    for number in range(50):
        assert await ring.find(f"{number:012}") is None
    assert store.asked == 50
    store.kept["000000000049"] = MADE.key
    assert await ring.find("000000000049") == MADE.key


async def test_an_answer_is_as_old_as_its_question() -> None:
    store, clock, ring = a_ring(MADE.key)

    class Slow(FakeKeys):
        async def find(self, key_id: str) -> Key | None:
            found = await store.find(key_id)
            clock.now += 3.0
            return found

    ring = Keyring(Slow(), FRESH_S, clock)
    await ring.find(MADE.key.id)
    clock.now += 2.0
    await ring.find(MADE.key.id)
    assert store.asked == 2


async def test_a_use_is_noted_once_a_minute_and_nobody_waits_for_it() -> None:
    store, _, ring = a_ring(MADE.key)
    for second in range(150):
        ring.used(MADE.key, NOW + timedelta(seconds=second))
    assert store.noted == []
    await asyncio.sleep(0)
    assert [at for _, at in store.noted] == [NOW, NOW + USED_EVERY, NOW + 2 * USED_EVERY]


@pytest.mark.parametrize(("ago", "noted"), [(59, 0), (60, 1)])
async def test_a_use_that_another_process_noted_counts(ago: int, noted: int) -> None:
    store, _, ring = a_ring()
    ring.used(replace(MADE.key, last_used=NOW - timedelta(seconds=ago)), NOW)
    await asyncio.sleep(0)
    assert len(store.noted) == noted
