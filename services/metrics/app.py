"""The composition root of metrics: what it opens, in which order."""

import asyncio
import os
import socket

from contracts.topics import CATALOG, OBSERVATIONS, PROGRESS
from services.metrics.handlers import ObservationHandler, Workshop
from services.metrics.memory import Definitions, Memory
from services.metrics.publisher import Publisher
from services.metrics.settings import Settings
from services.metrics.store import MongoStore
from services.metrics.telemetry import Meters
from services.metrics.timekeeper import Timekeeper
from services.runtime import health, mongo
from services.runtime.catalog.stream import CatalogFollower
from services.runtime.host import Host
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.delivery import Delivery
from services.runtime.kafka.producer import BatchProducer
from services.runtime.kafka.topics import wait_for_broker, wait_for_topics

GROUP = "tiendo.metrics"


async def serve(settings: Settings, host: Host) -> None:
    """Open everything, consume until asked to stop."""
    await host.serve_http(settings.http, health.application(host.health, host.telemetry))

    client = await host.stack.enter_async_context(mongo.connect(settings.mongo, host.waiting))
    store = MongoStore(client, f"{settings.mongo.database}_metrics")
    await store.prepare()
    host.clock.observe(await store.business_time())

    async def database() -> str | None:
        return None if await mongo.answers(client) else "MongoDB does not answer"

    host.health.check("database", database)

    await wait_for_broker(settings.kafka, host.waiting)
    await wait_for_topics(settings.kafka, [OBSERVATIONS.name, PROGRESS.name, CATALOG.name], host.waiting)

    follower = CatalogFollower(settings.kafka.connection())
    await follower.start()
    host.stack.push_async_callback(follower.stop)
    await host.background("catalog", asyncio.create_task(follower.wait()))
    host.health.check("catalog", lambda: follower.why_not or None)

    producer = BatchProducer(settings.kafka, host.telemetry)
    await producer.start()
    host.stack.push_async_callback(producer.stop)

    meters = Meters(host.telemetry)
    workshop = Workshop(
        store=store,
        memory=Memory(store, settings.metrics.kpis_in_memory),
        definitions=Definitions(),
        publisher=Publisher(producer, host.clock, meters),
        clock=host.clock,
        meters=meters,
        writer=f"{socket.gethostname()}:{os.getpid()}",
    )
    delivery = Delivery(
        topic=OBSERVATIONS.name,
        group=GROUP,
        handler=ObservationHandler(workshop, follower, settings.metrics.catalog_wait_s),
        settings=settings.kafka,
        telemetry=host.telemetry,
        health=host.health,
    )
    timekeeper = Timekeeper(workshop, follower.catalogs, delivery)
    await host.background("timekeeper", asyncio.create_task(timekeeper.run(settings.metrics.tick_s)))

    # A service that has no catalog yet does not consume; it says so, and waits for one as long as it takes.
    if not await _first_catalog(follower, host):
        return
    await consume(host, settings.kafka, delivery)
    await host.stopped()


async def _first_catalog(follower: CatalogFollower, host: Host) -> bool:
    """Whether a catalog came before the service was asked to stop."""
    first = asyncio.create_task(follower.first())
    stopping = asyncio.create_task(host.stopping.wait())
    await asyncio.wait({first, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if first.done():
        first.result()
        return True
    first.cancel()
    return False
