"""`tiendo topics`: make what the services speak on. Safe to run again: what is there is left as it is."""

import asyncio

import typer

from contracts.topics import CATALOG, TOPICS
from services.cli.settings import HERE, CommandSettings, Data, of_the_system
from services.runtime import mongo
from services.runtime.catalog import stream
from services.runtime.catalog.publishers import own_topics
from services.runtime.errors import StartError, Transient
from services.runtime.kafka.topics import LogIds, make_topics, wait_for_broker
from services.runtime.waiting import Waiting


def make(data: Data = HERE) -> None:
    """Make the topics that are missing on the broker, and give each new log its identity.

    A publisher with a `principal` in the catalog that was applied gets a topic of its own.
    """
    try:
        made = asyncio.run(_make(of_the_system(data)))
    except Transient as error:
        raise StartError(f"{error}; run it again.") from None
    typer.echo(f"made {', '.join(made)}" if made else "all topics are there")


async def _make(settings: CommandSettings) -> list[str]:
    waiting = Waiting(settings.start.timeout_s, asyncio.Event())
    await wait_for_broker(settings.kafka, waiting)
    async with mongo.connect(settings.mongo, waiting) as client:
        ids = LogIds(client, settings.mongo, settings.kafka.log_id)
        made = await make_topics(settings.kafka, TOPICS)
        await ids.renew(made)
        if CATALOG.name not in made:
            found = await stream.read(settings.kafka.connection())
            catalogs = [one.catalog for one in found.values() if one.catalog is not None]
            topics = [topic for catalog in catalogs for topic in own_topics(catalog.province.id, catalog.publishers)]
            own = await make_topics(settings.kafka, topics)
            await ids.renew(own)
            made += own
    return made
