"""Metrics as a process (or several) on a stack: how far it has come, and what it costs."""

import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from tests.bench.metrics_load import NOW

DEADLINE_S = 240.0
POLL_S = 0.1
SETTINGS = {"TIENDO_CLOCK": f"from:{NOW.isoformat()}", "TIENDO_KAFKA_MAX_RECORDS": "8000"}

Figures = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Speed:
    """Events a second; µs of CPU an event of the process itself, and of database and broker; µs an event by stage."""

    rate: float
    own_us: float
    servers_us: float
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def total_us(self) -> float:
        """CPU an event, all together."""
        return self.own_us + self.servers_us


class Service:
    """Processes of metrics in one consumer group."""

    def __init__(self, stack: Stack, processes: int = 1, settings: Mapping[str, str] = SETTINGS) -> None:
        self._stack = stack
        self.systems = [System(stack, settings, names=["metrics"]) for _ in range(processes)]
        self.processes = [psutil.Process(system.launch("metrics").pid) for system in self.systems]

    def stop(self) -> None:
        """End the processes and wait for them."""
        for process in self.processes:
            process.terminate()
        psutil.wait_procs(self.processes, timeout=20)

    def ready(self, seconds: float = 60.0) -> None:
        """Wait until each is ready."""
        for system in self.systems:
            system.wait_ready(seconds)

    def settled(self, quiet_s: float = 1.5) -> None:
        """Wait until nothing more is judged: no progress was published for a while."""
        said, since = self._published(), time.monotonic()
        while time.monotonic() - since < quiet_s:
            time.sleep(POLL_S)
            now = self._published()
            if now != said:
                said, since = now, time.monotonic()

    def consumed(self) -> float:
        """Observations that were folded, written and published."""
        return sum(value for name, value in self._samples() if name.startswith("tiendo_consumed_total"))

    def speed(self, until: float, since: float = 0.1) -> Speed:
        """Measured from when the share `since` of the observations is consumed until all are."""
        started: tuple[float, float, float, float] | None = None
        before: dict[str, float] = {}
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            done = self.consumed()
            seen = done, time.monotonic(), cpu_of(self.processes), cpu_of_servers(self._stack)
            if started is None and done >= until * since:
                started, before = seen, self._stages()
            if started is not None and done >= until:
                events = done - started[0]
                stages = {name: (s - before.get(name, 0.0)) / events * 1e6 for name, s in self._stages().items()}
                own, servers = seen[2] - started[2], seen[3] - started[3]
                return Speed(events / (seen[1] - started[1]), own / events * 1e6, servers / events * 1e6, stages)
            time.sleep(POLL_S)
        raise TimeoutError(f"metrics had consumed {self.consumed():g} of {until:g} figures after {DEADLINE_S:g} s")

    def _published(self) -> float:
        return sum(value for name, value in self._samples() if name.startswith("tiendo_metrics_judged_total"))

    def _stages(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, value in self._samples():
            if name.startswith("tiendo_metrics_stage_seconds_sum"):
                stage = name.split('"')[1]
                found[stage] = found.get(stage, 0.0) + value
        return found

    def _samples(self) -> list[tuple[str, float]]:
        found = []
        for system in self.systems:
            try:
                with urllib.request.urlopen(system.url("metrics", "/metrics"), timeout=20) as answer:
                    lines = answer.read().decode().splitlines()
            except OSError:
                continue  # not up yet
            found += [(line.rpartition(" ")[0], float(line.rpartition(" ")[2])) for line in lines if line[:1] != "#"]
        return found


def cpu_of(processes: list[psutil.Process]) -> float:
    """Seconds of CPU of the processes and of what they started."""
    everything = [one for process in processes for one in (process, *process.children(recursive=True))]
    return float(sum(sum(one.cpu_times()[:2]) for one in everything))


def cpu_of_servers(stack: Stack) -> float:
    """Seconds of CPU of database and broker."""
    servers = ("mongod", "broker", "kafka")
    return cpu_of([psutil.Process(child.pid) for child in stack.supervisor.children if child.name in servers])


def figure(value: float, unit: str, goal: str | None, compared: str) -> Mapping[str, Any]:
    """One row of the table."""
    return {"value": value, "unit": unit, "goal": goal, "compared_with": compared}
