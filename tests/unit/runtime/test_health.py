"""What a service says about itself."""

from services.runtime.health import Health


async def test_a_service_is_ready_when_no_check_fails_and_nothing_is_in_trouble() -> None:
    health = Health("ingest")
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

    health = Health("ingest")
    health.check("database", ask)
    assert await health.not_ready() == {"database": "MongoDB does not answer"}


async def test_trouble_makes_a_service_unready_but_not_unhealthy() -> None:
    health = Health("ingest")
    health.trouble("x", "y")
    assert await health.unhealthy() == {}


async def test_a_service_that_is_being_stopped_is_not_ready() -> None:
    health = Health("ingest")
    health.drain()
    assert list(await health.not_ready()) == ["stopping"]
