"""FastStream and Motor, a message at a time: reads an observation, writes it into its cell, acknowledges it."""

import asyncio
import sys
import time
from typing import Any

import orjson
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern


async def main(bootstrap: str, mongo: str, group: str) -> None:
    """Consume until ended."""
    client: Any = AsyncIOMotorClient(f"mongodb://{mongo}/?directConnection=true")
    cells = client["bench_motor"].get_collection(group, write_concern=WriteConcern("majority", j=True))
    broker = KafkaBroker(bootstrap, logger=None)
    written = 0

    @broker.subscriber(
        "observations.v1", group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.ACK, decoder=decoded
    )
    async def write(figure: dict[str, Any]) -> None:
        nonlocal written
        cell = f"{figure['kpi']}/{figure['org_unit']}/{figure['period']}"
        await cells.update_one({"_id": cell}, {"$set": figure}, upsert=True)
        written += 1
        if written % 50 == 0:
            sys.stdout.write(f"@ {written} {time.monotonic()} {time.process_time()}\n")
            sys.stdout.flush()

    await FastStream(broker, logger=None).run()


async def decoded(message: Any) -> Any:
    """The payload."""
    return orjson.loads(message.body)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
