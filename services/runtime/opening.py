"""Opening what every service depends on: waited for with one patience, watched by its health, closed with the host."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from aiokafka.errors import KafkaError

from contracts.topics import CATALOG, Topic
from services.runtime import mongo
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.stream import CatalogFollower, OnSwitch
from services.runtime.errors import StartError, in_short
from services.runtime.host import Host
from services.runtime.kafka.delivery import backoff, passes_by_itself
from services.runtime.kafka.producer import BatchProducer
from services.runtime.kafka.topics import broker_answers, wait_for_broker, wait_for_topics
from services.runtime.settings import KafkaSettings, MongoSettings

log = structlog.get_logger()


async def database(host: Host, settings: MongoSettings) -> mongo.Client:
    """A client of the replica set. Raises `StartError` with the remedy if there is none in time."""
    client = await host.stack.enter_async_context(mongo.connect(settings, host.waiting))

    async def answers() -> str | None:
        return None if await mongo.answers(client) else "MongoDB does not answer"

    host.health.check("database", answers)
    return client


async def broker(host: Host, settings: KafkaSettings, topics: Iterable[Topic]) -> None:
    """Wait for the broker and for these topics, their quarantines and the catalog's. Raises `StartError`."""
    await wait_for_broker(settings, host.waiting)
    wanted = [
        name
        for topic in (*topics, CATALOG)
        for name in ([topic.name, topic.dlq] if topic.dead_letters else [topic.name])
    ]
    with _answering():
        await wait_for_topics(settings, wanted, host.waiting)
    host.health.check("broker", lambda: broker_answers(settings))


async def producer(host: Host, settings: KafkaSettings, *, compress: bool = False) -> BatchProducer:
    """A connected producer."""
    made = BatchProducer(settings, host.telemetry, compress=compress)
    with _answering():
        await made.start()
    host.stack.push_async_callback(made.stop)
    return made


async def catalogs(
    host: Host, settings: KafkaSettings, on_switch: OnSwitch | None = None, *, topic: str = CATALOG.name
) -> CatalogFollower:
    """A follower of `catalog.v1`; the service is not ready before there is a catalog. Does not wait for one.

    Where `on_switch` fails because something is away, it is tried again for as long as that takes.
    """
    follower = CatalogFollower(
        settings.connection(), None if on_switch is None else _patient(host, on_switch), topic=topic
    )
    with _answering():
        await follower.start()
    host.stack.push_async_callback(follower.stop)
    await host.background("catalog follower", asyncio.create_task(follower.wait()))
    host.health.check("catalog", lambda: follower.why_not or None)
    return follower


def _patient(host: Host, on_switch: OnSwitch) -> OnSwitch:
    async def switch(catalog: Catalog) -> None:
        what, tries = f"switch to the catalog of {catalog.province.id}", 0
        while True:
            try:
                await on_switch(catalog)
                break
            except Exception as error:
                if not passes_by_itself(error):
                    raise
                tries += 1
                host.health.trouble(what, in_short(error))
                if tries == 1 or tries % 20 == 0:
                    log.warning("switch_failed", version=catalog.version, tries=tries, why=in_short(error))
                await asyncio.sleep(backoff(tries))
        host.health.recovered(what)

    return switch


async def first_catalog(host: Host, follower: CatalogFollower) -> None:
    """Return when there is a catalog: a service that has none consumes nothing. Raises `StartError` with the remedy."""
    async for _ in host.waiting.tries("The catalog", "the catalog (`tiendo catalog apply FOLDER`)"):
        if follower.catalogs:
            return
        host.waiting.because(follower.why_not)


@contextmanager
def _answering() -> Iterator[None]:
    """A broker that goes away while a service starts is a sentence, too."""
    try:
        yield
    except (KafkaError, OSError) as error:
        why = str(error) or type(error).__name__
        raise StartError(
            f"The Kafka broker went away while the service was starting ({why}): start it again."
        ) from None
