"""Metrics as a process: from observations on the topic to durable state and published progress, at full speed.

The topic is filled first, then the service starts. Time and CPU are taken between two points within the stream, so that
start-up is not in them. Two loads: random absolute figures over 40 KPIs × 800 units, and a live day of increments.
"""

import asyncio
import hashlib
import random
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psutil

from contracts import envelope
from contracts.catalog import Baseline, CalendarSpec, CatalogObject, Kpi, OrgUnit, Parent, Province, Target
from contracts.topics import OBSERVATIONS, TOPICS
from deploy.embedded.stack import Stack
from deploy.embedded.system import System
from services.runtime.catalog import stream
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.kafka.topics import make_topics
from services.runtime.settings import KafkaSettings
from services.runtime.telemetry import Telemetry
from tests.servers import wanted_broker

KPIS, COMMUNES, DISTRICTS = 40, 791, 8
EVENTS = 200_000
LIVE_EVENTS = 200_000
BATCH = 5_000
NOW = datetime(2023, 12, 1, 2, tzinfo=UTC)
DEADLINE_S = 240.0
SETTINGS = {"TIENDO_CLOCK": f"from:{NOW.isoformat()}", "TIENDO_KAFKA_MAX_RECORDS": "8000"}

Figures = Mapping[str, Mapping[str, Any]]


def run() -> Figures:
    """Events a second and CPU an event, of metrics alone and with database and broker."""
    figures: dict[str, Mapping[str, Any]] = {}
    loads = (
        ("metrics", random_figures, EVENTS, "random figures of a year over 32,000 cells"),
        ("live_day", live_day, LIVE_EVENTS, "increments of one day over 800 units"),
    )
    for name, load, count, what in loads:
        with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
            asyncio.run(_prepare(stack, load(), count))
            system = System(stack, SETTINGS, names=["metrics"])
            rate, own, others = _measure(stack, system, count)
            compared = f"{what}; {stack.broker}, mongod w=majority j=true"
        figures[f"{name}_events_s"] = _figure(round(rate), "events/s", None, compared)
        figures[f"{name}_cpu_us"] = _figure(round(own, 1), "µs CPU/event", "≤ 30", compared)
        figures[f"{name}_total_cpu_us"] = _figure(round(own + others, 1), "µs CPU/event", "≤ 45", compared)
    return figures


def _figure(value: float, unit: str, goal: str | None, compared: str) -> Mapping[str, Any]:
    return {"value": value, "unit": unit, "goal": goal, "compared_with": compared}


def catalog() -> list[CatalogObject]:
    """A province of 8 districts and 791 communes; 40 shares, each with a target for every commune and the province."""
    objects: list[CatalogObject] = [
        Province(id="b", name_vi="Tỉnh đo"),
        CalendarSpec(id="administrative", name_vi="Hành chính", month_starts_on=15),
        OrgUnit(id="b", name="b", level="province"),
    ]
    objects += [OrgUnit(id=f"b.{d}", name="h", level="district", parents=(Parent(unit="b"),)) for d in range(DISTRICTS)]
    objects += [OrgUnit(id=unit, name="x", level="commune", parents=(Parent(unit=unit[:3]),)) for unit in communes()]
    for number in range(KPIS):
        kpi = f"k{number}"
        objects.append(
            Kpi(
                id=kpi, kind="ratio", name_vi=kpi, name_en=kpi, unit_of_measure="percent", pillar="x", decimals=0,
                levels=("commune", "district", "province"), modes=("absolute", "increment"),
            )
        )  # fmt: skip
        for scope in ({"level": "commune"}, {"unit": "b"}):
            where = next(iter(scope.values()))
            objects.append(
                Target(id=f"{kpi}.{where}", kpi=kpi, value=92, baseline=Baseline(value=40), period="2023", **scope)  # type: ignore[arg-type]
            )
    return objects


def communes() -> list[str]:
    return [f"b.{number % DISTRICTS}.{number}" for number in range(COMMUNES)]


def random_figures() -> Iterator[dict[str, Any]]:
    """Absolute figures of any day of the administrative year 2023 up to today, in no order."""
    chance, units = random.Random(1), [*communes(), *[f"b.{d}" for d in range(DISTRICTS)], "b"]
    first = date(2022, 12, 15)
    while True:
        whole = chance.randint(50, 900)
        yield {
            "kpi": f"k{chance.randrange(KPIS)}",
            "org_unit": units[chance.randrange(COMMUNES)] if chance.random() < 0.99 else chance.choice(units),
            "as_of": (first + timedelta(days=chance.randrange(350))).isoformat(),
            "mode": "absolute",
            "numerator": str(chance.randint(0, whole)),
            "denominator": str(whole),
        }


def live_day() -> Iterator[dict[str, Any]]:
    """Increments on today's cells of one KPI after another, as desks send them."""
    chance, units = random.Random(2), communes()
    while True:
        yield {
            "kpi": f"k{chance.randrange(KPIS)}",
            "org_unit": units[chance.randrange(COMMUNES)],
            "as_of": "2023-11-30",
            "mode": "increment",
            "numerator": str(chance.randint(0, 3)),
            "denominator": "3",
        }


async def _prepare(stack: Stack, load: Iterator[dict[str, Any]], count: int) -> None:
    settings = KafkaSettings(bootstrap=stack.bootstrap, enable_idempotence=stack.broker == "kafka")
    await make_topics(settings, TOPICS)
    applied = await stream.apply(settings.connection(), "b", catalog(), now=NOW)
    producer = BatchProducer(settings, Telemetry())
    await producer.start()
    for first in range(0, count, BATCH):
        batch = [_outgoing(number, next(load), applied.version) for number in range(first, min(first + BATCH, count))]
        await producer.publish(OBSERVATIONS.name, batch)
    await producer.stop()


def _outgoing(number: int, figure: dict[str, Any], version: str) -> Outgoing:
    identity = hashlib.sha256(str(number).encode()).hexdigest()[:32]
    content = {
        "observation_id": identity,
        "province": "b",
        **figure,
        "period": "2023",
        "unit_of_measure": "percent",
        "status": "actual",
        "revision": 1,
        "retracts": False,
        "source": "urn:bench:system",
        "source_id": identity,
        "publisher": "bench",
        "raw": {"log": "bench", "topic": "statistics.reported.v1", "partition": number % 12, "offset": number // 12},
        "reported_at": (NOW + timedelta(milliseconds=number)).isoformat().replace("+00:00", "Z"),
        "received_at": NOW.isoformat().replace("+00:00", "Z"),
        "catalog_version": version,
        "flags": [],
    }
    headers = envelope.write(
        id=identity,
        source="urn:tiendo:ingest",
        type=next(iter(OBSERVATIONS.payloads)),
        time=NOW,
        subject=identity,
        extensions={"businesstime": NOW.isoformat(), "traceparent": f"00-{number:032x}-{number + 1:016x}-01"},
    )
    return Outgoing(f"b/{figure['kpi']}".encode(), orjson.dumps(content), headers)


def _measure(stack: Stack, system: System, count: int) -> tuple[float, float, float]:
    """Events a second; µs of CPU an event of metrics, and of database and broker."""
    service = psutil.Process(system.launch("metrics").pid)
    servers = [
        psutil.Process(child.pid) for child in stack.supervisor.children if child.name in ("mongod", "broker", "kafka")
    ]
    started: tuple[float, float, float, float] | None = None
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        done = _consumed(system)
        seen = done, time.monotonic(), _cpu([service]), _cpu(servers)
        if done >= count * 0.1 and started is None:
            started = seen
        if done >= count and started is not None:
            events = done - started[0]
            own, others = seen[2] - started[2], seen[3] - started[3]
            return events / (seen[1] - started[1]), own / events * 1e6, others / events * 1e6
        time.sleep(0.05)
    raise TimeoutError(f"metrics had consumed {_consumed(system):g} of {count} observations after {DEADLINE_S:g} s")


def _cpu(processes: list[psutil.Process]) -> float:
    """Seconds of CPU of the processes and of what they started."""
    everything = [one for process in processes for one in (process, *process.children(recursive=True))]
    return float(sum(sum(one.cpu_times()[:2]) for one in everything))


def _consumed(system: System) -> float:
    try:
        with urllib.request.urlopen(system.url("metrics", "/metrics"), timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return 0.0
    lines = [line for line in text.splitlines() if line.startswith("tiendo_consumed_total")]
    return sum(float(line.split()[-1]) for line in lines)
