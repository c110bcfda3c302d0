import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from services.gateway.outbox import Outbox, Overloaded
from services.runtime.errors import Transient
from services.runtime.kafka.producer import Outgoing


class FakeBroker:
    """Acknowledges when told to; keeps what each publish carried."""

    def __init__(self) -> None:
        self.carried: list[list[bytes]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.away = False

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        assert topic == "t"
        await self.answers.wait()
        if self.away:
            raise Transient("away")
        self.carried.append([record.key for record in records])


@asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def records(*keys: str) -> list[Outgoing]:
    return [Outgoing(key.encode(), b"12345") for key in keys]


async def test_an_answer_comes_only_after_the_acknowledgement() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 100)
    async with running(outbox):
        waiting = asyncio.create_task(outbox.submit(records("a")))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        broker.answers.set()
        await waiting
    assert broker.carried == [[b"a"]]


async def test_those_who_come_meanwhile_go_out_together() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 100)
    async with running(outbox):
        first = asyncio.create_task(outbox.submit(records("a")))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(outbox.submit(records(key))) for key in "bcd"]
        await asyncio.sleep(0.01)
        broker.answers.set()
        await asyncio.gather(first, *others)
    assert broker.carried == [[b"a"], [b"b", b"c", b"d"]]


async def test_a_broker_that_is_away_fails_those_who_wait_and_not_those_after() -> None:
    broker = FakeBroker()
    broker.away = True
    outbox = Outbox(broker, "t", 100)
    async with running(outbox):
        with pytest.raises(Transient):
            await outbox.submit(records("a"))
        broker.away = False
        await outbox.submit(records("a"))
    assert broker.carried == [[b"a"]]


async def test_too_much_that_waits_is_refused_at_once() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 12)
    async with running(outbox):
        waiting = asyncio.create_task(outbox.submit(records("a", "b")))
        await asyncio.sleep(0.01)
        with pytest.raises(Overloaded):
            await outbox.submit(records("c"))
        broker.answers.set()
        await waiting
        await outbox.submit(records("c"))


async def test_whoever_still_waits_when_it_stops_is_told_so() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 100)
    async with running(outbox):
        waiting = asyncio.create_task(outbox.submit(records("a")))
        await asyncio.sleep(0.01)
    with pytest.raises(ConnectionError):
        await waiting


async def test_draining_waits_for_what_is_under_way() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 100)
    async with running(outbox):
        waiting = asyncio.create_task(outbox.submit(records("a")))
        await asyncio.sleep(0.01)
        draining = asyncio.create_task(outbox.drain())
        await asyncio.sleep(0.01)
        assert not draining.done()
        broker.answers.set()
        await draining
        await waiting
