"""Waiting for a dependency: it ends, one way or another."""

import asyncio

import pytest

from services.runtime.errors import StartError, Stopped
from services.runtime.waiting import Waiting


async def test_waiting_ends_with_the_first_try_that_succeeds() -> None:
    tries = 0
    async for _ in Waiting(5, asyncio.Event()).tries("The broker", "TIENDO_KAFKA_BOOTSTRAP"):
        tries += 1
        if tries == 2:
            break
    assert tries == 2


async def refused(waiting: Waiting) -> None:
    async for _ in waiting.tries("The broker", "TIENDO_KAFKA_BOOTSTRAP"):
        waiting.because("refused")


async def test_when_time_is_up_the_setting_and_the_last_reason_are_named() -> None:
    with pytest.raises(StartError, match=r"broker did not answer within 0\.6 s \(refused\).*TIENDO_KAFKA_BOOTSTRAP"):
        await refused(Waiting(0.6, asyncio.Event()))


async def test_a_stop_ends_the_waiting_at_once() -> None:
    stopping = asyncio.Event()
    stopping.set()
    with pytest.raises(Stopped):
        await refused(Waiting(60, stopping))
