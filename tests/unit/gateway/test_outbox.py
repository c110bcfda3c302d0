import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from services.gateway.outbox import AT_ONCE, SHARE, Outbox, Overloaded
from services.runtime.errors import Transient
from services.runtime.kafka.producer import Outgoing


class FakeBroker:
    """Acknowledges when told to; keeps what each publish carried."""

    def __init__(self) -> None:
        self.carried: list[list[bytes]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.away = False
        self.fails_from: int | None = None

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        assert topic == "t"
        await self.answers.wait()
        if self.away or (self.fails_from is not None and len(self.carried) >= self.fails_from):
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


def many(name: str, count: int) -> list[Outgoing]:
    return records(*(f"{name}{number}" for number in range(count)))


async def test_a_long_parcel_goes_in_turns_and_who_comes_meanwhile_does_not_wait_for_its_end() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 10_000_000)
    async with running(outbox):
        ended: list[str] = []

        async def submit(name: str, what: list[Outgoing]) -> None:
            await outbox.submit(what)
            ended.append(name)

        long = asyncio.create_task(submit("long", many("l", 2 * SHARE + 1)))
        await asyncio.sleep(0.01)
        short = asyncio.create_task(submit("short", records("s")))
        await asyncio.sleep(0.01)
        broker.answers.set()
        await asyncio.gather(long, short)
    assert ended == ["short", "long"]
    assert [len(turn) for turn in broker.carried] == [SHARE, SHARE + 1, 1]
    assert [key for turn in broker.carried for key in turn if key != b"s"] == [
        one.key for one in many("l", 2 * SHARE + 1)
    ]


async def test_of_many_long_parcels_no_turn_is_longer_than_allowed_and_none_is_left_behind() -> None:
    broker = FakeBroker()
    outbox = Outbox(broker, "t", 10_000_000)
    async with running(outbox):
        await asyncio.gather(*(outbox.submit(many(name, 2_500)) for name in "abcdefg"))
    assert max(len(turn) for turn in broker.carried) == AT_ONCE
    carried = [key for turn in broker.carried for key in turn]
    for name in "abcdefg":
        assert [key for key in carried if key.startswith(name.encode())] == [one.key for one in many(name, 2_500)]


async def test_a_failure_in_a_later_turn_fails_the_whole_parcel_and_nothing_of_it_goes_on() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 10_000_000)
    async with running(outbox):
        long = asyncio.create_task(outbox.submit(many("l", 3 * SHARE)))
        await asyncio.sleep(0.01)
        broker.fails_from = 1
        broker.answers.set()
        with pytest.raises(Transient):
            await long
        broker.fails_from = None
        await outbox.submit(records("s"))
    assert [len(turn) for turn in broker.carried] == [SHARE, 1]


async def test_nothing_more_goes_out_for_a_caller_who_has_gone_away() -> None:
    broker = FakeBroker()
    broker.answers.clear()
    outbox = Outbox(broker, "t", 10_000_000)
    async with running(outbox):
        long = asyncio.create_task(outbox.submit(many("l", 3 * SHARE)))
        await asyncio.sleep(0.01)
        long.cancel()
        broker.answers.set()
        await outbox.submit(records("s"))
    assert [len(turn) for turn in broker.carried] == [SHARE, 1]
