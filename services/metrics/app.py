"""The composition root of metrics: what it opens, in which order."""

import asyncio
import os
import socket
from datetime import UTC, datetime
from uuid import uuid4

from contracts.topics import OBSERVATIONS, PROGRESS, STATISTICS_DOUBTED
from services.metrics import internal
from services.metrics.asking import Asker
from services.metrics.forecaster import Forecaster
from services.metrics.handlers import ObservationHandler, Workshop
from services.metrics.memory import Definitions, Memory
from services.metrics.publisher import Publisher
from services.metrics.rebuilding import archive, desk
from services.metrics.rebuilding.published import PublishedVersions
from services.metrics.rebuilding.rebuilder import Rebuilder
from services.metrics.rebuilding.store import MongoOrders
from services.metrics.settings import Settings
from services.metrics.store import MongoStore
from services.metrics.telemetry import Meters
from services.metrics.timekeeper import Timekeeper
from services.runtime import health, opening
from services.runtime.host import Host
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.delivery import Delivery

GROUP = "tiendo.metrics"


async def serve(settings: Settings, host: Host) -> None:
    """Open everything, consume until asked to stop."""
    answering = health.application(host.health, host.telemetry)
    await host.serve_http(settings.http, answering)

    client = await opening.database(host, settings.mongo)
    database = f"{settings.mongo.database}_metrics"
    store, orders = MongoStore(client, database), MongoOrders(client, database)
    await asyncio.gather(store.prepare(), orders.prepare())
    host.clock.observe(await store.business_time())

    await opening.broker(host, settings.kafka, (OBSERVATIONS, PROGRESS, STATISTICS_DOUBTED))
    follower = await opening.catalogs(host, settings.kafka)
    await opening.first_catalog(host, follower)
    asker = Asker(store, lambda: follower.catalogs, host.clock.now)
    answering.router.routes.extend(
        [*internal.routes(asker), *desk.routes(orders, lambda: follower.catalogs, lambda: datetime.now(UTC))]
    )
    producer = await opening.producer(host, settings.kafka)

    meters = Meters(host.telemetry)
    # Unlike a process id, never the same again: it says who wrote last.
    writer = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    workshop = Workshop(
        store=store,
        memory=Memory(store, settings.metrics.figures_in_memory, writer),
        definitions=Definitions(keeps_replaced=True),
        publisher=Publisher(producer, host.clock, meters),
        clock=host.clock,
        meters=meters,
        writer=writer,
    )
    delivery = Delivery(
        topic=OBSERVATIONS.name,
        group=GROUP,
        handler=ObservationHandler(workshop, follower, settings.metrics.catalog_wait_s),
        settings=settings.kafka,
        telemetry=host.telemetry,
        health=host.health,
    )
    rebuilder = Rebuilder(
        workshop,
        follower.catalogs,
        delivery,
        orders,
        await host.stack.enter_async_context(archive.connected(settings.metrics.ingest_url)),
        PublishedVersions(settings.kafka),
    )
    await host.background("rebuilder", asyncio.create_task(rebuilder.run(settings.metrics.tick_s)))
    timekeeper = Timekeeper(workshop, follower.catalogs, delivery)
    await host.background("timekeeper", asyncio.create_task(timekeeper.run(settings.metrics.tick_s)))
    forecaster = Forecaster(workshop, follower.catalogs, delivery)
    await host.background("forecaster", asyncio.create_task(forecaster.run(settings.metrics.forecast_s)))

    await consume(host, settings.kafka, delivery)
    await host.stopped()
