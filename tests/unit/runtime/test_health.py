"""What a service says about itself."""

import asyncio
import time

from services.runtime.health import Health


async def test_a_service_is_ready_when_no_check_fails_and_nothing_is_in_trouble() -> None:
    health = Health()
    why: list[str | None] = ["no catalog yet"]
    health.check("catalog", lambda: why[0])
    assert await health.not_ready() == {"catalog": "no catalog yet"}
    why[0] = None
    assert await health.not_ready() == {}
    health.trouble("statistics.reported.v1", "the database is away")
    assert await health.not_ready() == {"statistics.reported.v1": "the database is away"}
    health.recovered("statistics.reported.v1")
    assert await health.not_ready() == {}


async def test_a_check_may_ask_somebody_else() -> None:
    async def ask() -> str | None:
        return "MongoDB does not answer"

    health = Health()
    health.check("database", ask)
    assert await health.not_ready() == {"database": "MongoDB does not answer"}


async def test_a_dependency_that_is_silent_is_as_good_as_away() -> None:
    async def silent() -> str | None:
        await asyncio.Event().wait()
        return None

    health = Health()
    health.check("broker", silent)
    health.check("database", silent)
    began = time.monotonic()
    assert await health.not_ready() == dict.fromkeys(("broker", "database"), "no answer within 2 s")
    assert time.monotonic() - began < 3, "they are asked side by side"


async def test_a_service_that_is_being_stopped_is_not_ready() -> None:
    health = Health()
    health.drain()
    assert list(await health.not_ready()) == ["stopping"]
