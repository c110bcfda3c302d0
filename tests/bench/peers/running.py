"""Running a peer on the stack of a bench, and reading from its output how fast it is."""

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from contracts.topics import OBSERVATIONS
from deploy.embedded.stack import Stack
from tests.bench.metrics_service import Speed, cpu_of_servers

PEERS = Path(__file__).parent
QUIX_PYTHON = Path("build") / "peers" / "bin" / "python"
"""Made by `make bench` from locks/peers.lock."""

DEADLINE_S = 240.0


def quix(stack: Stack, group: str, count: int, topic: str = OBSERVATIONS.name) -> Speed:
    """Quix Streams and its MongoDB sink over so many figures. Raises FileNotFoundError where it is not installed."""
    if not QUIX_PYTHON.exists():
        raise FileNotFoundError(f"{QUIX_PYTHON} is not there: `make bench` sets the peers up")
    return _run([str(QUIX_PYTHON), "-W", "ignore", str(PEERS / "quix_sink.py")], stack, group, count, topic)


def motor(stack: Stack, group: str, count: int) -> Speed:
    """FastStream and Motor, a message at a time, over so many figures."""
    return _run([sys.executable, str(PEERS / "motor_single.py")], stack, group, count)


def _run(command: Sequence[str], stack: Stack, group: str, count: int, *more: str) -> Speed:
    """Between the first line and the one that completes `count`."""
    mongo = urlsplit(stack.mongo_uri).netloc
    process = subprocess.Popen([*command, stack.bootstrap, mongo, group, *more], stdout=subprocess.PIPE, text=True)
    late = threading.Timer(DEADLINE_S, process.kill)
    late.start()
    assert process.stdout is not None
    first: tuple[float, float, float, float] | None = None
    try:
        for line in process.stdout:
            if not line.startswith("@ "):
                continue
            done, at, own = (float(word) for word in line.split()[1:])
            seen = done, at, own, cpu_of_servers(stack)
            if first is None:
                first = seen
            elif done >= count:
                events = done - first[0]
                return Speed(
                    events / (at - first[1]), (own - first[2]) / events * 1e6, (seen[3] - first[3]) / events * 1e6
                )
        raise TimeoutError(f"{command[-1]} ended or took more than {DEADLINE_S:g} s for {count} figures")
    finally:
        late.cancel()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            psutil.Process(process.pid).kill()
            process.wait()
