import os
import signal
import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.embedded import broker
from deploy.embedded.errors import ChildExited, PortTaken
from deploy.embedded.ports import LOOPBACK, free_port, is_free
from deploy.embedded.processes import Supervisor
from deploy.embedded.wire import kafka_serves

pytestmark = pytest.mark.skipif(broker.why_not() is not None, reason=broker.why_not() or "")


async def test_the_embedded_broker_keeps_what_it_acknowledged_while_it_runs(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        bootstrap = broker.start(supervisor).bootstrap
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            for number in range(3):
                await producer.send_and_wait("figures", str(number).encode(), key=b"unit-1")
        async with AIOKafkaConsumer("figures", bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
            values = [(await consumer.getone()).value for _ in range(3)]
    assert values == [b"0", b"1", b"2"]


def test_its_port_is_free_again_after_the_stop(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        port = int(broker.start(supervisor).bootstrap.rpartition(":")[2])
        assert not is_free(port)
    assert is_free(port)


def test_a_taken_port_is_told_with_the_option_that_chooses_another(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as somebody, Supervisor(tmp_path) as supervisor:
        port = somebody.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} on 127.0.0.1 is taken .* --broker-port"):
            broker.start(supervisor, port)
        assert supervisor.children == ()


def test_whoever_answers_like_a_broker_is_told_from_whoever_does_not() -> None:
    assert not kafka_serves(LOOPBACK, free_port())
    with socket.create_server((LOOPBACK, 0)) as silent:
        assert not kafka_serves(LOOPBACK, silent.getsockname()[1], timeout=0.1)


def test_a_broker_that_dies_while_it_is_used_is_noticed(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        child = broker.start(supervisor).child
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        with pytest.raises(ChildExited, match="broker ended by itself by SIGKILL"):
            supervisor.check()
