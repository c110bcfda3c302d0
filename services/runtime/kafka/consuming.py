"""FastStream's part: the broker object that holds the subscribers, starts and stops them."""

import asyncio
import gc
import logging

import structlog
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from services.runtime.ending import end
from services.runtime.host import Host
from services.runtime.kafka import unpacking
from services.runtime.kafka.delivery import Delivery
from services.runtime.settings import KafkaSettings

GRACE_S = 15.0
"""How long a stop waits for the batch in hand; whoever stops the process must wait longer before it kills."""

LEAVE_S = 3.0
"""How long a stop waits for the broker to let us go: while a group is dividing itself anew, that may take for ever."""

log = structlog.get_logger()


async def consume(host: Host, settings: KafkaSettings, *deliveries: Delivery) -> None:
    """Start consuming. On stop the batch in hand is finished and committed, then the group is left.

    Each has a broker object of its own, since one starts its subscribers one after the other: each would wait until
    the group of the one before it is assigned, which takes seconds where a member has just died.
    """
    brokers = [_broker(settings, delivery) for delivery in deliveries]
    unpacking.install(host.telemetry.not_unpacked)
    _collect_garbage_seldom()

    async def stop() -> None:
        for delivery in deliveries:
            delivery.stop()
        await asyncio.gather(*(delivery.finished(GRACE_S) for delivery in deliveries))
        if not settings.leave_groups:
            for delivery in deliveries:
                delivery.say_nothing_on_leaving()
        leaving = {asyncio.create_task(broker.stop()) for broker in brokers}
        _, late = await asyncio.wait(leaving, timeout=LEAVE_S)
        if late:
            log.warning("group_not_left", after_s=LEAVE_S, remedy="none needed: its members go on without us")
        await asyncio.gather(*(leaving - late))
        await end(late, within_s=1)

    host.stack.push_async_callback(stop)
    await asyncio.gather(*(broker.start() for broker in brokers))


def _broker(settings: KafkaSettings, delivery: Delivery) -> KafkaBroker:
    broker = KafkaBroker(
        [server.strip() for server in settings.bootstrap.split(",")],
        request_timeout_ms=settings.request_timeout_ms,
        metadata_max_age_ms=settings.metadata_max_age_ms,
        security=_security(settings),
        consumer_only=True,
        graceful_timeout=GRACE_S,
        allow_auto_create_topics=False,
        logger=logging.getLogger("faststream"),
        log_level=logging.DEBUG,
    )
    delivery.attach(broker)
    return broker


def _collect_garbage_seldom() -> None:
    """A batch makes tens of thousands of objects that die together and form no cycles. Searching for cycles after each
    few hundred of them, as Python does by default, cost ingest a quarter of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(250_000, 20, 20)


def _security(settings: KafkaSettings) -> BaseSecurity | None:
    if settings.security_protocol == "PLAINTEXT":
        return None
    tls = settings.security_protocol in ("SSL", "SASL_SSL")
    context = settings.connection().get("ssl_context")
    if not settings.security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context, use_ssl=tls)
    kinds = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    assert settings.sasl_username is not None
    assert settings.sasl_password is not None
    return kinds[settings.sasl_mechanism](
        settings.sasl_username, settings.sasl_password.get_secret_value(), ssl_context=context, use_ssl=tls
    )
