"""`tiendo topics`: make what the services speak on. Safe to run again: what is there is left as it is."""

import asyncio

import typer

from contracts.topics import TOPICS
from services.cli.settings import CommandSettings, from_environment
from services.runtime import mongo
from services.runtime.kafka.topics import LogIds, make_topics, wait_for_broker
from services.runtime.waiting import Waiting


def make() -> None:
    """Make the topics that are missing on the broker, and give each new log its identity."""
    made = asyncio.run(_make(from_environment()))
    typer.echo(f"made {', '.join(made)}" if made else "all topics are there")


async def _make(settings: CommandSettings) -> list[str]:
    waiting = Waiting(settings.start.timeout_s, asyncio.Event())
    await wait_for_broker(settings.kafka, waiting)
    async with mongo.connect(settings.mongo, waiting) as client:
        made = await make_topics(settings.kafka, TOPICS)
        await LogIds(client, settings.mongo).renew(made)
    return made
