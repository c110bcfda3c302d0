"""The crash sweep: a worker dies at each call that it makes, before it or after it, and another one takes over."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.alerts.deciding import Arrived
from services.alerts.ports import RowState
from services.alerts.store import LEFT_LYING
from tests.unit.alerts.builders import LEAD, NOW, PEOPLE, a_catalog, a_record, a_rule
from tests.unit.alerts.fakes import FakeAlerts, FakeGroups, FakeMails, FakeProducer, FakeTimes, FakeWire
from tests.unit.alerts.service import Service, World

MINUTE = timedelta(minutes=1)
BATCHES = (
    [Arrived(a_record(0.7), NOW), Arrived(a_record(0.6, org_unit="huyen-a.xa-quang-hoa"), NOW)],
    [Arrived(a_record(0.45, version=2), NOW + 5 * MINUTE)],
    [Arrived(a_record(0.97, version=3), NOW + 9 * MINUTE)],
)


class Killed(BaseException):
    """The process is gone; nobody catches this."""


class Deadly:
    """Passes every call on, and dies at the one whose number comes up. Counts over all objects that share `calls`."""

    def __init__(self, inner: object, calls: list[str], at: int, before: bool) -> None:
        self._inner, self._calls, self._at, self._before = inner, calls, at, before

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def call(*args: Any, **named: Any) -> Any:
            self._calls.append(f"{type(self._inner).__name__}.{name}")
            mine = len(self._calls) == self._at
            if mine and self._before:
                raise Killed
            answer = await method(*args, **named)
            if mine:
                raise Killed
            return answer

        return call


def a_world() -> World:
    step = {"after": 7 * MINUTE, "audience": [{"role": "lead", "of": "province"}]}
    policy = {"id": "upwards", "name_vi": "Báo cấp trên", "steps": [step]}
    rule = a_rule(group_wait=timedelta(0), policy="upwards", policies=[policy])
    return World(a_catalog(rules=[rule], people=(*PEOPLE, LEAD)))


def deadly(world: World, at: int, before: bool) -> tuple[World, list[str]]:
    """The same world, through which a worker will die at its `at`-th call."""
    calls: list[str] = []

    def wrapped(inner: object) -> Any:
        return Deadly(inner, calls, at, before)

    doomed = replace(
        world,
        alerts=cast(FakeAlerts, wrapped(world.alerts)),
        groups=cast(FakeGroups, wrapped(world.groups)),
        mails=cast(FakeMails, wrapped(world.mails)),
        times=cast(FakeTimes, wrapped(world.times)),
        producer=cast(FakeProducer, wrapped(world.producer)),
        wire=cast(FakeWire, wrapped(world.wire)),
    )
    return doomed, calls


async def play(service: Service) -> None:
    """The whole story, from the first batch to the last mail; batches that were handled before come again."""
    for batch in BATCHES:
        await service.takes(batch)
        await service.stages.relay_fresh()
        await service.flusher.flush(service.clock.now())
        await service.sends()
    await service.until(NOW + 60 * MINUTE)


async def recover(world: World) -> None:
    """Another worker, seconds later: leases have run out, and what lies in outboxes is anybody's."""
    past = datetime.now(UTC) - 2 * LEFT_LYING
    for entries in world.alerts.events.values():
        for entry in entries:
            entry["written"] = past
    for one, waiting in world.groups.outbox.items():
        world.groups.outbox[one] = [(past, mail) for _, mail in waiting]
    for row in world.mails.documents.values():
        row["until"] = past
    service = Service(world)
    await service.stages._relay.relay(None)
    await service.flusher.sweep()
    await play(service)


def told(world: World) -> dict[str, int]:
    """Message-ID → how often the relay took it."""
    return Counter(str(mail["Message-ID"]) for _, mail in world.wire.taken)


async def run(at: int, before: bool) -> tuple[World, list[str]]:
    world = a_world()
    doomed, calls = deadly(world, at, before)
    try:
        await play(Service(doomed))
    except Killed:
        await recover(world)
    return world, calls


@pytest.fixture(scope="module")
def quiet() -> tuple[World, list[str]]:
    """The story when nobody dies, and every call that it made."""
    return asyncio.run(run(0, before=True))


def test_the_story_has_many_points_to_die_at(quiet: tuple[World, list[str]]) -> None:
    world, calls = quiet
    assert len(calls) > 60
    assert {"FakeAlerts.save", "FakeGroups.save", "FakeMails.put", "FakeMails.finish", "FakeWire.send"} <= set(calls)
    assert set(told(world).values()) == {1}
    assert "ESCALATED" in {str(mail["X-KPI-Reason"]) for _, mail in world.wire.taken}
    assert all(row["state"] == RowState.SENT for row in world.mails.documents.values())


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_wherever_a_worker_dies_every_decided_mail_arrives(quiet: tuple[World, list[str]], before: bool) -> None:
    expected, calls = quiet
    transitions = {dict(record.headers)["ce_id"] for record in expected.producer.published}
    for at, call in enumerate(calls, start=1):
        world, _ = asyncio.run(run(at, before))
        where = f"killed {'before' if before else 'after'} call {at}, {call}"
        assert all(row["state"] == RowState.SENT for row in world.mails.documents.values()), where
        arrived = told(world)
        assert set(arrived) == {str(row["mail"]["message_id"]) for row in world.mails.documents.values()}, where
        copies = sum(arrived.values()) - len(arrived)
        assert copies <= (call in ("FakeWire.send", "FakeMails.finish")), where
        assert {dict(record.headers)["ce_id"] for record in world.producer.published} == transitions, where
        bodies: dict[str, set[bytes]] = {}
        for to, raw in world.wire.tries:
            bodies.setdefault(raw.split(b"Message-ID: ")[1].split(b"\r\n")[0].decode() + to, set()).add(raw)
        assert all(len(versions) == 1 for versions in bodies.values()), where
        for document in world.groups.documents.values():
            firing = {one for one, m in document["state"]["members"].items() if m["close_reason"] is None}
            assert set(document["state"]["told"]) == firing, where
