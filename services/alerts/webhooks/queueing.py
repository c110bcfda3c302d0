"""Transitions on their way to `alerts.v1` become calls of the endpoints that want them.

The call is queued before the event is published. Whoever relays a transition again after a crash queues nothing twice:
a call's id is made of endpoint and event.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson

from contracts.alerts import AlertTransition
from services.alerts.ports import Catalogs
from services.alerts.relaying import Producer
from services.alerts.webhooks.endpoint import Endpoint
from services.alerts.webhooks.store import Call, MongoWebhooks
from services.runtime.kafka.producer import Outgoing

_ID_LENGTH = 32
_ATTRIBUTE = "ce_"


class CallingProducer:
    """Publishes, and queues calls. A producer like any other for the stage that relays."""

    def __init__(self, producer: Producer, webhooks: MongoWebhooks, catalogs: Catalogs) -> None:
        self._producer = producer
        self._webhooks = webhooks
        self._catalogs = catalogs

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Return when all are acknowledged and their calls queued; raise `Transient` otherwise."""
        endpoints = await self._webhooks.endpoints()
        if endpoints:
            now = datetime.now(UTC)
            await self._webhooks.put([call for record in records for call in self._calls(record, endpoints, now)])
        await self._producer.publish(topic, records)

    def _calls(self, record: Outgoing, endpoints: Sequence[Endpoint], now: datetime) -> Iterator[Call]:
        transition = AlertTransition.model_validate_json(record.value or b"")
        above = self._above(transition)
        event, body = event_of(record)
        for endpoint in endpoints:
            if endpoint.wants(transition, above):
                yield Call(
                    call_id(endpoint.id, event), endpoint.id, transition.alert_id, transition.seq, event, body, now
                )

    def _above(self, transition: AlertTransition) -> tuple[str, ...]:
        catalog = self._catalogs.of(transition.province)
        if catalog is None:
            return ()
        as_of = transition.progress.as_of if transition.progress is not None else None
        day = as_of.date() if isinstance(as_of, datetime) else as_of
        return catalog.units.ancestors(transition.org_unit, day or transition.at.date())


def event_of(record: Outgoing) -> tuple[str, bytes]:
    """Id and structured form (CloudEvents 1.0, JSON format) of an event in binary form; its data byte for byte."""
    attributes = {
        name.removeprefix(_ATTRIBUTE): value.decode() for name, value in record.headers if name.startswith(_ATTRIBUTE)
    }
    head = orjson.dumps({**attributes, "datacontenttype": "application/json"})
    return attributes["id"], b"".join((head[:-1], b',"data":', record.value or b"null", b"}"))


def call_id(endpoint: str, event: str) -> str:
    """The id that a receiver knows a repeated call by."""
    return "msg_" + hashlib.sha256(f"{endpoint}|{event}".encode()).hexdigest()[:_ID_LENGTH]
