"""Metrics at full speed: random absolute figures of a year over 32,000 cells, beside its peers on the same broker.

The topic is filled first, then the service starts. Time and CPU are taken between two points within the stream, so that
start-up is not in them. The peers run before and after, over fewer figures, and do no more than write the cell.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import mean

import orjson
from aiokafka import AIOKafkaConsumer
from pymongo import AsyncMongoClient, UpdateOne

from contracts.topics import OBSERVATIONS
from deploy.embedded.stack import Stack
from services.runtime.mongo import DURABLE
from tests.bench.metrics_load import filled, one_kpi, prepared, random_figures
from tests.bench.metrics_service import Figures, Service, Speed, figure
from tests.bench.peers import running
from tests.servers import wanted_broker

EVENTS = 120_000
"""Of 200,000, so that the whole bench takes minutes."""
ONE_KPI_EVENTS = 40_000
QUIX_EVENTS = 40_000
MOTOR_EVENTS = 1_000
FIGURES = (
    "metrics_vs_quix",
    "metrics_vs_motor",
    "metrics_cpu_us",
    "total_cpu_us",
    "one_kpi_share",
    "two_processes_cpu",
    "metrics_raw_limit_cpu_us",
)


def run() -> Figures:
    """The ratios to both peers, CPU an event, what the raw limit is, and where the time goes."""
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        filled(stack, random_figures, EVENTS, prepared(stack))
        quix, motor = [running.quix(stack, "quix-1", QUIX_EVENTS)], [running.motor(stack, "motor-1", MOTOR_EVENTS)]
        service = Service(stack)
        ours = service.speed(EVENTS)
        service.stop()
        quix.append(running.quix(stack, "quix-2", QUIX_EVENTS))
        motor.append(running.motor(stack, "motor-2", MOTOR_EVENTS))
        raw = asyncio.run(_raw(stack))
        broker = stack.broker
    alone, two = _processes(1), _processes(2)
    one = _one_kpi()
    return {
        **_ratios(ours, quix, motor, broker),
        "one_kpi_share": figure(
            round(one.rate / alone.rate, 2),
            "×",
            "≥ 0.7",
            f"{one.rate:,.0f}/s with one KPI, {alone.rate:,.0f}/s with 40 ({ONE_KPI_EVENTS:,} figures each); {broker}",
        ),
        "two_processes_cpu": figure(
            round(two.own_us / alone.own_us, 2),
            "×",
            "≤ 1.15",
            f"{two.own_us:.0f} µs in two, {alone.own_us:.0f} µs in one ({ONE_KPI_EVENTS:,} figures); {broker}",
        ),
        "metrics_raw_limit_cpu_us": figure(
            round(raw, 1), "µs CPU/event", None, "read, decode, write buckets; no logic, nothing published"
        ),
    }


def _ratios(ours: Speed, quix: list[Speed], motor: list[Speed], broker: str) -> Figures:
    stages = ", ".join(f"{name} {us:.1f}" for name, us in sorted(ours.stages.items(), key=lambda one: -one[1]))
    durable = f"{EVENTS:,} random figures over 32,000 cells; {broker}, mongod w=majority j=true"
    quix_rate, motor_rate = mean(one.rate for one in quix), mean(one.rate for one in motor)
    around = ", ".join(f"{one.rate:,.0f}" for one in quix)
    return {
        "metrics_vs_quix": figure(
            round(ours.rate / quix_rate, 2),
            "×",
            "≥ 5",
            f"{ours.rate:,.0f}/s; Quix Streams before and after, {QUIX_EVENTS:,} figures each: {around}/s; {broker}",
        ),
        "metrics_vs_motor": figure(
            round(ours.rate / motor_rate, 1),
            "×",
            "≥ 100",
            f"FastStream + Motor, {MOTOR_EVENTS:,} each: {', '.join(f'{one.rate:,.0f}' for one in motor)}/s; {broker}",
        ),
        "metrics_cpu_us": figure(
            round(ours.own_us, 1), "µs CPU/event", "≤ 30", f"{durable}. Elapsed µs by stage: {stages}"
        ),
        "total_cpu_us": figure(
            round(ours.total_us, 1),
            "µs CPU/event",
            "≤ 45",
            f"Quix Streams: {mean(one.total_us for one in quix):.0f}, itself {mean(one.own_us for one in quix):.0f}",
        ),
    }


def _processes(count: int) -> Speed:
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        filled(stack, random_figures, ONE_KPI_EVENTS, prepared(stack))
        return Service(stack, count).speed(ONE_KPI_EVENTS)


def _one_kpi() -> Speed:
    with tempfile.TemporaryDirectory() as folder, Stack.started(Path(folder), broker=wanted_broker()) as stack:
        filled(stack, one_kpi, ONE_KPI_EVENTS, prepared(stack))
        return Service(stack).speed(ONE_KPI_EVENTS)


async def _raw(stack: Stack, batch: int = 8_000) -> float:
    """µs of CPU an event for reading and decoding what is on the topic and setting its fields in month documents."""
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(stack.mongo_uri)
    buckets = client["bench_raw"].get_collection("buckets", write_concern=DURABLE)
    consumer = AIOKafkaConsumer(
        OBSERVATIONS.name, bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    done, began = 0, time.process_time()
    async with client:
        while done < EVENTS:
            fetched = await consumer.getmany(timeout_ms=200, max_records=batch)
            sets: dict[str, dict[str, object]] = {}
            for records in fetched.values():
                for record in records:
                    said = orjson.loads(record.value)
                    day, unit = said["as_of"], said["org_unit"].replace(".", "%2E")
                    cell = sets.setdefault(f"{said['kpi']}/{day[:7]}/{hash(unit) % 8}", {})
                    cell[f"units.{unit}.{day[8:]}"] = [int(said["numerator"]), int(said["denominator"])]
                done += len(records)
            if sets:
                writes = [UpdateOne({"_id": key}, {"$set": fields}, upsert=True) for key, fields in sets.items()]
                await buckets.bulk_write(writes, ordered=False)
    await consumer.stop()
    return (time.process_time() - began) / done * 1e6
