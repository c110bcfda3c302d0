from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.embedded import kafka
from deploy.embedded.processes import Supervisor

pytestmark = pytest.mark.real_kafka


@pytest.fixture(autouse=True)
def jars() -> None:
    if (reason := kafka.why_not()) is not None:
        pytest.skip(f"Apache Kafka cannot run from its jars: {reason}")


async def test_records_and_the_logs_id_survive_a_restart_on_another_port(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        first = kafka.start(supervisor, tmp_path / "kafka")
        admin = AIOKafkaAdminClient(bootstrap_servers=first.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic("figures", num_partitions=1, replication_factor=1)])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=first.bootstrap, enable_idempotence=True) as producer:
            await producer.send_and_wait("figures", b"kept")
    assert first.child.exit_code() is not None

    with Supervisor(tmp_path) as supervisor:
        second = kafka.start(supervisor, tmp_path / "kafka")
        partition = TopicPartition("figures", 0)
        async with AIOKafkaConsumer(bootstrap_servers=second.bootstrap) as consumer:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            assert (await consumer.getone()).value == b"kept"
            assert await consumer.end_offsets([partition]) == {partition: 1}
    assert second.log_id == first.log_id
    assert second.bootstrap != first.bootstrap
