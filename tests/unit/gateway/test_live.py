import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from pymongo.errors import AutoReconnect

from services.gateway import live
from services.gateway.live import QUEUE, RESET, Hub, Signal


def a_signal(number: int) -> Signal:
    return Signal("progress", {"number": number}, f"id{number}")


async def take(hub: Hub, count: int, last_id: str | None = None) -> list[Signal]:
    found: list[Signal] = []
    async with asyncio.timeout(2):
        async for signal in hub.listen(last_id):
            found.append(signal)
            if len(found) == count:
                break
    return found


async def listening(hub: Hub, count: int, last_id: str | None = None) -> "asyncio.Task[list[Signal]]":
    task = asyncio.create_task(take(hub, count, last_id))
    await asyncio.sleep(0)
    return task


async def test_everybody_hears_everything() -> None:
    hub = Hub()
    both = [await listening(hub, 2), await listening(hub, 2)]
    hub.tell(a_signal(1))
    hub.tell(a_signal(2))
    assert await asyncio.gather(*both) == [[a_signal(1), a_signal(2)]] * 2


async def test_who_comes_back_is_told_what_was_missed() -> None:
    hub = Hub()
    for number in range(5):
        hub.tell(a_signal(number))
    assert await take(hub, 2, "id2") == [a_signal(3), a_signal(4)]


async def test_who_was_away_too_long_reads_everything_again() -> None:
    hub = Hub()
    hub.begin()
    hub.tell(a_signal(1))
    assert await take(hub, 1, "of another time") == [RESET]


async def test_who_has_read_everything_now_misses_nothing_later() -> None:
    hub = Hub()
    hub.begin()
    after = hub.latest
    hub.tell(a_signal(1))
    assert await take(hub, 1, after) == [a_signal(1)]


async def test_a_client_that_does_not_keep_up_gets_a_reset_and_bounded_memory() -> None:
    hub = Hub()
    task = await listening(hub, 2)
    for number in range(QUEUE + 5):
        hub.tell(a_signal(number))
    assert await task == [RESET, a_signal(QUEUE + 1)]


async def test_closing_ends_all_streams_and_those_that_come_later() -> None:
    hub = Hub()
    task = await listening(hub, 1)
    hub.close()
    assert await task == []
    assert await take(hub, 1) == []


class FlakyChanges:
    """A change stream that breaks once."""

    def __init__(self) -> None:
        self.times = 0
        self.hold = asyncio.Event()

    async def changes(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        self.times += 1
        yield "", {}
        if self.times == 1:
            yield "one", {"topic": "progress", "provinces": ["p"], "kpis": ["k"]}
            raise AutoReconnect("gone")
        await self.hold.wait()


async def test_when_the_database_was_away_everybody_reads_again() -> None:
    hub = Hub()
    task = await listening(hub, 2)
    following = asyncio.create_task(live.follow(FlakyChanges(), hub, pause_s=0.01))
    first, second = await task
    assert (first.kind, first.id, first.data["kpis"]) == ("progress", "one", ["k"])
    assert second == RESET
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
