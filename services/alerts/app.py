"""The composition root of alerts: opens what the service needs, in order, and closes it in reverse."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from uuid import uuid4

import structlog

from contracts.topics import ALERTS, OBSERVATIONS, PROGRESS, STATISTICS_DOUBTED, STATISTICS_REJECTED
from services.alerts import internal, publisher_store, store
from services.alerts.audit_store import MongoBooks
from services.alerts.auditing import Books, audit, counted
from services.alerts.catalogs import FollowedCatalogs
from services.alerts.deciding import Decider
from services.alerts.digesting import Digester, Terms
from services.alerts.flushing import Flusher
from services.alerts.freezing import Letters
from services.alerts.handlers import ProgressHandler
from services.alerts.measures import Measures
from services.alerts.observed import ObservationHandler
from services.alerts.recollecting import Recollection
from services.alerts.relaying import Relay
from services.alerts.reminding import Watched
from services.alerts.render import Renderer
from services.alerts.replies import ReplyHandler, doubt, refusal
from services.alerts.sending import Breaker, Patience, Sender
from services.alerts.settings import AlertsSettings
from services.alerts.sightings import Lookout
from services.alerts.slots import next_at
from services.alerts.smtp import Connection
from services.alerts.stages import Stages, repeat
from services.alerts.webhooks import calling
from services.alerts.webhooks import store as webhook_store
from services.alerts.webhooks.caller import Caller
from services.alerts.webhooks.queueing import CallingProducer
from services.runtime import health, opening
from services.runtime.clock import Clock
from services.runtime.host import Host
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.delivery import Delivery, Handler
from services.runtime.mongo import Database

GROUPS = {
    PROGRESS.name: "tiendo.alerts",
    STATISTICS_REJECTED.name: "tiendo.alerts.refusals",
    STATISTICS_DOUBTED.name: "tiendo.alerts.doubts",
    OBSERVATIONS.name: "tiendo.alerts.mending",
}
"""A group for each topic: members of one group with different topics would rebalance one another for nothing."""

log = structlog.get_logger()

_NAMED = 20
"""Broken promises that the log names; the command names all."""


async def serve(settings: AlertsSettings, host: Host) -> None:
    """Run until asked to stop."""
    measures = Measures(host.telemetry)
    answering = health.application(host.health, host.telemetry)
    await host.serve_http(settings.http, answering)

    client = await opening.database(host, settings.mongo)
    database = client[f"{settings.mongo.database}_alerts"]
    await store.make_indexes(database)
    await publisher_store.make_indexes(database)
    await webhook_store.make_indexes(database)
    alerts, groups, mails = store.MongoAlerts(database), store.MongoGroups(database), store.MongoMails(database)
    times = store.MongoTimes(database)
    host.clock.observe(await times.reached())

    topics = (PROGRESS, ALERTS, STATISTICS_REJECTED, STATISTICS_DOUBTED, OBSERVATIONS)
    await opening.broker(host, settings.kafka, topics)
    producer = await opening.producer(host, settings.kafka)
    follower = await opening.catalogs(host, settings.kafka)
    await opening.first_catalog(host, follower)
    catalogs = FollowedCatalogs(follower)

    webhooks = webhook_store.MongoWebhooks(database)
    mail_queued = asyncio.Event()
    stages = Stages(
        Decider(alerts, catalogs, measures),
        Relay(alerts, groups, CallingProducer(producer, webhooks, catalogs), host.clock, measures),
        Flusher(groups, mails, catalogs, settings.mail.host, measures),
        alerts,
        groups,
        times,
        host.clock,
        settings.alerts.poll_s,
        mail_queued.set,
    )
    recollection = Recollection(database)
    answering.router.routes.extend(internal.routes(stages, recollection, catalogs, host.clock.now))
    await _background(host, "relaying", stages.relay_loop())
    await _background(host, "flushing", stages.flush_loop())

    worker, breaker = uuid4().hex, Breaker(settings.alerts.probe_s, measures)
    letters = Letters(catalogs, Renderer(), settings.smtp, settings.mail)
    patience = Patience(settings.alerts.lease_s, settings.alerts.retry_s, timedelta(hours=settings.alerts.give_up_h))
    for number in range(settings.alerts.senders):
        connection = Connection(settings.smtp)
        host.stack.push_async_callback(connection.close)
        owner = f"{worker}/{number}"
        sender = Sender(owner, mails, letters, connection, breaker, patience, measures, mail_queued.set)
        await _background(host, f"sender {number}", _send(sender, breaker, mail_queued, settings.alerts.poll_s))
    await _call_webhooks(host, settings, worker, webhooks, measures)
    await _background(host, "measuring", _measure(mails, webhooks, measures))
    books = MongoBooks(database)
    await _background(host, "auditing", _audit(books, catalogs, time(settings.alerts.audit_hour), measures))

    keep = timedelta(days=settings.alerts.notes_days)
    notes, sightings = publisher_store.MongoNotes(database, keep), publisher_store.MongoSightings(database)
    digest_wanted = asyncio.Event()
    handlers: dict[str, Handler] = {
        PROGRESS.name: ProgressHandler(stages, Lookout(sightings, catalogs), catalogs, digest_wanted.set),
        STATISTICS_REJECTED.name: ReplyHandler(refusal, notes, catalogs, measures),
        STATISTICS_DOUBTED.name: ReplyHandler(doubt, notes, catalogs, measures),
        OBSERVATIONS.name: ObservationHandler(
            notes, catalogs, keep, measures, lambda: _caught_up([deliveries[STATISTICS_REJECTED.name]])
        ),
    }
    deliveries = {
        topic: Delivery(
            topic=topic,
            group=GROUPS[topic],
            handler=handler,
            settings=settings.kafka,
            telemetry=host.telemetry,
            health=host.health,
        )
        for topic, handler in handlers.items()
    }
    digester = Digester(
        notes,
        publisher_store.MongoCorrespondences(database),
        sightings,
        mails,
        catalogs,
        Terms(settings.alerts.reply_days, keep, settings.mail.host, await _watched(database, sightings, host.clock)),
        measures,
        lambda: _caught_up(deliveries.values()),
    )
    await consume(host, settings.kafka, *deliveries.values())
    digesting = _digest(digester, host.clock, digest_wanted, mail_queued.set, settings.alerts.poll_s)
    await _background(host, "digesting", digesting)
    await host.stopped()


async def _watched(database: Database, sightings: publisher_store.MongoSightings, clock: Clock) -> Watched:
    """An installation that is older than this has handled figures that nobody looked at."""
    older = await database["alerts"].find_one({}, {"_id": 1}) is not None
    return await sightings.watched(Watched(clock.now().date(), whole=not older))


async def _caught_up(deliveries: Iterable[Delivery]) -> bool:
    """Whether what lay on the broker when the partitions were assigned has been handled."""
    for one in deliveries:
        if not one.assignments or (one.assigned and not await one.caught_up()):
            return False
    return True


async def _digest(
    digester: Digester, clock: Clock, wake: asyncio.Event, queued: Callable[[], None], poll_s: float
) -> None:
    async def once() -> float:
        if await digester.sweep() + await digester.round(clock.now()):
            queued()
        return poll_s

    await repeat("digest", once, wake)


async def _background(host: Host, name: str, work: Awaitable[None]) -> None:
    async def run() -> None:
        await work

    await host.background(name, asyncio.create_task(run(), name=name))


async def _send(sender: Sender, breaker: Breaker, wake: asyncio.Event, poll_s: float) -> None:
    async def once() -> float:
        if await sender.send_some():
            return 0.0
        return breaker.pause() or poll_s

    await repeat("send", once, wake)


async def _call_webhooks(
    host: Host, settings: AlertsSettings, worker: str, webhooks: webhook_store.MongoWebhooks, measures: Measures
) -> None:
    own = settings.webhooks
    caller = await host.stack.enter_async_context(Caller(own.networks, own.ssl_context(), own.timeout_s))
    patience = calling.Patience(settings.alerts.lease_s, own.retry_s, timedelta(hours=own.give_up_h))
    for number in range(settings.alerts.senders):
        operator = calling.Operator(f"{worker}/{number}", webhooks, caller, patience, measures)
        await _background(host, f"operator {number}", _call(operator, settings.alerts.poll_s))


async def _call(operator: calling.Operator, poll_s: float) -> None:
    async def once() -> float:
        return 0.0 if await operator.call_some() else poll_s

    await repeat("call", once, asyncio.Event())


async def _audit(books: Books, catalogs: FollowedCatalogs, at: time, measures: Measures) -> None:
    """At the start, and each night."""

    async def once() -> float:
        broken = await audit(books)
        for promise, many in counted(broken).items():
            measures.broken_promises.labels(promise.value).set(many)
        for one in broken[:_NAMED]:
            log.error("promise_broken", **one._asdict(), remedy="`tiendo mail audit` says it in words")
        measures.audited.set_to_current_time()
        now = datetime.now(UTC)
        return (min(next_at(now, at, zone) for zone in _zones(catalogs)) - now).total_seconds()

    await repeat("audit", once, asyncio.Event())


def _zones(catalogs: FollowedCatalogs) -> list[tzinfo]:
    found = [catalogs.of(province) for province in catalogs.provinces()]
    return [catalog.zone for catalog in found if catalog is not None] or [UTC]


async def _measure(mails: store.MongoMails, webhooks: webhook_store.MongoWebhooks, measures: Measures) -> None:
    async def once() -> float:
        queued, dead = await webhooks.waiting()
        measures.webhooks_waiting.set(queued)
        measures.webhooks_dead.set(dead)
        waiting, since = await mails.waiting()
        measures.undelivered.set(waiting)
        measures.oldest.set((datetime.now(UTC) - since).total_seconds() if since is not None else 0)
        return 5.0

    await repeat("measure", once, asyncio.Event())
