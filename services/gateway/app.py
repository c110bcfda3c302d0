"""The gateway, put together. One straight line; the only place that opens anything."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog
from starlette.types import ASGIApp

from contracts.topics import ALERTS, PROGRESS, STATISTICS_DOUBTED, STATISTICS_REJECTED, STATISTICS_REPORTED
from services.gateway import api, owners, reply_topics
from services.gateway.admission import Admission
from services.gateway.handlers import AlertsHandler, ProgressHandler
from services.gateway.key_store import KeyStore
from services.gateway.keyring import Keyring
from services.gateway.live import Hub, Signal, follow
from services.gateway.outbox import Outbox
from services.gateway.parked_sources import ParkedSources
from services.gateway.parts import Parts
from services.gateway.places import TreePlaces, put_right
from services.gateway.replies import Replies
from services.gateway.reply_topics import ReplyTopic
from services.gateway.routes.imports import limits_of
from services.gateway.settings import Settings
from services.gateway.store import ReadModel
from services.runtime import hosts, opening
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.stream import CatalogFollower
from services.runtime.errors import Stopped
from services.runtime.host import Host
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.delivery import Delivery, Handler
from services.runtime.sheets import child

log = structlog.get_logger()

GROUPS = {
    PROGRESS.name: "tiendo.gateway",
    ALERTS.name: "tiendo.gateway.alerts",
    STATISTICS_REJECTED.name: "tiendo.gateway.refusals",
    STATISTICS_DOUBTED.name: "tiendo.gateway.doubts",
    STATISTICS_REPORTED.dlq: "tiendo.gateway.quarantine",
}
"""A group for each topic: members of one group with different topics would rebalance one another for nothing."""

_DRAIN_S = 2.0


async def serve(settings: Settings, host: Host) -> None:
    """Run until asked to stop."""
    child.sweep(limits_of(settings.gateway))
    starting = api.standing_in(host.health, host.telemetry)
    front = api.Switch(starting)
    await host.serve_http(settings.http, asked_by_name(front, settings))

    client = await opening.database(host, settings.mongo)
    model = ReadModel(client, settings.mongo)
    await model.prepare()
    keys = KeyStore(client, settings.mongo)
    await keys.prepare()
    host.clock.observe(await model.last_judged())
    replies = Replies(client, settings.mongo)
    await replies.prepare(timedelta(days=settings.gateway.replies_days))

    topics = (PROGRESS, ALERTS, STATISTICS_REPORTED, STATISTICS_REJECTED, STATISTICS_DOUBTED)
    await opening.broker(host, settings.kafka, topics)
    # A caller waits for this producer, so it gives up sooner than those of the other services.
    patience = min(settings.kafka.request_timeout_ms, settings.gateway.publish_timeout_ms)
    producer = await opening.producer(host, settings.kafka.model_copy(update={"request_timeout_ms": patience}))
    outbox = Outbox(producer, STATISTICS_REPORTED.name, settings.gateway.max_waiting_bytes)
    await host.background("outbox", asyncio.create_task(outbox.run()))

    hub = Hub()
    host.telemetry.gauge("open_streams", "Live streams that are open.").set_function(lambda: hub.open_streams)
    await host.background("change stream", asyncio.create_task(follow(model, hub)))

    places = TreePlaces(lambda: follower.catalogs, host.clock.now)

    def delivery(topic: str, handler: Handler) -> Delivery:
        return Delivery(
            topic=topic,
            group=GROUPS[topic],
            handler=handler,
            settings=settings.kafka,
            telemetry=host.telemetry,
            health=host.health,
        )

    placing = [
        delivery(PROGRESS.name, ProgressHandler(model, places, host.clock)),
        delivery(ALERTS.name, AlertsHandler(model, places, host.clock)),
    ]
    odd = host.telemetry.counter(
        "gateway_replies_unreadable", "Answers to publishers that are not as the contract says. Left out; see the log."
    )
    answering = [
        delivery(topic, ReplyTopic(read, put, clock, odd))
        for topic, read, put, clock in (
            (STATISTICS_REJECTED.name, reply_topics.refusal, replies.put_refusals, host.clock),
            (STATISTICS_DOUBTED.name, reply_topics.doubt, replies.put_doubts, host.clock),
            (STATISTICS_REPORTED.dlq, reply_topics.dead_letter, replies.put_refusals, None),
        )
    ]

    async def switched(catalog: Catalog) -> None:
        async with placing[0].turn, placing[1].turn:
            moved = await put_right(model, places)
        log.info("places_put_right", province=catalog.province.id, moved=moved)
        hub.tell(Signal("catalog", {"provinces": [catalog.province.id], "catalog_version": catalog.version}))

    follower = await opening.catalogs(host, settings.kafka, switched)
    admission = Admission(
        settings.gateway,
        Keyring(keys, settings.gateway.keys_fresh_s),
        lambda: follower.catalogs,
        host.clock.now,
        host.telemetry.counter("requests_refused", "Requests not let in: no key, a wrong one, or too many.", "code"),
        open_here=settings.profile == "embedded",
    )
    asked = await host.stack.enter_async_context(owners.connected(settings.gateway))
    parked = ParkedSources()
    await host.background("parked sources", asyncio.create_task(parked.follow(asked)))
    front.app = api.create(
        Parts(
            settings=settings,
            model=model,
            replies=replies,
            catalogs=lambda: follower.catalogs,
            hub=hub,
            admission=admission,
            outbox=outbox,
            owners=asked,
            parked=parked,
            clock=host.clock,
            health=host.health,
            telemetry=host.telemetry,
        )
    )
    with suppress(Stopped):
        await _catalog_there(follower, host)
        await consume(host, settings.kafka, *placing, *answering)
        await host.stopped()
    # Streams never end by themselves, and callers still wait for receipts: let them go before anything is closed.
    hub.close()
    front.app = starting
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            await outbox.drain()


def asked_by_name(front: ASGIApp, settings: Settings) -> ASGIApp:
    """Where no key is asked for, a page of elsewhere must not come in under a name of its own. Behind a proxy with a
    public name keys are asked for."""
    if settings.profile == "production" and not settings.http.names:
        return front
    return hosts.known_only(front, settings.http.names, api.unknown_host)


async def _catalog_there(follower: CatalogFollower, host: Host) -> None:
    """Return when there is a catalog. Until then nothing is consumed; the page says what is missing."""
    first = asyncio.create_task(follower.first())
    stop = asyncio.create_task(host.stopping.wait())
    try:
        await asyncio.wait({first, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            raise Stopped
        first.result()
    finally:
        first.cancel()
        stop.cancel()
