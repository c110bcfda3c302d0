"""Ending tasks for certain.

One cancellation is not enough: before Python 3.12 `asyncio.wait_for`, with which PyMongo sends every command, loses
one that comes as its own wait is over, and a loop around it goes on for ever.
"""

import asyncio
import math
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.5
"""After so long a task that still runs is cancelled again; less would disturb what is closing in good order."""


async def end(tasks: Iterable[asyncio.Task[Any]], within_s: float | None = None) -> set[asyncio.Task[Any]]:
    """Cancel these tasks and wait for their ends, whatever these are; which of them still run after `within_s`."""
    ending = set(tasks)
    left, loop = set(ending), asyncio.get_running_loop()
    deadline = math.inf if within_s is None else loop.time() + within_s
    while left and loop.time() < deadline:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
    for task in ending - left:
        if not task.cancelled():
            task.exception()  # asyncio logs one that nobody looked at
    return left


def whereabouts(tasks: Iterable[asyncio.Task[Any]]) -> list[str]:
    """Where each task stands, as `name: file:line`, for the log."""
    lines = []
    for task in tasks:
        frames = task.get_stack()
        at = f"{frames[-1].f_code.co_filename}:{frames[-1].f_lineno}" if frames else "nowhere"
        lines.append(f"{task.get_name()}: {getattr(task.get_coro(), '__qualname__', '?')} at {at}")
    return sorted(lines)
