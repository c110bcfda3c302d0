"""The composition root of metrics: what it opens, in which order."""

import asyncio
import os
import socket

from contracts.topics import OBSERVATIONS, PROGRESS, STATISTICS_DOUBTED
from services.metrics import internal
from services.metrics.asking import Asker
from services.metrics.forecaster import Forecaster
from services.metrics.handlers import ObservationHandler, Workshop
from services.metrics.memory import Definitions, Memory
from services.metrics.publisher import Publisher
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
    store = MongoStore(client, f"{settings.mongo.database}_metrics")
    await store.prepare()
    host.clock.observe(await store.business_time())

    await opening.broker(host, settings.kafka, (OBSERVATIONS, PROGRESS, STATISTICS_DOUBTED))
    follower = await opening.catalogs(host, settings.kafka)
    await opening.first_catalog(host, follower)
    asker = Asker(store, lambda: follower.catalogs, host.clock.now)
    answering.router.routes.extend(internal.routes(asker))
    producer = await opening.producer(host, settings.kafka)

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
    forecaster = Forecaster(workshop, follower.catalogs, delivery)
    await host.background("forecaster", asyncio.create_task(forecaster.run(settings.metrics.forecast_s)))

    await consume(host, settings.kafka, delivery)
    await host.stopped()
