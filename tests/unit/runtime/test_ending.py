"""Ending tasks for certain."""

import asyncio

from services.runtime.ending import end, whereabouts


async def swallowing(times: int) -> None:
    """As a loop around something that loses cancellations does."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            times -= 1
            if times < 0:
                raise


async def failing() -> None:
    raise RuntimeError("over")


async def started(*work: asyncio.Task[None]) -> tuple[asyncio.Task[None], ...]:
    await asyncio.sleep(0)
    return work


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    tasks = await started(*(asyncio.create_task(swallowing(times)) for times in (0, 1, 2)))
    assert await end(tasks, within_s=10) == set()
    assert all(task.cancelled() for task in tasks)


async def test_one_that_cannot_be_ended_is_named_after_the_time() -> None:
    (task,) = await started(asyncio.create_task(swallowing(2), name="stubborn"))
    assert await end((task,), within_s=0.1) == {task}
    (line,) = whereabouts((task,))
    assert line.startswith("stubborn: swallowing at ")
    assert "test_ending.py:" in line
    assert await end((task,)) == set()


async def test_what_ended_by_itself_is_not_waited_for_and_its_error_counts_as_seen() -> None:
    (task,) = await started(asyncio.create_task(failing()))
    unseen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    assert await end((task,)) == set()
    del task
    await asyncio.sleep(0)
    assert unseen == []
