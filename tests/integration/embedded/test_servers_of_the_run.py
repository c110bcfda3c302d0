import smtplib
from collections.abc import Callable

from pymongo import AsyncMongoClient

from deploy.embedded.mail import MailSink
from deploy.embedded.wire import kafka_serves
from tests.servers import KafkaServer, MongoServer


def test_the_run_has_a_broker(kafka_server: KafkaServer, kafka_bootstrap: str) -> None:
    host, _, port = kafka_bootstrap.partition(":")
    assert kafka_serves(host, int(port))
    assert kafka_server.idempotence == (kafka_server.kind == "kafka")
    assert kafka_server.times.keys() == {"session_timeout_ms", "heartbeat_interval_ms", "fetch_max_wait_ms"}


async def test_the_run_has_a_replica_set(
    mongo_server: MongoServer, mongo_uri: str, unique: Callable[[str], str]
) -> None:
    async with AsyncMongoClient[dict[str, object]](mongo_uri) as client:
        hello = await client.admin.command("hello")
        assert hello["setName"]
        await client[unique("figures")].figures.insert_one({})
    assert mongo_server.uri == mongo_uri


def test_the_run_has_a_mail_server(smtp_sink: MailSink) -> None:
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as relay:
        assert relay.noop()[0] == 250


def test_names_of_one_test_stay_and_differ_from_those_of_another(unique: Callable[[str], str]) -> None:
    assert unique("topic") == unique("topic")
    assert unique("topic").startswith("topic-")
