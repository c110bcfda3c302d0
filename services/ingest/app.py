"""What ingest is made of: opened in order, closed in reverse."""

import asyncio
import gc

from contracts.topics import CATALOG, OBSERVATIONS, STATISTICS_REJECTED, STATISTICS_REPORTED
from services.ingest.batch import Examiner
from services.ingest.desk import Desks
from services.ingest.handlers import Door
from services.ingest.metrics import DoorMetrics
from services.ingest.settings import IngestSettings
from services.ingest.store import Ledger
from services.runtime import health, mongo
from services.runtime.catalog.stream import CatalogFollower
from services.runtime.host import Host
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.dead_letters import DeadLetterQueue
from services.runtime.kafka.delivery import Delivery
from services.runtime.kafka.producer import BatchProducer
from services.runtime.kafka.topics import LogIds, wait_for_broker, wait_for_topics

GROUP = "tiendo.ingest"
HANDLER = "ingest"


def _few_collections() -> None:
    """A batch makes tens of thousands of objects that die together and form no cycles: searching for cycles after each
    few hundred of them, as Python does by default, would cost a quarter of the service's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(250_000, 20, 20)


async def serve(settings: IngestSettings, host: Host) -> None:
    """Run until the host is asked to stop."""
    host.health.trouble("start", "still starting: waiting for database, broker, topics or the first catalog")
    await host.serve_http(settings.http, health.application(host.health, host.telemetry))

    client = await host.stack.enter_async_context(mongo.connect(settings.mongo, host.waiting))
    ledger = Ledger(client[f"{settings.mongo.database}_ingest"])
    await wait_for_broker(settings.kafka, host.waiting)
    topics = (STATISTICS_REPORTED.name, STATISTICS_REPORTED.dlq, STATISTICS_REJECTED.name, OBSERVATIONS.name)
    await wait_for_topics(settings.kafka, (*topics, CATALOG.name), host.waiting)
    log_id = settings.kafka.log_id or await LogIds(client, settings.mongo).of(STATISTICS_REPORTED.name)

    follower = CatalogFollower(settings.kafka.connection())
    await follower.start()
    host.stack.push_async_callback(follower.stop)
    await host.background("catalog follower", asyncio.create_task(follower.wait()))
    async for _ in host.waiting.tries("The catalog", "the catalog (`tiendo catalog apply FOLDER`)"):
        if follower.catalogs:
            break
        host.waiting.because(follower.why_not)

    producer = BatchProducer(settings.kafka, host.telemetry)
    await producer.start()
    host.stack.push_async_callback(producer.stop)
    host.clock.observe(await ledger.latest())  # a clock that moves with the data goes on where it stood
    door = Door(
        examiner=Examiner(
            desks=Desks(follower.catalogs, settings.lead),
            log=log_id,
            max_bytes=settings.ingest.max_event_bytes,
            moving=settings.clock != "system",
        ),
        ledger=ledger,
        publisher=producer,
        quarantine=DeadLetterQueue(STATISTICS_REPORTED.dlq, HANDLER, producer, host.telemetry),
        clock=host.clock,
        metrics=DoorMetrics(host.telemetry),
    )
    delivery = Delivery(
        topic=STATISTICS_REPORTED.name,
        group=GROUP,
        handler=door,
        settings=settings.kafka,
        telemetry=host.telemetry,
        health=host.health,
    )
    _few_collections()
    await consume(host, settings.kafka, delivery)
    host.health.recovered("start")
    await host.stopped()
