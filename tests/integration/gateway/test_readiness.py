"""Being asked whether it is ready, when the broker takes connections and answers nothing."""

import asyncio
import time

from services.runtime.health import Health
from services.runtime.kafka.topics import broker_answers
from services.runtime.settings import KafkaSettings


async def test_a_frozen_broker_is_told_within_seconds() -> None:
    thawed = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await thawed.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as frozen:
        port = frozen.sockets[0].getsockname()[1]
        health = Health()
        health.check("broker", lambda: broker_answers(KafkaSettings(bootstrap=f"127.0.0.1:{port}")))
        asked = time.monotonic()
        why = await health.not_ready()
        took = time.monotonic() - asked
        thawed.set()
    assert set(why) == {"broker"}
    assert took < 4
