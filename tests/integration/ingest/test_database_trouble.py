"""A database that answers, but not well: write concerns that time out, a disk that is full. Everything waits; nothing
is lost, and nothing is counted twice."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient
from pymongo.errors import BulkWriteError, OperationFailure, WriteConcernError

from deploy.embedded import database
from deploy.embedded.processes import Supervisor
from services.ingest.handlers import Door
from services.ingest.lot import Lot
from services.ingest.metrics import DoorMetrics
from services.ingest.parked import Parkings
from services.ingest.store import Ledger
from services.runtime.clock import DataClock
from services.runtime.kafka.consuming import consume
from services.runtime.kafka.delivery import TRIES, Delivery, passes_by_itself
from services.runtime.kafka.offsets import committed
from tests.hosts import a_host, eventually, kafka_settings
from tests.servers import KafkaServer
from tests.unit.ingest.door import NOON, FakeBroker, an_event, an_examiner, data

OUT_OF_DISK = 14031
COUNT = 200


@pytest.fixture(scope="module")
def failing_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database that can be told to fail."""
    why = database.why_not()
    if why is not None:
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("failing")
    with Supervisor(folder) as supervisor:
        yield database.start(supervisor, folder / "mongo", parameters=["enableTestCommands=1"]).uri


@pytest.fixture
async def client(failing_uri: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(failing_uri, tz_aware=True, w="majority", journal=True)
    async with client:
        yield client
        await fails(client, "off", {})


async def fails(client: AsyncMongoClient[dict[str, Any]], mode: Any, how: Mapping[str, Any]) -> None:
    await client.admin.command("configureFailPoint", "failCommand", mode=mode, data={"failCommands": ["insert"], **how})


@pytest.fixture
async def topic(kafka_server: KafkaServer, unique: Callable[[str], str]) -> str:
    name = unique("reported")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap, acks="all", linger_ms=5)
    await producer.start()
    for n in range(COUNT):
        event = an_event(data(numerator=n), id=f"e-{n}")
        await producer.send(name, event.value, partition=0, headers=list(event.headers))
    await producer.stop()
    return name


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"errorCode": OUT_OF_DISK}, id="a full disk"),
        pytest.param(
            {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}, id="a write concern"
        ),
    ],
)
async def test_the_batch_is_tried_again_until_the_database_takes_it(
    kafka_server: KafkaServer, topic: str, client: AsyncMongoClient[dict[str, Any]], how: Mapping[str, Any]
) -> None:
    base = client[topic.replace("-", "_")]
    ledger, broker = Ledger(base), FakeBroker()
    await ledger.prepare()
    await fails(client, "alwaysOn", how)
    settings = kafka_settings(kafka_server, max_records=50)
    async with a_host() as host:
        metrics = DoorMetrics(host.telemetry)
        examiner = an_examiner(moving=True, lead=timedelta(days=400))
        door = Door(examiner, ledger, broker, broker, Lot(Parkings(base)), DataClock(NOON), metrics)
        delivery = Delivery(
            topic=topic,
            group="g-" + topic,
            handler=door,
            settings=settings,
            telemetry=host.telemetry,
            health=host.health,
        )
        await consume(host, settings, delivery)

        def tries() -> float:
            return host.telemetry.registry.get_sample_value("tiendo_retries_total", {"topic": topic}) or 0

        await eventually(lambda: tries() > TRIES)
        assert broker.published == []
        assert await committed(settings, "g-" + topic, [TopicPartition(topic, 0)]) == {}
        assert topic in await host.health.not_ready()
        await fails(client, "off", how)
        await eventually(lambda: len(broker.on("observations.v1")) >= COUNT)
        await eventually(lambda: delivery.lag() == 0)
    seen = [one["source_id"] for one in broker.observations()]
    assert seen == [f"e-{n}" for n in range(COUNT)]
    assert await base["ledger"].count_documents({}) == COUNT
    assert await committed(settings, "g-" + topic, [TopicPartition(topic, 0)]) == {TopicPartition(topic, 0): COUNT}


@pytest.mark.parametrize(
    "error",
    [
        WriteConcernError("waiting for replication timed out", 64),
        OperationFailure("not enough disk space", OUT_OF_DISK),
        BulkWriteError({"writeErrors": [{"code": OUT_OF_DISK}, {"code": 11000}]}),
        BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]}),
    ],
)
def test_these_errors_pass_by_themselves(error: Exception) -> None:
    assert passes_by_itself(error)


@pytest.mark.parametrize("error", [OperationFailure("bad value", 2), BulkWriteError({"writeErrors": [{"code": 121}]})])
def test_these_do_not(error: Exception) -> None:
    assert not passes_by_itself(error)
