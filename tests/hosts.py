"""A service's chassis without a service: what the tests of consumers and services stand on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from services.runtime.clock import SystemClock
from services.runtime.health import Health
from services.runtime.host import Host
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from services.runtime.waiting import Waiting
from tests.servers import KafkaServer

DEADLINE_S = 30.0


@asynccontextmanager
async def a_host() -> AsyncIterator[Host]:
    """A host that is stopped, in order, at the end of the block."""
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        yield Host(stack, stopping, Health(), Telemetry(), SystemClock(), Waiting(10, stopping))
        stopping.set()


def kafka_settings(server: KafkaServer, **changes: object) -> KafkaSettings:
    """Settings that suit the broker of this run."""
    given = {"bootstrap": server.bootstrap, "enable_idempotence": server.idempotence, **server.times, **changes}
    return KafkaSettings.model_validate(given)


async def eventually(holds: Callable[[], object], within_s: float = DEADLINE_S) -> None:
    """Return once the condition holds; fail when it does not in time."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in other tasks and processes
            await asyncio.sleep(0.02)
