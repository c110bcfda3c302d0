"""What ingest is made of: opened in order, closed in reverse."""

import asyncio
from functools import partial

from contracts.topics import INBOUND, OBSERVATIONS, STATISTICS_REJECTED, STATISTICS_REPORTED
from services.ingest import archive, examining, internal, removal, resuming, unparking
from services.ingest.batch import Examiner
from services.ingest.desk import Desks
from services.ingest.handlers import Door
from services.ingest.logs import Logs
from services.ingest.lot import Lot
from services.ingest.metrics import DoorMetrics
from services.ingest.parked import Parkings
from services.ingest.settings import IngestSettings
from services.ingest.store import Ledger
from services.runtime import health, opening
from services.runtime.host import Host
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.dead_letters import DeadLetterQueue
from services.runtime.kafka.delivery import Delivery
from services.runtime.kafka.topics import LogIds

GROUP = "tiendo.ingest"
HANDLER = "ingest"
REMOVE_EVERY_S = 3_600.0
TELL_EVERY_S = 2.0


async def serve(settings: IngestSettings, host: Host) -> None:
    """Run until the host is asked to stop."""
    answering = health.application(host.health, host.telemetry)
    await host.serve_http(settings.http, answering)

    client = await opening.database(host, settings.mongo)
    database = client[f"{settings.mongo.database}_ingest"]
    ledger = Ledger(database)
    await ledger.prepare()
    answering.router.routes.extend(internal.routes(ledger))
    await opening.broker(host, settings.kafka, (STATISTICS_REPORTED, STATISTICS_REJECTED, OBSERVATIONS))
    ids = LogIds(client, settings.mongo, settings.kafka.log_id)
    answering.router.routes.extend(archive.routes(ledger, partial(archive.delivered, settings.kafka, GROUP, ids)))
    if settings.ingest.ledger_days:
        clearing = removal.keep(ledger, settings.ingest.ledger_days, REMOVE_EVERY_S)
        await host.background("clearing of the ledger", asyncio.create_task(clearing))

    follower = await opening.catalogs(host, settings.kafka)
    await opening.first_catalog(host, follower)
    producer = await opening.producer(host, settings.kafka)
    host.clock.observe(await ledger.latest())  # a clock that moves with the data goes on where it stood
    examiner = Examiner(
        desks=Desks(follower.catalogs, settings.lead),
        logs=Logs(ids.of),
        max_bytes=settings.ingest.max_event_bytes,
        moving=settings.clock != "system",
    )
    await examiner.logs.meet([STATISTICS_REPORTED.name])  # of which those are said to be that are only examined
    parkings = Parkings(database)
    answering.router.routes.extend(examining.routes(examiner, ledger, host.clock, Lot(parkings)))
    # Compressed: what came in a compressed batch may be larger than a topic takes otherwise.
    quarantine = DeadLetterQueue(
        STATISTICS_REPORTED,
        HANDLER,
        await opening.producer(host, settings.kafka, compress=True),
        host.telemetry,
    )
    metrics = DoorMetrics(host.telemetry)
    door = Door(
        examiner=examiner,
        ledger=ledger,
        publisher=producer,
        quarantine=quarantine,
        lot=Lot(parkings, metrics.parked.set),
        clock=host.clock,
        metrics=metrics,
    )
    delivery = Delivery(
        topic=STATISTICS_REPORTED.name,
        group=GROUP,
        handler=door,
        settings=settings.kafka,
        telemetry=host.telemetry,
        health=host.health,
        remedy="run `tiendo dlq resume`",
        pattern=INBOUND,
        look_ahead=door.look_ahead,
    )
    answering.router.routes.extend(resuming.routes(delivery, quarantine))
    ends = unparking.keep(parkings, producer, host.clock, TELL_EVERY_S, stamped=examiner.moving)
    await host.background("telling of sources that are unparked", asyncio.create_task(ends))
    await consume(host, settings.kafka, delivery)
    await host.stopped()
