"""Sends one figure to Kafka: `pip install cloudevents aiokafka`. TIENDO_KAFKA: host:port of a broker."""

import asyncio
import os
from datetime import datetime

from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

FIGURE = {
    "province": "dak-nong",
    "kpi": "edoc-signed-share",
    "org_unit": "dak-nong.dak-mil.xa-dak-lao",
    "as_of": "2023-12-14",
    "numerator": 913,
    "denominator": 1000,
}
EVENT = CloudEvent(
    {
        "specversion": "1.0",
        "type": "vn.tiendo.statistic.reported.v1",
        "source": "urn:tiendo:source:dak-nong:edoc",
        "id": "2023-12-14/dak-lao",
        "time": datetime.fromisoformat("2023-12-14T16:00:00+07:00"),
        "datacontenttype": "application/json",
    },
    FIGURE,
)


async def main() -> None:
    message = to_binary(EVENT, JSONFormat())
    producer = AIOKafkaProducer(bootstrap_servers=os.environ.get("TIENDO_KAFKA", "127.0.0.1:9092"), acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(
            os.environ.get("TIENDO_TOPIC", "statistics.reported.v1"),
            message.value,
            key=b"dak-nong/edoc-signed-share/dak-nong.dak-mil.xa-dak-lao",
            headers=[*message.headers.items()],
        )
    finally:
        await producer.stop()


asyncio.run(main())
