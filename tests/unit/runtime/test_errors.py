"""What is said of errors is short, whatever they say themselves: some hold the whole write that failed."""

import json
import subprocess
import sys

from aiokafka import ConsumerRecord
from pymongo.errors import BulkWriteError

from services.runtime.errors import Fenced, in_short
from services.runtime.health import Health
from services.runtime.kafka.delivery import TRIES, Delivery
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry

WHOLE_WRITE = {"writeErrors": [{"index": 0, "code": 10334, "errmsg": "BSONObj size", "op": {"u": "x" * 100_000}}]}


def test_a_short_error_is_said_whole_and_of_a_long_one_the_beginning() -> None:
    assert in_short(Fenced("somebody newer wrote")) == "Fenced: somebody newer wrote"
    said = in_short(BulkWriteError(WHOLE_WRITE))
    assert said.startswith("BulkWriteError: batch op errors occurred, full error: {'writeErrors'")
    assert "BSONObj size" in said
    assert len(said) < 600


class FailingHandler:
    """A handler whose database says all that was written to it."""

    def __init__(self, health: Health) -> None:
        self.health = health
        self.said: list[str] = []

    async def handle(self, records: object) -> None:
        self.said += (await self.health.not_ready()).values()
        raise BulkWriteError(WHOLE_WRITE)

    async def forget(self) -> None:
        """It holds nothing."""


async def test_readyz_does_not_hold_the_write_that_failed() -> None:
    health = Health()
    handler = FailingHandler(health)
    delivery = Delivery(
        topic="t", group="g", handler=handler, settings=KafkaSettings(), telemetry=Telemetry(), health=health
    )
    record = ConsumerRecord("t", 0, 7, 0, 0, None, b"", None, 0, 0, ())
    await delivery.deliver([record])
    assert len(handler.said) >= TRIES
    assert max(map(len, handler.said)) < 1_000
    assert any("BSONObj size" in said for said in handler.said)


def test_of_a_trace_the_log_holds_the_beginning_of_what_the_error_said() -> None:
    program = (
        "import logging, structlog\n"
        "from services.runtime.logging import configure\n"
        "from services.runtime.settings import LogSettings\n"
        "configure('metrics', LogSettings())\n"
        "for error in (ValueError('x' * 8_000_000), ExceptionGroup('all', [ValueError('y' * 8_000_000)])):\n"
        "    structlog.get_logger().error('failed', exc_info=error)\n"
        "    logging.getLogger('asyncio').error(f'lost {type(error)}', exc_info=error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"].split()[0] for line in lines] == ["failed", "lost"] * 2
    assert max(map(len, done.stderr.splitlines())) < 3_000
    assert lines[0]["exception"][0]["exc_type"] == "ValueError"
    assert lines[0]["exception"][0]["exc_value"] == "x" * 500 + "… (8000000 characters)"
